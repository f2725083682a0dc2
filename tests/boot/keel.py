# SPDX-License-Identifier: MIT
"""Boots Keel in QEMU and talks to it as a person would: on the serial console."""
import os
import re
import shlex
import subprocess

import pexpect

TOP = os.path.dirname(os.path.dirname(os.path.dirname(os.path.abspath(__file__))))
BUILD = os.path.join(TOP, "build")
REPORTS = re.compile(r"Kernel panic|KASAN|UBSAN|LOCKDEP|WARNING:|BUG at|assertion failed|refcount:")


def qemus():
    """The QEMU versions to test with: name -> (binary, firmware search options)."""
    found = {"qemu": [os.environ.get("KEEL_QEMU", "qemu-system-riscv64")]}
    ten = os.environ.get("KEEL_QEMU10")
    if ten:
        root = os.path.join(TOP, ten)
        found["qemu10"] = [os.path.join(root, "usr/bin/qemu-system-riscv64"), "-L", os.path.join(root, "usr/share/qemu"),
                           "-L", "/usr/share/qemu"]
    return found


def image(config):
    return os.path.join(BUILD, config, "Image")


def clean(text):
    """Console text as lines: QEMU's terminal adds a carriage return of its own."""
    return re.sub("\r+\n", "\n", text.replace("\x1b[6n", ""))


class Keel:
    """One machine. Use as a context manager; the machine is gone afterwards."""

    def __init__(self, config="release", smp=1, mem="256M", append="quiet", initrd="initramfs.cpio", qemu="qemu", extra=(),
                 kernel=None, timeout=60, bios="default"):
        self.argv = qemus()[qemu] + ["-M", "virt", "-nographic", "-no-reboot", "-smp", str(smp), "-m", mem, "-bios", bios,
                                     "-kernel", kernel or image(config)]
        if initrd:
            self.argv += ["-initrd", initrd if initrd.startswith("/") else os.path.join(BUILD, initrd)]
        if append is not None:
            self.argv += ["-append", (append + " KEEL_SIZE=24x200").strip()]
        self.argv += list(extra)
        self.timeout = timeout
        self.log = []

    def __enter__(self):
        self.child = pexpect.spawn(self.argv[0], self.argv[1:], timeout=self.timeout, encoding="latin-1", codec_errors="replace",
                                   maxread=65536, dimensions=(24, 200))
        self.child.delaybeforesend = None
        self.child.logfile_read = self
        return self

    def __exit__(self, *exc):
        self.child.close(force=True)

    # What the machine printed, for failure messages.
    def write(self, text):
        self.log.append(text)

    def flush(self):
        pass

    def text(self):
        return "".join(self.log)

    def fail(self, why):
        raise AssertionError("%s\n$ %s\n--- console ---\n%s" % (why, " ".join(map(shlex.quote, self.argv)), self.text()[-6000:]))

    def expect(self, pattern, timeout=None):
        """Waits for pattern; fails on a kernel report, silence or the end of the machine."""
        patterns = [pattern, REPORTS, pexpect.TIMEOUT, pexpect.EOF]
        which = self.child.expect(patterns, timeout=timeout or self.timeout)
        if which == 1:
            try:
                self.child.expect(pexpect.EOF, timeout=3)
            except pexpect.TIMEOUT:
                pass
        if which:
            self.fail("waiting for %r: %s" % (pattern, ["", "kernel report", "time-out", "the machine ended"][which]))
        return self.child.match

    def prompt(self):
        """Waits for the shell and gives it a prompt nothing else prints."""
        self.expect(r"# (\x1b\[6n)?$")
        self.child.send("PS1='key>''> '; stty -echo\n")
        self.expect(r"key>> ")
        return self

    def run(self, command, timeout=None, check=True):
        """Types a command at the prompt; returns its output. check: it must succeed."""
        self.child.send(command + ("\n" if "\n" in command else "; ") + 'echo "=$?="\n')
        self.expect(r"=(\d+)=\r+\n", timeout)
        output, status = self.child.before, int(self.child.match.group(1))
        self.expect(r"key>> ", timeout)
        if check and status:
            self.fail("'%s' ended with status %d: %s" % (command, status, output))
        return clean(output)

    def wait_end(self, timeout=None):
        """Waits until the machine has powered off; returns all it printed, which must be free of reports."""
        try:
            self.child.expect(pexpect.EOF, timeout=timeout or self.timeout)
        except pexpect.TIMEOUT:
            self.fail("the machine did not end")
        self.child.wait()
        return clean(self.text())

    def poweroff(self):
        self.child.send("poweroff\n")
        text = self.wait_end()
        if REPORTS.search(text):
            self.fail("kernel report")
        return text


def boot_text(**options):
    """Boots, waits for the machine to end by itself, returns what it printed."""
    with Keel(**options) as keel:
        return keel.wait_end()


def dump_tree(path, smp=1, mem="256M", qemu="qemu", extra=()):
    """QEMU's device tree for such a machine, as a file."""
    subprocess.run(qemus()[qemu] + ["-M", "virt,dumpdtb=" + path, "-smp", str(smp), "-m", mem] + list(extra), check=True,
                   stdout=subprocess.DEVNULL, stderr=subprocess.DEVNULL)
