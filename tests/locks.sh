#!/bin/sh
# SPDX-License-Identifier: Apache-2.0
# test: timeout 300
# Names of locks, of Go programs and of one on corun: those of the runtime against gdb and `go tool nm`, those of the
# program against the addresses that it prints; in stripped programs none but right ones.
set -u
. "$TOP/tests/lib.sh"

# Locks of the runtime that have a name in a stripped program too.
runtime_locks='sched.lock sched.sudoglock sched.gFree.lock allglock allpLock sweep.lock forcegc.lock work.wbufSpans.lock
work.assistQueue.lock work.sweepWaiters.lock itabLock newmHandoff.lock gcBitsArenas.lock globalAlloc.mutex debuglock
stackLarge.lock profInsertLock profMemActiveLock reflectOffs.lock mheap_.lock mheap_.speciallock stackpool[0].item.mu
stackpool[3].item.mu semtable[0].root.lock semtable[250].root.lock'

# "name address" of each, as gdb has them.
gdb_locks() { # PROGRAM
	set -- "$1" -ex 'set language c'
	for lock in $runtime_locks; do
		variable=${lock%%[.[]*}
		set -- "$@" -ex "printf \"runtime.$lock %lx\\n\", &'runtime.$variable'${lock#"$variable"}"
	done
	gdb -nx -batch -iex 'set auto-load off' -iex 'set debuginfod enabled off' "$@" 2>gdb.txt
}

names_at() { # PROGRAM: "name address" of the addresses in wanted.txt
	cut -d' ' -f2 wanted.txt | places "$1" data - | sed 's/^\([^:]*\): \(.*\)/\2 \1/'
}

# Stripped, what the linker took out of the program has no name; what has one has the right one.
static() { # PROGRAM
	strip -o "$1-s" "$1"
	objcopy -g "$1" "$1-g"
	command -v gdb >/dev/null || {
		echo "subtest $1 against gdb skipped: not installed"
		return
	}
	gdb_locks "$1" | sort >wanted.txt
	at_least "$1: locks that gdb knows" 25 "$(wc -l <wanted.txt)"
	names_at "$1" | sort >got.txt
	equal "$1: names that differ from gdb's" "" "$(comm -3 wanted.txt got.txt)"
	names_at "$1-s" | grep -v '^? ' | sort >got.txt
	equal "$1, stripped: names that differ from gdb's" "" "$(comm -13 wanted.txt got.txt)"
	at_least "$1, stripped: names" 24 "$(wc -l <got.txt)"
	echo "subtest $1: $(wc -l <got.txt) of $(wc -l <wanted.txt) locks have names when stripped"
	# without DWARF the variable and the offset
	GOTOOLCHAIN=local "$go" tool nm "$1" | awk '$3 == "runtime.sched" { print $1 }' >nm.txt
	equal "$1, no DWARF" "runtime.sched+0x$(printf %x $((0x$(sed -n 's/^runtime.sched.lock //p' wanted.txt) - 0x$(cat nm.txt))))" \
		"$(places "$1-g" data "$(sed -n 's/^runtime.sched.lock //p' wanted.txt)" | sed 's/.*: //')"
	# between variables, in code, outside
	for address in 0 "$(places "$1" function runtime.lock2 | cut -d' ' -f1)" c000000000 ffffffffffffffff; do
		equal "$1: at $address" "?" "$(places "$1" data "$address" | sed 's/.*: //')"
	done
}

trace() { # PROGRAM
	run_ok "$ST" run -q --source=bpf --max-overhead=100 --locks -f json -o out.json -- "./$1"
	mv out.txt own.txt
	json out.json '.locks[].lock' >lock.txt
	json out.json '.locks[].name' | paste -d' ' lock.txt - >locks.txt
}

# The lock's word that is waited for is in the mutex, four bytes behind its begin.
name_of_own() { # NAME, as an expression
	at=$(($(sed -n "s/^mutex $1 //p" own.txt) + 4))
	sed -n "s/^$at //p" locks.txt
}

# A name's variable, by nm, reaches over its address.  How far the program was moved, its own addresses tell.
against_nm() { # PROGRAM: of which out.json and own.txt are, or which was stripped to that
	GOTOOLCHAIN=local "$go" tool nm -size "$1" >nm.txt
	plain=$(awk '$4 == "main.plain" { print $1 }' nm.txt)
	bias=$(($(sed -n 's/^mutex main.plain //p' own.txt) - 0x$plain))
	grep ' runtime\.' locks.txt | sort -u >named.txt
	while read -r at name; do
		# shellcheck disable=SC2046 # address and size
		set -- $(awk -v name="$(echo "$name" | sed 's/^\(runtime\.[^.[+]*\).*/\1/')" '$4 == name { print $1, $2 }' nm.txt)
		[ $# = 2 ] && [ $((at - bias)) -ge $((0x$1)) ] && [ $((at - bias)) -lt $((0x$1 + $2)) ] ||
			fail "$name at $at: nm has it at $*"
	done <named.txt
	at_least "$tag: runtime.sched.lock" 1 "$(grep -c ' runtime.sched.lock' named.txt)"
	echo "subtest $tag: $(wc -l <named.txt) locks of the runtime named"
}

dynamic() { # PROGRAM
	tag=$1
	trace "$1"
	equal "$1: a mutex" main.plain "$(name_of_own main.plain)"
	equal "$1: a member" 'main.shards[2].in.mu' "$(name_of_own 'main.shards.2..in.mu')"
	equal "$1: on the heap" null "$(name_of_own none)"
	against_nm "$1"
	run_ok "$ST" record -q --source=bpf --max-overhead=100 --locks -o cap -- "./$1"
	run_ok "$ST" report --top=0 cap
	matches "$1: the table, from a capture" '^ *main\.shards\[2\]\.in\.mu .* mutex ' out.txt
	matches "$1: the heap in the table, from a capture" '^ *0xc[0-9a-f]* .* mutex ' out.txt
	tag=$1-s
	trace "$1-s"
	for name in main.plain main.shards.2..in.mu none; do
		equal "$1, stripped: $name" null "$(name_of_own "$name")"
	done
	against_nm "$1"
	# what the stripped one lacks, the other has
	run_ok "$ST" record -q --source=bpf --max-overhead=100 --locks -o cap -- "./$1-s"
	mkdir -p "root$PWD"
	cp "$1" "root$PWD/$1-s"
	run_ok "$ST" report --sysroot=root -f json -o out.json cap
	for name in main.plain 'main.shards[2].in.mu'; do
		equal "$1, stripped, --sysroot: $name" "$name" "$(json out.json ".locks[]{name=$name}.name" | sort -u)"
	done
}

corun() {
	run_ok "$O/bin/corun-cc" -O2 -g -o waits "$TOP/tests/data/sync/waits.c" || return
	run_ok "$ST" run -q --source=bpf --max-overhead=100 --locks -f json -o out.json -- ./waits 10 4
	for lock in m=mutex rw=rwmutex; do
		equal "corun: $lock" "${lock%=*}" "$(json out.json ".locks[]{kind=${lock#*=}}.name" | sort -u)"
	done
}

need_cmd strip objcopy
for v in 119 122; do
	eval "go=\$GO$v"
	[ -n "$go" ] || {
		echo "Go $v not tried: it was not found"
		continue
	}
	for mode in exe pie; do
		go_build "$go" "locks$v-$mode" "$TOP/tests/data/go/locks.go" -buildmode=$mode || fail "cannot build with Go $v"
		static "locks$v-$mode"
	done
done
[ $fails = 0 ] || finish
need_bpf
corun
for program in locks*-exe locks*-pie; do
	[ ! -x "$program" ] || {
		eval "go=\$GO$(echo "$program" | sed 's/locks\(.*\)-.*/\1/')"
		dynamic "$program"
	}
done
finish
