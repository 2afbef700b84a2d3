# SPDX-License-Identifier: Apache-2.0
"""One lab for all tests, put right before each of them."""
import os
import pathlib
import subprocess
import sys

import pytest

sys.path.insert(0, str(pathlib.Path(__file__).parent))

from cloud import Cloud, configure  # noqa: E402
from lab import Lab  # noqa: E402
from tool import PROGRAM, Tool  # noqa: E402
import canaries  # noqa: E402


@pytest.fixture(scope="session")
def whole_lab():
    """E2E_KEEP=1: the lab is left up, and used again the next time."""
    assert os.geteuid() == 0, "these tests need root"
    assert PROGRAM.exists(), "make all"
    lab = Lab()
    if not os.environ.get("E2E_KEEP") and (lab.dir / ".octavia-lab").exists():
        lab("down")
    try:
        lab("up", "kube", "operator", "controllers")
        lab.remember_pristine()
        certs = lab.dir / "machines/ctl1/root/var/lib/config-data/puppet-generated/octavia/etc/octavia/certs"
        canaries.add_key("CA's key", certs / "private" / "cakey.pem")
        canaries.add_key("client's key", certs / "client.pem")
        canaries.add_key("SSH key", lab.dir / "ssh" / "id_rsa")
        yield lab
    finally:
        if not os.environ.get("E2E_KEEP"):
            lab("down")


@pytest.fixture
def lab(whole_lab):
    whole_lab.reset()
    return whole_lab


@pytest.fixture
def tool(lab, tmp_path):
    return Tool(lab, tmp_path)


@pytest.fixture(scope="session")
def cloud_up(whole_lab):
    whole_lab("up")
    whole_lab.touch()


@pytest.fixture
def cloud(cloud_up, lab, tool):
    """The lab's OpenStack, and the tool configured for short heartbeats."""
    configure(tool)
    yield Cloud(lab)
    lab("knob")


@pytest.hookimpl(hookwrapper=True)
def pytest_runtest_makereport(item, call):
    """A failed test of the cloud shows what Octavia's worker had to say."""
    report = (yield).get_result()
    if call.when != "call" or not report.failed or "cloud" not in getattr(item, "fixturenames", ()):
        return
    try:
        log = item.funcargs["lab"]("openstack", "exec", "journalctl", "--no-pager", "-o", "cat", "-u",
                                   "octavia-worker", "--since=@%d" % call.start)
    except (AssertionError, KeyError, subprocess.SubprocessError) as error:
        log = repr(error)
    lines = [line for line in log.splitlines() if " INFO " not in line and " DEBUG " not in line]
    report.sections.append(("octavia-worker", "\n".join(lines[-60:])))


def pytest_configure(config):
    config.addinivalue_line("markers", "more: one of many that are alike; run with E2E_ALL=1 only")
    config.addinivalue_line("markers", "torture: hours; run by `make torture` only")


def pytest_collection_modifyitems(config, items):
    """What needs OpenStack comes last: the others are quicker without it."""
    for marker, wanted in (("more", "E2E_ALL"), ("torture", "TORTURE_EVERY")):
        if not os.environ.get(wanted):
            left = [item for item in items if item.get_closest_marker(marker)]
            config.hook.pytest_deselected(items=left)
            items[:] = [item for item in items if item not in left]
    items.sort(key=lambda item: "cloud" in item.fixturenames)
