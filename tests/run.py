#!/usr/bin/python3
# SPDX-License-Identifier: MIT
"""Runs the host tests, then those under QEMU, and ends with one line: N passed, N failed.

    run.py JOBS UNIT-BINARY... -- PYTEST-ARGUMENT...

Unit binaries get the device trees of build/unit/trees as arguments and print "N passed, N failed".
"""
import glob
import re
import subprocess
import sys


def count(text):
    """(passed, failed) of the last such line of a test program or of pytest."""
    passed = re.findall(r"(\d+) passed", text)
    failed = re.findall(r"(\d+) failed", text)
    errors = re.findall(r"(\d+) errors?\b", text)
    return int(passed[-1]) if passed else 0, (int(failed[-1]) if failed else 0) + (int(errors[-1]) if errors else 0)


def run(argv):
    """Runs it, showing its output as it comes: (text, exit status)."""
    child = subprocess.Popen(argv, stdout=subprocess.PIPE, stderr=subprocess.STDOUT, text=True, errors="replace")
    lines = []
    for line in child.stdout:
        lines.append(line)
        sys.stdout.write(line)
        sys.stdout.flush()
    return "".join(lines), child.wait()


def main():
    jobs, rest = sys.argv[1], sys.argv[2:]
    split = rest.index("--")
    total = [0, 0]
    commands = [[binary] + sorted(glob.glob("build/unit/trees/*.dtb")) for binary in rest[:split]]
    commands.append([sys.executable, "-m", "pytest", "-q", "-p", "no:cacheprovider", "-n", jobs] + rest[split + 1:])
    for argv in commands:
        print("  TEST    " + " ".join(argv[:1] if argv[0] != sys.executable else argv[2:]), flush=True)
        text, status = run(argv)
        passed, failed = count(text)
        if status and not failed:
            failed = 1
        total[0] += passed
        total[1] += failed
    print("%d passed, %d failed" % tuple(total))
    return 1 if total[1] or not total[0] else 0


if __name__ == "__main__":
    sys.exit(main())
