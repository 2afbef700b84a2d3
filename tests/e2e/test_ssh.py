# SPDX-License-Identifier: Apache-2.0
"""How controllers are reached: keys, host keys, one connection for each (see
test_main.py for whole runs)."""
import os
import pty
import re
import select
import subprocess
import time

import pytest

from lab import CONTROLLERS, HOSTS


def ssh_config(tool, **changes):
    """A configuration of the tool with another key or known_hosts file."""
    text = tool.config.read_text()
    for old, new in changes.items():
        assert old in text
        text = text.replace("/" + old, "/" + new)
    tool.config = tool.folder / "octavia-adopt.yaml"
    tool.config.write_text(text)


def reachable(tool, *args, **more):
    status = tool.run("status", "-o", "json", *args, expect=0, **more).json
    return [c["reachable"] for c in status["controllers"]]


@pytest.mark.parametrize("key, kind", [("id_rsa", "RSA"), ("id_ed25519", "ED25519"), ("id_ecdsa", "ECDSA")])
def test_one_login_with_each_kind_of_key(lab, tool, key, kind):
    ssh_config(tool, id_ed25519=key)
    mark = lab.mark()
    assert reachable(tool) == [True] * 3
    for ctl in CONTROLLERS:
        [login] = lab.logins(ctl, mark)
        assert re.search(r"Accepted publickey for tripleo-admin .*: %s SHA256:" % kind, login), login


def test_known_hosts(lab, tool):
    ssh_config(tool, **{"ssh/known_hosts": "ssh/known_hosts.hashed"})
    assert reachable(tool) == [True] * 3
    ssh_config(tool, **{"ssh/known_hosts.hashed": "ssh/known_hosts.wrong"})
    assert reachable(tool) == [False] * 3


def test_new_host_keys(lab, tool):
    """Unknown keys are refused, and added only when that was asked for."""
    mine = tool.folder / "known_hosts"
    assert reachable(tool, "--known-hosts", str(mine)) == [False] * 3
    assert not mine.exists()
    assert reachable(tool, "--known-hosts", str(mine), "--accept-new-host-keys") == [True] * 3
    assert mine.stat().st_mode & 0o077 == 0
    assert reachable(tool, "--known-hosts", str(mine)) == [True] * 3


def test_controller_variables(lab, tool):
    """As the procedure's documents have them, with -F and without."""
    ssh = lab.dir / "ssh"
    tool.config = None
    tool.env["CONTROLLER1_SSH"] = "ssh -F %s/config ctl1" % ssh
    tool.env["CONTROLLER2_SSH"] = (
        "ssh -i %s/id_rsa -o UserKnownHostsFile=%s/known_hosts -o StrictHostKeyChecking=yes "
        "-p 22 -l tripleo-admin %s" % (ssh, ssh, HOSTS[1]))
    tool.env["CONTROLLER3_SSH"] = "ssh -i %s/id_ed25519 -o UserKnownHostsFile=%s/known_hosts " \
        "tripleo-admin@%s" % (ssh, ssh, HOSTS[2])
    status = tool.status()
    assert [c["reachable"] for c in status["controllers"]] == [True] * 3, status["controllers"]
    assert status["controllers"][0]["host"] == "ctl1"
    tool.env["CONTROLLER1_SSH"] = "ssh -F %s/config -W elsewhere:22 ctl1" % ssh
    refused = tool.run("status", expect=2)
    assert "CONTROLLER1_SSH" in refused.message and "-W" in refused.message


def ssh_home(lab, tool, text=""):
    """~/.ssh/config of who runs the tool: the lab's, and more before it."""
    folder = tool.folder / ".ssh"
    folder.mkdir(mode=0o700)
    (folder / "lab").symlink_to(lab.dir / "ssh" / "config")
    (folder / "config").write_text(text + "Host *\nInclude lab\n")


def logins_from(lab, ctl, mark, address):
    return [line for line in lab.logins(ctl, mark) if " from %s " % address in line]


def test_jump_host(lab, tool):
    """All of them through the first one: one connection leads there."""
    ssh_home(lab, tool)
    mark = lab.mark()
    assert reachable(tool, "--jump", HOSTS[0]) == [True] * 3
    # Its own one comes from itself, those of the others from its address.
    assert len(lab.logins(CONTROLLERS[0], mark)) == 2
    for ctl in CONTROLLERS[1:]:
        [login] = lab.logins(ctl, mark)
        assert " from %s " % HOSTS[0] in login, login


def test_chain_of_jump_hosts(lab, tool):
    ssh_home(lab, tool, "Host ctl1\nUser tripleo-admin\n")
    mark = lab.mark()
    config = tool.config.read_text()
    tool.config = tool.folder / "octavia-adopt.yaml"
    tool.config.write_text(config.replace("ssh: {", "ssh: {jump: 'ctl1,tripleo-admin@ctl2:22', "))
    assert reachable(tool) == [True] * 3
    assert len(logins_from(lab, CONTROLLERS[1], mark, HOSTS[0])) == 1
    assert len(logins_from(lab, CONTROLLERS[2], mark, HOSTS[1])) == 1


def test_proxy_jump_of_the_users_file(lab, tool):
    """As ssh: the variable names a host, ~/.ssh/config says the rest."""
    ssh_home(lab, tool, "Host ctl2 ctl3\nProxyJump ctl1\n")
    tool.config = None
    for i, ctl in enumerate(CONTROLLERS):
        tool.env["CONTROLLER%d_SSH" % (i + 1)] = "ssh " + ctl
    tool.env["CONTROLLER3_SSH"] = "ssh -J ctl2 ctl3"
    mark = lab.mark()
    assert reachable(tool) == [True] * 3
    assert len(logins_from(lab, CONTROLLERS[1], mark, HOSTS[0])) == 2
    assert len(logins_from(lab, CONTROLLERS[2], mark, HOSTS[1])) == 1


def test_jump_host_that_does_not_get_there(lab, tool):
    """One controller off, seen from the jump host; the others go on."""
    ssh_home(lab, tool, "Host *.1?\nConnectTimeout 10\n")
    tool.config = None
    nobody = "%s.99" % HOSTS[0].rsplit(".", 1)[0]
    status = tool.run("status", "-o", "json", "--jump", HOSTS[0], "--controller", HOSTS[1],
                      "--controller", "tripleo-admin@%s:2" % HOSTS[2], expect=0).json
    assert [c["reachable"] for c in status["controllers"]] == [True, False]
    assert "jump host '%s' can't connect to %s port 2" % (HOSTS[0], HOSTS[2]) in status["controllers"][1]["message"]
    status = tool.run("status", "-o", "json", "--jump", nobody, "--controller", HOSTS[1], expect=0).json
    assert "jump host '%s'" % nobody in status["controllers"][0]["message"]


def test_inventory(lab, tool):
    tool.config = None
    inventory = tool.folder / "tripleo-ansible-inventory.yaml"
    inventory.write_text(
        "Controller:\n  hosts:\n" +
        "".join("    controller-%d: {ansible_host: %s}\n" % (i, host) for i, host in enumerate(HOSTS)) +
        "  vars: {ansible_ssh_user: tripleo-admin, ansible_ssh_private_key_file: %s/ssh/id_ed25519}\n"
        "overcloud:\n  children: {Controller: {}}\n" % lab.dir)
    known = "%s/ssh/known_hosts" % lab.dir
    status = tool.run("status", "-o", "json", "--inventory", str(inventory), "--known-hosts", known, expect=0).json
    assert [(c["host"], c["reachable"]) for c in status["controllers"]] == \
        [("controller-%d" % i, True) for i in range(3)]
    inventory.write_text("Compute: {hosts: {a: {}}}\n")
    refused = tool.run("status", "--inventory", str(inventory), expect=2)
    assert "no group Controller" in refused.message


@pytest.fixture
def passwords(lab):
    """The second controller asks for a password after the key."""
    conf = "/etc/ssh/sshd_config.d/0-prompts.conf"
    lab("exec", "ctl2", "sh", "-c", "echo tripleo-admin:lab-password | chpasswd; "
        "printf 'KbdInteractiveAuthentication yes\nAuthenticationMethods publickey,keyboard-interactive\n' >%s; "
        "systemctl reload ssh" % conf)
    yield
    lab("exec", "ctl2", "sh", "-c", "rm %s; passwd -q -l tripleo-admin; systemctl reload ssh" % conf)


def test_the_host_asks(lab, tool, passwords):
    code, text = talk(tool.command("status"), tool.env, [("(tripleo-admin@%s)" % HOSTS[1], "lab-password\r")])
    assert code == 0, text
    assert text.count("Password:") == 1 and "lab-password" not in text, text
    assert text.count("6 active") == len(CONTROLLERS), text


def test_the_host_asks_without_terminal(lab, tool, passwords):
    mark = lab.mark()
    process = tool.popen("status", "-o", "json", start_new_session=True)
    status = tool.finish(process).json
    assert [c["reachable"] for c in status["controllers"]] == [True, False, True]
    log = lab("exec", "ctl2", "journalctl", "-q", "-o", "cat", "-u", "ssh", "--since=@%.6f" % mark.time)
    assert "keyboard-interactive" not in log.replace("publickey,keyboard-interactive", ""), log


def talk(command, env, answers, timeout=60):
    """Run on a terminal; send each answer when its prompt appears. (code, text)"""
    pid, terminal = pty.fork()
    if pid == 0:
        os.execvpe(command[0], command, env)
    text, end = "", time.monotonic() + timeout
    pending = list(answers)
    while time.monotonic() < end:
        if select.select([terminal], [], [], 0.1)[0]:
            try:
                data = os.read(terminal, 4096)
            except OSError:
                break
            if not data:
                break
            text += data.decode(errors="replace")
        if pending and pending[0][0] in text:
            os.write(terminal, pending.pop(0)[1].encode())
    os.close(terminal)
    return os.waitstatus_to_exitcode(os.waitpid(pid, 0)[1]), text


def test_passphrase_is_asked_for(lab, tool):
    ssh_config(tool, id_ed25519="id_passphrase")
    code, text = talk(tool.command("status"), tool.env, [("Enter passphrase", "lab-passphrase\r")])
    assert code == 0, text
    assert text.count("Enter passphrase") == 1, text
    assert "lab-passphrase" not in text
    assert text.count("6 active") == len(CONTROLLERS), text


def test_passphrase_without_terminal(lab, tool):
    ssh_config(tool, id_ed25519="id_passphrase")
    process = tool.popen("status", "-o", "json", start_new_session=True)
    status = tool.finish(process).json
    assert [c["reachable"] for c in status["controllers"]] == [False] * 3
    assert "passphrase" in status["controllers"][0]["message"]


def test_agent(lab, tool):
    """The key is in an agent only."""
    agent = subprocess.run(["ssh-agent", "-s"], capture_output=True, text=True, check=True).stdout
    found = dict(re.findall(r"(SSH_\w+)=([^;]+);", agent))
    try:
        subprocess.run(["ssh-add", "-q", str(lab.dir / "ssh" / "id_ecdsa")], check=True,
                       env=dict(tool.env, **found))
        ssh_config(tool, id_ed25519="id_unknown")
        assert reachable(tool) == [False] * 3
        text = tool.config.read_text()
        tool.config.write_text(re.sub(r", identityFile: [^}]+", "", text))
        assert reachable(tool, env=found) == [True] * 3
    finally:
        os.kill(int(found["SSH_AGENT_PID"]), 15)
