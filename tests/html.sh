#!/bin/sh
# SPDX-License-Identifier: Apache-2.0
# test: timeout 200
# -f html: one file that stands alone; in a real browser it draws, zooms, searches, sorts, and can be read by day and by night.
set -u
. "$TOP/tests/lib.sh"
command -v python3 >/dev/null || skip "needs python3"

# The document inside the page.
data() { # FILE
	sed -n '/<script type="application\/json" id="data">/{n;p;q}' "$1"
}

run_ok "$ST" record -q --source=ring -o r.capture -- "$O/samples/c/recurse" 40 300
run_ok "$ST" report -f json -o r.json r.capture
run_ok "$ST" report -f html -o r.html r.capture
data r.html >data.json
growths=$(json r.json .summary.growths)
equal "growths" "$growths" "$(json data.json .summary.growths)"
i=0
for figure in growths bytes_copied copy_ns; do
	equal "graph: all $figure" "$(json r.json .summary.$figure)" "$(json data.json ".graph.weight[$i][0]")"
	i=$((i + 1))
done
equal "graph: all waste" "$(($(json r.json .summary.allocated_bytes) - $(json r.json .summary.used_bytes)))" \
	"$(json data.json '.graph.weight[3][0]')"
equal "timeline: growths" "$growths" "$(json data.json '.timeline.growths[]' | awk '{ n += $1 } END { print n }')"
equal "table: growths" "$growths" "$(json data.json '.tables[0].rows[][0]' | awk '{ n += $1 } END { print n }')"
grep -nE '(src|href|@import|url\() *=? *["(]?(https?:)?//' r.html && fail "the page refers to a network"
[ "$(grep -c '<script' r.html)" = 2 ] || fail "not two scripts"

# 20,000 call chains: as large as it may be, and no larger.
run_ok many_stacks 20000 many.capture
run_ok "$ST" report -f html -o many.html many.capture
between "bytes of a page of 20,000 chains" 500000 4000000 "$(wc -c <many.html)"
data many.html >many.json
equal "frames of the graph" 30000 "$(json many.json '.graph.label#')"
equal "its growths" 20000 "$(json many.json '.graph.weight[0][0]')"
at_least "frames left out" 1000 "$(json many.json .graph.left_out)"
json many.json '.graph.depth[]' | awk 'NR > 1 && ($1 < 1 || $1 > last + 1) { bad = 1 } { last = $1 } END { exit bad }' ||
	fail "frames do not make a tree"

# Names that mean harm are text.
run_ok "$ST" report -f html -o hostile.html "$TOP/tests/data/captures/hostile.capture"
data hostile.html >hostile.json
grep -q '<' hostile.json && fail "a '<' inside the data"
equal "hostile: growths" 103 "$(json hostile.json .summary.growths)"

if ! python3 "$TOP/tests/browser.py" --check 2>why.txt; then
	echo "the browser was not tried: $(cat why.txt)"
	finish
fi
# One browser does it all: commands are gathered, and run at the end.
: >commands.txt
browse() { # WHAT FILE ANSWERS <COMMANDS
	{
		printf 'open %s\nlight\neval "%s:"\n' "$2" "$1"
		cat
	} >>commands.txt
	printf '"%s:" %s\n' "$1" "$3" >>wanted.txt
}
frame="[...document.querySelectorAll('.f')]"
id="document.getElementById"

browse "zoom" r.html "\"$growths\" true true false true true" <<END
eval $id('tiles').querySelector('b').textContent
eval $frame.length > 20
click $frame.find(f => f.textContent === 'worker')
eval Math.abs($frame.find(f => f.textContent === 'worker').offsetWidth - $id('flame').clientWidth) <= 1
eval $id('reset').hidden
eval /^worker +[0-9,]+, [0-9.]+ %, 100.0 % of what is shown/.test($id('details').textContent)
key Escape
eval $id('reset').hidden
END

# The weight changes widths and figures, and stays in the address.
copied=$(awk -v n="$(json r.json .summary.bytes_copied)" 'BEGIN { printf "%.2f MiB", n / 1048576 }')
browse "weight" r.html "\"all   $copied, 100.0 %\" \"#weight=bytes\"" <<END
click document.querySelector('input[value=bytes]').parentElement
eval ${frame}[0].getAttribute('aria-label')
eval location.hash
END

# Search marks frames and picks rows; a name in a table searches for itself; what is no expression is told.
browse "search" 'many.html#weight=time&search=f.1.3' 'true true true 0 "not a regular expression" "0" 10' <<END
eval document.querySelector('input[value=time]').checked
eval $id('matched').textContent !== ''
eval $frame.some(f => f.classList.contains('found')) && $frame.some(f => f.classList.contains('other'))
click $id('search')
do $id('search').select()
type f.0.0\$
eval document.querySelectorAll('#table tbody tr').length
do $id('search').select()
type (
eval $id('matched').textContent
key Escape
eval $id('search').value + document.querySelectorAll('.found').length
click [...document.querySelectorAll('#tabs button')].find(b => b.textContent === 'Creators')
click [...document.querySelectorAll('#table tbody tr')][2].querySelector('td.text button')
eval /^creator[0-9]\$/.test($id('search').value) && document.querySelectorAll('#table tbody tr').length
END

# Tables sort by what is clicked at, numbers from the largest, and a second time the other way round.
column() { # TITLE
	echo "[...document.querySelectorAll('#table th button')].find(b => b.textContent === '$1')"
}
order="[...document.querySelectorAll('#table tbody tr')].map(r => +r.cells[1].textContent)"
browse "sort" many.html '1000 true "descending" true "ascending" "1,000 of 1,000 rows"' <<END
click [...document.querySelectorAll('#tabs button')].find(b => b.textContent === 'Coroutines')
eval document.querySelectorAll('#table tbody tr').length
click $(column ID)
eval $order.every((n, i, a) => !i || n < a[i - 1])
eval $(column ID).parentElement.getAttribute('aria-sort')
click $(column ID)
eval $order.every((n, i, a) => !i || n > a[i - 1])
eval $(column ID).parentElement.getAttribute('aria-sort')
eval $id('rows').textContent
END

# By keys alone: into the graph, down, right, zoom; into the timeline.
browse "keys" r.html '"3" false "2" "1" "search"' <<END
do $id('flame').querySelector('[tabindex="0"]').focus()
key ArrowDown
key ArrowDown
key ArrowRight
key ArrowLeft
eval document.activeElement.getAttribute('aria-level')
key Enter
eval $id('reset').hidden
key ArrowUp
eval document.activeElement.getAttribute('aria-level')
do $id('timeline').focus()
key ArrowRight
key ArrowRight
eval $id('moment').textContent.includes('alive') && $id('timeline').getAttribute('aria-valuenow')
key /
eval document.activeElement.id
END

# Colours: the system's, or what the button says; each text can be read on what is behind it.
cat >contrast.js <<'END'
(() => {
	const number = (c) => c.match(/[\d.]+/g).map(Number), light = (c) => {
		const [r, g, b] = c.map((v) => (v /= c.scale || 255) <= 0.03928 ? v / 12.92 : ((v + 0.055) / 1.055) ** 2.4);
		return 0.2126 * r + 0.7152 * g + 0.0722 * b;
	};
	const read = (c) => { const n = number(c); n.scale = c.startsWith("color(") ? 1 : 255; return n; };
	const behind = (e) => {
		const c = getComputedStyle(e).backgroundColor;
		return c === "rgba(0, 0, 0, 0)" && e.parentElement ? behind(e.parentElement) : read(c);
	};
	const poor = [];
	for (const e of document.querySelectorAll(".brand, h1, h2, .dim, code, button, .choice label, .tile b, .f, .details, td, th button, li, #timeline text")) {
		const style = getComputedStyle(e), svg = e instanceof SVGElement;
		const pair = [light(read(svg ? style.fill : style.color)), light(behind(e))].sort((a, b) => b - a);
		if ((pair[0] + 0.05) / (pair[1] + 0.05) < 4.5)
			poor.push(e.tagName + "." + e.className + " " + (svg ? style.fill : style.color) + " on " + behind(e));
	}
	return [...new Set(poor)].slice(0, 5);
})()
END
contrast=$(tr '\n\t' '  ' <contrast.js)
paper="getComputedStyle(document.body).backgroundColor"
browse "themes" 'r.html#search=deep' '"rgb(251, 251, 249)" [] "rgb(21, 23, 26)" [] [] "theme: light" "rgb(251, 251, 249)" "rgb(21, 23, 26)" "theme: autorgb(251, 251, 249)"' <<END
light
eval $paper
eval $contrast
dark
eval $paper
eval $contrast
click ${frame}[2]
eval $contrast
click $id('theme')
eval $id('theme').textContent
eval $paper
click $id('theme')
light
eval $paper
click $id('theme')
eval $id('theme').textContent + $paper
END

# Nothing to show, names that mean harm: no errors.
run_ok "$ST" report -f html --since=1000s -o empty.html r.capture
for f in empty hostile; do
	browse $f $f.html 'true true' <<END
eval $frame.length >= 1
eval document.querySelectorAll('b').length === document.querySelectorAll('.tile b').length
click document.querySelector('input[value=waste]').parentElement
click ${frame}[0]
END
done

timeout 150 python3 "$TOP/tests/browser.py" empty.html <commands.txt >out.txt 2>err.txt || fail "$(cat err.txt)"
awk '/:"$/ && NR > 1 { printf "\n" } { printf "%s%s", /:"$/ ? "" : " ", $0 } END { print "" }' out.txt >got.txt
diff wanted.txt got.txt || fail "wanted (<) and what the browser says (>) differ"
finish
