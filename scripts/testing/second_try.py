"""Tests that drive other programs and failed among all the others: once more, with nothing beside
them.

The processes of a whole run share few processors, and there a browser or a proxy may need longer
than any test waits. A test of refws alone has no second try: if it fails once, refws or the test
has a fault.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from pathlib import Path

from scripts.testing import spread

MOST = 3
"""If more tests failed than this, then no accident is the cause."""


def passes(
    command: Sequence[str], outcomes: Sequence[spread.Outcome], cwd: Path, env: Mapping[str, str]
) -> bool:
    """True if all that failed drives other programs, and passes now. Prints what was tried.

    `command` is the one of the first try, for pytest. Without a second try: False.
    """
    failed = list(dict.fromkeys(name for outcome in outcomes for name in outcome.failed))
    ended = all(outcome.passed or outcome.status == spread.FAILED for outcome in outcomes)
    if not ended or not 0 < len(failed) <= MOST:
        return False
    words = [*command, "-q", "-m", "programs"]
    (outcome,) = spread.run(words, [spread.Share(failed)], cwd, env)
    tried = sum(outcome.counts.values())
    if tried:
        print(f"once more, with nothing beside it: {spread.summary([outcome])}", *failed, sep="\n")
    return outcome.passed and outcome.counts["passed"] == len(failed)
