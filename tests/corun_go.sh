#!/bin/sh
# SPDX-License-Identifier: Apache-2.0
# Channels, select, locks, timers and cancellation do what Go's do: two programs, one in Go and one in C, print the same.
set -u
. "$TOP/tests/lib.sh"
go=${GO122:-$GO}
need_go "$go" any

go_build "$go" go-semantics "$TOP/tests/data/go/semantics.go" || fail "cannot build the program in Go"
run_ok "$O/bin/corun-cc" -O2 -Wall -Wextra -Werror -o c-semantics "$TOP/tests/data/sync/semantics.c" || finish
run_ok ./go-semantics && mv out.txt go.txt
at_least "lines" 45 "$(wc -l <go.txt)"
for procs in 1 2 4; do
	run_ok env GOMAXPROCS=$procs ./c-semantics
	cmp -s out.txt go.txt || {
		fail "with $procs threads, Go (<) and corun (>):"
		diff go.txt out.txt
	}
done

# What ends the program does so in both, with the same words but for the names of things.
words() {
	sed -n 's/^panic: //; s/sync: //; s/goroutines/coroutines/; s/^fatal error: //; 1p' err.txt
}
for rule in unlock deadlock 'select nothing' 'wait group'; do
	run ./go-semantics "$rule"
	equal "Go, $rule: status" 2 "$status"
	wanted=$(words)
	run ./c-semantics "$rule"
	equal "corun, $rule: status" 2 "$status"
	if [ "$rule" = 'wait group' ]; then
		equal "$rule" 'negative count of a wait group' "$(words)"
	else
		equal "$rule" "$wanted" "$(words)"
	fi
	matches "corun, $rule: who" '^coroutine 1 \[.*\]: first, created by main' err.txt
done
finish
