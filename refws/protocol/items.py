"""RFC 6455 §4.1, §4.2.1: a numbered list of rules for a head, as a table.

The checks of a head and its explanation use the same table, so neither can leave out an item.
"""

from __future__ import annotations

from collections.abc import Callable, Iterable
from dataclasses import dataclass
from http import HTTPStatus
from typing import Generic, TypeVar

from .errors import Fault

Judged = TypeVar("Judged")


@dataclass(frozen=True, slots=True)
class Item(Generic[Judged]):
    """One item of a list: its section, its header, what the header means, how it is checked.

    `field` is "" for an item about the first line of the head, or about all other headers.
    `meaning` is for a reader of the head. `check` yields the faults of the request or response.
    """

    section: str
    field: str
    meaning: str
    check: Callable[[Item[Judged], Judged], Iterable[Fault]]

    def fault(self, seen: str, expected: str, status: HTTPStatus = HTTPStatus.BAD_REQUEST) -> Fault:
        """The fault that `check` yields if this item is broken."""
        return Fault(self.section, seen, expected, self.field, status=status)


def accept_anything(item: Item[Judged], judged: Judged) -> Iterable[Fault]:
    """The check of an item that cannot be broken."""
    return ()


def find_faults(items: Iterable[Item[Judged]], judged: Judged) -> tuple[Fault, ...]:
    """Every fault, in the order of the items; () if there is none."""
    return tuple(fault for item in items for fault in item.check(item, judged))
