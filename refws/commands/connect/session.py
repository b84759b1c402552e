"""RFC 6455 §5.5, §5.6, §7.1: lines that a person types -> frames; what arrives -> lines that no
peer can forge.

    main thread                                      receiving thread
    line -> parse_line -> Action -> Connection       Connection.recv -> Screen or Pipe

`Screen` is a terminal: a prompt, and what arrives in between. `Pipe` is for programs: payloads and
nothing else.
"""

from __future__ import annotations

import signal
import threading
from collections.abc import Callable
from types import FrameType
from typing import TypeVar

from ...endpoint.connection import Connection
from ...endpoint.exceptions import ConcurrencyError, ConnectionClosed
from ...protocol.close import State
from ...protocol.close_codes import CloseCode
from .display import Display, Pipe, describe_end, describe_pong, ended_well
from .lines import (
    Action,
    Help,
    Send,
    SendClose,
    SendPing,
    SendPong,
    SendRaw,
    help_lines,
    parse_line,
)

T = TypeVar("T")


# What is typed


# What is shown


# Where it is shown


# The session

WAKE: signal.Signals | None = getattr(signal, "SIGUSR1", None)
"""Tells the main thread, which waits for a line, that there is nothing more to wait for. None on
Windows.
"""

WAKE_INTERVAL = 0.05
"""Seconds from one `WAKE` to the next: one that comes just before the wait begins is lost."""


class _Stopped(BaseException):
    """The main thread is to wait no longer: a signal, or the connection has ended."""


class Session:
    """An open connection between a display and a server. To be run in the main thread, as signals
    go there.

    At the end of the input in a pipe, answers that are on their way still come: the Pong to a last
    Ping is behind them all if the server answers in order. `wait` is for servers that do not:
    seconds to listen on after it.
    """

    def __init__(self, connection: Connection, display: Display, wait: float = 0) -> None:
        self._connection = connection
        self._display = display
        self._wait_seconds = wait
        self._asked: int | None = None
        self._end: ConnectionClosed | None = None
        self._received = 0
        self._pings: list[tuple[threading.Event, threading.Thread]] = []
        self._waiting = False
        self._interrupted = False
        self._over = threading.Event()
        self._left = threading.Event()

    def run(self) -> int:
        """Send and show until the connection has ended. The exit status: 0 if it ended well and all
        lines were obeyed.

        The first SIGINT or SIGTERM closes with 1001, the second is left to the system, which ends
        the process.
        """
        for number in (signal.SIGINT, signal.SIGTERM):
            signal.signal(number, self._interrupt)
        if WAKE is not None:
            signal.signal(WAKE, self._wake_up)
        receiver = threading.Thread(target=self._receive, name="refws-receiver")
        receiver.start()
        code = self._follow_input()
        self._left.set()
        if self._interrupted:
            self._display.show(f"closing with {code.value}; once more ends it at once")
        self._close(code)
        receiver.join()
        for _, waiter in self._pings:
            waiter.join()
        self._display.finish()
        return self._status()

    def _status(self) -> int:
        fine = self._end is not None and ended_well(self._end, self._asked)
        return 0 if fine and not self._display.mistaken and self._display.failure is None else 1

    # The main thread

    def _follow_input(self) -> CloseCode:
        """Obey the lines until their end, or that of the connection; the code to close with."""
        try:
            while (line := self._wait(self._display.read_line)) is not None:
                self._obey(line)
            if isinstance(self._display, Pipe):
                self._wait(self._wait_for_answers)
            return CloseCode.NORMAL_CLOSURE
        except OSError as error:
            self._display.show_mistake(f"the input cannot be read, {error.strerror}")
        except (_Stopped, ConnectionClosed):
            pass
        return CloseCode.GOING_AWAY

    def _wait(self, function: Callable[[], T]) -> T:
        """What it returns. _Stopped if there is nothing to wait for, or not any more."""
        try:
            self._waiting = True
            if self._over.is_set() or self._interrupted or self._display.failure is not None:
                raise _Stopped
            return function()
        finally:
            self._waiting = False

    def _interrupt(self, number: int, frame: FrameType | None) -> None:
        signal.signal(signal.SIGINT, signal.SIG_DFL)
        signal.signal(signal.SIGTERM, signal.SIG_DFL)
        self._interrupted = True
        self._wake_up(number, frame)

    def _wake_up(self, number: int, frame: FrameType | None) -> None:
        if self._waiting:
            self._waiting = False
            raise _Stopped

    def _obey(self, line: str) -> None:
        try:
            self._act(parse_line(line))
        except (ValueError, ConcurrencyError) as error:
            self._display.show_mistake(str(error))

    def _act(self, action: Action) -> None:
        """ValueError or ConcurrencyError for what cannot be sent, ConnectionClosed or _Stopped once
        nothing can.
        """
        match action:
            case Send(message):
                self._connection.send(message)
            case SendPing(data):
                self._ping(data)
            case SendPong(data):
                self._connection.pong(data)
            case SendClose(code, reason):
                self._close(code, reason)
                raise _Stopped
            case SendRaw(data):
                self._connection.send_raw(data)
            case Help():
                for text in help_lines():
                    self._display.show(text)

    def _close(self, code: int, reason: str = "") -> None:
        """ValueError for what must not be in a Close, and then nothing has happened."""
        if self._connection.state is not State.OPEN:
            return
        self._asked = code
        try:
            self._connection.close(code, reason)
        except ValueError:
            self._asked = None
            raise

    def _ping(self, data: str | None) -> None:
        before = self._connection.latency
        answered = self._connection.ping(data)
        waiter = threading.Thread(
            target=self._show_pong, args=(answered, data, before), name="refws-pong"
        )
        self._pings.append((answered, waiter))
        waiter.start()

    def _show_pong(
        self, answered: threading.Event, data: str | None, latency_before: float
    ) -> None:
        """In a thread of its own, which ends with the connection at the latest: that sets the
        event, too.
        """
        answered.wait()
        latency = self._connection.latency
        if latency != latency_before:
            self._display.show(describe_pong(data, latency))

    def _wait_for_answers(self) -> None:
        """Until a last Ping is answered; or, as it may never be, until nothing has come for
        `close_timeout` seconds.
        """
        answered, received = self._connection.ping(), self._received
        while (
            not answered.wait(self._connection.settings.close_timeout) and self._received > received
        ):
            received = self._received
        for pong, waiter in self._pings:
            if pong.is_set():
                waiter.join()
        self._over.wait(self._wait_seconds)

    # The receiving thread

    def _receive(self) -> None:
        try:
            while self._display.failure is None:
                message = self._connection.recv()
                self._received += 1
                self._display.show_message(message)
            self._connection.close(CloseCode.GOING_AWAY)
        except ConnectionClosed as end:
            self._end = end
            expected = self._asked is not None and ended_well(end, self._asked)
            self._display.show_end(describe_end(end, self._asked), expected)
        finally:
            self._over.set()
            self._wake_main_thread()

    def _wake_main_thread(self) -> None:
        main = threading.main_thread().ident
        while WAKE is not None and main is not None and not self._left.wait(WAKE_INTERVAL):
            signal.pthread_kill(main, WAKE)
