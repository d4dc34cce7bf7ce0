#!/bin/sh
# SPDX-License-Identifier: Apache-2.0
# test: timeout 200
# -f svg: well-formed, as wide as the counts say, and in a real browser it zooms and searches, without a network.
set -u
. "$TOP/tests/lib.sh"

# 40 coroutines grow from 2 to 64 KiB in one recursion, called by a function of their own.
run_ok "$ST" record -q --source=ring -o r.capture -- "$O/samples/c/recurse" 40 300
run_ok "$ST" report -f json -o r.json r.capture
growths=$(json r.json .summary.growths)
at_least "growths" 40 "$growths"
for weight in growths bytes time waste; do
	run_ok "$ST" report -f svg --weight=$weight -o $weight.svg r.capture
	if command -v xmllint >/dev/null; then
		run_ok xmllint --noout --nonet $weight.svg
	fi
	grep -nE '(href|src|url\(|@import) *=? *["(]?https?:' $weight.svg && fail "$weight.svg refers to a network"
done
matches "all growths" "^<g class=\"f kn\" tabindex=\"0\"><title>all\$" growths.svg
matches "their number" "^$growths, 100 %</title>" growths.svg

# What stands on one frame is as wide as it: the go statements, each below the root.
awk -F'"' '/<rect / { for (i = 1; i < NF; i++) { if ($i ~ / y=$/) y = $(i + 1); if ($i ~ / width=$/) w = $(i + 1) }; sum[y] += w }
	END { for (y in sum) print y, sum[y] }' growths.svg | sort -n >rows.txt
between "width of the root" 1179.9 1180.1 "$(sed -n '1s/.* //p' rows.txt)"
between "width of the go statements" 1179 1180.1 "$(sed -n '2s/.* //p' rows.txt)"
awk '{ if (NR > 1 && $2 > last + 0.5) print "row " $1 " is wider than the one it hangs from"; last = $2 }' rows.txt >wide.txt
[ -s wide.txt ] && fail "$(cat wide.txt)"

# Frames of less than a thousandth, and some too narrow to be drawn.
run_ok many_stacks 20000 many.capture
run_ok "$ST" report -f svg -o many.svg many.capture
if command -v xmllint >/dev/null; then
	run_ok xmllint --noout --nonet many.svg
fi
matches "narrow frames" '^[0-9]*, &lt;0.1 %</title>' many.svg
matches "too narrow" '[0-9,]* frames too narrow to be drawn' many.svg
between "bytes of a graph of 20,000 chains" 100000 6000000 "$(wc -c <many.svg)"

# Nothing to show is shown as such.
run_ok "$ST" report -f svg --since=1000s -o empty.svg r.capture
matches "empty" '>no stack growths</text>' empty.svg

command -v python3 >/dev/null || { echo "the browser was not tried: no python3"; finish; }
command -v chromium >/dev/null || command -v chromium-browser >/dev/null || command -v google-chrome >/dev/null || {
	echo "the browser was not tried: no chromium"
	finish
}
browse() { # FILE <COMMANDS
	timeout 100 python3 "$TOP/tests/browser.py" "$1" >out.txt 2>err.txt || fail "$1: $(cat err.txt)"
}
frame() { # PREFIX: the first frame of that name
	echo "[...document.querySelectorAll('.f')].find(g => g.querySelector('title').textContent.startsWith('$1'))"
}

browse growths.svg <<END
eval document.querySelectorAll('.f').length > 5
click $(frame worker)
eval Math.round($(frame worker).querySelector('rect').getAttribute('width'))
eval document.getElementById('reset').style.display
eval document.getElementById('details').textContent.startsWith('worker')
click document.getElementById('reset')
eval document.getElementById('reset').style.display
answer ^deep\$
click document.getElementById('search')
eval document.querySelectorAll('.found').length > 3
eval parseFloat(document.getElementById('matched').textContent.split(' ')[1]) > 50
click document.getElementById('search')
eval document.querySelectorAll('.found').length
answer (
click document.getElementById('search')
eval document.getElementById('matched').textContent
END
equal "in the browser" 'true 1180 "" true "none" true true 0 "not a regular expression: ("' "$(paste -sd' ' out.txt)"
browse 'growths.svg#s=deep&z=1' <<END
eval document.querySelectorAll('.found').length > 3
eval document.getElementById('reset').style.display
END
equal "by fragment" 'true ""' "$(paste -sd' ' out.txt)"
browse empty.svg <<END
click document.querySelector('.f')
eval document.getElementById('reset').style.display
END
equal "empty, clicked" '"none"' "$(cat out.txt)"
finish
