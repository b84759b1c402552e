"""Why a case that a server or client fails is failed: a sentence, compared with the RFC's text."""

from __future__ import annotations

from fnmatch import fnmatchcase
from typing import NamedTuple


class Reason(NamedTuple):
    """For cases by globs of their names, of servers or clients by name ("*": of all)."""

    kind: str
    names: str
    cases: str
    words: str


REASONS: tuple[Reason, ...] = ()
"""Special ones first."""


def reason_for(kind: str, name: str, case: str) -> str:
    """The sentence; "" if none is known."""
    return next((each.words for each in REASONS if applies(each, kind, name, case)), "")


def applies(reason: Reason, kind: str, name: str, case: str) -> bool:
    return (
        reason.kind == kind
        and (reason.names == "*" or name in reason.names.split())
        and any(fnmatchcase(case, glob) for glob in reason.cases.split())
    )
