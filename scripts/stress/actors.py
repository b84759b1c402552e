"""The threads on one side of a connection of refws: senders, one receiver, Pings and Pongs.

Each writes down what it did, and ends when a call says that the connection has ended.
"""

from __future__ import annotations

import random
import threading
from collections.abc import Callable, Iterator
from itertools import pairwise

import refws
from refws import Connection, Side
from scripts.stress.call_rules import Planned
from scripts.stress.journal import Journal
from scripts.stress.messages import MAX_HEAD, Form, Message
from scripts.stress.times import ALONE_S, CLOSE_TIMEOUT_S, END_S, LINGER_S, SILENCE_S

SIZES = (0, 20, 60, 125, 126, 1000, 4096, 16_384, 65_535, 65_536, 70_000)
LONG_SIZE = 180_000
PING_BOUND_S = SILENCE_S + END_S + 2.0
"""Seconds until a Ping is answered, or its connection has ended: the whole round is shorter."""

GIVEN_UP_S = 5.0
"""Seconds beyond its bound after which the thread that waits for a Pong stops waiting."""

TIMEOUTS_S = (0, 0.001, 0.01, 0.05, 0.2)
BREAKING_SENDER = 9
"""The number of the sender whose iterable raises."""


class NotAnswered(Exception):
    """A Ping has no answer although its connection has ended, or should have."""


class Actors:
    """What the threads of one side share. `over` is set when they should stop on their own."""

    def __init__(
        self,
        journal: Journal,
        side: Side,
        connection: Connection,
        seed: str,
        send_bound_s: float | None,
    ) -> None:
        self.journal = journal
        self.side = side
        self.connection = connection
        self.seed = seed
        self.send_bound_s = send_bound_s
        self.over = threading.Event()

    def source(self, what: str) -> random.Random:
        return random.Random(f"{self.seed} {self.side.value} {what}")

    # Sending

    def send_until_the_end(self, sender: int) -> None:
        source, number = self.source(f"sender {sender}"), 0
        while not self.over.is_set():
            if source.random() < 0.05 and not self.send_nonsense(source):
                return
            if not self.send(choose_message(source, self.side, sender, number), source):
                return
            number += 1
            if source.random() < 0.2:
                self.over.wait(source.uniform(0, 0.02))

    def send(self, message: Message, source: random.Random) -> bool:
        """Send it in its form; False if the connection has ended."""
        error = ""
        try:
            if message.form is Form.WHOLE:
                with self.journal.call(self.side, "send", self.send_bound_s):
                    self.connection.send(message.content)
            elif message.form is Form.FRAGMENTS:
                with self.journal.call(self.side, "send fragments", self.send_bound_s):
                    self.connection.send(fragments(message, source))
            else:
                with self.journal.call(self.side, "send what breaks off", self.send_bound_s):
                    self.connection.send(breaking(message, source, self.break_off))
        except Exception as raised:  # the judge says that it is not documented
            error = type(raised).__name__
        self.journal.sent(self.side, message, error)
        return not error

    def break_off(self) -> None:
        self.journal.cause(self.side, "broken message", 1011, "§")

    def send_nonsense(self, source: random.Random) -> bool:
        """Send what cannot be sent, which must change nothing; False if the connection ended."""
        nonsense = source.choice((iter([1]), {"a": "dict"}, iter(["a\ud800"]), iter(())))
        try:
            with self.journal.call(self.side, "send what cannot be sent", None):
                self.connection.send(nonsense)  # type: ignore[arg-type]
        except refws.ConnectionClosed:
            return False
        except Exception:  # the judge says whether it is documented
            pass
        return True

    # Receiving

    def receive_until_the_end(self) -> None:
        source = self.source("receiver")
        while not self.over.is_set():
            try:
                self.receive(source)
            except TimeoutError:
                continue
            except Exception:  # the end; the judge says whether it is documented
                return
            if source.random() < 0.05:
                self.over.wait(source.uniform(0, 0.05))

    def receive(self, source: random.Random) -> None:
        chosen = source.random()
        if chosen < 0.4:
            timeout = source.choice(TIMEOUTS_S)
            with self.journal.call(self.side, "recv with a timeout", timeout):
                content = self.connection.recv(timeout)
            self.journal.received(self.side, content)
        elif chosen < 0.6:
            self.receive_in_chunks(source.random() < 0.5)
        else:
            with self.journal.call(self.side, "recv", None):
                content = self.connection.recv()
            self.journal.received(self.side, content)

    def receive_in_chunks(self, abandons: bool) -> None:
        """Receive chunk by chunk; and abandon the message once it has named itself."""
        content: str | bytes | None = None
        stream = self.connection.recv_streaming()
        while True:
            with self.journal.call(self.side, "recv_streaming", None):
                chunk = next(stream, None)
            if chunk is None:
                break
            content = chunk if content is None else content + chunk  # type: ignore[operator]
            if abandons and len(content) >= MAX_HEAD:
                self.journal.received(self.side, content, complete=False)
                return
        if content is not None:
            self.journal.received(self.side, content)

    # Control frames

    def ping_until_the_end(self, alone: bool) -> None:
        source = self.source("pinger")
        while not self.over.wait(source.uniform(0, 0.05)):
            try:
                if source.random() < 0.3:
                    with self.journal.call(self.side, "pong", None):
                        self.connection.pong(source.randbytes(source.randrange(126)))
                else:
                    self.ping(source, ALONE_S if alone else PING_BOUND_S)
            except refws.ConcurrencyError:
                continue
            except Exception:  # the end; the judge says whether it is documented
                return

    def ping(self, source: random.Random, bound_s: float) -> None:
        known = source.random() < 0.2
        data = b"known" if known else source.choice((None, source.randbytes(125)))
        with self.journal.call(self.side, "ping with known data" if known else "ping", None):
            answered = self.connection.ping(data)
        with self.journal.call(self.side, "the answer to a Ping", bound_s):
            if not answered.wait(bound_s + GIVEN_UP_S):
                raise NotAnswered

    # The end

    def close(self, code: int, reason: str, final: bool = False) -> None:
        if not final:
            self.journal.cause(self.side, "close", code, reason)
        with self.journal.call(self.side, "close", CLOSE_TIMEOUT_S + LINGER_S):
            self.connection.close(code, reason)

    def abort(self) -> None:
        self.journal.cause(self.side, "abort")
        with self.journal.call(self.side, "abort", 0):
            self.connection.abort()

    def close_after_sending(self, code: int, reason: str) -> None:
        """What this thread has sent before its own `close` must arrive."""
        source = self.source("ender")
        for number in range(5):
            self.send(choose_message(source, self.side, 8, number), source)
        self.close(code, reason)

    def send_broken_message(self) -> None:
        source = self.source("ender")
        size = source.choice(SIZES[1:])
        message = Message(self.side, BREAKING_SENDER, 0, Form.BROKEN, source.random() < 0.5, size)
        self.send(message, source)


def choose_message(source: random.Random, side: Side, sender: int, number: int) -> Message:
    form = Form.FRAGMENTS if source.random() < 0.3 else Form.WHOLE
    size = LONG_SIZE if source.random() < 0.02 else source.choice(SIZES)
    return Message(side, sender, number, form, source.random() < 0.5, size)


def pieces(message: Message, source: random.Random) -> list[str | bytes]:
    """Its content in one to nine parts, some of them empty."""
    content = message.content
    cuts = sorted(source.randrange(len(content) + 1) for _ in range(source.randrange(9)))
    ends = [0, *cuts, len(content)]
    return [content[start:end] for start, end in pairwise(ends)]


def fragments(message: Message, source: random.Random) -> Iterator[str]:
    """Its content, with pauses; typed as text, because `send` takes either."""
    for piece in pieces(message, source):
        if source.random() < 0.1:
            threading.Event().wait(0.005)
        yield piece  # type: ignore[misc]


def breaking(message: Message, source: random.Random, cause: Callable[[], None]) -> Iterator[str]:
    """The start of its content, or all of it; then an exception."""
    parts = pieces(message, source)
    yield from parts[: source.randrange(1, len(parts) + 1)]  # type: ignore[misc]
    cause()
    raise Planned
