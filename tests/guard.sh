#!/bin/sh
# SPDX-License-Identifier: Apache-2.0
# Stacks that grow where they are, by their guard page: how often they do and what they then occupy, by arithmetic; and the
# same samples under every policy.
set -u
. "$TOP/tests/lib.sh"

value() { # NAME
	sed -n "s/^$1 //p" out.txt
}

# From 64 KiB by half of what there is, in whole pages, until what is used fits.
growths() { # USED
	size=65536 n=0
	while [ "$size" -lt "$1" ]; do
		size=$((size + size / 2 / 4096 * 4096)) n=$((n + 1))
	done
	echo "$size $n"
}

for run in 'parse 3 600' 'parse 1 900' 'search 3 64 141' 'search 2 100 199'; do
	# shellcheck disable=SC2086 # words on purpose
	run_ok env CORUN_POLICY=mmap CORUN_TRIGGER=guard CORUN_STACK=64K CORUN_MAXSTACK=2M "$O/samples/c/"$run -v || continue
	used=$(value peak.used)
	at_least "$run: bytes used" 100000 "$used"
	# shellcheck disable=SC2046 # two words
	set -- $(growths "$used")
	equal "$run: peak" "$1" "$(value peak.stack)"
	number=${run#* }
	equal "$run: growths" $((${number%% *} * $2)) "$(value runtime.growths)"
	# What is memory is what was used, to the page, and the page that the runtime's own calls touch.
	rest=$(($(value peak.resident) - used))
	[ "$rest" -ge 0 ] && [ "$rest" -lt 8192 ] || fail "$run: $rest bytes are resident beyond what is used"
done

for run in 'parse 5 300' 'search 5 40 61'; do
	for policy in copy segmented mmap fixed; do
		# shellcheck disable=SC2086 # words on purpose
		run_ok env CORUN_POLICY=$policy CORUN_STACK=256K "$O/samples/c/"$run || echo "with $policy"
	done
	# shellcheck disable=SC2086 # words on purpose
	run_ok "$O/samples/c/"$run && run_ok env CORUN_POLICY=segmented "$O/samples/c/"$run || echo "in 2 KiB"
done

# A limit is a report, not a crash.
run env CORUN_POLICY=mmap CORUN_TRIGGER=guard CORUN_STACK=64K CORUN_MAXSTACK=128K "$O/samples/c/search" 1 100 199
equal 'a search beyond the limit: status' 2 "$status"
matches 'a search beyond the limit' 'stack overflow|guard page' err.txt

finish
