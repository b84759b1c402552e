"""Asks for a name, and greets it: python3 hello.py; elsewhere python3 hello.py Ada"""

import sys

from refws import connect, serve


def greet(websocket):
    name = websocket.recv()
    websocket.send(f"Hello {name}!")


def ask(name):
    with connect("ws://localhost:8765/") as websocket:
        websocket.send(name)
        print(websocket.recv())


if len(sys.argv) > 1:
    ask(sys.argv[1])
else:
    with serve(greet, "localhost", 8765) as server:
        server.serve_forever()
