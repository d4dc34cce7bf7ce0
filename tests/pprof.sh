#!/bin/sh
# SPDX-License-Identifier: Apache-2.0
# -f pprof, as go tool pprof reads it: its totals are the report's, by sample type, creator and step.
set -u
. "$TOP/tests/lib.sh"
[ -n "$GO" ] || skip "needs a go command, for go tool pprof"
need_bpf

go_build "$GO" ./recurse "$TOP/samples/go/recurse" || fail "cannot build samples/go/recurse"
run_ok env GODEBUG=adaptivestackstart=0 "$ST" record -q -o r.capture -- ./recurse 100 64
run_ok "$ST" report -f json -o r.json r.capture
run_ok "$ST" report -f pprof -o r.pb.gz r.capture
# Elsewhere: nothing of the program is needed.
rm recurse

pprof() {
	run_ok env HOME="$T" PPROF_TMPDIR="$T" "$GO" tool pprof "$@" r.pb.gz
}

# -raw prints every sample as "growths copied time waste: locations" and its labels below.
pprof -raw
matches "sample types" '^growths/count\[dflt\] copied/bytes time/nanoseconds waste/bytes$' out.txt
awk '/^Samples:/ { on = 1 } /^Locations$/ { on = 0 } on' out.txt >samples.txt
total() { # COLUMN
	awk -v c="$1" '/^ +[0-9]+ +[0-9]+ +[0-9]+ +[0-9]+:/ { sub(/:.*/, ""); n += $c } END { printf "%d\n", n }' samples.txt
}
summary() {
	json r.json ".summary.$1"
}
equal "growths" "$(summary growths)" "$(total 1)"
equal "bytes copied" "$(summary bytes_copied)" "$(total 2)"
equal "time" "$(summary copy_ns)" "$(total 3)"
equal "waste" "$(($(summary allocated_bytes) - $(summary used_bytes)))" "$(total 4)"

# Each of the 100 workers grows once from each of five sizes.
for size in 2048 4096 8192 16384 32768; do
	equal "growths from $size" "$(json r.json ".growth[]{from=$size}.count" | awk '{ n += $1 } END { print n + 0 }')" \
		"$(awk -v size="$size" '
			/^ +[0-9]+ +[0-9]+ +[0-9]+ +[0-9]+:/ { growths = $1 }
			$0 ~ "step:\\[" size "->" { n += growths }
			END { print n + 0 }' samples.txt)"
done
pprof -top -tagroot=creator -sample_index=growths
matches "creators at the root" '^ +0 +0% .* 500 +[0-9.]+% +main\.main main\.go:[0-9]+$' out.txt
pprof -top -sample_index=copied -unit=B
matches "leaf" ' main\.descend$' out.txt

# Nothing binary to a terminal.
if command -v script >/dev/null; then
	timeout 20 script -qec "$ST report -f pprof r.capture" /dev/null >out.txt 2>&1 </dev/null
	matches "to a terminal" 'binary and would go to a terminal' out.txt
fi
finish
