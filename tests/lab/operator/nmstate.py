"""kubernetes-nmstate, on nodes that are not there: NodeNetworkConfigurationPolicies
get the conditions and enactments that its handler writes.

What the nodes have is kept in the enactments' annotation `lab/interfaces`: an entry
with state up makes an interface, `state: absent` takes it away, and an entry that only
leaves the list changes nothing.
"""
import json
import time

from labkube import now, say

POLICIES = "/apis/nmstate.io/v1/nodenetworkconfigurationpolicies"
ENACTMENTS = "/apis/nmstate.io/v1beta1/nodenetworkconfigurationenactments"
HELD = "lab/interfaces"


def conditions(true, reason, message, names):
    """One is True; with none the outcome is not known yet."""
    return [{"type": name, "status": "Unknown" if true is None and name != "Progressing" else
             "True" if name == (true or "Progressing") else "False",
             "reason": reason, "message": message if name == (true or "Progressing") else "",
             "lastHeartbeatTime": now(), "lastTransitionTime": now()} for name in names]


POLICY_TYPES = ("Available", "Degraded", "Progressing")
NODE_TYPES = ("Available", "Failing", "Progressing", "Pending", "Aborted")


class Nmstate:
    def __init__(self, kube, knobs):
        self.kube, self.knobs = kube, knobs
        self.since = {}  # (name, uid, generation) → when it was seen

    def nodes(self, policy):
        selector = policy["spec"].get("nodeSelector") or {}
        return [n["metadata"]["name"] for n in self.kube.items("/api/v1/nodes")
                if all(n["metadata"].get("labels", {}).get(k) == v for k, v in selector.items())]

    def enact(self, policy, node, have, outcome):
        """The enactment of one node; a changed one is written in two steps, as its
        status is a subresource."""
        name = policy["metadata"]["name"]
        key = "%s.%s" % (node, name)
        generation = policy["metadata"]["generation"]
        if have is None:
            _, have = self.kube.call("POST", ENACTMENTS, {
                "apiVersion": "nmstate.io/v1beta1", "kind": "NodeNetworkConfigurationEnactment",
                "metadata": {"name": key, "annotations": {HELD: "{}"},
                             "labels": {"nmstate.io/policy": name, "nmstate.io/node": node}}})
        status = have.get("status") or {}
        true, reason, message = outcome
        if status.get("policyGeneration") == generation and status.get("lab") == reason:
            return
        if true == "Available":
            held = json.loads(have["metadata"]["annotations"][HELD])
            for entry in policy["spec"].get("desiredState", {}).get("interfaces", []):
                if entry.get("state") == "absent":
                    held.pop(entry["name"], None)
                else:
                    held[entry["name"]] = entry
            self.kube.merge(ENACTMENTS + "/" + key, {"metadata": {"annotations": {HELD: json.dumps(held)}}})
        self.kube.merge(ENACTMENTS + "/" + key + "/status", {"status": {
            "policyGeneration": generation, "lab": reason,
            "conditions": conditions(true, reason, message, NODE_TYPES)}})
        say("%s: %s" % (key, reason))

    def settle(self, policy, outcome, types=POLICY_TYPES):
        true, reason, message = outcome
        old = {c["type"]: c for c in (policy.get("status") or {}).get("conditions") or []}
        marker = "%s %s" % (policy["metadata"]["generation"], reason)
        if (policy.get("status") or {}).get("lab") == marker:
            return
        new = conditions(true, reason, message, types)
        for c in new:
            if old.get(c["type"], {}).get("status") == c["status"]:
                c["lastTransitionTime"] = old[c["type"]]["lastTransitionTime"]
        self.kube.merge(POLICIES + "/" + policy["metadata"]["name"] + "/status",
                        {"status": {"lab": marker, "conditions": new}})

    def reconcile(self):
        """True while a node is at work."""
        busy, seen = False, {}
        enactments = {e["metadata"]["name"]: e for e in self.kube.items(ENACTMENTS)}
        fail, delay = self.knobs["nncp_fail"], float(self.knobs["nncp_delay"])
        for policy in self.kube.items(POLICIES):
            meta = policy["metadata"]
            key = (meta["name"], meta["uid"], meta["generation"])
            # What is there when the lab comes up is in effect already.
            seen[key] = self.since.get(key, 0 if meta["generation"] == 1 else time.time())
            nodes = self.nodes(policy)
            failing = [n for n in nodes if n in fail or meta["name"] in fail]
            age = time.time() - seen[key]
            if age < 0.2 * delay:
                busy = True  # nobody has noticed: Available is of the generation before
                continue
            for i, node in enumerate(nodes):
                own = enactments.get("%s.%s" % (node, meta["name"]))
                if age < delay * (0.6 + 0.4 * (i + 1) / len(nodes)):
                    busy = True
                    self.enact(policy, node, own, (None, "ConfigurationProgressing", "Applying desired state"))
                elif node in failing and meta["generation"] > 1:
                    self.enact(policy, node, own, ("Failing", "FailedToConfigure",
                                                   "error reconciling: NmstateError: InvalidArgument: "
                                                   "failed to find the base interface of the VLAN"))
                else:
                    self.enact(policy, node, own, ("Available", "SuccessfullyConfigured",
                                                   "successfully reconciled"))
            if age < delay:
                self.settle(policy, (None, "ConfigurationProgressing", "Policy is progressing 0/%d nodes finished"
                                     % len(nodes)))
            elif failing and meta["generation"] > 1:
                self.settle(policy, ("Degraded", "FailedToConfigure", "1/%d nodes failed to configure" % len(nodes)))
            else:
                self.settle(policy, ("Available", "SuccessfullyConfigured",
                                     "%d/%d nodes successfully configured" % (len(nodes), len(nodes))))
        self.since = seen
        return busy
