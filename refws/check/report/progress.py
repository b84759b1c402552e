"""How far a run has come: one line on a terminal, written again and again; elsewhere nothing.

It fits the terminal: the rest of a line that does not would stay there.
"""

from __future__ import annotations

from collections.abc import Callable
from time import monotonic
from typing import TextIO

from ...course.text.terminal import text_width
from ..engine import Grade, Result

CLEAR = "\r\x1b[K"
"""ECMA-48: the cursor goes to the start of its line, and the line becomes empty."""


class Progress:
    """For one thread. `clock` gives seconds."""

    def __init__(self, total: int, output: TextIO, clock: Callable[[], float] = monotonic) -> None:
        self._total = total
        self._output = output
        self._shown = output.isatty()
        self._clock = clock
        self._began = clock()
        self._done = 0
        self._failed = 0

    def note(self, result: Result) -> None:
        """Show that this case is over."""
        self._done += 1
        self._failed += result.grade is Grade.FAIL
        if self._shown:
            self._output.write(CLEAR + self._line(result.case.name))
            self._output.flush()

    def end(self) -> None:
        """Leave an empty line."""
        if self._shown:
            self._output.write(CLEAR)
            self._output.flush()

    def _line(self, name: str) -> str:
        left = (self._clock() - self._began) / self._done * (self._total - self._done)
        minutes, seconds = divmod(round(left), 60)
        done = f"{self._done} of {self._total}, {self._failed} failed"
        return f"{done}, about {minutes}:{seconds:02d} left  {name}"[: text_width() - 1]
