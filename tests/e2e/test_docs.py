# SPDX-License-Identifier: Apache-2.0
"""What the documents tell people to type works as it stands there: the tutorial, and
the runbook's looks and ways back without the program."""
import os
import re
import subprocess

import pytest

from cloud import TEMPLATE
from lab import CONTROLLERS, LAB, LEASE, NAD, PLANE, SETTINGS, wait_for
from test_cloud import OLD
from test_network import UNTIL, configure, entries, specs
from tool import PROGRAM, ROOT

BLOCK = re.compile(r"^```sh *([^\n]*)\n(.*?)^```$", re.M | re.S)


def sections(name):
    """[(heading, [(words after sh, commands)])] of a document."""
    parts = re.split(r"^## (.*)$", (ROOT / "docs" / name).read_text(), flags=re.M)
    return [(parts[i], BLOCK.findall(parts[i + 1])) for i in range(1, len(parts), 2)]


class Shell:
    """bash as an operator has it: oc, openstack, the controllers' variables."""

    def __init__(self, lab, tool):
        self.tool = tool
        bin_ = tool.folder / "bin"
        bin_.mkdir(exist_ok=True)
        kubeconfig = tool.folder / "kubeconfig.admin"
        kubeconfig.write_text((lab.dir / "kubeconfig" / "admin.yaml").read_text())
        for name, line in (("oc", "exec kubectl \"$@\""), ("openstack", "exec %s openstack client \"$@\"" % LAB)):
            (bin_ / name).write_text("#!/bin/sh\n%s\n" % line)
            (bin_ / name).chmod(0o755)
        home = tool.folder / ".local" / "state"
        home.mkdir(parents=True, exist_ok=True)
        if not (home / "octavia-adopt").exists():
            (home / "octavia-adopt").symlink_to(tool.state / "octavia-adopt")
        self.env = dict(tool.env, **SETTINGS, KUBECONFIG=str(kubeconfig), PATH="%s:%s" % (bin_, os.environ["PATH"]))
        self.env.update({"CONTROLLER%d_SSH" % (i + 1): "ssh -F %s/ssh/config %s" % (lab.dir, c)
                         for i, c in enumerate(CONTROLLERS)})
        lab.touch()

    def run(self, *blocks, timeout=600):
        script = "set -eu\n" + "\n".join(blocks)
        done = subprocess.run(["bash", "-c", script], env=self.env, cwd=self.tool.folder, capture_output=True,
                              text=True, stdin=subprocess.DEVNULL, timeout=timeout)
        assert done.returncode == 0, "%s\n%s\n%s" % (script, done.stdout, done.stderr)
        return done.stdout


@pytest.mark.more
def test_tutorial(lab, cloud, tool):
    """All of it in one shell, in the order in which it stands there."""
    cloud.seed("clean", "2")
    # Short heartbeats, so that it takes minutes less.
    lab.kube.merge(PLANE, {"spec": {"octavia": {"template": TEMPLATE}}})
    spec = lab.spec()
    bin_ = tool.folder / "bin"
    bin_.mkdir()
    for name in ("oc-octavia-adopt", "kubectl-octavia_adopt"):
        (bin_ / name).symlink_to(PROGRAM)
    env = {k: v for k, v in tool.env.items() if not k.startswith(("XDG_", "KUBECONFIG"))}
    env.update(SETTINGS, PATH="%s:%s" % (bin_, os.environ["PATH"]))
    blocks = [text for _, found in sections("tutorial.md") for words, text in found if words != "prepare"]
    done = subprocess.run(["bash", "-ec", "\n".join(blocks)], env=env, cwd=ROOT, capture_output=True, text=True,
                          stdin=subprocess.DEVNULL, timeout=1500)
    assert done.returncode == 0, done.stdout + done.stderr
    assert lab.spec() == spec
    assert done.stdout.count("\nfalse\n") == 2 and "whole" in done.stdout, done.stdout


def runbook():
    """(the blocks that the others need, {step: looks}, {step: its way back})"""
    first, looks, undo = [], {}, {}
    for heading, blocks in sections("runbook.md"):
        for words, text in blocks:
            if words.startswith("undo "):
                undo[words.split()[1]] = text
            elif heading == "Before anything else":
                first.append(text)
            else:
                looks.setdefault(heading, []).append(text)
    return first, looks, undo


def test_every_step_is_in_the_runbook(tool):
    steps = [s["id"] for s in tool.status()["steps"]]
    headings = [heading for heading, _ in sections("runbook.md")]
    assert [h for h in headings if h in steps] == steps
    assert set(runbook()[2]) == {"trust", "network", "redis", "stop-director", "enable-octavia", "update-amphorae",
                                 "drain"}


@pytest.mark.more
def test_back_by_hand(lab, cloud, tool):
    """A whole adoption is looked at, and undone, by what the runbook says alone."""
    cloud.seed("clean", "2")
    cloud.data_plane(True)
    spec, units = lab.spec(), lab.octavia_units()
    tool.cloud_start("--redis", "on")
    first, looks, undo = runbook()
    shell = Shell(lab, tool)
    for step, blocks in looks.items():
        if step != "network":
            shell.run(*first, *blocks)
    for step in ("drain", "update-amphorae"):
        shell.run(*first, undo[step])
    wait_for("the Director's addresses in the agents", 60, lambda: all(
        a["managers"] == a["sent_to"] == OLD for a in cloud.simulated().values()))
    for step in ("enable-octavia", "stop-director", "redis", "trust"):
        shell.run(*first, undo[step])
    assert lab.spec() == spec
    assert lab.octavia_units() == units
    for name in ("octavia-ca-passphrase", "octavia-certs-secret", "octavia-adopt-backup"):
        assert lab.secret(name) is None, name


def test_too_early_by_hand(lab, tool):
    """The Director's units aren't started beside the new Octavia."""
    tool.start()
    first, _, undo = runbook()
    with pytest.raises(AssertionError, match="the new Octavia is still there"):
        Shell(lab, tool).run(*first, undo["stop-director"])
    assert lab.octavia_units()["ctl1", "tripleo_octavia_api"] == ("inactive", "disabled")


def test_network_by_hand(lab, tool):
    lab("plane", "default", "bare")
    configure(lab, tool)
    before = specs(lab)
    tool.run("start", "-y", *UNTIL, expect=0)
    assert "octbr" in entries(lab, "nncp-worker-0")
    first, looks, undo = runbook()
    shell = Shell(lab, tool)
    shell.run(*first, *looks["network"])
    shell.run(*first, undo["network"])
    assert specs(lab) == before and lab.kube.get(NAD) is None
    assert lab.kube.get(LEASE)["spec"].get("holderIdentity") in (None, "")
