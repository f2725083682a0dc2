# SPDX-License-Identifier: MIT
"""Programs that try to break the kernel (tests/fuzz/), for half a minute each; `make fuzz` runs the first for longer."""
import re

import pytest

from keel import REPORTS, boot_text


def run(command, **options):
    text = boot_text(initrd="test-initramfs.cpio", append='quiet panic=-1 KEEL_RUN="%s"' % command, timeout=300, **options)
    assert not REPORTS.search(text) and "HANG" not in text, text[-6000:]
    assert re.search(r"ended with status 0", text), text[-6000:]
    return text


@pytest.mark.parametrize("config,smp,seed", [("debug", 1, 1), ("debug", 4, 2), ("release", 4, 3)])
def test_system_calls(config, smp, seed):
    run("/tests/fuzz/fuzz -s %d -n 10000" % seed, config=config, smp=smp)


@pytest.mark.parametrize("config", ["debug", "release"])
def test_broken_executables(config):
    run("/tests/fuzz/execfuzz -s 1 -n 300", config=config, smp=2)


@pytest.mark.parametrize("config,smp,mem", [("debug", 4, "128M"), ("release", 8, "160M"), ("release", 1, "96M")])
def test_hard_use(config, smp, mem):
    """Memory changed from everywhere, signals from everywhere, threads ending in every way, everything full."""
    run("/tests/fuzz/stress -s1", config=config, smp=smp, mem=mem)
