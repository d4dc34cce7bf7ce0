#!/bin/sh
# SPDX-License-Identifier: Apache-2.0
# shellcheck disable=SC2016 # awk has its own $
# The runtime's lines: every stored one is understood, sums are those of awk, all else passes through as it was.
set -u
. "$TOP/tests/lib.sh"
data=$TOP/tests/data/lines
export LC_ALL=C.UTF-8

# Each line of each sample is one of the runtime's, and of the kind that it begins with.
lines_tool count "$data"/*.txt >counts.txt
for kind in gc SCHED scav pacer init; do
	equal "$kind lines" "$(cat "$data"/*.txt | grep -cE "^${kind}[ :]")" "$(sed -n "s/^$kind //p" counts.txt)"
done
for kind in P M G; do
	equal "$kind lines" "$(cat "$data"/*.txt | grep -cE "^  ${kind}[0-9]")" "$(sed -n "s/^$kind //p" counts.txt)"
done
equal "the rest" "torn 0 unparsed 0 text 0" "$(tail -n 3 counts.txt | tr '\n' ' ' | sed 's/ $//')"

# Sums and maxima of collections against awk, exact to the last digit.
for f in "$data"/gctrace-*.txt "$data"/both-*.txt; do
	name=${f##*/}
	awk '/^gc / { split($5, c, "+"); p = c[1] + c[3]; sum += p; mark += c[2]; if (p > most) most = p; n++; split($11, h, "->"); live += h[3] }
		END { printf "%d %.3f %.3f %.3f %d\n", n, sum, mark, most, live }' "$f" >want.txt
	run_ok "$ST" gc -f csv --columns=pause_ms,mark_ms,heap_live_mib,gc "$f"
	awk -F, 'NR > 1 { sum += $1; mark += $2; if ($1 > most) most = $1; live += $3; n++ }
		END { printf "%d %.3f %.3f %.3f %d\n", n, sum, mark, most, live }' out.txt >got.txt
	equal "$name: collections, pauses, marking, longest pause, live heap" "$(cat want.txt)" "$(cat got.txt)"
	run_ok "$ST" gc --columns=pause_ms,mark_ms "$f"
	equal "$name: the table's sums" "$(cut -d' ' -f2,3 want.txt)" \
		"$(sed -n 's/.*pause_ms in all \([0-9.]*\); mark_ms in all \([0-9.]*\).*/\1 \2/p' out.txt |
			awk '{ printf "%.3f %.3f\n", $1, $2 }')"
	# In slices of time the sums are the same.
	run_ok "$ST" gc -f csv --every=100ms --columns=collections,pause_ms "$f"
	equal "$name: in slices" "$(cut -d' ' -f1,2 want.txt)" \
		"$(awk -F, 'NR > 1 { n += $1; sum += $2 } END { printf "%d %.3f\n", n, sum }' out.txt)"
	at_least "$name: slices" 4 "$(($(wc -l <out.txt) - 1))"
done

# Queues and states against awk.
for f in "$data"/schedtrace-*.txt "$data"/both-*.txt; do
	grep '^SCHED' "$f" | sed 's/.*idleprocs=\([0-9]*\).*runqueue=\([0-9]*\) \[\(.*\)\]/\1 \2 \3/' |
		awk '{ q = 0; for (i = 3; i <= NF; i++) q += $i; print $1 "," $2 "," q "," $2 + q }' >want.txt
	run_ok "$ST" sched -f csv --columns=idleprocs,runqueue,local,runnable "$f"
	sed 1d out.txt | cmp -s - want.txt || fail "${f##*/}: queues: $(sed 1d out.txt | diff - want.txt)"
done
for f in "$data"/scheddetail-*.txt; do
	awk '/^SCHED/ { if (n++) print g "," w "," t; g = w = t = 0 }
		/^  G/ { s = $2; sub(/.*status=/, "", s); s += 0; g += s != 6; w += s == 4 }
		/^  P/ { split($3, k, "="); t += k[2] }
		END { print g "," w "," t }' "$f" >want.txt
	run_ok "$ST" sched -f csv --columns=coroutines,waiting,switches "$f"
	sed 1d out.txt | cmp -s - want.txt || fail "${f##*/}: states: $(sed 1d out.txt | diff - want.txt)"
done
# (21884 - 4629) switches in 208 ms
run_ok "$ST" sched -f csv --columns=switches_per_s "$data/scheddetail-1.22.txt"
equal "a rate" 82956.7 "$(sed -n 3p out.txt)"

# What was printed is what comes out: numbers in JSON, lines byte for byte, everything else untouched.
for f in "$data"/*.txt; do
	run_ok "$ST" gc -f json "$f"
	grep -h '^gc ' "$f" | sed 's/.*[:] \([0-9.]*\)+\([0-9.]*\)+\([0-9.]*\) ms.*/\1 \2 \3/' >want.txt
	sed -n 's/.*"clock_sweep_term":\([^,]*\),"clock_mark":\([^,]*\),"clock_mark_term":\([^,]*\),.*/\1 \2 \3/p' out.txt |
		cmp -s - want.txt || fail "${f##*/}: numbers in JSON are not those of the line"
	n=0
	while read -r line && [ $n -lt 3 ]; do
		printf '%s\n' "$line" >line.json
		json line.json . >/dev/null || fail "${f##*/}: no JSON: $line"
		n=$((n + 1))
	done <out.txt
	tail -n 1 out.txt >last.json
	equal "${f##*/}: unparsed" 0 "$(json last.json .unparsed)"
done
printf 'start\0\377\376 caf\351\r\nprompt: ' >input
cat "$data/both-1.22.txt" >>input
printf 'no newline' >>input
for c in gc:^gc sched:^SCHED; do
	timeout 60 "$ST" "${c%:*}" -f lines <input >out.txt 2>pass.txt || fail "${c%:*} as a filter"
	# the prompt stands in front of the first line
	LC_ALL=C sed 's/^prompt: //' input | LC_ALL=C grep -a "${c#*:}" | cmp -s - out.txt || fail "${c%:*} -f lines: other bytes"
	timeout 60 "$ST" "${c%:*}" -f lines --pass=both.txt <input >out2.txt 2>err.txt
	cmp -s pass.txt both.txt || fail "${c%:*}: --pass passes something else"
	[ -s err.txt ] && fail "${c%:*}: messages: $(cat err.txt)"
done
# One after the other, each takes its own and nothing else is left.
timeout 60 "$ST" sched -o sched.txt --pass=- <input | timeout 60 "$ST" gc -o gc.txt --pass=- >rest.txt
printf 'start\0\377\376 caf\351\r\nprompt: no newline' | cmp -s - rest.txt || fail "through two filters: $(od -c rest.txt)"
equal "rows of both" "45 7" "$(sed -n 's/ rows;.*//p' gc.txt) $(sed -n 's/ rows;.*//p' sched.txt)"

# Lines in pieces, and such as cannot be put together.
{
	echo 'gc 7 @0.046s 7%: 0.070+6.0hello'
	echo '+0.025 ms clock, 0.14+0.44/0.060/0+0.050 ms cpu, 39->45->29 MB, 46 MB goal, 0 MB stacks, 0 MB globals, 2 P'
	echo 'gc 8 @0.05s'
	head -n 1 "$data/gctrace-1.22.txt"
} >torn.txt
timeout 60 "$ST" gc -f json <torn.txt >out.txt 2>pass.txt
head -n 1 out.txt >first.json
equal "a line in pieces" "7 6.0 0.025 true" "$(json first.json .gc .clock_mark .clock_mark_term .torn | tr '\n' ' ' | sed 's/ $//;s/ 6 / 6.0 /')"
tail -n 1 out.txt >last.json
equal "counts" "1 1 2" "$(json last.json .torn .unparsed .lines.gc | tr '\n' ' ' | sed 's/ $//')"
equal "the rest is passed on" "hello gc 8 @0.05s" "$(tr '\n' ' ' <pass.txt | sed 's/ $//')"

# A later version: what is new is carried along by name.
echo 'SCHED 5ms: gomaxprocs=1 idleprocs=0 threads=3 spinningthreads=0 idlethreads=0 newthing=12 runqueue=0 [0] word=abc' >new.txt
run_ok "$ST" sched -f json new.txt
head -n 1 out.txt >first.json
equal "new fields" "12 abc" "$(json first.json .newthing .word | tr '\n' ' ' | sed 's/ $//')"

# No such lines at all.
head -c 300000 "$ST" >binary
for f in binary "$TOP/README.md" /dev/null; do
	timeout 60 "$ST" gc -f csv <"$f" >out.txt 2>pass.txt || fail "$f: status"
	cmp -s "$f" pass.txt || fail "$f does not pass through as it is"
	equal "$f: rows" 1 "$(wc -l <out.txt)"
done
run "$ST" gc none
equal "no such file: status" 1 "$status"
matches "no such file" "cannot open 'none': No such file" err.txt
run "$ST" gc --columns=nothing
equal "no such column: status" 2 "$status"
matches "no such column" "is not one of time_s, gc" err.txt

# Who reads leaves: no message.
yes "$(cat "$data/schedtrace-1.22.txt")" 2>/dev/null | head -n 20000 | timeout 60 "$ST" sched 2>err.txt | head -n 1 >out.txt
[ -s err.txt ] && fail "a closed pipe: $(cat err.txt)"
equal "a closed pipe: the head came" 1 "$(wc -l <out.txt)"

# Rows come as lines do, though the output is a pipe.
mkfifo in out
"$ST" sched -f csv --columns=ms <in >out 2>/dev/null &
exec 7>in 8<out
read -r head <&8
echo 'SCHED 5ms: gomaxprocs=1 idleprocs=0 threads=3 spinningthreads=0 idlethreads=0 runqueue=0 [0]' >&7
read -r row <&8
equal "as they come" "ms 5" "$head $row"
exec 7>&- 8<&-
wait

# Drawn.
run_ok "$ST" gc -f plot "$data/gctrace-1.22.txt"
matches "plot" '^pause_ms .*█.* 0\.[0-9]* to [0-9.]*, at last' out.txt
for c in gc:gctrace-1.22 sched:scheddetail-1.22; do
	run_ok "$ST" "${c%:*}" -f svg -o "${c%:*}.svg" "$data/${c#*:}.txt"
	if command -v xmllint >/dev/null; then run_ok xmllint --noout --nonet "${c%:*}.svg"; fi
done
equal "points of a curve" 44 "$(sed -n '/<title>pause_ms/,/<\/g>/p' gc.svg | grep -o '[ML][0-9.]* [0-9.]*' | wc -l)"

# The pages name every column and every key.
for c in gc sched; do
	run "$ST" $c --columns=?
	sed -n 's/.* is not one of //p' err.txt | tr -d ',' | tr ' ' '\n' >columns.txt
	at_least "$c: columns" 20 "$(wc -l <columns.txt)"
	sed -n 's/^\.It Cm \([a-z_]*\).*/\1/p' "$TOP/man/stacktrace-$c.1" | grep -vxE 'table|csv|json|lines|plot|svg' |
		diff columns.txt - >diff.txt || fail "$c: columns (<) and its page (>) differ: $(cat diff.txt)"
	cat "$data"/*.txt | "$ST" $c -f json 2>/dev/null | grep -v '"line":"summary"' | grep -o '"[A-Za-z_]*":' | sort -u | tr -d '":' |
		grep -vx line >keys.txt
	while read -r key; do
		grep -qx "\.It Li $key" "$TOP/man/stacktrace-$c.1" || fail "stacktrace-$c.1 lacks the key $key"
	done <keys.txt
done

# The sample scripts, on what -f lines prints.
"$ST" gc -f lines "$data/gctrace-1.22.txt" | awk -f "$TOP/samples/lines/pauses.awk" >out.txt
equal "pauses.awk" "44 collections, stopped for 74.654 ms in all, 6.316 ms at most" "$(cat out.txt)"
if command -v python3 >/dev/null; then
	"$ST" sched -f lines "$data"/schedtrace-*.txt | python3 "$TOP/samples/lines/starved.py" >out.txt
	equal "starved.py" "14 lines, 0 with both idle processors and waiting coroutines, at most 6 waiting" "$(cat out.txt)"
fi

# Changed at random: the same ones each time, and a few that are others each time.
count=${FUZZ:-$([ -n "${SAN:-}" ] && echo 300 || echo 1000)}
for seed in 1 "$(date +%s)"; do
	run lines_tool fuzz "$data" "$count" "$seed"
	count=$((count / 4))
	[ $status = 0 ] && continue
	fail "lines_tool fuzz $data $count $seed: status $status: $(head -n 5 err.txt)"
	cp fuzz.lines "$O/tests/log/fuzz-$seed.lines"
done
finish
