#!/usr/bin/env python3
# SPDX-License-Identifier: Apache-2.0
"""Keystone (/v3) and Octavia (/lb) for the tests of pkg/openstack: tokens that
end, pages, filters, PUTs that are counted, and answers that a test scripts.

Prints its port. Ends when its standard input does.

POST /_script  a list of answers; each is used once, by the first request whose
               method and path begin as its "on" says ("GET /lb"; "" is any):
               {"on", "status", "headers": [[k, v]], "json" | "text", "drop":
                close unanswered, "cut": close after so many bytes, "endless":
                a body that does not end, "delay": seconds, "times": uses}
POST /_set     {name: value} of State below.
POST /_reset   forget all.
GET  /_log     {"requests": [{"method", "path", "headers", "body"}], "busiest":
                most requests at the same time}.
"""
import datetime
import json
import sys
import threading
import time
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from urllib.parse import parse_qs, urlsplit

COLLECTIONS = {
    "/v2/lbaas/loadbalancers": ("loadbalancers", "loadbalancer", "failover",
                                "Load Balancer"),
    "/v2/octavia/amphorae": ("amphorae", "amphora", "config", "Amphora"),
}


def defaults():
    return {
        "script": [],
        "log": [],
        "tokens": {},        # token -> end
        "made": 0,           # tokens
        "lifetime": 3600.0,  # of tokens
        "says": None,        # the lifetime that is told, if another
        "page": 1000,
        "links": True,
        "loadbalancers": [],
        "amphorae": [],
        "catalog": None,
        "answers": {},       # id -> status of PUTs
        "delay": 0,          # of PUTs
        "refuse_tokens": False,
        "now": 0,
        "busiest": 0,
    }


LOCK = threading.RLock()
STATE = defaults()
PORT = 0


def stamp(seconds):
    return datetime.datetime.fromtimestamp(
        seconds, datetime.timezone.utc).strftime("%Y-%m-%dT%H:%M:%S.%fZ")


def catalog():
    if STATE["catalog"] is not None:
        return STATE["catalog"]
    url = f"http://127.0.0.1:{PORT}/lb/"
    return [
        {"type": "identity", "name": "keystone", "endpoints": []},
        {"type": "load-balancer", "name": "octavia", "endpoints": [
            {"interface": i, "region": "one", "region_id": "one", "url": url}
            for i in ("internal", "public")]},
    ]


def fault(status, text):
    return status, {"faultcode": "Client", "faultstring": text,
                    "debuginfo": None}


def unauthorized():
    return 401, {"error": {"code": 401, "title": "Unauthorized",
                           "message": "The request you have made requires "
                                      "authentication."}}


def known(identity):
    if identity["methods"] == ["password"]:
        user = identity["password"]["user"]
        return (user.get("name") == "admin" or user.get("id") == "u1") \
            and user["password"] == "secret word"
    given = identity["application_credential"]
    return given["secret"] == "secret word" and (
        given.get("id") == "c1" or
        (given.get("name") == "c" and given["user"]["name"] == "admin"))


class Handler(BaseHTTPRequestHandler):
    protocol_version = "HTTP/1.1"

    def log_message(self, *_):
        pass

    def answer(self, code, document, headers=()):
        data = document if isinstance(document, bytes) \
            else json.dumps(document).encode()
        self.send_response(code)
        for key, value in headers:
            self.send_header(key, value)
        self.send_header("Content-Length", str(len(data)))
        self.end_headers()
        self.wfile.write(data)

    def control(self, raw):
        global STATE
        with LOCK:
            if self.path == "/_script":
                STATE["script"] += json.loads(raw)
            elif self.path == "/_set":
                STATE.update(json.loads(raw))
            elif self.path == "/_reset":
                STATE = defaults()
            self.answer(200, {"requests": STATE["log"],
                              "busiest": STATE["busiest"]}
                        if self.path == "/_log" else {})

    def scripted(self):
        with LOCK:
            for i, step in enumerate(STATE["script"]):
                if not f"{self.command} {self.path}".startswith(
                        step.get("on", "")):
                    continue
                step["times"] = step.get("times", 1) - 1
                if not step["times"]:
                    STATE["script"].pop(i)
                return step
        return None

    def endless(self, code):
        self.send_response(code)
        self.send_header("Transfer-Encoding", "chunked")
        self.end_headers()
        block = b" " * 65536
        try:
            while True:
                self.wfile.write(b"%x\r\n%s\r\n" % (len(block), block))
        except OSError:
            self.close_connection = True

    def play(self, step):
        time.sleep(step.get("delay", 0))
        code = step.get("status", 200)
        if step.get("drop"):
            self.close_connection = True
            return
        if step.get("endless"):
            self.endless(code)
            return
        data = json.dumps(step["json"]).encode() if "json" in step \
            else step.get("text", "").encode()
        if "cut" in step:
            self.send_response(code)
            self.send_header("Content-Length", str(len(data)))
            self.end_headers()
            self.wfile.write(data[:step["cut"]])
            self.close_connection = True
            return
        self.answer(code, data, step.get("headers", []))

    def serve(self):
        raw = self.rfile.read(int(self.headers.get("Content-Length", 0)))
        if self.path.startswith("/_"):
            self.control(raw)
            return
        with LOCK:
            STATE["log"].append({
                "method": self.command, "path": self.path,
                "headers": {k.lower(): self.headers.get(k)
                            for k in self.headers},
                "body": raw.decode()})
            STATE["now"] += 1
            STATE["busiest"] = max(STATE["busiest"], STATE["now"])
        try:
            step = self.scripted()
            if step is not None:
                self.play(step)
                return
            if self.command == "PUT":
                time.sleep(STATE["delay"])
            with LOCK:
                self.answer(*self.act(raw))
        finally:
            with LOCK:
                STATE["now"] -= 1

    def act(self, raw):
        parts = urlsplit(self.path)
        if parts.path == "/v3/auth/tokens":
            return self.token(json.loads(raw))
        if parts.path == "/lb/":
            return 200, {"versions": [
                {"id": i, "status": "SUPPORTED", "links": []}
                for i in ("v2.0", "v2.9", "v2.26", "v2.10")]}
        token = self.headers.get("X-Auth-Token")
        if STATE["refuse_tokens"] or \
                STATE["tokens"].get(token, 0) < time.time():
            return unauthorized()
        if parts.path == "/v3/auth/catalog":
            return 200, {"catalog": catalog()}
        return self.octavia(parts.path[len("/lb"):], parse_qs(parts.query))

    def token(self, request):
        if not known(request["auth"]["identity"]):
            return unauthorized()
        STATE["made"] += 1
        token = f"token-{STATE['made']}"
        now = time.time()
        STATE["tokens"][token] = now + STATE["lifetime"]
        says = STATE["says"] or STATE["lifetime"]
        # An hour ahead of ours: only the difference counts.
        return 201, {"token": {
            "issued_at": stamp(now + 3600),
            "expires_at": stamp(now + 3600 + says),
            "catalog": catalog()}}, [["X-Subject-Token", token]]

    def octavia(self, path, query):
        for base, names in COLLECTIONS.items():
            if path == base:
                return self.page(base, names, query)
            if path.startswith(base + "/"):
                return self.item(names, path[len(base) + 1:].split("/"))
        return fault(404, "Not found.")

    def page(self, base, names, query):
        items = STATE[names[0]]
        limit = min(int(query.pop("limit", ["99999"])[0]), STATE["page"])
        fields = query.pop("fields", None)
        marker = query.pop("marker", [None])[0]
        for key, values in query.items():
            items = [i for i in items if str(i.get(key)) in values]
        ids = [i["id"] for i in items]
        if marker is not None and marker not in ids:
            return fault(400, f"marker {marker} not found")
        start = ids.index(marker) + 1 if marker else 0
        shown = items[start:start + limit]
        links = [{"rel": "next", "href": f"http://elsewhere{base}"}] \
            if len(shown) == limit else []
        if fields:
            shown = [{k: i.get(k) for k in fields} for i in shown]
        answer = {names[0]: shown}
        if STATE["links"]:
            answer[names[0] + "_links"] = links
        return 200, answer

    def item(self, names, rest):
        found = [i for i in STATE[names[0]] if i["id"] == rest[0]]
        if not found:
            return fault(404, f"{names[3]} {rest[0]} not found.")
        if self.command == "GET" and len(rest) == 1:
            return 200, {names[1]: found[0]}
        if self.command == "PUT" and rest[1:] == [names[2]]:
            status = STATE["answers"].get(rest[0], 202)
            if status == 202:
                found[0]["puts"] = found[0].get("puts", 0) + 1
                return 202, b""
            return fault(status, f"no: {status} for {rest[0]}")
        return fault(405, "Method not allowed.")

    do_GET = do_POST = do_PUT = do_DELETE = serve


class Server(ThreadingHTTPServer):
    daemon_threads = True

    def handle_error(self, *_):
        pass  # clients that went away are part of the tests


def main():
    global PORT
    server = Server(("127.0.0.1", 0), Handler)
    PORT = server.server_address[1]
    threading.Thread(target=server.serve_forever, daemon=True).start()
    print(PORT, flush=True)
    sys.stdin.read()


main()
