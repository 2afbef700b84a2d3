# SPDX-License-Identifier: Apache-2.0
"""SIGKILL at any moment: the next run goes on, nothing is done twice, the
journal stays whole."""
import collections
import re
import subprocess
import threading
import time

import journal
from lab import CONTROLLERS, PLANE, STOPPED
from test_main import assert_adopted, assert_as_before
from tool import ACCEPT, ACCEPT_BACK, UNTIL

# (the commit that is waited for, seconds after it); each run is killed at one of
# them, and the next goes on to the one after.
START_MOMENTS = [
    (None, 0.3), (r"start: run .* begins", 0), (r"trust: .*passphrase$", 0.01), (r"trust: .*certs-secret: done", 0),
    (r"stop-director: .*\(api\)[^:]*$", 0.05), (r"stop-director: .*\(health manager\).*: done", 0.02),
    (r"stop-director: .*\(worker\)[^:]*$", 0.15), (r"stop-director: Done", 0.03),
    (r"enable-octavia: \d+ [^:]*$", 0.02), (r"enable-octavia: \d+ .*: done", 1.0)]
ROLLBACK_MOMENTS = [
    (None, 0.3), (r"rollback: run .* begins", 0), (r"enable-octavia: \d+ undo [^:]*$", 0.02),
    (r"enable-octavia: \d+ undo .*: done", 0.7), (r"enable-octavia: Reverted", 0.1),
    (r"stop-director: .*undo .*\(worker\)[^:]*$", 0.1), (r"stop-director: .*undo .*\(api\).*: done", 0),
    (r"stop-director: Reverted", 0), (r"trust: .*certs-secret$", 0.01), (r"trust: .*passphrase: done", 0)]


def wait_commit(tool, process, pattern, before):
    """Until a commit that came after 'before' has that subject."""
    seen = before
    while process.poll() is None:
        folder = tool.journal
        now = journal.head(folder) if folder else None
        if now and now != seen:
            known = [seen] if seen else []
            log = journal.git(folder, "log", "--format=%s", now, *["^" + k for k in known])
            seen = now
            if any(re.search(pattern, line) for line in log.decode().splitlines()):
                return
        time.sleep(0.001)
    raise AssertionError("no commit '%s' before the end: %r" % (pattern, tool.finish(process)))


def kill_at(tool, command, pattern, delay):
    folder = tool.journal
    before = journal.head(folder) if folder else None
    process = tool.popen(*command)
    if pattern:
        wait_commit(tool, process, pattern, before)
    time.sleep(delay)
    process.kill()
    killed = tool.finish(process)
    assert killed.code == -9, (pattern, killed)
    if tool.journal and journal.head(tool.journal):
        journal.fsck(tool.journal)


def came_that_far(tool, pattern, before):
    """On a slow machine one that is killed a bit late may reach the next moment."""
    if not tool.journal or not journal.head(tool.journal):
        return False
    return any(re.search(pattern, line) for line in journal.subjects(tool.journal)[before:])


def kill_each(tool, moments, *command):
    before = journal.count(tool.journal) if tool.journal else 0
    for pattern, delay in moments:
        if not pattern or not came_that_far(tool, pattern, before):
            kill_at(tool, command, pattern, delay)


def generation(lab):
    return lab.kube.get(PLANE)["metadata"]["generation"]


def assert_once(lab, mark, event):
    """No object was written twice, no unit stopped (started) twice. (A request
    whose sender was killed is audited as failed, whether or not it took effect:
    the control plane's generation tells.)"""
    assert generation(lab) == mark.generation + 1
    writes = collections.Counter(w for w in lab.writes(mark) if not w[1].startswith("leases/"))
    assert writes and set(writes.values()) == {1}, writes
    changes = collections.Counter((ctl, unit) for _, ctl, unit, e in lab.unit_log(mark)
                                  if e == event and unit in STOPPED)
    assert changes == {(ctl, unit): 1 for ctl in CONTROLLERS for unit in STOPPED}


class Collector:
    """git gc beside the runs, again and again."""

    def __init__(self, tool):
        self.tool, self.rounds, self.ended = tool, 0, threading.Event()
        self.thread = threading.Thread(target=self.run)

    def run(self):
        while not self.ended.is_set():
            folder = self.tool.journal
            if folder:
                done = subprocess.run(["git", "-c", "safe.directory=*", "-C", str(folder), "gc", "--quiet",
                                       "--prune=now"], capture_output=True)
                self.rounds += done.returncode == 0
            self.ended.wait(0.05)

    def __enter__(self):
        self.thread.start()
        return self

    def __exit__(self, *_):
        self.ended.set()
        self.thread.join()


def there_and_back(lab, tool):
    spec, units, pcs = lab.spec(), lab.units(), lab.pcs()
    mark = lab.mark()
    mark.generation = generation(lab)
    kill_each(tool, START_MOMENTS, "start", "-y", *ACCEPT, *UNTIL)
    assert tool.status()["phase"] == "InProgress"
    tool.start()
    assert_adopted(lab, tool)
    assert_once(lab, mark, "stopping")
    mark = lab.mark()
    mark.generation = generation(lab)
    kill_each(tool, ROLLBACK_MOMENTS, "rollback", "-y", *ACCEPT_BACK)
    assert tool.status()["phase"] == "RollingBack"
    tool.rollback()
    assert_once(lab, mark, "starting")
    assert_as_before(lab, tool, spec, units, pcs)


def test_killed_again_and_again(lab, tool):
    there_and_back(lab, tool)


def test_killed_while_git_collects(lab, tool):
    with Collector(tool) as collector:
        there_and_back(lab, tool)
    assert collector.rounds > 3


def test_killed_by_the_clock(lab, tool):
    """Not at a commit but whenever it is, until a run comes to its end."""
    lab.fault("all", "stopped")
    for i in range(30):
        process = tool.popen("start", "-y", *ACCEPT, *UNTIL)
        try:
            process.wait(0.9 + i * 0.37)
        except subprocess.TimeoutExpired:
            process.kill()
        if tool.finish(process).code == 0:
            break
    else:
        tool.start()
    assert_adopted_stopped(lab, tool)


def assert_adopted_stopped(lab, tool):
    for (ctl, unit), state in lab.octavia_units().items():
        assert state == ("inactive", "disabled" if unit in STOPPED else "enabled"), (ctl, unit)
    assert tool.status()["phase"] == "InProgress"
    tool.verify()
