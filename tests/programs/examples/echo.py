"""Sends every message back: python3 echo.py, then python3 -m refws connect ws://localhost:8765/"""

from refws import serve


def echo(websocket):
    for message in websocket:
        websocket.send(message)


with serve(echo, "localhost", 8765) as server:
    server.serve_forever()
