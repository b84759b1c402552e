"""RFC 6455 §1.1: why there is WebSocket beside HTTP. One chat, four ways to hear what is new.

The cast: a chat that somebody else writes into, and a client that wants each line at once, and says
something to each. It asks again and again (polling), or it asks and the answer waits (long
polling), or it reads an answer that does not end (Server-Sent Events), or it has a WebSocket.
"""

from __future__ import annotations

import socket
import threading
from collections.abc import Callable, Iterator, Mapping
from http import HTTPStatus
from io import BufferedReader
from math import inf
from statistics import median
from time import monotonic

from ...protocol.frame import TEXT, Side, encode_frame
from ...protocol.handshake import is_upgrade_attempt
from ...protocol.heads import read_request
from .browser import opening, read_answer, read_frame, read_head, request, status_of
from .cast import LOOPBACK, TIMEOUT, Cast
from .site import open_websocket, page
from .story import Crossed, Lab, Step
from .talk import masked, payload_of

LINES = 6
"""Lines that are written into the chat while a client listens."""

PACE = 0.15
"""Seconds from one line to the next."""

TEXT_FRAME = b"\x81"
"""The first byte of a message in one frame: FIN, and the opcode of a text."""

POLL_INTERVAL = 0.05
"""Seconds from an answer to the next request of the client that polls."""

Read = Callable[[BufferedReader], Iterator[bytes]]
"""Takes an answer apart as it arrives."""


def play(cast: Cast) -> Iterator[Step]:
    """The same chat for each of the four clients, and then all figures side by side."""
    measured: dict[str, Listener] = {}
    for name, listen in CLIENTS.items():
        chat = Chat(cast.ending)
        listener = measured[name] = Listener(cast, cast.host(chat.serve), chat)
        cast.thread(chat.be_written)
        listen(listener)
        facts = {
            "figures": listener.figures,
            "empty": f"{listener.empty}",
            "interval": f"{POLL_INTERVAL:g}",
        }
        came_out = listener.heard == [line for _, line in chat.lines]
        yield Step(name, came_out, listener.crossed, facts)
    least = min(measured, key=lambda name: measured[name].size)
    yield Step("side by side", least == "websocket", (), {"table": table(measured)})


def table(measured: Mapping[str, Listener]) -> str:
    """A line for each client."""
    rows = [f"{'':<13}{'requests':>8}{'bytes':>8}{'ms late':>9}"]
    for name, client in measured.items():
        rows += [f"{name:<13}{client.requests:>8}{client.size:>8,}{client.delay_ms:>9.1f}"]
    return "\n".join(rows)


# The server


class Chat:
    """Its lines, each with the time at which it was written. One thread writes, others read."""

    def __init__(self, ending: threading.Event) -> None:
        self.lines: list[tuple[float, str]] = []
        self._ending = ending
        self._news = threading.Condition()

    def be_written(self) -> None:
        """Somebody types, until the lab ends."""
        for number in range(LINES):
            ended = self._ending.wait(PACE)
            with self._news:
                if not ended:
                    self.lines.append((monotonic(), f"line {number}"))
                self._news.notify_all()

    def after(self, known: int, patience: float = 0) -> list[str]:
        """The lines after the first `known`; with patience, wait until there is one.

        The end of the lab ends the wait: then there is none.
        """
        with self._news:
            self._news.wait_for(lambda: len(self.lines) > known or self._ending.is_set(), patience)
            return [line for _, line in self.lines[known:]]

    def serve(self, sock: socket.socket) -> None:
        """A request: /poll?3 and /wait?3 for lines after the third, /events, /say, a WebSocket."""
        with sock.makefile("rb") as file:
            asked = read_request(file)
        if is_upgrade_attempt(asked):
            open_websocket(sock, asked)
            self._send_each(sock, lambda line: encode_frame(TEXT, line.encode()))
            while sock.recv(4096):  # what the client says
                pass
        elif asked.absolute_path == "/events":
            sock.sendall(b"HTTP/1.1 200 OK\r\nContent-Type: text/event-stream\r\n\r\n")
            self._send_each(sock, lambda line: f"data: {line}\n\n".encode())
        elif asked.absolute_path == "/say":
            sock.sendall(page("", "text/plain").to_bytes())
        else:
            patience = TIMEOUT if asked.absolute_path == "/wait" else 0
            lines = self.after(int(asked.query), patience)
            sock.sendall(page("\n".join(lines), "text/plain").to_bytes())

    def _send_each(self, sock: socket.socket, encode: Callable[[str], bytes]) -> None:
        for known in range(LINES):
            for line in self.after(known, TIMEOUT)[:1]:
                sock.sendall(encode(line))


# The clients


class Listener:
    """A client: what it has heard, how late, and how many bytes that took, both ways.

    `empty` are the answers with nothing new, and `crossed` is its last exchange.
    """

    def __init__(self, cast: Cast, port: int, chat: Chat) -> None:
        self.heard: list[str] = []
        self.size = 0
        self.requests = 0
        self.empty = 0
        self.crossed: tuple[Crossed, ...] = ()
        self._cast = cast
        self._port = port
        self._chat = chat
        self._delays: list[float] = []

    @property
    def host(self) -> str:
        return f"{LOOPBACK}:{self._port}"

    @property
    def figures(self) -> str:
        requests = "1 request" if self.requests == 1 else f"{self.requests} requests"
        return f"{requests}, {self.size:,} bytes, a line {self.delay_ms:.1f} ms late"

    @property
    def delay_ms(self) -> float:
        """The median of the times from a line to its arrival."""
        return median(self._delays) * 1000 if self._delays else inf

    def ask(
        self, sent: bytes, read: Callable[[BufferedReader], Iterator[bytes]]
    ) -> Iterator[bytes]:
        """What `read` takes from the answer, part by part; all bytes are counted."""
        self.requests += 1
        said, heard = sent, b""
        with self._cast.client(self._port) as sock, sock.makefile("rb") as file:
            self._send(sock, sent)
            for part in read(file):
                self.size += len(part)
                heard += part
                yield part
                if part[:1] == TEXT_FRAME:
                    self._send(sock, masked(TEXT, b"ok"))
                    said += masked(TEXT, b"ok")
        self.crossed = exchanged(said, heard)

    def _send(self, sock: socket.socket, data: bytes) -> None:
        self.size += len(data)
        sock.sendall(data)

    def pause(self, seconds: float) -> None:
        """Do nothing for this time, or until the lab ends."""
        self._cast.ending.wait(seconds)

    def hears(self, line: str, says: str = "/say?ok") -> None:
        """Note a line and, over HTTP, say something to it: that takes a request of its own."""
        written, _ = self._chat.lines[len(self.heard)]
        self.heard.append(line)
        self._delays.append(monotonic() - written)
        if says:
            list(self.ask(request(self.host, says), lambda file: iter([read_answer(file)])))


def exchanged(said: bytes, heard: bytes) -> tuple[Crossed, ...]:
    """For the step: heads and frames if it is a WebSocket, otherwise lines."""
    is_open = status_of(heard) == HTTPStatus.SWITCHING_PROTOCOLS
    return (
        Crossed("client to server", said, Side.CLIENT if is_open else None),
        Crossed("server to client", heard, Side.SERVER if is_open else None),
    )


def polls(listener: Listener, path: str = "/poll", interval: float = POLL_INTERVAL) -> None:
    while len(listener.heard) < LINES:
        sent = request(listener.host, f"{path}?{len(listener.heard)}")
        for answer in listener.ask(sent, lambda file: iter([read_answer(file)])):
            body = answer.partition(b"\r\n\r\n")[2].decode()
            listener.empty += not body
            for line in body.splitlines():
                listener.hears(line)
        listener.pause(interval)


def polls_long(listener: Listener) -> None:
    polls(listener, "/wait", 0)


def reads_events(listener: Listener) -> None:
    for part in listener.ask(request(listener.host, "/events"), events_in):
        if part.startswith(b"data: "):
            listener.hears(part[6:].decode().strip())


def reads_frames(listener: Listener) -> None:
    for part in listener.ask(opening(listener.host, None), frames_in):
        if part[:1] == TEXT_FRAME:
            listener.hears(payload_of(part).decode(), says="")


def events_in(file: BufferedReader) -> Iterator[bytes]:
    yield read_head(file)
    for _ in range(2 * LINES):  # each line of the chat is two lines: the data, and an empty one
        yield file.readline()


def frames_in(file: BufferedReader) -> Iterator[bytes]:
    yield read_head(file)
    for _ in range(LINES):
        yield read_frame(file)


CLIENTS: dict[str, Callable[[Listener], None]] = {
    "polling": polls,
    "long polling": polls_long,
    "events": reads_events,
    "websocket": reads_frames,
}

LAB = Lab("polling", "§1.1", 10, play, ("on",))
