"""RFC 6455 §5.2: an explained frame or head -> text for a terminal, as a block or as one line.

No line is wider than the terminal; where there is none, a block has 80 columns, and a line is as
long as it needs to be. Only printable characters of a peer's bytes reach the terminal: others could
move its cursor, or change what it shows.
"""

from __future__ import annotations

from collections.abc import Iterator
from textwrap import wrap

from ...protocol.close_codes import CloseCode
from ..explain.header_fields import Field
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
    Unjudged,
    Verdict,
)
from .characters import (
    WIDTH,
    count,
    escape,
    escape_octets,
    escape_words,
    fold,
    quoted,
    quoted_octets,
    spaced,
)
from .ruler import draw_ruler
from .style import (
    ARROWS,
    BOLD,
    DIM,
    GREEN,
    INDENT,
    LABEL,
    PLAIN,
    RED,
    SHORT_ARROWS,
    YELLOW,
    Style,
    labelled,
)
from .words import (
    PAYLOAD_SHOWN,
    bytes_shown,
    frame_words,
    message_words,
    short_verdict,
    situation_words,
    verdict_lines,
)

COLORS = {Legal: GREEN, Illegal: RED, Unjudged: DIM, CutOff: YELLOW}


def draw(item: Item, style: Style = PLAIN) -> str:
    """The item as a block of lines, none wider than `style.width` (escape codes do not count)."""
    if isinstance(item, FrameExplanation):
        return "\n".join(_frame(item, style))
    if isinstance(item, HeadExplanation):
        return "\n".join(_head(item, style))
    return "\n".join(_not_read(item, style))


def draw_line(item: Item, style: Style = PLAIN, before: str = "") -> str:
    """The item as one line: direction, name, flags, length, text, verdict, and its hint.

    `before` is put before it. If the terminal is narrower, the line goes on in the next ones.
    """
    words = f"{before}{SHORT_ARROWS[item.sender]} {'; '.join(_line_words(item))}"
    first, *more = fold(words, style.columns, INDENT)
    color = _line_color(item)
    return before + "\n".join(style.paint(line, color) for line in [first[len(before) :], *more])


def _line_words(item: Item) -> Iterator[str]:
    if isinstance(item, NotRead):
        yield f"{count(item.length)} not read, {item.why}"
        return
    if isinstance(item, HeadExplanation):
        yield f"{quoted_octets(item.lines[0].text, 40)}  {short_verdict(item.verdict)}"
    else:
        yield f"{frame_words(item)}  {short_verdict(item.verdict)}"
        if item.message is not None:
            yield message_words(item.message, PAYLOAD_SHOWN)
        if item.note:
            yield f"note: {item.note}"
    if item.verdict.hint:
        yield f"hint: {escape_words(item.verdict.hint)}"


def _line_color(item: Item) -> str:
    if isinstance(item, NotRead):
        return DIM
    return "" if isinstance(item.verdict, Legal) else COLORS[type(item.verdict)]


# A frame as a block


def _frame(frame: FrameExplanation, style: Style) -> Iterator[str]:
    title = f"{ARROWS[frame.sender]}, byte {frame.offset}: {_title(frame)}"
    for line in fold(title, style.width, INDENT):
        yield style.paint(line, BOLD)
    yield from draw_ruler(frame, bytes_in_row=2 if style.narrow else 4)
    blamed = frame.verdict.violation.field if isinstance(frame.verdict, Illegal) else ""
    for field in frame.fields:
        color = RED if field.name == blamed else ""
        yield from (style.paint(line, color) if color else line for line in _field(field, style))
    yield from _xor(frame, style)
    yield from _payload(frame, style)
    yield from labelled("before", situation_words(frame.before), style.width)
    yield from labelled("after", situation_words(frame.after), style.width)
    if frame.message is not None:
        shown = max(style.width - 40, 20)
        yield from labelled("whole", message_words(frame.message, shown), style.width)
    if frame.note:
        yield from labelled("note", frame.note, style.width)
    if frame.after_failure:
        note = "the receiver has failed the connection before, and does not read this (§7.1.7)"
        yield from labelled("note", note, style.width)
    yield from _verdict(frame.verdict, style)


def _title(frame: FrameExplanation) -> str:
    if len(frame.header_bytes) < 2:
        return "part of a frame"
    return f"{frame.name} frame, {count(frame.header.payload_length)} of payload"


def _field(field: Field, style: Style) -> Iterator[str]:
    value = f"{field.value:x}" if field.name == "opcode" else str(field.value)
    if field.name == "masking key":
        value = spaced(field.value.to_bytes(field.bits // 8))
    if style.narrow:
        yield from labelled(field.name, f"{value}: {field.meaning} ({field.section})", style.width)
        return
    lines = wrap(f"{value:<11} {field.meaning}", 46, subsequent_indent=" " * 12)
    yield f" {field.name:<15} {lines[0]:<46} {field.section}".rstrip()
    for line in lines[1:]:
        yield f" {'':<15} {line}"


def _xor(frame: FrameExplanation, style: Style) -> Iterator[str]:
    steps = frame.xor
    if not steps:
        return
    if style.narrow:
        yield " XOR (§5.3)"
        yield f"  wire  {spaced(bytes(step.wire for step in steps))}"
        yield f"  key   {spaced(bytes(step.key for step in steps))}"
        yield f"  plain {spaced(bytes(step.result for step in steps))}"
        yield f"         {'  '.join(step.character for step in steps)}".rstrip()
        return
    yield f" {'XOR':<15} {'wire':<6}{' '.join(f'{step.wire:02x}' for step in steps):<40} §5.3"
    yield f" {'':<15} {'key':<6}{' '.join(f'{step.key:02x}' for step in steps)}"
    yield f" {'':<15} {'plain':<6}{' '.join(f'{step.result:02x}' for step in steps)}"
    yield f" {'':<15} {'':<6}{'  '.join(step.character for step in steps)}".rstrip()


def _payload(frame: FrameExplanation, style: Style) -> Iterator[str]:
    room = min(PAYLOAD_SHOWN, style.width - LABEL)
    if frame.payload_received:
        received, announced = frame.payload_received, frame.header.payload_length
        here = count(received) if received == announced else f"{received} of {count(announced)}"
        yield from labelled(
            "payload", f"{here}: {bytes_shown(frame.plain_start, received)}", style.width
        )
    if frame.inflated_length is not None:
        back = f", with {spaced(frame.put_back)} put back at the end" if frame.put_back else ""
        words = f"RFC 7692 §7.2.2{back}: {count(frame.inflated_length)}"
        if frame.inflated_length:
            words += f": {bytes_shown(frame.inflated_start, frame.inflated_length)}"
        yield from labelled("inflated", words, style.width)
    elif frame.compressed:
        why = "no: the data that it follows are not known"
        yield from labelled("inflated", why, style.width)
    if frame.text:
        more = len(frame.content_start) < frame.content_length
        yield from labelled("text", quoted(frame.text, room, more), style.width)
    if frame.close is not None:
        yield from _close(frame, style)


def _close(frame: FrameExplanation, style: Style) -> Iterator[str]:
    assert frame.close is not None
    code, reason = frame.close.code, frame.close.reason
    name = (
        CloseCode(code).name
        if code in tuple(CloseCode)
        else "for libraries and applications (§7.4.2)"
    )
    here = "none, which is reported as 1005" if code == CloseCode.NO_STATUS_RCVD else str(code)
    yield from labelled("close code", f"{here} {name}", style.width)
    if reason:
        room = min(PAYLOAD_SHOWN, style.width - LABEL)
        yield from labelled("reason", quoted(reason, room), style.width)


# Verdicts and heads


def _verdict(verdict: Verdict, style: Style) -> Iterator[str]:
    color = COLORS[type(verdict)]
    for label, text in verdict_lines(verdict):
        for line in labelled(label, escape_words(text), style.width):
            yield style.paint(line, YELLOW if label == "hint" else color)


def _head(head: HeadExplanation, style: Style) -> Iterator[str]:
    name = "opening handshake" if head.opens else "HTTP head"
    title = f"{ARROWS[head.sender]}, byte {head.offset}: {name}, {count(head.length)}"
    yield from (style.paint(line, BOLD) for line in fold(title, style.width, INDENT))
    for line in head.lines:
        yield from _head_line(line, style)
    if head.accept is not None:
        yield from draw_accept(head.accept, style.width)
    if head.subprotocol is not None:
        yield from labelled("subprotocol", quoted(head.subprotocol, 60), style.width)
    if head.deflate is not None:
        words = "permessage-deflate is in use from here on (RFC 7692)"
        yield from labelled("compression", words, style.width)
    yield from _verdict(head.verdict, style)
    for fault in head.faults[1:]:
        lines = labelled("also", escape_words(str(fault)), style.width)
        yield from (style.paint(line, RED) for line in lines)


def _head_line(line: LineExplanation, style: Style) -> Iterator[str]:
    yield from fold(f" {escape_octets(line.text)}", style.width, INDENT)
    meaning = f"{line.section}{' BROKEN' if line.faults else ''}: {line.meaning}"
    lines = wrap(meaning, style.width - 6)
    yield from (style.paint(f"     {text}", RED if line.faults else DIM) for text in lines)


def draw_accept(steps: AcceptSteps, width: int = WIDTH) -> list[str]:
    """§4.2.2 item 5.4: the Accept, step by step."""
    return [
        *labelled("§4.2.2 item 5.4", "Sec-WebSocket-Accept from Sec-WebSocket-Key:", width),
        *labelled("key + GUID", escape(steps.concatenated), width),
        *labelled("SHA-1", spaced(steps.digest), width),
        *labelled("in base64", steps.accept, width),
    ]


def _not_read(item: NotRead, style: Style) -> Iterator[str]:
    title = f"{ARROWS[item.sender]}, byte {item.offset}: {count(item.length)} not read"
    yield from (style.paint(line, BOLD) for line in fold(title, style.width, INDENT))
    yield from labelled("", item.why, style.width)
