# SPDX-License-Identifier: Apache-2.0
"""The Role that `config role` prints, on the real API server: with exactly it a
ServiceAccount adopts and rolls back; with one verb less it is refused before
anything is changed, and the refusal is a Role with that verb."""
import copy
import json
import subprocess

import pytest
import yaml

from lab import NAMESPACE
from tool import PROGRAM

RBAC = "/apis/rbac.authorization.k8s.io/v1/namespaces/" + NAMESPACE
ACCOUNTS = "/api/v1/namespaces/%s/serviceaccounts" % NAMESPACE
NAME = "octavia-adopt"


def printed():
    text = subprocess.run([str(PROGRAM), "config", "role"], check=True, capture_output=True, text=True).stdout
    role, cluster_role = yaml.safe_load_all(text)
    assert (role["kind"], cluster_role["kind"]) == ("Role", "ClusterRole")
    return role


def apply(lab, role):
    lab.kube.delete(RBAC + "/roles/" + NAME)
    lab.kube.create(RBAC + "/roles", role)


@pytest.fixture
def account(lab, tool):
    """A ServiceAccount that has nothing but the Role, and the tool run as it."""
    lab.kube.create(ACCOUNTS, {"metadata": {"name": NAME}})
    status, answer = lab.kube.call("POST", "%s/%s/token" % (ACCOUNTS, NAME), {
        "apiVersion": "authentication.k8s.io/v1", "kind": "TokenRequest", "spec": {}})
    assert status == 201, answer
    lab.kube.create(RBAC + "/rolebindings", {
        "metadata": {"name": NAME}, "subjects": [{"kind": "ServiceAccount", "name": NAME, "namespace": NAMESPACE}],
        "roleRef": {"apiGroup": "rbac.authorization.k8s.io", "kind": "Role", "name": NAME}})
    config = yaml.safe_load(open(tool.kubeconfig("adopter"), encoding="utf-8"))
    config["users"][0]["user"] = {"token": answer["status"]["token"]}
    path = tool.folder / "account.yaml"
    path.write_text(json.dumps(config))
    tool.env["KUBECONFIG"] = str(path)
    apply(lab, printed())
    yield NAME
    lab.kube.delete(RBAC + "/rolebindings/" + NAME)
    lab.kube.delete(RBAC + "/roles/" + NAME)
    lab.kube.delete(ACCOUNTS + "/" + NAME)


def test_there_and_back(lab, tool, account):
    """Redis too, so that the watch of step redis and its events are asked for."""
    spec, mark = lab.spec(), lab.mark()
    tool.start("--redis", "on")
    assert lab.spec() != spec
    tool.status()
    tool.rollback()
    assert lab.spec() == spec
    refused = {(e["verb"], e["requestURI"].split("?")[0]) for e in lab.audit(mark)
               if e["responseStatus"]["code"] == 403}
    # What it can do without: nobody's right but everybody's on newer servers; the
    # number of nodes and the policies of a network that isn't configured.
    assert refused <= {("create", "/apis/authentication.k8s.io/v1/selfsubjectreviews"),
                       ("create", "/apis/authentication.k8s.io/v1beta1/selfsubjectreviews"),
                       ("list", "/api/v1/nodes"),
                       ("list", "/apis/nmstate.io/v1/nodenetworkconfigurationpolicies")}, refused
    names = {e["user"]["username"] for e in lab.audit(mark)}
    assert names == {"system:serviceaccount:%s:%s" % (NAMESPACE, account)}


@pytest.mark.parametrize("group,resource,verb", [
    ("core.openstack.org", "openstackcontrolplanes", "patch"),
    ("coordination.k8s.io", "leases", "delete"),
    ("", "pods/exec", "create"),
    ("", "secrets", "delete"),
])
def test_one_verb_less(lab, tool, account, group, resource, verb):
    role = copy.deepcopy(printed())
    rule = next(r for r in role["rules"]
                if (r["apiGroups"], r["resources"]) == ([group], [resource]) and verb in r["verbs"])
    rule["verbs"].remove(verb)
    if not rule["verbs"]:
        role["rules"].remove(rule)
    apply(lab, role)
    spec, mark = lab.spec(), lab.mark()
    done = tool.start(expect=1)
    missing, = yaml.safe_load_all(done.message[done.message.index("apiVersion:"):])
    assert missing["kind"] == "Role"
    assert missing["rules"] == [dict(rule, verbs=[verb])]
    assert lab.writes(mark) == []
    assert lab.spec() == spec
