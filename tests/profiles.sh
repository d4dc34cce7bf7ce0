#!/bin/sh
# SPDX-License-Identifier: Apache-2.0
# test: timeout 120
# The format pprof, read by `go tool pprof`: the totals of each sample type are those of the JSON document.
set -u
. "$TOP/tests/lib.sh"

# Not text, so not for a terminal and not for standard error.
run "$ST" run -q --source=ring -f pprof -- "$O/samples/c/recurse" 1
equal "pprof on standard error: status" 125 "$status"
matches "pprof on standard error" "hint: .*--output=FILE" err.txt

need_go "${GO:-}" any
export HOME="$T" PPROF_TMPDIR="$T" GOFLAGS=

# The sum of a sample type, and of the samples that a filter leaves.
total() { # TYPE FILE [OPTION...]
	type=$1 file=$2
	shift 2
	timeout 60 "$GO" tool pprof -raw -sample_index="$type" "$@" "$file" >raw.txt 2>pprof.txt || {
		fail "go tool pprof: $(cat pprof.txt)"
		return
	}
	awk -v type="$type" '
		/^Samples:/ { getline; for (i = 1; i <= NF; i++) if (index($i, type "/") == 1) c = i; next }
		/^Locations/ { exit }
		c && /^ *[0-9]/ { sub(":", " "); n += $c }
		END { if (c) printf "%.0f\n", n; else print "no such type" }' raw.txt
}

compare() { # NAME
	run_ok "$ST" report -f json "$1.capture"
	cp out.txt "$1.json"
	run_ok "$ST" report -f pprof -o "$1.pb.gz" "$1.capture"
	equal "$1: growths" "$(json "$1.json" .summary.growths)" "$(total growths "$1.pb.gz")"
	equal "$1: bytes" "$(json "$1.json" .summary.bytes_copied)" "$(total bytes "$1.pb.gz")"
	equal "$1: time" "$(json "$1.json" .summary.copy_ns)" "$(total time "$1.pb.gz")"
	waste=$(($(json "$1.json" .summary.allocated_bytes) - $(json "$1.json" .summary.used_bytes)))
	equal "$1: waste" "$waste" "$(total waste "$1.pb.gz")"
	# By label: what the growth rows say of a step, and of their most frequent creator.
	paste -d ' ' "$(column "$1.json" from)" "$(column "$1.json" to)" "$(column "$1.json" count)" >steps.txt
	for step in '2048 4096:2K to 4K' '2048 32768:2K to 32K'; do
		want=$(awk -v step="${step%:*}" '$1 " " $2 == step { n += $3 } END { print n + 0 }' steps.txt)
		equal "$1: growths from ${step#*:}" "$want" "$(total growths "$1.pb.gz" -tagfocus="step=^${step#*:}\$")"
	done
	creator=$(json "$1.json" '.growth[0].creator')
	want=$(paste -d ' ' "$(column "$1.json" creator)" "$(column "$1.json" count)" | awk -v c="$creator" '$1 == c { n += $2 } END { print n }')
	equal "$1: growths of $creator" "$want" "$(total growths "$1.pb.gz" -tagfocus="creator=^$(echo "$creator" | sed 's/[.*()[]/\\&/g') ")"
	timeout 60 "$GO" tool pprof -top "$1.pb.gz" >top.txt 2>&1 || fail "$1: -top: $(cat top.txt)"
	leaf=$(json "$1.json" '.growth[0].leaf')
	grep -qF "$leaf" top.txt || fail "$1: -top does not show '$leaf'"
}

column() { # FILE KEY: a file with that key of each growth row
	json "$1" ".growth[].$2" >"column.$2"
	echo "column.$2"
}

"$ST" record -q --source=ring -o c.capture -- "$O/samples/c/recurse" 200 64 || fail "cannot record"
compare c
build_id=$(json c.json .summary.build_id)
grep -q "$build_id" raw.txt || fail "no mapping with the build id $build_id"
matches "c: step" 'step:\[2K to 4K\]' raw.txt
matches "c: command" 'recurse 200 64' raw.txt
run_ok "$ST" report -f pprof --weight=waste -o w.pb.gz c.capture
timeout 60 "$GO" tool pprof -top w.pb.gz 2>&1 | grep -q '^Type: waste' || fail "--weight=waste is not shown first"
run_ok "$ST" report -f pprof -o f.pb.gz --coroutine=2 c.capture
run_ok "$ST" report -f json --coroutine=2 c.capture
equal "filtered" "$(json out.txt .summary.growths)" "$(total growths f.pb.gz)"

# The stored capture has shrinks, stacks that are not known, losses, inlined functions.
cp "$TOP/tests/data/formats/run-1.0.capture" stored.capture
compare stored
matches "lost events" 'lost events: ring full: 3' raw.txt
matches "inlined" 'main.small' raw.txt

if "$ST" run -q --source=bpf -o /dev/null -- "$O/samples/c/recurse" 1 >/dev/null 2>why.txt && [ -x "$O/samples/go/recurse" ]; then
	"$ST" record -q --source=bpf -o go.capture -- "$O/samples/go/recurse" >/dev/null || fail "cannot record Go"
	compare go
else
	echo "Go not tried: $(head -n 1 why.txt)"
fi
finish
