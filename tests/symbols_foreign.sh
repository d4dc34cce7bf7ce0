#!/bin/sh
# SPDX-License-Identifier: Apache-2.0
# test: timeout 300
# shellcheck disable=SC2016,SC2317 # awk has its own $; functions are called through check
#
# What symbols/ reads from stripped Go programs that others built, in TAP: they are stopped with
# SIGQUIT, and the stacks that their own runtime prints then must be what places prints for the same
# addresses.  Programs whose package cannot be had are skipped.
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
	fi
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
	fi
}

esbuild @esbuild/linux-x64 0.28.2 go1.26.5
esbuild esbuild-linux-64 0.14.0 go1.17.2
fzf
echo "1..$n"
finish
