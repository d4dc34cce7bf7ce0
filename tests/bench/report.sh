#!/bin/sh
# SPDX-License-Identifier: Apache-2.0
# What reading and reporting captures costs: bytes an event on disk, events a second on one core, memory, and whether the
# cost of an event stays the same from 10^5 to 10^7; then a capture of about 1 GB (BIG=0 leaves it out) against the time
# that its decompression alone takes, and reading it from the disk.
#
# Times are CPU time of one thread, the least of $rounds, so that a busy machine disturbs little; "of unpack" is the ratio
# to checking and decompressing the same file in the same run.
set -eu
rounds=${ROUNDS:-3}
bench=$O/tests/tools/formats_bench
dir=$(mktemp -d)
trap 'rm -rf "$dir"' EXIT

value() { # NAME
	tr ' ' '\n' | sed -n "/^$1\$/{n;p;}"
}

least() { # MODE FILE: ns an event, and memory
	i=0
	while [ $i -lt "$rounds" ]; do
		"$bench" "$1" "$2"
		i=$((i + 1))
	done | awk '{ for (i = 1; i < NF; i += 2) v[$i] = $(i + 1)
		if (!n++ || v["ns"] < ns) { ns = v["ns"]; rss = v["rss_kib"] } } END { print ns, rss }'
}

row() { # NAME FILE
	read -r unpack _ <<-END
		$(least unpack "$2")
	END
	read -r read _ <<-END
		$(least read "$2")
	END
	read -r report rss <<-END
		$(least report "$2")
	END
	awk -v name="$1" -v bytes="$3" -v u="$unpack" -v d="$read" -v r="$report" -v rss="$rss" 'BEGIN {
		printf "  %-18s %6.2f %9.1f %9.1f %9.1f %11.1f %8.1f %11.1f\n", name, bytes, u, d, r, 1e3 / r, rss / 1024, r / u }'
}

printf '  %-18s %6s %9s %9s %9s %11s %8s %11s\n' EVENTS B/EVENT 'UNPACK ns' 'READ ns' 'REPORT ns' 'M EVENTS/s' 'RSS MiB' 'OF UNPACK'
for n in 100000 1000000 10000000; do
	bytes=$("$bench" write $n "$dir/c" | value bytes)
	row "$n growths" "$dir/c" "$bytes"
done
bytes=$("$bench" switches 1000000 "$dir/c" | value bytes)
row "1000000 switches" "$dir/c" "$bytes"
[ "${BIG:-1}" = 0 ] && exit 0
free=$(df -Pk "$dir" | awk 'NR == 2 { print int($4 / 1024) }')
if [ "$free" -lt 1500 ]; then
	echo "  1 GB: skipped, $free MiB free in $dir"
	exit 0
fi
rounds=1
bytes=$("$bench" write 85000000 "$dir/c" | value bytes)
row "85000000 (1 GB)" "$dir/c" "$bytes"
