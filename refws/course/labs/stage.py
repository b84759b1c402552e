"""The labs that are played for pages: each setting step by step, and what has been shown so far."""

from __future__ import annotations

import threading
from collections.abc import Iterator
from contextlib import suppress

from .cast import Cast
from .story import Lab, Step


class Run:
    """One lab with one setting of its switch: the `steps` so far, and whether it is `over`.

    `error` says why it broke off. Only the stage changes it, under its lock.
    """

    def __init__(self, lab: Lab, defence: str) -> None:
        self.lab = lab
        self.defence = defence
        self.steps: list[Step] = []
        self.over = False
        self.error = ""
        self._cast = Cast(defence)
        self._coming: Iterator[Step] = lab.play(self._cast)

    def play_to(self, count: int) -> None:
        """Play on until there are that many steps, or it is over. Its servers stay."""
        while not self.over and len(self.steps) < count:
            try:
                step = next(self._coming, None)
            except (OSError, EOFError) as error:
                self.error, step = str(error) or type(error).__name__, None
            if step is None:
                self.over = True
            else:
                self.steps.append(step)

    def end(self) -> None:
        """End its servers. What it has shown is kept; a run that is not over does not go on."""
        self.over = True
        self._cast.end()
        with suppress(ValueError):  # a step runs in another thread; it sees that all has ended
            self._coming.close()  # type: ignore[attr-defined]


class Stage:
    """One run at a time has servers. For any number of threads; a step may take seconds."""

    def __init__(self) -> None:
        self._runs: dict[tuple[str, str], Run] = {}
        self._current: Run | None = None
        self._lock = threading.Lock()

    def show(self, lab: Lab, defence: str, count: int) -> Run:
        """The run with that many steps, or all there are. Playing it ends another one."""
        with self._lock:
            run = self._runs.get((lab.name, defence)) or self._start(lab, defence)
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

    def _start(self, lab: Lab, defence: str) -> Run:
        if self._current is not None:
            self._current.end()
        self._current = self._runs[lab.name, defence] = Run(lab, defence)
        return self._current

    def end(self) -> None:
        """End the servers of the run that has some."""
        with self._lock:
            if self._current is not None:
                self._current.end()
