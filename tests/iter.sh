#!/bin/sh
# SPDX-License-Identifier: Apache-2.0
# Coroutines of iter.Pull, which no 'go' statement makes and no scheduler runs: born, grown and gone as often as the program
# says.  From Go 1.23 on.
set -u
. "$TOP/tests/lib.sh"
need_bpf
go=$("$TOP/tests/find-go" 1.23 2>/dev/null)
need_go "$go" 1.23

cat >pull.go <<'END'
package main

import (
	"fmt"
	"iter"
	"os"
	"strconv"
)

//go:noinline
func deep(n int, yield func(int) bool) bool {
	var room [256]byte
	room[n%256] = byte(n)
	if n == 0 {
		return yield(int(room[0]))
	}
	return deep(n-1, yield) && room[n%256] == byte(n)
}

func numbers(yield func(int) bool) {
	for deep(16, yield) {
	}
}

func pull(kept int) (next func() (int, bool), stop func()) {
	return iter.Pull(iter.Seq[int](numbers))
}

func main() {
	n, _ := strconv.Atoi(os.Args[1])
	for i := 0; i < n; i++ {
		next, stop := pull(i)
		next()
		next()
		if i%4 != 0 { // the others are left as they are
			stop()
		}
	}
	fmt.Println("pulled", n)
}
END
go_build "$go" ./pull pull.go || fail "cannot build pull"
run_ok "$ST" probe -f json ./pull
equal "newcoro has a place" true "$(json out.txt '.probes[]{name=newcoro}.present')"
GODEBUG=adaptivestackstart=0 run_ok "$ST" run -q --source=bpf --switches=on --max-overhead=100 -f json -o out.json -- ./pull 200
equal "output" "pulled 200" "$(cat out.txt)"
equal "lost" 0 "$(json out.json .summary.lost)"
equal "newcoro: hits" 200 "$(json out.json .summary.probe_hits_by_probe.newcoro)"
equal "born" "iter.Pull[...] 200" "$(json out.json '.creators[0].creator' '.creators[0].coroutines' | tr '\n' ' ' | sed 's/ $//')"
# 17 frames of some 300 bytes: from 2 KiB to 8.
equal "growths" 400 "$(json out.json '.growth[]{leaf=main.deep}.count' | awk '{ n += $1 } END { print n + 0 }')"
ended=$(json out.json .summary.coroutines_ended)
between "ended: those that were stopped, and a few of the runtime's" 150 160 "$ended"
finish
