#!/bin/sh
# SPDX-License-Identifier: Apache-2.0
# test: timeout 600
# The main job on Go programs: counts and sizes against the program's own arithmetic, for Go 1.19 and 1.22, plain, stripped, PIE and cgo.
set -u
. "$TOP/tests/lib.sh"
need_bpf
[ -n "$GO119$GO122" ] || skip "needs Go 1.19 or 1.22: neither was found"

# The value of NAME in the program's own words.
own() { # NAME
	sed -n "s/^$1 //p" own.txt
}

# Runs a sample under the tool; its own words go to own.txt, the report to out.json.
trace() { # PROGRAM ARG...
	GODEBUG=adaptivestackstart=0 timeout 60 "$ST" run -q --source=bpf -f json -o out.json -- "$@" >own.txt 2>err.txt ||
		fail "$*: status $?: $(cat err.txt)"
	json out.json . >/dev/null || fail "$*: no JSON"
	equal "$*: lost" 0 "$(json out.json .summary.lost)"
}

sum() {
	awk '{ n += $1 } END { print n + 0 }'
}

check_recurse() { # PROGRAM
	trace "$1" -v 300 64
	equal "$1: growths in descend" "$(own growths)" "$(json out.json '.growth[]{leaf=main.descend}.count' | sum)"
	for size in 2048 4096 8192 16384 32768; do
		equal "$1: growths from $size" 300 "$(json out.json ".growth[]{leaf=main.descend}{from=$size}.count" | sum)"
		equal "$1: growths from $size go to twice that" $((size * 2)) \
			"$(json out.json ".growth[]{leaf=main.descend}{from=$size}.to" | sort -u)"
	done
	# One more goroutine, which measures a frame, is made elsewhere.
	equal "$1: coroutines of main.main" 300 "$(json out.json '.creators[]{creator=main.main}.coroutines' | sum)"
	at_least "$1: coroutines" "$(own goroutines)" "$(json out.json .summary.coroutines)"
	# A worker of a 64 KiB stack uses more than half of it, and the copies are of what was in use.
	at_least "$1: bytes copied" $((300 * (1024 + 2048 + 4096 + 8192 + 16384))) "$(json out.json .summary.bytes_copied)"
	between "$1: waste" 0 0.9 "$(json out.json .summary.waste_ratio)"
	at_least "$1: probe hits" $((300 * 5 * 2 + 300 * 2)) "$(json out.json .summary.probe_hits)"
	at_least "$1: copy_ns" 1 "$(json out.json .summary.copy_ns)"
}

check_swarm() { # PROGRAM
	trace "$1" -v 5000
	equal "$1: coroutines of main.main" "$(own goroutines)" "$(json out.json '.creators[]{creator=main.main}.coroutines' | sum)"
	equal "$1: growths of theirs" 0 "$(json out.json '.creators[]{creator=main.main}.growths' | sum)"
}

check_pipeline() { # PROGRAM
	trace "$1" -v 8 200 16
	equal "$1: growths in work" "$(own growths)" "$(json out.json '.growth[]{leaf=main.work}.count' | sum)"
}

variant() { # NAME GO FLAG...
	name=$1 go=$2
	shift 2
	for sample in recurse swarm pipeline; do
		go_build "$go" "$name-$sample" "$TOP/samples/go/$sample" "$@" 2>build.txt || {
			fail "cannot build $name-$sample: $(tail -n 3 build.txt)"
			return
		}
	done
	check_recurse "./$name-recurse"
	check_swarm "./$name-swarm"
	check_pipeline "./$name-pipeline"
	equal "$name: version" "$("$go" env GOVERSION)" "$(json out.json .summary.version)"
	equal "$name: runtime" go "$(json out.json .summary.runtime)"
	echo "subtest $name: ran"
}

# The same with C code in the program: the C library is linked in, and the linker is the system's.
cgo_variant() { # NAME GO FLAG...
	name=$1 go=$2
	shift 2
	mkdir -p "src-$name"
	cp "$TOP/samples/go/recurse/main.go" "src-$name/main.go"
	cat >"src-$name/c.go" <<-'END'
		package main

		// #include <stdlib.h>
		import "C"

		func init() { C.free(C.malloc(1)) }
	END
	(cd "src-$name" && env HOME="${HOME:-$T}" GOCACHE="$O/gocache" GO111MODULE=off GOENV=off GOFLAGS='' GOTOOLCHAIN=local \
		CGO_ENABLED=1 "$go" build -o "../$name-recurse" "$@" . 2>../build.txt) || {
		fail "cannot build $name-recurse: $(tail -n 3 build.txt)"
		return
	}
	check_recurse "./$name-recurse"
	echo "subtest $name: ran"
}

for v in 119 122; do
	eval "go=\$GO$v"
	[ -n "$go" ] || {
		echo "Go $v not tried: it was not found"
		continue
	}
	variant "plain$v" "$go"
	variant "stripped$v" "$go" -ldflags='-s -w'
	variant "pie$v" "$go" -buildmode=pie
	cgo_variant "cgo$v" "$go"
	cgo_variant "cgopie$v" "$go" -buildmode=pie -ldflags='-s -w'
done
finish
