"""Runs inside the machine 'os', started by machine.py: what a kubelet does for the
pods there. It reads lines of JSON and answers each with one:

  {"role": "worker", "units": [...], "hash": "...", "files": {path: text or null}}
      makes the files so and restarts the units, unless that was done already for
      the same hash and the files are still so; a unit that something else stopped
      later stays stopped
  {"role": "worker", "units": [...], "hash": null}
      stops what it started, otherwise nothing
  {"ask": [unit, ...]}
      {unit: {"active": ActiveState, "since": seconds, "answers": true}}

What was done is noted in NOTES, which goes with the machine.
"""
import json
import os
import shutil
import socket
import subprocess
import sys
import time

NOTES = "/run/lab-operator"


def systemctl(*args):
    return subprocess.run(("systemctl",) + args, check=False, text=True, capture_output=True).stdout


def write(path, text):
    if text is None:
        if os.path.exists(path):
            os.unlink(path)
        return
    os.makedirs(os.path.dirname(path), exist_ok=True)
    new = path + ".new"
    # The services run as octavia.
    with open(os.open(new, os.O_WRONLY | os.O_CREAT | os.O_TRUNC, 0o640), "w", encoding="utf-8",
              newline="") as f:
        f.write(text)
    shutil.chown(new, "root", "octavia")
    os.rename(new, path)


def read(path):
    try:
        with open(path, encoding="utf-8", newline="") as f:
            return f.read()
    except OSError:
        return None


def noted(role):
    return read(os.path.join(NOTES, role))


def note(role, value):
    os.makedirs(NOTES, exist_ok=True)
    path = os.path.join(NOTES, role)
    if value is None:
        os.unlink(path)
        return
    with open(path, "w", encoding="utf-8") as f:
        f.write(value)


def apply(request):
    role, value = request["role"], request["hash"]
    files = request.get("files") or {}
    if noted(role) == value and all(read(path) == text for path, text in files.items()):
        return {"changed": False}
    if value is None:
        systemctl("--no-block", "stop", *request["units"])
    else:
        for path, text in files.items():
            write(path, text)
        systemctl("reset-failed", *request["units"])
        systemctl("--no-block", "restart", *request["units"])
    note(role, value)
    return {"changed": True}


def answers(unit):
    """The API is ready when it takes connections."""
    if unit != "octavia-api":
        return True
    try:
        socket.create_connection(("127.0.0.1", 9876), 1).close()
    except OSError:
        return False
    return True


def ask(units):
    out = {}
    text = systemctl("show", "-p", "Id,ActiveState,ActiveEnterTimestampMonotonic", *[u + ".service" for u in units])
    for block in text.strip().split("\n\n"):
        row = dict(line.split("=", 1) for line in block.splitlines() if "=" in line)
        unit = row.get("Id", "").removesuffix(".service")
        since = time.clock_gettime(time.CLOCK_MONOTONIC) - int(row.get("ActiveEnterTimestampMonotonic") or 0) / 1e6
        active = row.get("ActiveState", "unknown")
        out[unit] = {"active": active, "since": since, "answers": active == "active" and answers(unit)}
    return out


def main():
    for line in sys.stdin:
        request = json.loads(line)
        answer = ask(request["ask"]) if "ask" in request else apply(request)
        print(json.dumps(answer), flush=True)


main()
