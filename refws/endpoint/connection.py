"""RFC 6455 §6, §7: the conductor of one connection: messages received and sent, control frames
answered, the close.

Four things change while it lives, each in one place: the receive buffer (`Stream`), the half-built
message (`IncomingMessage`), the closing state (`FrameWriter`) and the Pings that wait for their
Pongs (`PendingPings`).

Three locks: `_reading` belongs to the one thread that receives, `_sending` to the one whose message
is fragmented or compressed, and the writer's own to the one that writes a frame. They are taken in
this order.
"""

from __future__ import annotations

import os
import threading
from collections.abc import Callable, Iterable, Iterator, Mapping
from http import HTTPStatus
from time import monotonic
from types import TracebackType
from typing import Any, Self

from ..protocol.close import CLOSED, CONNECTING, OPEN, Close, State, cut_reason
from ..protocol.close_codes import CloseCode
from ..protocol.deflate.codec import Deflater, client_pair, server_pair
from ..protocol.deflate.negotiation import DeflateSettings, Parameters
from ..protocol.errors import ConnectionFailure
from ..protocol.frame import (
    BINARY,
    CONT,
    CONTROL,
    MAX_CONTROL_PAYLOAD,
    PING,
    PONG,
    TEXT,
    Header,
    Side,
    read_exactly,
    read_header,
)
from ..protocol.http import Request, Response
from ..protocol.masking import KEY_LENGTH, unmask_short
from ..protocol.message import IncomingMessage
from .exceptions import ConcurrencyError, ConnectionClosed, ConnectionClosedOK
from .heartbeat import Heartbeat, PendingPings, next_beat
from .log import format_address, log_error
from .sending import FrameWriter
from .settings import Settings
from .stream import Stream
from .timers import Timer, Timers

PIECE = 64 * 1024
"""Bytes of a payload that are read, unmasked and checked in one go."""

LINGER = 1.0
"""Seconds for which what the peer still sends is read and dropped after our last byte (§7.1.1)."""

Trace = Callable[[Side, bytes], None]
"""Called with who sent them and the bytes as they are on the wire, or inside TLS; no bytes are the
end.
"""


class _TimeUp(Exception):
    """The `timeout` of a recv has passed. Not a TimeoutError, which a broken socket raises too."""


class Connection:
    """One WebSocket connection. Any thread may call `send`, `ping`, `pong` and `close`; one at a
    time may `recv`.

    `compression` says what to agree on; a server's `process_request` may still change it for its
    connection.
    """

    __slots__ = (
        "request",
        "response",
        "subprotocol",
        "remote_address",
        "local_address",
        "settings",
        "compression",
        "side",
        "_trace",
        "_stream",
        "_timers",
        "_writer",
        "_incoming",
        "_streaming",
        "_file",
        "_peer_masks",
        "_pings",
        "_ping_count",
        "_deflater",
        "_compression_threshold",
        "_heartbeat",
        "_reading",
        "_sending",
    )

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
        self.settings = settings
        self.compression = settings.compression
        self.side = side
        self._trace: Trace | None = None
        self._stream = stream
        self._file = stream.file
        self._peer_masks = side is Side.SERVER
        self._timers = timers
        self._writer = FrameWriter(stream, settings.close_timeout, side)
        self._incoming = IncomingMessage(settings.max_size, settings.max_fragments)
        self._streaming: object = None
        self._deflater: Deflater | None = None
        self._compression_threshold = 0
        self._pings = PendingPings()
        self._ping_count = 0
        self._heartbeat: Timer | None = None
        self._reading = threading.Lock()
        self._sending = threading.Lock()

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
        """The messages, until the connection ends well; ConnectionClosedError if it ends otherwise."""
        try:
            while True:
                yield self.recv()
        except ConnectionClosedOK:
            return

    @property
    def state(self) -> State:
        """CONNECTING, OPEN, CLOSING or CLOSED (§7.1.3, §7.1.4)."""
        return self._writer.closing.state

    @property
    def latency(self) -> float:
        """Seconds between the last answered Ping and its Pong; 0 before the first (§5.5.3)."""
        return self._pings.latency

    @property
    def close_code(self) -> int | None:
        """The code of the peer's Close, 1005 if it had none, 1006 if none came; None before the end
        (§7.1.5).
        """
        return self._writer.closing.code

    @property
    def close_reason(self) -> str | None:
        """The reason in the peer's Close, else the empty string; None before the end (§7.1.6)."""
        return self._writer.closing.reason

    @property
    def peer(self) -> str:
        """The remote address as a log shows it."""
        return format_address(self.remote_address)

    @property
    def trace(self) -> Trace | None:
        """Gets every byte as it is on the wire, in the thread that sends or receives it, which
        waits meanwhile.

        What we send is told before it leaves. A function that raises is logged and set back to
        None.
        """
        return self._trace

    @trace.setter
    def trace(self, function: Trace | None) -> None:
        self._trace = function
        self._stream.watch(None if function is None else self._tell)

    @property
    def read_size(self) -> int:
        """The most bytes to take from the system at once; 0 for as many as there are. To show that
        it does not matter.

        TCP is a stream (§1.5): where its pieces end says nothing about where frames do. ValueError
        for a negative one.
        """
        return self._stream.read_size

    @read_size.setter
    def read_size(self, size: int) -> None:
        if size < 0:
            raise ValueError(f"read_size is {size}; use a number of bytes, or 0 for no limit")
        self._stream.read_size = size

    def _tell(self, sent: bool, data: bytes) -> None:
        trace = self._trace
        if trace is None:
            return
        try:
            trace(self.side if sent else self.side.peer, data)
        except Exception as error:
            self.trace = None
            log_error(self.settings.logger, self.peer, "the trace failed, and is off now", error)

    def respond(self, status: HTTPStatus | int, text: str) -> Response:
        """A plain-text HTTP response, for `process_request` to return instead of a WebSocket
        connection (§4.2.2).
        """
        return Response.text(HTTPStatus(status), text)

    # Receiving (§6.2)

    def recv(self, timeout: float | None = None) -> str | bytes:
        """The next message, str for text, bytes for binary; blocks until it is whole, or for
        `timeout` seconds.

        TimeoutError when they have passed; what has come of a message is kept for the next call.
        The time is looked at between frames and between pieces of a payload. ConnectionClosed once
        the connection has ended, ConcurrencyError if another thread is receiving.
        """
        if not self._reading.acquire(False):
            self._wait_for_the_end(timeout)
        try:
            deadline = None if timeout is None else monotonic() + timeout
            if self._writer.closing.state is not OPEN:
                self._check_readable()
            if self._streaming is not None:
                self._drop_streamed(deadline)
            data, end = self._next_piece(deadline)
            if not end or self._incoming.collected:
                data = self._collect(data, end, deadline)
            return data
        except _TimeUp:
            raise TimeoutError(
                f"no whole message within {timeout} s; what came of it is kept"
            ) from None
        finally:
            self._reading.release()

    def recv_streaming(self) -> Iterator[str | bytes]:
        """The next message piece by piece as it arrives, cut anywhere but inside a character; the
        last may be empty.

        Errors are those of `recv`. What is not read of the message is dropped by the next call that
        receives.
        """
        mine: object = None
        end = False
        while not end:
            if not self._reading.acquire(False):
                self._wait_for_the_end(None)
            try:
                self._check_readable()
                if mine is None:
                    data, end = self._first_piece()
                    mine = self._streaming = object()
                elif mine is self._streaming:
                    data, end = self._next_piece(None)
                else:
                    raise ConcurrencyError(
                        "the rest of this message is dropped, as another call has received since"
                    )
                if end:
                    self._streaming = None
            finally:
                self._reading.release()
            if data or end:
                yield data

    def _check_readable(self) -> None:
        """While it is closing too, what the peer has sent before its Close can be received
        (§7.1.2).
        """
        if self.state in (CONNECTING, CLOSED):
            raise self._writer.not_open()

    def _wait_for_the_end(self, timeout: float | None) -> None:
        """The reading thread is another one: a mistake, unless it is in `close` and this one comes
        for the news.
        """
        if self.state is OPEN:
            raise ConcurrencyError(
                "another thread is receiving on this connection; receive in one thread only"
            )
        if not self._reading.acquire(timeout=-1 if timeout is None else timeout):
            raise TimeoutError(f"the connection is closing, and not closed within {timeout} s")

    def _collect(self, data: str | bytes, end: bool, deadline: float | None) -> str | bytes:
        """The message that has a piece more now, and is whole with the piece that is its end."""
        self._incoming.collect(data)
        while not end:
            data, end = self._next_piece(deadline)
            self._incoming.collect(data)
        return self._incoming.take_collected()

    def _first_piece(self) -> tuple[str | bytes, bool]:
        if self._streaming is not None:
            self._drop_streamed(None)
        if self._incoming.collected:
            return self._incoming.take_collected(), False
        return self._next_piece(None)

    def _drop_streamed(self, deadline: float | None) -> None:
        """Drop what a `recv_streaming` has left of its message."""
        while self._streaming is not None:
            if self._next_piece(deadline)[1]:
                self._streaming = None

    def _next_piece(self, deadline: float | None) -> tuple[str | bytes, bool]:
        """The next piece of a data message and whether it is the last; control frames are answered
        on the way.
        """
        try:
            incoming = self._incoming
            while not incoming.in_frame:
                if deadline is not None:
                    self._wait_until(deadline)
                header = read_header(self._file, self._peer_masks, self._deflater is not None)
                if (message := incoming.read_short(self._file, header)) is not None:
                    return message, True
                if header.opcode >= CONTROL:
                    self._receive_control(header)
                else:
                    incoming.start_frame(header)
                    if header.masked:
                        incoming.read_masking_key(self._file)
            if deadline is not None and incoming.needs_bytes:
                self._wait_until(deadline)
            return incoming.read_piece(self._file, PIECE)
        except ConnectionFailure as failure:
            self._fail(failure)
            raise self._writer.not_open(str(failure)) from failure
        except (EOFError, OSError) as error:
            self.end()
            raise self._writer.not_open(str(error)) from None

    def _wait_until(self, deadline: float) -> None:
        if not self._stream.wait_readable(deadline - monotonic()):
            raise _TimeUp

    def _receive_control(self, header: Header) -> None:
        """§5.5: a control frame is dealt with at once, also between the fragments of a message."""
        if self._peer_masks:
            payload = unmask_short(read_exactly(self._file, KEY_LENGTH + header.payload_length))
        else:
            payload = read_exactly(self._file, header.payload_length)
        if header.opcode == PING:
            self._writer.write_pong(payload)
        elif header.opcode == PONG:
            self._pings.answer(payload, monotonic())
        else:
            self._writer.answer_close(Close.parse(payload))
            self._end_after_close()
            raise self._writer.not_open()

    # Sending (§6.1)

    def send(self, message: str | bytes | Iterable[str] | Iterable[bytes]) -> None:
        """Send a text message (str), a binary one (bytes), or the fragments of one (an iterable of
        either).

        Blocks until the system has taken it all, and while another thread sends a fragmented
        message. Each fragment leaves as soon as the iterable gives it. ConnectionClosed if the
        connection is not open any more, or ends in the middle; UnicodeEncodeError for a str with
        surrogates, which is not text in UTF-8.
        """
        if isinstance(message, str):
            opcode, payload = TEXT, message.encode()
        elif isinstance(message, (bytes, bytearray, memoryview)):
            opcode, payload = BINARY, bytes(message)
        elif isinstance(message, Mapping):
            raise TypeError("a dict is no message; make it a str or bytes, with json.dumps for one")
        else:
            return self._send_fragments(iter(message))
        if self._deflater is None and self._writer.write(opcode, payload):
            return
        with self._sending:
            if self._deflater is None or len(payload) < self._compression_threshold:
                self._writer.write(opcode, payload)
            else:
                self._writer.write(opcode, self._deflater.deflate(payload), rsv1=True)

    def _send_fragments(self, fragments: Iterator[str | bytes]) -> None:
        """§5.4. The last frame has no data, so that no fragment waits for the next to learn that it
        is the last.
        """
        kind: type | None = None
        started = False
        with self._sending, self._writer.fragmented():
            try:
                for fragment in fragments:
                    kind = kind or (str if isinstance(fragment, str) else bytes)
                    payload = encode_fragment(fragment, kind)
                    self._write_fragment(
                        CONT if started else TEXT if kind is str else BINARY, payload, fin=False
                    )
                    started = True
            except BaseException as error:
                if started and not isinstance(error, ConnectionClosed):
                    self._writer.start_closing(
                        Close(CloseCode.INTERNAL_ERROR, "§5.4: a fragmented message broke off")
                    )
                raise
            if started:
                self._write_fragment(CONT, b"", fin=True)

    def _write_fragment(self, opcode: int, payload: bytes, fin: bool) -> None:
        """RFC 7692 §6.1: all of a message is compressed or nothing of it, and only its first frame
        says so.
        """
        if self._deflater is None:
            self._writer.write(opcode, payload, fin, between_fragments=True)
        else:
            payload = self._deflater.deflate(payload, end=fin)
            self._writer.write(opcode, payload, fin, rsv1=opcode != CONT, between_fragments=True)

    def ping(self, data: str | bytes | None = None) -> threading.Event:
        """Send a Ping; an event that is set when its Pong comes, with `latency`, or when the
        connection ends.

        The Pong is noticed while a thread receives. Blocks like `send`. ValueError above 125 bytes;
        ConcurrencyError if a Ping with the same data still waits for its Pong.
        """
        payload = os.urandom(4) if data is None else control_payload(data)
        answered = threading.Event()
        if not self._pings.add(payload, monotonic(), answered):
            raise ConcurrencyError(
                "a Ping with the same data still waits for its Pong; use other data, or none"
            )
        try:
            self._writer.write(PING, payload, between_fragments=True)
        except ConnectionClosed:
            self._pings.discard(payload)
            raise
        return answered

    def pong(self, data: str | bytes = b"") -> None:
        """Send a Pong that nobody asked for, a heartbeat in one direction (§5.5.3). Blocks like
        `send`.
        """
        self._writer.write(PONG, control_payload(data), between_fragments=True)

    def send_raw(self, data: bytes) -> None:
        """Send these bytes as they are, behind the last frame and before the next, to break the
        rules on purpose.

        Blocks like `send`. ConnectionClosed if the connection is closed; closing is no hindrance.
        """
        self._writer.write_raw(data)

    # Closing (§7)

    def close(self, code: int = CloseCode.NORMAL_CLOSURE, reason: str = "") -> None:
        """Close the connection, and wait for the peer's Close for at most `close_timeout` seconds
        (§7.1.2).

        Messages that arrive meanwhile are dropped. Harmless when the connection is closing or
        closed already. ValueError for a code that must not be sent (§7.4) or a reason above 123
        bytes.
        """
        if self.state is CONNECTING:
            raise self._writer.not_open()
        if code == CloseCode.NO_STATUS_RCVD:
            raise ValueError(
                "§7.4.1: close code 1005 must not be sent; leave the code out, which sends 1000"
            )
        if code == CloseCode.MANDATORY_EXTENSION and self.side is Side.SERVER:
            raise ValueError(
                (
                    "§7.4.1: close code 1010 is for clients; a server refuses the opening "
                    "handshake instead"
                )
            )
        self._writer.start_closing(Close(code, reason))
        with self._reading:
            while self.state is not CLOSED:
                try:
                    self._next_piece(None)
                except ConnectionClosed:
                    pass

    def go_away(self) -> bool:
        """Start to close with 1001 without ever waiting; False if a writer is at work just now, so
        try again.
        """
        return self._writer.try_close(CloseCode.GOING_AWAY, "the server is stopping")

    def abort(self, cause: str = "aborted") -> None:
        """End the TCP connection at once, without a Close frame; whoever waits for it wakes. Never
        blocks.
        """
        self._stream.abort(cause)

    def _fail(self, failure: ConnectionFailure) -> None:
        """§7.1.7: send a Close with the code of the failure, process nothing more, end the TCP
        connection.
        """
        self.settings.logger.warning(
            "%s: connection failed with %d: %s", self.peer, failure.close_code, failure
        )
        self._writer.start_closing(Close(failure.close_code, cut_reason(str(failure))))
        self.end(linger=True)

    # Opening (§4) and end, by the endpoint that owns the connection

    def use_deflate(self, agreed: Parameters, settings: DeflateSettings) -> None:
        """Compress and inflate messages from now on, as the opening handshake agreed (RFC 7692 §5)."""
        pair = server_pair if self.side is Side.SERVER else client_pair
        self._deflater, self._incoming.inflater = pair(agreed, settings)
        self._compression_threshold = settings.threshold

    def open(self, head: bytes = b"") -> None:
        """Messages may flow from now on, behind `head`, the server's answer, and the heartbeat
        starts.
        """
        self._writer.open(head)
        interval = self.settings.ping_interval
        if interval is not None:
            heartbeat = Heartbeat(
                next_beat(monotonic(), interval),
                interval,
                self.settings.ping_timeout,
                self._stream,
                self._send_heartbeat,
                self._give_up,
            )
            self._heartbeat = self._timers.call_at(heartbeat.next_time, heartbeat)

    def end(self, linger: bool = False) -> None:
        """End the TCP connection; for the thread that reads. Blocks while it lingers, for at most 1
        s.
        """
        if linger:
            self._stream.half_close()
            self._stream.drain(LINGER)
        self._stream.abort()
        if self._trace is not None:
            self._tell(False, b"")
        self._writer.end()
        if self._heartbeat is not None:
            self._heartbeat.cancel()
        self._pings.release_all()

    def _end_after_close(self) -> None:
        """§7.1.1: the server ends TCP first, so that TIME_WAIT stays on its side. A client waits
        for it to do so.
        """
        if self.side is Side.CLIENT:
            self._stream.drain(self.settings.close_timeout)
        self.end(linger=self.side is Side.SERVER)

    def _send_heartbeat(self, now: float) -> bool | None:
        """In the timer thread: a Ping, if that goes without waiting."""
        self._ping_count += 1
        payload = self._ping_count.to_bytes(4)
        self._pings.add(payload, now)
        return self._writer.try_ping(payload)

    def _give_up(self, cause: str) -> None:
        """In the timer thread: the peer is gone, or does not read."""
        self.settings.logger.info("%s: given up, §5.5.2: %s", self.peer, cause)
        self._writer.try_close(CloseCode.INTERNAL_ERROR, f"§5.5.2: {cause}")
        self._stream.abort(cause)


def encode_fragment(fragment: str | bytes, kind: type) -> bytes:
    """The bytes of a fragment. TypeError if it is not of the same kind as the first one."""
    if kind is str and isinstance(fragment, str):
        return fragment.encode()
    if kind is bytes and isinstance(fragment, (bytes, bytearray, memoryview)):
        return bytes(fragment)
    raise TypeError(f"fragments must be all str or all bytes, got {type(fragment).__name__}")


def control_payload(data: str | bytes) -> bytes:
    """The payload of a Ping or Pong. ValueError above 125 bytes (§5.5)."""
    payload = data.encode() if isinstance(data, str) else bytes(data)
    if len(payload) > MAX_CONTROL_PAYLOAD:
        raise ValueError(
            (
                f"§5.5: {len(payload)} bytes do not fit a control frame; send at most "
                f"{MAX_CONTROL_PAYLOAD}"
            )
        )
    return payload
