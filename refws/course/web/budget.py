"""The processor time that wire views may take: each page's, and all together.

To explain a frame takes much longer than to receive it, most of all if its bytes arrive one at a
time; and any client may say that it is a page. So a thread that has explained something pauses, if
its page, or all pages together, have used more than their share. One page alone cannot use up the
share of all.
"""

from __future__ import annotations

import threading

SHARE = 0.25
"""Of one processor, for all pages of this process: the rest is for connections."""

CREDIT = 2.0
"""Seconds whose share may be used later, so that many frames at once cause no pause."""

PAGE_SHARE = 0.1
"""Of one processor, for one page."""

PAGE_CREDIT = 5.0
"""Seconds whose share one page may use later."""


class Budget:
    """When there is time again. A page that takes more waits longer, each one for the others, too.

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

    def spend(self, seconds: float, now: float) -> float:
        """How long to pause, in seconds, after this processor time. `now` is of `monotonic`."""
        with self._lock:
            self._free_at = max(self._free_at, now - self._credit) + seconds / self._share
            return max(0.0, self._free_at - now)
