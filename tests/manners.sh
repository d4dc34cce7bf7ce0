#!/bin/sh
# SPDX-License-Identifier: Apache-2.0
# A tracer's manners: the program's status, signals, user, input and output stay its own, whatever happens to us.
# shellcheck disable=SC2086 # $run is a command with its arguments
set -u
fails=0

fail() {
	echo "FAIL: $*"
	fails=$((fails + 1))
}

status() { # WANTED COMMAND...
	want=$1
	shift
	timeout 60 "$@" >out.txt 2>err.txt
	got=$?
	[ "$got" = "$want" ] || {
		fail "$*: status $got, wanted $want"
		cat err.txt
	}
}

"$O/bin/corun-cc" -O1 -o fate "$TOP/tests/data/fate.c" || { fail "cannot build fate.c"; exit 1; }

wait_for() { # FILE PATTERN
	for _ in $(seq 100); do
		grep -q "$2" "$1" 2>/dev/null && return 0
		sleep 0.1
	done
	fail "no '$2' in $1 within 10 s"
	return 1
}

ask_to_end() { # PID WHEN: the program must end on SIGTERM
	kill -TERM "$1"
	for _ in $(seq 100); do
		kill -0 "$1" 2>/dev/null || return 0
		sleep 0.1
	done
	fail "$2: the program is stuck"
}

# The bytes at every probe point of a running ./fate are those of the file: no breakpoint is left.
unprobed() { # PID
	base=$(sed -n '/\/fate$/{s/-.*//p;q;}' "/proc/$1/maps") # the kernel may map a trampoline below
	[ "$(od -An -tu2 -j16 -N2 fate | tr -d ' ')" = 3 ] || base=0 # ET_DYN is 3
	"$ST" run --dry-run -- ./fate | sed -n 's/^ *[a-z_]* *\(0x[0-9a-f]*\) *\(0x[0-9a-f]*\) .*/\1 \2/p' >points.txt
	[ "$(wc -l <points.txt)" -ge 5 ] || fail "--dry-run lists no points"
	while read -r vaddr offset; do
		dd if="/proc/$1/mem" bs=1 skip=$((0x$base + vaddr)) count=5 of=now.bin 2>/dev/null
		dd if=fate bs=1 skip=$((offset)) count=5 of=file.bin 2>/dev/null
		cmp -s now.bin file.bin || fail "a probe is left at $vaddr: $(od -An -tx1 now.bin)"
	done <points.txt
}

sources=ring
"$ST" run -q --source=bpf -o /dev/null -- ./fate exit 0 2>why.txt && sources="ring bpf"
[ "$sources" = ring ] && echo "bpf source not tried: $(cat why.txt)"

for source in $sources; do
	run="$ST run -q --source=$source -o report.txt --"

	# Exit status and signals of the program.
	for n in 0 1 42 125 255; do status $n $run ./fate exit $n; done
	for sig in 15 9 6; do
		$run ./fate kill $sig 2>/dev/null
		got=$?
		[ $got = $((128 + sig)) ] || fail "$source: kill $sig: status $got in the shell"
	done
	# Really by the signal, not by an exit with 128 + n: only then does the waiting parent see a signal.
	timeout -s KILL 60 sh -c "$run ./fate kill 15; :" 2>/dev/null
	perl -e 'system(@ARGV); exit(($? & 127) == 15 ? 0 : 1)' $run ./fate kill 15 2>/dev/null ||
		fail "$source: the tool did not die by the program's signal"

	# Input, output and arguments.
	head -c 100000 /dev/urandom >bytes
	$run ./fate cat <bytes >copy 2>err.txt
	cmp -s bytes copy || fail "$source: the program's input or output was changed"
	[ -s err.txt ] && fail "$source: something on the program's standard error: $(cat err.txt)"
	$run ./fate args 'a b' '' '*' -o -- x >got.txt
	printf '<a b>\n<>\n<*>\n<-o>\n<-->\n<x>\n' | cmp -s - got.txt || fail "$source: arguments changed: $(cat got.txt)"

	# A signal for the tool alone reaches the program, whose own way to end counts.
	$run ./fate signal >out.txt 2>err.txt &
	tool=$!
	wait_for out.txt ready
	kill -TERM $tool
	wait $tool
	got=$?
	{ [ $got = 7 ] && grep -q 'signal 15' out.txt; } || fail "$source: SIGTERM: status $got: $(cat out.txt err.txt)"
	grep -q 'coroutines' report.txt || fail "$source: no report after SIGTERM"

	# SIGKILL leaves the program running, and unprobed.
	$run ./fate signal >out.txt 2>err.txt &
	tool=$!
	wait_for out.txt ready
	child=$(sed -n 's/ready //p' out.txt)
	kill -KILL $tool
	wait $tool 2>/dev/null
	sleep 0.5
	kill -0 "$child" 2>/dev/null || fail "$source: the program died with the tool"
	unprobed "$child"
	ask_to_end "$child" "$source, SIGKILL of the tool"
	grep -q 'signal 15' out.txt || fail "$source: the program did not end its own way: $(cat out.txt)"
done

# Killed before the release: the program still runs.  Tried at many moments.
for ms in 5 10 20 40 80 160; do
	rm -f out.txt
	"$ST" run -q -o report.txt -- ./fate signal >out.txt 2>err.txt &
	tool=$!
	sleep "0.$(printf %03d $ms)"
	kill -KILL $tool 2>/dev/null
	wait $tool 2>/dev/null
	# Either there was no child yet, or it runs.
	sleep 0.3
	child=$(sed -n 's/ready //p' out.txt)
	[ -z "$child" ] && continue
	ask_to_end "$child" "tool killed after $ms ms"
done

# Ctrl-C on a terminal: the tracing ends, the report comes, the program decides about itself.
if command -v script >/dev/null; then
	(
		for _ in $(seq 100); do
			grep -q ready tty.txt 2>/dev/null && break
			sleep 0.1
		done
		printf '\003'
		sleep 2
	) | script -qec "exec $ST run -- ./fate signal" tty.txt >/dev/null 2>&1
	grep -q 'signal 2' tty.txt || fail "Ctrl-C did not reach the program"
	grep -q 'coroutines' tty.txt || fail "no report after Ctrl-C"
	grep -qa 'COMMAND_EXIT_CODE="7"' tty.txt || fail "Ctrl-C: the status is not the program's: $(tail -n 1 tty.txt)"
else
	echo "no script(1): Ctrl-C not tried"
fi

# The user of the program.
if [ "$(id -u)" = 0 ]; then
	chmod 755 . fate
	nobody=$(id -u nobody):$(id -g nobody)
	"$ST" run -q -o report.txt -u nobody -- ./fate whoami >got.txt 2>err.txt
	case $(cat got.txt) in "${nobody%:*} ${nobody#*:} nobody "*) ;; *)
		fail "-u nobody: $(cat got.txt err.txt)"
		;;
	esac
	SUDO_UID=${nobody%:*} SUDO_GID=${nobody#*:} "$ST" run -q -o report.txt -- ./fate whoami >got2.txt
	cmp -s got.txt got2.txt || fail "under sudo: $(cat got2.txt)"
	"$ST" run -q -o report.txt -u 12345:12346 -- ./fate whoami >got.txt 2>err.txt
	grep -q '^12345 12346 ' got.txt || fail "-u 12345:12346: $(cat got.txt err.txt)"
else
	echo "not root: --user not tried"
fi
[ "$fails" = 0 ]
