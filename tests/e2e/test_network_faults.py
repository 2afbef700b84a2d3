# SPDX-License-Identifier: Apache-2.0
"""What a broken network does: a run goes on, or stops with a clear message, and
no write is sent a second time before somebody looked.

E2E_ALL=1 tries every fault at every place; else a sample.
"""
import os
import re
import sys
import time

import pytest
import yaml

from lab import CONTROLLERS, HOSTS, LAB, PLANE, STOPPED
from test_faults import explain
from test_main import assert_adopted, assert_as_before
from tool import ACCEPT, UNTIL

sys.path.insert(0, str(LAB.parent))
from faultproxy import (BUSY, CHUNK_CUT, EMPTY, GARBAGE, NOT_JSON, PAGE, Answer, Closed, Cut, Drop,  # noqa: E402
                        Endless, HttpsProxy, Lost, Refuse, Silent, Slow, Speak, TcpProxy, goodbye)

ALL = bool(os.environ.get("E2E_ALL"))

# Answers that are none. (name, fault, seconds a read may take)
FAULTS = {
    "refused": Refuse(), "dropped": Drop(), "lost": Lost(), "cut": Lost(after=700), "page": Answer(PAGE),
    "busy": Answer(BUSY), "garbage": Answer(GARBAGE), "chunk": Answer(CHUNK_CUT), "half": Answer(NOT_JSON),
    "empty": Answer(EMPTY), "endless": Endless(), "silent": Silent(), "slow": Slow(0.4),
    "tls-handshake": Closed(), "tls-early": Lost(after=700, end=goodbye)}
# Those that a run goes on over.
HARMLESS = ("slow",)
# For reads that end sooner than a silent server would.
IMPATIENT = ("--request-timeout", "2s")
PATCH = r"PATCH .*/openstackcontrolplanes/openstack\?(?!.*dryRun)"


@pytest.fixture
def api(lab, tool):
    """The API server behind the proxy."""
    pki = lab.dir / "pki"
    with HttpsProxy("127.0.0.1:%d" % lab.kube.port, pki / "kube-serving.crt", pki / "kube-serving.key") as proxy:
        config = yaml.safe_load(open(tool.kubeconfig(tool.user)))
        config["clusters"][0]["cluster"]["server"] = "https://127.0.0.1:%d" % proxy.port
        target = tool.folder / "kubeconfig.yaml"
        target.write_text(yaml.safe_dump(config))
        tool.env["KUBECONFIG"] = str(target)
        yield proxy


def spoil(proxy, name, match, **how):
    """That fault for what matches; for connections if it comes before any request."""
    fault = FAULTS[name]
    proxy.fault(fault, match="connection" if getattr(fault, "at", "") == "connection" else match, **how)


def is_clear(result):
    """The message names what was asked or who, fits a screen, steers no terminal."""
    assert "\x1b" not in result.err + result.out and "\x07" not in result.err, result
    assert result.message and len(result.message.splitlines()) <= 24, result


@pytest.mark.more
@pytest.mark.parametrize("name", FAULTS)
def test_reads(lab, tool, api, name):
    """Every answer is spoilt: an error; the first two: all goes on, or an error."""
    spoil(api, name, r"\S+ /")
    begun = time.monotonic()
    result = tool.run("plan", *ACCEPT, *UNTIL, *IMPATIENT, timeout=60)
    assert result.code == (0 if name in HARMLESS else 1) and api.hits, result
    if result.code:
        is_clear(result)
        assert "127.0.0.1" in result.message or "api" in result.message.lower(), result
    assert time.monotonic() - begun < 45
    api.clear()
    spoil(api, name, "GET /", count=2, skip=1)
    result = tool.run("status", *IMPATIENT, timeout=60)
    assert result.code in (0, 1), result
    if name in ("dropped", "lost", "cut", *HARMLESS):
        assert result.code == 0, result
    if result.code:
        is_clear(result)


def plane_patches(lab, mark):
    return [w for w in lab.writes(mark) if w[1].startswith("openstackcontrolplanes/")]


SAMPLE = ("lost", "page", "silent")


@pytest.mark.more
@pytest.mark.parametrize("name", [n for n in FAULTS if ALL or n in SAMPLE])
def test_write(lab, tool, api, name):
    """The one patch of the control plane is done once, whatever is answered."""
    lab.fault("all", "stopped")
    spec, units, pcs = lab.spec(), lab.units(), lab.pcs()
    generation = lab.kube.get(PLANE)["metadata"]["generation"]
    mark = lab.mark()
    spoil(api, name, PATCH, count=1)
    first = tool.run("start", "-y", *START, "--request-timeout", "6s")
    assert api.hits and first.code in (0, 1), first
    if first.code:
        is_clear(first)
    tool.start()
    assert lab.kube.get(PLANE)["metadata"]["generation"] == generation + 1
    assert len([s for s in api.seen if re.search(PATCH, s)]) <= 2
    assert len(plane_patches(lab, mark)) <= 1
    api.hits.clear()
    spoil(api, name, PATCH, count=1)
    first = tool.rollback("--request-timeout", "6s", expect=None)
    assert api.hits and first.code in (0, 1), first
    tool.rollback()
    assert lab.kube.get(PLANE)["metadata"]["generation"] == generation + 2
    assert_as_before(lab, tool, spec, units, pcs)


START = (*ACCEPT, *UNTIL)


@pytest.mark.more
def test_watches_and_the_lease(lab, tool, api):
    """Each kind of broken stream, and a Lease that can't be renewed for a while."""
    lab.fault("all", "stopped")
    for fault in (Lost(after=900), Answer(PAGE), Answer(CHUNK_CUT), Answer(GARBAGE), Drop(), Answer(EMPTY)):
        api.fault(fault, match="GET .*watch=1", count=1)
    api.fault(Lost(), match="PATCH .*/leases/", count=1)
    lab.knob(octavia_delay=12)
    tool.start()
    assert len([h for h in api.hits if "watch=1" in h[1]]) >= 3, api.hits
    tool.verify()
    api.clear()
    api.fault(Slow(0.4), match="GET /", count=6)
    api.fault(Answer(BUSY), match="GET .*/leases/", count=1)
    first = tool.rollback(expect=None)
    assert first.code in (0, 1), first
    if first.code:
        is_clear(first)
        tool.rollback()


@pytest.mark.more
def test_latency(lab, tool, api):
    lab.fault("all", "stopped")
    api.latency = 0.15
    tool.start()
    tool.verify()


@pytest.mark.more
@pytest.mark.parametrize("cert, words", [("kube-expired-serving", "expired"), ("kube-wrong-name", "127.0.0.1")])
def test_certificates(lab, tool, api, cert, words):
    """From the middle of a run on: it stops; nothing is believed."""
    lab.fault("all", "stopped")
    spec = lab.spec()
    pki = lab.dir / "pki"
    api.use(pki / (cert + ".crt"), pki / (cert + ".key"))
    result = tool.run("start", "-y", *START, expect=1)
    is_clear(result)
    assert words in result.message and "certificate" in result.message, result
    assert not [s for s in api.seen if not s.startswith("connection")] and lab.spec() == spec


# ---- controllers ---------------------------------------------------------------

@pytest.fixture
def ctl2(lab, tool):
    """The second controller's sshd behind the proxy."""
    with TcpProxy(HOSTS[1] + ":22") as proxy:
        known = tool.folder / "known_hosts"
        text = (lab.dir / "ssh/known_hosts").read_text()
        keys = re.findall(r"^%s\S* (.*)$" % re.escape(HOSTS[1]), text, re.M)
        known.write_text(text + "".join("[127.0.0.1]:%d %s\n" % (proxy.port, key) for key in keys))
        config = tool.config.read_text()
        config = config.replace("host: %s, user: tripleo-admin, port: 22" % HOSTS[1],
                                "host: 127.0.0.1, user: tripleo-admin, port: %d" % proxy.port)
        config = config.replace(str(lab.dir / "ssh/known_hosts"), str(known))
        assert str(proxy.port) in config and str(known) in config
        tool.config = tool.folder / "proxied.yaml"
        tool.config.write_text(config)
        yield proxy


SSH_FAULTS = {
    "refused": Refuse(), "silent": Silent(), "garbage": Speak(GARBAGE), "endless": Speak(b"x" * 65536, endless=True),
    "banner": Cut(after=20), "handshake": Cut(after=900), "authentication": Cut(after=2600),
    "escapes": Speak(b"SSH-2.0-\x1b]0;owned\x07\x1b[2J\r\n")}


@pytest.mark.more
@pytest.mark.parametrize("name", SSH_FAULTS)
def test_controller(lab, tool, ctl2, name):
    ctl2.fault(SSH_FAULTS[name])
    text = tool.config.read_text()
    tool.config.write_text(text.replace("ssh: {", "ssh: {connectTimeout: 3s, "))
    begun = time.monotonic()
    status = tool.run("status", "-o", "json", timeout=60)
    assert time.monotonic() - begun < 40
    assert [c["reachable"] for c in status.json["controllers"]] == [True, False, True], status
    assert "\x1b" not in status.out + status.err
    refused = tool.run("start", "-y", *START, timeout=90)
    explain(refused, 1, "127.0.0.1")
    assert "\x1b" not in refused.err and "\x07" not in refused.err
    assert lab.units() == lab.pristine


@pytest.mark.more
def test_controller_far_away(lab, tool, ctl2):
    """Every packet comes late: slower, and else as ever."""
    lab.fault("all", "stopped")
    ctl2.latency = 0.15
    tool.start()
    tool.rollback()
    tool.verify()


@pytest.mark.more
@pytest.mark.parametrize("after", [6000, 9000, 14000] if ALL else [9000])
def test_controller_lost_in_the_middle(lab, tool, ctl2, after):
    """The connection breaks somewhere in the run: what became of the command is
    looked at, and nothing is stopped twice."""
    mark = lab.mark()
    ctl2.fault(Cut(after=after), count=1)
    first = tool.run("start", "-y", *START)
    assert ctl2.hits and first.code in (0, 1), first
    if first.code:
        explain(first, 1, "127.0.0.1")
    tool.start()
    assert_adopted(lab, tool)
    stopping = [(ctl, unit) for _, ctl, unit, event in lab.unit_log(mark) if event == "stopping" and unit in STOPPED]
    assert sorted(stopping) == sorted((ctl, unit) for ctl in CONTROLLERS for unit in STOPPED)
    tool.rollback()
