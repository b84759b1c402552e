"""RFC 6455 §7: one connection, the object that handlers and clients use, and how it ends.

Three kinds of threads use a connection: one that receives (one at a time), any number that send,
and the timer thread. Each part says which thread writes its fields, and under which lock:

    reading             which thread that is, and what happens while there is none
    receiving   §6.2    the thread that holds `_reading`, which each receive takes and releases
    sending     §6.1    its write lock; the closing state, too
    heartbeat   §5.5.2  the timer thread; PendingPings has a lock of its own
    stream      the socket: a lock for its shutdown and close; over TLS two more
    taps        a lock while the list of taps changes

A thread takes `_reading` before any other of these locks, and the write lock before the stream's
locks. The timer thread never waits for a lock that a blocked thread may hold.

Only the thread that holds `_reading` ends an open connection (`_end_with`), because closing a
socket under a blocked read frees its descriptor for another connection while the read still uses
it. All others `abort`, which wakes it. The server calls `end` where none was open, or after an
internal error.
"""

from __future__ import annotations

import os
import threading
from collections.abc import Iterable, Iterator
from contextlib import suppress
from dataclasses import replace
from math import inf
from time import monotonic
from types import TracebackType
from typing import TYPE_CHECKING, Any, Literal, Self

from ..protocol.close import CLOSED, CONNECTING, OPEN, Close, State, check_sendable, cut_reason
from ..protocol.close_codes import CloseCode
from ..protocol.errors import ConnectionFailure
from ..protocol.frame import BINARY, PING, PONG, TEXT, Side, control_payload
from ..protocol.http import Request, Response
from .exceptions import ConcurrencyError, ConnectionClosed, ConnectionClosedOK, InvalidState
from .heartbeat import Heartbeat, HeartbeatTimer, next_tick
from .kinds import as_kind, chunks_as_kind, outgoing_as_kind
from .log import format_address
from .pings import Answered, PendingPings
from .reading import FREE, RECEIVES, Reading, is_of_a_signal, own_receive
from .receiving import CloseReceived, Receiver
from .resuming import TimeUp
from .sending import Sender
from .settings import Settings, compression_settings
from .stream import Stream
from .timers import Timers

if TYPE_CHECKING:
    from ..protocol.deflate.codec import Deflater, Inflater
    from ..protocol.deflate.negotiation import DeflateSettings

Outgoing = str | bytes | Iterable[str] | Iterable[bytes]
"""A message to send: text, binary, or the fragments of one of them."""

STOPPING = "the server is stopping"

LINGER = 1.0
"""Seconds for which what the peer still sends is read and dropped after our last byte (§7.1.1)."""


class Connection(Reading):
    """One WebSocket connection. One thread at a time may receive; any may send, ping and close.

    The application may give it attributes of its own, and keep weak references to it.
    """

    __slots__ = {
        "__dict__": "Attributes of the application, such as `connection.user`.",
        "__weakref__": "For weak references, such as a WeakSet of connections.",
        "request": "The opening handshake's request. Written by the thread that does it.",
        "response": "The opening handshake's response. Written by the same thread.",
        "subprotocol": "The agreed subprotocol, or None. Written by the same thread.",
        "remote_address": "The peer's address as `socket` gives it.",
        "local_address": "Our address.",
        "_settings": "Limits and times. Written by the thread of the opening handshake.",
        "side": "Our end of the connection.",
        "failed": "Whether the peer broke a rule (§7.1.7). Written by the thread that receives.",
        "_stream": "The byte stream to the peer.",
        "_sender": "The sending side, §6.1, with the closing state.",
        "_pings": "The Pings that wait for their Pongs, ours and the peer's.",
        "_given_up": "Set by the timer thread, once.",
    }

    def __init__(
        self,
        stream: Stream,
        timers: Timers,
        settings: Settings,
        remote_address: Any = None,
        local_address: Any = None,
        side: Side = Side.SERVER,
    ) -> None:
        self.request: Request | None = None
        self.response: Response | None = None
        self.subprotocol: str | None = None
        self.remote_address = remote_address
        self.local_address = local_address
        self._settings = settings
        self.side = side
        self.failed = False
        self._stream = stream
        self._pings = PendingPings()
        self._sender = Sender(stream, settings.close_timeout, side, self._pings)
        receiver = Receiver(stream, side, settings, self._sender, self._pings)
        super().__init__(receiver, timers)
        self._given_up = False
        self._id = self._taps = None

    def __repr__(self) -> str:
        return f"<{type(self).__name__} {self.peer} {self.state.value}>"

    def __enter__(self) -> Self:
        return self

    def __exit__(
        self,
        kind: type[BaseException] | None,
        error: BaseException | None,
        trace: TracebackType | None,
    ) -> None:
        """Close with 1000, or with 1011 if the block raised an exception."""
        self.close(CloseCode.NORMAL_CLOSURE if error is None else CloseCode.INTERNAL_ERROR)

    def __iter__(self) -> Iterator[str | bytes]:
        """The messages, until the connection ends well; otherwise ConnectionClosedError."""
        try:
            while True:
                yield self.recv()
        except ConnectionClosedOK:
            return

    @property
    def state(self) -> State:
        """CONNECTING, OPEN, CLOSING or CLOSED (§7.1.3, §7.1.4)."""
        return self._sender.closing.state

    @property
    def settings(self) -> Settings:
        """Limits and times, which `process_request` may replace, with `dataclasses.replace`.

        Then `open_timeout` runs already, and the head was read. InvalidState once it is open.
        """
        return self._settings

    @settings.setter
    def settings(self, settings: Settings) -> None:
        if self.state is not CONNECTING:
            when = "before the connection is open, as in process_request"
            raise InvalidState(f"the settings can be replaced only {when}")
        self._settings = settings
        self._stream.limit_writes(settings.send_timeout)
        self._sender.close_timeout = settings.close_timeout
        self._receiver.limit_messages(settings)

    @property
    def compression(self) -> DeflateSettings | None:
        """What to agree on, or None; one of the settings, and replaced with them."""
        return self._settings.compression

    @compression.setter
    def compression(self, compression: Literal["deflate"] | DeflateSettings | None) -> None:
        self.settings = replace(self._settings, compression=compression_settings(compression))

    @property
    def peer(self) -> str:
        """The remote address as a log shows it."""
        return format_address(self.remote_address)

    # Receiving (§6.2)

    def recv(self, timeout: float | None = None, decode: bool | None = None) -> str | bytes:
        """The next message, str for text, bytes for binary; blocks until it is whole.

        `decode` True gives str, False bytes. TimeoutError after `timeout` seconds; the next call
        goes on there. InvalidState before OPEN, ConnectionClosed at the end. ConcurrencyError if a
        call receives, UnicodeDecodeError for bytes that are no text.
        """
        if decode is not None:
            return as_kind(self.recv(timeout), decode)
        if timeout is not None:
            return self._receive_until(monotonic() + timeout, timeout)
        # FAST: this is `_receive` once more, without a call of a function
        reading: threading.RLock | None = self._reading
        try:
            while not self._reading.acquire(False):
                reading = None
                self._wait_for_reading(None)
                reading = self._reading
            if self._use:
                if self._found is not None:
                    raise self._take_found()
                reading = None
                raise own_receive(self._reading)
            self._use = RECEIVES
            if self._sender.closing.state is not OPEN:
                self._check_readable()
            return self._receiver.message(None)
        except BaseException as end:
            self._end_with(end, reading)
            raise
        finally:
            if reading is not None:
                self._use = FREE
                reading.release()
                if self._looks is None:
                    self._attend()

    def recv_streaming(self, decode: bool | None = None) -> Iterator[str | bytes]:
        """The next message in chunks as they arrive, never cut inside a character.

        The last chunk may be empty. A later receive drops the rest. `decode` and errors as in
        `recv`.
        """
        return self._chunks() if decode is None else chunks_as_kind(self._chunks(), decode)

    def _chunks(self) -> Iterator[str | bytes]:
        number, data, end = self._receive(self._receiver.first_chunk)
        while True:
            if data or end:
                yield data
            if end:
                return
            data, end = self._receive(lambda: self._receiver.next_chunk(number))

    def _end_with(self, end: BaseException, reading: threading.RLock | None) -> None:
        """Raise what the caller of a receive is to see instead of `end`; return if it is `end`.

        §7.1.7: unless it is TimeUp, end the connection first. A broken rule is answered with a
        Close, and no later byte is processed.
        """
        if isinstance(end, TimeUp):
            return
        if isinstance(end, CloseReceived):
            self._sender.answer_close(end.close)
            self.end(linger=True)
            raise self._sender.closed_error() from None
        if isinstance(end, ConnectionFailure):
            self._fail(end)
            raise self._sender.closed_error(str(end)) from end
        if isinstance(end, EOFError | OSError) and not is_of_a_signal(end):
            self.end()
            raise self._sender.closed_error(str(end)) from None
        if reading is not None:
            self._receiver.break_off()

    # Sending (§6.1)

    def send(self, message: Outgoing, text: bool | None = None) -> None:
        """Send a text message (str), a binary one (bytes), or the fragments of one (an iterable).

        `text` True sends text, False binary. Blocks until the system takes it, and while another
        message is sent in fragments; each leaves as soon as the iterable gives it, and an empty one
        ends them, unless a generator returns the last. InvalidState before OPEN, ConnectionClosed
        after it, or if TCP breaks; UnicodeError for what is no text.
        """
        if text is not None:
            message = outgoing_as_kind(message, text)
        try:
            if isinstance(message, str):
                self._sender.send_message(TEXT, message.encode())
            elif isinstance(message, (bytes, bytearray, memoryview)):
                self._sender.send_message(BINARY, bytes(message))
            else:
                self._sender.send_fragments(message)
        except ConnectionClosed as closed:
            raise self._latest(closed) from None

    def ping(self, data: str | bytes | None = None) -> threading.Event:
        """Send a Ping. The event is set when its Pong arrives, or the connection ends (§5.5.2).

        Frames are read in order: a message that no thread receives keeps the Pong after it waiting.
        Blocks until the Ping is sent. ValueError above 125 bytes; ConcurrencyError if a Ping with
        the same data still waits for its Pong.
        """
        payload = os.urandom(4) if data is None else control_payload(data)
        answered = Answered(self._listen)
        if not self._pings.add(payload, monotonic(), answered):
            seen = "a Ping with the same data still waits for its Pong; use other data, or none"
            raise ConcurrencyError(seen)
        try:
            self._sender.write_frame(PING, payload)
        except BaseException as error:
            self._pings.discard(payload)
            raise self._latest(error) from None
        return answered

    def pong(self, data: str | bytes = b"") -> None:
        """Send a Pong that answers no Ping: a heartbeat in one direction (§5.5.3)."""
        try:
            self._sender.write_frame(PONG, control_payload(data))
        except ConnectionClosed as closed:
            raise self._latest(closed) from None

    def send_raw(self, data: bytes) -> None:
        """Send these bytes as they are, between two frames, to break the rules on purpose.

        Blocks like `ping`, and works while the connection closes. ConnectionClosed after its end.
        """
        try:
            self._sender.write_raw(data)
        except ConnectionClosed as closed:
            raise self._latest(closed) from None

    # Closing (§7)

    def close(self, code: int = CloseCode.NORMAL_CLOSURE, reason: str = "") -> None:
        """Close the connection; wait for the peer's Close, at most `close_timeout` (§7.1.2).

        Messages that arrive meanwhile are dropped. Harmless if it closes or has ended; InvalidState
        before it is open. ValueError for a code not to be sent (§7.4) or a reason above 123 bytes.
        """
        if self.state is CONNECTING:
            raise self._sender.closed_error()
        check_sendable(code, self.side)
        if self.state is CLOSED:
            return
        self._sender.start_closing(Close(code, reason))
        # ConcurrencyError: this call interrupts a receive of its thread, which will do the rest.
        with suppress(ConnectionClosed, ConcurrencyError):
            self._receive(self._receiver.drop_all)

    def go_away(self, code: int = CloseCode.GOING_AWAY, reason: str = STOPPING) -> bool:
        """Start to close, without waiting; call it again if that was not possible: False.

        Another thread writes, or the Close does not fit the send buffer.
        """
        return self._sender.try_close(code, reason)

    def abort(self, cause: str = "aborted") -> None:
        """End the TCP connection at once, without a Close. Never blocks; waiting threads wake.

        Messages that have arrived and are not received yet are lost.
        """
        self._aborted = True
        self._stream.abort(cause)

    def _fail(self, failure: ConnectionFailure) -> None:
        """§7.1.7: send a Close with the failure's code, process nothing more, end TCP.

        The log has this line alone: the code that the peer sends or not is of no interest then.
        """
        self.failed = True
        self.settings.logger.warning(
            "%s: connection failed with %d: %s", self.peer, failure.close_code, failure
        )
        self._stream.note_cause(str(failure))
        self._receiver.incoming.collected = None  # up to `max_size`, and the end may take a second
        self._sender.start_closing(Close(failure.close_code, cut_reason(str(failure))))
        self.end(linger=True)

    def end(self, linger: bool = False) -> None:
        """End TCP, in the thread that receives.

        Blocks only if `linger`: a client for `close_timeout`, because the server ends TCP first and
        TIME_WAIT stays with it (§7.1.1); a server for 1 s, because the client must read its Close.
        """
        if linger and self.side is Side.CLIENT:
            self._stream.drain(self.settings.close_timeout)
        elif linger:
            self._stream.half_close()
            self._stream.drain(LINGER)
        self._stream.abort()
        if self._taps is not None:
            self._taps.end()
        self._sender.end()
        self._stop_timers()
        if self._given_up:
            self.settings.logger.info("%s: given up, §5.5.2: %s", self.peer, self._stream.cause)

    # What the opening handshakes (§4) of the server and of `connect` call

    def use_deflate(self, codecs: tuple[Deflater, Inflater], threshold: int) -> None:
        """From now on compress and inflate messages with these (RFC 7692 §5)."""
        deflater, self._receiver.incoming.inflater = codecs
        self._receiver.deflating = True
        self._sender.use_deflate(deflater, threshold)

    def open(self, head: bytes = b"") -> None:
        """Send `head`, the server's answer; then allow messages, and start the heartbeat."""
        self._sender.open(head)
        self._attend()
        interval = self.settings.ping_interval
        if interval is not None and interval != inf:
            first_ping = next_tick(monotonic(), interval) + interval
            heartbeat = Heartbeat(interval, self.settings.ping_timeout, first_ping)
            self._heartbeat = HeartbeatTimer(
                heartbeat, self._stream, self._sender, self._pings, self._give_up
            ).start(self._timers)

    def _give_up(self, cause: str) -> None:
        """End the connection in the timer thread: the peer is gone, or does not read."""
        self._given_up = True  # `end` logs it, because a log may wait
        self._sender.try_close(CloseCode.INTERNAL_ERROR, f"§5.5.2: {cause}")
        self._stream.abort(cause)
