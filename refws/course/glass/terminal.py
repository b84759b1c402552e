"""RFC 6455 §5, §7: copies -> lines for a terminal: what passes, and the verdict at the end."""

from __future__ import annotations

from collections.abc import Callable, Iterator
from time import monotonic

from ...endpoint.log import format_address
from ...protocol.frame import Side
from ..explain.conversation import Conversation
from ..explain.values import Illegal, NotRead
from ..record.narration import Narration, timed_line
from ..text.characters import escape_words, fold
from ..text.drawing import draw_line
from ..text.style import INDENT, PLAIN, RED, SHORT_ARROWS, YELLOW, Style, labelled
from .copies import Copy, Ended, How, Judged, Opened, Over, Passed
from .looking import LookerOn
from .story import Story

STEP = 8 * 1024
"""Bytes that are explained at once: between two steps a thread keeps to the budget."""

MAX_AGE = 5.0
"""Seconds after which bytes are not explained: more passes than can be explained."""

MAX_BROKEN = 20
"""Frames that break a rule, of one connection, that are shown without a trace."""

COLORS = {"broken first": RED, "hint": YELLOW}
"""The labels of a verdict that have a colour on a terminal."""


class Terminal(LookerOn):
    """Shows the verdict of each connection at its end; with `trace` each head and frame, too."""

    def __init__(
        self,
        show: Callable[[str], None],
        trace: str | None = None,
        style: Style = PLAIN,
        publish: Callable[[Judged], None] = lambda judged: None,
    ) -> None:
        super().__init__("terminal")
        self._show = show
        self._trace = trace
        self._style = style
        self._publish = publish
        self._shown: dict[int, ShownConnection] = {}

    def look(self, copy: Copy) -> Iterator[None]:
        if isinstance(copy, Opened):
            self._shown[copy.connection] = self._open(copy)
        elif not isinstance(copy, Judged):
            yield from self._look(copy, self._shown[copy.connection])

    def _look(self, copy: Passed | Ended | Over, connection: ShownConnection) -> Iterator[None]:
        if isinstance(copy, Passed):
            for change in copy.changes:
                words = escape_words(str(change))
                self._say(f"{connection.name} watch has changed one line of the request: {words}")
            texts, data = connection.explainable(copy, is_too_old(copy))
            self._show_all(texts)
            for start in range(0, len(data), STEP):
                if is_too_old(copy):
                    connection.leave_out(copy.sender, len(data) - start)
                    break
                self._show_all(connection.feed(copy, data[start : start + STEP]))
                yield
            self._show_all(connection.broken_already(copy))
        elif isinstance(copy, Ended):
            self._show_all(connection.end(copy))
        else:
            self._close(copy, connection)

    def _open(self, copy: Opened) -> ShownConnection:
        connection = ShownConnection(copy, self._trace, self._style)
        client = format_address(copy.client)
        if copy.server is None:
            self._say(f"{connection.name} {client} was not passed on: {escape_words(copy.why)}")
        else:
            self._say(f"{connection.name} {client} -> {format_address(copy.server)}")
        return connection

    def _close(self, copy: Over, connection: ShownConnection) -> None:
        del self._shown[copy.connection]
        self._show_all(connection.finish(copy))
        if not connection.reached:
            return
        lines = tuple(connection.story.lines(copy.stopped))
        self._publish(Judged(copy.time, copy.connection, lines))
        self._show(f"{connection.name} is over after {copy.time - connection.began:.3f} s")
        for label, text in lines:
            color = COLORS.get(label, "")
            for line in labelled(label, escape_words(text), self._style.width):
                self._show(self._style.paint(line, color))

    def _say(self, text: str) -> None:
        """Show a sentence; if the terminal is narrower, it goes on in the next lines."""
        self._show(folded(text, self._style))

    def _show_all(self, texts: list[str]) -> None:
        for text in texts:
            self._show(text)


def folded(text: str, style: Style) -> str:
    return "\n".join(fold(text, style.columns, INDENT))


def is_too_old(copy: Passed) -> bool:
    return monotonic() - copy.time > MAX_AGE


class ShownConnection:
    """One connection for the terminal: its story, and its lines if they are wanted.

    Where bytes are missing, it goes on with the next message after them.
    """

    def __init__(self, opened: Opened, trace: str | None, style: Style) -> None:
        self.name = f"#{opened.connection}"
        self.began = opened.time
        self.reached = opened.server is not None
        self.story = Story(opened.time)
        self._style = style
        self._broken = 0
        self._missing = dict.fromkeys(Side, 0)
        self._conversation = Conversation(at_handshake=True)
        self._narration = (
            Narration(self.name, trace == "full", style, keep_going=True) if trace else None
        )

    def explainable(self, copy: Passed, too_old: bool) -> tuple[list[str], bytes]:
        """The part of these bytes that can be explained; texts for what is missing before it."""
        self.leave_out(copy.sender, copy.left_out)
        missing, start = self._missing[copy.sender], copy.message_start
        if not missing and not too_old:
            return [], copy.data
        skips = start is not None and not too_old
        if start is None or not skips or not self._conversation.skip(copy.sender, missing + start):
            self.leave_out(copy.sender, len(copy.data))
            return [], b""
        self.leave_out(copy.sender, start)
        missing, self._missing[copy.sender] = self._missing[copy.sender], 0
        if self._narration is None:
            return [], copy.data[start:]
        seconds = copy.time - self.began
        return self._narration.skip(seconds, copy.sender, missing), copy.data[start:]

    def leave_out(self, sender: Side, size: int) -> None:
        """These next bytes of the sender are not explained."""
        self._missing[sender] += size
        self.story.left_out += size

    def feed(self, copy: Passed, data: bytes) -> list[str]:
        """The lines for these bytes: without a trace, only for broken rules."""
        broken = []
        for item in self._conversation.feed(copy.sender, data):
            self.story.add(copy.time, item)
            if not isinstance(item, NotRead) and isinstance(item.verdict, Illegal):
                broken.append(draw_line(item, self._style, self._line(copy.time, "")))
        if self._narration is not None:
            return self._narrate(copy.time, copy.sender, data)
        shown = broken[: MAX_BROKEN - self._broken]
        self._broken += len(shown)
        return shown

    def broken_already(self, copy: Passed) -> list[str]:
        """A line for the first broken rule, if it is in a frame that is not complete yet.

        Its rest may never arrive, such as after a wrong length.
        """
        pending = [] if self.story.broken else self._conversation.pending()
        return [
            draw_line(item, self._style, self._line(copy.time, ""))
            for item in pending
            if self.story.note_broken(copy.time, item)
        ]

    def end(self, copy: Ended) -> list[str]:
        """The lines for the end of a direction."""
        self.leave_out(copy.sender, copy.left_out)
        self.story.end(copy.time, copy.sender, copy.how)
        texts = self._narrate(copy.time, copy.sender, b"")
        if copy.how is How.RESET and self._narration is not None:
            reset = f"{SHORT_ARROWS[copy.sender]} which was a reset (RFC 9293 §3.5.2)"
            texts.append(folded(self._line(copy.time, reset), self._style))
        return texts

    def _line(self, time: float, text: str) -> str:
        return timed_line(self.name, time - self.began, text)

    def _narrate(self, time: float, sender: Side, data: bytes) -> list[str]:
        if self._narration is None:
            return []
        return self._narration.feed(time - self.began, sender, data)

    def finish(self, copy: Over) -> list[str]:
        """The lines for what is not complete at the end of the connection."""
        self.story.left_out += copy.left_out
        if not any(self._missing.values()):
            for item in self._conversation.finish():
                self.story.add(copy.time, item)
        if self._narration is None or self._narration.over:
            return []
        return self._narration.finish(copy.time - self.began)
