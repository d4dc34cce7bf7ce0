#!/bin/sh
# SPDX-License-Identifier: Apache-2.0
# The collector against Go's and Boehm's: the same work, in one run, in turns (see runtime.sh).  Memory for a million
# parked coroutines is needed: 3 GB.  WORKS='trees large' runs some.
set -eu
rounds=${ROUNDS:-3}
works=${WORKS:-trees large parked}
dir=$(mktemp -d)
trap 'rm -rf "$dir"' EXIT

"$O/bin/corun-cc" -O2 -iquote "$TOP" -o "$dir/corun" "$TOP/tests/bench/gc/corun.c"
programs=corun
if gcc -O2 -iquote "$TOP" -o "$dir/boehm" "$TOP/tests/bench/gc/boehm.c" -lgc 2>"$dir/why"; then
	programs="$programs boehm"
else
	echo "skipped: boehm ($(head -n 1 "$dir/why"))"
fi
for want in 1.19 1.22 1.23 1.24 any; do
	go=$("$TOP/tests/find-go" $want 2>/dev/null) || continue
	version=$(GOTOOLCHAIN=local GOENV=off "$go" env GOVERSION)
	case " $programs " in *" $version "*) continue ;; esac
	GO111MODULE=off GOENV=off GOFLAGS='' GOTOOLCHAIN=local CGO_ENABLED=0 GOCACHE="$O/gocache" \
		"$go" build -o "$dir/$version" "$TOP/tests/bench/gc/main.go"
	programs="$programs $version"
done

begin=$(date +%s)
i=0
while [ $i -lt "$rounds" ]; do
	for work in $works; do
		for who in $programs; do
			status=0
			"$dir/$who" "$work" >"$dir/out" || status=$?
			case $status in
			0) awk -v who="$who" '{ print $1, who, $2 }' "$dir/out" >>"$dir/results" ;;
			77) ;;
			*) echo "failed: $who $work" ;;
			esac
		done
	done
	i=$((i + 1))
done
echo "the collector and its peers, $rounds rounds in turns, $(($(date +%s) - begin)) s"
sort -k1,1 -k2,2 -k3,3g "$dir/results" | awk -f "$TOP/tests/bench/runtime/table.awk"
