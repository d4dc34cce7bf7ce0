#!/bin/sh
# SPDX-License-Identifier: Apache-2.0
# The example of stacktrace-note(5) compiles as it stands there, and stacktrace understands it.
. "$TOP/tests/lib.sh"

awk '/^\.Bd -literal$/ { inside = 1; next } /^\.Ed/ { inside = 0 } inside' "$TOP/man/stacktrace-note.5" |
	sed 's/\\e/\\/g; s/^\\&//' >fiber.c
at_least 'lines of the example' 40 "$(wc -l <fiber.c)"
cat >>fiber.c <<'END'
int main(int argc, char **argv)
{
	struct fiber f = { .id = 1 };

	(void)argv;
	fiber_move(&f, 4096u * (unsigned)argc);
	return 0;
}
END
for flags in '-O0 -no-pie' '-O2 -pie -fPIE' '-O3 -static' '-O2 -Wl,--gc-sections -ffunction-sections'; do
	# shellcheck disable=SC2086 # words on purpose
	run_ok "${CC:-gcc}" -Wall -Wextra -Wno-missing-prototypes $flags -o fiber fiber.c || continue
	equal "$flags: compiler" '' "$(cat err.txt)"
	run_ok "$ST" run --dry-run ./fiber || continue
	matches "$flags" '^\./fiber: fiber 1\.0$' out.txt
	matches "$flags" '^    sched\.sp +16  note$' out.txt
	matches "$flags" '^    startpc +64  note$' out.txt
	matches "$flags" '^    copystack +0x[0-9a-f]+ .* nop .* in fiber_move' out.txt
	matches "$flags" '^    copystack_end +0x[0-9a-f]+ .* nop ' out.txt
	run_ok ./fiber
done
finish
