"""RFC 7692 §7.2.1, §7.2.2: compressed messages of the endpoint under test -> their bytes.

It holds the endpoint to what was agreed: no reference goes back further than the window, and with
no_context_takeover none goes back to an earlier message.
"""

from __future__ import annotations

import zlib

from ..protocol.deflate.codec import FINAL_BLOCK, TAIL
from ..protocol.deflate.negotiation import MAX_WINDOW_BITS
from ..protocol.errors import InvalidData, MessageTooBig

CHUNK = 64 * 1024

MAX_MESSAGE = 2**26
"""Bytes that a message inflates to at most: more than any case sends."""

MAX_EXACT = 2**17
"""With fewer bytes, of payload and of message, each reference is checked exactly; that is slow."""


class StrictInflater:
    """For the messages of one direction, in their order."""

    def __init__(self, window_bits: int, no_context_takeover: bool) -> None:
        self._window_bits = window_bits
        self._no_context_takeover = no_context_takeover
        self._window = b""

    def inflate(self, payload: bytes) -> bytes:
        """The whole message; InvalidData if it cannot be inflated with the agreed window.

        MessageTooBig above `MAX_MESSAGE`. After an exception this must not be used again.
        """
        data, rest = bytearray(), payload + TAIL + FINAL_BLOCK
        try:
            while rest:
                rest = self._inflate_blocks(rest, data)
        except zlib.error:
            raise self._error("what is no DEFLATE, or refers to bytes before the window") from None
        self._window = b"" if self._no_context_takeover else self._last(data)
        return bytes(data)

    def _inflate_blocks(self, rest: bytes, data: bytearray) -> bytes:
        """Add the blocks up to the next one with BFINAL=1 to `data`; return what follows it.

        zlib accepts each reference into what the same call has returned, at any distance: with a
        window that is not the largest, one call returns one byte.
        """
        inflater = zlib.decompressobj(-self._window_bits, zdict=self._last(data))
        while not inflater.eof:
            part = inflater.decompress(rest, 1 if self._is_exact(rest, data) else CHUNK)
            data += part
            if len(data) > MAX_MESSAGE:
                raise MessageTooBig("§10.4", f"{len(data):,} bytes", "no more than was sent")
            rest = inflater.unconsumed_tail
            if not part and not rest and not inflater.eof:
                raise self._error("a payload that breaks off inside a block")
        return inflater.unused_data

    def _is_exact(self, rest: bytes, data: bytearray) -> bool:
        return self._window_bits < MAX_WINDOW_BITS and max(len(rest), len(data)) < MAX_EXACT

    def _last(self, data: bytearray) -> bytes:
        """The window after this part of a message."""
        size = 1 << self._window_bits
        return (self._window + data[-size:])[-size:]

    def _error(self, seen: str) -> InvalidData:
        start = ", empty at the start of each message" if self._no_context_takeover else ""
        expected = f"whole blocks for a window of {1 << self._window_bits:,} bytes{start}"
        return InvalidData("RFC 7692 §7.2.1", seen, expected, "payload")
