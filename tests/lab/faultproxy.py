#!/usr/bin/env python3
# SPDX-License-Identifier: Apache-2.0
"""A proxy that spoils connections, for tests of what a broken network does.

    with TcpProxy("10.88.0.11:22") as proxy:       # bytes pass as they are
        proxy.fault(Cut(after=300))
    with HttpsProxy(target, cert, key) as proxy:   # requests are understood
        proxy.fault(Answer(PAGE), match="PATCH .*/openstackcontrolplanes/", count=1)

A fault concerns the next `count` connections or requests that match ("METHOD
PATH", a regular expression); the others pass. `proxy.hits` are those that were
spoilt. Each request gets a connection of its own, so that what is left of a
broken one can't be used again.
"""
import re
import socket
import ssl
import struct
import threading
import time

PAGE = (b"HTTP/1.1 200 OK\r\nContent-Type: text/html\r\nContent-Length: 55\r\nConnection: close\r\n\r\n"
        b"<html><body>\x1b[2J Log in to the \x07 network</body></html>\n")
BUSY = (b"HTTP/1.1 503 Service Unavailable\r\nContent-Type: text/html\r\nContent-Length: 24\r\nConnection: close\r\n\r\n"
        b"<h1>No server there</h1>")
GARBAGE = bytes(range(256)) * 8 + b"\r\n\r\n"
CHUNK_CUT = (b"HTTP/1.1 200 OK\r\nContent-Type: application/json\r\nTransfer-Encoding: chunked\r\n\r\n"
             b"1000\r\n{\"kind\": \"Status\", \"apiVer")
NOT_JSON = (b"HTTP/1.1 200 OK\r\nContent-Type: application/json\r\nContent-Length: 15\r\nConnection: close\r\n\r\n"
            b"{\"items\": [{\"a\"")
EMPTY = b"HTTP/1.1 200 OK\r\nContent-Type: application/json\r\nContent-Length: 2\r\nConnection: close\r\n\r\n{}"
ENDLESS_HEAD = b"HTTP/1.1 200 OK\r\nContent-Type: application/json\r\nTransfer-Encoding: chunked\r\n\r\n"


def reset(sock):
    """Close with a RST."""
    try:
        sock.setsockopt(socket.SOL_SOCKET, socket.SO_LINGER, struct.pack("ii", 1, 0))
    except OSError:
        pass
    # An ssl socket's own close would say goodbye first.
    socket.socket.close(sock)


def goodbye(sock):
    """Close with a FIN, but without TLS's own end."""
    try:
        # What was not read would make it a RST.
        sock.settimeout(0.2)
        while socket.socket.recv(sock, 65536):
            pass
    except OSError:
        pass
    sock.close()


# ---- faults: run(proxy, client, upstream answer's iterator or None) -------------

class Refuse:
    """Closed before anything was read."""
    at = "connection"

    def run(self, client):
        reset(client)


class Closed:
    """Closed without a word while TLS is being agreed on."""
    at = "connection"

    def run(self, client):
        goodbye(client)


class Silent:
    """Taken and never answered: half-open."""

    def __init__(self, seconds=60):
        self.seconds = seconds

    def run(self, client):
        end = time.monotonic() + self.seconds
        while time.monotonic() < end and client.fileno() >= 0:
            time.sleep(0.05)


class Drop:
    """The request was read, nothing was done."""

    def run(self, client):
        reset(client)


class Answer:
    """Another answer than the server's, which saw nothing."""

    def __init__(self, data):
        self.data = data

    def run(self, client):
        client.sendall(self.data)


class Endless:
    def run(self, client):
        client.sendall(ENDLESS_HEAD + b"1\r\n{\r\n")
        while True:
            client.sendall(b"10000\r\n" + b" " * 65536 + b"\r\n")


class Lost:
    """The server did it, its answer got lost, or only `after` bytes came."""

    def __init__(self, after=0, end=reset):
        self.after, self.end = after, end

    def pass_on(self, client, answer):
        left = self.after
        for data in answer:
            client.sendall(data[:left])
            left -= min(left, len(data))
            if self.after and not left:
                break
        self.end(client)


class Slow:
    """The answer comes late, and then in small pieces."""

    def __init__(self, seconds):
        self.seconds = seconds

    def pass_on(self, client, answer):
        time.sleep(self.seconds)
        for data in answer:
            for at in range(0, min(len(data), 400), 40):
                client.sendall(data[at:at + 40])
                time.sleep(0.01)
            client.sendall(data[400:])


class Cut:
    """TcpProxy only: a RST after that many bytes from the server."""

    def __init__(self, after, both=False):
        self.after, self.both = after, both


class Speak:
    """TcpProxy only: other words than the server's."""

    def __init__(self, data, endless=False):
        self.data, self.endless = data, endless


# ---- proxies ---------------------------------------------------------------------

class Rule:
    def __init__(self, fault, match, count, skip):
        self.fault, self.match, self.count, self.skip = fault, re.compile(match), count, skip


class Proxy:
    def __init__(self, target):
        host, port = target.rsplit(":", 1)
        self.target = host, int(port)
        self.rules, self.hits, self.lock = [], [], threading.Lock()
        self.latency = 0
        self.seen = []
        self.listener = socket.create_server(("127.0.0.1", 0))
        self.port = self.listener.getsockname()[1]
        threading.Thread(target=self.accept, daemon=True).start()

    def __enter__(self):
        return self

    def __exit__(self, *_):
        self.listener.close()

    def fault(self, fault, match="", count=1 << 30, skip=0):
        """Spoil what matches, from the skip-th on, count times."""
        self.rules.append(Rule(fault, match, count, skip))

    def clear(self):
        self.rules = []

    def choose(self, what):
        with self.lock:
            self.seen.append(what)
            for rule in self.rules:
                if rule.match.search(what) and rule.count > 0:
                    if rule.skip > 0:
                        rule.skip -= 1
                        continue
                    rule.count -= 1
                    self.hits.append((type(rule.fault).__name__, what))
                    return rule.fault
        return None

    def accept(self):
        while True:
            try:
                client, _ = self.listener.accept()
            except OSError:
                return
            threading.Thread(target=self.guarded, args=(client,), daemon=True).start()

    def guarded(self, client):
        try:
            time.sleep(self.latency)
            self.serve(client)
        except (OSError, ValueError):
            pass
        finally:
            try:
                client.close()
            except OSError:
                pass

    def connect(self):
        return socket.create_connection(self.target, timeout=120)


class TcpProxy(Proxy):
    def serve(self, client):
        fault = self.choose("connection")
        if isinstance(fault, Speak):
            client.sendall(fault.data)
            while fault.endless:
                client.sendall(fault.data)
            return
        if fault and not isinstance(fault, Cut):
            fault.run(client)
            return
        server = self.connect()
        threading.Thread(target=self.pump, args=(client, server, None), daemon=True).start()
        self.pump(server, client, fault)

    def pump(self, source, sink, fault):
        left = fault.after if fault else None
        try:
            while True:
                data = source.recv(65536)
                if not data:
                    sink.shutdown(socket.SHUT_WR)
                    return
                time.sleep(self.latency)
                if left is not None and len(data) >= left:
                    sink.sendall(data[:left])
                    reset(sink)
                    reset(source)
                    return
                left = left - len(data) if left is not None else None
                sink.sendall(data)
        except OSError:
            return


class HttpsProxy(Proxy):
    """As the server itself, with its certificate or another one. `replaced`: what
    is another text in its answers' bodies, {bytes: bytes}."""

    def __init__(self, target, cert, key):
        self.use(cert, key)
        self.replaced = {}
        self.upstream = ssl.create_default_context()
        self.upstream.check_hostname = False
        self.upstream.verify_mode = ssl.CERT_NONE
        super().__init__(target)

    def use(self, cert, key):
        self.context = ssl.SSLContext(ssl.PROTOCOL_TLS_SERVER)
        self.context.load_cert_chain(str(cert), str(key))

    @staticmethod
    def read_request(client):
        data = b""
        while b"\r\n\r\n" not in data:
            more = client.recv(65536)
            if not more:
                raise ValueError("no request")
            data += more
        head, _, body = data.partition(b"\r\n\r\n")
        length = re.search(rb"(?i)\r\ncontent-length: *(\d+)", head)
        while length and len(body) < int(length.group(1)):
            more = client.recv(65536)
            if not more:
                raise ValueError("half a request")
            body += more
        return head, body

    def ask(self, head, body):
        """The server's answer, piece by piece; or as a whole, to change it."""
        if not self.replaced:
            yield from self.pieces(head, body)
            return
        answer, _, text = b"".join(self.pieces(head, body)).partition(b"\r\n\r\n")
        for old, new in self.replaced.items():
            text = text.replace(old, new)
        yield re.sub(rb"(?im)^(content-length:).*?$", rb"\1 %d\r" % len(text), answer) + b"\r\n\r\n" + text

    def pieces(self, head, body):
        lines = [line for line in head.split(b"\r\n") if not line.lower().startswith(b"connection:")]
        with self.upstream.wrap_socket(self.connect(), server_hostname=self.target[0]) as server:
            server.sendall(b"\r\n".join(lines) + b"\r\nConnection: close\r\n\r\n" + body)
            while True:
                data = server.recv(65536)
                if not data:
                    return
                yield data

    def serve(self, client):
        fault = self.choose("connection")
        if fault:
            # While TLS has not yet begun, or is being agreed on.
            client.recv(1)
            fault.run(client)
            return
        client = self.context.wrap_socket(client, server_side=True)
        head, body = self.read_request(client)
        method, path, _ = head.split(b"\r\n", 1)[0].decode("latin-1").split(" ", 2)
        fault = self.choose(method + " " + path)
        if fault and hasattr(fault, "run"):
            fault.run(client)
        elif fault:
            fault.pass_on(client, self.ask(head, body))
        else:
            for data in self.ask(head, body):
                time.sleep(self.latency)
                client.sendall(data)
        client.close()
