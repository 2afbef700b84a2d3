"""Networks, subnets and ports, as far as Octavia needs them.

A subnet's network and addresses follow from its identifier, so that nothing has
to be created first; two subnets of SHARED share one network. Ports are kept.
"""
import hashlib
import threading
import uuid

SPACE = uuid.UUID("6f63746c-6162-4000-8000-000000000000")
MANAGEMENT = "6c1cd0a8-2c1a-4bbd-9f0e-8f2b5d1b3a10"


def derived(kind, name):
    return str(uuid.uuid5(SPACE, "%s-%s" % (kind, name)))


VIP_SUBNET = derived("subnet", 0)


def subnet(ident):
    """Network, range and gateway of a subnet."""
    digest = hashlib.sha256(ident.encode()).digest()
    if ident == VIP_SUBNET:
        return {"network": derived("network", ident), "cidr": "172.31.0.0/16", "gateway": "172.31.0.1"}
    if ident == derived("subnet", MANAGEMENT):
        return {"network": MANAGEMENT, "cidr": "172.24.0.0/16", "gateway": "172.24.0.1"}
    base = "10.%d.%d." % (digest[0], digest[1])
    return {"network": derived("network", ident), "cidr": base + "0/24", "gateway": base + "1"}


class Ports:
    def __init__(self):
        self.lock = threading.RLock()
        self.ports = {}
        self.subnets = {derived("network", VIP_SUBNET): {VIP_SUBNET},
                        MANAGEMENT: {derived("subnet", MANAGEMENT)}}
        self.serial = 0

    def subnet(self, ident):
        got = subnet(ident)
        with self.lock:
            self.subnets.setdefault(got["network"], set()).add(ident)
        return got

    def subnets_of(self, network):
        with self.lock:
            if network not in self.subnets:
                self.subnets[network] = {derived("subnet", network)}
            return sorted(self.subnets[network])

    def address(self, ident):
        """The next address of a subnet."""
        with self.lock:
            self.serial += 1
            n = self.serial
        cidr = self.subnet(ident)["cidr"]
        prefix, length = cidr.split("/")
        parts = prefix.split(".")
        if length == "16":
            parts[2] = str(128 + n // 250 % 128)
        parts[3] = str(n % 250 + 4)
        return ".".join(parts)

    def create(self, network, fixed_ips, name=None, ident=None, compute=None):
        if not fixed_ips:
            fixed_ips = [[s, None] for s in self.subnets_of(network)[:1]]
        port = {"id": ident or str(uuid.uuid4()), "network": network, "name": name, "compute": compute,
                "fixed_ips": [[s, a or self.address(s)] for s, a in fixed_ips]}
        with self.lock:
            self.ports[port["id"]] = port
        return port

    def get(self, ident):
        """A port; one of before the lab's start is on the VIP's subnet."""
        with self.lock:
            port = self.ports.get(ident)
        return port or self.create(subnet(VIP_SUBNET)["network"], [[VIP_SUBNET, None]], ident=ident)

    def delete(self, ident):
        with self.lock:
            self.ports.pop(ident, None)

    def of(self, compute):
        with self.lock:
            return [p for p in self.ports.values() if p["compute"] == compute]
