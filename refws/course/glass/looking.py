"""Copies -> a terminal, a tape: each has a thread of its own, which may be slow."""

from __future__ import annotations

import threading
from collections.abc import Callable, Iterator
from logging import Logger, getLogger
from time import monotonic, thread_time

from ...endpoint.log import format_address, log_error
from ...protocol.frame import Side
from ..explain.conversation import Conversation
from ..explain.values import Illegal, NotRead
from ..record.narration import Narration
from ..record.recorder import RecordedConnection, Recorder
from ..text.characters import escape_words
from ..text.drawing import PLAIN, RED, SHORT_ARROWS, YELLOW, Style, draw_line, labelled
from ..web.budget import Budget
from .copies import Copies, Copy, Ended, How, Judged, Opened, Over, Passed
from .story import Story

LOGGER = getLogger("refws")

STEP = 8 * 1024
"""Bytes that are explained at once: between two steps a thread keeps to the budget."""

MAX_AGE = 5.0
"""Seconds after which bytes are not explained: more passes than can be explained."""

LAST_STEP = 1.5
"""Seconds for the copy that a thread looks at when it is stopped: a terminal may be blocked."""

MAX_BROKEN = 20
"""Frames that break a rule, of one connection, that are shown without a trace."""

COLORS = {"broken first": RED, "hint": YELLOW}
"""The labels of a verdict that have a colour on a terminal."""

BUDGET = Budget()
"""The processor time of all who explain: what is passed on goes first."""

BULK = 2**20
"""Bytes that wait to be explained in a bulk transfer: much of it will be left out in any case."""

BULK_BUDGET = Budget(share=0.06, credit=0.5)
"""The processor time of all who explain a bulk transfer, so that it is hardly slowed."""


class LookerOn(threading.Thread):
    """A thread that looks at copies, one at a time, until `stop`. An exception ends it alone."""

    def __init__(self, name: str, explains: bool = True, logger: Logger = LOGGER) -> None:
        super().__init__(name=f"refws-watch {name}", daemon=True)
        self.copies = Copies()
        self._explains = explains
        self._logger = logger
        self._cpu_time = 0.0

    def run(self) -> None:
        self._cpu_time = thread_time()
        try:
            for copy in self.copies.take():
                for _ in self.look(copy):
                    self._keep_to_budget()
        except Exception as error:
            log_error(self._logger, self.name, "it failed, and is off now", error)
        finally:
            self.copies.close(drop=True)

    def look(self, copy: Copy) -> Iterator[None]:
        """Show this copy. After each yield the thread may pause."""
        raise NotImplementedError

    def _keep_to_budget(self) -> None:
        """Pause if all who explain have used more than their share."""
        if not self._explains:
            return
        before, self._cpu_time = self._cpu_time, thread_time()
        budget = BULK_BUDGET if self.copies.size > BULK else BUDGET
        pause = budget.spend(self._cpu_time - before, monotonic())
        if pause > 0:
            self.copies.pause(pause)

    def stop(self, give_up_at: float) -> None:
        """Let it look at the copies that wait, until this time; then drop them, and end it.

        Blocks until then, and for `LAST_STEP` seconds more at most.
        """
        self.copies.close()
        if self.ident is not None:
            self.join(max(0.0, give_up_at - monotonic()))
            self.copies.close(drop=True)
            self.join(LAST_STEP)


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
        self._told: dict[int, ToldConnection] = {}

    def look(self, copy: Copy) -> Iterator[None]:
        if isinstance(copy, Opened):
            self._told[copy.connection] = self._open(copy)
        elif not isinstance(copy, Judged):
            yield from self._look(copy, self._told[copy.connection])

    def _look(self, copy: Passed | Ended | Over, told: ToldConnection) -> Iterator[None]:
        if isinstance(copy, Passed):
            for change in copy.changes:
                words = escape_words(str(change))
                self._show(f"{told.name} watch has changed one line of the request: {words}")
            texts, data = told.shown_part(copy, is_too_old=monotonic() - copy.time > MAX_AGE)
            self._show_all(texts)
            for start in range(0, len(data), STEP):
                self._show_all(told.feed(copy, data[start : start + STEP]))
                yield
            self._show_all(told.broken_already(copy))
        elif isinstance(copy, Ended):
            self._show_all(told.end(copy))
        else:
            self._close(copy, told)

    def _open(self, copy: Opened) -> ToldConnection:
        told = ToldConnection(copy, self._trace, self._style)
        client = format_address(copy.client)
        if copy.server is None:
            self._show(f"{told.name} {client} was not passed on: {escape_words(copy.why)}")
        else:
            self._show(f"{told.name} {client} -> {format_address(copy.server)}")
        return told

    def _close(self, copy: Over, told: ToldConnection) -> None:
        del self._told[copy.connection]
        self._show_all(told.finish(copy))
        if not told.reached:
            return
        lines = tuple(told.story.lines(copy.stopped))
        self._publish(Judged(copy.time, copy.connection, lines))
        self._show(f"{told.name} is over after {copy.time - told.began:.3f} s")
        for label, text in lines:
            color = COLORS.get(label, "")
            for line in labelled(label, escape_words(text), self._style.width):
                self._show(self._style.paint(line, color))

    def _show_all(self, texts: list[str]) -> None:
        for text in texts:
            self._show(text)


class ToldConnection:
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

    def shown_part(self, copy: Passed, is_too_old: bool) -> tuple[list[str], bytes]:
        """The part of these bytes that can be explained; texts for what is missing before it."""
        self._leave_out(copy.sender, copy.left_out)
        missing, start = self._missing[copy.sender], copy.message_start
        if not missing and not is_too_old:
            return [], copy.data
        skips = start is not None and not is_too_old
        if start is None or not skips or not self._conversation.skip(copy.sender, missing + start):
            self._leave_out(copy.sender, len(copy.data))
            return [], b""
        self._leave_out(copy.sender, start)
        missing, self._missing[copy.sender] = self._missing[copy.sender], 0
        if self._narration is None:
            return [], copy.data[start:]
        seconds = copy.time - self.began
        return self._narration.skip(seconds, copy.sender, missing), copy.data[start:]

    def _leave_out(self, sender: Side, size: int) -> None:
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
        self._leave_out(copy.sender, copy.left_out)
        self.story.end(copy.time, copy.sender, copy.how)
        texts = self._narrate(copy.time, copy.sender, b"")
        if copy.how is How.RESET and self._narration is not None:
            reset = f"{SHORT_ARROWS[copy.sender]} which was a reset (RFC 9293 §3.5.2)"
            texts.append(self._line(copy.time, reset))
        return texts

    def _line(self, time: float, text: str) -> str:
        return f"{self.name} {(time - self.began) * 1000:9.1f} ms  {text}"

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


class Tape(LookerOn):
    """Writes all connections to a tape. It stops at the first byte of one that was left out."""

    def __init__(self, recorder: Recorder) -> None:
        super().__init__("tape", explains=False)
        self._recorder = recorder
        self._recorded: dict[int, RecordedConnection] = {}

    def look(self, copy: Copy) -> Iterator[None]:
        yield
        if isinstance(copy, Opened):
            recorded = self._recorder.record(copy.client, copy.server, copy.time)
            if recorded is not None and copy.server is not None:
                self._recorded[copy.connection] = recorded
            return
        recorded = self._recorded.get(copy.connection)
        if recorded is None or isinstance(copy, Judged):
            return
        if copy.left_out or isinstance(copy, Over):
            del self._recorded[copy.connection]
        if copy.left_out:
            self._logger.warning(
                "the tape lacks connection %d from here on, because the disk is too slow",
                copy.connection,
            )
        elif isinstance(copy, Passed):
            self._recorder.note(recorded, copy.sender, copy.data, copy.time)
        elif isinstance(copy, Ended):
            self._recorder.note(recorded, copy.sender, b"", copy.time)
        else:
            for side in Side:
                self._recorder.note(recorded, side, b"", copy.time)
