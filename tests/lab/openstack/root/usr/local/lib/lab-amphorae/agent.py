"""One simulated amphora: its agent's API, and the sender of its heartbeats."""
import collections
import configparser
import hashlib
import hmac
import io
import json
import re
import time
import zlib

CONF = "/etc/octavia/amphora-agent.conf"
KNOBS = {"fixed": 1, "reachable": "1", "ca": "ok", "heartbeat": "on", "way_back": 1, "dies_on": 0, "slow": 0}

CONF_TEXT = """
[DEFAULT]
debug = False

[haproxy_amphora]
base_cert_dir = /var/lib/octavia/certs
base_path = /var/lib/octavia
bind_host = ::
bind_port = 9443
haproxy_cmd = /usr/sbin/haproxy

[health_manager]
controller_ip_port_list = %(controllers)s
heartbeat_interval = %(interval)s
heartbeat_key = %(key)s

[amphora_agent]
agent_server_ca = /etc/octavia/certs/client_ca.pem
agent_server_cert = /etc/octavia/certs/server.pem
amphora_id = %(id)s
amphora_udp_driver = keepalived_lvs
agent_tls_protocol = TLSv1.2

[controller_worker]
loadbalancer_topology = %(topology)s
"""


def parse(text):
    """The values of an agent's configuration that the lab uses."""
    conf = configparser.RawConfigParser(strict=False)
    conf.read_file(io.StringIO(text))

    def get(section, option, default=""):
        return conf.get(section, option, fallback=default).strip()

    managers = [m.strip() for m in get("health_manager", "controller_ip_port_list").split(",")]
    return {"id": get("amphora_agent", "amphora_id"), "controllers": [m for m in managers if m],
            "key": get("health_manager", "heartbeat_key"),
            "interval": float(get("health_manager", "heartbeat_interval", "10")),
            "topology": get("controller_worker", "loadbalancer_topology")}


class Amphora:
    """State and knobs. The simulator holds a lock while a request is answered."""

    def __init__(self, ident, compute, address, conf, knobs=None):
        self.id, self.compute, self.address = ident, compute, address
        self.conf = conf
        self.sender = parse(conf)
        self.knobs = dict(KNOBS, **(knobs or {}))
        self.alive = True
        self.serial = 0
        self.lb = self.role = self.vip = self.vrrp_ip = self.image = None
        self.subnets = []               # of members, plugged before
        self.tls = None                 # paths of certificate and client CA
        self.haproxy = {}               # load balancer: configuration
        self.running = set()
        self.keepalived = None
        self.vrrp = "stopped"
        self.files = {}                 # TLS material for listeners
        self.plugs = []
        self.requests = collections.Counter()
        self.pushes = []
        self.rotations = 0
        self.client = None
        self.sent = {}
        self.lost = 0
        self.sequence = 0
        self.next_manager = -1
        self.due = None                 # when the next heartbeat is, None: not at all

    def public(self):
        """What 'lab amphora list' shows."""
        conf = parse(self.conf)
        return {
            "id": self.id, "compute_id": self.compute, "address": self.address, "alive": self.alive,
            "loadbalancer": self.lb, "role": self.role, "vip": self.vip, "image": self.image,
            "knobs": self.knobs, "conf": self.conf, "file": conf, "sender": self.sender,
            "requests": dict(self.requests), "pushes": self.pushes, "plugs": self.plugs,
            "haproxy": self.haproxy, "keepalived": self.keepalived, "vrrp": self.vrrp,
            "certificate_rotations": self.rotations, "client": self.client,
            "heartbeats": self.sent, "heartbeats_lost": self.lost}

    # ---- heartbeats -----------------------------------------------------------

    def beats(self):
        """Would its sender send now? A configured keepalived must run."""
        return self.alive and self.knobs["heartbeat"] != "off" and not (
            self.keepalived and self.vrrp != "running")

    def message(self):
        listeners, pools = {}, {}
        for lb, text in self.haproxy.items():
            if lb in self.running:
                parse_haproxy(text, listeners, pools)
        body = {"id": self.id, "seq": self.sequence, "ver": 3, "listeners": listeners, "pools": pools}
        self.sequence += 1
        data = zlib.compress(json.dumps(body).encode(), 9)
        return data + hmac.new(self.sender["key"].encode(), data, hashlib.sha256).hexdigest().encode()

    def manager(self):
        """The manager whose turn it is: each heartbeat goes to one of them."""
        managers = self.sender["controllers"]
        if not managers:
            return None
        self.next_manager = (self.next_manager + 1) % len(managers)
        host, port = managers[self.next_manager].rsplit(":", 1)
        return host.strip("[]"), int(port)

    # ---- the agent's API --------------------------------------------------------

    def answer(self, method, path, body, world):
        """(status, object) for one request."""
        for name, verb, pattern, handler in ROUTES:
            match = verb == method and re.fullmatch(pattern, path)
            if match:
                self.requests[name] += 1
                return handler(self, world, body, **match.groupdict())
        self.requests["unknown %s %s" % (method, path)] += 1
        return 404, {"error": "404 Not Found", "http_code": 404}

    def version(self, world, body):
        return 200, {"api_version": "1.0"}

    def info(self, world, body):
        return 200, {"hostname": "amphora-" + self.id, "haproxy_version": "2.4.22-1",
                     "api_version": "1.0", "keepalived_version": "2.2.4", "ipvsadm_version": "1.31"}

    def details(self, world, body):
        found = {}
        for text in self.haproxy.values():
            parse_haproxy(text, found, {})
        return 200, dict(self.info(world, body)[1], active=True, haproxy_count=len(self.running),
                         listeners=sorted(found), networks={}, topology="SINGLE", topology_status="OK")

    def upload_config(self, world, body):
        try:
            new = parse(body.decode())
        except (configparser.Error, ValueError) as error:
            return 500, {"message": "Unable to update amphora-agent configuration.", "details": str(error)}
        self.conf = body.decode()
        # Only an agent with the fix of LP#2121691 tells its sender, a process of its own.
        if int(self.knobs["fixed"]):
            self.sender = new
            self.next_manager = -1
        self.pushes.append(round(time.time(), 3))
        world.push(self)
        return 202, {"message": "OK"}

    def upload_certificate(self, world, body):
        self.rotations += 1
        world.store_certificate(self, body.decode())
        return 202, {"message": "OK"}

    def upload_haproxy(self, world, body, amphora, lb):
        self.lb = self.lb or lb
        self.haproxy[lb] = body.decode()
        return 202, {"message": "OK"}

    def get_haproxy(self, world, body, lb):
        if lb not in self.haproxy:
            return 404, {"message": "Loadbalancer Not Found", "details": "No loadbalancer with UUID: " + lb}
        return 200, self.haproxy[lb]

    def upload_udp(self, world, body, amphora, listener):
        self.haproxy[listener] = "frontend %s\n" % listener
        return 200, {"message": "OK"}

    def action(self, world, body, lb, action):
        if lb not in self.haproxy:
            return 404, {"message": "Loadbalancer Not Found", "details": "No loadbalancer with UUID: " + lb}
        if action == "stop":
            self.running.discard(lb)
        else:
            self.running.add(lb)
        return 202, {"message": "OK", "details": "Listener %s %sed" % (lb, action)}

    def delete_listener(self, world, body, lb):
        self.haproxy.pop(lb, None)
        self.running.discard(lb)
        return 200, {"message": "OK"}

    def listeners(self, world, body):
        found = {}
        for text in self.haproxy.values():
            parse_haproxy(text, found, {})
        return 200, [{"status": "ACTIVE", "uuid": ident, "type": "HTTP"} for ident in found]

    def put_file(self, world, body, lb, name):
        self.files[lb + "/" + name] = hashlib.md5(body).hexdigest()
        return 200, {"message": "OK"}

    def get_file(self, world, body, lb, name):
        if lb + "/" + name not in self.files:
            return 404, {"message": "Certificate Not Found", "details": "No certificate with filename: " + name}
        return 200, {"md5sum": self.files[lb + "/" + name]}

    def delete_file(self, world, body, lb, name):
        if self.files.pop(lb + "/" + name, None) is None:
            return 404, {"message": "Certificate Not Found", "details": "No certificate with filename: " + name}
        return 200, {"message": "OK"}

    def plug_vip(self, world, body, vip):
        given = json.loads(body)
        self.plugs.append(dict(given, vip=vip, time=round(time.time(), 3)))
        self.vip, self.vrrp_ip = vip, given.get("vrrp_ip")
        return 202, {"message": "OK", "details": "VIP %s plugged on interface eth1" % vip}

    def plug_network(self, world, body):
        self.plugs.append(dict(json.loads(body), time=round(time.time(), 3)))
        return 202, {"message": "OK", "details": "Plugged on interface eth%d" % (len(self.plugs) + 1)}

    def upload_vrrp(self, world, body):
        self.keepalived = body.decode()
        return 200, {"message": "OK"}

    def vrrp_action(self, world, body, action):
        self.vrrp = "stopped" if action == "stop" else "running"
        world.soon(self)
        return 202, {"message": "OK", "details": "keepalived %sed" % action}

    def interface(self, world, body, address):
        mine = address in (self.vrrp_ip, self.address) or (address == self.vip and world.holds_vip(self))
        if not mine:
            return 404, {"message": "Error interface not found for IP address"}
        return 200, {"message": "OK", "interface": "eth0" if address == self.address else "eth1"}


def parse_haproxy(text, listeners, pools):
    """What a heartbeat says of the listeners and pools of a configuration."""
    pool = None
    for line in text.splitlines():
        words = line.split()
        if len(words) < 2:
            continue
        if words[0] == "frontend":
            pool = None
            listeners[words[1]] = {"status": "OPEN", "stats": {
                "tx": 0, "rx": 0, "conns": 0, "totconns": 0, "ereq": 0}}
        elif words[0] == "backend":
            pool = pools.setdefault(words[1], {"status": "UP", "members": {}})
        elif words[0] == "server" and pool is not None:
            pool["members"][words[1]] = status_of(words)


def status_of(words):
    """A server line of a seeded configuration may end in "down"."""
    if "check" not in words:
        return "no check"
    return "DOWN" if words[-1] == "down" else "UP"


UUID = r"[0-9a-f-]{36}"
LB = r"(?P<lb>%s)" % UUID
FILE = LB + r"/certificates/(?P<name>[0-9a-zA-Z_.-]+)"
# name of the count, method, path, handler
ROUTES = [
    ("version", "GET", "/", Amphora.version),
    ("info", "GET", "/1.0/info", Amphora.info),
    ("details", "GET", "/1.0/details", Amphora.details),
    ("config", "PUT", "/1.0/config", Amphora.upload_config),
    ("certificate", "PUT", "/1.0/certificate", Amphora.upload_certificate),
    ("haproxy", "PUT", "/1.0/loadbalancer/(?P<amphora>%s)/%s/haproxy" % (UUID, LB), Amphora.upload_haproxy),
    ("get haproxy", "GET", "/1.0/loadbalancer/%s/haproxy" % LB, Amphora.get_haproxy),
    ("udp_listener", "PUT", "/1.0/listeners/(?P<amphora>%s)/(?P<listener>%s)/udp_listener" % (UUID, UUID),
     Amphora.upload_udp),
    ("action", "PUT", "/1.0/loadbalancer/%s/(?P<action>start|stop|reload)" % LB, Amphora.action),
    ("delete listener", "DELETE", "/1.0/listeners/" + LB, Amphora.delete_listener),
    ("listeners", "GET", "/1.0/listeners", Amphora.listeners),
    ("put file", "PUT", "/1.0/loadbalancer/" + FILE, Amphora.put_file),
    ("get file", "GET", "/1.0/loadbalancer/" + FILE, Amphora.get_file),
    ("delete file", "DELETE", "/1.0/loadbalancer/" + FILE, Amphora.delete_file),
    ("plug vip", "POST", "/1.0/plug/vip/(?P<vip>[0-9a-fA-F.:]+)", Amphora.plug_vip),
    ("plug network", "POST", "/1.0/plug/network", Amphora.plug_network),
    ("vrrp upload", "PUT", "/1.0/vrrp/upload", Amphora.upload_vrrp),
    ("vrrp action", "PUT", "/1.0/vrrp/(?P<action>start|stop|reload)", Amphora.vrrp_action),
    ("interface", "GET", "/1.0/interface/(?P<address>[0-9a-fA-F.:]+)", Amphora.interface),
]
