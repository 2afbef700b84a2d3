# SPDX-License-Identifier: Apache-2.0
"""A program on a terminal of its own: type, wait, see what stands there."""
import fcntl
import os
import pty
import re
import select
import signal
import struct
import termios
import time

ESCAPES = re.compile(r"\x1b\[[0-9;?<>=]*[a-zA-Z]|\x1b[()][A-Z0-9]|\x1b\][^\x07\x1b]*(?:\x07|\x1b\\)|\x1b[=>]|[\x0e\x0f\x07]")


class Terminal:
    def __init__(self, argv, env, cwd=None, rows=50, columns=200):
        self.out = ""
        self.pid, self.fd = pty.fork()
        if self.pid == 0:
            if cwd:
                os.chdir(cwd)
            os.execvpe(argv[0], argv, env)
        fcntl.ioctl(self.fd, termios.TIOCSWINSZ, struct.pack("HHHH", rows, columns, 0, 0))

    def __enter__(self):
        return self

    def __exit__(self, *_):
        self.close()

    def read(self, seconds=0.3):
        """What comes until nothing has come for that long."""
        part = ""
        while select.select([self.fd], [], [], seconds)[0]:
            try:
                data = os.read(self.fd, 65536)
            except OSError:
                break
            if not data:
                break
            part += data.decode(errors="replace")
        self.out += part
        return part

    def wait(self, text, seconds=30, since=0):
        """Until text (a regular expression) has come; all of it, without escapes."""
        end = time.monotonic() + seconds
        while time.monotonic() < end:
            self.read(0.1)
            if re.search(text, self.text(since)):
                return self.text(since)
        raise AssertionError("no %r within %s s in:\n%s" % (text, seconds, self.text(since)))

    def text(self, since=0):
        shown = []
        for char in ESCAPES.sub("", self.out[since:]).replace("\r", ""):
            if char != "\b":
                shown.append(char)
            elif shown:
                shown.pop()
        return "".join(shown)

    def type(self, keys):
        """Returns where in `out` the answer begins."""
        at = len(self.out)
        os.write(self.fd, keys.encode())
        return at

    def exit_code(self, seconds=30):
        end = time.monotonic() + seconds
        while time.monotonic() < end:
            self.read(0.05)
            pid, status = os.waitpid(self.pid, os.WNOHANG)
            if pid:
                self.pid = None
                return os.waitstatus_to_exitcode(status)
        raise AssertionError("still running:\n" + self.text())

    def close(self):
        if self.pid:
            os.kill(self.pid, signal.SIGKILL)
            os.waitpid(self.pid, 0)
            self.pid = None
        if self.fd is not None:
            os.close(self.fd)
            self.fd = None
