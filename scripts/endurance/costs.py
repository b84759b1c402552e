"""`endurance limits`, second table: the CPU time of the server for each byte that a peer sends.

An input is sent in rounds. A round ends when the server has dealt with all of it: it has answered a
Ping sent after it, or ended TCP, or shown it to the page that watches. So the CPU time of the
server's process belongs to these bytes, and to no others.
"""

import contextlib
import dataclasses
import itertools
import os
import socket
import time
import zlib
from collections.abc import Callable, Generator, Iterator

from refws.course.web import budget
from scripts.endurance.attacks import client_hello
from scripts.endurance.holding import CERTIFICATE, KEY
from scripts.shared import client_wire as wire
from scripts.shared import server_process
from scripts.shared.figures import parse_cpu_s, read_proc
from scripts.shared.time_left import Progress

TIMES_A_HANDSHAKE = 10
"""What costs more than this many times the share of a handshake must be limited in rate."""

SHARE_SLACK = 1.5
"""How much above its share a limited input may be: the share does not count the bytes' receiving.
"""

LONGEST_S = 8
"""Seconds for an input, however little CPU time it takes."""

ANSWER_TIMEOUT_S = 60

HELLO = b'"event": "hello"'
"""What a page gets first: from then on it is shown its connections."""

LEFT_OUT = b'"event": "left out"'
"""In what a page gets when no more of a connection is shown: too much has waited for too long."""

LARGEST_WINDOW = "permessage-deflate"
"""An offer: both windows have 2 ** 15 bytes."""

CONT = 0x0
CLOSE = wire.client_frame(wire.CLOSE, (1000).to_bytes(2))
REQUEST = wire.request("/echo", server_process.HOST, 80)

Rounds = Generator[int, None, None]
"""The rounds of an input: each step sends one and returns its bytes."""


@dataclasses.dataclass(frozen=True)
class Server:
    """Where an input is sent."""

    port: int
    tls_port: int


# A connection of the input


class Talker:
    """A connection, and where the server is in what it was sent."""

    numbers = itertools.count()

    def __init__(self, port: int, path: str = "/echo", extensions: str = "") -> None:
        self.sock, _ = wire.handshake(server_process.HOST, port, path, ANSWER_TIMEOUT_S, extensions)
        self.received = b""

    def send(self, data: bytes) -> int:
        self.sock.sendall(data)
        return len(data)

    def send_all_of(self, data: bytes) -> int:
        """Send the data and a Ping; wait for the Pong, before which the server reads the data."""
        mark = self.mark()
        sent = self.send(data + wire.client_frame(wire.PING, mark))
        self.wait_for(wire.server_frame(wire.PONG, mark))
        return sent

    def mark(self) -> bytes:
        return next(self.numbers).to_bytes(8)

    def wait_for(self, data: bytes, count: int = 1, or_else: bytes | None = None) -> bool:
        """Read until the data has come this many times; False if `or_else` comes first.

        WireError at the end of the stream.
        """
        while count > 0:
            chunk = self.sock.recv(1 << 18)
            if not chunk:
                raise wire.WireError("the server ended a connection that is part of the measuring")
            self.received += chunk
            if or_else is not None and or_else in self.received:
                return False
            *whole, self.received = self.received.split(data)
            count -= len(whole)
            self.received = self.received[1 - max(len(data), len(or_else or b"")) :]
        return True

    def close(self) -> None:
        self.sock.close()


# Kinds of inputs


def stream(payload: bytes, extensions: str = "", first: bytes = b"") -> Callable[[Server], Rounds]:
    """The payload again and again on one connection, after `first`."""

    def rounds(server: Server) -> Rounds:
        with contextlib.closing(Talker(server.port, "/echo", extensions)) as talker:
            talker.send_all_of(first)
            while True:
                yield talker.send_all_of(payload)

    return rounds


def one_by_one(payload: bytes) -> Callable[[Server], Rounds]:
    """Each byte of the payload in a segment of its own, and time to read it."""

    def rounds(server: Server) -> Rounds:
        with contextlib.closing(Talker(server.port)) as talker:
            while True:
                send_one_by_one(talker, payload)
                yield len(payload) + talker.send_all_of(b"")

    return rounds


def send_one_by_one(talker: Talker, payload: bytes) -> None:
    for i in range(len(payload)):
        talker.send(payload[i : i + 1])
        time.sleep(0.0003)


def connections(
    data: bytes, tls: bool = False, answered: bool = True
) -> Callable[[Server], Rounds]:
    """A connection for each round: the data, an answer, and the end from both sides."""

    def rounds(server: Server) -> Rounds:
        while True:
            address = server_process.HOST, server.tls_port if tls else server.port
            with socket.create_connection(address, ANSWER_TIMEOUT_S) as sock:
                sock.sendall(data)
                if answered:
                    sock.recv(1 << 16)
                sock.shutdown(socket.SHUT_WR)
                with contextlib.suppress(ConnectionError):
                    while sock.recv(1 << 16):
                        pass
            yield len(data)

    return rounds


def watched(
    payload: bytes, query: str = "", extensions: str = "", slowly: bool = False
) -> Callable[[Server], Rounds]:
    """The payload again and again on a connection that a page watches."""

    def rounds(server: Server) -> Rounds:
        while True:
            page = os.urandom(16).hex()
            with contextlib.closing(Talker(server.port, f"/watch?page={page}")) as view:
                view.wait_for(HELLO)
                path = f"/echo?page={page}{query}"
                with contextlib.closing(Talker(server.port, path, extensions)) as talker:
                    is_shown = True
                    while is_shown:
                        sent, is_shown = send_watched(talker, view, payload, slowly)
                        yield sent

    return rounds


def send_watched(talker: Talker, view: Talker, payload: bytes, slowly: bool) -> tuple[int, bool]:
    """The bytes that were sent, and whether the page is still shown what is sent."""
    if slowly:
        send_one_by_one(talker, payload)
        payload = b""
    mark = talker.mark()
    sent = talker.send(payload + wire.client_frame(wire.PING, mark))
    shown = f'"payload_start": "{mark.hex()}"'.encode()
    return sent, view.wait_for(shown, or_else=LEFT_OUT)


def commands(payload: bytes, count: int) -> Callable[[Server], Rounds]:
    """Messages of a page that are no commands: each gets an error as its answer."""

    def rounds(server: Server) -> Rounds:
        with contextlib.closing(
            Talker(server.port, f"/watch?page={os.urandom(16).hex()}")
        ) as talker:
            while True:
                sent = talker.send(payload * count)
                talker.wait_for(b'"event": "error"', count)
                yield sent

    return rounds


# Bytes of inputs


def fragments(pieces: list[bytes], opcode: int = wire.TEXT, rsv1: bool = False) -> bytes:
    """A message with a fragment for each piece, and an empty last one."""
    first, *others = pieces
    middle = b"".join(unfinished(wire.client_frame(CONT, piece)) for piece in others)
    start = unfinished(wire.client_frame(opcode, first, rsv1))
    return start + middle + wire.client_frame(CONT, b"")


def unfinished(frame: bytes) -> bytes:
    return bytes([frame[0] & ~wire.FIN]) + frame[1:]


def deflated(data: bytes) -> bytes:
    """The payload of a compressed message (RFC 7692 §7.2.1)."""
    compressor = zlib.compressobj(9, zlib.DEFLATED, -15)
    return (compressor.compress(data) + compressor.flush(zlib.Z_SYNC_FLUSH))[:-4]


def compressed(payload: bytes, opcode: int = wire.TEXT) -> bytes:
    return wire.client_frame(opcode, payload, rsv1=True)


def with_lines(*lines: str) -> bytes:
    """A request with these header lines in addition."""
    return REQUEST[:-2] + "".join(f"{line}\r\n" for line in lines).encode("latin-1") + b"\r\n"


def get(path: str) -> bytes:
    return f"GET {path} HTTP/1.1\r\nHost: {server_process.HOST}\r\n\r\n".encode()


MANY = 2000
FINAL_BLOCK = b"\x03\x00"
STORED_BLOCK = b"\x00\x00\x00\xff\xff"
LAST = STORED_BLOCK[:1]
"""The start of the stored block whose rest the receiver puts back (RFC 7692 §7.2.2)."""

FILLED = compressed(deflated(os.urandom(40_000)), wire.BINARY)
"""Fills the window: each block with BFINAL=1 then takes a copy of it (RFC 7692 §7.2.3.4)."""

SMALL = wire.client_frame(wire.TEXT, b"x")
EMPTY_PONG = wire.client_frame(wire.PONG, b"")
MEGABYTE = 1 << 20
MANY_PARAMETERS = "Sec-WebSocket-Extensions: x" + ";a" * 4000


# The rows

NO_NEED = "-"
"""In the place of a limit."""


@dataclasses.dataclass(frozen=True)
class Input:
    """Bytes of a kind, and what limits their rate: a share of one processor, or None for nothing.

    `why_not` says why something expensive is not limited, for the table.
    """

    name: str
    rounds: Callable[[Server], Rounds]
    share: float | None = None
    why_not: str = NO_NEED


HANDSHAKE = Input("a handshake and a Close", connections(REQUEST + CLOSE))

INPUTS = (
    HANDSHAKE,
    Input("texts of 16 bytes, echoed", stream(wire.client_frame(wire.TEXT, b"x" * 16) * MANY)),
    Input("empty texts, echoed", stream(wire.client_frame(wire.TEXT, b"") * MANY)),
    Input("Pings without payload", stream(wire.client_frame(wire.PING, b"") * MANY)),
    Input("Pongs without payload", stream(EMPTY_PONG * MANY)),
    Input("fragments of one byte", stream(fragments([b"x"] * 1000) * 4)),
    Input("a text, each byte in a segment of its own", one_by_one(SMALL * 20)),
    Input(
        "compressed texts of one byte",
        stream(compressed(deflated(b"x")) * MANY, LARGEST_WINDOW),
    ),
    Input(
        "compressed fragments of one byte that inflate to nothing",
        stream(
            fragments([bytes([byte]) for byte in STORED_BLOCK * 200 + LAST], rsv1=True),
            LARGEST_WINDOW,
        ),
    ),
    Input(
        "compressed texts of 1 MiB, a kilobyte each, echoed",
        stream(compressed(deflated(b"x" * MEGABYTE)), LARGEST_WINDOW),
    ),
    Input(
        "empty deflate blocks, the window filled",
        stream(compressed(FINAL_BLOCK * 10_000 + LAST), LARGEST_WINDOW, FILLED),
    ),
    Input(
        "empty stored deflate blocks",
        stream(compressed(STORED_BLOCK * 10_000 + LAST), LARGEST_WINDOW),
    ),
    Input("a request with 60 more header lines", connections(with_lines(*["a:"] * 55) + CLOSE)),
    Input("a refused request with 60 wrong lines", connections(with_lines(*["\xe9:"] * 55))),
    Input("a request with 24 KiB of extensions", connections(with_lines(*[MANY_PARAMETERS] * 3))),
    Input("a wrong frame after the handshake", connections(REQUEST + wire.server_frame(1, b""))),
    Input("a request for a page", connections(get("/lesson"))),
    Input("a TLS ClientHello", connections(client_hello(), tls=True)),
    Input(
        "a connection for each byte",
        connections(b"x", answered=False),
        why_not="no: a connection costs this, whatever it sends",
    ),
    Input("Pongs that a page watches", watched(EMPTY_PONG * 100), budget.SHARE),
    Input("texts of one byte that a page watches", watched(SMALL * 100), budget.SHARE),
    Input(
        "the same, each byte in a segment of its own",
        watched(SMALL * 10, slowly=True),
        budget.SHARE,
    ),
    Input(
        "empty deflate blocks that a page watches",
        watched(compressed(FINAL_BLOCK * 10_000 + LAST), "&deflate=1", LARGEST_WINDOW),
        budget.SHARE,
    ),
    Input("messages of a page that are no commands", commands(SMALL, 100)),
)


# Measuring


@dataclasses.dataclass(frozen=True)
class Cost:
    """What an input costs: microseconds of CPU time a byte, and the processor's share meanwhile."""

    input: Input
    us_a_byte: float
    share: float
    handshakes: float = 1
    """Times what a byte of a handshake costs."""

    @property
    def kept(self) -> bool:
        if self.handshakes <= TIMES_A_HANDSHAKE or self.input.why_not != NO_NEED:
            return True
        return self.input.share is not None and self.share <= SHARE_SLACK * self.input.share


def measure(inputs: tuple[Input, ...], cpu_s: float) -> list[Cost]:
    """The cost of the handshake, and of each input; each takes `cpu_s` of CPU time or LONGEST_S."""
    every = (HANDSHAKE, *(one for one in inputs if one is not HANDSHAKE))
    limited = sum(one.share is not None for one in every)
    progress = Progress(len(every) * 2 * cpu_s + limited * LONGEST_S)
    costs = []
    with servers() as (plain, tls):
        for one in every:
            progress.show(one.name)
            server, pid = Server(plain[0], tls[0]), tls[1] if "TLS" in one.name else plain[1]
            costs.append(cost(one, server, pid, cpu_s))
    progress.done()
    share = costs[0].us_a_byte
    return [dataclasses.replace(cost, handshakes=cost.us_a_byte / share) for cost in costs]


@contextlib.contextmanager
def servers() -> Iterator[tuple[tuple[int, int], tuple[int, int]]]:
    """(port, process) of a server with compression, and of one with TLS."""
    with running("--deflate") as plain, running("--cert", CERTIFICATE, "--key", KEY) as tls:
        yield plain, tls


@contextlib.contextmanager
def running(*options: str) -> Iterator[tuple[int, int]]:
    """Pings could be taken for the server's work; the log is as it is by default."""
    port = server_process.free_port()
    command = server_process.refws_command("--log-level", "info", "--ping-interval", "0", *options)
    with server_process.running(command, port) as process:
        yield port, process.pid


def cost(one: Input, server: Server, pid: int, cpu_s: float) -> Cost:
    """The first rounds are not counted: they open connections, and use up what is free."""
    with contextlib.closing(one.rounds(server)) as rounds:
        send_rounds(rounds, pid, 0 if one.share is None else budget.CREDIT * one.share)
        sent, spent, took = send_rounds(rounds, pid, cpu_s)
    return Cost(one, spent * 1e6 / sent, spent / took)


def send_rounds(rounds: Rounds, pid: int, cpu_s: float) -> tuple[int, float, float]:
    """(bytes, CPU time, time) of rounds until one of both is used up; at least one round."""
    began, before, sent, spent, took = time.monotonic(), cpu_of(pid), 0, -1.0, 0.0
    while spent < cpu_s and took < LONGEST_S:
        sent += next(rounds)
        spent, took = cpu_of(pid) - before, time.monotonic() - began
    return sent, spent, took


def cpu_of(pid: int) -> float:
    return parse_cpu_s(read_proc(pid, "stat"))


# The table

HEAD = ("Input", "CPU a byte, us", "Times a handshake's", "Limited in rate")


def limit(one: Input) -> str:
    return one.why_not if one.share is None else f"{one.share:.0%} of a processor, for all pages"


def cells(row: Cost) -> tuple[str, ...]:
    return row.input.name, f"{row.us_a_byte:.2f}", f"{row.handshakes:.1f}", limit(row.input)
