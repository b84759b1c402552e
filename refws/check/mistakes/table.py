"""A result that is not passed -> the well-known mistake that it looks like, and what to do.

`AFTER_THE_101` is the table of mistakes after the opening handshake, each with how it is seen.
The first one that is recognised is named: so a special one is before a general one.
"""

from __future__ import annotations

from functools import lru_cache

from ...course.explain.values import Illegal
from ...protocol.frame import CLOSE, MAX_LENGTH_7, MAX_LENGTH_16, PING, PONG
from ..engine import Grade, Result
from ..outcomes import FAILURES, Opens
from ..seen import End
from .clues import LENGTH, STREAM, Clues, Recogniser, as_sentence, find_clues, hint_of, when
from .control import (
    NO_CODE,
    answers_a_part,
    has_ended,
    has_other_pongs,
    is_left_open,
    is_silent,
    mixes_pongs_up,
    other_close,
    outlasts_the_client,
    refuses_the_close,
    sends_after_close,
)
from .deflate import compresses_wrongly, declines_the_offer, inflates_wrongly
from .messages import (
    AS_MESSAGES,
    KEEP_FRAGMENTS,
    ON_BYTES,
    ON_CUT_TEXT,
    ON_TEXT,
    adds_what_was_left,
    drops_what_is_empty,
    fails_what_is_legal,
    is_garbled,
    is_other_kind,
    is_too_long,
    loses_fragments,
    loses_messages,
    loses_the_end,
    loses_what_is_early,
    waits_for_too_much,
)
from .opening import AT_THE_101, ON_HEADERS, other_refusal

SEND_A_CLOSE = "send a Close with a code before you end TCP, so that the peer learns why (§7.1.7)"

Cause = tuple[object, ...]

MANY_RESULTS = 1024
"""Results whose explanations are kept: several reports show them."""


def find_mistake(result: Result) -> str:
    """A sentence that names the likely mistake and what to do about it; "" if none is known."""
    return recognised(result)[1]


def find_cause(result: Result) -> Cause:
    """The same for all results that one change of the program is likely to mend; () if unknown."""
    return recognised(result)[0]


@lru_cache(MANY_RESULTS)
def recognised(result: Result) -> tuple[Cause, str]:
    if result.grade in (Grade.PASS, Grade.SKIPPED) or result.observed is None:
        return (), ""
    clues = find_clues(result, result.observed)
    recognisers = AT_THE_101 if result.observed.agreement is None else AFTER_THE_101
    for recognise in recognisers:
        if text := recognise(clues):
            return (recognise, *blamed(recognise, clues)), as_sentence(text)
    return (), ""


def blamed(recognise: Recogniser, clues: Clues) -> Cause:
    """The rule that the hint is about, if that is different from case to case."""
    verdict = None if clues.illegal is None else clues.illegal.verdict
    if recognise in (not_checked, other_code, other_refusal) and clues.rule is not None:
        return clues.rule.section, clues.rule.expected
    if recognise in (hint_of_explain, other_violation) and isinstance(verdict, Illegal):
        return verdict.violation.section, verdict.violation.expected
    return ()


# Frames that no endpoint may send


def wrong_length(clues: Clues) -> str:
    for frame, message in clues.frames_and_messages():
        wire, written, data = frame.header_bytes, frame.header.payload_length, message.data
        length, characters = len(data), len(data.decode(errors="replace"))
        if written == length or len(wire) < 2 or frame.compressed:
            continue
        if len(wire) > 2 and int.from_bytes(wire[2:], "little") == length:
            return f"the length {length} is written in little-endian: {LENGTH}"
        if wire[1] == length > MAX_LENGTH_7 and data.startswith(wire[2:]):
            return f"a length of {length} does not fit the 7 bits: from 126 on write 126; {LENGTH}"
        if length > MAX_LENGTH_16 and written == length % (MAX_LENGTH_16 + 1):
            return f"the length {length:,} does not fit 16 bits, and became {written}: {LENGTH}"
        if written == characters and data.startswith(frame.plain_start):
            return (
                f"the length of a frame counts bytes, here {length}, and not characters, here "
                f"{characters}: encode the text first (§5.2)"
            )
    return ""


def hint_of_explain(clues: Clues) -> str:
    """On the endpoint's own frame, unless its fault is the one that it was sent, and repeats."""
    if clues.illegal is None or clues.repeats_the_fault:
        return ""
    return hint_of(clues.illegal)


def other_violation(clues: Clues) -> str:
    """The same where `explain` knows no mistake like that."""
    frame = clues.illegal
    if frame is None or not isinstance(frame.verdict, Illegal) or clues.repeats_the_fault:
        return ""
    rule = frame.verdict.violation
    return f"its {frame.name} frame: {rule.seen}; {rule.section} expects {rule.expected}"


# A rule that is broken on purpose


def not_checked(clues: Clues) -> str:
    rule, faults = clues.rule, clues.request.faults if clues.request else ()
    if rule is None or (not faults and (fails(clues) or ends_without_close(clues))):
        return ""
    what = f"answer {int(faults[0].status)} then, no 101" if faults else "fail the connection then"
    return f"the program accepts this: {rule.seen}; {rule.section} expects {rule.expected}: {what}"


def fails(clues: Clues) -> bool:
    """Whether the program has failed the connection with a Close."""
    goes_on = clues.seen.went_on or clues.has_answered_more or clues.has_sent(CLOSE)
    return clues.code in FAILURES or (clues.code is not None and not goes_on)


def names_what_it_lacks(clues: Clues) -> str:
    """The 101 is valid, but agrees on something that no program knows."""
    response, best = clues.seen.response, clues.result.case.best
    if response is None or not isinstance(best, Opens):
        return ""
    if best.without in response.headers and best.without in ON_HEADERS:
        return f"the 101 has {best.without}: {ON_HEADERS[best.without]} (§4.2.2)"
    for name in ("Sec-WebSocket-Protocol", "Sec-WebSocket-Extensions"):
        if name in response.headers:
            return f"the 101 repeats {name} of the request: {ON_HEADERS[name]} (§4.2.2)"
    return ""


def notices_late(clues: Clues) -> bool:
    rule, is_weak = clues.rule, clues.result.grade is Grade.WEAK
    return is_weak and rule is not None and rule.section == "§8.1" and clues.code is None


def ends_without_close(clues: Clues) -> bool:
    goes_on = clues.seen.went_on or clues.seen.violation or clues.has_answered_more
    return not clues.is_legal and clues.just_ended and not goes_on


def other_code(clues: Clues) -> str:
    if clues.rule is None or clues.code is None or clues.code in clues.codes or not clues.codes:
        return ""
    instead = "but the Close has none" if clues.code == NO_CODE else f"not {clues.code}"
    return f"the code for {clues.rule.seen} is {int(clues.codes[0])}, {instead} (§7.4.1)"


AFTER_THE_101: tuple[Recogniser, ...] = (
    when(
        sends_after_close,
        "the program sends on after its Close: leave the loop that answers messages (§5.5.1)",
    ),
    *AS_MESSAGES,
    wrong_length,
    hint_of_explain,
    compresses_wrongly,
    other_violation,
    names_what_it_lacks,
    declines_the_offer,
    when(
        lambda clues: notices_late(clues) and clues.seen.end is End.OPEN,
        "bad text is noticed only when the message is whole: check each part as it arrives, with "
        "an incremental decoder (§8.1)",
    ),
    not_checked,
    when(ends_without_close, SEND_A_CLOSE),
    other_code,
    refuses_the_close,
    when(
        is_too_long,
        f"what is too long for the program is refused with 1009 (§7.4.1); if it is not: {LENGTH}",
    ),
    when(
        waits_for_too_much,
        "look at the length before you wait for the payload: what is too long is refused with "
        "1009 (§10.4, §7.4.1)",
    ),
    when(
        is_other_kind,
        "answer a message with its own opcode: 1 for text, 2 for binary (§5.6)",
    ),
    *ON_BYTES,
    inflates_wrongly,
    ON_CUT_TEXT,
    when(
        adds_what_was_left,
        "bytes that an earlier message has left are before this one: keep the payloads of "
        "fragments in a variable of the connection, no global one, and empty it at a new message",
    ),
    when(loses_fragments, KEEP_FRAGMENTS),
    *ON_TEXT,
    when(
        loses_the_end,
        "the end of the message is missing: read as many bytes as the length says, of each "
        "fragment up to the one with FIN 1, before you answer (§5.2, §5.4)",
    ),
    when(
        is_garbled,
        "the payload is unmasked with the wrong bytes: byte i goes with byte i % 4 of the key, and "
        "i counts from the start of the payload, also if that arrives in parts (§5.3)",
    ),
    when(
        loses_what_is_early,
        f"frames may arrive together with the end of the request: {STREAM}",
    ),
    fails_what_is_legal,
    when(
        drops_what_is_empty,
        "a frame may have no payload, and a message too: it counts nevertheless, with its opcode "
        "and its FIN (§5.2, §5.4)",
    ),
    loses_messages,
    when(
        lambda clues: clues.is_legal and clues.has_more_messages,
        "more messages came back than were sent: send each one once, and keep nothing of another "
        "message or connection in a global variable",
    ),
    when(
        mixes_pongs_up,
        "Pings are answered in the order in which they arrive (§5.5.3)",
    ),
    when(
        lambda clues: has_other_pongs(clues) and clues.has_sent(PONG),
        "only a Ping is answered with a Pong: do nothing about a Pong (§5.5.3)",
    ),
    when(
        lambda clues: has_other_pongs(clues) and len(clues.seen.pongs) == len(clues.pongs),
        "a Pong has the payload of its Ping: copy all its bytes (§5.5.3)",
    ),
    when(
        lambda clues: clues.is_legal and clues.has_more_pongs,
        "more Pongs came than Pings were sent: send one for each (§5.5.3)",
    ),
    when(
        lambda clues: has_ended(clues) and not clues.has_sent(PING),
        "the program ended the connection after frames that are legal: look for an error in what "
        "it has printed",
    ),
    when(
        has_other_pongs,
        "each Ping is answered with a Pong: send one as soon as the Ping is read (§5.5.2)",
    ),
    when(
        lambda clues: clues.is_legal and clues.seen.is_stuck and clues.has_all(),
        "the last answer came only after the next frame: take all whole frames from the buffer "
        "before you wait for more bytes (§5.2)",
    ),
    when(
        outlasts_the_client,
        "at the end of TCP a read returns no byte: leave the loop then, and close the socket "
        "(§7.1.4)",
    ),
    when(
        is_silent,
        "the program sends no answer in time: look where it waits, or give it longer with "
        "--timeout",
    ),
    when(
        lambda clues: clues.is_legal and clues.code is None and clues.has_sent(CLOSE),
        "a Close is answered with a Close: send it before you close the socket (§5.5.1)",
    ),
    other_close,
    when(
        answers_a_part,
        "at the end of TCP a read returns less than was asked for: compare its length, and drop "
        "what will never be whole (§7.1.4)",
    ),
    when(
        is_left_open,
        "when both sides have sent a Close, the server ends TCP: close the socket (§7.1.1)",
    ),
    when(
        lambda clues: clues.code is not None and clues.seen.end is End.RESET,
        "TCP was reset, because the socket was closed with bytes unread: shut down its sending "
        "side, read until the end, and close it then (§7.1.1)",
    ),
)
