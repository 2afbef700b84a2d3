# SPDX-License-Identifier: Apache-2.0
"""A terminal as a person has it: bash inside tmux, what is typed, and what then
stands on the screen. Must not know the tool."""
import shutil
import subprocess
import time

TMUX = shutil.which("tmux")
PROMPT = "$ "


class Screen:
    """As a context manager: the server goes with it. Width and height in cells."""

    def __init__(self, folder, env, cwd, columns=80, rows=40):
        self.socket, self.codes, self.rows = folder / "tmux", folder / "exit-codes", rows
        self.codes.write_text("")
        start = folder / "bashrc"
        start.write_text('PS1="%s"\nPROMPT_COMMAND=\'echo $? >>"%s"\'\n' % (PROMPT, self.codes))
        subprocess.run([TMUX, "-u", "-f", "/dev/null", "-S", str(self.socket), "new-session", "-d", "-x", str(columns),
                        "-y", str(rows), "-c", str(cwd), "exec bash --noprofile --rcfile '%s'" % start],
                       env=dict(env, HISTFILE="", LC_ALL="C.UTF-8", SHELL="/bin/sh"), check=True)
        self("set-option", "-g", "status", "off")
        self.done = 0
        self.wait_for_prompt(10)

    def __enter__(self):
        return self

    def __exit__(self, *_):
        subprocess.run([TMUX, "-S", str(self.socket), "kill-server"], check=False)

    def __call__(self, *args):
        return subprocess.run([TMUX, "-S", str(self.socket), *args], check=True, capture_output=True, text=True).stdout

    def type(self, keys, enter=True):
        self("send-keys", "-l", keys)
        if enter:
            self("send-keys", "Enter")

    def visible(self):
        return self("capture-pane", "-p", "-J").rstrip()

    def everything(self):
        """What has been on the screen since clear(), without the prompt at the end;
        lines that went on in the next one are whole."""
        lines = self("capture-pane", "-p", "-J", "-S", "-").rstrip().split("\n")
        return "\n".join(lines[:-1] if lines[-1].strip() == PROMPT.strip() else lines).rstrip()

    def clear(self):
        self("send-keys", "-R", "C-l")
        time.sleep(0.3)
        self("clear-history")

    def wait(self, what, seconds):
        """Until what() is true of the visible screen."""
        end = time.monotonic() + seconds
        while not what(self.visible()):
            assert time.monotonic() < end, "gave up waiting on:\n" + self.visible()
            time.sleep(0.1)

    def wait_for_prompt(self, seconds):
        """Returns the exit code of the command that ended."""
        self.wait(lambda _: len(self.codes.read_text().split()) > self.done, seconds)
        time.sleep(0.3)
        codes = self.codes.read_text().split()
        self.done = len(codes)
        return int(codes[-1])
