"""The control socket: one JSON line there, one JSON answer back."""
import json
import socket

CONTROL = "/run/lab-amphorae/control"


def ask(request):
    with socket.socket(socket.AF_UNIX, socket.SOCK_STREAM) as sock:
        sock.connect(CONTROL)
        sock.sendall(json.dumps(request).encode() + b"\n")
        parts = []
        while chunk := sock.recv(1 << 20):
            parts.append(chunk)
    return json.loads(b"".join(parts))
