#!/usr/bin/env python3
# SPDX-License-Identifier: Apache-2.0
# A real HTTP/1.1 server that misbehaves on request, for tests/unit/http_http.c.
#
# usage: http_server.py FOLDER
#
# Makes keys and certificates in FOLDER, listens on ports of 127.0.0.1, writes
# "NAME PORT" lines and an empty line, and ends when its stdin does.
import gzip
import json
import os
import socket
import ssl
import struct
import subprocess
import sys
import threading
import time
import urllib.parse

FOLDER = sys.argv[1]
LOCK = threading.Lock()
COUNTS = {"connections": 0, "slow": 0}


def path(name):
    return os.path.join(FOLDER, name)


def openssl(*args):
    subprocess.run(["openssl", *args], check=True, stdout=subprocess.DEVNULL,
                   stderr=subprocess.PIPE)


def make_key(name):
    openssl("ecparam", "-name", "prime256v1", "-genkey", "-noout",
            "-out", path(name + ".key"))


def make_ca(name):
    make_key(name)
    openssl("req", "-x509", "-new", "-key", path(name + ".key"), "-days", "2",
            "-subj", "/CN=test " + name, "-out", path(name + ".crt"))


def make_cert(name, ca, san, dates=()):
    make_key(name)
    with open(path(name + ".ext"), "w") as f:
        f.write("subjectAltName=%s\n" % san)
    openssl("req", "-new", "-key", path(name + ".key"), "-subj", "/CN=" + name,
            "-out", path(name + ".csr"))
    if not dates:
        openssl("x509", "-req", "-in", path(name + ".csr"), "-CA",
                path(ca + ".crt"), "-CAkey", path(ca + ".key"),
                "-CAcreateserial", "-days", "2", "-extfile",
                path(name + ".ext"), "-out", path(name + ".crt"))
        return
    # only "openssl ca" can set both dates
    open(path("index.txt"), "w").close()
    with open(path("ca.conf"), "w") as f:
        f.write("[ca]\ndefault_ca=d\n[d]\ndatabase=%s\nrand_serial=yes\n"
                "default_md=sha256\npolicy=p\nemail_in_dn=no\n[p]\n"
                "commonName=supplied\n" % path("index.txt"))
    openssl("ca", "-batch", "-config", path("ca.conf"), "-in",
            path(name + ".csr"), "-cert", path(ca + ".crt"), "-keyfile",
            path(ca + ".key"), "-startdate", dates[0], "-enddate", dates[1],
            "-extfile", path(name + ".ext"), "-notext", "-outdir", FOLDER,
            "-out", path(name + ".crt"))


def make_certificates():
    make_ca("ca")
    make_ca("other-ca")
    make_cert("server", "ca", "DNS:localhost,IP:127.0.0.1")
    make_cert("named", "ca", "DNS:api.lab.example,DNS:*.apps.lab.example")
    make_cert("expired", "ca", "DNS:localhost,IP:127.0.0.1",
              ("20200101000000Z", "20200102000000Z"))
    make_cert("client", "ca", "DNS:client")
    make_cert("stranger", "other-ca", "DNS:client")


def read_request(f):
    line = f.readline().decode("latin-1").strip()
    if not line:
        return None
    method, target, _ = line.split(" ", 2)
    headers = {}
    while True:
        line = f.readline().decode("latin-1").strip()
        if not line:
            break
        name, value = line.split(":", 1)
        headers[name.lower()] = value.strip()
    body = f.read(int(headers.get("content-length", "0")))
    url = urllib.parse.urlsplit(target)
    return {"method": method, "target": target, "path": url.path,
            "query": dict(urllib.parse.parse_qsl(url.query)),
            "headers": headers, "body": body.decode("latin-1")}


def send(sock, body=b"", status="200 OK", headers=()):
    head = "HTTP/1.1 %s\r\n" % status
    for h in headers:
        head += h + "\r\n"
    head += "Content-Length: %d\r\n\r\n" % len(body)
    sock.sendall(head.encode() + body)


def on_echo(sock, r):
    peer = sock.getpeercert() if isinstance(sock, ssl.SSLSocket) else None
    r["client"] = bool(peer)
    r["sni"] = getattr(sock, "sni", None)
    send(sock, json.dumps(r).encode(), headers=[
        "Content-Type: application/json", "X-Twice: one", "X-Twice: two",
        "X-Subject-Token: answer-secret"])


def on_counts(sock, _):
    with LOCK:
        send(sock, json.dumps(COUNTS).encode())


def on_slow(sock, r):
    with LOCK:
        COUNTS["slow"] += 1
    time.sleep(int(r["query"]["ms"]) / 1000)
    send(sock, b"late")


def on_big(sock, r):
    send(sock, b"x" * int(r["query"]["bytes"]))


def on_gzip(sock, r):
    data = gzip.compress(b"y" * int(r["query"]["bytes"]))
    send(sock, data, headers=["Content-Encoding: gzip"])


def on_headers(sock, r):
    send(sock, headers=["X-%d: %s" % (i, "z" * 8000)
                        for i in range(int(r["query"]["count"]))])


def on_stream(sock, r):
    sock.sendall(b"HTTP/1.1 200 OK\r\nTransfer-Encoding: chunked\r\n\r\n")
    for i in range(int(r["query"]["count"])):
        line = b"line %d\n" % i
        sock.sendall(b"%x\r\n%s\r\n" % (len(line), line))
        time.sleep(0.02)
    if "hang" in r["query"]:
        time.sleep(5)
    sock.sendall(b"0\r\n\r\n")


def on_status(sock, r):
    send(sock, b"{}", status=r["query"]["line"],
         headers=["Location: /elsewhere"])


def on_continue(sock, _):
    sock.sendall(b"HTTP/1.1 103 Early Hints\r\nX-Early: yes\r\n\r\n")
    send(sock, headers=["X-Late: yes"])


def on_partial(sock, _):
    sock.sendall(b"HTTP/1.1 200 OK\r\nContent-Length: 100\r\n\r\nshort")
    return False


def on_close(_sock, _):
    return False


def on_reset(sock, _):
    sock.setsockopt(socket.SOL_SOCKET, socket.SO_LINGER,
                    struct.pack("ii", 1, 0))
    return False


def on_quiet_close(sock, _):
    """One answer, and the connection is dropped at the next request."""
    send(sock, b"ok")
    sock.recv(1)
    return False


def on_junk(sock, _):
    sock.sendall(b"SSH-2.0-OpenSSH_9.2\r\n")
    return False


HANDLERS = {"/" + name[3:].replace("_", "-"): function
            for name, function in list(globals().items())
            if name.startswith("on_")}


def handshake(raw, context):
    sock = context.wrap_socket(raw, server_side=True,
                               do_handshake_on_connect=False)
    try:
        sock.do_handshake()
        return sock
    except ssl.SSLError:
        # read what is left, or the alert is lost in a reset
        raw = socket.socket(fileno=sock.detach())
        raw.shutdown(socket.SHUT_WR)
        while raw.recv(4096):
            pass
        raise


def serve(raw, context):
    with LOCK:
        COUNTS["connections"] += 1
    sock = raw
    try:
        if context:
            sock = handshake(raw, context)
        f = sock.makefile("rb")
        while True:
            try:
                r = read_request(f)
            except ValueError:
                send(sock, status="400 Bad Request")
                break
            if not r or HANDLERS[r["path"]](sock, r) is False:
                break
        f.close()
    except (OSError, ValueError):
        pass
    sock.close()


def on_sni(sock, name, _context):
    sock.sni = name


def listen(name, context=None):
    s = socket.socket()
    s.bind(("127.0.0.1", 0))
    s.listen(64)
    print(name, s.getsockname()[1])

    def loop():
        while True:
            conn, _ = s.accept()
            threading.Thread(target=serve, args=(conn, context),
                             daemon=True).start()
    threading.Thread(target=loop, daemon=True).start()


def tls(cert, client_ca=None):
    context = ssl.SSLContext(ssl.PROTOCOL_TLS_SERVER)
    context.load_cert_chain(path(cert + ".crt"), path(cert + ".key"))
    context.sni_callback = on_sni
    if client_ca:
        context.load_verify_locations(path(client_ca + ".crt"))
        context.verify_mode = ssl.CERT_REQUIRED
    return context


def old_tls(cert):
    context = tls(cert)
    context.set_ciphers("ALL:@SECLEVEL=0")
    context.minimum_version = ssl.TLSVersion.TLSv1
    context.maximum_version = ssl.TLSVersion.TLSv1_1
    return context


def silent():
    """Accepts and never says a word: for handshakes that time out."""
    s = socket.socket()
    s.bind(("127.0.0.1", 0))
    s.listen(64)
    print("silent", s.getsockname()[1])
    return s


def main():
    make_certificates()
    listen("plain")
    listen("tls", tls("server"))
    listen("named", tls("named"))
    listen("expired", tls("expired"))
    listen("mutual", tls("server", "ca"))
    listen("old", old_tls("server"))
    keep = silent()
    closed = socket.socket()
    closed.bind(("127.0.0.1", 0))  # bound, not listening: refuses
    print("closed", closed.getsockname()[1])
    print(flush=True)
    sys.stdin.read()
    keep.close()
    closed.close()
    os._exit(0)


main()
