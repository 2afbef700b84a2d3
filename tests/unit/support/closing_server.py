#!/usr/bin/env python3
# SPDX-License-Identifier: Apache-2.0
"""A TLS server that answers 202 with the number of the connection, and closes
connections, as TLS wants it, that were idle for a second. Prints its port; ends
when its standard input does.
"""
import os
import socket
import ssl
import subprocess
import sys
import tempfile
import threading


def make_context():
    with tempfile.TemporaryDirectory() as folder:
        pem = os.path.join(folder, "pem")
        subprocess.run(["openssl", "req", "-x509", "-newkey", "rsa:2048",
                        "-nodes", "-keyout", pem, "-out", pem + ".crt",
                        "-days", "2", "-subj", "/CN=x"],
                       check=True, capture_output=True)
        context = ssl.SSLContext(ssl.PROTOCOL_TLS_SERVER)
        context.load_cert_chain(pem + ".crt", pem)
        return context


def serve(context, connection, number):
    body = str(number).encode()
    try:
        with context.wrap_socket(connection, server_side=True) as tls:
            tls.settimeout(1)
            try:
                while tls.recv(65536):
                    tls.sendall(b"HTTP/1.1 202 Accepted\r\n"
                                b"Content-Length: %d\r\n\r\n%s"
                                % (len(body), body))
            except TimeoutError:
                tls.unwrap()
    except OSError:
        pass  # clients that went away


def accept(server, context):
    number = 0
    while True:
        connection, _ = server.accept()
        number += 1
        threading.Thread(target=serve, args=(context, connection, number),
                         daemon=True).start()


def main():
    context = make_context()
    server = socket.create_server(("127.0.0.1", 0))
    threading.Thread(target=accept, args=(server, context),
                     daemon=True).start()
    print(server.getsockname()[1], flush=True)
    sys.stdin.read()


main()
