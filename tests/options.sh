#!/bin/sh
# SPDX-License-Identifier: Apache-2.0
# The options of run that choose probes, stacks and rings: each does what --help says, through the command line.
set -u
. "$TOP/tests/lib.sh"
need_bpf
prog=$O/samples/c/recurse

trace() { # PROGRAM-AND-OPTIONS...: report to out.json, the program's own words to own.txt
	run_ok "$ST" run -q --source=bpf -f json -o out.json "$@"
	mv out.txt own.txt
}

own() { # NAME
	sed -n "s/^$1 //p" own.txt
}

hits() { # PROBE
	json out.json ".summary.probe_hits_by_probe.$1"
}

# The kernel has one way to attach that all kernels have: the same counts by it.
trace --uprobes=perf -- "$prog" -v 50 64
equal "perf: link" "perf uprobe" "$(json out.json .summary.link)"
equal "perf: growths" "$(own growths)" "$(json out.json .summary.growths)"
equal "perf: coroutines" "$(own coroutines)" "$(json out.json .summary.coroutines)"
equal "perf: lost" 0 "$(json out.json .summary.lost)"

# newstack is counted on request alone.  In corun every call of it is a growth, in Go some ask for preemption.
trace -- "$prog" -v 50 64
equal "no --newstack: hits" 0 "$(hits newstack)"
trace --newstack -- "$prog" -v 50 64
equal "--newstack: hits" "$(own growths)" "$(hits newstack)"
if [ -n "$GO" ]; then
	go_build "$GO" ./go-recurse "$TOP/samples/go/recurse" || fail "cannot build samples/go/recurse"
	for uprobes in auto perf trap; do
		GODEBUG=adaptivestackstart=0 trace --newstack --uprobes=$uprobes -- ./go-recurse -v 100 64
		equal "go, $uprobes: growths" "$(own growths)" "$(json out.json '.growth[]{leaf=main.descend}.count' | awk '{ n += $1 } END { print n + 0 }')"
		at_least "go, $uprobes: newstack" "$(own growths)" "$(hits newstack)"
	done
else
	echo "no Go: newstack and perf uprobes tried on corun alone"
fi

# One switch to each coroutine when it starts and one back to the first when it ends: all counted, or none.
trace --switches=on -- "$prog" -v 50 64
equal "--switches=on" "$(hits gogo)" "$(json out.json .summary.switches)"
at_least "--switches=on: one a coroutine" "$(own coroutines)" "$(json out.json .summary.switches)"
at_least "--switches=on: watched" 1 "$(json out.json .summary.switch_window_ns)"
trace --switches=off -- "$prog" -v 50 64
equal "--switches=off: hits" 0 "$(hits gogo)"
equal "--switches=off: watched" 0 "$(json out.json .summary.switch_window_ns)"
equal "--switches=off: growths" "$(own growths)" "$(json out.json .summary.growths)"
# In windows: of a program that switches all the time, some and not all.
trace --switches=auto -- "$O/samples/c/swarm" -v 100000
window=$(json out.json .summary.switch_window_ns)
between "--switches=auto: watched" 1 "$(json out.json .summary.wall_ns)" "$window"
at_least "--switches=auto: switches" 1 "$(json out.json .summary.switches)"

# A ring of any allowed size.  When it is too small, what was dropped is counted to the last record, and --strict makes it a failure.
for source in bpf ring; do
	run_ok "$ST" run -q --source=$source --ring-size=64M --strict -f json -o out.json -- "$O/samples/c/swarm" -v 20000
	mv out.txt own.txt
	equal "$source, 64M: coroutines" "$(own coroutines)" "$(json out.json .summary.coroutines)"
	run "$ST" run -q --source=$source --ring-size=64K --strict --switches=off -f json -o out.json -- "$O/samples/c/swarm" -v 300000
	mv out.txt own.txt
	equal "$source, 64K, strict: status" 3 "$status"
	equal "$source, 64K: the program ran to its end" 300001 "$(own coroutines)"
	lost=$(json out.json .summary.lost_by_reason.ring_full)
	at_least "$source, 64K: lost" 1 "$lost"
	seen=$(($(json out.json .summary.coroutines_born) + $(json out.json .summary.coroutines_ended) + $(json out.json .summary.growths)))
	equal "$source, 64K: seen and lost make all" "$(($(hits newproc) + $(hits goexit) + $(hits copystack)))" "$((seen + lost))"
	run "$ST" run -q --source=$source --ring-size=64K --switches=off -f json -o out.json -- "$O/samples/c/swarm" 300000
	equal "$source, 64K, not strict: status" 0 "$status"
done
finish
