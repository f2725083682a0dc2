#!/usr/bin/env python3
# SPDX-License-Identifier: MIT
"""The tree's rules that a compiler does not know: who may include whom, what only arch/ may say, the sign of errors, and
that every sys_NAME function is a call of kernel/sys/syscalls.tbl."""

import os
import re

from tree import TOP, Report, code_only, files, read, without_comments

KERNEL = files(".c", ".h", under=("kernel", "drivers"))
ARCH = files(".c", ".h", ".S", under=("arch",))
PUBLIC = r"(?:kernel|arch|linux|asm|asm-generic|generated)/.*"
FREESTANDING = {"stdarg.h", "stddef.h"}
# The three places where the portable part knows the processor: two fences, the compiler barrier, current in a register.
ASM_ALLOWED = {"kernel/include/kernel/atomic.h", "kernel/include/kernel/types.h", "kernel/include/kernel/task.h"}
CSRS = r"\b(csrr[wsc]?i?|csr[wsc]i?|sfence_?\w*|sstatus|scause|stval|stvec|sscratch|satp|stimecmp|scounteren|senvcfg)\b"

report = Report("rules")


def check_includes(path, text):
    """Rings: kernel/ and drivers/ see <kernel/> and <arch/>; private headers stand beside who uses them."""
    ring = path.split("/")[0]
    for m in re.finditer(r'^[ \t]*#[ \t]*include[ \t]*([<"])([^>"]+)', text, re.M):
        line, name = text.count("\n", 0, m.start()) + 1, m.group(2)
        if m.group(1) == "<":
            if not re.fullmatch(PUBLIC, name) and name not in FREESTANDING:
                report.add(path, line, "<%s> is not for the kernel" % name)
            continue
        target = os.path.normpath(os.path.join(os.path.dirname(path), name))
        if not os.path.exists(os.path.join(TOP, target)):
            report.add(path, line, '"%s" is not beside the file' % name)
        elif target.split("/")[0] != ring:
            report.add(path, line, '"%s" is private to %s/' % (name, target.split("/")[0]))
        elif path.startswith("kernel/include/"):
            report.add(path, line, "a public header includes a private one")


def check_processor(path, text):
    if path not in ASM_ALLOWED:
        report.each(path, text, r"\b(?:asm|__asm__)\s*(?:volatile\b|goto\b|\()", "assembly is for arch/ only")
    report.each(path, text, CSRS, "%s is for arch/ only")


def errno_names():
    names = set()
    for f in ("errno-base.h", "errno.h"):
        header = os.path.join(TOP, "build/uapi/asm-generic", f)
        if os.path.exists(header):
            with open(header) as h:
                names |= set(re.findall(r"^#define\s+(E[A-Z0-9]+)\s", h.read(), re.M))
    return names or {"E[A-Z0-9]+"}


def check_errors(path, text, errno):
    report.each(path, text, r"\breturn\s+(" + errno + r")\s*;", "return %s: errors are negative")
    report.each(path, text, r"(?:\brc|\berr|\bret|\berror)\s*=\s*(" + errno + r")\s*;", "= %s: errors are negative")
    report.each(path, text, r"\bERR_PTR\(\s*(" + errno + r")\s*\)", "ERR_PTR(%s): errors are negative")
    report.each(path, text, r"-\s*\(\s*-\s*(" + errno + r")\b", "-(-%s): a double sign")


def check_calls(path, text, calls):
    for m in re.finditer(r"^(?:static\s+)?(long|int|\w+)\s+sys_(\w+)\(([^;{]*?)\)\s*\{", text, re.M):
        line = text.count("\n", 0, m.start()) + 1
        if m.group(2) not in calls | {"ni"}:
            report.add(path, line, "sys_%s is not in syscalls.tbl" % m.group(2))
        if m.group(1) != "long" or m.group(0).startswith("static"):
            report.add(path, line, "sys_%s must be a global function that returns long" % m.group(2))


calls = set(re.findall(r"^\d+\s+(\w+)", read("kernel/sys/syscalls.tbl"), re.M))
errno = "|".join(sorted(errno_names()))
for p in KERNEL + ARCH:
    source = read(p)
    code = code_only(source)
    check_includes(p, without_comments(source))
    check_errors(p, code, errno)
    check_calls(p, code, calls)
    if p in KERNEL:
        check_processor(p, code)
report.end()
