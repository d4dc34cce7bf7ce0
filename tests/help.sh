#!/bin/sh
# SPDX-License-Identifier: Apache-2.0
# Help, manual pages, completion and the examples in the pages agree with the program.
set -u
fails=0

fail() {
	echo "FAIL: $*"
	fails=$((fails + 1))
}

# Long options as --help prints them, one a line.
help_options() {
	"$ST" ${1:+"$1"} --help | grep -oE '(^|[ ,])--[a-z][a-z-]*' | tr -d ' ,' |
		grep -vxE -- '--(usage|version|help)' | sort -u
}

# Long options that a page names in its text, mdoc source: Fl Fl NAME.
page_options() {
	grep -oE 'Fl Fl [a-z][a-z-]*' "$TOP/man/$1" | sed 's/Fl Fl /--/' |
		grep -vxE -- '--(usage|version|help)' | sort -u
}

for c in $("$ST" --list-commands); do
	[ -f "$TOP/man/stacktrace-$c.1" ] || continue # those that stacktrace(1) describes
	page=stacktrace-$c.1
	help_options "$c" >help.txt
	page_options "$page" >page.txt
	[ -s help.txt ] || fail "'$c --help' lists no options"
	diff help.txt page.txt >diff.txt || {
		fail "$c: options in --help (<) and in $page (>) differ:"
		cat diff.txt
	}
	# The synopsis names every option too, record's and run's in full.
	while read -r o; do
		short=$("$ST" "$c" --help | sed -n "s/^ *-\([a-zA-Z]\), $o.*/\1/p" | head -n 1)
		sed -n '/^\.Sh SYNOPSIS/,/^\.Sh DESC/p' "$TOP/man/$page" >synopsis.txt
		grep -qE "Fl Fl ${o#--}( |$)" synopsis.txt && continue
		[ -n "$short" ] && grep -qE "Fl [a-z]*$short" synopsis.txt && continue
		fail "$page: SYNOPSIS lacks $o"
	done <help.txt
done

# Every command is in --help, in stacktrace(1) and has an answer to --help.
for c in $("$ST" --list-commands); do
	"$ST" --help | grep -qE "^  $c " || fail "--help does not list $c"
	grep -qE "^\.It Ic $c" "$TOP/man/stacktrace.1" || fail "stacktrace.1 does not list $c"
	"$ST" "$c" --help | grep -q "Usage: stacktrace $c" || fail "'$c --help' has no usage line"
	twice=$("$ST" "$c" --help | grep -E '^ [A-Z].*:$' | sort | uniq -d)
	[ -z "$twice" ] || fail "'$c --help' has the heading '$twice' more than once"
	"$ST" "$c" -h >h.txt
	"$ST" "$c" --help | cmp -s - h.txt || fail "$c: -h is not --help"
done

# Formats in --help are those of the page.
"$ST" report --help | sed -n '/^Formats:/,$s/^  \([a-z]*\)  *.*/\1/p' | sort >formats.txt
[ -s formats.txt ] || fail "'report --help' lists no formats"
while read -r f; do
	grep -qE "^\.(Ss|It) .*\b$f\b" "$TOP/man/stacktrace-run.1" ||
		fail "stacktrace-run.1, OUTPUT, does not describe the format $f"
done <formats.txt

# Completion knows the commands and a command's options.
if command -v bash >/dev/null; then
	got=$(PATH="$(dirname "$ST"):$PATH" bash -c '
		. "$1"
		COMP_WORDS=(stacktrace re) COMP_CWORD=1; _stacktrace; echo "${COMPREPLY[*]}"
		COMP_WORDS=(stacktrace run --sw) COMP_CWORD=2; _stacktrace; echo "${COMPREPLY[*]}"
		COMP_WORDS=(stacktrace report -f fo) COMP_CWORD=3; _stacktrace; echo "${COMPREPLY[*]}"
		COMP_WORDS=(stacktrace diff --by to) COMP_CWORD=3; _stacktrace; echo "${COMPREPLY[*]}"
		COMP_WORDS=(stacktrace report --sort grow) COMP_CWORD=3; _stacktrace; echo "${COMPREPLY[*]}"
		' - "$TOP/completion/stacktrace.bash")
	[ "$got" = "record report
--switches
folded
total
growths" ] || fail "completion gave: $got"
else
	echo "no bash: completion not tried"
fi

# The examples of the pages run, with a sample as the server.
server=$O/samples/c/recurse
[ -x "$server" ] || { echo "no sample '$server' to run the examples with"; exit 1; }
cp "$server" ./server
cat "$TOP/tests/data/lines/both-1.22.txt" >app.log
printf '#!/bin/sh\ncat\n' >flamegraph.pl
printf '#!/bin/sh\ncat >/dev/null\n' >no-jq
chmod +x flamegraph.pl no-jq
command -v jq >/dev/null || cp no-jq jq
PATH=$PWD:$(dirname "$ST"):$PATH
export PATH
run=0
for name in '' -run -record -report -diff -merge -info -dump -probe -doctor -gc -sched -diagnose; do
	page=stacktrace$name.1
	sed -n '/^\.Sh EXAMPLES/,/^\.Sh [^E]/s/^\(\.Dl \)\{0,1\}\$ //p' "$TOP/man/$page" |
		sed 's/^sudo //' >examples.txt
	[ -s examples.txt ] || fail "$page has no examples"
	while read -r line; do
		run=$((run + 1))
		sh -c "set -e; $line" >out.txt 2>&1 || {
			fail "$page: example '$line' failed:"
			cat out.txt
		}
	done <examples.txt
done
echo "$run examples run"
[ "$fails" = 0 ]
