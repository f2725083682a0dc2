#!/usr/bin/env python3
# SPDX-License-Identifier: MIT
"""Runs the benchmark in QEMU under -icount, where a nanosecond is an instruction, and prints each row beside its target.

Exit status 1 when a row costs more than its target (MB/s: moves less), 2 when the guest did not finish.
"""
import argparse
import re
import subprocess
import sys

ROW = re.compile(r"^(\w+)\s+(\d+)( MB/s)?\s*$")


def read_targets(path):
    targets = {}
    with open(path, encoding="ascii") as f:
        for line in f:
            words = line.split("#")[0].split()
            if words:
                targets[words[0]] = int(words[1])
    return targets


def run(args):
    command = [args.qemu, "-M", "virt", "-m", args.memory, "-smp", "1", "-icount", "shift=0,sleep=off", "-nographic",
               "-no-reboot", "-kernel", args.kernel, "-initrd", args.initrd,
               "-append", f'quiet panic=-1 KEEL_RUN="{" ".join(["/bench", *args.rows])}"']
    try:
        result = subprocess.run(command, stdin=subprocess.DEVNULL, stdout=subprocess.PIPE, stderr=subprocess.STDOUT,
                                timeout=args.timeout, check=False)
        return result.stdout.decode("utf-8", "replace")
    except subprocess.TimeoutExpired as e:
        return (e.stdout or b"").decode("utf-8", "replace") + "\nbench: no end within the time-out\n"


def main():
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--qemu", default="qemu-system-riscv64")
    parser.add_argument("--kernel", required=True)
    parser.add_argument("--initrd", required=True)
    parser.add_argument("--targets", required=True)
    parser.add_argument("--memory", default="1G")
    parser.add_argument("--timeout", type=int, default=600)
    parser.add_argument("rows", nargs="*")
    args = parser.parse_args()
    targets = read_targets(args.targets)
    output = run(args)
    over, rows, other = 0, 0, []

    print(f"{'row':20} {'Keel':>10} {'target':>10}")
    for line in output.splitlines():
        m = ROW.match(line)
        if not m:
            other.append(line)
            continue
        rows += 1
        cost, target = int(m.group(2)), targets.get(m.group(1))
        bad = target is not None and (cost < target if m.group(3) else cost > target)
        over += bad
        print(f"{m.group(1):20} {cost:10,} {'' if target is None else f'{target:,}':>10} {'MB/s' if m.group(3) else '':4}"
              f" {'OVER' if bad else ''}".rstrip())
    finished = rows and not any("no end within" in line or "panic" in line.lower() for line in other)
    if not finished:
        sys.stdout.write("\n".join(other) + "\n")
        return 2
    return 1 if over else 0


if __name__ == "__main__":
    sys.exit(main())
