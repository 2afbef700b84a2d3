# SPDX-License-Identifier: Apache-2.0
"""The same kubeconfigs through this tool and through kubectl, before an API
server that records: the requests and the complaints must be the same. Where
they are not, 'why' says why that is on purpose; a row without it has no
difference. Needs no lab; without kubectl the tool's own side is still tested.
"""
import base64
import json
import os
import pathlib
import pty
import re
import shutil
import subprocess

import pytest

from api_recorder import Pki, Proxy, Recorder, write
from tool import PROGRAM

V1, BETA = "client.authentication.k8s.io/v1", "client.authentication.k8s.io/v1beta1"
REFUSED = "The connection to the server localhost:8080 was refused"
MISSING = "Missing or incomplete configuration info"
NO_KUBECTL = "kubectl goes to localhost:8080, which helps nobody"
PROMPT = "kubectl asks for a name on the terminal; oc does not, and neither does this tool"
AGAIN = "kubectl leaves the repetition to its callers; what was refused has not been done, so it is sent once more"


def find_kubectl():
    """E2E_KUBECTL, or the one on the PATH; Google's is a dispatcher that asks the server first which to start."""
    path = os.environ.get("E2E_KUBECTL") or shutil.which("kubectl")
    beside = pathlib.Path(path).resolve().parent.glob("kubectl.1.*") if path else ()
    return str(max(beside, key=lambda p: int(p.name.rsplit(".", 1)[1]), default=path)) if path else None


KUBECTL = find_kubectl()


def kubectl_minor():
    if not KUBECTL:
        return 0
    out = subprocess.run([KUBECTL, "version", "--client", "-o", "json"], capture_output=True, text=True,
                         env={**os.environ, "KUBECONFIG": "/dev/null"}).stdout
    found = re.search(r'"minor": *"(\d+)', out)
    return int(found.group(1)) if found else 0


MINOR = kubectl_minor()


class World:
    """One folder with the certificates, the recorders and the proxies."""

    def __init__(self, folder):
        (folder / "pki").mkdir()
        self.pki = Pki(folder / "pki")
        self.tls, self.plain = Recorder(self.pki), Recorder(self.pki, tls=False)
        self.proxies = {kind: Proxy(kind, self.tls, self.pki) for kind in ("http", "https", "socks5")}

    def data(self, name):
        return base64.b64encode(self.pki.text(name).encode()).decode()


@pytest.fixture(scope="session")
def world(tmp_path_factory):
    assert PROGRAM.exists(), "make all"
    return World(tmp_path_factory.mktemp("kubeconfig"))


# ---- what a row is made of ----

class Case:
    """One client's run: a folder of its own, so that neither sees the other's files."""

    def __init__(self, world, folder):
        self.world, self.folder = world, folder
        self.ca, self.url = world.pki.path("ca.crt"), world.tls.url

    def cluster(self, **fields):
        base = {"server": self.url, "certificate-authority": self.ca}
        base.update({k.replace("_", "-"): v for k, v in fields.items()})
        return {k: v for k, v in base.items() if v is not None}

    def config(self, user=None, cluster=None, **more):
        doc = {"apiVersion": "v1", "kind": "Config", "current-context": "x",
               "clusters": [{"name": "c", "cluster": self.cluster() if cluster is None else cluster}],
               "contexts": [{"name": "x", "context": {"cluster": "c", "user": "u"}}],
               "users": [{"name": "u", "user": {"token": "t"} if user is None else user}]}
        doc.update({k.replace("_", "-"): v for k, v in more.items()})
        return doc

    def write(self, name, text, mode=0o600):
        return write(self.folder / name, text if isinstance(text, str) else json.dumps(text), mode)

    def plugin(self, reply, name="plugin", version=V1, before="", **fields):
        """A script that notes each run and prints the reply (a status, or text)."""
        if not isinstance(reply, str):
            reply = json.dumps({"apiVersion": version, "kind": "ExecCredential", "status": reply})
        self.write(name + ".reply", reply)
        script = "#!/bin/sh\ncd '%s'\nprintf x >>runs\n%s\ncat '%s.reply'\n" % (self.folder, before, name)
        self.write("bin/" + name, script, 0o755)
        return {"exec": {"apiVersion": version, "command": name, "interactiveMode": "Never", **fields}}


class Run:
    def __init__(self, code, text, requests, case, proxied):
        self.code, self.text, self.requests, self.case, self.proxied = code, text, requests, case, proxied
        runs = case.folder / "runs"
        self.runs = len(runs.read_text()) if runs.exists() else 0

    def __repr__(self):
        return "exit %s\n%s\n%s" % (self.code, self.text, "\n".join(map(str, self.requests)))


def run(world, folder, row, command):
    folder.mkdir()
    case = Case(world, folder)
    env = {"PATH": "%s:%s" % (folder / "bin", os.environ["PATH"]), "HOME": str(folder / "home"), "NO_COLOR": "1",
           "KUBECACHEDIR": str(folder / "cache")}
    made = row["make"](case)
    if isinstance(made, dict) and not {"args", "env", "config"} & set(made):
        made = {"config": made}
    if "config" in made:
        env["KUBECONFIG"] = case.write("kubeconfig", made["config"])
    env.update(made.get("env", {}))
    env = {k: v for k, v in env.items() if v is not None}
    world.tls.codes = list(made.get("codes", ()))
    command = [*row.get("wrap", ()), *command, *made.get("args", ())]
    stdin, ours = subprocess.DEVNULL, ()
    if row.get("tty"):
        ours = pty.openpty()
        stdin = ours[1]
    try:
        done = subprocess.run(command, env=env, cwd=folder, stdin=stdin, text=True, stdout=subprocess.PIPE,
                              stderr=subprocess.STDOUT, timeout=60)
    finally:
        for fd in ours:
            os.close(fd)
    proxied = [(kind, *asked) for kind, proxy in world.proxies.items() for asked in proxy.take()]
    return Run(done.returncode, done.stdout, world.tls.take() + world.plain.take(), case, proxied)


def normal(request):
    return {k: v for k, v in request.items() if v not in (None, [])}


def expect(result, wanted):
    """wanted: a list of requests (the fields named must be so), or of texts."""
    requests = [w for w in wanted if isinstance(w, dict)]
    texts = [w for w in wanted if isinstance(w, str)]
    for text in texts:
        assert text.replace("@", str(result.case.folder)) in result.text, "%r is not in\n%r" % (text, result)
    if requests or not texts:
        assert len(result.requests) == len(requests), "%d requests, not %d: %r" % (
            len(result.requests), len(requests), result)
        for got, want in zip(result.requests, requests):
            for key, value in want.items():
                assert got[key] == value, "%s: %r, not %r\n%r" % (key, got[key], value, result)
    else:
        assert result.requests == [] and result.code != 0, result


ROWS = []


def row(name, make, *want, **more):
    """theirs, why: what kubectl does instead (until: in its versions up to that);
    since: the first kubectl that knows it."""
    assert ("theirs" in more) == ("why" in more), name
    ROWS.append({"name": name, "make": make, "want": want, **more})


def bearer(token="t", **more):
    return {"path": "/version", "authorization": "Bearer " + token, **more}


ANONYMOUS = {"path": "/version", "authorization": None}

# ---- 1.1 files, order, merge ----


def two(first, second, **more):
    def make(c):
        paths = [c.write("one", first(c)), c.write("two", second(c))]
        return {"env": {"KUBECONFIG": ":".join(more.get("list", lambda p: p)(paths))}}
    return make


def named(c, token):
    return {"users": [{"name": "u", "user": {"token": token}}]}


row("the first file that has an entry wins, whole",
    two(lambda c: named(c, "first"), lambda c: c.config({"token": "t", "as": "b"})),
    bearer("first", impersonate=[]))
row("the first current-context that is not empty",
    two(lambda c: {"current-context": ""}, lambda c: c.config()), bearer())
row("empty, repeated and missing files of the list are skipped",
    two(lambda c: "", lambda c: c.config(), list=lambda p: ["", "/no/such", p[0], p[0], p[1], p[1]]), bearer())
row("HOME where KUBECONFIG is not set",
    lambda c: c.write("home/.kube/config", c.config()) and {"env": {"KUBECONFIG": None}}, bearer())
row("HOME where KUBECONFIG is empty",
    lambda c: c.write("home/.kube/config", c.config()) and {"env": {"KUBECONFIG": ""}}, bearer())
row("the name of the file until 2014",
    lambda c: c.write("home/.kube/.kubeconfig", c.config()) and {"env": {"KUBECONFIG": None}}, bearer())
row("~ is not expanded",
    lambda c: c.write("home/.kube/config", c.config()) and {"env": {"KUBECONFIG": "~/.kube/config"}}, MISSING,
    theirs=[REFUSED], why=NO_KUBECTL)
row("all files of the list missing", lambda c: {"env": {"KUBECONFIG": "/no/a:/no/b"}}, MISSING,
    theirs=[REFUSED], why=NO_KUBECTL)
row("--kubeconfig beats KUBECONFIG",
    lambda c: {"config": named(c, "no"), "args": ["--kubeconfig", c.write("other", c.config())]}, bearer())
row("--kubeconfig is no list",
    lambda c: {"config": c.config(), "args": ["--kubeconfig", "/no/a:/no/b"]},
    "stat /no/a:/no/b: no such file or directory")
row("--kubeconfig missing", lambda c: {"config": c.config(), "args": ["--kubeconfig", "/nope"]},
    "stat /nope: no such file or directory")
row("a folder", lambda c: {"env": {"KUBECONFIG": str(c.folder)}},
    'error loading config file "@": read @: is a directory')
row("a file without permission",
    lambda c: {"env": {"KUBECONFIG": c.write("shut", c.config(), 0)}}, 'open @/shut: permission denied',
    wrap=["setpriv", "--bounding-set=-dac_override,-dac_read_search"] if os.geteuid() == 0 else [])
row("bad YAML", lambda c: {"config": "a: [b\n"}, 'error loading config file "@/kubeconfig": yaml: line ')
row("bad base64", lambda c: c.config(cluster={"server": c.url, "certificate-authority-data": "!!"}),
    'error loading config file "@/kubeconfig": illegal base64 data at input byte 0', since=23)
row("another version", lambda c: c.config(apiVersion="v2"), 'no kind "Config" is registered for version "v2"')
row("another kind", lambda c: c.config(kind="Pod"), 'no kind "Pod" is registered for version "v1"')
row("two bad files", two(lambda c: "a: [b\n", lambda c: "[1]"), 'error loading config file "@/one": yaml: line ',
    'error loading config file "@/two": couldn\'t get version/kind; json parse error')
row("JSON", lambda c: {"config": json.dumps(c.config(), indent=2)}, bearer())
row("unknown fields, no version, no kind",
    lambda c: {**c.config({"token": "t", "foo": 1}), "apiVersion": "", "kind": "", "bar": {}}, bearer())
row("a name twice",
    lambda c: {"config": {"clusters": [{"name": "a", "cluster": {}}, {"name": "a", "cluster": {}}]}},
    'error converting *[]NamedCluster into *map[string]*api.Cluster: duplicate name "a" in list')
row("a user twice", lambda c: {"config": {"users": [{"name": "a", "user": {}}] * 2}},
    'error converting *[]NamedAuthInfo into *map[string]*api.AuthInfo: duplicate name "a" in list')
row("a key twice", lambda c: {"config": "current-context: no\n" + "\n".join(
    "%s: %s" % (k, json.dumps(v)) for k, v in c.config().items())}, bearer())
row("YAML 1.1: y is a boolean", lambda c: {"config": "clusters: [{name: a, cluster: {server: y}}]\n"},
    "json: cannot unmarshal bool into Go struct field Cluster.clusters.cluster.server of type string", since=23)
row("YAML 1.1: 0x10 is a number", lambda c: {"config": "users: [{name: a, user: {token: 0x10}}]\n"},
    "json: cannot unmarshal number into Go struct field AuthInfo.users.user.token of type string", since=23)
row("YAML 1.1: yes for a boolean",
    lambda c: {"config": json.dumps(c.config(cluster=c.cluster(certificate_authority=None))).replace(
        '"server"', '"insecure-skip-tls-verify": yes, "server"')}, bearer())
row("YAML 1.1: a date is a string",
    lambda c: {"config": json.dumps(c.config()).replace('"t"', "2026-11-24")}, bearer("2026-11-24"))


def relative(c):
    for name in ("ca.crt", "one.crt", "one.key"):
        c.write("sub/" + name, c.world.pki.text(name))
    c.write("sub/tok", "file")
    user = {"client-certificate": "one.crt", "client-key": "../sub/one.key", "tokenFile": "tok"}
    path = c.write("sub/config", c.config(user, c.cluster(certificate_authority="ca.crt")))
    return {"env": {"KUBECONFIG": path}}


row("paths of a file start at its folder", relative, bearer("file", cn="one"))


def flag_paths(c):
    for name in ("ca.crt", "one.crt", "one.key"):
        c.write("here/" + name, c.world.pki.text(name))
    return {"config": c.config({}, c.cluster(certificate_authority=None)), "args": [
        "--certificate-authority", "here/ca.crt", "--client-certificate", "here/one.crt", "--client-key",
        "here/one.key"]}


row("paths of flags start at the working folder", flag_paths, {"cn": "one"})

# ---- 1.2 selection, flags ----


def several(c, **args):
    doc = c.config()
    doc["clusters"].append({"name": "d", "cluster": c.cluster(server=c.url + "/d")})
    doc["users"].append({"name": "v", "user": {"token": "v"}})
    doc["contexts"].append({"name": "y", "context": {"cluster": "d", "user": "v"}})
    return {"config": doc, "args": ["--%s=%s" % (k, v) for k, v in args.items()]}


row("current-context", several, bearer())
row("--context", lambda c: several(c, context="y"), bearer("v", path="/d/version"),
    theirs=[bearer("v")], why="kubectl get --raw does not add the path of the server")
row("--user", lambda c: several(c, user="v"), bearer("v"))
row("--cluster", lambda c: several(c, cluster="d"), bearer(path="/d/version"),
    theirs=[bearer()], why="kubectl get --raw does not add the path of the server")
row("--context that is not there", lambda c: several(c, context="zz"),
    "context was not found for specified context: zz", kubectl=["get", "pods"])
row("--cluster that is not there", lambda c: several(c, cluster="zz"), 'no server found for cluster "zz"',
    kubectl=["get", "pods"])
row("--user that is not there", lambda c: several(c, user="zz"), 'auth info "zz" does not exist')
row("a context of a missing cluster", lambda c: {**c.config(), "clusters": []},
    'cluster "c" was not found for context "x"', theirs=[REFUSED], why=NO_KUBECTL)
row("a context of a missing user", lambda c: {**c.config(), "users": []}, ANONYMOUS,
    theirs=["Please enter Username:"], why=PROMPT)
row("no user", lambda c: c.config({}), ANONYMOUS, theirs=["Please enter Username:"], why=PROMPT)
row("--server drops tls-server-name",
    lambda c: {"config": c.config(cluster=c.cluster(server="https://no", tls_server_name="other.adopt.test")),
               "args": ["--server", c.url]}, bearer(sni=None))
row("--server with --tls-server-name",
    lambda c: {"config": c.config(cluster=c.cluster(server="https://no", tls_server_name="no")),
               "args": ["--server", c.url, "--tls-server-name", "other.adopt.test"]}, bearer(sni="other.adopt.test"))
row("--insecure-skip-tls-verify drops the CA",
    lambda c: {"config": c.config(cluster=c.cluster(certificate_authority=c.world.pki.path("foreign.crt"))),
               "args": ["--insecure-skip-tls-verify"]}, bearer())
row("--certificate-authority drops insecure and data",
    lambda c: {"config": c.config(cluster={"server": c.url, "insecure-skip-tls-verify": True,
                                           "certificate-authority-data": c.world.data("ca.crt")}),
               "args": ["--certificate-authority", c.world.pki.path("foreign.crt")]},
    "certificate signed by unknown authority")


def pair(c, name):
    return {"client-certificate-data": c.world.data(name + ".crt"), "client-key-data": c.world.data(name + ".key")}


row("--client-certificate and --client-key drop the data",
    lambda c: {"config": c.config(pair(c, "one")), "args": [
        "--client-certificate", c.world.pki.path("two.crt"), "--client-key", c.world.pki.path("two.key")]},
    {"cn": "two"}, until=33, theirs=["client-cert-data and client-cert are both specified for u."],
    why="client-go does so in its later versions; before, the flags could not be used with such a user")
row("--token beats token", lambda c: {"config": c.config(), "args": ["--token=flag"]}, bearer("flag"))
row("--token does not beat tokenFile",
    lambda c: {"config": c.config({"tokenFile": c.write("tok", "file")}), "args": ["--token=flag"]}, bearer("file"))
row("--token beats exec",
    lambda c: {"config": c.config(c.plugin({"token": "p"})), "args": ["--token=flag"]}, bearer("flag"), runs=0, since=22)
row("--as, --as-uid, --as-group",
    lambda c: {"config": c.config(), "args": ["--as=a", "--as-uid=7", "--as-group=g", "--as-group=h"]},
    bearer(impersonate=["Impersonate-Group: g", "Impersonate-Group: h", "Impersonate-Uid: 7", "Impersonate-User: a"]),
    since=23)
row("--request-timeout", lambda c: {"config": c.config(), "args": ["--request-timeout=20s"]},
    bearer(path="/version?timeout=20s"))
row("--request-timeout that is none", lambda c: {"config": c.config(), "args": ["--request-timeout=5x"]},
    "Invalid timeout value. Timeout must be a single integer in seconds, or an integer followed by a corresponding "
    "time unit (e.g. 1s | 2m | 3h)")

# ---- 1.3 nothing, and in a pod ----

row("no configuration at all", lambda c: {"env": {"KUBECONFIG": None}}, MISSING, theirs=[REFUSED], why=NO_KUBECTL)
row("KUBERNETES_MASTER", lambda c: {"env": {"KUBECONFIG": None, "KUBERNETES_MASTER": c.world.plain.url}}, ANONYMOUS)

ACCOUNT = "/run/secrets/kubernetes.io/serviceaccount"
POD = ["unshare", "-m", "sh", "-c", "mount -t tmpfs none /run && mkdir -p %s && cp account/* %s && exec \"$@\"" % (
    ACCOUNT, ACCOUNT), "sh"]


def pod(c, config=None, **more):
    c.write("account/token", "account\n")
    c.write("account/ca.crt", c.world.pki.text("ca.crt"))
    c.write("account/namespace", "ns")
    host, port = more.pop("host", "127.0.0.1"), str(c.world.tls.port)
    env = {"KUBERNETES_SERVICE_HOST": host, "KUBERNETES_SERVICE_PORT": port}
    if config is None:
        env["KUBECONFIG"] = "/no/such"
    return {"env": env, **({"config": config(c)} if config else {}), **more}


row("in a pod", pod, bearer("account"), wrap=POD)
row("in a pod, --token", lambda c: pod(c, args=["--token=flag"]), bearer("flag"), wrap=POD)
row("in a pod, with a kubeconfig", lambda c: pod(c, lambda c: c.config()), bearer(), wrap=POD)
row("in a pod, --as", lambda c: pod(c, args=["--as=a"]), bearer("account", impersonate=["Impersonate-User: a"]),
    wrap=POD, theirs=[REFUSED], why="kubectl takes the flag for a configuration and goes to localhost:8080")

# ---- 1.4 the cluster ----

row("the server's query and fragment are dropped where it has a path",
    lambda c: c.config(cluster=c.cluster(server=c.url + "/?a=b#c")), bearer(path="/version"))
row("a server without scheme is http, without credentials",
    lambda c: c.config(cluster={"server": "127.0.0.1:%d" % c.world.plain.port}), ANONYMOUS)
row("so it is with a CA",
    lambda c: c.config(cluster=c.cluster(server="127.0.0.1:%d" % c.world.plain.port)), ANONYMOUS)
row("http gets no credentials", lambda c: c.config(cluster={"server": c.world.plain.url}), ANONYMOUS)
row("CA as data", lambda c: c.config(cluster={"server": c.url, "certificate-authority-data": c.world.data("ca.crt")}),
    bearer())
row("a foreign CA", lambda c: c.config(cluster=c.cluster(certificate_authority=c.world.pki.path("foreign.crt"))),
    "certificate signed by unknown authority")
row("no CA: the system's", lambda c: c.config(cluster={"server": c.url}), "certificate signed by unknown authority")
row("CA twice", lambda c: c.config(cluster=c.cluster(certificate_authority_data=c.world.data("ca.crt"))),
    "certificate-authority-data and certificate-authority are both specified for c. certificate-authority-data will "
    "override.")
row("CA missing", lambda c: c.config(cluster=c.cluster(certificate_authority="gone")),
    "unable to read certificate-authority @/gone for c due to open @/gone: no such file or directory")
row("insecure-skip-tls-verify",
    lambda c: c.config(cluster={"server": c.url, "insecure-skip-tls-verify": True}), bearer())
row("insecure with a CA", lambda c: c.config(cluster=c.cluster(insecure_skip_tls_verify=True)),
    "specifying a root certificates file with the insecure flag is not allowed")
row("tls-server-name", lambda c: c.config(cluster=c.cluster(tls_server_name="other.adopt.test")),
    bearer(sni="other.adopt.test"))
row("tls-server-name that is not the server's", lambda c: c.config(cluster=c.cluster(tls_server_name="no.test")),
    "certificate is valid for ", "not no.test")
row("compression", lambda c: c.config(), bearer(**{"accept-encoding": "gzip"}))
row("disable-compression", lambda c: c.config(cluster=c.cluster(disable_compression=True)),
    bearer(**{"accept-encoding": None}), since=26)
row("proxy-url's scheme", lambda c: c.config(cluster=c.cluster(proxy_url="ftp://x")),
    'invalid \'proxy-url\' "ftp://x" for cluster "c": unsupported scheme "ftp", must be http, https, or socks5')


def proxied(kind, login="", **env):
    def make(c):
        url = c.world.proxies[kind].url.replace("://", "://" + login)
        cluster = c.cluster(server="https://api.adopt.test:%d" % c.world.tls.port, proxy_url=url)
        return {"config": c.config(cluster=cluster), "env": env}
    return make


for kind in ("http", "https", "socks5"):
    row("proxy-url " + kind, proxied(kind), bearer(sni="api.adopt.test"), proxied=kind)
row("proxy-url with a name and password", proxied("http", "u:p@"), bearer(), proxied="http",
    login="Basic " + base64.b64encode(b"u:p").decode())
row("proxy-url socks5 with a name and password", proxied("socks5", "u:p@"), bearer(), proxied="socks5", login="u:p")
row("proxy-url beats the environment", proxied("http", HTTPS_PROXY="http://127.0.0.1:1", NO_PROXY="*"), bearer(),
    proxied="http")
row("proxy-url also to this machine", lambda c: c.config(
    cluster=c.cluster(proxy_url=c.world.proxies["http"].url)), bearer(), proxied="http")


def environment(*names, **more):
    def make(c):
        cluster = c.cluster(server="https://%s:%d" % (more.get("host", "api.adopt.test"), c.world.tls.port))
        url = c.world.proxies["http"].url
        env = {name: url for name in names}
        env.update({k: v.replace("PROXY", url[7:]) for k, v in more.items() if k != "host"})
        return {"config": c.config(cluster=cluster), "env": env}
    return make


row("HTTPS_PROXY", environment("HTTPS_PROXY"), bearer(), proxied="http")
row("https_proxy", environment("https_proxy"), bearer(), proxied="http")
row("a proxy without scheme", environment(HTTPS_PROXY="PROXY"), bearer(), proxied="http")
row("capitals first", environment("HTTPS_PROXY", https_proxy="http://127.0.0.1:1"), bearer(), proxied="http")
row("no proxy to this machine", environment(HTTPS_PROXY="http://127.0.0.1:1", host="127.0.0.1"), bearer())
row("ALL_PROXY is not read", environment("ALL_PROXY", host="127.0.0.1"), bearer())
row("NO_PROXY with another port", environment("HTTPS_PROXY", NO_PROXY="api.adopt.test:1"), bearer(), proxied="http")
row("NO_PROXY of the names below", environment("HTTPS_PROXY", NO_PROXY=".api.adopt.test"), bearer(), proxied="http")
row("NO_PROXY", environment("HTTPS_PROXY", NO_PROXY="adopt.test"), "api.adopt.test",
    theirs=["api.adopt.test"], why="the resolver's own words; neither asks the proxy")

# ---- 1.5 the user ----

row("client certificate, data", lambda c: c.config(pair(c, "one")), {"cn": "one", "authorization": None})
row("client certificate, files", lambda c: c.config({
    "client-certificate": c.world.pki.path("one.crt"), "client-key": c.world.pki.path("one.key")}), {"cn": "one"})
row("client certificate and token", lambda c: c.config({**pair(c, "one"), "token": "t"}), bearer(cn="one"))
row("certificate without key", lambda c: c.config({"client-certificate": c.world.pki.path("one.crt")}),
    "client-key-data or client-key must be specified for u to use the clientCert authentication method.")
row("certificate twice", lambda c: c.config({**pair(c, "one"), "client-certificate": c.world.pki.path("one.crt")}),
    "client-cert-data and client-cert are both specified for u. client-cert-data will override.")
row("key twice", lambda c: c.config({**pair(c, "one"), "client-key": c.world.pki.path("one.key")}),
    "client-key-data and client-key are both specified for u; client-key-data will override")
row("certificate missing", lambda c: c.config({"client-certificate": "gone", "client-key": "gone2"}),
    "unable to read client-cert @/gone for u due to open @/gone: no such file or directory",
    "unable to read client-key @/gone2 for u due to open @/gone2: no such file or directory")
row("a key of another certificate", lambda c: c.config({**pair(c, "one"), "client-key-data": c.world.data("two.key")}),
    "client key is unusable or does not belong to the certificate", theirs=["private key does not match public key"],
    why="the TLS library's own words")
row("token", lambda c: c.config(), bearer())
row("a token with a line end", lambda c: c.config({"token": "t\n"}),
    'net/http: invalid header field value for "Authorization"')
row("tokenFile wins, white space is cut", lambda c: c.config({
    "token": "t", "tokenFile": c.write("tok", " file \n")}), bearer("file"))
row("tokenFile missing, with a token", lambda c: c.config({"token": "t", "tokenFile": "gone"}), bearer())
row("tokenFile missing", lambda c: c.config({"tokenFile": "gone"}), "open @/gone: no such file or directory")
row("username and password", lambda c: c.config({"username": "a", "password": "b"}),
    {"authorization": "Basic " + base64.b64encode(b"a:b").decode()})
row("token and password", lambda c: c.config({"token": "t", "username": "a", "password": "b"}),
    "more than one authentication method found for u; found [token basicAuth], only one is allowed")
row("impersonation", lambda c: c.config({
    "token": "t", "as": "a", "as-uid": "7", "as-groups": ["g", "h"], "as-user-extra": {"Foo/bar": ["v", "w"]}}),
    bearer(impersonate=["Impersonate-Extra-Foo%2Fbar: v", "Impersonate-Extra-Foo%2Fbar: w", "Impersonate-Group: g",
                        "Impersonate-Group: h", "Impersonate-Uid: 7", "Impersonate-User: a"]), since=22)
for field, value in (("as-uid", "7"), ("as-groups", ["g"]), ("as-user-extra", {"a": ["b"]})):
    row(field + " without as", lambda c, field=field, value=value: c.config({"token": "t", field: value}),
        "requesting uid, groups or user-extra for u without impersonating a user", since=22)
for name in ("gcp", "azure"):
    row("auth-provider " + name, lambda c, name=name: c.config({"auth-provider": {"name": name}}),
        "The %s auth plugin has been removed." % name, since=26)
row("auth-provider unknown", lambda c: c.config({"auth-provider": {"name": "nosuch"}}),
    'no Auth Provider found for name "nosuch"')
row("auth-provider oidc", lambda c: c.config({"auth-provider": {"name": "oidc"}}),
    "user 'u' logs in by the auth-provider oidc, which is not supported", theirs=["Must provide idp-issuer-url"],
    why="the one provider that is left in client-go; oc login writes exec entries")
row("auth-provider with exec", lambda c: c.config({**c.plugin({"token": "p"}), "auth-provider": {"name": "oidc"}}),
    "authProvider cannot be provided in combination with an exec plugin for u", since=22)

# ---- 1.6 exec plugins ----


def execs(reply, **more):
    return lambda c: c.config(c.plugin(reply, **more))


row("exec: token", execs({"token": "p"}), bearer("p"), runs=1, since=22)
row("exec: token, v1beta1", execs({"token": "p"}, version=BETA), bearer("p"), runs=1)
row("exec: v1beta1 has a mode by itself", execs({"token": "p"}, version=BETA, interactiveMode=""), bearer("p"), runs=1)
row("exec: certificate", lambda c: c.config(c.plugin({
    "clientCertificateData": c.world.pki.text("one.crt"), "clientKeyData": c.world.pki.text("one.key")})),
    {"cn": "one", "authorization": None}, since=22)
row("exec: certificate and token", lambda c: c.config(c.plugin({
    "clientCertificateData": c.world.pki.text("two.crt"), "clientKeyData": c.world.pki.text("two.key"),
    "token": "p"})), bearer("p", cn="two"), since=22)
row("exec: a reply in YAML", execs("apiVersion: %s\nkind: ExecCredential\nstatus: {token: p}\n" % V1), bearer("p"),
    since=22)
row("exec: an expiry to come", execs({"token": "p", "expirationTimestamp": "2126-01-01T00:00:00Z"}), bearer("p"),
    runs=1, since=22)
row("exec: skipped with a token", lambda c: c.config({**c.plugin({"token": "p"}), "token": "t"}), bearer(), runs=0,
    since=22)
row("exec: skipped with a password", lambda c: c.config({
    **c.plugin({"token": "p"}), "username": "a", "password": "b"}), {"cn": None}, runs=0, since=22)
row("exec: skipped with a certificate", lambda c: c.config({**c.plugin({"token": "p"}), **pair(c, "one")}),
    {"cn": "one", "authorization": None}, runs=0, since=22)
row("exec: not for http", lambda c: c.config(c.plugin({"token": "p"}), cluster={"server": c.world.plain.url}),
    ANONYMOUS, runs=0, since=22)


def beside(c):
    user = c.plugin({"token": "p"}, command="../bin/plugin")
    return {"env": {"KUBECONFIG": c.write("sub/config", c.config(user))}}


row("exec: a path starts at the file's folder", beside, bearer("p"), since=22)
row("exec: it is run in the working folder",
    lambda c: c.config({"exec": {"apiVersion": V1, "interactiveMode": "Never", "command": "sh", "args": [
        "-c", "printf '{\"apiVersion\": \"%s\", \"kind\": \"ExecCredential\", \"status\": {\"token\": \"%%s\"}}' "
        "$(ls kubeconfig)" % V1]}}), bearer("kubeconfig"), since=22)
row("exec: arguments and environment",
    lambda c: c.config({"exec": {
        "apiVersion": V1, "interactiveMode": "Never", "command": "sh", "env": [{"name": "HOME", "value": "h"}],
        "args": ["-c", "printf '{\"apiVersion\": \"%s\", \"kind\": \"ExecCredential\", \"status\": {\"token\": "
                 "\"%%s\"}}' \"$1$HOME$NO_COLOR\"" % V1, "x", "a b"]}}), bearer("a bh1"), since=22)
row("exec: standard error is passed on", execs({"token": "p"}, before="echo LOOK >&2"), bearer("p"), "LOOK", since=22)
row("exec: other version", execs({"token": "p"}, version="client.authentication.k8s.io/v1alpha1"),
    'exec plugin: invalid apiVersion "client.authentication.k8s.io/v1alpha1"', runs=0, since=24)
row("exec: other version, though a token makes it unnecessary",
    lambda c: c.config({**c.plugin({"token": "p"}, version="v9"), "token": "t"}),
    'exec plugin: invalid apiVersion "v9"', runs=0, since=22)
row("exec: version of the reply", lambda c: c.config(c.plugin(json.dumps({
    "apiVersion": BETA, "kind": "ExecCredential", "status": {"token": "p"}}))),
    "exec plugin is configured to use API version %s, plugin returned version %s" % (V1, BETA), since=22)
row("exec: nothing required", lambda c: c.config({"exec": {}}),
    "command must be specified for u to use exec authentication plugin",
    "apiVersion must be specified for u to use exec authentication plugin",
    "interactiveMode must be specified for u to use exec authentication plugin", since=22)
row("exec: v1 without mode", execs({"token": "p"}, interactiveMode=""),
    "interactiveMode must be specified for u to use exec authentication plugin", since=22)
row("exec: unknown mode", execs({"token": "p"}, interactiveMode="foo"), 'invalid interactiveMode for u: "foo"',
    since=22)
row("exec: a variable without name", execs({"token": "p"}, env=[{"value": "x"}]),
    "env variable name must be specified for u to use exec authentication plugin", since=22)
row("exec: Always without terminal", execs({"token": "p"}, interactiveMode="Always"),
    "exec plugin cannot support interactive mode: standard input is not a terminal", runs=0, since=22)
for mode, wanted in (("Always", "yes"), ("IfAvailable", "yes"), ("Never", "no")):
    row("exec: %s on a terminal" % mode, execs(
        {"token": "p"}, interactiveMode=mode, before="[ -t 0 ] && echo STDIN=yes >&2 || echo STDIN=no >&2; "
        "echo \"$KUBERNETES_EXEC_INFO\" >&2"), bearer("p"), "STDIN=" + wanted,
        '"interactive":' + ("true" if wanted == "yes" else "false"), tty=True, since=22)
row("exec: not installed", lambda c: c.config({"exec": {
    "apiVersion": V1, "interactiveMode": "Never", "command": "no-such-plugin", "installHint": "get\nit \x1b[31m"}}),
    "getting credentials: exec: executable no-such-plugin not found",
    "It looks like you are trying to use a client-go credential plugin that is not installed.\n\nTo learn more about "
    "this feature, consult the documentation available at:\n      https://kubernetes.io/docs/reference/access-authn-"
    "authz/authentication/#client-go-credential-plugins\n\nget\nit U+001B[31m", since=22)
row("exec: a path that is not there", lambda c: c.config({"exec": {
    "apiVersion": V1, "interactiveMode": "Never", "command": "./gone"}}),
    "getting credentials: exec: fork/exec @/gone: no such file or directory", since=22)
row("exec: no permission", lambda c: c.write("plain", "") and c.config({"exec": {
    "apiVersion": V1, "interactiveMode": "Never", "command": "./plain"}}),
    "getting credentials: exec: fork/exec @/plain: permission denied", since=22)
row("exec: fails", execs({}, before="exit 3"), "getting credentials: exec: executable plugin failed with exit code 3",
    since=22)
row("exec: killed", execs({}, before="kill -9 $$"),
    "getting credentials: exec: executable plugin failed with exit code -1", since=22)
row("exec: no JSON", execs("foo"), "getting credentials: decoding stdout: couldn't get version/kind; json parse error",
    since=22)
row("exec: no output", execs(""),
    "plugin returned version client.authentication.k8s.io/__internal", since=22)
row("exec: no status", execs('{"apiVersion": "%s", "kind": "ExecCredential"}' % V1),
    "exec plugin didn't return a status field", since=22)
row("exec: nothing usable", execs({}), "exec plugin didn't return a token or cert/key pair", since=22)
row("exec: only a key", execs({"clientKeyData": "x"}), "exec plugin returned only certificate or key, not both",
    since=22)
row("exec: no PEM", execs({"clientKeyData": "x", "clientCertificateData": "y"}),
    "failed parsing client key/certificate: tls: failed to find any PEM data in certificate input", since=22)

TELL = 'printf "%s" "$KUBERNETES_EXEC_INFO" >info'
row("exec: the cluster is told", lambda c: c.config(
    c.plugin({"token": "p"}, before=TELL, provideClusterInfo=True),
    c.cluster(server=c.url + "/?a=b", tls_server_name="other.adopt.test", disable_compression=True,
              proxy_url=c.world.proxies["http"].url, extensions=[
                  {"name": "foo", "extension": {"no": 1}},
                  {"name": "client.authentication.k8s.io/exec", "extension": {"z": [1, True], "a": {"b": "c"}}}])),
    bearer("p"), since=22, info=True, proxied="http")
row("exec: the cluster is told, insecure", lambda c: c.config(
    c.plugin({"token": "p"}, before=TELL, provideClusterInfo=True),
    {"server": c.url, "insecure-skip-tls-verify": True}), bearer("p"), since=22, info=True)
row("exec: the cluster is not told", execs({"token": "p"}, before=TELL), bearer("p"), since=22, info=True)

# ---- 401 ----

DENIED = "the server does not accept the credentials of user 'u' (context 'x')"


def renewing(c):
    user = c.plugin("", before='printf \'{"apiVersion": "%s", "kind": "ExecCredential", "status": {"token": "%%s"}}\' '
                    '$(cat runs)' % V1)
    return {"config": c.config(user), "codes": [401]}


row("401", lambda c: {"config": c.config(), "codes": [401]}, bearer(), DENIED, "oc login ",
    theirs=[bearer(), "You must be logged in to the server"], why="names user, context and the next command")
row("401 with a plugin: it is run again", renewing, bearer("x"), bearer("xx"), runs=2, since=22,
    theirs=[bearer("x"), "You must be logged in to the server"], why=AGAIN)
row("401 with the same token again", lambda c: {"config": c.config(c.plugin({"token": "p"})), "codes": [401]},
    bearer("p"), DENIED, runs=2, since=22, theirs=[bearer("p"), "You must be logged in to the server"],
    why="names user, context and the next command")
row("403", lambda c: {"config": c.config(), "codes": [403]}, bearer(),
    'forbidden: User "system:anonymous"')


# ---- the comparison ----

def skip_unless_possible(r):
    if r.get("wrap") == POD:
        if not pathlib.Path("/var/run").resolve() == pathlib.Path("/run") or subprocess.run(
                ["unshare", "-m", "mount", "-t", "tmpfs", "none", "/run"], capture_output=True).returncode:
            pytest.skip("no mount namespaces here")


def check_side(r, result, wanted):
    expect(result, wanted)
    if "proxied" in r:
        assert result.proxied and {p[0] for p in result.proxied} == {r["proxied"]}, result.proxied
        if "login" in r:
            assert result.proxied[-1][2] == r["login"], result.proxied
    else:
        assert not result.proxied, result.proxied


@pytest.mark.parametrize("r", ROWS, ids=[r["name"] for r in ROWS])
def test_row(world, tmp_path, r):
    skip_unless_possible(r)
    ours = run(world, tmp_path / "ours", r, [str(PROGRAM), "version"])
    check_side(r, ours, r["want"])
    if "runs" in r:
        assert ours.runs == r["runs"], ours
    if not KUBECTL or MINOR < r.get("since", 0):
        return
    theirs = run(world, tmp_path / "theirs", r, [KUBECTL, *r.get("kubectl", ["get", "--raw", "/version"])])
    differs = "theirs" in r and MINOR <= r.get("until", MINOR)
    check_side(r, theirs, r["theirs"] if differs else r["want"])
    if not differs:
        assert [normal(q) for q in ours.requests] == [normal(q) for q in theirs.requests]
        assert (ours.code == 0) == (theirs.code == 0), (ours, theirs)
    if r.get("info"):
        assert (ours.case.folder / "info").read_text() == (theirs.case.folder / "info").read_text()


# ---- the namespace ----

NAMESPACES = []


def namespace(name, wanted, make, **more):
    NAMESPACES.append({"name": name, "wanted": wanted, "make": make, **more})


def within(c, name):
    doc = c.config()
    if name:
        doc["contexts"][0]["context"]["namespace"] = name
    return doc


namespace("-n", "flag", lambda c: {"config": within(c, "nn"), "args": ["-n", "flag"]})
namespace("of the context", "nn", lambda c: within(c, "nn"))
namespace("none", "default", lambda c: within(c, None))
namespace("in a pod", "ns", pod, wrap=POD)
namespace("in a pod, POD_NAMESPACE", "other", lambda c: {
    **pod(c), "env": {**pod(c)["env"], "POD_NAMESPACE": "other"}}, wrap=POD)
namespace("in a pod, with a kubeconfig", "ns", lambda c: pod(c, lambda c: within(c, None)), wrap=POD)
namespace("in a pod, the context's", "nn", lambda c: pod(c, lambda c: within(c, "nn")), wrap=POD)
namespace("in a pod, -n", "flag", lambda c: pod(c, args=["-n", "flag"]), wrap=POD)


@pytest.mark.parametrize("r", NAMESPACES, ids=[r["name"] for r in NAMESPACES])
def test_namespace(world, tmp_path, r):
    skip_unless_possible(r)
    sides = {"ours": [str(PROGRAM), "status", "--section", "steps"]}
    if KUBECTL:
        sides["theirs"] = [KUBECTL, "get", "configmaps"]
    for side, command in sides.items():
        result = run(world, tmp_path / side, r, command)
        seen = {q["path"].split("/namespaces/")[1].split("/")[0] for q in result.requests if "/namespaces/" in q["path"]}
        assert seen == {r["wanted"]}, (side, result)


def test_nothing_is_written(world, tmp_path):
    """client-go moves the kubeconfig of 2014 to its new place; reading it where it is has the same effect."""
    r = {"make": lambda c: c.write("home/.kube/.kubeconfig", c.config()) and {"env": {"KUBECONFIG": None}}}
    result = run(world, tmp_path / "ours", r, [str(PROGRAM), "version"])
    expect(result, [bearer()])
    assert [p.name for p in (result.case.folder / "home" / ".kube").iterdir()] == [".kubeconfig"]


def test_interrupted_plugin_prompts_no_more(world, tmp_path):
    """Ctrl-C on the terminal ends a plugin that asks there, and us, with the exit code of an interruption."""
    case = Case(world, tmp_path)
    config = case.write("kubeconfig", case.config(case.plugin(
        {"token": "p"}, interactiveMode="Always", before="echo ASK >/dev/tty; read answer; echo GOT=$answer >&2")))
    env = {"PATH": "%s:%s" % (tmp_path / "bin", os.environ["PATH"]), "HOME": str(tmp_path), "KUBECONFIG": config}
    for typed, code in ((b"yes\n", 0), (b"\x03", 130)):
        pid, terminal = pty.fork()
        if pid == 0:
            os.execve(str(PROGRAM), [str(PROGRAM), "version"], env)
        seen = b""
        while b"ASK" not in seen:
            seen += os.read(terminal, 4096)
        os.write(terminal, typed)
        try:
            while True:
                seen += os.read(terminal, 4096)
        except OSError:
            pass  # its end
        assert os.waitstatus_to_exitcode(os.waitpid(pid, 0)[1]) == code, seen
        os.close(terminal)
        assert (b"GOT=yes" in seen) == (code == 0), seen
    world.tls.take()


def test_every_difference_is_explained():
    assert KUBECTL or os.environ.get("CI") != "true", "no kubectl: tests/tools/install-deps test"
    assert all(r.get("why", "-").strip() for r in ROWS)
    assert len({r["name"] for r in ROWS}) == len(ROWS)
