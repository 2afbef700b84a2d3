# SPDX-License-Identifier: Apache-2.0
"""A broken network before Keystone and before Octavia: what can't be read is
named, what is asked for is asked for once.

E2E_ALL=1 tries every fault at every place; else none: these need minutes.
"""
import json
import re
import time

import pytest
import yaml

from cloud import configure
from test_cloud_faults import assert_all_well
from test_network_faults import FAULTS, HARMLESS, HttpsProxy, Lost, is_clear, spoil

pytestmark = pytest.mark.more
PORTS = {"keystone": 5000, "octavia": 9876}
SECTIONS = {"loadBalancers", "amphorae"}
# Also tried for the first two requests only.
AGAIN = ("dropped", "lost", "cut", "busy")


class Ways:
    """A proxy before each service; Keystone's catalog leads to Octavia's."""

    def __init__(self, lab, tool):
        pki = lab.dir / "pki"
        self.tool = tool
        self.clouds = yaml.safe_load((lab.dir / "openstack/clouds.yaml").read_text())["clouds"]
        url = self.clouds["default"]["auth"]["auth_url"]
        host = re.match(r"https://([^:/]+)", url).group(1)
        self.proxies = {name: HttpsProxy("%s:%d" % (host, port), pki / "kube-serving.crt", pki / "kube-serving.key")
                        for name, port in PORTS.items()}
        self["keystone"].replaced = {
            ("%s:%d" % (host, port)).encode(): b"127.0.0.1:%d" % self[name].port for name, port in PORTS.items()}
        self.clouds["default"]["auth"]["auth_url"] = url.replace(host + ":5000", "127.0.0.1:%d" % self["keystone"].port)
        files = tool.folder / "clouds.yaml"
        files.write_text(yaml.safe_dump({"clouds": self.clouds}))
        tool.env["OS_CLIENT_CONFIG_FILE"] = str(files)
        configure(tool, openstack={"cloud": "default"})

    def __getitem__(self, name):
        return self.proxies[name]

    def close(self):
        for proxy in self.proxies.values():
            proxy.listener.close()


@pytest.fixture
def ways(lab, cloud, tool):
    ways = Ways(lab, tool)
    yield ways
    ways.close()


@pytest.fixture
def adopted(cloud, tool):
    """Octavia answers only once it is enabled."""
    cloud.seed("clean", "3")
    tool.cloud_start("--until", "enable-octavia")


def sections(result):
    """What status could not read."""
    return {e["section"] for e in result.json["errors"]}


@pytest.mark.parametrize("service", PORTS)
def test_reads(lab, cloud, tool, adopted, ways, service, record_property):
    """Every answer spoilt: status says what it could not read, and why; two of
    them spoilt: all is there, or the same. None hangs."""
    assert not sections(tool.run("status", "-o", "json", expect=0)) & SECTIONS
    assert ways[service].seen
    for name in FAULTS:
        spoil(ways[service], name, r"\S+ /")
        begun = time.monotonic()
        # Only what hangs needs an end; what is slow must not have one.
        patience = "60s" if name in HARMLESS else "5s"
        result = tool.run("status", "-o", "json", "--request-timeout", patience, timeout=180)
        assert time.monotonic() - begun < 150, (name, result)
        assert ways[service].hits, name
        assert bool(sections(result) & SECTIONS) == (name not in HARMLESS), (name, result)
        is_harmless(result)
        ways[service].clear()
        if name in AGAIN:
            spoil(ways[service], name, r"\S+ /", count=2)
            is_harmless(tool.run("status", "-o", "json", "--request-timeout", "5s", timeout=90))
            ways[service].clear()
        ways[service].hits.clear()
    record_property("tried", len(FAULTS) + len(AGAIN))
    assert not sections(tool.run("status", "-o", "json", expect=0)) & SECTIONS


def is_harmless(result):
    assert result.code in (0, 1), result
    assert "\x1b" not in result.out + result.err and "\x07" not in result.out + result.err, result
    assert len(json.dumps(result.json["errors"])) < 8192, result


@pytest.mark.parametrize("service", PORTS)
@pytest.mark.parametrize("cert, words", [("kube-expired-serving", "expired"), ("kube-wrong-name", "127.0.0.1")])
def test_certificates(lab, cloud, tool, adopted, ways, service, cert, words):
    pki = lab.dir / "pki"
    ways[service].use(pki / (cert + ".crt"), pki / (cert + ".key"))
    ways[service].seen.clear()
    result = tool.cloud_start(expect=1)
    is_clear(result)
    assert words in result.message and "certificate" in result.message, result
    assert not [s for s in ways[service].seen if not s.startswith("connection")]


def test_latency(lab, cloud, tool, ways):
    cloud.seed("clean", "2")
    cloud.data_plane(True)
    for name in PORTS:
        ways[name].latency = 0.15
    began = time.time()
    tool.cloud_start()
    assert_all_well(cloud, tool, began)


PUSH, FAILOVER = r"PUT .*/octavia/amphorae/\S+/config", r"PUT .*/lbaas/loadbalancers/\S+/failover"


@pytest.mark.parametrize("name", [n for n in FAULTS if getattr(FAULTS[n], "at", "") != "connection"])
def test_writes(lab, cloud, tool, ways, name):
    """The first push and the first failover get no good answer: both are looked
    for, no load balancer is failed over twice, and no amphora that works."""
    cloud.seed("clean", "3")
    spoilt, owner = cloud.sql("SELECT id, load_balancer_id FROM amphora WHERE role = 'BACKUP' ORDER BY id")[-1]
    cloud.set(spoilt, "reachable=0")
    cloud.data_plane(True)
    spoil(ways["octavia"], name, PUSH, count=1)
    spoil(ways["octavia"], name, FAILOVER, count=1)
    began = time.time()
    for _ in range(4):
        result = tool.run("start", "-y", "--request-timeout", "20s", timeout=900)
        assert result.code in (0, 1, 3), result
        if result.code == 0:
            break
        is_clear(result)
    assert result.code == 0, result
    assert len(ways["octavia"].hits) == 2, ways["octavia"].hits
    failovers = cloud.failovers(began)
    assert owner in failovers and set(failovers.values()) == {1}, failovers
    assert_all_well(cloud, tool, began)


def test_token_lost(lab, cloud, tool, ways):
    """Keystone does it, its answers get lost for a while; then the run goes on."""
    cloud.seed("clean", "2")
    cloud.data_plane(True)
    ways["keystone"].fault(Lost(), match="POST .*/auth/tokens", count=1)
    tool.run("start", "-y", timeout=900)
    assert ways["keystone"].hits
    began = time.time()
    tool.cloud_start()
    assert_all_well(cloud, tool, began)
