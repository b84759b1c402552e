"""`endurance idle`: thousands of open connections on which nothing happens but the heartbeat.

This process is the client: it answers each Ping (§5.5.2) and does nothing else. The masking key of
its Pongs is zero, so that masking costs the client nothing; the server cannot skip it.
"""

import selectors
import socket
import time

from scripts.shared import client_wire as wire
from scripts.shared import server_process
from scripts.shared.figures import Figure, Usage, held, usage, wait_until
from scripts.shared.time_left import Progress

ZERO_KEY = bytes(4)
PING_INTERVAL_S = 20
MEMORY_BOUND_KIB = 30
CPU_BOUND_PERCENT = 3
WARM_UP_CONNECTIONS = 100
OWN_THREADS = 2
"""Accept thread and timer thread."""

OPEN_TIMEOUT_S = 20
LEAVE_TIMEOUT_S = 60
OPENED_PER_S = 700
"""A guess, for the time left only."""


class IdleClients:
    """Open WebSocket connections, all watched by one selector."""

    def __init__(self, port: int) -> None:
        self.port = port
        self.pings = 0
        self.selector = selectors.DefaultSelector()
        self.received: dict[socket.socket, bytes] = {}

    def __len__(self) -> int:
        return len(self.received)

    def open(self, number: int, progress: Progress) -> None:
        """Open `number` more, answering Pings meanwhile; OSError or WireError if one is refused."""
        for opened in range(1, number + 1):
            connection = wire.open_websocket(
                server_process.HOST, self.port, "/echo", OPEN_TIMEOUT_S
            )
            connection.setblocking(False)
            self.received[connection] = b""
            self.selector.register(connection, selectors.EVENT_READ, connection)
            if opened % 100 == 0:
                progress.show(f"{opened:,} of {number:,} connections open")
                self.answer_pings(0)

    def answer_pings(self, seconds: float) -> None:
        """Wait at most `seconds` for bytes, and answer the Pings in them."""
        for key, _ in self.selector.select(seconds):
            self.take(key.data)

    def take(self, connection: socket.socket) -> None:
        try:
            data = connection.recv(4096)
        except OSError:
            data = b""
        if data:
            self.received[connection] = self.answer(connection, self.received[connection] + data)
        else:
            self.drop(connection)

    def answer(self, connection: socket.socket, data: bytes) -> bytes:
        """Send a Pong for each whole Ping in the data; returns the bytes that are left."""
        while len(data) >= 2 and len(data) >= (end := 2 + data[1]):
            if data[0] == wire.FIN | wire.PING:
                header = wire.header(wire.PONG, data[1], masked=True)
                connection.send(header + ZERO_KEY + data[2:end])
                self.pings += 1
            data = data[end:]
        return data

    def drop(self, connection: socket.socket) -> None:
        self.selector.unregister(connection)
        del self.received[connection]
        connection.close()

    def leave(self, timeout_s: float) -> None:
        """Close every connection properly (§7.1.2) and wait for the server's end of it."""
        goodbye = wire.client_frame(wire.CLOSE, (1000).to_bytes(2, "big"))
        for connection in list(self.received):
            connection.send(goodbye)
        deadline = time.monotonic() + timeout_s
        while self.received and time.monotonic() < deadline:
            self.answer_pings(1)

    def close(self) -> None:
        for connection in list(self.received):
            self.drop(connection)
        self.selector.close()


def command(connections: int) -> list[str]:
    return server_process.refws_command("--max-connections", str(connections + WARM_UP_CONNECTIONS))


def run(connections: int, window_s: float) -> list[Figure]:
    """The figures of `connections` idle ones, with the CPU time of `window_s` seconds."""
    port = server_process.free_port()
    progress = Progress(connections / OPENED_PER_S * 1.5 + window_s)
    with server_process.running(command(connections), port) as server:
        warm_up(port, progress)
        wait_until(lambda: held(server.pid)[0] <= OWN_THREADS, LEAVE_TIMEOUT_S)
        base = usage(server.pid)
        clients = IdleClients(port)
        try:
            clients.open(connections, progress)
            first, last, pings = watch(clients, server.pid, window_s, progress)
            still_open = len(clients)
            clients.leave(LEAVE_TIMEOUT_S)
            wait_until(
                lambda: held(server.pid) == (base.threads, base.descriptors), LEAVE_TIMEOUT_S
            )
        finally:
            clients.close()
        after = usage(server.pid)
    progress.done()
    return judge(connections, window_s, base, first, last, after, still_open, pings)


def warm_up(port: int, progress: Progress) -> None:
    """Let the server allocate what it needs once, so that no connection is charged for it."""
    clients = IdleClients(port)
    try:
        clients.open(WARM_UP_CONNECTIONS, progress)
        clients.leave(LEAVE_TIMEOUT_S)
    finally:
        clients.close()


def watch(
    clients: IdleClients, pid: int, window_s: float, progress: Progress
) -> tuple[Usage, Usage, int]:
    """The server's usage at the start and the end of the window, and the Pings answered in it."""
    first, pings = usage(pid), clients.pings
    end = time.monotonic() + window_s
    while (left := end - time.monotonic()) > 0:
        progress.show(
            f"{len(clients):,} idle connections, {clients.pings - pings:,} Pings answered"
        )
        clients.answer_pings(min(left, 1))
    return first, usage(pid), clients.pings - pings


def judge(
    connections: int,
    window_s: float,
    base: Usage,
    first: Usage,
    last: Usage,
    after: Usage,
    still_open: int,
    pings: int,
) -> list[Figure]:
    memory_kib = (max(first.pss_kib, last.pss_kib) - base.pss_kib) / connections
    cpu_percent = 100 * (last.cpu_s - first.cpu_s) / window_s
    return [
        Figure("connections still open after the window", still_open, connections, floor=True),
        Figure(
            "Pings answered in the window",
            pings,
            connections * int(window_s // PING_INTERVAL_S),
            floor=True,
        ),
        Figure("memory (PSS) of each connection", memory_kib, MEMORY_BOUND_KIB, "KiB"),
        Figure(f"CPU over {window_s:g} s", cpu_percent, CPU_BOUND_PERCENT, "% of a core"),
        Figure("threads with all connections", last.threads, connections + OWN_THREADS),
        Figure("threads after they left", after.threads, base.threads),
        Figure("file descriptors after they left", after.descriptors, base.descriptors),
    ]
