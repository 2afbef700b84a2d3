"""A small client of one API server, and the conditions of the operators."""
import datetime
import http.client
import json
import ssl
import time
from urllib.parse import urlsplit


def now():
    return datetime.datetime.now(datetime.timezone.utc).strftime("%Y-%m-%dT%H:%M:%SZ")


def say(text):
    print(time.strftime("%H:%M:%S"), text, flush=True)


class Kube:
    """One connection; each thread has its own. 'writes' counts what changed something."""

    def __init__(self, server, ca, token, agent="lab-operator"):
        url = urlsplit(server)
        self.addr = (url.hostname, url.port)
        self.ctx = ssl.create_default_context(cafile=ca)
        self.headers = {"Authorization": "Bearer " + token, "User-Agent": agent}
        self.conn = None
        self.writes = 0

    def connect(self, timeout):
        return http.client.HTTPSConnection(*self.addr, timeout=timeout, context=self.ctx)

    def call(self, method, path, body=None, ctype="application/json"):
        headers = dict(self.headers)
        data = None
        if body is not None:
            data = json.dumps(body).encode()
            headers["Content-Type"] = ctype
        if self.conn is None:
            self.conn = self.connect(10)
        try:
            self.conn.request(method, path, data, headers)
            answer = self.conn.getresponse()
            text = answer.read()
        except (OSError, http.client.HTTPException):
            self.conn.close()
            self.conn = None
            raise
        if method != "GET":
            self.writes += 1
        answered = json.loads(text) if text else {}
        if method != "GET" and answer.status >= 400 and answer.status not in (404, 409):
            say("%s %s: %s %s" % (method, path, answer.status, answered.get("message")))
        return answer.status, answered

    def get(self, path):
        """The object, or None if it is not there."""
        code, obj = self.call("GET", path)
        if code == 404:
            return None
        if code != 200:
            raise OSError("GET %s: %s" % (path, obj.get("message")))
        return obj

    def items(self, path):
        return (self.get(path) or {}).get("items", [])

    def merge(self, path, body):
        return self.call("PATCH", path, body, "application/merge-patch+json")

    def watch(self, path, wake, stop):
        """Set the event whenever something below path changes."""
        while not stop.is_set():
            conn = self.connect(330)
            try:
                conn.request("GET", path + "?watch=1&timeoutSeconds=300", headers=self.headers)
                answer = conn.getresponse()
                while answer.readline():
                    wake.set()
            except (OSError, http.client.HTTPException, ValueError):
                time.sleep(0.5)
            finally:
                conn.close()


def condition(kind, status, reason, message, severity="", old=None):
    c = {"type": kind, "status": status, "reason": reason, "message": message}
    if severity:
        c["severity"] = severity
    c["lastTransitionTime"] = old["lastTransitionTime"] if old and old["status"] == status else now()
    return c


class Conditions:
    """A status.conditions list: times change only when the status does."""

    def __init__(self, old):
        self.old = {c["type"]: c for c in old or []}
        self.new = dict(self.old)

    def set(self, kind, status, reason, message, severity=""):
        self.new[kind] = condition(kind, status, reason, message, severity, self.old.get(kind))

    def true(self, kind, message="Setup complete"):
        self.set(kind, "True", "Ready", message)

    def init(self, kind, message="Setup not started"):
        self.set(kind, "Unknown", "Init", message)

    def progress(self, kind, message):
        self.set(kind, "False", "Requested", message, "Info")

    def error(self, kind, message):
        self.set(kind, "False", "Error", message, "Warning")

    def remove(self, kind):
        self.new.pop(kind, None)

    def is_true(self, kind):
        return self.new.get(kind, {}).get("status") == "True"

    def mirror(self):
        """The condition that explains best why the whole is not ready."""
        def weight(c):
            return (c["status"] != "False", c["reason"] != "Error", c["type"])
        rest = [c for t, c in self.new.items() if t != "Ready" and c["status"] != "True"]
        return min(rest, key=weight) if rest else None

    def finish(self):
        worst = self.mirror()
        if worst is None:
            self.true("Ready")
        else:
            self.set("Ready", worst["status"], worst["reason"], worst["message"], worst.get("severity", ""))
        return [self.new["Ready"]] + [self.new[k] for k in sorted(self.new) if k != "Ready"]
