# SPDX-License-Identifier: Apache-2.0
"""Step `network`: VLAN, bridge and attachment are made, and taken away again."""
import json

import pytest

from lab import NAD, canonical
from tool import ACCEPT

POLICIES = "/apis/nmstate.io/v1/nodenetworkconfigurationpolicies"
ENACTMENTS = "/apis/nmstate.io/v1beta1/nodenetworkconfigurationenactments"
NETWORK = """network:
  baseInterface: enp6s0
  vlan: 24
  mtu: 1500
  nad:
    range: 172.23.0.0/24
    rangeStart: 172.23.0.30
    rangeEnd: 172.23.0.70
    routes: [{dst: %s, gw: 172.23.0.150}]
"""
UNTIL = (*ACCEPT, "--until", "network")


@pytest.fixture
def bare(lab, tool):
    """Nodes without the interfaces, no attachment, and a configuration for both."""
    lab("plane", "default", "bare")
    configure(lab, tool)
    return lab


def configure(lab, tool, dst="172.25.0.0/16", network=NETWORK):
    text = (lab.dir / "octavia-adopt.yaml").read_text()
    tool.config = tool.folder / "network.yaml"
    tool.config.write_text(text + (network % dst if "%s" in network else network))


def specs(lab):
    return {p["metadata"]["name"]: canonical(p["spec"]) for p in lab.kube.items(POLICIES)}


def entries(lab, policy):
    spec = lab.kube.get(POLICIES + "/" + policy)["spec"]["desiredState"]
    return {e["name"]: e for e in spec.get("interfaces", [])}


def on_nodes(lab):
    """{node: names of the interfaces that are really there}."""
    return {e["metadata"]["labels"]["nmstate.io/node"]: set(json.loads(e["metadata"]["annotations"]["lab/interfaces"]))
            for e in lab.kube.items(ENACTMENTS)}


def test_made_and_taken_away(bare, tool):
    lab = bare
    before = specs(lab)
    mark = lab.mark()
    tool.run("start", "-y", *UNTIL, expect=0)
    for i in range(3):
        have = entries(lab, "nncp-worker-%d" % i)
        assert list(have)[-2:] == ["enp6s0.24", "octbr"]
        assert have["enp6s0.24"]["vlan"] == {"base-iface": "enp6s0", "id": 24}
        assert have["octbr"]["bridge"]["port"] == [{"name": "enp6s0.24"}]
    assert specs(lab)["nncp-dns"] == before["nncp-dns"]
    for names in on_nodes(lab).values():
        assert {"octbr", "enp6s0.24", "enp6s0.240"} <= names
    config = json.loads(lab.kube.get(NAD)["spec"]["config"])
    assert config["bridge"] == "octbr"
    assert config["ipam"]["routes"] == [{"dst": "172.25.0.0/16", "gw": "172.23.0.150"}]
    # Each list got its two at the end, guarded by a test; no list was replaced.
    patches = [e["requestObject"] for e in lab.audit(mark)
               if (e.get("objectRef", {}).get("resource") == "nodenetworkconfigurationpolicies" and
                   e["verb"] == "patch" and "dryRun=" not in e["requestURI"])]
    assert len(patches) == 3
    for patch in patches:
        assert [o["op"] for o in patch] == ["test", "test", "add", "add"]
        assert patch[2]["path"] == patch[3]["path"] == "/spec/desiredState/interfaces/-"
    mark = lab.mark()
    tool.run("start", "-y", *UNTIL, expect=0)
    assert [w for w in lab.writes(mark) if not w[1].startswith("leases/")] == []
    tool.verify()

    tool.rollback()
    assert specs(lab) == before
    assert lab.kube.get(NAD) is None
    for names in on_nodes(lab).values():
        assert "octbr" not in names and "enp6s0.24" not in names and "enp6s0.240" in names
    assert tool.status()["phase"] == "RolledBack"
    tool.verify()


@pytest.mark.more
def test_octavia_on_it(bare, tool):
    """The attachment goes only when its pods are gone, the bridge not before."""
    lab = bare
    before, plane = specs(lab), lab.spec()
    lab.fault("all", "stopped")
    tool.start(timeout=600)
    assert lab.octavia_pods()
    mark = lab.mark()
    tool.rollback(timeout=600)
    assert specs(lab) == before and lab.spec() == plane and lab.kube.get(NAD) is None
    order = [(e["verb"], e["objectRef"]["resource"]) for e in lab.audit(mark, "")
             if e.get("objectRef", {}).get("resource") in ("pods", "nodenetworkconfigurationpolicies",
                                                           "network-attachment-definitions") and
             e["verb"] in ("delete", "patch") and not e["objectRef"].get("subresource") and
             "dryRun=" not in e["requestURI"]]
    pods = [i for i, what in enumerate(order) if what == ("delete", "pods")]
    others = [i for i, what in enumerate(order) if what[1] != "pods"]
    assert pods and len(others) == 7 and max(pods) < min(others), order
    tool.verify()


def test_a_node_fails(bare, tool):
    lab = bare
    before = specs(lab)
    lab.knob(nncp_fail=["worker-1"])
    result = tool.run("start", "-y", *UNTIL, expect=1)
    assert "nodenetworkconfigurationpolicy/nncp-worker-1" in result.message
    assert "failed to find the base interface" in result.message and "hint: " in result.message
    lab.knob()
    tool.rollback()
    assert specs(lab) == before and lab.kube.get(NAD) is None
    tool.verify()


@pytest.mark.more
def test_slow_nodes(bare, tool):
    """An Available of the generation before is not believed."""
    lab = bare
    lab.knob(nncp_delay=4)
    result = tool.run("start", "-y", *UNTIL, expect=0)
    assert "has not seen it yet" in result.err + result.out, result
    for names in on_nodes(lab).values():
        assert "octbr" in names


def test_without_configuration(bare, tool):
    """Nothing is changed, and what is missing is printed ready to apply."""
    lab = bare
    tool.config = lab.dir / "octavia-adopt.yaml"
    mark = lab.mark()
    result = tool.run("start", "-y", *UNTIL, expect=1)
    assert "networkattachmentdefinition/octavia does not exist" in result.message
    assert "kind: NetworkAttachmentDefinition" in result.message
    assert [w for w in lab.writes(mark) if not w[1].startswith("leases/")] == []


@pytest.mark.more
def test_bridge_missing_without_configuration(bare, tool):
    """The printed command can be run as it is."""
    lab = bare
    tool.run("start", "-y", *UNTIL, expect=0)
    attachment = lab.kube.get(NAD)
    lab("plane", "default", "bare")
    lab.kube.create(NAD.rsplit("/", 1)[0], {k: attachment[k] for k in ("apiVersion", "kind", "spec")} |
                    {"metadata": {"name": "octavia"}})
    tool.config = lab.dir / "octavia-adopt.yaml"
    tool.env["XDG_STATE_HOME"] = str(tool.folder / "other")
    [row] = [r for r in tool.plan(expect=None)["preflight"] if r["id"] == "attachment"]
    assert row["state"] == "warning"
    commands = [line for line in row["message"].splitlines() if line.startswith("oc patch nncp ")]
    assert len(commands) == 3
    for line in commands:
        patch = json.loads(line.split(" -p '", 1)[1].rstrip("'"))
        assert [o["op"] for o in patch] == ["test", "test", "add", "add"]
        lab.kube.patch(POLICIES + "/" + line.split()[3], patch)
    [row] = [r for r in tool.plan(expect=None)["preflight"] if r["id"] == "attachment"]
    assert row["state"] == "ok"


@pytest.mark.more
def test_attachment_differs(lab, tool):
    """The lab's own has another route: nothing is made, and it is said what."""
    configure(lab, tool)
    before, mark = specs(lab), lab.mark()
    result = tool.run("start", "-y", *UNTIL, expect=1)
    assert 'ipam/routes is [{"dst":"172.24.0.0/16"' in result.message, result
    assert [w for w in lab.writes(mark) if not w[1].startswith("leases/")] == []
    assert specs(lab) == before


@pytest.mark.more
def test_overlap_is_told_before_anything_is_made(bare, tool):
    lab = bare
    configure(lab, tool, dst="172.28.0.0/17")
    [row] = [r for r in tool.plan()["preflight"] if r["id"] == "networks"]
    assert row["state"] == "warning" and "overlaps" in row["message"]


@pytest.mark.more
def test_rights_only_where_configured(bare, tool):
    """A viewer lacks them; who configures no network is not asked for them."""
    lab = bare
    tool.env["KUBECONFIG"] = tool.kubeconfig("viewer")
    [row] = [r for r in tool.plan(expect=1)["preflight"] if r["id"] == "rights"]
    hint = row["hint"]
    assert "kind: ClusterRole\n" in hint and "nodenetworkconfigurationpolicies" in hint
    tool.config = lab.dir / "octavia-adopt.yaml"
    [row] = [r for r in tool.plan(expect=1)["preflight"] if r["id"] == "rights"]
    assert "ClusterRole" not in row["hint"] and "nodenetwork" not in row["hint"]


@pytest.mark.more
def test_killed_between(bare, tool):
    """kill -9 while the nodes are at work, there and back."""
    lab = bare
    before = specs(lab)
    lab.knob(nncp_delay=3)
    for command in ("start", "rollback"):
        args = (command, "-y") + (UNTIL if command == "start" else ())
        process = tool.popen(*args)
        for line in process.stderr:
            if "has not seen it yet" in line or "ConfigurationProgressing" in line:
                break
        process.kill()
        process.communicate()
        tool.run(*args, expect=0)
        tool.verify()
    assert specs(lab) == before and lab.kube.get(NAD) is None
    for names in on_nodes(lab).values():
        assert "octbr" not in names
