#!/bin/sh
# SPDX-License-Identifier: Apache-2.0
# Bad input: one line that names the object and the reason, a hint where there is a remedy, the right exit status.
set -u
fails=0

# expect STATUS REGEX COMMAND...: the command's standard error must be one line matching the
# pattern, and at most one hint behind it.
expect() {
	want=$1 pattern=$2
	shift 2
	timeout 60 "$@" >out.txt 2>err.txt
	got=$?
	lines=$(grep -cv ': hint: ' err.txt)
	if [ "$got" != "$want" ] || [ "$lines" != 1 ] || ! grep -qE "$pattern" err.txt; then
		echo "FAIL: $* (status $got, wanted $want; wanted one line like '$pattern'):"
		cat err.txt
		fails=$((fails + 1))
	fi
	if [ -s out.txt ]; then
		echo "FAIL: $*: wrote to standard output:"
		head -n 3 out.txt
		fails=$((fails + 1))
	fi
}

# As expect, for usage errors: argp adds its "Try ... --help", on one line or two.
expect_usage() {
	want=$1 pattern=$2
	shift 2
	timeout 60 "$@" >out.txt 2>err.txt
	got=$?
	if [ "$got" != "$want" ] || ! head -n 1 err.txt | grep -qE "$pattern" ||
		! sed -n 2p err.txt | grep -q '^Try .*--help' || [ "$(wc -l <err.txt)" -gt 3 ]; then
		echo "FAIL: $* (status $got, wanted $want; wanted '$pattern' and 'Try'):"
		cat err.txt
		fails=$((fails + 1))
	fi
}

prog=$O/samples/c/recurse
[ -x "$prog" ] || { echo "no sample '$prog'"; exit 1; }

# The program.
expect 127 "run: cannot run 'no-such-program': no such program in PATH" "$ST" run no-such-program
expect 127 "run: .*'\./missing'.*No such file" "$ST" run ./missing
expect 127 "record: .*'/missing/dir'.*No such file" "$ST" record -o c -- /missing/dir
mkdir adir
expect 126 "'\./adir'.*directory" "$ST" run ./adir
cp "$prog" noexec && chmod 644 noexec
expect 126 "'\./noexec'.*([Pp]ermission|not executable)" "$ST" run ./noexec
printf '#!/bin/sh\necho hello\n' >script && chmod +x script
expect 126 "'\./script'.*script" "$ST" run ./script
: >empty && chmod +x empty
expect 126 "'\./empty'.*empty" "$ST" run ./empty
echo "just text" >text && chmod +x text
expect 126 "'\./text'.*no ELF" "$ST" run ./text
# A foreign machine (AArch64 is 183) and a 32-bit class, by their header fields.
cp "$prog" foreign && printf '\267\000' | dd of=foreign bs=1 seek=18 conv=notrunc 2>/dev/null
expect 126 "'\./foreign'.*AArch64" "$ST" run ./foreign
cp "$prog" class32 && printf '\001' | dd of=class32 bs=1 seek=4 conv=notrunc 2>/dev/null
expect 126 "'\./class32'.*32-bit" "$ST" run ./class32
head -c 40 "$prog" >short && chmod +x short
expect 126 "'\./short'.*(truncated|too short)" "$ST" run ./short
head -c 3000 "$prog" >cut2 && chmod +x cut2
expect 126 "'\./cut2'.*(truncated|beyond|outside)" "$ST" run ./cut2
head -c 64 "$prog" >garbage && head -c 60000 /dev/urandom >>garbage && chmod +x garbage
timeout 60 "$ST" run ./garbage >out.txt 2>err.txt
case $? in 125 | 126) ;; *)
	echo "FAIL: garbage ELF: $(cat err.txt)"
	fails=$((fails + 1))
	;;
esac
expect 125 "/true' has no Go runtime and no .note.stacktrace" "$ST" run /bin/true

# The command line.
expect 2 "no command 'frobnicate'" "$ST" frobnicate
expect_usage 125 "stacktrace run: no program to run" "$ST" run
expect_usage 125 "stacktrace record: no program to run" "$ST" record -o x
expect_usage 125 "run: unrecognized option '--frob'" "$ST" run --frob -- "$prog"
expect_usage 125 "run: --format: no format 'xml'" "$ST" run -f xml -- "$prog"
expect_usage 125 "run: --max-stack: '129' is outside 0 to 128" "$ST" run --max-stack=129 -- "$prog"
expect_usage 125 "run: --max-stack: '5x' is not a whole number" "$ST" run --max-stack=5x -- "$prog"
expect_usage 125 "run: --ring-size: '100000' is not a power of two" "$ST" run --ring-size=100000 -- "$prog"
expect_usage 125 "run: --ring-size: 'lots' is not a size" "$ST" run --ring-size=lots -- "$prog"
expect_usage 125 "run: --source: 'tea' is not one of auto, bpf, ring" "$ST" run --source=tea -- "$prog"
expect_usage 125 "run: option requires an argument -- 'f'" "$ST" run -f
expect_usage 2 "report: no capture file to report on" "$ST" report
expect_usage 2 "report: only one capture at a time, but also 'b'" "$ST" report a b
expect_usage 2 "report: --top: '-1' is not a whole number" "$ST" report --top=-1 a
expect 125 "no user 'nobody-of-this-name'" "$ST" run -u nobody-of-this-name -- "$prog"

# Outputs.
expect 125 "cannot create '/missing/dir/out'.*No such file" "$ST" run --source=ring -o /missing/dir/out -- "$prog"
expect 125 "'/missing/dir/c'.*No such file" "$ST" record --source=ring -o /missing/dir/c -- "$prog"

# Captures.
expect 1 "'missing.capture'.*No such file" "$ST" report missing.capture
expect 1 "'adir'.*[Dd]irectory" "$ST" report adir
expect 1 "'empty'.*(empty|not a capture)" "$ST" report empty
expect 1 "'text'.*not a stacktrace capture" "$ST" report text
expect 1 "standard input.*empty" "$ST" report - </dev/null

[ "$fails" = 0 ]
