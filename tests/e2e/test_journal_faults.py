# SPDX-License-Identifier: Apache-2.0
"""The journal's disk, and people's hands in it: a clear message, nothing lost,
and `history --verify` that finds every lie."""
import contextlib
import errno
import os
import re
import shutil
import subprocess
import time

import pytest

import journal
from lab import PLANE, STOPPED
from test_faults import explain
from tool import ACCEPT, ROOT, UNTIL

AUTHOR = {"GIT_AUTHOR_NAME": "x", "GIT_AUTHOR_EMAIL": "x@y", "GIT_COMMITTER_NAME": "oc-octavia-adopt",
          "GIT_COMMITTER_EMAIL": "x@y"}


def git(folder, *args, text=None):
    done = subprocess.run(["git", "-c", "safe.directory=*", "-C", str(folder), *args], input=text, text=True,
                          env=dict(os.environ, **AUTHOR), capture_output=True, timeout=60)
    assert done.returncode == 0, done
    return done.stdout.strip()


@pytest.fixture
def stopped(lab):
    """Units that are down already make a start short."""
    lab.fault("all", "stopped")


def goes_on(lab, tool, generation):
    tool.start()
    assert lab.kube.get(PLANE)["metadata"]["generation"] == generation + 1
    assert all(state == ("inactive", "disabled")
               for (_, unit), state in lab.octavia_units().items() if unit in STOPPED)


# ---- history --verify --------------------------------------------------------

def replay(folder, commits, change=None, tree=None):
    """The commits made anew on their common parent, with the tool as committer."""
    tip = git(folder, "rev-parse", commits[0] + "^")
    for commit in commits:
        message = git(folder, "log", "-1", "--format=%B", commit)
        tip = git(folder, "commit-tree", tree if tree and commit == commits[-1] else commit + "^{tree}", "-p", tip,
                  text=(change(message) if change else message) + "\n")
    git(folder, "reset", "-q", "--hard", tip)


def rewritten(folder, commits):
    replay(folder, commits, lambda message: message.replace("trust", "trost", 1))


def dropped(folder, commits):
    replay(folder, [c for c in commits if "Phase: intent" not in git(folder, "log", "-1", "--format=%B", c)])


def edited(folder, commits):
    """As if it had always been so: the last commit has other content."""
    path = folder / "adoption.yaml"
    path.write_text(path.read_text() + "edited: true\n")
    git(folder, "add", "-A")
    replay(folder, commits[-1:], tree=git(folder, "write-tree"))


def edited_only(folder, _):
    path = folder / "adoption.yaml"
    path.write_text(path.read_text() + "edited: true\n")


def missing(folder, commits):
    name = git(folder, "rev-parse", commits[0] + "^{tree}")
    (folder / ".git/objects" / name[:2] / name[2:]).unlink()


def outcome(folder, commits):
    tip = git(folder, "commit-tree", "main^{tree}", "-p", "main", text="trust: 099 nothing: done\n\nStep: trust\n"
              "Phase: outcome\nRun: r\nChange: 99\n")
    git(folder, "reset", "-q", "--hard", tip)


def behind(folder, _):
    git(folder, "reset", "-q", "--hard", "main~2")


@pytest.fixture
def adopted(lab, tool, stopped):
    tool.start("--until", "trust")
    tool.verify()
    return tool


LIES = {rewritten: "dropped or rewritten", dropped: "outcome without an intent", edited: "dropped or rewritten",
        edited_only: "was changed in the work tree", missing: "missing or unreadable",
        outcome: "outcome without an intent", behind: "dropped or rewritten"}


def test_verify_finds(lab, adopted):
    for lie, words in LIES.items():
        folder = adopted.folder / lie.__name__
        shutil.copytree(adopted.journal, folder, symlinks=True)
        shutil.copy(str(adopted.journal) + ".key", str(folder) + ".key")
        commits = git(folder, "rev-list", "--reverse", "main").split()
        lie(folder, commits[2:])
        result = adopted.run("history", "--verify", "--journal", str(folder))
        assert result.code == 1 and words in result.out + result.err, (lie.__name__, result)
    adopted.verify()
    adopted.rollback()


# ---- the disk ----------------------------------------------------------------

@contextlib.contextmanager
def small_disk(tool, size):
    tool.state.mkdir()
    subprocess.run(["mount", "-t", "tmpfs", "-o", "size=" + size, "tmpfs", str(tool.state)], check=True)
    try:
        yield
    finally:
        subprocess.run(["umount", "-l", str(tool.state)], check=True)


def fill(filler, spare):
    """All but about that many bytes of the disk."""
    size = 0
    with filler.open("wb", buffering=0) as file, contextlib.suppress(OSError):
        while True:
            size += file.write(b"x" * 4096)
    os.truncate(filler, max(0, size - spare))


def start_and_fill(tool, filler, spare):
    """The disk fills up when the run has made a commit."""
    before = tool.journal and journal.head(tool.journal)
    process = tool.popen("start", "-y", *ACCEPT, *UNTIL)
    while process.poll() is None and not (tool.journal and journal.head(tool.journal) not in (None, before)):
        time.sleep(0.005)
    fill(filler, spare)
    return tool.finish(process)


@pytest.mark.more
def test_full_disk(lab, tool, stopped):
    """Full before the first commit, and again in the middle of the run."""
    generation = lab.kube.get(PLANE)["metadata"]["generation"]
    with small_disk(tool, "80m"):
        filler = tool.state / "filler"
        fill(filler, 0)
        explain(tool.start(expect=None), 1, "the journal needs room", str(tool.state))
        for spare in (0, 20000, 60000):
            filler.unlink()
            result = start_and_fill(tool, filler, spare)
            if spare == 0 or result.code:
                explain(result, 1, "No space left on device", str(tool.state))
            journal.fsck(tool.journal)
        filler.unlink()
        goes_on(lab, tool, generation)
        tool.verify()
        tool.rollback()


@pytest.fixture(scope="session")
def preload(tmp_path_factory):
    library = tmp_path_factory.mktemp("preload") / "faults.so"
    subprocess.run([os.environ.get("CC", "cc"), "-shared", "-fPIC", "-D_GNU_SOURCE", "-o", str(library),
                    str(ROOT / "tests/e2e/preload_faults.c"), "-ldl"], check=True)
    return library


@pytest.mark.more
def test_broken_disk(lab, tool, stopped, preload):
    """Whatever the system says, and wherever in the run it begins to say so."""
    generation = lab.kube.get(PLANE)["metadata"]["generation"]
    for number, after in ((errno.EACCES, 1), (errno.EIO, 30), (errno.EROFS, 90), (errno.EMFILE, 160),
                          (errno.ENOSPC, 240), (errno.EIO, 400)):
        result = tool.start(expect=None, env={
            "LD_PRELOAD": str(preload), "FAULT_DIR": str(tool.state / "octavia-adopt"), "FAULT_AFTER": str(after),
            "FAULT_ERRNO": str(number)})
        if result.code:
            explain(result, 1, str(tool.state))
            assert os.strerror(number).lower()[1:] in result.message.lower(), (number, result)
        if tool.journal and journal.head(tool.journal):
            journal.fsck(tool.journal)
    goes_on(lab, tool, generation)
    tool.verify()
    tool.rollback()


# ---- hands -------------------------------------------------------------------

def torn(folder):
    """The last commit and its tree, as after a power loss without fsync."""
    for name in (git(folder, "rev-parse", "main"), git(folder, "rev-parse", "main^{tree}")):
        path = folder / ".git/objects" / name[:2] / name[2:]
        path.chmod(0o600)
        os.truncate(path, 20)


def edit(folder):
    (folder / "adoption.yaml").write_text("edited: by hand\n")
    (folder / "notes.txt").write_text("mine\n")


def spoil_index(folder):
    (folder / ".git/index").write_bytes(b"\0" * 100)


def stale_locks(folder):
    for name in ("index.lock", "HEAD.lock", "refs/heads/main.lock"):
        path = folder / ".git" / name
        path.write_text("")
        os.utime(path, (0, 0))


def collect(folder):
    git(folder, "gc", "-q", "--prune=now")


def commit(folder):
    git(folder, "commit", "-q", "--allow-empty", "-m", "by hand")


def detach(folder):
    git(folder, "checkout", "-q", "--detach", "main~1")


HANDS = [((torn,), "torn"), ((edit, spoil_index, stale_locks), "aside"), ((collect, commit), ""), ((detach,), "")]


def test_hands_between_runs(lab, tool, stopped):
    generation = lab.kube.get(PLANE)["metadata"]["generation"]
    tool.start("--until", "trust")
    for hands, words in HANDS:
        for hand in hands:
            hand(tool.journal)
        result = tool.start("--until", "trust")
        assert words in result.out + result.err, (hands, result)
        journal.fsck(tool.journal)
        tool.verify()
    aside = list((tool.journal / ".git/octavia-adopt").rglob("notes.txt"))
    assert [p.read_text() for p in aside] == ["mine\n"]
    goes_on(lab, tool, generation)
    tool.rollback()
    tool.verify()


@pytest.mark.more
def test_rebase_between_runs(lab, tool, stopped):
    """Rewritten by hand: verify says so, and nothing is done on such ground; what
    the message says brings the recorded history back."""
    tool.start("--until", "trust")
    generation = lab.kube.get(PLANE)["metadata"]["generation"]
    commits = git(tool.journal, "rev-list", "--reverse", "main").split()
    replay(tool.journal, commits[1:], lambda message: re.sub(r"(?m)^(trust: .*)$", r"\1 (mine)", message))
    found = tool.run("history", "--verify")
    assert found.code == 1 and "dropped or rewritten" in found.out + found.err, found
    refused = tool.start(expect=4)
    explain(refused, 4, "which the cluster remembers", "git -C")
    mine = git(tool.journal, "rev-parse", "main")
    back = re.search(r"git -C \S+ (reset --hard [0-9a-f]{40})", refused.message).group(1)
    git(tool.journal, *back.split())
    assert git(tool.journal, "rev-parse", "main") not in (mine, "")
    tool.verify()
    goes_on(lab, tool, generation)
    tool.rollback()
