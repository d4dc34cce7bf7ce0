#!/bin/sh
# SPDX-License-Identifier: Apache-2.0
# test: timeout 300
# Captures and aggregates at scale: bytes a record on disk, and memory that does not grow with the number of records.
set -u
. "$TOP/tests/lib.sh"

# The value of NAME in the tool's line of NAME VALUE pairs.
value() { # NAME FILE
	tr ' ' '\n' <"$2" | sed -n "/^$1\$/{n;p;}"
}

bench() { # OUTPUT ARG...
	out=$1
	shift
	formats_bench "$@" >"$out" 2>err.txt || fail "formats_bench $*: $(cat err.txt)"
	cat "$out"
}

# Buffers fill up to 4 MiB; 900,000 records more may not leave 7 bytes each.
flat() { # NAME SMALL LARGE
	small=$(value rss_kib "$2") large=$(value rss_kib "$3")
	[ "$large" -lt $((small + 6000)) ] || fail "$1: $small KiB for 100,000 records, $large KiB for 1,000,000"
}

for n in 100000 1000000; do
	bench "aggregate-$n" aggregate $n
	bench "write-$n" write $n "$n.capture"
	bench "read-$n" read "$n.capture"
	bench "report-$n" report "$n.capture"
	equal "$n: records read" $n "$(value records "read-$n")"
	equal "$n: records reported" $n "$(value records "report-$n")"
	for name in coroutines growths bytes_copied; do
		equal "$n: $name live and from a capture" "$(value $name "aggregate-$n")" "$(value $name "report-$n")"
	done
	between "$n: bytes a record" 5 16 "$(value bytes "write-$n")"
done
for what in aggregate write read report; do
	[ "${SAN:-}" ] || flat $what $what-100000 $what-1000000
done
finish
