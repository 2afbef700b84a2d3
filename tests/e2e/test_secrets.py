# SPDX-License-Identifier: Apache-2.0
"""No secret leaves its place: not into the journal, the log, the command line.
(What every other test's commands print is looked at in tool.py.)"""
import os
import pathlib
import stat
import threading

import canaries
import journal
from lab import OCTAVIA, SECRETS
from tool import ACCEPT, UNTIL


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
