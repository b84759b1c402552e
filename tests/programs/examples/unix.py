"""The echo at a Unix socket: python3 unix.py PATH, then python3 unix.py PATH MESSAGE"""

import sys

from refws import unix_connect, unix_serve


def echo(websocket):
    for message in websocket:
        websocket.send(message)


path, *messages = sys.argv[1:]
if messages:
    with unix_connect(path) as websocket:
        websocket.send(messages[0])
        print(websocket.recv())
else:
    with unix_serve(echo, path) as server:
        server.serve_forever()
