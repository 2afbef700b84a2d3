# SPDX-License-Identifier: Apache-2.0
"""The whole way there and back: start, status, rollback."""
import subprocess

import pytest
import yaml

import journal
from lab import CONTROLLERS, LEASE, OCTAVIA, PLANE, REDIS, STOPPED, canonical, seconds_of, wait_for
from tool import errors

NEIGHBOURS = ("tripleo_keystone", "tripleo_nova_api", "tripleo_neutron_api")
GUARDS_ON = {"mass-failover", "cert-rotation", "tenant-writes"}
SECRETS_MADE = ("octavia-ca-passphrase", "octavia-certs-secret", "octavia-adopt-backup")


def row(rows, key, value):
    return next(r for r in rows if r[key] == value)


def condition(obj, kind):
    return next((c["status"] for c in obj["status"]["conditions"] if c["type"] == kind), None)


def assert_adopted(lab, tool):
    """All that must be so after start ended with exit 3."""
    for (ctl, unit), state in lab.octavia_units().items():
        expected = ("inactive", "disabled") if unit in STOPPED else ("active", "enabled")
        assert state == expected, (ctl, unit, state)
    plane, octavia = lab.kube.get(PLANE), lab.kube.get(OCTAVIA)
    assert plane["spec"]["octavia"]["enabled"] is True
    assert condition(octavia, "Ready") == "True"
    assert octavia["status"]["observedGeneration"] == octavia["metadata"]["generation"]
    status = tool.status()
    assert status["phase"] == "InProgress"
    assert {g["name"] for g in status["guards"] if g["state"] == "on"} >= GUARDS_ON
    assert not errors(status) and status["lock"] is None
    tool.verify()


def assert_as_before(lab, tool, spec, units, pcs):
    assert lab.spec() == spec
    assert lab.units() == units
    assert lab.pcs()["resources"].keys() == pcs["resources"].keys()
    for name, resource in lab.pcs()["resources"].items():
        assert resource["disabled"] == pcs["resources"][name]["disabled"], name
        assert sorted(resource["roles"].values()) == sorted(pcs["resources"][name]["roles"].values()), name
    for name in SECRETS_MADE:
        assert lab.secret(name) is None, name
    assert lab.kube.get(LEASE) is None
    assert lab.kube.get(OCTAVIA) is None
    assert lab.octavia_pods() == []
    status = tool.status()
    assert status["phase"] == "RolledBack"
    assert not errors(status), status["errors"]
    tool.verify()


def planned(tool, plan, folder):
    """The control plane as the plan's diff makes it of the recorded one."""
    change = row(row(plan["steps"], "id", "enable-octavia")["changes"], "kind", "object")
    [before] = folder.glob("steps/060-enable-octavia/changes/*/*/before.yaml")
    target = tool.folder / change["target"]
    target.parent.mkdir(exist_ok=True)
    target.write_text(before.read_text())
    subprocess.run(["git", "apply", "-"], input=change["diff"], text=True, check=True, cwd=tool.folder)
    return yaml.safe_load(target.read_text())["spec"]


def assert_within(part, whole, path="spec"):
    """Each leaf of part is the same in whole."""
    if isinstance(part, dict):
        for key, value in part.items():
            assert key in whole, path + "." + key
            assert_within(value, whole[key], path + "." + key)
    else:
        assert part == whole, path


def assert_order(lab, mark):
    """The last pod of the new Octavia was gone before any old unit was started."""
    gone = [seconds_of(e["stageTimestamp"]) for e in lab.audit(mark, "")
            if e["verb"] == "delete" and e["objectRef"]["resource"] == "pods" and
            "gracePeriodSeconds=0" in e["requestURI"] and "octavia" in e["objectRef"]["name"]]
    started = [moment for moment, _, unit, event in lab.unit_log(mark)
               if event == "starting" and unit in STOPPED]
    assert gone and started
    assert max(gone) < min(started)
    log = [(unit, event) for _, _, unit, event in lab.unit_log(mark) if unit in STOPPED]
    first_manager = log.index(("tripleo_octavia_health_manager", "starting"))
    others = [i for i, (unit, event) in enumerate(log)
              if event == "starting" and unit != "tripleo_octavia_health_manager"]
    assert max(others) < first_manager


def assert_one_login(lab, mark):
    """One SSH connection to each controller, as their sshd saw it."""
    assert [len(lab.logins(ctl, mark)) for ctl in CONTROLLERS] == [1, 1, 1]


def test_there_and_back_twice(lab, tool):
    spec, units, pcs = lab.spec(), lab.units(), lab.pcs()
    assert tool.status()["phase"] == "NotStarted"
    plan = tool.plan()
    assert plan["ready"] and plan["controllers"]["state"] == "running"
    served = tool.start("--dry-run=server", "-o", "json", expect=0).json
    mark = lab.mark()
    tool.start()
    assert_one_login(lab, mark)
    assert_adopted(lab, tool)
    after = lab.kube.get(PLANE)["spec"]
    assert_within(planned(tool, plan, tool.journal), after)
    assert canonical(planned(tool, served, tool.journal)) == canonical(after)
    stop = row(plan["steps"], "id", "stop-director")["changes"]
    assert len(stop) == len(STOPPED) * len(CONTROLLERS)

    mark = lab.mark()
    tool.rollback()
    assert_one_login(lab, mark)
    assert_as_before(lab, tool, spec, units, pcs)
    assert_order(lab, mark)
    again = tool.rollback()
    assert "nothing to roll back" in again.out + again.err

    commits = journal.count(tool.journal)
    tool.start()
    assert_adopted(lab, tool)
    tool.rollback()
    assert_as_before(lab, tool, spec, units, pcs)
    assert journal.count(tool.journal) > commits


@pytest.mark.parametrize("variant", ["site-text", "site-text-bare"])
def test_site_text_and_units_stopped_before(lab, tool, variant):
    """Text of the site's own in each customServiceConfig, with and without a
    final newline; and the Director's units are only disabled, never started."""
    lab("plane", variant)
    lab.fault("all", "stopped")
    spec, units, pcs = lab.spec(), lab.units(), lab.pcs()
    mark = lab.mark()
    assert tool.plan()["controllers"]["state"] == "stopped"
    tool.start()
    template = lab.kube.get(PLANE)["spec"]["octavia"]["template"]
    for part in ("octaviaAPI", "octaviaWorker", "octaviaHealthManager", "octaviaHousekeeping"):
        text = template[part]["customServiceConfig"]
        assert text.startswith("[DEFAULT]\n# set by the site\ndebug = True\n"), part
        assert "workers = 2\n# octavia-adopt begin " in text, part
    for (_, unit), state in lab.octavia_units().items():
        assert state == ("inactive", "disabled" if unit in STOPPED else "enabled")
    done = tool.rollback()
    assert "systemctl start" in done.out + done.err
    assert lab.unit_log(mark) == []
    assert_as_before(lab, tool, spec, units, pcs)


def test_mixed_and_rewritten(lab, tool):
    """One controller was stopped by somebody, one unit was not enabled; the
    control plane holds the webhook's nulls already."""
    lab("plane", "rewritten")
    lab.fault("ctl2", "stopped")
    lab.fault("ctl3", "disabled", "tripleo_octavia_worker")
    spec, units, pcs = lab.spec(), lab.units(), lab.pcs()
    assert tool.plan()["controllers"]["state"] == "mixed"
    mark = lab.mark()
    tool.start()
    tool.rollback()
    assert_as_before(lab, tool, spec, units, pcs)
    assert not [e for e in lab.unit_log(mark) if e[1] == "ctl2"]


def test_neighbours_down(lab, tool):
    """Without the old Keystone, Nova and Neutron a health manager must not run."""
    lab.fault("all", "inactive", *NEIGHBOURS)
    spec, pcs = lab.spec(), lab.pcs()
    tool.start()
    held = tool.rollback(expect=3)
    assert "health" in held.out and "rollback" in held.out + held.err
    for (ctl, unit), state in lab.octavia_units().items():
        running = unit != "tripleo_octavia_health_manager"
        assert state == ("active" if running else "inactive", "enabled"), (ctl, unit)
    assert lab.spec() == spec
    assert tool.status()["phase"] == "Waiting"
    tool.rollback(expect=3)
    for ctl in CONTROLLERS:
        lab("exec", ctl, "systemctl", "start", *NEIGHBOURS)
    mark = lab.mark()
    tool.rollback()
    assert_as_before(lab, tool, spec, lab.pristine, pcs)
    assert {name for _, name in lab.writes(mark)} == {"leases/octavia-adopt-openstack"}


def test_redis(lab, tool):
    """Redis in the cluster, and the Director's stopped because that was asked for."""
    config = tool.folder / "redis.yaml"
    config.write_text(tool.config.read_text() + "redis: {stopDirector: true}\n")
    tool.config = config
    spec, units, pcs = lab.spec(), lab.units(), lab.pcs()
    refused = tool.start("--redis", "on", expect=1)
    assert "redis-users" in refused.message and "--accept redis-users" in refused.message
    tool.start("--redis", "on", "--accept", "redis-users")
    plane = lab.kube.get(PLANE)["spec"]["redis"]
    assert plane["enabled"] is True and plane["templates"]["octavia-redis"]["replicas"] == 1
    assert condition(lab.kube.get(REDIS + "/octavia-redis"), "Ready") == "True"
    assert lab.pcs()["resources"]["redis"]["disabled"] is True
    assert set(lab.pcs()["resources"]["redis"]["roles"].values()) <= {"Stopped"}
    assert lab.pcs()["resources"]["haproxy-lab"] == pcs["resources"]["haproxy-lab"]
    assert_adopted(lab, tool)
    tool.rollback()
    assert_as_before(lab, tool, spec, units, pcs)
    wait_for("Redis to go", 20, lambda: lab.kube.get(REDIS + "/octavia-redis") is None)
