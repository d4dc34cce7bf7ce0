#!/bin/sh
# SPDX-License-Identifier: Apache-2.0
# test: timeout 300
# -f chrome and -f perfetto: every slice, instant, counter and flow is in both, read by readers that share nothing; totals are
# those of the summary; and the trace viewer that comes with Go reads the first.
set -u
. "$TOP/tests/lib.sh"
need_cmd python3

value() { # FILE WORDS...: the number behind them
	file=$1
	shift
	sed -n "s/^$* \([0-9]*\).*/\1/p" "$file"
}

both() { # NAME
	run_ok "$ST" report -f json -o "$1.json" "$1.capture"
	run_ok "$ST" report -f chrome -o "$1.chrome" "$1.capture"
	run_ok "$ST" report -f perfetto -o "$1.pftrace" "$1.capture"
	run_ok python3 "$TOP/tests/data/read_trace.py" chrome "$1.chrome"
	cp out.txt "$1.sums"
	equal "$1: growths" "$(json "$1.json" .summary.growths)" "$(value "$1.sums" slices growth)"
	shrinks=$(value "$1.sums" slices shrink)
	equal "$1: shrinks" "$(json "$1.json" .summary.shrinks)" "${shrinks:-0}"
	equal "$1: most alive" "$(json "$1.json" .summary.coroutines_peak_alive)" "$(sed -n 's/^counter coroutines alive [0-9]* //p' "$1.sums")"
	if command -v protoc >/dev/null; then
		protoc --decode=Trace -I "$TOP/tests/data" perfetto.proto <"$1.pftrace" >"$1.packets" 2>err.txt ||
			fail "$1: protoc: $(head -n 5 err.txt)"
		grep -nE '^ *[0-9]+(:| \{)' "$1.packets" | head -n 3 >unknown.txt
		[ -s unknown.txt ] && fail "$1: fields that are not in the schema: $(cat unknown.txt)"
		run_ok python3 "$TOP/tests/data/read_trace.py" perfetto "$1.packets"
		diff "$1.sums" out.txt || fail "$1: chrome (<) and perfetto (>) differ"
	else
		echo "perfetto not read: no protoc"
	fi
}

"$ST" record -q --source=ring -o ring.capture -- "$O/samples/c/recurse" 40 300 || fail "cannot record"
both ring
equal "ring: lives" "$(json ring.json .summary.coroutines)" "$(value ring.sums slices life)"
equal "ring: flows" "$(($(json ring.json .summary.coroutines_born) - 1))" "$(value ring.sums flows)"
cp "$TOP/tests/data/formats/run-1.0.capture" stored.capture
both stored
equal "stored: what is missing" 1 "$(value stored.sums instants missing)"
cp "$TOP/tests/data/captures/hostile.capture" hostile.capture
both hostile

# One coroutine alone, and a part of the time.
run_ok "$ST" report -f chrome --coroutine=3 -o one.chrome ring.capture
run_ok python3 "$TOP/tests/data/read_trace.py" chrome one.chrome
equal "--coroutine: lives" 1 "$(value out.txt slices life)"
run "$ST" run -q --source=ring -f perfetto -- "$O/samples/c/recurse" 1
equal "perfetto on standard error: status" 125 "$status"

# Memory is that of coroutines, not of events: one that grew with these would not fit.
if [ -z "$SAN" ]; then
	formats_bench write 300000 long.capture >/dev/null
	# shellcheck disable=SC3045 # dash and bash have it
	for f in chrome perfetto; do
		(ulimit -v 100000 && exec timeout 100 "$ST" report -f $f -o /dev/null long.capture) 2>err.txt ||
			fail "$f of 300,000 events in 100 MB: $(cat err.txt)"
	done
fi

# Switches, waits, collections of a Go program.
if [ -x "$O/samples/go/pipeline" ] && "$ST" record -q --source=bpf --switches=on --events=gogo,park,ready --max-overhead=100 \
	-o go.capture -- "$O/samples/go/pipeline" 4 200 8 >/dev/null 2>why.txt; then
	both go
	at_least "go: running" 100 "$(value go.sums slices running)"
	equal "go: as often on threads" "$(value go.sums slices running)" "$(value go.sums slices on_thread)"
	at_least "go: waiting for channels" 100 "$(value go.sums slices chan)"
	at_least "go: flows" 4 "$(value go.sums flows)"
else
	echo "Go not tried: $(head -n 1 why.txt 2>/dev/null)"
fi

# Catapult, which is Chromium's own reader, as the Go toolchain brings it along.
viewer=$([ -n "${GO:-}" ] && find -L "$("$GO" env GOROOT)/src" -name trace_viewer_full.html 2>/dev/null | head -n 1)
if [ -z "$viewer" ] || ! python3 "$TOP/tests/browser.py" --check 2>/dev/null; then
	echo "Catapult not tried: it comes with Go, and needs Chromium"
	finish
fi
page() { # NAME: a page with the viewer and a trace
	printf '<!doctype html><script>'
	cat "${viewer%/*}/webcomponents.min.js"
	printf '</script>'
	cat "$viewer"
	printf '<script type="application/json" id="trace">'
	cat "$1.chrome"
	printf '</script>'
}
: >commands.txt
: >wanted.txt
for c in stored go; do
	[ -f $c.chrome ] || continue
	page $c >$c.html
	cat >>commands.txt <<END
open $c.html
await typeof tr === 'object' && !!tr.Model
do window.m = new tr.Model(); new tr.importer.Import(m, new tr.importer.ImportOptions()).importTraces([document.getElementById('trace').textContent])
do window.slices = Object.values(m.processes).flatMap(p => Object.values(p.threads)).flatMap(t => t.sliceGroup.slices)
eval m.importWarnings.length
eval slices.filter(s => s.didNotFinish).length
eval slices.filter(s => s.title.startsWith('growth')).length
eval m.flowEvents.length
eval m.flowEvents.filter(f => !f.startSlice || !f.endSlice).length
eval Object.values(m.processes).flatMap(p => Object.keys(p.counters)).length
END
	printf '%s\n' 0 0 "$(json $c.json .summary.growths)" "$(value $c.sums flows)" 0 3 >>wanted.txt
done
: >empty.html
timeout 150 python3 "$TOP/tests/browser.py" empty.html <commands.txt >out.txt 2>err.txt || fail "$(cat err.txt)"
diff wanted.txt out.txt || fail "Catapult: wanted (<) and read (>) differ"
finish
