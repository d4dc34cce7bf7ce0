#!/bin/sh
# SPDX-License-Identifier: Apache-2.0
# test: timeout 180
# stacktrace doctor: what prevents tracing is found and has a remedy, and nothing else does; the stacks of a process are
# those that Go's own traceback lists, and damage done to them is seen.
set -u
. "$TOP/tests/lib.sh"
prog=$O/samples/c/recurse

doctor() { # WANTED-STATUS ARG...: the findings to out.json
	wanted=$1
	shift
	run "$@"
	mv out.txt out.json
	equal "$*: status" "$wanted" "$status"
	[ -s err.txt ] && fail "$*: on standard error: $(cat err.txt)"
	bad=$(json out.json '.findings[]{state=bad}.name' 2>/dev/null | tr '\n' ' ' | sed 's/ $//')
}

text() { # NAME
	json out.json ".findings[]{name=$1}.text"
}

remedy() { # NAME
	json out.json ".findings[]{name=$1}.remedy"
}

says() { # WHAT REGEX TEXT
	echo "$3" | grep -qE -- "$2" || fail "$1: wanted '$2', got '$3'"
}

# --- files --------------------------------------------------------------------------------------------

# Whether this machine can trace is not the question here, so findings of other groups do not count.
file_problem() { # FILE NAME REGEX REMEDY
	run "$ST" doctor -f json "$1"
	mv out.txt out.json
	equal "$1: status" 1 "$status"
	equal "$1: what is bad" "$2" "$(json out.json '.findings[]{group=program}{state=bad}.name')"
	says "$1" "$3" "$(text "$2")"
	[ -z "$4" ] || says "$1: remedy" "$4" "$(remedy "$2")"
}
cp "$prog" foreign && printf '\267\000' | dd of=foreign bs=1 seek=18 conv=notrunc 2>/dev/null
file_problem ./foreign file "'./foreign' is a program for AArch64" 'GOARCH=amd64'
printf '#!/bin/sh\necho hello\n' >script && chmod +x script
file_problem ./script file "script for '/bin/sh'" 'trace the program that the script starts'
file_problem ./missing file 'No such file' ''
file_problem /bin/true runtime 'no Go runtime and no .note.stacktrace' 'corun-cc'
run "$ST" doctor -f json "$prog"
mv out.txt out.json
says "corun: runtime" '^corun [0-9]' "$(text runtime)"
says "corun: ring" 'needs no privilege' "$(text ring)"
if [ -n "$GO" ]; then
	cat >parked.go <<-'END'
		package main

		import (
			"fmt"
			"os"
			"runtime/debug"
			"strconv"
		)

		var kept [2]byte

		//go:noinline
		func deep(n int, stop chan bool) {
			var room [1024]byte
			room[n%len(room)] = byte(n)
			if n > 0 {
				deep(n-1, stop)
			} else {
				<-stop
			}
			kept[n&1] += room[len(room)-1]
		}

		//go:noinline
		func shallow(stop chan bool) { <-stop }

		func main() {
			n, _ := strconv.Atoi(os.Args[1])
			stop, in := make(chan bool), make([]byte, 1)
			debug.SetMaxStack(96 << 10)
			for i := 0; i < n; i++ {
				go shallow(stop)
			}
			go deep(40, stop)
			fmt.Println("ready", os.Getpid())
			for {
				if _, err := os.Stdin.Read(in); err != nil {
					break
				}
			}
			close(stop)
			fmt.Println("done")
		}
	END
	go_build "$GO" parked parked.go || fail "cannot build parked"
	go_build "$GO" stripped parked.go -ldflags='-s -w' -buildmode=pie || fail "cannot build stripped"
	v=$("$GO" version | sed 's/.* go1\.\([0-9]*\).*/\1/')
	if [ "$v" -lt 99 ]; then
		LC_ALL=C sed "s/go1\\.$v/go1.16/g" stripped >older && chmod +x older
		file_problem ./older runtime 'was built by go1.16.*, without the register calling convention' 'rebuild it with Go 1.17'
	fi
	LC_ALL=C sed 's/runtime\.copystack/runtime.xopyxtack/g; s/runtime\.park_m/runtime.xark_x/g' stripped >garbled && chmod +x garbled
	file_problem ./garbled growth "no place for probe copystack: no function 'runtime.copystack'" ''
	says "garbled: not seen" 'park .waits and blocked coroutines.: no function .runtime.park_m' "$(text 'not seen')"
fi

# --- a kernel, a user ---------------------------------------------------------------------------------

can_bpf=
"$ST" run -q --source=bpf -o /dev/null -- "$prog" 1 >/dev/null 2>&1 && can_bpf=y
doctor "$([ $can_bpf ] && echo 0 || echo 1)" "$ST" doctor -f json
says "kernel" "$(uname -r)" "$(text kernel)"
run "$ST" doctor
matches "as text" '^  ok    kernel ' out.txt
if [ $can_bpf ]; then
	matches "verdict" '^all well$' out.txt
	doctor 0 "$ST" doctor -f json "$prog"
else
	matches "verdict" "in the way, see 'bad' above" out.txt
fi
if [ -n "$can_bpf" ] && [ "$(id -u)" = 0 ] && command -v setpriv >/dev/null; then
	cp "$ST" st
	cp "$prog" prog
	chmod 755 . st prog
	low="setpriv --reuid 65534 --regid 65534 --clear-groups"
	# shellcheck disable=SC2086 # $low is a command with arguments
	if $low test -x "$PWD/st"; then
		doctor 1 $low --inh-caps=-all ./st doctor -f json
		equal "no capability: bad" "bpf capabilities" "$bad"
		says "no capability: remedy" 'setcap cap_bpf,cap_perfmon\+ep ./.*/st' "$(remedy capabilities)"
		# A program with a ring of its own does without.
		doctor 0 $low --inh-caps=-all ./st doctor -f json ./prog
		doctor 1 $low --inh-caps=-all --no-new-privs ./st doctor -f json
		says "no_new_privs: remedy" 'no_new_privs.* another shell' "$(remedy capabilities)"
		if grep -q 'multi.*at once' out.json || "$ST" doctor | grep -q 'multi.*at once'; then
			doctor 0 $low --inh-caps=-all,+bpf,+perfmon --ambient-caps=-all,+bpf,+perfmon ./st doctor -f json
			equal "two capabilities: bad" "" "$bad"
		fi
	else
		echo "users not tried: the directory is closed to others"
	fi
	doctor 1 setpriv --bounding-set -all --inh-caps=-all ./st doctor -f json
	says "root without capabilities" 'cap-add=BPF' "$(remedy capabilities)"
fi

# Kernels that lack something, by the errors that they give.
if [ -n "$can_bpf" ] && refuse bpf=ENOSYS -- true; then
	doctor 1 refuse bpf=ENOSYS -- "$ST" doctor -f json
	equal "no bpf: bad" bpf "$bad"
	says "no bpf" 'no bpf system call' "$(text bpf)"
	says "no bpf: remedy" 'CONFIG_BPF_SYSCALL' "$(remedy bpf)"
	says "no bpf: the rest" 'not tried' "$(text uprobes)"
	doctor 1 refuse bpf=EPERM -- "$ST" doctor -f json
	says "forbidden: remedy" "container's seccomp filter or a security module forbids" "$(remedy bpf)"
	says "forbidden: seccomp is told" 'filter of system calls is in force' "$(text seccomp)"
	doctor 1 refuse bpf:0=EINVAL -- "$ST" doctor -f json
	equal "no ring buffer: bad" "ring buffer" "$bad"
	doctor 1 refuse bpf:28=EPERM perf_event_open=EPERM -- "$ST" doctor -f json
	equal "no perf_event_open: bad" "uprobes" "$bad"
	doctor 0 refuse multi -- "$ST" doctor -f json "$prog"
	equal "no uprobe_multi: bad" "" "$bad"
	says "no uprobe_multi" 'not in this kernel: .* needs root' "$(text uprobe_multi)"
	says "no uprobe_multi: uprobes" ' ns on a nop, .* ns on a branch, .* ns on a push, .* ns on a step' "$(text uprobes)"
fi

# --- processes ----------------------------------------------------------------------------------------

gone() { # REGEX ARG...
	pattern=$1
	shift
	run "$ST" doctor -f json "$@"
	mv out.txt out.json
	equal "$*: status" 1 "$status"
	says "$*" "$pattern" "$(text file)"
}
gone 'there is no such process' -p 2147483646
kernel=$(ps -e -o pid=,ppid= 2>/dev/null | awk '$2 == 2 { print $1; exit }')
[ -z "$kernel" ] || gone 'thread of the kernel' -p "$kernel"
run "$ST" doctor -p x
equal "-p x: status" 2 "$status"
run "$ST" doctor -p 1 ./prog
matches "both" 'not both' err.txt
run "$ST" doctor a b
matches "two" 'one program at a time' err.txt

start() { # NAME PROGRAM ARG...: its process id in $pid; it ends when $1 is closed
	rm -f in
	mkfifo in
	GOTRACEBACK=system "$@" <in >own.txt 2>own.err &
	job=$!
	exec 7>in
	for _ in $(seq 200); do
		grep -q ready own.txt && break
		sleep 0.05
	done
	pid=$(sed -n 's/ready //p' own.txt)
	[ -n "$pid" ] || fail "$*: does not start: $(cat own.err)"
}

stop() {
	exec 7>&-
	wait $job
}

count() { # HEALTH
	json out.json ".stacks.health.$1"
}

offset() { # FIELD
	json probe.json ".fields[]{name=$1}.offset"
}

# Bytes of a stopped process, there and back.
peek() { # ADDRESS SIZE FILE
	dd if="/proc/$pid/mem" of="$3" bs=1 skip=$(($1)) count="$2" 2>/dev/null
}
poke() { # ADDRESS FILE
	dd if="$2" of="/proc/$pid/mem" bs=1 seek=$(($1)) conv=notrunc 2>/dev/null
}

damage() { # HEALTH FIELD BYTES-FOR-PRINTF: in the descriptor of a parked goroutine
	at=$((gp + $(offset "$2")))
	# shellcheck disable=SC2059 # escapes on purpose
	printf "$3" >damage.bin
	peek $at "$(wc -c <damage.bin)" before.bin
	poke $at damage.bin
	doctor 1 "$ST" doctor -f json -p "$pid"
	equal "$2 damaged: $1" 1 "$(count "$1")"
	equal "$2 damaged: bad" "$1" "$bad"
	equal "$2 damaged: comes first" "$id $1" "$(json out.json '.coroutines[0].id' '.coroutines[0].health' | tr '\n' ' ' | sed 's/ $//')"
	poke $at before.bin
}

processes() { # PROGRAM
	start "$1" 50
	doctor 0 "$ST" doctor -f json --top=0 -p "$pid"
	equal "$1: parked in shallow" 50 "$(json out.json '.coroutines[].creator' | grep -c '^main.main parked.go:32')"
	equal "$1: runtime's limit" 98304 "$(json out.json .limits.runtime)"
	equal "$1: grows to" 65536 "$(json out.json .limits.grow_to)"
	equal "$1: at the limit" "1 65536" "$(count at-limit) $(json out.json '.coroutines[]{health=at-limit}.size')"
	between "$1: used by deep" 41984 65536 "$(json out.json '.coroutines[]{health=at-limit}.used')"
	equal "$1: VmPeak" "$(awk '/^VmPeak/ { print $2 * 1024 }' "/proc/$pid/status")" "$(json out.json .limits.vm_peak)"
	equal "$1: RLIMIT_STACK" "$(awk '/^Max stack size/ { print $4 }' "/proc/$pid/limits")" "$(json out.json .limits.rlimit_stack)"
	json out.json '.coroutines[].id' | sort -n >ids.txt
	# Damage, to one of the 50, while nothing moves.
	kill -STOP "$pid"
	"$ST" probe -f json -p "$pid" >probe.json 2>/dev/null
	id=$(json out.json '.coroutines[]{size=2048}{status=waiting}.id' | tail -n 1)
	gp=$(json out.json ".coroutines[]{id=$id}.descriptor")
	damage guard stackguard0 '\001\002\003\004\005\006\007\010'
	damage bounds stack.hi '\010\000\000\000\000\000\000\000'
	damage overflow sched.sp '\010\000\000\000\000\000\000\000'
	damage grows atomicstatus '\010\000\000\000'
	doctor 0 "$ST" doctor -f json -p "$pid"
	equal "$1: as before" 0 "$(($(count guard) + $(count bounds) + $(count overflow) + $(count grows)))"
	says "$1: stopped" 'stopped' "$(text state)"
	kill -CONT "$pid"
	# Go's own list of all goroutines.
	kill -QUIT "$pid"
	wait $job 2>/dev/null
	exec 7>&-
	sed -n 's/^goroutine \([0-9]*\) .*\[.*\]:$/\1/p' own.err | grep -vx 0 | sort -n -u >theirs.txt
	cmp -s ids.txt theirs.txt || fail "$1: coroutines are not those of the traceback: $(diff ids.txt theirs.txt | tr '\n' ' ')"
}

if [ -n "$GO" ] && [ "$(id -u)" = 0 ]; then
	for p in ./parked ./stripped; do processes $p; done
	cp parked kept
	start ./parked 5
	rm parked
	doctor 0 "$ST" doctor -f json -n 3 -p "$pid"
	equal "rows" 3 "$(json out.json '.coroutines#')"
	says "replaced" 'replaced or removed since' "$(text program)"
	run "$ST" doctor -p "$pid"
	matches "table" '^ *[0-9]+ +0xc[0-9a-f]+ +0xc[0-9a-f]+ +64K .* at-limit +chan receive +main.main parked.go:34' out.txt
	stop
	equal "the program goes on as if nothing was" "done" "$(tail -n 1 own.txt)"
	if unshare --mount --pid --fork true 2>/dev/null; then
		mkdir -p root
		cp kept root/kept
		start unshare --mount --pid --fork chroot "$PWD/root" /kept 10
		for p in /proc/[0-9]*; do
			[ "$(readlink "$p/root")" = "$PWD/root" ] && pid=${p#/proc/}
		done
		doctor 0 "$ST" doctor -f json --top=0 -p "$pid"
		equal "container: parked in shallow" 10 "$(json out.json '.coroutines[].creator' | grep -c '^main.main parked.go:32')"
		stop
	fi
fi

# corun: as many as the program made.
"$O/bin/corun-cc" -O1 -o fate "$TOP/tests/data/fate.c" || fail "cannot build fate.c"
./fate signal >own.txt 2>&1 &
job=$!
for _ in $(seq 100); do
	grep -q ready own.txt && break
	sleep 0.05
done
pid=$(sed -n 's/ready //p' own.txt)
run "$ST" doctor -f json -p "$pid"
mv out.txt out.json
at_least "corun: coroutines" 1 "$(json out.json .stacks.coroutines)"
equal "corun: not healthy" 0 "$(($(count guard) + $(count bounds) + $(count overflow) + $(count grows)))"
kill -TERM "$pid"
wait $job
finish
