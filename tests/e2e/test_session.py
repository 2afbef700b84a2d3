# SPDX-License-Identifier: Apache-2.0
"""docs/session.md is what a new user sees in a terminal of 80 columns, from the
installation to the rollback. UPDATE=1 writes it; otherwise what is seen must have its
shape: the same lines, but for numbers, times and ids."""
import os
import re
import shutil
import subprocess

import pytest
import yaml

from cloud import TEMPLATE
from lab import HOSTS, NET, PLANE, SETTINGS, wait_for
from screen import Screen
from tool import PROGRAM, ROOT

DOCUMENT = ROOT / "docs" / "session.md"
README = ROOT / "README.md"
BLOCK = re.compile(r"(<!-- session: [^\n]* -->\n)(.*?)(<!-- end of session -->)", re.S)
HEAD = """# A session

What a new user sees, from the installation to the rollback, in a terminal of 80
columns. `tests/e2e/test_session.py` types it into tmux, in the [lab](tutorial.md), and
fails when something else comes. Two load balancers, each with a pair of amphorae; their
heartbeats come every second, so that nothing here takes minutes.
"""


def prepare(lab, tool):
    """A home as an operator has it: key, known hosts, the sources, a configuration."""
    home = tool.folder / "home"
    (home / ".ssh").mkdir(parents=True)
    for name in ("id_rsa", "known_hosts"):
        shutil.copy(lab.dir / "ssh" / name, home / ".ssh" / name)
    (home / "octavia-adopt").symlink_to(ROOT)
    (home / "adoption").mkdir()
    image = yaml.safe_load((lab.dir / "octavia-adopt.yaml").read_text())["octavia"]["amphoraImageContainerImage"]
    (home / "adoption" / "octavia-adopt.yaml").write_text(
        "apiVersion: octavia-adopt/v1\nkind: AdoptionConfig\ncontrolPlane: openstack\ncontrollers:\n" +
        "".join("- {host: %s, user: tripleo-admin, identityFile: ~/.ssh/id_rsa}\n" % h for h in HOSTS) +
        'octavia: {amphoraImageContainerImage: "%s"}\n' % image)
    # Short heartbeats are the site's own text here, so that the file above is all there is.
    lab.kube.merge(PLANE, {"spec": {"octavia": {"template": TEMPLATE}}})
    return home


def environment(tool, home):
    env = {k: v for k, v in tool.env.items() if not k.startswith(("XDG_", "MAKE", "LESS", "PAGER"))}
    env.pop("NO_COLOR")
    env.update(HOME=str(home), TERM="screen-256color", PATH="%s/.local/bin:%s" % (home, os.environ["PATH"]))
    if "E2E_PROGRAM" in os.environ:
        env["MAKEFLAGS"] = "B=%s" % PROGRAM.parent.relative_to(ROOT)
    return env


def version(tool):
    return tool.run("version", "--client", expect=0).out.split("\n")[0].split(": ")[1]


class Session:
    """Commands, each with what stood on the screen after it."""

    def __init__(self, screen, names):
        self.screen, self.names, self.parts = screen, names, []

    def tell(self, text):
        self.parts.append(text + "\n")

    def type(self, command, expect=0, answer=None, pager=False, seconds=600):
        screen = self.screen
        screen.clear()
        screen.type(command)
        if pager:
            screen.wait(lambda seen: seen.split("\n")[-1].startswith((":", "(END)", "lines ")) and "\n" in seen, seconds)
            text = "\n".join(screen.visible().split("\n")[:-1] + [":"])
            screen.type("q", enter=False)
        if answer:
            screen.wait(lambda seen: "(y/N):" in seen.split("\n")[-1], seconds)
            screen.type(answer)
        code = screen.wait_for_prompt(seconds)
        text = text if pager else screen.everything()
        assert code == expect, "exit %d:\n%s" % (code, text)
        for old, new in self.names:
            text = text.replace(old, new)
        self.parts.append("```console\n%s\n```\n" % "\n".join(line.rstrip() for line in text.split("\n")))

    def document(self):
        return HEAD + "\n" + "\n".join(self.parts)


EVENT = re.compile(r"\d\d:\d\d:\d\dZ  ")
WAIT = re.compile(r"\S+  +\S+ +(Waiting|Octavia/|OpenStackControlPlane/)")


def shape(text):
    """The lines without what differs from one run to the next: numbers, ids, blanks;
    and without those of waiting, which come as often as there is time for."""
    whole = []
    for line in text.split("\n"):
        if whole and EVENT.match(whole[-1]) and line.startswith(" " * 28):
            whole[-1] += line
        else:
            whole.append(line)
    lines = []
    for line in whole:
        if EVENT.match(line) and WAIT.match(line):
            continue
        line = re.sub(r"\b[0-9a-f]{8}-[0-9a-f-]{27}\b", "UUID", line)
        line = re.sub(r"\b\d{8}T\d{6}Z-[0-9a-f]{4}\b|^[0-9a-f]{7,40} (?=\S+: )", "ID ", line)
        line = re.sub(r"\b(?=[0-9a-f]*\d)[0-9a-f]{7,64}\b", "ID", line)
        line = re.sub(r"\d+([:.,-]\d+)*", "N", line)
        lines.append(re.sub(r"\s+", " ", line).strip())
    return lines


def excerpt(document):
    """The first status, for the README."""
    begin = document.index("```console\n$ kubectl octavia-adopt status\n")
    return document[begin:document.index("\n```\n", begin) + 5]


def test_what_differs_is_seen():
    """Only what may differ is passed over."""
    one = "03:11:41Z  trust            Done\n03:11:41Z  network          Running: VLAN, bridge\n" + \
          "                            and attachment 12\nREVISION   1\n"
    other = "04:00:00Z  trust            Done\n04:00:00Z  redis            Waiting: 2 of 3\n" + \
            "04:00:01Z  network          Running: VLAN, bridge and attachment 7\nREVISION 22\n"
    assert shape(one) == shape(other)
    for spoilt in (other.replace("Done", "Failed"), other.replace("REVISION", "REV"), other.replace("VLAN, ", ""),
                   other + "more\n", "\n".join(other.split("\n")[1:])):
        assert shape(one) != shape(spoilt), spoilt


@pytest.mark.more
def test_session(lab, cloud, tool):
    cloud.seed("clean", "2")
    home = prepare(lab, tool)
    wait_for("a lab at rest", 120, lambda: tool.run("plan").code == 0)
    names = [(str(home), "~"), (NET + ".", "10.100.0."), (SETTINGS["KUBE_PORT"], "26543"),
             ("root@" + os.uname().nodename, "root@ops"), (version(tool), (ROOT / "VERSION").read_text().strip())]
    # What make has to say about building is no part of an installation.
    env = environment(tool, home)
    subprocess.run(["make", "-s", "-C", str(ROOT), "install", "DESTDIR=%s" % (tool.folder / "built")], env=env,
                   check=True, capture_output=True)
    with Screen(tool.folder, env, home / "adoption") as screen:
        s = Session(screen, names)
        s.tell("Install it, and look whether kubectl finds it.")
        s.type("make -s -C ~/octavia-adopt install PREFIX=$HOME/.local")
        s.type("kubectl octavia-adopt version")
        s.tell("Name the controllers and the amphora image.")
        s.type("cat octavia-adopt.yaml")
        s.tell("What would happen? Nothing is changed; the pager shows the first screen.")
        s.type("kubectl octavia-adopt plan", pager=True)
        s.tell("Do it. It asks once.")
        s.type("kubectl octavia-adopt start", expect=3, answer="y")
        s.tell("Where does it stand?")
        s.type("kubectl octavia-adopt status")
        cloud.data_plane(True)
        s.tell("Days later the data plane is adopted. The same command goes on.")
        s.type("kubectl octavia-adopt start -y")
        s.tell("What was done? The record is a git repository.")
        s.type("kubectl octavia-adopt history -o name | tail -n 3")
        s.type("git -C ~/.local/state/octavia-adopt/*/openstack-openstack log --oneline | head -n 12")
        s.tell("And back.")
        s.type("kubectl octavia-adopt rollback", answer="y")
        s.type("kubectl octavia-adopt status")
    document = s.document()
    if os.environ.get("UPDATE"):
        DOCUMENT.write_text(document)
        README.write_text(BLOCK.sub(lambda m: m[1] + excerpt(document) + m[3], README.read_text()))
    assert shape(document) == shape(DOCUMENT.read_text())
    assert BLOCK.search(README.read_text())[2] == excerpt(DOCUMENT.read_text())
