"""Octavia's compute and network drivers of the lab.

Both ask the amphora simulator (/usr/local/libexec/lab-amphorae): an amphora that
is built runs there with an address of its own, and what is plugged into it is
known to all of Octavia's processes. What the lab has no use for (security
groups, quality of service) does nothing, as in the drivers they are based on.
"""
import hashlib
import io
import json
import socket

from octavia.common import constants
from octavia.common import data_models
from octavia.common import exceptions
from octavia.compute.drivers.noop_driver import driver as noop_compute
from octavia.network import base
from octavia.network import data_models as network_models
from octavia.network.drivers.noop_driver import driver as noop_network

CONTROL = "/run/lab-amphorae/control"


def ask(op, **args):
    """One question, one answer: JSON lines over the simulator's socket."""
    with socket.socket(socket.AF_UNIX, socket.SOCK_STREAM) as sock:
        sock.settimeout(20)
        sock.connect(CONTROL)
        sock.sendall(json.dumps(dict(args, op=op)).encode() + b"\n")
        reply = io.BytesIO()
        while chunk := sock.recv(65536):
            reply.write(chunk)
    answer = json.loads(reply.getvalue())
    if "error" in answer:
        raise RuntimeError("lab-amphorae: " + answer["error"])
    return answer


class LabCompute(noop_compute.NoopComputeDriver):
    """Servers that are simulated amphorae."""

    def build(self, name="amphora_name", amphora_flavor=None, image_tag=None,
              image_owner=None, key_name=None, sec_groups=None,
              network_ids=None, config_drive_files=None, user_data=None,
              port_ids=None, server_group_id=None, availability_zone=None):
        files = {}
        for path, content in (config_drive_files or {}).items():
            files[path] = content.read() if hasattr(content, "read") else content
        try:
            return ask("build", name=name, files=files,
                       networks=network_ids or [])["compute_id"]
        except (OSError, RuntimeError) as error:
            raise exceptions.ComputeBuildException(fault=str(error))

    def delete(self, compute_id):
        ask("delete", compute_id=compute_id)

    def status(self, compute_id):
        up = ask("get", compute_id=compute_id)["up"]
        return constants.UP if up else constants.DOWN

    def get_amphora(self, compute_id, management_network_id=None):
        got = ask("get", compute_id=compute_id)
        return data_models.Amphora(
            compute_id=compute_id,
            status=constants.ACTIVE if got["up"] else constants.ERROR,
            lb_network_ip=got.get("address"), cached_zone="nova",
            image_id=got.get("image"), compute_flavor="65"), None

    def create_server_group(self, name, policy):
        return data_models.ServerGroup(name)

    def attach_network_or_port(self, compute_id, network_id=None,
                               ip_address=None, port_id=None):
        port = ask("attach", compute_id=compute_id, network=network_id,
                   port=port_id, address=ip_address)
        return interface(compute_id, port)

    def detach_port(self, compute_id, port_id):
        ask("detach", compute_id=compute_id, port=port_id)


def interface(compute_id, port):
    return network_models.Interface(
        id=port["id"], compute_id=compute_id, network_id=port["network"],
        port_id=port["id"], fixed_ips=fixed_ips(port))


def fixed_ips(port):
    return [network_models.FixedIP(subnet_id=s, ip_address=a)
            for s, a in port["fixed_ips"]]


class LabNetwork(noop_network.NoopNetworkDriver):
    """A Neutron whose ports the simulator keeps.

    Every identifier is a network or a subnet; a subnet's network and its
    addresses follow from its identifier.
    """

    def get_network(self, network_id, context=None):
        return network_models.Network(
            id=network_id, name="net-" + network_id[:8], mtu=1450,
            subnets=ask("subnets", network=network_id)["subnets"],
            admin_state_up=True, port_security_enabled=True)

    def get_subnet(self, subnet_id, context=None):
        if subnet_id is None:
            return network_models.Subnet()
        got = ask("subnet", subnet=subnet_id)
        return network_models.Subnet(
            id=subnet_id, name="subnet-" + subnet_id[:8], ip_version=4,
            network_id=got["network"], cidr=got["cidr"],
            gateway_ip=got["gateway"], host_routes=[])

    def _port(self, port):
        return network_models.Port(
            id=port["id"], name=port.get("name"), device_owner="Octavia",
            device_id=port.get("compute"), network_id=port["network"],
            mac_address="fa:16:3e:" + ":".join(
                hashlib.md5(port["id"].encode()).hexdigest()[i:i + 2]
                for i in (0, 2, 4)),
            network=self.get_network(port["network"]), status="ACTIVE",
            admin_state_up=True, fixed_ips=fixed_ips(port))

    def get_port(self, port_id, context=None):
        if port_id is None:
            return network_models.Port()
        return self._port(ask("port", port=port_id))

    def create_port(self, network_id, name=None, fixed_ips=(),
                    secondary_ips=(), security_group_ids=(),
                    admin_state_up=True, qos_policy_id=None):
        return self._port(ask(
            "create-port", network=network_id, name=name,
            fixed_ips=[[ip.get("subnet_id"), ip.get("ip_address")]
                       for ip in fixed_ips]))

    def delete_port(self, port_id):
        ask("delete-port", port=port_id)

    def get_plugged_networks(self, compute_id):
        return [interface(compute_id, port)
                for port in ask("ports", compute_id=compute_id)["ports"]]

    def plug_network(self, compute_id, network_id):
        return interface(compute_id, ask(
            "attach", compute_id=compute_id, network=network_id, port=None))

    def unplug_network(self, compute_id, network_id):
        for port in ask("ports", compute_id=compute_id)["ports"]:
            if port["network"] == network_id:
                ask("detach", compute_id=compute_id, port=port["id"])
                return
        raise base.NetworkNotFound("no such network: " + network_id)

    def plug_fixed_ip(self, port_id, subnet_id, ip_address=None):
        return self._port(ask("add-address", port=port_id, subnet=subnet_id,
                              address=ip_address))

    def unplug_fixed_ip(self, port_id, subnet_id):
        return self._port(ask("drop-address", port=port_id, subnet=subnet_id))

    def plug_aap_port(self, load_balancer, vip, amphora, subnet):
        port = self.create_port(load_balancer.vip.network_id,
                                name="octavia-lb-vrrp-" + amphora.id,
                                fixed_ips=[{"subnet_id": vip.subnet_id}])
        ask("attach", compute_id=amphora.compute_id, port=port.id, network=None)
        return data_models.Amphora(
            id=amphora.id, compute_id=amphora.compute_id,
            vrrp_ip=port.fixed_ips[0].ip_address, ha_ip=vip.ip_address,
            vrrp_port_id=port.id, ha_port_id=vip.port_id)

    def plug_vip(self, loadbalancer, vip):
        return [self.plug_aap_port(loadbalancer, vip, amphora, None)
                for amphora in loadbalancer.amphorae
                if amphora.status == constants.AMPHORA_ALLOCATED]

    def unplug_aap_port(self, vip, amphora, subnet):
        ask("detach", compute_id=amphora.compute_id, port=amphora.vrrp_port_id)

    def get_network_configs(self, loadbalancer, amphora=None):
        configs = {}
        for amp in [amphora] if amphora else loadbalancer.amphorae:
            if amp.status == constants.DELETED:
                continue
            subnet = self.get_subnet(loadbalancer.vip.subnet_id)
            configs[amp.id] = network_models.AmphoraNetworkConfig(
                amphora=amp, vip_subnet=subnet,
                vip_port=self.get_port(loadbalancer.vip.port_id),
                vrrp_subnet=subnet, vrrp_port=self.get_port(amp.vrrp_port_id),
                ha_subnet=subnet, ha_port=self.get_port(amp.ha_port_id))
        return configs

    def allocate_vip(self, loadbalancer):
        vip = loadbalancer.vip
        subnet = self.get_subnet(vip.subnet_id)
        port = ask("create-port", network=subnet.network_id, name="octavia-lb-" + loadbalancer.id,
                   id=vip.port_id or None, fixed_ips=[[vip.subnet_id, vip.ip_address or None]])
        return data_models.Vip(
            ip_address=port["fixed_ips"][0][1], subnet_id=vip.subnet_id,
            network_id=port["network"], port_id=port["id"],
            load_balancer_id=loadbalancer.id), []
