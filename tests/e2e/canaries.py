# SPDX-License-Identifier: Apache-2.0
"""The canaries: secret values of the lab, in each spelling they could leak in."""
import base64
import binascii
import re

CANARIES = {
    "rabbit's password": "lab-rabbit", "CA passphrase": "lab-ca-passphrase-0123456789abcd",
    "server_certs_key_passphrase": "insecure-key-do-not-use-this-key",
    "database password": "lab-octavia-db", "heartbeat key": "lab-heartbeat-key-fedcba9876543210",
    "Octavia's password": "lab-octavia-password", "administrator's password": "lab-admin-password",
    "token": "lab-adopter-token", "admin's token": "lab-admin-token", "SSH passphrase": "lab-passphrase"}


def spellings(secret):
    """As it is, and as base64 at each of the three offsets it can have there."""
    yield secret
    raw = secret.encode()
    for offset in range(3):
        text = base64.b64encode(b"\0" * offset + raw).decode()
        # The characters that no neighbour can change.
        yield text[(0, 2, 3)[offset]:len(text) - 4]
    yield binascii.hexlify(raw).decode()


FORBIDDEN = [(name, text) for name, secret in CANARIES.items() for text in spellings(secret)]


def add_key(name, path):
    """Lines from the middle of a private key."""
    text = path.read_text()
    body = text[re.search("BEGIN [A-Z ]*PRIVATE KEY", text).end():]
    lines = [line for line in body.splitlines() if len(line) >= 60]
    FORBIDDEN.extend((name, spelling) for line in lines[4:6] for spelling in spellings(line))


def assert_absent(text, where):
    if isinstance(text, str):
        text = text.encode()
    for name, secret in FORBIDDEN:
        assert secret.encode() not in text, "%s holds the %s" % (where, name)
