#!/bin/sh
# SPDX-License-Identifier: Apache-2.0
# stacktrace probe: addresses and instructions are objdump's; what it cannot look at it names; a wrong point is refused.
set -u
. "$TOP/tests/lib.sh"
need_cmd objdump awk

# Every point is where objdump sees an instruction of that mnemonic begin, in the function that is named.
against_objdump() { # PROGRAM
	run_ok "$ST" probe -f json "$1" || return
	cp out.txt probe.json
	json probe.json '.probes[]{present=true}.name' >names.txt
	at_least "$1: probes" "$2" "$(wc -l <names.txt)"
	while read -r name; do
		address=$(json probe.json ".probes[]{name=$name}.address")
		insn=$(json probe.json ".probes[]{name=$name}.instruction")
		objdump -d -M intel --no-show-raw-insn --start-address="$address" --stop-address=$((address + 16)) "$1" |
			awk '/^ +[0-9a-f]+:/ { sub(/:/, "", $1); print $1, $2; exit }' >objdump.txt
		equal "$1: $name" "$(printf '%x %s' "$address" "${insn%% *}")" "$(cat objdump.txt)"
	done <names.txt
	run_ok "$ST" probe "$1"
	equal "$1: lines" "$(json probe.json '.probes[]{present=true}.name' '.nops[].name' 2>/dev/null | wc -l)" "$(grep -c ' 0x[0-9a-f]* *0x[0-9a-f]* .* in ' out.txt)"
}

against_objdump "$O/samples/c/swarm" 6
if [ -n "$GO" ]; then
	go_build "$GO" ./go-swarm "$TOP/samples/go/swarm" || fail "cannot build samples/go/swarm"
	against_objdump ./go-swarm 15
	equal "go: newcoro says why not" 1 "$(json probe.json '.probes[]{name=newcoro}.missing' | grep -c 'iter.Pull')"
	at_least "go: wait reasons" 20 "$(json probe.json '.reasons#')"
	matches "go: registers" '^    park .* in runtime.park_m, coroutine in rax' out.txt
	matches "go: lock" '^    lock .* in runtime.lock2, lock in rax' out.txt
	# run --dry-run prints the same.
	cp out.txt probe.txt
	run_ok "$ST" run --dry-run ./go-swarm
	cmp -s out.txt probe.txt || fail "probe and run --dry-run differ: $(diff out.txt probe.txt)"
	# A process whose program is not there any more.
	go_build "$GO" ./goer "$TOP/tests/data/go/pingpong.go" || fail "cannot build pingpong"
	./goer 2000000000 >/dev/null 2>&1 &
	pid=$!
	tries=0
	until [ "$(readlink /proc/$pid/exe)" = "$PWD/goer" ] || [ $tries = 100 ]; do
		sleep 0.05
		tries=$((tries + 1))
	done
	rm goer
	run_ok "$ST" probe -p $pid -f json && {
		equal "process: pid" $pid "$(json out.txt .pid)"
		equal "process: points" 15 "$(json out.txt '.probes[]{present=true}.name' | wc -l)"
	}
	kill $pid
else
	echo "subtest Go skipped: not found"
fi

# The other points for growths, where a Go has them: right where objdump sees such NOPs, in newstack, around the call.
if [ -n "$GO122" ]; then
	go_build "$GO122" ./swarm122 "$TOP/samples/go/swarm" || fail "cannot build samples/go/swarm with Go 1.22"
	run_ok "$ST" probe -f json ./swarm122
	equal "NOPs: where" "runtime.newstack runtime.newstack runtime.shrinkstack runtime.shrinkstack" \
		"$(json out.txt '.nops[].function' | tr '\n' ' ' | sed 's/ $//')"
	equal "NOPs: what" "nop nop branch step" "$(json out.txt '.nops[].cost' | tr '\n' ' ' | sed 's/ $//')"
	# a * for the call of copystack, which must be between the two
	objdump -d --disassemble=runtime.newstack ./swarm122 | awk -v a="$(json out.txt '.nops[].address' | head -n 2 | tr '\n' ' ')" '
		BEGIN { split(a, want, " "); for (i in want) is[sprintf("%x:", want[i])] = 1 }
		$1 in is { printf "%s%s%s%s%s ", $2, $3, $4, $5, $6 }
		/call.*<runtime\.copystack>/ { printf "* " }' >objdump.txt
	equal "NOPs: objdump" "0f1f440000 * 0f1f440000 " "$(cat objdump.txt)"
	run "$ST" run -v --source=bpf --uprobes=trap -o out.report -- ./swarm122
	[ "$status" != 0 ] || equal "NOPs: not with --uprobes=trap" 0 "$(grep -c 'source: bpf (.*NOPs' err.txt)"
else
	echo "subtest NOPs skipped: no Go 1.22"
fi
if [ -n "$GO119" ]; then
	go_build "$GO119" ./swarm119 "$TOP/samples/go/swarm" || fail "cannot build samples/go/swarm with Go 1.19"
	run_ok "$ST" probe -f json ./swarm119
	equal "NOPs of Go 1.19" "there is none behind newstack's call of copystack" "$(json out.txt .no_nops)"
fi

# Points of a note that lie.
awk '/^\.Bd -literal$/ { inside = 1; next } /^\.Ed/ { inside = 0 } inside' "$TOP/man/stacktrace-note.5" |
	sed 's/\\e/\\/g; s/^\\&//' >fiber.c
echo 'int main(int argc, char **argv) { struct fiber f = { .id = 1 }; (void)argv; fiber_move(&f, 4096u * (unsigned)argc); return 0; }' >>fiber.c
sed 's/800b - \./800b + 1 - ./' fiber.c >wrong.c
cmp -s fiber.c wrong.c && fail "the note's example has no point to shift"
"${CC:-gcc}" -g -Wno-missing-prototypes -o fiber fiber.c && "${CC:-gcc}" -g -Wno-missing-prototypes -o wrong wrong.c || fail "cannot build fibers"
run_ok "$ST" probe ./fiber
run "$ST" probe ./wrong
equal "wrong points: status" 1 "$status"
matches "wrong points" 'copystack +missing: 0x[0-9a-f]+ is inside of .nop' out.txt
matches "wrong points" 'no place for probe copystack: 0x[0-9a-f]+ is inside of' err.txt
run "$ST" run -- ./wrong
equal "wrong points: run refuses" 125 "$status"

# What cannot be looked at.
refused() { # WHAT REGEX STATUS ARG...
	what=$1 regex=$2 wanted=$3
	shift 3
	run "$ST" probe "$@"
	equal "$what: status" "$wanted" "$status"
	matches "$what" "$regex" err.txt
}
refused "no such process" 'no process 2147483646' 1 -p 2147483646
refused "no number" "pid.*'x'" 2 -p x
refused "both" 'not both' 2 -p $$ ./fiber
refused "neither" 'program or --pid' 2
refused "two" 'one program' 2 ./fiber ./fiber
refused "no runtime" 'no Go runtime' 1 /bin/sh
refused "no such program" 'No such file' 1 ./nothing
refused "no such format" 'format' 2 -f xml ./fiber
kernel=$(ps -e -o pid=,ppid= 2>/dev/null | awk '$2 == 2 { print $1; exit }')
if [ -n "$kernel" ]; then
	refused "kernel thread" 'kernel thread' 1 -p "$kernel"
else
	echo "subtest kernel thread skipped: none to be seen"
fi
finish
