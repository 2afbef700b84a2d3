"""What octavia-operator and infra-operator make of their CRs."""
import ipaddress
import json
import time

from config import Inputs, Missing
from labkube import Conditions, now, say
from pods import FILES, HASH, digest, is_ready, owner_of, suffix

OCTAVIA_API = "octavia.openstack.org/v1beta1"
APPLIED = "lab.octavia-adopt/applied"
FINALIZER = "openstack.org/octavia"
MAP = "octavia-hmport-map"

# (condition, message while Unknown, message when True, part of the delay when it turns True)
STEPS = [
    ("ServiceAccountReady", "ServiceAccount create not started", "ServiceAccount created", 0.15),
    ("RoleReady", "Role create not started", "Role created", 0.15),
    ("RoleBindingReady", "RoleBinding create not started", "RoleBinding created", 0.15),
    ("DBReady", "DB create not started", "DB create completed", 0.25),
    ("RabbitMqTransportURLReady", "RabbitMqTransportURL not started",
     "RabbitMqTransportURL successfully created", 0.30),
    ("OctaviaRabbitMqNotificationsTransportURLReady",
     "Octavia RabbitMQ notifications transport URL not initialized",
     "Octavia RabbitMQ notifications transport URL ready", 0.30),
    ("InputReady", "Input data not checked", "Input data complete", 0.30),
    ("OctaviaAmphoraCertsReady", "Octavia Amphora certificates are not initialized",
     "Octavia Amphora certificates setup completed", 0.35),
    ("ServiceConfigReady", "Service config create not started", "Service config create completed", 0.35),
    ("DBSyncReady", "DBsync not started", "DBsync completed", 0.45),
    ("OctaviaAPIReady", "OctaviaAPI not started", "Deployment completed", 0.55),
    ("CreateServiceReady", "Create service not started", "Create service completed", 0.55),
    ("OctaviaQuotasReady", "Octavia quotas are not initialized", "Octavia quotas setup completed", 0.60),
    ("OctaviaAmphoraSSHReady", "Octavia Amphora SSH setup is not initialized",
     "Octavia Amphora SSH setup completed", 0.60),
    ("NetworkAttachmentsReady", "NetworkAttachments not started", "NetworkAttachments completed", 0.62),
    ("OctaviaManagementNetworkReady", "Octavia Management Network setup is not initialized",
     "Octavia Management Network setup completed", 0.65),
    ("OctaviaHealthManagerReady", "OctaviaHealthManager is not started", "DaemonSet completed", 0.80),
    ("OctaviaRsyslogReady", "OctaviaRsyslog is not started", "DaemonSet completed", 0.85),
    ("OctaviaHousekeepingReady", "OctaviaHousekeeping are not started", "DaemonSet completed", 0.90),
    ("OctaviaWorkerReady", "OctaviaWorker are not started", "DaemonSet completed", 0.95),
    ("OctaviaAmphoraImagesReady", "Octavia Amphora Images setup is not initialized",
     "Octavia Amphora Images setup completed", 1.00),
]
AT = {kind: at for kind, _, _, at in STEPS}
MAP_AT = 0.70  # the ConfigMap comes before the health managers
NAD_AT = 0.60
ROLLOUT_FROM = 0.70  # a changed spec begins anew from here

# (short name, CR kind, plural, CR and service name, field of the spec, condition, count)
ROLES = [
    ("api", "OctaviaAPI", "octaviaapis", "octavia-api", "octaviaAPI", "OctaviaAPIReady", "apireadyCount"),
    ("healthmanager", "OctaviaAmphoraController", "octaviaamphoracontrollers", "octavia-healthmanager",
     "octaviaHealthManager", "OctaviaHealthManagerReady", "healthmanagerreadyCount"),
    ("rsyslog", "OctaviaRsyslog", "octaviarsyslogs", "octavia-rsyslog", "octaviaRsyslog",
     "OctaviaRsyslogReady", "rsyslogreadyCount"),
    ("housekeeping", "OctaviaAmphoraController", "octaviaamphoracontrollers", "octavia-housekeeping",
     "octaviaHousekeeping", "OctaviaHousekeepingReady", "housekeepingreadyCount"),
    ("worker", "OctaviaAmphoraController", "octaviaamphoracontrollers", "octavia-worker", "octaviaWorker",
     "OctaviaWorkerReady", "workerreadyCount"),
]


class Base:
    """What both operators do: keep a CR's spec, write its status, note events."""

    def __init__(self, kube, ns, pods, knobs):
        self.kube, self.ns, self.pods, self.knobs = kube, ns, pods, knobs
        self.events = {}

    def path(self, api, plural):
        return "/apis/%s/namespaces/%s/%s" % (api, self.ns, plural)

    def keep(self, path, api, kind, name, spec, owner, finalizer=None):
        """The CR with this spec: created, or updated if what was asked for has changed."""
        obj = self.kube.get(path + "/" + name)
        mark = digest(spec)
        if obj is None:
            meta = {"name": name, "namespace": self.ns, "annotations": {APPLIED: mark},
                    "ownerReferences": [owner_of(owner)]}
            if finalizer:
                meta["finalizers"] = [finalizer]
            code, obj = self.kube.call("POST", path, {"apiVersion": api, "kind": kind, "metadata": meta,
                                                      "spec": spec})
            return obj if code == 201 else None
        if obj["metadata"].get("deletionTimestamp"):
            return None
        if obj["metadata"].get("annotations", {}).get(APPLIED) != mark:
            obj["metadata"].setdefault("annotations", {})[APPLIED] = mark
            obj["spec"] = spec
            code, obj = self.kube.call("PUT", path + "/" + name, obj)
            say("%s %s: new spec" % (kind, name))
            return obj if code == 200 else None
        return obj

    def status(self, path, obj, want):
        old = obj.get("status") or {}
        if any(old.get(k) != v for k, v in want.items()):
            code, new = self.kube.merge(path + "/" + obj["metadata"]["name"] + "/status", {"status": want})
            if code == 200:
                obj["status"] = new.get("status")

    def event(self, obj, kind, reason, message):
        """A core event; said again, its count goes up, at most every five seconds."""
        key = (obj["metadata"]["uid"], reason, message)
        path = "/api/v1/namespaces/%s/events" % self.ns
        had = self.events.get(key)
        if had is None:
            name = "%s.%s" % (obj["metadata"]["name"], suffix(10))
            self.events[key] = [name, 1, time.time()]
            self.kube.call("POST", path, {
                "apiVersion": "v1", "kind": "Event", "metadata": {"name": name, "namespace": self.ns},
                "involvedObject": {"apiVersion": obj["apiVersion"], "kind": obj["kind"], "namespace": self.ns,
                                   "name": obj["metadata"]["name"], "uid": obj["metadata"]["uid"]},
                "type": kind, "reason": reason, "message": message, "count": 1,
                "firstTimestamp": now(), "lastTimestamp": now(),
                "source": {"component": "octavia-controller"}})
        elif time.time() - had[2] >= 5:
            had[1] += 1
            had[2] = time.time()
            self.kube.merge(path + "/" + had[0], {"count": had[1], "lastTimestamp": now()})

    def fault(self, which, t):
        """The message when a knob says that this one fails now, else None."""
        if which in self.knobs["error"] and not (self.knobs["error_for"] and t > self.knobs["error_for"]):
            return self.knobs["error"][which]
        return None

    def nodes(self):
        names = sorted(o["metadata"]["name"] for o in self.kube.items("/api/v1/nodes"))
        n = int(self.knobs["hm_nodes"])
        return names[:n] if n else names


class Redis(Base):
    API = "redis.openstack.org/v1beta1"

    def remove(self, name, obj):
        self.kube.call("DELETE", self.path(self.API, "redises") + "/" + name)
        for pod in self.pods.living(name + "-redis", obj["metadata"]["uid"]):
            self.pods.delete(pod)

    def reconcile(self, plane, t, conds):
        """t: seconds since it was enabled, None if it is not."""
        kind = "OpenStackControlPlaneRedisReady"
        path = self.path(self.API, "redises")
        templates = ((plane["spec"].get("redis") or {}).get("templates") or {}) if t is not None else {}
        for obj in self.kube.items(path):
            if obj["metadata"]["name"] not in templates:
                self.remove(obj["metadata"]["name"], obj)
        if t is None:
            conds.remove(kind)
            return
        delay = self.knobs["redis_delay"]
        fault = self.fault("redis", t)
        done = t >= delay and "redis" not in self.knobs["never_ready"] and not fault
        for name, template in templates.items():
            self.one(plane, path, name, template, done, fault)
        if t < 0.2 * delay:
            conds.init(kind, "OpenStackControlPlane Redis not started")
        elif fault:
            conds.error(kind, "OpenStackControlPlane Redis error occured " + fault)
        elif not done:
            conds.progress(kind, "OpenStackControlPlane Redis in progress")
        else:
            conds.true(kind, "OpenStackControlPlane Redis completed")

    def one(self, plane, path, name, template, done, fault):
        spec = {**template, "containerImage": "registry.octavia.lab/openstack-redis:lab"}
        obj = self.keep(path, self.API, "Redis", name, spec, plane)
        if obj is None:
            return
        service, uid = name + "-redis", obj["metadata"]["uid"]
        have = {p["metadata"]["name"]: p for p in self.pods.of(service)}
        nodes = self.nodes() or ["worker-0"]
        for i in range(int(obj["spec"].get("replicas", 1))):
            pod = "%s-%d" % (service, i)
            if pod not in have:
                self.pods.create(obj, service, pod, nodes[i % len(nodes)], {HASH: digest(spec)},
                                 {"redis/name": name})
        for pod in self.pods.living(service, uid):
            if done:
                self.pods.ready(pod)
        c = Conditions((obj.get("status") or {}).get("conditions"))
        c.true("TLSInputReady", "Input data complete")
        c.true("ServiceConfigReady", "Service config create completed")
        if done:
            c.true("DeploymentReady", "Deployment completed")
        elif fault:
            c.error("DeploymentReady", fault)
            self.event(obj, "Warning", "Error", fault)
        else:
            c.progress("DeploymentReady", "Deployment in progress")
        self.status(path, obj, {"conditions": c.finish(), "observedGeneration": obj["metadata"]["generation"]})


class Octavia(Base):
    def __init__(self, machine, *args):
        super().__init__(*args)
        self.machine = machine
        self.inputs = None      # what the pods' files are made of, where there is a machine
        self.map = {}           # the addresses as they stand in the ConfigMap
        self.top = self.path(OCTAVIA_API, "octavias")
        self.noticed = {}       # (uid, generation) of the CR: when it was first seen
        self.rollout = None     # since when a changed spec is rolled out
        self.reset_until = 0
        self.leaving = None     # since when the CR is to be deleted

    # ---- going -----------------------------------------------------------------

    def remove(self):
        """Disabled. The CR goes early, its pods after it; or, by knob, the CR last.
        True when all of it is gone."""
        self.rollout = None
        obj = self.kube.get(self.top + "/octavia")
        children = [(plural, self.kube.get("%s/%s" % (self.path(OCTAVIA_API, plural), name)))
                    for _, _, plural, name, _, _, _ in ROLES]
        left = [p for r in ROLES for p in self.pods.of(r[3])]
        if obj is None and not any(c for _, c in children) and not left:
            self.leaving = None
            self.drop_map()
            return True
        if self.leaving is None:
            self.leaving = time.time()
        if obj is not None and not obj["metadata"].get("deletionTimestamp"):
            self.kube.call("DELETE", self.top + "/octavia")
            say("Octavia octavia: deleted")
        # The garbage collector takes the children, they take their pods.
        for plural, child in children:
            if child is not None:
                self.kube.call("DELETE", "%s/%s" % (self.path(OCTAVIA_API, plural), child["metadata"]["name"]))
        for pod in left:
            if not pod["metadata"].get("deletionTimestamp"):
                self.pods.delete(pod)
        held = self.knobs["cr_last"] and left
        if obj is not None and not held and time.time() - self.leaving >= self.knobs["cr_delay"]:
            if obj["metadata"].get("finalizers"):
                self.kube.merge(self.top + "/octavia", {"metadata": {"finalizers": None}})
            self.drop_map()
            say("Octavia octavia: gone")
        return False

    def drop_map(self):
        path = "/api/v1/namespaces/%s/configmaps/%s" % (self.ns, MAP)
        if self.kube.get(path):
            self.kube.call("DELETE", path)

    # ---- the machine where the services really run ------------------------------

    def living(self, service):
        return any(not p["metadata"].get("deletionTimestamp") for p in self.pods.of(service))

    def holds(self, pod):
        """A pod is there as long as its process, if no other pod took that over."""
        service = pod["metadata"].get("labels", {}).get("service")
        role = next((r[0] for r in ROLES if r[3] == service), None)
        return role is not None and not self.living(service) and not self.machine.gone(role)

    def look(self):
        """Once a pass: what runs in the machine? Units without pods end."""
        if self.machine.look(self.knobs["services"]):
            for role, _, _, service, _, _, _ in ROLES:
                if not self.living(service):
                    self.machine.end(role)

    def read_inputs(self, obj, part):
        """What is missing, or None."""
        self.inputs = None
        if self.machine.states is None or part < AT["InputReady"]:
            return None
        try:
            self.inputs = Inputs(self.kube, self.ns, obj["spec"].get("secret", "osp-secret"))
        except Missing as e:
            return str(e)
        return None

    # ---- coming ----------------------------------------------------------------

    @staticmethod
    def spec_of(plane):
        template = (plane["spec"].get("octavia") or {}).get("template") or {}
        spec = {k: v for k, v in template.items() if v != ""}
        spec.setdefault("databaseInstance", "openstack")
        spec.setdefault("secret", plane["spec"].get("secret", "osp-secret"))
        spec.setdefault("apacheContainerImage", "registry.octavia.lab/octavia-apache:lab")
        return spec

    def pretend(self, plane):
        """Knob stale_ready: a Ready condition of earlier, with its old observedGeneration."""
        if self.kube.get(self.top + "/octavia"):
            return
        spec = self.spec_of(plane)
        obj = self.keep(self.top, OCTAVIA_API, "Octavia", "octavia",
                        {k: spec[k] for k in ("databaseInstance", "secret")}, plane, FINALIZER)
        if obj is None:
            return
        n = len(self.nodes())
        c = Conditions(None)
        for kind, _, done, _ in STEPS:
            c.true(kind, done)
        self.status(self.top, obj, {"conditions": c.finish(), "observedGeneration": 1,
                                    "apireadyCount": 1, **{r[6]: n for r in ROLES[1:]}})
        self.keep(self.top, OCTAVIA_API, "Octavia", "octavia", spec, plane, FINALIZER)

    def seen(self, obj):
        """Has the operator taken up the CR's present generation? It does so a moment
        after, and first sets all conditions to Unknown."""
        gen = obj["metadata"]["generation"]
        observed = (obj.get("status") or {}).get("observedGeneration", 0)
        if observed != gen:
            since = self.noticed.setdefault((obj["metadata"]["uid"], gen), time.time())
            if time.time() - since < self.knobs["generation_lag"]:
                return False
            if observed:
                self.rollout = time.time()
            c = Conditions((obj.get("status") or {}).get("conditions"))
            for kind, todo, _, _ in STEPS:
                c.init(kind, todo)
            self.status(self.top, obj, {"conditions": c.finish(), "observedGeneration": gen})
            self.reset_until = time.time() + self.knobs["reset_for"]
        return time.time() >= self.reset_until

    def part(self, t):
        """How far it is: 0 to 1."""
        k = self.knobs
        part = t / max(float(k["octavia_delay"]), 0.001)
        if self.rollout is not None:
            gone = time.time() - self.rollout
            if gone >= k["rollout_delay"]:
                self.rollout = None
            else:
                part = min(part, ROLLOUT_FROM + (1 - ROLLOUT_FROM) * gone / k["rollout_delay"])
        if "octavia" in k["never_ready"] or self.fault("octavia", t):
            part = min(part, 0.79)
        if k["require_nad"] and not self.kube.get(
                self.path("k8s.cni.cncf.io/v1", "network-attachment-definitions") + "/octavia"):
            part = min(part, 0.61)
        return part

    def reconcile(self, plane, t):
        """The CR's Ready condition, or None while there is none."""
        self.leaving = None
        obj = self.keep(self.top, OCTAVIA_API, "Octavia", "octavia", self.spec_of(plane), plane, FINALIZER)
        if obj is None or not self.seen(obj):
            return None
        k = self.knobs
        part, fault = self.part(t), self.fault("octavia", t)
        missing = self.read_inputs(obj, part)
        if missing:
            part = min(part, AT["OctaviaAmphoraCertsReady"] - 0.01)
        begin = k["octavia_delay"] + k["flap_after"]
        flap = bool(k["flap_for"]) and begin <= t < begin + k["flap_for"]
        if part >= MAP_AT:
            self.hmport_map(obj, t - MAP_AT * k["octavia_delay"])
        counts = self.roles(obj, part, flap)
        c = Conditions((obj.get("status") or {}).get("conditions"))
        for kind, todo, done, at in STEPS:
            if kind in counts and part >= at and counts[kind][1] and not counts[kind][0]:
                c.progress(kind, "Deployment in progress")
            elif part >= at and not (flap and kind == "OctaviaWorkerReady") and self.hms_done(kind, counts):
                c.true(kind, done)
            elif kind == "NetworkAttachmentsReady" and k["require_nad"] and NAD_AT <= part < AT[kind]:
                c.progress(kind, "NetworkAttachment resources missing: octavia")
            elif kind == k["error_condition"] and fault and part >= 0.7:
                c.error(kind, fault)
                self.event(obj, "Warning", "Error", fault)
            elif kind == "OctaviaAmphoraCertsReady" and missing:
                c.error(kind, "Octavia Amphora certificates error occurred: " + missing)
                self.event(obj, "Warning", "Error", missing)
            elif part >= at - 0.1:
                c.progress(kind, "Deployment in progress")
            else:
                c.init(kind, todo)
        want = {"conditions": c.finish(), "observedGeneration": obj["metadata"]["generation"],
                "transportURLSecret": "rabbitmq-transport-url-octavia-octavia-transport",
                "databaseHostname": "openstack.%s.svc" % self.ns}
        for role in ROLES:
            want[role[6]] = counts[role[5]][0]
        if "redisHosts" not in (obj.get("status") or {}) and part >= AT["InputReady"]:
            want["redisHosts"] = self.redis_hosts(obj)
        self.status(self.top, obj, want)
        return c.new["Ready"]

    @staticmethod
    def hms_done(kind, counts):
        """Housekeeping and worker wait for all health managers."""
        have, desired = counts["OctaviaHealthManagerReady"]
        return kind not in ("OctaviaHousekeepingReady", "OctaviaWorkerReady") or have >= desired

    def redis_hosts(self, obj):
        """Looked at once, as the operator does: a Redis that comes later is not noticed."""
        name = obj["spec"].get("redisServiceName", "octavia-redis")
        return ["%s.%s-redis.%s.svc" % (p["metadata"]["name"], name, self.ns)
                for p in self.pods.of(name + "-redis") if is_ready(p)]

    def roles(self, obj, part, flap):
        """Children and pods of each role; {condition: (ready, desired)}."""
        counts, hms_ready = {}, True
        for role, kind, plural, name, field, cond, _ in ROLES:
            at = AT[cond]
            nodes = self.nodes()
            if role == "api":
                nodes = (nodes or ["worker-0"]) * int((obj["spec"].get(field) or {}).get("replicas", 1))
                nodes = nodes[:int((obj["spec"].get(field) or {}).get("replicas", 1))]
            if part < at - 0.08 or (role in ("housekeeping", "worker") and not hms_ready):
                counts[cond] = (0, len(nodes))
                continue
            spec = {k: v for k, v in (obj["spec"].get(field) or {}).items() if v != ""}
            spec.setdefault("databaseInstance", "openstack")
            spec.setdefault("secret", "osp-secret")
            if kind == "OctaviaAmphoraController":
                spec["role"] = role
            elif kind == "OctaviaRsyslog":
                spec.pop("databaseInstance")
                spec.pop("secret")
            path = self.path(OCTAVIA_API, plural)
            child = self.keep(path, OCTAVIA_API, kind, name, spec, obj)
            ready = self.role_pods(child, role, name, nodes, part >= at, flap) if child else 0
            counts[cond] = (ready, len(nodes))
            if role == "healthmanager":
                hms_ready = ready >= len(nodes)
            if child:
                self.child_status(path, child, kind, ready, len(nodes))
        return counts

    def child_status(self, path, child, kind, ready, desired):
        c = Conditions((child.get("status") or {}).get("conditions"))
        if ready >= desired:
            c.true("DeploymentReady", "Deployment completed")
        else:
            c.progress("DeploymentReady", "Deployment in progress")
        want = {"conditions": c.finish(), "readyCount": ready,
                "observedGeneration": child["metadata"]["generation"]}
        if kind != "OctaviaAPI":
            want["desiredNumberScheduled"] = desired
        self.status(path, child, want)

    def networks(self, child):
        """What Multus reads: the attachments of a pod."""
        names = child["spec"].get("networkAttachments") or []
        return {"k8s.v1.cni.cncf.io/networks": json.dumps(
            [{"name": n, "namespace": self.ns, "interface": n} for n in names])} if names else {}

    def role_pods(self, child, role, name, nodes, begun, flap):
        """One pod for each entry of nodes; how many of them are Ready."""
        notes, files = {HASH: digest(child["spec"])}, None
        if self.inputs:
            files = self.inputs.files(role, child["spec"], self.map)
            notes[FILES] = digest([child["spec"], files])
        have = self.pods.living(name, child["metadata"]["uid"])
        for pod in have:
            had = pod["metadata"].get("annotations", {})
            if any(had.get(k, v) != v for k, v in notes.items()):
                self.pods.delete(pod)
        have = [p for p in have if not p["metadata"].get("deletionTimestamp")]
        wanted = list(nodes)
        for pod in list(have):
            if pod["spec"]["nodeName"] in wanted:
                wanted.remove(pod["spec"]["nodeName"])
            else:
                self.pods.delete(pod)
                have.remove(pod)
        for node in wanted:
            labels = {"app": "octavia", "component": name}
            if role == "healthmanager":
                labels["predictableip"] = self.address_of(node)
            self.pods.create(child, name, self.pod_name(role, name, notes[HASH]), node,
                             {**notes, **self.networks(child)}, labels,
                             600 if child["kind"] == "OctaviaAmphoraController" else 30)
        unready, ready = self.knobs["unready"], 0
        if files and self.living(name):
            self.machine.run(role, notes[FILES], files)
        runs = self.machine.ready(role)
        for pod in self.pods.living(name, child["metadata"]["uid"]):
            bad = role in unready or "%s@%s" % (role, pod["spec"]["nodeName"]) in unready
            if not begun:
                continue
            if bad or (flap and role == "worker"):
                self.pods.started(pod)
                self.event(pod, "Warning", "Unhealthy", "Readiness probe failed: connection refused")
            elif not runs:
                self.pods.started(pod)
            else:
                self.pods.ready(pod)
                ready += 1
        return ready

    @staticmethod
    def pod_name(role, name, config):
        return "%s-%s-%s" % (name, config[:10], suffix()) if role == "api" else "%s-%s" % (name, suffix())

    # ---- addresses of the health managers -----------------------------------------

    def addresses(self, nodes):
        base = ipaddress.ip_address(self.knobs["hm_base"]) + int(self.knobs["hm_shift"])
        return {prefix + node: str(base + 2 * i + j) for i, node in enumerate(nodes)
                for j, prefix in enumerate(("hm_", "rsyslog_"))
                if not (prefix == "rsyslog_" and self.knobs["hm_omit_rsyslog"])}

    def address_of(self, node):
        return self.addresses(self.nodes()).get("hm_" + node, "")

    def hmport_map(self, owner, t):
        path = "/api/v1/namespaces/%s/configmaps" % self.ns
        obj = self.kube.get(path + "/" + MAP)
        if self.knobs["hm_missing"]:
            self.map = {}
            if obj:
                self.kube.call("DELETE", path + "/" + MAP)
            return
        nodes = self.nodes()
        if self.knobs["hm_gradual"]:
            nodes = nodes[:1 + int(t / float(self.knobs["hm_gradual"]))]
        data = {**self.addresses(nodes), **self.knobs["hm_extra"]}
        self.map = data
        if obj is None:
            self.kube.call("POST", path, {
                "apiVersion": "v1", "kind": "ConfigMap", "data": data,
                "metadata": {"name": MAP, "namespace": self.ns, "ownerReferences": [owner_of(owner)],
                             "labels": {"octavia.openstack.org/name": "octavia"}}})
        elif obj.get("data") != data:
            obj["data"] = data
            self.kube.call("PUT", path + "/" + MAP, obj)
            say("%s: %s" % (MAP, json.dumps(data)))
