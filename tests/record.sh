#!/bin/sh
# SPDX-License-Identifier: Apache-2.0
# test: timeout 180
# record and report: what run shows can be shown from the capture, elsewhere and later; nothing recorded is lost to a full
# disk, a kill or damage.
set -u
. "$TOP/tests/lib.sh"
prog=$O/samples/c/recurse

# The copy is taken away after the recording: names are in the capture.
cp "$prog" ./prog
run_ok "$ST" record -o a.capture -- ./prog -v 200 64
mv out.txt own.txt
growths=$(sed -n 's/^growths //p' own.txt)
coroutines=$(sed -n 's/^coroutines //p' own.txt)
matches "record's last line" "wrote 'a.capture': .* $growths growths, 0 lost" err.txt
rm prog

for user in self other; do
	set --
	if [ $user = other ]; then
		if [ "$(id -u)" != 0 ] || ! command -v setpriv >/dev/null; then continue; fi
		chmod 755 .
		chmod 644 a.capture
		cp "$ST" st
		set -- setpriv --reuid=65534 --regid=65534 --clear-groups
	fi
	run_ok "$@" "$([ $user = self ] && echo "$ST" || echo ./st)" report -f json a.capture
	equal "report as $user: growths" "$growths" "$(json out.txt .summary.growths)"
	equal "report as $user: coroutines" "$coroutines" "$(json out.txt .summary.coroutines)"
	equal "report as $user: growth rows add up" "$growths" "$(json out.txt '.growth[].count' | awk '{ n += $1 } END { print n }')"
	equal "report as $user: cut off" false "$(json out.txt '.damage.truncated')"
	equal "report as $user: bad blocks" 0 "$(json out.txt '.damage.bad_blocks')"
done

run_ok "$ST" report -f folded a.capture
equal "folded adds up" "$growths" "$(awk '{ n += $NF } END { print n }' out.txt)"
matches "folded has names" ';[a-z_]*;' out.txt
run_ok "$ST" report -f trace a.capture
equal "trace lines" "$growths" "$(grep -c 'stack growth: gp=0x[0-9a-f]*, old=[0-9]*, new=[0-9]*' out.txt)"
run_ok "$ST" report a.capture
matches "table" "$(printf '%s' "$coroutines coroutines")" out.txt
run_ok sh -c "'$ST' record -q -o - -- '$prog' 20 16 | '$ST' report -f json -"
equal "through a pipe" 21 "$(json out.txt .summary.coroutines)"

# Cut anywhere: what is whole is shown and the loss is told; --strict makes it a failure.
size=$(wc -c <a.capture)
for part in 1 2 3 4 5 6 7 8 9; do
	head -c $((size * part / 10)) a.capture >cut.capture
	run "$ST" report cut.capture
	case $status in
	0) matches "cut at $part/10" 'cut|incomplete|truncated' out.txt ;;
	1) matches "cut at $part/10" 'cut|not a stacktrace capture|truncated' err.txt ;;
	*) fail "cut at $part/10: status $status" ;;
	esac
	run "$ST" report --strict cut.capture
	[ "$status" = 0 ] && fail "cut at $part/10: --strict succeeded"
done
# A damaged byte in the middle costs a block, not the file.
cp a.capture bad.capture
printf '\377\000\377' | dd of=bad.capture bs=1 seek=$((size / 2)) conv=notrunc 2>/dev/null
run "$ST" report bad.capture
equal "damaged: status" 0 "$status"
matches "damaged" 'damaged|bad' out.txt

# A full disk, and a device that is always full: told once, the program undisturbed, the rest readable.
run "$ST" record -o /dev/full -- "$prog" -v 200 64
equal "/dev/full: status" 125 "$status"
equal "/dev/full: lines" 1 "$(grep -c '/dev/full.*No space left' err.txt)"
if [ "$(id -u)" = 0 ] && mkdir small && mount -t tmpfs -o size=128k tmpfs small 2>/dev/null; then
	# Two records a coroutine, a byte or two each when compressed: more than the room.
	run "$ST" record --source=ring -o small/c -- "$O/samples/c/swarm" -v 100000
	equal "full disk: status" 125 "$status"
	matches "full disk: the program ran to its end" '^coroutines 100001' out.txt
	matches "full disk" "small/c.*No space left" err.txt
	run "$ST" report -f json small/c
	equal "full disk: what was written" 0 "$status"
	at_least "full disk: coroutines" 1000 "$(json out.txt .summary.coroutines)"
	umount small
else
	echo "full disk not tried: needs root and tmpfs"
fi

# Killed while recording: events until about a second before, with names.
"$O/bin/corun-cc" -O1 -o fate "$TOP/tests/data/fate.c" || fail "cannot build fate.c"
"$ST" record -q -o killed.capture -- ./fate signal >out.txt 2>err.txt &
tool=$!
sleep 5
kill -KILL $tool
wait $tool 2>/dev/null
kill -TERM "$(sed -n 's/ready //p' out.txt)" 2>/dev/null
run_ok "$ST" report -f json killed.capture
at_least "killed: growths" 1000 "$(json out.txt .summary.growths)"
json out.txt '.growth[].leaf' | grep -q '^deep$' || fail "killed: no names"

# A closed pipe ends a report quietly.
sh -c "'$ST' report -f trace a.capture 2>err.txt; echo \$? >status.txt" | head -n 1 >/dev/null
case $(cat status.txt) in 0 | 141) ;; *) fail "closed pipe: status $(cat status.txt)" ;; esac
[ -s err.txt ] && fail "closed pipe: $(cat err.txt)"
finish
