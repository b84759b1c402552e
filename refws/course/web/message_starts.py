"""RFC 6455 §5.2, §5.4: where the messages of one side begin, found by their headers alone.

This takes little time and judges nothing. So a wire view that has left out bytes finds the place
where it can go on.
"""

from __future__ import annotations

from ...protocol.frame import FIN, LENGTH, MASK, OPCODE, is_control
from ...protocol.masking import KEY_LENGTH
from ..explain.frames import header_size

END_OF_HEAD = b"\r\n\r\n"


class MessageStarts:
    """Follows the bytes of one side from its handshake on, cut anywhere."""

    __slots__ = {
        "_in_head": "Whether the head of the opening handshake has not ended yet.",
        "_begun": "The bytes of a header, or the last bytes of the head, that have arrived.",
        "_left": "Bytes of the current frame that have not arrived: its key and its payload.",
        "_in_message": "Whether a message has begun and not ended.",
    }

    def __init__(self) -> None:
        self._in_head = True
        self._begun = b""
        self._left = 0
        self._in_message = False

    def find(self, data: bytes) -> int | None:
        """The index in these next bytes of the first frame that is in no message before it."""
        at = self._skip_head(data) if self._in_head else 0
        first = None
        while at < len(data):
            if self._left:
                step = min(self._left, len(data) - at)
                self._left -= step
                at += step
                continue
            if first is None and not self._begun and not self._in_message:
                first = at
            at = self._take_header(data, at)
        return first

    def _skip_head(self, data: bytes) -> int:
        """The index of the first byte after the head."""
        before, self._begun = self._begun, b""
        found = (before + data).find(END_OF_HEAD)
        if found < 0:
            self._begun = (before + data)[1 - len(END_OF_HEAD) :]
            return len(data)
        self._in_head = False
        return found + len(END_OF_HEAD) - len(before)

    def _take_header(self, data: bytes, at: int) -> int:
        """Take what is there of a header; the index of what follows it."""
        begun = self._begun + data[at : at + 10]
        size = header_size(begun)
        if len(begun) < size:
            self._begun = begun
            return len(data)
        at += size - len(self._begun)
        self._begun = b""
        length = int.from_bytes(begun[2:size]) if size > 2 else begun[1] & LENGTH
        self._left = length + (KEY_LENGTH if begun[1] & MASK else 0)
        if not is_control(begun[0] & OPCODE):
            self._in_message = not begun[0] & FIN
        return at
