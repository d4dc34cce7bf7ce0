# SPDX-License-Identifier: Apache-2.0
# Makes the table of runtime.sh from lines "ROW IMPLEMENTATION VALUE", sorted by all three: least, median, and by how much
# each is more than corun's.

function row(key, title) {
	order[++rows] = key
	titles[key] = title
}

BEGIN {
	row("switch", "raw switch, one way, ns")
	row("prologue", "a call with and without the stack check, ns")
	row("alloc-2k-pair", "stackalloc and stackfree, 2 KiB, ns (the article: 89 before, 21 with buckets)")
	row("alloc-2k-batch", "the same, 64 at a time")
	row("alloc-8k-pair", "stackalloc and stackfree, 8 KiB, ns (the article: 152 before, 33 with buckets)")
	row("alloc-8k-batch", "the same, 64 at a time")
	row("tier-mcache", "mcache: stackalloc and stackfree, ns (the article: 1 each)")
	row("tier-mcentral", "mcentral: one stack taken and given, ns (the article: 10 each)")
	row("tier-mcentral-64", "mcentral: a stack of 64, as the caches take and give them")
	row("tier-mheap", "mheap: a span of 32 KiB taken and given, ns (the article: 100 each)")
	row("yield-2", "yield, 2 coroutines, ns")
	row("yield-1000", "yield, 1,000 coroutines, ns")
	row("spawn-one", "from spawn to exit, one at a time, ns")
	row("spawn-batch", "from spawn to exit, 1,000 at a time, ns")
	row("chan-pair", "round trip over two channels, one P, ns")
	row("chan-buffered", "one item through a channel of 100, one P, ns")
	row("select-2", "round trip, the answer selected from two channels, one P, ns")
	row("mutex", "a mutex taken and given up, nobody else there, ns")
	row("echo-1", "TCP echo of 64 bytes, 1 connection, processor time of the server for a request, ns")
	row("echo-100", "the same with 100 connections")
	row("echo-1000", "the same with 1,000 connections")
	row("pairs-2", "round trip over two channels, two pairs, one P, ns")
	row("pairs-2-2p", "the same on two P")
	row("spawners-2", "from spawn to exit, two spawners, one P, ns")
	row("spawners-2-2p", "the same on two P")
	row("grow-step", "first call that uses 1.5 KiB: one growth, 2 to 4 KiB, ns")
	row("grown-step", "the second such call")
	row("grow-4k", "first call that uses 4 KiB: two growths, ns")
	row("grown-4k", "the second such call")
	row("grow-64k", "first call that uses 64 KiB: six growths, ns")
	row("grown-64k", "the second such call")
	row("grow-1m", "first call that uses 1 MiB: ten growths, ns")
	row("grown-1m", "the second such call")
	row("parked-100000", "memory of a parked coroutine, 100,000 of them, bytes")
	row("park-100000", "starting and parking it, ns")
	row("parked-1000000", "memory of a parked coroutine, 1,000,000 of them, bytes")
	row("park-1000000", "starting and parking it, ns")
	row("gc-trees", "binary trees up to depth 16, ms")
	row("gc-trees-count", "collections meanwhile")
	row("gc-trees-pauses", "everybody stood still meanwhile, ms")
	row("gc-trees-pause", "the same for one collection, ms")
	row("gc-build", "building a tree of 4,194,303 nodes, collections included, ms")
	row("gc-large", "a forced collection with that tree, ms")
	row("gc-parked", "a forced collection with 1,000,000 parked coroutines, ms")
}

function keep() {
	if (!n)
		return
	min[key, who] = value[1]
	median[key, who] = value[int((n + 1) / 2)]
	have[key] = have[key] " " who
	n = 0
}

{
	if ($1 != key || $2 != who)
		keep()
	key = $1
	who = $2
	value[++n] = $3
}

# Two P against one, by the least: other work on the machine makes medians of two threads meaningless.
function scaling(from, to,   list, i, k) {
	k = split(have[to], list, " ")
	for (i = 1; i <= k; i++)
		if ((from, list[i]) in min)
			printf "  %-18s %10.2f\n", list[i], min[from, list[i]] / min[to, list[i]]
}

END {
	keep()
	for (r = 1; r <= rows; r++) {
		key = order[r]
		k = split(have[key], list, " ")
		if (!k)
			continue
		printf "\n%s\n", titles[key]
		printf "  %-18s %10s %10s   to corun: min  median\n", "", "min", "median"
		printf "  %-18s %10.1f %10.1f\n", "corun", min[key, "corun"], median[key, "corun"]
		for (i = 1; i <= k; i++)
			if (list[i] != "corun")
				printf "  %-18s %10.1f %10.1f   %13.2f %7.2f\n", list[i], min[key, list[i]],
					median[key, list[i]], min[key, list[i]] / min[key, "corun"],
					median[key, list[i]] / median[key, "corun"]
		if (key ~ /-2p$/) {
			print "  how many times as fast as on one P:"
			scaling(substr(key, 1, length(key) - 3), key)
		}
	}
}
