# SPDX-License-Identifier: Apache-2.0
"""Somebody else works on the same object."""
import threading

import pytest

from lab import PLANE
from test_main import assert_within

IMAGE = "/spec/octavia/template/amphoraImageContainerImage"
OURS, THEIRS = "registry.example/octavia-amphora-image:lab", "registry.example/other:1"


def change_image(lab):
    lab.kube.patch(PLANE, [{"op": "replace", "path": IMAGE, "value": THEIRS}], manager="kubectl-edit")


def image_of(lab):
    return lab.kube.get(PLANE)["spec"]["octavia"].get("template", {}).get("amphoraImageContainerImage", "")


@pytest.mark.parametrize("decision", ["keep", "overwrite"])
def test_changed_field(lab, tool, decision):
    lab.fault("all", "stopped")
    spec, before = lab.spec(), lab.kube.get(PLANE)["spec"]
    tool.start()
    change_image(lab)
    adopted, units, mark = lab.spec(), lab.units(), lab.mark()
    stopped = tool.rollback(expect=4)
    for word in (IMAGE, OURS + " → " + THEIRS, "kubectl-edit", "--on-drift"):
        assert word in stopped.err, (word, stopped)
    assert [w for w in lab.writes(mark) if not w[1].startswith("leases/")] == []
    assert lab.spec() == adopted and lab.units() == units
    status = tool.status()
    drift = [d for step in status["steps"] for d in step["drift"]]
    assert [(d["path"], d["recorded"], d["current"]) for d in drift] == [(IMAGE, OURS, THEIRS)]
    tool.verify()
    tool.rollback("--on-drift=" + decision)
    if decision == "overwrite":
        assert lab.spec() == spec
    else:
        assert image_of(lab) == THEIRS
        after = lab.kube.get(PLANE)["spec"]
        assert after["octavia"]["enabled"] is False
        assert_within(before, after)
        # The server puts defaults beside it; of ours nothing is left.
        assert "octavia-adopt" not in lab.spec()
        assert not after["octavia"]["template"].get("octaviaWorker", {}).get("networkAttachments")
    assert tool.status()["phase"] == "RolledBack"
    tool.verify()


def test_changes_elsewhere_are_nobodys_business(lab, tool):
    """What we did not touch may change, and stays; our blocks go out of a text
    that the site has added to."""
    lab("plane", "site-text")
    lab.fault("all", "stopped")
    before = lab.kube.get(PLANE)["spec"]
    tool.start()
    text = lab.kube.get(PLANE)["spec"]["octavia"]["template"]["octaviaWorker"]["customServiceConfig"]
    added = "[DEFAULT]\nlog_flush = later\n"
    lab.kube.merge(PLANE, {"spec": {"octavia": {"template": {"octaviaWorker": {"customServiceConfig": text + added}}},
                                    "glance": {"uniquePodNames": False}}})
    tool.rollback("--on-drift=keep")
    after = lab.kube.get(PLANE)["spec"]
    site = before["octavia"]["template"]["octaviaWorker"]["customServiceConfig"]
    assert after["octavia"]["template"]["octaviaWorker"]["customServiceConfig"] == site + added
    assert after["glance"]["uniquePodNames"] is False


def test_operator_writes_status_all_the_time(lab, tool):
    lab.fault("all", "stopped")
    spec = lab.spec()
    lab.knob(status_storm=True)
    mark = lab.mark()
    tool.start()
    tool.rollback()
    assert lab.spec() == spec
    storm = [e for e in lab.audit(mark, "") if e["user"]["username"] == "operator" and
             e["objectRef"].get("subresource") == "status" and
             e["objectRef"]["resource"] == "openstackcontrolplanes"]
    assert len(storm) > 30, "the knob works"
    tool.verify()


def test_two_at_once(lab, tool):
    """The second of two is told who holds the lock, and changes nothing."""
    lab.fault("all", "stopped")
    results = []

    def go():
        results.append(tool.start(expect=None))
    threads = [threading.Thread(target=go) for _ in range(2)]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()
    # The lock, or, where the first was through by then, what it has enabled.
    assert sorted(r.code for r in results) in ([0, 4], [0, 5]), results
    [locked] = [r for r in results if r.code]
    assert "hint: " in locked.message, locked
    tool.verify()
