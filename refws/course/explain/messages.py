"""RFC 6455 §5.4, §8.1, RFC 7692 §6: the messages of one side, judged frame by frame, and on after a
broken rule.

An endpoint stops at the first violation. Here the order of frames is judged on, and the content
from the next message.
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
from .values import OpenMessage

PIECE = 64 * 1024
"""Bytes that are taken in one go."""

LONGEST_CHARACTER = 4
"""Bytes of a character in UTF-8, at most."""

CONTINUATION_BYTES = bytes(range(0x80, 0xC0))


class Messages:
    """What one side sends in data frames. `message` is the one between its first frame and its
    last, else None.

    For each data frame: `start_frame`, `add` for its payload in pieces, `end_frame` unless it is
    cut off. `content_known` tells whether there is any sense in `add`: not in the rest of a message
    with a violation, and not in compressed messages that go on from one which could not be
    inflated.
    """

    def __init__(self, sender: Side, max_size: int | None, max_fragments: int | None) -> None:
        self.sender = sender
        self.max_size = max_size
        self.max_fragments = max_fragments
        self.agreed: Parameters | None = None
        self.message: OpenMessage | None = None
        self.content_known = True
        self._incoming = IncomingMessage(max_size, max_fragments)
        self._inflater: Inflater | None = None
        self._window_lost = False
        self._text_end = b""

    def use_deflate(self, agreed: Parameters | None) -> None:
        """Inflate compressed messages as these parameters say, from now on."""
        self.agreed = agreed
        self._window_lost = False
        self._inflater = self._incoming.inflater = self._new_inflater()

    def start_frame(self, header: Header) -> ConnectionFailure | None:
        """Take the header of a data frame; what is wrong with its place, if anything is."""
        if header.opcode != CONT:
            self._start_message(header)
        if header.rsv1 and self.agreed is None:
            header = replace(
                header, rsv1=False
            )  # that it is 1 is a violation of the header, told already
        failure = None
        try:
            self._incoming.start_frame(header)
        except ConnectionFailure as error:
            failure = error
            self._lose_window()  # of the message that was open, before another takes its place
        self._follow(header)
        if failure is not None:
            self.give_up()
        return failure

    def _start_message(self, header: Header) -> None:
        if self.message is None and not self.content_known:
            self._renew()
        if self._window_lost and header.rsv1 and self.content_known:
            self.content_known = False
            self._incoming = self._judge_of_order()
        self._text_end = b""

    def _follow(self, header: Header) -> None:
        if header.opcode != CONT:
            self.message = OpenMessage(Opcode(header.opcode), header.rsv1, 1, 0)
        elif self.message is not None:
            self.message = replace(self.message, fragments=self.message.fragments + 1)

    def add(self, piece: bytes, masking_key: bytes) -> Iterator[bytes]:
        """What the next piece of a payload adds to the message: unmasked, inflated and checked as
        an endpoint does it.

        ConnectionFailure at a violation; the caller must then `give_up`.
        """
        file = BytesIO(piece)
        incoming = self._incoming
        incoming.masking_key = masking_key
        while incoming.in_frame and (file.tell() < len(piece) or not incoming.needs_bytes):
            data, _ = incoming.read_chunk(file, PIECE)
            yield data.encode() if isinstance(data, str) else data

    def find_bad_byte(self, plain: bytes) -> int:
        """The index in this piece of the byte that `add` refused: the first that no UTF-8 can have
        there.
        """
        return find_bad_utf8(self._text_end, plain)

    def note_text(self, plain: bytes) -> None:
        """Remember the end of a piece that was not refused, in which a character may have begun."""
        self._text_end = (self._text_end + plain)[1 - LONGEST_CHARACTER :]

    def end_frame(self, header: Header, length: int) -> None:
        """A data frame is whole, with `length` bytes of payload."""
        if self.message is not None:
            self.message = (
                None if header.fin else replace(self.message, length=self.message.length + length)
            )
        if self.message is None and not self.content_known:
            self._incoming.opcode = None

    # After a violation

    def give_up(self) -> None:
        """To the end of the open message only the order of its frames is judged: its content is not
        known any more.
        """
        self._lose_window()
        self.content_known = False
        self._incoming = self._judge_of_order()

    def _lose_window(self) -> None:
        """RFC 7692 §7.2.2: who has not inflated all of a message cannot inflate what looks back at
        it.
        """
        if self.message is not None and self.message.compressed:
            self._window_lost = True

    def _judge_of_order(self) -> IncomingMessage:
        incoming = IncomingMessage()
        incoming.length = 0
        if self.message is not None:
            incoming.opcode, incoming.fragments = self.message.opcode, self.message.fragments
        return incoming

    def _renew(self) -> None:
        """Judge all of the messages that follow, as far as the window for compressed ones is not
        lost.
        """
        self.content_known = True
        if self._window_lost and not self._carries_window:
            self._window_lost = False
            self._inflater = self._new_inflater()
        self._incoming = IncomingMessage(self.max_size, self.max_fragments)
        self._incoming.inflater = self._inflater

    def _new_inflater(self) -> Inflater | None:
        if self.agreed is None:
            return None
        bits = (
            self.agreed.client_max_window_bits
            if self._is_client
            else self.agreed.server_max_window_bits
        )
        return Inflater(bits, not self._carries_window)

    @property
    def _is_client(self) -> bool:
        return self.sender is Side.CLIENT

    @property
    def _carries_window(self) -> bool:
        assert self.agreed is not None
        agreed = self.agreed
        return not (
            agreed.client_no_context_takeover
            if self._is_client
            else agreed.server_no_context_takeover
        )


def find_bad_utf8(before: bytes, piece: bytes) -> int:
    """The index in `piece` of the first byte that no UTF-8 can have there; its last byte if a
    character is cut off.

    `before` is the text before it, or at least its last three bytes, and is known to be right so
    far.
    """
    start = before[len(before) - unfinished(before) :]
    text = start + piece
    try:
        whole = codecs.utf_8_decode(text, "strict", False)[1]
    except UnicodeDecodeError as error:
        return error.end - len(start) - (0 if error.reason == "invalid continuation byte" else 1)
    if is_surrogate_start(text[whole : whole + 2]):
        return whole + 1 - len(start)
    return max(len(piece) - 1, 0)


def unfinished(text: bytes) -> int:
    """How many bytes of a character that is cut off these last bytes of right text end with."""
    characters = text.lstrip(CONTINUATION_BYTES)
    return len(characters) - codecs.utf_8_decode(characters, "ignore", False)[1]
