# SPDX-License-Identifier: Apache-2.0
"""What make dist packs, started where nothing of this machine is: in roots of
Debian's releases, with their own certificate store, and in an empty one.
Needs root, but no lab."""
import hashlib
import json
import os
import pathlib
import random
import re
import shutil
import socket
import struct
import subprocess
import tarfile
import threading

import pytest
import yaml

from api_recorder import Pki, Recorder, write
from install import MAKE_VARIABLES, make
from tool import ROOT

RELEASES = {"11": "bullseye", "12": "bookworm", "13": "trixie"}
# Where systems keep their CAs: Debian, RHEL and Fedora, SUSE, Alpine.
STORES = ["etc/ssl/certs/ca-certificates.crt", "etc/pki/tls/certs/ca-bundle.crt",
          "etc/pki/ca-trust/extracted/pem/tls-ca-bundle.pem", "etc/ssl/ca-bundle.pem", "etc/ssl/cert.pem"]
CHROOT = shutil.which("chroot")
MAX_SIZE = 8 << 20
# In the server's certificate, and known to no name server of this machine.
HOST = "api.adopt.test"
UNKNOWN = "certificate signed by unknown authority"
CHILD = {"apiVersion": "client.authentication.k8s.io/v1", "kind": "ExecCredential", "status": {"token": "from-a-child"}}


@pytest.fixture(scope="module")
def archive():
    make("dist")
    doc = yaml.safe_load((ROOT / "krew/octavia-adopt.yaml").read_text())
    return ROOT / "build/dist" / doc["spec"]["platforms"][0]["uri"].rsplit("/", 1)[1]


@pytest.fixture(scope="module")
def unpacked(archive, tmp_path_factory):
    folder = tmp_path_factory.mktemp("archive")
    with tarfile.open(archive) as tar:
        tar.extractall(folder)
    return folder


@pytest.fixture(scope="module")
def server(tmp_path_factory):
    """An API server whose certificate comes from a CA of our own."""
    pki = Pki(tmp_path_factory.mktemp("pki"))
    recorder = Recorder(pki)
    recorder.pki = pki
    return recorder


class NameServer:
    """Knows the address of one name, on the port that a resolv.conf can't change."""

    def __init__(self, name):
        self.name, self.asked = name.split("."), []
        self.address = "127.%d.%d.%d" % tuple(random.randint(1, 254) for _ in range(3))
        self.socket = socket.socket(socket.AF_INET, socket.SOCK_DGRAM)
        self.socket.bind((self.address, 53))
        threading.Thread(target=self.serve, daemon=True).start()

    def serve(self):
        while True:
            query, peer = self.socket.recvfrom(512)
            labels, at = [], 12
            while query[at]:
                labels.append(query[at + 1:at + 1 + query[at]].decode())
                at += 1 + query[at]
            self.asked.append(".".join(labels))
            known, is_a = labels == self.name, query[at + 1:at + 3] == b"\0\1"
            answer = struct.pack(">HHHIH4s", 0xc00c, 1, 1, 60, 4, b"\x7f\0\0\1") if known and is_a else b""
            head = struct.pack(">2sHHHHH", query[:2], 0x8180 if known else 0x8183, 1, bool(answer), 0, 0)
            self.socket.sendto(head + query[12:at + 5] + answer, peer)


def kubeconfig(path, url, user=None):
    write(path, json.dumps({
        "apiVersion": "v1", "kind": "Config", "current-context": "x",
        "clusters": [{"name": "c", "cluster": {"server": url}}],
        "contexts": [{"name": "x", "context": {"cluster": "c", "user": "u"}}],
        "users": [{"name": "u", "user": user or {"token": "t"}}]}))
    return path


def needed(program):
    """What of the system's the kernel or a loader would look for."""
    out = subprocess.run(["readelf", "-ldW", str(program)], capture_output=True, text=True, check=True).stdout
    return re.findall(r"INTERP|NEEDED.*", out)


def test_it_needs_no_library(unpacked):
    program = unpacked / "oc-octavia-adopt"
    assert program.stat().st_size <= MAX_SIZE
    assert needed(program) == []
    assert needed("/bin/sh") != []
    segments = subprocess.run(["readelf", "-lW", str(program)], capture_output=True, text=True, check=True).stdout
    assert "DYN (" in segments and "GNU_RELRO" in segments, "position-independent, as the other builds are"
    assert re.search(r"GNU_STACK .* RW  ", segments), segments
    sections = subprocess.run(["readelf", "-SW", str(program)], capture_output=True, text=True, check=True).stdout
    assert ".symtab" not in sections and ".debug" not in sections
    # Nothing of the machine that built it.
    data = program.read_bytes()
    for place in (str(ROOT), str(pathlib.Path.home() / ".cache")):
        assert place.encode() not in data, place


def test_libraries_are_the_pinned_ones(unpacked):
    """The versions that it tells, the sources that the archive names, and their licences."""
    sources = (unpacked / "licenses/SOURCES").read_text()
    assert sources == (ROOT / "tests/tools/static-libraries.sums").read_text()
    out = subprocess.run([unpacked / "oc-octavia-adopt", "version", "--client", "-o", "json"], capture_output=True,
                         text=True, check=True).stdout
    libraries = json.loads(out)["clientVersion"]["libraries"]
    assert set(libraries) == {"expat", "libcurl", "libgit2", "libssh2", "libyaml", "nghttp2", "openssl", "zlib"}
    for name, version in libraries.items():
        package = "curl" if name == "libcurl" else name
        assert re.search(r"/%s_\S*%s\b\S*orig" % (package, re.escape(version)), sources), (name, version)
    packages = set(re.findall(r"/([a-z0-9-]+)_[^/]*\.orig", sources))
    assert {p.name for p in (unpacked / "licenses").iterdir()} == packages | {"SOURCES"}
    assert tuple(int(n) for n in libraries["libssh2"].split(".")) >= (1, 11, 1)


def test_sums(archive):
    lines = next(archive.parent.glob("%s*.sha256" % archive.name.split("-linux-")[0])).read_text().splitlines()
    assert "%s  %s" % (hashlib.sha256(archive.read_bytes()).hexdigest(), archive.name) in lines


@pytest.fixture(scope="module", params=RELEASES)
def release(request):
    done = subprocess.run([ROOT / "tests/tools/debian-root", RELEASES[request.param]], capture_output=True, text=True)
    assert done.returncode == 0, done.stderr
    root = pathlib.Path(done.stdout.strip())
    assert (root / "etc/debian_version").read_text().startswith(request.param)
    return root


def run_in(root, folder, script):
    """A script in a layer on a root, with this folder at its place and this machine's network."""
    mount = folder / "mount"
    mount.mkdir(exist_ok=True)
    return subprocess.run(
        ["unshare", "--mount", ROOT / "tests/lab/root-exec", mount, root, folder, "--", "/bin/sh", "-c",
         "cd %s; %s" % (folder, script)], capture_output=True, text=True, timeout=120,
        env={"PATH": "/usr/sbin:/usr/bin:/sbin:/bin", "HOME": str(folder), "KUBECONFIG": str(folder / "kubeconfig")})


@pytest.fixture
def folder(unpacked, server, tmp_path):
    """The program, a kubeconfig whose user comes from a child process, and a CA."""
    shutil.copy(unpacked / "oc-octavia-adopt", tmp_path)
    shutil.copy(server.pki.path("ca.crt"), tmp_path)
    write(tmp_path / "plugin", "#!/bin/sh\necho '%s'\n" % json.dumps(CHILD), 0o755)
    kubeconfig(tmp_path / "kubeconfig", "https://%s:%d" % (HOST, server.port), {"exec": {
        "apiVersion": CHILD["apiVersion"], "command": str(tmp_path / "plugin"), "interactiveMode": "Never"}})
    kubeconfig(tmp_path / "nobody", "https://127.0.0.1:1")
    server.take()
    return tmp_path


def test_debian(release, folder, server):
    done = run_in(release, folder, "./oc-octavia-adopt version --client && ./oc-octavia-adopt help")
    assert done.returncode == 0, done
    assert "Client Version: " in done.stdout and "oc octavia-adopt COMMAND" in done.stdout
    done = run_in(release, folder, "KUBECONFIG=$PWD/nobody ./oc-octavia-adopt plan")
    assert done.returncode == 1 and "cannot connect to '127.0.0.1:1': connection refused" in done.stderr, done
    hosts = "echo 127.0.0.1 %s >>/etc/hosts; " % HOST
    done = run_in(release, folder, hosts + "./oc-octavia-adopt version")
    assert done.returncode == 1 and UNKNOWN in done.stderr, "the system does not know this CA: %r" % done
    server.take()
    trust = "cp ca.crt /usr/local/share/ca-certificates && update-ca-certificates >/dev/null 2>&1 && "
    done = run_in(release, folder, hosts + trust + "./oc-octavia-adopt version")
    assert done.returncode == 0 and "Server Version: v1.29.0" in done.stdout, done
    seen = server.take()
    assert [(r["path"], r["sni"], r["authorization"]) for r in seen] == [("/version", HOST, "Bearer from-a-child")]


class Empty:
    """A root in which there is the program, and what a test puts there; names come from a server."""

    def __init__(self, folder, unpacked, server):
        self.folder, self.ca = folder, pathlib.Path(server.pki.path("ca.crt"))
        folder.mkdir()
        shutil.copy(unpacked / "oc-octavia-adopt", folder)
        self.names = NameServer(HOST)
        write(folder / "etc/resolv.conf", "nameserver %s\n" % self.names.address, 0o644)
        kubeconfig(folder / "kubeconfig", "https://%s:%d" % (HOST, server.port))
        kubeconfig(folder / "nowhere", "https://nowhere.adopt.test")
        server.take()

    def put_ca(self, path):
        write(self.folder / path, self.ca.read_text(), 0o644)

    def run(self, *args, **env):
        return subprocess.run([CHROOT, str(self.folder), "/oc-octavia-adopt", *args], capture_output=True, text=True,
                              timeout=60, env={"KUBECONFIG": "/kubeconfig", **env})


@pytest.fixture
def empty(unpacked, server, tmp_path):
    return Empty(tmp_path / "root", unpacked, server)


def test_alone(empty, server):
    """Without any other file it starts, finds no CA, and says what is wrong."""
    assert "Client Version: " in empty.run("version", "--client").stdout
    assert "oc octavia-adopt COMMAND" in empty.run("help").stdout
    done = empty.run("version")
    assert done.returncode == 1 and UNKNOWN in done.stderr, done
    assert HOST in empty.names.asked
    done = empty.run("plan", KUBECONFIG="/nowhere")
    assert done.returncode == 1 and "nowhere.adopt.test" in done.stderr, done
    assert server.take() == []


@pytest.mark.parametrize("store", STORES)
def test_stores(empty, server, store):
    empty.put_ca(store)
    done = empty.run("version")
    assert done.returncode == 0 and "Server Version: v1.29.0" in done.stdout, done
    assert [r["sni"] for r in server.take()] == [HOST]


def test_named_stores(empty, server):
    """SSL_CERT_FILE and SSL_CERT_DIR go before the system's."""
    empty.put_ca("mine/ca.crt")
    digest = subprocess.run(["openssl", "x509", "-hash", "-noout", "-in", str(empty.ca)], capture_output=True,
                            text=True, check=True).stdout.strip()
    empty.put_ca("hashed/%s.0" % digest)
    for env in ({"SSL_CERT_FILE": "/mine/ca.crt"}, {"SSL_CERT_DIR": "/hashed"}):
        done = empty.run("version", **env)
        assert done.returncode == 0 and len(server.take()) == 1, (env, done)
    empty.put_ca(STORES[0])
    write(empty.folder / "foreign.crt", pathlib.Path(server.pki.path("foreign.crt")).read_text(), 0o644)
    done = empty.run("version", SSL_CERT_FILE="/foreign.crt")
    assert done.returncode == 1 and UNKNOWN in done.stderr, done


@pytest.mark.more
def test_reproducible(tmp_path):
    """Two builds: other folders for the source, the cache and the libraries' build; the same archive."""
    files = subprocess.run(["git", "ls-files", "-co", "--exclude-standard", "-z"], cwd=ROOT, capture_output=True,
                           check=True).stdout.decode().split("\0")
    caches = pathlib.Path(os.environ.get("XDG_CACHE_HOME") or pathlib.Path.home() / ".cache") / "octavia-adopt"
    sums = []
    for tree, cache in ((tmp_path / "one", None), (tmp_path / "another/much/longer", tmp_path / "cache")):
        for name in filter(None, files):
            if (ROOT / name).exists():
                (tree / name).parent.mkdir(parents=True, exist_ok=True)
                shutil.copy2(ROOT / name, tree / name)
        env = {k: v for k, v in os.environ.items() if k not in MAKE_VARIABLES} | {"SOURCE_DATE_EPOCH": "1700000000"}
        if cache:
            (cache / "octavia-adopt").mkdir(parents=True)
            (cache / "octavia-adopt/sources").symlink_to(caches / "sources")
            env["XDG_CACHE_HOME"] = str(cache)
        subprocess.run(["make", "-C", str(tree), "-j%d" % os.cpu_count(), "dist"], env=env, check=True)
        archives = (tree / "build/dist").glob("*-linux-*.tar.gz")
        sums.append([hashlib.sha256(p.read_bytes()).hexdigest() for p in archives])
    assert len(sums[0]) == 1 and sums[0] == sums[1]
