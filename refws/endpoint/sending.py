"""RFC 6455 §6.1, §5.3, §5.5.1, §7.1: messages and control frames -> the stream, frame by frame.

The closing state is here, because it decides what may still be sent: no data after a Close. So it
changes under the write lock only.

The write lock keeps frames whole: only the thread that holds it writes. A message that is sent in
several steps also takes the turn, and other messages wait until it is sent: fragments of two
messages must not mix (§5.4), and compressed messages must leave in the order in which they were
compressed. Control frames need no turn, because they may go between fragments (§5.4).
"""

from __future__ import annotations

import threading
from collections.abc import Callable, Iterable, Iterator, Mapping
from contextlib import suppress
from time import monotonic
from typing import TYPE_CHECKING, Any

from ..protocol.close import CLOSED, CONNECTING, OPEN, Close
from ..protocol.close_codes import CloseCode
from ..protocol.frame import (
    BINARY,
    CLOSE,
    CONT,
    MAX_LENGTH_7,
    PONG,
    SHORT_HEADERS,
    TEXT,
    Side,
    encode_header,
)
from .exceptions import ConcurrencyError, ConnectionClosed, InvalidState, connection_closed
from .pings import PendingPings
from .sending_at_once import SendingAtOnce
from .stream import Stream

if TYPE_CHECKING:
    from ..protocol.deflate.codec import Deflater


BROKEN_OFF = Close(CloseCode.INTERNAL_ERROR, "§5.4: a fragmented message broke off")


class Sender(SendingAtOnce):
    """The sending side of a connection. Any thread may call any method but two.

    `end` and `close_socket` are for the thread that receives. The methods `try_...` never block.
    """

    __slots__ = {
        "_in_fragments": "Whether a message in fragments has begun on the wire. Under the lock.",
        "_deflater": "Set before the first message if permessage-deflate is agreed on; or None.",
        "_threshold": "Bytes below which a message in one frame stays uncompressed.",
    }

    def __init__(
        self, stream: Stream, close_timeout: float, side: Side, pings: PendingPings
    ) -> None:
        super().__init__(stream, close_timeout, side, pings)
        self._in_fragments = False
        self._deflater: Deflater | None = None
        self._threshold = 0

    # Opening and end

    def open(self, head: bytes) -> None:
        """Send the head that ends the opening handshake; then frames may follow (§4.2.2).

        A client has nothing more to send here. Blocks until the system has taken the head.
        """
        with self._lock:
            if head:
                self._stream.write(head)
            self.closing.open()

    def use_deflate(self, deflater: Deflater, threshold: int) -> None:
        """From now on compress messages in one frame of at least `threshold` bytes, and fragments.

        When the first fragment is sent, the length of its message is not known yet.
        """
        self._deflater = deflater
        self._threshold = threshold

    def end(self) -> None:
        """Note the end of TCP (§7.1.4) and close the socket, in the thread that receives."""
        with self._lock:
            self.closing.tcp_closed()
            self._stream.close()
            if self._close_deadline is not None:
                self._close_deadline.cancel()
            self._turn.wake()

    def close_socket(self) -> None:
        """Close the socket before the end is noted, in the thread that reads."""
        with self._lock:
            self._stream.close()

    @property
    def can_send(self) -> bool:
        return self.closing.state is OPEN and not self._stream.aborted

    def has_opened(self) -> bool:
        """Whether it is open, once a head that is being sent has left (§4.2.2).

        Its client may have the head already, and be looked for. Blocks for `close_timeout` at most.
        """
        if self.closing.state is CONNECTING and self._lock.acquire(timeout=self.close_timeout):
            self._lock.release()
        return self.closing.state is OPEN

    def closed_error(self, cause: str = "") -> ConnectionClosed | InvalidState:
        """The exception that says why nothing can be sent or received."""
        closing = self.closing
        if closing.state is CONNECTING:
            return InvalidState(
                "the opening handshake is not done; wait for the handler to be called"
            )
        return connection_closed(closing.received, closing.sent, self._stream.cause or cause)

    # Messages

    def send_message(self, opcode: int, payload: bytes) -> None:
        """Send a message. Blocks until the system has taken it, and while another has the turn.

        ConnectionClosed if the connection is not open.
        """
        if self._deflater is not None and len(payload) >= self._threshold:
            self._in_steps(self._write_step, opcode, payload)
            return
        # FAST: `write_frame`, and before it the wait of §5.4, without calls and `with`
        if self._masking:
            header, payload = self._encode(opcode, payload)
        elif len(payload) <= MAX_LENGTH_7:
            header = SHORT_HEADERS[opcode][len(payload)]
        else:
            header = encode_header(opcode, len(payload))
        try:
            self._lock.acquire()
            if self._turn.busy:
                self._turn.wait(self)
            if self.closing.state is not OPEN:
                raise self.closed_error()
            if self._in_write:
                raise write_inside_write()
            self._in_write = True
            try:
                self._stream.write(header, payload)
            finally:
                self._in_write = False
        except BaseException as error:
            with suppress(RuntimeError):  # a signal may have come before the lock was taken
                self._lock.release()
            if isinstance(error, OSError):
                raise self.closed_error() from None
            raise
        self._lock.release()

    def send_fragments(self, fragments: Iterable[str] | Iterable[bytes]) -> None:
        """§5.4: send each fragment as soon as the iterable gives it; blocks like `send_message`.

        What a generator returns is the last fragment. Without it an empty frame ends the message:
        otherwise each fragment would have to wait until it is known whether another one follows.
        TypeError unless fragments are all str or all bytes.
        """
        if isinstance(fragments, Mapping) or not isinstance(fragments, Iterable):
            seen = f"{type(fragments).__name__} is no message"
            raise TypeError(f"{seen}; make it a str or bytes, with json.dumps for one")
        self._in_steps(self._send_each, iter(fragments))

    def _send_each(self, fragments: Iterator[str | bytes]) -> None:
        kind: type | None = None
        try:
            for fragment, fin in with_last(fragments):
                kind = kind or (str if isinstance(fragment, str) else bytes)
                opcode = CONT if self._in_fragments else TEXT if kind is str else BINARY
                self._write_step(opcode, encode_fragment(fragment, kind), fin)
            if self._in_fragments:
                self._write_step(CONT, b"", fin=True)
        except BaseException:  # of the iterator, such as another connection's message, or a signal
            self._break_off()
            raise

    def _write_step(self, opcode: int, payload: bytes, fin: bool = True) -> None:
        """RFC 7692 §6.1: a message is compressed as a whole; RSV1 in its first frame says so."""
        if self._deflater is None:
            self._write_frame_of_message(opcode, payload, fin)
            return
        try:
            payload = self._deflater.deflate(payload, fin)
            self._write_frame_of_message(opcode, payload, fin, rsv1=opcode != CONT)
        except ConnectionClosed:
            raise
        except BaseException:
            self._stream.abort("a compressed frame was lost, so the peer could inflate no more")
            raise

    def _write_frame_of_message(
        self, opcode: int, payload: bytes, fin: bool, rsv1: bool = False
    ) -> None:
        header, payload = self._encode(opcode, payload, fin, rsv1)
        with self._lock:
            self._in_fragments = self._in_fragments or not fin
            self._write(header, payload)
            self._in_fragments = not fin

    def _break_off(self) -> None:
        """§5.4: no other message may follow an unfinished one, so close the connection."""
        if self._in_fragments and self.can_send:
            self.start_closing(BROKEN_OFF)

    def _in_steps(self, send: Callable[..., None], *arguments: Any) -> None:
        """§5.4: let all other messages wait until `send` returns. ConcurrencyError if nested."""
        with self._lock:
            if self._in_write:
                raise write_inside_write()
            self._turn.refuse_own()
        turn, me = self._turn, threading.get_ident()
        try:
            with self._lock:
                turn.take(self)
            send(*arguments)
        finally:
            if turn.owner == me:  # no call before this, in which a signal's exception could come
                self._in_fragments = False
                turn.owner = 0
            with self._lock:
                turn.wake()

    # Frames

    def write_frame(self, opcode: int, payload: bytes) -> None:
        """Send a control frame. Blocks until the system has taken it.

        ConnectionClosed if the connection is not open.
        """
        header, payload = self._encode(opcode, payload)
        with self._lock:
            self._write(header, payload)

    def write_raw(self, data: bytes) -> None:
        """Send bytes that need not be a frame. Blocks until sent; ConnectionClosed once closed."""
        with self._lock:
            if self.closing.state in (CONNECTING, CLOSED):
                raise self.closed_error()
            self._write_or_abort(data, b"")

    def _write(self, header: bytes, payload: bytes) -> None:
        """Under the lock: write a frame. ConnectionClosed if the connection is not open."""
        self.give_way()
        self.write_due_pong()
        if self.closing.state is not OPEN:
            raise self.closed_error()
        self._write_or_abort(header, payload)

    def _write_or_abort(self, header: bytes, payload: bytes) -> None:
        if self._in_write:
            raise write_inside_write()
        self._in_write = True
        try:
            self._stream.write(header, payload)
        except OSError:
            raise self.closed_error() from None
        finally:
            self._in_write = False

    def write_due_pong(self) -> None:
        """Under the lock: send the Pong that did not fit, before what this thread sends.

        Blocks like `write_frame`. A thread that sends without a pause leaves it no other moment.
        """
        payload = self._pings.unanswered
        if payload is not None and self.closing.state is OPEN and not self._in_write:
            self._write_or_abort(*self._encode(PONG, payload))
            self._pings.sent_pong(payload)

    # Closing

    def start_closing(self, close: Close) -> None:
        """Send a Close, unless one was sent; give the connection `close_timeout` to end (§7.1.2).

        Blocks like `write_frame`. ValueError for a Close that must not be sent.
        """
        body = close.serialize()
        when = monotonic() + self.close_timeout
        waiting = self._abort_at(when)  # a write that holds the lock must end in time, too
        with self._lock:
            waiting.cancel()
            if self._in_write:
                self._stream.abort("closed in the middle of a write of the same thread")
                return
            if self._in_fragments and close.code == CloseCode.NORMAL_CLOSURE:
                close, body = BROKEN_OFF, BROKEN_OFF.serialize()
            if self.closing.sent is None and self.closing.state is OPEN:
                self._write_close(close, body, when)

    def answer_close(self, close: Close) -> None:
        """§5.5.1: note the peer's Close; answer with the same code, unless a Close was sent."""
        with self._lock:
            self.closing.receive(close)
            if self.closing.sent is None:
                answer = Close(close.code)
                self._write_close(answer, answer.serialize(), monotonic() + self.close_timeout)

    def _write_close(self, close: Close, body: bytes, when: float) -> None:
        """Under the lock: send a Close, after which the connection ends at `when` at the latest."""
        try:
            self._close_deadline = self._abort_at(when)
            self.closing.send(close)
            self._write_or_abort(*self._encode(CLOSE, body))
        except ConnectionClosed:
            pass
        except BaseException:  # of a signal: no Close, or only a part of it, is written
            self._stream.abort("a Close was interrupted")
            raise


def with_last(fragments: Iterator[str | bytes]) -> Iterator[tuple[str | bytes, bool]]:
    """Each fragment, and whether it is the last one: the value that a generator returns."""
    while True:
        try:
            fragment = next(fragments)
        except StopIteration as end:
            last = end.value
            break
        yield fragment, False
    if last is not None:
        yield last, True


def encode_fragment(fragment: str | bytes, kind: type) -> bytes:
    """The bytes of a fragment. TypeError if it is not of the same kind as the first one."""
    if kind is str and isinstance(fragment, str):
        return fragment.encode()
    if kind is bytes and isinstance(fragment, (bytes, bytearray, memoryview)):
        return bytes(fragment)
    raise TypeError(f"fragments must be all str or all bytes, got {type(fragment).__name__}")


def write_inside_write() -> ConcurrencyError:
    """In a signal handler, or a tap, that interrupts a write of its thread: it would be cut in."""
    return ConcurrencyError("a write inside a write of the same thread; send it afterwards")
