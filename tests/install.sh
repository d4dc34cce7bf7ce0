#!/bin/sh
# SPDX-License-Identifier: Apache-2.0
# test: timeout 300
# What make install puts below DESTDIR and PREFIX works from there, and make uninstall removes all of it.
# shellcheck disable=SC2086 # $make is a command with its arguments
. "$TOP/tests/lib.sh"

dest=$T/dest prefix=/opt/stack
installed() { (cd "$dest" && find . -type f | sort); }
# Everything was built, and other tests use it: '-o all' keeps make from looking again.  The flags of a
# make around this one are none of ours.
make="env -u MAKEFLAGS -u MAKELEVEL -u MFLAGS make -s -o all -C $TOP O=$O"

# Into somebody else's directory: their files stay.
mkdir -p "$dest$prefix/bin" "$dest$prefix/lib"
echo theirs >"$dest$prefix/bin/other"
run_ok $make install DESTDIR="$dest" PREFIX=$prefix
equal "make -s install prints" '' "$(cat out.txt err.txt)"
cat >wanted.txt <<END
bin/corun-c++
bin/corun-cc
bin/other
bin/stacktrace
include/corun.h
lib/corun/policy-fixed.o
lib/corun/policy-mmap.o
lib/corun/policy-segmented.o
lib/corun/shared.o
lib/corun/wrap
lib/libcorun.a
lib/pkgconfig/corun.pc
share/bash-completion/completions/stacktrace
share/corun/corun-gdb.py
share/doc/stacktrace/LICENSE
share/doc/stacktrace/NEWS
share/doc/stacktrace/README.md
END
for s in address thread; do
	[ ! -f "$O/lib/corun/$s/libcorun.a" ] ||
		printf 'lib/corun/%s/libcorun.a\nlib/corun/%s/wrap\n' $s $s >>wanted.txt
done
installed | sed "s,^\\.$prefix/,," >files.txt
(cat wanted.txt; cd "$TOP/man" && for p in *.[1-9]; do echo "share/man/man${p##*.}/$p"; done) | sort >all.txt
diff all.txt files.txt >diff.txt || {
	fail "wanted files (<) and installed files (>) differ:"
	cat diff.txt
}
matches "corun.pc" "^prefix=$prefix\$" "$dest$prefix/lib/pkgconfig/corun.pc"
grep -rlF "$dest" "$dest$prefix" >leak.txt && fail "DESTDIR is in: $(cat leak.txt)"

# Both commands, found through PATH, without the build directory.
mv "$dest$prefix" moved
PATH=$PWD/moved/bin:$PATH
run_ok stacktrace --version
matches "stacktrace --version" '^stacktrace [0-9]+\.[0-9]+' out.txt
for sample in "$TOP"/samples/c/*.c; do
	name=$(basename "$sample" .c) libs=''
	[ "$name" = hashfiles ] && libs=-lcrypto
	[ -x "$O/samples/c/$name" ] || continue
	run_ok corun-cc -O2 -o "$name" "$sample" $libs || continue
done
run_ok ./recurse -v 10

# The first program of the manual, as its reader would go on.
page_example moved/share/man/man3/corun.3 >hello.c
run_ok corun-cc hello.c
run_ok stacktrace run -q -f json -o hello.json -- ./a.out
equal "hello.c says" 'hello,world' "$(paste -sd, out.txt)"
equal "hello.c: coroutines" 2 "$(json hello.json .summary.coroutines)"
# That of corun(7), with the commands that it gives; and what it calls wrong is found.
page=moved/share/man/man7/corun.7
page_example $page | sed 's/\\e/\\/g' >sum.c
run_ok sh -e -c "$(sed -n 's/^\$ \(corun-cc .*\)/\1/p' $page)"
run_ok ./sum
equal "sum.c says" "$(sed -n '/^\$ .*\/sum$/{n;p;q}' $page)" "$(cat out.txt)"
run_ok stacktrace run -q -f json -o sum.json -- ./sum
equal "sum.c: coroutines" 4 "$(json sum.json .summary.coroutines)"
at_least "sum.c: growths" 2 "$(json sum.json .summary.growths)"
sed -n '/^int main/q; p' sum.c >wrong.c
awk '/^\.Ss Stacks that move/ { rule = 1 } /^\.Bd/ { inside = rule; next } /^\.Ed/ { inside = rule = 0 } inside' $page |
	sed 's/\\e/\\/g' >>wrong.c
echo 'int main(void) { return co_run(NULL, start == NULL ? start : wrong, NULL); }' >>wrong.c
run_ok corun-cc -w -g -o wrong wrong.c
run env CORUN_DEBUG=stackcheck ./wrong
matches "what corun(7) calls wrong" 'stackcheck: .* the global last .* the address of a local of wrong' err.txt
if command -v g++ >/dev/null; then
	for linker in gold lld; do
		g++ -fuse-ld=$linker -Wl,--version >/dev/null 2>&1 || continue
		run_ok corun-c++ -O2 -Wall -Wextra -Werror "-fuse-ld=$linker" -o cxx "$TOP/tests/data/sync/cxx.cc" || continue
		for debug in poison poison,move; do
			run_ok env CORUN_DEBUG=$debug ./cxx
			equal "C++, $linker, $debug" 'hello,world,from below,lambda,0' "$(paste -sd, out.txt)"
		done
	done
else
	echo "subtest C++ skipped: needs g++"
fi
mkdir -p "$dest$prefix"
cp -a moved/. "$dest$prefix/"

run_ok $make uninstall DESTDIR="$dest" PREFIX=$prefix
equal "left after uninstall" "./${prefix#/}/bin/other" "$(installed)"
[ ! -d "$dest$prefix/lib/corun" ] || fail "the directory lib/corun is left"
[ ! -d "$dest$prefix/share/doc/stacktrace" ] || fail "the directory share/doc/stacktrace is left"
run_ok $make uninstall DESTDIR="$dest" PREFIX=$prefix # again is no error
finish
