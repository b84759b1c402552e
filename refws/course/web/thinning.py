"""How much of a flood a page is shown: some frames a second, and of the others their number.

To show a frame takes a page much longer than the server needs to explain it.
"""

from __future__ import annotations

from ...protocol.frame import CLOSE
from ..explain.values import FrameExplanation, Item, Legal

RATE = 100
"""Frames a second that a page is shown while more arrive."""

CREDIT = 500
"""Frames that it is shown at once after a pause."""

AT_ONCE = 25
"""Frames that must be allowed again before one is shown, so that there are few gaps."""


class Allowance:
    """Which frames a page is shown, for all of its connections. Only one thread may use it."""

    __slots__ = {
        "_left": "Frames that may be shown now.",
        "_time": "When that was so, in seconds of the page's clock.",
        "_used_up": "Whether none are shown until there are enough.",
    }

    def __init__(self) -> None:
        self._left = float(CREDIT)
        self._time = 0.0
        self._used_up = False

    def take(self, now: float, renewed: float = 0.0) -> bool:
        """Whether one more frame may be shown. At `renewed` the page has asked for all again."""
        if self._time < renewed:
            self._left = float(CREDIT)
        self._left = min(CREDIT, self._left + RATE * (now - self._time))
        self._time = now
        self._used_up = self._left < (AT_ONCE if self._used_up else 1)
        if self._used_up:
            return False
        self._left -= 1
        return True


def may_be_left_out(item: Item) -> bool:
    """Whether an item says nothing new: a legal frame that ends nothing. All others are shown."""
    return (
        isinstance(item, FrameExplanation)
        and item.verdict == Legal()
        and item.header.opcode != CLOSE
    )
