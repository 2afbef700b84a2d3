#!/usr/bin/env python3
"""Write SQL and a list of amphorae for a cloud as the Director leaves it.

  seed.py full --project ID --sql FILE --amphorae FILE    the twelve load balancers
  seed.py pairs N ... | singles N ...                     N clean ones

Identifiers derive from numbers, so that two runs give the same. The full set is
the table FULL below, and three more amphorae: one DELETED, one without a load
balancer, and one without a heartbeat so far.
"""
import argparse
import json
import uuid

SPACE = uuid.UUID("6f63746c-6162-4000-8000-000000000000")
THEN = "2023-05-04 10:00:00"
OLD_KEY = "lab-heartbeat-key-fedcba9876543210"

# name: topology, provider, provisioning and operating status, what else
PAIR, SINGLE = "ACTIVE_STANDBY", "SINGLE"
FULL = [
    ("lb1", PAIR, "amphora", "ACTIVE", "ONLINE", {"listener": 1}),
    ("lb2", SINGLE, "amphora", "ACTIVE", "ONLINE", {}),
    ("lb3", PAIR, "amphora", "ACTIVE", "ONLINE", {"image": 2}),
    ("lb4", SINGLE, "amphora", "ERROR", "ERROR", {}),
    ("lb5", SINGLE, "ovn", "ACTIVE", "ONLINE", {}),
    ("lb6", PAIR, "amphora", "ACTIVE", "DEGRADED", {"listener": 1, "down": True}),
    ("lb7", SINGLE, "octavia", "ACTIVE", "ONLINE", {}),
    ("lb8", PAIR, None, "ACTIVE", "ONLINE", {}),
    ("lb9", SINGLE, "ovn", "ACTIVE", "ONLINE", {}),
    ("lb10", PAIR, "amphora", "ACTIVE", "ONLINE", {"listener": 1}),
    ("lb11", SINGLE, "amphora", "ACTIVE", "ONLINE", {"listener": 1, "image": 2}),
    ("lb12", PAIR, "amphora", "ACTIVE", "ONLINE", {"expiring": True, "silent": True}),
]
# An image whose agent lacks the fix of LP#2121691.
UNFIXED_IMAGES = {2}

TABLES = ("amphora_health", "vrrp_group", "additional_vip", "vip", "amphora", "listener_statistics",
          "session_persistence", "health_monitor", "l7rule", "l7policy", "member", "sni", "listener_cidr",
          "listener", "pool", "tags", "amphora_build_request", "load_balancer", "quotas")


class Sql(str):
    """Not to be quoted."""


def uid(kind, name):
    return str(uuid.uuid5(SPACE, "%s-%s" % (kind, name)))


VIP_SUBNET = uid("subnet", 0)
VIP_NETWORK = uid("network", VIP_SUBNET)
MEMBER_SUBNET = uid("subnet", 1)


def address(prefix, first, n):
    return "%s.%d.%d" % (prefix, first + n // 250, n % 250 + 4)


def quoted(v):
    if v is None:
        return "NULL"
    if isinstance(v, Sql):
        return v
    if isinstance(v, (bool, int)):
        return str(int(v))
    return "'" + str(v).replace("\\", "\\\\").replace("'", "''") + "'"


class Seed:
    def __init__(self, args):
        self.project, self.prefix = args.project, args.old_network
        self.rows = {}
        self.amphorae = []
        self.key = 0

    def add(self, table, **row):
        self.rows.setdefault(table, []).append(row)

    def amphora(self, lb, role, status="ALLOCATED", **extra):
        """One row, and one simulated amphora unless it is gone."""
        self.key += 1
        key, image = self.key, extra.get("image", 0)
        ident = uid("amphora", key)
        vrrp_ip = address("172.31", 44, key) if lb else None
        addr = address(self.prefix, 16, key)
        self.add("amphora", id=ident, compute_id=uid("compute", key), status=status,
                 load_balancer_id=lb and lb["id"], lb_network_ip=addr, vrrp_ip=vrrp_ip,
                 ha_ip=lb and lb["vip"], vrrp_port_id=uid("vrrp-port", ident) if lb else None,
                 ha_port_id=uid("vip-port", lb["id"]) if lb else None, role=role,
                 cert_expiration=extra.get("expires", "2099-01-01 00:00:00"), cert_busy=False,
                 vrrp_interface="eth1", vrrp_id=1,
                 vrrp_priority={"MASTER": 100, "BACKUP": 90}.get(role), cached_zone="nova",
                 created_at=THEN, updated_at=THEN, image_id=uid("image", image), compute_flavor="65")
        if status == "DELETED":
            return
        if not extra.get("no_health"):
            self.add("amphora_health", amphora_id=ident, last_update=THEN, busy=False)
        row = {"id": ident, "compute_id": uid("compute", key), "address": addr, "role": role,
               "vip": lb and lb["vip"], "vrrp_ip": vrrp_ip, "image": uid("image", image),
               "lb": lb and lb["id"], "topology": "SINGLE" if role == "STANDALONE" else "ACTIVE_STANDBY"}
        if image in UNFIXED_IMAGES:
            row["knobs"] = {"fixed": 0}
        if lb and lb.get("haproxy"):
            row.update(haproxy=lb["haproxy"], subnets=[MEMBER_SUBNET])
        self.amphorae.append(row)

    def listener(self, lb, n, down):
        pool, listener = uid("pool", n), uid("listener", n)
        lines = ["frontend " + listener, "  default_backend %s:%s" % (pool, listener),
                 "backend %s:%s" % (pool, listener)]
        self.add("pool", project_id=self.project, id=pool, name="pool%d" % n, protocol="HTTP",
                 lb_algorithm="ROUND_ROBIN", operating_status="DEGRADED" if down else "ONLINE", enabled=True,
                 load_balancer_id=lb["id"], created_at=THEN, provisioning_status="ACTIVE", tls_enabled=False)
        self.add("listener", project_id=self.project, id=listener, name="listener%d" % n, protocol="HTTP",
                 protocol_port=80, load_balancer_id=lb["id"], default_pool_id=pool,
                 provisioning_status="ACTIVE", operating_status="ONLINE", enabled=True,
                 peer_port=1024 + n % 60000, created_at=THEN, connection_limit=-1, timeout_client_data=50000,
                 timeout_member_connect=5000, timeout_member_data=50000, timeout_tcp_inspect=0)
        for i in range(2 if down else 1):
            ident, ip = uid("member%d" % i, n), "192.168.5.%d" % ((n + 100 * i) % 250 + 2)
            bad = down and i == 1
            self.add("member", project_id=self.project, id=ident, pool_id=pool, subnet_id=MEMBER_SUBNET,
                     ip_address=ip, protocol_port=80, weight=1,
                     operating_status="ERROR" if bad else "ONLINE" if down else "NO_MONITOR", enabled=True,
                     provisioning_status="ACTIVE", backup=False, created_at=THEN)
            lines.append("  server %s %s:80%s" % (ident, ip, " check down" if bad else " check" if down else ""))
        lb["haproxy"] = "\n".join(lines) + "\n"

    def load_balancer(self, n, name, topology, provider, prov, oper, extra):
        lb = {"id": uid("lb", n), "vip": address("172.31", 0, n)}
        self.add("load_balancer", project_id=self.project, id=lb["id"], name=name,
                 description="lab load balancer %d" % n, provisioning_status=prov, operating_status=oper,
                 enabled=True, topology=topology, created_at=THEN, updated_at=THEN, provider=provider)
        self.add("vip", load_balancer_id=lb["id"], ip_address=lb["vip"], port_id=uid("vip-port", lb["id"]),
                 subnet_id=VIP_SUBNET, network_id=VIP_NETWORK, octavia_owned=True)
        if extra.get("listener"):
            self.listener(lb, n, extra.get("down"))
        if provider == "ovn":
            return lb
        image = extra.get("image", 0)
        if topology == SINGLE:
            self.amphora(lb, "STANDALONE", "ERROR" if prov == "ERROR" else "ALLOCATED", image=image)
            return lb
        soon = Sql("DATE_ADD(UTC_TIMESTAMP(), INTERVAL 5 DAY)") if extra.get("expiring") else "2099-01-01 00:00:00"
        self.amphora(lb, "MASTER", image=image, expires=soon)
        self.amphora(lb, "BACKUP", image=image, no_health=extra.get("silent"))
        self.add("vrrp_group", load_balancer_id=lb["id"], vrrp_group_name=lb["id"].replace("-", ""),
                 vrrp_auth_type="PASS", vrrp_auth_pass="labvrrp1", advert_int=1)
        return lb

    def full(self):
        for n, row in enumerate(FULL, 1):
            lb = self.load_balancer(n, *row)
        self.amphora(lb, "MASTER", "DELETED")
        self.amphora(None, None, "READY")

    def clean(self, topology, count):
        for n in range(1, count + 1):
            self.load_balancer(n, "lb%d" % n, topology, "amphora", "ACTIVE", "ONLINE", {})

    def sql(self, out):
        out.write("SET FOREIGN_KEY_CHECKS=0; SET UNIQUE_CHECKS=0; SET autocommit=0;\n")
        for table in TABLES:
            out.write("DELETE FROM %s;\n" % table)
        for table in reversed([t for t in TABLES if t in self.rows]):
            rows = self.rows[table]
            columns = list(rows[0])
            for i in range(0, len(rows), 1000):
                out.write("INSERT INTO %s (%s) VALUES\n%s;\n" % (
                    table, ",".join(columns),
                    ",\n".join("(" + ",".join(quoted(row[c]) for c in columns) + ")"
                               for row in rows[i:i + 1000])))
        out.write("COMMIT;\n")


def main():
    p = argparse.ArgumentParser()
    p.add_argument("what", choices=["full", "pairs", "singles"])
    p.add_argument("count", nargs="?", type=int, default=0)
    p.add_argument("--project", required=True)
    p.add_argument("--old-network", default="172.28")
    p.add_argument("--managers", required=True, help="comma separated")
    p.add_argument("--heartbeat", default="on")
    p.add_argument("--sql", required=True)
    p.add_argument("--amphorae", required=True)
    a = p.parse_args()
    seed = Seed(a)
    if a.what == "full":
        seed.full()
    else:
        seed.clean(PAIR if a.what == "pairs" else SINGLE, a.count)
    with open(a.sql, "w") as f:
        seed.sql(f)
    knobs = {"heartbeat": a.heartbeat}
    if a.old_network == "172.24":
        # Old and new network are alike: nothing of the old one can be reached.
        knobs.update(reachable="0", way_back=0)
    with open(a.amphorae, "w") as f:
        json.dump({"conf": {"controllers": ", ".join(m + ":5555" for m in a.managers.split(",")),
                            "interval": 10, "key": OLD_KEY},
                   "knobs": knobs, "amphorae": seed.amphorae}, f)


if __name__ == "__main__":
    main()
