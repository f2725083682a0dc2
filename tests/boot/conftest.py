# SPDX-License-Identifier: MIT
"""What tests may ask for: the machines to boot on."""
import pytest

from keel import qemus


def pytest_generate_tests(metafunc):
    if "qemu" in metafunc.fixturenames:
        metafunc.parametrize("qemu", sorted(qemus()))


@pytest.fixture
def tree(tmp_path):
    return str(tmp_path / "machine.dtb")
