# SPDX-License-Identifier: Apache-2.0
"""What can go wrong with amphorae, workers and the API: the run ends in the
right state or stops with the list, and no failover is sent twice."""
import base64
import re
import subprocess
import threading
import time

import pytest

import journal
from cloud import Tenant
from lab import CONTROLLERS, PLANE, SECRETS, wait_for
from test_kill import wait_commit


def assert_all_well(cloud, tool, began):
    """All ACTIVE, all reporting here, each failed over at most once."""
    lbs = cloud.load_balancers()
    assert {lb["provisioning"] for lb in lbs.values()} == {"ACTIVE"}, lbs
    assert set(cloud.statuses().values()) == {"ALLOCATED"}
    assert all(n == 1 for n in cloud.failovers(began).values()), cloud.failovers(began)
    assert tool.status()["phase"] == "Complete"
    tool.verify()


def later(seconds, do):
    timer = threading.Timer(seconds, do)
    timer.start()
    return timer


def test_wrong_ca_touches_nothing(cloud, tool):
    cloud.seed("clean", "3")
    cloud.set("all", "ca=wrong")
    began = time.time()
    refused = tool.cloud_start(expect=1)
    assert "amphora-reachability" in refused.message, refused
    assert not cloud.pushes(began)
    assert not any(a["counts"].get("config") for a in cloud.simulated().values())
    # The canary is not proved: all is left to reconcile, which waits for the data plane.
    canary = tool.cloud_start("--accept", "amphora-reachability", expect=3)
    assert sum(cloud.pushes(began).values()) == 1, canary
    assert not cloud.failovers(began)


more = pytest.mark.more


@pytest.mark.parametrize("spoilt", ["reachable=0", pytest.param("way_back=0", marks=more),
                                    pytest.param("fixed=0", marks=more), pytest.param("dies_on=2", marks=more)])
def test_one_amphora_is_spoilt(cloud, tool, spoilt):
    """The others are re-pointed, its load balancer is failed over, once."""
    cloud.seed("clean", "4")
    # Not the canary, which is the first BACKUP: without its proof nothing else of its image is pushed.
    spoilt_one, owner = cloud.sql("SELECT id, load_balancer_id FROM amphora WHERE role = 'BACKUP' ORDER BY id")[-1]
    [bad] = [lb["amphorae"] for lb in cloud.load_balancers().values() if lb["id"] == owner]
    good = set(cloud.statuses()) - set(bad)
    cloud.set(spoilt_one, spoilt)
    cloud.data_plane(True)
    began = time.time()
    first = tool.run("start", "-y", timeout=900)
    assert first.code in (0, 1), first
    if first.code == 1:
        tool.cloud_start()
    assert good <= set(cloud.statuses()), "nothing but the spoilt one was replaced"
    assert not set(bad) & set(cloud.statuses())
    assert set(cloud.failovers(began)) == {owner}
    assert_all_well(cloud, tool, began)


@pytest.mark.parametrize("down, up, seconds", [
    pytest.param(("worker-down",), ("worker-up",), 4, id="worker"),
    pytest.param(("rabbit-down",), ("rabbit-up",), 4, id="rabbit", marks=more),
    pytest.param(("api-503", "20"), None, 0, id="503", marks=more),
    pytest.param(("token-seconds", "75"), ("token-seconds", "3600"), 100, id="token", marks=more)])
def test_something_is_away_for_a_while(cloud, tool, down, up, seconds):
    cloud.seed("clean", "6")
    cloud.data_plane(True)
    began = time.time()
    process = tool.popen("start", "-y")
    wait_commit(tool, process, r"update-amphorae: 001 [^:]*: done$", None)
    cloud.fault(*down)
    timer = later(seconds, lambda: cloud.fault(*up)) if up else None
    result = tool.finish(process, timeout=600)
    if timer:
        timer.join()
    for _ in range(3):
        if result.code == 0:
            break
        assert result.code in (1, 3), result
        result = tool.run("start", "-y", timeout=900)
    assert result.code == 0, result
    assert_all_well(cloud, tool, began)


@more
def test_a_load_balancer_is_busy(cloud, tool):
    cloud.seed("clean", "3")
    cloud.data_plane(True)
    lb = cloud.load_balancers()["lb2"]
    process = tool.popen("start", "-y")
    wait_commit(tool, process, r"endpoints: Done$", None)
    cloud.change("UPDATE load_balancer SET provisioning_status='PENDING_UPDATE' WHERE id='%s'" % lb["id"])
    later(8, lambda: cloud.change("UPDATE load_balancer SET provisioning_status='ACTIVE' WHERE id='%s'" % lb["id"]))
    began = time.time()
    result = tool.finish(process, timeout=600)
    if result.code != 0:
        tool.cloud_start()
    assert not cloud.failovers(began)
    assert_all_well(cloud, tool, began)


def test_one_goes_another_comes(cloud, tool):
    cloud.seed("clean", "6")
    cloud.data_plane(True)
    lb = cloud.load_balancers()["lb5"]
    began = time.time()
    process = tool.popen("start", "-y")
    wait_commit(tool, process, r"update-amphorae: 001 [^:]*: done$", None)
    admin = Tenant(cloud.lab, "default")
    assert admin.call("DELETE", "/v2/lbaas/loadbalancers/%s?cascade=true" % lb["id"])[0] == 204
    assert admin.call("POST", "/v2/lbaas/loadbalancers", {"loadbalancer": {
        "name": "new", "vip_subnet_id": "11111111-2222-4333-8444-555555555555"}})[0] == 201
    result = tool.finish(process, timeout=600)
    if result.code != 0:
        tool.cloud_start()
    wait_for("the new one to be ACTIVE", 60, lambda: cloud.load_balancers()["new"]["provisioning"] == "ACTIVE")
    assert "lb5" not in [n for n, b in cloud.load_balancers().items() if b["provisioning"] != "DELETED"]
    assert not cloud.failovers(began)


def newer_in_the_source(cloud):
    """The one row that the copy has not, or has otherwise."""
    for table in ("load_balancer", "listener", "pool", "member"):
        rows = [{tuple(r) for r in cloud.sql("SELECT id, COALESCE(updated_at, '') FROM " + table, which)}
                for which in ("source", "copy")]
        for row in rows[0] - rows[1]:
            return table, row[0]
    raise AssertionError("the databases are equal")


def test_an_old_copy(lab, cloud, tool):
    cloud.seed("clean", "3")
    cloud.fault("db-row")
    waiting = tool.cloud_start(expect=3)
    table, row = newer_in_the_source(cloud)
    assert table in waiting.message and row in waiting.message, waiting
    assert lab.kube.get(PLANE)["spec"]["octavia"]["enabled"] is False
    lab("db", "copy")
    cloud.data_plane(True)
    tool.cloud_start()


def test_killed_while_failing_over(cloud, tool):
    """Each load balancer's failover is sent once, however often the run is killed."""
    cloud.seed("clean", "6")
    cloud.set("all", "fixed=0")
    cloud.data_plane(True)
    before = {lb["id"]: lb["amphorae"] for lb in cloud.load_balancers().values()}
    began = time.time()
    pause = 0.3
    for _ in range(40):
        process = tool.popen("start", "-y")
        try:
            wait_commit(tool, process, r"reconcile: (\d+|Running)", None)
            process.wait(pause)
        except AssertionError:
            pass
        except Exception:
            process.kill()
        pause += 0.4
        if tool.finish(process).code == 0:
            break
    tool.run("start", "-y", timeout=900)
    for lb in cloud.load_balancers().values():
        assert not set(lb["amphorae"]) & set(before[lb["id"]]), lb
    assert cloud.failovers(began).keys() == before.keys()
    assert_all_well(cloud, tool, began)


ODD = "a=b c'd\"e%f"


def test_keys_arrive_byte_for_byte(lab, cloud, tool):
    """With an odd passphrase; and another heartbeat key that stands there already."""
    for ctl in CONTROLLERS:
        etc = lab.dir / "machines" / ctl / "root/var/lib/config-data/puppet-generated/octavia/etc/octavia"
        conf, key = etc / "octavia.conf", etc / "certs/private/cakey.pem"
        if ctl == CONTROLLERS[0]:
            plain = subprocess.run(["openssl", "rsa", "-in", key, "-passin", "pass:" + passphrase(conf)],
                                   capture_output=True, check=True).stdout
            locked = subprocess.run(["openssl", "rsa", "-aes256", "-passout", "pass:" + ODD], input=plain,
                                    capture_output=True, check=True).stdout
        conf.write_text(conf.read_text().replace("passphrase=" + passphrase(conf), "passphrase = " + ODD))
        key.write_bytes(locked)
    secret = lab.secret("osp-secret")
    theirs = base64.b64decode(secret["data"]["OctaviaHeartbeatKey"])
    lab.kube.merge(SECRETS + "/osp-secret", {"data": {"OctaviaHeartbeatKey": b64(b"another-key")}})
    refused = tool.cloud_start("--until", "trust", expect=1)
    assert "heartbeat-key" in refused.message and b"another-key".decode() not in refused.out + refused.err
    assert lab.secret("octavia-ca-passphrase") is None
    tool.cloud_start("--until", "trust", "--accept", "heartbeat-key")
    data = {k: base64.b64decode(v) for k, v in lab.secret("octavia-certs-secret")["data"].items()}
    assert base64.b64decode(lab.secret("octavia-ca-passphrase")["data"]["server-ca-passphrase"]) == ODD.encode()
    assert base64.b64decode(lab.secret("osp-secret")["data"]["OctaviaHeartbeatKey"]) == theirs
    assert base64.b64decode(lab.secret("octavia-adopt-backup")["data"]["OctaviaHeartbeatKey"]) == b"another-key"
    certs = etc / "certs"
    assert data["server_ca.cert.pem"] == data["client_ca.cert.pem"] == (certs / "ca_01.pem").read_bytes()
    assert data["server_ca.key.pem"] == locked
    assert data["client.cert-and-key.pem"] == (certs / "client.pem").read_bytes()
    assert ODD.encode() not in journal.objects(tool.journal)
    lab("clear", timeout=300)


def passphrase(conf):
    return re.search(r"^ca_private_key_passphrase ?= ?(.*)$", conf.read_text(), re.M).group(1)


def b64(data):
    return base64.b64encode(data).decode()
