"""What refws.connect does not release, and how many handshakes it has open at once.

    python3 scripts/checks/client.py                     everything (about half a minute)
    python3 scripts/checks/client.py --connects 10000    more of it

1. Connects in a row to refws in a process of its own, over TCP and over TLS. Each sends a message,
   gets it back and closes. The same number is refused with 404. After that neither process has more
   threads or file descriptors than before.
2. Many threads connect at once to a server that answers slowly, and counts. It never sees two
   opening handshakes at the same time with one address (§4.1 item 2), on any ports. With two
   addresses it sees two, so it can count to two.

Exit status 1 if a bound is broken or the server failed, 2 if it cannot be tried. Linux only,
because threads and file descriptors are counted in /proc, and 127.0.0.2 is an address of this
machine. The ports of ended connections stay in TIME_WAIT for a minute, on the server's side.
"""

from __future__ import annotations

import argparse
import contextlib
import os
import socket
import ssl
import sys
import threading
import time
from collections import Counter
from collections.abc import Callable, Iterator
from pathlib import Path
from typing import BinaryIO

sys.path.insert(0, str(Path(__file__).resolve().parents[2]))

import refws
from scripts.shared import client_wire as wire
from scripts.shared import figures, server_process
from scripts.shared.figures import Figure, held, wait_until
from scripts.shared.time_left import Progress

CERTIFICATES = server_process.ROOT / "tests" / "certificates"
CERTIFICATE, KEY = str(CERTIFICATES / "localhost.pem"), str(CERTIFICATES / "key.pem")

WARM_UP = 20
QUIET_S = 10
"""Seconds after which nothing may remain of a connection that has ended."""

GUESSED_S = {"TCP": 0.005, "TLS": 0.011}
"""Two connects, one of them refused; for the time left only."""

THREADS = 16
SLOW_S = 0.01
"""How long the counting server takes for an answer, and so for each handshake with one address."""

HANDSHAKES_IN_ALL_S = 60.0


# 1. Nothing remains


def check_leftovers(transport: str, connects: int, progress: Progress) -> list[Figure]:
    """The figures of `connects` connects in a row, and of as many that are refused."""
    tls = transport == "TLS"
    port = server_process.free_port()
    options = ("--cert", CERTIFICATE, "--key", KEY) if tls else ()
    context = ssl.create_default_context(cafile=CERTIFICATE) if tls else None
    uri = f"{'wss' if tls else 'ws'}://{server_process.HOST}:{port}"
    with server_process.running(server_process.refws_command(*options), port) as server:
        pids = {"client": os.getpid(), "server": server.pid}
        for _ in range(WARM_UP):
            exchange(uri, context, "warm-up")
            is_refused(uri, context)
        wait_until(lambda: not refws_threads(), QUIET_S)
        before = settled(pids)
        started = time.monotonic()
        echoed = refused = 0
        for number in range(connects):
            echoed += exchange(uri, context, f"message {number}")
            refused += is_refused(uri, context)
            progress.show(f"{transport}: {number + 1:,} of {connects:,} connects")
        seconds = time.monotonic() - started
        wait_until(lambda: all(held(pid) == before[name] for name, pid in pids.items()), QUIET_S)
        after = {name: held(pid) for name, pid in pids.items()}
    progress.done()
    print(f"{transport}: {connects:,} connects and {connects:,} refused ones in {seconds:.1f} s")
    return [
        Figure(f"{transport}: messages that came back", echoed, connects, floor=True),
        Figure(f"{transport}: connects refused with 404", refused, connects, floor=True),
        *(
            Figure(
                f"{transport}: {what} of the {name}, after", after[name][index], before[name][index]
            )
            for name in pids
            for index, what in enumerate(("threads", "file descriptors"))
        ),
    ]


def exchange(uri: str, context: ssl.SSLContext | None, message: str) -> bool:
    """True if a message to a new connection is echoed, and the connection ends with 1000."""
    with refws.connect(f"{uri}/echo", ssl=context) as connection:
        connection.send(message)
        answer = connection.recv(timeout=QUIET_S)
    return answer == message and connection.close_code == 1000


def is_refused(uri: str, context: ssl.SSLContext | None) -> bool:
    try:
        refws.connect(f"{uri}/nowhere", ssl=context).close()
    except refws.InvalidStatus as error:
        return error.response.status_code == 404
    return False


def refws_threads() -> list[str]:
    return [thread.name for thread in threading.enumerate() if thread.name.startswith("refws")]


def settled(pids: dict[str, int]) -> dict[str, tuple[int, int]]:
    """The threads and files of each process, once three checks have found the same numbers."""
    seen: list[dict[str, tuple[int, int]]] = []

    def is_settled() -> bool:
        seen.append({name: held(pid) for name, pid in pids.items()})
        return len(seen) >= 3 and seen[-1] == seen[-2] == seen[-3]

    wait_until(is_settled, QUIET_S)
    return seen[-1]


# 2. One opening handshake at a time


class CountingServer:
    """Listens on some addresses, answers opening handshakes slowly, and counts those open at once.

    A handshake counts from the TCP connection until just before its answer leaves, when the client
    cannot know yet that it is over.
    """

    def __init__(self, hosts: list[str]) -> None:
        self.most: Counter[str] = Counter()
        self.most_in_all = 0
        self.answered = 0
        self.failed: list[str] = []
        self._open: Counter[str] = Counter()
        self._lock = threading.Lock()
        self._listeners = [socket.create_server((host, 0), backlog=THREADS * 2) for host in hosts]
        self._threads = [self._start(self._accept, listener) for listener in self._listeners]

    def _start(
        self, function: Callable[[socket.socket], None], sock: socket.socket
    ) -> threading.Thread:
        thread = threading.Thread(target=function, args=[sock], name="counting server", daemon=True)
        thread.start()
        return thread

    @property
    def uris(self) -> list[str]:
        return ["ws://{}:{}/".format(*listener.getsockname()) for listener in self._listeners]

    def _accept(self, listener: socket.socket) -> None:
        with contextlib.suppress(OSError):  # the end: the listener is shut down
            while True:
                self._start(self._serve, listener.accept()[0])

    def _serve(self, sock: socket.socket) -> None:
        """Send the answer, then finish the closing handshake that the client begins."""
        with sock, sock.makefile("rb") as file:
            sock.settimeout(HANDSHAKES_IN_ALL_S)
            try:
                with self._counted("{}:{}".format(*sock.getsockname())):
                    key = read_key(file)
                    time.sleep(SLOW_S)
                sock.sendall(answer(key))
                file.read(2 + 4 + 2)
                sock.sendall(wire.server_frame(wire.CLOSE, (1000).to_bytes(2, "big")))
            except (OSError, ValueError) as error:
                self.failed.append(str(error))

    @contextlib.contextmanager
    def _counted(self, address: str) -> Iterator[None]:
        with self._lock:
            self._open[address] += 1
            self.most[address] = max(self.most[address], self._open[address])
            self.most_in_all = max(self.most_in_all, self._open.total())
        try:
            yield
        finally:
            with self._lock:
                self._open[address] -= 1
                self.answered += 1

    def stop(self) -> None:
        for listener in self._listeners:
            listener.shutdown(socket.SHUT_RDWR)
            listener.close()
        for thread in self._threads:
            thread.join(QUIET_S)


def read_key(file: BinaryIO) -> str:
    """The Sec-WebSocket-Key of a request, whose head is read; ValueError if it has none."""
    key = ""
    while (line := file.readline(wire.HEAD_LIMIT)) != b"\r\n":
        name, colon, value = line.decode("latin-1").partition(":")
        if not line:
            raise ValueError("the client went in the middle of its request")
        if colon and name.lower() == "sec-websocket-key":
            key = value.strip()
    if not key:
        raise ValueError("the request has no Sec-WebSocket-Key")
    return key


def answer(key: str) -> bytes:
    return (
        "HTTP/1.1 101 Switching Protocols\r\nUpgrade: websocket\r\nConnection: Upgrade\r\n"
        f"Sec-WebSocket-Accept: {wire.accept_value(key)}\r\n\r\n"
    ).encode("ascii")


def check_turns(handshakes: int, progress: Progress) -> list[Figure]:
    """The figures of handshakes from many threads, with two ports of one address, and another."""
    one, other = "127.0.0.1", "127.0.0.2"
    server = CountingServer([one, one, other])
    left = iter(range(handshakes))
    lock = threading.Lock()
    failed: list[str] = []

    def take() -> int | None:
        with lock:
            return next(left, None)

    def connect_again_and_again() -> None:
        while (number := take()) is not None:
            try:
                refws.connect(server.uris[number % 3], open_timeout=HANDSHAKES_IN_ALL_S).close()
            except (OSError, refws.WebSocketException) as error:
                failed.append(str(error))
            progress.show(f"{number + 1:,} of {handshakes:,} handshakes from {THREADS} threads")

    started = time.monotonic()
    threads = [threading.Thread(target=connect_again_and_again) for _ in range(THREADS)]
    try:
        for thread in threads:
            thread.start()
        for thread in threads:
            thread.join()
    finally:
        server.stop()
    progress.done()
    print(f"{handshakes:,} handshakes from {THREADS} threads in {time.monotonic() - started:.1f} s")
    for reason in sorted({*failed, *server.failed})[:5]:
        print(f"failed: {reason}", file=sys.stderr)
    return [
        Figure(
            "handshakes that succeeded",
            handshakes - len(failed) - len(server.failed),
            handshakes,
            floor=True,
        ),
        Figure("most at once with one address and port", max(server.most.values()), 1),
        Figure("most at once with all", server.most_in_all, 2, floor=True),
    ]


def parse_options(argv: list[str] | None) -> argparse.Namespace:
    parser = argparse.ArgumentParser(
        description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter
    )
    parser.add_argument(
        "--connects", type=int, default=1000, help="in a row, of each kind (default: %(default)s)"
    )
    parser.add_argument(
        "--handshakes", type=int, default=1000, help="from many threads (default: %(default)s)"
    )
    options = parser.parse_args(argv)
    if options.connects < 1 or options.handshakes < THREADS:
        parser.error(f"--connects must be at least 1 and --handshakes at least {THREADS}")
    return options


def main(argv: list[str] | None = None) -> int:
    options = parse_options(argv)
    server_process.exit_on_sigterm()
    if not figures.is_available():
        print(
            (
                "checks/client: threads are counted in /proc, which this system does not have; use "
                "Linux"
            ),
            file=sys.stderr,
        )
        return 2
    turns_s = options.handshakes * SLOW_S * 2 / 3
    progress = Progress(options.connects * sum(GUESSED_S.values()) + turns_s)
    try:
        measured = [
            figure
            for kind in GUESSED_S
            for figure in check_leftovers(kind, options.connects, progress)
        ]
        measured += check_turns(options.handshakes, progress)
    except (server_process.ServerFailed, OSError, refws.WebSocketException) as error:
        print(f"checks/client: {error}", file=sys.stderr)
        return 1
    except KeyboardInterrupt:
        print("\nchecks/client: stopped", file=sys.stderr)
        return 130
    print(figures.table(measured))
    return 0 if all(figure.kept for figure in measured) else 1


if __name__ == "__main__":
    sys.exit(main())
