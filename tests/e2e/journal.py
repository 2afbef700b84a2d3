# SPDX-License-Identifier: Apache-2.0
"""The journal as plain git sees it."""
import subprocess


def find(state):
    """The one journal below a state folder, or None."""
    found = [p.parent for p in state.glob("octavia-adopt/*/*/.git")]
    assert len(found) <= 1, found
    return found[0] if found else None


def git(folder, *args, **more):
    return subprocess.run(["git", "-c", "safe.directory=*", "-C", str(folder), *args], capture_output=True,
                          check=True, timeout=120, **more).stdout


def fsck(folder):
    done = subprocess.run(["git", "-c", "safe.directory=*", "-C", str(folder), "fsck", "--strict", "--full",
                           "--no-dangling"], capture_output=True, text=True, timeout=120)
    complaints = [line for line in (done.stdout + done.stderr).splitlines()
                  if not line.startswith(("Checking ", "notice:"))]
    assert done.returncode == 0 and not complaints, (done.returncode, complaints)


def head(folder):
    """The id of the last commit, or None where there is none yet."""
    try:
        return (folder / ".git" / "refs" / "heads" / "main").read_text().strip()
    except OSError:
        packed = folder / ".git" / "packed-refs"
        lines = packed.read_text().splitlines() if packed.exists() else []
        return next((line.split()[0] for line in lines if line.endswith(" refs/heads/main")), None)


def count(folder):
    return int(git(folder, "rev-list", "--count", "main"))


def subjects(folder):
    return git(folder, "log", "--reverse", "--format=%s", "main").decode().splitlines()


def objects(folder):
    """All that is in it, decompressed, also what no commit reaches."""
    return git(folder, "cat-file", "--batch-all-objects", "--batch", "--unordered")
