# SPDX-License-Identifier: Apache-2.0
"""A journal of a big adoption, written as docs/journal.md says and without
the tool: two runs and a rollback of a part, waves, failovers, and names that
try to be more than names."""
import datetime
import json
import subprocess
import uuid

IMAGES = [str(uuid.UUID(int=0xa1 << 120 | 7)), str(uuid.UUID(int=0xb2 << 120 | 9))]
# What a tenant may call a load balancer, or a server may answer.
HOSTILE = ('</td></script><script>document.title="owned"</script><img src=x onerror=document.title=1> '
           '&amp; "q" \'a\' | `x` [l](javascript:1) \u202ednim\u202c \x1b[31m')
START = datetime.datetime(2026, 11, 24, 18, 0, 0, tzinfo=datetime.timezone.utc)


def an_id(kind, n):
    return str(uuid.UUID(int=kind << 120 | n << 40 | 0x4abc))


class Journal:
    """Commits like the tool's, by git fast-import."""

    def __init__(self, folder):
        self.folder = folder
        self.stream = []
        self.now = START
        self.mark = self.revision = 0
        self.run = None
        self.numbers = {}

    def sleep(self, seconds):
        self.now += datetime.timedelta(seconds=seconds)

    @property
    def time(self):
        return self.now.strftime("%Y-%m-%dT%H:%M:%SZ")

    def commit(self, subject, files, trailers=()):
        tail = [*trailers, ("Run", self.run), ("Operator", "anna@bastion"), ("Cluster", "0123456789ab"),
                ("Tool", "0.1.0")]
        message = subject + "\n\n" + "".join("%s: %s\n" % pair for pair in tail)
        who = "%d +0000" % self.now.timestamp()
        self.mark += 1
        lines = ["commit refs/heads/main", "mark :%d" % self.mark, "author Anna <anna@bastion> " + who,
                 "committer oc-octavia-adopt <octavia-adopt@bastion> " + who]
        self.add("\n".join(lines) + "\n")
        self.data(message)
        if self.mark > 1:
            self.add("from :%d\n" % (self.mark - 1))
        for path, content in files.items():
            self.add("M 100644 inline %s\n" % path)
            # JSON is YAML.
            self.data(json.dumps(content, indent=1, ensure_ascii=False) + "\n")
        self.add("\n")

    def add(self, text):
        self.stream.append(text.encode())

    def data(self, text):
        raw = text.encode()
        self.stream.append(b"data %d\n" % len(raw) + raw + b"\n")

    def begin(self, name, command, **more):
        self.run = name
        self.doc = dict(id=name, command=command, operator="anna@bastion", kubeUser="system:admin",
                        commandLine="oc octavia-adopt %s -y" % command, tool="0.1.0", started=self.time, **more)
        self.commit("%s: run %s begins" % (command, name), {"runs/%s.yaml" % name: self.doc})

    def end(self, outcome, code, message):
        self.doc.update(ended=self.time, outcome=outcome, exitCode=code, message=message)
        self.commit("%s: run %s ends: %s" % (self.doc["command"], self.run, outcome),
                    {"runs/%s.yaml" % self.run: self.doc})

    def step(self, number, name, state, message="", **more):
        self.commit("%s: %s" % (name, state), {"steps/%03d-%s/step.yaml" % (number, name): dict(
            id=name, state=state, since=self.time, message=message, run=self.run, **more)}, [("Step", name)])

    def change(self, number, step, changes, seconds):
        """changes: [(kind, target, title, before, after, more)], made together."""
        files, trailers, made = {}, [("Step", step)], []
        for kind, target, title, before, after, more in changes:
            n = self.numbers[step] = self.numbers.get(step, 0) + 1
            folder = "steps/%03d-%s/changes/%02d/%05d-%s" % (number, step, n // 1000, n, "change")
            doc = dict(dict(number=n, step=step, kind=kind, title=title, describe=title, target=target,
                            state="Intended", reversible=True, group=1, slug="change", run=self.run,
                            operator="anna@bastion", time=self.time, detail={}, desired=after), **more)
            state, doc["state"] = doc["state"], "Intended"
            files[folder + "/change.yaml"] = dict(doc)
            files[folder + "/before.yaml"] = before
            trailers.append(("Change", "%03d" % n))
            made.append((folder, doc, after, state))
        subject = "%s: %s %s" % (step, trailers[1][1], changes[0][2].splitlines()[0][:60])
        self.commit(subject, files, [*trailers, ("Phase", "intent")])
        self.sleep(seconds)
        self.revision += 1
        files = {}
        for folder, doc, after, state in made:
            doc.update(state="Applied" if state == "Intended" else state, revision=self.revision)
            files[folder + "/change.yaml"] = doc
            files[folder + "/after.yaml"] = after
        self.commit(subject + ": done", files, [*trailers, ("Phase", "outcome")])

    def write(self):
        self.folder.mkdir(mode=0o700, parents=True)
        git = ["git", "-c", "safe.directory=*", "-C", str(self.folder)]
        subprocess.run([*git, "init", "-q", "-b", "main"], check=True)
        subprocess.run([*git, "fast-import", "--quiet"], input=b"".join(self.stream), check=True)
        subprocess.run([*git, "config", "core.repositoryformatversion", "1"], check=True)
        subprocess.run([*git, "config", "extensions.preciousObjects", "true"], check=True)
        subprocess.run([*git, "reset", "-q", "--hard", "main"], check=True)


def state(lb, address, word):
    return {"status": word, "loadBalancer": lb, "address": address}


def wave(members, number, image, bad):
    """One wave, as step update-amphorae records it."""
    before = {a: state(lb, ip, "FAILOVER_STOPPED") for a, lb, ip in members}
    after = {a: dict(state(lb, ip, "FAILOVER_STOPPED" if a in bad else "ALLOCATED"), pushed=True)
             for a, lb, ip in members}
    unproved = [a for a, _, _ in members if a in bad]
    detail = dict(wave=number, image=image, canary=number == 1, unproved=unproved,
                  errors={a: "no heartbeat of it arrived here: " + HOSTILE for a in unproved}, seconds=41.5)
    return ("amphora", {"amphorae": sorted(before)}, "re-point %d amphorae (wave %d of image %s)" % (
        len(members), number, image), before, after, {"detail": detail})


def failover(lb, old, n, stuck=False):
    replaced = [{"id": a, "role": role, "status": "FAILOVER_STOPPED", "address": ip} for a, role, ip in old]
    fresh = [{"id": an_id(0xee, 2 * n + i), "role": role, "status": "ALLOCATED", "address": "172.24.1.%d" % (n % 250)}
             for i, (_, role, _) in enumerate(old)]
    after = {"name": "lb %d %s" % (n, HOSTILE), "status": "PENDING_UPDATE" if stuck else "ACTIVE",
             "operating": "ONLINE", "amphorae": replaced if stuck else fresh}
    more = {"reversible": False, "why": "an amphora of it can't be re-pointed: unproved",
            "detail": dict(sent=True, seconds=73, new=[] if stuck else [a["id"] for a in fresh])}
    if stuck:
        more.update(state="Failed", error="load-balancer/%s: PENDING_UPDATE for 2h: nobody seems to work on it" % lb)
    return ("load-balancer", {"id": lb}, "fail over load-balancer/" + lb,
            {"status": "ACTIVE", "operating": "DEGRADED", "amphorae": replaced}, after, more)


def first_run(journal):
    accept = {"accept": ["ovn-gateway", "amphora-image"], "controlPlane": "openstack"}
    journal.begin("20261124T180000Z-0001", "start", config=accept)
    journal.step(10, "preflight", "Done", guards=[
        {"name": "ovn-gateway", "kind": "check", "state": "accepted", "message": HOSTILE},
        {"name": "reachability", "kind": "check", "state": "passed", "message": "it answers"}])
    journal.change(20, "trust", [("object", {"apiVersion": "v1", "kind": "Secret", "namespace": "openstack",
                                             "name": "octavia-ca-passphrase"}, "create secret/octavia-ca-passphrase",
                                  None, {"apiVersion": "v1", "kind": "Secret", "data": {
                                      "server-ca-passphrase": "sha256:" + "ab" * 32}},
                                  {"why": HOSTILE})], 4)
    journal.step(20, "trust", "Done")
    units = {"tripleo_octavia_api": {"active": True, "enabled": True}}
    stopped = {"tripleo_octavia_api": {"active": False, "enabled": False}}
    journal.sleep(20)
    journal.change(50, "stop-director", [
        ("unit", {"controller": "ctl%d" % i, "phase": 1, "title": "api"}, "stop units on ctl%d" % i, units, stopped, {})
        for i in (1, 2, 3)], 35)
    journal.step(50, "stop-director", "Done")
    journal.change(60, "enable-octavia", [
        ("object", {"apiVersion": "core.openstack.org/v1beta1", "kind": "OpenStackControlPlane",
                    "namespace": "openstack", "name": "openstack"}, "patch openstackcontrolplane/openstack",
         {"spec": {"octavia": {"enabled": False}, "note": HOSTILE}},
         {"spec": {"octavia": {"enabled": True}, "note": HOSTILE + "\n+++ not a head\n"}}, {})], 310)
    journal.step(60, "enable-octavia", "Failed", "gave up waiting: OctaviaReady is False: " + HOSTILE)
    journal.end("Failed", 1, "gave up waiting: OctaviaReady is False: " + HOSTILE)


def waves(journal, pairs, bad):
    sizes, number, at = {0: 1, 1: 1}, {0: 1, 1: 1}, 0
    for image in (0, 1):
        for role in (1, 0):
            mine = [p for p in pairs if p["image"] == image]
            while mine:
                now, mine = mine[:sizes[image]], mine[sizes[image]:]
                members = [(p["ids"][role], p["lb"], p["ip"][role]) for p in now]
                journal.change(80, "update-amphorae", [wave(members, number[image], IMAGES[image], bad)], 41)
                number[image] += 1
                sizes[image] = min(512, 2 * sizes[image])
                at += len(now)
    return at


def make(folder, amphorae=10000, failovers=40):
    journal = Journal(folder)
    pairs = [{"lb": an_id(0x1b, n), "ids": (an_id(0xaa, n), an_id(0xbb, n)), "image": int(n % 3 == 0),
              "ip": ("172.24.%d.%d" % (n // 250, n % 250), "172.25.%d.%d" % (n // 250, n % 250))}
             for n in range(amphorae // 2)]
    broken = pairs[5::max(1, len(pairs) // failovers)][:failovers]
    journal.run = "20261124T180000Z-0001"
    journal.commit("adoption", {"adoption.yaml": {
        "format": 1, "journal": "00" * 16, "cluster": {"id": "0123456789ab", "server": "https://api.example:6443"},
        "controlPlane": {"namespace": "openstack", "name": "openstack", "uid": an_id(0xcc, 1)},
        "created": journal.time, "tool": "0.1.0"}})
    first_run(journal)
    journal.sleep(50000)
    journal.begin("20261125T080000Z-0002", "start", config={"accept": ["ovn-gateway"]})
    journal.step(60, "enable-octavia", "Done")
    journal.sleep(60)
    journal.step(70, "endpoints", "Done")
    waves(journal, pairs, {p["ids"][1] for p in broken})
    journal.step(80, "update-amphorae", "Done", notes=["%d amphorae report to the new health managers" % (
        amphorae - len(broken))])
    for begin in range(0, len(broken), 8):
        journal.change(90, "reconcile", [
            failover(p["lb"], [(p["ids"][0], "MASTER", p["ip"][0]), (p["ids"][1], "BACKUP", p["ip"][1])], begin + i,
                     stuck=begin + i == len(broken) - 1)
            for i, p in enumerate(broken[begin:begin + 8])], 80)
    journal.step(90, "reconcile", "Failed", "1 load balancer is not as it should be")
    journal.end("Failed", 1, "1 load balancer is not as it should be")
    journal.write()
    return {"pairs": pairs, "broken": broken}
