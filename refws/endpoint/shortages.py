"""What a server lacks: logged once when it begins, and once when it is over.

A line for each connection that is turned away would let a flood of them fill the disk.
"""

from __future__ import annotations

import errno
import logging
from contextlib import suppress
from dataclasses import dataclass
from time import monotonic

from .log import indented_traceback

OVER_AFTER = 1.0
"""Seconds without a failure after which the next connection ends a shortage.

Without them a server at its limit would log an end each time that one client leaves, and a new
beginning when the next two arrive.
"""

NO_DESCRIPTORS = (errno.EMFILE, errno.ENFILE)
NO_MEMORY = (errno.ENOMEM, errno.ENOBUFS)


@dataclass(slots=True)
class Shortage:
    level: int
    began: float
    last: float
    turned_away: int


class Shortages:
    """For the accept thread only. Its methods raise no Exception, though a log may fail.

    `current` has the shortages that are not over, by what fails.
    """

    def __init__(self, logger: logging.Logger) -> None:
        self._logger = logger
        self.current: dict[str, Shortage] = {}

    def report(
        self, what: str, details: str, level: int = logging.ERROR, turned_away: int = 1
    ) -> None:
        """Log this, unless it is known; add up the connections that were turned away."""
        with suppress(Exception):
            now = monotonic()
            if what not in self.current:
                self._logger.log(level, "%s: %s", what, details)
                self.current[what] = Shortage(level, now, now, 0)
            self.current[what].last = now
            self.current[what].turned_away += turned_away

    def report_error(self, error: Exception, turned_away: int) -> None:
        """Log why a connection could not be accepted, unless it is known."""
        with suppress(Exception):
            self.report(*explain(error), turned_away=turned_away)

    def accepted(self) -> None:
        """A connection was accepted: log which shortages are over."""
        with suppress(Exception):
            now = monotonic()
            for what, shortage in list(self.current.items()):
                if now - shortage.last >= OVER_AFTER:
                    self._end(what, shortage, now)

    def _end(self, what: str, shortage: Shortage, now: float) -> None:
        del self.current[what]
        words = "over after %.1f s: %s; connections turned away meanwhile: %d"
        count = shortage.turned_away
        self._logger.log(shortage.level, words, now - shortage.began, what, count)


def explain(error: Exception) -> tuple[str, str]:
    """What fails, and what to do about it."""
    number = error.errno if isinstance(error, OSError) else None
    if number in NO_DESCRIPTORS:
        return "cannot accept a connection", f"{error}; raise the limit of open files"
    if isinstance(error, MemoryError) or number in NO_MEMORY:
        return "no memory for a connection", "give it more memory, or lower max_connections"
    if isinstance(error, RuntimeError) and str(error).startswith("can't "):  # start, allocate
        return "cannot start a thread", f"{error}; raise the limit of threads or memory"
    if number is not None:
        return "a connection broke before it was accepted", f"{error}; others are accepted"
    return "an internal error; please report it", f"\n{indented_traceback(error)}"
