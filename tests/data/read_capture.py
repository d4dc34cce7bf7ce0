#!/usr/bin/env python3
# SPDX-License-Identifier: Apache-2.0
"""A reader of captures written from stacktrace-capture(5) alone, to see whether the page is enough.

Prints a JSON object for each record (header and 64-bit words), each name and each block, in the order of the file.
Decompression is the zstd program's.
"""
import json
import struct
import subprocess
import sys
import zlib


def varint(data, at):
    value = shift = 0
    while True:
        byte = data[at]
        at += 1
        value |= (byte & 0x7F) << shift
        if byte < 0x80:
            return value, at
        shift += 7


def unsigned(value):
    return value & (2**64 - 1)


def signed(z):
    return z // 2 if z % 2 == 0 else -(z + 1) // 2


def file_header(data):
    magic, order, major, minor, size = struct.unpack_from("<8sIHHI", data)
    assert magic == bytes.fromhex("895354430d0a1a0a")
    assert order == 0x01020304 and major == 1
    assert struct.unpack_from("<I", data, 28)[0] == zlib.crc32(data[:28])
    return minor, size


def blocks(data, at):
    while at < len(data):
        head = data[at : at + 64]
        marker, kind, flags, number, stored, raw, records, payload_crc = struct.unpack_from("<8sHHIIIII", head)
        before, low, high, _, crc = struct.unpack_from("<QQQII", head, 32)
        assert marker == bytes.fromhex("b35354626c6b0d0a")
        assert crc == zlib.crc32(head[:60])
        payload = data[at + 64 : at + 64 + stored]
        assert payload_crc == zlib.crc32(payload)
        assert stored <= raw <= 1048576 and raw <= 64 * stored
        if flags & 1:
            payload = subprocess.run(["zstd", "-dcq"], input=payload, stdout=subprocess.PIPE, check=True).stdout
        assert len(payload) == raw
        yield dict(offset=at, kind=kind, flags=flags, number=number, records=records, before=before, low=low, high=high,
                   payload=payload)
        at += 64 + stored


def names(payload):
    count, at = varint(payload, 0)
    strings = []
    for _ in range(count):
        end = payload.index(b"\0", at)
        strings.append(payload[at:end].decode())
        at = end + 1
    while at < len(payload):
        pid, at = varint(payload, at)
        address, at = varint(payload, at)
        places, at = varint(payload, at)
        for place in range(places):
            function, at = varint(payload, at)
            file, at = varint(payload, at)
            line, at = varint(payload, at)
            yield dict(type="name", pid=pid, address=address, place=place, function=strings[function],
                       file=strings[file], line=line // 2, inlined=line % 2)


def records(payload):
    last, tables, nexts, time, at = {}, {}, {}, 0, 0
    while at < len(payload):
        kind, at = varint(payload, at)
        count, at = varint(payload, at)
        cpu, at = varint(payload, at)
        codes = []
        for i in range(count - 1):
            byte = payload[at + i // 2]
            codes.append(byte >> 4 if i % 2 else byte & 15)
        at += count // 2
        before = last.get(kind, []) if kind < 32 else []
        words = [kind | count * 8 << 16 | cpu << 32]
        for i, code in enumerate(codes, 1):
            prediction = time if i == 1 else before[i] if i < len(before) else 0
            table = tables.setdefault(i, [0] * 256)
            if code == 10:
                word = table[payload[at]]
                at += 1
            elif code == 9:
                word = struct.unpack_from("<Q", payload, at)[0]
                at += 8
            else:
                assert code <= 8
                word = unsigned(prediction + signed(int.from_bytes(payload[at : at + code], "little")))
                at += code
            if 2 <= i <= 15 and 2 <= code <= 9:
                table[nexts.get(i, 0)] = word
                nexts[i] = (nexts.get(i, 0) + 1) % 256
            words.append(word)
        last[kind] = words
        time = words[1]
        yield words


def index(payload):
    count, at = varint(payload, 0)
    offset = low = 0
    for _ in range(count):
        delta, at = varint(payload, at)
        kind, at = varint(payload, at)
        of, at = varint(payload, at)
        first, at = varint(payload, at)
        length, at = varint(payload, at)
        offset += delta
        low = unsigned(low + signed(first))
        yield dict(offset=offset, kind=kind, records=of, low=low, high=low + length)


def totals(payload):
    count, at = varint(payload, 0)
    kinds = {}
    for _ in range(count):
        kind, at = varint(payload, at)
        kinds[kind], at = varint(payload, at)
    count, at = varint(payload, at)
    sums = []
    for _ in range(count):
        value, at = varint(payload, at)
        sums.append(value)
    assert at == len(payload)
    return kinds, sums


def check_totals(said, many):
    """Of the copystack records: words[3:] are gp, goid, creator_pc, entry_pc, old_size, new_size, used, duration_ns."""
    kinds, sums = said
    copies = [w[3:] for w in many if w[0] & 0xFFFF == 6]
    lost = [w[3:19] for w in many if w[0] & 0xFFFF == 9]
    for kind in kinds:
        assert kinds[kind] == sum(w[0] & 0xFFFF == kind for w in many), "totals: counts"
    assert sum(kinds.values()) == len(many), "totals: records"
    assert sums[0] == sum(c[5] > c[4] for c in copies), "totals: growths"
    assert sums[1] == sum(c[5] <= c[4] for c in copies), "totals: shrinks"
    assert sums[2] == sum(c[6] for c in copies), "totals: bytes"
    assert sums[3] == sum(c[7] for c in copies), "totals: time"
    assert sums[4] == (sum(lost[-1]) if lost else 0), "totals: lost"


def end(payload, seen, at, found):
    total, before, size, _, where = struct.unpack_from("<QQQQQ", payload)
    assert (total, before, size) == (sum(b["records"] for b in seen), len(seen), at), "the end block"
    assert seen[-1]["offset"] == where and seen[-1]["kind"] == 5, "where the index is"
    for entry, block in zip(found, seen):
        assert entry["offset"] == block["offset"] and entry["kind"] == block["kind"]
        assert entry["records"] == block["records"]
        if block["records"]:
            assert (entry["low"], entry["high"]) == (block["low"], block["high"])
    assert len(found) == len(seen) - 1


def main(path):
    data = open(path, "rb").read()
    minor, at = file_header(data)
    seen, found, said = [], [], {}
    for block in blocks(data, at):
        if block["kind"] == 2:
            many = list(records(block["payload"]))
            assert len(many) == block["records"]
            assert block["low"] == min(w[1] for w in many) and block["high"] == max(w[1] for w in many)
            if minor >= 2 and not any(w[0] & 0xFFFF > 23 for w in many):
                check_totals(said[block["number"]], many)
            for words in many:
                print(json.dumps(dict(type="record", number=words[0] & 0xFFFF, size=words[0] >> 16 & 0xFFFF,
                                      cpu=words[0] >> 32, time_ns=words[1], pid=words[2] & 0xFFFFFFFF,
                                      tid=words[2] >> 32, words=words[3:])))
        elif block["kind"] == 3:
            for name in names(block["payload"]):
                print(json.dumps(name))
        elif block["kind"] == 5:
            found = list(index(block["payload"]))
        elif block["kind"] == 6:
            said[block["number"] + 1] = totals(block["payload"])
        elif block["kind"] == 4:
            end(block["payload"], seen, block["offset"], found)
        seen.append(block)


main(sys.argv[1])
