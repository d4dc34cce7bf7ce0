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
finish
