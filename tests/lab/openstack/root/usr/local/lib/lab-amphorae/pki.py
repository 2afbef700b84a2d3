"""Certificates of amphorae that were there before: of one key, signed by the
Director's CA; and by another CA for the amphorae with the knob ca=wrong."""
import datetime
import os

from cryptography import x509
from cryptography.hazmat.primitives import hashes, serialization
from cryptography.hazmat.primitives.asymmetric import ec
from cryptography.x509.oid import NameOID

PASSPHRASE = b"lab-ca-passphrase-0123456789abcd"
OLD = "/etc/lab/old-certs"


def name(text):
    return x509.Name([x509.NameAttribute(NameOID.COMMON_NAME, text)])


class Pki:
    def __init__(self, directory):
        self.dir = directory
        os.makedirs(directory, mode=0o700, exist_ok=True)
        self.key = ec.generate_private_key(ec.SECP256R1())
        self.key_pem = self.key.private_bytes(
            serialization.Encoding.PEM, serialization.PrivateFormat.PKCS8, serialization.NoEncryption())
        self.old_ca = self.client_ca = None
        if os.path.exists(OLD + "/ca_01.pem"):
            with open(OLD + "/ca_01.pem", "rb") as f:
                self.client_ca = f.read()
            with open(OLD + "/private/cakey.pem", "rb") as f:
                key = serialization.load_pem_private_key(f.read(), PASSPHRASE)
            self.old_ca = (x509.load_pem_x509_certificate(self.client_ca).subject, key)
        self.other_ca = (name("another CA"), ec.generate_private_key(ec.SECP256R1()))

    def sign(self, ident, ca):
        now = datetime.datetime.utcnow()
        issuer, key = ca
        cert = x509.CertificateBuilder().subject_name(name(ident)).issuer_name(issuer).public_key(
            self.key.public_key()).serial_number(x509.random_serial_number()).not_valid_before(
            now - datetime.timedelta(days=1)).not_valid_after(now + datetime.timedelta(days=730)).add_extension(
            x509.SubjectAlternativeName([x509.DNSName(ident)]), False).add_extension(
            x509.BasicConstraints(False, None), True).sign(key, hashes.SHA256())
        return cert.public_bytes(serialization.Encoding.PEM) + self.key_pem

    def store(self, ident, what, pem):
        path = "%s/%s.%s" % (self.dir, ident, what)
        with open(path, "wb") as f:
            f.write(pem if isinstance(pem, bytes) else pem.encode())
        return path

    def old(self, ident):
        """Paths of the certificate and of the CA of its clients."""
        return (self.store(ident, "pem", self.sign(ident, self.old_ca)),
                self.store(ident, "ca", self.client_ca))

    def wrong(self, ident):
        return self.store(ident, "wrong", self.sign(ident, self.other_ca))
