# SPDX-License-Identifier: Apache-2.0
"""An API server that only remembers who asked it how, and proxies before it."""
import http.server
import json
import os
import select
import socket
import ssl
import subprocess
import threading

NAMES = "DNS:localhost,DNS:api.adopt.test,DNS:other.adopt.test,IP:127.0.0.1"
KEEP = ("Authorization", "Accept-Encoding")
VERSION = {"gitVersion": "v1.29.0", "major": "1", "minor": "29"}
DISCOVERY = {
    "/api": {"kind": "APIVersions", "versions": ["v1"]},
    "/apis": {"kind": "APIGroupList", "apiVersion": "v1", "groups": []},
    "/api/v1": {"kind": "APIResourceList", "apiVersion": "v1", "groupVersion": "v1", "resources": [
        {"name": "configmaps", "singularName": "", "namespaced": True, "kind": "ConfigMap", "verbs": ["list"]}]},
}


def openssl(*args, **more):
    subprocess.run(["openssl", *args], check=True, capture_output=True, **more)


class Pki:
    """A CA, a server and the clients 'one' and 'two'; and a CA that is not theirs."""

    def __init__(self, folder):
        self.folder = folder
        for ca in ("ca", "foreign"):
            openssl("req", "-x509", "-newkey", "ec", "-pkeyopt", "ec_paramgen_curve:prime256v1", "-nodes", "-days", "2",
                    "-subj", "/CN=" + ca, "-keyout", self.path(ca + ".key"), "-out", self.path(ca + ".crt"))
        for name in ("server", "one", "two"):
            self.issue(name)

    def path(self, name):
        return str(self.folder / name)

    def text(self, name):
        return (self.folder / name).read_text()

    def issue(self, name):
        openssl("req", "-newkey", "ec", "-pkeyopt", "ec_paramgen_curve:prime256v1", "-nodes", "-subj", "/CN=" + name,
                "-keyout", self.path(name + ".key"), "-out", self.path(name + ".csr"))
        extra = self.folder / (name + ".ext")
        extra.write_text("subjectAltName=" + NAMES if name == "server" else "extendedKeyUsage=clientAuth")
        openssl("x509", "-req", "-in", self.path(name + ".csr"), "-CA", self.path("ca.crt"), "-CAkey",
                self.path("ca.key"), "-CAcreateserial", "-days", "2", "-extfile", str(extra), "-out",
                self.path(name + ".crt"))


class Handler(http.server.BaseHTTPRequestHandler):
    protocol_version = "HTTP/1.1"

    def log_message(self, *_):
        pass

    def do_GET(self):
        recorder = self.server.recorder
        peer = self.connection.getpeercert() if recorder.tls else None
        cn = [v for part in (peer or {}).get("subject", ()) for k, v in part if k == "commonName"]
        request = {"path": self.path, "cn": cn[0] if cn else None, "sni": getattr(self.connection, "sni", None)}
        request.update({k.lower(): self.headers.get(k) for k in KEEP})
        request["impersonate"] = sorted("%s: %s" % (k.title(), v) for k, v in self.headers.items()
                                        if k.lower().startswith("impersonate-"))
        recorder.requests.append(request)
        code = recorder.codes.pop(0) if recorder.codes else 200
        body = DISCOVERY.get(self.path.split("?")[0], VERSION)
        if code != 200:
            body = {"kind": "Status", "apiVersion": "v1", "status": "Failure", "code": code, "metadata": {},
                    "reason": {401: "Unauthorized", 403: "Forbidden"}[code],
                    "message": {401: "Unauthorized", 403: "forbidden: User \"system:anonymous\""}[code]}
        data = json.dumps(body).encode()
        self.send_response(code)
        self.send_header("Content-Type", "application/json")
        self.send_header("Content-Length", str(len(data)))
        self.end_headers()
        self.wfile.write(data)


class Recorder:
    def __init__(self, pki, tls=True):
        self.tls, self.requests, self.codes = tls, [], []
        self.server = http.server.ThreadingHTTPServer(("127.0.0.1", 0), Handler)
        self.server.recorder = self
        self.server.handle_error = lambda *_: None
        self.port = self.server.server_port
        if tls:
            context = ssl.SSLContext(ssl.PROTOCOL_TLS_SERVER)
            context.load_cert_chain(pki.path("server.crt"), pki.path("server.key"))
            context.load_verify_locations(pki.path("ca.crt"))
            context.verify_mode = ssl.CERT_OPTIONAL
            context.sni_callback = lambda sock, name, _: setattr(sock, "sni", name)
            self.server.socket = context.wrap_socket(self.server.socket, server_side=True,
                                                     do_handshake_on_connect=False)
        threading.Thread(target=self.server.serve_forever, daemon=True).start()

    @property
    def url(self):
        return "%s://127.0.0.1:%d" % ("https" if self.tls else "http", self.port)

    def take(self):
        seen, self.requests = self.requests, []
        self.codes = []
        return seen


class Proxy:
    """CONNECT or SOCKS5: all that is asked for is the recorder."""

    def __init__(self, kind, recorder, pki):
        self.kind, self.recorder, self.asked = kind, recorder, []
        self.listener = socket.create_server(("127.0.0.1", 0))
        self.port = self.listener.getsockname()[1]
        self.context = None
        if kind == "https":
            self.context = ssl.SSLContext(ssl.PROTOCOL_TLS_SERVER)
            self.context.load_cert_chain(pki.path("server.crt"), pki.path("server.key"))
        threading.Thread(target=self.accept, daemon=True).start()

    @property
    def url(self):
        return "%s://127.0.0.1:%d" % (self.kind, self.port)

    def take(self):
        seen, self.asked = self.asked, []
        return seen

    def accept(self):
        while True:
            client, _ = self.listener.accept()
            threading.Thread(target=self.serve, args=(client,), daemon=True).start()

    def serve(self, client):
        try:
            client.settimeout(20)
            if self.context:
                client = self.context.wrap_socket(client, server_side=True)
            getattr(self, "greet_socks" if self.kind == "socks5" else "greet_http")(client)
            self.pump(client, socket.create_connection(("127.0.0.1", self.recorder.port)))
        except (OSError, ValueError):
            pass
        finally:
            client.close()

    @staticmethod
    def exactly(client, count):
        data = b""
        while len(data) < count:
            more = client.recv(count - len(data))
            if not more:
                raise OSError("closed")
            data += more
        return data

    def greet_http(self, client):
        head = b""
        while b"\r\n\r\n" not in head:
            head += self.exactly(client, 1)
        lines = head.decode().split("\r\n")
        login = [line.split(": ", 1)[1] for line in lines if line.lower().startswith("proxy-authorization:")]
        self.asked.append((lines[0].split()[1], login[0] if login else None))
        client.sendall(b"HTTP/1.1 200 OK\r\n\r\n")

    def greet_socks(self, client):
        _, count = self.exactly(client, 2)
        methods = self.exactly(client, count)
        login = None
        client.sendall(b"\x05\x02" if 2 in methods else b"\x05\x00")
        if 2 in methods:
            _, count = self.exactly(client, 2)
            user = self.exactly(client, count).decode()
            login = user + ":" + self.exactly(client, self.exactly(client, 1)[0]).decode()
            client.sendall(b"\x01\x00")
        kind = self.exactly(client, 4)[3]
        if kind == 3:
            host = self.exactly(client, self.exactly(client, 1)[0]).decode()
        else:
            host = socket.inet_ntoa(self.exactly(client, 4))
        port = int.from_bytes(self.exactly(client, 2), "big")
        self.asked.append(("%s:%d" % (host, port), login))
        client.sendall(b"\x05\x00\x00\x01\x7f\x00\x00\x01\x00\x00")

    @staticmethod
    def pump(client, server):
        ends = [client, server]
        while True:
            pending = isinstance(client, ssl.SSLSocket) and client.pending()
            for ready in [client] if pending else select.select(ends, [], [], 20)[0]:
                data = ready.recv(65536)
                if not data:
                    return
                ends[ready is client].sendall(data)


def write(path, text, mode=0o600):
    path.parent.mkdir(parents=True, exist_ok=True)
    path.write_text(text)
    os.chmod(path, mode)
    return str(path)
