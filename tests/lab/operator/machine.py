"""The machine 'os', where there is one: the pods of Octavia are its units.

All questions go to one process inside it (agent.py). Where the lab has no such
machine, or it is off, nothing is known of any unit and pods are what they are
without.
"""
import json
import os
import select
import subprocess
import time

from labkube import say

# role: the units that its pods are, the first of them decides
UNITS = {"api": ["octavia-api", "octavia-driver-agent"], "worker": ["octavia-worker"],
         "healthmanager": ["octavia-health-manager"], "housekeeping": ["octavia-housekeeping"]}
RUN = '. "$LAB_SRC/lib.sh"; machine_exec os python3 -u -c "$1"'
PIDFILE = os.path.join(os.environ["LAB_DIR"], "machines", "os", "nspawn.pid")
SETTLE = 1.0  # seconds that a unit has run before its pod counts as Ready
RETRY = 2.0
FRESH = 0.3
PATIENCE = 10  # a frozen machine does not answer


class Machine:
    def __init__(self):
        self.process, self.tried = None, 0
        self.states, self.asked = None, 0
        with open(os.path.join(os.path.dirname(__file__), "agent.py"), encoding="utf-8") as f:
            self.agent = f.read()

    def talk(self, request):
        """The agent's answer, or None: there is no machine (now)."""
        if self.process is None:
            if time.time() - self.tried < RETRY or not os.path.exists(PIDFILE):
                return None
            self.tried = time.time()
            self.process = subprocess.Popen(["bash", "-c", RUN, "machine", self.agent], text=True,
                                            stdin=subprocess.PIPE, stdout=subprocess.PIPE, stderr=subprocess.DEVNULL)
        try:
            self.process.stdin.write(json.dumps(request) + "\n")
            self.process.stdin.flush()
            if not select.select([self.process.stdout], [], [], PATIENCE)[0]:
                raise OSError("no answer")
            return json.loads(self.process.stdout.readline())
        except (OSError, ValueError):
            self.process.kill()
            self.process.communicate()
            self.process, self.states = None, None
            return None

    def look(self, wanted=True):
        """Called at the begin of each pass; True if there is a machine, and it is wanted."""
        if not wanted:
            self.states = None
        elif self.states is None or time.time() - self.asked >= FRESH:
            self.asked = time.time()
            self.states = self.talk({"ask": [u for units in UNITS.values() for u in units]})
        return self.states is not None

    def state(self, role):
        """Of the unit that decides: "active", "deactivating"…; None if nothing is known."""
        if self.states is None or role not in UNITS:
            return None
        return self.states.get(UNITS[role][0])

    def ready(self, role):
        state = self.state(role)
        return state is None or (state["active"] == "active" and state["answers"] and state["since"] >= SETTLE)

    def gone(self, role):
        state = self.state(role)
        return state is None or state["active"] in ("inactive", "failed")

    def run(self, role, mark, files):
        """The units run with these files, begun anew if the mark is another."""
        self.order(role, {"hash": mark, "files": files})

    def end(self, role):
        self.order(role, {"hash": None})

    def order(self, role, request):
        if self.states is None or role not in UNITS:
            return
        answer = self.talk({"role": role, "units": UNITS[role], **request})
        if answer and answer["changed"]:
            self.states = None
            self.look()
            say("%s: units %s" % (role, "stop" if request["hash"] is None else "start anew"))
