"""RFC 6455 §5.5, §7: mistakes with Ping, Pong and Close, and with the end of TCP.

A recogniser says what to do, "" if the mistake is another one; a predicate is for the table.
"""

from __future__ import annotations

from ...course.explain.values import CutOff
from ...protocol.close_codes import CloseCode
from ...protocol.frame import CLOSE, PING, PONG
from ..case import HalfClose
from ..outcomes import FAILURES
from ..seen import End
from .clues import Clues

NO_CODE = CloseCode.NO_STATUS_RCVD

ALLOWED_CODES = "1000 to 1003, 1007 to 1014 and 3000 to 4999"


def sends_after_close(clues: Clues) -> bool:
    more = clues.has_more_pongs and clues.has_sent(CLOSE) and not clues.has_sent(PING, PONG)
    return more or "after its Close" in clues.seen.violation


def refuses_the_close(clues: Clues) -> str:
    """On the answer to a legal Close, after all else came as it should."""
    sent = clues.sent_close
    refused = clues.is_legal and clues.has_all() and clues.code in FAILURES
    if not refused or sent in (None, clues.code):
        return ""
    what = "an empty Close" if sent == NO_CODE else f"a Close with code {sent}"
    return (
        f"the program answers {what}, which is legal, with {clues.code}: unmask its body as each "
        f"payload, read 2 bytes of it as the code, the most significant byte first, and the rest "
        f"as UTF-8; the codes {ALLOWED_CODES} are allowed, and so is no body (§5.5.1, §7.4)"
    )


def has_other_pongs(clues: Clues) -> bool:
    return clues.is_legal and tuple(clues.seen.pongs) != clues.pongs


def mixes_pongs_up(clues: Clues) -> bool:
    return has_other_pongs(clues) and sorted(clues.seen.pongs) == sorted(clues.pongs)


def outlasts_the_client(clues: Clues) -> bool:
    """Whether TCP stays open although the client has ended its direction."""
    half_closed = any(isinstance(step, HalfClose) for step in clues.result.case.steps)
    return half_closed and clues.waits and not clues.has_sent(CLOSE)


def is_left_open(clues: Clues) -> bool:
    waits = clues.result.case.best.waits_for_end
    return waits and clues.code is not None and clues.seen.end is End.OPEN


def has_ended(clues: Clues) -> bool:
    """Whether TCP ended without a Close, and before all came."""
    return clues.is_legal and clues.just_ended and not clues.has_all()


def is_silent(clues: Clues) -> bool:
    """Whether something never came, and nothing else instead."""
    silent = clues.waits and not clues.seen.violation
    return clues.is_legal and silent and not clues.has_all()


def answers_a_part(clues: Clues) -> bool:
    begun = any(isinstance(frame.verdict, CutOff) for frame in clues.sent)
    return begun and clues.has_answered_more


def other_close(clues: Clues) -> str:
    is_right = clues.code == clues.sent_close or clues.code in clues.codes
    if not clues.is_legal or clues.code is None or not clues.codes or is_right:
        return ""
    if clues.sent_close in (None, NO_CODE):
        return "answer an empty Close with an empty one, or with code 1000 (§5.5.1, §7.1.5)"
    return f"answer a Close with the code that is in it, {clues.sent_close} here (§5.5.1)"
