#!/bin/sh
# SPDX-License-Identifier: Apache-2.0
# Kernels that lack something or forbid it, by the errors that they give; programs under a filter of system calls; copies
# whose end never comes.
set -u
. "$TOP/tests/lib.sh"
need_bpf
need_root
refuse bpf=ENOSYS -- true || skip "needs seccomp filters"
prog=$O/samples/c/recurse

refused() { # WHAT REGEX HINT COMMAND...: one line and a hint, and the program did not run
	what=$1 regex=$2 hint=$3
	shift 3
	run "$@"
	equal "$what: status" 125 "$status"
	equal "$what: lines" 2 "$(wc -l <err.txt)"
	matches "$what" "$regex" err.txt
	matches "$what" "hint: .*$hint" err.txt
	equal "$what: output" "" "$(cat out.txt)"
}

st="$ST run --source=bpf -o report.txt -- $prog -v 1"
# shellcheck disable=SC2086 # $st is a command with arguments
{
	refused "no bpf" 'this kernel has no bpf system call' CONFIG_BPF_SYSCALL refuse bpf=ENOSYS -- $st
	refused "no privilege" 'Operation not permitted' "container's seccomp filter" refuse bpf=EPERM -- $st
	refused "no uprobes for us" 'cannot attach uprobes: Operation not permitted' 'seccomp filter or a security module' \
		refuse bpf:28=EPERM perf_event_open=EPERM -- $st
}
run refuse bpf=ENOSYS -- "$ST" run -f json -o out.json -- "$prog" -v 5
equal "no bpf, own ring: status" 0 "$status"
matches "no bpf, own ring" "using the program's own ring: .*no bpf system call" err.txt
equal "no bpf, own ring: coroutines" 6 "$(json out.json .summary.coroutines)"

if unshare --mount true 2>/dev/null; then
	cat >without.sh <<-'END'
		for d in /sys/bus/event_source/devices /sys/kernel/tracing /sys/kernel/debug; do
			[ -d $d ] && mount -t tmpfs none $d
		done
		exec refuse bpf:28=EOPNOTSUPP -- "$@"
	END
	cat >lacking.sh <<-'END'
		grep -vw uprobe_munmap /proc/kallsyms >functions
		mount --bind functions /proc/kallsyms
		. ./without.sh
	END
	# shellcheck disable=SC2086
	{
		refused "no uprobes" 'cannot attach uprobes: this kernel has no uprobes' CONFIG_UPROBE_EVENTS \
			unshare --mount sh lacking.sh $st
		refused "no sysfs" 'cannot attach uprobes: No such file or directory' 'mount sysfs on /sys' unshare --mount sh without.sh $st
	}
	if [ -d /sys/kernel/security ]; then
		cat >locked.sh <<-'END'
			mount -t tmpfs none /sys/kernel/security
			echo 'none integrity [confidentiality]' >/sys/kernel/security/lockdown
			exec refuse bpf=EPERM -- "$@"
		END
		# shellcheck disable=SC2086
		refused "lockdown" 'Operation not permitted' 'locked down .confidentiality' unshare --mount sh locked.sh $st
		unshare --mount sh locked.sh "$ST" doctor -f json >out.json 2>/dev/null
		matches "lockdown: doctor" 'the kernel is locked down .confidentiality' out.json
	fi
else
	echo "no unshare: missing uprobes and lockdown not tried"
fi

# A program that is killed for the system calls that newer kernels make of a probe.
refuse kill -- perl -e 'syscall(400)' 2>/dev/null
equal "the filter kills" 159 $?
run_ok "$ST" run -F -q -f json -o out.json -- /bin/sh -c "exec refuse kill -- '$prog' -v 30 16"
equal "seccomp, corun: growths" "$(sed -n 's/^growths //p' out.txt)" "$(json out.json .summary.growths)"
at_least "seccomp, corun: growths" 30 "$(json out.json .summary.growths)"
if [ -n "$GO" ]; then
	go_build "$GO" recurse "$TOP/samples/go/recurse" || fail "cannot build recurse"
	run_ok env GODEBUG=adaptivestackstart=0 "$ST" run -F -q --switches -f json -o out.json -- /bin/sh -c "exec refuse kill -- ./recurse -v 30 16"
	equal "seccomp, Go: growths" "$(sed -n 's/^growths //p' out.txt)" \
		"$(json out.json '.growth[]{leaf=main.descend}.count' | awk '{ n += $1 } END { print n + 0 }')"
fi

# Before Linux 6.6 each probe is a perf event of its own: the same is seen.
run_ok refuse multi -- "$ST" run -v -q --source=bpf -f json -o out.json -- "$prog" -v 30 16
matches "no uprobe_multi: the source" 'source: bpf .perf uprobe.' err.txt
equal "no uprobe_multi: growths" "$(sed -n 's/^growths //p' out.txt)" "$(json out.json .summary.growths)"
equal "no uprobe_multi: coroutines" 31 "$(json out.json .summary.coroutines)"
equal "no uprobe_multi: lost" 0 "$(json out.json .summary.lost)"

# A begin without an end is told as such: by the next begin of its thread, or when the tracing ends.
awk '/^\.Bd -literal$/ { inside = 1; next } /^\.Ed/ { inside = 0 } inside' "$TOP/man/stacktrace-note.5" |
	sed 's/\\e/\\/g; s/^\\&//; s/^\tPROBE(1, f, new_size);$/\tPROBE(1, f, new_size);\n}\n__attribute__((noinline, noclone)) void fiber_moved(struct fiber *f)\n{/' >fiber.c
cat >>fiber.c <<'END'
int main(int argc, char **argv)
{
	static uint64_t stack[1024];
	struct fiber f = { .id = 1, .lo = (uintptr_t)stack, .hi = (uintptr_t)(stack + 256) };

	(void)argv;
	f.sp = f.hi - 64;
	fiber_move(&f, 4096u * (unsigned)argc);
	fiber_move(&f, 4096u * (unsigned)argc);
	fiber_moved(&f);
	fiber_move(&f, 8192u * (unsigned)argc);
	return 0;
}
END
"${CC:-gcc}" -Wno-missing-prototypes -o fiber fiber.c || fail "cannot build fiber"
for end in run record; do
	if [ $end = run ]; then
		run_ok "$ST" run -q -t -f json -o out.json -- ./fiber
		mv err.txt lines.txt
	else
		run_ok "$ST" record -q -o cap -- ./fiber
		run_ok "$ST" report -f trace -o lines.txt cap
	fi
	equal "$end: copies" 3 "$(grep -c 'stack growth' lines.txt)"
	equal "$end: without an end" "8192 4096" "$(grep 'end not seen' lines.txt | sed 's/.*new=\([0-9]*\).*/\1/' | sort -r | tr '\n' ' ' | sed 's/ $//')"
done
equal "json: without an end" 2 "$(json out.json .summary.incomplete)"
equal "lost" 0 "$(json out.json .summary.lost)"
finish
