#!/bin/sh
# SPDX-License-Identifier: Apache-2.0
# What reading and reporting captures costs: bytes an event on disk, events a second on one core, memory, and whether the
# cost of an event stays the same from 10^5 to 10^7; folded stacks and SVG against FlameGraph's Perl scripts, of the same
# events (FLAMEGRAPH=DIR: where these are); then captures of about 1 GB (BIG=0 leaves them out), totalled ('info') and reported on,
# in turns with 'zstd -d' of their frames and with reading them from the disk.
#
# Times are CPU time, the least of $rounds, so that a busy machine disturbs little.  READ and UNPACK are of one thread of the
# library; REPORT is the program, 'stacktrace report', less the time that it takes for 100 events; MORE is what each event costs
# that the row above does not have: memory that is touched for the first time is in it only once.
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
	awk -v name="$1" -v bytes="$3" -v u="$unpack" -v d="$read" -v all="$report" -v n="$4" -v rss="$rss" -v start="$start" \
		-v less="$less" -v fewer="$fewer" 'BEGIN {
		r = (all - start) / n
		printf "  %-18s %6.2f %9.1f %9.1f %9.1f %9.1f %11.1f %8.1f %11.1f\n", name, bytes, u, d, r,
			(all - less) / (n - fewer), 1e3 / r, rss / 1024, r / u }'
	less=$report fewer=$4
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
printf '  %-18s %6s %9s %9s %9s %9s %11s %8s %11s\n' EVENTS B/EVENT 'UNPACK ns' 'READ ns' 'REPORT ns' 'MORE ns' 'M EVENTS/s' 'RSS MiB' \
	'OF UNPACK'
less=$start fewer=100
for n in 100000 1000000 10000000; do
	bytes=$("$bench" write $n "$dir/c" | value bytes)
	row "$n growths" "$dir/c" "$bytes" $n
done
less=$start fewer=100
for n in 100000 1000000 10000000; do
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

# The whole of it, and beside it, in turns, what nothing that opens the file can do without.
turns() { # a line, NAME CPU-NS ELAPSED-NS, for each turn
	i=0
	while [ $i -lt "$rounds" ]; do
		"$bench" time "$ST" info -o /dev/null "$dir/c" | sed 's/^/info /'
		"$bench" time "$ST" report -o /dev/null "$dir/c" | sed 's/^/report /'
		"$bench" time zstd -q -d -f -o /dev/null "$dir/frames" | sed 's/^/zstd /'
		"$bench" time dd if="$dir/c" of=/dev/null bs=4M iflag=direct status=none | sed 's/^/disk /'
		i=$((i + 1))
	done
}

big() { # KIND COUNT NAME
	"$bench" "$1" "$2" "$dir/c" >/dev/null
	"$bench" frames "$dir/c" "$dir/frames" >/dev/null
	sync
	turns | awk -v name="$3" '
		!($1 in cpu) || $3 < cpu[$1] { cpu[$1] = $3 }
		!($1 in all) || $5 < all[$1] { all[$1] = $5; rss[$1] = $7 }
		END { printf "  %-18s %6.2f %8.2f %8.1f %8.1f %8.1f %8.1f %6.1f %8.1f %9.2f %9.1f\n",
			name, all["info"] / 1e9, cpu["info"] / 1e9, all["report"] / 1e9, cpu["report"] / 1e9,
			all["zstd"] / 1e9, cpu["zstd"] / 1e9, all["disk"] / 1e9, rss["report"] / 1024,
			all["info"] / all["zstd"], all["report"] / all["zstd"] }'
}

if ! command -v zstd >/dev/null; then
	echo "  1 GB: skipped, there is no zstd"
	exit 0
fi
rounds=2
echo
printf '  %-18s %6s %8s %8s %8s %8s %8s %6s %8s %9s %9s\n' "1 GB; SECONDS" INFO "ITS CPU" REPORT "ITS CPU" 'ZSTD -D' "ITS CPU" \
	DISK 'RSS MiB' 'INFO/ZSTD' 'REP./ZSTD'
big write 85000000 "85000000 growths"
big switches 92000000 "92000000 switches"
