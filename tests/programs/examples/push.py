"""Tells everyone the time, each second, until they leave."""

from datetime import datetime
from threading import Event

from refws import ConnectionClosed, serve

SECOND = Event()


def push(websocket):
    while True:
        try:
            websocket.send(datetime.now().isoformat(timespec="seconds"))
        except ConnectionClosed:
            return
        SECOND.wait(1)


with serve(push, "localhost", 8765) as server:
    server.serve_forever()
