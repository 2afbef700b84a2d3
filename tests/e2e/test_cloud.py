# SPDX-License-Identifier: Apache-2.0
"""With a real Keystone and Octavia: every step there, re-pointing back, drain."""
import json
import re
import time

import journal
from cloud import TIMEOUT
from lab import OCTAVIA, PLANE, wait_for
from test_main import assert_as_before, assert_order

OLD = ["172.28.0.11:5555", "172.28.0.12:5555", "172.28.0.13:5555"]


def managers(lab):
    data = lab.kube.get("/api/v1/namespaces/openstack/configmaps/octavia-hmport-map")["data"]
    return sorted(v + ":5555" for k, v in data.items() if k.startswith("hm_"))


def guard_texts(plane):
    return re.findall(r"# octavia-adopt begin ([a-z-]+)", json.dumps(plane["spec"]["octavia"]["template"]))


def assert_reports(cloud, lab, ids):
    """Each of these has the new list in its file, and is heard by the new health manager."""
    agents, new = cloud.simulated(), managers(lab)
    for amphora in ids:
        assert agents[amphora]["managers"] == agents[amphora]["sent_to"] == new, (amphora, agents[amphora])
    wait_for("heartbeats of all", 3 * TIMEOUT, lambda: all(cloud.ages().get(a, 99) < TIMEOUT for a in ids))


def test_the_whole_adoption(lab, cloud, tool):
    cloud.seed("full")
    before, agents = cloud.load_balancers(), cloud.simulated()
    assert all(a["managers"] == OLD for a in agents.values())
    began = time.time()
    waiting = tool.cloud_start(expect=3)
    assert "no automatic failover since" in waiting.message, waiting
    # The unfixed are found out by their silence, and left to reconcile.
    unfixed = before["lb3"]["amphorae"] + before["lb11"]["amphorae"]
    statuses = cloud.statuses()
    assert {statuses[a] for a in unfixed} == {"FAILOVER_STOPPED"}
    assert not cloud.failovers(began)
    # Pairs of the fixed image; a push would make pairs of lone ones, so that these are not touched.
    fine = [a for name in ("lb1", "lb6", "lb8", "lb10") for a in before[name]["amphorae"]]
    assert_reports(cloud, lab, fine)
    pushed = set(cloud.pushes(began))
    assert not pushed & {a for lb in before.values() if lb["topology"] == "SINGLE" for a in lb["amphorae"]
                         if a not in unfixed}
    status = tool.status()
    counted = cloud.sql("SELECT provisioning_status, COUNT(*) FROM load_balancer "
                        "WHERE COALESCE(provider,'') <> 'ovn' GROUP BY 1")
    assert status["loadBalancers"]["byProvisioningStatus"] == {k: int(v) for k, v in counted}
    assert status["loadBalancers"]["skipped"] == sum(lb["provider"] == "ovn" for lb in before.values())
    assert any(n["count"] for n in status["neededBy"])
    # One that falls silent after the run is found by the next status: it is not the journal that is asked.
    cloud.set(fine[0], "way_back=0")
    wait_for("its silence", 5 * TIMEOUT, lambda: cloud.statuses()[fine[0]] == "FAILOVER_STOPPED")
    needed = tool.status()["neededBy"]
    assert any(fine[0] in json.dumps(n) for n in needed), needed
    cloud.set(fine[0], "way_back=1")
    wait_for("its return", 5 * TIMEOUT, lambda: cloud.statuses()[fine[0]] == "ALLOCATED")

    cloud.data_plane(True)
    tool.cloud_start(expect=0)
    after = cloud.load_balancers()
    for name, lb in after.items():
        if lb["provider"] == "ovn":
            assert lb == before[name], name
        else:
            assert lb["provisioning"] == "ACTIVE", (name, lb)
    assert not set(unfixed) & set(cloud.statuses())
    assert [len(after[n]["amphorae"]) for n in ("lb3", "lb11")] == [2, 1]
    kept = {a for a in fine if a in cloud.statuses()}
    assert kept == set(fine), "what had been re-pointed was failed over"
    assert max(cloud.failovers(began).values()) == 1
    assert_reports(cloud, lab, [a for lb in after.values() for a in lb["amphorae"]])
    assert set(guard_texts(lab.kube.get(PLANE))) == {"topology"}
    status = tool.status()
    assert status["phase"] == "Complete", status
    guards = {g["name"]: g["state"] for g in status["guards"]}
    assert {guards[n] for n in ("mass-failover", "cert-rotation", "tenant-writes")} == {"lifted"}
    assert guards["topology"] == "on"
    tool.verify()
    # Plain git tells the story of one amphora.
    amphora = fine[0]
    log = journal.git(tool.journal, "log", "--format=%s", "-S" + amphora, "main").decode()
    assert "update-amphorae" in log, log
    assert "update-amphorae" in journal.git(tool.journal, "log", "--stat", "main").decode()


def test_back_before_any_failover(lab, cloud, tool):
    cloud.seed("clean", "4")
    spec, units, pcs = lab.spec(), lab.units(), lab.pcs()
    agents = list(cloud.simulated())
    tool.cloud_start(expect=3)
    assert_reports(cloud, lab, agents)
    mark = lab.mark()
    tool.cloud_rollback()
    for amphora in cloud.simulated().values():
        assert amphora["managers"] == amphora["sent_to"] == OLD, amphora
    began = time.time()
    wait_for("the old health managers to hear them again", 3 * TIMEOUT,
             lambda: cloud.heard_by_the_old(began) == set(agents))
    assert lab.kube.get(OCTAVIA) is None
    assert_order(lab, mark)
    assert_as_before(lab, tool, spec, units, pcs)


def test_back_is_refused_after_a_failover(lab, cloud, tool):
    cloud.seed("clean", "2")
    cloud.set("lb:lb1", "fixed=0")
    cloud.data_plane(True)
    tool.cloud_start(expect=0)
    refused = tool.cloud_rollback(expect=1)
    assert "rollback-after-failover" in refused.message, refused
    assert lab.kube.get(OCTAVIA) is not None
    tool.cloud_rollback("--to", "reconcile")
    assert set(guard_texts(lab.kube.get(PLANE))) >= {"mass-failover", "cert-rotation", "tenant-writes"}
    back = tool.cloud_rollback("--accept", "rollback-after-failover")
    assert "health" in back.out + back.err
    units = lab.octavia_units()
    for ctl in ("ctl1", "ctl2", "ctl3"):
        assert units[ctl, "tripleo_octavia_health_manager"] == ("inactive", "enabled")
        assert units[ctl, "tripleo_octavia_worker"] == ("active", "enabled")
