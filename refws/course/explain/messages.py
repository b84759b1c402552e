"""RFC 6455 §5.4, §8.1, RFC 7692 §6: the messages of one side, judged as an endpoint judges them.

An endpoint stops at the first violation. Here the rest of that message is shown but not judged, and
judging starts again with the next message: a violation there is another mistake, and not just a
consequence of the first one.
"""

from __future__ import annotations

import codecs
from collections.abc import Iterator
from dataclasses import replace
from io import BytesIO

from ...protocol.deflate.codec import Inflater
from ...protocol.deflate.negotiation import Parameters
from ...protocol.errors import ConnectionFailure
from ...protocol.frame import CONT, Header, Opcode, Side
from ...protocol.message import IncomingMessage, is_surrogate_start
from .values import OpenMessage, WholeMessage

CHUNK_SIZE = 64 * 1024
"""Bytes that are taken at once."""

MAX_CHARACTER = 4
"""The most bytes of a character in UTF-8."""

CONTINUATION_BYTES = bytes(range(0x80, 0xC0))

REST_OF_MESSAGE = "the rest of a message that breaks a rule"
PART_MISSING = "a message of which bytes are missing"
WINDOW_LOST = "it may look back at a compressed message that was not inflated (RFC 7692 §7.2.3.2)"


class Messages:
    """The messages of one side. `message` is the one that has begun and not ended, or None.

    For each data frame call `start_frame`; then `add` for each chunk of its payload, unless
    `why_unjudged` says why it is not judged; then `end_frame`, unless the frame is cut off.
    """

    def __init__(self, sender: Side, max_size: int | None, max_fragments: int | None) -> None:
        self.sender = sender
        self.max_size = max_size
        self.max_fragments = max_fragments
        self.agreed: Parameters | None = None
        self.message: OpenMessage | None = None
        self.why_unjudged = ""
        self._incoming = IncomingMessage(max_size, max_fragments)
        self._inflater: Inflater | None = None
        self._window_lost = False
        self._text_end = b""
        self._content = bytearray()
        self._content_length = 0

    def use_deflate(self, agreed: Parameters | None) -> None:
        """From now on inflate messages with these parameters; None for no compression."""
        self.agreed = agreed
        self._window_lost = False
        self._inflater = self._incoming.inflater = self._new_inflater()

    def start_frame(self, header: Header) -> ConnectionFailure | None:
        """Take the header of a data frame. The rule that it breaks in its place; or None."""
        # RSV1 without an extension in use is a violation of the header, and no compression.
        rsv1 = header.rsv1 and self.agreed is not None
        header = replace(header, rsv1=rsv1, masked=False)  # `add` gets the payload unmasked
        failure = None
        if header.opcode != CONT:
            self._start_message(header)
        if not self.why_unjudged:
            failure = self._judge_place(header)
        self._follow(header)
        if self.why_unjudged:
            self._lose_window()
        return failure

    def _start_message(self, header: Header) -> None:
        self._text_end = b""
        if self.why_unjudged:
            self._judge_anew()
        if self._window_lost and header.rsv1 and self.message is None:
            self.why_unjudged = WINDOW_LOST

    def _judge_place(self, header: Header) -> ConnectionFailure | None:
        try:
            self._incoming.start_frame(header)
        except ConnectionFailure as failure:
            self.give_up()  # the message that is open, before another takes its place
            return failure
        return None

    def _follow(self, header: Header) -> None:
        if header.opcode != CONT:
            self.message = OpenMessage(Opcode(header.opcode), header.rsv1, 1, 0)
        elif self.message is not None:
            self.message = replace(self.message, fragments=self.message.fragments + 1)

    def add(self, plain: bytes) -> Iterator[bytes]:
        """The content that the next unmasked chunk adds to the message, inflated and checked.

        ConnectionFailure at a violation; the caller must then `give_up`.
        """
        file = BytesIO(plain)
        try:
            while self._incoming.in_frame:
                data, _ = self._incoming.read_chunk(file, CHUNK_SIZE)
                yield data.encode() if isinstance(data, str) else data
        except EOFError:  # the rest of the payload has not arrived
            pass

    def find_bad_byte(self, plain: bytes) -> int:
        """The index of the byte in this chunk that `add` refused."""
        return find_bad_utf8(self._text_end, plain)

    def note_text(self, plain: bytes) -> None:
        """Remember the end of a chunk that was not refused: a character may begin there."""
        self._text_end = (self._text_end + plain)[1 - MAX_CHARACTER :]

    def add_content(self, header: Header, start: bytes, length: int, shown: int) -> None:
        """Remember what a frame of a fragmented message adds to it: `length` bytes, inflated."""
        if header.opcode != CONT:
            self._content, self._content_length = bytearray(), 0
        self._content += start[: shown - len(self._content)]
        self._content_length += length

    def whole_message(self) -> WholeMessage | None:
        """The fragmented message that ends now; None if it was not judged in full."""
        message = self.message
        if message is None or self.why_unjudged:
            return None
        start = bytes(self._content)
        return WholeMessage(message.opcode, message.fragments, self._content_length, start)

    def end_frame(self, header: Header, length: int) -> None:
        """A data frame is whole, with `length` bytes of payload."""
        if self.message is not None and not header.fin:
            self.message = replace(self.message, length=self.message.length + length)
            return
        self.message = None
        if self.why_unjudged:
            self._judge_anew()

    # After a violation

    def give_up(self, why: str = REST_OF_MESSAGE) -> None:
        """Stop judging the message that is open."""
        self.why_unjudged = why
        self._lose_window()

    def _lose_window(self) -> None:
        """RFC 7692 §7.2.2: later messages may refer to any part of a message that is not judged."""
        if self.message is not None and self.message.compressed:
            self._window_lost = self._carries_window
            self._inflater = self._new_inflater()

    def begin_anew(self) -> None:
        """After missing bytes: drop what has begun; a compressed message may refer to them."""
        if self.agreed is not None:
            self._window_lost = self._carries_window
            self._inflater = self._new_inflater()
        self._judge_anew()

    def _judge_anew(self) -> None:
        """Drop the message, and judge the next ones."""
        self.message, self.why_unjudged = None, ""
        self._incoming = IncomingMessage(self.max_size, self.max_fragments)
        self._incoming.inflater = self._inflater

    def _new_inflater(self) -> Inflater | None:
        if self.agreed is None:
            return None
        is_client = self.sender is Side.CLIENT
        bits = (
            self.agreed.client_max_window_bits if is_client else self.agreed.server_max_window_bits
        )
        return Inflater(bits, not self._carries_window)

    @property
    def _carries_window(self) -> bool:
        assert self.agreed is not None
        if self.sender is Side.CLIENT:
            return not self.agreed.client_no_context_takeover
        return not self.agreed.server_no_context_takeover


def find_bad_utf8(before: bytes, chunk: bytes) -> int:
    """The index in `chunk` of the first byte that UTF-8 does not allow there.

    If a character is cut off, it is the last byte. `before` is the text before the chunk, or at
    least its last three bytes; it must be legal so far.
    """
    start = before[len(before) - unfinished(before) :]
    text = start + chunk
    try:
        whole = codecs.utf_8_decode(text, "strict", False)[1]
    except UnicodeDecodeError as error:
        return error.end - len(start) - (0 if error.reason == "invalid continuation byte" else 1)
    if is_surrogate_start(text[whole : whole + 2]):
        return whole + 1 - len(start)
    return max(len(chunk) - 1, 0)


def unfinished(text: bytes) -> int:
    """The number of bytes of a cut character at the end of this text, which is legal so far."""
    characters = text.lstrip(CONTINUATION_BYTES)
    return len(characters) - codecs.utf_8_decode(characters, "ignore", False)[1]
