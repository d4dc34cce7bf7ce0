#!/bin/sh
# SPDX-License-Identifier: Apache-2.0
# shellcheck disable=SC2016 # inner shells have their own $
# The runtime's lines of programs that we run: counts and pauses are those that the program tells itself, its standard
# error is what it was without us, and nothing of ours holds anybody up.
set -u
. "$TOP/tests/lib.sh"

# A program on corun, whose lines are Go's: as many collections as it counts, alone and in a capture of its own ring.
run_ok "$ST" gc -f csv --columns=gc -o gc.csv -- "$O/samples/c/collect" -v
equal "corun: collections" "$(sed -n 's/^runtime.collections //p' out.txt)" "$(($(wc -l <gc.csv) - 1))"
run_ok "$ST" record -q --source=ring --gctrace -o ring.capture -- "$O/samples/c/collect" -v
equal "corun, in a capture: collections" "$(sed -n 's/^runtime.collections //p' out.txt)" \
	"$("$ST" report -f lines ring.capture | grep -c '^gc ')"
[ -s err.txt ] && fail "corun: on its standard error: $(head -n 3 err.txt)"

need_go "$GO" any
go_build "$GO" ./server "$TOP/tests/data/go/tell.go" || fail "cannot build tell"
stderr() { # COLLECTIONS: what the program writes there by itself
	awk -v n="$1" 'BEGIN { for (i = 0; i < n; i++) printf "tell: line %d \377\n", i }' | LC_ALL=C cat
}
told() { # NAME: what the program printed
	sed -n "s/^$1 //p" out.txt
}
# The share of the program's pauses that the lines have: they show two digits of each.
pauses() { # FILE
	awk -F, -v ns="$(told pause_ns)" 'NR > 1 { sum += $1 } END { printf "%.3f\n", sum * 1e6 / ns }' "$1"
}
LC_ALL=C stderr 20 >stderr20.txt

# gc and sched, without probes.
run_ok "$ST" gc -f csv --columns=pause_ms,forced,gc -o gc.csv -- ./server 20
equal "gc: collections" "$(told collections)" "$(($(wc -l <gc.csv) - 1))"
equal "gc: forced" "$(told forced)" "$(awk -F, 'NR > 1 { n += $2 } END { print n }' gc.csv)"
between "gc: pauses" 0.8 1.05 "$(pauses gc.csv)"
cmp -s err.txt stderr20.txt || fail "gc: standard error is not the program's: $(diff stderr20.txt err.txt)"
run_ok "$ST" sched --schedtrace=20 --scheddetail -f csv --columns=coroutines,waiting -o sched.csv -- ./server 20 500
cmp -s err.txt stderr20.txt || fail "sched: standard error is not the program's"
between "sched: coroutines" 500 520 "$(tail -n 1 sched.csv | cut -d, -f1)"
at_least "sched: rows" 2 "$(($(wc -l <sched.csv) - 1))"

# Keys of others stay, and what is asked for wins.
GODEBUG=madvdontneed=1,gctrace=0 run_ok "$ST" gc -f csv --columns=gc -o gc.csv -- sh -c 'echo "$GODEBUG" >godebug.txt; exec ./server 3'
equal "GODEBUG" "madvdontneed=1,gctrace=0,gctrace=1" "$(cat godebug.txt)"
equal "GODEBUG: collections" 3 "$(($(wc -l <gc.csv) - 1))"

# Status, signals, and programs that cannot be run.
for s in 0 7; do
	run "$ST" gc -o /dev/null -- sh -c "exit $s"
	equal "status" $s "$status"
done
run "$ST" sched -o /dev/null -- sh -c 'kill -TERM $$'
equal "killed" 143 "$status"
run "$ST" gc -- ./none
equal "no such program: status" 127 "$status"
run "$ST" gc --
equal "no program: status" 125 "$status"
run "$ST" sched --schedtrace=10 file
equal "an option for programs alone: status" 2 "$status"

# One that closes its standard error; others that keep it open behind it.
run "$ST" gc -o /dev/null -- sh -c 'exec 2>&-; echo out; exit 4'
equal "closed: status and output" "4 out" "$status $(cat out.txt)"
timeout 60 "$ST" gc -f csv --columns=gc -o gc.csv -- \
	sh -c '(while [ ! -e go ]; do sleep 0.1; done; echo late >&2) & exec ./server 3' >out.txt 2>late.txt
equal "left behind: status" 0 "$?"
equal "left behind: collections" 3 "$(($(wc -l <gc.csv) - 1))"
: >go
i=0
until grep -q late late.txt || [ $i = 100 ]; do
	sleep 0.1
	i=$((i + 1))
done
equal "left behind: what it writes arrives" late "$(tail -n 1 late.txt)"

# Killed, it takes nothing with it: the program goes on, and what it writes arrives.
"$ST" gc -o /dev/null -- sh -c 'echo $$ >pid; sleep 1; echo behind >&2; echo alive >alive.txt' 2>killed.txt &
while [ ! -s pid ]; do sleep 0.05; done
kill -9 $!
wait $! 2>/dev/null
i=0
while [ ! -s alive.txt ] && [ $i -lt 100 ]; do
	sleep 0.1
	i=$((i + 1))
done
equal "killed: the program" alive "$(cat alive.txt)"
sleep 0.2
equal "killed: its standard error" behind "$(cat killed.txt)"

# A reader of standard error that does not read stops the program and not its memory; then all arrives.
timeout 60 "$ST" gc -o /dev/null -- sh -c 'i=0; while [ $i -lt 20000 ]; do echo "line $i of some length" >&2; i=$((i + 1)); done' \
	2>&1 >/dev/null | (sleep 1; cat) >slow.txt
equal "a slow reader: lines" "20000 line 19999 of some length" "$(wc -l <slow.txt) $(tail -n 1 slow.txt)"
# One that has left stops nobody.
timeout 60 "$ST" gc -f csv --columns=gc -o gc.csv -- ./server 20 2>&1 >/dev/null | head -n 1 >head.txt
equal "a reader that left: collections" 20 "$(($(wc -l <gc.csv) - 1))"

# A terminal stays one, of the same size, and its bytes the same.
if command -v script >/dev/null; then
	script -qec "stty rows 33 cols 123; $ST gc -f json -o gc.json -- sh -c './server 3; stty size <&2; printf \"a\\tb\\n\" >&2'" /dev/null </dev/null >tty.txt
	tr -d '\r' <tty.txt | LC_ALL=C grep -a -v '^tell: line' >plain.txt
	equal "terminal" "terminal true" "$(grep terminal plain.txt)"
	equal "its size" "33 123" "$(grep '^[0-9]* [0-9]*$' plain.txt)"
	equal "its bytes" "$(printf 'a\tb')" "$(grep '^a' plain.txt)"
	# A terminal does not tell one write from the next: a line in pieces may have to be left in the text.
	tail -n 1 gc.json >last.json
	at_least "terminal: collections" 3 $(($(json last.json .lines.gc) + $(json last.json .unparsed)))
else
	echo "no script(1): terminals not tried"
fi
# When it gets another size, the program's gets it too, and the program is told.
if command -v python3 >/dev/null; then
	timeout 60 python3 "$TOP/tests/data/resize.py" 33 123 "$ST" gc -o /dev/null -- sh -c '
		trap "stty size <&2 >size.txt; exit" WINCH
		echo ready
		i=0
		while [ $i -lt 300 ]; do sleep 0.1; i=$((i + 1)); done' >/dev/null || fail "resized: status"
	equal "resized" "33 123" "$(cat size.txt)"
else
	echo "no python3: resizing not tried"
fi

# In a capture, on the clock of the growths; the lines leave standard error, or stay.
need_bpf
run_ok "$ST" record -q --gctrace --schedtrace=10 -o a.capture -- ./server 20
cmp -s err.txt stderr20.txt || fail "record: standard error is not the program's"
cp out.txt told.txt
run_ok "$ST" gc -f csv --columns=pause_ms a.capture
cp out.txt gc.csv
cp told.txt out.txt
equal "record: collections" "$(told collections)" "$(($(wc -l <gc.csv) - 1))"
between "record: pauses" 0.8 1.05 "$(pauses gc.csv)"
run_ok "$ST" report -f lines a.capture
cp out.txt lines.txt
equal "as lines" 20 "$(grep -c '^gc .*(forced)$' lines.txt)"
at_least "as lines: SCHED" 2 "$(grep -c '^SCHED ' lines.txt)"
run_ok "$ST" report -f trace a.capture
matches "in the trace" '^ +[0-9.]+ gc 1 @' out.txt
# A collection is seen by the probes as well: its line is written behind its begin, though the one may reach us before the other.
awk '/collection begins/ { begin[++begun] = $1 } / gc [0-9]+ @/ { line[++n] = $1 }
	END { for (i = 1; i <= n; i++) if (i > begun || line[i] < begin[i]) bad++; exit !(n == 20 && !bad) }' out.txt ||
	fail "lines are not on the clock of the probes: $(grep -E 'collection begins| gc ' out.txt | head)"
GODEBUG='' run_ok "$ST" record -q --gctrace --tee -o b.capture -- ./server 20
"$ST" gc -f lines <err.txt >tee.txt 2>pass.txt
cmp -s pass.txt stderr20.txt || fail "--tee: without the lines, standard error is not the program's: $(diff -a stderr20.txt pass.txt)"
equal "--tee: lines" 20 "$(grep -c '(forced)$' tee.txt)"
equal "--tee: recorded" 20 "$("$ST" report -f lines b.capture | grep -c '^gc ')"

# As the README says.
sed -n 's/^    \(stacktrace run --schedtrace=.*\)/\1/p' "$TOP/README.md" | sed 's/ *# .*//' >readme.txt
equal "commands in the README" 1 "$(wc -l <readme.txt)"
PATH=$(dirname "$ST"):$PATH sh readme.txt >out.txt 2>err.txt
at_least "README: rows" 1 "$(grep -cE '^[0-9]+ms: [0-9]+ of [0-9]+ processors busy$' out.txt)"
[ "$(grep -cvE '^[0-9]+ms: [0-9]+ of [0-9]+ processors busy$' out.txt)" = 0 ] || fail "README: $(cat out.txt)"
wait
finish
