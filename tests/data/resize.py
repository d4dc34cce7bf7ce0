#!/usr/bin/env python3
# SPDX-License-Identifier: Apache-2.0
"""resize.py ROWS COLUMNS COMMAND...: runs a command on a terminal that gets this size once the command has said "ready"."""
import fcntl
import os
import pty
import struct
import sys
import termios

rows, columns, command = int(sys.argv[1]), int(sys.argv[2]), sys.argv[3:]
pid, terminal = pty.fork()
if pid == 0:
    os.execvp(command[0], command)
said = b""
while True:
    try:
        more = os.read(terminal, 4096)
    except OSError:  # nobody has the other end any more
        break
    if not more:
        break
    said += more
    if b"ready" in said:
        said = b""
        fcntl.ioctl(terminal, termios.TIOCSWINSZ, struct.pack("HHHH", rows, columns, 0, 0))
sys.exit(os.waitstatus_to_exitcode(os.waitpid(pid, 0)[1]))
