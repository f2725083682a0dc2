# SPDX-License-Identifier: MIT
"""What the checks share: which files there are, C without its comments, how a violation is printed."""

import os
import re
import sys

TOP = os.path.dirname(os.path.dirname(os.path.dirname(os.path.abspath(__file__))))
SKIP = {".git", "build", "__pycache__"}
C_PARTS = re.compile(r'/\*.*?\*/|//[^\n]*|"(?:\\.|[^"\\\n])*"|\'(?:\\.|[^\'\\\n])*\'', re.S)


def files(*suffixes, under=("",)):
    """Paths from the top of the tree, sorted; no suffix: all."""
    found = []
    for start in under:
        for folder, names, entries in os.walk(os.path.join(TOP, start)):
            names[:] = sorted(n for n in names if n not in SKIP)
            found += [os.path.relpath(os.path.join(folder, e), TOP) for e in entries
                      if not suffixes or e.endswith(suffixes)]
    return sorted(set(found))


def read(path):
    with open(os.path.join(TOP, path), encoding="utf-8", errors="replace", newline="") as f:
        return f.read()


def blank(match):
    return re.sub(r"[^\n]", " ", match.group(0))


def without_comments(text):
    """Comments become blanks; strings stay. Lines keep their numbers."""
    return C_PARTS.sub(lambda m: blank(m) if m.group(0).startswith(("/*", "//")) else m.group(0), text)


def code_only(text):
    """Comments and the insides of strings become blanks."""
    return C_PARTS.sub(lambda m: blank(m) if m.group(0).startswith(("/*", "//")) else m.group(0)[0] + blank(m)[2:] + m.group(0)[-1],
                       text)


class Report:
    def __init__(self, name):
        self.name, self.count = name, 0

    def add(self, path, line, rule):
        print("%s:%d: %s" % (path, line, rule))
        self.count += 1

    def each(self, path, text, pattern, rule):
        """A violation for every match of pattern in text; rule may use the match's groups as %s."""
        for m in re.finditer(pattern, text, re.M):
            self.add(path, text.count("\n", 0, m.start()) + 1, rule % m.groups() if "%s" in rule else rule)

    def end(self):
        if self.count:
            sys.exit("%s: %d violation%s" % (self.name, self.count, "s" * (self.count > 1)))
