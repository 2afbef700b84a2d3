# SPDX-License-Identifier: Apache-2.0
"""No secret leaves its place: not into the journal, the log, the command line.
(What every other test's commands print is looked at in tool.py.)"""
import collections
import os
import pathlib
import stat
import subprocess
import threading

import pytest

import canaries
import journal
from lab import OCTAVIA, SECRETS
from tool import ACCEPT, PROGRAM, ROOT, UNTIL


class Watcher:
    """All command lines that the program and its children ever have."""

    def __init__(self):
        self.lines, self.ended = set(), threading.Event()
        self.thread = threading.Thread(target=self.run)

    def run(self):
        while not self.ended.wait(0.02):
            for entry in pathlib.Path("/proc").iterdir():
                if entry.name.isdigit():
                    try:
                        self.lines.add((entry / "cmdline").read_bytes())
                    except OSError:
                        pass

    def __enter__(self):
        self.thread.start()
        return self

    def __exit__(self, *_):
        self.ended.set()
        self.thread.join()


def test_secrets_stay_where_they_are(lab, tool):
    lab.kube.merge(SECRETS + "/osp-secret", {"data": {"OctaviaHeartbeatKey": "bGFiLWEtc3RhbGUta2V5"}})
    mask = os.umask(0)
    try:
        with Watcher() as watcher:
            started = tool.start("-v=9", "--accept", "heartbeat-key")
            looked = [tool.run(*command, "-v=9", expect=0) for command in (
                ("plan", *ACCEPT, *UNTIL),
                ("status", "-o", "json"), ("show", "trust"), ("plan", "--rollback"))]
            undone = tool.rollback("-v=9")
    finally:
        os.umask(mask)
    # tool.py has looked through what they printed; was there anything to see?
    assert "octavia-certs-secret" in started.err and len(started.err) > 50000
    assert "lab-a-stale-key" not in started.err + undone.err + "".join(r.err for r in looked)
    assert any(b"oc-octavia-adopt\0start" in line for line in watcher.lines)
    for line in watcher.lines:
        if b"octavia" in line and b"lab-" in line and b"adopt" in line:
            canaries.assert_absent(line, "a command line")
    text = journal.objects(tool.journal)
    assert b"server-ca-passphrase: sha256:" in text and b"OctaviaHeartbeatKey: sha256:" in text
    canaries.assert_absent(text, "the journal")
    assert b"bGFiLWEtc3RhbGUta2V5" not in text and b"lab-a-stale-key" not in text
    for path in tool.state.rglob("*"):
        if path.is_file():
            canaries.assert_absent(path.read_bytes(), str(path))
    # Whatever the umask.
    for path in [tool.state / "octavia-adopt", *(tool.state / "octavia-adopt").rglob("*")]:
        mode = stat.S_IMODE(path.lstat().st_mode)
        assert mode & 0o077 == 0, (path, oct(mode))
    assert lab.kube.get(OCTAVIA) is None


@pytest.fixture
def wiped(tmp_path):
    """The environment in which memory that is given back is looked through, and what was found."""
    library, secrets, log = tmp_path / "wiped.so", tmp_path / "secrets", tmp_path / "wiped.log"
    subprocess.run(["cc", "-shared", "-fPIC", "-O1", "-o", str(library), str(ROOT / "tests/e2e/preload_wiped.c"),
                    "-ldl"], check=True)
    secrets.write_text("".join(text + "\n" for _, text in canaries.FORBIDDEN))
    log.touch()
    return {"LD_PRELOAD": str(library), "WIPED_SECRETS": str(secrets), "WIPED_LOG": str(log)}, log


def not_wiped(log):
    """{(secret, where in the program): how often}, where the program itself gave it back: what
    libraries do with their own memory is theirs."""
    names, found = {text: name for name, text in canaries.FORBIDDEN}, collections.Counter()
    for line in log.read_text().splitlines():
        _, secret, *frames = line.split("\t")
        if frames and pathlib.Path(frames[0].rsplit("+", 1)[0]).name == PROGRAM.name:
            found[names[secret], " ".join(f.rsplit("+", 1)[1] for f in frames if PROGRAM.name in f)] += 1
    return found


def test_memory_is_wiped(cloud, tool, wiped):
    cloud.seed("clean", "2")
    env, log = wiped
    tool.cloud_start("-v=9", env=env, expect=3)
    tool.run("status", env=env, expect=0)
    tool.cloud_rollback(env=env)
    assert log.stat().st_size, "what libraries leave is found at least"
    found = not_wiped(log)
    assert not found, "\n".join("%s: %s" % f for f in found)
