# SPDX-License-Identifier: Apache-2.0
"""The lab of the benchmarks that adopt, and this tool in it, over 5 ms each way."""
import contextlib
import json
import os
import pathlib
import subprocess
import sys
import tempfile
import time

TOP = pathlib.Path(__file__).resolve().parents[2]
LAB = str(TOP / "tests" / "lab" / "lab")
TOOL = os.environ.get("BENCH_TOOL", str(TOP / "build" / "oc-octavia-adopt"))
SETTINGS = {"LAB_DIR": "/tmp/octavia-lab-bench", "LAB_NAME": "octben", "LAB_NET": "10.91.0", "KUBE_PORT": "29543",
            "ETCD_PORT": "29579", "WEBHOOK_PORT": "29581", "LATENCY_PORT": "29582", "LAB_PACEMAKER": "0"}
ENV = {**SETTINGS, **os.environ}


def lab(*args):
    done = subprocess.run([LAB, *args], env=ENV, capture_output=True, text=True)
    if done.returncode:
        sys.exit("error: lab %s: %s%s" % (" ".join(args), done.stdout, done.stderr))
    return done.stdout


def kubectl(*args):
    return subprocess.run([ENV["LAB_KUBECTL"], *args], env=ENV, check=True, capture_output=True, text=True).stdout


class Tool:
    def __init__(self, work, template):
        self.work, self.config = work, work / "octavia-adopt.yaml"
        latency = pathlib.Path(ENV["LAB_TOOL_CONFIG"]).read_text(encoding="utf-8")
        lines = [line for line in latency.splitlines() if not line.startswith("octavia:")]
        octavia = {"amphoraImageContainerImage": "registry.example/octavia-amphora-image:lab", "template": template}
        self.config.write_text("\n".join(lines) + "\noctavia: %s\n" % json.dumps(octavia), encoding="utf-8")
        self.journal = work / "journal"

    def __call__(self, command, *args, codes=(0,)):
        """(seconds, events) of one command."""
        begin = time.monotonic()
        done = subprocess.run([TOOL, command, "-o", "json", "--config", str(self.config), "--journal",
                               str(self.journal), *args], env=ENV, capture_output=True, text=True)
        if done.returncode not in codes:
            sys.exit("error: %s: exit %d\n%s%s" % (command, done.returncode, done.stdout[-2000:], done.stderr))
        return time.monotonic() - begin, done.stdout

    def forget(self, number):
        self.journal = self.work / ("journal-%d" % number)


def fresh(pairs):
    """As before any adoption, with so many load balancers of two amphorae."""
    lab("reset")
    lab("seed", "pairs", str(pairs))


def row(what, ours, theirs, wanted):
    return {"what": what, "unit": "s", "ours": round(ours, 2), "theirs": round(theirs, 2), "wanted": wanted}


@contextlib.contextmanager
def up():
    """The lab and a folder to work in; with KEEP=1 the lab is left up."""
    try:
        lab("up")
        lab("latency", "5")
        shell = subprocess.run(["bash", "-c", 'eval "$("$0" env latency)"; env -0', LAB], env=ENV, check=True,
                               capture_output=True, text=True).stdout
        ENV.update(line.split("=", 1) for line in shell.split("\0") if "=" in line)
        with tempfile.TemporaryDirectory() as work:
            ENV["XDG_STATE_HOME"] = work
            yield pathlib.Path(work)
    finally:
        if not os.environ.get("KEEP"):
            subprocess.run([LAB, "down"], env=ENV, capture_output=True)


def result(name, rows):
    """Its exit code: 1 if one of them is not met."""
    return subprocess.run([str(TOP / "tests/bench/result"), name], input=json.dumps(rows), text=True).returncode
