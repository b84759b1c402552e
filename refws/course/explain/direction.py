"""RFC 6455 §5: the bytes that one side sends, cut anywhere -> each head and frame, and its verdict.

The rules are in refws.protocol, and this file calls them like an endpoint does: so the verdict is
the same.
"""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass, field, replace

from ...protocol.close import Close
from ...protocol.deflate.negotiation import Parameters
from ...protocol.errors import ConnectionFailure, ProtocolError
from ...protocol.frame import CLOSE, CONT, MAX_CONTROL_PAYLOAD, PING, PONG, Side
from ...protocol.heads import HeadLimits
from ...protocol.http import Request
from ...protocol.masking import KEY_LENGTH
from .frames import (
    Frame,
    cut_off,
    header_size,
    illegal,
    is_out_of_step,
    judge_header,
    part_of_header,
)
from .handshake import HeadBytes, find_start_of_head
from .hints.evidence import KEPT, Before, Evidence
from .hints.find import find_hint, find_hint_for_legal
from .hints.no_frames import is_line_end
from .messages import PART_MISSING, Messages
from .pongs import Pings, WaitingPing
from .values import (
    CutOff,
    FrameExplanation,
    HeadExplanation,
    Illegal,
    Item,
    NotRead,
    Situation,
    Verdict,
)

FED_CHUNK = 16 * 1024
"""Bytes taken at once: taking a short frame off the buffer copies the rest of it every time."""

COMPRESSED_CHUNK = 4 * 1024
"""Bytes of a compressed payload that are inflated at once, counted from its start.

So an error is found after the same content, no matter how the bytes were cut.
"""

MAX_HINTED = 1000
"""Illegal frames of one side that get a hint: looking for one takes longer than explaining it."""

AFTER_FAILURE = "after the failure: a receiver reads nothing more (§7.1.7)"
AFTER_CLOSE = "after the Close: a receiver drops what follows (§1.4)"
NO_FRAMES = "it is not known where the next frame begins"
BYTES_MISSING = "after missing bytes no start of a frame is known"
NO_WEBSOCKET = "no frames: the opening handshake did not lead to a WebSocket connection"


@dataclass(slots=True)
class Common:
    """What both directions share: the agreed compression, the request, and how to explain."""

    keep_going: bool
    shown: int
    note_head: Callable[[HeadExplanation, Request | None], None]
    deflate: Parameters | None
    head_limits: HeadLimits
    request: Request | None = None
    closed_by: tuple[Side, ...] = ()
    pings: dict[Side, Pings] = field(default_factory=lambda: {side: Pings() for side in Side})
    heard: set[Side] = field(default_factory=set)
    """The sides all of whose Pings so far are known."""


class Direction:
    """What one side sends. Each step takes a head, a header or a part of a payload off `buffer`."""

    def __init__(
        self, sender: Side, common: Common, at_handshake: bool | None, messages: Messages
    ) -> None:
        self.sender = sender
        self.common = common
        self.at_handshake = at_handshake
        self.messages = messages
        self.messages.use_deflate(common.deflate)
        self.head: HeadBytes | None = None
        self.frame: Frame | None = None
        self.head_before: HeadExplanation | None = None
        self.frame_before: Frame | None = None
        self.buffer = b""
        self.offset = 0  # of the first byte in the buffer, from the first byte that was sent
        self.failed = False
        self.illegal_frames = 0
        self.why_stopped = ""
        self.not_read = 0

    # Taking bytes

    def feed(self, data: bytes) -> list[Item]:
        """The items that these next bytes complete, in order."""
        items: list[Item] = []
        if not self.offset and not self.buffer:
            self.common.heard.add(self.sender)
        for start in range(0, len(data), FED_CHUNK):
            self.buffer += data[start : start + FED_CHUNK]
            while self._step(items):
                pass
        return items

    def lose(self, size: int) -> list[Item]:
        """The next `size` bytes were sent, but are not known.

        Inside one payload the next frame is found again. Elsewhere nothing more is read, because it
        would be a guess.
        """
        frame, items = self.frame, list[Item]()
        self.common.heard.discard(self.sender)
        if self.why_stopped:
            self.not_read += size
        elif frame is not None and not frame.needs_key and size <= frame.remaining:
            frame.lose(size)
            if frame.is_data:
                self.messages.give_up(PART_MISSING)
            if not frame.remaining:
                self._end_frame(frame, items)
        else:
            items = self.finish()
            self._take(len(self.buffer))
            self.head = self.frame = None
            self.stop(BYTES_MISSING)
            self.not_read = size
        self.offset += size
        return items

    def _step(self, items: list[Item]) -> bool:
        """Take the next part off the buffer; False if more bytes are needed first."""
        if self.at_handshake is None:
            self.at_handshake = find_start_of_head(self.buffer)
            if self.at_handshake is None:
                return False
        if self.why_stopped:
            self.not_read += len(self._take(len(self.buffer)))
            return False
        if self.at_handshake:
            return self._take_head(items)
        if self.frame is None:
            return self._take_header(items)
        return self._take_payload(self.frame, items)

    def _take(self, size: int) -> bytes:
        taken, self.buffer = self.buffer[:size], self.buffer[size:]
        self.offset += len(taken)
        return taken

    def _untake(self, data: bytes) -> None:
        self.buffer = data + self.buffer
        self.offset -= len(data)

    def skip(self, size: int) -> None:
        """Go on after `size` missing bytes, with the start of a message."""
        missing = len(self.buffer) + size
        self.common.heard.discard(self.sender)
        self.offset += missing
        self.buffer, self.frame = b"", None
        if self.why_stopped:
            self.not_read += missing
        self.messages.begin_anew()

    def stop(self, why: str) -> None:
        """Read nothing more of this side."""
        self.common.heard.discard(self.sender)
        self.why_stopped = self.why_stopped or why

    def _take_head(self, items: list[Item]) -> bool:
        self.head = self.head or self._new_head()
        found = self.head.add(self._take(len(self.buffer)))
        if found is None:
            return False
        head, request, rest = found
        self._untake(rest)
        self.at_handshake, self.head = False, None
        self.head_before = head
        items.append(head)
        if not head.opens or (head.faults and not self.common.keep_going):
            self.stop(NO_WEBSOCKET)
        self.common.note_head(head, request)
        return True

    def _new_head(self) -> HeadBytes:
        return HeadBytes(self.sender, self.offset, self.common.request, self.common.head_limits)

    # Headers

    def _take_header(self, items: list[Item]) -> bool:
        size = header_size(self.buffer)
        failure = self._judge_header(self.buffer[:2])
        if failure is not None and not self.common.keep_going:
            size = 2  # a receiver does not read on
        if len(self.buffer) < size:
            return False
        failure = failure or self._judge_header(self.buffer[:size])
        frame = self._start_frame(self._take(size), failure)
        if self.why_stopped or is_line_end(frame.header_bytes):
            self._end_frame(frame, items)
        return True

    def _judge_header(self, wire: bytes) -> ConnectionFailure | None:
        return judge_header(wire, self.sender, self.common.deflate is not None)

    def _start_frame(self, wire: bytes, failure: ConnectionFailure | None) -> Frame:
        frame = self.frame = Frame(self.offset - len(wire), wire, self.situation)
        if failure is not None:
            self._note(frame, failure)
            if is_out_of_step(frame):
                self.stop(NO_FRAMES)
        if frame.is_data and not self.why_stopped:
            self._start_data(frame)
        return frame

    def _start_data(self, frame: Frame) -> None:
        """§5.4: the place of a data frame in its message."""
        messages = self.messages
        if self.sender in self.common.closed_by:
            self._note(frame, after_close())
        if failure := messages.start_frame(frame.header):
            self._note(frame, failure)
        if messages.message is not None:
            frame.kind, frame.compressed = messages.message.opcode, messages.message.compressed
        frame.why_unjudged = messages.why_unjudged
        if frame.compressed and not frame.why_unjudged:
            frame.inflated_length = 0

    # Payloads

    def _take_payload(self, frame: Frame, items: list[Item]) -> bool:
        if frame.needs_key:
            if len(self.buffer) < KEY_LENGTH:
                return False
            frame.masking_key = self._take(KEY_LENGTH)
        if frame.remaining and not self.buffer:
            return False
        self._add_payload(frame, self._take(frame.remaining))
        if self.why_stopped or not frame.remaining:
            self._end_frame(frame, items)
        return True

    def _add_payload(self, frame: Frame, wire: bytes) -> None:
        plain = frame.add_payload(wire, self.common.shown)
        if frame.lost:
            return
        if frame.header.opcode == CLOSE and not frame.remaining:
            self._parse_close(frame)
        elif frame.compressed:
            self._add_compressed(frame, plain)
        elif frame.is_data and not frame.why_unjudged:
            self._add_plain(frame, plain)

    def _parse_close(self, frame: Frame) -> None:
        if frame.received > MAX_CONTROL_PAYLOAD:
            return
        try:
            frame.close = Close.parse(frame.plain_start)
        except ConnectionFailure as failure:
            self._note(frame, failure, frame.payload_offset)

    def _add_plain(self, frame: Frame, plain: bytes) -> None:
        messages = self.messages
        try:
            for _ in messages.add(plain):
                pass
            messages.note_text(plain)
        except ConnectionFailure as failure:
            bad = messages.find_bad_byte(plain)
            self._note(frame, failure, frame.payload_offset + frame.received - len(plain) + bad)
            self._give_up_content(frame, len(plain) - bad - 1)

    def _add_compressed(self, frame: Frame, plain: bytes) -> None:
        waiting = frame.not_inflated + plain
        while not frame.why_unjudged and (len(waiting) >= COMPRESSED_CHUNK or not frame.remaining):
            first, waiting = waiting[:COMPRESSED_CHUNK], waiting[COMPRESSED_CHUNK:]
            self._inflate(frame, first, waiting)
            if not waiting:
                break
        frame.not_inflated = b"" if frame.why_unjudged else waiting

    def _inflate(self, frame: Frame, plain: bytes, rest: bytes) -> None:
        try:
            for content in self.messages.add(plain):
                frame.add_inflated(content, self.common.shown)
        except ConnectionFailure as failure:
            self._note(frame, failure)
            self._give_up_content(frame, len(rest))

    def _give_up_content(self, frame: Frame, rest: int) -> None:
        """Stop judging the message; a receiver does not read the last `rest` bytes of a chunk."""
        self.messages.give_up()
        frame.why_unjudged = self.messages.why_unjudged
        if self.why_stopped:
            self.not_read += rest
            frame.take_back(rest)

    # Verdicts

    def _note(self, frame: Frame, failure: ConnectionFailure, offset: int | None = None) -> None:
        """Keep the first violation of a frame, because its receiver answers that one."""
        if frame.illegal is None:
            frame.illegal = illegal(failure, frame.offset, offset)
        if not self.common.keep_going:
            self.stop(AFTER_FAILURE)

    def _end_frame(self, frame: Frame, items: list[Item]) -> None:
        self.frame = None
        if not frame.remaining:
            self._change_situation(frame)
        items.append(self._explain(frame, frame.verdict, self.buffer))
        self.failed = self.failed or frame.illegal is not None
        self.illegal_frames += frame.illegal is not None
        self.frame_before = frame

    def _change_situation(self, frame: Frame) -> None:
        """What a whole frame changes: its message goes on or ends, or its sender has closed."""
        common = self.common
        if frame.is_data:
            self._end_data(frame)
        elif frame.header.opcode == CLOSE:
            if self.sender not in common.closed_by:
                common.closed_by = (*common.closed_by, self.sender)
            if not common.keep_going:
                self.stop(AFTER_CLOSE)
        elif frame.header.opcode in (PING, PONG) and frame.illegal is None and not frame.lost:
            self._compare(frame)

    def _end_data(self, frame: Frame) -> None:
        header, messages = frame.header, self.messages
        if not header.fin or header.opcode == CONT:
            messages.add_content(header, *frame.content, self.common.shown)
            frame.message = messages.whole_message() if header.fin else None
        messages.end_frame(header, frame.received)

    def _compare(self, frame: Frame) -> None:
        """§5.5.3: whether a Pong has the payload of a Ping that was sent to its sender."""
        if frame.header.opcode == PING:
            self.common.pings[self.sender].add(
                WaitingPing(frame.offset, frame.payload_start, frame.plain_start)
            )
        elif self.sender.peer in self.common.heard:
            frame.note, frame.hint = self.common.pings[self.sender.peer].compare(frame.plain_start)

    @property
    def situation(self) -> Situation:
        """What the meaning of the next frame depends on."""
        return Situation(self.messages.message, self.common.closed_by)

    def _situation_within(self, frame: Frame) -> Situation:
        """The situation, with the bytes of a frame that is not complete."""
        message = self.messages.message
        if message is None or not frame.is_data or not frame.remaining:
            return self.situation
        return Situation(
            replace(message, length=message.length + frame.received), self.common.closed_by
        )

    def _explain(
        self, frame: Frame, verdict: Verdict, following: bytes, over: bool = False
    ) -> FrameExplanation:
        """The frame as it is now, and the bytes after it; `over` says that no more arrive."""
        deflate, after = self.common.deflate is not None, self._situation_within(frame)
        explanation = frame.explain(self.sender, deflate, after, verdict, self.failed)
        if self.illegal_frames > MAX_HINTED:
            hint = ""
        elif isinstance(verdict, Illegal | CutOff):
            hint = find_hint(self._evidence(frame, explanation, following, over))
        else:
            hint = find_hint_for_legal(explanation)
        return replace(explanation, verdict=replace(verdict, hint=hint)) if hint else explanation

    def _evidence(
        self, frame: Frame, explanation: FrameExplanation, following: bytes, over: bool
    ) -> Evidence:
        """The frame, with the bytes and frames around it that a hint may look at."""
        wire, complete = frame.header_bytes + frame.masking_key + frame.kept, False
        if frame.arrived == len(frame.kept):
            wire, complete = wire + following[:KEPT], len(following) <= KEPT
        last, before = self.frame_before, None
        if last is not None:
            broken = last.illegal.violation.field if last.illegal else ""
            before = Before(last.kind, last.header, last.masking_key, last.kept, broken)
        head = None if last is not None else self.head_before
        return Evidence(explanation, wire, complete, over, before, head)

    # What is not complete

    def pending(self, over: bool = False) -> list[Item]:
        """A head or frame that is not complete, as cut off; or the bytes not read; or nothing."""
        if self.not_read:
            return [
                NotRead(self.sender, self.offset - self.not_read, self.not_read, self.why_stopped)
            ]
        if self.head is not None:
            return [self.head.cut_off()]
        if self.at_handshake is None and self.buffer:
            head = self._new_head()
            head.add(self.buffer)
            return [head.cut_off()]
        if self.frame is not None:
            verdict = self.frame.illegal or cut_off(self.frame, len(self.buffer))
            part_of_key = self.buffer if self.frame.needs_key else self.frame.masking_key
            explained = self._explain(self.frame, verdict, self.buffer, over)
            return [replace(explained, masking_key=part_of_key)]
        return [self._explain_part_of_header(over)] if self.buffer else []

    def finish(self) -> list[Item]:
        """Like `pending`, once the direction has ended: waiting bytes are inflated if possible."""
        items: list[Item] = []
        if self.frame is not None and self.frame.not_inflated:
            waiting, self.frame.not_inflated = self.frame.not_inflated, b""
            self._inflate(self.frame, waiting, b"")
            if self.why_stopped:
                self._end_frame(self.frame, items)
        return items + self.pending(over=True)

    def _explain_part_of_header(self, over: bool) -> FrameExplanation:
        frame = Frame(self.offset, self.buffer, self.situation)
        failure = self._judge_header(self.buffer[:2])
        if failure is None:
            return self._explain(frame, part_of_header(self.buffer), b"", over)
        return self._explain(frame, illegal(failure, frame.offset), b"")


def after_close() -> ProtocolError:
    """§5.5.1: the side that has sent a Close must not send this; its peer drops it (§1.4)."""
    return ProtocolError(
        "§5.5.1", "a data frame after the Close of the same side", "no more data from it", "opcode"
    )
