# SPDX-License-Identifier: Apache-2.0
"""Commands that only look change nothing: no object, no Lease, no journal, no
unit; dry runs by the server send nothing but dry runs."""
import journal
from lab import LEASE, WRITES
from tool import ACCEPT, ACCEPT_BACK, UNTIL

LOOKS = [("plan",), ("plan", "-o", "json"), ("status",), ("status", "-o", "wide"), ("status", "-o", "name"),
         ("status", "--check"), ("start", "-y", "--dry-run=client")]
LATER_LOOKS = LOOKS + [
    ("plan", "--rollback"), ("rollback", "-y", "--dry-run=client"), ("history",), ("history", "--verify"),
    ("history", "-o", "json"), ("show", "1"), ("show", "enable-octavia"), ("show", "stop-director", "-o", "yaml"),
    ("status", "--offline")]


def changing(lab, mark):
    """Requests that would change something, also those that were refused."""
    return ["%s %s %s" % (e["verb"], e["requestURI"], e["responseStatus"]["code"]) for e in lab.audit(mark)
            if e["verb"] in WRITES and e["objectRef"]["resource"] != "selfsubjectaccessreviews"]


def assert_only_dry(requests):
    assert requests and all("dryRun=All" in request for request in requests), requests


def look(tool, commands):
    for command in commands:
        accept = ACCEPT + UNTIL if command[0] in ("plan", "start") and "--rollback" not in command else ()
        if command[0] == "rollback" or "--rollback" in command:
            accept = ACCEPT_BACK
        result = tool.run(*command, *accept)
        assert result.code in (0, 3) and result.out, result


def test_looking_changes_nothing(lab, tool):
    # Stopped units make the run between the two halves short.
    lab.fault("all", "stopped")
    spec, units, mark = lab.spec(), lab.units(), lab.mark()
    look(tool, LOOKS)
    nothing = tool.run("rollback", "-y", expect=0)
    assert "nothing to roll back" in nothing.out + nothing.err
    assert changing(lab, mark) == []
    tool.start("--dry-run=server", expect=0)
    assert_only_dry(changing(lab, mark))
    assert lab.kube.get(LEASE) is None and tool.journal is None
    assert lab.spec() == spec and lab.units() == units

    tool.start()
    spec, units, lease = lab.spec(), lab.units(), lab.kube.get(LEASE)
    head, files = journal.head(tool.journal), journal.git(tool.journal, "status", "--porcelain")
    mark = lab.mark()
    look(tool, LATER_LOOKS)
    assert changing(lab, mark) == []
    tool.run("rollback", "-y", "--dry-run=server", expect=0)
    assert_only_dry(changing(lab, mark))
    assert journal.head(tool.journal) == head
    assert journal.git(tool.journal, "status", "--porcelain") == files == b""
    assert lab.spec() == spec and lab.units() == units and lab.kube.get(LEASE) == lease
    assert lab.unit_log(mark) == []
