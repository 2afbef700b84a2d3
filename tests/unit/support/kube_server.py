#!/usr/bin/env python3
# SPDX-License-Identifier: Apache-2.0
"""An API server for the tests of pkg/kube: objects with resource versions, JSON
patch with "test", delete preconditions, and answers that a test scripts.

Prints its port. Ends when its standard input does.

POST /_script  a list of answers; each is used once, by the first request whose
               method and path begin as its "on" says ("GET /api"; "" is any; a
               "$" stands for the end of the path):
               {"on", "status", "headers": [[k, v]], "json" | "text",
                "chunks": [[seconds before, text]], "drop": close unanswered,
                "cut": close after so many bytes, "delay": seconds}
POST /_objects {path: object}; null removes. Replaces what is named.
POST /_reset   forget all.
GET  /_log     the requests so far: {"method", "path", "headers", "body"}.
"""
import copy
import json
import sys
import threading
import time
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from urllib.parse import parse_qs, urlsplit


class State:
    lock = threading.RLock()
    script = []
    objects = {}
    log = []
    version = 100


def bump():
    State.version += 1
    return str(State.version)


def status(code, reason, message, details=None):
    return code, {"kind": "Status", "apiVersion": "v1", "metadata": {},
                  "status": "Failure", "message": message, "reason": reason,
                  "details": details or {}, "code": code}


def walk(doc, pointer):
    keys = [k.replace("~1", "/").replace("~0", "~")
            for k in pointer.split("/")[1:]]
    for key in keys[:-1]:
        doc = doc[key]
    return doc, keys[-1]


def patch(doc, operations):
    doc = copy.deepcopy(doc)
    for op in operations:
        parent, key = walk(doc, op["path"])
        if op["op"] == "test":
            if parent.get(key) != op["value"]:
                raise KeyError(key)
        elif op["op"] == "remove":
            del parent[key]
        else:
            if op["op"] == "replace" and key not in parent:
                raise KeyError(key)
            parent[key] = op["value"]
    return doc


class Handler(BaseHTTPRequestHandler):
    protocol_version = "HTTP/1.1"

    def log_message(self, *_):
        pass

    def body(self):
        return self.rfile.read(int(self.headers.get("Content-Length", 0)))

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
        with State.lock:
            if self.path == "/_script":
                State.script += json.loads(raw)
            elif self.path == "/_objects":
                for path, obj in json.loads(raw).items():
                    State.objects.pop(path, None)
                    if obj is not None:
                        meta = obj.setdefault("metadata", {})
                        meta["resourceVersion"] = bump()
                        meta.setdefault("uid", "uid-" + bump())
                        State.objects[path] = obj
            elif self.path == "/_reset":
                State.script, State.objects, State.log = [], {}, []
            self.answer(200, State.log if self.path == "/_log" else {})

    def scripted(self):
        with State.lock:
            for i, step in enumerate(State.script):
                on = step.get("on", "")
                if f"{self.command} {self.path}$".startswith(on):
                    return State.script.pop(i)
        return None

    def play_chunks(self, step):
        self.send_response(step.get("status", 200))
        self.send_header("Transfer-Encoding", "chunked")
        self.end_headers()
        for pause, text in step["chunks"]:
            time.sleep(pause)
            data = text.encode()
            self.wfile.write(b"%x\r\n%s\r\n" % (len(data), data))
            self.wfile.flush()
        if step.get("cut"):
            self.close_connection = True
        else:
            self.wfile.write(b"0\r\n\r\n")

    def play(self, step):
        time.sleep(step.get("delay", 0))
        if step.get("drop"):
            self.close_connection = True
            return
        if "chunks" in step:
            self.play_chunks(step)
            return
        code = step.get("status", 200)
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
        raw = self.body()
        if self.path.startswith("/_"):
            self.control(raw)
            return
        with State.lock:
            State.log.append({"method": self.command, "path": self.path,
                              "headers": {k.lower(): self.headers.get_all(k)
                                          for k in self.headers},
                              "body": raw.decode()})
        step = self.scripted()
        if step is not None:
            self.play(step)
            return
        with State.lock:
            code, document = self.store(raw)
        self.answer(code, document)

    def store(self, raw):
        parts = urlsplit(self.path)
        query = {k: v[0] for k, v in parse_qs(parts.query).items()}
        dry = query.get("dryRun") == "All"
        path = parts.path
        doc = json.loads(raw) if raw else None
        name = path.rsplit("/", 1)[1]
        if self.command == "POST":
            path = f"{path}/{doc['metadata']['name']}"
            if path in State.objects:
                return status(409, "AlreadyExists", "already exists")
            doc["metadata"].update(resourceVersion=bump(),
                                   uid="uid-" + bump())
            if not dry:
                State.objects[path] = doc
            return 201, doc
        if self.command == "GET" and "fieldSelector" in query:
            name = query["fieldSelector"].split("=", 1)[1]
            found = State.objects.get(f"{path}/{name}")
            return 200, {"kind": "ThingList", "apiVersion": "g/v1",
                         "metadata": {"resourceVersion": str(State.version)},
                         "items": [found] if found else []}
        if path not in State.objects:
            return status(404, "NotFound", f'"{name}" not found',
                          {"name": name})
        return self.change(path, doc, dry)

    def change(self, path, doc, dry):
        present = State.objects[path]
        if self.command == "GET":
            return 200, present
        if self.command == "PATCH":
            try:
                changed = patch(present, doc)
            except KeyError:
                return status(422, "Invalid", "the server rejected our "
                              "request due to an error in our request")
            changed["metadata"]["resourceVersion"] = bump()
            if not dry:
                State.objects[path] = changed
            return 200, changed
        wanted = (doc or {}).get("preconditions", {})
        for key, value in wanted.items():
            if present["metadata"][key] != value:
                return status(409, "Conflict", f"{key} is not {value}",
                              {"name": path})
        if "All" not in (doc or {}).get("dryRun", []):
            del State.objects[path]
        return 200, {"kind": "Status", "status": "Success"}

    do_GET = do_POST = do_PATCH = do_DELETE = serve


class Server(ThreadingHTTPServer):
    daemon_threads = True

    def handle_error(self, *_):
        pass  # clients that went away are part of the tests


def main():
    server = Server(("127.0.0.1", 0), Handler)
    threading.Thread(target=server.serve_forever, daemon=True).start()
    print(server.server_address[1], flush=True)
    sys.stdin.read()


main()
