"""The good client, in its own process: it does an echo every 10 ms beside the bad clients."""

import contextlib
import multiprocessing
import socket
import sys
import time
from multiprocessing.connection import Connection as Pipe

from scripts.shared import client_wire as wire

ECHO_EVERY_S = 0.01
GOOD_TIMEOUT_S = 30

Address = tuple[str, int]


def good_client(address: Address, pipe: Pipe) -> None:
    """Echo until asked to stop, or until an echo is wrong or late; say then why, in one line."""
    try:
        echo_and_report(address, pipe)
    except (EOFError, OSError, wire.WireError) as error:
        print(f"the good client has ended: {error}", file=sys.stderr)


def echo_and_report(address: Address, pipe: Pipe) -> None:
    """Echo once every 10 ms. Report the worst round trip (s) and the echoes through the pipe."""
    message = wire.client_frame(wire.TEXT, b"are you still there?")
    echo = wire.server_frame(wire.TEXT, b"are you still there?")
    worst, echoes = 0.0, 0
    with wire.open_websocket(*address, "/echo", GOOD_TIMEOUT_S) as connection:
        due = time.monotonic()
        while True:
            worst, echoes = max(worst, round_trip(connection, message, echo)), echoes + 1
            due = max(due + ECHO_EVERY_S, time.monotonic())
            if pipe.poll(due - time.monotonic()):
                if pipe.recv() == "stop":
                    return
                pipe.send((worst, echoes))
                worst, echoes = 0.0, 0


def round_trip(connection: socket.socket, message: bytes, echo: bytes) -> float:
    started = time.perf_counter()
    connection.sendall(message)
    while (frame := read_frame(connection)) != echo:
        answer_ping(connection, frame)
    return time.perf_counter() - started


def read_frame(connection: socket.socket) -> bytes:
    """A frame with fewer than 126 bytes of payload; the good client gets no other."""
    header = wire.read_exactly(connection, 2)
    return header + wire.read_exactly(connection, header[1])


def answer_ping(connection: socket.socket, frame: bytes) -> None:
    if frame[0] != wire.FIN | wire.PING:
        raise wire.WireError(
            f"the good client got neither its echo nor a Ping: {frame[:20].hex(' ')}"
        )
    connection.sendall(wire.client_frame(wire.PONG, frame[2:]))


class GoodClient:
    """The good client as its parent sees it."""

    def __init__(self, address: Address) -> None:
        self.pipe, other = multiprocessing.Pipe()
        self.process = multiprocessing.Process(
            target=good_client, args=(address, other), daemon=True
        )
        self.process.start()
        other.close()

    def report(self) -> tuple[float, int]:
        """The worst round trip (ms) and the echoes since the last report; WireError if it died."""
        try:
            self.pipe.send("report")
            if self.pipe.poll(GOOD_TIMEOUT_S):
                worst, echoes = self.pipe.recv()
                return worst * 1000, echoes
        except (EOFError, OSError):
            pass
        raise wire.WireError(
            f"the good client lost its connection or had no echo for {GOOD_TIMEOUT_S} s"
        )

    def stop(self) -> None:
        with contextlib.suppress(OSError):
            self.pipe.send("stop")
        self.process.join(1)
        self.process.kill()
        self.process.join()
