#!/usr/bin/env python3
# SPDX-License-Identifier: Apache-2.0
"""read_trace.py chrome FILE | perfetto FILE: a timeline, checked and summed up.

chrome reads the JSON document, perfetto what protoc --decode makes of the packets.  Both print the same
lines if both files say the same:

    slices NAME COUNT       by the first word of the name; lives of coroutines are 'life', those on threads 'on_thread'
    instants NAME COUNT
    counter NAME COUNT LARGEST
    flows COUNT
    tracks KIND COUNT
    all DIGEST              of every slice, instant and counter: track, times in ns, name, arguments

Ends with a message where the file contradicts itself: an event on no track, slices that do not nest or
do not end, a flow with one end, or one that arrives before it leaves.
"""

import collections
import hashlib
import json
import re
import sys


class Track:
    def __init__(self, name):
        self.name, self.open, self.last = name, [], None


class Reader:
    def __init__(self):
        self.tracks, self.facts, self.counts = {}, [], collections.Counter()
        self.largest, self.leave, self.arrive = {}, {}, {}

    def kind(self, text, track):
        word = text.split(" ")[0]
        if track.name.startswith("thread "):
            return "on_thread"
        return "life" if re.fullmatch(r"g[0-9]+|0x[0-9a-f]+", word) else word

    def track(self, key, name):
        if key in self.tracks:
            sys.exit("track %s begins twice" % (key,))
        self.tracks[key] = Track(name)
        self.counts["tracks " + name.split(" ")[0]] += 1

    def at(self, key, ns):
        if key not in self.tracks:
            sys.exit("an event on track %s, which is none" % (key,))
        t = self.tracks[key]
        if t.last is not None and ns < t.last:
            sys.exit("%s: %d after %d" % (t.name, ns, t.last))
        t.last = ns
        return t

    def begin(self, key, ns, name, args):
        self.at(key, ns).open.append((ns, name, args))

    def end(self, key, ns, args):
        t = self.at(key, ns)
        if not t.open:
            sys.exit("%s: an end of nothing at %d" % (t.name, ns))
        start, name, first = t.open.pop()
        self.counts["slices " + self.kind(name, t)] += 1
        self.facts.append(("slice", t.name, start, ns, name, len(t.open), sorted({**first, **args}.items())))

    def instant(self, key, ns, name, args):
        t = self.at(key, ns)
        self.counts["instants " + self.kind(name, t)] += 1
        self.facts.append(("instant", t.name, ns, name, sorted(args.items())))

    def counter(self, name, ns, value):
        self.counts["counter " + name] += 1
        self.largest[name] = max(value, self.largest.get(name, 0))
        self.facts.append(("counter", name, ns, value))

    def flow(self, ends, number, ns):
        if number in ends:
            sys.exit("flow %d ends twice on one side" % number)
        ends[number] = ns

    def report(self):
        for t in self.tracks.values():
            if t.open:
                sys.exit("%s: '%s' does not end" % (t.name, t.open[-1][1]))
        if self.leave.keys() != self.arrive.keys():
            sys.exit("flows with one end: %s" % sorted(self.leave.keys() ^ self.arrive.keys())[:5])
        for number, ns in self.leave.items():
            if ns > self.arrive[number]:
                sys.exit("flow %d arrives before it leaves" % number)
        for name, count in sorted(self.counts.items()):
            largest = self.largest.get(name[8:]) if name.startswith("counter ") else None
            print(name, count, *([] if largest is None else [largest]))
        print("flows", len(self.leave))
        print("all", hashlib.sha256(json.dumps(sorted(self.facts, key=json.dumps)).encode()).hexdigest())


def read_chrome(path):
    r = Reader()
    with open(path, encoding="utf-8") as f:
        events = json.load(f, parse_float=str)["traceEvents"]
    for e in events:
        key, phase, args = (e["pid"], e["tid"]), e["ph"], e.get("args", {})
        if phase == "M":
            if e["name"] in ("process_name", "thread_name"):
                r.track(key, args["name"])
            continue
        whole, _, part = str(e["ts"]).partition(".")
        ns = int(whole + (part + "000")[:3])
        if phase == "B":
            r.begin(key, ns, e["name"], args)
        elif phase == "E":
            r.end(key, ns, args)
        elif phase == "i":
            r.instant(key, ns, e["name"], args)
        elif phase == "C":
            r.counter(e["name"], ns, next(iter(args.values())))
        elif phase in "sf":
            if not r.tracks[key].open:
                sys.exit("a flow on %s, where no slice is open" % r.tracks[key].name)
            r.flow(r.leave if phase == "s" else r.arrive, e["id"], ns)
        else:
            sys.exit("phase " + phase)
    r.report()


def parse_text(lines):
    """protoc's text: a list of (name, value), where a value is a text or such a list."""
    fields = []
    for line in lines:
        line = line.strip()
        if line == "}":
            break
        if line.endswith("{"):
            fields.append((line[:-2], parse_text(lines)))
        else:
            name, _, value = line.partition(": ")
            if value.startswith('"'):  # C escapes, of bytes
                value = value[1:-1].encode("latin-1").decode("unicode_escape").encode("latin-1").decode("utf-8")
            fields.append((name, value))
    return fields


def every(fields, name):
    return [value for key, value in fields if key == name]


def first(fields, name, otherwise=None):
    return next((value for key, value in fields if key == name), otherwise)


def read_perfetto(path):
    r, counters, names, texts, zero = Reader(), {}, {}, {}, 0
    with open(path, encoding="utf-8") as f:
        packets = every(parse_text(iter(f)), "packet")
    if first(packets[0], "sequence_flags") != "1":
        sys.exit("the first packet does not begin a sequence")
    for p in packets:
        for clock in every(first(p, "clock_snapshot", []), "clocks"):
            if first(clock, "clock_id") == "6":
                zero = int(first(clock, "timestamp"))
        for table, field in ((names, "debug_annotation_names"), (texts, "debug_annotation_string_values")):
            for entry in every(first(p, "interned_data", []), field):
                if first(entry, "iid") in table:
                    sys.exit("interned twice: %s" % entry)
                table[first(entry, "iid")] = first(entry, "str", "")
        track = first(p, "track_descriptor")
        if track:
            uuid, process, thread = first(track, "uuid"), first(track, "process"), first(track, "thread")
            parent = first(track, "parent_uuid")
            if parent is not None and parent not in r.tracks:
                sys.exit("track %s has no parent" % uuid)
            name = first(process, "process_name") if process else first(thread, "thread_name") if thread else first(track, "name")
            if first(track, "counter"):
                counters[uuid] = name
            else:
                r.track(uuid, name)
        e = first(p, "track_event")
        if not e:
            continue
        ns, kind, uuid = int(first(p, "timestamp")) - zero, first(e, "type"), first(e, "track_uuid")
        args = {names[first(a, "name_iid")]: int(first(a, "uint_value")) if first(a, "string_value_iid") is None
                else texts[first(a, "string_value_iid")] for a in every(e, "debug_annotations")}
        if kind == "BEGIN":
            r.begin(uuid, ns, first(e, "name"), args)
        elif kind == "END":
            r.end(uuid, ns, args)
        elif kind == "INSTANT":
            r.instant(uuid, ns, first(e, "name"), args)
        elif kind == "COUNTER":
            r.counter(counters[uuid], ns, int(first(e, "counter_value")))
        else:
            sys.exit("type %s" % kind)
        for field, ends in (("flow_ids", r.leave), ("terminating_flow_ids", r.arrive)):
            for number in every(e, field):
                r.flow(ends, int(number), ns)
    r.report()


if __name__ == "__main__":
    {"chrome": read_chrome, "perfetto": read_perfetto}[sys.argv[1]](sys.argv[2])
