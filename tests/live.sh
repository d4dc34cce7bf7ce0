#!/bin/sh
# SPDX-License-Identifier: Apache-2.0
# run -t prints each event as it happens, beside the report; help shows the pages.
set -u
. "$TOP/tests/lib.sh"

sources=ring
"$ST" run -q --source=bpf -o /dev/null -- "$O/samples/c/recurse" 1 >/dev/null 2>why.txt && sources="ring bpf"
[ "$sources" = ring ] && echo "bpf source not tried: $(head -n 1 why.txt)"
"$O/bin/corun-cc" -O1 -o fate "$TOP/tests/data/fate.c" || fail "cannot build fate.c"

for s in $sources; do
	run_ok "$ST" run -q -t --source="$s" -f json -o out.json -- "$O/samples/c/recurse" 50 64
	equal "$s: growth lines" "$(json out.json .summary.growths)" \
		"$(grep -cE '^ +[0-9]+\.[0-9]{6} g[0-9]+ stack growth: gp=0x[0-9a-f]+, old=[0-9]+, new=[0-9]+, .* in deep recurse.c:[0-9]+, created at ' err.txt)"
	equal "$s: birth lines" "$(json out.json .summary.coroutines)" "$(grep -c ' born: ' err.txt)"
	equal "$s: end lines" "$(json out.json .summary.coroutines_ended)" "$(grep -c ' end: ' err.txt)"

	# As it happens: the lines are there while the program runs.
	"$ST" run -q -t --source="$s" -o report.txt -- ./fate signal >ready.txt 2>lines.txt &
	tool=$!
	for _ in $(seq 100); do
		[ "$(grep -c 'stack growth' lines.txt)" -ge 20 ] && break
		sleep 0.1
	done
	kill -0 $tool 2>/dev/null || fail "$s: the program ended too early"
	at_least "$s: lines while the program runs" 20 "$(grep -c 'stack growth' lines.txt)"
	kill -TERM $tool
	wait $tool
	equal "$s: status" 7 $?
	matches "$s: report" ' growths ' report.txt
done

# The manual: every command has a page, where man finds the pages.
if command -v man >/dev/null; then
	mkdir -p man/man1 && cp "$TOP"/man/*.1 man/man1/
	for c in $("$ST" --list-commands); do
		MANPATH=$T/man MANPAGER=cat run "$ST" help "$c"
		equal "help $c: status" 0 "$status"
		grep -qi "stacktrace" out.txt || fail "help $c: no page"
	done
	mkdir empty
	MANPATH=$T/empty run "$ST" help run
	equal "help without pages: status" 1 "$status"
	matches "help without pages" "hint: .*stacktrace run --help" err.txt
else
	echo "no man: help not tried"
fi
finish
