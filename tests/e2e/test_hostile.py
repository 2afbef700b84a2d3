# SPDX-License-Identifier: Apache-2.0
"""Names and texts that want more than to be read: they steer no terminal, and
no shell runs them."""
import os

import pytest

import journal
from lab import CONTROLLERS, PLANE

EVIL = "\x1b]0;owned\x07\x1b[2J\x9b31m\x7f\r bad"
WORD = "a $(touch pwned-1) `touch pwned-2`; touch pwned-3 & 'b\" \n-rf *"


def harmless(*results):
    for result in results:
        for text in (result.out, result.err):
            assert not [c for c in text if (c < " " and c not in "\n\t") or c in "\x7f\x9b"], result


def nothing_ran(lab, tool):
    assert list(tool.folder.rglob("pwned*")) == []
    for ctl in CONTROLLERS:
        root = lab.dir / "machines" / ctl / "root"
        for place in ("root", "home", "tmp", "."):
            assert not [name for name in os.listdir(root / place) if name.startswith("pwned")], ctl


def test_terminal_escapes(lab, tool):
    """In a condition's message, an annotation, and a name that does not exist."""
    lab.fault("all", "stopped")
    lab.kube.merge(PLANE, {"metadata": {"annotations": {"note": EVIL}}})
    lab.knob(error={"octavia": EVIL})
    failed = tool.start("--step-timeout", "6s", "-v=8", expect=1)
    assert " bad" in failed.message, failed
    looked = [tool.run(*command) for command in (
        ("status",), ("history",), ("show", "enable-octavia"), ("plan", "--rollback"),
        ("show", EVIL), ("status", "--control-plane", EVIL), ("start", "--until", EVIL), (EVIL,),
        ("status", "--journal", str(tool.folder / EVIL), "--offline"), ("status", "--context", EVIL))]
    harmless(failed, *looked)
    for command in (("status", "-o", "json"), ("history", "-o", "json"), ("plan", "-o", "json")):
        result = tool.run(*command)
        assert result.json and "\x1b" not in result.out
    lab.knob()
    back = tool.rollback("-o", "json")
    harmless(back)
    assert back.events


def test_no_shell_runs_a_name(lab, tool):
    """In the journal's folder, HOME, the configuration's path and the key's."""
    lab.fault("all", "stopped")
    home = tool.folder / WORD.replace("/", "")
    home.mkdir()
    config = home / "octavia-adopt.yaml"
    key = home / "id"
    key.write_bytes((lab.dir / "ssh/id_ed25519").read_bytes())
    key.chmod(0o600)
    config.write_text(tool.config.read_text())
    tool.config = config
    tool.env["HOME"] = str(home)
    folder = home / "journal"
    place = ("--journal", str(folder))
    tool.start("--until", "stop-director", *place)
    tool.run("status", *place, expect=0)
    tool.run("history", "--verify", *place, expect=0)
    journal.fsck(folder)
    tool.rollback(*place)
    nothing_ran(lab, tool)
    assert tool.run("status", "-o", "json", "--identity", str(key), *place, expect=0).json["controllers"]


@pytest.mark.parametrize("command", [
    "ssh root@$(touch pwned)", "ssh `touch pwned` root@h", "ssh -o ProxyCommand='touch pwned' root@h",
    "ssh root@h; touch pwned", "ssh -i '$(touch pwned)' root@127.0.0.1", "touch pwned", "ssh root@-oProxyCommand=x",
    "ssh 'root@a\nb'", "ssh root@\x1b[2J"])
def test_controller_variables(lab, tool, command):
    tool.config = None
    tool.env["CONTROLLER1_SSH"] = command
    result = tool.run("status")
    assert result.code in (0, 2), result
    harmless(result)
    nothing_ran(lab, tool)
