"""The load generator of scripts/bench: frames made beforehand, echoes counted, nothing parsed.

On one connection: a blocking socket with a window of frames in flight. On many: one frame in flight
on each, one selector for all. The first echo is compared byte for byte, the ones between are
counted as bytes, the last ones are compared again. After them only a Close frame may follow, and
the end of the stream.

`Load` is what every kind of load has in common, `RepeatedFrame` is the one described here;
deflate_load.py has the one for compressed messages.
"""

import abc
import contextlib
import dataclasses
import selectors
import socket
import threading
import time
from collections.abc import Callable

from scripts.bench.bare_loop import sample_payload
from scripts.shared import client_wire as wire

STALL_S = 20
RECEIVE_SIZE = 256 * 1024


@dataclasses.dataclass(frozen=True)
class Scenario:
    name: str
    opcode: int
    payload_length: int
    connections: int = 1
    window: int = 1
    deflate: bool = False

    @property
    def in_flight(self) -> int:
        return self.connections * self.window


@dataclasses.dataclass(frozen=True)
class Measurement:
    messages: int
    seconds: float
    server_cpu_s: float
    reply_length: float
    """Bytes of payload in an echo, on average."""

    @property
    def rate(self) -> float:
        return self.messages / self.seconds

    @property
    def cost_us(self) -> float:
        """CPU time of the server for each message, in microseconds, the system calls included."""
        return self.server_cpu_s / max(1, self.messages) * 1e6


class Load(abc.ABC):
    """One scenario against one server. Everything blocks; 20 s of silence are a WireError."""

    def __init__(self, scenario: Scenario) -> None:
        self.scenario = scenario
        self.sockets: list[socket.socket] = []

    def close(self) -> None:
        for connection in self.sockets:
            connection.close()

    @abc.abstractmethod
    def start(self) -> None:
        """Fill the window of every connection."""

    @abc.abstractmethod
    def drive(self, until: float) -> int:
        """Exchange messages until `until`, a time of time.perf_counter; how many were echoed.

        The windows stay full.
        """

    @abc.abstractmethod
    def finish(self) -> None:
        """Receive what is in flight; WireError if a byte differs, is missing, or is left over."""

    @abc.abstractmethod
    def reply_length(self) -> float:
        """Bytes of payload in an echo, on average."""

    def run(self, seconds: float) -> tuple[int, float]:
        """Exchange messages for about `seconds`; how many were echoed, in which time."""
        watchdog = threading.Timer(seconds + STALL_S, self.shut_down)
        watchdog.daemon = True
        watchdog.start()
        started = time.perf_counter()
        try:
            echoed = self.drive(started + seconds)
        finally:
            watchdog.cancel()
        return echoed, time.perf_counter() - started

    def shut_down(self) -> None:
        for connection in self.sockets:
            with contextlib.suppress(OSError):
                connection.shutdown(socket.SHUT_RDWR)


class RepeatedFrame(Load):
    """The same frame, again and again."""

    def __init__(self, scenario: Scenario, host: str, port: int, path: str) -> None:
        super().__init__(scenario)
        payload = sample_payload(scenario.payload_length)
        self.frame = wire.client_frame(scenario.opcode, payload)
        self.reply = wire.server_frame(scenario.opcode, payload)
        self.pending: list[int] = [0] * scenario.connections
        try:
            for _ in range(scenario.connections):
                self.sockets.append(wire.open_websocket(host, port, path, STALL_S))
                self.check_one_echo(self.sockets[-1])
        except BaseException:
            self.close()
            raise

    def check_one_echo(self, connection: socket.socket) -> None:
        connection.sendall(self.frame)
        compare(wire.read_exactly(connection, len(self.reply)), self.reply, "the first echo")

    def start(self) -> None:
        for connection in self.sockets:
            connection.sendall(self.frame * self.scenario.window)

    def reply_length(self) -> float:
        return self.scenario.payload_length

    def drive(self, until: float) -> int:
        return self.drive_one(until) if len(self.sockets) == 1 else self.drive_many(until)

    def drive_one(self, until: float) -> int:
        connection = self.sockets[0]
        connection.settimeout(None)
        receive, send, now = connection.recv_into, connection.sendall, time.perf_counter
        frame_size, reply_size, pending = len(self.frame), len(self.reply), self.pending[0]
        frames = memoryview(self.frame * self.scenario.window)
        buffer = bytearray(RECEIVE_SIZE)
        echoed = 0
        while now() < until:
            received = receive(buffer)
            if not received:
                raise wire.WireError(f"the server ended the stream or was silent for {STALL_S} s")
            whole, pending = divmod(pending + received, reply_size)
            if whole:
                echoed += whole
                send(frames[: whole * frame_size])
        self.pending[0] = pending
        return echoed

    def drive_many(self, until: float) -> int:
        now, frame, reply_size, pending = (
            time.perf_counter,
            self.frame,
            len(self.reply),
            self.pending,
        )
        buffer = bytearray(RECEIVE_SIZE)
        echoed = 0
        with selectors.DefaultSelector() as selector:
            for index, connection in enumerate(self.sockets):
                connection.setblocking(False)
                selector.register(connection, selectors.EVENT_READ, index)
            while now() < until:
                for key, _ in selector.select(STALL_S):
                    index = key.data
                    connection = self.sockets[index]
                    received = connection.recv_into(buffer)
                    if not received:
                        raise wire.WireError(
                            f"the server ended a stream or was silent for {STALL_S} s"
                        )
                    pending[index] += received
                    if pending[index] >= reply_size:
                        pending[index] -= reply_size
                        echoed += 1
                        connection.send(frame)
        return echoed

    def finish(self) -> None:
        expected = self.reply * self.scenario.window
        for connection, pending in zip(self.sockets, self.pending, strict=True):
            connection.settimeout(STALL_S)
            rest = wire.read_exactly(connection, len(expected) - pending)
            compare(rest, expected[pending:], "the last echoes")
            check_end(connection)


def check_end(connection: socket.socket) -> None:
    """Send a Close; only a Close with the same code may answer it, or nothing (the bare loop)."""
    status_code = (1000).to_bytes(2, "big")
    connection.sendall(wire.client_frame(wire.CLOSE, status_code))
    connection.shutdown(socket.SHUT_WR)
    rest = b""
    while piece := connection.recv(4096):
        rest += piece
    if rest not in (b"", wire.server_frame(wire.CLOSE, status_code)):
        raise wire.WireError(f"{len(rest)} bytes more than were asked for: {rest[:40].hex(' ')}")


def compare(seen: bytes, expected: bytes, what: str) -> None:
    if seen != expected:
        at = next(
            i for i, pair in enumerate(zip(seen, expected, strict=True)) if pair[0] != pair[1]
        )
        raise wire.WireError(f"{what}: byte {at} is {seen[at]:#04x}, expected {expected[at]:#04x}")


def measure(
    load: Load, warm_up_s: float, seconds: float, server_cpu_s: Callable[[], float]
) -> Measurement:
    """Run the load, then close its connections. `server_cpu_s` gives the server's CPU time."""
    with contextlib.closing(load):
        load.start()
        load.run(warm_up_s)
        cpu_before = server_cpu_s()
        measurement = Measurement(
            *load.run(seconds), server_cpu_s() - cpu_before, load.reply_length()
        )
        load.finish()
    return measurement
