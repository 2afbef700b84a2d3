"""The files in Octavia's pods, as octavia-operator writes them from the CRs, the
ConfigMap of addresses and the Secrets."""
import base64
import os
import subprocess
import tempfile

DEFAULT_TEXT = "# add your customization here"
CERTS = "/etc/octavia/certs/"
MOUNTED = ("server_ca.cert.pem", "server_ca.key.pem", "client_ca.cert.pem", "client.cert-and-key.pem")

CONTROLLER = """\
[DEFAULT]
graceful_shutdown_timeout=600
[health_manager]
heartbeat_key=%(key)s
health_update_threads=4
stats_update_threads=4
bind_ip=::
controller_ip_port_list=%(managers)s
[certificates]
cert_generator = local_cert_generator
ca_certificate = /etc/octavia/certs/server_ca.cert.pem
ca_private_key = /etc/octavia/certs/server_ca.key.pem
ca_private_key_passphrase = %(passphrase)s
[haproxy_amphora]
client_cert = /etc/octavia/certs/client.cert-and-key.pem
server_ca = /etc/octavia/certs/server_ca.cert.pem
[controller_worker]
client_ca = /etc/octavia/certs/client_ca.cert.pem
[amphora_agent]
admin_log_targets=%(rsyslogs)s
tenant_log_targets=%(rsyslogs)s
user_log_facility=0
administrative_log_facility=1
forward_all_logs=True
disable_local_log_storage=False
"""

API = """\
[api_settings]
healthcheck_enabled=True
enabled_provider_drivers=amphora: The Octavia Amphora driver.,\
octavia: Deprecated alias of the Octavia Amphora driver.,ovn: Octavia OVN driver.
[driver_agent]
enabled_provider_agents=ovn
[health_manager]
health_update_threads=4
stats_update_threads=4
"""

# A CA for the server side (its key encrypted), one for the client side, and a
# client's certificate; the passphrase comes by the environment.
GENERATE = """
ca() {
	openssl req -x509 -new -key "$1.key" -days 3650 -subj "/C=US/O=OpenStack/CN=Octavia $2 CA" -passin env:PASS \\
		-addext basicConstraints=critical,CA:TRUE -out "$1.crt"
}
openssl genpkey -algorithm RSA -pkeyopt rsa_keygen_bits:2048 -aes-256-cbc -pass env:PASS -out server.key
openssl genpkey -algorithm RSA -pkeyopt rsa_keygen_bits:2048 -out client.key
openssl genpkey -algorithm RSA -pkeyopt rsa_keygen_bits:2048 -out one.key
ca server server
ca client client
openssl req -new -key one.key -subj '/C=US/O=OpenStack/CN=Octavia controller' -out one.csr
printf 'keyUsage=digitalSignature,keyEncipherment\\nextendedKeyUsage=clientAuth,emailProtection\\n' >ext
openssl x509 -req -in one.csr -CA client.crt -CAkey client.key -CAcreateserial -days 3650 -extfile ext -out one.crt
cat one.key one.crt >one.pem
"""


class Missing(Exception):
    """Something that the operator needs is not there; the text is its condition's."""


def plain(secret, key):
    try:
        return base64.b64decode(secret["data"][key]).decode()
    except (KeyError, TypeError):
        return None


def generate(passphrase):
    """The data of octavia-certs-secret, as the operator makes it if there is none."""
    with tempfile.TemporaryDirectory() as d:
        subprocess.run(["sh", "-ec", GENERATE], cwd=d, check=True, env={**os.environ, "PASS": passphrase},
                       capture_output=True)

        def read(name):
            with open(os.path.join(d, name), encoding="ascii") as f:
                return f.read()
        return {"server_ca.key.pem": read("server.key"), "server_ca.cert.pem": read("server.crt"),
                "client_ca.key.pem": read("client.key"), "client_ca.cert.pem": read("client.crt"),
                "client.cert-and-key.pem": read("one.pem"), "version": "2"}


class Inputs:
    """The Secrets, read once a pass."""

    def __init__(self, kube, ns, name):
        self.kube = kube
        self.path = "/api/v1/namespaces/%s/secrets" % ns
        secret = kube.get("%s/%s" % (self.path, name))
        if secret is None:
            raise Missing("Secret %s not found" % name)
        self.key = plain(secret, "OctaviaHeartbeatKey") or ""
        self.passphrase = plain(kube.get(self.path + "/octavia-ca-passphrase"), "server-ca-passphrase")
        if self.passphrase is None:
            raise Missing("Secret octavia-ca-passphrase not found")
        secret = kube.get(self.path + "/octavia-certs-secret") or self.make(ns)
        self.certs = {name: plain(secret, name) for name in MOUNTED}
        for name, text in self.certs.items():
            if text is None:
                raise Missing("Secret octavia-certs-secret has no %s" % name)

    def make(self, ns):
        data = {k: base64.b64encode(v.encode()).decode() for k, v in generate(self.passphrase).items()}
        code, made = self.kube.call("POST", self.path, {
            "apiVersion": "v1", "kind": "Secret", "type": "Opaque",
            "metadata": {"name": "octavia-certs-secret", "namespace": ns}, "data": data})
        if code != 201:
            raise Missing("Secret octavia-certs-secret cannot be made: %s" % made.get("message"))
        return made

    def files(self, role, spec, addresses):
        """{path: text, or None for a file that must not be there}."""
        d = "/etc/octavia/%s.conf.d/" % role
        out = {d + "01-custom.conf": spec.get("customServiceConfig", DEFAULT_TEXT)}
        if role == "api":
            out[d + "00-default.conf"] = API
            out["/etc/octavia/policy.yaml"] = (spec.get("defaultConfigOverwrite") or {}).get("policy.yaml")
            return out
        lists = {name: ",".join(sorted("%s:%d" % (v, port) for k, v in addresses.items() if k.startswith(prefix)))
                 for name, prefix, port in (("managers", "hm_", 5555), ("rsyslogs", "rsyslog_", 514))}
        out[d + "00-default.conf"] = CONTROLLER % {"key": self.key, "passphrase": self.passphrase, **lists}
        out.update({CERTS + name: text for name, text in self.certs.items()})
        return out
