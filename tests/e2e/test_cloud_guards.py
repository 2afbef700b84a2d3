# SPDX-License-Identifier: Apache-2.0
"""Each guard is needed: without it the real services do the harm, with it not."""
import time

import pytest

from cloud import TIMEOUT, Tenant
from lab import wait_for

ENABLED = ("--until", "endpoints")


@pytest.fixture(params=[True, False], ids=["on", "off"])
def guarded(request):
    return request.param


def enable(tool, guard, on):
    tool.cloud_start(*ENABLED, *(() if on else ("--accept", guard)))


def test_mass_failover(cloud, tool, guarded):
    cloud.seed("clean", "3")
    before = cloud.statuses()
    enable(tool, "mass-failover", guarded)
    if guarded:
        wait_for("their silence to be noticed", 3 * TIMEOUT,
                 lambda: set(cloud.statuses().values()) == {"FAILOVER_STOPPED"})
        time.sleep(TIMEOUT)
        assert cloud.statuses().keys() == before.keys()
    else:
        wait_for("amphorae that were failed over", 120, lambda: set(before) - set(cloud.statuses()))


def test_cert_rotation(cloud, tool, guarded):
    cloud.seed("clean", "2")
    cloud.change("UPDATE amphora SET cert_expiration = UTC_TIMESTAMP() + INTERVAL 3 DAY", "source")
    cloud.lab("db", "copy")
    cloud.set("lb:lb1", "reachable=0")
    spoilt = [a for a in cloud.load_balancers()["lb1"]["amphorae"]]
    enable(tool, "cert-rotation", guarded)
    busy = "SELECT COUNT(*) FROM amphora WHERE cert_busy AND id IN ('%s')" % "','".join(spoilt)
    if guarded:
        time.sleep(20)
        assert cloud.sql(busy) == [["0"]]
        assert not any(a["counts"].get("certificate") for a in cloud.simulated().values())
    else:
        wait_for("spoilt certificates", 120, lambda: int(cloud.sql(busy)[0][0]) > 0)


def test_topology(cloud, tool, guarded):
    """A push by anybody writes what the worker is configured with."""
    cloud.seed("clean", "1")
    enable(tool, "topology", guarded)
    admin = Tenant(cloud.lab, "default")
    [lb] = cloud.load_balancers().values()
    assert lb["topology"] == "ACTIVE_STANDBY"
    amphora = lb["amphorae"][0]
    assert admin.call("PUT", "/v2/octavia/amphorae/%s/config" % amphora)[0] == 202
    wait_for("the push", 30, lambda: cloud.simulated()[amphora]["counts"].get("config"))
    topology = cloud.simulated()[amphora]["topology"]
    assert topology == ("ACTIVE_STANDBY" if guarded else "SINGLE")


def test_tenant_writes(cloud, tool, guarded):
    cloud.seed("full")
    enable(tool, "tenant-writes", guarded)
    wait_for("their silence to be noticed", 3 * TIMEOUT, lambda: "FAILOVER_STOPPED" in cloud.statuses().values())
    member = Tenant(cloud.lab, "member")
    pools = member.call("GET", "/v2/lbaas/pools")[1]["pools"]
    lbs = {lb["id"]: lb for lb in cloud.load_balancers().values()}
    pool = next(p for p in pools if lbs[p["loadbalancers"][0]["id"]]["provider"] == "amphora" and
                lbs[p["loadbalancers"][0]["id"]]["provisioning"] == "ACTIVE")
    lb = pool["loadbalancers"][0]["id"]
    status, answer = member.call("POST", "/v2/lbaas/pools/%s/members" % pool["id"], {"member": {
        "address": "192.168.77.5", "protocol_port": 80, "subnet_id": "11111111-2222-4333-8444-555555555555"}})
    if guarded:
        assert status == 403, answer
        return
    assert status == 201, answer
    wait_for("it to be ACTIVE", 60, lambda: member.call("GET", "/v2/lbaas/loadbalancers/" + lb)[1]
             ["loadbalancer"]["provisioning_status"] == "ACTIVE")
    agents = cloud.simulated()
    assert not any(agents[a]["plugs"] for a in lbs[lb]["amphorae"]), "it reads ACTIVE, and no agent was told"
