"""How far a run has come, on one line: cases now, done of total, elapsed, time left."""

from __future__ import annotations

from collections.abc import Collection, Sequence
from typing import TextIO

from cases import typical_s

PLAIN_LINE_EVERY_S = 5.0
ESTIMATE_AFTER_S = 3.0


def clock(seconds: float) -> str:
    minutes, rest = divmod(round(seconds), 60)
    return f"{minutes}:{rest:02d}"


def left_s(done: Collection[str], total: Collection[str], elapsed_s: float, clients: int) -> float:
    """Seconds until the end: by the pace so far, or by typical durations while there is none."""
    done_s, total_s = sum(map(typical_s, done)), sum(map(typical_s, total))
    pace = done_s / elapsed_s if done_s and elapsed_s >= ESTIMATE_AFTER_S else clients
    return (total_s - done_s) / pace


class Progress:
    """Write the line: over and over in place on a terminal, every 5 s elsewhere."""

    def __init__(
        self, total: Collection[str], clients: int, output: TextIO, started: float
    ) -> None:
        self._total = total
        self._clients = clients
        self._output = output
        self._started = started
        self._in_place = output.isatty()
        self._next_plain_line = started + PLAIN_LINE_EVERY_S

    def show(self, done: Collection[str], current: Sequence[str], now: float) -> None:
        if self._in_place:
            self._output.write(f"\r\x1b[K{self.line(done, current, now)}")
            self._output.flush()
        elif now >= self._next_plain_line:
            self._next_plain_line = now + PLAIN_LINE_EVERY_S
            print(self.line(done, current, now), file=self._output, flush=True)

    def line(self, done: Collection[str], current: Sequence[str], now: float) -> str:
        elapsed_s = now - self._started
        left = clock(left_s(done, self._total, elapsed_s, self._clients))
        return (
            f"{len(done):4d} of {len(self._total)}  {clock(elapsed_s)}, about {left} left  "
            f"{' '.join(current)}"
        )

    def end(self) -> None:
        """Leave the terminal with an empty line."""
        if self._in_place:
            self._output.write("\r\x1b[K")
            self._output.flush()
