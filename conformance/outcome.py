"""A run that has ended. All that is printed and written about it is made from this."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from datetime import datetime
from pathlib import Path

from cases import case_order
from expectations import Difference
from report import Results, not_ok


@dataclass(frozen=True)
class Outcome:
    """The results of the selected cases, and what they differ in from what they should be.

    `tested` is `server` or `client`; `target` is its URL, its command line, or its version.
    """

    tested: str
    agent: str
    target: str
    referee: str
    started: datetime
    seconds: float
    directory: Path
    selected: Sequence[str]
    results: Results
    differences: Sequence[Difference]

    @property
    def passed(self) -> bool:
        return not self.differences

    @property
    def cases(self) -> list[str]:
        """The selected ones, and others that the report has."""
        return sorted(set(self.selected) | set(self.results), key=case_order)

    @property
    def kinds(self) -> dict[str, list[str]]:
        """What is worse than OK or INFORMATIONAL -> its cases."""
        return not_ok({case: result.verdict for case, result in self.results.items()})

    @property
    def to_look_at(self) -> list[str]:
        """The cases with a result that differ, or that are worse than OK or INFORMATIONAL."""
        found = {difference.case for difference in self.differences}.union(*self.kinds.values())
        return sorted(found & set(self.results), key=case_order)
