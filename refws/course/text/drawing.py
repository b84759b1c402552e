"""RFC 6455 §5.2: an explained frame or head -> text for a terminal, as a block or as one line.

No line is wider than 80 columns. Only printable characters of a peer's bytes reach the terminal:
others could move its cursor, or change what it shows.
"""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass
from textwrap import wrap

from ...protocol.close_codes import CloseCode
from ...protocol.frame import BINARY, TEXT, Side, is_control
from ..explain.header_fields import Field, opcode_name
from ..explain.values import (
    AcceptSteps,
    CutOff,
    FrameExplanation,
    HeadExplanation,
    Illegal,
    Item,
    Legal,
    LineExplanation,
    NotRead,
    OpenMessage,
    Situation,
    Unjudged,
    Verdict,
)
from .characters import (
    WIDTH,
    count,
    cut,
    escape,
    escape_octets,
    escape_words,
    quoted,
    quoted_octets,
    spaced,
)
from .ruler import draw_ruler

PAYLOAD_SHOWN = 48
"""The most columns of payload in quotes."""

HEX_SHOWN = 16
"""The most bytes of payload in hex."""

ARROWS = {Side.CLIENT: "client -> server", Side.SERVER: "server -> client"}
SHORT_ARROWS = {Side.CLIENT: "->", Side.SERVER: "<-"}

BOLD, RED, GREEN, YELLOW, DIM = "1", "31", "32", "33", "2"
COLORS = {Legal: GREEN, Illegal: RED, Unjudged: DIM, CutOff: YELLOW}


@dataclass(frozen=True, slots=True)
class Style:
    """How to draw. `color` adds ANSI colours; the words alone say the same."""

    color: bool = False

    def paint(self, text: str, code: str) -> str:
        return f"\x1b[{code}m{text}\x1b[0m" if self.color and code else text


PLAIN = Style()


def draw(item: Item, style: Style = PLAIN) -> str:
    """The item as a block of lines, each at most 80 columns wide (escape codes do not count)."""
    if isinstance(item, FrameExplanation):
        return "\n".join(_frame(item, style))
    if isinstance(item, HeadExplanation):
        return "\n".join(_head(item, style))
    return "\n".join(_not_read(item, style))


def draw_line(item: Item, style: Style = PLAIN) -> str:
    """The item as one line of at most 80 columns: direction, name, flags, length, text, verdict."""
    if isinstance(item, FrameExplanation):
        words = f"{_frame_words(item)}  {_short_verdict(item.verdict)}"
    elif isinstance(item, HeadExplanation):
        words = f"{quoted_octets(item.lines[0].text, 40)}  {_short_verdict(item.verdict)}"
    else:
        words = f"{count(item.length)} not read, {item.why}"
    return style.paint(cut(f"{SHORT_ARROWS[item.sender]} {words}", WIDTH), _line_color(item))


def _line_color(item: Item) -> str:
    if isinstance(item, NotRead):
        return DIM
    return "" if isinstance(item.verdict, Legal) else COLORS[type(item.verdict)]


# A frame as a block


def _frame(frame: FrameExplanation, style: Style) -> Iterator[str]:
    title = f"{ARROWS[frame.sender]}, byte {frame.offset}: {_title(frame)}"
    yield style.paint(title, BOLD)
    yield from draw_ruler(frame)
    blamed = frame.verdict.violation.field if isinstance(frame.verdict, Illegal) else ""
    for field in frame.fields:
        color = RED if field.name == blamed else ""
        yield from (style.paint(line, color) if color else line for line in _field(field))
    yield from _xor(frame)
    yield from _payload(frame)
    yield from labelled("before", _situation(frame.before))
    yield from labelled("after", _situation(frame.after))
    if frame.after_failure:
        yield from labelled(
            "note", "the receiver has failed the connection before, and does not read this (§7.1.7)"
        )
    yield from _verdict(frame.verdict, style)


def _title(frame: FrameExplanation) -> str:
    if len(frame.header_bytes) < 2:
        return "part of a frame"
    return f"{frame.name} frame, {count(frame.header.payload_length)} of payload"


def _field(field: Field) -> Iterator[str]:
    value = f"{field.value:x}" if field.name == "opcode" else str(field.value)
    if field.name == "masking key":
        value = spaced(field.value.to_bytes(field.bits // 8))
    lines = wrap(f"{value:<11} {field.meaning}", 46, subsequent_indent=" " * 12)
    yield f" {field.name:<15} {lines[0]:<46} {field.section}".rstrip()
    for line in lines[1:]:
        yield f" {'':<15} {line}"


def _xor(frame: FrameExplanation) -> Iterator[str]:
    steps = frame.xor
    if not steps:
        return
    yield f" {'XOR':<15} {'wire':<6}{' '.join(f'{step.wire:02x}' for step in steps):<40} §5.3"
    yield f" {'':<15} {'key':<6}{' '.join(f'{step.key:02x}' for step in steps)}"
    yield f" {'':<15} {'plain':<6}{' '.join(f'{step.result:02x}' for step in steps)}"
    yield f" {'':<15} {'':<6}{'  '.join(step.character for step in steps)}".rstrip()


def _payload(frame: FrameExplanation) -> Iterator[str]:
    if frame.payload_received:
        received, announced = frame.payload_received, frame.header.payload_length
        here = count(received) if received == announced else f"{received} of {count(announced)}"
        yield from labelled("payload", f"{here}: {_bytes_shown(frame.plain_start, received)}")
    if frame.inflated_length is not None:
        back = f", with {spaced(frame.put_back)} put back at the end" if frame.put_back else ""
        words = f"RFC 7692 §7.2.2{back}: {count(frame.inflated_length)}"
        if frame.inflated_length:
            words += f": {_bytes_shown(frame.inflated_start, frame.inflated_length)}"
        yield from labelled("inflated", words)
    elif frame.compressed:
        yield from labelled("inflated", "no: the data that it follows are not known")
    if frame.text:
        more = len(frame.content_start) < frame.content_length
        yield f" {'text':<15} {quoted(frame.text, PAYLOAD_SHOWN, more)}"
    if frame.close is not None:
        yield from _close(frame)


def _close(frame: FrameExplanation) -> Iterator[str]:
    assert frame.close is not None
    code, reason = frame.close.code, frame.close.reason
    name = (
        CloseCode(code).name
        if code in tuple(CloseCode)
        else "for libraries and applications (§7.4.2)"
    )
    here = "none, which is reported as 1005" if code == CloseCode.NO_STATUS_RCVD else str(code)
    yield from labelled("close code", f"{here} {name}")
    if reason:
        yield f" {'reason':<15} {quoted(reason, PAYLOAD_SHOWN)}"


def _bytes_shown(start: bytes, length: int) -> str:
    return spaced(start[:HEX_SHOWN]) + ("..." if length > HEX_SHOWN else "")


def _situation(situation: Situation) -> str:
    message = "no message open" if situation.message is None else _open_message(situation.message)
    closed = ", ".join(f"the {side.value} has sent a Close" for side in situation.closed_by)
    return ", ".join(filter(None, (situation.state.value, message, closed)))


def _open_message(message: OpenMessage) -> str:
    kind = f"{'compressed ' if message.compressed else ''}{opcode_name(message.opcode)}"
    frames = "1 frame" if message.fragments == 1 else f"{message.fragments} frames"
    return f"a {kind} message open ({frames}, {count(message.length)})"


def labelled(label: str, text: str) -> Iterator[str]:
    """The lines of a text, wrapped, to the right of its label."""
    lines = wrap(text, WIDTH - 17, break_long_words=True, break_on_hyphens=False)
    yield f" {label:<15} {lines[0]}"
    for line in lines[1:]:
        yield f" {'':<15} {line}"


# Verdicts


def _verdict(verdict: Verdict, style: Style) -> Iterator[str]:
    color = COLORS[type(verdict)]
    for label, text in _verdict_lines(verdict):
        for line in labelled(label, escape_words(text)):
            yield style.paint(line, YELLOW if label == "hint" else color)


def _verdict_lines(verdict: Verdict) -> Iterator[tuple[str, str]]:
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


def _short_verdict(verdict: Verdict) -> str:
    if isinstance(verdict, Illegal):
        return f"VIOLATION {verdict.violation.section}: {escape_words(verdict.violation.seen)}"
    if isinstance(verdict, CutOff):
        return f"CUT OFF: {verdict.seen}"
    if isinstance(verdict, Unjudged):
        return "not judged"
    return "legal, but see the hint" if verdict.hint else "legal"


# One line


def _frame_words(frame: FrameExplanation) -> str:
    if len(frame.header_bytes) < 2:
        return "part of a frame"
    header = frame.header
    flags = "".join(f" {name}" for name, bit in _flags(frame) if bit)
    words = f"{frame.name}{flags} {header.payload_length}"
    return f"{words} {_content_words(frame)}".rstrip()


def _content_words(frame: FrameExplanation) -> str:
    if frame.close is not None:
        reason = f" {quoted(frame.close.reason, 30)}" if frame.close.reason else ""
        return f"{frame.close.code}{reason}"
    text = frame.text
    if text is None and is_control(frame.header.opcode):
        text = frame.plain_start.decode(errors="replace")
    if text:
        return quoted(text, 30, len(frame.content_start) < frame.content_length)
    if frame.kind in (TEXT, BINARY):
        return spaced(frame.content_start[:8]) + ("..." if frame.content_length > 8 else "")
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


# Heads


def _head(head: HeadExplanation, style: Style) -> Iterator[str]:
    name = "opening handshake" if head.opens else "HTTP head"
    yield style.paint(
        f"{ARROWS[head.sender]}, byte {head.offset}: {name}, {count(head.length)}", BOLD
    )
    for line in head.lines:
        yield from _head_line(line, style)
    if head.accept is not None:
        yield from draw_accept(head.accept)
    if head.subprotocol is not None:
        yield from labelled("subprotocol", quoted(head.subprotocol, 60))
    if head.deflate is not None:
        yield from labelled("compression", "permessage-deflate is in use from here on (RFC 7692)")
    yield from _verdict(head.verdict, style)
    for fault in head.faults[1:]:
        yield from (style.paint(line, RED) for line in labelled("also", escape_words(str(fault))))


def _head_line(line: LineExplanation, style: Style) -> Iterator[str]:
    yield f" {cut(escape_octets(line.text), WIDTH - 1)}"
    lines = wrap(f"{line.section}{' BROKEN' if line.faults else ''}: {line.meaning}", WIDTH - 6)
    yield from (style.paint(f"     {text}", RED if line.faults else DIM) for text in lines)


def draw_accept(steps: AcceptSteps) -> list[str]:
    """§4.2.2 item 5.4: the Accept, step by step."""
    return [
        *labelled("§4.2.2 item 5.4", "Sec-WebSocket-Accept from Sec-WebSocket-Key:"),
        *labelled("key + GUID", escape(steps.concatenated)),
        *labelled("SHA-1", spaced(steps.digest)),
        *labelled("in base64", steps.accept),
    ]


def _not_read(item: NotRead, style: Style) -> Iterator[str]:
    yield style.paint(
        f"{ARROWS[item.sender]}, byte {item.offset}: {count(item.length)} not read", BOLD
    )
    yield from labelled("", item.why)
