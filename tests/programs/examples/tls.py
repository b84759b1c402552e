"""The echo over TLS: python3 tls.py CERTIFICATE KEY, then with CERTIFICATE alone the client."""

import ssl
import sys

from refws import connect, serve


def echo(websocket):
    for message in websocket:
        websocket.send(message)


def run_server(certificate, key):
    context = ssl.SSLContext(ssl.PROTOCOL_TLS_SERVER)
    context.load_cert_chain(certificate, key)
    with serve(echo, "localhost", 8765, ssl=context) as server:
        server.serve_forever()


def run_client(certificate):
    context = ssl.create_default_context(cafile=certificate)
    with connect("wss://localhost:8765/", ssl=context) as websocket:
        websocket.send("over TLS")
        print(websocket.recv())


if len(sys.argv) > 2:
    run_server(*sys.argv[1:])
else:
    run_client(sys.argv[1])
