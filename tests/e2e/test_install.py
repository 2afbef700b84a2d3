# SPDX-License-Identifier: Apache-2.0
"""From the archive and from make install to a plugin that kubectl runs. Needs no lab."""
import hashlib
import os
import shutil
import subprocess
import tarfile

import pytest
import yaml

from install import krew_install, make, problems_of_archive, problems_of_manifest
from tool import ROOT

KUBECTL = shutil.which("kubectl")
MANIFEST = ROOT / "krew" / "octavia-adopt.yaml"


@pytest.fixture(scope="module")
def dist():
    make("dist")
    doc = yaml.safe_load(MANIFEST.read_text())
    name = doc["spec"]["platforms"][0]["uri"].rsplit("/", 1)[1]
    return doc, ROOT / "build" / "dist" / name


def run(*argv, path, **env):
    """No kubeconfig, no terminal, and a PATH that begins with this folder."""
    env = dict({k: v for k, v in os.environ.items() if not k.startswith("OCTAVIA_")},
               PATH="%s:%s" % (path, os.environ["PATH"]), KUBECONFIG="/nowhere", **env)
    return subprocess.run(argv, env=env, capture_output=True, text=True)


def test_manifest_is_as_krew_wants(dist):
    doc, archive = dist
    assert problems_of_manifest(MANIFEST.read_text(), MANIFEST.name) == []
    assert doc["spec"]["platforms"][0]["sha256"] == hashlib.sha256(archive.read_bytes()).hexdigest()
    assert "@" not in MANIFEST.read_text().replace("@SHELL", "")
    assert "needs no libraries" in doc["spec"]["caveats"]


@pytest.mark.parametrize("change, problem", [
    (("version: v", "version: "), "version"), (("arch: ", "arch: z"), "selector"),
    (("name: octavia-adopt", "name: other"), "name is not the file's"), (("sha256: ", "sha256: A"), "sha256"),
    (("shortDescription: Move", "shortDescription: |\n    Move"), "shortDescription")])
def test_the_rules_find_what_is_wrong(dist, change, problem):
    text = MANIFEST.read_text()
    assert change[0] in text
    broken = text.replace(change[0], change[1], 1)
    assert any(p.startswith(problem) for p in problems_of_manifest(broken, MANIFEST.name)), broken


def test_archive(dist):
    """Plain files only, the licence among them, and the same bytes again."""
    _, archive = dist
    assert problems_of_archive(archive) == []
    with tarfile.open(archive) as tar:
        members = {m.name.removeprefix("./"): m for m in tar.getmembers()}
    for name in ("oc-octavia-adopt", "LICENSE", "README.md", "oc-octavia-adopt.1", "completions/oc-octavia-adopt.bash",
                 "kubectl_complete-octavia_adopt", "oc_complete-octavia_adopt"):
        assert name in members, members
    assert {m.uid for m in members.values()} == {0}
    before = archive.read_bytes()
    make("dist")
    assert archive.read_bytes() == before


def test_a_link_in_an_archive_is_found(tmp_path):
    with tarfile.open(tmp_path / "a.tar.gz", "w:gz") as tar:
        (tmp_path / "link").symlink_to("LICENSE")
        tar.add(tmp_path / "link", "link")
        tar.add(tmp_path / "link", "../x")
    assert len(problems_of_archive(tmp_path / "a.tar.gz")) == 3


@pytest.mark.skipif(not KUBECTL, reason="no kubectl")
def test_krew_install(dist, tmp_path):
    """Unpacked, linked, run by kubectl, and completed by it, as after `kubectl krew install`."""
    store = krew_install(MANIFEST.read_text(), dist[1], tmp_path)
    path = tmp_path / "bin"
    done = run(KUBECTL, "octavia-adopt", "version", "--client", path=path)
    assert done.returncode == 0 and done.stdout.startswith("Client Version: ") and not done.stderr, done
    listed = run(KUBECTL, "plugin", "list", path=path)
    assert str(path / "kubectl-octavia_adopt") in listed.stdout
    assert "octavia" not in listed.stderr, listed.stderr
    # What the caveats say about completion.
    for completer in store.glob("*_complete-octavia_adopt"):
        (path / completer.name).symlink_to(completer)
        done = run(completer.name, "st", path=path)
        assert done.stdout.split("\t")[0] == "start", done
    # krew's own removal: link and folder.
    shutil.rmtree(store)
    assert run(KUBECTL, "octavia-adopt", "version", "--client", path=path).returncode != 0


def test_make_install(tmp_path):
    """Every file is where a package wants it; the page can be read; uninstall leaves nothing."""
    make("install", "DESTDIR=%s" % tmp_path, "PREFIX=/usr")
    names = {str(p.relative_to(tmp_path)) for p in tmp_path.rglob("*") if not p.is_dir()}
    assert names == {
        "usr/bin/oc-octavia-adopt", "usr/bin/oc-octavia_adopt", "usr/bin/kubectl-octavia_adopt",
        "usr/bin/oc_complete-octavia_adopt", "usr/bin/kubectl_complete-octavia_adopt",
        "usr/share/man/man1/oc-octavia-adopt.1", "usr/share/bash-completion/completions/oc-octavia-adopt",
        "usr/share/bash-completion/completions/oc-octavia_adopt",
        "usr/share/bash-completion/completions/kubectl-octavia_adopt",
        "usr/share/zsh/site-functions/_oc-octavia-adopt", "usr/share/fish/vendor_completions.d/oc-octavia-adopt.fish"}
    path = tmp_path / "usr/bin"
    if KUBECTL:
        for name in (("octavia-adopt",), ("octavia_adopt",)):
            done = run(KUBECTL, *name, "help", path=path)
            assert done.returncode == 0 and "oc octavia-adopt COMMAND" in done.stdout, done
    make("uninstall", "DESTDIR=%s" % tmp_path, "PREFIX=/usr")
    assert [p for p in tmp_path.rglob("*") if not p.is_dir()] == []
