# SPDX-License-Identifier: Apache-2.0
"""What the program is to its callers: kubectl, a shell, a script, a signal."""
import json
import os
import signal
import subprocess

import pytest

import journal
from lab import LEASE, PLANE, STOPPED, wait_for
from test_kill import wait_commit
from tool import ACCEPT, PROGRAM, ROOT, UNTIL, errors

COMMANDS = ["start", "status", "rollback", "plan", "history", "show", "report", "config", "version", "help"]


@pytest.fixture(scope="module")
def installed(tmp_path_factory):
    folder = tmp_path_factory.mktemp("installed")
    env = {k: v for k, v in os.environ.items() if k not in ("MAKEFLAGS", "MFLAGS", "MAKELEVEL")}
    subprocess.run(["make", "-C", str(ROOT), "install", "DESTDIR=" + str(folder), "PREFIX=/usr"], check=True,
                   capture_output=True, env=env)
    return folder


def test_install_and_uninstall(lab, tool, installed):
    """kubectl finds the plugin and its completion; uninstall leaves no file."""
    env = dict(tool.env, PATH="%s/usr/bin:%s" % (installed, os.environ["PATH"]))
    done = subprocess.run([lab.kubectl, "octavia-adopt", "version", "--client"], env=env, capture_output=True,
                          text=True)
    direct = tool.run("version", "--client", expect=0)
    assert done.returncode == 0 and done.stdout == direct.out, done
    for completer in ("kubectl_complete-octavia_adopt", "oc_complete-octavia_adopt"):
        done = subprocess.run([completer, "st"], env=env, capture_output=True, text=True)
        assert done.returncode == 0, done
        assert [line.split("\t")[0] for line in done.stdout.splitlines() if line[0] != ":"] == ["start", "status"]
    done = subprocess.run(["oc_complete-octavia_adopt", "start", "--accept", ""], env=env, capture_output=True,
                          text=True)
    assert "mass-failover" in done.stdout
    env = {k: v for k, v in os.environ.items() if k not in ("MAKEFLAGS", "MFLAGS", "MAKELEVEL")}
    subprocess.run(["make", "-C", str(ROOT), "uninstall", "DESTDIR=" + str(installed), "PREFIX=/usr"], check=True,
                   capture_output=True, env=env)
    assert [p for p in installed.rglob("*") if not p.is_dir()] == []


def test_help_and_usage(lab, tool):
    mark = lab.mark()
    whole = tool.run("help", expect=0)
    for command in COMMANDS:
        assert "  " + command in whole.out
        one = tool.run(command, "--help", expect=0) if command != "help" else whole
        assert one.out and not one.err
    tool.config = None
    for args, word in ([("strat",), "start"], [("start", "--dry-rum=client"), "--dry-run"],
                       [("start", "--accept", "nonsense"), "nonsense"], [("start", "--until", "nowhere"), "nowhere"],
                       [("show",), "REVISION"], [("status", "-o", "xml"), "json"],
                       [("start", "--max-in-flight", "0"), "--max-in-flight"]):
        wrong = tool.run(*args)
        assert wrong.code == 2, wrong
        assert word in wrong.err, wrong
    assert lab.audit(mark) == []


def test_start_needs_a_yes(lab, tool):
    refused = tool.run("start", *ACCEPT, *UNTIL, expect=2)
    assert "-y" in refused.message
    assert tool.journal is None and lab.kube.get(LEASE) is None


def assert_status(status, phase):
    assert status["apiVersion"] == "octavia-adopt/v1" and status["kind"] == "AdoptionStatus"
    assert status["phase"] == phase
    assert status["cluster"]["id"] and status["cluster"]["server"].startswith("https://")
    assert status["controlPlane"] == {"namespace": "openstack", "name": "openstack"}
    assert set(status["next"]) == {"command", "why"}
    assert [s["id"] for s in status["steps"]] == ["preflight", "trust", "network", "redis", "stop-director",
                                                  "enable-octavia", "endpoints", "update-amphorae",
                                                  "reconcile", "drain", "finalize"]
    for step in status["steps"]:
        assert step["state"] in ("Pending", "Running", "Waiting", "Done", "Failed", "Skipped", "Reverted")
        assert {"id", "title", "state", "since", "message", "changes", "drift"} <= set(step)
    for controller in status["controllers"]:
        assert controller["reachable"] is True
        assert {"name", "load", "active", "sub", "result", "enabled"} <= set(controller["units"][0])
        assert {"resource", "enabled", "running"} <= set(controller["pacemaker"][0])
    for guard in status["guards"]:
        assert guard["state"] in ("pending", "passed", "failed", "on", "lifted", "accepted", "notNeeded")
    if phase == "NotStarted":
        assert status["run"] is None
    else:
        assert {"id", "operator", "started", "ended", "outcome"} <= set(status["run"])
    assert not errors(status), status["errors"]


def last(result, state):
    """The events of -o json, each one an object; the last says how it ended."""
    events = result.events
    assert all(e["time"] and e["event"] in ("step", "change", "wait", "progress", "warning", "result") for e in events)
    assert [e["event"] for e in events].count("result") == 1
    assert events[-1]["event"] == "result" and events[-1]["state"] == state
    return events


def test_json_in_every_phase(lab, tool):
    lab.fault("all", "stopped")
    assert_status(tool.status(), "NotStarted")
    last(tool.start("--until", "trust", "-o", "json", expect=0), "Stopped")
    assert_status(tool.status(), "InProgress")
    lab.knob(never_ready=["octavia"])
    events = last(tool.start("--step-timeout", "3s", "-o", "json", expect=1), "Failed")
    assert [e for e in events if e["event"] == "wait" and e["step"] == "enable-octavia"]
    assert_status(tool.status(), "Failed")
    lab.knob()
    last(tool.start("-o", "json"), "Stopped")
    status = tool.status()
    assert_status(status, "InProgress")
    assert [h["node"] for h in status["healthManagers"]] == ["worker-0", "worker-1", "worker-2"]
    tool.run("status", "--check", expect=3)
    last(tool.rollback("--to", "trust", "-o", "json"), "RolledBack")
    assert_status(tool.status(), "InProgress")
    assert lab.secret("octavia-ca-passphrase") is not None
    assert lab.kube.get(PLANE)["spec"]["octavia"]["enabled"] is False
    last(tool.rollback("-o", "json"), "RolledBack")
    assert_status(tool.status(), "RolledBack")
    assert_status(tool.status("--offline") | {"controllers": []}, "RolledBack")
    history = tool.run("history", "-o", "json", expect=0).json
    revisions = [h["revision"] for h in history]
    assert revisions == sorted(revisions) and revisions[0] == 1
    shown = tool.run("show", str(history[0]["revision"]), "-o", "json", expect=0).json
    assert shown["changes"][0]["step"] == "trust" and "sha256:" in shown["changes"][0]["diff"]


@pytest.mark.parametrize("number, code, moment", [
    (signal.SIGINT, 130, r"stop-director: 004-006 [^:]*$"), (signal.SIGTERM, 143, r"enable-octavia: 001 .*: done"),
    (signal.SIGHUP, 143, r"run .* begins")])
def test_signal(lab, tool, number, code, moment):
    """Once: the change comes to its end, the lock is free, start goes on."""
    process = tool.popen("start", "-y", *ACCEPT, *UNTIL, "-o", "json")
    wait_commit(tool, process, moment, None)
    process.send_signal(number)
    result = tool.finish(process, timeout=30)
    assert result.code == code, result
    last(result, "Interrupted")
    assert "start" in result.message
    lease = lab.kube.get(LEASE)
    assert not lease["spec"].get("holderIdentity")
    assert tool.status()["lock"] is None
    assert "Interrupted" in journal.subjects(tool.journal)[-1]
    tool.verify()
    tool.start()
    for (_, unit), state in lab.octavia_units().items():
        assert state == (("inactive", "disabled") if unit in STOPPED else ("active", "enabled"))


def test_second_signal_ends_at_once(lab, tool):
    lab.fault("ctl1", "slow-stop", "tripleo_octavia_worker", "8")
    process = tool.popen("start", "-y", *ACCEPT, *UNTIL)
    wait_commit(tool, process, r"stop-director: .*worker\) and \d+ more$", None)
    process.send_signal(signal.SIGTERM)
    wait_for("the signal to be taken", 5, lambda: not pending(process.pid))
    process.send_signal(signal.SIGTERM)
    assert tool.finish(process, timeout=5).code in (-15, 143)
    tool.start()
    tool.verify()


def pending(pid):
    """Signals that wait for the process (ShdPnd of its status)."""
    text = open("/proc/%d/status" % pid).read()
    return int(next(line.split()[1] for line in text.splitlines() if line.startswith("ShdPnd")), 16)


def test_json_is_one_document(lab, tool):
    """-o json of plan and status is one document, also with warnings on stderr."""
    for command in (("plan", *ACCEPT, *UNTIL), ("status",)):
        done = subprocess.run([str(PROGRAM), *command, "-o", "json", "--config", str(tool.config), "-v=6"],
                              env=tool.env, capture_output=True, text=True, cwd=tool.folder)
        assert json.loads(done.stdout)["kind"].startswith("Adoption")
        assert done.stderr
