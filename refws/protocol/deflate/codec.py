"""RFC 7692 §7.2: message -> compressed payload and back, one object for each direction of a
connection.

TODO
"""

from __future__ import annotations

import zlib
from typing import Any

from ..errors import InvalidData, MessageTooBig
from .negotiation import MAX_WINDOW_BITS, DeflateSettings, Parameters

ZLIB_MIN_DEFLATE_BITS = 9
"""zlib does not deflate with 8 bits. With 9 it looks back 250 bytes at most, so it does keep to a
window of 256.
"""


TAIL = b"\x00\x00\xff\xff"
"""The end of an empty block without compression: cut off by the sender, put back by the receiver
(§7.2.1, §7.2.2).
"""


FINAL_BLOCK = b"\x03\x00"
"""An empty block with BFINAL=1, in no message: zlib reports the end of the data only if every block
was whole.
"""


MAX_PIECE = 64 * 1024
"""An `Inflater` returns no more bytes than this at once."""


def server_pair(parameters: Parameters, settings: DeflateSettings) -> tuple[Deflater, Inflater]:
    """What a server sends and receives with."""
    return (
        Deflater(
            parameters.server_max_window_bits, parameters.server_no_context_takeover, settings
        ),
        Inflater(parameters.client_max_window_bits, parameters.client_no_context_takeover),
    )


def client_pair(parameters: Parameters, settings: DeflateSettings) -> tuple[Deflater, Inflater]:
    """What a client sends and receives with. The hints of its offer hold, whatever the answer
    (§7.1.1.2, §7.1.2.2).
    """
    window_bits = min(
        parameters.client_max_window_bits, settings.client_max_window_bits or MAX_WINDOW_BITS
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

    What has gone in must be sent, in that order: the receiver's window follows this one. Plain
    messages in between do not matter (§7.2.3.2).
    """

    __slots__ = ("_window_bits", "_no_context_takeover", "_settings", "_deflater")

    def __init__(
        self, window_bits: int, no_context_takeover: bool, settings: DeflateSettings
    ) -> None:
        self._window_bits = max(window_bits, ZLIB_MIN_DEFLATE_BITS)
        self._no_context_takeover = no_context_takeover
        self._settings = settings
        self._deflater: zlib._Compress | None = None

    def deflate(self, data: bytes, end: bool = True) -> bytes:
        """The payload of a frame: for a whole message, or for a fragment of one, the last if `end`.

        The receiver can inflate each fragment as it comes. Never empty: a message or last fragment
        of no bytes is 00.
        """
        if self._deflater is None:
            self._deflater = self._start()
        payload = self._deflater.compress(data) + self._deflater.flush(
            zlib.Z_SYNC_FLUSH
        )  # items 1 and 2
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

    Each message gets an inflater of its own, that starts with the window left by the one before; so
    does what follows a block with BFINAL=1 (§7.2.3.4). After an exception there is no going on.

        message = inflater.inflate(payload, end_of_message, limit)
        while inflater.pending:
            message += inflater.inflate_more(limit - len(message))
    """

    __slots__ = (
        "pending",
        "_window_bits",
        "_no_context_takeover",
        "_window",
        "_inflater",
        "_input",
        "_end",
    )

    def __init__(self, window_bits: int, no_context_takeover: bool) -> None:
        self.pending = False
        self._window_bits = window_bits
        self._no_context_takeover = no_context_takeover
        self._window = bytearray()
        self._inflater: Any = None  # a zlib._Decompress inside a message
        self._input = b""
        self._end = False

    def inflate(self, piece: bytes, end_of_message: bool, limit: int | None = None) -> bytes:
        """The first bytes that the next piece of a payload inflates to, at most `MAX_PIECE`;
        perhaps none yet.

        If then `pending`, more of them wait, for `inflate_more`: a caller that takes them piece by
        piece checks UTF-8 and limits on the way, and can stop between any two. `limit` is what the
        message may still add, in bytes: MessageTooBig as soon as there is one more; None is no
        limit. InvalidData for a payload that is not DEFLATE, or breaks off inside a block.
        """
        if self._inflater is None:
            if not piece:
                # a message without any payload is not what §7.2.1 makes, and can only mean an empty
                # one
                return b""
            self._inflater = self._start()
        self._input += piece + TAIL + FINAL_BLOCK if end_of_message else piece  # §7.2.2 item 1
        self._end = end_of_message
        return self.inflate_more(limit)

    def inflate_more(self, limit: int | None = None) -> bytes:
        """The next bytes, while `pending`; perhaps none. `limit` and the errors are those of
        `inflate`.
        """
        size = MAX_PIECE if limit is None else min(MAX_PIECE, limit + 1)
        data = self._inflate(size)
        if limit is not None and len(data) > limit:
            seen = "a compressed message that inflates to more than is allowed"
            raise MessageTooBig("§10.4", seen, "a smaller one, or a higher max_size", "payload")
        return data

    def _inflate(self, size: int) -> bytes:
        try:
            data: bytes = self._inflater.decompress(self._input, size)  # §7.2.2 item 2
        except zlib.error:
            raise InvalidData(
                "RFC 7692 §7.2.2",
                "a payload that is not DEFLATE data",
                "blocks of RFC 1951",
                "payload",
            ) from None
        self._remember(data)
        self._input = self._inflater.unconsumed_tail
        if self._inflater.eof:
            self._follow_final_block()
        else:
            self.pending = len(data) == size or bool(self._input)
            if self._end and not self.pending:
                raise InvalidData(
                    "RFC 7692 §7.2.2",
                    "a payload that breaks off inside a block",
                    "whole DEFLATE blocks",
                    "payload",
                )
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
