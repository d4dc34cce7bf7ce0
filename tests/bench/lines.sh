#!/bin/sh
# SPDX-License-Identifier: Apache-2.0
# How fast the runtime's lines are found and taken apart: CPU time of one thread over 100 MB in pieces of 64 KiB, the best of
# $rounds.
set -eu
rounds=${ROUNDS:-5}
data=$TOP/tests/data/lines
dir=$(mktemp -d)
trap 'rm -rf "$dir"' EXIT

row() { # NAME FILE
	while [ "$(wc -c <"$2")" -lt 1000000 ]; do
		cat "$2" "$2" >"$dir/twice"
		mv "$dir/twice" "$2"
	done
	printf '  %-22s %s\n' "$1" "$("$O/tests/tools/lines_tool" bench "$2" 100 "$rounds")"
}

for kind in gctrace schedtrace scheddetail; do
	cat "$data/$kind"-*.txt >"$dir/$kind"
	row "$kind" "$dir/$kind"
done
cat "$data"/*.txt >"$dir/all"
row "all kinds" "$dir/all"
cp "$TOP/README.md" "$dir/text"
row "text, no lines" "$dir/text"
