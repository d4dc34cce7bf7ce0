#!/bin/sh
# SPDX-License-Identifier: Apache-2.0
# test: timeout 300
#
# The target description of programs with .note.stacktrace and of programs with nothing.  Go's is in
# target_go.sh.
set -u
. "$TOP/tests/lib.sh"
need_cmd "$CC" objcopy strip nm

note() { # OUTPUT [FLAG...]
	out=$1
	shift
	"$CC" -o "$out" "$@" "$TOP/tests/data/note.c" || fail "cannot build $out"
}

# The address that nm gives a symbol, as target_dump prints it.
address() { # PROGRAM SYMBOL
	nm "$1" | awk -v name="$2" '$3 == name { sub(/^0*/, "", $1); print "0x" $1 }'
}

refused() { # PROGRAM REGEX: one line of reason, one hint
	run target_dump "$1"
	equal "status for $1" 1 $status
	matches "$1" "$2" err.txt
	equal "lines for $1" 2 "$(wc -l <err.txt)"
	matches "$1" '^target_dump: hint: ' err.txt
}

described() { # PROGRAM SYMBOLS: every fact of data/note.c
	run_ok target_dump "$1" || return
	for line in 'runtime fibers' 'version 2\.1' 'field stack\.lo 16 note' 'field stack\.hi 24 note' \
		'field sched\.sp 32 note' 'field sched\.pc 40 note' 'field sched\.bp 48 note' \
		'field goid 0 note' 'field parentGoid -1 none' 'field startpc 56 note' 'own_ring 1' \
		'probe newstack missing: \.note\.stacktrace names no point' 'warning '; do
		matches "$1" "^$line" out.txt
	done
	matches "$1" "^coroutine_entry $(address "$2" fiber_start)$" out.txt
	for probe in copystack copystack_end newproc goexit gogo; do
		matches "$1" "^probe $probe .* $(address "$2" fiber_$probe) size 0 .* fixed$" out.txt
	done
	matches "$1" '^probe copystack .* g rdi size_reg rsi points 1' out.txt
}

# --- where the note is found ---------------------------------------------------------------------

note pie -fPIE -pie
described pie pie
note fixed -no-pie
described fixed fixed
if note static -static 2>/dev/null; then described static static; fi
cp pie stripped && strip stripped
described stripped pie
matches 'stripped' '^probe copystack [^f]' out.txt

# Without section headers: e_shoff, e_shnum, e_shstrndx are zero.
cp stripped headless
dd if=/dev/zero of=headless bs=1 seek=40 count=8 conv=notrunc 2>/dev/null
dd if=/dev/zero of=headless bs=1 seek=60 count=4 conv=notrunc 2>/dev/null
described headless pie

# Without a note segment: its type becomes PT_NULL, and the section is left.
cp fixed segmentless
nulls=0
for i in 0 1 2 3 4 5 6 7 8 9 10 11 12 13; do
	at=$((64 + 56 * i))
	if [ "$(od -An -tu4 -j $at -N 4 segmentless)" -eq 4 ] 2>/dev/null; then
		dd if=/dev/zero of=segmentless bs=1 seek=$at count=4 conv=notrunc 2>/dev/null
		nulls=$((nulls + 1))
	fi
done
at_least 'note segments removed' 1 $nulls
described segmentless fixed

# --- notes that are not as they should be --------------------------------------------------------

note extra -DEXTRA
run_ok target_dump extra &&
	matches extra '^warning 2 points for gogo: only the first is probed' out.txt
note unloaded -no-pie '-DSECTION_FLAGS=""'
refused unloaded "'unloaded' has a damaged .note.stacktrace: .*SHF_ALLOC"
note newer -DRUNTIME_TYPE=9
refused newer "'newer' has a .note.stacktrace of type 9, which is newer"
note lost -no-pie -DGOGO_POINT=data_word
refused lost "'lost' has a damaged .note.stacktrace: probe gogo points to 0x[0-9a-f]+, outside"
note unrelated -DRUNTIME_TYPE=2
refused unrelated "'unrelated' has a damaged .note.stacktrace: probes, but no description"

# --- nothing to describe -------------------------------------------------------------------------

echo 'int main(void) { return 0; }' >plain.c
for flags in -O2 -static -no-pie -s; do
	"$CC" $flags -o plain plain.c 2>/dev/null || continue
	refused plain "'plain' has no Go runtime and no .note.stacktrace$"
	matches "plain $flags" 'hint: .*corun-cc' err.txt
done
refused /bin/sh "'/bin/sh' has no Go runtime and no .note.stacktrace$"

# --- damaged notes -------------------------------------------------------------------------------

run_ok target_fuzz fixed scratch 1 400 && cat out.txt
at_least 'refused' 50 "$(sed 's/.* described, \([0-9]*\) refused/\1/' out.txt)"

finish
