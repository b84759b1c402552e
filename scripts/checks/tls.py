"""TLS with two threads on each end, in figures beside their bounds.

    python3 scripts/checks/tls.py                   everything: about a minute
    python3 scripts/checks/tls.py both-ways idle    only the steps that are named
    python3 scripts/checks/tls.py --tls 1.2         the same with TLS 1.2

both-ways: each end sends 100 MB and receives 100 MB at once, from two threads; each message holds
its number. idle: on each end in turn, a thread waits 5 s for bytes while another one sends all the
time. connects: 5,000 connections one after the other, a message each way, sent while another thread
waits for the answer. memory: the memory of an idle connection in a server; only on Linux.

Exit status 1 if a bound is broken. Only 127.0.0.1 is used, with the certificate of the tests.
"""

from __future__ import annotations

import argparse
import concurrent.futures
import contextlib
import functools
import queue
import random
import ssl
import sys
import threading
import time
from collections.abc import Callable, Iterator
from pathlib import Path

sys.path.insert(0, str(Path(__file__).resolve().parents[2]))

import refws
from refws.endpoint.tls.certificates import client_context, server_context
from scripts.shared import server_process
from scripts.shared.figures import Figure, is_available, table, usage
from scripts.shared.time_left import Progress

CERTIFICATE = str(server_process.ROOT / "tests" / "certificates" / "localhost.pem")
KEY = str(server_process.ROOT / "tests" / "certificates" / "key.pem")

MEGABYTE = 1_000_000
SIZES = (20, 100_000, 300, 16_384, 125, 60_000, 1_000_000)
"""Payload sizes in bytes, taken in turn: below, at and above a TLS record."""

STALL_BOUND_S = 2
"""Seconds between two messages, or for one send, that count as a stall; machines do pause."""

IDLE_MESSAGE = bytes(16_384)
STEP_TIMEOUT_S = 120
CONNECT_TIMEOUT_S = 20
MEMORY_CONNECTIONS = 300
MEMORY_BOUND_KIB = 100
WARM_UP_CONNECTIONS = 30

SECONDS = {"both-ways": 8, "idle": 10, "connects": 35, "memory": 5}
"""A guess for each step at its default size, for the time left."""


class Failed(Exception):
    """The step could not be measured to its end."""


# What is sent, and what must come


@functools.cache
def noise() -> bytes:
    return random.Random(0).randbytes(2 * max(SIZES))


def message(number: int) -> bytes:
    """A message: its number, and bytes that no other message has in the same place."""
    start = number * 7919 % max(SIZES)
    return number.to_bytes(8) + noise()[start : start + SIZES[number % len(SIZES)]]


def numbers(total: int) -> range:
    """The messages that make up `total` bytes."""
    each_round = sum(SIZES) + 8 * len(SIZES)
    return range(max(1, round(total / each_round)) * len(SIZES))


class Received:
    """What one end has received: wrong messages counted, and the longest time without one."""

    def __init__(self) -> None:
        self.count = self.wrong = self.size = 0
        self.longest_gap_s = 0.0

    def receive(self, connection: refws.Connection, expected: range) -> None:
        last = time.monotonic()
        for number in expected:
            got = connection.recv()
            now = time.monotonic()
            self.longest_gap_s = max(self.longest_gap_s, now - last)
            self.wrong += got != message(number)
            self.count += 1
            self.size += len(got)
            last = time.monotonic()


def exchange(connection: refws.Connection, expected: range, received: Received) -> None:
    """Send all messages from a second thread while this one receives as many."""
    with concurrent.futures.ThreadPoolExecutor(1) as sender:
        sent = sender.submit(send_all, connection, expected)
        received.receive(connection, expected)
        sent.result()


def send_all(connection: refws.Connection, expected: range) -> None:
    for number in expected:
        connection.send(message(number))


# A server and its clients


class Contexts:
    def __init__(self, version: str) -> None:
        self.server = server_context(CERTIFICATE, KEY)
        self.client = client_context(CERTIFICATE)
        for context in (self.server, self.client):
            context.minimum_version = context.maximum_version = ssl.TLSVersion[
                "TLSv" + version.replace(".", "_")
            ]


@contextlib.contextmanager
def serving(contexts: Contexts, handler: Callable[[refws.Connection], None]) -> Iterator[str]:
    """The URI of a server in this process, which runs `handler` for each connection."""
    with refws.serve(handler, server_process.HOST, 0, ssl=contexts.server) as server:
        threading.Thread(target=server.serve_forever, daemon=True).start()
        yield f"wss://{server_process.HOST}:{server.address[1]}/"


@contextlib.contextmanager
def connected(contexts: Contexts, uri: str) -> Iterator[refws.Connection]:
    """A connection that is aborted if the step takes too long."""
    with refws.connect(uri, ssl=contexts.client) as connection:
        watchdog = threading.Timer(
            STEP_TIMEOUT_S, connection.abort, [f"not done within {STEP_TIMEOUT_S} s"]
        )
        watchdog.start()
        try:
            yield connection
        finally:
            watchdog.cancel()


# The steps


def both_ways(options: argparse.Namespace, contexts: Contexts, progress: Progress) -> list[Figure]:
    expected = numbers(options.megabytes * MEGABYTE)
    ends = {"client": Received(), "server": Received()}
    done = threading.Event()

    def handler(connection: refws.Connection) -> None:
        try:
            exchange(connection, expected, ends["server"])
        finally:
            done.set()

    started = time.monotonic()
    with (
        serving(contexts, handler) as uri,
        connected(contexts, uri) as connection,
        shown(progress, ends),
    ):
        exchange(connection, expected, ends["client"])
        took = time.monotonic() - started
        if not done.wait(STEP_TIMEOUT_S):
            raise Failed("both-ways: the server's end has not got everything")
    figures = [
        Figure(
            "both ways at once, in all",
            2 * ends["client"].size / MEGABYTE / took,
            1,
            "MB/s",
            floor=True,
        )
    ]
    for name, end in ends.items():
        figures += [
            Figure(
                f"received by the {name}",
                end.size / MEGABYTE,
                0.9 * options.megabytes,
                "MB",
                floor=True,
            ),
            Figure(f"wrong or out of order at the {name}", end.wrong, 0, "messages"),
            Figure(
                f"longest wait for a message at the {name}", end.longest_gap_s, STALL_BOUND_S, "s"
            ),
        ]
    return figures


@contextlib.contextmanager
def shown(progress: Progress, ends: dict[str, Received]) -> Iterator[None]:
    """The progress of an exchange, while it lasts."""
    over = threading.Event()

    def show() -> None:
        while not over.wait(0.2):
            progress.show(
                ", ".join(f"{name}: {end.size / MEGABYTE:.0f} MB" for name, end in ends.items())
            )

    thread = threading.Thread(target=show)
    thread.start()
    try:
        yield
    finally:
        over.set()
        thread.join()


def idle(options: argparse.Namespace, contexts: Contexts, progress: Progress) -> list[Figure]:
    """A client whose reader waits, then a server whose reader waits; the other end is silent."""
    figures = []
    for name in ("client", "server"):
        progress.show(
            f"the reader of the {name} waits for {options.idle_seconds:g} s, another thread sends"
        )
        longest_send_s, heard = idle_reader(name, options.idle_seconds, contexts)
        longest = f"longest send while the reader of the {name} waits"
        figures += [
            Figure(longest, longest_send_s, STALL_BOUND_S, "s"),
            Figure(f"answers that the waiting reader of the {name} missed", int(not heard), 0),
        ]
    return figures


def idle_reader(name: str, seconds: float, contexts: Contexts) -> tuple[float, bool]:
    """The result of `send_while_reader_waits` on the end with this name."""
    results: queue.Queue[tuple[float, bool]] = queue.Queue()

    def wait(connection: refws.Connection) -> None:
        results.put(send_while_reader_waits(connection, seconds))

    client, server = (wait, answer_the_last) if name == "client" else (answer_the_last, wait)
    with serving(contexts, server) as uri, connected(contexts, uri) as connection:
        client(connection)
        return results.get(timeout=STEP_TIMEOUT_S)


def send_while_reader_waits(connection: refws.Connection, seconds: float) -> tuple[float, bool]:
    """The longest time for one send, and whether the reader then got the answer."""
    longest = 0.0
    with concurrent.futures.ThreadPoolExecutor(1) as reader:
        answer = reader.submit(connection.recv, STEP_TIMEOUT_S)
        ends = time.monotonic() + seconds
        while (now := time.monotonic()) < ends and not answer.done():
            connection.send(IDLE_MESSAGE)
            longest = max(longest, time.monotonic() - now)
        early = answer.done()
        connection.send("last")
        return longest, not early and answer.result() == "last"


def answer_the_last(connection: refws.Connection) -> None:
    while connection.recv() != "last":
        pass
    connection.send("last")


def connects(options: argparse.Namespace, contexts: Contexts, progress: Progress) -> list[Figure]:
    lost: list[str] = []
    longest = 0.0
    with serving(contexts, echo) as uri, concurrent.futures.ThreadPoolExecutor(1) as reader:
        for number in range(1, options.connects + 1):
            started = time.monotonic()
            try:
                one_message_each_way(contexts, uri, reader, f"message {number}")
            except (OSError, EOFError, refws.WebSocketException) as error:
                lost.append(f"{number}: {error}")
            longest = max(longest, time.monotonic() - started)
            progress.show(f"{number:,} of {options.connects:,} connections, {len(lost)} lost")
    for line in lost[:5]:
        print(f"checks/tls: lost connection {line}", file=sys.stderr)
    return [
        Figure(
            "connections, a message each way",
            options.connects - len(lost),
            options.connects,
            floor=True,
        ),
        Figure("longest of them, from connect to close", longest, CONNECT_TIMEOUT_S, "s"),
    ]


def echo(connection: refws.Connection) -> None:
    for received in connection:
        connection.send(received)


def one_message_each_way(
    contexts: Contexts, uri: str, reader: concurrent.futures.ThreadPoolExecutor, text: str
) -> None:
    """Exchange one message. The reader waits first, and so meets the session tickets."""
    with refws.connect(uri, ssl=contexts.client) as connection:
        answer = reader.submit(connection.recv, CONNECT_TIMEOUT_S)
        connection.send(text)
        got = answer.result()
        if got != text:
            raise ConnectionError(f"{got!r} came back for {text!r}")


def memory(options: argparse.Namespace, contexts: Contexts, progress: Progress) -> list[Figure]:
    if not is_available():
        print(
            "checks/tls: memory is left out, because it comes from /proc/PID/smaps_rollup",
            file=sys.stderr,
        )
        return []
    port = server_process.free_port()
    command = server_process.refws_command("--cert", CERTIFICATE, "--key", KEY)
    with server_process.running(command, port) as process, contextlib.ExitStack() as stack:

        def open_more(count: int) -> int:
            for number in range(count):
                progress.show(f"{number:,} of {count:,} idle connections")
                stack.enter_context(
                    refws.connect(f"wss://{server_process.HOST}:{port}/echo", ssl=contexts.client)
                )
            return usage(process.pid).pss_kib

        before = open_more(WARM_UP_CONNECTIONS)
        each = (open_more(MEMORY_CONNECTIONS) - before) / MEMORY_CONNECTIONS
        progress.show("closing them")
    return [Figure("memory of the server for an idle connection", each, MEMORY_BOUND_KIB, "KiB")]


STEPS = {"both-ways": both_ways, "idle": idle, "connects": connects, "memory": memory}


def parse_options(argv: list[str] | None) -> argparse.Namespace:
    parser = argparse.ArgumentParser(
        description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter
    )
    parser.add_argument(
        "steps", nargs="*", metavar="STEP", help=f"{', '.join(STEPS)} (default: all of them)"
    )
    parser.add_argument(
        "--tls", choices=("1.2", "1.3"), default="1.3", help="the version (default: 1.3)"
    )
    parser.add_argument(
        "--megabytes", type=int, default=100, help="how much each end sends (default: 100)"
    )
    parser.add_argument(
        "--idle-seconds", type=float, default=5, help="how long a reader waits (default: 5)"
    )
    parser.add_argument(
        "--connects", type=int, default=5_000, help="how many connections (default: 5000)"
    )
    options = parser.parse_args(argv)
    for step in options.steps:
        if step not in STEPS:
            parser.error(f"there is no step {step!r}; use {', '.join(STEPS)}")
    if min(options.megabytes, options.idle_seconds, options.connects) <= 0:
        parser.error("--megabytes, --idle-seconds and --connects must be above 0")
    return options


def main(argv: list[str] | None = None) -> int:
    options = parse_options(argv)
    server_process.exit_on_sigterm()
    steps = options.steps or list(STEPS)
    figures: list[Figure] = []
    progress = Progress(sum(SECONDS[step] for step in steps))
    try:
        for step in steps:
            figures += STEPS[step](options, Contexts(options.tls), progress)
        progress.done()
    except (
        Failed,
        OSError,
        EOFError,
        queue.Empty,
        refws.WebSocketException,
        server_process.ServerFailed,
    ) as error:
        print(f"\nchecks/tls: {error}", file=sys.stderr)
        return 1
    except KeyboardInterrupt:
        print("\nchecks/tls: stopped", file=sys.stderr)
        return 130
    print(f"TLS {options.tls}, {ssl.OPENSSL_VERSION}, Python {sys.version.split()[0]}")
    print(table(figures))
    return 0 if all(figure.kept for figure in figures) else 1


if __name__ == "__main__":
    sys.exit(main())
