# SPDX-License-Identifier: Apache-2.0
"""Two people, two hosts, two journals; and a lock, a cluster, a control plane or
a configuration that changes under a run."""
import re
import shutil
import time

import pytest

import journal
from lab import LEASE, OCTAVIA, PLANE, WRITES, wait_for
from test_faults import explain
from test_kill import wait_commit
from test_main import assert_as_before
from tool import ACCEPT, UNTIL, Tool

START = ("start", "-y", *ACCEPT, *UNTIL)


@pytest.fixture
def stopped(lab):
    """Units that are down already make a start short."""
    lab.fault("all", "stopped")
    return lab.spec(), lab.units(), lab.pcs()


@pytest.fixture
def other(lab, tmp_path):
    """A second operator: another home, so another journal."""
    folder = tmp_path / "other"
    folder.mkdir()
    return Tool(lab, folder)


def begun(tool, pattern=r"start: run .* begins"):
    process = tool.popen(*START)
    wait_commit(tool, process, pattern, None)
    return process


def no_change(lab, mark):
    """Nothing but Leases was written by the tool."""
    assert [w for w in lab.writes(mark) if not w[1].startswith("leases/")] == []


def refused(tool, words, *args):
    """By the lock, which comes before all else there is to say."""
    for command in (START, ("rollback", "-y")):
        explain(tool.run(*command, *args), 5, words)


@pytest.mark.more
def test_two_at_once(lab, tool, other, stopped):
    """Of two starts the second is refused, in the same journal and in another, and
    the first ends as if it had been alone."""
    lab.knob(octavia_delay=15)
    generation = lab.kube.get(PLANE)["metadata"]["generation"]
    first = begun(tool)
    refused(tool, "in use by process %d" % first.pid)
    refused(other, "another journal")
    refused(other, "another journal", "--take-over")
    assert other.journal is None or "enable-octavia" not in "".join(journal.subjects(other.journal))
    ended = tool.finish(first)
    assert ended.code == 0, ended
    assert lab.kube.get(PLANE)["metadata"]["generation"] == generation + 1
    tool.verify()
    # The lock is free, the history is not: it is the first one's still.
    refused(other, "another journal")
    tool.rollback()
    assert_as_before(lab, tool, *stopped)
    other.start("--until", "trust")
    other.rollback()


def test_lease_stolen_and_deleted(lab, tool, stopped):
    """The lock lost in the middle of a run ends it before the next change."""
    lab.knob(octavia_delay=60)
    for what in ("stolen", "deleted"):
        process = tool.popen(*START)
        wait_for("the lock", 60, lambda: (lab.kube.get(LEASE) or {"spec": {}})["spec"].get("holderIdentity"))
        wait_for("Octavia", 60, lambda: lab.kube.get(OCTAVIA))
        if what == "stolen":
            lab.kube.merge(LEASE, {"spec": {"holderIdentity": "somebody@elsewhere/1"}})
        else:
            lab.kube.delete(LEASE)
        mark = lab.mark()
        result = tool.finish(process)
        explain(result, 5, "the lock was lost", "somebody@elsewhere/1" if what == "stolen" else "deleted")
        no_change(lab, mark)
        assert what == "deleted" or lab.kube.get(LEASE)["spec"]["holderIdentity"] == "somebody@elsewhere/1"
        tool.verify()
        lab.kube.delete(LEASE)
    lab.knob()
    tool.start()
    tool.rollback()
    assert_as_before(lab, tool, *stopped)


@pytest.mark.more
def test_edited_between_look_and_patch(lab, tool, stopped):
    """Somebody edits the control plane all the time while start is on its way: each
    edit is still there afterwards, and the rollback keeps it, too. Edited faster than
    it can look, the run says so, and the next one goes on."""
    process = tool.popen(*START)
    edits = 0
    while process.poll() is None and not lab.kube.get(PLANE)["spec"]["octavia"]["enabled"]:
        edits += 1
        lab.kube.merge(PLANE, {"metadata": {"annotations": {"edit": str(edits)}},
                               "spec": {"glance": {"template": {"customServiceConfig": "# edit %d\n" % edits}}}})
    result = tool.finish(process)
    assert edits > 3 and result.code in (0, 4), (edits, result)
    if result.code:
        explain(result, 4, "openstackcontrolplane/openstack: /metadata/generation", "oc octavia-adopt start")
        tool.start()
    tool.rollback()
    plane = lab.kube.get(PLANE)
    assert plane["spec"]["glance"]["template"]["customServiceConfig"] == "# edit %d\n" % edits
    assert plane["metadata"]["annotations"]["edit"] == str(edits)
    tool.verify()


@pytest.mark.more
def test_dead_holder_is_taken_over(lab, tool, stopped):
    """Its host is gone for good, the journal was copied to another: there it needs
    --take-over, and waits until the lock has run out."""
    process = begun(tool, r"trust: .*passphrase: done")
    process.kill()
    assert tool.finish(process).code == -9
    assert lab.kube.get(LEASE)["spec"]["holderIdentity"]
    tool.wrapper = ["unshare", "--uts", "sh", "-c", 'hostname elsewhere && exec "$@"', "sh"]
    mark = lab.mark()
    explain(tool.run(*START), 5, "is held by", "--take-over")
    no_change(lab, mark)
    began = time.monotonic()
    tool.start("--take-over")
    assert time.monotonic() - began > 30
    tool.rollback()
    assert_as_before(lab, tool, *stopped)


def test_two_hosts_with_one_journal(lab, tool, other, stopped):
    """A copy that was made before the other went on is refused, and says so."""
    tool.start("--until", "trust")
    shutil.copytree(tool.state, other.state, symlinks=True)
    tool.start("--until", "stop-director")
    mark = lab.mark()
    for command in (START, ("rollback", "-y", "--accept", "rollback-new-data")):
        explain(other.run(*command), 4, "which the cluster remembers", "history --verify")
    no_change(lab, mark)
    shutil.rmtree(other.state)
    shutil.copytree(tool.state, other.state, symlinks=True)
    other.start()
    other.rollback()
    assert_as_before(lab, other, *stopped)


def recreate_plane(lab):
    """Deleted, and made again under the same name: another uid."""
    plane = lab.kube.get(PLANE)
    lab.kube.delete(PLANE)
    wait_for("the control plane to go", 30, lambda: lab.kube.get(PLANE) is None)
    lab.kube.create(PLANE.rsplit("/", 1)[0], {
        "apiVersion": plane["apiVersion"], "kind": plane["kind"], "metadata": {"name": "openstack"},
        "spec": dict(plane["spec"], octavia={"enabled": False})})


@pytest.mark.more
def test_control_plane_made_again(lab, tool, stopped):
    tool.start()
    recreate_plane(lab)
    mark = lab.mark()
    result = tool.start(expect=None)
    assert result.code in (1, 4), result
    explain(result, result.code, "openstack")
    assert re.search(r"another|again|uid|re-?created", result.message), result
    no_change(lab, mark)
    tool.verify()


@pytest.mark.more
def test_journal_of_another_cluster(lab, tool, stopped):
    """--journal DIR that was written for another cluster."""
    tool.start("--until", "trust")
    folder = tool.folder / "foreign"
    shutil.copytree(tool.journal, folder)
    shutil.copy(str(tool.journal) + ".key", str(folder) + ".key")
    text = (folder / "adoption.yaml").read_text()
    (folder / "adoption.yaml").write_text(re.sub(r"(?m)^(\s+id: ).*$", r"\g<1>aaaaaaaa-bbb", text))
    assert (folder / "adoption.yaml").read_text() != text
    journal.git(folder, "-c", "user.name=oc-octavia-adopt", "-c", "user.email=a@b", "commit", "-qam", "x")
    tool.rollback()
    mark = lab.mark()
    for command in (START, ("rollback", "-y")):
        result = tool.run(*command, "--journal", str(folder))
        assert result.code in (1, 2, 4), result
        assert "cluster" in result.message, result
    assert [e for e in lab.audit(mark) if e["verb"] in WRITES and "selfsubject" not in e["requestURI"]] == []


@pytest.mark.more
def test_configuration_changed_between(lab, tool, stopped):
    """What is done stays as it was recorded; a controller that is missing in the
    new configuration is named."""
    tool.start("--until", "stop-director")
    config = tool.folder / "changed.yaml"
    text = tool.config.read_text()
    lines = [line for line in text.splitlines() if ".13," not in line]
    assert len(lines) == len(text.splitlines()) - 1
    config.write_text("\n".join(lines) + "\n")
    good, tool.config = tool.config, config
    result = tool.run("rollback", "-y")
    explain(result, result.code, ".13")
    assert result.code in (1, 2)
    config.write_text(text.replace("octavia-amphora-image:lab", "octavia-amphora-image:other"))
    tool.start()
    template = lab.kube.get(PLANE)["spec"]["octavia"]["template"]
    assert template["amphoraImageContainerImage"].endswith(":other")
    tool.config = good
    result = tool.start(expect=2)
    explain(result, 2, "amphoraImageContainerImage", "rollback --to stop-director")
    tool.verify()
    tool.rollback()
    assert_as_before(lab, tool, *stopped)
