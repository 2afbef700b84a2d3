# SPDX-License-Identifier: Apache-2.0
"""Whole runs under valgrind: no invalid access, nothing lost."""
import os
import pathlib
import re
import time

import pytest

from tool import ROOT


def test_valgrind(lab, tool):
    tool.wrapper = ["valgrind", "-q", "--error-exitcode=99", "--leak-check=full", "--errors-for-leak-kinds=definite",
                    "--suppressions=%s" % (ROOT / "tests/tools/valgrind.supp")]
    spec = lab.spec()
    tool.plan()
    tool.start(expect=0)
    tool.status()
    tool.run("history", expect=0)
    tool.run("show", "stop-director", expect=0)
    tool.rollback(expect=0)
    assert lab.spec() == spec


def files_of(process):
    return sorted(os.readlink(path) for path in pathlib.Path("/proc/%d/fd" % process.pid).iterdir())


def memory_kib(process):
    text = pathlib.Path("/proc/%d/status" % process.pid).read_text()
    return int(re.search(r"VmRSS:\s+(\d+)", text).group(1))


@pytest.mark.more
def test_watch(lab, tool):
    """One that polls for two minutes has as many files open at its end as at its
    beginning, and its memory does not grow. (A thousand polls: steps_state.c.)"""
    lab.fault("all", "stopped")
    tool.start("--until", "trust")
    process = tool.popen("status", "--watch")
    try:
        time.sleep(30)
        assert process.poll() is None
        files, memory = len(files_of(process)), memory_kib(process)
        counts = []
        for _ in range(90):
            time.sleep(1)
            counts.append(len(files_of(process)))
        assert process.poll() is None
        # Between two polls only what is kept is open.
        assert min(counts[-20:]) <= files, (files, counts)
        assert memory_kib(process) < memory + 2048
    finally:
        process.terminate()
        tool.finish(process)
