"""RFC 6455 §6.1, §5.3, §5.5.1, §7.1: whole frames onto the stream, one at a time; none but the
right after a Close.

The closing state lives here, because what may be written depends on it: it changes under the write
lock only.
"""

from __future__ import annotations

import os
import threading
from collections.abc import Iterator
from contextlib import contextmanager
from time import monotonic

from ..protocol.close import CLOSED, CONNECTING, OPEN, Close, ClosingHandshake, cut_reason
from ..protocol.frame import CLOSE, PING, PONG, Side, encode_frame, encode_header
from ..protocol.masking import KEY_LENGTH
from .exceptions import ConnectionClosed, InvalidState, connection_closed
from .stream import Stream
from .timers import Timer


class FrameWriter:
    """The sending side of one connection. Any thread may call any method; those named `try_` never
    block.
    """

    __slots__ = (
        "closing",
        "_fragmenting",
        "_stream",
        "_masking",
        "_close_timeout",
        "_close_deadline",
        "_lock",
    )

    def __init__(self, stream: Stream, close_timeout: float, side: Side) -> None:
        self.closing = ClosingHandshake()
        self._fragmenting = False
        self._masking = side is Side.CLIENT
        self._stream = stream
        self._close_timeout = close_timeout
        self._close_deadline: Timer | None = None
        self._lock = threading.Lock()

    def open(self, head: bytes) -> None:
        """Send the head that ends the opening handshake; frames may follow it (§4.2.2). Blocks like
        `write`.

        A client has sent its head before.
        """
        with self._lock:
            if head:
                self._stream.write(head)
            self.closing.open()

    def write(
        self,
        opcode: int,
        payload: bytes,
        fin: bool = True,
        rsv1: bool = False,
        between_fragments: bool = False,
    ) -> bool:
        """One frame, whole; blocks until the system has taken it. ConnectionClosed if the
        connection is not open.

        False, and nothing was sent, while a message goes out fragmented, unless this frame may
        stand between its fragments (§5.4): a control frame, or the next fragment.
        """
        if self._masking:
            header, payload = self._encode(opcode, payload, fin, rsv1), b""
        else:
            header = encode_header(opcode, len(payload), fin, rsv1)
        self._lock.acquire()  # where a `with` takes twice as long (CPython 3.11)
        try:
            if self.closing.state is not OPEN:
                raise self.not_open()
            if self._fragmenting and not between_fragments:
                return False
            self._stream.write(header, payload)
            return True
        except OSError as error:
            self._stream.abort(str(error))
            raise self.not_open() from None
        finally:
            self._lock.release()

    @contextmanager
    def fragmented(self) -> Iterator[None]:
        """Meanwhile one message goes out in fragments; who does that must see to it that it is only
        one.
        """
        with self._lock:
            self._fragmenting = True
        try:
            yield
        finally:
            with self._lock:
                self._fragmenting = False

    def write_raw(self, data: bytes) -> None:
        """Bytes that need not be a frame; blocks like `write`. ConnectionClosed if the stream has
        ended.
        """
        with self._lock:
            if self.closing.state in (CONNECTING, CLOSED):
                raise self.not_open()
            try:
                self._stream.write(data)
            except OSError as error:
                self._stream.abort(str(error))
                raise self.not_open() from None

    def _encode(self, opcode: int, payload: bytes, fin: bool = True, rsv1: bool = False) -> bytes:
        """The frame; from a client with a fresh key that nobody can predict, or the masking would
        not help (§10.3).
        """
        return encode_frame(
            opcode, payload, fin, rsv1, os.urandom(KEY_LENGTH) if self._masking else None
        )

    def write_pong(self, payload: bytes) -> None:
        """The answer to a Ping, also after our own Close: only that of the peer ends the duty to
        answer (§5.5.2).
        """
        with self._lock:
            self._stream.write(self._encode(PONG, payload))

    def start_closing(self, close: Close) -> None:
        """Send a Close unless one was sent; the rest must be over within `close_timeout` (§7.1.2).

        ValueError for a Close that must not be sent.
        """
        body = close.serialize()
        with self._lock:
            if self.closing.sent is None and self.closing.state is OPEN:
                self._write_close(close, body)

    def answer_close(self, close: Close) -> None:
        """§5.5.1: note the peer's Close, and answer it with the same code unless our Close is out
        already.
        """
        with self._lock:
            self.closing.receive(close)
            if self.closing.sent is None:
                answer = Close(close.code)
                self._write_close(answer, answer.serialize())

    def _write_close(self, close: Close, body: bytes) -> None:
        self.closing.send(close)
        self._set_close_deadline()
        try:
            self._stream.write(self._encode(CLOSE, body))
        except OSError as error:
            self._stream.abort(str(error))

    def try_ping(self, payload: bytes) -> bool | None:
        """True if a Ping was sent, False if it does not fit the send buffer, None if that cannot be
        told just now.
        """
        if not self._lock.acquire(blocking=False):
            return None
        try:
            return (
                self._stream.try_write(self._encode(PING, payload))
                if self.closing.state is OPEN
                else None
            )
        except OSError as error:
            self._stream.abort(str(error))
            return None
        finally:
            self._lock.release()

    def try_close(self, code: int, reason: str) -> bool:
        """False if a writer is at work just now; else a Close was sent, or the stream ended where
        it did not fit.
        """
        if not self._lock.acquire(blocking=False):
            return False
        try:
            if self.closing.state is OPEN:
                self._try_write_close(Close(code, cut_reason(reason)))
            elif self.closing.state is CONNECTING:
                self._stream.abort(reason)
            return True
        finally:
            self._lock.release()

    def _try_write_close(self, close: Close) -> None:
        self.closing.send(close)
        self._set_close_deadline()
        try:
            if not self._stream.try_write(self._encode(CLOSE, close.serialize())):
                self._stream.abort(
                    "no room for a Close in the send buffer, as the peer does not read"
                )
        except OSError as error:
            self._stream.abort(str(error))

    def _set_close_deadline(self) -> None:
        cause = f"no Close in answer within {self._close_timeout:g} s"
        self._close_deadline = self._stream.abort_at(monotonic() + self._close_timeout, cause)

    def end(self) -> None:
        """The TCP connection has ended (§7.1.4); the socket goes back to the system. Only for the
        thread that reads.
        """
        with self._lock:
            self.closing.tcp_closed()
            self._stream.close()
            if self._close_deadline is not None:
                self._close_deadline.cancel()

    def not_open(self, cause: str = "") -> ConnectionClosed | InvalidState:
        """The exception that says why nothing can be sent or received."""
        if self.closing.state is CONNECTING:
            return InvalidState(
                "the opening handshake is not done; wait for the handler to be called"
            )
        return connection_closed(
            self.closing.received, self.closing.sent, self._stream.cause or cause
        )
