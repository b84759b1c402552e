"""A result -> what a mistake is recognised by: the bytes of both sides, explained.

The explanation is the one of `refws explain`. So a frame that no endpoint may send has its hint,
and of what the case sends it is known which rule it breaks on purpose, if it breaks one.
"""

from __future__ import annotations

from collections.abc import Callable, Iterable, Iterator
from dataclasses import dataclass
from itertools import takewhile
from typing import Any

from ...course.explain.conversation import Conversation
from ...course.explain.values import (
    FrameExplanation,
    HeadExplanation,
    Illegal,
    Item,
    Legal,
    NotRead,
)
from ...protocol.errors import Violation
from ...protocol.frame import CLOSE, Side
from ...protocol.http import ascii_lower
from ..engine import Result
from ..outcomes import AnyOf, Outcome
from ..seen import End, Message, Seen

STREAM = (
    "one recv may return a part of it, or more: keep what was received in a buffer, take from it "
    "only what is whole, and leave the rest for the next time"
)
LENGTH = (
    "after 126 the length is in the next 2 bytes, after 127 in the next 8, the most significant "
    "byte first (§5.2)"
)


@dataclass(frozen=True, slots=True)
class Clues:
    """`sent` are our frames, `answered` the endpoint's. `rule` is the first that we break, or None.

    `messages`, `pongs` and `codes` are the ones of the best outcome, () where it has none.
    """

    result: Result
    seen: Seen
    request: HeadExplanation | None
    response: HeadExplanation | None
    sent: tuple[FrameExplanation, ...]
    answered: tuple[FrameExplanation, ...]
    rule: Violation | None
    messages: tuple[Message, ...]
    pongs: tuple[bytes, ...]
    codes: tuple[int, ...]

    @property
    def is_legal(self) -> bool:
        """Whether all that was sent is legal."""
        return self.rule is None

    @property
    def code(self) -> int | None:
        """The code of the endpoint's Close, None without a Close."""
        return None if self.seen.close is None else self.seen.close.code

    @property
    def illegal(self) -> FrameExplanation | None:
        """The endpoint's frame that is illegal, or that never becomes whole."""
        frames = (frame for frame in self.answered if not isinstance(frame.verdict, Legal))
        return next(frames, None)

    @property
    def repeats_the_fault(self) -> bool:
        """Whether the endpoint's frame breaks the rule that we have broken, as an echo does."""
        verdict = None if self.illegal is None else self.illegal.verdict
        if self.rule is None or not isinstance(verdict, Illegal):
            return False
        theirs, ours = verdict.violation, self.rule
        return (theirs.section, theirs.expected) == (ours.section, ours.expected)

    def has_sent(self, *opcodes: int) -> bool:
        """Whether we have sent a frame with one of these opcodes."""
        return any(frame.header.opcode in opcodes for frame in self.sent)

    @property
    def has_answered_more(self) -> bool:
        """Whether more messages or Pongs came back than should."""
        return self.has_more_messages or self.has_more_pongs

    @property
    def has_more_pongs(self) -> bool:
        return len(self.seen.pongs) > len(self.pongs)

    @property
    def has_more_messages(self) -> bool:
        return len(self.seen.messages) > len(self.messages)

    @property
    def waits(self) -> bool:
        """Whether neither a Close nor the end of TCP has come."""
        return self.seen.close is None and self.seen.end is End.OPEN

    @property
    def just_ended(self) -> bool:
        """Whether TCP has ended without a Close."""
        return self.seen.close is None and self.seen.end is not End.OPEN

    @property
    def right_messages(self) -> int:
        """How many messages came back as they should, before the first one that did not."""
        pairs = takewhile(lambda pair: pair[0] == pair[1], self.pairs())
        return sum(1 for _ in pairs)

    def has_echoed(self) -> bool:
        """Whether the messages came back as they should."""
        return tuple(self.seen.messages) == self.messages

    def has_all(self) -> bool:
        """Whether the Pongs came as they should, too: what is wrong then is about the Close."""
        return self.has_echoed() and tuple(self.seen.pongs) == self.pongs

    @property
    def sent_close(self) -> int | None:
        """The code of our first Close, NO_STATUS_RCVD if it is empty; None without a legal one."""
        closes = (frame.close for frame in self.sent if frame.close is not None)
        return next((int(close.code) for close in closes), None)

    def frames_and_messages(self) -> Iterator[tuple[FrameExplanation, Message]]:
        """Each data frame of the endpoint, with the message that it should carry."""
        frames = [frame for frame in self.answered if frame.header.opcode < CLOSE]
        return zip(frames, self.messages, strict=False)

    def pairs(self) -> Iterator[tuple[Message, Message]]:
        """Each message that came back, with the one that should have come."""
        return zip(self.seen.messages, self.messages, strict=False)

    def header_names(self) -> set[str]:
        """The names of headers in the request, as they were sent."""
        return {name for name, _ in self._fields()}

    def values(self, name: str) -> list[str]:
        """The values of this header in the request."""
        return [value.strip() for value in self.raw_values(name)]

    def raw_values(self, name: str) -> list[str]:
        """The same with the white space around them, which is no part of a value."""
        wanted = ascii_lower(name)
        return [value for field, value in self._fields() if ascii_lower(field) == wanted]

    def _fields(self) -> Iterator[tuple[str, str]]:
        for line in () if self.request is None else self.request.lines[1:]:
            name, _, value = line.text.partition(":")
            yield name, value


def find_clues(result: Result, seen: Seen, us: Side = Side.CLIENT) -> Clues:
    """`us` is the side that the case plays."""
    items = explained(result)
    heads = {item.sender: item for item in items if isinstance(item, HeadExplanation)}
    frames = [item for item in items if isinstance(item, FrameExplanation)]
    best = result.case.best
    return Clues(
        result,
        seen,
        request=heads.get(Side.CLIENT),
        response=heads.get(Side.SERVER),
        sent=tuple(frame for frame in frames if frame.sender is us),
        answered=tuple(frame for frame in frames if frame.sender is us.peer),
        rule=find_rule(items, us),
        messages=part_of(best, "messages"),
        pongs=part_of(best, "payloads"),
        codes=part_of(best, "codes"),
    )


def part_of(outcome: Outcome, name: str) -> Any:
    """What the outcome, or the first of several that has such a thing, expects; () if none has."""
    outcomes = outcome.outcomes if isinstance(outcome, AnyOf) else (outcome,)
    found = (getattr(each, name) for each in outcomes if hasattr(each, name))
    return next(found, ())


def explained(result: Result) -> list[Item]:
    """What crossed, up to the first broken rule of each side."""
    conversation = Conversation(at_handshake=True, keep_going=False)
    items = [item for part in result.crossed for item in conversation.feed(part.sender, part.data)]
    return [*items, *conversation.finish()]


def hint_of(item: HeadExplanation | FrameExplanation) -> str:
    """What `explain` says of something that is not legal; "" if it knows no mistake like that.

    Without what is for a person who has only bytes: who sent them, and the options of `explain`.
    """
    hint = item.verdict.hint.partition("; or did ")[0].removesuffix(" (--deflate)")
    what = f"{item.name} frame" if isinstance(item, FrameExplanation) else "request"
    return f"its {what}: {hint}" if hint else ""


def as_sentence(found: str) -> str:
    return f"{found[:1].upper()}{found[1:]}{'' if found.endswith('?') else '.'}" if found else ""


def find_rule(items: Iterable[Item], us: Side = Side.CLIENT) -> Violation | None:
    """The first rule that our side breaks."""
    ours = (item for item in items if item.sender is us)
    verdicts = (item.verdict for item in ours if not isinstance(item, NotRead))
    return next((each.violation for each in verdicts if isinstance(each, Illegal)), None)


Recogniser = Callable[[Clues], str]
"""What to say about the mistake, "" if it is another one."""


def when(condition: Callable[[Clues], bool], text: str) -> Recogniser:
    return lambda clues: text if condition(clues) else ""
