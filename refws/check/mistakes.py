"""A result that is not passed -> the well-known mistake that it looks like, and what to do.

`AFTER_THE_101` is the table of mistakes after the opening handshake, each with how it is seen.
The first one that is recognised is named: so a special one is before a general one.
"""

from __future__ import annotations

from functools import lru_cache

from ..course.explain.values import SHOWN, CutOff, FrameExplanation, Illegal
from ..protocol.close_codes import CloseCode
from ..protocol.frame import BINARY, CLOSE, CONT, MAX_LENGTH_7, MAX_LENGTH_16, PING, PONG, TEXT
from .case import Drip, Pause
from .clues import STREAM, Clues, Recogniser, as_sentence, find_clues, hint_of, when
from .control_mistakes import (
    NO_CODE,
    has_other_pongs,
    is_left_open,
    mixes_pongs_up,
    other_close,
    outlasts_the_client,
    refuses_the_close,
    sends_after_close,
)
from .deflate_mistakes import compresses_wrongly, declines_the_offer, inflates_wrongly
from .engine import Grade, Result
from .opening_mistakes import AT_THE_101, ON_HEADERS, other_refusal
from .outcomes import FAILURES, OF_A_LIMIT, Fails, Opens
from .seen import End

LENGTH = (
    "after 126 the length is in the next 2 bytes, after 127 in the next 8, the most significant "
    "byte first (§5.2)"
)

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
    seen = clues.seen
    goes_on = seen.went_on or seen.violation or clues.has_answered_more
    return not clues.is_legal and seen.close is None and not goes_on and seen.end is not End.OPEN


def other_code(clues: Clues) -> str:
    if clues.rule is None or clues.code is None or clues.code in clues.codes or not clues.codes:
        return ""
    instead = "but the Close has none" if clues.code == NO_CODE else f"not {clues.code}"
    return f"the code for {clues.rule.seen} is {int(clues.codes[0])}, {instead} (§7.4.1)"


# Legal messages


def is_other_kind(clues: Clues) -> bool:
    return any(got.data == wanted.data and got != wanted for got, wanted in clues.pairs())


def loses_fragments(clues: Clues) -> bool:
    between = clues.has_sent(CONT) and clues.has_sent(PING, PONG)
    return clues.is_legal and between and clues.right_messages < len(clues.messages)


def answers_control(clues: Clues) -> bool:
    """Whether the payload of a control frame came back in a message."""
    control = [frame for frame in clues.sent if frame.header.opcode >= CLOSE]
    ours = {frame.plain_start for frame in control} - {b""}
    frame = clues.illegal
    if (
        frame is not None
        and frame.header.opcode < CLOSE
        and any(frame.repeats(each.plain_start, each.header.payload_length) for each in control)
    ):
        return True
    wrong = (message.data for message in clues.seen.messages if message not in clues.messages)
    return any(data in ours for data in wrong)


def answers_fragments(clues: Clues) -> bool:
    """Whether the payload of a fragment came back by itself, in a frame of any kind."""
    data = [frame for frame in clues.sent if frame.header.opcode < CLOSE]
    size = sum(frame.header.payload_length for frame in data)
    fragments = [frame for frame in data if not frame.header.fin or frame.header.opcode == CONT]
    parts = [as_part(frame) for frame in fragments if frame.header.payload_length < size]
    is_taken = not clues.is_legal and clues.seen.went_on and len(clues.seen.messages) == 1
    if not parts or is_taken:
        return False
    if repeats_a_fragment(clues, parts):
        return True
    right = [message.data for message in clues.messages]
    wrong = [message.data for message in clues.seen.messages if message.data not in right]
    return bool(wrong) and (len(wrong[0]), wrong[0][:SHOWN]) in parts


def as_part(frame: FrameExplanation) -> tuple[int, bytes]:
    """The length and the first bytes of its payload."""
    return frame.header.payload_length, frame.plain_start


def repeats_a_fragment(clues: Clues, parts: list[tuple[int, bytes]]) -> bool:
    """Whether the frame that is illegal is a fragment that was sent back as it was."""
    frame = clues.illegal
    if frame is None or frame.header.opcode >= CLOSE or as_part(frame) not in parts:
        return False
    return bool(frame.plain_start) or frame.header.opcode == CONT


def decodes_binary(clues: Clues) -> bool:
    """Whether bytes that are no text, in a binary message, ended the connection."""
    missing = clues.messages[clues.right_messages :][:1]
    ended = clues.seen.end is not End.OPEN and clues.seen.close is None
    is_binary = clues.is_legal and any(message.opcode == BINARY for message in missing)
    crashed = ended and not any(is_utf8(message.data) for message in missing)
    return is_binary and (clues.code == CloseCode.INVALID_DATA or crashed)


def decodes_control(clues: Clues) -> bool:
    """Whether a Ping or Pong that is no text ended the connection."""
    control = [frame for frame in clues.sent if frame.header.opcode in (PING, PONG)]
    ended = clues.seen.end is not End.OPEN and clues.seen.close is None
    not_text = any(not is_utf8(frame.plain_start) for frame in control)
    return clues.is_legal and not_text and (clues.code == CloseCode.INVALID_DATA or ended)


def refuses_text(clues: Clues) -> bool:
    """Whether text with other characters than the ones of every alphabet was taken for wrong."""
    refused = clues.is_legal and clues.code == CloseCode.INVALID_DATA
    return refused and not all(is_plain(message.data) for message in clues.messages)


def alters_text(clues: Clues) -> bool:
    pairs = [(got.data, wanted.data) for got, wanted in clues.pairs() if wanted.opcode == TEXT]
    return clues.is_legal and any(got != wanted and not is_plain(wanted) for got, wanted in pairs)


def loses_the_end(clues: Clues) -> bool:
    """Whether a message came back that is only the start of the right one."""
    pairs = [(got.data, wanted.data) for got, wanted in clues.pairs()]
    shorter = any(got != wanted and wanted.startswith(got) for got, wanted in pairs if got)
    return clues.is_legal and shorter


def is_plain(data: bytes) -> bool:
    """Whether these are letters, digits and signs of ASCII only."""
    return data.isascii() and data.decode().isprintable()


def drops_what_is_empty(clues: Clues) -> bool:
    empty = any(not frame.header.payload_length for frame in clues.sent if frame.kind < CLOSE)
    empty = empty or any(not message.data for message in clues.messages)
    missing = len(clues.seen.messages) < len(clues.messages) and clues.code not in FAILURES
    return clues.is_legal and empty and missing


def is_garbled(clues: Clues) -> bool:
    pairs = [(got.data, wanted.data) for got, wanted in clues.pairs()]
    garbled = any(len(got) == len(wanted) and got != wanted for got, wanted in pairs)
    not_text = clues.code == CloseCode.INVALID_DATA
    return clues.is_legal and (garbled or (not_text and not clues.seen.seconds))


def cuts_characters(clues: Clues) -> bool:
    seen, parts = clues.seen, [frame for frame in clues.sent if frame.kind == TEXT]
    if not clues.is_legal or not clues.has_sent(CONT):
        return False
    ended = seen.end is not End.OPEN and seen.close is None and not seen.messages
    cut = any(not is_utf8(frame.plain_start) for frame in parts if frame.payload_received <= SHOWN)
    return cut and (ended or clues.code == CloseCode.INVALID_DATA)


def is_utf8(data: bytes) -> bool:
    return "\ufffd" not in data.decode(errors="replace")


def adds_what_was_left(clues: Clues) -> bool:
    """Whether the right message came, after bytes of an earlier one."""
    pairs = [(got.data, wanted.data) for got, wanted in clues.pairs()]
    return any(len(got) > len(wanted) > 0 and got.endswith(wanted) for got, wanted in pairs)


def is_too_long(clues: Clues) -> bool:
    """Whether a message for which 1009 is the code of a refusal was refused in another way."""
    refused = clues.code is not None or clues.seen.end is not End.OPEN
    expected = CloseCode.MESSAGE_TOO_BIG in clues.codes and clues.code not in clues.codes
    return clues.is_legal and refused and expected and not clues.seen.messages


def waits_for_too_much(clues: Clues) -> bool:
    """Whether a length that fits no memory is no reason for the program to refuse anything."""
    fails = isinstance(clues.result.case.best, Fails)
    return clues.is_legal and fails and clues.code is None and clues.seen.end is End.OPEN


def loses_what_is_early(clues: Clues) -> bool:
    early = bool(clues.result.case.opening.after)
    missing = clues.right_messages < len(clues.messages) or len(clues.seen.pongs) < len(clues.pongs)
    return clues.is_legal and early and missing


def fails_what_is_legal(clues: Clues) -> str:
    if not clues.is_legal or clues.code not in FAILURES:
        return ""
    lengths = [frame.header.payload_length for frame in clues.sent]
    what = "look for the line that fails the connection with this code"
    if clues.code in OF_A_LIMIT and clues.result.grade is Grade.WEAK:
        what = "if that is a limit of the program, take more frames for a message (§10.4)"
    elif clues.has_sent(CONT):
        what = "a frame with opcode 0 continues the message whose first frame had FIN 0 (§5.4)"
    elif clues.has_sent(PONG):
        what = "a Pong that answers no Ping is to be ignored (§5.5.3)"
    elif max(lengths, default=0) > MAX_LENGTH_7:
        what = LENGTH
    return f"the program sends Close {clues.code} after frames that are legal: {what}"


def loses_messages(clues: Clues) -> str:
    case, got = clues.result.case, clues.seen.messages
    if not clues.is_legal or len(got) >= len(clues.messages):
        return ""
    if any(isinstance(step, Drip | Pause) for step in case.steps):
        return f"a frame may arrive in parts: {STREAM}"
    is_long = any(frame.header.payload_length > MAX_LENGTH_7 for frame in clues.sent)
    if is_long and clues.result.grade is not Grade.WEAK:
        return f"a long frame is not read as it should be: {LENGTH}"
    return f"several frames may arrive at once: {STREAM}" if len(clues.sent) > 2 else ""


# What never comes


def has_ended(clues: Clues) -> bool:
    """Whether TCP ended without a Close, and before all came."""
    ended = clues.seen.end is not End.OPEN and clues.seen.close is None
    return clues.is_legal and ended and not clues.has_all()


def is_silent(clues: Clues) -> bool:
    """Whether something never came, and nothing else instead."""
    waits = clues.seen.end is End.OPEN and clues.seen.close is None
    return clues.is_legal and waits and not clues.seen.violation and not clues.has_all()


def answers_a_part(clues: Clues) -> bool:
    begun = any(isinstance(frame.verdict, CutOff) for frame in clues.sent)
    return begun and clues.has_answered_more


AS_MESSAGES: tuple[Recogniser, ...] = (
    when(
        answers_control,
        "a control frame was answered as a message: look at the opcode, 8 is a Close, 9 a Ping, "
        "and 10 a Pong (§5.5)",
    ),
    when(
        answers_fragments,
        "a fragment was answered as a message: collect the payloads up to the frame with FIN 1, "
        "and answer all of them once (§5.4)",
    ),
)
"""What is no message was answered as one."""

ON_BYTES: tuple[Recogniser, ...] = (
    when(
        decodes_binary,
        "a binary message is made of any bytes: do not decode it, and do not check it (§5.6)",
    ),
    when(
        decodes_control,
        "the payload of a Ping or Pong is made of any bytes: do not decode it (§5.5.2, §5.5.3)",
    ),
)

ON_CUT_TEXT: Recogniser = when(
    cuts_characters,
    "a character may begin in one fragment and end in the next: check the text of the whole "
    "message, or use one incremental decoder for all its fragments (§5.6)",
)

ON_TEXT: tuple[Recogniser, ...] = (
    when(
        refuses_text,
        "this text is UTF-8: its characters have 1 to 4 bytes, and U+0000, noncharacters and "
        "U+FEFF are among them (§5.6)",
    ),
    when(
        alters_text,
        "send the bytes of a text back as they are: without stripping, normalizing or another "
        "line end, and with the U+FEFF and U+0000 in it (§5.6)",
    ),
)

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
    when(
        ends_without_close,
        "send a Close with a code before you end TCP, so that the peer learns why (§7.1.7)",
    ),
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
    when(
        loses_fragments,
        "a control frame may be between fragments: answer it, and keep the fragments (§5.4)",
    ),
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
        lambda clues: clues.is_legal and len(clues.seen.messages) > len(clues.messages),
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
