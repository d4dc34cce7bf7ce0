#!/bin/sh
# SPDX-License-Identifier: Apache-2.0
# test: timeout 120
# The samples that do something for others: what they print is what the usual tools print, and a trace of them has the
# coroutines that they say they had.  (Those that only count are in corun_run.sh.)
set -u
. "$TOP/tests/lib.sh"
samples=$O/samples/c

coroutines() { # WHAT WANTED
	equal "$1: lost" 0 "$(json trace.json .summary.lost)"
	equal "$1: coroutines" "$2" "$(json trace.json .summary.coroutines)"
}

# --- words ---------------------------------------------------------------------------------------

i=0
while [ $i -lt 30 ]; do
	cat "$TOP/README.md" "$TOP/CONTRIBUTING.md"
	i=$((i + 1))
done >text
run_ok "$ST" run -q -f json -o trace.json -- "$samples/wordcount" text
coroutines wordcount 6
mv out.txt words.txt
tr -s '[:space:]' '\n' <text | grep . | LC_ALL=C sort | uniq -c | awk '{ print $1, $2 }' >wanted.txt
cmp -s wanted.txt words.txt || {
	fail "wordcount: wanted (<), got (>):"
	diff wanted.txt words.txt | head
}
"$samples/wordcount" <text | cmp -s - wanted.txt || fail "wordcount of standard input"
: >empty
run_ok "$samples/wordcount" empty
equal "words of nothing" '' "$(cat out.txt)"
run "$samples/wordcount" nothing
equal "words of no file: status" 1 "$status"
matches "words of no file" '^nothing: No such file' err.txt

# --- digests -------------------------------------------------------------------------------------

if [ -x "$samples/hashfiles" ]; then
	head -c 1000000 /dev/zero >zeros
	set -- "$TOP"/runtime/*.c text empty zeros
	run_ok "$ST" run -q -f json -o trace.json -- "$samples/hashfiles" "$@"
	sha256sum "$@" | cmp -s - out.txt || fail "hashfiles does not say what sha256sum says"
	coroutines hashfiles $(($# + 1))
	equal "hashfiles: growths" $# "$(json trace.json .summary.growths)"
	run "$samples/hashfiles" text nothing "$T"
	equal "hashfiles: status" 1 "$status"
	matches "hashfiles" '^hashfiles: nothing: No such file' err.txt
	matches "hashfiles" "^hashfiles: $T: Is a directory" err.txt
else
	echo "subtest hashfiles skipped: built without libcrypto"
fi

# --- a server ------------------------------------------------------------------------------------

if command -v curl >/dev/null; then
	mkdir -p site/sub
	cp text site/text.txt
	echo '<p>hello</p>' >site/index.html
	echo secret >site/.hidden
	"$ST" run -q -f json -o trace.json -- "$samples/httpd" -v -n 7 site >httpd.txt 2>err.txt </dev/null &
	server=$!
	i=0
	while ! grep -q '^port ' httpd.txt && [ $i -lt 100 ]; do
		sleep 0.1
		i=$((i + 1))
	done
	url=http://127.0.0.1:$(sed -n 's/^port //p' httpd.txt)
	get() { # EXPECTED-CODE PATH [OPTION...]
		code=$1 path=$2
		shift 2
		equal "GET $path" "$code" "$(curl -s -m 20 -o got -w '%{http_code}' --path-as-is "$@" "$url$path")"
	}
	get 200 /text.txt
	cmp -s got text || fail "the file is not what was sent"
	get 200 /
	equal "index" '<p>hello</p>' "$(cat got)"
	get 404 /.hidden
	get 404 /../samples.sh
	get 404 /nothing
	get 405 / -X POST
	# One connection, two requests.
	equal "keep-alive" '200 200 ' "$(curl -s -m 20 -w '%{http_code} ' -o /dev/null "$url/" -o /dev/null "$url/text.txt")"
	wait "$server"
	equal "httpd: status" 0 $?
	equal "httpd: requests" 8 "$(sed -n 's/^requests //p' httpd.txt)"
	coroutines httpd 8
else
	echo "subtest httpd skipped: needs curl"
fi
finish
