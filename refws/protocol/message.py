"""RFC 6455 §5.4, §5.6, §8.1, RFC 7692 §6: frames -> message, inflated and checked for UTF-8 as its
bytes arrive.
"""

from __future__ import annotations

from codecs import IncrementalDecoder, getincrementaldecoder
from typing import Any

from .deflate.codec import Inflater
from .errors import InvalidData, MessageTooBig, PolicyViolation, ProtocolError
from .frame import BINARY, CONT, MAX_LENGTH_7, TEXT, BinaryFile, Header, Opcode, read_exactly
from .masking import KEY_LENGTH, mask, unmask_short

MOST_PIECES = 1024
"""Pieces of a message that are kept before they are joined: 64 MiB where the network is fast."""

Utf8Decoder = getincrementaldecoder("utf-8")


class IncomingMessage:
    """The message on its way in, from the header of its first frame to the last byte of its last.

    Between two messages `opcode` is None, between two frames `in_frame` is False. Memory grows with
    the bytes of the message, not with the number of its frames or pieces.
    """

    __slots__ = (
        "max_size",
        "max_fragments",
        "_short_limit",
        "opcode",
        "length",
        "fragments",
        "in_frame",
        "last_frame",
        "payload_length",
        "remaining",
        "masking_key",
        "inflater",
        "_early",
        "_inflating",
        "collected",
        "_decoder",
    )

    def __init__(self, max_size: int | None = None, max_fragments: int | None = None) -> None:
        self.max_size = max_size
        self.max_fragments = max_fragments
        self._short_limit = MAX_LENGTH_7 if max_size is None else min(max_size, MAX_LENGTH_7)
        self.opcode: Opcode | int | None = None
        self.in_frame = False
        self.masking_key = b""
        self._early = b""
        self.inflater: Inflater | None = None
        self._inflating: Inflater | None = None
        self.collected: list[Any] = []
        self._decoder: IncrementalDecoder | None = None

    def read_short(self, file: BinaryFile, header: Header) -> str | bytes | None:
        """The message, where this header and what has come behind it are all of it: short, not
        compressed. Else None.

        Most messages come so, and this way takes half of the time of the general one, which all
        others take: `start_frame`, `read_masking_key`, `read_piece`. Blocks until a part is there;
        those then find it here.
        """
        opcode = header.opcode
        if opcode is not TEXT and opcode is not BINARY or self.opcode is not None:
            return None
        length = header.payload_length
        if length > self._short_limit or not header.fin or header.rsv1:
            return None
        size = KEY_LENGTH + length if header.masked else length
        payload = file.read1(size)
        if len(payload) < size:
            self._early = payload
            return None
        if header.masked:
            payload = unmask_short(payload)
        if opcode is BINARY:
            return payload
        try:
            return payload.decode()
        except UnicodeDecodeError:
            raise not_utf8() from None

    def start_frame(self, header: Header) -> None:
        """Take the header of a data frame: its place in the message, and the limits, before its
        payload is read.

        If it is masked, `read_masking_key` must be next, or `masking_key` be set. ProtocolError for
        a frame out of order (§5.4), MessageTooBig and PolicyViolation above the limits (§10.4).
        """
        if header.opcode == CONT:
            self._continue(header)
        elif self.opcode is None:
            self.opcode = header.opcode
            self.length = header.payload_length
            self.fragments = 1
            if self.inflater is not None:
                self._note_compression(header)
        else:
            raise ProtocolError(
                "§5.4",
                "a new message inside a fragmented one",
                "a continuation or a control frame",
                "opcode",
            )
        self.in_frame = True
        self.last_frame = header.fin
        self.payload_length = self.remaining = header.payload_length
        if self.max_size is not None and self.length > self.max_size:
            raise MessageTooBig(
                "§10.4",
                f"a message of {self.length} bytes or more",
                f"at most {self.max_size}",
                "length",
            )

    def read_masking_key(self, file: BinaryFile) -> None:
        """§5.3: the key stands behind the header. Blocks until it is there; EOFError if the stream
        ends first.
        """
        data = self._early
        if len(data) < KEY_LENGTH:
            data += read_exactly(file, KEY_LENGTH - len(data))
        self.masking_key, self._early = data[:KEY_LENGTH], data[KEY_LENGTH:]

    def _note_compression(self, header: Header) -> None:
        """RFC 7692 §6. What counts of a compressed message is what it inflates to: its frames may
        be a bit longer.
        """
        self._inflating = self.inflater if header.rsv1 else None
        if header.rsv1:
            self.length = 0

    def _continue(self, header: Header) -> None:
        if self.opcode is None:
            raise ProtocolError(
                "§5.4",
                "a continuation frame with no message to continue",
                "a text or binary frame",
                "opcode",
            )
        if header.rsv1:
            raise ProtocolError(
                "RFC 7692 §6.1",
                "RSV1 is 1 in a continuation frame",
                "0 in all frames but the first",
                "RSV1",
            )
        if self._inflating is None:
            self.length += header.payload_length
        self.fragments += 1
        if self.max_fragments is not None and self.fragments > self.max_fragments:
            seen = f"a message of {self.fragments} fragments or more"
            raise PolicyViolation("§10.4", seen, f"at most {self.max_fragments}", "opcode")

    @property
    def needs_bytes(self) -> bool:
        """Whether the next piece can only come from bytes of the payload that are not read yet."""
        pending = self._inflating is not None and self._inflating.pending
        return self.remaining > 0 and not self._early and not pending

    def read_piece(self, file: BinaryFile, size: int) -> tuple[str | bytes, bool]:
        """What is there of the payload, as text or bytes, and whether the message ends with it.

        At most `size` bytes, at least one but of an empty payload; blocks until it is there.
        EOFError if the stream ends first, InvalidData at the first byte that is not UTF-8.
        """
        remaining = self.remaining
        if self._inflating is not None and self._inflating.pending:
            return self._add_inflated(self._inflating.inflate_more(self._allowance), not remaining)
        piece = self._early or file.read1(remaining if remaining < size else size)
        self._early = b""
        if not piece and remaining:
            raise EOFError(f"the stream ended {remaining} bytes before the end of a frame")
        if self.masking_key:
            piece = mask(piece, self.masking_key, self.payload_length - remaining)
        self.remaining = remaining = remaining - len(piece)
        return self.add(piece, not remaining)

    def add(self, piece: bytes, end_of_frame: bool) -> tuple[str | bytes, bool]:
        """The piece as text or bytes, and whether the message ends with it.

        A character cut in two stays here until the rest of it comes. InvalidData at the first byte
        that is not UTF-8.
        """
        if self._inflating is None:
            return self._add_plain(piece, end_of_frame)
        end_of_message = end_of_frame and self.last_frame
        return self._add_inflated(
            self._inflating.inflate(piece, end_of_message, self._allowance), end_of_frame
        )

    @property
    def _allowance(self) -> int | None:
        """The bytes that the message may still inflate to; None for no limit."""
        return None if self.max_size is None else self.max_size - self.length

    def _add_inflated(self, piece: bytes, end_of_frame: bool) -> tuple[str | bytes, bool]:
        self.length += len(piece)
        pending = self._inflating is not None and self._inflating.pending
        return self._add_plain(piece, end_of_frame and not pending)

    def _add_plain(self, piece: bytes, end_of_frame: bool) -> tuple[str | bytes, bool]:
        end = False
        if end_of_frame:
            self.in_frame = False
            end = self.last_frame
        data = self._decode(piece, end) if self.opcode is TEXT else piece
        if end:
            self.opcode = self._decoder = None
        return data, end

    def _decode(self, piece: bytes, end: bool) -> str:
        try:
            if self._decoder is None:
                if end:
                    return piece.decode()
                self._decoder = Utf8Decoder()
            text = self._decoder.decode(piece, end)
            if not is_surrogate_start(self._decoder.getstate()[0]):
                return text
        except UnicodeDecodeError:
            pass
        raise not_utf8()

    def collect(self, data: str | bytes) -> None:
        """Keep a piece of the message until `take_collected`. Very many short ones are joined, as
        each takes memory.
        """
        if len(self.collected) == MOST_PIECES:
            self.collected = [self.take_collected()]
        self.collected.append(data)

    def take_collected(self) -> str | bytes:
        """The pieces kept so far as one; they are then forgotten."""
        pieces, self.collected = self.collected, []
        return "".join(pieces) if isinstance(pieces[0], str) else b"".join(pieces)


def not_utf8() -> InvalidData:
    return InvalidData(
        "§8.1",
        "text that is not UTF-8",
        "UTF-8 without surrogates or overlong forms",
        "payload",
    )


def is_surrogate_start(incomplete: bytes) -> bool:
    """True if only a surrogate can start so. CPython's decoder rejects it a byte later, when its
    third byte comes.
    """
    return len(incomplete) == 2 and incomplete >= b"\xed\xa0" and incomplete < b"\xee"
