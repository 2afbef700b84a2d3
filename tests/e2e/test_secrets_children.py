# SPDX-License-Identifier: Apache-2.0
"""Secrets beside the program itself: the environment of its children, files that
it makes for them, and what is left of it when it crashes."""
import os
import pathlib
import resource
import signal
import stat
import threading

import pytest

import canaries
from test_signals import START, begin


class Children:
    """What each descendant of this process has in its environment, and each
    temporary file with its mode."""

    def __init__(self, folder):
        self.folder, self.seen, self.files, self.ended = folder, {}, {}, threading.Event()
        self.thread = threading.Thread(target=self.run)

    def look(self):
        for entry in pathlib.Path("/proc").iterdir():
            if entry.name.isdigit():
                try:
                    environ = (entry / "environ").read_bytes()
                    # The tool's runs of this test, and what they start.
                    if str(self.folder).encode() in environ:
                        self.seen[(entry / "cmdline").read_bytes()] = environ
                except OSError:
                    pass
        for path in self.folder.rglob("*"):
            try:
                mode = path.lstat().st_mode
                self.files[path] = max(self.files.get(path, 0), stat.S_IMODE(mode) if stat.S_ISREG(mode) else 0)
            except OSError:
                pass

    def run(self):
        while not self.ended.wait(0.02):
            self.look()

    def __enter__(self):
        self.thread.start()
        return self

    def __exit__(self, *_):
        self.ended.set()
        self.thread.join()


@pytest.mark.more
def test_children(lab, tool):
    """Environment and temporary files, with a umask that protects nothing."""
    lab.fault("all", "stopped")
    tool.env["TMPDIR"] = str(tool.folder / "tmp")
    os.mkdir(tool.env["TMPDIR"])
    mask = os.umask(0)
    try:
        with Children(tool.folder) as children:
            tool.run("plan", expect=None)
            tool.start("--until", "trust")
            tool.rollback()
    finally:
        os.umask(mask)
    assert any(b"kubectl" in line or b"/oc" in line for line in children.seen), list(children.seen)
    for line, environ in children.seen.items():
        canaries.assert_absent(line, "a command line")
        canaries.assert_absent(environ, "the environment of %r" % line)
    made = {p: m for p, m in children.files.items() if p.is_relative_to(tool.env["TMPDIR"]) or
            p.is_relative_to(tool.state)}
    assert made and not [(p, oct(m)) for p, m in made.items() if m & 0o077]
    assert list(pathlib.Path(tool.env["TMPDIR"]).iterdir()) == []


@pytest.mark.more
def test_no_core(lab, tool):
    """A crash while secrets are in memory writes none of them down."""
    lab.fault("all", "stopped")
    process = begin(tool, START, r"trust: .*passphrase$")
    resource.prlimit(process.pid, resource.RLIMIT_CORE, (resource.RLIM_INFINITY, resource.RLIM_INFINITY))
    process.send_signal(signal.SIGSEGV)
    assert tool.finish(process).code == -signal.SIGSEGV
    assert [p for p in tool.folder.iterdir() if p.name.startswith("core")] == []
    tool.start("--until", "trust")
    tool.rollback()
