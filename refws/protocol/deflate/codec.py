"""RFC 7692 §7.2: message -> compressed payload and back, one object for each direction.

    "Hello" -> f2 48 cd c9 c9 07 00 [00 00 ff ff]     DEFLATE blocks of RFC 1951, without a wrapper
    "Hello" -> f2 00 11 00 00 [00 00 ff ff]           again: it refers to the window before it

The four bytes in brackets end every flush of a compressor. A sender cuts them off, a receiver puts
them back. `server_pair` and `client_pair` make the two objects from the agreed parameters.

The memory of each connection, which is the reason for the limits of DeflateSettings (an inflater
has the bits that were agreed on, up to 15 where the sender has not granted a smaller window):

    Deflater                          2 ** (bits + 2) + 2 ** (mem_level + 9) bytes and a few KiB,
                                      with at least 9 bits; from its first message on
    Inflater, between messages        its window of 2 ** bits bytes, and up to a quarter more
    Inflater, in a message            at most 2.25 windows and 8 KiB, because zlib keeps its own
    either, after each message        less than 1 KiB without context takeover

What an `Inflater` returns takes memory in addition: at most 32 KiB at once, for any payload.
"""

from __future__ import annotations

import zlib
from typing import Any

from ..errors import InvalidData, MessageTooBig
from .negotiation import DeflateSettings, Parameters, window_limit

ZLIB_MIN_DEFLATE_BITS = 9
"""zlib cannot deflate with 8 bits. With 9 it looks back less than 256 bytes, which fits 8 bits."""

TAIL = b"\x00\x00\xff\xff"
"""The end of an empty stored block: the sender cuts it off, the receiver puts it back (§7.2.1)."""

FINAL_BLOCK = b"\x03\x00"
"""An empty block with BFINAL=1, added to the end of each received message.

zlib then reports the end of the data, but only if every block before was whole.
"""

MAX_CHUNK = 32 * 1024
"""The most bytes that an `Inflater` returns at once, for any payload, so that memory is bounded.

As text they may take four times as much, for a few bytes on the wire. Smaller ones are slower.
"""


SECTION = "RFC 7692 §7.2.2"


def server_pair(parameters: Parameters, settings: DeflateSettings) -> tuple[Deflater, Inflater]:
    """The server's codecs for the agreed parameters, to send with and to receive with.

    It keeps to its own limit where the agreed one is larger, because the offer did not name it.
    """
    window_bits = min(
        parameters.server_max_window_bits, window_limit(settings.server_max_window_bits)
    )
    return (
        Deflater(window_bits, parameters.server_no_context_takeover, settings),
        Inflater(parameters.client_max_window_bits, parameters.client_no_context_takeover),
    )


def client_pair(parameters: Parameters, settings: DeflateSettings) -> tuple[Deflater, Inflater]:
    """The client's codecs for the agreed parameters, to send with and to receive with.

    In its own direction a client keeps what it has offered, even if the answer does not repeat it
    (§7.1.1.2, §7.1.2.2). In the server's it is ready for what the answer allows, even if its offer
    had wished for less.
    """
    window_bits = min(
        parameters.client_max_window_bits, window_limit(settings.client_max_window_bits)
    )
    no_context_takeover = (
        parameters.client_no_context_takeover or settings.client_no_context_takeover
    )
    return (
        Deflater(window_bits, no_context_takeover, settings),
        Inflater(parameters.server_max_window_bits, parameters.server_no_context_takeover),
    )


class Deflater:
    """§7.2.1: the messages of one direction -> the payloads of their frames.

    Every payload must be sent, in the order in which it was made, because the receiver's window
    follows this one. Messages without compression in between do not matter (§7.2.3.2).
    """

    __slots__ = ("_deflater", "_no_context_takeover", "_settings", "_window_bits")

    def __init__(
        self, window_bits: int, no_context_takeover: bool, settings: DeflateSettings
    ) -> None:
        self._window_bits = max(window_bits, ZLIB_MIN_DEFLATE_BITS)
        self._no_context_takeover = no_context_takeover
        self._settings = settings
        self._deflater: zlib._Compress | None = None

    def deflate(self, data: bytes, end: bool = True) -> bytes:
        """The payload of a frame: of a whole message, or of a fragment, the last one if `end`.

        The receiver can inflate each fragment when it arrives. The payload is never empty: for no
        bytes it is 00 (§7.2.3.6).
        """
        if self._deflater is None:
            self._deflater = self._start()
        payload = self._deflater.compress(data)  # item 1
        payload += self._deflater.flush(zlib.Z_SYNC_FLUSH)  # item 2
        if not end:
            return payload
        if self._no_context_takeover:
            self._deflater = None
        return payload[: -len(TAIL)]  # item 3

    def _start(self) -> zlib._Compress:
        return zlib.compressobj(
            self._settings.level, zlib.DEFLATED, -self._window_bits, self._settings.mem_level
        )


class Inflater:
    """§7.2.2: the payloads of one direction, as they arrive -> the bytes of the messages.

    Each message gets its own inflater of zlib, which starts with the window that the message before
    has left; so do the blocks after one with BFINAL=1 (§7.2.3.4). Between messages only the window
    is kept. After an exception an `Inflater` must not be used again.

        message = inflater.inflate(payload, end_of_message, limit)
        while inflater.pending:
            message += inflater.inflate_more(limit - len(message))
    """

    __slots__ = {
        "pending": "whether `inflate_more` has more, before the next payload",
        "_window_bits": "agreed for this direction",
        "_no_context_takeover": "agreed for this direction: each message begins with no window",
        "_window": "the last bytes of what was inflated, at most a window of them",
        "_inflater": "a zlib._Decompress inside a message, else None",
        "_input": "payload that was given but not yet inflated",
        "_end": "whether `_input` reaches to the end of the message",
    }

    def __init__(self, window_bits: int, no_context_takeover: bool) -> None:
        self.pending = False
        self._window_bits = window_bits
        self._no_context_takeover = no_context_takeover
        self._window = bytearray()
        self._inflater: Any = None
        self._input = b""
        self._end = False

    def inflate(self, chunk: bytes, end_of_message: bool, limit: int | None = None) -> bytes:
        """The first bytes that the next chunk of payload inflates to, at most `MAX_CHUNK`, or none.

        If `pending` is true afterwards, `inflate_more` has more: so a caller can check UTF-8 and
        limits after each part, and stop there. `limit` is how many more bytes the message may
        inflate to, None for no limit; MessageTooBig if there are more. InvalidData for a payload
        that is not DEFLATE, or ends inside a block.
        """
        if self._inflater is None:
            if not chunk:
                # A sender of §7.2.1 never makes an empty payload; it can only mean no data.
                return b""
            self._inflater = self._start()
        self._input += chunk + TAIL + FINAL_BLOCK if end_of_message else chunk  # §7.2.2 item 1
        self._end = end_of_message
        return self.inflate_more(limit)

    def inflate_more(self, limit: int | None = None) -> bytes:
        """The next bytes, perhaps none. Call it while `pending`. Limit, errors as in `inflate`."""
        size = MAX_CHUNK if limit is None else min(MAX_CHUNK, limit + 1)
        data = self._inflate(size)
        if limit is not None and len(data) > limit:
            seen = "a compressed message that inflates to more than is allowed"
            raise MessageTooBig("§10.4", seen, "a smaller one, or a higher max_size", "payload")
        return data

    def _inflate(self, size: int) -> bytes:
        try:
            data: bytes = self._inflater.decompress(self._input, size)  # §7.2.2 item 2
        except zlib.error:
            seen = "a payload that is not DEFLATE data"
            raise InvalidData(SECTION, seen, "blocks of RFC 1951", "payload") from None
        self._remember(data)
        self._input = self._inflater.unconsumed_tail
        if self._inflater.eof:
            self._follow_final_block()
        else:
            self.pending = len(data) == size or bool(self._input)
            if self._end and not self.pending:
                seen = "a payload that breaks off inside a block"
                raise InvalidData(SECTION, seen, "whole DEFLATE blocks", "payload")
        return data

    def _follow_final_block(self) -> None:
        self._input = self._inflater.unused_data
        self.pending = bool(self._input)
        if self.pending or not self._end:
            self._inflater = self._start()
            return
        self._inflater = None
        if self._no_context_takeover:
            self._window = bytearray()

    def _start(self) -> zlib._Decompress:
        return zlib.decompressobj(-self._window_bits, zdict=self._window)

    def _remember(self, data: bytes) -> None:
        window_size = 1 << self._window_bits
        last = data[-window_size:]
        del self._window[: max(0, len(self._window) + len(last) - window_size)]
        self._window += last
