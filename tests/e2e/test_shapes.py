# SPDX-License-Identifier: Apache-2.0
"""Old clouds of other shapes, as far as real systems tell them apart: health
checks of OSP 16.2 under a real systemd, Redis without a cluster, certificates
in other places. What the fakes can show is in tests/unit/steps_shapes.c."""
import base64
import contextlib
import re
import time

from lab import CONTROLLERS, STOPPED
from test_kill import wait_commit

CONF = "/var/lib/config-data/puppet-generated/octavia"
UNITS = "/etc/systemd/system"
# As paunch of OSP 16 writes them, only that they check once a second.
CHECK = """[Unit]
After=tripleo_octavia_{0}.service
Requisite=tripleo_octavia_{0}.service
[Service]
Type=oneshot
ExecStart=/bin/sleep {1}
[Install]
WantedBy=multi-user.target
"""
TIMER = """[Unit]
PartOf=tripleo_octavia_{0}.service
[Timer]
OnActiveSec=1
OnUnitActiveSec=1
AccuracySec=100ms
[Install]
WantedBy=timers.target
"""
REDIS = """[Service]
ExecStart=/bin/sleep infinity
[Install]
WantedBy=multi-user.target
"""


def put(lab, ctl, path, text):
    encoded = base64.b64encode(text.encode()).decode()
    lab("exec", ctl, "sh", "-c", "echo %s | base64 -d >%s" % (encoded, path))


def sh(lab, script, ctls=CONTROLLERS):
    return {ctl: lab("exec", ctl, "sh", "-ec", script) for ctl in ctls}


@contextlib.contextmanager
def health_checks(lab):
    """Of all services; a check takes most of each second."""
    names = [unit.replace("tripleo_octavia_", "") for unit in STOPPED]
    timers = " ".join("tripleo_octavia_%s_healthcheck.timer" % name for name in names)
    for ctl in CONTROLLERS:
        for name in names:
            put(lab, ctl, UNITS + "/tripleo_octavia_%s_healthcheck.service" % name, CHECK.format(name, 0.8))
            put(lab, ctl, UNITS + "/tripleo_octavia_%s_healthcheck.timer" % name, TIMER.format(name))
    sh(lab, "systemctl daemon-reload; systemctl enable -q --now %s; for t in %s; do systemctl add-requires -q "
            "${t%%_healthcheck.timer}.service $t; done" % (timers, timers))
    try:
        yield
    finally:
        sh(lab, "systemctl disable -q --now %s; rm -f %s/tripleo_octavia_*_healthcheck.*; "
                "systemctl daemon-reload; systemctl reset-failed" % (timers, UNITS))


def links(lab):
    """What is enabled, and what is started with what."""
    return sh(lab, "cd %s; find . -type l -name 'tripleo_octavia*' | sort" % UNITS)


def test_health_checks(lab, tool):
    with health_checks(lab):
        before, spec = links(lab), lab.spec()
        assert all("tripleo_octavia_api.service.requires/" in text for text in before.values())
        plan = tool.plan()
        assert plan["controllers"]["state"] == "running", plan["controllers"]
        tool.start()
        active = sh(lab, "systemctl list-units --plain --no-legend --state=active,activating 'tripleo_octavia_*' || true")
        assert all(re.findall(r"tripleo_octavia_\w+", text) == ["tripleo_octavia_rsyslog"]
                   for text in active.values()), active
        tool.rollback()
        assert lab.spec() == spec and links(lab) == before
        running = sh(lab, "systemctl is-active tripleo_octavia_*_healthcheck.timer | sort -u", )
        assert set(running.values()) == {"active\n"}


def test_redis_without_a_cluster(lab, tool):
    config = tool.folder / "redis.yaml"
    config.write_text(tool.config.read_text() + "redis: {stopDirector: true}\n")
    tool.config = config
    lab.fault("all", "cluster-down")
    put(lab, "ctl2", UNITS + "/tripleo_redis.service", REDIS)
    sh(lab, "systemctl daemon-reload; systemctl enable -q --now tripleo_redis", ["ctl2"])
    state = "systemctl is-active tripleo_redis; systemctl is-enabled tripleo_redis"
    try:
        tool.start("--accept", "redis-users", "--until", "stop-director")
        assert sh(lab, "(%s) || true" % state, ["ctl2"]) == {"ctl2": "inactive\ndisabled\n"}
        tool.rollback()
        assert sh(lab, state, ["ctl2"]) == {"ctl2": "active\nenabled\n"}
    finally:
        sh(lab, "systemctl disable -q --now tripleo_redis; rm %s/tripleo_redis.service; systemctl daemon-reload" % UNITS,
           ["ctl2"])


def test_certificates_are_where_octavia_conf_says(lab, tool):
    certs = lab.dir / "machines/ctl1/root" / CONF[1:] / "etc/octavia/certs/ca_01.pem"
    wanted = base64.b64encode(certs.read_bytes()).decode()
    move = ("cd %s/etc/octavia; mv %s %s; sed -i 's,^\\(c[a-z_]* *= *\\)/etc/octavia/%s/,\\1/etc/octavia/%s/,' "
            "octavia.conf")
    try:
        sh(lab, move % (CONF, "certs", "site-tls", "certs", "site-tls"))
        tool.start("--until", "trust")
        assert lab.secret("octavia-certs-secret")["data"]["server_ca.cert.pem"] == wanted
        tool.rollback()
        # One that is not there is told by its own name.
        sh(lab, "mv %s/etc/octavia/site-tls/client.pem %s/etc/octavia/site-tls/away.pem" % (CONF, CONF))
        refused = tool.start("--until", "trust", expect=1)
        assert "no controller has %s/etc/octavia/site-tls/client.pem" % CONF in refused.err, refused
    finally:
        sh(lab, "cd %s/etc/octavia/site-tls; [ ! -e away.pem ] || mv away.pem client.pem" % CONF)
        sh(lab, move % (CONF, "site-tls", "certs", "site-tls", "certs"))


def test_stuck_load_balancer(cloud, tool):
    """The SQL is printed and not run; it frees what it is meant for, and nothing
    that has moved on since."""
    cloud.seed("clean", "3")
    cloud.data_plane(True)
    lb = cloud.load_balancers()["lb2"]
    process = tool.popen("start", "-y")
    wait_commit(tool, process, r"endpoints: Done$", None)
    cloud.change("UPDATE load_balancer SET provisioning_status='PENDING_UPDATE', updated_at='2020-01-01' "
                 "WHERE id='%s'" % lb["id"])
    result = tool.finish(process, timeout=600)
    assert result.code == 1 and "1 load balancer is not as it should be" in result.message, result
    said = result.out + result.err
    [sql] = set(re.findall(r"UPDATE load_balancer SET [^;]*;", said))
    assert "WHERE id = '%s' AND provisioning_status = 'PENDING_UPDATE'" % lb["id"] in sql
    assert "nobody works on it" in said
    stuck = tool.run("report", "-o", "json", expect=0).json["stuck"]["items"]
    assert [item["id"] for item in stuck] == [lb["id"]] and sql in stuck[0]["sql"].replace("\n", " ")

    def status():
        return cloud.load_balancers()["lb2"]["provisioning"]

    assert status() == "PENDING_UPDATE"
    began = time.time()
    cloud.change("UPDATE load_balancer SET provisioning_status='ACTIVE' WHERE id='%s'" % lb["id"])
    cloud.change(stuck[0]["sql"])
    assert status() == "ACTIVE"
    cloud.change("UPDATE load_balancer SET provisioning_status='PENDING_UPDATE' WHERE id='%s'" % lb["id"])
    cloud.change(stuck[0]["sql"])
    assert status() == "ERROR"
    tool.cloud_start()
    assert set(cloud.failovers(began)) == {lb["id"]} and status() == "ACTIVE"
