# SPDX-License-Identifier: Apache-2.0
"""Everything that can be wrong: a clear message, the right exit code, nothing
half-done. What must not have happened is looked for on the real objects."""
import base64
import json

import pytest

from lab import HOSTS, NAD, PLANE, SECRETS, STOPPED, WRITES
from tool import ACCEPT, UNTIL

SCREEN = 24
WORKER = "tripleo_octavia_worker"
OSP_SECRET = SECRETS + "/osp-secret"


def explain(result, code, *words):
    """The message fits a screen (a manifest to apply may follow), names the
    object and the cause, and says what next."""
    assert result.code == code, result
    text = result.message.split("\napiVersion: ")[0]
    lines = [line for line in text.splitlines() if line.strip()]
    assert lines and len(lines) <= SCREEN, result
    assert "hint: " in result.message, result
    for word in words:
        assert word in result.message, (word, result)


def refused(lab, tool, words, *args, code=1):
    """start ends before its first change."""
    spec, units, mark = lab.spec(), lab.units(), lab.mark()
    result = tool.start(*args, expect=code)
    explain(result, code, *words)
    assert lab.spec() == spec
    assert lab.units() == units
    assert [w for w in lab.writes(mark) if "leases/" not in w[1]] == []
    return result


def goes_on(lab, tool):
    """After the cause is gone, start ends as it always does."""
    tool.start(expect=0)
    assert all(state == ("inactive", "disabled")
               for (_, unit), state in lab.octavia_units().items() if unit in STOPPED)
    tool.verify()


def with_config(tool, old, new):
    """The lab's configuration with one text replaced."""
    text = tool.config.read_text()
    assert old in text
    tool.config = tool.folder / "octavia-adopt.yaml"
    tool.config.write_text(text.replace(old, new))


# ---- controllers -------------------------------------------------------------

@pytest.mark.parametrize("fault, words", [
    (("link-down",), ("ctl2", "time")),
    (("sshd-down",), ("ctl2", "refused")),
    (("sudo-password",), ("ctl2", "sudo")),
    (("sudo-denied",), ("ctl2", "sudo")),
    (("host-key",), ("ctl2", "host key")),
    (("absent", WORKER), ("ctl2", WORKER)),
    (("conf-differs",), ("octavia.conf", "heartbeat")),
], ids=["link-down", "sshd-down", "sudo-password", "sudo-denied", "host-key", "absent", "conf-differs"])
def test_controller_not_as_it_must_be(lab, tool, fault, words):
    lab.fault("ctl2", *fault)
    refused(lab, tool, [HOSTS[1] if word == "ctl2" else word for word in words])


def test_wrong_known_hosts(lab, tool):
    with_config(tool, "ssh/known_hosts", "ssh/known_hosts.wrong")
    refused(lab, tool, ("host key", HOSTS[0]))


def test_missing_driver_agent_is_a_note(lab, tool):
    lab.fault("ctl2", "absent", "tripleo_octavia_driver_agent")
    result = tool.start(expect=0)
    assert "tripleo_octavia_driver_agent" in result.err
    tool.verify()
    tool.rollback()
    states = lab.octavia_units()
    assert states[("ctl1", "tripleo_octavia_driver_agent")] == ("active", "enabled")
    assert states.get(("ctl2", "tripleo_octavia_driver_agent"), ("inactive", ""))[0] == "inactive"


def test_masked_unit(lab, tool):
    lab.fault("ctl3", "mask", "tripleo_octavia_driver_agent")
    masked = lab.units()["ctl3"]["tripleo_octavia_driver_agent"]
    result = tool.start(expect=0)
    assert "tripleo_octavia_driver_agent" in result.err and "masked" in result.err
    tool.rollback()
    assert lab.units()["ctl3"]["tripleo_octavia_driver_agent"] == masked


def test_masked_unit_that_runs(lab, tool):
    lab.fault("ctl3", "mask-active", WORKER)
    refused(lab, tool, (WORKER, HOSTS[2], "masked"))


def test_old_spelling(lab, tool):
    """tripleo_octavia_healthmanager is what older documents call it."""
    lab.fault("ctl2", "misspelt")
    units = lab.units()
    assert units["ctl2"]["tripleo_octavia_healthmanager"]["active"] == "active"
    tool.start(expect=0)
    assert lab.octavia_units()[("ctl2", "tripleo_octavia_healthmanager")] == ("inactive", "disabled")
    tool.rollback()
    assert lab.units() == units


def test_unknown_unit_runs(lab, tool):
    lab("exec", "ctl1", "sh", "-c", "cd /etc/systemd/system && cp %s.service tripleo_octavia_wroker.service && "
        "systemctl daemon-reload && systemctl start tripleo_octavia_wroker" % WORKER)
    try:
        refused(lab, tool, ("tripleo_octavia_wroker", HOSTS[0]))
    finally:
        lab("exec", "ctl1", "sh", "-c", "systemctl stop tripleo_octavia_wroker; "
            "rm /etc/systemd/system/tripleo_octavia_wroker.service; systemctl daemon-reload")


def test_unit_ignores_term(lab, tool):
    lab.fault("ctl1", "ignore-term", "tripleo_octavia_api")
    tool.start(expect=0)
    assert lab.octavia_units()[("ctl1", "tripleo_octavia_api")] == ("inactive", "disabled")
    tool.verify()


def test_unit_respawns(lab, tool):
    spec = lab.spec()
    lab.fault("ctl1", "respawn", WORKER)
    # So that it is there again before Octavia would be enabled.
    lab.fault("ctl1", "slow-stop", "tripleo_octavia_driver_agent", "5")
    result = tool.start(expect=1)
    explain(result, 1, WORKER, HOSTS[0], "active again")
    assert lab.spec() == spec, "nothing was enabled beside a running worker"
    assert tool.status()["phase"] == "Failed"
    tool.verify()
    lab("clear", "--soft", "ctl1")
    tool.rollback()
    assert lab.spec() == spec


# ---- the cluster -------------------------------------------------------------

def as_user(tool, name):
    tool.env["KUBECONFIG"] = tool.kubeconfig(name)


def test_read_only_user(lab, tool):
    as_user(tool, "viewer")
    result = tool.start(expect=1)
    explain_role(result)
    assert lab.units() == lab.pristine


def explain_role(result):
    assert "kind: Role" in result.err and "openstackcontrolplanes" in result.err, result
    assert "viewer" in result.err or "user" in result.err, result


@pytest.mark.parametrize("user", ["expired-token", "wrong-token"])
def test_not_logged_in(lab, tool, user):
    as_user(tool, user)
    refused(lab, tool, ("Unauthorized", "oc login"))


@pytest.mark.parametrize("variant, code, words", [
    ("none", 1, ("OpenStackControlPlane", "openstack")),
    ("two", 2, ("OpenStackControlPlane", "--control-plane")),
])
def test_which_control_plane(lab, tool, variant, code, words):
    lab("plane", variant)
    tool.config = None
    tool.env.update({"CONTROLLER%d_SSH" % (i + 1): "ssh -F %s/ssh/config ctl%d" % (lab.dir, i + 1) for i in range(3)})
    mark = lab.mark()
    explain(tool.start(expect=code), code, *words)
    assert [e for e in lab.audit(mark) if e["verb"] in WRITES] == []


def test_no_attachment(lab, tool):
    lab.kube.delete(NAD)
    refused(lab, tool, ("networkattachmentdefinition/octavia",))


def test_secret_with_other_content(lab, tool):
    body = {"apiVersion": "v1", "kind": "Secret", "metadata": {"name": "octavia-ca-passphrase"},
            "data": {"server-ca-passphrase": base64.b64encode(b"somebody's").decode()}}
    lab.kube.create(SECRETS, body)
    refused(lab, tool, ("secret/octavia-ca-passphrase", "server-ca-passphrase"))
    assert lab.secret("octavia-ca-passphrase")["data"] == body["data"]
    lab.kube.delete(SECRETS + "/octavia-ca-passphrase")
    goes_on(lab, tool)


def test_heartbeat_key(lab, tool):
    other = base64.b64encode(b"another key").decode()
    lab.kube.merge(OSP_SECRET, {"data": {"OctaviaHeartbeatKey": other}})
    refused(lab, tool, ("heartbeat-key", "--accept heartbeat-key"))
    tool.start("--accept", "heartbeat-key", expect=0)
    assert lab.secret("osp-secret")["data"]["OctaviaHeartbeatKey"] != other
    assert lab.secret("octavia-adopt-backup")["data"] == {"OctaviaHeartbeatKey": other}
    tool.rollback()
    assert lab.secret("osp-secret")["data"]["OctaviaHeartbeatKey"] == other
    assert lab.secret("octavia-adopt-backup") is None
    tool.verify()


def test_unmapped_nic(lab, tool):
    lab("plane", "unmapped")
    spec = lab.spec()
    refused(lab, tool, ("ovn-gateway", "--accept ovn-gateway"))
    tool.start("--accept", "ovn-gateway", expect=0)
    plane = lab.kube.get(PLANE)
    assert plane["spec"]["ovn"]["template"]["ovnController"]["nicMappings"] == {"octavia": "octbr"}
    assert plane["spec"]["ovn"]["template"]["ovnController"]["networkAttachment"] == "tenant"
    tool.rollback()
    assert lab.spec() == spec


def test_missing_amphora_image(lab, tool):
    with_config(tool, "amphoraImageContainerImage", "template: {}, amphoraImageContainerImage")
    text = tool.config.read_text()
    tool.config.write_text("\n".join(line for line in text.splitlines() if not line.startswith("octavia:")) + "\n")
    refused(lab, tool, ("amphora-image", "--accept amphora-image"))


def test_guards_are_named(lab, tool):
    spec, units, mark = lab.spec(), lab.units(), lab.mark()
    explain(tool.run("start", "-y", *UNTIL, expect=1), 1, ACCEPT[1], ACCEPT[3])
    assert lab.spec() == spec and lab.units() == units and lab.writes(mark) == []


# ---- the operator ------------------------------------------------------------

def test_operator_never_ready(lab, tool):
    lab.knob(never_ready=["octavia"])
    explain(tool.start("--step-timeout", "6s", expect=1), 1, "Octavia/octavia", "last seen", "rollback")
    assert tool.status()["phase"] == "Failed"
    lab.knob()
    goes_on(lab, tool)


def test_operator_reports_an_error(lab, tool):
    """An error that heals is waited for; one that stays two minutes ends the wait."""
    lab.knob(error={"octavia": "the amphora image can't be pulled"})
    explain(tool.start(expect=1), 1, "the amphora image can't be pulled", "rollback")
    tool.verify()
    lab.knob()
    goes_on(lab, tool)


def test_error_that_heals(lab, tool):
    lab.knob(error={"octavia": "for a moment"}, error_for=4)
    goes_on(lab, tool)


def test_old_ready_is_not_believed(lab, tool):
    lab.knob(stale_ready=4, octavia_delay=6)
    mark = lab.mark()
    goes_on(lab, tool)
    octavia = lab.kube.get("/apis/octavia.openstack.org/v1beta1/namespaces/openstack/octavias/octavia")
    assert octavia["status"]["observedGeneration"] == octavia["metadata"]["generation"]
    assert octavia["status"]["workerreadyCount"] == 3
    patched = [e for e in lab.audit(mark) if e["verb"] == "patch" and "dryRun" not in e["requestURI"] and
               e["objectRef"]["resource"] == "openstackcontrolplanes"]
    assert len(patched) == 1


# ---- usage -------------------------------------------------------------------

@pytest.mark.parametrize("text, words", [
    ("apiVersion: octavia-adopt/v1\nkind: AdoptionConfig\nredis: {enabeld: auto}\n", (":3:18:", "enabeld", "enabled")),
    ("apiVersion: octavia-adopt/v1\nkind: AdoptionConfig\ncontrollers: none\n", (":3:14:", "controllers")),
    ("apiVersion: octavia-adopt/v2\nkind: AdoptionConfig\n", (":1:13:", "octavia-adopt/v1")),
    ("{", ("line",)),
], ids=["unknown-key", "wrong-type", "version", "no-yaml"])
def test_configuration(lab, tool, text, words):
    tool.config = tool.folder / "broken.yaml"
    tool.config.write_text(text)
    result = tool.start(expect=2)
    for word in words + ("broken.yaml",):
        assert word in result.err, result


def test_errors_as_json_lines(lab, tool):
    """The last line is always the result, also of a start that may not begin."""
    lab.kube.delete(NAD)
    result = tool.start("-o", "json", expect=1)
    last = json.loads(result.out.splitlines()[-1])
    assert (last["event"], last["state"]) == ("result", "Failed")
    assert "networkattachmentdefinition/octavia" in last["message"]
