#!/usr/bin/env python3
# SPDX-License-Identifier: MIT
"""Makes the vDSO, a shared object, from statically linked code (arch/riscv/vdso/vdso.lds).

  vdso.py LINKED IMAGE SONAME VERSION SYMBOL...

Not every RISC-V linker can make shared objects; all of them can link at address 0. What a shared object has more stands in
the space vdso.lds leaves before the code: ELF header, program headers, .hash, .dynsym, .dynstr, .gnu.version,
.gnu.version_d, .dynamic, .eh_frame_hdr. Section headers follow the code, for debuggers. Every SYMBOL is exported with
VERSION. Prints assembly for the kernel: where the image is, and the offset of __vdso_rt_sigreturn in it.
"""

import struct
import sys

PT_LOAD, PT_DYNAMIC, PT_GNU_EH_FRAME = 1, 2, 0x6474E550
SHT = {"progbits": 1, "strtab": 3, "hash": 5, "dynamic": 6, "dynsym": 11, "verdef": 0x6FFFFFFD, "versym": 0x6FFFFFFF}
SHF_ALLOC, SHF_EXEC = 2, 4
DT = {"hash": 4, "strtab": 5, "symtab": 6, "strsz": 10, "syment": 11, "soname": 14,
      "versym": 0x6FFFFFF0, "verdef": 0x6FFFFFFC, "verdefnum": 0x6FFFFFFD}
EHDR_SIZE, PHDR_SIZE, SHDR_SIZE, SYM_SIZE = 64, 56, 64, 24
PAGE = 4096


def fail(text):
    raise SystemExit(f"vdso.py: {text}")


class Linked:
    """What the linker made: sections by name as (address, bytes), symbols by name as (address, size, info)."""

    def __init__(self, path):
        with open(path, "rb") as f:
            data = f.read()
        if data[:4] != b"\x7fELF":
            fail(f"{path} is no ELF file")
        (self.machine,) = struct.unpack_from("<H", data, 18)
        (self.flags,) = struct.unpack_from("<I", data, 48)
        (shoff,) = struct.unpack_from("<Q", data, 40)
        shnum, shstrndx = struct.unpack_from("<HH", data, 60)
        headers = [struct.unpack_from("<IIQQQQIIQQ", data, shoff + i * SHDR_SIZE) for i in range(shnum)]
        body = lambda h: data[h[4]:h[4] + h[5]]
        names = body(headers[shstrndx])
        text = lambda table, at: table[at:table.index(b"\0", at)].decode()
        self.sections, self.symbols = {}, {}
        for h in headers:
            if h[2] & SHF_ALLOC and h[5]:
                self.sections[text(names, h[0])] = (h[3], body(h))
            elif h[1] == 2:  # SHT_SYMTAB
                strings, table = body(headers[h[6]]), body(h)
                for at in range(0, len(table), SYM_SIZE):
                    name, info, _, shndx, value, size = struct.unpack_from("<IBBHQQ", table, at)
                    if shndx and name:
                        self.symbols[text(strings, name)] = (value, size, info)
        if unknown := set(self.sections) - {".rodata", ".eh_frame", ".text"}:
            fail(f"unexpected sections {sorted(unknown)}")


def elf_hash(name):
    h = 0
    for c in name.encode():
        h = (h << 4) + c
        h = (h ^ (h & 0xF0000000) >> 24) & 0x0FFFFFFF
    return h


class Strings:
    def __init__(self):
        self.data = b"\0"

    def add(self, text):
        at = len(self.data)
        self.data += text.encode() + b"\0"
        return at


def hash_table(names):
    """DT_HASH; names[0] is the null symbol's."""
    buckets, chains = [0] * max(1, len(names) // 2), [0] * len(names)
    for i in range(1, len(names)):
        b = elf_hash(names[i]) % len(buckets)
        chains[i], buckets[b] = buckets[b], i
    return struct.pack(f"<II{len(buckets)}I{len(chains)}I", len(buckets), len(chains), *buckets, *chains)


def version_definitions(soname, soname_at, version, version_at):
    def entry(flags, index, name, name_at, last):
        return struct.pack("<HHHHIII", 1, flags, index, 1, elf_hash(name), 20, 0 if last else 28) + struct.pack("<II", name_at, 0)
    return entry(1, 1, soname, soname_at, False) + entry(0, 2, version, version_at, True)


def frame_entries(address, data):
    """(function, entry) addresses of each description in .eh_frame; all of them must have 32-bit relative pointers ("R" 0x1b)."""
    at, found = 0, []
    while at + 4 <= len(data):
        (length,) = struct.unpack_from("<I", data, at)
        if length == 0:
            break
        (cie,) = struct.unpack_from("<I", data, at + 4)
        if cie:
            augmentation = data[at + 4 - cie + 9:]
            if not augmentation.startswith(b"zR"):
                fail("unknown augmentation in .eh_frame")
            (offset,) = struct.unpack_from("<i", data, at + 8)
            found.append((address + at + 8 + offset, address + at))
        at += 4 + length
    return sorted(found)


def frame_header(address, frames_at, entries):
    """.eh_frame_hdr at `address`: the table unwinders search."""
    out = struct.pack("<BBBBiI", 1, 0x1B, 0x03, 0x3B, frames_at - (address + 4), len(entries))
    for function, entry in entries:
        out += struct.pack("<ii", function - address, entry - address)
    return out


class Image:
    def __init__(self, linked):
        self.sections = []  # name, type, flags, address, bytes, link, info, align, entry size
        self.at = EHDR_SIZE + 3 * PHDR_SIZE
        self.limit = min(address for address, _ in linked.sections.values())
        self.linked = linked

    def place(self, size, align):
        at = -(-self.at // align) * align
        self.at = at + size
        if self.at > self.limit:
            fail(f"the tables need {self.at} bytes, vdso.lds leaves {self.limit}")
        return at

    def add(self, name, kind, data, align=8, link="", info=0, entry=0, at=None, flags=SHF_ALLOC):
        at = self.place(len(data), align) if at is None else at
        self.sections.append((name, SHT[kind], flags, at, data, link, info, align, entry))
        return at

    def index(self, name):
        return next((i + 1 for i, s in enumerate(self.sections) if s[0] == name), 0)

    def section_headers(self, names_at):
        strings = Strings()
        out = bytes(SHDR_SIZE)
        for name, kind, flags, at, data, link, info, align, entry in self.sections:
            out += struct.pack("<IIQQQQIIQQ", strings.add(name), kind, flags, at, at, len(data),
                               self.index(link) if link else 0, info, align, entry)
        name = strings.add(".shstrtab")
        out += struct.pack("<IIQQQQIIQQ", name, SHT["strtab"], 0, 0, names_at, len(strings.data), 0, 0, 1, 0)
        return strings.data, out

    def build(self, segments):
        end = max(s[3] + len(s[4]) for s in self.sections)
        names, headers = self.section_headers(end)
        headers_at = -(-(end + len(names)) // 8) * 8
        out = bytearray(headers_at) + headers
        for _, _, _, at, data, *_ in self.sections:
            out[at:at + len(data)] = data
        out[end:end + len(names)] = names
        count = len(self.sections) + 2
        out[:EHDR_SIZE] = b"\x7fELF\2\1\1".ljust(16, b"\0") + struct.pack(
            "<HHIQQQIHHHHHH", 3, self.linked.machine, 1, 0, EHDR_SIZE, headers_at, self.linked.flags,
            EHDR_SIZE, PHDR_SIZE, len(segments), SHDR_SIZE, count, count - 1)
        for i, (kind, flags, at, size, align) in enumerate(segments):
            if size is None:
                size = len(out)
            struct.pack_into("<IIQQQQQQ", out, EHDR_SIZE + i * PHDR_SIZE, kind, flags, at, at, at, size, size, align)
        return bytes(out)


def make(linked, soname, version, symbols):
    image, strings = Image(linked), Strings()
    if missing := [s for s in symbols if s not in linked.symbols]:
        fail(f"not defined: {missing}")
    names = [""] + symbols
    name_at = [0] + [strings.add(s) for s in symbols]
    soname_at, version_at = strings.add(soname), strings.add(version)
    frames_at, frames = linked.sections[".eh_frame"]
    entries = frame_entries(frames_at, frames)

    at = {}
    at["hash"] = image.add(".hash", "hash", hash_table(names), link=".dynsym", entry=4)
    at["symtab"] = image.add(".dynsym", "dynsym", bytes(SYM_SIZE * len(names)), link=".dynstr", info=1, entry=SYM_SIZE)
    at["strtab"] = image.add(".dynstr", "strtab", strings.data, align=1)
    at["versym"] = image.add(".gnu.version", "versym", struct.pack(f"<{len(names)}H", 0, *[2] * len(symbols)),
                             align=2, link=".dynsym", entry=2)
    at["verdef"] = image.add(".gnu.version_d", "verdef", version_definitions(soname, soname_at, version, version_at),
                             link=".dynstr", info=2)
    tags = [("soname", soname_at), ("hash", at["hash"]), ("strtab", at["strtab"]), ("symtab", at["symtab"]),
            ("strsz", len(strings.data)), ("syment", SYM_SIZE), ("versym", at["versym"]), ("verdef", at["verdef"]),
            ("verdefnum", 2)]
    dynamic = b"".join(struct.pack("<QQ", DT[tag], value) for tag, value in tags) + bytes(16)
    dynamic_at = image.add(".dynamic", "dynamic", dynamic, link=".dynstr", entry=16)
    header_size = 12 + 8 * len(entries)
    header_at = image.place(header_size, 4)
    image.add(".eh_frame_hdr", "progbits", frame_header(header_at, frames_at, entries), align=4, at=header_at)
    for name, (address, data) in sorted(linked.sections.items(), key=lambda s: s[1][0]):
        image.add(name, "progbits", data, align=4, at=address, flags=SHF_ALLOC | (SHF_EXEC if name == ".text" else 0))

    table = bytes(SYM_SIZE)
    for name, string in zip(names[1:], name_at[1:]):
        value, size, info = linked.symbols[name]
        table += struct.pack("<IBBHQQ", string, 1 << 4 | info & 15, 0, image.index(".text"), value, size)
    i = image.index(".dynsym") - 1
    image.sections[i] = image.sections[i][:4] + (table,) + image.sections[i][5:]
    return image.build([(PT_LOAD, 5, 0, None, PAGE), (PT_DYNAMIC, 4, dynamic_at, len(dynamic), 8),
                        (PT_GNU_EH_FRAME, 4, header_at, header_size, 4)])


def main():
    source, target, soname, version, *symbols = sys.argv[1:]
    linked = Linked(source)
    image = make(linked, soname, version, symbols)
    with open(target, "wb") as f:
        f.write(image)
    print("/* Generated by scripts/vdso.py. */")
    print(f'#define VDSO_IMAGE "{target}"')
    print("\t.section .rodata\n\t.balign 8\n\t.globl vdso_sigreturn_offset\nvdso_sigreturn_offset:")
    print(f"\t.quad {linked.symbols['__vdso_rt_sigreturn'][0]:#x}")


main()
