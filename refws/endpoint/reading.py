"""RFC 6455 §5.5, §6.2: which thread reads, and what happens while no thread receives.

Frames are read in order, by one thread at a time: the one that holds `_reading`. Mostly it is the
thread of the connection, in `recv`. But a handler that only sends, or computes for a minute, does
not receive, and the peer's Pings, Pongs and Closes must not wait for it. So others read, too, and
only control frames; they leave the next data frame, and all after it, to a receive:

- A thread that waits for a Pong (`_listen`) reads until the Pong is there.
- The timer thread looks every 0.4 seconds (`_look`). It must not wait, so it takes only what has
  arrived; and a look that finds a Close, a broken rule or the end of the stream starts a thread
  that ends the connection, because that waits for the peer.

What a receive with a deadline has found is kept in `_found`: the thread that reads next ends the
connection with it, whichever that is.

Looks cost an idle connection nothing. A look that finds a thread receiving is the last one: the
receive that returns next has the timer thread look again (`_attend`). No look is lost between the
two, because each writes before it reads: the look says that it is the last one, and then tries to
take `_reading`; the receive releases `_reading`, and then reads what the look has said.

Each function that takes `_reading` has its own `try` and `finally`, and `reading` says whether it
has it. One function for all of them would be a call, and before its first step the exception of a
signal may come: then the lock would stay taken.
"""

from __future__ import annotations

import threading
from collections.abc import Callable
from contextlib import suppress
from math import inf
from time import monotonic
from typing import TypeVar

from ..protocol.close import CLOSED, CLOSING, CONNECTING, OPEN, State
from ..protocol.errors import ConnectionFailure
from .exceptions import ConcurrencyError, ConnectionClosed, connection_closed
from .log import log_error
from .observed import Observed
from .pings import PendingPings
from .reader import AT_ONCE
from .receiving import CloseReceived, Receiver
from .resuming import TimeUp
from .sending import Sender
from .starting import STARTER
from .timers import RESOLUTION, Timer, Timers, wait_time

LOOK_INTERVAL = 0.4
"""Seconds between two looks of the timer thread: so long may a Ping wait for its Pong at most."""

RECHECK_INTERVAL = 0.2
"""Seconds after which a thread that waits to read looks whether it waits for a receive."""

MAX_READS = 100
"""Reads of 4 KiB by a thread that takes control frames; then a receive may come in between."""

FREE, RECEIVES, LISTENS, ENDS_NEXT = range(4)
"""What `_reading` is held for: nothing or a look, a receive, or control frames only.

The last one is for a lock that no thread holds: the thread that takes it next ends the connection.
"""

ENDS = (CloseReceived, ConnectionFailure, EOFError, OSError)
"""What the receiver raises when the connection has to end."""

T = TypeVar("T")


class Unfinished(Exception):
    """A receive with a deadline has found what ends the connection."""

    def __init__(self, end: Exception) -> None:
        super().__init__(end)
        self.end = end


class Reading(Observed):
    """The part of `Connection` that decides which thread reads."""

    __slots__ = {
        "_receiver": "The receiving side, §6.2.",
        "_timers": "Where the looks and the heartbeat run.",
        "_reading": "Held by the one thread that reads; a signal's handler may get it twice.",
        "_use": "What it is held for. Under `_reading`.",
        "_found": "What the thread that reads next ends the connection with. Under `_reading`.",
        "_looks": "Their timer; None if none follows. See `_look` and `_attend`.",
        "_heartbeat": "The timer of the heartbeat. Written by the opening handshake's thread.",
        "_aborted": "Whether `abort` was called. Set once, by any thread.",
    }

    _sender: Sender
    _pings: PendingPings

    def __init__(self, receiver: Receiver, timers: Timers) -> None:
        self._receiver = receiver
        self._timers = timers
        self._reading = threading.RLock()
        self._use = FREE
        self._found: Exception | None = None
        self._looks: Timer | None = None
        self._heartbeat: Timer | None = None
        self._aborted = False

    @property
    def state(self) -> State:
        """CONNECTING, OPEN, CLOSING or CLOSED (§7.1.3, §7.1.4)."""
        raise NotImplementedError

    def _end_with(self, end: BaseException, reading: threading.RLock | None) -> None:
        """Raise what the caller of a receive is to see instead of `end`; return if it is `end`."""
        raise NotImplementedError

    # For a receive

    def _wait_for_reading(self, deadline: float | None) -> None:
        """Wait while another thread holds `_reading`, but do not hold it afterwards.

        ConcurrencyError while the connection is open and another receive holds it. While it closes,
        wait, so that the caller learns how it ended. TimeUp at the deadline.
        """
        if self._use == RECEIVES and self.state is OPEN:
            seen = "another thread is receiving on this connection; receive in one thread only"
            raise ConcurrencyError(seen)
        left = inf if deadline is None else deadline - monotonic()
        try:
            found = self._reading.acquire(timeout=min(max(left, RESOLUTION), RECHECK_INTERVAL))
        finally:
            try:  # no call before the release, in which a signal's exception could come
                self._reading.release()
            except RuntimeError:
                found = False
        if not found and left <= RECHECK_INTERVAL:
            raise TimeUp

    def _receive_until(self, deadline: float, timeout: float) -> str | bytes:
        """The next message. The end of a connection may take longer: a thread does the rest."""
        if deadline != deadline:
            raise ValueError("timeout is nan; use a number of seconds, or None for no limit")
        try:
            return self._receive(lambda: self._receiver.message(deadline), deadline=deadline)
        except TimeUp:
            pass
        except Unfinished as unfinished:
            raise self._end_until(deadline, unfinished.end) from None
        seen = f"no whole message within {timeout} s; the part that has arrived is kept"
        raise TimeoutError(seen)

    def _end_until(self, deadline: float, end: Exception) -> Exception:
        """End the connection in a thread. The exception for it, at the deadline at the latest."""
        ended, how = threading.Event(), []

        def raise_end() -> None:
            raise end

        def finish() -> None:
            try:
                self._receive(raise_end, LISTENS)
            except ConnectionClosed as closed:
                how.append(closed)
            finally:
                ended.set()

        STARTER.start(finish, f"refws-end {self.peer}")
        ended.wait(wait_time(deadline - monotonic()))
        if how:
            return how[0]
        if isinstance(end, CloseReceived):
            return connection_closed(end.close, self._sender.closing.sent, self._stream.cause)
        return self._sender.closed_error(str(end))

    def _receive(
        self, read: Callable[[], T], use: int = RECEIVES, deadline: float | None = None
    ) -> T:
        """What `read` returns, called as the only call that receives.

        With a deadline: TimeUp then, and Unfinished where the connection has to end.
        """
        reading: threading.RLock | None = self._reading
        try:
            while not self._reading.acquire(False):
                reading = None
                self._wait_for_reading(deadline)
                reading = self._reading
            if self._found is not None:
                raise self._take_found()
            if self._use:
                reading = None
                raise own_receive(self._reading)
            self._use = use
            if self._sender.closing.state is not OPEN:
                self._check_readable()
            return read()
        except BaseException as end:
            if deadline is not None and isinstance(end, ENDS) and not is_of_a_signal(end):
                self._found = end
                raise Unfinished(end) from None
            self._end_with(end, reading)
            raise
        finally:
            if reading is not None:
                self._use = FREE if self._found is None else ENDS_NEXT
                reading.release()
                if self._looks is None:
                    self._attend()

    def _take_found(self) -> Exception:
        """What a receive with a deadline has found: for the thread that has `_reading` now."""
        found, self._found = self._found, None
        assert found is not None
        return found

    def _check_readable(self) -> None:
        """While we close, messages can be received until the peer's Close arrives (§7.1.2)."""
        if self.state in (CONNECTING, CLOSED):
            self._receiver.nothing_read()
            raise self._sender.closed_error()

    def _latest(self, closed: BaseException) -> BaseException:
        """For a send that failed: if TCP is broken, the peer's last frame may say why (§5.5.1).

        Blocks like `close`, because it ends the connection.
        """
        if not isinstance(closed, ConnectionClosed) or not self._stream.aborted:
            return closed
        try:
            self._receive(self._take_what_is_there, LISTENS)
        except ConnectionClosed as latest:
            return latest
        except (ConcurrencyError, TimeUp):
            pass
        return closed

    # For a thread that waits for a Pong

    def _listen(self, deadline: float | None, done: Callable[[], bool]) -> None:
        """Deal with control frames until `done`, the deadline, or a data frame.

        Returns at once while another thread reads. ConcurrencyError inside a receive of the same
        thread, which would have to read the Pong.
        """
        reading: threading.RLock | None = self._reading
        try:
            if not self._reading.acquire(False):
                reading = None
            elif self._found is not None:
                self._start_thread()
            elif self._use:
                reading = None
                raise own_receive(self._reading)
            elif self.state in (OPEN, CLOSING):
                self._use = LISTENS
                self._take_control_frames(deadline, done)
        except BaseException:
            if reading is not None:
                self._receiver.break_off()
            raise
        finally:
            if reading is not None:
                self._use = FREE if self._found is None else ENDS_NEXT
                reading.release()
                if self._looks is None:
                    self._attend()

    def _take_control_frames(self, deadline: float | None, done: Callable[[], bool]) -> None:
        """With `_reading`: deal with control frames, and start a thread that does what may wait."""
        try:
            self._receiver.take_control_frames(deadline, done)
        except TimeUp:
            pass
        except ENDS as end:
            if is_of_a_signal(end):
                raise
            self._start_thread()

    # For the timer thread

    def _attend(self) -> None:
        """Have the timer thread look from now on, first in 0.2 to 0.4 s, until a receive waits."""
        reading: threading.RLock | None = self._reading
        try:
            if not self._reading.acquire(False):
                reading = None  # the thread that holds it comes here after it
            elif self._looks is None and self.state in (OPEN, CLOSING):
                self._looks = self._timers.call_at(next_look(monotonic()), self._look)
        except RuntimeError:  # no thread left for the timers: the next receive tries again
            pass
        finally:
            if reading is not None:
                reading.release()

    def _look(self, now: float) -> float | None:
        """Deal with the control frames that have arrived. Returns the time of the next look.

        None if this was the last: a thread receives, or the connection has ended.
        """
        looks, self._looks = self._looks, None
        if not self._reading.acquire(False):
            return None
        try:
            if self.state is CLOSED or self._looks is not None:
                return None
            self._looks = looks
            self._look_now()
        except Exception:  # such as MemoryError: the next look ends the connection
            self._receiver.break_off()
        finally:
            self._reading.release()
        return next_look(now)

    def _look_now(self) -> None:
        """At most one read here, because other timers are due; a thread does the rest."""
        stream, receiver = self._stream, self._receiver
        before = stream.receives
        if stream.aborted or self._found is not None:
            needs_thread = True
        elif receiver.is_held_up:
            needs_thread = False
        elif stream.tapped:
            needs_thread = not stream.waiting or stream.has_arrived
        else:
            self._take_control_frames(AT_ONCE, never)
            more = stream.receives != before and stream.has_arrived
            needs_thread = more and not receiver.is_held_up
        if needs_thread:
            self._start_thread()

    def _start_thread(self) -> None:
        """Do in a thread of its own what may wait: call taps, or end the connection."""
        STARTER.start(self._read_on, f"refws-end {self.peer}")

    def _read_on(self) -> None:
        try:
            self._receive(self._take_what_is_there, LISTENS)
        except (ConnectionClosed, ConcurrencyError, TimeUp):
            pass
        except Exception as error:
            what = "an internal error; please report it"
            log_error(self.settings.logger, self.peer, what, error)

    def _take_what_is_there(self) -> None:
        """Deal with the control frames that have arrived, and with the end of the connection."""
        if self._aborted:
            raise EOFError(self._stream.cause)
        for _ in range(MAX_READS):
            with suppress(TimeUp):
                self._receiver.take_control_frames(monotonic(), never)
            if self._receiver.is_held_up or not self._stream.has_arrived:
                break
        if self._stream.aborted:
            self._give_back()

    def _give_back(self) -> None:
        """A message waits for its receive, but TCP has ended: keep in memory what has arrived.

        The receive gets it, and then the end. Nothing else of the connection is needed then.
        """
        self._receiver.keep_rest()
        self._sender.close_socket()
        self._stop_timers()

    def _stop_timers(self) -> None:
        for timer in (self._heartbeat, self._looks):
            if timer is not None:
                timer.cancel()
        self._pings.release_all()


def own_receive(reading: threading.RLock) -> ConcurrencyError:
    """Release `reading`, which a signal's handler or a tap has got inside a receive of its thread.

    The error to raise.
    """
    reading.release()
    return ConcurrencyError("a receive inside a receive of the same thread")


def is_of_a_signal(error: BaseException) -> bool:
    """Whether this is no error of the socket, but a TimeoutError of a signal's handler."""
    return isinstance(error, TimeoutError) and error.errno is None


def next_look(now: float) -> float:
    """The time of the next look, one that many connections share, so that they wake a thread once.

    An interval after the last look, but from half of one after a receive on: many a handler
    receives again before that, and then no look is needed.
    """
    half = LOOK_INTERVAL / 2
    return (now // half + 2) * half


def never() -> bool:
    return False
