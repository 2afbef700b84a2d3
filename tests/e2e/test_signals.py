# SPDX-License-Identifier: Apache-2.0
"""Signals at every phase, a terminal that goes away, Ctrl-Z and a long sleep.

E2E_ALL=1 tries every signal at every phase; else each phase has one.
"""
import os
import pty
import signal
import time

import pytest

import journal
from lab import LEASE, OCTAVIA, wait_for
from test_faults import explain
from test_kill import wait_commit
from test_main import assert_as_before
from tool import ACCEPT, ACCEPT_BACK, UNTIL

START = ("start", "-y", *ACCEPT, *UNTIL)
BACK = ("rollback", "-y", *ACCEPT_BACK)
SIGNALS = {signal.SIGINT: 130, signal.SIGTERM: 143, signal.SIGHUP: 143}
ALL = bool(os.environ.get("E2E_ALL"))

# A commit that is waited for, and seconds after it.
START_PHASES = [(None, 0.2), (r"start: run .* begins", 0), (r"trust: .*passphrase$", 0.01),
                (r"stop-director: .*\(api\)[^:]*$", 0.05), (r"enable-octavia: \d+ [^:]*$", 0.02),
                (r"start: run .* begins", 1.0)]
BACK_PHASES = [(r"rollback: run .* begins", 0), (r"enable-octavia: \d+ undo .*: done", 0.3),
               (r"stop-director: .*undo .*\(worker\)[^:]*$", 0.1), (r"trust: .*certs-secret$", 0.01)]


def holder(lab):
    return ((lab.kube.get(LEASE) or {"spec": {}})["spec"] or {}).get("holderIdentity")


def begin(tool, command, pattern, delay=0.0):
    """A run that has come to that commit."""
    folder = tool.journal
    before = journal.head(folder) if folder else None
    process = tool.popen(*command)
    if pattern:
        wait_commit(tool, process, pattern, before)
    time.sleep(delay)
    return process


def interrupt(lab, tool, command, phase, number):
    process = begin(tool, command, *phase)
    process.send_signal(number)
    result = tool.finish(process, 120)
    if phase[0] is None and result.code == -number:
        return  # before it was ready to catch it: nothing was begun
    assert result.code in (SIGNALS[number], 0), (phase, number, result)
    if result.code:
        assert "oc octavia-adopt " + command[0] in result.err, result
    assert not holder(lab), (phase, number)
    if tool.journal:
        journal.fsck(tool.journal)


def chosen(phases):
    """(phase, signal) pairs of this test run."""
    numbers = list(SIGNALS)
    for i, phase in enumerate(phases):
        for number in numbers if ALL and phase[0] is None else numbers[i % 3:i % 3 + 1]:
            yield phase, number


@pytest.mark.more
def test_once_at_each_phase(lab, tool):
    spec, units, pcs = lab.spec(), lab.units(), lab.pcs()
    for phase, number in chosen(START_PHASES):
        interrupt(lab, tool, START, phase, number)
    tool.start()
    for phase, number in chosen(BACK_PHASES):
        interrupt(lab, tool, BACK, phase, number)
    tool.rollback()
    assert_as_before(lab, tool, spec, units, pcs)


@pytest.mark.more
def test_twice(lab, tool):
    """The second one ends it at once, and the next start goes on."""
    spec, units, pcs = lab.spec(), lab.units(), lab.pcs()
    for number in SIGNALS if ALL else [signal.SIGINT]:
        process = begin(tool, START, r"stop-director: .*\(worker\)[^:]*$", 0.1)
        process.send_signal(number)
        time.sleep(0.05)
        process.send_signal(number)
        began = time.monotonic()
        result = tool.finish(process)
        assert result.code in (-number, SIGNALS[number]), result
        assert time.monotonic() - began < 5
        tool.start()
        tool.verify()
        tool.rollback()
    assert_as_before(lab, tool, spec, units, pcs)


@pytest.mark.more
def test_terminal_is_closed(lab, tool):
    """As when a window is closed or a connection to the jump host is lost."""
    lab.fault("all", "stopped")
    lab.knob(octavia_delay=60)
    pid, terminal = pty.fork()
    if pid == 0:
        os.execvpe(tool.command(*START)[0], tool.command(*START), tool.env)
    lab.touch()
    wait_for("Octavia", 100, lambda: drain(terminal) or lab.kube.get(OCTAVIA))
    os.close(terminal)
    ended = wait_for("its end", 60, lambda: os.waitpid(pid, os.WNOHANG)[0] and True or False)
    assert ended and not holder(lab)
    journal.fsck(tool.journal)
    lab.knob()
    tool.start()
    tool.rollback()


def drain(terminal):
    os.set_blocking(terminal, False)
    try:
        os.read(terminal, 1 << 16)
    except OSError:
        pass


@pytest.mark.more
def test_suspended(lab, tool):
    """Ctrl-Z and back; then asleep while somebody else got the lock."""
    lab.fault("all", "stopped")
    lab.knob(octavia_delay=15)
    process = begin(tool, START, r"enable-octavia: \d+ .*: done")
    process.send_signal(signal.SIGTSTP)
    time.sleep(3)
    assert process.poll() is None
    process.send_signal(signal.SIGCONT)
    assert tool.finish(process).code == 0
    tool.verify()

    process = begin(tool, BACK, r"rollback: run .* begins")
    process.send_signal(signal.SIGSTOP)
    time.sleep(0.5)
    lab.kube.merge(LEASE, {"spec": {"holderIdentity": "somebody@elsewhere/1"}})
    mark = lab.mark()
    process.send_signal(signal.SIGCONT)
    result = tool.finish(process)
    # What was on its way when it fell asleep may still be done; nothing after it.
    explain(result, 5, "the lock was lost", "somebody@elsewhere/1")
    assert len([w for w in lab.writes(mark) if "leases/" not in w[1]]) <= 1
    lab.kube.delete(LEASE)
    lab.knob()
    tool.rollback()
    tool.verify()


if ALL:
    def test_suspended_longer_than_the_lease(lab, tool):
        lab.fault("all", "stopped")
        process = begin(tool, START, r"trust: .*passphrase$")
        process.send_signal(signal.SIGSTOP)
        time.sleep(70)
        process.send_signal(signal.SIGCONT)
        result = tool.finish(process)
        assert result.code in (0, 5), result
        tool.start()
        tool.verify()
        tool.rollback()
