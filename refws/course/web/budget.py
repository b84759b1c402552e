"""The processor time that wire views may take: each page's, and all together.

To explain a frame takes much longer than to receive it, most of all if its bytes arrive one at a
time; and any client may say that it is a page. So a thread that has explained something pauses, if
its page, or all pages together, have used more than their share. One page alone cannot use up the
share of all.
"""

from __future__ import annotations

import threading
from collections.abc import Callable

SHARE = 0.25
"""Of one processor, for all pages of this process: the rest is for connections."""

CREDIT = 2.0
"""Seconds whose share may be used later, so that many frames at once cause no pause."""

PAGE_SHARE = 0.1
"""Of one processor, for one page."""

PAGE_CREDIT = 5.0
"""Seconds whose share one page may use later."""


class Budget:
    """When there is time again, for all who spend it together.

    For any number of threads.
    """

    __slots__ = {
        "_share": "Of one processor.",
        "_credit": "Seconds whose share may be used later.",
        "_free_at": "When what was spent is paid off, a time of `monotonic`. Under the lock.",
        "_lock": "Held for an assignment only.",
    }

    def __init__(self, share: float = SHARE, credit: float = CREDIT) -> None:
        self._share = share
        self._credit = credit
        self._free_at = 0.0
        self._lock = threading.Lock()

    def spend(self, seconds: float, now: float, part: float = 1.0) -> float:
        """How long to pause, in seconds, after this processor time. `now` is of `monotonic`.

        Only this `part` of the share is there to be spent.
        """
        with self._lock:
            paid_off = seconds / (self._share * part)
            self._free_at = max(self._free_at, now - self._credit) + paid_off
            return max(0.0, self._free_at - now)


class PageBudget:
    """What one page may spend of the budget of all. Only one thread may use it.

    That is `PAGE_SHARE`; and once all together have spent too much, an equal part for each page: so
    a page that has spent little does not wait for what the others have spent.
    """

    __slots__ = {
        "_all": "The budget of all pages.",
        "_count_pages": "How many pages share it.",
        "_most": "What the page may spend while there is time.",
        "_equal": "What it may spend if there is not.",
    }

    def __init__(self, of_all: Budget, count_pages: Callable[[], int]) -> None:
        self._all = of_all
        self._count_pages = count_pages
        self._most = Budget(PAGE_SHARE, PAGE_CREDIT)
        self._equal = Budget(SHARE, PAGE_CREDIT)

    def spend(self, seconds: float, now: float) -> float:
        """How long to pause, in seconds, after this processor time. `now` is of `monotonic`."""
        equal = self._equal.spend(seconds, now, 1 / max(1, self._count_pages()))
        return max(self._most.spend(seconds, now), min(equal, self._all.spend(seconds, now)))
