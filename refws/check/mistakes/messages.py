"""RFC 6455 §5.4, §5.6, §10.4: mistakes with messages that are legal.

A recogniser says what to do, "" if the mistake is another one; a predicate is for the table.
"""

from __future__ import annotations

from ...course.explain.values import SHOWN, FrameExplanation
from ...protocol.close_codes import CloseCode
from ...protocol.frame import BINARY, CLOSE, CONT, MAX_LENGTH_7, PING, PONG, TEXT
from ..case import Drip, Pause
from ..engine import Grade
from ..outcomes import FAILURES, OF_A_LIMIT, Fails
from ..seen import End
from .clues import LENGTH, STREAM, Clues, Recogniser, when


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
    is_binary = clues.is_legal and any(message.opcode == BINARY for message in missing)
    crashed = clues.just_ended and not any(is_utf8(message.data) for message in missing)
    return is_binary and (clues.code == CloseCode.INVALID_DATA or crashed)


def decodes_control(clues: Clues) -> bool:
    """Whether a Ping or Pong that is no text ended the connection."""
    control = [frame for frame in clues.sent if frame.header.opcode in (PING, PONG)]
    not_text = any(not is_utf8(frame.plain_start) for frame in control)
    failed = clues.code == CloseCode.INVALID_DATA or clues.just_ended
    return clues.is_legal and not_text and failed


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
    parts = [frame for frame in clues.sent if frame.kind == TEXT]
    if not clues.is_legal or not clues.has_sent(CONT):
        return False
    ended = clues.just_ended and not clues.seen.messages
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


KEEP_FRAGMENTS = (
    "a control frame may be between fragments: answer it, and keep the fragments (§5.4)"
)

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
