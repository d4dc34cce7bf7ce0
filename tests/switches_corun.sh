#!/bin/sh
# SPDX-License-Identifier: Apache-2.0
# Switches, waits, wakes, blocked coroutines and locks of a program on corun, against the runtime's own count and the
# program's arithmetic; what the ring of the program can tell is the same.
set -u
. "$TOP/tests/lib.sh"
export GOMAXPROCS=1
rounds=2000 lockers=10
run_ok "$O/bin/corun-cc" -O2 -fno-optimize-sibling-calls -g -Wall -Wextra -Werror -o waits "$TOP/tests/data/sync/waits.c" || finish

own() { # NAME
	sed -n "s/^$1 //p" out.txt
}

run_ok "$ST" run -q --source=ring --switches -f json -o ring.json -- ./waits $rounds $lockers
equal "ring: switches" "$(own switches)" "$(json ring.json .summary.switches)"

need_bpf
sum() { # PATH
	json out.json "$1" 2>/dev/null | awk '{ n += $1 } END { print n + 0 }'
}
hits() { # PROBE
	json out.json ".summary.probe_hits_by_probe.$1"
}
parks() { # ENTRY REASON
	sum ".waiting[]{entry=$1}{reason=$2}.parks"
}
run_ok "$ST" run -q --source=bpf --max-overhead=100 --switches --blocked=100 --locks -f json -o out.json -- ./waits $rounds $lockers
equal "lost" 0 "$(json out.json .summary.lost)"
equal "switches" "$(own switches)" "$(json out.json .summary.switches)"
equal "switches by creator" "$(hits gogo)" "$(sum '.running[].switches')"
equal "parks are hits" "$(hits park)" "$(sum '.waiting[].parks')"
equal "wakes are hits" "$(hits ready)" "$(sum '.waking[].count')"
# A round is one park of each, and each of them is woken; echo waits once more, at the end.
equal "rounds" $((2 * rounds)) "$(($(parks start 'chan receive') + $(parks start 'chan send') + $(parks echo 'chan receive') + \
	$(parks echo 'chan send') - 1))"
equal "sleeps" 1 "$(parks sleeper sleep)"
equal "waits for a mutex" $lockers "$(parks contend 'mutex lock')"
equal "waits for a lock to read" $lockers "$(parks reads 'rwlock read lock')"
equal "wait group" 1 "$(parks start 'wait group')"

equal "mutex" $lockers "$(sum '.locks[]{kind=mutex}.waits')"
equal "mutex: who" contend "$(json out.json '.locks[]{kind=mutex}.stack' | tr -d '[]"' | tr ',' '\n' | grep -x contend | sort -u)"
equal "rwlock" $lockers "$(sum '.locks[]{kind=rwmutex}.waits')"

equal "stuck" "chan receive true" "$(json out.json '.blocked[]{entry=stuck}.reason' '.blocked[]{entry=stuck}.still' | tr '\n' ' ' | sed 's/ $//')"
equal "sleeper" "sleep false" "$(json out.json '.blocked[]{entry=sleeper}.reason' '.blocked[]{entry=sleeper}.still' | tr '\n' ' ' | sed 's/ $//')"
equal "stuck, outermost" stuck "$(json out.json '.blocked[]{entry=stuck}.stack' | tr -d '[]"' | tr ',' '\n' | tail -n 1)"
finish
