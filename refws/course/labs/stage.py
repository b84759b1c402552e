"""The labs that are played: each setting step by step, and what has been shown so far."""

from __future__ import annotations

import itertools
import threading
from collections.abc import Iterator
from contextlib import suppress

from .cast import Cast
from .story import Lab, Step

PATIENCE = 0.3
"""Seconds that a reader waits for a step. Then a page is sent without it, and the browser asks
again; a terminal asks again, too, and a Ctrl-C is noticed meanwhile.
"""


class Run:
    """One lab with one setting of its switch: the `steps` so far, and whether it is `over`.

    `error` says why it broke off; `cut_short` is whether `end` came before the last step. One
    thread of its cast at a time plays, so that no step is played twice. Any thread may read, ask
    for more steps, or end it.
    """

    def __init__(self, lab: Lab, defence: str) -> None:
        self.lab = lab
        self.defence = defence
        self.steps: list[Step] = []
        self.over = False
        self.error: Exception | None = None
        self.cut_short = False
        self.cast = Cast(defence)
        self._coming: Iterator[Step] = lab.play(self.cast)
        self._wanted = 0
        self._plays = False  # whether a thread takes steps
        self._changed = threading.Condition()  # held to change all these

    def play_to(self, count: int) -> None:
        """Play on until there are that many steps, or it is over. Its servers stay.

        Wait for that PATIENCE seconds at most.
        """
        with self._changed:
            self._wanted = max(self._wanted, count)
            if not self._plays and not self.has(count):
                self.cast.thread(self._play)
                self._plays = True
            self._changed.wait_for(lambda: self.has(count), PATIENCE)

    def __iter__(self) -> Iterator[Step]:
        """Each step, as soon as it is played. The next one begins when it is asked for."""
        for count in itertools.count(1):
            while not self.has(count):
                self.play_to(count)
            if len(self.steps) < count:
                return
            yield self.steps[count - 1]

    def has(self, count: int) -> bool:
        """Whether that many steps are played, or all there will be."""
        return self.over or len(self.steps) >= count

    def _play(self) -> None:
        try:
            while self._add(next(self._coming, None)):
                pass
        except Exception as error:
            ended = self.over  # by another thread: its servers are gone
            self._add(None, error)
            if not ended and not isinstance(error, OSError | EOFError):
                raise

    def _add(self, step: Step | None, error: Exception | None = None) -> bool:
        """Note the step that was taken, or None, the end. Whether to take the next one.

        One whose servers were ended meanwhile is no step.
        """
        with self._changed:
            if self.over:
                self._close()
            elif step is None:
                self.over, self.error = True, error
            else:
                self.steps.append(step)
            self._plays = not self.has(self._wanted)
            self._changed.notify_all()
            return self._plays

    def end(self) -> None:
        """End its servers. What it has shown is kept; a run that is not over does not go on.

        A step that is played breaks off: its servers are gone.
        """
        with self._changed:
            self.cut_short = self.cut_short or not self.over
            self.over = True
            self._changed.notify_all()
        self.cast.end()
        with self._changed:
            if not self._plays:
                self._close()

    def _close(self) -> None:
        """Leave the lab where it is. Its thread does it if it plays; held is the lock.

        A Ctrl-C just after the start of a thread hides that it plays: then this is a ValueError.
        """
        with suppress(OSError, EOFError, ValueError):
            self._coming.close()  # type: ignore[attr-defined]


class Stage:
    """One run at a time has servers. For any number of threads.

    A step may take seconds. No thread waits for it that asks for something else.
    """

    def __init__(self) -> None:
        self._runs: dict[tuple[str, str], Run] = {}
        self._current: Run | None = None
        self._lock = threading.Lock()  # held to change these two

    def show(self, lab: Lab, defence: str, count: int, begins_again: bool = True) -> Run:
        """The run with that many steps, all there are, or those that were quick enough.

        Starting one ends the current one. If more is asked for of one that was cut short so, it
        begins again, unless `begins_again` is False: a reader can go to and fro between settings.
        """
        ended = None
        with self._lock:
            run = self._runs.get((lab.name, defence))
            if run is None or (begins_again and run.cut_short and len(run.steps) < count):
                ended, run = self._current, Run(lab, defence)
                self._current = self._runs[lab.name, defence] = run
        if ended is not None:
            ended.end()
        run.play_to(count)
        return run

    def again(self, lab: Lab, defence: str) -> None:
        """Forget what was shown: the next `show` begins with the first step."""
        with self._lock:
            self._runs.pop((lab.name, defence), None)

    def shown(self, lab: Lab) -> dict[str, Run]:
        """Setting -> its run, for those that were played."""
        with self._lock:
            return {
                defence: self._runs[lab.name, defence]
                for defence in lab.defences
                if (lab.name, defence) in self._runs
            }

    def end(self) -> None:
        """End the servers of the run that has some."""
        with self._lock:
            ended, self._current = self._current, None
        if ended is not None:
            ended.end()
