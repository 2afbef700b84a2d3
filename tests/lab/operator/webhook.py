#!/usr/bin/env python3
"""The mutating webhook of the OpenStackControlPlane, as openstack-operator's.

It decodes the object into its Go structures and writes them out again. Seen
from outside: fields without 'omitempty' appear with their zero values (an
explicit null for a pointer), nested structures appear empty, a few defaults are
set, and a service whose dependencies are not enabled is refused. The API server
then adds the defaults of the CRD's schema.

What it knows of: spec.octavia, spec.redis, spec.ovn. Knobs (from the operator's
control file, read for each request):

  webhook_fail      "text": refuse every request with this message
  webhook_delay     seconds before it answers
  webhook_always    true: octavia.apiOverride and octavia.applicationCredential
                    are written for a disabled Octavia as well
"""
import argparse
import base64
import copy
import http.server
import json
import ssl
import sys
import time

ROUTE_TIMEOUTS = ("api.octavia.openstack.org/timeout", "haproxy.router.openshift.io/timeout")

# service: (the services it needs, in the order the operator names them)
NEEDS = {"octavia": ["galera", "memcached", "rabbitmq", "keystone", "glance", "neutron", "nova"],
         "neutron": ["galera", "rabbitmq", "keystone"],
         "nova": ["galera", "memcached", "rabbitmq", "keystone", "glance", "neutron", "placement"],
         "barbican": ["galera", "keystone"]}
NAMES = {"rabbitmq": "RabbitMQ"}

API = {"databaseInstance": "", "secret": "", "serviceAccount": "", "auth": {}, "override": {}, "resources": {},
       "passwordSelectors": {}, "apiTimeout": 0, "tls": {"api": {"internal": {}, "public": {}}, "ovn": {}}}
CONTROLLER = {"databaseInstance": "", "secret": "", "serviceAccount": "", "role": "", "auth": {},
              "resources": {}, "passwordSelectors": {}, "tls": {}, "lbMgmtNetworkID": "",
              "lbSecurityGroupID": "", "octaviaProviderSubnetGateway": "", "octaviaProviderSubnetCIDR": ""}
RSYSLOG = {"serviceAccount": "", "resources": {}, "octaviaProviderSubnetGateway": "",
           "octaviaProviderSubnetCIDR": ""}
TEMPLATE = {"databaseInstance": "", "secret": "", "amphoraImageContainerImage": "", "apacheContainerImage": "",
            "passwordSelectors": {}, "lbMgmtNetwork": {}, "resources": {}, "auth": {},
            "octaviaAPI": API, "octaviaHousekeeping": CONTROLLER, "octaviaHealthManager": CONTROLLER,
            "octaviaWorker": CONTROLLER, "octaviaRsyslog": RSYSLOG}
REDIS = {"resources": {}, "sentinelResources": {}, "tls": {}}


def fill(have, zero):
    """Add what is missing; what is there stays."""
    for key, value in zero.items():
        if have.get(key) is None:
            have[key] = copy.deepcopy(value)
        elif isinstance(value, dict) and isinstance(have[key], dict):
            fill(have[key], value)


def octavia(spec, always):
    section = spec.get("octavia")
    if section is None:
        return
    if not section.get("enabled") and section.get("template") is None:
        if always:
            section.setdefault("apiOverride", {})
            section.setdefault("applicationCredential", None)
        return
    section.setdefault("applicationCredential", None)
    template = section.setdefault("template", {})
    fill(template, TEMPLATE)
    bus = template.setdefault("messagingBus", {})
    if not bus.get("cluster"):
        bus["cluster"] = template.pop("rabbitMqClusterName", "") or "rabbitmq"
    override = section.setdefault("apiOverride", {})
    route = override.get("route")
    if route is None:
        route = override["route"] = {}
    notes = route.setdefault("metadata", {}).setdefault("annotations", {})
    mine, theirs = (notes.get(k) for k in ROUTE_TIMEOUTS)
    if mine is None and theirs is not None:
        return
    if mine is not None and theirs is not None and mine != theirs:
        del notes[ROUTE_TIMEOUTS[0]]
        return
    for key in ROUTE_TIMEOUTS:
        notes[key] = "%ds" % template.get("apiTimeout", 0)


def redis(spec):
    for template in ((spec.get("redis") or {}).get("templates") or {}).values():
        if isinstance(template, dict):
            fill(template, REDIS)


def missing(spec):
    """The first service that lacks another, as the operator says it."""
    for service, needs in NEEDS.items():
        on = (spec.get(service) or {}).get("enabled")
        if on and not all((spec.get(n) or {}).get("enabled") for n in needs):
            return service, "%s requires these services to be enabled: %s." % (
                service.capitalize(), ", ".join(NAMES.get(n, n.capitalize()) for n in needs))
    return None


def invalid(obj, service, text):
    name = obj["metadata"].get("name", "")
    path = "spec.%s.enabled" % service
    detail = "Invalid value: true: " + text
    return {"metadata": {}, "status": "Failure", "code": 422, "reason": "Invalid",
            "message": 'OpenStackControlPlane.core.openstack.org "%s" is invalid: %s: %s' % (name, path, detail),
            "details": {"name": name, "group": "core.openstack.org", "kind": "OpenStackControlPlane",
                        "causes": [{"reason": "FieldValueInvalid", "message": detail, "field": path}]}}


def review(request, knobs):
    answer = {"uid": request["uid"], "allowed": True}
    obj = request.get("object") or {}
    spec = obj.get("spec")
    if knobs.get("webhook_fail"):
        answer.update(allowed=False, status={"code": 403, "message": knobs["webhook_fail"]})
        return answer
    if not isinstance(spec, dict) or request.get("subResource"):
        return answer
    refused = missing(spec)
    if refused:
        answer.update(allowed=False, status=invalid(obj, *refused))
        return answer
    new = copy.deepcopy(spec)
    octavia(new, knobs.get("webhook_always"))
    redis(new)
    patch = [{"op": "replace", "path": "/spec/" + k, "value": new[k]} for k in new if new[k] != spec.get(k)]
    if patch:
        answer["patchType"] = "JSONPatch"
        answer["patch"] = base64.b64encode(json.dumps(patch).encode()).decode()
    return answer


class Handler(http.server.BaseHTTPRequestHandler):
    protocol_version = "HTTP/1.1"
    control = None

    def knobs(self):
        try:
            with open(self.control, encoding="utf-8") as f:
                return json.load(f)
        except (OSError, ValueError):
            return {}

    def send(self, code, body):
        data = json.dumps(body).encode()
        self.send_response(code)
        self.send_header("Content-Type", "application/json")
        self.send_header("Content-Length", str(len(data)))
        self.end_headers()
        self.wfile.write(data)

    def do_GET(self):
        self.send(200, {"ok": True})

    def do_POST(self):
        body = json.loads(self.rfile.read(int(self.headers["Content-Length"])))
        knobs = self.knobs()
        time.sleep(float(knobs.get("webhook_delay", 0)))
        request = body["request"]
        response = review(request, knobs)
        print(request["operation"], request.get("subResource", ""), request["userInfo"].get("username"),
              "dry run" if request.get("dryRun") else "", "allowed" if response["allowed"] else "refused",
              "patched" if "patch" in response else "", flush=True)
        self.send(200, {"apiVersion": body["apiVersion"], "kind": "AdmissionReview", "response": response})

    def log_message(self, *args):
        pass


def main():
    p = argparse.ArgumentParser()
    p.add_argument("--port", type=int, required=True)
    p.add_argument("--cert", required=True)
    p.add_argument("--key", required=True)
    p.add_argument("--control", required=True)
    args = p.parse_args()
    Handler.control = args.control
    context = ssl.create_default_context(ssl.Purpose.CLIENT_AUTH)
    context.load_cert_chain(args.cert, args.key)
    server = http.server.ThreadingHTTPServer(("127.0.0.1", args.port), Handler)
    server.daemon_threads = True
    server.socket = context.wrap_socket(server.socket, server_side=True, do_handshake_on_connect=False)
    server.serve_forever()


if __name__ == "__main__":
    try:
        main()
    except KeyboardInterrupt:
        sys.exit(0)
