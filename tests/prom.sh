#!/bin/sh
# SPDX-License-Identifier: Apache-2.0
# The format prom: sums over its series are the totals of the JSON document, and Prometheus's own checker likes it.
set -u
. "$TOP/tests/lib.sh"

"$ST" record -q --source=ring -o a.capture -- "$O/samples/c/recurse" 200 64 || fail "cannot record"
cp "$TOP/tests/data/formats/run-1.0.capture" b.capture

# The sum over the series of a metric.
sum() { # METRIC
	awk -v m="$1" '{ i = match($0, /[{ ]/) } substr($0, 1, i - 1) == m { n += $NF; seen = 1 }
		END { if (seen) printf "%.9g\n", n; else print "no such metric" }' a.prom
}

for f in a b; do
	for top in 20 1; do
		run_ok "$ST" report -f json $f.capture
		cp out.txt a.json
		run_ok "$ST" report -f prom -n $top $f.capture
		cp out.txt a.prom
		p=go_runtime_stack
		equal "$f: growths" "$(json a.json .summary.growths)" "$(sum ${p}_growths_total)"
		equal "$f: shrinks" "$(json a.json .summary.shrinks)" "$(sum ${p}_shrinks_total)"
		equal "$f: copied" "$(json a.json .summary.bytes_copied)" "$(sum ${p}_copied_bytes_total)"
		equal "$f: copy time" "$(json a.json .summary.copy_ns | awk '{ printf "%.9g", $1 / 1e9 }')" "$(sum ${p}_copy_seconds_total)"
		equal "$f: allocated" "$(json a.json .summary.allocated_bytes)" "$(sum ${p}_allocated_bytes_total)"
		equal "$f: used" "$(json a.json .summary.used_bytes)" "$(sum ${p}_used_bytes_total)"
		ratio=$(echo "$(sum ${p}_waste_bytes_total) $(sum ${p}_allocated_bytes_total)" | awk '{ printf "%.6f", $1 / $2 }')
		equal "$f: waste ratio" "$(json a.json .summary.waste_ratio | awk '{ printf "%.6f", $1 }')" "$ratio"
		p=go_runtime_coroutines
		equal "$f: coroutines" "$(json a.json .summary.coroutines)" "$(sum ${p}_seen_total)"
		equal "$f: ended" "$(json a.json .summary.coroutines_ended)" "$(sum ${p}_ended_total)"
		equal "$f: alive" "$(json a.json .summary.coroutines_alive)" "$(sum ${p}_alive)"
		equal "$f: peak" "$(json a.json .summary.coroutines_peak_alive)" "$(sum ${p}_peak)"
		equal "$f: lost" "$(json a.json .summary.lost)" "$(sum stacktrace_events_lost_total)"
		equal "$f: hits" "$(json a.json .summary.probe_hits)" "$(sum stacktrace_probe_hits_total)"
		equal "$f: runs" 1 "$(sum stacktrace_run_info)"
		# A lifetime for each coroutine that was born and ended; buckets only grow.
		awk '/_lifetime_seconds_bucket/ { if ($NF < last) bad = 1; last = $NF; n++ }
			/_lifetime_seconds_count/ { if ($NF != last) bad = 1 }
			END { exit bad || n < 10 }' a.prom || fail "$f: the histogram is none"
		# No series twice; as many as wanted.
		grep -v '^#' a.prom | sed 's/ [^ ]*$//' | sort | uniq -d >twice.txt
		[ -s twice.txt ] && fail "$f: twice: $(cat twice.txt)"
		creators=$(grep -c '^go_runtime_stack_growths_total{' a.prom)
		[ $top = 1 ] && equal "$f: series with -n 1" 2 "$creators"
		if command -v promtool >/dev/null; then
			timeout 60 promtool check metrics <a.prom >promtool.txt 2>&1 || fail "$f: promtool: $(cat promtool.txt)"
		fi
	done
	grep -q '^go_runtime_stack_growths_total{creator="other",' a.prom || fail "$f: no creator 'other'"
done

# Live, of a program whose name means harm.
evil=$(printf 'a"b\\c\nd')
cp "$O/samples/c/recurse" "$evil"
run_ok "$ST" run -q --source=ring -f prom -o live.prom -- "./$evil" 3 3
# shellcheck disable=SC1003 # these are backslashes
grep -qF 'a\"b\\c\\x0ad",' live.prom || fail "the target's name: $(grep run_info live.prom)"
if command -v promtool >/dev/null; then
	timeout 60 promtool check metrics <live.prom >promtool.txt 2>&1 || fail "live: promtool: $(cat promtool.txt)"
fi

command -v promtool >/dev/null || skip "promtool is not installed: the rest passed, its opinion is not known"
finish
