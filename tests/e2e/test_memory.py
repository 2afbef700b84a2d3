# SPDX-License-Identifier: Apache-2.0
"""Whole runs under valgrind: no invalid access, nothing lost."""
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
