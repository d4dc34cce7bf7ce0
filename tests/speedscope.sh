#!/bin/sh
# SPDX-License-Identifier: Apache-2.0
# test: timeout 200
# -f speedscope: the totals are those of folded, each sample is of frames that there are, and speedscope itself reads it.
set -u
. "$TOP/tests/lib.sh"

run_ok "$ST" record -q --source=ring -o r.capture -- "$O/samples/c/recurse" 40 300
cp "$TOP/tests/data/formats/run-1.0.capture" stored.capture # with losses
for c in r stored; do
	i=0
	for w in growths bytes time waste; do
		run_ok "$ST" report -f folded --weight=$w -o folded.txt $c.capture
		run_ok "$ST" report -f speedscope --weight=$w -o $c.json $c.capture
		json $c.json ".profiles[$i].weights[]" >weights.txt
		want=$(awk '{ n += $NF } END { printf "%.0f\n", n }' folded.txt)
		equal "$c: $w" "$want" "$(awk '{ n += $1 } END { printf "%.0f\n", n }' weights.txt)"
		equal "$c: $w: end" "$want" "$(json $c.json ".profiles[$i].endValue")"
		equal "$c: $w: name" "$w" "$(json $c.json ".profiles[$i].name")"
		equal "$c: $w: samples" "$(json $c.json ".profiles[$i].weights#")" "$(json $c.json ".profiles[$i].samples#")"
		equal "$c: $w is shown first" $i "$(json $c.json .activeProfileIndex)"
		i=$((i + 1))
	done
	frames=$(json $c.json '.shared.frames#')
	json $c.json '.profiles[].samples[][]' | awk -v n="$frames" '$1 < 0 || $1 >= n { bad++ } END { exit bad || !NR }' ||
		fail "$c: frames that are not there"
done
json stored.json '.shared.frames[].name' >frames.txt
matches "go statement" '^go main.main deep.go:7$' frames.txt
matches "lost" '^\[ring full\]$' frames.txt

# The published schema, and the program.
app=$("$TOP/tests/fetch-npm" speedscope 1.25.0 2>why.txt) || {
	echo "speedscope itself was not tried: $(cat why.txt)"
	finish
}
if command -v jsonschema >/dev/null; then
	run_ok jsonschema -i stored.json "$app/dist/release/file-format-schema.json"
else
	echo "the schema was not tried: no jsonschema"
fi
if ! python3 "$TOP/tests/browser.py" --check 2>why.txt; then
	echo "speedscope itself was not tried: $(cat why.txt)"
	finish
fi
# Its own command opens the page with a script that loads the file, in this way.
printf "speedscope.loadFileFromBase64('r.json', '%s')" "$(base64 -w 0 r.json)" >load.js
timeout 120 python3 "$TOP/tests/browser.py" "$app/dist/release/index.html#localProfilePath=$PWD/load.js" >out.txt 2>err.txt <<END
await document.body.innerText.includes('(4/4)')
eval document.title
END
equal "opened by speedscope" "\"$O/samples/c/recurse 40 300 - speedscope\"" "$(cat out.txt)"
[ ! -s err.txt ] || fail "$(cat err.txt)"
finish
