"""Pods and their kubelet: made with a node, become Ready, take time to go."""
import hashlib
import json
import random
import time

from labkube import condition, now, say

LETTERS = "bcdfghjklmnpqrstvwxz2456789"
HASH = "lab.octavia-adopt/config"
FILES = "lab.octavia-adopt/files"


def digest(value):
    return hashlib.sha256(json.dumps(value, sort_keys=True).encode()).hexdigest()[:16]


def suffix(n=5):
    return "".join(random.choice(LETTERS) for _ in range(n))


def owner_of(obj):
    return {"apiVersion": obj["apiVersion"], "kind": obj["kind"], "controller": True,
            "blockOwnerDeletion": True, "name": obj["metadata"]["name"], "uid": obj["metadata"]["uid"]}


def is_ready(pod):
    return (not pod["metadata"].get("deletionTimestamp") and
            any(c["type"] == "Ready" and c["status"] == "True"
                for c in (pod.get("status") or {}).get("conditions") or []))


class Pods:
    def __init__(self, kube, ns):
        self.kube, self.ns = kube, ns
        self.path = "/api/v1/namespaces/%s/pods" % ns
        self.list = []
        self.leaving = {}

    def read(self):
        # Items of a list do not say what they are.
        self.list = [{"apiVersion": "v1", "kind": "Pod", **p} for p in self.kube.items(self.path)]

    def of(self, service):
        return [p for p in self.list if p["metadata"].get("labels", {}).get("service") == service]

    def living(self, service, uid):
        """The pods of one owner that nobody has told to go."""
        return [p for p in self.of(service) if not p["metadata"].get("deletionTimestamp") and
                any(o["uid"] == uid for o in p["metadata"].get("ownerReferences", []))]

    def create(self, owner, service, name, node, notes, labels=None, grace=30):
        pod = {"apiVersion": "v1", "kind": "Pod",
               "metadata": {"name": name, "namespace": self.ns, "ownerReferences": [owner_of(owner)],
                            "labels": {"service": service, **(labels or {})},
                            "annotations": notes},
               "spec": {"nodeName": node, "terminationGracePeriodSeconds": grace,
                        "containers": [{"name": service, "image": "registry.octavia.lab/%s:lab" % service}]}}
        code, made = self.kube.call("POST", self.path, pod)
        if code == 201:
            self.list.append(made)
            self.report(made, "Pending", "False")

    def report(self, pod, phase, ready):
        old = {c["type"]: c for c in (pod.get("status") or {}).get("conditions") or []}
        reason = "" if ready == "True" else "ContainersNotReady"
        name = pod["spec"]["containers"][0]["name"]
        state = {"running": {"startedAt": now()}} if phase == "Running" else {"waiting": {
            "reason": "ContainerCreating"}}
        status = {"phase": phase, "startTime": (pod.get("status") or {}).get("startTime") or now(),
                  "containerStatuses": [{"name": name, "image": pod["spec"]["containers"][0]["image"],
                                         "imageID": "", "restartCount": 0, "ready": ready == "True",
                                         "started": phase == "Running", "state": state}],
                  "conditions": [condition(t, s, r, "", "", old.get(t)) for t, s, r in (
                      ("Initialized", "True", ""), ("Ready", ready, reason),
                      ("ContainersReady", ready, reason), ("PodScheduled", "True", ""))]}
        code, _ = self.kube.merge("%s/%s/status" % (self.path, pod["metadata"]["name"]), {"status": status})
        if code == 200:
            pod["status"] = status

    def ready(self, pod):
        if not is_ready(pod):
            self.report(pod, "Running", "True")

    def started(self, pod):
        """Running, but its readiness probe fails."""
        if pod.get("status", {}).get("phase") != "Running" or is_ready(pod):
            self.report(pod, "Running", "False")

    def delete(self, pod):
        """As a DaemonSet would: the API server keeps it until the kubelet is done."""
        code, left = self.kube.call("DELETE", "%s/%s" % (self.path, pod["metadata"]["name"]))
        if code == 200:
            pod["metadata"]["deletionTimestamp"] = left["metadata"].get("deletionTimestamp", now())

    def kubelet(self, grace, holds):
        """Pods that were told to go are gone after 'grace' seconds, unless one holds on."""
        going = {p["metadata"]["uid"]: p for p in self.list if p["metadata"].get("deletionTimestamp")}
        for uid in list(self.leaving):
            if uid not in going:
                del self.leaving[uid]
        for uid, pod in going.items():
            since = self.leaving.setdefault(uid, time.time())
            if time.time() - since >= grace and not holds(pod):
                name = pod["metadata"]["name"]
                self.kube.call("DELETE", "%s/%s?gracePeriodSeconds=0" % (self.path, name))
                self.list.remove(pod)
                say("pod %s is gone" % name)
        return bool(going)
