# SPDX-License-Identifier: Apache-2.0
"""Completion in real shells and through kubectl, with candidates from kubeconfig, cluster and journal. Needs no lab."""
import http.server
import json
import os
import shutil
import subprocess
import threading
import time

import pytest

from install import make
from terminal import Terminal
from tool import ROOT

KUBECTL = shutil.which("kubectl")
LISTS = {
    "/api/v1/namespaces": ("NamespaceList", ["openstack", "openstack-operators", "kube-system"]),
    "/apis/core.openstack.org/v1beta1/namespaces/openstack/openstackcontrolplanes":
        ("OpenStackControlPlaneList", ["openstack", "second"]),
    "/apis/project.openshift.io/v1/projects": ("ProjectList", ["project-one"]),
}


class Cluster(http.server.BaseHTTPRequestHandler):
    """Answers lists; `forbidden` and `slow` are paths that it does not, or late."""
    forbidden, slow = set(), set()

    def do_GET(self):
        path = self.path.partition("?")[0]
        if path in self.slow:
            time.sleep(20)
        kind, names = LISTS.get(path, (None, []))
        body = {"kind": kind, "apiVersion": "v1", "metadata": {}, "items": [{"metadata": {"name": n}} for n in names]}
        code = 200 if kind else 404
        if path in self.forbidden or not kind:
            code = 403 if kind else 404
            body = {"kind": "Status", "apiVersion": "v1", "status": "Failure", "reason": "Forbidden" if kind else
                    "NotFound", "code": code, "message": "no"}
        data = json.dumps(body).encode()
        self.send_response(code)
        self.send_header("Content-Type", "application/json")
        self.send_header("Content-Length", str(len(data)))
        self.end_headers()
        try:
            self.wfile.write(data)
        except BrokenPipeError:
            pass  # who waited is gone

    def log_message(self, *_):
        pass


@pytest.fixture(scope="module")
def installed(tmp_path_factory):
    folder = tmp_path_factory.mktemp("installed")
    make("install", "DESTDIR=%s" % folder, "PREFIX=/usr")
    return folder


@pytest.fixture
def server():
    Cluster.forbidden, Cluster.slow = set(), set()
    server = http.server.ThreadingHTTPServer(("127.0.0.1", 0), Cluster)
    threading.Thread(target=server.serve_forever, daemon=True).start()
    yield "http://127.0.0.1:%d" % server.server_port
    server.shutdown()


def write_kubeconfig(path, url, user=None):
    path.write_text(json.dumps({
        "apiVersion": "v1", "kind": "Config", "current-context": "lab",
        "clusters": [{"name": n, "cluster": {"server": url}} for n in ("lab-cluster", "other-cluster")],
        "users": [{"name": n, "user": user or {}} for n in ("admin", "adopter")],
        "contexts": [{"name": "lab", "context": {"cluster": "lab-cluster", "user": "admin", "namespace": "openstack"}},
                     {"name": "prod/api:6443/kube:admin", "context": {"cluster": "other-cluster", "user": "adopter"}}]}))


@pytest.fixture
def env(installed, server, tmp_path):
    write_kubeconfig(tmp_path / "kubeconfig", server)
    keep = {k: v for k, v in os.environ.items() if not k.startswith(("CONTROLLER", "OCTAVIA_", "XDG_", "BASH", "ZDOT"))}
    return dict(keep, HOME=str(tmp_path), KUBECONFIG=str(tmp_path / "kubeconfig"), TERM="xterm", LC_ALL="C.UTF-8",
                PATH="%s/usr/bin:%s" % (installed, os.environ["PATH"]), XDG_STATE_HOME=str(tmp_path / "state"))


def complete(env, *words):
    """The candidates and the directive that the program gives; and nothing for the terminal."""
    done = subprocess.run(["oc-octavia-adopt", "__complete", *words], env=env, capture_output=True, text=True,
                          timeout=10)
    assert done.returncode == 0 and done.stderr == "", done
    *lines, directive = done.stdout.splitlines()
    return [line.partition("\t")[0] for line in lines], directive


# ---- what is known outside

@pytest.mark.parametrize("words, expect", [
    (["start", "--context", ""], ["lab", "prod/api:6443/kube:admin"]),
    (["start", "--context=pr"], ["--context=prod/api:6443/kube:admin"]),
    (["--cluster", "o"], ["other-cluster"]),
    (["--user", ""], ["admin", "adopter"]),
    (["status", "-n", "openstack"], ["openstack", "openstack-operators"]),
    (["status", "--control-plane", ""], ["openstack", "second"]),
    (["status", "--control-plane", "", "-n"], []),
    (["status", "-n", "kube-system", "--control-plane", ""], []),
    (["start", "--until", "stop"], ["stop-director"]),
    (["start", "--accept", "mass"], ["mass-failover"]),
    (["show", "enable"], ["enable-octavia"]),
    (["strat", ""], ["start", "status", "rollback", "plan", "history", "show", "config", "version", "completion",
                     "help"]),
    (["config", ""], ["view", "init", "role"]),
])
def test_live_candidates(env, words, expect):
    names, directive = complete(env, *words)
    assert [n for n in names if n in expect or words != ["strat", ""]] == expect and directive == ":4"


def test_projects_for_who_may_not_list_namespaces(env):
    Cluster.forbidden = {"/api/v1/namespaces"}
    assert complete(env, "status", "-n", "") == (["project-one"], ":4")


def test_revisions(env, tmp_path):
    """Of the journal that the line names; and none where there is no journal."""
    assert complete(env, "--journal", str(tmp_path / "none"), "show", "1")[0] == []


def test_nobody_waits_for_a_slow_cluster(env):
    Cluster.slow = set(LISTS)
    start = time.monotonic()
    assert complete(env, "status", "-n", "") == ([], ":4")
    assert time.monotonic() - start < 6


@pytest.mark.parametrize("broken", ["no kubeconfig", "bad kubeconfig", "nobody listens", "plugin asks"])
def test_never_an_error_on_the_terminal(env, tmp_path, broken):
    path = tmp_path / "kubeconfig"
    if broken == "no kubeconfig":
        path.unlink()
    elif broken == "bad kubeconfig":
        path.write_text("a: [")
    elif broken == "nobody listens":
        write_kubeconfig(path, "http://127.0.0.1:1")
    else:
        write_kubeconfig(path, "https://127.0.0.1:1", {"exec": {
            "apiVersion": "client.authentication.k8s.io/v1", "command": "/bin/sh", "interactiveMode": "Always",
            "args": ["-c", "echo Password: >/dev/tty; read x </dev/tty"]}})
    argv = ["oc-octavia-adopt", "__complete", "status", "-n", ""]
    with Terminal(argv, env) as terminal:
        assert terminal.exit_code() == 0
        assert terminal.text().split() == [":4"]


# ---- the shells

def bash(env):
    terminal = Terminal(["bash", "--norc", "--noprofile", "-i"], dict(env, PS1="> "))
    terminal.type("bind 'set bell-style none'; bind 'set page-completions off'; "
                  "bind 'set enable-bracketed-paste off'; bind 'set completion-query-items -1'; PS1='ready> '\n")
    terminal.wait(r"\nready> \s*$")
    return terminal



def test_bash(env, installed):
    with bash(env) as terminal:
        terminal.type(". %s/usr/share/bash-completion/completions/oc-octavia-adopt\n" % installed)
        terminal.read()
        at = terminal.type("oc-octavia-adopt sta\t\t")
        assert {"start", "status"} <= set(terminal.wait("start +status", since=at).split())
        at = terminal.type("\x15oc-octavia-adopt start --until stop\t#")
        terminal.wait("--until stop-director #", since=at)
        at = terminal.type("\x15oc-octavia-adopt start --dry-run=cl\t#")
        terminal.wait("--dry-run=client #", since=at)
        at = terminal.type("\x15oc-octavia-adopt status --context la\t#")
        terminal.wait("--context lab #", since=at)
        at = terminal.type("\x15oc-octavia-adopt status -n openstack-\t#")
        terminal.wait("-n openstack-operators #", since=at)
        at = terminal.type("\x15oc-octavia-adopt status --config /etc/hostn\t#")
        terminal.wait("--config /etc/hostname #", since=at)


def test_bash_takes_the_script_from_the_program(env):
    with bash(env) as terminal:
        terminal.type(". <(oc-octavia-adopt completion bash)\n")
        terminal.read()
        at = terminal.type("kubectl-octavia_adopt roll\t#")
        terminal.wait("rollback #", since=at)


@pytest.mark.skipif(not shutil.which("zsh"), reason="no zsh")
def test_zsh(env, installed):
    with Terminal(["zsh", "-f", "-i"], env) as terminal:
        terminal.type("PS1='ready> '; fpath=(%s/usr/share/zsh/site-functions $fpath); unsetopt prompt_sp; "
                      "autoload -U compinit; compinit -u -D; print don''e\n" % installed)
        terminal.wait("\ndone")
        at = terminal.type("oc-octavia-adopt sta\t\t")
        terminal.wait("status +-- Show where", since=at)
        at = terminal.type("\x15oc-octavia-adopt start --until stop\t#")
        terminal.wait("--until stop-director *#", since=at)
        at = terminal.type("\x15oc-octavia-adopt status --context pr\t#")
        terminal.wait(r"--context prod/api:6443/kube:admin *#", since=at)
        at = terminal.type("\x15oc-octavia-adopt start --dry-run=cl\t#")
        terminal.wait("--dry-run=client *#", since=at)
        at = terminal.type("\x15oc-octavia-adopt status --config /etc/hostn\t#")
        terminal.wait("--config /etc/hostname *#", since=at)


@pytest.mark.skipif(not shutil.which("fish"), reason="no fish")
@pytest.mark.parametrize("line, expect", [
    ("oc-octavia-adopt sta", {"start", "status"}),
    ("oc-octavia-adopt start --until stop", {"stop-director"}),
    ("oc-octavia-adopt start --dry-run=cl", {"--dry-run=client"}),
    ("oc-octavia-adopt status --context ", {"lab", "prod/api:6443/kube:admin"}),
    ("kubectl-octavia_adopt status -n openstack-", {"openstack-operators"}),
    ("oc-octavia-adopt status --config /etc/hostn", {"/etc/hostname"}),
])
def test_fish(env, installed, line, expect):
    script = "source %s/usr/share/fish/vendor_completions.d/oc-octavia-adopt.fish; complete -C '%s'" % (installed, line)
    done = subprocess.run(["fish", "--no-config", "-c", script], env=env, capture_output=True, text=True, timeout=30)
    assert {one.partition("\t")[0] for one in done.stdout.splitlines()} == expect, done
    assert done.stderr == ""


# ---- kubectl: before 1.26 it does not complete plugins

def old_kubectl():
    if not KUBECTL:
        return False
    done = subprocess.run([KUBECTL, "version", "--client", "-o", "json"], capture_output=True, text=True)
    return int(json.loads(done.stdout)["clientVersion"]["minor"].rstrip("+")) < 26


new_enough = pytest.mark.more if old_kubectl() else lambda test: test


@new_enough
@pytest.mark.skipif(not KUBECTL, reason="no kubectl")
@pytest.mark.parametrize("words, expect", [
    (["sta"], ["start", "status"]),
    (["status", "--context", "l"], ["lab"]),
    (["status", "-n", "openstack-"], ["openstack-operators"]),
    (["start", "--accept", "mass"], ["mass-failover"]),
])
def test_kubectl(env, words, expect):
    done = subprocess.run([KUBECTL, "__complete", "octavia-adopt", *words], env=env, capture_output=True, text=True)
    *lines, directive = done.stdout.splitlines()
    assert [line.partition("\t")[0] for line in lines] == expect and directive == ":4", done


@new_enough
@pytest.mark.skipif(not KUBECTL or not os.path.exists("/usr/share/bash-completion/bash_completion"),
                    reason="no kubectl, or no bash-completion")
def test_kubectl_in_bash(env):
    """As somebody types it: kubectl's own script asks our completion program."""
    with bash(env) as terminal:
        terminal.type(". /usr/share/bash-completion/bash_completion; . <(kubectl completion bash); echo don''e\n")
        terminal.wait("\ndone")
        at = terminal.type("kubectl octavia-adopt start --until stop\t#")
        terminal.wait("--until stop-director *#", since=at)
        at = terminal.type("\x15kubectl octavia-adopt status -n openstack-\t#")
        terminal.wait("-n openstack-operators *#", since=at)


def test_oc_completer(env):
    """oc asks a program of its own name."""
    done = subprocess.run(["oc_complete-octavia_adopt", "start", "--until", "tr"], env=env, capture_output=True,
                          text=True)
    assert done.stdout.splitlines()[0].startswith("trust\t") and done.stdout.endswith(":4\n"), done


def test_scripts_are_the_programs(env):
    for shell in ("bash", "zsh", "fish"):
        done = subprocess.run(["oc-octavia-adopt", "completion", shell], env=env, capture_output=True, text=True)
        assert done.stdout == (ROOT / "completions" / ("oc-octavia-adopt." + shell)).read_text()
