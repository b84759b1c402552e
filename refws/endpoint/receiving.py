"""RFC 6455 §6.2: the receiving side of a connection: its stream -> messages.

Control frames are dealt with on the way (§5.5): a Ping is answered, a Pong goes to the Ping that
waits for it. An exception says that the connection must end: ConnectionFailure for a broken rule,
CloseReceived for a Close, EOFError or OSError for the end of the stream. `connection` catches it.

There is no lock here, because `reading` lets in one thread at a time. What is called here and other
threads call, too, takes its own: `Sender.try_pong` and the methods of `PendingPings`.
"""

from __future__ import annotations

from collections.abc import Callable
from contextlib import suppress
from time import monotonic
from typing import NoReturn

from ..protocol.close import Close
from ..protocol.errors import ConnectionFailure
from ..protocol.frame import (
    CONTROL,
    PING,
    PONG,
    BinaryFile,
    Header,
    Side,
    read_exactly,
    read_header,
)
from ..protocol.masking import KEY_LENGTH, unmask
from ..protocol.message import IncomingMessage
from .exceptions import ConcurrencyError
from .pings import PendingPings
from .reader import AT_ONCE
from .resuming import ResumableFile, TimeUp
from .sending import Sender
from .settings import Settings
from .stream import Stream

PONG_INTERVAL = 0.2
"""Seconds between two tries to send a Pong that does not fit the send buffer."""

CHUNK = 64 * 1024
"""Bytes of a payload that are read, unmasked and checked at once."""


class CloseReceived(Exception):
    """The peer's Close frame has arrived; `close` is its content."""

    def __init__(self, close: Close) -> None:
        super().__init__(close)
        self.close = close


class Receiver:
    """The peer's messages, whole or chunk by chunk. Every `deadline` is a time of `monotonic`."""

    __slots__ = {
        "incoming": "The message that is arriving. Only the thread that receives writes fields.",
        "deflating": "Whether RSV1 has a meaning. Written before the first frame.",
        "_stream": "Where frames come from.",
        "_file": "The stream's file, or the resumable one.",
        "_resumable": "Set for a deadline, for signals, and while it keeps bytes.",
        "_goes_on": "Whether the last receive stopped where the next one can start.",
        "_key_due": "True between the header of a masked data frame and its masking key.",
        "_masked": "Whether the peer masks (§5.1).",
        "_sender": "Answers Pings.",
        "_pings": "The Pings that wait for a Pong.",
        "_streamed": "The number of the newest message that is received chunk by chunk.",
        "_streaming": "True from the first chunk of that message to its last.",
    }

    def __init__(
        self, stream: Stream, side: Side, settings: Settings, sender: Sender, pings: PendingPings
    ) -> None:
        self.incoming = IncomingMessage(settings.max_size, settings.max_fragments)
        self.deflating = False
        self._stream = stream
        self._file: BinaryFile = stream.file
        signals = stream.reader.expects_signals
        self._resumable = ResumableFile(stream) if signals else None
        self._goes_on = False
        self._key_due = False
        self._masked = side is Side.SERVER
        self._sender = sender
        self._pings = pings
        self._streamed = 0
        self._streaming = False

    def limit_messages(self, settings: Settings) -> None:
        """Limit messages by these settings. Only before the first frame."""
        inflater = self.incoming.inflater
        self.incoming = IncomingMessage(settings.max_size, settings.max_fragments)
        self.incoming.inflater = inflater

    # Messages

    def message(self, deadline: float | None) -> str | bytes:
        """The next message. TimeUp at the deadline; the next call then continues."""
        if deadline is not None:
            return self._message_until(deadline)
        if self._streaming:
            self._drop_streamed()
        # FAST: most messages are one frame that has arrived whole
        if not self.incoming.in_frame and (message := self._next_frame()) is not None:
            return message
        data, end = self._next_chunk()
        if not end or self.incoming.collected:
            data = self._collect(data, end)
        return data

    def _message_until(self, deadline: float) -> str | bytes:
        self._start_resumable(deadline)
        try:
            return self.message(None)
        finally:
            self._stop_resumable()

    def _start_resumable(self, deadline: float | None) -> ResumableFile:
        self._file = self._resumable = resumable = self._resumable or ResumableFile(self._stream)
        self._stream.set_deadline(deadline)
        return resumable

    def _stop_resumable(self) -> None:
        """Back to the stream's own file, which is faster, once no bytes are kept."""
        self._stream.set_deadline(None)
        if self._resumable is not None and not self._resumable.kept:
            self._file = self._stream.file
            if not self._stream.reader.expects_signals:
                self._resumable = None

    def _collect(self, data: str | bytes, end: bool) -> str | bytes:
        self.incoming.collect(data)
        while not end:
            data, end = self._next_chunk()
            self.incoming.collect(data)
        return self.incoming.take_collected()

    def first_chunk(self) -> tuple[int, str | bytes, bool]:
        """The number of the next message, its first chunk, and whether that is the last one."""
        if self._streaming:
            self._drop_streamed()
        if self.incoming.collected:
            data, end = self.incoming.take_collected(), False
        else:
            data, end = self._next_chunk()
        self._streamed += 1
        self._streaming = not end
        return self._streamed, data, end

    def next_chunk(self, number: int) -> tuple[str | bytes, bool]:
        """The next chunk of the message with this number, and whether it is the last.

        ConcurrencyError if another call has received since, which drops the rest of the message.
        """
        if number != self._streamed or not self._streaming:
            self.nothing_read()
            seen = "the rest of this message is dropped, because another call has received since"
            raise ConcurrencyError(seen)
        data, end = self._next_chunk()
        self._streaming = not end
        return data, end

    def _drop_streamed(self) -> None:
        """Drop the rest of a message that was received chunk by chunk."""
        while self._streaming:
            _, end = self._next_chunk()
            self._streaming = not end

    def drop_all(self) -> NoReturn:
        """Drop messages until an exception ends the connection."""
        while True:
            self._next_chunk()

    def nothing_read(self) -> None:
        """An exception follows that interrupts no read."""
        self._goes_on = True

    def break_off(self) -> None:
        """An exception interrupts a receive: a signal's, or one of memory.

        Where the next receive should start is known only if no byte of a frame was taken.
        """
        if not self._goes_on:
            self._stream.abort("a receive was interrupted in the middle of a frame")
        self._goes_on = False

    # Frames

    def _next_chunk(self) -> tuple[str | bytes, bool]:
        """The next chunk of a data message, and whether it is the last."""
        incoming = self.incoming
        while not incoming.in_frame:
            if (message := self._next_frame()) is not None:
                return message, True
        if self._key_due:
            self._begin()
            incoming.read_masking_key(self._file)
            self._key_due = False
        self._begin()
        return incoming.read_chunk(self._file, CHUNK)

    def _next_frame(self) -> str | bytes | None:
        """Start the next frame; return the message if it is this one frame and has arrived."""
        start = b""
        try:
            if self._resumable is not None:
                self._begin_frame()
            incoming, file = self.incoming, self._file
            start = file.read(2)
            header = read_header(file, self._masked, self.deflating, start)
            if (message := incoming.read_whole(file, header)) is not None:
                return message
            if header.opcode >= CONTROL:
                self._receive_control(header)
            else:
                incoming.start_frame(header)
                self._key_due = header.masked
        except (CloseReceived, ConnectionFailure):
            raise
        except BaseException:
            self._note_interruption(not start or self._file is self._resumable)
            raise
        return None

    def _note_interruption(self, is_known: bool) -> None:
        """An interrupted receive can go on if it is known which bytes of the frame it has taken."""
        self._goes_on = self._stream.reader.take_interrupted() and is_known
        if self._goes_on and self._resumable is not None:
            self._resumable.give_back()

    def _begin(self) -> None:
        """From here on a receive that runs out of time gives back what it has read."""
        if self._resumable is not None:
            self._resumable.begin()
            if self._stream.reader.deadline is None:
                self._stop_resumable()

    def _begin_frame(self) -> None:
        """As `_begin`. In the main thread a signal's exception may interrupt a read: wait for two
        bytes without taking them; where only one is there, it must not be lost.
        """
        self._begin()
        is_careful = self._resumable is not None and self._file is self._stream.file
        if is_careful and len(self._stream.file.peek(2)) < 2:
            self._file = self._resumable or self._file

    def _receive_control(self, header: Header) -> None:
        """§5.5: a control frame is dealt with at once, also between the fragments of a message."""
        if self._masked:
            payload = unmask(read_exactly(self._file, KEY_LENGTH + header.payload_length))
        else:
            payload = read_exactly(self._file, header.payload_length)
        if header.opcode == PING:
            self._receive_ping(payload)
        elif header.opcode == PONG:
            self._pings.answer(payload, monotonic())
        else:
            raise CloseReceived(Close.parse(payload))

    def _receive_ping(self, payload: bytes) -> None:
        """§5.5.2: answer a Ping, now or, while the peer does not read, as soon as the Pong fits.

        Never waits: a receive has its own deadline, and what follows the Ping must be read.
        """
        is_first = self._pings.receive(payload)
        in_timer = self._stream.reader.deadline == AT_ONCE
        if not self._sender.try_pong(in_timer) and is_first:
            with suppress(RuntimeError):  # no thread left for timers: the next Ping tries again
                self._stream.call_at(monotonic() + PONG_INTERVAL, self._answer_later)

    def _answer_later(self, now: float) -> float | None:
        return None if self._sender.try_pong(in_timer=True) else now + PONG_INTERVAL

    # While no thread receives a message

    def take_control_frames(self, deadline: float | None, done: Callable[[], bool]) -> None:
        """§5.5: deal with control frames until `done` says True, or a data frame is next.

        TimeUp at the deadline. The data frame stays unread, and so does what ends the connection:
        the next call raises for it again.
        """
        if self.incoming.in_frame:
            return
        resumable = self._start_resumable(deadline)
        try:
            while not done() and self._take_control_frame(resumable):
                pass
        except TimeUp:
            raise
        except BaseException as error:
            if isinstance(error, OSError):  # of the system, which reports it only once
                self._stream.note_cause(str(error))
            resumable.give_back()
            self._goes_on = self._stream.reader.take_interrupted()
            raise
        finally:
            self._stop_resumable()

    @property
    def is_held_up(self) -> bool:
        """Whether a data frame is next, which only a receive may take."""
        if self.incoming.in_frame:
            return True
        kept = b"" if self._resumable is None else self._resumable.kept
        return bool(kept) and not kept[0] & CONTROL

    def keep_rest(self) -> None:
        """Read all that has arrived on a stream that has ended, for the next receives."""
        self._start_resumable(None).keep_rest()

    def _take_control_frame(self, resumable: ResumableFile) -> bool:
        """Deal with the next frame, unless it is a data frame; then False."""
        resumable.begin()
        header = read_header(resumable, self._masked, self.deflating)
        if header.opcode < CONTROL:
            resumable.give_back()
            return False
        self._receive_control(header)
        return True
