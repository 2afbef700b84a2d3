# SPDX-License-Identifier: Apache-2.0
"""The lab's OpenStack, looked at from the inside: databases, amphorae, what the
API was asked. Must not know the tool."""
import collections
import http.client
import json
import ssl
import urllib.parse

import yaml

from lab import seconds_of

# How long it takes until a silent amphora is noticed: short, by the control
# plane's own configuration, so that a test need not wait for minutes.
INTERVAL, TIMEOUT = 1, 10
TEMPLATE = {
    "octaviaHealthManager": {"customServiceConfig": "[health_manager]\nheartbeat_timeout = %d\n"
                                                    "health_check_interval = 1\n" % TIMEOUT},
    "octaviaHousekeeping": {"customServiceConfig": "[house_keeping]\ncert_interval = 2\n"},
    "octaviaWorker": {"customServiceConfig": "[health_manager]\nheartbeat_interval = %d\n" % INTERVAL},
}

Request = collections.namedtuple("Request", "time method path status")


class Cloud:
    def __init__(self, lab):
        self.lab = lab

    def seed(self, *mix):
        self.lab("seed", *mix)
        self.lab.touch()

    def sql(self, statement, which="copy"):
        """The answer's rows, each a list of texts."""
        text = self.lab("db", "sql", which, "-N", "-B", "-e", statement)
        return [line.split("\t") for line in text.splitlines()]

    def change(self, statement, which="copy"):
        self.lab.touch()
        return self.sql(statement, which)

    def load_balancers(self):
        """{name: {id, provider, provisioning, operating, topology, amphorae: [id]}}"""
        rows = self.sql("SELECT name, id, COALESCE(provider, ''), provisioning_status, operating_status, topology "
                        "FROM load_balancer")
        found = {r[0]: dict(zip(("id", "provider", "provisioning", "operating", "topology"), r[1:])) for r in rows}
        amphorae = self.sql("SELECT load_balancer_id, id FROM amphora WHERE status <> 'DELETED' "
                            "AND load_balancer_id IS NOT NULL ORDER BY id")
        for lb in found.values():
            lb["amphorae"] = [a for owner, a in amphorae if owner == lb["id"]]
        return found

    def statuses(self):
        """{amphora id: status} of those that are not deleted."""
        return dict(self.sql("SELECT id, status FROM amphora WHERE status <> 'DELETED'"))

    def ages(self):
        """{amphora id: seconds since the last heartbeat that the health manager took}."""
        return {i: int(s) for i, s in self.sql(
            "SELECT amphora_id, TIMESTAMPDIFF(SECOND, last_update, UTC_TIMESTAMP()) FROM amphora_health")}

    def simulated(self):
        """{amphora id: its agent: managers (in its file), sent_to, topology, counts of requests}."""
        return {a["id"]: {"managers": sorted(a["file"]["controllers"]), "sent_to": sorted(a["sender"]["controllers"]),
                          "topology": a["file"]["topology"], "counts": a["requests"], "plugs": a["plugs"]}
                for a in json.loads(self.lab("amphora", "list")) if a["alive"]}

    def heard_by_the_old(self, since):
        """The amphorae whose heartbeats came to the Director's addresses."""
        return {i for i, a in json.loads(self.lab("amphora", "heartbeats")).items() if a["last"] > since}

    def set(self, which, *settings):
        self.lab.touch()
        self.lab("amphora", "set", which, *settings)

    def requests(self, since=0.0):
        out = []
        for line in self.lab("api-log").splitlines():
            time, method, path, status = line.split(" ", 3)
            moment = seconds_of(time)
            if moment >= since:
                out.append(Request(moment, method, path, status))
        return out

    def failovers(self, since=0.0):
        """How often each load balancer's failover was asked for, and taken."""
        return collections.Counter(r.path.split("/")[-2] for r in self.requests(since)
                                   if r.method == "PUT" and r.path.endswith("/failover") and "lbaas" in r.path and
                                   r.status == "202")

    def pushes(self, since=0.0):
        return collections.Counter(r.path.split("/")[-2] for r in self.requests(since)
                                   if r.method == "PUT" and r.path.endswith("/config"))

    def fault(self, *fault):
        self.lab.fault("openstack", *fault)

    def data_plane(self, ready):
        self.lab.knob(nodesets_ready=ready)


def configure(tool, **more):
    """The tool's configuration for this lab, with short heartbeats."""
    config = yaml.safe_load((tool.lab.dir / "octavia-adopt.yaml").read_text())
    config.setdefault("octavia", {})["template"] = TEMPLATE
    config.update(more)
    tool.config = tool.folder / "cloud.yaml"
    tool.config.write_text(yaml.safe_dump(config))


class Tenant:
    """Somebody with a token, as the lab's clouds.yaml knows them."""

    def __init__(self, lab, name):
        config = yaml.safe_load((lab.dir / "openstack" / "clouds.yaml").read_text())["clouds"][name]
        self.context = ssl.create_default_context(cafile=config["cacert"])
        self.host = urllib.parse.urlsplit(config["auth"]["auth_url"]).hostname
        auth = config["auth"]
        body = {"auth": {"identity": {"methods": ["password"], "password": {"user": {
            "name": auth["username"], "password": auth["password"], "domain": {"name": auth["user_domain_name"]}}}},
            "scope": {"project": {"name": auth["project_name"],
                                  "domain": {"name": auth["project_domain_name"]}}}}}
        answer, _ = self.send(5000, "POST", "/v3/auth/tokens", body, {})
        self.token = answer.getheader("X-Subject-Token")

    def send(self, port, method, path, body, headers):
        conn = http.client.HTTPSConnection(self.host, port, timeout=60, context=self.context)
        conn.request(method, path, None if body is None else json.dumps(body),
                     {"Content-Type": "application/json", **headers})
        answer = conn.getresponse()
        text = answer.read()
        conn.close()
        return answer, json.loads(text) if text[:1] == b"{" else {}

    def call(self, method, path, body=None):
        answer, found = self.send(9876, method, path, body, {"X-Auth-Token": self.token})
        return answer.status, found
