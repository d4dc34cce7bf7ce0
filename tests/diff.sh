#!/bin/sh
# SPDX-License-Identifier: Apache-2.0
# test: timeout 120
# diff: every figure counted again from what dump prints of each capture; several captures a side; rules and their status;
# folded stacks against two reports; what is damaged; and the README's example as printed.
set -u
. "$TOP/tests/lib.sh"
recurse=$O/samples/c/recurse

for i in 1 2 3 4; do
	run_ok "$ST" record --source=ring -q -o old$i.capture -- "$recurse" 200 64
	run_ok "$ST" record --source=ring -q -o new$i.capture -- "$recurse" 240 32
done

# Totals and growths by (creator, leaf), from the records and names that dump prints.
recount() { # CAPTURE
	"$ST" dump "$1" | awk '
	function value(name,   i) {
		for (i = 2; i <= NF; i++)
			if (index($i, name "=") == 1) return substr($i, length(name) + 2)
	}
	function text(name) { return substr(value(name), 2, length(value(name)) - 2) }
	function before(h,   n, c) { # the address minus 1
		n = length(h); c = substr(h, n)
		if (c == "0") return before(substr(h, 1, n - 1)) "f"
		return substr(h, 1, n - 1) substr("0123456789abcdef", index("0123456789abcdef", c) - 1, 1)
	}
	$1 == "name" { if (value("place") == 0) inner[value("address")] = text("function"); outer[value("address")] = text("function") }
	$1 == "record" && /event="newproc"/ { born++ }
	$1 == "record" && /event="exit"/ { cpu = value("cpu_ns") }
	$1 == "record" && /event="stack"/ { split(substr(value("pc"), 2), pc, /[],]/); leaf[value("stack_id")] = pc[1] }
	$1 == "record" && /event="copystack"/ {
		n++; bytes += value("used"); ns += value("duration_ns")
		c[n] = value("creator_pc"); s[n] = value("stack_id"); b[n] = value("used")
	}
	END {
		printf "total growths %d\ntotal bytes_copied %d\ntotal copy_time %d\ntotal coroutines %d\ntotal cpu_time %d\n", n, bytes, ns, born, cpu
		printf "total stacks %d\n", born + n
		for (i = 1; i <= n; i++) {
			k = inner[before(c[i])] " " outer[before(leaf[s[i]])]
			rows[k]++; row_bytes[k] += b[i]
		}
		for (k in rows) printf "row %s %d %d\n", k, rows[k], row_bytes[k]
	}'
}

run_ok "$ST" diff -f json old1.capture new1.capture
cp out.txt d.json
recount old1.capture >old.txt
recount new1.capture >new.txt
for m in growths bytes_copied copy_time coroutines cpu_time stacks; do
	a=$(sed -n "s/^total $m //p" old.txt) b=$(sed -n "s/^total $m //p" new.txt)
	equal "$m before" "$a" "$(json d.json .totals.$m.before.median)"
	equal "$m after" "$b" "$(json d.json .totals.$m.after.median)"
	equal "$m: change" $((b - a)) "$(json d.json .totals.$m.change)"
	equal "$m: percent" "$(awk "BEGIN { printf \"%.4f\", 100 * ($b - $a) / $a }")" \
		"$(json d.json .totals.$m.percent | awk '{ printf "%.4f", $1 }')"
done
for side in old:before new:after; do
	for w in growths:4 bytes_copied:5; do
		awk -v c=${w#*:} '/^row/ { print $2, $3, $c }' ${side%:*}.txt | sort >wanted.txt
		for i in $(seq 0 $(($(json d.json '.rows#') - 1))); do
			echo "$(json d.json ".rows[$i].creator") $(json d.json ".rows[$i].leaf") $(json d.json ".rows[$i].${w%:*}.${side#*:}.median")"
		done | sort >got.txt
		cmp -s wanted.txt got.txt || fail "rows ${side#*:}: ${w%:*}: wanted (<), got (>): $(diff wanted.txt got.txt)"
	done
done

# The same as CSV, and by what else there is.
run_ok "$ST" diff -f csv old1.capture new1.capture
equal "csv" "600,480,-120,-20,600,600,480,480,,,both,start,worker,deep" "$(sed -n 2p out.txt)"
for by in creator leaf growth; do
	run_ok "$ST" diff -f csv --by=$by --weight=bytes old1.capture new1.capture
	equal "--by=$by: sum" "$(sed -n 's/^total bytes_copied //p' old.txt)" "$(awk -F, 'NR > 1 { n += $1 } END { print n }' out.txt)"
done
run_ok "$ST" diff -f csv --by=total old1.capture new1.capture
equal "csv of totals" "600,480" "$(sed -n 's/,[^,]*,[^,]*,600,600.*,growths$//p' out.txt)"

# Rows that are new, and rows that are gone.
run_ok "$ST" record --source=ring -q -o swarm.capture -- "$O/samples/c/swarm" 500
run_ok "$ST" diff -f csv old1.capture swarm.capture
equal "gone and new" "gone,start,worker,deep new,start,large,touch" "$(tail -n +2 out.txt | cut -d, -f11- | sort | tr '\n' ' ' | sed 's/ $//')"
run_ok "$ST" diff old1.capture swarm.capture
matches "table: gone" '^ *600 +0 +-600 +gone +start recurse.c:[0-9]+ +deep' out.txt
matches "table: new" '^ *0 +62 +\+62 +new +start swarm.c:[0-9]+ ' out.txt

# Divided.
run_ok "$ST" diff -f json --per=coroutine old1.capture new1.capture
between "per coroutine" 2.98 2.99 "$(json out.txt .totals.growths.before.median)" # 600 of 201
equal "per coroutine: coroutines" 201 "$(json out.txt .totals.coroutines.before.median)"
run_ok "$ST" diff -f json --requests=work* old1.capture new1.capture
equal "per request by function" "3 2 request" "$(json out.txt .totals.growths.before.median .totals.growths.after.median .per | tr '\n' ' ' | sed 's/ $//')"
equal "requests born" 240 "$(json out.txt '.after[0].divisor')"
run_ok "$ST" diff -f json --requests=100,60 old1.capture new1.capture
equal "per request by number" "6 8" "$(json out.txt .rows[0].growths.before.median .rows[0].growths.after.median | tr '\n' ' ' | sed 's/ $//')"
run_ok "$ST" diff -f json --per=second old1.capture new1.capture
wall=$("$ST" report -f json old1.capture >r.json; json r.json .summary.wall_ns)
between "per second" "$(awk "BEGIN { print 599.9e9 / $wall }")" "$(awk "BEGIN { print 600.1e9 / $wall }")" "$(json out.txt .totals.growths.before.median)"

# Several a side: medians by sort(1); p of four against four that do not overlap is 2 / 70.
run_ok "$ST" diff -f json old?.capture --after new?.capture
for i in 1 2 3 4; do recount old$i.capture | sed -n 's/^total copy_time //p'; done | sort -n >times.txt
equal "median" "$(awk '{ v[NR] = $1 } END { printf "%.12g\n", (v[2] + v[3]) / 2 }' times.txt)" "$(json out.txt .totals.copy_time.before.median)"
equal "least" "$(head -n 1 times.txt)" "$(json out.txt .totals.copy_time.before.min)"
equal "most" "$(tail -n 1 times.txt)" "$(json out.txt .totals.copy_time.before.max)"
between "p" 0.02857 0.02858 "$(json out.txt .totals.growths.p)"
equal "significant" true "$(json out.txt .totals.growths.significant)"
run_ok "$ST" diff old1.capture old2.capture -a old3.capture old4.capture
matches "equal sides" '^ *600 .* 600 .* 0 +~ .* growths$' out.txt
run_ok "$ST" diff old?.capture --after new?.capture
matches "table: totals" '^ *600 +0 % +480 +0 % +-120 +-20.0 % +0.029 +growths$' out.txt
matches "table: rows" '^ *600 +0 % +480 +0 % +-120 +-20.0 % +0.029 +start recurse.c:[0-9]+ +deep recurse.c:[0-9]+$' out.txt

# Two counts for each stack: those of two reports, without the lines of the go statements.
for side in old1 new1; do
	"$ST" report -f folded $side.capture | sed 's/^\(go@[^;:]*\):[0-9]*/\1/' | sed 's/ \([0-9]*\)$/\t\1/' >$side.folded
done
join -t "$(printf '\t')" -a 1 -a 2 -e 0 -o 0,1.2,2.2 old1.folded new1.folded | tr '\t' ' ' >wanted.txt
run_ok "$ST" diff -f folded old1.capture new1.capture
sort out.txt >got.txt
sort wanted.txt | cmp -s - got.txt || fail "folded: $(sort wanted.txt | diff - got.txt)"
run_ok "$ST" diff -f folded --requests=worker old1.capture new1.capture
equal "folded in proportion" "720 480" "$(awk '{ a += $(NF - 1); b += $NF } END { print a, b }' out.txt)" # 600 * 240 / 200

# Rules: which hold, what is said, and the status.
rule() { # STATUS RULE [OPTION...]
	wanted=$1 expr=$2
	shift 2
	run "$ST" diff -o /dev/null --fail-if="$expr" "$@" old1.capture new1.capture
	equal "rule $expr $*: status" "$wanted" "$status"
}
rule 0 'growths>+10%'
rule 3 'growths<-10%'
matches "a rule that holds" "^stacktrace diff: 'growths<-10%' holds: growths 600 before, 480 after \(-20.0 %\)$" err.txt
rule 3 'growths < 481'
rule 3 'growths<=-120'
rule 3 'bytes_copied<-1MiB'
rule 3 'waste_ratio>0.5'
rule 0 'waste_ratio>0.6'
rule 3 'growths/coroutine<2'
rule 3 'growths/request>=2' --requests=worker
rule 3 'work*:growths>=480'
rule 0 'no_such:growths>0'
matches "a rule of no rows" "no growth has such a function" err.txt
rule 1 'growths/request>1'
rule 1 'collections>1'
matches "a rule of nothing known" "no capture of after knows 'collections'" err.txt
run "$ST" diff -o /dev/null --fail-if='growths>1' --fail-if='coroutines>+1' old1.capture new1.capture
equal "two rules: lines" 2 "$(grep -c ' holds: ' err.txt)"
# Noise breaks no rule of a change.
run "$ST" diff -o /dev/null --fail-if='growths<-10%' old1.capture old2.capture --after new1.capture new2.capture
equal "a change beyond noise: status" 3 "$status"
run "$ST" diff -o /dev/null --fail-if='growths<-1%' old1.capture new1.capture --after old2.capture new2.capture
equal "a change within noise: status" 0 "$status"
for bad in growths 'growhts>1' 'growths>10%' 'copy_time>5'; do # the others are in unit/test_diff
	rule 2 "$bad"
	matches "rule $bad" "^stacktrace diff: --fail-if: '" err.txt
done

# The page has every metric.
run "$ST" diff --fail-if='x>1' old1.capture new1.capture
metrics=$(sed -n "s/.*'x' is not one of //p" err.txt | tr -d ,)
at_least "metrics" 18 "$(echo "$metrics" | wc -w)"
for m in $metrics; do
	matches "the page" "^\.Cm $m( |\$)" "$TOP/man/stacktrace-diff.1"
done

# Wrong usage.
for bad in old1.capture "old1.capture old2.capture old3.capture" "--after old1.capture" "old1.capture --after" \
	"--per=day old1.capture new1.capture" "--per=request old1.capture new1.capture" "--requests=0 old1.capture new1.capture" \
	"--requests=1,2,3 old1.capture new1.capture" "--by=x old1.capture new1.capture" "-f x old1.capture new1.capture" ""; do
	# shellcheck disable=SC2086
	run "$ST" diff $bad
	equal "diff $bad: status" 2 "$status"
done
run "$ST" diff --requests='no_such*' old1.capture new1.capture
equal "no request: status" 1 "$status"
matches "no request" "no coroutine of 'old1.capture' was born that 'no_such\*' created" err.txt

# Damaged captures are compared as far as they are whole, and said to be.
head -c 3000 old1.capture >cut.capture
run_ok "$ST" diff cut.capture new1.capture
matches "cut: said" "'cut.capture' is damaged or cut off" err.txt
matches "cut: in the table" 'missing: in cut.capture:' out.txt
run "$ST" diff -q --strict cut.capture new1.capture
equal "--strict: status" 3 "$status"
[ -s err.txt ] && fail "-q: $(cat err.txt)"
run "$ST" diff --strict old1.capture new1.capture
equal "--strict of whole ones: status" 0 "$status"
for f in empty:later-major later-major:run-1.0 run-1.0:big-endian none:run-1.0; do
	: >empty.capture
	cp "$TOP"/tests/data/captures/*.capture .
	run "$ST" diff -q ${f%:*}.capture ${f#*:}.capture
	equal "$f: status" 1 "$status"
	equal "$f: lines" 1 "$(grep -vc ' hint: ' err.txt)"
done
for f in table csv json folded; do
	run "$ST" diff -f $f hostile.capture run-1.0.capture
	equal "hostile names as $f: status" 0 "$status"
	if LC_ALL=C grep -q "$(printf '[\001-\010\013-\037\177]')" out.txt; then fail "hostile names as $f: control characters"; fi
done
run_ok sh -c "'$ST' diff old1.capture - <new1.capture"
run "$ST" diff -o /dev/full old1.capture new1.capture
equal "a full disk: status" 1 "$status"

# The example of the README, as it stands there.
cp "$recurse" server
cp "$recurse" server-main
sed -n '/^## A change in CI/,/^## /s/^    //p' "$TOP/README.md" >example.sh
[ -s example.sh ] || fail "the README has no example"
run env PATH="$(dirname "$ST"):$PATH" sh -e example.sh
equal "the README's example: status" 0 "$status"
matches "the README's example" 'growths per coroutine' out.txt
finish
