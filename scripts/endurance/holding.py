"""`endurance limits`, first table: who holds a thread and a slot, for how long, by what it does.

All peers are there at the same time, on servers of this process. So the thread of each connection
is known by its name, and `join` says when it ends; its slot is free just before.
"""

import contextlib
import dataclasses
import logging
import socket
import ssl
import threading
import time
from collections.abc import Callable, Iterator
from concurrent.futures import Future, ThreadPoolExecutor
from typing import Any

from refws import Connection, Server, serve
from refws.course.services import echo
from refws.endpoint import connection, heartbeat
from refws.endpoint.settings import Settings
from refws.endpoint.tls.certificates import server_context
from scripts.endurance.good_client import answer_ping, read_frame
from scripts.shared import client_wire as wire
from scripts.shared import server_process
from scripts.shared.time_left import Progress

CERTIFICATE = str(server_process.ROOT / "tests" / "certificates" / "localhost.pem")
KEY = str(server_process.ROOT / "tests" / "certificates" / "key.pem")

CONSTANTS = {"LINGER": connection.LINGER, "SECOND_LOOK": heartbeat.SECOND_LOOK}
"""The times that no setting changes, in seconds."""

SLACK_S = 1
"""Seconds beyond the bound: a busy machine, Pings that leave together."""

GIVE_UP_S = 5
"""Seconds beyond the bound after which a peer that still holds its thread is not watched longer."""

CONNECT_TIMEOUT_S = 20

SMALL_BUFFER = 4096
"""Bytes for receiving: a server soon notices that nothing is read."""

BYE = "/bye"
"""The path of a handler that returns at once, so that the server begins to close."""

PART_OF_REQUEST = b"GET /echo HTTP/1.1\r\nHost: localhost\r\n"
PART_OF_HELLO = b"\x16\x03\x01\x02\x00\x01" + bytes(600)
"""The start of a TLS record with a ClientHello (RFC 8446 §5.1)."""

BIG = 1 << 20
LONG_MESSAGE = wire.client_frame(wire.BINARY, bytes(BIG))
START_OF_LONG_MESSAGE = LONG_MESSAGE[:1000]
NOT_MASKED = wire.server_frame(wire.TEXT, b"")
CLOSE = wire.client_frame(wire.CLOSE, (1000).to_bytes(2))


# Peers


class Peer:
    """A client, and what it needs to misbehave; each of its waits ends in `leave`."""

    def __init__(self, sock: socket.socket, times: Settings) -> None:
        self.sock = sock
        self.times = times
        self.over = threading.Event()

    def open(self, path: str = "/echo") -> None:
        self.send(wire.request(path, "localhost", 80))
        wire.check_response(wire.read_head(self.sock))

    def open_tls(self) -> None:
        context = ssl.create_default_context()
        context.check_hostname, context.verify_mode = False, ssl.CERT_NONE
        self.sock = context.wrap_socket(self.sock)

    def ask_from_elsewhere(self) -> None:
        """Send a request that is refused with 403, because its page is another server's (§10.2)."""
        line = b"\r\nOrigin: http://elsewhere.example\r\n\r\n"
        self.send(wire.request("/echo", "localhost", 80).replace(b"\r\n\r\n", line))

    def send(self, data: bytes) -> None:
        self.sock.sendall(data)

    def send_again_and_again(self, data: bytes, every_s: float) -> None:
        while not self.over.is_set():
            self.send(data)
            self.over.wait(every_s)

    def send_slowly(self, data: bytes) -> None:
        """One byte at a time, so slowly that the deadline comes first."""
        for i in range(len(data)):
            self.send(data[i : i + 1])
            self.over.wait(self.open_timeout / 12)

    def send_late(self, first: bytes, last: bytes) -> None:
        """The last bytes shortly before the deadline of the opening handshake."""
        self.send(first)
        self.over.wait(0.95 * self.open_timeout)
        self.send(last)

    @property
    def open_timeout(self) -> float:
        return self.times.open_timeout or 0

    def leave(self) -> None:
        """End it from another thread, which may be in any of these functions."""
        self.over.set()
        with contextlib.suppress(OSError):
            self.sock.shutdown(socket.SHUT_RDWR)


def say_nothing(peer: Peer) -> None:
    pass


def ask_slowly(peer: Peer) -> None:
    peer.send_slowly(wire.request("/echo", "localhost", 80))


def ask_wrongly_and_late(peer: Peer) -> None:
    peer.send_late(PART_OF_REQUEST, b"no header\r\n\r\n")


def be_refused(peer: Peer) -> None:
    peer.ask_from_elsewhere()


def be_refused_and_send_on(peer: Peer) -> None:
    peer.ask_from_elsewhere()
    peer.send_again_and_again(bytes(1000), 0.01)


def be_turned_away(peer: Peer) -> None:
    """Send bytes until the server has no descriptor for them."""
    peer.send_again_and_again(b"x", 0.02)


def break_a_rule(peer: Peer) -> None:
    peer.open()
    peer.send(NOT_MASKED)


def close(peer: Peer) -> None:
    peer.open()
    peer.send(CLOSE)


def answer_no_close(peer: Peer) -> None:
    peer.open(BYE)


def answer_no_ping(peer: Peer) -> None:
    peer.open()


def end_in_a_message(peer: Peer) -> None:
    peer.open()
    peer.send(START_OF_LONG_MESSAGE)
    peer.sock.shutdown(socket.SHUT_WR)


def send_and_read_nothing(peer: Peer) -> None:
    with contextlib.suppress(OSError):
        peer.send_again_and_again(LONG_MESSAGE, 0)


def read_nothing(peer: Peer) -> None:
    peer.open()
    send_and_read_nothing(peer)


def read_slowly(peer: Peer) -> None:
    """20 KiB in each `send_timeout`, while another thread sends."""
    peer.open()
    threading.Thread(target=send_and_read_nothing, args=(peer,), daemon=True).start()
    while not peer.over.wait(peer.times.send_timeout / 20) and peer.sock.recv(1024):
        pass


def only_answer_pings(peer: Peer) -> None:
    peer.open()
    while True:
        answer_ping(peer.sock, read_frame(peer.sock))


def send_a_message_slowly(peer: Peer) -> None:
    peer.open()
    peer.send(START_OF_LONG_MESSAGE)
    peer.send_again_and_again(b"\0", (peer.times.ping_interval or 0) / 20)


def say_hello_slowly(peer: Peer) -> None:
    peer.send_slowly(PART_OF_HELLO)


def say_hello_wrongly_and_late(peer: Peer) -> None:
    peer.send_late(PART_OF_HELLO[:3], b"\xff" * 100)


def tls_be_refused(peer: Peer) -> None:
    peer.open_tls()
    be_refused(peer)


def tls_break_a_rule(peer: Peer) -> None:
    peer.open_tls()
    break_a_rule(peer)


def tls_close(peer: Peer) -> None:
    peer.open_tls()
    close(peer)


# The rows


@dataclasses.dataclass(frozen=True)
class Case:
    """A peer, and the settings or constants whose sum ends it; None if nothing does."""

    name: str
    attack: Callable[[Peer], None]
    ends: tuple[str, ...] | None
    server: str = "tcp"

    def bound_s(self, times: Settings) -> float | None:
        if self.ends is None:
            return None
        return sum(CONSTANTS.get(name) or getattr(times, name) for name in self.ends)

    def what_ends_it(self) -> str:
        if self.ends is None:
            return "nothing: it is a good peer"
        return " + ".join(f"`{name}`" for name in self.ends) or "the end of TCP, at once"


OPEN, LINGER = ("open_timeout",), ("LINGER",)
SILENCE = ("ping_interval", "ping_timeout", "SECOND_LOOK")

CASES = (
    Case("sends nothing", say_nothing, OPEN),
    Case("sends its request a byte at a time", ask_slowly, OPEN),
    Case("sends a wrong request just in time", ask_wrongly_and_late, OPEN + LINGER),
    Case("is refused with 403, keeps TCP open", be_refused, LINGER),
    Case("is refused with 403, goes on sending", be_refused_and_send_on, LINGER),
    Case("breaks a rule of §5, keeps TCP open", break_a_rule, LINGER),
    Case("sends a Close, keeps TCP open", close, LINGER),
    Case("does not answer the server's Close", answer_no_close, ("close_timeout", *LINGER)),
    Case("answers no Ping", answer_no_ping, SILENCE),
    Case("reads nothing of its echoes", read_nothing, ("send_timeout",)),
    Case("reads less than 64 KiB in `send_timeout`", read_slowly, ("send_timeout",)),
    Case("ends TCP in a message", end_in_a_message, ()),
    Case("only answers Pings", only_answer_pings, None),
    Case("sends a long message a byte at a time", send_a_message_slowly, None),
    Case("TLS: sends nothing", say_nothing, OPEN, "tls"),
    Case("TLS: sends its ClientHello a byte at a time", say_hello_slowly, OPEN, "tls"),
    Case("TLS: sends no TLS, just in time", say_hello_wrongly_and_late, OPEN + LINGER, "tls"),
    Case("TLS: is refused with 403, keeps TCP open", tls_be_refused, LINGER, "tls"),
    Case("TLS: breaks a rule of §5, keeps TCP open", tls_break_a_rule, LINGER, "tls"),
    Case("TLS: sends a Close, keeps TCP open", tls_close, LINGER, "tls"),
    Case("is turned away with 503: only a descriptor", be_turned_away, LINGER, "full"),
)


# Measuring


@dataclasses.dataclass(frozen=True)
class Held:
    """How long a case held its thread, in seconds; None if it still did when it was left."""

    case: Case
    bound_s: float | None
    seconds: float | None

    @property
    def kept(self) -> bool:
        if self.bound_s is None or self.seconds is None:
            return self.bound_s is self.seconds
        return self.seconds <= self.bound_s + SLACK_S


class Failed(Exception):
    """A peer could not do what its case is about."""


def measure(cases: tuple[Case, ...], times: Settings) -> list[Held]:
    """How long each case holds its thread with these times; Failed if one cannot be tried."""
    bounds = [case.bound_s(times) for case in cases]
    longest = max(bound or 0 for bound in bounds)
    progress = Progress(longest)
    with servers(times) as ports, ThreadPoolExecutor(len(cases)) as pool:
        futures = [
            pool.submit(hold, case, ports[case.server], times, give_up_after(bound, longest))
            for case, bound in zip(cases, bounds, strict=True)
        ]
        wait_for(futures, progress)
        held = [future.result() for future in futures]
    progress.done()
    return [Held(*row) for row in zip(cases, bounds, held, strict=True)]


def give_up_after(bound: float | None, longest: float) -> float:
    return longest + SLACK_S if bound is None else bound + GIVE_UP_S


def wait_for(futures: list[Future[float | None]], progress: Progress) -> None:
    while (left := sum(not future.done() for future in futures)) > 0:
        progress.show(f"{left} of {len(futures)} peers still hold a thread")
        time.sleep(0.1)


@contextlib.contextmanager
def servers(times: Settings) -> Iterator[dict[str, int]]:
    """The port of each server that the cases name."""
    with (
        running(times) as tcp,
        running(times, ssl=server_context(CERTIFICATE, KEY)) as tls,
        running(times, max_connections=0) as full,
    ):
        yield {"tcp": tcp, "tls": tls, "full": full}


@contextlib.contextmanager
def running(times: Settings, **options: Any) -> Iterator[int]:
    silent = dataclasses.replace(times, logger=quiet())
    settings: dict[str, Any] = {
        field.name: getattr(silent, field.name) for field in dataclasses.fields(silent)
    }
    server: Server = serve(handle, server_process.HOST, 0, **settings, **options)
    thread = threading.Thread(target=server.serve_forever, daemon=True)
    thread.start()
    try:
        yield server.address[1]
    finally:
        server.shutdown()
        thread.join()


def handle(connection: Connection) -> None:
    assert connection.request is not None
    if connection.request.path != BYE:
        echo(connection)


def quiet() -> logging.Logger:
    """A logger that shows nothing: a line for each broken rule would hide the progress."""
    logger = logging.Logger("endurance limits")
    logger.addHandler(logging.NullHandler())
    return logger


def hold(case: Case, port: int, times: Settings, give_up_s: float) -> float | None:
    """Seconds until the thread of this connection ends; None if it does not in `give_up_s`."""
    began = time.monotonic()
    peer = Peer(connect(port), times)
    try:
        errors: list[Exception] = []
        attacker = threading.Thread(target=attack, args=(case, peer, errors), daemon=True)
        held = attacker if case.server == "full" else thread_of(peer)
        attacker.start()
        held.join(give_up_s)
        ended, took = not held.is_alive(), time.monotonic() - began
        peer.leave()
        attacker.join()
    finally:
        peer.sock.close()
    if errors:
        raise Failed(f"the peer that {case.name}: {errors[0]}") from errors[0]
    return took if ended else None


def connect(port: int) -> socket.socket:
    sock = socket.socket()
    sock.setsockopt(socket.SOL_SOCKET, socket.SO_RCVBUF, SMALL_BUFFER)
    sock.connect((server_process.HOST, port))
    return sock


def attack(case: Case, peer: Peer, errors: list[Exception]) -> None:
    """Do what the case says; an end of TCP is no error, and no error is one after `leave`."""
    try:
        case.attack(peer)
    except OSError:
        pass
    except Exception as error:
        if not peer.over.is_set():
            errors.append(error)


def thread_of(peer: Peer) -> threading.Thread:
    """The server's thread for this peer; Failed if there is none."""
    host, port = peer.sock.getsockname()
    deadline = time.monotonic() + CONNECT_TIMEOUT_S
    while time.monotonic() < deadline:
        for thread in threading.enumerate():
            if thread.name == f"refws {host}:{port}" and thread.is_alive():
                return thread
        time.sleep(0.001)
    raise Failed(f"the server has started no thread for a connection in {CONNECT_TIMEOUT_S} s")


# The table

HEAD = ("What a peer does", "What ends it", "At most, s", "Measured, s")


def cells(row: Held) -> tuple[str, ...]:
    bound = "-" if row.bound_s is None else f"{row.bound_s:g}"
    seconds = "not ended" if row.seconds is None else f"{row.seconds:.1f}"
    return row.case.name, row.case.what_ends_it(), bound, seconds
