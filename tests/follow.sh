#!/bin/sh
# SPDX-License-Identifier: Apache-2.0
# test: timeout 180
# --follow: what is forked and what is executed instead, of the same program and of another one, from its first growth on and
# to the last; each program's own arithmetic is the count.
set -u
. "$TOP/tests/lib.sh"
need_bpf
need_go "$GO" any

go_build "$GO" serve "$TOP/tests/data/go/serve.go" 2>build.txt || {
	fail "cannot build serve: $(tail -n 3 build.txt)"
	finish
}
cp serve other
printf '\0' >>other # another file, also by its size
cp "$O/samples/c/recurse" recurse
export GODEBUG=adaptivestackstart=0

sum() {
	awk '{ n += $1 } END { print n + 0 }'
}

growths_in() { # FUNCTION
	json out.json ".growth[]{leaf=$1}.count" 2>/dev/null | sum
}

# --- from a launch ------------------------------------------------------------------------------------

# A shell has no coroutines itself.  Two growths a worker; four programs, two of them at the same time, one of another runtime.
cat >script.sh <<-'END'
	./serve work 50
	./serve work 30 &
	./other work 20
	wait
	./recurse -v 10 64 >recurse.txt
	exit 5
END
run "$ST" run -q -F -f json -o out.json -- /bin/sh script.sh
equal "script: status" 5 "$status"
equal "script: output" "worked 20 worked 30 worked 50" "$(sort out.txt | tr '\n' ' ' | sed 's/ $//')"
equal "script: lost" 0 "$(json out.json .summary.lost)"
equal "script: growths of 100 workers" 200 "$(growths_in main.deep)"
equal "script: workers" 100 "$(json out.json '.creators[]{creator=main.work}.coroutines' | sum)"
equal "script: growths in C" "$(sed -n 's/^growths //p' recurse.txt)" "$(growths_in deep)"
run_ok "$ST" record -q -F -o cap -- /bin/sh -c './serve work 50; exec ./other work 20'
run_ok "$ST" report -f csv --by=process cap
equal "a row for each process that has coroutines" 2 "$(grep -c 'serve\|other' out.txt)"

# A process that becomes another program keeps its number; its coroutines do not become the other's.
run_ok "$ST" run -q -F -f json -o out.json -- ./serve exec ./other work 30
equal "exec: growths" 60 "$(growths_in main.deep)"
equal "exec: workers" 30 "$(json out.json '.creators[]{creator=main.work}.coroutines' | sum)"
equal "exec: lost" 0 "$(json out.json .summary.lost)"
run_ok "$ST" run -q -F -f json -o out.json -- ./serve exec ./serve exec ./serve work 7
equal "exec of itself: growths" 14 "$(growths_in main.deep)"

# Without it, only what was launched.
run_ok "$ST" run -q -f json -o out.json -- ./serve spawn ./serve work 30
equal "not followed: growths" 0 "$(growths_in main.deep)"
run_ok "$ST" run -q -F -f json -o out.json -- ./serve spawn ./serve work 30
equal "followed: growths" 60 "$(growths_in main.deep)"
run "$ST" run -q -F -o report.txt -- /bin/sh -c 'kill -TERM $$'
equal "a signal's death: status" 143 "$status"

# --- from processes that run --------------------------------------------------------------------------

wait_for() { # FILE PATTERN
	for _ in $(seq 200); do
		grep -q "$2" "$1" 2>/dev/null && return 0
		sleep 0.05
	done
	fail "no '$2' in $1 within 10 s: $(tail -n 2 "$1")"
	return 1
}

mkfifo in
./serve <in >own.txt 2>&1 &
exec 5>in
wait_for own.txt ready
pid=$(sed -n 's/ready //p' own.txt)
echo work 9 >&5
wait_for own.txt 'worked 9'
"$ST" attach -v -F -p "$pid" -f json -o out.json 2>err.txt &
tool=$!
wait_for err.txt ' source: '
for _ in $(seq 200); do
	grep -q '^TracerPid:.[1-9]' "/proc/$pid/status" && break
	sleep 0.05
done
sleep 0.5
# There can be one only.
run "$ST" attach -F -p "$pid"
equal "a second follower: status" 1 "$status"
matches "a second follower" "hint: .*process [0-9]+ follows it already" err.txt
"$ST" attach -q -p "$pid" --duration 100ms -o report.txt || fail "a second one that does not follow: status $?"
echo work 11 >&5
wait_for own.txt 'worked 11'
echo spawn ./serve work 13 >&5
wait_for own.txt 'spawned 0'
echo spawn ./other work 17 >&5
wait_for own.txt 'worked 17'
echo exec ./other work 19 >&5
wait $tool
equal "attached: status" 0 $?
matches "attached: the last program" 'worked 19' own.txt
equal "attached: lost" 0 "$(json out.json .summary.lost)"
equal "attached: growths of 60 workers" 120 "$(growths_in main.deep)"
finish
