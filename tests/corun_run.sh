#!/bin/sh
# SPDX-License-Identifier: Apache-2.0
# test: timeout 180
# The main job on corun programs: probes, the program's own ring, the runtime's counters and the program's own arithmetic
# say the same, to the last one.
set -u
. "$TOP/tests/lib.sh"

sources=ring
if "$ST" run -q --source=bpf -o /dev/null -- "$O/samples/c/recurse" 1 >/dev/null 2>why.txt; then
	sources="ring bpf"
else
	echo "bpf source not tried: $(head -n 1 why.txt)"
fi

own() { # NAME
	sed -n "s/^$1 //p" own.txt
}

# What both sources and the runtime can count.  Bytes in use are compared with the runtime's own of the same run: tops of
# stacks are coloured by their addresses, which differ from run to run.
essence() { # JSON
	for k in coroutines coroutines_born coroutines_ended growths shrinks allocated_bytes lost; do
		echo "$k $(json "$1" .summary.$k)"
	done
	# Times differ, and the order goes by time.
	json "$1" '.growth[]' | sed 's/"ns":[0-9]*//; s/"bytes_copied":[0-9]*//' | sort
}

check() { # SOURCE SAMPLE ARG...
	source=$1 sample=$2
	shift 2
	what="$source $sample $*"
	run_ok "$ST" run -q --source="$source" -f json -o "$source.json" -- "$O/samples/c/$sample" -v "$@"
	mv out.txt own.txt
	[ -s err.txt ] && fail "$what: on standard error: $(cat err.txt)"
	equal "$what: source" "$source" "$(json "$source.json" .summary.source)"
	equal "$what: runtime" corun "$(json "$source.json" .summary.runtime)"
	equal "$what: lost" 0 "$(json "$source.json" .summary.lost)"
	equal "$what: coroutines, the program's" "$(own coroutines)" "$(json "$source.json" .summary.coroutines)"
	equal "$what: growths, the program's" "$(own growths)" "$(json "$source.json" .summary.growths)"
	equal "$what: shrinks, the runtime's" "$(own runtime.shrinks)" "$(json "$source.json" .summary.shrinks)"
	[ -z "$(own shrinks)" ] || equal "$what: shrinks, the program's" "$(own shrinks)" "$(json "$source.json" .summary.shrinks)"
	collections=$(own runtime.collections)
	equal "$what: collections, the runtime's" "${collections:-0}" "$(json "$source.json" .switching.collections)"
	equal "$what: coroutines, the runtime's" "$(own runtime.coroutines)" "$(json "$source.json" .summary.coroutines)"
	equal "$what: ended, the runtime's" "$(own runtime.ended)" "$(json "$source.json" .summary.coroutines_ended)"
	equal "$what: growths, the runtime's" "$(own runtime.growths)" "$(json "$source.json" .summary.growths)"
	equal "$what: bytes copied, the runtime's" "$(own runtime.bytes_copied)" "$(json "$source.json" .summary.bytes_copied)"
	essence "$source.json" >"$source.essence"
	"$ST" run -q --source="$source" -f folded -o "$source.folded" -- "$O/samples/c/$sample" "$@" || fail "$what: folded"
	equal "$what: growths in the call chains" "$(own growths)" "$(awk '{ n += $NF } END { print n + 0 }' "$source.folded")"
	sort -o "$source.folded" "$source.folded"
}

both() { # SAMPLE ARG...
	for s in $sources; do
		check "$s" "$@"
	done
	[ "$sources" = ring ] && return
	cmp -s ring.essence bpf.essence || {
		fail "$*: ring (<) and bpf (>) differ:"
		diff ring.essence bpf.essence
	}
	cmp -s ring.folded bpf.folded || {
		fail "$*: call chains of ring (<) and bpf (>) differ:"
		diff ring.folded bpf.folded | head
	}
	echo "subtest $*: $(json bpf.json .summary.growths) growths, $(json bpf.json .summary.coroutines) coroutines agree"
}

both recurse 200 64
both recurse 3 1024
both swarm 20000
both pipeline
both collect 100 300 8
at_least 'collect: shrinks' 100 "$(json ring.json .summary.shrinks)"
both storm 4 1000 100
both ticks 5 5
both tcpecho 20 5
# A limit on the frames holds for both, and what is cut says so.
for s in $sources; do
	"$ST" run -q --source="$s" --max-stack=8 -f folded -o "$s.cut" -- "$O/samples/c/recurse" 3 64 || fail "$s: --max-stack=8"
	matches "$s: --max-stack=8" '^go@[^;]*;\[truncated\];(deep;){7}deep 9$' "$s.cut"
	"$ST" run -q --source="$s" --max-stack=0 -f json -o "$s.json" -- "$O/samples/c/recurse" 3 64 || fail "$s: --max-stack=0"
	equal "$s: --max-stack=0: growths" 9 "$(json "$s.json" .summary.growths)"
	equal "$s: --max-stack=0: leaf" '[unknown]' "$(json "$s.json" '.growth[].leaf' | sort -u)"
done

# Without privilege the ring serves, and one line says so.
if [ "$(id -u)" = 0 ] && command -v setpriv >/dev/null; then
	chmod 755 .
	cp "$ST" st && cp "$O/samples/c/recurse" prog
	run setpriv --reuid=65534 --regid=65534 --clear-groups ./st run -f json -o - -- ./prog 10 16
	equal "unprivileged: status" 0 "$status"
	equal "unprivileged: source" ring "$(json out.txt .summary.source)"
	equal "unprivileged: lines on standard error" 1 "$(wc -l <err.txt)"
	matches "unprivileged" "using the program's own ring: " err.txt
	run setpriv --reuid=65534 --regid=65534 --clear-groups ./st run --source=bpf -- ./prog 10 16
	equal "unprivileged bpf: status" 125 "$status"
	matches "unprivileged bpf" 'hint: .*(root|cap_bpf)' err.txt
fi
finish
