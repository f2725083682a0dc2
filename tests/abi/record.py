#!/usr/bin/python3
# SPDX-License-Identifier: MIT
"""Runs the ABI programs on Linux in QEMU and keeps what they print as tests/abi/expected/NAME.txt.

    record.py KERNEL INITRAMFS [NAME...]

KERNEL is a riscv64 Linux image. A program that fails on Linux, or whose second run prints something else, is an error: such
a program asserts what Linux does not promise.
"""
import os
import re
import subprocess
import sys

from transcript import EXPECTED, sections


def boot(kernel, initrd, smp, names):
    command = "sh /tests/abi.sh " + " ".join(names)
    argv = [os.environ.get("QEMU", "qemu-system-riscv64"), "-M", "virt", "-m", "512M", "-smp", str(smp), "-nographic",
            "-no-reboot", "-kernel", kernel, "-initrd", initrd,
            "-append", 'console=ttyS0 loglevel=1 panic=-1 rdinit=/init KEEL_RUN="%s"' % command]
    done = subprocess.run(argv, stdin=subprocess.DEVNULL, stdout=subprocess.PIPE, timeout=600, check=True)
    return done.stdout.decode("utf-8", "replace")


def release_of(kernel):
    with open(kernel, "rb") as f:
        match = re.search(rb"Linux version (\S+)", f.read())
    return match.group(1).decode() if match else "unknown"


def main():
    kernel, initrd, names = sys.argv[1], sys.argv[2], sys.argv[3:]
    console = boot(kernel, initrd, 2, names)
    first, second = sections(console), sections(boot(kernel, initrd, 1, names))
    bad = 0
    if not first:
        sys.exit("record: nothing was run; the console said:\n" + console)
    os.makedirs(EXPECTED, exist_ok=True)
    for name, (lines, status) in sorted(first.items()):
        again = second.get(name, ([], None))[0]
        failed = [line for line in lines if line.startswith("not ok")]
        if failed or status != 0 or lines != again or not lines:
            bad += 1
            print("record: %s: status %s, %d failed%s" % (name, status, len(failed),
                                                         "" if lines == again else ", another run printed something else"))
            print("\n".join("  " + line for line in failed + [l for l in again if l not in lines]))
            section = re.search(r"^@ %s\r?$(.*?)^@ %s " % (name, name), console, re.S | re.M)
            print("\n".join("  " + l for l in (section.group(1) if section else "").splitlines() if l.startswith("#")))
            continue
        with open(os.path.join(EXPECTED, name + ".txt"), "w", encoding="utf-8") as f:
            f.write("\n".join(lines) + "\n")
    print("record: %d programs on Linux %s" % (len(first) - bad, release_of(kernel)))
    return 1 if bad else 0


if __name__ == "__main__":
    sys.exit(main())
