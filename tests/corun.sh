#!/bin/sh
# SPDX-License-Identifier: Apache-2.0
# test: timeout 600
# corun as its users meet it: programs at every optimisation level and with every linker, the compiler
# wrapper, the note.
. "$TOP/tests/lib.sh"
GOMAXPROCS=1 # one coroutine at a time, unless it is said
export GOMAXPROCS

cc=$O/bin/corun-cc
linkers=''
for l in gold lld; do
	gcc -fuse-ld=$l -Wl,--version >/dev/null 2>&1 && linkers="$linkers $l"
done
[ -n "$linkers" ] || skip "needs gold or lld"

# --- the same programs at every level, and with stacks that move at every call -------------------

for prog in "$O"/tests/corun/O?/* "$O"/tests/corun/native/*; do
	[ -x "$prog" ] || continue
	name=${prog#"$O/tests/corun/"}
	run_ok "$prog" || echo "in $name"
	CORUN_DEBUG=move,poison
	export CORUN_DEBUG
	run_ok "$prog" || echo "in $name with $CORUN_DEBUG"
	unset CORUN_DEBUG
	case $name in
	*/growth) ;;
	*) run_ok env CORUN_POLICY=segmented "$prog" || echo "in $name with segments" ;;
	esac
done

# --- under the other policies, where the figures of growth are others but the results are the same -----

for prog in libc torture; do
	for policy in mmap:prologue:4K mmap:guard:64K fixed:guard:1M fixed:prologue:1M; do
		trigger=${policy#*:}
		run_ok env CORUN_POLICY="${policy%%:*}" CORUN_TRIGGER="${trigger%:*}" CORUN_STACK="${policy##*:}" \
			"$O/tests/corun/$prog" || echo "in $prog with $policy"
	done
	run_ok env CORUN_STACK=adaptive "$O/tests/corun/$prog"
done

# --- where membarrier is refused every wake-up is fenced, on several Ps -----------------------------

for prog in parallel waits_stress preempt; do
	run_ok env GOMAXPROCS=4 refuse membarrier=EPERM -- "$O/tests/corun/$prog" || echo "in $prog without membarrier"
done
run_ok env GOMAXPROCS=4 TORTURE=2000 refuse membarrier=ENOSYS -- "$O/tests/corun/torture" || echo 'in torture without membarrier'

# --- what finds addresses that were kept, while others run and grow on other threads ------------------

for debug in unmap unmap,poison move,poison stackcheck; do
	n=2000
	[ $debug != stackcheck ] || n=20
	run_ok env GOMAXPROCS=4 CORUN_DEBUG=$debug TORTURE=$n "$O/tests/corun/torture" || echo "in torture with $debug on 4 Ps"
	equal "torture with $debug on 4 Ps says" '' "$(grep corun: err.txt)"
done
for prog in parallel waits_stress; do
	run_ok env GOMAXPROCS=4 CORUN_DEBUG=unmap "$O/tests/corun/$prog" || echo "in $prog with unmap"
done

# --- linkers and kinds of programs ---------------------------------------------------------------

# The note: the description, the wait reasons, and one place for each of thirteen probes; nothing in it for the dynamic
# linker.
check_note() { # PROGRAM
	readelf -nW "$1" >notes.txt 2>/dev/null
	equal "$1: notes" 16 "$(grep -c '^  stacktrace ' notes.txt)"
	equal "$1: descriptions" 1 "$(grep -c '^  stacktrace  *0x00000078' notes.txt)"
	readelf -SW "$1" | sed -n 's/.* \.note\.stacktrace  *NOTE  *\([0-9a-f]*\) [0-9a-f]* \([0-9a-f]*\).* A .*/\1 \2/p' >section.txt
	read -r start size <section.txt || fail "$1: no section that is loaded"
	readelf -rW "$1" | awk -v start="$start" -v size="$size" '
		function value(hex, n, i) {
			for (i = 1; i <= length(hex); i++)
				n = n * 16 + index("0123456789abcdef", substr(hex, i, 1)) - 1
			return n
		}
		/^[0-9a-f]+ +[0-9a-f]+ +R_/ && value($1) >= value(start) && value($1) < value(start) + value(size)
		' >relocations.txt
	equal "$1: relocations in the note" '' "$(cat relocations.txt)"
}

for linker in $linkers; do
	for kind in -pie -no-pie -static '-Wl,--gc-sections -ffunction-sections' -s -fno-plt \
		'-D_FORTIFY_SOURCE=2 -fstack-protector-all' -fcf-protection=full; do
		# shellcheck disable=SC2086 # words on purpose
		run_ok "$cc" -O2 -fuse-ld="$linker" $kind -o recurse "$TOP/samples/c/recurse.c" || continue
		run_ok ./recurse -v 20 300
		equal "recurse $linker $kind" 21 "$(sed -n 's/^runtime.coroutines //p' out.txt)"
		check_note recurse
	done
	run_ok "$cc" -O2 -fuse-ld="$linker" -o libc -iquote "$TOP" -D_GNU_SOURCE "$TOP/tests/corun/libc.c" -lm &&
		run_ok ./libc
done
if run "$cc" -O2 -flto -fuse-ld=gold -o lto "$TOP/samples/c/recurse.c" && [ "$status" = 0 ]; then
	run_ok ./lto -v
	check_note lto
fi

# The description, as the tracer understands it, against the runtime's own layout.
if [ -x "$ST" ] && run_ok "$ST" run --dry-run "$O/samples/c/recurse"; then
	while read -r field name; do
		offset=$(sed -n "s/^#define ${name}[[:space:]]*\([0-9]*\)$/\1/p" "$TOP/runtime/layout_amd64.h")
		matches "$field" "^ +$field +${offset:-none}  note\$" out.txt
	done <<-END
		stack.lo G_STACK_LO
		stack.hi G_STACK_HI
		sched.sp G_SCHED_SP
		sched.pc G_SCHED_PC
		sched.bp G_SCHED_BP
		goid G_ID
		parentGoid G_PARENT_ID
		gopc G_CREATOR_PC
		startpc G_ENTRY
		atomicstatus G_STATUS
		waitreason G_WAIT_REASON
		use_max G_USE_MAX
		stackguard0 G_STACKGUARD
	END
	equal 'probes of the price of a NOP' 13 "$(grep -c ' nop ' out.txt)"
fi

# --- names of the C library and of the runtime in a program of one's own -------------------------

cat >theirs.c <<'END'
#include "corun.h"
extern struct co_chan *chan;
/* Parks, though it has the name of a function that coroutines call beside their stacks. */
int send(long a, long b) { return co_chan_send(chan, &(long){ a + b }); }
int warn(const char *first, ...) { return co_yield(); }
long schedule(long n) { volatile char room[3000]; room[0] = 1; return n + room[0]; }
int gogo = 7;
END
cat >own.c <<'END'
#include <stdio.h>
#include "corun.h"
struct co_chan *chan;
int send(long a, long b);
int warn(const char *first, ...);
long schedule(long n);
extern int gogo;
static void sender(void *arg) { int rc = send(3, 4); printf("send %d\n", rc); }
static void start(void *arg)
{
	long got = 0;

	co_chan_make(sizeof(long), 0, &chan);
	co_go(sender, NULL);
	co_chan_recv(chan, &got);
	printf("got %ld, warn %d\n", got, warn("", 1));
	printf("schedule %ld, gogo %d\n", schedule(1), gogo);
}
int main(void) { return co_run(NULL, start, NULL); }
END
for flags in -O0 -O2 -static; do
	run_ok "$cc" $flags -w -o own own.c theirs.c && run_ok ./own
	equal "own names $flags" 'send 0,got 7, warn 0,schedule 2, gogo 7' "$(paste -sd, out.txt)"
done

# --- a shared library ----------------------------------------------------------------------------

cat >lib.c <<'END'
#include <stdio.h>
long lib_deep(long n) { volatile char room[500]; room[0] = 1; return n ? lib_deep(n - 1) + room[0] : 0; }
void lib_print(void) { printf("from the library\n"); }
END
cat >uselib.c <<'END'
#include <stdio.h>
#include "corun.h"
long lib_deep(long n);
void lib_print(void);
static void start(void *arg) { lib_print(); printf("%ld\n", lib_deep(1000)); }
int main(void) { return co_run(NULL, start, NULL); }
END
for linker in $linkers; do
	run_ok "$cc" -O2 -fPIC -shared -fuse-ld="$linker" -o libdeep.so lib.c &&
		run_ok "$cc" -O2 -fuse-ld="$linker" -o uselib uselib.c -L. -ldeep "-Wl,-rpath,$PWD" && run_ok ./uselib
	equal "shared library, $linker" 'from the library,1000' "$(paste -sd, out.txt)"
done
run_ok gcc -O2 -fPIC -shared -fsplit-stack "-fuse-ld=${linkers##* }" -o libdeep.so lib.c
run ./uselib
equal "library with libgcc's split stacks: status" 2 "$status"
matches "library with libgcc's split stacks" 'corun: fatal error: a shared library .* corun-cc -shared' err.txt

# --- a debugger finds from the thread's stack back to the coroutine's, in a call and in a growth ---

cat >walk.c <<'END'
#include <stdlib.h>
#include "corun.h"
static __attribute__((noinline)) long inner(long n)
{
	volatile char room[100];
	room[0] = 0;
	if (n)
		return inner(n - 1) + room[0];
	free(malloc(10));
	return room[0];
}
static void worker(void *arg) { volatile long n = inner(30); }
static void start(void *arg) { co_go(worker, NULL); co_yield(); }
int main(void) { return co_run(NULL, start, NULL); }
END
if command -v gdb >/dev/null && run_ok "$cc" -O1 -g -w -o walk walk.c; then
	run gdb -nx -batch -ex 'break newstack' -ex run -ex bt -ex delete -ex 'break free' -ex c -ex bt ./walk
	at_least 'backtraces that reach the root' 2 "$(grep -c '^#.* in gostart ()' out.txt)"
	at_least 'backtraces that pass worker' 2 "$(grep -c '^#.* in worker ' out.txt)"
	at_least 'frames of inner' 35 "$(grep -c '^#.* in inner ' out.txt)"
fi

# --- linked past corun-cc ------------------------------------------------------------------------

run_ok "$cc" -O2 -c "$TOP/samples/c/recurse.c" -o recurse.o
if run gcc recurse.o "$O/lib/libcorun.a" -fuse-ld=bfd -Wl,-z,now -o bfd && [ "$status" = 0 ]; then
	run ./bfd
	equal "linked by bfd: status" 2 "$status"
	matches "linked by bfd" '^corun: fatal error: .*linked by a linker that does not know split stacks' err.txt
fi
for linker in $linkers; do
	run_ok gcc recurse.o "$O/lib/libcorun.a" -fuse-ld="$linker" -Wl,-z,lazy -o lazy
	run ./lazy
	equal "lazy binding: status" 2 "$status"
	matches "lazy binding" '^corun: fatal error: .*lazy binding.*-z,now' err.txt
done
run_ok gcc -O2 -c "-I$O/include" "$TOP/samples/c/swarm.c" -o unchecked.o
run_ok "$cc" unchecked.o -o unchecked
run ./unchecked
equal "compiled by plain gcc: status" 2 "$status"
matches "compiled by plain gcc" 'does not check its stack; compile it with corun-cc' err.txt

# --- the wrapper ---------------------------------------------------------------------------------

run_ok "$cc" --version
matches 'corun-cc --version' '^corun-cc [0-9]' out.txt
matches 'corun-cc --version' '[gG][cC][cC]' out.txt
run_ok "$cc" --help
matches 'corun-cc --help' '^Usage: corun-cc' out.txt
run_ok "$cc" --show -c 'a file.c' -DX="a'b"
matches 'corun-cc --show -c' "^gcc -fsplit-stack .* -c 'a file.c' '-DX=a'\\\\''b' -fcf-protection=none$" out.txt
run_ok "$cc" --show x.o
matches 'corun-cc --show' ' x.o -fcf-protection=none -fuse-ld=(gold|lld) -Wl,-z,now .*/lib/corun/wrap .*/lib/libcorun.a$' out.txt
run_ok "$cc" -print-file-name=libc.so
run_ok "$cc" -E -x c - && equal 'corun-cc -E links' '' "$(ls a.out 2>/dev/null)"
run "$cc"
[ "$status" != 0 ] || fail "corun-cc without arguments succeeds"
matches 'corun-cc without arguments' 'no input files' err.txt

refuses() { # REGEX COMMAND...
	regex=$1
	shift
	run "$@"
	equal "$*: status" 1 "$status"
	matches "$*" "$regex" err.txt
}
refuses '^corun-cc: -fsanitize=hwaddress: corun has no runtime for it' "$cc" -fsanitize=hwaddress own.c
refuses '^corun-cc: -static: gcc has no sanitizers for it' "$cc" -static -fsanitize=address own.c
refuses '^corun-cc: -m32: corun knows only x86-64' "$cc" -m32 own.c
refuses '^corun-cc: -pg: ' "$cc" -pg own.c
refuses "^corun-cc: linker 'bfd' does not know split stacks" "$cc" -fuse-ld=bfd own.c
refuses "^corun-cc: linker 'mold' does not know split stacks" env CORUN_LD=mold "$cc" own.c
refuses "^corun-cc: cannot run the C compiler 'no-such-gcc'" env CORUN_CC=no-such-gcc "$cc" own.c
if command -v clang >/dev/null; then
	refuses "^corun-cc: 'clang' is clang, which rejects -fsplit-stack" env CORUN_CC=clang "$cc" own.c
fi
mkdir poor
printf '#!/bin/sh\ncase "$*" in *fuse-ld*) exit 1 ;; esac\nexec gcc "$@"\n' >poor/cc
chmod +x poor/cc
refuses '^corun-cc: no linker that knows split stacks' env CORUN_CC="$PWD/poor/cc" "$cc" own.c
matches 'missing linker' '^corun-cc: hint: install gold' err.txt
refuses "^corun-cc: 'poor/cc' cannot run the linker 'lld'" env CORUN_CC=poor/cc CORUN_LD=lld "$cc" own.c
mkdir -p lonely/bin
sed "s,$O,/nowhere,g; s,^libdir=.*,libdir=/nowhere,; s,^includedir=.*,includedir=/nowhere," "$cc" >lonely/bin/corun-cc
chmod +x lonely/bin/corun-cc
refuses "^corun-cc: no libcorun.a in '/nowhere'" lonely/bin/corun-cc own.c
mkdir -p plain
cp -R "$O/bin" "$O/include" plain
mkdir -p plain/lib
cp "$O/lib/libcorun.a" plain/lib
refuses "^corun-cc: no libcorun.a in '.*/plain/lib/corun/thread'" plain/bin/corun-cc -fsanitize=undefined,thread own.c
matches 'no sanitized runtime' '^corun-cc: hint: .*make sanitizers' err.txt

# The pages.
page_example "$TOP/man/corun.3" >page.c
run_ok "$cc" -O2 -Wall -Wextra -Werror -o page page.c && run_ok ./page
equal 'the example of corun(3)' 'hello,world' "$(paste -sd, out.txt)"
awk '/^\.Bd -literal$/ { text = ""; next } /^\.Ed/ { last = text } { text = text $0 "\n" } END { printf "%s", last }' \
	"$TOP/man/co_alloc.3" | sed 's/\\e/\\/g' >page.c
run_ok "$cc" -O2 -Wall -Wextra -Werror -o page page.c && run_ok ./page
equal 'the example of co_alloc(3)' '655350 objects made' "$(cat out.txt)"
for name in $(sed -n 's/.*\b\(co_[a-z_]*\)(.*/\1/p' "$O/include/corun.h" | grep -v -e '_at$' -e '^co_fn$' | sort -u) co_run co_go; do
	grep -q "^\.Fn $name " "$TOP"/man/co*.3 || fail "$name is in no page of section 3"
done
"$cc" --help | sed -n 's/^  \(--[a-z]*\) .*/\1/p; s/^  \(CORUN_[A-Z]*\) .*/\1/p' >words.txt
at_least 'words of the help' 5 "$(wc -l <words.txt)"
while read -r word; do
	matches "corun-cc(1)" "Fl Fl ${word#--}\$|Ev $word\$" "$TOP/man/corun-cc.1"
done <words.txt

# --- the policy that a program is linked with, and the environment that wins ---------------------------

cat >policy.c <<'END'
#include <stdio.h>
#include "corun.h"
static void start(void *arg) { printf("%zu\n", co_stack_size()); }
int main(void) { return co_run(NULL, start, NULL); }
END
for policy in copy:2048 mmap:4096 fixed:65536 segmented:2048; do
	run_ok "$cc" -w --stack-policy="${policy%:*}" -o policy policy.c && run_ok ./policy
	equal "--stack-policy=${policy%:*}" "${policy#*:}" "$(cat out.txt)"
	run_ok env CORUN_POLICY=fixed ./policy
	equal "CORUN_POLICY over --stack-policy=${policy%:*}" 65536 "$(cat out.txt)"
done
refuses "^corun-cc: --stack-policy: 'heap' is not copy, mmap, fixed or segmented" "$cc" --stack-policy=heap policy.c

# By way of a symbolic link, from elsewhere.
ln -s "$cc" linked-cc
run_ok ./linked-cc -w -o own own.c theirs.c && run_ok ./own

# pkg-config gives the same, for those who do not want a wrapper.
if command -v pkg-config >/dev/null; then
	mkdir -p installed/lib/pkgconfig installed/include
	cp -r "$O/lib/libcorun.a" "$O/lib/corun" installed/lib/
	cp "$O/include/corun.h" installed/include/
	sed "s,^prefix=.*,prefix=$PWD/installed,; s,^libdir=.*,libdir=\${prefix}/lib,; s,^includedir=.*,includedir=\${prefix}/include," \
		"$O/lib/pkgconfig/corun.pc" >installed/lib/pkgconfig/corun.pc
	PKG_CONFIG_PATH=$PWD/installed/lib/pkgconfig
	export PKG_CONFIG_PATH
	# shellcheck disable=SC2046 # words on purpose
	run_ok gcc -O2 $(pkg-config --cflags corun) -o pc "$TOP/samples/c/recurse.c" $(pkg-config --libs corun) &&
		run_ok ./pc -v
fi
finish
