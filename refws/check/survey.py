"""What the server under test can do: found out before the cases, so that each is fair."""

from __future__ import annotations

from threading import Event

from .case import Case, Need, Pause, Step
from .engine import Abilities, connected, run, run_on
from .frames import GOOD_BYE, binary, frame, text
from .guard import RETURN_TIME, ask
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


def survey(target: Target, patience: float = RETURN_TIME) -> Abilities:
    """What the server can do. Blocks for some seconds at most. OSError if it is not there.

    `patience` are the seconds that it has to come back, if it ends.
    """
    listening = case_of((Pause(GREETING_TIME), GOOD_BYE), OPENS, VALID)
    first = run_on(connected(target), listening, target, NOTHING_KNOWN)
    if first.observed is None or first.observed.agreement is None:
        return Abilities(frozenset(Need), problem=first.seen)
    greetings = Abilities(greetings=tuple(first.observed.messages))
    lacks = set()
    for need, message in (
        (Need.ECHO, text("refws")),
        (Need.BINARY, binary(b"refws")),
        (Need.LARGE, text("*" * LARGE)),
    ):
        seen = look(target, greetings, (frame(*message), GOOD_BYE), Echoes((message,)))
        if message not in seen.messages:
            lacks.add(need)
            problem, is_back = ask(target, patience, Event())
            if not is_back:
                sent = f"after a message of {len(message.data):,} bytes on another connection"
                return Abilities(frozenset(Need), problem=f"{problem}, {sent}", ended=True)
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
    result = run(case_of(steps, best, opening), target, abilities)
    return Seen(problem=result.seen) if result.observed is None else result.observed


def case_of(steps: tuple[Step, ...], best: Outcome, opening: Opening) -> Case:
    return Case("1.1-survey", "", "", best, steps=steps, opening=opening)
