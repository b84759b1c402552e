"""The labs that are played for pages: each setting step by step, and what has been shown so far."""

from __future__ import annotations

import threading
from collections.abc import Iterator
from contextlib import suppress

from .cast import Cast
from .story import Lab, Step


class Run:
    """One lab with one setting of its switch: the `steps` so far, and whether it is `over`.

    `error` says why it broke off. One thread at a time plays; any thread may read, or end it.
    """

    def __init__(self, lab: Lab, defence: str) -> None:
        self.lab = lab
        self.defence = defence
        self.steps: list[Step] = []
        self.over = False
        self.error = ""
        self.cast = Cast(defence)
        self._coming: Iterator[Step] = lab.play(self.cast)
        self._playing = threading.Lock()  # held to take the next step

    def play_to(self, count: int) -> None:
        """Play on until there are that many steps, or it is over. Its servers stay."""
        with self._playing:
            while not self.over and len(self.steps) < count:
                self._play_on()

    def _play_on(self) -> None:
        """Take the next step. One whose servers were ended meanwhile is no step."""
        try:
            step = next(self._coming, None)
        except Exception as error:
            step = None
            if not self.over:
                if not isinstance(error, OSError | EOFError):
                    raise
                self.error = str(error) or type(error).__name__
        if step is None or self.over:
            self.over = True
        else:
            self.steps.append(step)

    def end(self) -> None:
        """End its servers. What it has shown is kept; a run that is not over does not go on.

        A step that another thread plays breaks off: its servers are gone.
        """
        self.over = True
        self.cast.end()
        if self._playing.acquire(blocking=False):
            with suppress(OSError, EOFError):
                self._coming.close()  # type: ignore[attr-defined]
            self._playing.release()


class Stage:
    """One run at a time has servers. For any number of threads.

    A step may take seconds. No thread waits for it that asks for something else.
    """

    def __init__(self) -> None:
        self._runs: dict[tuple[str, str], Run] = {}
        self._current: Run | None = None
        self._lock = threading.Lock()  # held to change these two

    def show(self, lab: Lab, defence: str, count: int) -> Run:
        """The run with that many steps, or all there are. Starting one ends the current one."""
        ended = None
        with self._lock:
            run = self._runs.get((lab.name, defence))
            if run is None:
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
