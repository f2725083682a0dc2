#!/usr/bin/env python3
# SPDX-License-Identifier: MIT
"""How a file looks: licence line, page comment, tabs, line ends, words that do not belong into a finished tree."""

import os
import re

from tree import Report, files, read

MAX_COLUMNS = 132
C = (".c", ".h", ".S")
SCRIPTS = (".py", ".sh", ".inc", ".tbl", ".yml", ".mk")
TEXT = C + SCRIPTS + (".lds", ".dts", ".dtsi", ".md", ".ld", ".txt")
NAMED = ("Makefile", ".gitignore", ".editorconfig")
# Pieces, so that this file does not name what it looks for.
UNFINISHED = r"\b(?:" + "|".join(("TO" + "DO", "FIX" + "ME", "XX" + "X")) + r")\b"
LOCAL_PATH = r"(?<![\w.])/(?:home|Users)/\w"

report = Report("style")


def columns(line):
    return len(line.expandtabs(8))


def check_text(path, lines):
    for n, line in enumerate(lines, 1):
        if line != line.rstrip(" \t\r"):
            report.add(path, n, "blanks (or a CR) at the end of the line")
        if re.search(UNFINISHED, line):
            report.add(path, n, "a note of unfinished work")
        if re.search(LOCAL_PATH, line):
            report.add(path, n, "the path of somebody's machine")


def check_width(path, lines):
    for n, line in enumerate(lines, 1):
        if columns(line) > MAX_COLUMNS:
            report.add(path, n, "%d columns; at most %d" % (columns(line), MAX_COLUMNS))


def check_licence(path, lines):
    first = 1 if lines and lines[0].startswith("#!") else 0
    line = lines[first] if first < len(lines) else ""
    wanted = "/* SPDX-License-Identifier: MIT */" if path.endswith(C) else "# SPDX-License-Identifier: MIT"
    if path.endswith((".dts", ".dtsi")):
        wanted = None
        if "SPDX-License-Identifier:" not in line:
            report.add(path, first + 1, "no SPDX-License-Identifier line")
    if wanted and line != wanted:
        report.add(path, first + 1, "the first line must be: " + wanted)
    return first + 1


def check_c(path, lines):
    page = check_licence(path, lines)
    if page >= len(lines) or not lines[page].startswith(("/*", "//")):
        report.add(path, page + 1, "no comment that says what the file is")
    in_comment = False
    for n, line in enumerate(lines, 1):
        if re.match(r" (?! *\*)", line) and not in_comment:
            report.add(path, n, "indented with spaces")
        if re.search(r"\btypedef\s+(?:struct|union)\b", line) and not in_comment:
            report.add(path, n, "typedef of a struct")
        opened, closed = line.rfind("/*"), line.rfind("*/")
        if opened > closed:
            in_comment = True
        elif closed >= 0:
            in_comment = False


def check(path):
    text = read(path)
    if not text:
        return
    if not text.endswith("\n"):
        report.add(path, text.count("\n") + 1, "no newline at the end of the file")
    if text.endswith("\n\n"):
        report.add(path, text.count("\n"), "empty lines at the end of the file")
    lines = text.split("\n")[:-1] if text.endswith("\n") else text.split("\n")
    check_text(path, lines)
    if path.endswith(C):
        check_c(path, lines)
    elif path.endswith(SCRIPTS) or os.path.basename(path) == "Makefile":
        check_licence(path, lines)
    if path.endswith(C + (".py", ".sh")):
        check_width(path, lines)


for p in files(*TEXT + NAMED):
    check(p)
report.end()
