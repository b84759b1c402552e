"""RFC 6455 §5.2: frames, messages, situations and verdicts in words, each as long as one line.

Only printable characters of a peer's bytes are in them: others could move the cursor of a terminal,
or change what it shows.
"""

from __future__ import annotations

from collections.abc import Iterator

from ...protocol.close_codes import CloseCode
from ...protocol.frame import BINARY, TEXT, is_control
from ..explain.header_fields import opcode_name
from ..explain.values import (
    CutOff,
    FrameExplanation,
    Illegal,
    OpenMessage,
    Situation,
    Unjudged,
    Verdict,
    WholeMessage,
)
from .characters import count, cut_escaped, escape_words, quoted, spaced

PAYLOAD_SHOWN = 48
"""The most columns of payload in quotes."""

HEX_SHOWN = 16
"""The most bytes of payload in hex."""


def frame_words(frame: FrameExplanation) -> str:
    """A frame in a few words: type, flags, length, content."""
    if len(frame.header_bytes) < 2:
        return "part of a frame"
    header = frame.header
    flags = "".join(f" {name}" for name, bit in _flags(frame) if bit)
    return f"{frame.name}{flags} {header.payload_length}{_content_words(frame)}"


def _content_words(frame: FrameExplanation) -> str:
    """What follows the length; a colon keeps that from being taken for the first byte."""
    if frame.close is not None:
        reason = f" {quoted(frame.close.reason, 30)}" if frame.close.reason else ""
        return f" {frame.close.code}{reason}"
    text = frame.text
    if text is None and is_control(frame.header.opcode):
        text = frame.plain_start.decode(errors="replace")
    if text:
        return f" {quoted(text, 30, len(frame.content_start) < frame.content_length)}"
    if frame.kind in (TEXT, BINARY) and frame.content_start:
        return f": {spaced(frame.content_start[:8])}{'...' if frame.content_length > 8 else ''}"
    return ""


def _flags(frame: FrameExplanation) -> tuple[tuple[str, bool], ...]:
    header = frame.header
    return (
        ("FIN", header.fin),
        ("RSV1", header.rsv1),
        ("RSV2", header.rsv2),
        ("RSV3", header.rsv3),
        ("masked", header.masked),
    )


def message_words(message: WholeMessage, columns: int) -> str:
    """A message of several frames: type, size, and the start of its content."""
    more = len(message.start) < message.length
    if message.text is None:
        content = bytes_shown(message.start, message.length)
    else:
        content = cut_escaped(message.text, columns, more)
    size = f"{count(message.length)}, {message.fragments} frames"
    return f"message: {opcode_name(message.opcode)}, {size}: {content}".rstrip()


def bytes_shown(start: bytes, length: int) -> str:
    return spaced(start[:HEX_SHOWN]) + ("..." if length > HEX_SHOWN else "")


def situation_words(situation: Situation) -> str:
    message = "no message open" if situation.message is None else _open_message(situation.message)
    closed = ", ".join(f"the {side.value} has sent a Close" for side in situation.closed_by)
    return ", ".join(filter(None, (situation.state.value, message, closed)))


def _open_message(message: OpenMessage) -> str:
    kind = f"{'compressed ' if message.compressed else ''}{opcode_name(message.opcode)}"
    frames = "1 frame" if message.fragments == 1 else f"{message.fragments} frames"
    return f"a {kind} message open ({frames}, {count(message.length)})"


def verdict_lines(verdict: Verdict) -> Iterator[tuple[str, str]]:
    """The lines of a verdict: each a label and words, which may quote a peer."""
    if isinstance(verdict, Illegal):
        violation = verdict.violation
        where = "" if verdict.offset is None else f", at byte {verdict.offset}"
        yield "VIOLATION", f"{violation.section}{where}: {violation.seen}"
        yield "expected", violation.expected
        if verdict.code is not None:
            yield "answered with", _code_words(verdict.code)
    elif isinstance(verdict, CutOff):
        yield "CUT OFF", verdict.seen
        yield "expected", verdict.expected
    elif isinstance(verdict, Unjudged):
        yield "NOT JUDGED", verdict.why
    else:
        yield "LEGAL", "no rule is broken"
    if verdict.hint:
        yield "hint", verdict.hint


def _code_words(code: int) -> str:
    return (
        f"Close {code} {CloseCode(code).name}"
        if code in tuple(CloseCode)
        else f"HTTP status {code}"
    )


def short_verdict(verdict: Verdict) -> str:
    """A verdict in a few words."""
    if isinstance(verdict, Illegal):
        return f"VIOLATION {verdict.violation.section}: {escape_words(verdict.violation.seen)}"
    if isinstance(verdict, CutOff):
        return f"CUT OFF: {verdict.seen}"
    if isinstance(verdict, Unjudged):
        return "not judged"
    return "legal"
