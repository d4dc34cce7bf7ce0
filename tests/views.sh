#!/bin/sh
# SPDX-License-Identifier: Apache-2.0
# test: timeout 120
# report's rows, filters, tree, histogram, CSV and pager, on captures whose figures the sample itself states.
set -u
. "$TOP/tests/lib.sh"
prog=$O/samples/c/recurse

run_ok "$ST" record --source=ring -q -o a.capture -- "$prog" -v 200 64
growths=$(sed -n 's/^growths //p' out.txt)
coroutines=$(sed -n 's/^coroutines //p' out.txt)

# The sum of a column of a CSV file, by its name.
sum() { # COLUMN FILE
	awk -F, -v name="$1" 'NR == 1 { for (i = 1; i <= NF; i++) if ($i == name) c = i; next }
		{ n += $c } END { print c ? n + 0 : "no column" }' "$2"
}

for by in growth creator leaf stack step coroutine process time; do
	run_ok "$ST" report -f csv --by=$by -n 0 a.capture
	equal "csv by $by: growths" "$growths" "$(sum growths out.txt)"
	cp out.txt $by.csv
	run_ok "$ST" report -f json --by=$by -n 0 a.capture
	equal "json by $by: growths" "$growths" "$(json out.txt '.rows[].growths' | awk '{ n += $1 } END { print n }')"
	equal "json by $by" $by "$(json out.txt .by)"
	run_ok "$ST" report --by=$by a.capture
	matches "table by $by" '^  .*GROWTHS' out.txt
done
equal "csv by creator: coroutines" "$coroutines" "$(sum coroutines creator.csv)"
equal "csv by coroutine: rows" "$coroutines" "$(($(wc -l <coroutine.csv) - 1))"
equal "csv by time: born" "$((coroutines))" "$(sum born time.csv)"

# Columns and order, against sort(1).
run_ok "$ST" report -f csv --by=coroutine --columns=id,growths,creator --sort=id -n 0 a.capture
equal "columns" "id,growths,creator" "$(head -n 1 out.txt)"
tail -n +2 out.txt | cut -d, -f1 >ids.txt
sort -rn ids.txt | cmp -s - ids.txt || fail "--sort=id is not from the largest down"
run_ok "$ST" report -f csv --by=coroutine --columns=id,growths,creator --sort=id --reverse -n 5 a.capture
equal "--reverse -n 5" "1 2 3 4 5" "$(tail -n +2 out.txt | cut -d, -f1 | tr '\n' ' ' | sed 's/ $//')"
for bad in --sort=none --columns=id,none --columns=id,id --columns= --by=none --prune=101 --since=1x --until=; do
	run "$ST" report $bad a.capture
	equal "$bad: status" 2 "$status"
done

# What is left out by a filter and what is not make up the whole.
run_ok "$ST" report -f json --function=deep a.capture
equal "--function of all chains" "$growths" "$(json out.txt .summary.growths)"
run_ok "$ST" report -f json --function='no such' a.capture
equal "--function of none" 0 "$(json out.txt .summary.growths)"
run_ok "$ST" report -f json --coroutine=2 --coroutine=3 a.capture
equal "--coroutine" 2 "$(json out.txt .summary.coroutines)"
run_ok "$ST" report -f json a.capture
pid=$(sed -n 2p process.csv | cut -d, -f1)
run_ok "$ST" report -f json --process="$pid" a.capture
equal "--process" "$growths" "$(json out.txt .summary.growths)"
run_ok "$ST" report -f json --process=1 a.capture
equal "--process of another" 0 "$(json out.txt .summary.growths)"
middle=$("$ST" report -f trace a.capture | awk '/stack growth/ { t[++n] = $1 } END { print t[int(n / 2)] }')
run_ok "$ST" report -f json --until="${middle}s" a.capture
before=$(json out.txt .summary.growths)
run_ok "$ST" report -f json --since="${middle}s" a.capture
equal "--until and --since add up" "$growths" "$((before + $(json out.txt .summary.growths)))"
run_ok "$ST" report -f trace --since="${middle}s" a.capture
equal "trace keeps to --since" "$((growths - before))" "$(grep -c 'stack growth' out.txt)"
run_ok "$ST" report -f folded --until="${middle}s" a.capture
equal "folded keeps to --until" "$before" "$(awk '{ n += $NF } END { print n }' out.txt)"

# Weights: bytes and time of folded chains are those of the summary; waste, allocated - used.
run_ok "$ST" report -f json a.capture
cp out.txt all.json
for w in bytes:bytes_copied time:copy_ns; do
	run_ok "$ST" report -f folded --weight="${w%:*}" a.capture
	equal "--weight=$w" "$(json all.json ".summary.${w#*:}")" "$(awk '{ n += $NF } END { printf "%.0f\n", n }' out.txt)"
done
run_ok "$ST" report -f folded --weight=waste a.capture
equal "--weight=waste" "$(($(json all.json .summary.allocated_bytes) - $(json all.json .summary.used_bytes)))" \
	"$(awk '{ n += $NF } END { printf "%.0f\n", n }' out.txt)"

# The tree: the root has all, and children add up.
run_ok "$ST" report -f tree a.capture
matches "tree: root" "^ *100 % .* all growths" out.txt
matches "tree: leaf" ' deep recurse.c:[0-9]* \(x[0-9]*\)' out.txt
run_ok "$ST" report -f tree --prune=100 --top=1 a.capture
run_ok "$ST" report -f histogram a.capture
equal "histogram: coroutines by size" "$coroutines" \
	"$(sed -n '/^Last stack/,$p' out.txt | awk 'NR > 2 { gsub(/,/, ""); n += $2 } END { print n }')"

# The live run takes the same options.
run_ok "$ST" run --source=ring -q -f csv --by=leaf -o run.csv -- "$prog" 200 64
equal "run --by" "$growths" "$(sum growths run.csv)"

# On a terminal through a pager, unless told otherwise.
if command -v script >/dev/null; then
	printf '#!/bin/sh\necho paged; cat\n' >pager
	chmod +x pager
	for case in "PAGER=./pager:paged" "PAGER=./pager STACKTRACE_PAGER=cat:stacktrace" "PAGER=:stacktrace" \
		"PAGER=./none:stacktrace"; do
		script -qec "env ${case%:*} '$ST' report a.capture" /dev/null </dev/null >out.txt 2>&1
		head -n 1 out.txt >first.txt
		matches "pager: ${case%:*}" "${case##*:}" first.txt
		matches "pager: ${case%:*}: all of it" 'events lost' out.txt
	done
	# Input that takes long shows how far it has come, where the messages go to a terminal.
	formats_bench write 1000000 big.capture >/dev/null
	script -qec "(head -c 6000000 big.capture; sleep 1; tail -c +6000001 big.capture) |
		'$ST' report -o big.txt -" /dev/null </dev/null >out.txt 2>&1
	matches "progress" 'reading -: [0-9.]* MiB' out.txt
	matches "progress: and the report" 'COROUTINES' big.txt
	# Killed, it leaves the terminal to the pager until that ends.
	printf '#!/bin/sh\ncat >/dev/null; sleep 1; echo pager ended\n' >slow
	chmod +x slow
	script -qec "env PAGER=./slow sh -c '(cat a.capture; sleep 3) | timeout -s INT 1 \"$ST\" report -f trace -; echo killed'" \
		/dev/null </dev/null >out.txt 2>&1
	equal "killed with a pager" "pager ended killed" "$(tr -d '\r' <out.txt | grep -E 'pager ended|killed' | tr '\n' ' ' | sed 's/ $//')"
	script -qec "env PAGER=./pager '$ST' report --no-pager a.capture" /dev/null </dev/null >out.txt 2>&1
	grep -q paged out.txt && fail "--no-pager pages"
else
	echo "no script(1): pager not tried"
fi
run_ok env PAGER=./pager "$ST" report a.capture
grep -q paged out.txt && fail "pages without a terminal"
finish
