#!/usr/bin/env python3
"""Simulates the OpenStack operators, and the kubelet, for one OpenStackControlPlane.

It watches the control plane and does to the API objects what openstack-operator,
octavia-operator and infra-operator do when Redis and Octavia are enabled, changed
or disabled: subordinate CRs with their generations, conditions that pass from
Unknown by False to True, ready counts, pods on nodes, the ConfigMap
octavia-hmport-map, events. Where the lab has its machine 'os', the pods of Octavia
are units there, with the files that octavia-operator would mount (config.py,
machine.py): a pod is Ready when its unit runs, a changed text starts it anew, and
it goes when the pods go. Elsewhere there are no containers.

Knobs come from a JSON file (--control), read again whenever it changes:

  octavia_delay, redis_delay   seconds from enabling to Ready (default 3, 2)
  rollout_delay                seconds that a changed template takes (default 1.5)
  never_ready                  ["octavia", "redis"]: stay in progress for ever
  error                        {"octavia": "text"}: condition False, reason Error, severity
                               Warning, and a Warning event
  error_for                    seconds after which the error heals (default never)
  error_condition              which condition of the Octavia CR fails
                               (default OctaviaHealthManagerReady)
  unready                      ["worker", "healthmanager@worker-1"]: pods that never become Ready
  flap_after, flap_for         Octavia Ready goes False for a while after being True
  generation_lag               seconds until a new generation is taken up (default 0.1)
  reset_for                    seconds that conditions are Unknown then (default 0.3)
  resync                       seconds after which everything is reconciled again, conditions
                               being Unknown for a moment (default never)
  stale_ready                  seconds that an old Ready=True with an old observedGeneration
                               stands after a change (default 0)
  status_storm                 true: the status is written ten times a second
  pod_grace                    seconds that a deleted pod takes to go (default 2)
  cr_delay                     seconds that the deleted Octavia CR keeps its finalizer (default 0.3)
  cr_last                      true: until its pods are gone
  hm_base                      first predictable address (default 172.23.0.97)
  hm_shift                     added to the last byte: addresses change when set later
  hm_gradual                   seconds between one node and the next in the map
  hm_nodes                     use this many nodes only (default: every Node object)
  hm_extra                     {"hm_gone": "172.23.0.120"}: further entries, without a pod
  hm_omit_rsyslog              true: a map without rsyslog_ keys
  hm_missing                   true: the ConfigMap never appears
  require_nad                  false: the NetworkAttachmentDefinition octavia is not needed
  services                     false: the machine 'os' is left alone, pods are Ready without it
  nodesets_ready               true: the OpenStackDataPlaneNodeSets are Ready; or a list of the
                               names of those that are (default false)
  nncp_delay                   seconds until a changed NodeNetworkConfigurationPolicy is in effect
                               (default 0.5), the first fifth of them still Available as before
  nncp_fail                    ["worker-1", "nncp-worker-2"]: nodes or policies that can't be
                               configured any more once they are changed
  paused                       true: the operator and the kubelet are down, nothing moves

The webhook has knobs of its own in the same file, see webhook.py.
"""
import argparse
import http.client
import json
import os
import sys
import threading
import time

from labkube import Conditions, Kube, say
from machine import Machine
from nmstate import POLICIES, Nmstate
from pods import Pods
from services import Octavia, Redis

DEFAULTS = {"octavia_delay": 3.0, "redis_delay": 2.0, "rollout_delay": 1.5, "never_ready": [], "error": {},
            "error_for": 0, "error_condition": "OctaviaHealthManagerReady", "unready": [], "flap_after": 0,
            "flap_for": 0, "generation_lag": 0.1, "reset_for": 0.3, "resync": 0, "stale_ready": 0,
            "status_storm": False, "pod_grace": 2, "cr_delay": 0.3, "cr_last": False,
            "hm_base": "172.23.0.97", "hm_shift": 0, "hm_gradual": 0, "hm_nodes": 0, "hm_extra": {},
            "hm_omit_rsyslog": False, "hm_missing": False, "require_nad": True, "services": True,
            "nodesets_ready": False, "nncp_delay": 0.5, "nncp_fail": [], "paused": False,
            "webhook_fail": "", "webhook_delay": 0, "webhook_always": False}

CORE = "/apis/core.openstack.org/v1beta1/namespaces/%s/"
OCTAVIA_READY = "OpenStackControlPlaneOctaviaReady"
EXPOSE_READY = "OpenStackControlPlaneExposeOctaviaReady"


class Control:
    """The knobs, and a note for 'lab knob' that they were read."""

    def __init__(self, path, knobs):
        self.path, self.knobs, self.mtime = path, knobs, None
        self.note = os.path.join(os.path.dirname(path), "control.read")

    def changed(self):
        try:
            return os.stat(self.path).st_mtime_ns != self.mtime
        except OSError:
            return self.mtime is not None

    def read(self):
        if not self.changed():
            return
        try:
            self.mtime = os.stat(self.path).st_mtime_ns
            with open(self.path, encoding="utf-8") as f:
                new = json.load(f)
        except OSError:
            self.mtime, new = None, {}
        except ValueError as e:
            say("control file: %s" % e)
            return
        for unknown in set(new) - set(DEFAULTS):
            say("unknown knob: " + unknown)
        self.knobs.clear()
        self.knobs.update(DEFAULTS)
        self.knobs.update(new)
        say("control: " + json.dumps({k: v for k, v in new.items() if DEFAULTS.get(k) != v}))

    def noted(self):
        with open(self.note, "w", encoding="utf-8"):
            pass


class Simulator:
    """openstack-operator: the control plane, and through it the two others."""

    def __init__(self, kube, ns, name, knobs, state):
        self.kube, self.ns, self.name, self.knobs, self.state = kube, ns, name, knobs, state
        self.path = CORE % ns + "openstackcontrolplanes"
        self.pods = Pods(kube, ns)
        self.redis = Redis(kube, ns, self.pods, knobs)
        self.octavia = Octavia(Machine(), kube, ns, self.pods, knobs)
        self.nmstate = Nmstate(kube, knobs)
        self.since = {}         # what is enabled since when; the plane's uid
        self.noticed = {}
        self.reset_until = 0
        self.last = 0
        try:
            with open(state, encoding="utf-8") as f:
                self.since = json.load(f)
        except (OSError, ValueError):
            pass

    def save(self):
        with open(self.state + ".new", "w", encoding="utf-8") as f:
            json.dump(self.since, f)
        os.replace(self.state + ".new", self.state)

    def elapsed(self, key, enabled):
        """Seconds since it was enabled, None if it is not."""
        if not enabled:
            if self.since.pop(key, None) is not None:
                say("%s disabled" % key)
                self.save()
            return None
        if key not in self.since:
            self.since[key] = time.time()
            self.save()
            say("%s enabled" % key)
        return time.time() - self.since[key]

    def same_plane(self, plane):
        uid = plane["metadata"]["uid"]
        if self.since.get("uid") != uid:
            self.since = {"uid": uid}
            self.noticed.clear()
            self.save()

    def version_ready(self):
        """While a minor update runs the reconcile of services is put off."""
        versions = self.kube.items(CORE % self.ns + "openstackversions")
        return all((v.get("status") or {}).get("deployedVersion") == v["spec"].get("targetVersion")
                   for v in versions)

    def taken_up(self, plane, conds):
        """Has the present generation been taken up, and the moment of Unknown passed?"""
        gen, now = plane["metadata"]["generation"], time.time()
        behind = (plane.get("status") or {}).get("observedGeneration") != gen
        if behind:
            since = self.noticed.setdefault(gen, now)
            stale = float(self.knobs["stale_ready"])
            if stale and now - since < stale:
                if (plane["spec"].get("octavia") or {}).get("enabled"):
                    self.octavia.pretend(plane)
                    conds.true(OCTAVIA_READY, "OpenStackControlPlane Octavia completed")
                    self.redis.status(self.path, plane, {"conditions": conds.finish()})
                return False
            if now - since < self.knobs["generation_lag"]:
                return False
        resync = self.knobs["resync"]
        if behind or (resync and now - self.last > resync):
            self.last = now
            self.reset_until = now + self.knobs["reset_for"]
            for kind in list(conds.new):
                conds.init(kind, kind.replace("Condition", "").replace("Ready", " not started"))
            self.redis.status(self.path, plane, {"conditions": conds.finish(), "observedGeneration": gen})
        return now >= self.reset_until

    def settle_others(self, conds):
        """The services that this simulator leaves alone are Ready."""
        for kind in list(conds.new):
            if kind not in ("Ready", OCTAVIA_READY, EXPOSE_READY, "OpenStackControlPlaneRedisReady"):
                conds.true(kind, kind.replace("Condition", "").replace("Ready", " completed").replace(
                    "OpenStackControlPlane", "OpenStackControlPlane "))

    def reconcile_octavia(self, plane, conds):
        t = self.elapsed("octavia", (plane["spec"].get("octavia") or {}).get("enabled"))
        if t is None:
            conds.remove(OCTAVIA_READY)
            conds.remove(EXPOSE_READY)
            self.octavia.remove()
            return
        ready = None
        if self.version_ready() and t >= 0.08 * self.knobs["octavia_delay"]:
            ready = self.octavia.reconcile(plane, t)
        if ready is None:
            conds.init(OCTAVIA_READY, "OpenStackControlPlane Octavia not started")
            conds.init(EXPOSE_READY, "OpenStackControlPlane Octavia exposing service through Route not started")
            return
        conds.true(EXPOSE_READY, "OpenStackControlPlane Octavia exposing service through Route completed")
        if ready["status"] == "True":
            conds.true(OCTAVIA_READY, "OpenStackControlPlane Octavia completed")
        elif ready["status"] == "Unknown":
            conds.progress(OCTAVIA_READY, "OpenStackControlPlane Octavia in progress")
        else:
            conds.set(OCTAVIA_READY, "False", ready["reason"], "Octavia: " + ready["message"],
                      ready.get("severity", ""))

    def node_sets(self):
        """The data plane: Ready or not, as the knob says."""
        path = "/apis/dataplane.openstack.org/v1beta1/namespaces/%s/openstackdataplanenodesets" % self.ns
        knob = self.knobs["nodesets_ready"]
        for obj in self.kube.items(path):
            done = obj["metadata"]["name"] in knob if isinstance(knob, list) else knob
            c = Conditions((obj.get("status") or {}).get("conditions"))
            if done:
                c.true("DeploymentReady", "Deployment completed")
            else:
                c.progress("DeploymentReady", "Deployment not started")
            self.redis.status(path, obj, {"conditions": c.finish(),
                                          "observedGeneration": obj["metadata"]["generation"]})

    def reconcile(self):
        """One pass; True if something is under way."""
        writes = self.kube.writes
        self.pods.read()
        self.octavia.look()
        going = self.pods.kubelet(float(self.knobs["pod_grace"]), self.octavia.holds)
        self.node_sets()
        going = self.nmstate.reconcile() or going
        plane = self.kube.get(self.path + "/" + self.name)
        if plane is None:
            self.redis.reconcile({"spec": {}}, None, Conditions(None))
            self.octavia.remove()
            return going or self.kube.writes != writes
        self.same_plane(plane)
        conds = Conditions((plane.get("status") or {}).get("conditions"))
        if not self.taken_up(plane, conds):
            return True
        self.settle_others(conds)
        redis = plane["spec"].get("redis") or {}
        self.redis.reconcile(plane, self.elapsed("redis", redis.get("enabled")), conds)
        self.reconcile_octavia(plane, conds)
        self.redis.status(self.path, plane, {"conditions": conds.finish()})
        return going or self.kube.writes != writes or not conds.is_true("Ready")


def storm(kube, path, knobs, stop):
    """Knob status_storm: a status that never rests. The generation does not move."""
    n, due = 0, time.time()
    while not stop.wait(max(0, due - time.time())):
        due = max(due + 0.1, time.time())
        if not knobs["status_storm"] or knobs["paused"]:
            continue
        n += 1
        try:
            kube.merge(path + "/status", {"status": {"containerImages": {"agentImage": "lab:%d" % n}}})
        except (OSError, http.client.HTTPException):
            pass


def rest(control, wake, seconds):
    """Wait, but no longer than until something changes."""
    end = time.time() + seconds
    while time.time() < end and not control.changed():
        if wake.wait(0.05):
            break


def main():
    p = argparse.ArgumentParser()
    p.add_argument("--server", required=True)
    p.add_argument("--ca", required=True)
    p.add_argument("--token", required=True)
    p.add_argument("--namespace", default="openstack")
    p.add_argument("--name", default="openstack")
    p.add_argument("--control", required=True)
    p.add_argument("--state", required=True)
    args = p.parse_args()
    knobs = dict(DEFAULTS)
    control = Control(args.control, knobs)
    wake, stop = threading.Event(), threading.Event()

    def client():
        return Kube(args.server, args.ca, args.token)

    sim = Simulator(client(), args.namespace, args.name, knobs, args.state)
    threading.Thread(target=client().watch, args=(sim.path, wake, stop), daemon=True).start()
    threading.Thread(target=client().watch, args=(POLICIES, wake, stop), daemon=True).start()
    threading.Thread(target=storm, args=(client(), sim.path + "/" + args.name, knobs, stop), daemon=True).start()
    say("watching %s/%s" % (args.namespace, args.name))
    while True:
        wake.clear()
        control.read()
        control.noted()
        busy = False
        try:
            if not knobs["paused"]:
                busy = sim.reconcile()
        except (OSError, http.client.HTTPException) as e:
            say("API: %s" % e)
        time.sleep(0.05)
        rest(control, wake, 0.1 if busy else 1.0)


if __name__ == "__main__":
    try:
        main()
    except KeyboardInterrupt:
        sys.exit(0)
