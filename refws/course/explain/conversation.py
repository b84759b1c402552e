"""RFC 6455 §5, RFC 7692 §7.2: the bytes of both sides, cut anywhere -> what they mean."""

from __future__ import annotations

from ...protocol.deflate.negotiation import Parameters
from ...protocol.frame import Side
from ...protocol.http import Request
from .direction import NO_WEBSOCKET, Common, Direction
from .messages import Messages
from .values import SHOWN, HeadExplanation, Item


class Conversation:
    """Both directions of one connection: feed it what either side sent, in any cut.

    With `deflate` messages may be compressed as these parameters say (RFC 7692); a 101 that agrees
    on it sets it too. `at_handshake` says whether each side begins with the head of its opening
    handshake; with None its first byte decides. `max_size` and `max_fragments` are the limits of
    the receiver, None for no limit. `shown` is how many bytes of a payload are kept.

    With `keep_going` the frames after a violation are explained too, as long as it is known where
    they begin: the rest of the same message unjudged, the next message anew. Without it a violation
    is reported as soon as a receiver knows of it, and the bytes that follow are counted only.

    Memory is bounded, whatever the bytes are; nothing blocks. Not for two threads at once.
    """

    def __init__(
        self,
        *,
        deflate: Parameters | None = None,
        at_handshake: bool | None = None,
        keep_going: bool = True,
        max_size: int | None = None,
        max_fragments: int | None = None,
        shown: int = SHOWN,
    ) -> None:
        self._common = Common(keep_going, shown, self._note_head, deflate)
        self._directions = {
            side: Direction(
                side, self._common, at_handshake, Messages(side, max_size, max_fragments)
            )
            for side in Side
        }

    def feed(self, sender: Side, data: bytes) -> list[Item]:
        """What these next bytes of `sender` complete, in order; [] if nothing yet."""
        return self._directions[sender].feed(data)

    def pending(self) -> list[Item]:
        """Heads and frames that are not complete, as cut off, and bytes not read; all may go on."""
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
