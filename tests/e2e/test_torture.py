# SPDX-License-Identifier: Apache-2.0
"""Torture in the lab: at the n-th effect outside the program (a request, a round
trip to a controller, a child process, a commit) the effect fails, or the program
is killed just before or just after it. Afterwards `start` ends as it always does,
`rollback` brings back what was before, and the journal is whole.

A sample runs with all the tests. `make torture` tries every n, which takes hours;
TORTURE_EVERY=7 tries each seventh. `tests/unit/steps_{crash,fault,broken}_*.c` do
the same over fakes, at every n.
"""
import os
import subprocess
import time

import pytest

import journal
from cloud import configure
from lab import PLANE
from test_cloud_faults import assert_all_well
from test_main import assert_adopted, assert_as_before
from tool import ACCEPT, ACCEPT_BACK, ROOT, UNTIL

COMMANDS = {"start": ("start", "-y", *ACCEPT, *UNTIL), "rollback": ("rollback", "-y", *ACCEPT_BACK)}
KINDS = ("http", "ssh", "process", "journal")
MODES = ("fail", "before", "after")
EVERY = int(os.environ.get("TORTURE_EVERY", "0"))
torture = pytest.mark.torture


@pytest.fixture(scope="session")
def library(tmp_path_factory):
    target = tmp_path_factory.mktemp("preload") / "torture.so"
    subprocess.run([os.environ.get("CC", "cc"), "-shared", "-fPIC", "-D_GNU_SOURCE", "-o", str(target),
                    str(ROOT / "tests/e2e/preload_torture.c"), "-ldl"], check=True)
    return target


class Rack:
    """Runs that are spoilt at one of their effects."""

    def __init__(self, lab, tool, library):
        self.lab, self.tool, self.library = lab, tool, library
        self.spec, self.units, self.pcs = lab.spec(), lab.units(), lab.pcs()
        self.generation = self.now()
        self.tried = 0

    def now(self):
        return self.lab.kube.get(PLANE)["metadata"]["generation"]

    def spoil(self, command, match, at, mode, timeout=300):
        """Was there an at-th effect that matches? Then it was spoilt."""
        log = self.tool.folder / "effects"
        log.write_text("")
        result = self.tool.run(*command, timeout=timeout, env={
            "LD_PRELOAD": str(self.library), "TORTURE_LOG": str(log), "TORTURE_MATCH": match,
            "TORTURE_AT": str(at), "TORTURE_MODE": mode})
        reached = "this one" in log.read_text()
        where = (command[0], match, at, mode, result)
        if mode != "fail" and reached:
            # One whose answer was no longer waited for can't be followed.
            assert result.code == -9 or (mode == "after" and result.code == 0), where
        else:
            assert result.code in (0, 1, 3, 5), where
        if self.tool.journal and journal.head(self.tool.journal):
            journal.fsck(self.tool.journal)
        self.tried += reached
        return reached

    def there(self):
        self.tool.start()
        assert_adopted(self.lab, self.tool)
        assert self.now() == self.generation + 1

    def back(self):
        self.tool.rollback()
        # What was spoilt before anything was changed leaves nothing to be rolled back.
        if self.tool.status()["phase"] != "NotStarted":
            assert_as_before(self.lab, self.tool, self.spec, self.units, self.pcs)
        assert self.now() in (self.generation, self.generation + 2)
        self.generation = self.now()


@pytest.fixture
def rack(lab, tool, library, record_property):
    rack = Rack(lab, tool, library)
    yield rack
    record_property("tried", rack.tried)


PLANE_PATCH = "^http PATCH .*/openstackcontrolplanes/openstack[?]([^d]|d[^r])*$"
SAMPLE = {
    "start": [("^http POST .*/secrets", 1, "after"), ("^journal trust: .*done", 1, "before"), ("^ssh", 12, "fail"),
              ("^journal stop-director: .*", 3, "after"), ("^ssh", 14, "after"), ("^process", 2, "fail"),
              (PLANE_PATCH, 1, "fail"), (PLANE_PATCH, 1, "after"), ("^journal enable-octavia: .*done", 1, "fail")],
    "rollback": [(PLANE_PATCH, 1, "after"), ("^journal enable-octavia: .*undo .*done", 1, "after"),
                 ("^ssh", 16, "before"), ("^http DELETE .*/secrets", 1, "after"), ("^journal trust: ", 2, "fail")]}


def test_sample(rack):
    """One after the other, without a good run between them."""
    for match, at, mode in SAMPLE["start"]:
        rack.spoil(COMMANDS["start"], match, at, mode)
    rack.there()
    for match, at, mode in SAMPLE["rollback"]:
        rack.spoil(COMMANDS["rollback"], match, at, mode)
    rack.back()
    assert rack.tried >= 10


@torture
@pytest.mark.parametrize("mode", MODES)
@pytest.mark.parametrize("kind", KINDS)
@pytest.mark.parametrize("first, second", [(a, b) for a in COMMANDS for b in COMMANDS])
def test_every_effect(rack, first, second, kind, mode):
    """That one spoilt at each of its effects; then the other one, unspoilt."""
    at, reached = 1, True
    while reached:
        if first == "rollback":
            rack.there()
        reached = rack.spoil(COMMANDS[first], "^" + kind, at, mode)
        if second == "start":
            rack.there()
        rack.back()
        at += max(EVERY, 1)
    assert rack.tried > 0


OPENSTACK = (r"^http PUT .*/octavia/amphorae/[^/]+/config", r"^http PUT .*/lbaas/loadbalancers/[^/]+/failover",
             r"^http POST .*/auth/tokens")


@torture
@pytest.mark.parametrize("mode", MODES)
@pytest.mark.parametrize("match", OPENSTACK, ids=["push", "failover", "token"])
def test_openstack_effects(lab, cloud, tool, library, match, mode, record_property):
    """Pushes, failovers and logins; each load balancer is failed over once."""
    configure(tool)
    at, reached, tried = 1, True, 0
    while reached:
        lab.reset()
        cloud.seed("clean", "3")
        spoilt = cloud.sql("SELECT id FROM amphora WHERE role = 'BACKUP' ORDER BY id")[-1][0]
        cloud.set(spoilt, "reachable=0")
        cloud.data_plane(True)
        began = time.time()
        reached = Rack(lab, tool, library).spoil(("start", "-y"), match, at, mode, timeout=900)
        for _ in range(3):
            if tool.run("start", "-y", timeout=900).code == 0:
                break
        assert_all_well(cloud, tool, began)
        subprocess.run(["rm", "-rf", str(tool.state)], check=True)
        tried += reached
        at += max(EVERY, 1)
    record_property("tried", tried)
    assert tried > 0
