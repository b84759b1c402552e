"""`endurance crowd`: many clients that come all at once, stay idle, and vanish all at once.

The clients are a process of their own. It is killed, so the system ends all of their connections in
the same moment, and in each thread of the server a receive returns. A good client beside them does
an echo every 10 ms: its worst round trip is how long a crowd makes the others wait.

Each measurement has a fresh server. The kinds of servers take turns, so that a machine that slows
down slows down all of them.
"""

import contextlib
import dataclasses
import math
import selectors
import socket
import statistics
import subprocess
import time
from collections.abc import Callable, Iterator
from multiprocessing import Pipe, Process
from multiprocessing.connection import Connection as PipeEnd

from scripts.endurance.good_client import Address, GoodClient
from scripts.shared import client_wire as wire
from scripts.shared import server_process
from scripts.shared.figures import Figure, held, parse_cpu_s, read_proc, wait_until
from scripts.shared.time_left import Progress

ARRIVE_TIMEOUT_S = 35
"""Below the 40 s after which the server gives up a client of the crowd: it answers no Ping."""
VANISH_TIMEOUT_S = 300
SPARE_CONNECTIONS = 10
"""Connections that the server allows above the crowd: the good client's, and the first probe."""

ROUND_TRIP_BOUND_MS = 3000
VANISH_BOUND_S = 5
ARRIVED_PER_S, EACH_S = 700, 3
"""A guess, for the time left only."""

VERSION = (
    "import platform, sysconfig; "
    "print(platform.python_version() + 't' * bool(sysconfig.get_config_var('Py_GIL_DISABLED')))"
)


@dataclasses.dataclass(frozen=True)
class Kind:
    """A server to measure: which Python runs it, and with which switch interval.

    None is the interval that `python3 -m refws` sets; a number of seconds is that of a program
    that calls `serve` itself (crowd_server.py).
    """

    python: str
    version: str
    interval_s: float | None

    def command(self, connections: int) -> list[str]:
        limit = str(connections + SPARE_CONNECTIONS)
        if self.interval_s is None:
            return [self.python, *server_process.refws_command("--max-connections", limit)[1:]]
        program = "scripts.endurance.crowd_server"
        return [self.python, "-m", program, "{port}", limit, str(self.interval_s)]

    def __str__(self) -> str:
        interval = "refws" if self.interval_s is None else f"{self.interval_s * 1000:g} ms"
        return f"{self.version} | {interval}"


@dataclasses.dataclass(frozen=True)
class Outcome:
    """One measurement of one crowd. A round trip is infinite if the good client had no echo."""

    opened: int
    arrive_s: float
    arrive_worst_ms: float
    vanish_s: float
    vanish_cpu_s: float
    vanish_worst_ms: float
    left_over: int


# The clients


def crowd(address: Address, connections: int, pipe: PipeEnd) -> None:
    """Wait for a word, open all connections at once, and report how many; then stay idle."""
    pipe.recv()
    with selectors.DefaultSelector() as selector:
        for _ in range(connections):
            connection = socket.socket()
            connection.setblocking(False)
            connection.connect_ex(address)
            selector.register(connection, selectors.EVENT_WRITE, Opening(connection))
        openings = [key.data for key in selector.get_map().values()]
        request = wire.request("/echo", *address)
        deadline = time.monotonic() + ARRIVE_TIMEOUT_S
        while selector.get_map() and time.monotonic() < deadline:
            for key, _ in selector.select(1):
                key.data.go_on(selector, request)
    pipe.send(sum(opening.head.startswith(b"HTTP/1.1 101 ") for opening in openings))
    with contextlib.suppress(EOFError):
        pipe.recv()  # until this process is killed, or its parent has ended


class Opening:
    """A connection in its opening handshake; `head` is the answer so far."""

    def __init__(self, connection: socket.socket) -> None:
        self.connection, self.head = connection, b""

    def go_on(self, selector: selectors.BaseSelector, request: bytes) -> None:
        """Send the request, then receive; leave the selector at the end of the answer."""
        try:
            if selector.get_key(self.connection).events == selectors.EVENT_WRITE:
                self.connection.send(request)
                selector.modify(self.connection, selectors.EVENT_READ, self)
                return
            received = self.connection.recv(4096)
        except OSError:
            received = b""
        self.head += received
        if not received or self.head.endswith(b"\r\n\r\n"):
            selector.unregister(self.connection)


class Crowd:
    """The clients as their parent sees them."""

    def __init__(self, address: Address, connections: int) -> None:
        self.pipe, other = Pipe()
        self.process = Process(target=crowd, args=(address, connections, other), daemon=True)
        self.process.start()
        other.close()

    def arrive(self) -> int:
        """How many connections are open once none is in its handshake; WireError if it died."""
        try:
            self.pipe.send("come")
            if self.pipe.poll(ARRIVE_TIMEOUT_S + 10):
                opened: int = self.pipe.recv()
                return opened
        except (EOFError, OSError):
            pass
        raise wire.WireError("the crowd of clients could not connect")

    def vanish(self) -> None:
        self.process.kill()


# One measurement


def measure(kind: Kind, connections: int) -> Outcome:
    """A crowd that comes to a fresh server, and vanishes."""
    address = server_process.HOST, server_process.free_port()
    with server_process.running(kind.command(connections), address[1]) as server:
        good = GoodClient(address)
        clients = Crowd(address, connections)
        try:
            good.report()
            return watch(clients, good, server.pid)
        finally:
            clients.vanish()
            good.stop()


def watch(clients: Crowd, good: GoodClient, pid: int) -> Outcome:
    base = held(pid)
    started = time.monotonic()
    opened = clients.arrive()
    arrive_s = time.monotonic() - started
    arrive_worst_ms = worst_ms(good)
    cpu_s = parse_cpu_s(read_proc(pid, "stat"))
    clients.vanish()
    vanish_s = wait_until(lambda: left_over(pid, base) == 0, VANISH_TIMEOUT_S)
    return Outcome(
        opened,
        arrive_s,
        arrive_worst_ms,
        vanish_s,
        parse_cpu_s(read_proc(pid, "stat")) - cpu_s,
        worst_ms(good),
        left_over(pid, base),
    )


def left_over(pid: int, base: tuple[int, int]) -> int:
    """Threads and descriptors that the server has above its base."""
    return sum(max(0, now - before) for now, before in zip(held(pid), base, strict=True))


def worst_ms(good: GoodClient) -> float:
    try:
        return good.report()[0]
    except wire.WireError:
        return math.inf


# All measurements

Outcomes = dict[tuple[int, Kind], list[Outcome]]


def run(
    sizes: list[int], pythons: list[str], intervals: list[float | None], rounds: int
) -> tuple[str, list[Figure]]:
    """The table of all medians, and the figures of the intervals that refws sets itself.

    OSError or WireError if a Python cannot be run.
    """
    kinds = [
        Kind(python, version_of(python), interval) for python in pythons for interval in intervals
    ]
    expected_s = sum(size / ARRIVED_PER_S + EACH_S for size in sizes)
    progress = Progress(expected_s * len(kinds) * rounds)
    outcomes: Outcomes = {(size, kind): [] for size in sizes for kind in kinds}
    for number in range(1, rounds + 1):
        for size, kind in outcomes:
            progress.show(f"round {number} of {rounds}: {size:,} connections, {kind}")
            outcomes[size, kind].append(measure(kind, size))
    progress.done()
    return table(outcomes), list(judge(outcomes))


def version_of(python: str) -> str:
    """Its version, with a t if it has no interpreter lock; OSError or WireError if it fails."""
    process = subprocess.run([python, "-c", VERSION], capture_output=True, text=True)
    if process.returncode:
        raise wire.WireError(f"{python} is no Python: {process.stderr.strip()[-200:]}")
    return process.stdout.strip()


COLUMNS: dict[str, Callable[[Outcome], float]] = {
    "all open after": lambda outcome: outcome.arrive_s,
    "worst echo meanwhile": lambda outcome: outcome.arrive_worst_ms / 1000,
    "all gone after": lambda outcome: outcome.vanish_s,
    "CPU for that": lambda outcome: outcome.vanish_cpu_s,
    "worst echo meanwhile ": lambda outcome: outcome.vanish_worst_ms / 1000,
}
"""In seconds. Infinite, printed as "none", is an echo that did not come in GOOD_TIMEOUT_S."""


def table(outcomes: Outcomes) -> str:
    """Markdown: a line for each size and kind of server."""
    lines = [
        ["connections", "Python", "switch interval", *map(str.strip, COLUMNS)],
        ["---:", "---", "---", *["---:"] * len(COLUMNS)],
    ]
    for (size, kind), measured in outcomes.items():
        cells = [describe([value(one) for one in measured]) for value in COLUMNS.values()]
        lines.append([f"{size:,}", str(kind), *cells])
    return "\n".join(f"| {' | '.join(line)} |" for line in lines)


def describe(values: list[float]) -> str:
    """The median of seconds, with the lowest and the highest."""
    middle = in_seconds(statistics.median(values))
    if len(values) == 1:
        return middle
    return f"{middle} ({in_seconds(min(values))} to {in_seconds(max(values))})"


def in_seconds(value: float) -> str:
    return f"{value:.2f} s" if value < math.inf else "none"


def judge(outcomes: Outcomes) -> Iterator[Figure]:
    """The worst of all rounds, where refws chose the interval."""
    for (size, kind), measured in outcomes.items():
        if kind.interval_s is not None:
            continue
        who = f"{size:,} on {kind.version}"
        came = max(one.arrive_worst_ms for one in measured)
        gone = max(one.vanish_s for one in measured)
        went = max(one.vanish_worst_ms for one in measured)
        left = max(one.left_over for one in measured)
        opened = min(one.opened for one in measured)
        yield Figure(f"{who}: connections opened", opened, size, floor=True)
        yield Figure(f"{who}: worst echo, they come", came, ROUND_TRIP_BOUND_MS, "ms")
        yield Figure(f"{who}: all gone after", gone, VANISH_BOUND_S, "s")
        yield Figure(f"{who}: worst echo, they vanish", went, ROUND_TRIP_BOUND_MS, "ms")
        yield Figure(f"{who}: threads and descriptors left over", left, 0)
