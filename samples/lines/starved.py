#!/usr/bin/env python3
# SPDX-License-Identifier: Apache-2.0
"""starved.py: how often coroutines waited for a processor while one had no work, from schedtrace lines.

	stacktrace sched -f lines app.log | python3 starved.py

Reads Go's own format of any version: what it does not know of a line does not matter to it.
"""
import re
import sys

lines = starved = longest = 0
for line in sys.stdin:
    if not line.startswith("SCHED "):
        continue
    fields = dict(re.findall(r"(\w+)=(\d+)", line))
    queues = re.search(r"runqueue=\d+ \[([\d ]*)\]", line)
    waiting = int(fields["runqueue"]) + sum(map(int, queues.group(1).split() if queues else []))
    lines += 1
    starved += waiting > 0 and int(fields["idleprocs"]) > 0
    longest = max(longest, waiting)
print(f"{lines} lines, {starved} with both idle processors and waiting coroutines, at most {longest} waiting")
