"""The server: sockets, threads, and what is done to amphorae from outside."""
import ctypes
import hashlib
import heapq
import hmac
import http.server
import json
import os
import shutil
import socket
import socketserver
import ssl
import struct
import subprocess
import sys
import threading
import time
import uuid
import zlib

from agent import CONF, CONF_TEXT, KNOBS, Amphora, parse
from client import CONTROL
from network import MANAGEMENT, VIP_SUBNET, Ports, derived, subnet
from pki import Pki

CERTS = "/run/lab-amphorae/certs"
SEED = "/var/lib/lab-amphorae/seed.json"
SITE = "/etc/lab/site.json"
IP_PKTINFO = 8
NUMBERS = {"fixed", "way_back", "dies_on", "slow"}
NEW_IMAGE = derived("image", 1)


class World:
    def __init__(self):
        with open(SITE) as f:
            self.site = json.load(f)
        self.lock = threading.RLock()
        self.wake = threading.Condition(self.lock)
        self.pki = Pki(CERTS)
        self.udp = socket.socket(socket.AF_INET, socket.SOCK_DGRAM)
        self.udp6 = socket.socket(socket.AF_INET6, socket.SOCK_DGRAM)
        self.unreachable = set()
        self.clear()

    def clear(self):
        with self.lock:
            self.routes(set())
            self.ports = Ports()
            self.amphorae = {}
            self.by_compute = {}
            self.by_address = {}
            self.contexts = {}
            self.queue = []
            self.arrivals = {}
            self.serial = 0
            self.built = 0
            self.deleted = []

    # ---- amphorae come and go -------------------------------------------------

    def add(self, amphora):
        self.serial += 1
        amphora.serial = self.serial
        self.amphorae[amphora.id] = amphora
        self.by_compute[amphora.compute] = amphora
        self.by_address[amphora.address] = amphora

    def load(self, seed):
        """Amphorae that were there before the adoption, as seed.py tells them."""
        with self.lock:
            self.clear()
            shutil.rmtree(CERTS, ignore_errors=True)
            os.makedirs(CERTS, mode=0o700)
            for row in seed["amphorae"]:
                conf = CONF_TEXT % dict(seed["conf"], id=row["id"], topology=row.get("topology", "SINGLE"))
                amphora = Amphora(row["id"], row["compute_id"], row["address"], conf,
                                  dict(seed.get("knobs", {}), **row.get("knobs", {})))
                for key in ("lb", "role", "vip", "vrrp_ip", "image"):
                    setattr(amphora, key, row.get(key))
                amphora.subnets = row.get("subnets", [])
                if row.get("haproxy"):
                    amphora.haproxy[row["lb"]] = row["haproxy"]
                    amphora.running.add(row["lb"])
                if amphora.role in ("MASTER", "BACKUP"):
                    amphora.keepalived, amphora.vrrp = "# of before\n", "running"
                self.add(amphora)
                self.begin(amphora, spread=amphora.serial / len(seed["amphorae"]))
            self.routes()

    def old_ports(self, amphora):
        """What a seeded amphora has plugged; made when first asked for."""
        if amphora.vrrp_ip and not self.ports.of(amphora.compute):
            network = subnet(VIP_SUBNET)["network"]
            self.ports.create(MANAGEMENT, [[derived("subnet", MANAGEMENT), amphora.address]],
                              ident=derived("mgmt-port", amphora.id), compute=amphora.compute)
            self.ports.create(network, [[VIP_SUBNET, amphora.vrrp_ip]],
                              ident=derived("vrrp-port", amphora.id), compute=amphora.compute)
            for ident in amphora.subnets:
                self.ports.create(self.ports.subnet(ident)["network"], [[ident, None]], compute=amphora.compute)

    def build(self, name, files, networks):
        with self.lock:
            self.built += 1
            n = self.built
            conf = files[CONF]
            ident = parse(conf)["id"] or name.replace("amphora-", "", 1)
            address = "172.24.%d.%d" % (128 + n // 250 % 128, n % 250 + 4)
            amphora = Amphora(ident, str(uuid.uuid4()), address, conf)
            amphora.image = NEW_IMAGE
            amphora.tls = (self.pki.store(ident, "pem", files["/etc/octavia/certs/server.pem"]),
                           self.pki.store(ident, "ca", files["/etc/octavia/certs/client_ca.pem"]))
            self.add(amphora)
            for network in networks:
                self.ports.create(network, [[derived("subnet", network), address]], compute=amphora.compute)
            self.begin(amphora)
            return {"compute_id": amphora.compute, "address": address}

    def delete(self, compute):
        with self.lock:
            amphora = self.by_compute.pop(compute, None)
            if amphora:
                amphora.alive, amphora.due = False, None
                self.amphorae.pop(amphora.id, None)
                self.by_address.pop(amphora.address, None)
                self.contexts.pop(amphora.id, None)
                self.deleted.append({"id": amphora.id, "time": round(time.time(), 3),
                                     "requests": dict(amphora.requests)})
                for port in self.ports.of(compute):
                    port["compute"] = None
                self.routes()
            return {}

    def holds_vip(self, amphora):
        """The master while it lives, then whoever was there first."""
        peers = [a for a in self.amphorae.values() if a.vip == amphora.vip and a.alive]
        return bool(peers) and min(peers, key=lambda a: (a.role == "BACKUP", a.serial)) is amphora

    # ---- reachability ------------------------------------------------------------

    def routes(self, wanted=None):
        """An address without a route for each amphora with reachable=0."""
        if wanted is None:
            wanted = {a.address for a in self.amphorae.values() if a.knobs["reachable"] == "0"}
        lines = ["route add table local unreachable %s/32\n" % a for a in wanted - self.unreachable]
        lines += ["route del table local unreachable %s/32\n" % a for a in self.unreachable - wanted]
        if lines:
            subprocess.run(["ip", "-force", "-batch", "-"], input="".join(lines).encode(), check=False)
        self.unreachable = wanted

    # ---- TLS -----------------------------------------------------------------------

    def store_certificate(self, amphora, pem):
        amphora.tls = (self.pki.store(amphora.id, "pem", pem), amphora.tls[1])
        self.contexts.pop(amphora.id, None)

    def context(self, amphora):
        with self.lock:
            context = self.contexts.get(amphora.id)
            if context:
                return context
            if not amphora.tls:
                amphora.tls = self.pki.old(amphora.id)
            cert = amphora.tls[0] if amphora.knobs["ca"] == "ok" else self.pki.wrong(amphora.id)
            context = ssl.SSLContext(ssl.PROTOCOL_TLS_SERVER)
            context.load_cert_chain(cert)
            context.load_verify_locations(amphora.tls[1])
            context.verify_mode = ssl.CERT_REQUIRED
            if len(self.contexts) > 4096:
                self.contexts.clear()
            self.contexts[amphora.id] = context
            return context

    # ---- heartbeats -------------------------------------------------------------------

    def begin(self, amphora, spread=0.1):
        if amphora.knobs["heartbeat"] == "on":
            self.schedule(amphora, spread * amphora.sender["interval"])

    def schedule(self, amphora, delay):
        amphora.due = time.time() + delay
        heapq.heappush(self.queue, (amphora.due, amphora.serial, amphora))
        self.wake.notify()

    def soon(self, amphora):
        if amphora.knobs["heartbeat"] == "on" and amphora.alive:
            self.schedule(amphora, 0.5)

    def push(self, amphora):
        """After a push the sender does not wait for its interval to end."""
        if amphora.knobs["heartbeat"] != "off":
            self.schedule(amphora, 0.3)

    def send(self, amphora):
        target = amphora.manager()
        if not target:
            return
        if not int(amphora.knobs["way_back"]):
            amphora.lost += 1
            return
        data = amphora.message()
        key = "%s:%d" % target
        amphora.sent[key] = amphora.sent.get(key, 0) + 1
        try:
            if ":" in target[0]:
                self.udp6.sendto(data, target)
                return
            source = struct.pack("=I4s4s", 0, socket.inet_aton(amphora.address), bytes(4))
            try:
                self.udp.sendmsg([data], [(socket.IPPROTO_IP, IP_PKTINFO, source)], 0, target)
            except OSError:
                # Its own address has no route when it is not to be reached.
                self.udp.sendto(data, target)
        except OSError:
            amphora.lost += 1

    def sender(self):
        while True:
            with self.lock:
                while not self.queue or self.queue[0][0] > time.time():
                    self.wake.wait(self.queue[0][0] - time.time() if self.queue else None)
                due, _, amphora = heapq.heappop(self.queue)
                if due != amphora.due:
                    continue
                amphora.due = None
                if amphora.beats():
                    self.send(amphora)
                if amphora.knobs["heartbeat"] == "on" and amphora.alive:
                    self.schedule(amphora, max(0.5, amphora.sender["interval"]))

    def receiver(self, sock, manager):
        """What arrives at an old health manager's address."""
        key = self.site["old_key"].encode()
        while True:
            data, source = sock.recvfrom(65536)
            body, mac = data[:-64], data[-64:]
            good = hmac.compare_digest(hmac.new(key, body, hashlib.sha256).hexdigest().encode(), mac)
            try:
                ident = json.loads(zlib.decompress(body))["id"]
            except (ValueError, KeyError, zlib.error):
                ident = source[0]
            with self.lock:
                got = self.arrivals.setdefault(ident, {"count": 0, "managers": {}})
                got["count"] += 1
                got["last"], got["key_ok"], got["source"] = round(time.time(), 3), good, source[0]
                got["managers"][manager] = got["managers"].get(manager, 0) + 1

    # ---- control ---------------------------------------------------------------------------

    def op_list(self, ids=()):
        return [a.public() for a in (self.select(ids) if ids else self.amphorae.values())]

    def select(self, ids):
        if "all" in ids:
            return list(self.amphorae.values())
        missing = [i for i in ids if i not in self.amphorae]
        if missing:
            raise KeyError("no such amphora: " + " ".join(missing))
        return [self.amphorae[i] for i in ids]

    def op_set(self, ids, values):
        for key in values:
            if key not in KNOBS and key != "alive":
                raise KeyError("no such key: %s (there are alive %s)" % (key, " ".join(KNOBS)))
        chosen = self.select(ids)
        for amphora in chosen:
            for key, value in values.items():
                if key == "alive":
                    amphora.alive = value == "1"
                elif key == "heartbeat" and value == "once":
                    amphora.knobs[key] = value
                    self.schedule(amphora, 0)
                else:
                    amphora.knobs[key] = int(value) if key in NUMBERS else value
            self.contexts.pop(amphora.id, None)
            self.soon(amphora)
        self.routes()
        return {"changed": len(chosen)}

    def op_load(self, file):
        os.makedirs(os.path.dirname(SEED), exist_ok=True)
        if file != SEED:
            shutil.copy(file, SEED)
        with open(SEED) as f:
            self.load(json.load(f))
        return {"amphorae": len(self.amphorae)}

    def op_reset(self):
        if os.path.exists(SEED):
            return self.op_load(SEED)
        self.clear()
        return {"amphorae": 0}

    def op_heartbeats(self):
        return self.arrivals

    def op_counts(self):
        """Sums over all amphorae, of those that are gone as well."""
        total = {}
        for requests in [a.requests for a in self.amphorae.values()] + [d["requests"] for d in self.deleted]:
            for name, n in requests.items():
                total[name] = total.get(name, 0) + n
        sent = {}
        for amphora in self.amphorae.values():
            for manager, n in amphora.sent.items():
                sent[manager] = sent.get(manager, 0) + n
        return {"amphorae": len(self.amphorae), "built": self.built, "deleted": len(self.deleted),
                "requests": total, "heartbeats": sent,
                "heartbeats_at_old": sum(a["count"] for a in self.arrivals.values())}

    def op_deleted(self):
        return self.deleted

    def op_build(self, name, files, networks):
        return self.build(name, files, networks)

    def op_delete(self, compute_id):
        return self.delete(compute_id)

    def op_get(self, compute_id):
        amphora = self.by_compute.get(compute_id)
        if not amphora:
            return {"up": False}
        return {"up": amphora.alive, "id": amphora.id, "address": amphora.address, "image": amphora.image}

    def op_attach(self, compute_id, network=None, port=None, address=None):
        got = self.ports.get(port) if port else self.ports.create(network, [], compute=compute_id)
        got["compute"] = compute_id
        return got

    def op_detach(self, compute_id, port):
        got = self.ports.ports.get(port)
        if got and got["compute"] == compute_id:
            got["compute"] = None
        return {}

    def op_ports(self, compute_id):
        amphora = self.by_compute.get(compute_id)
        if amphora:
            self.old_ports(amphora)
        return {"ports": self.ports.of(compute_id)}

    def op_port(self, port):
        return self.ports.get(port)

    def op_create_port(self, network, fixed_ips, name=None, id=None):
        return self.ports.create(network, fixed_ips, name=name, ident=id)

    def op_delete_port(self, port):
        self.ports.delete(port)
        return {}

    def op_add_address(self, port, subnet, address=None):
        got = self.ports.get(port)
        got["fixed_ips"].append([subnet, address or self.ports.address(subnet)])
        return got

    def op_drop_address(self, port, subnet):
        got = self.ports.get(port)
        got["fixed_ips"] = [f for f in got["fixed_ips"] if f[0] != subnet]
        return got

    def op_subnet(self, subnet):
        return self.ports.subnet(subnet)

    def op_subnets(self, network):
        return {"subnets": self.ports.subnets_of(network)}

    def control(self, request):
        handler = getattr(self, "op_" + request.pop("op", "").replace("-", "_"), None)
        if not handler:
            return {"error": "no such operation"}
        with self.lock:
            try:
                return handler(**request)
            except Exception as error:
                return {"error": "%s: %s" % (type(error).__name__, error)}


class Control(socketserver.StreamRequestHandler):
    def handle(self):
        line = self.rfile.readline()
        if line:
            self.wfile.write(json.dumps(self.server.world.control(json.loads(line))).encode())


class ControlServer(socketserver.ThreadingMixIn, socketserver.UnixStreamServer):
    daemon_threads = True
    request_queue_size = 512


class Request(http.server.BaseHTTPRequestHandler):
    """HTTP/1.0: as the agent's server does, the connection ends with the answer."""
    server_version = "gunicorn"
    sys_version = ""
    timeout = 20

    def setup(self):
        # The amphora is the one whose address the connection was made to.
        address = self.request.getsockname()[0]
        world = self.server.world
        self.amphora = world.by_address.get(address)
        if not self.usable():
            raise ConnectionResetError
        self.request.settimeout(self.timeout)
        self.request = world.context(self.amphora).wrap_socket(self.request, server_side=True)
        subject = dict(pair[0] for pair in self.request.getpeercert().get("subject", ()))
        self.amphora.client = subject.get("commonName")
        super().setup()

    def usable(self):
        amphora = self.amphora
        if amphora and amphora.knobs["reachable"] == "silent":
            time.sleep(self.timeout)
            return False
        if not amphora or not amphora.alive or amphora.knobs["reachable"] != "1":
            # Refused: the connection is reset at once.
            self.request.setsockopt(socket.SOL_SOCKET, socket.SO_LINGER, struct.pack("ii", 1, 0))
            return False
        return True

    def serve_request(self):
        world, amphora = self.server.world, self.amphora
        body = self.rfile.read(int(self.headers.get("Content-Length", 0)))
        knobs = amphora.knobs
        if int(knobs["slow"]):
            time.sleep(int(knobs["slow"]) / 1000)
        with world.lock:
            if int(knobs["dies_on"]):
                knobs["dies_on"] = int(knobs["dies_on"]) - 1
                if not knobs["dies_on"]:
                    amphora.alive = False
                    self.close_connection = True
                    return
            try:
                status, answer = amphora.answer(self.command, self.path, body, world)
            except Exception as error:
                status, answer = 500, {"error": repr(error), "http_code": 500}
        text = answer if isinstance(answer, str) else json.dumps(answer)
        self.send_response(status)
        self.send_header("Content-Type", "text/plain" if isinstance(answer, str) else "application/json")
        self.send_header("Content-Length", str(len(text.encode())))
        self.end_headers()
        self.wfile.write(text.encode())

    do_GET = do_PUT = do_POST = do_DELETE = serve_request

    def log_message(self, format, *args):
        pass


class AgentServer(socketserver.ThreadingMixIn, socketserver.TCPServer):
    daemon_threads = True
    allow_reuse_address = True
    request_queue_size = 1024

    def handle_error(self, request, client_address):
        if not isinstance(sys.exc_info()[1], OSError):
            super().handle_error(request, client_address)


def old_manager_sockets(world):
    """Sockets in the network name space where the old managers' addresses are:
    the new health manager takes every address of this one."""
    libc = ctypes.CDLL(None, use_errno=True)
    sockets = []

    def enter():
        with open("/run/netns/old") as ns:
            if libc.setns(ns.fileno(), 0x40000000):
                raise OSError(ctypes.get_errno(), "setns")
        for manager in world.site["old_managers"]:
            sock = socket.socket(socket.AF_INET, socket.SOCK_DGRAM)
            sock.setsockopt(socket.SOL_SOCKET, socket.SO_RCVBUF, 4 << 20)
            sock.bind((manager, 5555))
            sockets.append((sock, manager))

    thread = threading.Thread(target=enter)
    thread.start()
    thread.join()
    return sockets


def serve():
    world = World()
    if os.path.exists(SEED):
        world.op_load(SEED)
    threading.Thread(target=world.sender, daemon=True).start()
    for sock, manager in old_manager_sockets(world):
        threading.Thread(target=world.receiver, args=(sock, manager), daemon=True).start()
    agents = AgentServer(("0.0.0.0", 9443), Request)
    agents.world = world
    threading.Thread(target=agents.serve_forever, daemon=True).start()
    if os.path.exists(CONTROL):
        os.unlink(CONTROL)
    control = ControlServer(CONTROL, Control)
    control.world = world
    os.chmod(CONTROL, 0o666)
    notify = os.environ.get("NOTIFY_SOCKET")
    if notify:
        with socket.socket(socket.AF_UNIX, socket.SOCK_DGRAM) as sock:
            sock.sendto(b"READY=1", "\0" + notify[1:] if notify[0] == "@" else notify)
    control.serve_forever()
