# SPDX-License-Identifier: Apache-2.0
"""The program under test: run with a state of its own, everything it says kept."""
import json
import os
import pathlib
import subprocess

import journal
import canaries

ROOT = pathlib.Path(__file__).resolve().parents[2]
PROGRAM = pathlib.Path(os.environ.get("E2E_PROGRAM", ROOT / "build" / "oc-octavia-adopt"))
ACCEPT = ("--accept", "octavia-database", "--accept", "pending-load-balancers")
ACCEPT_BACK = ("--accept", "rollback-new-data")


UNTIL = ("--until", "enable-octavia")
# Sections of status that can't be read in a lab without its OpenStack.
OPENSTACK = {"loadBalancers", "amphorae", "neededBy"}


def errors(status):
    """The sections that could not be read, but for OpenStack's."""
    return {e["section"] for e in status["errors"]} - OPENSTACK


class Result:
    def __init__(self, args, code, out, err):
        self.args, self.code, self.out, self.err = args, code, out, err

    def __repr__(self):
        return "\n$ %s\n[exit %s]\n%s%s" % (" ".join(self.args), self.code, self.out, self.err)

    @property
    def message(self):
        """What a person reads last: the error and its hint."""
        at = self.err.rfind("error: ")
        return self.err[at:] if at >= 0 else ""

    @property
    def json(self):
        return json.loads(self.out)

    @property
    def events(self):
        return [json.loads(line) for line in self.out.splitlines()]


class Tool:
    def __init__(self, lab, folder):
        self.lab, self.folder = lab, folder
        self.state = folder / "state"
        self.config = lab.dir / "octavia-adopt.yaml"
        self.user = "adopter"
        self.wrapper = []
        self.env = {k: v for k, v in os.environ.items() if not k.startswith(("CONTROLLER", "OCTAVIA_", "XDG_"))}
        self.env.update(HOME=str(folder), XDG_STATE_HOME=str(self.state), XDG_CONFIG_HOME=str(folder / "config"),
                        KUBECONFIG=self.kubeconfig(self.user), NO_COLOR="1", TERM="dumb")

    def kubeconfig(self, user):
        return str(self.lab.dir / "kubeconfig" / (user + ".yaml"))

    def command(self, *args):
        config = ["--config", str(self.config)] if self.config and args[0] not in ("version", "help") else []
        return [*self.wrapper, str(PROGRAM), *args, *config]

    def popen(self, *args, env=None, **more):
        if args[0] in ("start", "rollback"):
            self.lab.touch()
        return subprocess.Popen(self.command(*args), env=dict(self.env, **(env or {})), cwd=self.folder,
                                stdin=subprocess.DEVNULL, stdout=subprocess.PIPE, stderr=subprocess.PIPE,
                                text=True, **more)

    def finish(self, process, timeout=300):
        try:
            out, err = process.communicate(timeout=timeout)
        except subprocess.TimeoutExpired:
            process.kill()
            out, err = process.communicate()
            raise AssertionError("hangs: %r" % Result(process.args, None, out, err)) from None
        result = Result(process.args, process.returncode, out, err)
        canaries.assert_absent(out + err, "output of %s" % " ".join(process.args))
        return result

    def run(self, *args, expect=None, timeout=300, **more):
        result = self.finish(self.popen(*args, **more), timeout)
        assert expect is None or result.code == expect, result
        return result

    def start(self, *args, expect=0, **more):
        """As far as it goes without OpenStack."""
        return self.run("start", "-y", *ACCEPT, *UNTIL, *args, expect=expect, **more)

    def cloud_start(self, *args, expect=0, **more):
        """All steps, with the guards that read the databases."""
        return self.run("start", "-y", *args, expect=expect, **{"timeout": 900, **more})

    def cloud_rollback(self, *args, expect=0, **more):
        return self.run("rollback", "-y", *args, expect=expect, **{"timeout": 900, **more})

    def rollback(self, *args, expect=0, **more):
        """Without OpenStack nobody can tell what was made since."""
        return self.run("rollback", "-y", *ACCEPT_BACK, *args, expect=expect, **more)

    def status(self, *args):
        return self.run("status", "-o", "json", *args, expect=0).json

    def plan(self, *args, expect=0):
        return self.run("plan", "-o", "json", *ACCEPT, *UNTIL, *args, expect=expect).json

    @property
    def journal(self):
        return journal.find(self.state)

    def verify(self):
        """The journal is whole, as git and as the tool see it."""
        journal.fsck(self.journal)
        assert "whole" in self.run("history", "--verify", expect=0).out
