"""RFC 6455 §5.5, §5.6, §7.1: typed lines -> frames, and messages -> the display, until the end.

    main thread                                      receiving thread
    line -> parse_line -> Action -> Connection       Connection.recv -> Display

The main thread waits for lines, because Python delivers signals there. So a second thread receives,
and wakes the main thread when the connection ends.
"""

from __future__ import annotations

import signal
import threading
from collections.abc import Callable, Generator, Sequence
from dataclasses import dataclass
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
    Mute,
    Send,
    SendClose,
    SendPing,
    SendPong,
    SendRaw,
    help_lines,
    parse_line,
)

T = TypeVar("T")

WAKE: signal.Signals | None = getattr(signal, "SIGUSR1", None)
"""Interrupts the main thread's wait for a line when the connection has ended. None on Windows."""

WAKE_INTERVAL = 0.05
"""Seconds between two `WAKE`: one that arrives just before the wait begins has no effect."""


MUTED = "Pings get no Pong from now on, --trace shows them; /unmute answers them again"
UNMUTED = "Pings are answered again"


class _Stopped(BaseException):
    """The main thread must stop waiting: a signal arrived, or the connection has ended."""


@dataclass(frozen=True, slots=True)
class Plan:
    """What a session does beside following its input.

    When the input in a pipe ends, answers may still be on their way, so a last Ping is sent: a
    server that answers in order sends its Pong after all other answers. For other servers, `wait`
    is a number of seconds to go on receiving after that Pong. With `count`, the session ends once
    that many messages have arrived, and the end of a pipe's input ends nothing; then `wait` is how
    long to wait for them after that, 0 for no limit.
    """

    first: Sequence[Action] = ()
    count: int | None = None
    wait: float = 0


class Session:
    """An open connection between a display and a server. Only the main thread may `run` it."""

    __slots__ = {
        "_connection": "the connection, open at first",
        "_display": "where lines come from, and where messages go",
        "_hint": "what a mistake of the server looks like, asked at the end; may be empty",
        "_plan": "what to send first, and when it ends",
        "_asked": "the code of our own Close; written by the main thread before it closes",
        "_end": "how the connection ended; written by the receiving thread",
        "_received": "how many messages have arrived; written by the receiving thread",
        "_pings": "the event of each Ping sent, and the thread that waits for it; main thread only",
        "_waiting": "whether a signal may interrupt the main thread; written by that thread",
        "_interrupted": "whether SIGINT or SIGTERM arrived; written by the main thread",
        "_done": "whether the input and all answers are dealt with; written by the main thread",
        "_over": "set by the receiving thread at the end, or when enough messages have arrived",
        "_waker": "the thread that wakes the main thread once enough messages have arrived",
        "_left": "set by the main thread when it waits for no more lines, and needs no `WAKE`",
    }

    def __init__(
        self,
        connection: Connection,
        display: Display,
        plan: Plan | None = None,
        hint: Callable[[], str] = str,
    ) -> None:
        self._connection = connection
        self._hint = hint
        self._display = display
        self._plan = plan or Plan()
        self._asked: int | None = None
        self._end: ConnectionClosed | None = None
        self._received = 0
        self._pings: list[tuple[threading.Event, threading.Thread]] = []
        self._waiting = False
        self._interrupted = False
        self._done = False
        self._over = threading.Event()
        self._waker = threading.Thread(target=self._wake_main_thread, name="refws-waker")
        self._left = threading.Event()

    @property
    def received(self) -> int:
        """How many messages have arrived."""
        return self._received

    @property
    def lost(self) -> bool:
        """Whether the connection has ended, and neither the user nor the server was done.

        Only then another one may follow (§7.2.3): 1000 of the server says that all is done.
        """
        end = self._end.rcvd if self._end is not None else None
        left = self._has_enough or self._interrupted or self._asked is not None
        return not (left or self._display.failure or (end and end.code == CloseCode.NORMAL_CLOSURE))

    @property
    def _has_enough(self) -> bool:
        return self._done or self._received == self._plan.count

    def run(self) -> int:
        """Run until the end; the exit status: 0 if the close was clean and every line was obeyed.

        The first SIGINT or SIGTERM closes with 1001; the second ends the process.
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
        if self._waker.ident is not None:
            self._waker.join()
        for _, waiter in self._pings:
            waiter.join()
        self._display.finish()
        return self._status()

    def _status(self) -> int:
        clean = self._end is not None and ended_well(self._end, self._asked)
        failed = self._display.had_input_error or self._display.failure is not None
        missing = self._plan.count is not None and self._received < self._plan.count
        if missing and not self.lost:
            self._display.show(f"{self._received} of {self._plan.count} messages have arrived")
        return 1 if failed or missing or not clean else 0

    # The main thread

    def _follow_input(self) -> CloseCode:
        """The code to close with, after the last line or the end of the connection."""
        try:
            for action in self._plan.first:
                self._obey(action)
            while (line := self._wait(self._display.read_line)) is not None:
                self._obey(line)
            if isinstance(self._display, Pipe):
                self._wait(self._wait_for_answers)
            self._done = True
        except OSError as error:
            self._display.show_input_error(f"the input cannot be read, {error.strerror}")
        except (_Stopped, ConnectionClosed):
            pass
        return CloseCode.NORMAL_CLOSURE if self._has_enough else CloseCode.GOING_AWAY

    def _wait(self, function: Callable[[], T]) -> T:
        """What `function` returns. _Stopped as soon as there is nothing to wait for."""
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

    def _obey(self, line: str | Action) -> None:
        try:
            self._act(parse_line(line) if isinstance(line, str) else line)
        except (ValueError, ConcurrencyError) as error:
            self._display.show_input_error(str(error))

    def _act(self, action: Action) -> None:
        """Send what the action asks for.

        ValueError or ConcurrencyError if it cannot be sent; ConnectionClosed or _Stopped if nothing
        more can be sent.
        """
        match action:
            case Send(tuple(fragments)):
                self._connection.send(each_of(fragments))
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
            case Mute(muted):
                self._connection.muted = muted
                self._display.show(MUTED if muted else UNMUTED)
            case Help():
                for text in help_lines():
                    self._display.show(text)

    def _close(self, code: int, reason: str = "") -> None:
        """Close the connection. ValueError for a Close that must not be sent."""
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
        """Runs in its own thread, which always ends: a connection that ends sets the event, too."""
        answered.wait()
        latency = self._connection.latency
        if latency != latency_before:
            self._display.show(describe_pong(data, latency))

    def _wait_for_answers(self) -> None:
        """Send a last Ping; wait for its Pong, or until no message arrives for `close_timeout`."""
        if self._plan.count is not None:
            self._over.wait(self._plan.wait or None)
            return
        answered, received = self._connection.ping(), self._received
        while (
            not answered.wait(self._connection.settings.close_timeout) and self._received > received
        ):
            received = self._received
        for pong, waiter in self._pings:
            if pong.is_set():
                waiter.join()
        self._over.wait(self._plan.wait)

    # The receiving thread

    def _receive(self) -> None:
        try:
            while self._display.failure is None:
                message = self._connection.recv()
                if self._received != self._plan.count:
                    self._display.show_message(message)
                    self._count()
            self._connection.close(CloseCode.GOING_AWAY)
        except ConnectionClosed as end:
            self._end = end
            expected = self._asked is not None and ended_well(end, self._asked)
            lines = describe_end(end, self._asked, "" if expected else self._hint())
            self._display.show_end(lines, expected)
        finally:
            self._over.set()
            self._wake_main_thread()

    def _count(self) -> None:
        """Note a message; after the last one that is wanted, the main thread is to close.

        This thread goes on receiving, because the main thread may be sending to a server that
        takes nothing until its own messages are read.
        """
        self._received += 1
        if self._received == self._plan.count:
            self._over.set()
            self._waker.start()

    def _wake_main_thread(self) -> None:
        main = threading.main_thread().ident
        while WAKE is not None and main is not None and not self._left.wait(WAKE_INTERVAL):
            signal.pthread_kill(main, WAKE)


def each_of(fragments: tuple[str, ...]) -> Generator[str, None, str]:
    """The fragments for `send`, which ends the message with the value that is returned."""
    yield from fragments[:-1]
    return fragments[-1]
