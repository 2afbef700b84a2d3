#!/usr/bin/env python3
"""normalise.py CRD.yaml...: make upstream CRDs loadable by kube-apiserver 1.20.

Writes CRD.json.gz beside each. CEL rules (x-kubernetes-validations) are
unknown to 1.20; 'required' lists go because the lab's webhook fills in fewer fields
than the operators' own; empty string defaults go. Keys of
list maps stay required. Needs PyYAML.
"""
import gzip
import json
import sys

import yaml


def walk(node, keep=False):
    if isinstance(node, dict):
        node.pop("x-kubernetes-validations", None)
        if node.get("type") == "string" and node.get("default") == "":
            node.pop("default")
        if isinstance(node.get("required"), list) and not keep:
            node.pop("required")
        for key, value in list(node.items()):
            walk(value, key == "items" and "x-kubernetes-list-map-keys" in node)
    elif isinstance(node, list):
        for value in node:
            walk(value)


for name in sys.argv[1:]:
    with open(name) as f:
        crd = yaml.safe_load(f)
    for version in crd["spec"]["versions"]:
        walk(version["schema"])
    with open(name.rsplit(".yaml", 1)[0] + ".json.gz", "wb") as f:
        with gzip.GzipFile(fileobj=f, mode="wb", compresslevel=9, mtime=0, filename="") as g:
            g.write(json.dumps(crd, separators=(",", ":")).encode())
