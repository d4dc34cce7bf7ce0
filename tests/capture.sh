#!/bin/sh
# SPDX-License-Identifier: Apache-2.0
# test: timeout 200
# dump, info and merge; and the page of the format: a reader written from it alone sees what dump sees.
set -u
. "$TOP/tests/lib.sh"
recurse=$O/samples/c/recurse swarm=$O/samples/c/swarm

run_ok "$ST" record --source=ring -q -o a.capture -- "$recurse" -v 200 64
growths_a=$(sed -n 's/^growths //p' out.txt) coroutines_a=$(sed -n 's/^coroutines //p' out.txt)
run_ok "$ST" record --source=ring -q -o b.capture -- "$swarm" -v 500
growths_b=$(sed -n 's/^growths //p' out.txt) coroutines_b=$(sed -n 's/^coroutines //p' out.txt)

# dump: every record, as many as the program itself counts.
run_ok "$ST" dump a.capture
equal "dump: copystacks" "$growths_a" "$(grep -c '^record event="copystack"' out.txt)"
equal "dump: newprocs" "$coroutines_a" "$(grep -c '^record event="newproc"' out.txt)"
matches "dump: names" '^name .*function="deep"' out.txt
matches "dump: blocks" '^block .*kind="index"' out.txt
matches "dump: the recording" '^capture major=1 .*runtime="corun"' out.txt
cp out.txt a.txt
run_ok sh -c "'$ST' dump -o - - <a.capture"
equal "dump: through a pipe" "$(grep -c '^record' a.txt)" "$(grep -c '^record' out.txt)"
run_ok "$ST" dump -f json -o a.json a.capture
head -n 1 a.json >one.json
equal "dump: JSON" 1 "$(json one.json .major)"
run "$ST" dump -f xml a.capture
equal "dump -f xml: status" 2 "$status"
run "$ST" dump /dev/null
equal "dump of nothing: status" 1 "$status"
head -c 3000 a.capture >cut.capture
run_ok "$ST" dump cut.capture
matches "dump: cut" '^damage truncated=1' out.txt

# The page alone is enough to read a capture.
if command -v python3 >/dev/null && command -v zstd >/dev/null; then
	run_ok python3 "$TOP/tests/data/read_capture.py" a.capture
	cp out.txt theirs.json
	for type in record name; do
		python3 - a.json theirs.json $type >diff.txt 2>&1 <<'END' || fail "$type: $(cat diff.txt)"
import json, sys
keys = {"record": ["number", "size", "cpu", "time_ns", "pid", "tid"],
        "name": ["pid", "address", "place", "function", "file", "line", "inlined"]}[sys.argv[3]]
fields = {4: ["gp", "goid", "parent_goid", "creator_pc", "entry_pc", "stack_size"],
          5: ["gp", "goid", "stack_size", "used"],
          6: ["gp", "goid", "creator_pc", "entry_pc", "old_size", "new_size", "used", "duration_ns", "stack_id"]}
def read(path):
    return [o for o in map(json.loads, open(path)) if o["type"] == sys.argv[3]]
ours, theirs = read(sys.argv[1]), read(sys.argv[2])
if sys.argv[3] == "name":
    ours.sort(key=lambda o: (o["address"], o["place"]))
    theirs.sort(key=lambda o: (o["address"], o["place"]))
assert len(ours) == len(theirs) and ours, (len(ours), len(theirs))
for a, b in zip(ours, theirs):
    assert all(a[k] == b[k] for k in keys), (a, b)
    for name, word in zip(fields.get(a.get("number"), []), b.get("words", [])):
        assert a[name] == word, (name, a, b)
    if a.get("number") == 3:
        assert a["pc"] == b["words"][2:2 + a["depth"]], (a, b)
END
	done
else
	echo "no python3 or no zstd: the page was not tried"
fi

# Every field of every kind is where the page says, and has that name.
if command -v python3 >/dev/null && command -v zstd >/dev/null; then
	all=$TOP/tests/data/captures/run-1.2.capture
	run_ok "$ST" dump -f json -o all.json "$all"
	run_ok python3 "$TOP/tests/data/read_capture.py" "$all"
	python3 - "$TOP/man/stacktrace-capture.5" all.json out.txt >diff.txt 2>&1 <<'END' || fail "the page's fields: $(cat diff.txt)"
import json, re, struct, sys
page, ours, theirs = open(sys.argv[1]).read(), sys.argv[2], sys.argv[3]
page = page[page.index(".Ss Records"):page.index(".Ss End")]
fields = {}
for part in re.split(r"(?m)^\.It (?=\d+: )", page)[1:]:
    number, name = re.match(r"(\d+): (\w+)", part).groups()
    rows = re.findall(r"(?m)^\.It (\d+) Ta (\S+(?: bytes)?) Ta (\w+)", part)
    fields[int(number)] = name, [(int(o), t, f) for o, t, f in rows if f != "reserved"]
def read(path):
    return [o for o in map(json.loads, open(path)) if o["type"] == "record"]
seen = set()
for a, b in zip(read(ours), read(theirs)):
    if a["number"] not in fields:
        continue
    name, rows = fields[a["number"]]
    header = {"type", "event", "number", "size", "cpu", "time_ns", "pid", "tid"}
    assert a["event"] == name, (a, name)
    short = {f for o, t, f in rows if o >= a["size"]} # fields of a later version
    assert set(a) - header - short == {f for o, t, f in rows} - short, (name, a)
    data = b"\0" * 24 + b"".join(struct.pack("<Q", w) for w in b["words"])
    for offset, kind, field in rows:
        if field in short:
            continue
        if kind in ("u32", "u64"):
            assert a[field] == struct.unpack_from("<" + {"u32": "I", "u64": "Q"}[kind], data, offset)[0], (name, field)
        elif kind.startswith("u64["):
            count = int(kind[4:-1]) if kind[4:-1] else a["depth"]
            assert a[field] == list(struct.unpack_from("<%dQ" % count, data, offset)), (name, field)
        else:
            text = data[offset:].split(b"\0")[0][:16 if kind == "16 bytes" else 64]
            told = re.sub(rb"\\x(..)", lambda m: bytes.fromhex(m[1].decode()), a[field].encode())
            assert told == text[:a["length"]] if "length" in a else told == text, (name, field, told, text)
    seen.add(a["number"])
assert seen == set(fields), ("not in the capture", set(fields) - seen)
END
fi

# info: the totals of a report, of whole and of broken captures, of those that have no totals in them, and through a pipe.
info_is_report() { # CAPTURE
	run_ok "$ST" report -f json -o r.json "$1"
	run_ok "$ST" info -f json -o i.json "$1"
	for key in growths shrinks bytes_copied copy_ns lost; do
		equal "info: $1: $key" "$(json r.json .summary.$key)" "$(json i.json .totals.$key)"
	done
	json r.json .damage >r.txt
	json i.json .damage >i.txt
	cmp r.txt i.txt || fail "info: $1: another damage"
}
kinds_are_dumped() { # CAPTURE, whose i.json is there
	"$ST" dump "$1" | grep -o '^record event="[a-z_]*"' | sort | uniq -c | awk '{ gsub(/.*="|"/, "", $3); print $3, $1 }' >dumped.txt
	while read -r kind count; do
		[ "$kind" = unknown ] || equal "info: $1: $kind" "$count" "$(json i.json ".totals.by_kind.$kind")"
	done <dumped.txt
	equal "info: $1: records" "$(awk '{ n += $2 } END { print n + 0 }' dumped.txt)" "$(json i.json .totals.records)"
}
# a byte of the payload of the first block of that kind is another one
damage() { # KIND FROM TO
	cp "$2" "$3"
	at=$("$ST" dump "$2" | sed -n "s/^block offset=\([0-9]*\) kind=\"$1\" .*/\1/p" | head -n 1)
	printf '\377' | dd of="$3" bs=1 seek=$((at + 64 + 9)) conv=notrunc status=none
	cmp -s "$2" "$3" && fail "damage: nothing was changed"
}
run_ok "$ST" record --source=ring -q -o long.capture -- "$swarm" -v 20000
head -c $(($(stat -c %s long.capture) * 2 / 3)) long.capture >long-cut.capture
damage events long.capture long-events.capture
damage totals long.capture long-totals.capture
for c in a b cut long-cut long-events long-totals long; do info_is_report $c.capture; done
kinds_are_dumped long.capture
at_least "info: a damaged block of events" 1 "$("$ST" info -f json long-events.capture >i.json; json i.json .damage.missing_records)"
equal "info: a damaged block of totals loses no record" 0 \
	"$("$ST" info -f json long-totals.capture >i.json; json i.json .damage.missing_records)"
for c in run-1.0 run-1.1 run-1.2 hostile; do
	info_is_report "$TOP/tests/data/captures/$c.capture"
	kinds_are_dumped "$TOP/tests/data/captures/$c.capture"
done
run_ok sh -c "'$ST' info - <a.capture"
matches "info: through a pipe" "stacks: $growths_a growths" out.txt
matches "info: whose" 'program: .*/recurse, build ID [0-9a-f]*, corun .*, seen by ring' out.txt
run_ok "$ST" info --strict a.capture b.capture
equal "info: two captures" 2 "$(grep -c ': capture, format 1' out.txt)"
run "$ST" info --strict a.capture cut.capture
equal "info --strict of a cut one: status" 3 "$status"
run "$ST" info none.capture a.capture
equal "info: a missing one: status" 1 "$status"
matches "info: a missing one" "none.capture.*No such file" err.txt
matches "info: the other one" 'a.capture: capture' out.txt
run "$ST" info -o /dev/full a.capture
equal "info to a full disk: status" 1 "$status"
run "$ST" info
equal "info of nothing: status" 2 "$status"

# merge: everything of both, in order of time; the same capture twice is two processes.
run_ok "$ST" merge -q -o m.capture a.capture b.capture a.capture
run_ok "$ST" report -f json --by=process m.capture
equal "merge: growths" $((2 * growths_a + growths_b)) "$(json out.txt .summary.growths)"
equal "merge: coroutines" $((2 * coroutines_a + coroutines_b)) "$(json out.txt .summary.coroutines)"
equal "merge: ended" $((2 * coroutines_a + coroutines_b)) "$(json out.txt .summary.coroutines_ended)"
equal "merge: processes" 3 "$(json out.txt '.rows[].pid' | sort -u | wc -l)"
equal "merge: damage" false "$(json out.txt .damage.truncated)"
json out.txt '.creators[].creator' | sort -u >creators.txt
matches "merge: names of the first" '^start$' creators.txt
hits=$(json out.txt .summary.probe_hits)
run_ok "$ST" report -f json a.capture
hits_a=$(json out.txt .summary.probe_hits) cpu_a=$(json out.txt .summary.cpu_ns)
run_ok "$ST" report -f json b.capture
equal "merge: probe hits add up" $((2 * hits_a + $(json out.txt .summary.probe_hits))) "$hits"
cpu_b=$(json out.txt .summary.cpu_ns)
run_ok "$ST" report -f json m.capture
equal "merge: CPU time adds up" $((2 * cpu_a + cpu_b)) "$(json out.txt .summary.cpu_ns)"
run_ok "$ST" dump m.capture
# b was recorded behind a: none of its records may stand before the last of a's
sed -n 's/^record .* pid=\([0-9]*\) .*/\1/p' out.txt | uniq | awk '{ n[$1]++ } END { for (p in n) print n[p], p }' |
	sort -n >runs.txt
equal "merge: b is in one piece" 1 "$(awk -v p="$(sed -n 's/^record .* pid=\([0-9]*\) .*/\1/p' out.txt | grep -v '^0$' | tail -n 1)" '$2 == p { print $1 }' runs.txt)"
run "$ST" merge -o a.capture a.capture b.capture
equal "merge over an input: status" 1 "$status"
matches "merge over an input" "'a.capture' is one of the captures" err.txt
run_ok "$ST" merge -o m2.capture cut.capture b.capture
matches "merge: a cut input is told" 'damaged or cut off' err.txt
run "$ST" merge -o m3.capture a.capture none.capture
equal "merge: a missing input: status" 1 "$status"
run "$ST" merge a.capture
equal "merge without --output: status" 2 "$status"
run "$ST" merge -o /dev/full a.capture
equal "merge to a full disk: status" 1 "$status"
matches "merge to a full disk" "/dev/full.*No space" err.txt
finish
