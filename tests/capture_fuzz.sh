#!/bin/sh
# SPDX-License-Identifier: Apache-2.0
# test: timeout 400
# Captures changed at random, from those stored in tests/data/captures, in every format; the same ones each time, and a few
# that are others each time.  FUZZ=N changes how many.  With SAN=address,undefined this finds what does not crash by itself.
set -u
. "$TOP/tests/lib.sh"
corpus=$TOP/tests/data/captures

one() { # COUNT SEED
	limit=180 run capture_fuzz run "$corpus" "$1" "$2"
	[ $status = 0 ] && return
	fail "capture_fuzz run $corpus $1 $2: status $status: $(head -n 20 err.txt)"
	[ -f fuzz.capture ] && cp fuzz.capture "$O/tests/log/fuzz-$2.capture" &&
		echo "the capture is kept as $O/tests/log/fuzz-$2.capture: capture_fuzz one FILE"
}

count=${FUZZ:-$([ -n "${SAN:-}" ] && echo 200 || echo 3000)} # sanitizers take 25 times as long
one "$count" 1
one $((count / 4)) "$(date +%s)"

# What is stored stays readable, as it was meant to be.
for f in run-1.0 run-1.1 run-1.2 later-minor cut hostile; do
	run "$ST" report -f json "$corpus/$f.capture"
	equal "$f: status" 0 "$status"
	[ $f = cut ] && continue
	case $f in run-1.0 | hostile) equal "$f: growths" 103 "$(json out.txt .summary.growths)" ;; esac
	case $f in run-1.[12]) equal "$f: growths, with one of numbers made up" 104 "$(json out.txt .summary.growths)" ;; esac
	equal "$f: truncated" false "$(json out.txt .damage.truncated)"
done
at_least "cut: growths" 40 "$("$ST" report -f json "$corpus/cut.capture" >cut.json; json cut.json .summary.growths)"
at_least "a later minor version: blocks skipped" 1 \
	"$("$ST" report -f json "$corpus/later-minor.capture" >later.json; json later.json .damage.unknown_blocks)"
for f in later-major:'format 2.9' big-endian:'big-endian'; do
	run "$ST" report "$corpus/${f%%:*}.capture"
	equal "${f%%:*}: status" 1 "$status"
	matches "${f%%:*}" "${f#*:}" err.txt
done

# Nothing of a hostile name reaches a terminal, a script or a spreadsheet as it is.
for f in table tree csv trace folded json; do
	run "$ST" report -f $f "$corpus/hostile.capture"
	equal "hostile names as $f: status" 0 "$status"
	if LC_ALL=C grep -q "$(printf '[\001-\010\013-\037\177]')" out.txt; then fail "hostile names as $f: control characters"; fi
done
for command in dump info 'info -f json'; do
	# shellcheck disable=SC2086 # its words
	run "$ST" $command "$corpus/hostile.capture"
	if LC_ALL=C grep -q "$(printf '[\001-\010\013-\037\177]')" out.txt; then fail "hostile names in $command: control characters"; fi
done

# What is no capture.
: >empty
head -c 40 "$corpus/run-1.1.capture" >short
for f in "empty:is empty" "short:ends inside its header|nothing" "$ST:is a program" "$TOP/README.md:is not a stacktrace capture" \
	"/dev/null:is empty" ".:Is a directory" "none:No such file"; do
	for command in report info dump "merge -o merged $corpus/run-1.0.capture" "diff $corpus/run-1.0.capture"; do
		# shellcheck disable=SC2086 # its words
		run "$ST" $command "${f%%:*}"
		[ "${f%%:*}" = short ] && [ "$status" = 0 ] && continue # its header is whole: an empty report
		equal "${command%% *} of ${f%%:*}: status" 1 "$status"
		matches "${command%% *} of ${f%%:*}" "${f#*:}" err.txt
	done
done

# All that is stored, through the other commands.
for f in "$corpus"/*.capture; do
	name=${f##*/}
	wanted=0
	case $name in later-major* | big-endian*) wanted=1 ;; esac
	for command in dump info "merge -o merged" "diff $corpus/run-1.1.capture"; do
		# shellcheck disable=SC2086 # its words
		run "$ST" $command "$f"
		equal "${command%% *} of $name: status" $wanted "$status"
	done
done

# Huge, with nothing in it: before, behind and instead of a capture.
cp "$corpus/run-1.0.capture" huge.capture
if truncate -s 1T huge.capture 2>/dev/null; then
	limit=20 run "$ST" report huge.capture
	equal "a terabyte of zeros behind: status" 0 "$status"
	matches "a terabyte of zeros behind" 'bytes behind the end' out.txt
	head -c 1500 "$corpus/run-1.0.capture" >huge.capture
	truncate -s 1T huge.capture
	limit=20 run "$ST" report --strict huge.capture
	equal "a terabyte of zeros behind a cut: status" 3 "$status"
	truncate -s 0 huge.capture
	truncate -s 1T huge.capture
	limit=20 run "$ST" report huge.capture
	equal "a terabyte of zeros: status" 1 "$status"
	rm huge.capture
else
	echo "no sparse files of a terabyte here: not tried"
fi
finish
