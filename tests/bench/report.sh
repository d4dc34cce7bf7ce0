#!/bin/sh
# SPDX-License-Identifier: Apache-2.0
# What reading and reporting captures costs: bytes an event on disk, events a second on one core, memory, and whether the
# cost of an event stays the same from 10^5 to 10^7; folded stacks and SVG against FlameGraph's Perl scripts, of the same
# events (FLAMEGRAPH=DIR: where these are); then a capture of about 1 GB (BIG=0 leaves it out) against the time that its
# decompression alone takes, and reading it from the disk.
#
# Times are CPU time, the least of $rounds, so that a busy machine disturbs little.  READ and UNPACK are of one thread of the
# library; REPORT is the program, 'stacktrace report', less the time that it takes for 100 events.
set -eu
rounds=${ROUNDS:-3}
bench=$O/tests/tools/formats_bench
dir=$(mktemp -d)
trap 'rm -rf "$dir"' EXIT

value() { # NAME
	tr ' ' '\n' | sed -n "/^$1\$/{n;p;}"
}

least() { # ARGUMENT...: ns an event (of a program: in all), and memory
	i=0
	while [ $i -lt "$rounds" ]; do
		"$bench" "$@"
		i=$((i + 1))
	done | awk '{ for (i = 1; i < NF; i += 2) v[$i] = $(i + 1)
		if (!n++ || v["ns"] < ns) { ns = v["ns"]; rss = v["rss_kib"] } } END { print ns, rss }'
}

row() { # NAME FILE BYTES-AN-EVENT EVENTS
	read -r unpack _ <<-END
		$(least unpack "$2")
	END
	read -r read _ <<-END
		$(least read "$2")
	END
	read -r report rss <<-END
		$(least time "$ST" report -o /dev/null "$2")
	END
	awk -v name="$1" -v bytes="$3" -v u="$unpack" -v d="$read" -v r="$report" -v n="$4" -v rss="$rss" -v start="$start" 'BEGIN {
		r = (r - start) / n
		printf "  %-18s %6.2f %9.1f %9.1f %9.1f %11.1f %8.1f %11.1f\n", name, bytes, u, d, r, 1e3 / r, rss / 1024, r / u }'
}

# Ours against theirs, of the same call stacks.
against() { # NAME OUR-COMMAND THEIR-COMMAND
	read -r ours _ <<-END
		$(least time sh -c "$2")
	END
	read -r theirs _ <<-END
		$(least time sh -c "$3")
	END
	awk -v name="$1" -v a="$ours" -v b="$theirs" 'BEGIN {
		printf "  %-34s %8.2f s %8.2f s %8.1f times faster\n", name, a / 1e9, b / 1e9, b / a }'
}

"$bench" write 100 "$dir/c" >/dev/null
read -r start _ <<-END
	$(least time "$ST" report -o /dev/null "$dir/c")
END
awk -v s="$start" 'BEGIN { printf "  report of 100 events: %.1f ms\n\n", s / 1e6 }'
printf '  %-18s %6s %9s %9s %9s %11s %8s %11s\n' EVENTS B/EVENT 'UNPACK ns' 'READ ns' 'REPORT ns' 'M EVENTS/s' 'RSS MiB' 'OF UNPACK'
for n in 100000 1000000 10000000; do
	bytes=$("$bench" write $n "$dir/c" | value bytes)
	row "$n growths" "$dir/c" "$bytes" $n
done
for n in 1000000 10000000; do
	bytes=$("$bench" switches $n "$dir/c" | value bytes)
	row "$n switches" "$dir/c" "$bytes" $n
done

echo
if [ -z "${FLAMEGRAPH:-}" ] || ! [ -f "$FLAMEGRAPH/flamegraph.pl" ]; then
	echo "  against FlameGraph: skipped, FLAMEGRAPH=DIR does not name a folder with flamegraph.pl"
elif ! command -v perl >/dev/null; then
	echo "  against FlameGraph: skipped, there is no perl"
else
	"$bench" stacks 50000 "$dir/c" "$dir/script" >/dev/null
	printf '  %-34s %10s %10s\n' "50000 GROWTHS, 10000 STACKS" OURS THEIRS
	against "folded (stackcollapse-perf.pl)" "'$ST' report -f folded -o '$dir/ours' '$dir/c'" \
		"perl '$FLAMEGRAPH/stackcollapse-perf.pl' '$dir/script' >'$dir/theirs'"
	# the root is the go statement here and the program's name there
	sed 's/^server;/go@server.main:501;/' "$dir/theirs" | LC_ALL=C sort | cmp -s - "$dir/ours" || echo "  and they differ"
	against "SVG from folded (flamegraph.pl)" "'$ST' report -f svg -o '$dir/ours.svg' '$dir/c'" \
		"perl '$FLAMEGRAPH/flamegraph.pl' '$dir/theirs' >'$dir/theirs.svg'"
	against "SVG from events (both)" "'$ST' report -f svg -o '$dir/ours.svg' '$dir/c'" \
		"perl '$FLAMEGRAPH/stackcollapse-perf.pl' '$dir/script' | perl '$FLAMEGRAPH/flamegraph.pl' >'$dir/theirs.svg'"
fi

[ "${BIG:-1}" = 0 ] && exit 0
free=$(df -Pk "$dir" | awk 'NR == 2 { print int($4 / 1024) }')
if [ "$free" -lt 2500 ]; then
	echo "  1 GB: skipped, $free MiB free in $dir"
	exit 0
fi
rounds=1
echo
bytes=$("$bench" write 85000000 "$dir/c" | value bytes)
row "85000000 (1 GB)" "$dir/c" "$bytes" 85000000

# The same bytes: from the disk, past the cache; and its payload through zstd(1), as one stream.
size=$(stat -c %s "$dir/c")
sync
from=$(date +%s%N)
if dd if="$dir/c" of=/dev/null bs=4M iflag=direct 2>/dev/null; then
	to=$(date +%s%N)
	awk -v b="$size" -v t=$((to - from)) 'BEGIN { printf "  read from the disk: %.1f s, %.0f MB/s\n", t / 1e9, b * 1e3 / t }'
fi
if command -v zstd >/dev/null; then
	zstd -q -1 -f -o "$dir/z" "$dir/c"
	read -r ns _ <<-END
		$(least time zstd -q -d -f -o /dev/null "$dir/z")
	END
	awk -v b="$size" -v t="$ns" 'BEGIN { printf "  zstd -d of the capture once more compressed: %.1f s\n", t / 1e9 }'
fi
