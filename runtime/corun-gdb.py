# SPDX-License-Identifier: Apache-2.0
"""corun-gdb.py: coroutines in gdb.

    (gdb) source /usr/local/share/corun/corun-gdb.py
    (gdb) info coroutines                   who there is, what each waits for and where
    (gdb) coroutine 7 bt                    a command in the place of one coroutine
    (gdb) coroutine all bt 5                or of each in turn

Works on a process and on a core file.  A coroutine that does not run has six registers and the
address to go on at on its stack, as gogo in switch_amd64.S takes them.  A process gets them into its
registers for as long as the command takes; the registers of a core file cannot be written, so
there its only command is bt, which follows the frame pointers.
"""

import gdb

STATUS = {0: "idle", 1: "runnable", 2: "running", 3: "syscall", 4: "waiting", 6: "dead", 8: "copystack"}
UNUSED = (0, 6)
ON_THREAD = (2, 3, 8)
SAVED = ("r15", "r14", "r13", "r12", "rbx", "rbp")  # lowest first


class Coroutine:
    """One struct g, read when it is asked for."""

    def __init__(self, value):
        self.g = value
        self.id = int(value["id"])
        self.status = int(value["status"])
        self.address = int(value.address)

    def status_text(self):
        if self.status == 4:
            return reason_text(int(self.g["wait_reason"]))
        return STATUS.get(self.status, "status %d" % self.status)

    def name(self):
        own = self.g["own"]
        return own["name"].string(errors="replace") if int(own) else ""

    def stack(self):
        return int(self.g["stack"]["lo"]), int(self.g["stack"]["hi"])

    def thread(self, running):
        """The one that runs it, or None: then its context is saved."""
        return running.get(self.address) if self.status in ON_THREAD else None

    def context(self):
        """Registers by name, as they will be when it goes on."""
        sp = int(self.g["sched"]["sp"])
        word = gdb.lookup_type("unsigned long").pointer()
        saved = gdb.Value(sp).cast(word)
        registers = {name: int(saved[i]) for i, name in enumerate(SAVED)}
        registers["rip"] = int(self.g["sched"]["pc"])
        registers["rsp"] = sp + 8 * (len(SAVED) + 1)
        return registers

    def frames(self):
        """Addresses along the saved frame pointers, innermost first."""
        registers = self.context()
        word = gdb.lookup_type("unsigned long").pointer()
        lo, hi = self.stack()
        bp = registers["rbp"]
        yield registers["rip"]
        while lo <= bp <= hi - 16 and bp % 8 == 0:
            frame = gdb.Value(bp).cast(word)
            yield int(frame[1])
            if int(frame[0]) <= bp:
                return
            bp = int(frame[0])


class Selected:
    """A thread, for as long as the block takes."""

    def __init__(self, thread):
        self.thread, self.before = thread, gdb.selected_thread()

    def __enter__(self):
        self.thread.switch()

    def __exit__(self, *_):
        self.before.switch()


class Registers:
    """Registers of the selected thread, put back at the end."""

    def __init__(self, registers):
        self.registers, self.before = registers, {}

    def __enter__(self):
        self.frame = gdb.selected_frame()
        gdb.newest_frame().select()
        for name in self.registers:
            self.before[name] = int(gdb.parse_and_eval("(unsigned long)$" + name))
        self.write(self.registers)

    def __exit__(self, *_):
        gdb.newest_frame().select()
        self.write(self.before)

    @staticmethod
    def write(registers):
        for name in ("rsp", "rbp", "rbx", "r12", "r13", "r14", "r15", "rip"):
            gdb.execute("set var $%s = %d" % (name, registers[name]), to_string=True)


def reason_text(reason):
    try:
        return gdb.parse_and_eval("'wait_reason_text'::texts")[reason].string()
    except gdb.error:
        return "waiting (%d)" % reason


def running():
    """The threads that run coroutines, by the address of what they run.  g0 keeps it there, too."""
    found = {}
    for thread in gdb.selected_inferior().threads():
        with Selected(thread):
            curg = int(gdb.parse_and_eval("(unsigned long)this_m.curg"))
        if curg:
            found[curg] = thread
    return found


def coroutines():
    """All that are alive, by their numbers."""
    try:
        block = gdb.parse_and_eval("'gfree.c'::blocks")
    except gdb.error:
        raise gdb.GdbError("no corun in this program, or it has no debugging information") from None
    found = []
    while int(block):
        for i in range(int(block["used"])):
            g = Coroutine(block["g"][i])
            if g.status not in UNUSED:
                found.append(g)
        block = block["next"]
    return sorted(found, key=lambda g: g.id)


def function_at(pc):
    """name (file:line) of a return address."""
    block = gdb.block_for_pc(pc - 1)
    while block and not block.function:
        block = block.superblock
    if block:
        line = gdb.find_pc_line(pc - 1)
        where = " at %s:%d" % (line.symtab.filename, line.line) if line.symtab else ""
        return block.function.name + where
    text = gdb.execute("info symbol 0x%x" % (pc - 1), to_string=True).strip()
    return "0x%x" % pc if text.startswith("No symbol") else text.split(" ")[0]


RUNTIME = (
    "gopark gopark_unlock mcall gosched0 goexit0 wait_in wait_in_as wait_shared wait_until mutex_lock_slow rwlock_lock"
    " rwlock_lock_surely fd_wait io_call io_blocking"
).split()


def of_runtime(pc):
    """Whether a return address is in corun itself, inlined functions counted as their callers."""
    block = gdb.block_for_pc(pc - 1)
    while block and (not block.function or (block.superblock and block.superblock.function)):
        block = block.superblock
    name = block.function.name if block and block.function else ""
    return name.startswith("co_") or name in RUNTIME


def place(g):
    """Where the program itself is: past the runtime's frames."""
    frames = list(g.frames())
    return function_at(next((pc for pc in frames if not of_runtime(pc)), frames[0]))


class InfoCoroutines(gdb.Command):
    """List the coroutines of corun: number, state or wait reason, stack, place."""

    def __init__(self):
        super().__init__("info coroutines", gdb.COMMAND_STACK)

    def invoke(self, argument, from_tty):
        all_of_them, threads = coroutines(), running()
        print("%1s %6s  %-16s %8s  %s" % ("", "ID", "STATE", "STACK", "WHERE"))
        for g in all_of_them:
            lo, hi = g.stack()
            thread = g.thread(threads)
            where = "thread %d" % thread.num if thread else place(g)
            if g.name():
                where = '"%s" %s' % (g.name(), where)
            print("%1s %6d  %-16s %8d  %s" % ("*" if thread else "", g.id, g.status_text(), hi - lo, where))


class CoroutineCommand(gdb.Command):
    """Run a command in the place of a coroutine: coroutine ID|all COMMAND."""

    def __init__(self):
        super().__init__("coroutine", gdb.COMMAND_STACK, gdb.COMPLETE_COMMAND)

    def invoke(self, argument, from_tty):
        which, _, command = argument.strip().partition(" ")
        if not which or not command:
            raise gdb.GdbError("usage: coroutine ID|all COMMAND, as in: coroutine 7 bt")
        if which != "all" and not which.isdecimal():
            raise gdb.GdbError("'%s' is neither the number of a coroutine nor 'all'" % which)
        chosen = [g for g in coroutines() if which == "all" or g.id == int(which)]
        if not chosen:
            raise gdb.GdbError("no coroutine %s is alive; 'info coroutines' lists them" % which)
        threads = running()
        for g in chosen:
            if which == "all":
                print("\nCoroutine %d (%s):" % (g.id, g.status_text()))
            run_in(g, g.thread(threads), command)


def run_in(g, thread, command):
    if thread:
        with Selected(thread):
            gdb.execute(command)
    elif is_core():
        backtrace(g, command)
    else:
        with Registers(g.context()):
            gdb.execute(command)


def is_core():
    return "Local core dump" in gdb.execute("info files", to_string=True)


def backtrace(g, command):
    if command.split()[0] not in ("bt", "backtrace", "where"):
        raise gdb.GdbError("registers of a core file cannot be changed: only bt works for coroutine %d" % g.id)
    for n, pc in enumerate(g.frames()):
        print("#%-3d 0x%016x in %s" % (n, pc, function_at(pc)))


InfoCoroutines()
CoroutineCommand()
