# SPDX-License-Identifier: MIT
"""Commands for gdb on a running Keel: `make gdb` loads them. `help keel` lists them.

They read the kernel's own structures through its symbols, so they work at any stop, also when the hart runs a user program:
then the hart is looked at as if it were in supervisor mode, for gdb sees memory with the hart's eyes.
"""

import gdb

PTE_FLAGS = "VRWXUGAD"
STATES = ((0x80, "I"), (0x01, "S"), (0x02, "D"), (0x04, "T"), (0x08, "t"), (0x20, "X"), (0x40, "N"))


class Keel(gdb.Command):
    """Commands that know Keel: keel-current, keel-ps, keel-bt, keel-walk, keel-dmesg."""

    def __init__(self):
        super().__init__("keel", gdb.COMMAND_DATA, prefix=True)


class SupervisorView:
    """With it the stopped hart's memory is the kernel's. QEMU lets gdb set the mode; it is put back afterwards."""

    def __enter__(self):
        self.mode = None
        try:
            mode = int(gdb.parse_and_eval("$priv"))
        except gdb.error:
            return self
        if mode != 1:
            gdb.execute("set $priv = 1", to_string=True)
            self.mode = mode
        return self

    def __exit__(self, *_):
        if self.mode is not None:
            gdb.execute("set $priv = %d" % self.mode, to_string=True)


def number(expression):
    return int(gdb.parse_and_eval("(unsigned long)(%s)" % expression))


def mode():
    try:
        return int(gdb.parse_and_eval("$priv"))
    except gdb.error:
        return 1


def task_pointer(address):
    return gdb.Value(address).cast(gdb.lookup_type("struct task").pointer())


def field_offset(struct, name):
    for field in gdb.lookup_type(struct).fields():
        if field.name == name:
            return field.bitpos // 8
    raise gdb.GdbError("%s has no %s" % (struct, name))


def list_entries(head, struct, member):
    """The structures on a list, by the list_head member that links them. Stops at anything odd, and after a million."""
    kind, offset = gdb.lookup_type(struct).pointer(), field_offset(struct, member)
    start, at = int(head.address), int(head["next"])
    for _ in range(1000000):
        if at in (0, start):
            return
        entry = gdb.Value(at - offset).cast(kind)
        yield entry
        at = int(entry[member]["next"])


def processes():
    """Group leaders, without the boot hart's idle task."""
    yield from list_entries(gdb.parse_and_eval("init_task.all_link"), "struct task", "all_link")


def threads(leader):
    found = list(list_entries(leader["group"]["threads"], "struct task", "thread_link")) if int(leader["group"]) else []
    return found or [leader]


def find_task(pid):
    for leader in processes():
        for task in threads(leader):
            if int(task["pid"]) == pid:
                return task
    raise gdb.GdbError("no task has the number %d" % pid)


def comm(task):
    return task["comm"].string("latin-1", "replace")


def state(task):
    if int(task["exit_state"]):
        return "Z"
    bits = int(task["state"])
    return next((letter for bit, letter in STATES if bits & bit), "R")


def symbol(address):
    text = gdb.execute("info symbol %#x" % address, to_string=True).strip()
    return text.split(" in section")[0] if not text.startswith("No symbol") else "%#x" % address


def current_task():
    """Address of the selected hart's task, or None. It is in tp in the kernel and in sscratch outside; the entry code swaps
    them, so at any instruction it is the one that is a kernel address."""
    if number("$satp") == 0 or mode() == 3:
        return None
    return next((r for r in (number("$tp"), number("$sscratch")) if r >> 63), None)


class KeelCurrent(gdb.Command):
    """keel-current: which task each hart runs, and where. Sets $task to that of the selected hart."""

    def __init__(self):
        super().__init__("keel-current", gdb.COMMAND_STACK)

    def invoke(self, argument, from_tty):
        selected = gdb.selected_thread()
        print("  hart  task                   pid  comm             at")
        for thread in sorted(gdb.selected_inferior().threads(), key=lambda t: t.num):
            thread.switch()
            address, pc = current_task(), number("$pc")
            mark = "*" if thread == selected else " "
            if address is None:
                print("%s    ?  (firmware, or paging is off)               %#x" % (mark, pc))
                continue
            with SupervisorView():
                task = task_pointer(address)
                print("%s %4d  %#018x  %6d  %-16s %s" % (mark, int(task["hart"]), address, int(task["pid"]), comm(task),
                                                        "user %#x" % pc if pc < 1 << 38 else symbol(pc)))
            if thread == selected:
                gdb.set_convenience_variable("task", task)
        selected.switch()


class KeelPs(gdb.Command):
    """keel-ps: all processes and their threads. States as in ps: R S D I T t Z X, N not yet started; + runs now."""

    def __init__(self):
        super().__init__("keel-ps", gdb.COMMAND_DATA)

    def invoke(self, argument, from_tty):
        print("   pid   tgid  ppid  S  hart  task                comm")
        with SupervisorView():
            for leader in processes():
                for task in threads(leader):
                    parent = task["real_parent"]
                    name = comm(task)
                    print("%6d %6d %5d  %s%s %4d  %#018x  %s" % (
                        int(task["pid"]), int(task["tgid"]), int(parent["tgid"]) if int(parent) else 0, state(task),
                        "+" if int(task["on_hart"]) else " ", int(task["hart"]), int(task),
                        "[%s]" % name if int(task["flags"]) & 1 else name))


class KeelBt(gdb.Command):
    """keel-bt PID: where a task that does not run now is, by its frame pointers. For running ones: thread N, backtrace."""

    def __init__(self):
        super().__init__("keel-bt", gdb.COMMAND_STACK)

    def invoke(self, argument, from_tty):
        if not argument:
            raise gdb.GdbError("keel-bt PID")
        with SupervisorView():
            task = find_task(number(argument))
            if int(task["on_hart"]):
                raise gdb.GdbError("it runs on hart %d: select that one's thread and say backtrace" % int(task["hart"]))
            low = int(task["stack"])
            pc, frame = int(task["arch"]["ra"]), int(task["arch"]["s"][0])
            word = gdb.lookup_type("unsigned long").pointer()
            for depth in range(64):
                print("#%-2d %#018x %s" % (depth, pc, symbol(pc)))
                if not low < frame <= low + 65536 or frame % 8:
                    break
                saved = gdb.Value(frame - 16).cast(word)
                pc, frame = int(saved[1]), int(saved[0])
                if pc < 1 << 63:
                    break


class KeelWalk(gdb.Command):
    """keel-walk ADDR [PID]: the Sv39 walk of a virtual address, in the selected hart's tables or in a process's."""

    def __init__(self):
        super().__init__("keel-walk", gdb.COMMAND_DATA)

    def root(self, pid):
        offset = number("direct_offset")
        if pid is None:
            satp = number("$satp")
            if satp >> 60 != 8:
                raise gdb.GdbError("satp is %#x: not Sv39" % satp)
            return ((satp & (1 << 44) - 1) << 12) + offset
        mm = find_task(pid)["mm"]
        if int(mm) == 0:
            raise gdb.GdbError("task %d is a kernel thread: it has no address space of its own" % pid)
        return int(mm["pgd"])

    def invoke(self, argument, from_tty):
        words = gdb.string_to_argv(argument)
        if not 1 <= len(words) <= 2:
            raise gdb.GdbError("keel-walk ADDR [PID]")
        address = number(words[0])
        if address >> 38 not in (0, (1 << 26) - 1):
            raise gdb.GdbError("%#x is not a Sv39 address: bits 63 to 38 must be alike" % address)
        with SupervisorView():
            self.walk(address, self.root(number(words[1]) if len(words) == 2 else None))

    def walk(self, address, table):
        offset = number("direct_offset")
        word = gdb.lookup_type("unsigned long").pointer()
        for level in (2, 1, 0):
            index = address >> 12 + 9 * level & 511
            entry = int(gdb.Value(table + 8 * index).cast(word).dereference())
            flags = "".join(f if entry >> i & 1 else "-" for i, f in enumerate(PTE_FLAGS))
            physical = (entry >> 10 & (1 << 44) - 1) << 12
            print("level %d  table %#x [%3d]  entry %#018x  %s  -> %#x" % (level, table - offset, index, entry, flags, physical))
            if not entry & 1:
                print("not mapped%s" % (" (but the entry holds something)" if entry else ""))
                return
            if entry & 0xe:
                low = (1 << 12 + 9 * level) - 1
                print("%#x is at physical %#x, in a page of %d KiB%s" % (
                    address, physical & ~low | address & low, 1 << 2 + 9 * level,
                    "; misaligned: the hart faults" if physical & low else ""))
                return
            table = physical + offset
        print("the last level is no leaf: the hart faults")


class KeelDmesg(gdb.Command):
    """keel-dmesg: the kernel's messages, straight from the ring."""

    def __init__(self):
        super().__init__("keel-dmesg", gdb.COMMAND_DATA)

    def invoke(self, argument, from_tty):
        with SupervisorView():
            ring = gdb.parse_and_eval("'printk.c'::ring")
            first, end = number("'printk.c'::first_pos"), number("'printk.c'::next_pos")
            size = ring.type.sizeof
            data = bytes(gdb.selected_inferior().read_memory(int(ring.address), size))
            header = gdb.lookup_type("struct header").sizeof
        while first < end:
            record = self.piece(data, first, header)
            time, length = int.from_bytes(record[:8], "little"), int.from_bytes(record[8:10], "little")
            text = self.piece(data, first + header, length).decode("utf-8", "replace")
            print("[%5d.%06d] %s" % (time // 10**9, time % 10**9 // 1000, text.rstrip("\n")))
            first += header + (length + 7 & ~7)

    @staticmethod
    def piece(data, position, count):
        at = position % len(data)
        return (data[at:] + data[:at])[:count] if at + count > len(data) else data[at:at + count]


for command in (Keel, KeelCurrent, KeelPs, KeelBt, KeelWalk, KeelDmesg):
    command()
gdb.execute("set pagination off")
gdb.execute("set print pretty on")
print("Keel: keel-current keel-ps keel-bt keel-walk keel-dmesg (help NAME says more)")
