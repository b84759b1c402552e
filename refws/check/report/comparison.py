"""Two runs -> what has changed: the cases whose grade is another one, new cases, cases gone."""

from __future__ import annotations

from collections.abc import Collection, Iterator, Mapping
from typing import NamedTuple

from ...course.text.characters import escape_words
from ..engine import Grade

NONE = "not run"
"""In the place of a grade: the case is in one of the runs only."""

ORDER = [grade.value for grade in (Grade.FAIL, Grade.WEAK, Grade.PASS)]


class Change(NamedTuple):
    name: str
    before: str
    after: str

    def __str__(self) -> str:
        words = f"{self.name}: {self.before} -> {self.after}"
        if self.before in ORDER and self.after in ORDER:
            better = ORDER.index(self.after) > ORDER.index(self.before)
            words += " (better)" if better else " (worse)"
        return escape_words(words)


def compare(before: Mapping[str, str], after: Mapping[str, str]) -> list[Change]:
    """The changes: first in the order of the later run, then the cases that are gone."""
    names = [*after, *(name for name in before if name not in after)]
    changes = (Change(name, before.get(name, NONE), after.get(name, NONE)) for name in names)
    return [change for change in changes if change.before != change.after]


def without_others(
    before: Mapping[str, str], run: Collection[str], known: Collection[str]
) -> dict[str, str]:
    """What is expected of the cases that were run; and what no case is called by that name now."""
    return {name: grade for name, grade in before.items() if name in run or name not in known}


def draw_changes(changes: list[Change]) -> Iterator[str]:
    if not changes:
        yield "no changes"
        return
    yield "1 change:" if len(changes) == 1 else f"{len(changes)} changes:"
    yield from (f" {change}" for change in changes)
