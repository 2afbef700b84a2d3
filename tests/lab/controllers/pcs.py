#!/usr/bin/env python3
"""crm_mon's XML (standard input) as JSON: {"quorum": true, "resources": {id:
{"disabled": false, "roles": {node: role}}}}. An empty input gives null."""
import json
import sys
import xml.etree.ElementTree as tree


def main():
    text = sys.stdin.read()
    if not text.strip():
        print("null")
        return
    top = tree.fromstring(text)
    dc = top.find("summary/current_dc")
    out = {}
    for res in top.iter("resource"):
        row = out.setdefault(res.get("id"), {"disabled": False, "roles": {}, "stopped": 0})
        row["disabled"] |= res.get("target_role") == "Stopped"
        nodes = [n.get("name") for n in res.iter("node")]
        for node in nodes:
            row["roles"][node] = res.get("role")
        row["stopped"] += not nodes
    print(json.dumps({"quorum": dc is not None and dc.get("with_quorum") == "true", "resources": out},
                     sort_keys=True, indent=1))


if __name__ == "__main__":
    main()
