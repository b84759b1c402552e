"""What the server under test can do: found out before the cases, so that each is fair."""

from __future__ import annotations

from .case import Case, Need, Pause, Step
from .engine import Abilities, run
from .frames import GOOD_BYE, binary, frame, text
from .opening import VALID, Opening
from .outcomes import Echoes, Opens, Outcome
from .seen import Seen
from .target import Target

GREETING_TIME = 0.3
"""Seconds for which a new connection is listened to: some servers begin with a message."""

OFFER = "permessage-deflate; client_max_window_bits"
"""The offer of browsers."""

LARGE = 65_536

NOTHING_KNOWN, OPENS = Abilities(), Opens()


def survey(target: Target) -> Abilities:
    """What the server can do. Blocks for some seconds at most."""
    first = look(target, NOTHING_KNOWN, (Pause(GREETING_TIME), GOOD_BYE))
    if first.agreement is None:
        return Abilities(frozenset(Need), problem=str(first))
    greetings = Abilities(greetings=tuple(first.messages))
    lacks = set()
    for need, message in (
        (Need.ECHO, text("refws")),
        (Need.BINARY, binary(b"refws")),
        (Need.LARGE, text("*" * LARGE)),
    ):
        seen = look(target, greetings, (frame(*message), GOOD_BYE), Echoes((message,)))
        if message not in seen.messages:
            lacks.add(need)
    seen = look(target, greetings, (GOOD_BYE,), opening=Opening(offer=OFFER))
    if seen.agreement is None:
        lacks.add(Need.AGREEMENT)  # the cases of offers find out what is wrong
    elif seen.agreement.deflate is None:
        lacks.add(Need.DEFLATE)
    return Abilities(frozenset(lacks), greetings.greetings)


def look(
    target: Target,
    abilities: Abilities,
    steps: tuple[Step, ...],
    best: Outcome = OPENS,
    opening: Opening = VALID,
) -> Seen:
    """What is seen of one connection."""
    result = run(Case("1.1-survey", "", "", best, steps=steps, opening=opening), target, abilities)
    return Seen(problem=result.seen) if result.observed is None else result.observed
