"""RFC 6455 §5.5: control frames that are sent without waiting: for Pongs, for the timer thread and
for a server that stops.

Each of the methods tries once. If another thread writes, or if the frame does not fit the send
buffer, it gives up, and the caller tries again later.
"""

from __future__ import annotations

import os
import threading
from time import monotonic

from ..protocol.close import CLOSED, CONNECTING, OPEN, Close, ClosingHandshake, cut_reason
from ..protocol.frame import CLOSE, PING, PONG, Side, encode_frame, encode_header
from ..protocol.masking import KEY_LENGTH
from .pings import PendingPings
from .stream import Stream
from .timers import Timer
from .turn import Turn

GIVE_WAY = 0.2
"""Seconds for which a send leaves the write lock to a server that stops."""

RECHECK_INTERVAL = 0.02
"""Seconds after which it looks whether it must still do so."""


class SendingAtOnce:
    """The part of `Sender` that never blocks."""

    __slots__ = {
        "closing": "The closing state. Changes under the write lock.",
        "_lock": "The write lock, which its own thread gets again, to be refused by `_in_write`.",
        "_in_write": "True during a write to the stream. Under the lock.",
        "_turn": "Which message is sent in steps, and which wait for it. Under the lock.",
        "_stream": "Where frames go.",
        "_masking": "Whether this side masks (§5.1).",
        "_wanted_until": "Until when a send leaves the lock to `try_close`, which writes this.",
        "_pings": "The peer's Ping that waits for its Pong, and ours.",
        "close_timeout": "Seconds from our Close to the end of the connection.",
        "_close_deadline": "The timer of `close_timeout`. Changes under the write lock.",
    }

    def __init__(
        self, stream: Stream, close_timeout: float, side: Side, pings: PendingPings
    ) -> None:
        self.closing = ClosingHandshake()
        self._lock = threading.RLock()
        self._in_write = False
        self._turn = Turn(self._lock)
        self._stream = stream
        self._masking = side is Side.CLIENT
        self._wanted_until = 0.0
        self._pings = pings
        self.close_timeout = close_timeout
        self._close_deadline: Timer | None = None

    def _encode(
        self, opcode: int, payload: bytes, fin: bool = True, rsv1: bool = False
    ) -> tuple[bytes, bytes]:
        """The frame in two parts, so that a server need not copy a long payload.

        A client masks each frame with a new key that no one can predict: §10.3 relies on it.
        """
        if not self._masking:
            return encode_header(opcode, len(payload), fin, rsv1), payload
        return encode_frame(opcode, payload, fin, rsv1, os.urandom(KEY_LENGTH)), b""

    def _abort_at(self, when: float) -> Timer:
        cause = f"no Close in answer within {self.close_timeout:g} s"
        return self._stream.abort_at(when, cause)

    def try_ping(self, payload: bytes) -> bool | None:
        """True if a Ping was sent, False if it does not fit the send buffer. Never blocks.

        None while another thread writes, and if the connection is not open or breaks.
        """
        lock: threading.RLock | None = self._lock
        try:
            if not self._lock.acquire(blocking=False):
                lock = None
                return None
            if self.closing.state is not OPEN or self._in_write:
                return None
            return self._stream.try_write(b"".join(self._encode(PING, payload)))
        except OSError as error:
            self._stream.abort(str(error))
            return None
        finally:
            if lock is not None:
                lock.release()

    def try_pong(self, in_timer: bool) -> bool:
        """Answer the peer's newest Ping, even after our own Close: only the peer's Close ends that
        duty (§5.5.2). True if all are answered.

        False if the Pong does not fit the send buffer, or another thread writes, which will send it
        before its next frame. Never blocks. A Pong that comes too late is no error: what follows
        the Ping is still read.
        """
        lock: threading.RLock | None = self._lock
        try:
            if not self._lock.acquire(blocking=False):
                lock = None
            elif not self._in_write and (payload := self._pings.unanswered) is not None:
                self._try_write_pong(payload, in_timer)
        finally:
            if lock is not None:
                lock.release()
        if self._pings.unanswered is not None:
            self._turn.look()
        return self._pings.unanswered is None

    def _try_write_pong(self, payload: bytes, in_timer: bool) -> None:
        over = self.closing.state in (CONNECTING, CLOSED) or self._stream.aborted
        try:
            frame = b"".join(self._encode(PONG, payload))
            done = over or self._stream.try_write(frame, in_timer)
        except OSError:
            done = True
        if done:
            self._pings.sent_pong(payload)

    def try_close(self, code: int, reason: str) -> bool:
        """Send a Close. False while another thread writes, or if it does not fit. Never blocks.

        Until it is called again, the threads that send wait a moment, so that it will succeed.
        """
        lock: threading.RLock | None = self._lock
        try:
            if not self._lock.acquire(blocking=False):
                lock = None
                self._ask_for_the_lock()
                return False
            if self._in_write:
                return False
            done = self.closing.state is not OPEN or self._try_write_close(
                Close(code, cut_reason(reason))
            )
            if done:
                self._wanted_until = 0.0
                self._turn.wake()
            if self.closing.state is CONNECTING:
                self._stream.abort(reason)
            return done
        finally:
            if lock is not None:
                lock.release()

    def _ask_for_the_lock(self) -> None:
        """Without the lock, or the Close would wait for ever while a thread sends without a pause.

        The flag of the turn may be overwritten at the same moment; the next try sets it again.
        """
        self._wanted_until = monotonic() + GIVE_WAY
        self._turn.look()

    @property
    def must_give_way(self) -> bool:
        """Whether a send must leave the lock to `try_close`."""
        return self._wanted_until > 0 and monotonic() < self._wanted_until

    def _try_write_close(self, close: Close) -> bool:
        try:
            if not self._stream.try_write(b"".join(self._encode(CLOSE, close.serialize()))):
                self._ask_for_the_lock()
                return False
        except OSError as error:
            self._stream.abort(str(error))
        self.closing.send(close)
        self._close_deadline = self._abort_at(monotonic() + self.close_timeout)
        return True

    def give_way(self) -> None:
        """Under the lock, in a thread that sends: leave it to `try_close` if that has asked."""
        while self.must_give_way:
            threading.Condition(self._lock).wait(RECHECK_INTERVAL)
