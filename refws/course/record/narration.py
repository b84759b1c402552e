"""RFC 6455 §5: the bytes of one connection -> a short line, or a block, for each head and frame."""

from __future__ import annotations

from collections.abc import Iterable

from ...protocol.deflate.negotiation import Parameters
from ...protocol.frame import Side
from ..explain.conversation import Conversation
from ..explain.values import CutOff, Illegal, Item, NotRead
from ..text.characters import count
from ..text.drawing import draw, draw_line
from ..text.style import PLAIN, SHORT_ARROWS, Style


class Narration:
    """One connection as text: a line or block for each item, with `name` and the time in ms.

    `at_handshake` and `keep_going` are passed to `Conversation`: True if the first bytes begin the
    connection, and True to explain what follows a violation, too. `midway` is passed to
    `conversation_of`.
    Only one thread at a time may use it.
    """

    def __init__(
        self,
        name: str = "",
        full: bool = False,
        style: Style = PLAIN,
        at_handshake: bool | None = True,
        keep_going: bool = False,
        midway: bool = False,
    ) -> None:
        self.broken = False
        """Whether a rule was broken, a frame or head cut off, or bytes missing."""
        self._name = name
        self._full = full
        self._style = style
        self._conversation = conversation_of(at_handshake, keep_going, midway)
        self._ended: set[Side] = set()

    @property
    def over(self) -> bool:
        """Whether both directions have ended."""
        return len(self._ended) == len(Side)

    def feed(self, seconds: float, sender: Side, data: bytes) -> list[str]:
        """The texts of the items that these bytes complete. No bytes end that direction.

        `seconds` count from the start of the connection. Bytes after the end of a direction were
        not sent, and have no text.
        """
        if sender in self._ended:
            return []
        if data:
            return self._texts(seconds, self._conversation.feed(sender, data))
        self._ended.add(sender)
        end = self._line(seconds, f"{SHORT_ARROWS[sender]} end of the stream")
        return [*self.finish(seconds), end] if self.over else [end]

    def lose(self, seconds: float, sender: Side, size: int) -> list[str]:
        """The texts, if the next `size` bytes are not known."""
        self.broken = True
        gap = self._line(seconds, f"{SHORT_ARROWS[sender]} {count(size)} missing")
        return [*self._texts(seconds, self._conversation.lose(sender, size)), gap]

    def skip(self, seconds: float, sender: Side, size: int) -> list[str]:
        """A line for `size` missing bytes, after which the next ones begin a message.

        [] if nothing can be explained after them (`Conversation.skip`).
        """
        if not self._conversation.skip(sender, size):
            return []
        return [self._line(seconds, f"{SHORT_ARROWS[sender]} {count(size)} left out")]

    def finish(self, seconds: float) -> list[str]:
        """The texts of items that are cut off or not read, once both directions have ended."""
        return self._texts(seconds, self._conversation.finish())

    def _texts(self, seconds: float, items: Iterable[Item]) -> list[str]:
        return [self._text(seconds, item) for item in items]

    def _text(self, seconds: float, item: Item) -> str:
        self.broken |= not isinstance(item, NotRead) and isinstance(item.verdict, Illegal | CutOff)
        if self._full:
            return f"{self._line(seconds, '').rstrip()}\n{draw(item, self._style)}\n"
        return draw_line(item, self._style, self._line(seconds, ""))

    def _line(self, seconds: float, text: str) -> str:
        return timed_line(self._name, seconds, text)


def timed_line(name: str, seconds: float, text: str) -> str:
    """The text after the name of its connection, which may be empty, and the time in ms."""
    return f"{name}{' ' if name else ''}{seconds * 1000:9.1f} ms  {text}"


def conversation_of(at_handshake: bool | None, keep_going: bool, midway: bool) -> Conversation:
    """A conversation of two known sides; `midway` says that their earlier bytes are not known.

    Then messages may be compressed, and may refer to earlier ones: RSV1 is no violation, and they
    are not inflated. If the handshake is there nevertheless, it decides.
    """
    agreed = Parameters() if midway else None
    conversation = Conversation(
        at_handshake=at_handshake, keep_going=keep_going, deflate=agreed, both_sides=not midway
    )
    if midway:
        for side in Side:
            conversation.skip(side, 0)
    return conversation
