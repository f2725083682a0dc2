#!/usr/bin/python3
# SPDX-License-Identifier: MIT
"""Makes an initramfs (cpio newc) without root, the same bytes from the same inputs.

    mkinitramfs.py -o OUT [--tree DIR]... [--file SRC:DST[:MODE]]... [--link TARGET:DST]...
                   [--dir DST[:MODE]]... [--node DST:c|b:MAJOR:MINOR:MODE]... [--busybox SRC]

Order: --dir, --link, --tree, --busybox, --file, --node; later entries replace earlier ones of the same name, and what is
below a link to a directory goes where it leads. --busybox puts SRC at /usr/bin/busybox, with a link for each of its applets
that nothing else provides; sh is always busybox.
Owners are root, times are SOURCE_DATE_EPOCH (0 when unset).
"""
import argparse
import os
import re
import stat
import sys

TIME = int(os.environ.get("SOURCE_DATE_EPOCH", "0"))


class Archive:
    """Entries by path; hard links of one source file share an inode number."""

    def __init__(self):
        self.entries = {}
        self.inodes = {}

    def add(self, path, mode, data=b"", rdev=(0, 0), key=None):
        path = os.path.normpath("/" + path).lstrip("/")
        if not path:
            return
        parent = os.path.dirname(path)
        if parent and parent not in self.entries:
            self.add(parent, stat.S_IFDIR | 0o755)
        # A package's /bin/x where /bin is a link to usr/bin goes through the link.
        link = self.entries.get(parent)
        if link and stat.S_ISLNK(link[0]):
            target = os.path.join(os.path.dirname(parent), link[1].decode())
            return self.add(os.path.join(target, os.path.basename(path)), mode, data, rdev, key)
        old = self.entries.get(path)
        if old and stat.S_ISLNK(old[0]) and stat.S_ISDIR(mode):
            return
        self.entries[path] = (mode, data, rdev, key or path)

    def has(self, *paths):
        return any(path in self.entries for path in paths)

    def tree(self, root):
        for base, dirs, files in os.walk(root):
            dirs.sort()
            for name in sorted(dirs + files):
                full = os.path.join(base, name)
                st = os.lstat(full)
                path = os.path.relpath(full, root)
                if stat.S_ISLNK(st.st_mode):
                    self.add(path, stat.S_IFLNK | 0o777, os.readlink(full).encode())
                elif stat.S_ISDIR(st.st_mode):
                    self.add(path, st.st_mode)
                elif stat.S_ISREG(st.st_mode):
                    key = (st.st_dev, st.st_ino) if st.st_nlink > 1 else None
                    with open(full, "rb") as f:
                        self.add(path, st.st_mode, f.read(), key=key)

    def write(self, out):
        names = sorted(self.entries)
        count = {}
        for name in names:
            count[self.entries[name][3]] = count.get(self.entries[name][3], 0) + 1
        seen = {}
        for name in names:
            mode, data, rdev, key = self.entries[name]
            ino = self.inodes.setdefault(key, len(self.inodes) + 1)
            seen[key] = seen.get(key, 0) + 1
            # The data of a hard-linked file goes with its last name, as cpio does.
            body = data if seen[key] == count[key] else b""
            nlink = 2 if stat.S_ISDIR(mode) else count[key]
            emit(out, name, ino, mode, nlink, body, rdev)
        emit(out, "TRAILER!!!", 0, 0, 1, b"", (0, 0))
        pad(out, 512)


def pad(out, n):
    out.write(b"\0" * (-out.tell() % n))


def emit(out, name, ino, mode, nlink, data, rdev):
    fields = [ino, mode, 0, 0, nlink, TIME, len(data), 0, 0, rdev[0], rdev[1], len(name.encode()) + 1, 0]
    out.write(b"070701" + b"".join(b"%08X" % f for f in fields) + name.encode() + b"\0")
    pad(out, 4)
    out.write(data)
    pad(out, 4)


def applets(binary):
    """Names of a busybox's applets: the sorted table of strings that starts with "[", "[["."""
    start = binary.find(b"[\0[[\0")
    if start < 0:
        sys.exit("mkinitramfs: no applet table in this busybox")
    names = []
    for raw in binary[start:].split(b"\0"):
        name = raw.decode("ascii", "replace")
        if not re.fullmatch(r"[a-z0-9_.\[-]+", name) or (names and name < names[-1]):
            break
        names.append(name)
    return names


def main():
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawTextHelpFormatter)
    parser.add_argument("-o", required=True)
    for option in ("tree", "file", "link", "dir", "node"):
        parser.add_argument("--" + option, action="append", default=[])
    parser.add_argument("--busybox")
    args = parser.parse_args()
    archive = Archive()
    for item in args.dir:
        path, _, mode = item.partition(":")
        archive.add(path, stat.S_IFDIR | int(mode or "755", 8))
    for item in args.link:
        target, path = item.split(":")
        archive.add(path, stat.S_IFLNK | 0o777, target.encode())
    for tree in args.tree:
        archive.tree(tree)
    if args.busybox:
        with open(args.busybox, "rb") as f:
            binary = f.read()
        for name in applets(binary):
            if name == "sh" or not archive.has("usr/bin/" + name, "usr/sbin/" + name):
                archive.add("usr/bin/" + name, stat.S_IFLNK | 0o777, b"busybox")
        archive.add("usr/bin/busybox", stat.S_IFREG | 0o755, binary)
    for item in args.file:
        src, path, mode = (item.split(":") + ["755"])[:3]
        with open(src, "rb") as f:
            archive.add(path, stat.S_IFREG | int(mode, 8), f.read(), key=os.path.realpath(src))
    for item in args.node:
        path, kind, major, minor, mode = item.split(":")
        kind = stat.S_IFCHR if kind == "c" else stat.S_IFBLK
        archive.add(path, kind | int(mode, 8), rdev=(int(major), int(minor)))
    with open(args.o + ".tmp", "wb") as out:
        archive.write(out)
    os.replace(args.o + ".tmp", args.o)


if __name__ == "__main__":
    main()
