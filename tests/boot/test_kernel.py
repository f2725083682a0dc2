# SPDX-License-Identifier: MIT
"""In-kernel tests (tests/kernel/), and user programs of tests/abi/, on the checking kernel and the release one."""
import os
import re
import sys

import pytest

from keel import REPORTS, TOP, boot_text

sys.path.insert(0, os.path.join(TOP, "tests", "abi"))
import transcript  # noqa: E402


@pytest.mark.parametrize("smp", [1, 2, 4, 8])
def test_in_kernel(qemu, smp):
    text = boot_text(config="debug", smp=smp, append="keel.test=all", initrd=None, qemu=qemu, timeout=240)
    assert re.search(r"ktest: \d+ passed, 0 failed", text), text[-4000:]


@pytest.mark.parametrize("config", ["release", "debug"])
@pytest.mark.parametrize("smp", [1, 4])
def test_abi(qemu, smp, config):
    """Every program prints what it printed on Linux; tests/abi/differences.md names the exceptions."""
    text = boot_text(config=config, smp=smp, initrd="test-initramfs.cpio", qemu=qemu, timeout=300,
                     append='loglevel=1 panic=-1 KEEL_RUN="sh /tests/abi.sh"')
    assert not REPORTS.search(text), text[-4000:]
    ran = transcript.sections(text)
    wrong = []
    for name in sorted(set(transcript.recorded()) | set(ran)):
        lines, status = ran.get(name, ([], None))
        if name not in transcript.recorded():
            wrong.append("%s: nothing recorded: make abi-record" % name)
            continue
        wrong += ["%s: Linux: %s\n%s  Keel: %s" % (name, a, " " * len(name), b) for a, b in transcript.compare(name, lines)]
        if status is None:
            wrong.append("%s: did not end" % name)
    assert not wrong, "\n".join(wrong) + "\n--- console ---\n" + text[-3000:]
