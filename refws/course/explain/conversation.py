"""RFC 6455 §5, RFC 7692 §7.2: the bytes of both sides, cut anywhere -> what they mean."""

from __future__ import annotations

from ...protocol.deflate.negotiation import Parameters
from ...protocol.frame import Side
from ...protocol.heads import HeadLimits
from ...protocol.http import Request
from .direction import NO_WEBSOCKET, Common, Direction
from .messages import Messages
from .values import SHOWN, HeadExplanation, Item

LARGE_HEADS = HeadLimits(max_line_size=2**16, max_header_lines=256, max_head_size=2**17)
"""What a receiver whose limits are not known might accept; memory needs a bound."""


class Conversation:
    """Both directions of one connection: feed it the bytes of each side, cut anywhere.

    With `deflate` messages may be compressed with these parameters (RFC 7692); a 101 that agrees on
    compression sets them, too. `at_handshake` says whether each side begins with the head of its
    opening handshake; with None the first byte decides. `max_size` and `max_fragments` are the
    limits of the receiver, None for no limit; `head_limits` are its limits of a head. `shown` is
    how many bytes of a payload are kept. `both_sides` says that a side that is not fed has sent
    nothing; otherwise it may be unknown.

    With `keep_going` the frames after a violation are explained, too, as long as it is known where
    they begin: the rest of the same message is not judged, the next message is. Without it a
    violation is reported as soon as a receiver would find it, and later bytes are only counted.

    Memory is bounded for any bytes, and nothing blocks. Only one thread at a time may use it.
    """

    def __init__(
        self,
        *,
        deflate: Parameters | None = None,
        at_handshake: bool | None = None,
        keep_going: bool = True,
        max_size: int | None = None,
        max_fragments: int | None = None,
        head_limits: HeadLimits = LARGE_HEADS,
        shown: int = SHOWN,
        both_sides: bool = False,
    ) -> None:
        self._common = Common(keep_going, shown, self._note_head, deflate, head_limits)
        self._common.heard.update(Side if both_sides else ())
        self._directions = {
            side: Direction(
                side, self._common, at_handshake, Messages(side, max_size, max_fragments)
            )
            for side in Side
        }

    def feed(self, sender: Side, data: bytes) -> list[Item]:
        """The items that these next bytes of `sender` complete, in order; [] if there are none."""
        return self._directions[sender].feed(data)

    def skip(self, sender: Side, size: int) -> bool:
        """Go on after `size` bytes of `sender` that are missing, with the start of a message.

        What had begun before them is dropped. A compressed message after them is not inflated if it
        may refer to what is missing (RFC 7692 §7.2.3.2). False, and nothing is changed, if the
        opening handshake is not complete: it says what the bytes after it mean.
        """
        if self.at_handshake:
            return False
        self._directions[sender].skip(size)
        return True

    def lose(self, sender: Side, size: int) -> list[Item]:
        """The items that end because the next `size` bytes of `sender` are not known.

        What follows is only read if it is certain where the next frame begins.
        """
        return self._directions[sender].lose(size)

    @property
    def at_handshake(self) -> bool:
        """Whether a head of the opening handshake is not complete yet."""
        return any(direction.at_handshake for direction in self._directions.values())

    def pending(self) -> list[Item]:
        """Heads and frames that are not complete yet, as cut off, and bytes that are not read."""
        return [item for direction in self._directions.values() for item in direction.pending()]

    def finish(self) -> list[Item]:
        """Heads and frames that are cut off, and bytes not read, once both sides have ended."""
        return [item for direction in self._directions.values() for item in direction.finish()]

    def _note_head(self, head: HeadExplanation, request: Request | None) -> None:
        """The response decides for both directions: a 101 opens them, any other ends them."""
        if head.sender is Side.CLIENT:
            self._common.request = request
        elif not head.opens:
            self._directions[Side.CLIENT].stop(NO_WEBSOCKET)
        elif head.deflate is not None:
            self._common.deflate = head.deflate
            for direction in self._directions.values():
                direction.messages.use_deflate(head.deflate)
