#!/bin/sh
# SPDX-License-Identifier: Apache-2.0
# test: timeout 300
# What make rebuilds: nothing without a change, exactly what depends on a header, everything when flags change.
. "$TOP/tests/lib.sh"

b=$T/b
objects=$(cd "$TOP" && for f in base/*.c bpf/load.c; do echo "$b/${f%.c}.o"; done)
# shellcheck disable=SC2086 # objects are words
do_make() { env -u MAKEFLAGS -u MAKELEVEL -u MFLAGS make --no-print-directory -C "$TOP" O="$b" "$@" $objects; }

# What a command line of make would compile, as source names.
would() { # ARG...
	do_make -n "$@" | sed -n 's/.* -c \([^ ]*\.c\) -o .*/\1/p' | sort
}

do_make -s >out.txt 2>&1 || {
	fail "the build failed"
	cat out.txt
	finish
}
equal "make -s prints" '' "$(cat out.txt)"
do_make -q || fail "make has something to do right after make"
equal "compiled by make after make" '' "$(would)"

all=$(cd "$TOP" && ls base/*.c bpf/core.bpf.c bpf/load.c)
# The compiler says by itself who includes what; the skeleton is bpf/load.c's way to the BPF program.
for h in base/err.h base/parse.h base/event.h bpf/load.h; do
	for c in $all; do
		case $c in
		*.bpf.c) set -- clang -target bpf -idirafter "/usr/include/$(gcc -print-multiarch)" ;;
		*) set -- gcc -iquote "$b" -D_GNU_SOURCE ;;
		esac
		(cd "$TOP" && "$@" -iquote . -MM "$c") | tr -s ' ' '\n' | grep -qx "$h" && echo "$c"
	done >users.txt
	grep -qx bpf/core.bpf.c users.txt && echo bpf/load.c >>users.txt
	equal "compiled after an edit of $h" "$(sort -u users.txt)" "$(would -W $h)"
	[ -s users.txt ] || fail "nothing includes $h"
done

equal "compiled with other CFLAGS" "$(echo "$all" | grep -v '\.bpf\.c$')" "$(would CFLAGS=-O1)"
equal "compiled with sanitizers" "$(echo "$all" | grep -v '\.bpf\.c$')" "$(would SAN=address)"
equal "compiled with another clang" "$(printf '%s\n' bpf/core.bpf.c bpf/load.c)" "$(would CLANG=other-clang)"
do_make -n -s V=1 -W base/err.c >out.txt
matches "V=1" '^[^ ]*(gcc|cc|clang) .* -c base/err\.c ' out.txt

# A library that is not there is named, with the remedy.
b=$T/none objects=$T/none/base/err.o
PKG_CONFIG=false do_make >out.txt 2>&1 && fail "make without libraries succeeds"
matches "make without libraries" "missing libraries:.* libdw .*bootstrap deps" out.txt

cat >fresh <<'END'
#!/bin/sh
exec env -u MAKEFLAGS -u MAKELEVEL -u MFLAGS -u CORUN_CC make --no-print-directory -C "$TOP" O="$b" "$@"
END
chmod 755 fresh
# Whatever compiles the tracer, the runtime is a gcc's, and so is what corun-cc compiles.
compilers() { # VARIABLE=VALUE...: who would compile two objects and a sample
	./fresh -n "$@" "$b/base/err.o" "$b/runtime/io.o" "$b/samples/c/recurse" |
		sed -n 's/^ *printf [^;]*;\(.*\) -D_GNU_SOURCE .* -c \(base.err\|runtime.io\)\.c .*/\2 \1/p
			s/^ *printf [^;]*;\(CORUN_CC=\).\([^ ]*\). .*/sample \1\2/p' | tr '\n' ' '
}
b=$T/compilers
export b
equal 'compilers with CC=gcc' 'base/err gcc runtime/io gcc sample CORUN_CC=gcc ' "$(compilers CC=gcc)"
equal 'compilers with CC="env gcc"' 'base/err env gcc runtime/io env gcc sample CORUN_CC=gcc ' "$(compilers CC='env gcc')"
equal 'compilers with CORUN_CC' 'base/err gcc runtime/io /bin/gcc sample CORUN_CC=/bin/gcc ' "$(compilers CC=gcc CORUN_CC=/bin/gcc)"
if command -v clang >/dev/null; then
	equal 'compilers with CC=clang' 'base/err clang runtime/io gcc sample CORUN_CC=gcc ' "$(compilers CC=clang)"
	run_ok ./fresh -s CC=clang DEV=1 "$b/base/err.o" "$b/base/parse.o" "$b/formats/filter.o" "$b/runtime/io.o" "$b/runtime/heap.o"
	run ./fresh -s CORUN_CC=clang "$b/runtime/io.o"
	equal 'status of make with a runtime by clang' 2 "$status"
	matches 'make with a runtime by clang' "^stacktrace: 'clang' is no gcc, .*CORUN_CC=" err.txt
else
	echo 'not run: CC=clang, for there is no clang'
fi

# One run of tests at a time in a build directory, as long as a runner is alive and no longer.
if ! command -v flock >/dev/null; then
	echo 'not run: two runs at a time, for there is no flock'
	finish
fi
GO='' GO119='' GO122=''
export GO GO119 GO122
for o in one other; do
	mkdir -p $o/tests/unit
	cat >$o/tests/unit/test_lines <<-'END'
		#!/bin/sh
		touch "$O/began"
		until [ -e "$O/go" ]; do sleep 0.1; done
		sleep 60 &
		echo $! >"$O/left"
	END
	chmod 755 $o/tests/unit/test_lines
done
touch other/go
O=$T/one sh "$TOP/tests/run" unit/test_lines >first.txt 2>&1 &
first=$!
until [ -e one/began ] || ! kill -0 $first 2>/dev/null; do sleep 0.1; done
run env O="$T/one" sh "$TOP/tests/run" unit/test_lines
equal 'status of a second run' 1 "$status"
matches 'a second run' "^tests/run: tests already run in '$T/one'; .*O=DIR" err.txt
run_ok env O="$T/other" sh "$TOP/tests/run" unit/test_lines
kill "$(cat other/left)"
touch one/go
wait $first || {
	fail 'the first run'
	cat first.txt
}
left=$(cat one/left)
run_ok env O="$T/one" sh "$TOP/tests/run" unit/test_lines
matches 'a run after that' '^1 passed, 0 failed' out.txt
kill "$left" "$(cat one/left)"
finish
