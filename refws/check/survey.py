"""What the server under test can do: found out before the cases, so that each is fair."""

from __future__ import annotations

import re
from dataclasses import replace
from itertools import takewhile
from threading import Event

from ..protocol.close_codes import CloseCode
from .case import Case, Elsewhere, Need, Pause, Step
from .engine import Abilities, Grade, Result, connected, run, run_on
from .frames import GOOD_BYE, binary, frame, text
from .guard import RETURN_TIME, ask
from .mistakes.clues import find_clues
from .mistakes.table import find_mistake
from .opening import VALID, Opening
from .outcomes import FAILURES, Echoes, Opens, Outcome
from .seen import End, Message, Seen
from .target import Target

GREETING_TIME = 0.3
"""Seconds for which a new connection is listened to: some servers begin with a message."""

CHATTER_TIME = 1.2
"""The same for a server that sends messages by itself, and may send more of them."""

MANY = 1_000
"""Messages that no server should begin with."""

OFFER = "permessage-deflate; client_max_window_bits"
"""The offer of browsers."""

LARGE = 65_536

WORD = re.compile(rb"([\w-]+)")

SHORTEST_WORD = 3
"""Letters of a word that tells one kind of message from others."""

MISREAD = {CloseCode.PROTOCOL_ERROR, CloseCode.INVALID_DATA}
"""The codes of a server that finds a legal message wrong."""

NOTHING_KNOWN, OPENS = Abilities(), Opens()

FLOODS = Abilities(
    frozenset(Need),
    problem="after the 101 it sends without an end, although nothing has asked for it",
)


def survey(target: Target, patience: float = RETURN_TIME) -> Abilities:
    """What the server can do. Blocks for some seconds at most. OSError if it is not there.

    `patience` are the seconds that it has to come back, if it ends.
    """
    listening = case_of((Pause(GREETING_TIME), GOOD_BYE), OPENS, VALID)
    first = run_on(connected(target), listening, target, NOTHING_KNOWN)
    if first.observed is None or first.observed.agreement is None:
        return Abilities(frozenset(Need), problem=first.seen)
    if first.observed.floods or len(first.observed.messages) > MANY:
        return FLOODS
    known, heard = learn_chatter(target, first.observed.messages)
    lacks, remarks = set(), remarks_on(heard)
    for need, message in (
        (Need.ECHO, text("refws")),
        (Need.BINARY, binary(b"refws")),
        (Need.LARGE, text("*" * LARGE)),
    ):
        result = run(case_of((frame(*message), GOOD_BYE), Echoes((message,)), VALID), target, known)
        seen = observed(result)
        if seen.floods:
            return FLOODS
        if message.data not in {back.data for back in seen.messages}:
            if Need.ECHO in lacks:
                lacks.add(need)
            elif not is_mistake(need, result, seen):
                remarks += remarks_on_answer(need, result, seen)
                lacks.add(need)
            problem, is_back = ask(target, patience, Event())
            if not is_back:
                sent = f"after a message of {len(message.data):,} bytes on another connection"
                return Abilities(frozenset(Need), problem=f"{problem}, {sent}", ended=True)
    seen = look(target, known, (GOOD_BYE,), opening=Opening(offer=OFFER))
    if seen.agreement is None:
        lacks.add(Need.AGREEMENT)  # the cases of offers find out what is wrong
    elif seen.agreement.deflate is None:
        lacks.add(Need.DEFLATE)
    return replace(known, lacks=frozenset(lacks), remarks=remarks)


def is_mistake(need: Need, result: Result, seen: Seen) -> bool:
    """Whether the server leaves nothing out, but makes a mistake, so that the cases may show it.

    A large message is refused, or else it is misread, lost or answered badly.
    """
    if seen.violation or need is not Need.LARGE:
        return bool(seen.violation)
    refused = seen.end is not End.OPEN if seen.close is None else seen.close.code not in MISREAD
    return not refused or bool(seen.messages) or find_clues(result, seen).illegal is not None


def remarks_on_answer(need: Need, result: Result, seen: Seen) -> tuple[str, ...]:
    """On an answer that does not say by itself that the server leaves this out."""
    if need is Need.ECHO:
        hint = find_mistake(replace(result, grade=Grade.FAIL))
        found = f"; if it is a mistake, it may be this: {hint.rstrip('.')}" if hint else ""
        return (f"the answer to the text message 'refws' was: {seen}{found}",)
    if seen.close is not None and seen.close.code in FAILURES:
        return ()
    kind = "binary message" if need is Need.BINARY else f"message of {LARGE:,} bytes"
    doubt = "if that is no choice of yours, look for an error in what the server has printed"
    return (f"the answer to a {kind} was: {seen}, so no case sends one; {doubt}",)


def learn_chatter(target: Target, first: list[Message]) -> tuple[Abilities, list[Message]]:
    """The greetings, and patterns of what else the server sends by itself, with these messages.

    `first` is what a connection has heard. Only if that is something, another one listens for
    longer, while a third one opens and closes: a chat says so to all.
    """
    if not first:
        return NOTHING_KNOWN, []
    steps = Pause(GREETING_TIME), Elsewhere((GOOD_BYE,), OPENS), Pause(CHATTER_TIME), GOOD_BYE
    second = look(target, NOTHING_KNOWN, steps).messages
    both = zip(first, second, strict=False)
    greetings = tuple(one for one, _ in takewhile(lambda pair: pair[0] == pair[1], both))
    others = [one for one in (*first, *second) if one not in greetings]
    unasked = {pattern_of(one.data): None for one in others}
    pairs = zip(first[len(greetings) :], second[len(greetings) :], strict=False)
    unasked |= {pattern_of_both(one.data, other.data): None for one, other in pairs}
    return Abilities(greetings=greetings, unasked=tuple(unasked)), others


def pattern_of(data: bytes) -> re.Pattern[bytes]:
    """What fits these bytes, also with other numbers in them."""
    return re.compile(with_any_numbers(data), re.DOTALL)


def pattern_of_both(one: bytes, other: bytes) -> re.Pattern[bytes]:
    """What fits two messages that differ in a word, such as an id, also with another word there.

    If no word is the same, or more is different, it fits the first one as `pattern_of` does.
    """
    words, others = WORD.split(one), WORD.split(other)
    same = {word for word in words[1::2] if len(word) >= SHORTEST_WORD} & set(others[1::2])
    if not same or words[::2] != others[::2]:
        return pattern_of(one)
    pairs = zip(words, others, strict=True)
    return re.compile(b"".join(pattern_of_word(*pair) for pair in pairs), re.DOTALL)


def pattern_of_word(one: bytes, other: bytes) -> bytes:
    """For a word that is not the same in both, any word of about the same length."""
    shortest, longest = sorted((len(one), len(other)))
    if one == other:
        return with_any_numbers(one)
    return rb"[\w-]{%d,%d}" % (shortest // 2, 2 * longest)


def with_any_numbers(data: bytes) -> bytes:
    return rb"[0-9]+".join(map(re.escape, re.split(rb"[0-9]+", data)))


def remarks_on(unasked: list[Message]) -> tuple[str, ...]:
    if not unasked:
        return ()
    what = "messages that it sends by itself, such as"
    return (f"{what} {unasked[0]}, are left out of what is compared",)


def look(
    target: Target,
    abilities: Abilities,
    steps: tuple[Step, ...],
    best: Outcome = OPENS,
    opening: Opening = VALID,
) -> Seen:
    """What is seen of one connection."""
    return observed(run(case_of(steps, best, opening), target, abilities))


def observed(result: Result) -> Seen:
    return Seen(problem=result.seen) if result.observed is None else result.observed


def case_of(steps: tuple[Step, ...], best: Outcome, opening: Opening) -> Case:
    return Case("1.1-survey", "", "", best, steps=steps, opening=opening)
