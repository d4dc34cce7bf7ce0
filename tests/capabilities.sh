#!/bin/sh
# SPDX-License-Identifier: Apache-2.0
# As an ordinary user, with the tool's own capabilities: cap_bpf and cap_perfmon on its file, nothing else.
set -u
. "$TOP/tests/lib.sh"
need_root
need_bpf
need_cmd setcap setpriv
"$ST" doctor | grep -q 'uprobe_multi *all' || skip "needs uprobe_multi: without it only root may attach"

chmod 755 .
cp "$ST" st && chmod 755 st
setcap cap_bpf,cap_perfmon+ep st 2>setcap.txt || skip "needs a file system with capabilities: $(cat setcap.txt)"
cp "$O/samples/c/recurse" prog
as="setpriv --reuid 65534 --regid 65534 --clear-groups --inh-caps=-all"
# shellcheck disable=SC2086 # $as is a command with arguments
$as test -x "$PWD/st" || skip "the test's directory is closed to other users"
mkdir -m 777 theirs

cat >user <<END
#!/bin/sh
cd '$PWD/theirs' && exec $as "\$@"
END
chmod 755 user

run ./user ../st run -q --source=bpf -f json -o out.json -- ../prog -v 20 64
equal "run: status" 0 "$status"
[ -s err.txt ] && fail "run: $(cat err.txt)"
equal "run: source" bpf "$(json theirs/out.json .summary.source)"
equal "run: growths" "$(sed -n 's/^growths //p' out.txt)" "$(json theirs/out.json .summary.growths)"
# The program has none of the tool's privileges.
run ./user ../st run -q -F --source=bpf -o report.txt -- /bin/sh -c 'grep CapEff /proc/self/status'
equal "run: the program's capabilities" 0000000000000000 "$(awk '{ print $2 }' out.txt)"
run ./user ../st record -q -F -o cap -- /bin/sh -c '../prog -v 5 64; ../prog -v 6 64'
equal "record -F: status" 0 "$status"
run ./user ../st report -f json cap
equal "record -F: coroutines" 13 "$(json out.txt .summary.coroutines)"
run ./user ../st run -u root -- ../prog 1
equal "-u: status" 125 "$status"
matches "-u" "cannot run the program as user 'root': needs root" err.txt

# Processes: one's own, and not another's.
if [ -n "$GO" ]; then
	go_build "$GO" serve "$TOP/tests/data/go/serve.go" || fail "cannot build serve"
	for who in theirs ours; do
		rm -f in own.txt
		mkfifo in
		if [ $who = theirs ]; then
			# shellcheck disable=SC2086
			GODEBUG=adaptivestackstart=0 $as ./serve <in >own.txt &
		else
			GODEBUG=adaptivestackstart=0 ./serve <in >own.txt &
		fi
		exec 5>in
		for _ in $(seq 100); do
			grep -q ready own.txt && break
			sleep 0.05
		done
		pid=$(sed -n 's/ready //p' own.txt)
		if [ $who = theirs ]; then
			(
				sleep 1
				echo work 10
				sleep 1
				echo end
			) >&5 &
			run ./user ../st attach -q -p "$pid" -f json -o attach.json
			equal "attach: status" 0 "$status"
			equal "attach: growths" 20 "$(json theirs/attach.json '.growth[]{leaf=main.deep}.count' | awk '{ n += $1 } END { print n + 0 }')"
			run ./user ../st doctor -p "$pid" # it has ended
			equal "doctor of what has ended: status" 1 "$status"
		else
			run ./user ../st attach -q -p "$pid" --duration 100ms
			equal "another's: status" 1 "$status"
			matches "another's" "cannot trace process $pid .*(user 0's, not yours|protected)" err.txt
			echo end >&5
		fi
		wait
		exec 5>&-
	done
fi
finish
