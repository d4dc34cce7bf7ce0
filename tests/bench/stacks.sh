#!/bin/sh
# SPDX-License-Identifier: Apache-2.0
# What stack policies, first sizes and allocators make of the same work, beside the figures of the article that this follows.
# Counts and bytes do not depend on the machine; times are of one run, in turns.
set -eu
rounds=${ROUNDS:-3}
export GOMAXPROCS=1 # the works count without locks
dir=$(mktemp -d)
trap 'rm -rf "$dir"' EXIT
stacks=$O/tests/bench/runtime/stacks
pin=''
command -v taskset >/dev/null && pin="taskset -c $(taskset -cp $$ | sed 's/.*[ ,-]//')"

# Least and median of each of a program's figures, by round: "NAME LEAST MEDIAN".
figures() { # FILE
	sort -k1,1 -k2,2g "$1" | awk '
		function out() { if (n) print name, v[1], v[int((n + 1) / 2)] }
		$1 != name { out(); n = 0; name = $1 }
		{ v[++n] = $2 }
		END { out() }'
}

figure() { # FILE NAME COLUMN
	awk -v name="$2" -v column="$3" '$1 == name { print $column }' "$1"
}

# shellcheck disable=SC2086 # $pin is a command with arguments
generations() {
	i=0
	while [ $i -lt "$rounds" ]; do
		for p in fixed segmented copy mmap; do
			CORUN_POLICY=$p $pin "$stacks" generations >>"$dir/$p"
		done
		i=$((i + 1))
	done
	echo "generations of stacks, the same work under each policy, $rounds rounds in turns (least of all trials)"
	printf '  %-12s %14s %14s %14s %14s\n' '' 'call at its' '32 KiB deep,' 'the second' 'bytes while'
	printf '  %-12s %14s %14s %14s %14s\n' '' 'border, ns' 'first, ns' 'time, ns' 'it waits'
	for p in fixed segmented copy mmap; do
		figures "$dir/$p" >"$dir/f"
		printf '  %-12s %14.1f %14.0f %14.0f %14.0f\n' $p "$(figure "$dir/f" hot 2)" "$(figure "$dir/f" deep-first 2)" \
			"$(figure "$dir/f" deep-again 2)" "$(figure "$dir/f" wait 2)"
	done
	echo '  fixed ends the program at 64 KiB; segmented pays at its border each time; copy pays once; mmap needs a page'
}

# Times of copies are those that our own tool measures without privileges.
first_sizes() {
	echo "first sizes of stacks, 20,000 requests of which 60 % need 0.5 KiB of stack, 32 % 3 KiB, 8 % 20 KiB"
	printf '  %-12s %10s %12s %12s %12s %12s\n' '' 'stacks a' 'growths a' collections 'copied,' 'copying,'
	printf '  %-12s %10s %12s %12s %12s %12s\n' '' request request '' MiB ms
	for size in 2K 8K adaptive; do
		GODEBUG=adaptivestackstart=0 CORUN_STACK=$size "$ST" run -q --source=ring -f json -o "$dir/json" -- "$stacks" requests >"$dir/$size"
		copying=$(sed -n 's/^ *"copy_ns": *\([0-9]*\).*/\1/p' "$dir/json" | head -n 1)
		printf '  %-12s %10.2f %12.2f %12d %12.1f %12.2f\n' $size "$(figure "$dir/$size" stacks 2)" \
			"$(figure "$dir/$size" growths 2)" "$(figure "$dir/$size" collections 2 | sed 's/\..*//')" \
			"$(figure "$dir/$size" copied 2 | awk '{ print $1 / 1048576 }')" \
			"$(echo "$copying" | awk '{ print $1 / 1e6 }')"
	done
	echo '  the article, of Go: 2 KB 1.8 stacks a request, 127 ms of copies (42 collections); 8 KB 0.3, 33 ms (11)'
}

guard_pages() {
	echo 'stacks that grow by their guard page from 64 KiB (CORUN_POLICY=mmap CORUN_TRIGGER=guard), at their deepest'
	printf '  %-24s %10s %10s %10s %16s\n' '' 'stack, KiB' 'used, KiB' growths 'fragmentation, %'
	while read -r name title; do
		# shellcheck disable=SC2046,SC2086 # words on purpose
		CORUN_POLICY=mmap CORUN_TRIGGER=guard CORUN_STACK=64K "$O/samples/c/"${name%%:*} -v 1 $(echo "${name#*:}" | tr : ' ') >"$dir/g"
		printf '  %-24s %10.0f %10.0f %10d %16.1f\n' "$title" \
			"$(figure "$dir/g" peak.stack 2 | awk '{ print $1 / 1024 }')" \
			"$(figure "$dir/g" peak.used 2 | awk '{ print $1 / 1024 }')" "$(figure "$dir/g" runtime.growths 2)" \
			"$(figure "$dir/g" peak.fragmentation 2 | awk '{ print $1 / 100 }')"
	done <<-END_OF_LIST
		parse:780 JSON, 780 levels
		search:64:245 search, 8,000 steps
	END_OF_LIST
	echo '  fragmentation: resident and not used; the article: JSON 184 KB, 3 growths, 0.2 %; search 512 KB, 12, 1.7 %'
}

caps() {
	echo 'coroutines until 512 MiB are reached, after twelve waves of load with four sizes of stacks'
	printf '  %-12s %24s %24s\n' '' 'resident memory' 'address space'
	printf '  %-12s %12s %11s %12s %11s\n' '' alive 'no stack, %' alive 'no stack, %'
	for a in page mmap; do
		for cap in resident space; do
			CORUN_ALLOCATOR=$a "$stacks" cap-$cap >"$dir/$cap"
		done
		printf '  %-12s %12d %11.1f %12d %11.1f\n' $a "$(figure "$dir/resident" alive 2 | sed 's/\..*//')" \
			"$(figure "$dir/resident" lost 2)" "$(figure "$dir/space" alive 2 | sed 's/\..*//')" "$(figure "$dir/space" lost 2)"
	done
	echo '  the article: 47 % more with mmap, and fragmentation of 9 % instead of 31 %; its page allocator does not pack'
}

for table in generations first_sizes guard_pages caps; do
	echo
	$table
done
