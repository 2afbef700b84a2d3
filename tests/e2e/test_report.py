# SPDX-License-Identifier: Apache-2.0
"""`report`: a page of 10,000 amphorae in a real browser, in the light, in the
dark and on paper; by keyboard; with names that try to be more than names."""
import json
import os
import pathlib
import pty
import re
import subprocess
import time

import pytest

import browser
import journal
import report_journal
from lab import LEASE
from test_readonly import changing
from tool import PROGRAM

AMPHORAE = 10000
SECONDS = 2


def report(folder, *args, **more):
    env = dict(os.environ, HOME=str(folder), XDG_STATE_HOME=str(folder / "state"), KUBECONFIG="/nonexistent",
               NO_COLOR="1", TERM="dumb")
    return subprocess.run([str(PROGRAM), "report", "--offline", *args], env=env, cwd=folder, capture_output=True,
                          text=True, timeout=300, **more)


@pytest.fixture(scope="module")
def made(tmp_path_factory):
    """The journal, and the page of it."""
    folder = tmp_path_factory.mktemp("report")
    known = report_journal.make(folder / "journal", AMPHORAE)
    done = report(folder, "--journal", str(folder / "journal"), "--output-file", "page.html")
    assert (done.returncode, done.stdout) == (0, ""), done
    assert "Written: " in done.stderr
    assert (folder / "page.html").stat().st_mode & 0o777 == 0o600
    return {"folder": folder, "page": folder / "page.html", **known}


@pytest.fixture(scope="module")
def chromium(tmp_path_factory):
    assert browser.PROGRAM, "chromium is missing: tests/tools/install-deps test"
    one = browser.Browser(tmp_path_factory.mktemp("chromium"))
    one.size(1280, 900)
    yield one
    one.close()


@pytest.fixture
def page(chromium, made):
    chromium.look()
    chromium.open(made["page"])
    yield chromium
    assert chromium.complaints == []


def cpu_seconds(pid):
    """Of a process and all below it."""
    total, children = 0, {}
    for stat in pathlib.Path("/proc").glob("[0-9]*/stat"):
        try:
            fields = stat.read_text().rsplit(")", 1)[1].split()
        except OSError:
            continue
        children.setdefault(int(fields[1]), []).append((int(stat.parent.name), int(fields[11]) + int(fields[12])))
        if int(stat.parent.name) == pid:
            total += int(fields[11]) + int(fields[12])
    below = [pid]
    while below:
        for child, ticks in children.get(below.pop(), []):
            below.append(child)
            total += ticks
    return total / os.sysconf("SC_CLK_TCK")


def test_opens_quickly(chromium, made):
    chromium.open(made["page"])
    best = None
    for _ in range(5):
        busy = os.getloadavg()[0] > os.cpu_count()
        before = cpu_seconds(chromium.process.pid)
        wall = chromium.open(made["page"])
        # Where others take the processors, what it takes of them counts.
        took = cpu_seconds(chromium.process.pid) - before if busy else wall
        best = took if best is None else min(best, took)
    assert best < SECONDS, best
    assert chromium.run("document.querySelectorAll('#amphorae-table tbody tr').length") >= AMPHORAE


def test_nothing_breaks_out(page):
    assert page.run("document.title") == "Octavia adoption of openstack/openstack"
    assert page.run("document.scripts.length") == 1
    assert page.run("document.images.length") == 0
    assert page.run("[...document.querySelectorAll('*')].every(e=>![...e.attributes].some(a=>/^on/.test(a.name)))")
    assert page.run("[...document.querySelectorAll('td')].some(e=>e.textContent.includes('<img src=x onerror='))")
    # One that got in all the same would not run.
    page.run("(()=>{const s=document.createElement('script');s.textContent='document.title=1';"
             "document.body.append(s)})()")
    assert page.run("document.title") == "Octavia adoption of openstack/openstack"
    refused = page.complaints
    assert refused and all("Content Security Policy" in json.dumps(entry) for entry in refused)
    page.events.clear()


def test_says_what_happened(page, made):
    text = page.run("document.body.innerText")
    for part in ("anna@bastion", "https://api.example:6443", "ovn-gateway", "amphora-image", "Stuck load balancers",
                 "UPDATE load_balancer SET provisioning_status = 'ERROR' WHERE id = '%s' AND provisioning_status = "
                 "'PENDING_UPDATE';" % made["broken"][-1]["lb"], "git -C ", journal.head(made["folder"] / "journal"),
                 "octavia-link-router", "a failover can't be undone", "1 load balancer is not as it should be"):
        assert part in text, part
    # Of both runs: a bar for each step that was at work.
    assert page.run("document.querySelectorAll('svg rect.z').length") == 2
    assert page.run("document.querySelectorAll('svg rect[class^=b-]').length") == 8
    states = json.loads(report(made["folder"], "--journal", str(made["folder"] / "journal"), "-o",
                               "json").stdout)["amphorae"]
    kinds = [row["state"] for row in states]
    assert kinds.count("replaced") == kinds.count("new") == 2 * (len(made["broken"]) - 1)
    assert kinds.count("proved") == AMPHORAE - 2 * (len(made["broken"]) - 1) - 1 and kinds.count("unproved") == 1


def test_differences_are_folded(page):
    assert page.run("document.querySelectorAll('#steps details[open]').length") == 0
    page.run("document.querySelector('#steps summary').focus()")
    page.key("Enter", "\r")
    assert page.run("document.querySelectorAll('#steps details[open]').length") == 1
    assert "sha256:" in page.run("document.querySelector('#steps details[open] pre').innerText")
    units = page.run("[...document.querySelectorAll('#steps details')].find(e=>e.textContent.includes("
                     "'ctl2:octavia units, phase 1 (api)')).querySelector('pre').textContent")
    assert "-tripleo_octavia_api: active, enabled" in units and "+tripleo_octavia_api: inactive, disabled" in units


def test_keyboard_reaches_everything(page):
    page.run("document.activeElement.blur()")
    seen = []
    for _ in range(40):
        page.key("Tab")
        seen.append(page.run("(e=>e.id||e.tagName+' '+(e.getAttribute('aria-label')||e.textContent.slice(0,30)))"
                             "(document.activeElement)"))
        ring = page.run("getComputedStyle(document.activeElement).outlineStyle")
        assert ring == "solid", (seen[-1], ring)
    assert seen[0] == "A To the content"
    assert "DIV Timeline" in seen and "DIV Runs" in seen and any(s.startswith("SUMMARY") for s in seen)
    page.run("document.querySelector('.skip').focus()")
    page.key("Enter", "\r")
    assert page.run("location.hash") == "#main"


def shown(page, count):
    end = time.monotonic() + 30
    while page.run("document.getElementById('filter-count').textContent") != count:
        assert time.monotonic() < end, page.run("document.getElementById('filter-count').textContent")
        time.sleep(0.2)


def test_filter(page, made):
    lb = made["broken"][0]["lb"]
    page.run("document.getElementById('filter-text').focus()")
    page.type(lb + " replaced")
    total = "{:,}".format(AMPHORAE + 2 * (len(made["broken"]) - 1))
    shown(page, "2 of %s shown" % total)
    assert page.run("[...document.querySelectorAll('#amphorae-table tbody tr')].filter(r=>r.offsetParent)"
                    ".every(r=>r.textContent.includes(%s))" % json.dumps(lb))
    page.run("(e=>{e.value='';e.dispatchEvent(new Event('input'))})(document.getElementById('filter-text'))")
    shown(page, "%s of %s shown" % (total, total))


def contrast(page, selector):
    """By WCAG 2: of the text of an element to the next background above it."""
    return page.run("""(e=>{const rgb=c=>c.match(/[\\d.]+/g).map(Number);
        const light=c=>rgb(c).slice(0,3).map(v=>(v/=255)<=.03928?v/12.92:((v+.055)/1.055)**2.4)
            .reduce((s,v,i)=>s+v*[.2126,.7152,.0722][i],0);
        let b=e;while(b.parentElement&&rgb(getComputedStyle(b).backgroundColor)[3]===0)b=b.parentElement;
        const l=[light(getComputedStyle(e).color),light(getComputedStyle(b).backgroundColor)].sort((x,y)=>y-x);
        return (l[0]+.05)/(l[1]+.05)})(document.querySelector(%s))""" % json.dumps(selector))


@pytest.mark.parametrize("scheme", ["light", "dark"])
def test_readable(page, scheme):
    page.look(prefers_color_scheme=scheme)
    page.run("document.querySelectorAll('#steps details').forEach(e=>e.open=true)")
    dark = sum(map(int, re.findall(r"\d+", page.run("getComputedStyle(document.body).backgroundColor"))[:3])) < 128
    assert dark == (scheme == "dark")
    for selector in ("p", "dt", "a", ".s.good", ".s.bad", ".s.wait", ".s.off", "pre .a", "pre .r", "pre .h", "th",
                     "td", "summary .soft", "figcaption"):
        assert contrast(page, selector) >= 4.5, selector


def test_on_paper(page, made, tmp_path):
    page.look(media="print", prefers_color_scheme="dark")
    assert page.run("getComputedStyle(document.body).backgroundColor") == "rgb(255, 255, 255)"
    assert page.run("getComputedStyle(document.querySelector('nav')).display") == "none"
    page.look()
    small = tmp_path / "journal"
    report_journal.make(small, 40, 3)
    assert report(tmp_path, "--journal", str(small), "--output-file", "small.html").returncode == 0
    page.open(tmp_path / "small.html")
    page.pdf(tmp_path / "small.pdf")
    assert (tmp_path / "small.pdf").read_bytes().startswith(b"%PDF-")
    # What was opened for the printer is shut again.
    assert page.run("document.querySelectorAll('details[open]').length") == 0


def test_narrow_screen(page):
    page.size(360, 740)
    try:
        assert page.run("document.documentElement.scrollWidth") <= 360
    finally:
        page.size(1280, 900)


def test_markdown(made):
    done = report(made["folder"], "--journal", str(made["folder"] / "journal"), "-o", "markdown")
    assert done.returncode == 0 and done.stdout.startswith("# Octavia adoption of openstack/openstack\n")
    outside = re.sub(r"(?ms)^(`{3,})\w*\n.*?^\1$", "", done.stdout)
    assert "<script" not in outside and not set("\x1b\u202e\u202c") & set(done.stdout)
    assert re.search(r"And [\d,]+ more", outside)
    for line in outside.splitlines():
        if line.startswith("| "):
            assert len(re.findall(r"(?<!\\)\|", line)) > 3, line


def test_terminal(made):
    """A page is no use there: say so, write nothing."""
    master, slave = pty.openpty()
    command = [str(PROGRAM), "report", "--offline", "--journal", str(made["folder"] / "journal")]
    done = subprocess.run(command, stdout=slave, stderr=subprocess.PIPE, text=True, timeout=60,
                          env=dict(os.environ, HOME=str(made["folder"]), KUBECONFIG="/nonexistent"))
    os.close(slave)
    os.close(master)
    assert done.returncode == 2 and "--output-file report.html" in done.stderr


def test_no_journal(tmp_path):
    done = report(tmp_path, "--journal", str(tmp_path / "none"))
    assert done.returncode == 1 and done.stdout == "", done


@pytest.mark.more
def test_of_a_real_run(lab, tool, chromium):
    lab.fault("all", "stopped")
    tool.start()
    lease, mark, head = lab.kube.get(LEASE), lab.mark(), journal.head(tool.journal)
    live = tool.run("report", "-o", "json", expect=0).json
    tool.run("report", "--output-file", "page.html", expect=0)
    assert changing(lab, mark) == [] and lab.kube.get(LEASE) == lease and journal.head(tool.journal) == head
    assert live["now"]["asked"] and live["journal"]["problems"] == [] and live["journal"]["head"] == head
    chromium.open(tool.folder / "page.html")
    assert chromium.complaints == []
    assert "enable-octavia" in chromium.run("document.body.innerText")
