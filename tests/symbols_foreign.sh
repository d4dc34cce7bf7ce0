#!/bin/sh
# SPDX-License-Identifier: Apache-2.0
# test: timeout 300
# shellcheck disable=SC2016,SC2317 # awk has its own $; functions are called through check
#
# Stripped Go programs that others built, in TAP: they are stopped with SIGQUIT, and the stacks that
# their own runtime prints then must be what places prints for the same addresses; and what they
# write is the same, byte for byte, with all probes in them.  Programs whose package cannot be had are
# skipped.
set -u
. "$TOP/tests/lib.sh"
n=0

result() { # NAME: check.txt has what is wrong
	n=$((n + 1))
	if [ -s check.txt ]; then
		echo "not ok $n $1"
		head -n 20 check.txt | sed 's/^/# /'
		fails=$((fails + 1))
	else
		echo "ok $n $1"
	fi
}

# The frames of a traceback as "FUNCTION OFFSET|PLACE, PLACE...", one a physical frame, innermost
# place first.  Inlined frames have "(...)" for arguments and no offset.  Frames in assembly are left
# out: the innermost of a goroutine has a pc, not a return address, and only they do here.
traceback() { # FILE
	awk '
		/^goroutine / || /^$/ { chain = name = ""; next }
		/^created by/ { name = ""; next }
		/^\t/ {
			if (name == "")
				next
			chain = chain (chain == "" ? "" : ", ") name " " $1
			if (!inlined && match($0, /\+0x[0-9a-f]+/) && $1 !~ /\.s:/)
				print name " " substr($0, RSTART + 3, RLENGTH - 3) "|" chain
			if (!inlined)
				chain = ""
			name = ""
			next
		}
		{
			name = $0
			inlined = sub(/\(\.\.\.\)$/, "", name)
			if (!inlined && !sub(/\([^()]*\)$/, "", name))
				name = ""
		}' "$1" | sort -u
}

# Compares with places; frames of generic functions are left out, as one name has many instances.
compare() { # PROGRAM
	traceback trace.txt | grep -v '\[\.\.\.\]' >frames.txt
	cut -d' ' -f1 frames.txt | sort -u | while read -r f; do places "$1" function "$f"; done >functions.txt
	while IFS='|' read -r where chain; do
		start=$(awk -v f="${where% *}" '$3 == f { print $1 }' functions.txt)
		printf '%x\n' $((0x${start:-0} + 0x${where#* } - 1)) >>addresses.txt
		printf '%s\n' "$chain" >>want.txt
	done <frames.txt
	places "$1" at - <addresses.txt | awk '{
		sub(/^[^ ]* /, "")
		inlined = sub(/ inlined$/, "")
		chain = chain (chain == "" ? "" : ", ") $0
		if (!inlined) { print chain; chain = "" }
	}' >got.txt
	diff want.txt got.txt
	[ "$(wc -l <want.txt)" -ge 5 ] || {
		echo "only these frames:"
		cat frames.txt trace.txt
	}
}

stacks() { # NAME PROGRAM [ARGUMENT...]: of a program that waits for its standard input
	name=$1 program=$2
	shift
	rm -f addresses.txt want.txt
	sleep 3 | GOTRACEBACK=all timeout -s QUIT 1 "$@" >/dev/null 2>trace.txt
	compare "$program" >check.txt 2>&1
	result "$name: stacks"
	for f in newstack copystack gogo newproc1 goexit1 gopark; do
		places "$program" function "runtime.$f"
	done | grep '?' >check.txt
	result "$name: runtime functions"
}

version() { # NAME PROGRAM VERSION
	places "$2" info >info.txt 2>&1
	: >check.txt
	grep -q "^version: $3\$" info.txt || cp info.txt check.txt
	result "$1: version"
}

skipped() { # NAME REASON
	n=$((n + 1))
	echo "ok $n $1 # SKIP $2"
}

# Runs a program plainly and under probes, with the same input, and compares all that comes out.
traced() { # NAME VERSION PROGRAM [ARGUMENT...]: input in in.txt
	name=$1 version=$2
	shift 2
	if [ -z "$can_trace" ]; then
		skipped "$name: traced" "needs BPF: $(head -n 1 why.txt)"
		return
	fi
	timeout 60 "$@" <in.txt >want.out 2>want.err
	want=$?
	for options in '' '--switches --locks --blocked=1 --newstack --count=stackalloc,stackfree --max-overhead=100'; do
		# shellcheck disable=SC2086 # none or several options
		timeout 100 "$ST" run -q --source=bpf $options -f json -o traced.json -- "$@" <in.txt >got.out 2>got.err
		got=$?
		[ $got = $want ] || echo "status $got, not $want, $options"
		cmp want.out got.out 2>&1
		cmp want.err got.err 2>&1
		equal "version" "$version" "$(json traced.json .summary.version | sed 's/go1[.]19.*/go1.19/')"
		equal "lost, $options" 0 "$(json traced.json .summary.lost)"
		at_least "growths, $options" 1 "$(json traced.json .summary.growths)"
		equal "names that are none" "" "$(json traced.json '.growth[].creator' '.growth[].leaf' | grep -v '^[A-Za-z_][^[:cntrl:]]*$' | head -n 3)"
	done >check.txt 2>&1
	result "$name: traced"
}

# Go by version: no build info and no start of the text in the table; the layout of 1.16.
esbuild() { # PACKAGE VERSION GO
	if ! command -v npm >/dev/null; then
		skipped "esbuild $2" "needs npm"
	elif ! timeout 60 npm pack --silent "$1@$2" >npm.txt 2>&1; then
		skipped "esbuild $2" "npm cannot get $1: $(tail -n 1 npm.txt)"
	else
		tar xzf "$(tail -n 1 npm.txt)"
		mv package/bin/esbuild "esbuild-$2"
		version "esbuild $2" "./esbuild-$2" "$3"
		stacks "esbuild $2" "./esbuild-$2"
		bundle
		traced "esbuild $2" "$3" "./esbuild-$2" --bundle --minify --log-limit=3 bundle/0.js
	fi
}

# 200 modules, of functions inside of functions, each of which imports the next.
bundle() {
	[ -d bundle ] && return
	mkdir bundle
	awk 'BEGIN { for (i = 0; i < 200; i++) {
		f = "bundle/" i ".js"
		if (i < 199) printf "import { f%d } from \"./%d.js\"\n", i + 1, i + 1 >f
		printf "export function f%d(a) { return ", i >f
		for (k = 0; k < 60; k++) printf "(b%d => [a, b%d, ", k, k >f
		printf "%s", i < 199 ? "f" i + 1 "(a)" : "a" >f
		for (k = 0; k < 60; k++) printf "])" >f
		print "}" >f
		if (!i) print "console.log(f0(1))" >f
		close(f)
	} }'
	: >in.txt
}

# Linked by gcc, so that startup code of C comes before Go's text.
fzf() {
	if ! command -v apt-get >/dev/null; then
		skipped fzf "needs apt-get"
	elif ! timeout 60 apt-get -q download fzf >apt.txt 2>&1; then
		skipped fzf "apt-get cannot get it: $(tail -n 1 apt.txt)"
	else
		dpkg-deb -x fzf_*.deb fzf
		version fzf fzf/usr/bin/fzf 'go1[.].*'
		stacks fzf fzf/usr/bin/fzf --filter x
		seq 200000 >in.txt
		traced fzf go1.19 fzf/usr/bin/fzf --filter 7711
	fi
}

can_trace=
"$ST" run -q --source=bpf -o /dev/null -- "$O/samples/c/recurse" 1 >/dev/null 2>why.txt && can_trace=y
esbuild @esbuild/linux-x64 0.28.2 go1.26.5
esbuild esbuild-linux-64 0.14.0 go1.17.2
fzf
echo "1..$n"
finish
