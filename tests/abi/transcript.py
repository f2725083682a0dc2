# SPDX-License-Identifier: MIT
"""Transcripts of the ABI programs: what Linux printed (expected/NAME.txt) against what Keel prints.

The machine runs tests/boot/guest/abi.sh; its console holds a section for each program. Of a section only TAP lines count:
"ok N - text", "not ok N - text", "1..N". A line may differ where differences.md names the program, the line's text and
a reason.
"""
import os
import re

HERE = os.path.dirname(os.path.abspath(__file__))
EXPECTED = os.path.join(HERE, "expected")
TAP = re.compile(r"(not )?ok \d+ - .*|1\.\.\d+")


def sections(console):
    """What each program printed: name -> (TAP lines, exit status or None when it did not end)."""
    found = {}
    name, lines = None, []
    for line in console.replace("\r", "").split("\n"):
        mark = re.match(r"@ (\w+)(?: (\d+))?$", line)
        if mark and mark.group(2) is None:
            name, lines = mark.group(1), []
            found[name] = (lines, None)
        elif mark:
            found[mark.group(1)] = (lines, int(mark.group(2)))
            name = None
        elif name and TAP.fullmatch(line):
            lines.append(line)
    return found


def expected(name):
    with open(os.path.join(EXPECTED, name + ".txt"), encoding="utf-8") as f:
        return f.read().split("\n")[:-1]


def recorded():
    return sorted(f[:-4] for f in os.listdir(EXPECTED) if f.endswith(".txt"))


def differences():
    """The lines that may differ: {(program, text)}, of differences.md's table."""
    allowed = set()
    with open(os.path.join(HERE, "differences.md"), encoding="utf-8") as f:
        for line in f:
            cells = [c.strip() for c in line.strip().strip("|").split("|")]
            if len(cells) == 3 and cells[2] and cells[0] not in ("Program", "---"):
                allowed.add((cells[0], cells[1].strip("`")))
    return allowed


def text_of(line):
    return re.sub(r"^(not )?ok \d+ - ", "", line)


def compare(name, lines, allowed=None):
    """The lines in which Keel differs from the record, as (expected, got) pairs."""
    allowed = differences() if allowed is None else allowed
    want = expected(name)
    wrong = []
    for i in range(max(len(want), len(lines))):
        a = want[i] if i < len(want) else "(nothing)"
        b = lines[i] if i < len(lines) else "(nothing)"
        if a != b and (name, text_of(a)) not in allowed:
            wrong.append((a, b))
    return wrong
