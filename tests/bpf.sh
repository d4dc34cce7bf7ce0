#!/bin/sh
# SPDX-License-Identifier: Apache-2.0
# test: timeout 300
# The BPF source alone, on Go programs: every record adds up with every other, with the program's own arithmetic and with
# the runtime's own call stacks; with either way of attaching, for each way of linking, with room and without.
set -u
. "$TOP/tests/lib.sh"
[ -n "$GO119$GO122" ] || skip "needs Go 1.19 or 1.22: neither was found"
go_build "${GO119:-$GO122}" churn "$TOP/tests/data/go/churn.go" || fail "cannot build churn"
source_run -o why.txt ./churn 1 >/dev/null 2>err.txt || skip "needs BPF: $(head -n 1 err.txt)"

value() { # KEY FILE
	sed -n "s/^$1 //p" "$2"
}

nothing_lost() { # WHAT FILE
	equal "$1: lost" 0 "$(awk '/^lost_/ { n += $2 } END { print n }' "$2")"
}

# Each goroutine's sizes make a chain from its birth to its end: a copy starts from what the last one left.  A growth
# doubles, a shrink halves; the copied part fits the smaller stack.  Prints the goroutines of function worker.
check_chains() { # FILE
	awk '
	function get(name,   i) { for (i = 2; i < NF; i += 2) if ($i == name) return $(i + 1) }
	function bad(why) { print "FAIL: " why ": " $0; errors++ }
	$1 == "newproc" { id = get("goid"); size[id] = get("size"); n[get("entry")]++; entry[id] = get("entry"); born++ }
	$1 == "copystack" {
		id = get("goid"); old = get("old"); new = get("new"); used = get("used")
		if (!(id in size)) { if (id != 1) bad("copy without a birth"); size[id] = old }
		if (size[id] != old) bad("not the size that it had, " size[id])
		if (new > old ? new % old : new * 2 != old) bad("sizes")
		if (used <= 0 || used > old || used > new) bad("use")
		if (new > old && get("stack") ~ /^0*$/) bad("growth without a stack")
		size[id] = new
	}
	$1 == "goexit" {
		id = get("goid")
		if (id in size && size[id] != get("size")) bad("not the size that it had, " size[id])
		ended[entry[id]]++
	}
	END {
		if (errors) exit 1
		for (e in n) if (n[e] > n[most]) most = e
		print n[most], ended[most]
	}' "$1"
}

churn() { # WHAT PROGRAM [OPTION...]
	what=$1 prog=$2
	shift 2
	GODEBUG=adaptivestackstart=0 run_ok source_run -d -o "$T/o" "$@" "$prog" 300 || return
	equal "$what: output" "done 600" "$(cat out.txt)"
	# The records of two CPUs may be a little out of order in the ring.
	sort -s -k3,3n "$T/o" >/dev/null
	check_chains "$T/o" >chains.txt || { fail "$what"; head -n 5 chains.txt; return; }
	equal "$what: workers born and ended" "600 600" "$(cat chains.txt)"
	nothing_lost "$what" "$T/o"
	at_least "$what: shrinks" 100 "$(value shrinks "$T/o")"
	# newstack begins more than copies: it is also called to preempt
	case $(value link "$T/o") in
	*NOPs) at_least "$what: begins" "$(value hits_copystack_end "$T/o")" "$(value hits_copystack "$T/o")" ;;
	*) equal "$what: begins" "$(value hits_copystack_end "$T/o")" "$(value hits_copystack "$T/o")" ;;
	esac
	equal "$what: copies" "$(value hits_copystack_end "$T/o")" "$(($(value growths "$T/o") + $(value shrinks "$T/o")))"
	equal "$what: images" 1 "$(value images "$T/o")"
	equal "$what: unfinished" 0 "$(value incomplete "$T/o")"
	# 240 of 300 workers need more than 2 KiB in each round
	at_least "$what: growths" 480 "$(value growths "$T/o")"
	echo "subtest $what: $(value link "$T/o"), $(value growths "$T/o") growths, $(value shrinks "$T/o") shrinks"
}

callers() { # WHAT GO LOW HIGH
	go_build "$2" callers "$TOP/tests/data/go/callers.go" || fail "cannot build callers"
	run_ok source_run -w off -d -f 128 -o o ./callers "$3" "$4" 100 "$4" || return
	sed 's/^ *//' out.txt >wanted.txt
	awk '
	$1 == "stack" { id = $2; s = ""; for (i = 7; i <= NF; i++) s = s " " $i; stack[id] = s; flags[id] = $6 }
	$1 == "copystack" {
		for (i = 2; i < NF; i += 2) if ($i == "stack") id = $(i + 1)
		if (stack[id] ~ /^ main\.grow /) print substr(stack[id], 12) (flags[id] != 0 ? " flags " flags[id] : "")
	}' o | sed 's/^ *//' >got.txt
	equal "$1: stacks" 100 "$(wc -l <got.txt)"
	cmp -s wanted.txt got.txt || {
		fail "$1: stacks differ from runtime.Callers: wanted (<), got (>)"
		diff wanted.txt got.txt | cut -c 1-300 | head -n 8
	}
	nothing_lost "$1" o
	echo "subtest $1: $(awk '{ n += NF } END { print n }' got.txt) frames in 100 stacks as runtime.Callers has them"
}

# A capped stack is the leaf end of the whole one, and says that it is cut.
capped() {
	run_ok source_run -w off -d -f 12 -o o ./callers 90 124 100 124 || return
	awk '$1 == "stack" && $7 == "main.grow" { n++; if ($4 != 12 || $6 != 1) bad++ } END { print n + 0, bad + 0 }' o >n.txt
	equal "capped stacks, and bad ones" "0" "$(awk '{ print $2 }' n.txt)"
	at_least "capped stacks" 1 "$(awk '{ print $1 }' n.txt)"
	run_ok source_run -w off -d -f 0 -o o ./callers 20 24 3 1 || return
	equal "stacks without frames" 0 "$(value stacks o)"
	at_least "growths without frames" 3 "$(value growths o)"
}

# Without anyone reading, what does not fit a small ring is counted, record by record.
tiny_ring() {
	run_ok source_run -q -w off -r 65536 -o o ./churn 2000 || return
	lost=$(value lost_ring_full o)
	at_least "tiny ring: lost records" 100 "$lost"
	# each end of a copy, birth, exit, begin and end of a collection is one record, here or counted as lost
	equal "tiny ring: records and losses" \
		"$(($(value hits_copystack_end o) + $(value hits_newproc o) + $(value hits_goexit o) + $(value hits_gcstart o) + $(value hits_gcdone o)))" \
		"$(($(value growths o) + $(value shrinks o) + $(value births o) + $(value exits o) + $(value collections o) + lost - \
		$(value incomplete o)))"
	echo "subtest tiny ring: $lost records lost, none unaccounted"
}

switches() {
	run_ok source_run -w on -o on ./churn 2000 || return
	run_ok source_run -w off -o off ./churn 300 || return
	equal "always on: switches and hits" "$(value hits_gogo on)" "$(value switches on)"
	# a goroutine is switched to at least when it starts and when it is released
	at_least "always on: switches" 8000 "$(value switches on)"
	equal "off: switches" "0 0" "$(value hits_gogo off) $(value windows off)"
	echo "subtest switches: $(value switches on)"
}

probed() { # PID ADDRESS: whether a breakpoint is there
	[ "$(dd if="/proc/$1/mem" bs=1 count=1 iflag=skip_bytes skip="$(($2))" 2>/dev/null | od -An -tx1 | tr -d ' ')" = cc ]
}

# Nothing of ours stays behind in the program, however the tool ends.
killed() {
	mkfifo in
	source_run -N -P -w on -o plan.txt ./churn 300 loud <in >out.txt 2>err.txt &
	tool=$!
	exec 9>in
	for _ in $(seq 200); do
		grep -q 'half way' out.txt && break
		sleep 0.05
	done
	grep -q 'half way' out.txt || { fail "killed: the program does not start: $(cat err.txt)"; return; }
	child=$(pgrep -P $tool)
	points=$(sed -n 's/^plan \(copystack\|copystack_end\|newproc\|goexit\|gogo\) \(0x[0-9a-f]*\) .*/\2/p' plan.txt)
	equal "killed: probes" 5 "$(echo "$points" | wc -l)"
	for p in $points; do
		probed "$child" "$p" || fail "killed: no breakpoint at $p before"
	done
	kill -KILL $tool
	wait $tool 2>/dev/null
	for _ in $(seq 100); do # the kernel takes its time to undo it
		left=0
		for p in $points; do
			probed "$child" "$p" && left=$((left + 1))
		done
		[ $left = 0 ] && break
		sleep 0.05
	done
	equal "killed: breakpoints left" 0 "$left"
	kill -0 "$child" || fail "killed: the program is gone"
	echo >&9
	exec 9>&-
	for _ in $(seq 200); do
		grep -q 'done 600' out.txt && break
		sleep 0.05
	done
	matches "killed: the program's own end" 'done 600' out.txt
	echo "subtest killed: the program goes on without a breakpoint"
}

code() { # PID ADDRESS: five bytes
	dd if="/proc/$1/mem" bs=1 count=5 iflag=skip_bytes skip="$(($2))" 2>/dev/null | od -An -tx1 | tr -d ' '
}

# As killed, of the NOPs that the kernel makes calls of.
killed_nops() { # PROGRAM
	mkfifo in.nops
	source_run -P -o plan.txt "$1" 300 loud <in.nops >out.txt 2>err.txt &
	tool=$!
	exec 9>in.nops
	for _ in $(seq 200); do
		grep -q 'half way' out.txt && break
		sleep 0.05
	done
	child=$(pgrep -P $tool)
	points=$(sed -n 's/^nop [a-z_]* \(0x[0-9a-f]*\) .* in runtime.newstack: .*/\1/p' plan.txt)
	equal "killed at NOPs: points" 2 "$(echo "$points" | wc -l)"
	for p in $points; do
		matches "killed at NOPs: a call before" '^e8' - <<-EOF
			$(code "$child" "$p")
		EOF
	done
	kill -KILL $tool
	wait $tool 2>/dev/null
	for p in $points; do
		for _ in $(seq 100); do
			[ "$(code "$child" "$p")" = 0f1f440000 ] && break
			sleep 0.05
		done
		equal "killed at NOPs: a NOP again" 0f1f440000 "$(code "$child" "$p")"
	done
	echo >&9
	exec 9>&-
	for _ in $(seq 200); do
		grep -q 'done 600' out.txt && break
		sleep 0.05
	done
	matches "killed at NOPs: the program's own end" 'done 600' out.txt
	echo "subtest killed at NOPs: the program goes on without a call"
}

# Only the two capabilities, and no root.
unprivileged() {
	command -v setpriv >/dev/null || { echo "capabilities not tried: no setpriv"; return; }
	[ "$(id -u)" = 0 ] || return
	case $(value link why.txt) in
	uprobe_multi*) ;;
	*) echo "capabilities not tried: this kernel needs root" && return ;;
	esac
	chmod 755 "$T"
	only="setpriv --reuid 65534 --regid 65534 --clear-groups"
	# a directory above may be closed to others
	$only test -x "$T/churn" -a -x "$(command -v source_run)" || { echo "capabilities not tried: files out of reach"; return; }
	$only --inh-caps=-all,+bpf,+perfmon --ambient-caps=-all,+bpf,+perfmon \
		source_run "$T/churn" 300 >out.txt 2>o || fail "two capabilities: $(cat o)"
	at_least "two capabilities: growths" 480 "$(value growths o)"
	$only --inh-caps=-all source_run "$T/churn" 300 >out.txt 2>o
	equal "no capability: status" 3 $?
	matches "no capability: remedy" 'not permitted; hint: .*setcap cap_bpf,cap_perfmon' o
	echo "subtest unprivileged: CAP_BPF and CAP_PERFMON are enough"
}

# In a process id namespace, as in a container, ids are those of the namespace.
namespaced() {
	unshare -pf --mount-proc true 2>/dev/null || { echo "namespace not tried: no unshare"; return; }
	unshare -pf --mount-proc source_run -d -o o ./churn 10 >out.txt 2>err.txt || fail "namespace: $(cat err.txt)"
	pid=$(sed -n 's/^image pid \([0-9]*\) .*/\1/p' o)
	between "namespace: pid of the program" 2 9 "$pid"
	echo "subtest namespace: the program is process $pid"
}

for v in 119 122; do
	eval "go=\$GO$v"
	[ -n "$go" ] || {
		echo "Go $v not tried: it was not found"
		continue
	}
	f=$TOP/tests/data/go/churn.go
	go_build "$go" plain "$f" && churn "Go $v plain" ./plain
	case $(value link "$T/o") in
	*NOPs)
		churn "Go $v traps" ./plain -N
		killed_nops ./plain
		;;
	*) echo "Go $v NOPs not tried: the program has none, or the kernel makes no calls of them" ;;
	esac
	churn "Go $v perf uprobes" ./plain -p
	churn "Go $v all switches" ./plain -w on -n
	go_build "$go" stripped "$f" -ldflags '-s -w' && churn "Go $v stripped" ./stripped
	go_build "$go" pie "$f" -buildmode pie && churn "Go $v PIE" ./pie
	if CGO_ENABLED=1 go_build "$go" cgo "$f" -ldflags -linkmode=external 2>build.txt; then
		churn "Go $v external link" ./cgo
	else
		echo "Go $v external link not tried: $(tail -n 1 build.txt)"
	fi
	callers "Go $v short" "$go" 16 24
	callers "Go $v long" "$go" 90 124
done
capped
tiny_ring
switches
killed
unprivileged
namespaced
finish
