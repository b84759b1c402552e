"""Threads that look at copies: each may be slow, and all keep to a budget of processor time."""

from __future__ import annotations

import threading
from collections.abc import Iterator
from logging import Logger, getLogger
from time import monotonic, thread_time

from ...endpoint.log import log_error
from ..web.budget import Budget
from .copies import Copies, Copy

LOGGER = getLogger("refws")

LAST_STEP = 1.5
"""Seconds for the copy that a thread looks at when it is stopped: a terminal may be blocked."""

BUDGET = Budget(share=0.15, credit=1.0)
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
                    if self.copies.dropped:
                        return
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
