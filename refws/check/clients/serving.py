"""RFC 6455 §4.2.2: one connection of the client under test: a case answered, run and graded."""

from __future__ import annotations

from collections.abc import Set
from dataclasses import replace
from time import monotonic

from ...protocol.frame import PING, TEXT, Side, encode_frame
from ...protocol.http import Request
from ..case import Case, Drip, Need
from ..engine import PROBE, Abilities, Grade, Result, Run, grade
from ..link import Link
from ..opening import VALID
from ..outcomes import Ends
from ..reading import FrameReader
from ..seen import Message
from ..target import Target
from .answer import valid_answer
from .frames import GOOD_BYE
from .outcomes import Accepts, Shows, StaysOut
from .seen import MANY_MASKS, ClientSeen, abilities, missing

GREETING_TIME = 0.2
"""Seconds for which the first connection is listened to: some clients begin with a message."""

FINISH_TIME = 0.5
"""Seconds that a client has, at the end of a case, to end TCP after the server has."""

ANSWERED = frozenset({Need.ECHO, Need.BINARY, Need.LARGE})
"""What a client shows by the messages that it sends."""


FAREWELL = Case("7.1.2-farewell", "", "", Accepts(), steps=(GOOD_BYE,))
"""For a connection that needs no more than to be opened and closed."""


class ClientRun(Run):
    """A run against a client whose request has arrived. `target` is what it has connected to."""

    def __init__(
        self, case: Case, link: Link, seen: ClientSeen, request: Request, target: Target
    ) -> None:
        greetings = seen.history.greetings
        super().__init__(case, target, Abilities(greetings=greetings or ()), link, seen)
        self._knows_greetings = greetings is not None
        self._answer = valid_answer(request, case.opening.offer)
        self._client = seen

    def _open(self) -> None:
        """Send the answer; what the client sends before the end of it is too early (§4.1)."""
        seen, opening = self._client, self._case.opening
        head = opening.edited(self._answer.head)
        if opening.drip:
            self._do(Drip(head[:-1], opening.drip))
        self._do(head[-1:] if opening.drip else head)  # an answer to this is not early
        seen.agreement = self._answer.agreement
        self._frames = FrameReader(seen, Side.CLIENT)
        self._take(seen.early)
        if not self._knows_greetings and opening == VALID:
            self._learn_greetings()

    def _greets(self, message: Message) -> bool:
        """A client greets before it has anything to send back: with a number, or a time, in it.

        Where it should stay out, a greeting says that it does not.
        """
        best = self._case.best
        if isinstance(best, Ends | StaysOut):
            return False
        wanted = getattr(best, "messages", ())
        return message.opcode == self._greetings[0].opcode and message not in wanted

    def _learn_greetings(self) -> None:
        self._read_for(GREETING_TIME)
        self._client.history.note_greetings(self._client.messages)
        self._client.messages.clear()

    def _take_head(self, data: bytes) -> None:
        self._client.early += data

    def _probe(self) -> None:
        data = encode_frame(PING, PROBE) + encode_frame(TEXT, PROBE)
        self._link.send(data, self._target.timeout)


def run_case(case: Case, link: Link, seen: ClientSeen, target: Target) -> Result:
    """The result of the case on a connection whose request has been read.

    A case that the client cannot show is skipped; its connection is opened and closed. Blocks for
    some seconds at most. At its end the server has ended TCP.
    """
    started = monotonic()
    lacks = set() if seen.request is None else case.needs & missing(seen.request, seen.history)
    if seen.request is not None:
        ClientRun(FAREWELL if lacks else case, link, seen, seen.request, target).seen()
    link.finish(FINISH_TIME)
    result = judged(case, seen, monotonic() - started, link)
    needs = case.needs & ANSWERED if is_well(seen) else ()
    seen.history.note(seen, needs, Accepts().is_seen(seen))
    return skipped(result, lacks) if lacks else result


def skipped(result: Result, lacks: Set[Need]) -> Result:
    """The same result without a verdict; of several reasons it gives one."""
    reason = min(lacks, key=lambda need: need.name).value
    return replace(result, grade=Grade.SKIPPED, seen=reason)


def judged(case: Case, seen: ClientSeen, seconds: float, link: Link) -> Result:
    """The result; a client without a request that can be read fails, also if it then leaves."""
    words = str(seen)
    if isinstance(case.best, Shows) and not seen.problem:
        words = case.best.shown(seen)
    graded = Grade.FAIL if seen.problem else grade(case, seen)
    best, crossed = case.best.words, tuple(link.crossed)
    result = Result(case, graded, words, best, seconds, crossed, seen)
    lacks = case.needs & unshown(seen) if graded is Grade.FAIL and is_well(seen) else set()
    return skipped(result, lacks) if lacks else result


def is_well(seen: ClientSeen) -> bool:
    """Whether the client took the case in good order: then it lacks something, but breaks no rule.

    A client that waits for bytes that never come does not answer the Close.
    """
    return Accepts().is_seen(seen) and not seen.messages and not seen.is_unfinished


def unshown(seen: ClientSeen) -> set[Need]:
    """What the client has not shown on any connection, this one included."""
    shown = {*seen.history.shown, *abilities(seen.messages)}
    if len(seen.history.masks) + len(seen.keys) >= MANY_MASKS:
        shown.add(Need.MASKS)
    if len(seen.keys) > 1:
        shown.add(Need.FRAMES)
    return {*ANSWERED, Need.MASKS, Need.FRAMES} - shown
