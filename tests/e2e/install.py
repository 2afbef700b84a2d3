# SPDX-License-Identifier: Apache-2.0
"""make install and make dist for the tests, and krew's rules for a manifest."""
import os
import pathlib
import re
import stat
import subprocess
import tarfile

import yaml

from tool import ROOT

MAKE_VARIABLES = ("MAKEFLAGS", "MFLAGS", "MAKELEVEL")
KNOWN = {("linux", a) for a in ("386", "amd64", "arm", "arm64", "ppc64le")}


def make(*args):
    env = {k: v for k, v in os.environ.items() if k not in MAKE_VARIABLES}
    done = subprocess.run(["make", "-C", str(ROOT), *args], env=env, capture_output=True, text=True)
    assert done.returncode == 0, done.stdout + done.stderr
    return done.stdout


def problems_of_manifest(text, filename):
    """What krew's own validation would say; none is a good manifest."""
    doc = yaml.safe_load(text)
    spec, found = doc.get("spec") or {}, []

    def must(true, what):
        if not true:
            found.append(what)

    must(doc.get("apiVersion") == "krew.googlecontainertools.github.com/v1alpha2", "apiVersion")
    must(doc.get("kind") == "Plugin", "kind")
    name = (doc.get("metadata") or {}).get("name") or ""
    must(re.fullmatch(r"[\w-]+", name) and filename == name + ".yaml", "name is not the file's")
    must(not re.match(r"kube|kubernetes-", name), "name begins with kube")
    short = spec.get("shortDescription") or ""
    must(short and "\n" not in short and len(short) <= 50, "shortDescription")
    must(spec.get("description") and spec.get("homepage"), "description, homepage")
    must(re.fullmatch(r"v(0|[1-9]\d*)\.(0|[1-9]\d*)\.(0|[1-9]\d*)(-[0-9A-Za-z.-]+)?(\+[0-9A-Za-z.-]+)?",
                      spec.get("version") or ""), "version")
    platforms = spec.get("platforms") or []
    must(platforms, "no platforms")
    pairs = []
    for platform in platforms:
        labels = (platform.get("selector") or {}).get("matchLabels") or {}
        pairs.append((labels.get("os"), labels.get("arch")))
        must(set(labels) == {"os", "arch"} and pairs[-1] in KNOWN, "selector %s" % labels)
        must(platform.get("uri", "").startswith("https://"), "uri")
        must(re.fullmatch(r"[a-f0-9]{64}", str(platform.get("sha256"))), "sha256")
        must(platform.get("bin"), "bin")
        must("files" not in platform or all(f.get("from") and f.get("to") for f in platform["files"] or [{}]), "files")
    must(len(set(pairs)) == len(pairs), "platforms overlap")
    return found


def problems_of_archive(path):
    found = []
    with tarfile.open(path) as tar:
        for member in tar.getmembers():
            parts = pathlib.PurePosixPath(member.name).parts
            if not (member.isfile() or member.isdir()):
                found.append("%s is no plain file" % member.name)
            if member.name.startswith("/") or ".." in parts:
                found.append("%s leads outside" % member.name)
    return found


def krew_install(manifest, archive, root):
    """As `kubectl krew install` lays it down: the store and one link."""
    doc = yaml.safe_load(manifest)
    name, spec = doc["metadata"]["name"], doc["spec"]
    store = root / "store" / name / spec["version"]
    store.mkdir(parents=True)
    with tarfile.open(archive) as tar:
        for member in tar.getmembers():
            tar.extract(member, store)
    names = [p.name.upper() for p in store.rglob("*")]
    assert any(n.startswith(("LICENSE", "COPYING")) for n in names), names
    (root / "bin").mkdir()
    link = root / "bin" / ("kubectl-" + name.replace("-", "_"))
    target = store / spec["platforms"][0]["bin"]
    assert target.stat().st_mode & stat.S_IXUSR
    link.symlink_to(target)
    return store
