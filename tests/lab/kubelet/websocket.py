#!/usr/bin/env python3
"""websocket.py SERVER CA TOKEN PATH WORD...: one exec as a client of WebSocket does
it; what comes is written, at last the status as JSON."""
import base64
import os
import socket
import ssl
import struct
import sys
from urllib.parse import urlencode, urlsplit


def main():
    server, ca, token, path, *words = sys.argv[1:]
    url = urlsplit(server)
    query = urlencode([("command", w) for w in words] + [("stdout", "true"), ("stderr", "true")])
    context = ssl.create_default_context(cafile=ca)
    sock = context.wrap_socket(socket.create_connection((url.hostname, url.port), 10), server_hostname=url.hostname)
    key = base64.b64encode(os.urandom(16)).decode()
    head = ("GET %s?%s HTTP/1.1" % (path, query), "Host: " + url.netloc, "Authorization: Bearer " + token,
            "Connection: Upgrade", "Upgrade: websocket", "Sec-WebSocket-Version: 13", "Sec-WebSocket-Key: " + key,
            "Sec-WebSocket-Protocol: v4.channel.k8s.io")
    sock.sendall(("\r\n".join(head) + "\r\n\r\n").encode())
    stream = sock.makefile("rb")
    if b" 101 " not in stream.readline():
        sys.exit("no WebSocket: " + stream.read(1000).decode())
    while stream.readline() not in (b"\r\n", b""):
        pass
    while True:
        begin = stream.read(2)
        if len(begin) < 2 or begin[0] & 15 == 8:
            break
        size = begin[1] & 127
        if size == 126:
            size = struct.unpack(">H", stream.read(2))[0]
        elif size == 127:
            size = struct.unpack(">Q", stream.read(8))[0]
        sys.stdout.buffer.write(stream.read(size)[1:])
    sys.stdout.flush()


if __name__ == "__main__":
    main()
