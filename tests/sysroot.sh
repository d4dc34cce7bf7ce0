#!/bin/sh
# SPDX-License-Identifier: Apache-2.0
# test: timeout 60
# Names that a capture lacks come from debug information or from the program itself, below another root, by build id.
set -u
. "$TOP/tests/lib.sh"
need_cmd objcopy strip readelf

cp "$O/samples/c/recurse" whole
cp whole prog
objcopy --only-keep-debug prog prog.debug
strip prog
id=$(readelf -nW prog | sed -n 's/.*Build ID: //p')
[ -n "$id" ] || skip "needs a linker that writes build ids"
run_ok "$ST" record --source=ring -q -o a.capture -- ./prog 100 64
leaf() { # ARG...
	run_ok "$ST" report -f csv --by=leaf --columns=leaf "$@" a.capture
	sed -n 2p out.txt
}

leaf >leaf.txt
matches "a stripped program" '^0x[0-9a-f]*$' leaf.txt

# Debug information, as distributions install it.
dir=$(printf '%.2s' "$id")
mkdir -p "debug/usr/lib/debug/.build-id/$dir" flat "path$PWD" other
cp prog.debug "debug/usr/lib/debug/.build-id/$dir/${id#??}.debug"
leaf --sysroot=debug >leaf.txt
matches "debug information by build id" '^deep recurse.c:[0-9]*$' leaf.txt

# The program with its symbols, at its path and beside; it need not be executable.
cp whole "path$PWD/prog"
chmod -x "path$PWD/prog"
leaf --sysroot=path >leaf.txt
matches "the program at its path" '^deep' leaf.txt
cp whole flat/prog
leaf --sysroot=flat >leaf.txt
matches "the program beside" '^deep' leaf.txt

# Another program of that name is not believed.
cp "$O/samples/c/swarm" other/prog
leaf --sysroot=other >leaf.txt
matches "another program" '^0x[0-9a-f]*$' leaf.txt
matches "another program is told" "nothing below 'other' is .* with build id $id" err.txt
leaf --sysroot=none >leaf.txt
matches "no such root is told" "nothing below 'none'" err.txt

# Names are asked for by filters too, and from a pipe.
run_ok "$ST" report -f json --sysroot=debug --function=deep a.capture
at_least "--function by a name from elsewhere" 100 "$(json out.txt .summary.growths)"
run_ok sh -c "'$ST' report -f folded --sysroot=debug - <a.capture"
matches "through a pipe" ';worker;deep' out.txt
finish
