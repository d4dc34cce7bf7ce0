#!/bin/sh
# SPDX-License-Identifier: Apache-2.0
# test: timeout 300
# Switches, waits, wakes, blocked coroutines and locks of Go programs, against the program's own count, Go's block profile
# and bpftrace.
set -u
. "$TOP/tests/lib.sh"
need_bpf
[ -n "$GO119$GO122" ] || skip "needs Go 1.19 or 1.22: neither was found"
rounds=5000

own() { # NAME
	sed -n "s/^$1 //p" own.txt
}

sum() {
	awk '{ n += $1 } END { print n + 0 }'
}

all() { # PATH: the sum of what it finds
	json out.json "$1" 2>/dev/null | sum
}

trace() { # OPTION... -- PROGRAM...: report to out.json
	run_ok "$ST" run -q --source=bpf --max-overhead=100 -f json -o out.json "$@"
	mv out.txt own.txt
	equal "$*: lost" 0 "$(json out.json .summary.lost)"
}

hits() { # PROBE
	json out.json ".summary.probe_hits_by_probe.$1"
}

# Parks of main and echo on their channels, by what ended is to be counted.
parked() { # MEMBER
	for entry in runtime.main main.echo; do
		for reason in 'chan receive' 'chan send'; do
			all ".waiting[]{entry=$entry}{reason=$reason}.$1"
		done
	done | sum
}

# In a round two values go from one to the other, and of each pair the first to come parks and the second wakes it.  Beside
# that main waits for the sleeper and for the last locker, and echo for main in the end; and main, when the runtime starts,
# once or twice for two goroutines of the collector's.
waits() { # PROGRAM
	trace --switches --blocked=200 --locks -- "$1" $rounds 4
	equal "$1: rounds" $rounds "$(own rounds)"
	between "$1: parks of main and echo" $((2 * rounds + 2)) $((2 * rounds + 4)) "$(parked parks)"
	equal "$1: all but echo's last are over" 1 $(($(parked parks) - $(parked ended)))
	equal "$1: wakes between main and the others" $((2 * rounds + 2)) "$( (
		all '.waking[]{waker=runtime.main}{wakee=main.main}.count'
		all '.waking[]{waker=main.main}{wakee=runtime.main}.count'
	) | sum)"
	equal "$1: switches are hits" "$(hits gogo)" "$(json out.json .summary.switches)"
	equal "$1: switches by creator" "$(hits gogo)" "$(all '.running[].switches')"
	equal "$1: wakes are hits" "$(hits ready)" "$(all '.waking[].count')"
	equal "$1: parks are hits" "$(hits park)" "$(all '.waiting[].parks')"
	equal "$1: collections" "$(own collections)" "$(json out.json .switching.collections)"
	at_least "$1: mutex" 20 "$(own mutex)"
	equal "$1: mutex" "$(own mutex)" "$(all '.locks[]{kind=mutex}.waits')"
	equal "$1: lock's function" main.contend "$(json out.json '.locks[]{kind=mutex}.stack' | tr -d '[]"' | tr ',' '\n' | grep '^main' | sort -u)"
}

# Who is woken for a mutex and finds it taken parks again, and is still in the same wait.
contended() { # PROGRAM
	trace --switches --locks -- "$1"
	at_least "$1: mutex" 20 "$(own mutex)"
	equal "$1: mutex" "$(own mutex)" "$(all '.locks[]{kind=mutex}.waits')"
}

blocked() { # PROGRAM, of the same run
	equal "$1: stuck" "chan receive true" "$(json out.json '.blocked[]{entry=main.stuck}.reason' '.blocked[]{entry=main.stuck}.still' | tr '\n' ' ' | sed 's/ $//')"
	json out.json '.blocked[]{entry=main.stuck}.stack' | tr -d '[]"' | tr ',' '\n' >stack.txt
	equal "$1: stuck, innermost" runtime.gopark "$(head -n 1 stack.txt)"
	equal "$1: stuck, outermost" main.stuck "$(tail -n 1 stack.txt)"
	equal "$1: stuck, frames between" "runtime.chanrecv runtime.chanrecv1" "$(sed '1d;$d' stack.txt | tr '\n' ' ' | sed 's/ $//')"
	equal "$1: sleeper" "sleep false" "$(json out.json '.blocked[]{entry=main.sleeper}.reason' '.blocked[]{entry=main.sleeper}.still' | tr '\n' ' ' | sed 's/ $//')"
	between "$1: sleeper's time" 300000000 3000000000 "$(json out.json '.blocked[]{entry=main.sleeper}.duration_ns')"
	equal "$1: registers" 3 "$(json out.json '.blocked[]{entry=main.stuck}.registers#')"
	equal "$1: echo was never blocked for long but at the end" true "$(json out.json '.blocked[]{entry=main.echo}.still')"
}

# One by one, and in a capture: the lines are as many as the hits, and add up to the same.
streams() { # PROGRAM
	run_ok "$ST" record -q --source=bpf --max-overhead=100 --switches --events=gogo,park,ready -o cap -- "$1" 500
	run_ok "$ST" report -f json -o out.json cap
	run_ok "$ST" report -f trace -o trace.txt cap
	equal "$1: gogo lines" "$(hits gogo)" "$(grep -c ' runs on thread ' trace.txt)"
	equal "$1: park lines" "$(hits park)" "$(grep -c ' parks: ' trace.txt)"
	equal "$1: ready lines" "$(hits ready)" "$(grep -c ' is woken' trace.txt)"
	equal "$1: main waits for echo, line by line and from the capture" "$(grep -c ' g1 parks: chan receive' trace.txt)" \
		"$(all '.waiting[]{entry=runtime.main}{reason=chan receive}.parks')"
	between "$1: parks of main and echo, from the capture" 1002 1004 "$(parked parks)"
	run_ok "$ST" record -q --source=bpf --max-overhead=100 --events=park -o cap -- "$1" 500
	run_ok "$ST" report -f trace -o trace.txt cap
	equal "$1: parks alone" "0 0" "$(grep -c ' runs on thread ' trace.txt) $(grep -c ' is woken' trace.txt)"
	at_least "$1: parks alone" 1000 "$(grep -c ' parks: chan' trace.txt)"
}

# The names are the program's, and their numbers those of the runtime's sources.
reasons() { # GO PROGRAM
	root=$("$1" env GOROOT)
	awk '/^const \(/ { on = 1; n = 0; next } /^\)/ { on = 0 }
		on && $1 ~ /^waitReason/ { number[$1] = n }
		on && $1 ~ /^[a-zA-Z]/ { n++ }
		/^var waitReasonStrings/ { table = 1 }
		table && /^}/ { table = 0 }
		table && $1 ~ /^waitReason.*:$/ {
			name = $1; sub(/:$/, "", name); text = $0; sub(/^[^"]*"/, "", text); sub(/".*/, "", text)
			if (text != "") print "reason " number[name] " " text
		}' "$root/src/runtime/runtime2.go" | sort >wanted.txt
	at_least "$2: names in the sources" 20 "$(wc -l <wanted.txt)"
	run_ok target_dump "$2"
	grep '^reason ' out.txt | sort >got.txt
	equal "$2: wait reasons that are missing or differ" "" "$(comm -23 wanted.txt got.txt)"
}

# The default sees little of a program that does nothing but switch, and says how much of it and how sure it is.
sampled() { # PROGRAM
	run_ok "$ST" run -q --source=bpf --switches --max-overhead=5 -f json -o out.json -- "$1" 1000000
	window=$(json out.json .summary.switch_window_ns) wall=$(json out.json .summary.wall_ns)
	at_least "$1: windows" 2 "$(json out.json .switching.windows)"
	between "$1: watched" 1 $((wall / 2)) "$window"
	at_least "$1: estimate is more than was seen" "$(json out.json .summary.switches)" "$(json out.json .switching.estimate)"
	between "$1: error" 0 10 "$(json out.json .switching.error_ratio)"
	# each switch was seen at most once
	between "$1: the least" 1 4100000 "$(json out.json .switching.estimate)"
	# watched all the time, what does little but switch is slowed: its rate is the least that there is
	run_ok "$ST" run -q --source=bpf --switches --max-overhead=100 -o shown.txt -- "$1" 20000
	matches "$1: the least, and why" 'switches: at least .* of which the probes took ' shown.txt
}

# Some records of a second each: no switch is between two of them.
counted() { # PROGRAM
	limit=120 trace --switches=count -- "$1" 500000
	equal "$1: switches of $(json out.json .switching.windows) windows are hits" "$(hits gogo)" "$(json out.json .summary.switches)"
}

# bpftrace counts the same calls of a program that does the same each time; what the runtime does beside it varies.
compare() { # PROGRAM
	command -v bpftrace >/dev/null || {
		echo "subtest bpftrace skipped: not installed"
		return
	}
	trace --switches -- "$PWD/$1" 2000
	timeout -s KILL 60 bpftrace -e "uprobe:$PWD/$1:runtime.park_m { @park = count(); } uprobe:$PWD/$1:runtime.ready { @ready = count(); }" \
		-c "$PWD/$1 2000" >bpftrace.txt 2>&1
	grep -q '@park' bpftrace.txt || {
		echo "subtest bpftrace skipped: $(tail -n 1 bpftrace.txt)"
		return
	}
	for p in park ready; do
		theirs=$(sed -n "s/^@$p: //p" bpftrace.txt)
		between "$1: $p as bpftrace counts" $((theirs - 40)) $((theirs + 40)) "$(hits $p)"
	done
	echo "subtest bpftrace: park $(hits park), $(sed -n 's/^@park: //p' bpftrace.txt)"
}

for v in 119 122; do
	eval "go=\$GO$v"
	[ -n "$go" ] || {
		echo "Go $v not tried: it was not found"
		continue
	}
	go_build "$go" "pp$v" "$TOP/tests/data/go/pingpong.go" || fail "cannot build with Go $v"
	go_build "$go" "contend$v" "$TOP/tests/data/go/contend.go" || fail "cannot build contend with Go $v"
	contended "./contend$v"
	waits "./pp$v"
	blocked "./pp$v"
	streams "./pp$v"
	reasons "$go" "./pp$v"
	sampled "./pp$v"
	counted "./pp$v"
	go_build "$go" "stripped$v" "$TOP/tests/data/go/pingpong.go" -ldflags='-s -w' -buildmode=pie || fail "cannot build stripped with Go $v"
	waits "./stripped$v"
	compare "pp$v"
	echo "subtest Go $v: ran"
done

# Which the options refuse.
for bad in --events=gogo,nothing --events= --count=park --blocked=0 --blocked=x --max-overhead=0 --max-overhead=101 --switches=maybe; do
	run "$ST" run -q "$bad" -- true
	equal "$bad: status" 125 "$status"
	matches "$bad" "${bad%%=*}" err.txt
done
finish
