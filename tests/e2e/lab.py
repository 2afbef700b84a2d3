# SPDX-License-Identifier: Apache-2.0
"""The lab of these tests: brought up, put right, broken and looked at.

All is read from the real things: the API server by an own client, the machines
from the inside. Must not know the tool.
"""
import datetime
import http.client
import json
import os
import pathlib
import re
import ssl
import subprocess
import time

LAB = pathlib.Path(__file__).resolve().parents[1] / "lab" / "lab"

# Apart from the lab that a person may have up; E2E_LAB=1 to 9 makes it another
# one, so that two runs of the tests can go on beside each other. Each worker of
# one run (pytest -n) has its own.
NUMBER = int(os.environ.get("E2E_LAB", "0")) + int(os.environ.get("PYTEST_XDIST_WORKER", "gw0")[2:])
NET = "10.%d.0" % (100 + NUMBER)
SETTINGS = {"LAB_DIR": "/tmp/octavia-lab-e2e-%d" % NUMBER, "LAB_NAME": "octe%d" % NUMBER, "LAB_NET": NET,
            "KUBE_PORT": str(27543 + 100 * NUMBER), "ETCD_PORT": str(27579 + 100 * NUMBER),
            "WEBHOOK_PORT": str(27581 + 100 * NUMBER), "LATENCY_PORT": str(27582 + 100 * NUMBER)}

NAMESPACE = "openstack"
CONTROLLERS = ("ctl1", "ctl2", "ctl3")
HOSTS = tuple("%s.%d" % (NET, 11 + i) for i in range(3))
STOPPED = ("tripleo_octavia_api", "tripleo_octavia_health_manager", "tripleo_octavia_housekeeping",
           "tripleo_octavia_worker", "tripleo_octavia_driver_agent")
PLANE = "/apis/core.openstack.org/v1beta1/namespaces/openstack/openstackcontrolplanes/openstack"
OCTAVIA = "/apis/octavia.openstack.org/v1beta1/namespaces/openstack/octavias/octavia"
REDIS = "/apis/redis.openstack.org/v1beta1/namespaces/openstack/redises"
NAD = "/apis/k8s.cni.cncf.io/v1/namespaces/openstack/network-attachment-definitions/octavia"
SECRETS = "/api/v1/namespaces/openstack/secrets"
LEASE = "/apis/coordination.k8s.io/v1/namespaces/openstack/leases/octavia-adopt-openstack"
WRITES = ("create", "update", "patch", "delete", "deletecollection")

# What systemd's own messages are about.
UNIT_EVENTS = {"7d4958e842da4a758f6c1cdc7b36dcc5": "starting", "39f53479d3a045ac8e11786248231fbf": "started",
               "de5b426a63be47a7b6ac3eaac82e2f6f": "stopping", "9d1aaa27d60140bd96365438aad20286": "stopped"}


def wait_for(what, seconds, look):
    """Poll until look() is true; its answer."""
    end = time.monotonic() + seconds
    while True:
        answer = look()
        if answer:
            return answer
        assert time.monotonic() < end, "gave up waiting for " + what
        time.sleep(0.05)


def canonical(value):
    return json.dumps(value, sort_keys=True, ensure_ascii=False, separators=(",", ":"))


def seconds_of(text):
    """An API server's time as seconds since the epoch."""
    return datetime.datetime.fromisoformat(text.replace("Z", "+00:00")).timestamp()


class Kube:
    """A client of the lab's API server, as its administrator."""

    def __init__(self, port, ca, touch):
        self.port, self.ca, self.touch = int(port), ca, touch
        self.conn = None

    def call(self, method, path, body=None, ctype="application/json"):
        if not self.conn:
            context = ssl.create_default_context(cafile=self.ca)
            self.conn = http.client.HTTPSConnection("127.0.0.1", self.port, timeout=30, context=context)
        if method != "GET":
            self.touch()
        headers = {"Authorization": "Bearer lab-admin-token", "User-Agent": "lab-e2e", "Content-Type": ctype}
        try:
            self.conn.request(method, path, None if body is None else json.dumps(body), headers)
            answer = self.conn.getresponse()
            text = answer.read()
        except (OSError, http.client.HTTPException):
            self.conn = None
            raise
        return answer.status, json.loads(text) if text else {}

    def get(self, path):
        """The object, or None if there is none."""
        status, answer = self.call("GET", path)
        assert status in (200, 404), answer
        return answer if status == 200 else None

    def items(self, path):
        return self.get(path)["items"]

    def merge(self, path, patch):
        status, answer = self.call("PATCH", path, patch, "application/merge-patch+json")
        assert status == 200, answer
        return answer

    def patch(self, path, operations, manager="somebody"):
        status, answer = self.call("PATCH", path + "?fieldManager=" + manager, operations,
                                   "application/json-patch+json")
        assert status == 200, answer
        return answer

    def create(self, path, body):
        status, answer = self.call("POST", path, body)
        assert status == 201, answer
        return answer

    def delete(self, path):
        status, answer = self.call("DELETE", path)
        assert status in (200, 202, 404), answer


class Lab:
    def __init__(self):
        self.env = dict(os.environ, **SETTINGS)
        self.dir = pathlib.Path(SETTINGS["LAB_DIR"])
        self.kube = Kube(SETTINGS["KUBE_PORT"], str(self.dir / "pki" / "ca.crt"), self.touch)
        self.touched = True

    def touch(self):
        """Something was changed, so that the next test needs a reset."""
        self.touched = True

    def __call__(self, *args, timeout=1800):
        if args[0] in ("fault", "plane", "knob", "exec"):
            self.touch()
        done = subprocess.run([str(LAB), *args], env=self.env, capture_output=True, text=True, timeout=timeout)
        assert done.returncode == 0, "lab %s: %s%s" % (" ".join(args), done.stdout, done.stderr)
        return done.stdout

    @property
    def kubectl(self):
        """The lab's own, of its API server's age."""
        return re.search(r"LAB_KUBECTL='(.*)'", self("env")).group(1)

    # ---- what is to be ----

    def reset(self):
        """As after 'up'; a machine that does not come right in place is made anew."""
        if self.touched:
            self("reset")
        if self.units() != self.pristine:
            wait_for("units as at first", 20, lambda: self.units() == self.pristine)
        self.touched = False

    def remember_pristine(self):
        self("reset")
        # Machines that have just come up may still be starting them.
        wait_for("enabled units to run", 60, lambda: all(
            unit["active"] == ("active" if unit["enabled"] == "enabled" else "inactive")
            for units in self.units().values() for unit in units.values()))
        self.pristine = self.units()

    def knob(self, **knobs):
        self("knob", json.dumps(knobs))

    def fault(self, ctl, *fault):
        self("fault", ctl, *fault)

    # ---- what is ----

    def spec(self):
        return canonical(self.kube.get(PLANE)["spec"])

    def secret(self, name):
        return self.kube.get(SECRETS + "/" + name)

    def units(self):
        return json.loads(self("units"))

    def octavia_units(self):
        """{(ctl, unit): (active, enabled)} of Octavia's units."""
        return {(ctl, name): (unit["active"], unit["enabled"])
                for ctl, units in self.units().items() for name, unit in (units or {}).items()
                if "octavia" in name}

    def pcs(self):
        """Pacemaker's resources, as soon as none is Starting, Promoting, …"""
        def settled():
            found = json.loads(self("pcs"))
            roles = [role for resource in (found or {}).get("resources", {}).values()
                     for role in resource["roles"].values()]
            return [] if any(role.endswith("ing") for role in roles) else [found]
        return wait_for("Pacemaker to settle", 60, settled)[0]

    def octavia_pods(self):
        return [p["metadata"]["name"] for p in self.kube.items("/api/v1/namespaces/openstack/pods")
                if p["metadata"]["labels"].get("service", "").startswith("octavia") and
                "redis/name" not in p["metadata"]["labels"]]

    def mark(self):
        """A moment that audit(), logins() and unit_log() can begin at."""
        begin = max(0, (self.dir / "kube" / "audit.log").stat().st_size - (16 << 20))
        return Mark(begin + len(self.audit_log(begin)), time.time())

    def audit_log(self, begin):
        """Its whole lines from there on: the last one may be half written."""
        with open(self.dir / "kube" / "audit.log", "rb") as log:
            log.seek(begin)
            text = log.read()
        return text[:text.rfind(b"\n") + 1]

    def audit(self, mark, agent="oc-octavia-adopt/"):
        """What the API server was asked since then, by programs of that name."""
        entries = [json.loads(line) for line in self.audit_log(mark.audit).splitlines()]
        return [e for e in entries if e.get("userAgent", "").startswith(agent)]

    def writes(self, mark, agent="oc-octavia-adopt/"):
        """(verb, "resource/name") of what really changed something."""
        return [(e["verb"], "%s/%s" % (e["objectRef"]["resource"], name_of(e)))
                for e in self.audit(mark, agent)
                if e["verb"] in WRITES and e["objectRef"]["resource"] != "selfsubjectaccessreviews" and
                "dryRun=" not in e["requestURI"] and e["responseStatus"]["code"] < 300]

    def unit_log(self, mark):
        """[(time, ctl, unit, "stopping"…)] of all controllers, oldest first."""
        log = []
        for ctl in CONTROLLERS:
            text = self("exec", ctl, "journalctl", "-q", "-o", "json", "_PID=1", "--since=@%.6f" % mark.time)
            for line in text.splitlines():
                entry = json.loads(line)
                event = UNIT_EVENTS.get(entry.get("MESSAGE_ID"))
                if event and "tripleo_" in entry.get("UNIT", ""):
                    log.append((int(entry["__REALTIME_TIMESTAMP"]) / 1e6, ctl,
                                entry["UNIT"].replace(".service", ""), event))
        return sorted(log)

    def logins(self, ctl, mark):
        """The lines of sshd's log about accepted connections."""
        text = self("exec", ctl, "journalctl", "-q", "-o", "cat", "-u", "ssh", "--since=@%.6f" % mark.time)
        return [line for line in text.splitlines() if line.startswith("Accepted publickey ")]


class Mark:
    def __init__(self, audit, moment):
        self.audit, self.time = audit, moment


def name_of(entry):
    """A created object's name is in its body, and for Secrets only in the answer's."""
    ref = entry["objectRef"]
    body = entry.get("requestObject") or {}
    return ref.get("name") or (body.get("metadata") or {}).get("name", "?")
