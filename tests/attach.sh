#!/bin/sh
# SPDX-License-Identifier: Apache-2.0
# test: timeout 300
# Running processes: exact counts from attach to detach, several at once, in a container, under seccomp; nothing left behind.
set -u
. "$TOP/tests/lib.sh"
need_bpf
need_go "$GO" any

go_build "$GO" serve "$TOP/tests/data/go/serve.go" 2>build.txt || {
	fail "cannot build serve: $(tail -n 3 build.txt)"
	finish
}
export GODEBUG=adaptivestackstart=0

wait_for() { # FILE PATTERN
	for _ in $(seq 200); do
		grep -q "$2" "$1" 2>/dev/null && return 0
		sleep 0.05
	done
	fail "no '$2' in $1 within 10 s"
	return 1
}

# A server named $1 that reads its orders from the file descriptor of the same number; its process id in $pid.
serve() { # FD COMMAND...
	fd=$1
	shift
	rm -f "in$fd" "out$fd"
	mkfifo "in$fd"
	"$@" <"in$fd" >"out$fd" 2>&1 &
	eval "exec $fd>in$fd"
	wait_for "out$fd" ready
	pid=$(sed -n 's/ready //p' "out$fd")
}

order() { # FD WORDS...: and waits for the answer
	fd=$1
	shift
	before=$(wc -l <"out$fd")
	eval "echo \"\$*\" >&$fd"
	for _ in $(seq 200); do
		[ "$(wc -l <"out$fd")" -gt "$before" ] && return 0
		sleep 0.05
	done
	fail "no answer to '$*'"
}

# Attaches with a line of output for each event, which tells when the probes are in place.
attach() { # ARG...
	rm -f err.txt
	"$ST" attach -v -f json -o out.json "$@" 2>err.txt &
	tool=$!
	wait_for err.txt ' source: '
	for _ in $(seq 200); do # the links are this process's own
		grep -qE 'link_type:|anon_inode:\[perf_event\]|prog_type' /proc/$tool/fdinfo/* 2>/dev/null && break
		sleep 0.05
	done
	sleep 0.5
}

detach() { # WHAT
	kill -INT $tool
	wait $tool
	equal "$1: status" 0 $?
	equal "$1: lost" 0 "$(json out.json .summary.lost)"
}

deep_growths() { # of the two steps of each worker
	json out.json '.growth[]{leaf=main.deep}.count' | awk '{ n += $1 } END { print n + 0 }'
}

# The bytes at every probe point of a running program are those of its file.
unprobed() { # PID
	"$ST" attach --dry-run -p "$1" | sed -n 's/^ *[a-z_]* *\(0x[0-9a-f]*\) *\(0x[0-9a-f]*\) .*/\1 \2/p' >points.txt
	[ "$(wc -l <points.txt)" -ge 5 ] || fail "--dry-run lists no points"
	while read -r vaddr offset; do
		dd if="/proc/$1/mem" bs=1 skip=$((vaddr)) count=5 of=now.bin 2>/dev/null
		dd if="/proc/$1/exe" bs=1 skip=$((offset)) count=5 of=file.bin 2>/dev/null
		cmp -s now.bin file.bin || fail "a probe is left at $vaddr: $(od -An -tx1 now.bin)"
	done <points.txt
}

# --- one process: what it did before and does after is not in the report ----------------------------

serve 5 ./serve
one=$pid
order 5 work 7
attach -p "$one"
order 5 work 100
detach "one"
order 5 work 3
equal "one: growths of 100 workers" 200 "$(deep_growths)"
equal "one: workers born" 100 "$(json out.json '.creators[]{creator=main.work}.coroutines')"
grep -q 'tracer\|TracerPid:[^0]*[1-9]' "/proc/$one/status" && fail "one: still traced"
unprobed "$one"

# Again and again: nothing is left that could count twice.
for _ in 1 2 3; do
	attach -p "$one"
	order 5 work 10
	detach "again"
	equal "again: growths of 10 workers" 20 "$(deep_growths)"
done

# The tracing ends by itself; the process does not.
run_ok "$ST" attach -q -p "$one" --duration 300ms -f json -o out.json
kill -0 "$one" || fail "--duration: the process is gone"

# --- several, of the same program and of another one -------------------------------------------------

cp serve other
serve 6 ./serve
two=$pid
serve 7 ./other
three=$pid
serve 8 ./serve # is not traced
attach -p "$one,$two" -p "$three"
order 5 work 10
order 6 work 20
order 7 work 40
order 8 work 80
detach "several"
equal "several: growths of 10, 20 and 40 workers" 140 "$(deep_growths)"
order 8 end

# A recording, and its processes.
"$ST" record -q -o several.capture -p "$one,$two,$three" 2>err.txt &
tool=$!
sleep 1.5
order 5 work 5
order 6 work 6
kill -INT $tool
wait $tool
equal "record -p: status" 0 $?
run_ok "$ST" report -f csv --by=process several.capture
for p in "$one" "$two" "$three"; do matches "record -p: processes" "(^|,)\"?$p\"?," out.txt; done

# The end of the last one is the end of the tracing.
attach -p "$one,$two"
order 5 work 2
order 5 end
order 6 end
for _ in $(seq 100); do
	kill -0 $tool 2>/dev/null || break
	sleep 0.1
done
wait $tool
equal "all ended: status" 0 $?
equal "all ended: growths" 4 "$(deep_growths)"

# --- a program that was replaced, and one that was deleted -------------------------------------------

cp /bin/true other2
mv other2 other
attach -p "$three"
order 7 work 10
detach "replaced"
equal "replaced: growths" 20 "$(deep_growths)"
order 7 end
cp serve gone
serve 7 ./gone
rm gone
attach -p "$pid"
order 7 work 10
detach "deleted"
equal "deleted: growths" 20 "$(deep_growths)"
json out.json .summary.target | grep -q 'gone$' || fail "deleted: target is $(json out.json .summary.target)"
order 7 end

# --- in a container: its own root, mounts and process ids --------------------------------------------

if [ "$(id -u)" = 0 ] && unshare --mount --pid --fork true 2>/dev/null; then
	mkdir -p root
	cp serve root/serve
	serve 7 unshare --mount --pid --fork chroot "$PWD/root" /serve
	equal "container: its process id inside" 1 "$pid"
	inside=
	for p in /proc/[0-9]*; do
		[ "$(readlink "$p/root")" = "$PWD/root" ] && inside=${p#/proc/}
	done
	attach -p "$inside"
	order 7 work 30
	detach "container"
	equal "container: growths" 60 "$(deep_growths)"
	order 7 end
else
	echo "no root or no unshare: container not tried"
fi

# --- SIGKILL of the tool ------------------------------------------------------------------------------

for how in '' -F; do
	serve 5 ./serve
	# shellcheck disable=SC2086 # no option or one
	attach -p "$pid" $how
	order 5 work 5
	kill -KILL $tool
	wait $tool 2>/dev/null
	order 5 work 5
	sleep 0.2
	grep -q '^State:.*[tTX]' "/proc/$pid/status" && fail "killed$how: the process is stopped: $(grep State "/proc/$pid/status")"
	unprobed "$pid"
	order 5 end
done
finish
