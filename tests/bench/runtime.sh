#!/bin/sh
# SPDX-License-Identifier: Apache-2.0
# The runtime against Go, boost.context and the mallocs that are there: the same work, in one run, in turns.
#
# Every program prints its trials (tests/bench/runtime/bench.h); here they take turns, ROUNDS times, pinned to one
# processor where the work is for one, and the trials of all rounds together give least and median.  Absolute times depend
# on the machine and the hour; the ratios in the last two columns are the result.  ROWS='yield spawn' runs some.
set -eu
rounds=${ROUNDS:-3}
rows=${ROWS:-switch prologue alloc tiers yield spawn chan cores growth echo parked}
dir=$(mktemp -d)
trap 'rm -rf "$dir"' EXIT
bin=$O/tests/bench/runtime

pin=''
if command -v taskset >/dev/null; then
	# The last processor that we may use: interrupts tend to go to the first.
	cpu=$(taskset -cp $$ | sed 's/.*[ ,-]//')
	pin="taskset -c $cpu"
fi

gos=''
for want in 1.19 1.22 1.23 1.24 any; do
	go=$("$TOP/tests/find-go" $want 2>/dev/null) || continue
	version=$(GOTOOLCHAIN=local GOENV=off "$go" env GOVERSION)
	case " $gos " in *" $version "*) continue ;; esac
	GO111MODULE=off GOENV=off GOFLAGS='' GOTOOLCHAIN=local CGO_ENABLED=0 GOCACHE="$O/gocache" \
		"$go" build -o "$dir/$version" "$TOP/tests/bench/runtime/main.go"
	gos="$gos $version"
done
[ -n "$gos" ] || echo go >>"$dir/skipped"

# Adds what a program prints to the results; one that ends with 77 has no peer to measure.
turn() { # IMPLEMENTATION SUFFIX-OF-ROWS COMMAND...
	who=$1 suffix=$2 status=0
	shift 2
	"$@" >"$dir/out" || status=$?
	case $status in
	0) awk -v who="$who" -v suffix="$suffix" '{ print $1 suffix, who, $2 }' "$dir/out" >>"$dir/results" ;;
	77) echo "$who" >>"$dir/skipped" ;;
	*) echo "$who" >>"$dir/failed" ;;
	esac
}

one() { # WORK: corun and every Go on one processor
	# shellcheck disable=SC2086 # $pin is a command with arguments
	for who in corun $gos; do
		turn "$who" '' env GOMAXPROCS=1 $pin "$(program "$who")" "$1"
	done
}

# The server has one processor, and the client another if there is one.
echoes() { # IMPLEMENTATION CONNECTIONS SERVER...
	who=$1 connections=$2
	shift 2
	# shellcheck disable=SC2086 # $pin is a command with arguments
	turn "$who" '' "$bin/echo_client" "$connections" env GOMAXPROCS=1 $pin "$@"
}

program() { # IMPLEMENTATION
	case $1 in
	corun) echo "$bin/corun" ;;
	*) echo "$dir/$1" ;;
	esac
}

# shellcheck disable=SC2086 # $pin is a command with arguments
measure() { # ROW
	case $1 in
	switch)
		for who in corun limit boost boost-fp ucontext; do
			turn $who '' $pin "$bin/switch" $who
		done
		;;
	prologue)
		turn corun '' $pin "$bin/prologue-corun"
		turn plain '' $pin "$bin/prologue-plain"
		;;
	alloc)
		turn corun '' $pin "$bin/alloc-c" corun
		turn glibc '' $pin "$bin/alloc-c" malloc
		turn jemalloc '' $pin "$bin/alloc-jemalloc" malloc
		turn mimalloc '' $pin "$bin/alloc-mimalloc" malloc
		;;
	tiers) turn corun '' $pin "$bin/alloc-c" tiers ;;
	yield) one yield-2 && one yield-1000 ;;
	spawn) one spawn-one && one spawn-batch ;;
	chan) one chan-pair && one chan-buffered && one select-2 && one mutex ;;
	cores)
		[ "$(nproc)" -gt 1 ] || return 0
		for who in corun $gos; do
			for work in pairs-2 spawners-2; do
				turn "$who" '' env GOMAXPROCS=1 "$(program "$who")" $work
				turn "$who" -2p env GOMAXPROCS=2 "$(program "$who")" $work
			done
		done
		;;
	growth) one growth ;;
	echo)
		for connections in 1 100 1000; do
			echoes corun $connections "$O/samples/c/tcpecho" -p
			echoes epoll $connections "$bin/echo_epoll"
			for who in $gos; do
				echoes "$who" $connections "$dir/$who" serve
			done
		done
		;;
	parked) one parked-100k ;;
	esac
}

begin=$(date +%s)
i=0
while [ $i -lt "$rounds" ]; do
	for row in $rows; do
		measure "$row"
	done
	i=$((i + 1))
done
case " $rows " in *' parked '*) one parked-1m ;; esac

echo "corun and its peers, $rounds rounds in turns, $(($(date +%s) - begin)) s"
for what in skipped failed; do
	[ ! -f "$dir/$what" ] || echo "$what: $(sort -u "$dir/$what" | paste -sd' ')"
done
sort -k1,1 -k2,2 -k3,3g "$dir/results" | awk -f "$TOP/tests/bench/runtime/table.awk"
[ ! -f "$dir/failed" ]
