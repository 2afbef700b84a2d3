#!/usr/bin/env python3
"""Fill the lab's kube-apiserver: CRDs, RBAC, the webhook's configuration and the
openstack namespace as the earlier adoption steps leave it.

Objects that exist are left alone; with --reset all that adoptions, operators and
tests make or change goes first. Only Python's standard library is used.
"""
import argparse
import base64
import datetime
import glob
import gzip
import http.client
import json
import os
import ssl
import sys
import time
from urllib.parse import urlsplit

VERSION = "18.0.10"
NOW = datetime.datetime.now(datetime.timezone.utc).strftime("%Y-%m-%dT%H:%M:%SZ")


class Kube:
    """A tiny client of one API server."""

    def __init__(self, server, ca, token):
        url = urlsplit(server)
        self.headers = {"Authorization": "Bearer " + token, "Accept": "application/json",
                        "User-Agent": "lab-kubeload"}
        self.conn = http.client.HTTPSConnection(
            url.hostname, url.port, timeout=30, context=ssl.create_default_context(cafile=ca))

    def call(self, method, path, body=None, ctype="application/json"):
        headers = dict(self.headers)
        data = None
        if body is not None:
            data = json.dumps(body).encode()
            headers["Content-Type"] = ctype
        self.conn.request(method, path, data, headers)
        answer = self.conn.getresponse()
        text = answer.read()
        return answer.status, (json.loads(text) if text else {})


def plural_of(kind, crds):
    fixed = {"Namespace": "namespaces", "Secret": "secrets", "ConfigMap": "configmaps", "Node": "nodes",
             "Service": "services", "ServiceAccount": "serviceaccounts", "ClusterRole": "clusterroles",
             "ClusterRoleBinding": "clusterrolebindings", "Role": "roles", "RoleBinding": "rolebindings",
             "CustomResourceDefinition": "customresourcedefinitions", "Pod": "pods",
             "Event": "events", "Lease": "leases",
             "MutatingWebhookConfiguration": "mutatingwebhookconfigurations"}
    return fixed.get(kind) or crds[kind]


def path_of(obj, crds):
    api = obj["apiVersion"]
    base = "/api/v1" if api == "v1" else "/apis/" + api
    ns = obj["metadata"].get("namespace")
    if ns:
        base += "/namespaces/" + ns
    return base + "/" + plural_of(obj["kind"], crds)


def ensure(kube, obj, crds):
    """Create the object unless it exists; its status goes by the subresource."""
    path = path_of(obj, crds)
    name = obj["metadata"]["name"]
    status, answer = kube.call("POST", path, obj)
    for _ in range(50):
        # A new CRD is served only a moment after it is established.
        if status != 404 or obj["kind"] not in crds:
            break
        time.sleep(0.1)
        status, answer = kube.call("POST", path, obj)
    if status == 409:
        return False
    if status not in (200, 201):
        sys.exit("kubeload: %s %s: %s %s" % (obj["kind"], name, status, answer.get("message")))
    if obj.get("status") and obj["kind"] not in ("CustomResourceDefinition", "Namespace"):
        answer["status"] = obj["status"]
        status, answer = kube.call("PUT", path + "/" + name + "/status", answer)
        if status != 200:
            sys.exit("kubeload: status of %s %s: %s" % (obj["kind"], name, answer.get("message")))
    return True


def minimal_crd(row):
    group, kind, plural = row["group"], row["kind"], row["plural"]
    names = {"kind": kind, "listKind": kind + "List", "plural": plural, "singular": kind.lower()}
    if "shortNames" in row:
        names["shortNames"] = row["shortNames"]
    meta = {"name": plural + "." + group}
    if group.endswith("k8s.io"):
        meta["annotations"] = {"api-approved.kubernetes.io": "unapproved, a test lab"}
    return {"apiVersion": "apiextensions.k8s.io/v1", "kind": "CustomResourceDefinition", "metadata": meta,
            "spec": {"group": group, "names": names, "scope": row["scope"], "versions": [{
                "name": row["version"], "served": True, "storage": True, "subresources": {"status": {}},
                "schema": {"openAPIV3Schema": {
                    "type": "object", "x-kubernetes-preserve-unknown-fields": True}}}]}}


def no_default(crd):
    """Where upstream's schema has a default for octavia.applicationCredential, a
    control plane that was written before that field came holds an explicit null
    (the webhook writes it, and null is no reason to apply a default). This is
    the case that the lab shows: no default, so null is what everyone gets."""
    schema = crd["spec"]["versions"][0]["schema"]["openAPIV3Schema"]
    schema["properties"]["spec"]["properties"]["octavia"]["properties"]["applicationCredential"].pop("default")


def load_crds(kube, src, loaded=False):
    crds = {}
    wanted = []
    for name in sorted(glob.glob(os.path.join(src, "crds", "*.json.gz"))):
        with gzip.open(name) as f:
            crd = json.load(f)
        if crd["spec"]["names"]["kind"] == "OpenStackControlPlane":
            no_default(crd)
        wanted.append(crd)
    with open(os.path.join(src, "manifests", "minimal-crds.json")) as f:
        wanted += [minimal_crd(row) for row in json.load(f)]
    base = "/apis/apiextensions.k8s.io/v1/customresourcedefinitions"
    for crd in wanted:
        crds[crd["spec"]["names"]["kind"]] = crd["spec"]["names"]["plural"]
    if loaded:
        return crds
    have = {o["metadata"]["name"] for o in kube.call("GET", base)[1].get("items", [])}
    for crd in wanted:
        if crd["metadata"]["name"] not in have:
            crd.pop("status", None)
            ensure(kube, crd, {})
    for _ in range(300):
        items = kube.call("GET", base)[1].get("items", [])
        if all(any(c["type"] == "Established" and c["status"] == "True"
                   for c in (o.get("status") or {}).get("conditions") or []) for o in items):
            break
        time.sleep(0.1)
    return crds


def condition(kind, message="Setup complete"):
    return {"type": kind, "status": "True", "reason": "Ready", "message": message,
            "lastTransitionTime": NOW}


def b64(text):
    return base64.b64encode(text.encode()).decode()


def secret(ns, name, data, kind="Opaque"):
    return {"apiVersion": "v1", "kind": "Secret", "type": kind,
            "metadata": {"name": name, "namespace": ns}, "data": {k: b64(v) for k, v in data.items()}}


def cr(api, kind, ns, name, spec=None, conditions=()):
    meta = {"name": name}
    if ns:
        meta["namespace"] = ns
    obj = {"apiVersion": api, "kind": kind, "metadata": meta, "spec": spec or {}}
    if conditions:
        obj["status"] = {"conditions": list(conditions)}
    return obj


def control_plane(src, ns):
    with open(os.path.join(src, "manifests", "openstackcontrolplane.json")) as f:
        obj = json.load(f)
    obj["metadata"]["namespace"] = ns
    obj["spec"]["ovn"]["template"]["ovnController"]["nicMappings"] = {"datacentre": "ocpbr", "octavia": "octbr"}
    types = ["Ready"] + sorted(
        ["OpenStackControlPlaneInfrastructureReady", "OpenStackControlPlaneCAReadyCondition",
         "OpenStackControlPlaneDNSReadyCondition", "OpenStackControlPlaneOVNReady",
         "OpenStackControlPlaneClientReady", "OpenStackControlPlaneServiceOverrideReady"] +
        ["OpenStackControlPlane%sReady" % s for s in ("RabbitMQ", "MariaDB", "Memcached")] +
        ["OpenStackControlPlane%sReady" % s for s in (
            "KeystoneAPI", "ExposeKeystoneAPI", "PlacementAPI", "ExposePlacementAPI", "Glance",
            "ExposeGlance", "Neutron", "ExposeNeutron", "Nova", "ExposeNova", "Barbican",
            "ExposeBarbican")])
    obj["status"] = {"conditions": [
        condition(t, "Setup complete" if t == "Ready" else
                  t.replace("Condition", "").replace("Ready", " completed").replace(
                      "OpenStackControlPlane", "OpenStackControlPlane ")) for t in types],
                     "observedGeneration": 1, "deployedVersion": VERSION,
                     "tls": {"caBundleSecretName": "combined-ca-bundle"}}
    return obj


SITE = "[DEFAULT]\n# set by the site\ndebug = True\n[controller_worker]\nworkers = 2"


def planes(src, ns, variant):
    """The control planes of a variant of the lab, see PLANES."""
    plane = control_plane(src, ns)
    octavia = plane["spec"]["octavia"]
    if variant in ("site-text", "site-text-bare"):
        text = SITE + ("\n" if variant == "site-text" else "")
        octavia["template"] = {"customServiceConfig": text}
        for part in ("octaviaAPI", "octaviaWorker", "octaviaHealthManager", "octaviaHousekeeping"):
            octavia["template"][part] = {"customServiceConfig": text}
    elif variant == "rewritten":
        octavia.update(apiOverride={}, applicationCredential=None)
    elif variant == "unmapped":
        del plane["spec"]["ovn"]["template"]["ovnController"]["nicMappings"]
    elif variant == "two":
        other = control_plane(src, ns)
        other["metadata"]["name"] = "second"
        return [plane, other]
    elif variant == "none":
        return []
    return [plane]


PLANES = ["default", "site-text", "site-text-bare", "rewritten", "unmapped", "two", "none"]


def namespace_objects(args):
    ns = args.namespace
    password = "lab-admin-password"
    clouds = ("clouds:\n  default:\n    auth:\n      auth_url: %s\n      project_name: admin\n"
              "      username: admin\n      user_domain_name: Default\n"
              "      project_domain_name: Default\n    region_name: regionOne\n" % args.keystone)
    secure = "clouds:\n  default:\n    auth:\n      password: %s\n" % password
    with open(args.ca_bundle) as f:
        bundle = f.read()
    passwords = ["AdminPassword", "BarbicanPassword", "DbRootPassword", "GlancePassword", "NeutronPassword",
                 "NovaPassword", "OctaviaPassword", "PlacementPassword", "MetadataSecret",
                 "BarbicanSimpleCryptoKEK", "OctaviaHeartbeatKey"]
    sec = {p: "lab-" + p.lower() for p in passwords}
    sec["AdminPassword"] = password
    # As in the controllers' octavia.conf.
    sec["OctaviaPassword"] = "lab-octavia-password"
    sec["OctaviaHeartbeatKey"] = "lab-heartbeat-key-fedcba9876543210"
    out = [
        secret(ns, "osp-secret", sec),
        {"apiVersion": "v1", "kind": "ConfigMap", "metadata": {"name": "openstack-config", "namespace": ns},
         "data": {"clouds.yaml": clouds, "OS_CLOUD": "default"}},
        secret(ns, "openstack-config-secret", {"secure.yaml": secure}),
        secret(ns, "combined-ca-bundle", {"tls-ca-bundle.pem": bundle, "internal-ca-bundle.pem": bundle}),
        secret(ns, "rootca-public", {"ca.crt": bundle, "tls.crt": bundle}),
        cr("mariadb.openstack.org/v1beta1", "Galera", ns, "openstack", {"replicas": 3},
           [condition("Ready")]),
        cr("mariadb.openstack.org/v1beta1", "Galera", ns, "openstack-cell1", {"replicas": 3},
           [condition("Ready")]),
        cr("keystone.openstack.org/v1beta1", "KeystoneAPI", ns, "keystone", {}, [condition("Ready")]),
        cr("neutron.openstack.org/v1beta1", "NeutronAPI", ns, "neutron", {}, [condition("Ready")]),
        cr("nova.openstack.org/v1beta1", "Nova", ns, "nova", {}, [condition("Ready")]),
        cr("glance.openstack.org/v1beta1", "Glance", ns, "glance", {}, [condition("Ready")]),
        cr("ovn.openstack.org/v1beta1", "OVNDBCluster", ns, "ovndbcluster-nb", {"dbType": "NB"},
           [condition("Ready")]),
        cr("ovn.openstack.org/v1beta1", "OVNDBCluster", ns, "ovndbcluster-sb", {"dbType": "SB"},
           [condition("Ready")]),
        cr("ovn.openstack.org/v1beta1", "OVNController", ns, "ovncontroller", {}, [condition("Ready")]),
        cr("config.openshift.io/v1", "ClusterVersion", None, "version",
           {"channel": "stable-4.16", "clusterID": "6c0a6a51-5d0c-4e0f-9a39-0c7ab1ab5eed"}),
        cr("config.openshift.io/v1", "Ingress", None, "cluster", {"domain": "apps.octavia.lab"}),
        cr("route.openshift.io/v1", "Route", ns, "keystone-public",
           {"host": "keystone-public-%s.apps.octavia.lab" % ns}),
    ]
    for net, vlan, prefix in (("ctlplane", 0, "192.168.122"), ("internalapi", 20, "172.17.0"),
                              ("storage", 21, "172.18.0"), ("tenant", 22, "172.19.0")):
        out.append(cr("k8s.cni.cncf.io/v1", "NetworkAttachmentDefinition", ns, net, {"config": json.dumps({
            "cniVersion": "0.3.1", "name": net, "type": "macvlan",
            "master": "enp6s0.%d" % vlan if vlan else "ospbr",
            "ipam": {"type": "whereabouts", "range": prefix + ".0/24", "range_start": prefix + ".30",
                     "range_end": prefix + ".70"}})}))
    if args.network != "bare":
        out.append(cr("k8s.cni.cncf.io/v1", "NetworkAttachmentDefinition", ns, "octavia", {"config": json.dumps({
            "cniVersion": "0.3.1", "name": "octavia", "type": "bridge", "bridge": "octbr",
            "ipam": {"type": "whereabouts", "range": "172.23.0.0/24", "range_start": "172.23.0.30",
                     "range_end": "172.23.0.70",
                     "routes": [{"dst": "172.24.0.0/16", "gw": "172.23.0.150"}]}})}))
    out.append({"apiVersion": "core.openstack.org/v1beta1", "kind": "OpenStackVersion",
                "metadata": {"name": "openstack", "namespace": ns}, "spec": {"targetVersion": VERSION},
                "status": {"deployedVersion": VERSION, "availableVersion": VERSION, "observedGeneration": 1,
                           "conditions": [condition("Ready"), condition("Initialized")]}})
    out.append(node_network("nncp-dns", None, None))
    for i in range(args.nodes):
        out.append(node_network("nncp-worker-%d" % i, "worker-%d" % i, args.network))
        out.append({"apiVersion": "v1", "kind": "Node",
                    "metadata": {"name": "worker-%d" % i,
                                 "labels": {"kubernetes.io/hostname": "worker-%d" % i,
                                            "node-role.kubernetes.io/worker": ""}},
                    # All nodes are the one kubelet of the lab.
                    "status": {"addresses": [{"type": "InternalIP", "address": "127.0.0.1"},
                                             {"type": "Hostname", "address": "worker-%d" % i}],
                               "daemonEndpoints": {"kubeletEndpoint": {"Port": args.kubelet_port}},
                               "conditions": [{"type": "Ready", "status": "True", "reason": "KubeletReady",
                                               "message": "kubelet is posting ready status",
                                               "lastHeartbeatTime": NOW, "lastTransitionTime": NOW}]}})
    return out + pods(args) + node_sets(ns) + planes(args.src, ns, args.plane)


def node_network(name, node, variant):
    """A NodeNetworkConfigurationPolicy of one node; without a node: the one that
    has the DNS servers of all nodes, and no interfaces."""
    spec = {"desiredState": {"dns-resolver": {"config": {"server": ["192.168.122.1"], "search": []}}}}
    if node:
        interfaces = [{"name": "enp6s0", "type": "ethernet", "state": "up", "mtu": 9000},
                      {"name": "enp6s0.20", "type": "vlan", "state": "up",
                       "vlan": {"base-iface": "enp6s0", "id": 20}},
                      # Names that begin like those of the adoption.
                      {"name": "enp6s0.240", "type": "vlan", "state": "up",
                       "vlan": {"base-iface": "enp6s0", "id": 240}}]
        if variant != "bare":
            interfaces += [{"name": "enp6s0.23", "type": "vlan", "state": "up",
                            "vlan": {"base-iface": "enp6s0", "id": 23}},
                           {"name": "octbr", "type": "linux-bridge", "state": "up", "mtu": 1500,
                            "bridge": {"options": {"stp": {"enabled": False}},
                                       "port": [{"name": "enp6s0.23"}]}}]
        spec = {"nodeSelector": {"kubernetes.io/hostname": node}, "desiredState": {"interfaces": interfaces}}
    return cr("nmstate.io/v1", "NodeNetworkConfigurationPolicy", None, name, spec,
              [{"type": "Available", "status": "True", "reason": "SuccessfullyConfigured",
                "message": "1/1 nodes successfully configured", "lastTransitionTime": NOW}])


def pod(ns, name, node, container, labels):
    ready = [{"type": t, "status": "True", "lastTransitionTime": NOW}
             for t in ("Initialized", "Ready", "ContainersReady", "PodScheduled")]
    image = "registry.octavia.lab/%s:lab" % container
    return {"apiVersion": "v1", "kind": "Pod",
            "metadata": {"name": name, "namespace": ns, "labels": labels},
            "spec": {"nodeName": node, "containers": [{"name": container, "image": image}]},
            "status": {"phase": "Running", "startTime": NOW, "conditions": ready, "containerStatuses": [
                {"name": container, "image": image, "imageID": "", "restartCount": 0, "ready": True,
                 "started": True, "state": {"running": {"startedAt": NOW}}}]}}


def pods(args):
    """Those of other operators that a person, or the tool, runs commands in."""
    out = [pod(args.namespace, "openstack-galera-%d" % i, "worker-%d" % (i % args.nodes), "galera",
               {"app": "galera", "cr": "galera-openstack", "service": "openstack-galera",
                "owner": "mariadb-operator", "galera/name": "openstack"}) for i in range(3)]
    return out + [pod(args.namespace, "openstackclient", "worker-0", "openstackclient",
                      {"service": "openstackclient", "app": "openstackclient"})]


def node_sets(ns):
    """Two data planes, not adopted yet; the knob nodesets_ready makes them Ready."""
    out = []
    for name, hosts in (("openstack-edpm", ["compute-0", "compute-1"]), ("openstack-networker", ["networker-0"])):
        nodes = {h: {"hostName": h, "ansible": {"ansibleHost": h + ".ctlplane.octavia.lab"}} for h in hosts}
        obj = cr("dataplane.openstack.org/v1beta1", "OpenStackDataPlaneNodeSet", ns, name,
                 {"preProvisioned": True, "tlsEnabled": True, "nodes": nodes},
                 [{"type": t, "status": "False", "reason": "Requested", "severity": "Info",
                   "message": "Deployment not started", "lastTransitionTime": NOW}
                  for t in ("Ready", "DeploymentReady")] + [condition("InputReady", "Input data complete"),
                                                            condition("SetupReady", "NodeSetup ready")])
        obj["status"]["observedGeneration"] = 1
        out.append(obj)
    return out


def rbac(ns):
    api = "rbac.authorization.k8s.io/v1"
    everything = ["core.openstack.org", "octavia.openstack.org", "redis.openstack.org",
                  "mariadb.openstack.org", "keystone.openstack.org", "ovn.openstack.org",
                  "neutron.openstack.org", "nova.openstack.org", "glance.openstack.org",
                  "barbican.openstack.org", "placement.openstack.org", "rabbitmq.openstack.org",
                  "network.openstack.org", "dataplane.openstack.org", "k8s.cni.cncf.io", "nmstate.io",
                  "route.openshift.io", "config.openshift.io"]
    read = ["get", "list", "watch"]

    def role(name, rules):
        return {"apiVersion": api, "kind": "ClusterRole", "metadata": {"name": name}, "rules": rules}

    def bind(name, group, role_name):
        return {"apiVersion": api, "kind": "ClusterRoleBinding", "metadata": {"name": name},
                "roleRef": {"apiGroup": "rbac.authorization.k8s.io", "kind": "ClusterRole",
                            "name": role_name},
                "subjects": [{"apiGroup": "rbac.authorization.k8s.io", "kind": "Group", "name": group}]}

    see = [{"apiGroups": everything, "resources": ["*"], "verbs": read},
           {"apiGroups": [""], "resources": ["configmaps", "nodes", "namespaces", "services", "pods", "events"],
            "verbs": read}]
    return [
        # viewer: reads all but secrets, changes nothing.
        role("lab-viewer", see), bind("lab-viewer", "lab-viewers", "lab-viewer"),
        # adopter: the least that an adoption needs.
        role("lab-adopter", see + [
            {"apiGroups": ["core.openstack.org"], "resources": ["openstackcontrolplanes"], "verbs": ["patch"]},
            {"apiGroups": [""], "resources": ["secrets"], "verbs": ["get", "patch", "delete"],
             "resourceNames": ["octavia-ca-passphrase", "octavia-certs-secret", "osp-secret",
                               "octavia-adopt-backup"]},
            {"apiGroups": [""], "resources": ["secrets"], "verbs": ["get"],
             "resourceNames": ["openstack-config-secret", "combined-ca-bundle"]},
            {"apiGroups": [""], "resources": ["secrets"], "verbs": ["create"]},
            {"apiGroups": [""], "resources": ["pods/exec"], "verbs": ["create"]},
            # Asked for only with 'network' in the configuration.
            {"apiGroups": ["nmstate.io"], "resources": ["nodenetworkconfigurationpolicies"],
             "verbs": ["get", "list", "patch"]},
            {"apiGroups": ["k8s.cni.cncf.io"], "resources": ["network-attachment-definitions"],
             "verbs": ["create"]},
            {"apiGroups": ["k8s.cni.cncf.io"], "resources": ["network-attachment-definitions"],
             "verbs": ["delete"], "resourceNames": ["octavia"]},
            {"apiGroups": ["coordination.k8s.io"], "resources": ["leases"],
             "verbs": ["get", "create", "patch", "update", "delete"]}]),
        bind("lab-adopter", "lab-adopters", "lab-adopter"),
    ]


def webhook(args):
    with open(args.ca_bundle) as f:
        ca = b64(f.read())
    return {"apiVersion": "admissionregistration.k8s.io/v1", "kind": "MutatingWebhookConfiguration",
            "metadata": {"name": "openstack-operator-mutating-webhook-configuration"},
            "webhooks": [{"name": "mopenstackcontrolplane.kb.io", "sideEffects": "None", "failurePolicy": "Fail",
                          "admissionReviewVersions": ["v1"], "timeoutSeconds": 10,
                          "clientConfig": {"url": args.webhook, "caBundle": ca},
                          "rules": [{"apiGroups": ["core.openstack.org"], "apiVersions": ["v1beta1"],
                                     "operations": ["CREATE", "UPDATE"],
                                     "resources": ["openstackcontrolplanes"]}]}]}


CORE = "core.openstack.org/v1beta1"
OCTAVIA = "octavia.openstack.org/v1beta1"

# What an adoption, the operators or a test make: (apiVersion, kind, names, all if None).
MADE = [(CORE, "OpenStackControlPlane", None), (CORE, "OpenStackVersion", None),
        (OCTAVIA, "Octavia", None), (OCTAVIA, "OctaviaAPI", None),
        (OCTAVIA, "OctaviaAmphoraController", None), (OCTAVIA, "OctaviaRsyslog", None),
        ("redis.openstack.org/v1beta1", "Redis", None),
        ("dataplane.openstack.org/v1beta1", "OpenStackDataPlaneNodeSet", None),
        ("k8s.cni.cncf.io/v1", "NetworkAttachmentDefinition", None),
        ("v1", "Pod", None), ("v1", "Event", None), ("coordination.k8s.io/v1", "Lease", None),
        ("v1", "ConfigMap", ["octavia-hmport-map"]),
        ("v1", "Secret", ["octavia-ca-passphrase", "octavia-certs-secret", "octavia-adopt-backup", "osp-secret"])]


def collection(kube, ns, api, kind, crds):
    path = path_of({"apiVersion": api, "kind": kind, "metadata": {"namespace": ns}}, crds)
    return path, kube.call("GET", path)[1].get("items", [])


def remove(kube, path, obj):
    """Delete at once: without finalizers, and a pod without its grace."""
    name = path + "/" + obj["metadata"]["name"]
    if obj["metadata"].get("finalizers"):
        kube.call("PATCH", name, {"metadata": {"finalizers": None}}, "application/merge-patch+json")
    kube.call("DELETE", name + "?gracePeriodSeconds=0")


def reset(kube, ns, crds):
    """Everything that was made goes; what belongs there is made anew by the caller."""
    for api, kind, names in MADE:
        path, items = collection(kube, ns, api, kind, crds)
        for obj in items:
            if names is None or obj["metadata"]["name"] in names:
                remove(kube, path, obj)
    for api, kind in (("nmstate.io/v1", "NodeNetworkConfigurationPolicy"),
                      ("nmstate.io/v1beta1", "NodeNetworkConfigurationEnactment")):
        path, items = collection(kube, None, api, kind, crds)
        for obj in items:
            remove(kube, path, obj)


def main():
    p = argparse.ArgumentParser()
    p.add_argument("--server", required=True)
    p.add_argument("--ca", required=True)
    p.add_argument("--token", required=True)
    p.add_argument("--namespace", default="openstack")
    p.add_argument("--nodes", type=int, default=3)
    p.add_argument("--kubelet-port", type=int, required=True)
    p.add_argument("--ca-bundle", required=True)
    p.add_argument("--webhook", required=True)
    p.add_argument("--keystone", required=True)
    p.add_argument("--reset", action="store_true")
    p.add_argument("--plane", choices=PLANES, default="default")
    p.add_argument("--network", choices=["ready", "bare"], default="ready",
                   help="bare: the nodes have no octbr, and there is no attachment 'octavia'")
    p.add_argument("src")
    args = p.parse_args()
    kube = Kube(args.server, args.ca, args.token)
    crds = load_crds(kube, args.src, args.reset)
    ensure(kube, {"apiVersion": "v1", "kind": "Namespace", "metadata": {"name": args.namespace}}, crds)
    if args.reset:
        reset(kube, args.namespace, crds)
    for obj in rbac(args.namespace) + [webhook(args)]:
        ensure(kube, obj, crds)
    for obj in namespace_objects(args):
        ensure(kube, obj, crds)


if __name__ == "__main__":
    main()
