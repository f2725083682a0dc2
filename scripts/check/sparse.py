#!/usr/bin/env python3
# SPDX-License-Identifier: MIT
"""Runs sparse: sparse.py FLAGS -- FILES.

It sees to two things. A pointer to user memory (__user) never becomes a pointer the kernel follows, and a function gives
back each spinlock it takes on every way out; one that keeps a lock, or gives back its caller's, says so with __acquires(),
__releases() or __must_hold(). Functions that cannot say it in these words, because what they do with the lock depends on
what they return, are listed in sparse.allow; an entry that is not needed any more is reported too.
"""

import concurrent.futures
import os
import re
import subprocess
import sys

from tree import TOP, Report

# Linux's own bit-wise types (__poll_t, __le32) are plain numbers here.
OPTIONS = ["-m64", "-std=gnu11", "-Waddress-space", "-Wcontext", "-Wno-bitwise", "-Wno-shift-count-overflow"]
ALLOW = os.path.join(TOP, "scripts/check/sparse.allow")
SHADOW = os.path.join(TOP, "build/check/include")


def make_shadow():
    """For sparse an unsigned long may hold a user address, an unsigned long long may not: make u64 the former."""
    os.makedirs(os.path.join(SHADOW, "asm"), exist_ok=True)
    with open(os.path.join(SHADOW, "asm/types.h"), "w") as f:
        f.write("#include <asm-generic/int-l64.h>\n")


def read_allow():
    with open(ALLOW) as f:
        words = [line.split() for line in f if line.strip() and not line.startswith("#")]
    return {(w[0], w[1]) for w in words}


def run(arguments):
    flags, path = arguments
    done = subprocess.run(["sparse"] + OPTIONS + flags + [path], cwd=TOP, capture_output=True, text=True)
    return path, (done.stdout + done.stderr).splitlines()


def main():
    split = sys.argv.index("--")
    flags, paths = sys.argv[1:split], sys.argv[split + 1:]
    make_shadow()
    flags = ["-nostdinc", "-isystem", SHADOW] + [f for f in flags if f != "-nostdinc"]
    allowed, met, seen = read_allow(), set(), set()
    report = Report("sparse")
    with concurrent.futures.ThreadPoolExecutor(2) as pool:
        for path, lines in pool.map(run, [(flags, p) for p in paths]):
            for line in lines:
                m = re.match(r"(.*?):(\d+):\d+: (.*)", line)
                if not m or m.group(3).startswith("note:") or line in seen:
                    continue
                seen.add(line)
                function = re.search(r"context imbalance in '(\w+)'", line)
                if function and (path, function.group(1)) in allowed:
                    met.add((path, function.group(1)))
                    continue
                report.add(m.group(1), int(m.group(2)), m.group(3))
    for path, function in sorted(allowed - met):
        if path in paths or not os.path.exists(os.path.join(TOP, path)):
            report.add("scripts/check/sparse.allow", 0, "%s of %s need not be listed" % (function, path))
    report.end()


main()
