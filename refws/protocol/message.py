"""RFC 6455 §5.4, §5.6, §8.1, RFC 7692 §6: frames -> message, inflated and checked as bytes arrive.

`read_whole` takes a message that is one frame of at most MAX_WHOLE bytes, not compressed, and has
arrived in full; that is the usual case. All others take the general way: `start_frame`,
`read_masking_key`, then `read_chunk` until the message ends.
"""

from __future__ import annotations

from codecs import IncrementalDecoder, getincrementaldecoder
from io import BytesIO
from typing import TYPE_CHECKING, Any

from .errors import InvalidData, MessageTooBig, PolicyViolation, ProtocolError
from .frame import BINARY, CONT, TEXT, BinaryFile, Header, Opcode, read_exactly
from .masking import KEY_LENGTH, mask, unmask

if TYPE_CHECKING:
    from .deflate.codec import Inflater

MAX_WHOLE = 4 * 1024
"""Bytes of a payload that may be read at once: the memory for it is taken before it arrives."""

MAX_CHUNKS = 32
"""Chunks of a message that are kept before they are joined: each takes memory of its own."""

Utf8Decoder = getincrementaldecoder("utf-8")


class IncomingMessage:
    """The message that is arriving, from its first frame's header to its last frame's last byte.

    Memory grows with the bytes of the message, not with the number of its frames or chunks. Only
    the thread that receives may use it.
    """

    __slots__ = {
        "max_size": "Bytes of a message, after inflating; None for no limit.",
        "max_fragments": "Frames of a message; None for no limit.",
        "_max_whole": "Bytes of a payload that `read_whole` takes.",
        "opcode": "TEXT or BINARY inside a message, None between two messages.",
        "length": "Bytes of the message to the end of this frame; if compressed, those inflated.",
        "wire_length": "Bytes in its frames so far, counting all of the frame that has begun.",
        "fragments": "Frames of the message so far.",
        "in_frame": "True from a frame's header to the last byte of its payload.",
        "last_frame": "The FIN bit of the current frame.",
        "payload_length": "Bytes in the payload of the frame.",
        "remaining": "Bytes of that payload that are not read yet.",
        "masking_key": "The key of the frame; empty in frames from a server.",
        "inflater": "Set if permessage-deflate is agreed on.",
        "_early": "Bytes after the header that `read_whole` has read and not used.",
        "_inflating": "The inflater, if this message is compressed.",
        "_collects_text": "Whether the newest collected chunk was text: then all of them are.",
        "collected": "Chunks kept for a message received as a whole; None takes no memory.",
        "_decoder": "Holds the first bytes of a character that is cut in two.",
    }

    def __init__(self, max_size: int | None = None, max_fragments: int | None = None) -> None:
        self.max_size = max_size
        self.max_fragments = max_fragments
        self._max_whole = MAX_WHOLE if max_size is None else min(max_size, MAX_WHOLE)
        self.opcode: Opcode | int | None = None
        self.in_frame = False
        self.masking_key = b""
        self._early = b""
        self.inflater: Inflater | None = None
        self._inflating: Inflater | None = None
        self.collected: list[Any] | BytesIO | None = None
        self._collects_text = False
        self._decoder: IncrementalDecoder | None = None

    # FAST: the general way would give the same message, with more steps and more state
    def read_whole(self, file: BinaryFile, header: Header) -> str | bytes | None:
        """The message, if it is one short frame, not compressed, and has arrived in full.

        Otherwise None: for a data frame, call `start_frame` with the same header. Blocks until a
        byte of the payload is there. InvalidData for text that is not UTF-8. No EOFError: the
        general way finds the end of the stream.
        """
        opcode, length = header.opcode, header.payload_length
        if (opcode is not TEXT and opcode is not BINARY) or self.opcode is not None:
            return None
        if length > self._max_whole or not header.fin or header.rsv1:
            return None
        size = KEY_LENGTH + length if header.masked else length
        payload = file.read1(size)
        if len(payload) < size:
            self._early = payload
            return None
        if header.masked:
            payload = unmask(payload)
        if opcode is BINARY:
            return payload
        try:
            return payload.decode()
        except UnicodeDecodeError:
            raise not_utf8() from None

    def start_frame(self, header: Header) -> None:
        """Check where a data frame is in its message, and the limits, before its payload is read.

        If it is masked, call `read_masking_key` next, or set `masking_key`. ProtocolError for a
        frame out of order (§5.4), MessageTooBig and PolicyViolation above the limits (§10.4).
        """
        if header.opcode == CONT:
            self._continue(header)
        elif self.opcode is None:
            self.opcode = header.opcode
            self.length = self.wire_length = header.payload_length
            self.fragments = 1
            if self.inflater is not None:
                self._note_compression(header)
        else:
            seen = "a new message inside a fragmented one"
            raise ProtocolError("§5.4", seen, "a continuation or a control frame", "opcode")
        self.in_frame = True
        self.last_frame = header.fin
        self.payload_length = self.remaining = header.payload_length
        if self.max_size is not None and self.length > self.max_size:
            seen = f"a message of {self.length} bytes or more"
            raise MessageTooBig("§10.4", seen, f"at most {self.max_size}", "length")
        if self._inflating is not None and self.max_size is not None:
            self._check_wire_length(self.max_size)

    def _check_wire_length(self, max_size: int) -> None:
        """§10.4: a compressed message of the allowed size cannot need more bytes than this.

        DEFLATE makes data a little longer at worst; but it has blocks that inflate to nothing, and
        a message of these would never reach `max_size`.
        """
        limit = 2 * max_size + 1024 + 16 * self.fragments
        if self.wire_length > limit:
            seen = f"a compressed message of {self.wire_length} bytes or more in its frames"
            raise MessageTooBig("§10.4", seen, f"at most {limit}", "length")

    def _note_compression(self, header: Header) -> None:
        """RFC 7692 §6: RSV1 of the first frame says whether the message is compressed.

        `max_size` limits the inflated bytes of a compressed message, not the bytes of its frames.
        """
        self._inflating = self.inflater if header.rsv1 else None
        if header.rsv1:
            self.length = 0

    def _continue(self, header: Header) -> None:
        if self.opcode is None:
            seen = "a continuation frame with no message to continue"
            raise ProtocolError("§5.4", seen, "a text or binary frame", "opcode")
        if header.rsv1:
            seen = "RSV1 is 1 in a continuation frame"
            raise ProtocolError("RFC 7692 §6.1", seen, "0 in all frames but the first", "RSV1")
        if self._inflating is None:
            self.length += header.payload_length
        self.wire_length += header.payload_length
        self.fragments += 1
        if self.max_fragments is not None and self.fragments > self.max_fragments:
            seen = f"a message of {self.fragments} fragments or more"
            raise PolicyViolation("§10.4", seen, f"at most {self.max_fragments}", "opcode")

    def read_masking_key(self, file: BinaryFile) -> None:
        """§5.3: the key after the header. Blocks until it is there; EOFError if the stream ends."""
        data = self._early
        if len(data) < KEY_LENGTH:
            data += read_exactly(file, KEY_LENGTH - len(data))
        self.masking_key, self._early = data[:KEY_LENGTH], data[KEY_LENGTH:]

    def read_chunk(self, file: BinaryFile, size: int) -> tuple[str | bytes, bool]:
        """The next bytes of the payload, as text or bytes, and whether the message ends with them.

        Reads at most `size` bytes; blocks until the first one is there, unless the payload is at
        its end. EOFError if the stream ends first, InvalidData at the first byte not in UTF-8.
        """
        remaining = self.remaining
        if self._inflating is not None and self._inflating.pending:
            return self._add_inflated(self._inflating.inflate_more(self._allowance), not remaining)
        chunk = self._early or file.read1(min(size, remaining))
        self._early = b""
        if not chunk and remaining:
            raise EOFError(f"the stream ended {remaining} bytes before the end of a frame")
        if self.masking_key:
            chunk = mask(chunk, self.masking_key, self.payload_length - remaining)
        self.remaining = remaining = remaining - len(chunk)
        return self.add(chunk, not remaining)

    def add(self, chunk: bytes, end_of_frame: bool) -> tuple[str | bytes, bool]:
        """The unmasked chunk as text or bytes, and whether the message ends with it.

        The first bytes of a character that is cut in two are kept until the others arrive.
        InvalidData at the first byte that is not UTF-8.
        """
        if self._inflating is None:
            return self._add_plain(chunk, end_of_frame)
        end_of_message = end_of_frame and self.last_frame
        inflated = self._inflating.inflate(chunk, end_of_message, self._allowance)
        return self._add_inflated(inflated, end_of_frame)

    @property
    def _allowance(self) -> int | None:
        """The bytes that the message may still inflate to; None for no limit."""
        return None if self.max_size is None else self.max_size - self.length

    def _add_inflated(self, chunk: bytes, end_of_frame: bool) -> tuple[str | bytes, bool]:
        self.length += len(chunk)
        pending = self._inflating is not None and self._inflating.pending
        return self._add_plain(chunk, end_of_frame and not pending)

    def _add_plain(self, chunk: bytes, end_of_frame: bool) -> tuple[str | bytes, bool]:
        end = False
        if end_of_frame:
            self.in_frame = False
            end = self.last_frame
        data = self._decode(chunk, end) if self.opcode is TEXT else chunk
        if end:
            self.opcode = self._decoder = None
        return data, end

    def _decode(self, chunk: bytes, end: bool) -> str:
        try:
            if self._decoder is None:
                if end:
                    return chunk.decode()
                self._decoder = Utf8Decoder()
            text = self._decoder.decode(chunk, end)
            if not is_surrogate_start(self._decoder.getstate()[0]):
                return text
        except UnicodeDecodeError:
            pass
        raise not_utf8()

    def collect(self, data: str | bytes) -> None:
        """Keep a chunk of the message until `take_collected`.

        A few chunks of bytes or ASCII are kept as they are, and joined once. Otherwise text is kept
        as UTF-8 in a BytesIO: in a str of CPython one character above U+FFFF makes every character
        take four bytes, but `max_size` is to bound the memory of a message. A BytesIO grows in
        place, and by an eighth more than it needs at most.
        """
        if self.collected is None:
            self.collected = []
        if isinstance(self.collected, list):
            is_small = isinstance(data, bytes) or data.isascii()
            if is_small and len(self.collected) < MAX_CHUNKS:
                self.collected.append(data)
                return
            self.collected = in_one(self.collected)
        self._collects_text = isinstance(data, str)
        self.collected.write(data.encode() if isinstance(data, str) else data)

    def take_collected(self) -> str | bytes:
        """The chunks kept so far, joined; afterwards none is kept."""
        collected, self.collected = self.collected, None
        assert collected is not None
        if isinstance(collected, list):
            return ("" if isinstance(collected[0], str) else b"").join(collected)
        data = collected.getvalue()
        return data.decode() if self._collects_text else data


def in_one(chunks: list[Any]) -> BytesIO:
    """These chunks, which are released one by one."""
    collected = BytesIO()
    for number, chunk in enumerate(chunks):
        collected.write(chunk.encode() if isinstance(chunk, str) else chunk)
        chunks[number] = chunk = None
    return collected


def not_utf8() -> InvalidData:
    expected = "UTF-8 without surrogates or overlong forms"
    return InvalidData("§8.1", "text that is not UTF-8", expected, "payload")


def is_surrogate_start(incomplete: bytes) -> bool:
    """True if only a surrogate can start with these bytes.

    CPython's decoder refuses a surrogate only at its third byte; the second one is already wrong.
    §8.1 only says that such text fails the connection, not at which byte. At the first one, the
    rest need not be read; and the Autobahn test suite calls only that strict.
    """
    return len(incomplete) == 2 and incomplete >= b"\xed\xa0" and incomplete < b"\xee"
