#!/bin/sh
# SPDX-License-Identifier: Apache-2.0
# test: timeout 600
#
# The target description of Go programs: offsets of g from the table, from the instructions and from
# DWARF agree with what readelf reads; probes are where nm and objdump see the functions and calls;
# a version that lies is caught.
set -u
. "$TOP/tests/lib.sh"
need_cmd readelf nm objdump awk
if [ -z "$GO119$GO122" ]; then skip "needs Go 1.19 or 1.22: neither was found"; fi

cat >main.go <<'END'
package main

import "fmt"

func main() {
	c := make(chan int)
	go func() { c <- 1 }()
	fmt.Println(<-c)
}
END
cat >cgo.go <<'END'
package main

// static int one(void) { return 1; }
import "C"
import "fmt"

func main() {
	c := make(chan int)
	go func() { c <- int(C.one()) }()
	fmt.Println(<-c)
}
END

# Offsets of g by readelf, in target_dump's words.  A member that is not there has -1.
by_readelf() { # PROGRAM
	readelf --debug-dump=info "$1" 2>/dev/null | awk '
		/^ <1>/ { inside = ""; structure = /DW_TAG_structure_type/ }
		/^ <2>.*DW_TAG_member/ { member = "" }
		/DW_AT_name/ {
			name = $NF
			if (structure && inside == "")
				inside = name
			else
				member = name
		}
		/DW_AT_data_member_location/ { at[inside "." member] = $NF }
		function print_field(field, key, base) {
			printf "field %s %d\n", field, key in at ? at[base] + at[key] : -1
		}
		END {
			g = "runtime.g."
			print_field("stack.lo", "runtime.stack.lo", g "stack")
			print_field("stack.hi", "runtime.stack.hi", g "stack")
			print_field("sched.sp", "runtime.gobuf.sp", g "sched")
			print_field("sched.pc", "runtime.gobuf.pc", g "sched")
			print_field("sched.bp", "runtime.gobuf.bp", g "sched")
			print_field("goid", g "goid", "")
			print_field("parentGoid", g "parentGoid", "")
			print_field("gopc", g "gopc", "")
			print_field("startpc", g "startpc", "")
			print_field("atomicstatus", g "atomicstatus", "")
			print_field("waitreason", g "waitreason", "")
			print "field use_max -1"
			print_field("stackguard0", g "stackguard0", "")
		}'
}

# One source of offsets is equal to readelf's.
same_offsets() { # PROGRAM SOURCE WANTED-FILE
	run_ok target_dump "--$2" "$1" || return
	cmp -s "$3" out.txt || {
		fail "$1: offsets by $2 are not readelf's:"
		diff "$3" out.txt
	}
}

# All fields that there are come from this source, and nothing is to be warned of.
origin() { # PROGRAM ORIGIN
	run_ok target_dump "$1" || return
	matches "$1" '^warning $' out.txt
	equal "$1: fields from $2" "$(grep -c '^field .* none$' out.txt)" \
		"$(grep '^field' out.txt | grep -vc " $2\$")"
}

# Functions by nm.  Where a name has an ABI wrapper, the wrapper ends in .abi0; assembly functions
# have no other symbol.
address() { # PROGRAM FUNCTION
	nm "$1" | awk -v name="$2" '
		$3 == name { found = $1 }
		$3 == name ".abi0" && !found { wrapper = $1 }
		END { if (!found) found = wrapper; sub(/^0*/, "", found); print "0x" found }'
}

called() { # PROGRAM FUNCTION CALLEE: where the call goes, if there is exactly one
	objdump -d --no-show-raw-insn --disassemble="$2" "$1" | awk -v callee="<$3>" '
		/call/ && $NF == callee { to = $(NF - 1); n++ }
		END { print n == 1 ? "0x" to : "calls: " n + 0 }'
}

probes() { # PROGRAM, with symbols
	run_ok target_dump "$1" || return
	cp out.txt dump.txt
	for p in newstack,newstack copystack,copystack copystack_end,copystack newproc,newproc.func1 \
		goexit,goexit0 gogo,gogo park,park_m ready,ready stackalloc,stackalloc stackfree,stackfree \
		gcstart,gcBgMarkStartWorkers gcdone,gcMarkTermination lock,lock2 lock_end,lock2 mutex,semacquire1; do
		function=runtime.${p#*,}
		matches "$1" "^probe ${p%,*} $function $(address "$1" "$function") size [1-9]" dump.txt
	done
	matches "$1" "^probe copystack_end .* call $(called "$1" runtime.copystack runtime.stackfree) " dump.txt
	matches "$1" "^probe newproc .* call $(called "$1" runtime.newproc.func1 runtime.runqput) g rbx" dump.txt
	matches "$1" '^probe copystack .* call 0x0 g rax size_reg rbx' dump.txt
	matches "$1" '^probe goexit .* g rax ' dump.txt
	matches "$1" '^probe gogo .* g rdx ' dump.txt
	matches "$1" '^probe park .* g rax ' dump.txt
	matches "$1" '^probe ready .* g rax ' dump.txt
	matches "$1" "^probe lock .* call $(called "$1" runtime.lock2 runtime.futexsleep) .* size_reg rax" dump.txt
	matches "$1" '^probe mutex .* g r14 size_reg rax' dump.txt
	matches "$1" '^probe newcoro missing: .*iter.Pull' dump.txt
	matches "$1" "^list 1 $(address "$1" runtime.allgs)\$" dump.txt
	matches "$1" "^stack_limit $(address "$1" runtime.maxstacksize)\$" dump.txt
	matches "$1" "^coroutine_entry $(address "$1" runtime.goexit)\$" dump.txt
}

variant() { # NAME STRIPPED-NAME: all sources, with the symbols and without
	by_readelf "$1" >wanted.txt
	matches "readelf of $1" '^field goid 1[0-9][0-9]$' wanted.txt
	for source in dwarf table inferred; do same_offsets "$1" $source wanted.txt; done
	origin "$1" dwarf
	probes "$1"
	for source in table inferred; do same_offsets "$2" $source wanted.txt; done
	origin "$2" table
	equal "$2: variables" 2 "$(grep -cE '^(list 1|stack_limit) 0x[1-9a-f]' out.txt)"
	equal "$2: probes" 15 "$(grep -c '^probe .* points 1$' out.txt)"
}

# The version in the file, made another of the same length.
lie() { # PROGRAM OUTPUT OLD NEW
	LC_ALL=C sed "s/go1\\.$3/go1.$4/g" "$1" >"$2"
	chmod +x "$2"
	run target_dump "$2"
}

# With symbols and DWARF, and without them.
build_both() { # NAME SOURCE [FLAG...]
	name=$1 src=$2
	shift 2
	if go_build "$go" "$name" "$src" "$@" &&
		go_build "$go" "$name-s" "$src" "$@" '-ldflags=-s -w'; then
		variant "$name" "$name-s"
	else
		fail "cannot build $name"
	fi
}

all_of() { # GO VERSION(DOTLESS)
	go=$1 v=$2
	build_both "plain$v" main.go
	build_both "pie$v" main.go -buildmode=pie
	if command -v "$CC" >/dev/null; then
		CGO_ENABLED=1
		build_both "cgo$v" cgo.go
		build_both "ext$v" cgo.go -buildmode=pie
		CGO_ENABLED=0
	fi
}

doubts() { # STRIPPED-PROGRAM OLD-MINOR
	# A table that is wrong, as the instructions say.
	lie "$1" wrong "$2\\." '26.'
	equal 'status of wrong' 0 $status
	matches wrong '^field sched\.bp 104 inferred$' out.txt
	matches wrong '^field goid 152 table$' out.txt
	matches wrong '^warning not laid out as go1\.26\..* usually is .*sched\.bp 104 not 96' out.txt

	# Newer than any that is known, and a development version.
	for new in 99. 26-; do
		lie "$1" newer "$2\\." "$new"
		equal "status of $new" 0 $status
		equal "$new: fields" "$(grep -c '^field .* [0-9][0-9]*$' wanted.txt)" \
			"$(grep -c '^field .* [0-9]* inferred$' out.txt)"
		target_dump --inferred "$1" >inferred.txt
		sed -n 's/ [a-z]*$//; /^field/p' out.txt | cmp -s - inferred.txt || fail "$new: other offsets"
		matches "$new" '^version go1.*\(not known\)$' out.txt
	done
	lie "$1" newer "$2\\." 99.
	matches newer '^warning go1\.99\..* is newer than go1\.26.* read from its instructions$' out.txt

	# Older than can be traced.
	lie "$1" older "$2\\." 16.
	equal 'status of older' 1 $status
	matches older "'older' was built by go1\\.16\\..*, without the register calling convention" err.txt
	matches older 'hint: rebuild it with Go 1\.17 or newer' err.txt

	# A function table with other names.
	LC_ALL=C sed 's/runtime\.copystack/runtime.xopyxtack/g; s/runtime\.runqput/runtime.xunqxut/g; s/runtime\.newproc1/runtime.newprocX/g' "$1" >garbled
	chmod +x garbled
	run_ok target_dump garbled
	matches garbled "^probe copystack missing: no function 'runtime\\.copystack' in the program" out.txt
	matches garbled "^probe newproc missing: 'runtime\\.newproc\\.func1' does not call 'runtime\\.runqput'" out.txt
	matches garbled '^field stack\.hi 8 table$' out.txt
}

# newstack without its call of copystack, as if that had been inlined: growth cannot be seen.
blind() { # PROGRAM, not PIE, with symbols
	at=$(objdump -d --no-show-raw-insn --disassemble=runtime.newstack "$1" |
		sed -n 's/^ *\([0-9a-f]*\):.*call.*<runtime\.copystack>$/\1/p')
	cp "$1" blind
	printf '\220\220\220\220\220' |
		dd of=blind bs=1 seek=$((0x$at - 0x400000)) conv=notrunc 2>/dev/null
	run_ok target_dump blind
	matches blind "^probe copystack missing: 'runtime\\.newstack' does not call 'runtime\\.copystack': inlined" out.txt
	matches blind '^probe copystack_end runtime\.copystack 0x' out.txt
}

# A build guided by the profile of a program that grows stacks all the time: what is hot is inlined.
profiled() { # GO
	cat >hot.go <<'END'
package main

import (
	"os"
	"runtime"
	"runtime/pprof"
	"time"
)

//go:noinline
func descend(n int) int {
	var b [1500]byte
	b[n] = byte(n)
	if n == 0 {
		return 0
	}
	return descend(n-1) + int(b[n])
}

func main() {
	f, _ := os.Create(os.Args[1])
	runtime.SetCPUProfileRate(1000) // stays, and the runtime says so on stderr
	pprof.StartCPUProfile(f)
	defer pprof.StopCPUProfile()
	c := make(chan int, 100)
	for t := time.Now(); time.Since(t) < 2*time.Second; {
		for i := 0; i < 100; i++ {
			go func() { c <- descend(3) }()
		}
		for i := 0; i < 100; i++ {
			<-c
		}
	}
}
END
	if ! go_build "$1" hot hot.go || ! ./hot hot.prof 2>/dev/null ||
		! go_build "$1" guided hot.go -pgo="$T/hot.prof"; then
		fail 'cannot build with a profile'
		return
	fi
	if [ "$(called guided runtime.copystack runtime.stackfree)" != 'calls: 0' ]; then
		echo 'subtest profile-guided skipped: stackfree was not inlined'
		return
	fi
	run_ok target_dump guided || return
	matches guided '^warning $' out.txt
	for p in copystack_end,copystack newproc,newproc.func1; do
		function=runtime.${p#*,}
		objdump -d --no-show-raw-insn --disassemble="$function" guided >code.txt
		point=$(sed -n "s/^probe ${p%,*} $function 0x\([0-9a-f]*\) size 0 .* fixed\$/\1/p" out.txt)
		# newproc may still have its call
		if [ "${p%,*}" = newproc ] && [ -z "$point" ]; then
			matches guided "^probe newproc .* call $(called guided "$function" runtime.runqput) g rbx" out.txt
		else
			matches "guided: ${p%,*} at $point" "^ *$point:[[:space:]]+(nop|j[a-z]+|call) *" code.txt
		fi
	done
}

last=
if [ -n "$GO119" ]; then
	all_of "$GO119" 119
	last=plain119-s minor=19
fi
if [ -n "$GO122" ]; then
	all_of "$GO122" 122
	last=plain122-s minor=22
	profiled "$GO122"
fi
doubts "$last" "$minor"
blind "${last%-s}"
run_ok target_fuzz "$last" scratch 1 200 && cat out.txt
if [ -z "$GO119" ]; then echo 'subtest Go 1.19 skipped: not found'; fi
if [ -z "$GO122" ]; then echo 'subtest Go 1.22 skipped: not found'; fi
finish
