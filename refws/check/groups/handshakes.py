"""RFC 6455 §4.2.1: how the cases of the opening handshake are made: one is accepted, or refused."""

from __future__ import annotations

from ..case import Case, Level
from ..opening import Edit, Opening
from ..outcomes import AnyOf, EndsBefore101, Opens, Outcome, Refuses

KEY, VERSION = "Sec-WebSocket-Key", "Sec-WebSocket-Version"
PROTOCOL, EXTENSIONS = "Sec-WebSocket-Protocol", "Sec-WebSocket-Extensions"

OPENS, REFUSES, DROPS = Opens(), Refuses(), EndsBefore101()

REFUSAL = (REFUSES, DROPS)
"""§10.7: a server may also just end TCP, and say less well what was wrong."""

EITHER = AnyOf((OPENS, *REFUSAL))
"""For what the RFC leaves to a server."""

BAD_REQUEST = Refuses((400,))
"""Where RFC 9112 asks for this status and no other."""


def opens(
    name: str,
    rule: str,
    requirement: str,
    *edits: Edit,
    best: Outcome = OPENS,
    weak: tuple[Outcome, ...] = (),
    level: Level = Level.MUST,
) -> Case:
    """A valid request, which is accepted."""
    return Case(name, rule, requirement, best, weak, opening=Opening(edits), level=level)


def refuses(
    name: str,
    rule: str,
    requirement: str,
    *edits: Edit,
    best: Outcome = REFUSES,
    weak: tuple[Outcome, ...] = (),
    level: Level = Level.MUST,
) -> Case:
    """A request that is refused."""
    weak = (*weak, *REFUSAL) if best == BAD_REQUEST else (*weak, DROPS)
    return Case(name, rule, requirement, best, weak, opening=Opening(edits), level=level)
