# SPDX-License-Identifier: Apache-2.0
"""Step finalize: what the Director left goes, and comes back as far as it can."""
import json

import pytest

import journal
from cloud import Tenant
from lab import CONTROLLERS

IFCFG = "etc/sysconfig/network-scripts/ifcfg-o-hm0"
HA = "octavia_amphora-mvcpu-ha"
NET = "lb-mgmt-net"


class Leftovers:
    """What Nova, Neutron and Octavia have, as an administrator sees it."""

    def __init__(self, lab):
        self.lab, self.admin = lab, Tenant(lab, "default")

    def ask(self, port, path, method="GET", body=None):
        answer, found = self.admin.send(port, method, path, body, {
            "X-Auth-Token": self.admin.token, "OpenStack-API-Version": "compute 2.61"})
        assert answer.status < 300 or answer.status == 404, (path, answer.status, found)
        return found

    def flavors(self):
        return {f["name"]: f for f in self.ask(8774, "/v2.1/flavors/detail?is_public=None")["flavors"]}

    def access(self, flavor):
        return self.ask(8774, "/v2.1/flavors/%s/os-flavor-access" % flavor)["flavor_access"]

    def networks(self):
        return {n["id"]: n for n in self.ask(9696, "/v2.0/networks?name=" + NET)["networks"]}

    def subnets(self, network):
        return self.ask(9696, "/v2.0/subnets?network_id=" + network)["subnets"]

    def ports(self, network):
        return {p["id"]: p for p in self.ask(9696, "/v2.0/ports?network_id=" + network)["ports"]}

    def octavia(self, what):
        return {f["name"]: f for f in self.admin.call("GET", "/v2/lbaas/" + what)[1][what]}

    def make_flavor(self):
        """As the Director's documentation does; both of Octavia's and the one of Nova's."""
        nova = self.ask(8774, "/v2.1/flavors", "POST", {"flavor": {
            "name": HA, "id": "mvcpu", "ram": 4096, "vcpus": 4, "disk": 3, "os-flavor-access:is_public": True}})
        self.lab.touch()
        status, profile = self.admin.call("POST", "/v2/lbaas/flavorprofiles", {"flavorprofile": {
            "name": HA + "_profile", "provider_name": "amphora",
            "flavor_data": json.dumps({"compute_flavor": nova["flavor"]["id"]})}})
        assert status == 201, profile
        status, flavor = self.admin.call("POST", "/v2/lbaas/flavors", {"flavor": {
            "name": HA, "flavor_profile_id": profile["flavorprofile"]["id"], "enabled": True}})
        assert status == 201, flavor


def files(lab):
    return {c: (lab.dir / "machines" / c / "root" / IFCFG).read_bytes() for c in CONTROLLERS}


def modes(lab):
    found = {}
    for c in CONTROLLERS:
        stat = (lab.dir / "machines" / c / "root" / IFCFG).stat()
        found[c] = (oct(stat.st_mode), stat.st_uid, stat.st_gid)
    return found


def the_old(left):
    old, = [n for n in left.networks().values() if not n["description"]]
    return old


@pytest.fixture
def adopted(lab, cloud, tool):
    """A whole adoption, with everything re-pointed: amphorae of before live on."""
    cloud.seed("clean", "2")
    cloud.data_plane(True)
    result = tool.cloud_start(expect=0)
    assert "finalize" in result.out + result.err
    left = Leftovers(lab)
    left.make_flavor()
    return left


def test_there_and_back(lab, cloud, tool, adopted):
    left, before, content, mode = adopted, cloud.load_balancers(), files(lab), modes(lab)
    old, ours = the_old(left), left.networks()
    flavor, subnet = left.flavors()["octavia_65"], left.subnets(the_old(left)["id"])
    assert any(p["device_owner"] == "compute:nova" for p in left.ports(old["id"]).values())
    # Nothing without the flag, and with it everything is said first.
    plan = tool.run("plan", "-o", "json", "--finalize", expect=0).json
    step, = [s for s in plan["steps"] if s["id"] == "finalize"]
    assert "still somebody's" in json.dumps(step), step
    reconcile, = [s for s in plan["steps"] if s["id"] == "reconcile"]
    assert reconcile["counts"]["irreversible"] == len(before), reconcile

    tool.cloud_start("--finalize", expect=0)
    after = cloud.load_balancers()
    for name, lb in after.items():
        assert lb["provisioning"] == "ACTIVE" and not set(lb["amphorae"]) & set(before[name]["amphorae"]), name
    assert tool.status()["neededBy"] == []
    assert set(left.networks()) == set(ours) - {old["id"]}
    new, = left.networks()
    living = {a["compute_id"] for a in json.loads(lab("amphora", "list"))}
    assert {p["device_id"] for p in left.ports(new).values()} >= living
    assert not {"octavia_65", HA} & set(left.flavors()) and "octavia-amphora" in left.flavors()
    assert HA not in left.octavia("flavors") and HA + "_profile" not in left.octavia("flavorprofiles")
    for ctl, text in files(lab).items():
        assert text == content[ctl].replace(b"ONBOOT=yes", b"ONBOOT=no") != content[ctl], ctl
    assert modes(lab) == mode
    assert tool.status()["phase"] == "Complete"
    tool.verify()
    # The whole object is in the journal, for plain git.
    recorded = journal.git(tool.journal, "grep", "-h", "-e", old["created_at"], "main").decode()
    assert recorded.count(old["created_at"]) >= 2

    # What failovers replaced stays replaced; the network's new id and lost ports are said before.
    said = tool.run("plan", "--rollback", "--to", "reconcile", expect=0)
    assert "with other ids" in said.out, said
    tool.cloud_rollback("--to", "reconcile")
    again = the_old(left)
    assert again["id"] != old["id"] and again["mtu"] == old["mtu"] and again["project_id"] == old["project_id"]
    now, = left.subnets(again["id"])
    same = ("name", "cidr", "gateway_ip", "allocation_pools", "enable_dhcp", "project_id")
    assert [now[k] for k in same] == [subnet[0][k] for k in same]
    back = left.flavors()["octavia_65"]
    assert {k: v for k, v in back.items() if k != "links"} == {k: v for k, v in flavor.items() if k != "links"}
    assert len(left.access("65")) == 1
    profile = left.octavia("flavorprofiles")[HA + "_profile"]
    assert left.octavia("flavors")[HA]["flavor_profile_id"] == profile["id"]
    assert files(lab) == content and modes(lab) == mode
    tool.verify()


@pytest.mark.more
def test_in_use_is_left_and_named(lab, cloud, tool, adopted):
    left = adopted
    # A pool of VIPs of the tests' own is not needed: the flavor is enough to be in use.
    flavor = left.octavia("flavors")[HA]
    some = cloud.load_balancers()["lb1"]["id"]
    cloud.change("UPDATE load_balancer SET flavor_id = '%s' WHERE id = '%s'" % (flavor["id"], some))
    result = tool.cloud_start("--finalize", expect=0)
    said = result.out + result.err
    assert "is left: load-balancer/" + some in said and HA in said, result
    assert HA in left.octavia("flavors") and HA in left.flavors()
    assert "octavia_65" not in left.flavors() and len(left.networks()) == 1


@pytest.mark.more
def test_several_networks_are_refused(lab, cloud, tool, adopted):
    left = adopted
    left.ask(9696, "/v2.0/networks", "POST", {"network": {"name": NET}})
    lab.touch()
    refused = tool.cloud_start("--finalize", expect=1)
    assert "2 networks 'lb-mgmt-net' can be the old one" in refused.message, refused
    assert "--accept old-network" in refused.message, refused
    assert len(left.networks()) == 3 and "octavia_65" in left.flavors()
    tool.cloud_start("--finalize", "--accept", "old-network", expect=0)
    assert len(left.networks()) == 3 and "octavia_65" not in left.flavors()
