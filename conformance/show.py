"""One case as text: what is sent and expected, rules, functions, and the bytes of a report.

`reading.py` is the command; this is what it prints.
"""

from __future__ import annotations

import html
import json
import re
import textwrap
from collections.abc import Iterable, Iterator, Mapping, Sequence
from typing import Any

import rules
from report import Result

WIDTH = 118
LABEL = 11
BYTES_A_LINE = 16
MOST_BYTES = 64
MOST_EVENTS = 40
"""More events than these are cut in the middle: some cases send a message byte by byte."""

SENT, RECEIVED = "->", "<-"
DIRECTIONS = {"TO": SENT, "RO": RECEIVED}
"""Octets that the testsuite has sent and received, as its wire log names them."""

OPCODES = {0: "continuation", 1: "text", 2: "binary", 8: "Close", 9: "Ping", 10: "Pong"}

Event = Sequence[Any]


def load(result: Result) -> dict[str, Any]:
    """All that the testsuite has noted of the case."""
    noted: dict[str, Any] = json.loads(result.page.with_suffix(".json").read_text("utf-8"))
    return noted


def case_page(
    case: str, result: Result, noted: Mapping[str, Any], table: Sequence[rules.Rule]
) -> str:
    parts = [
        f"{case}: {result.verdict}  ({noted['agent']}, {noted['started']}, {noted['duration']} ms)",
        "\n".join(
            (
                *_description(noted["description"], noted["expectation"]),
                *labelled("found", [f"{noted['result']} {noted['resultClose']}"]),
            )
        ),
        about(case, table),
        "\n".join(wire(noted)),
        f"The testsuite's own page: {result.page}",
    ]
    return "\n\n".join(parts)


def page_without_report(
    case: str, description: Sequence[str], advice: str, table: Sequence[rules.Rule]
) -> str:
    """What is known of a case that has not run; `description` may be empty."""
    texts = "\n".join(_description(*description)) if description else ""
    return "\n\n".join(part for part in (case, texts, about(case, table), advice) if part)


def _description(sends: str, expects: str) -> Iterator[str]:
    yield from labelled("sends", plain_text(sends))
    yield from labelled("expects", plain_text(expects))


def about(case: str, table: Sequence[rules.Rule]) -> str:
    """The rules of the case, and the functions of refws that keep them."""
    every = [rule for rule in table if rule.cases == rules.EVERY_CASE]
    return "\n".join((*_rule_lines(rules.rules_of(case, table)), *_every_case_lines(every)))


def _rule_lines(found: Sequence[rules.Rule]) -> Iterator[str]:
    sections = rules.by_section(requirement for rule in found for requirement in rule.requirements)
    yield from labelled("about", [rule.subject for rule in found])
    yield from labelled(
        "rules", [f"{section}: {' '.join(ids)}" for section, ids in sections.items()]
    )
    yield from labelled("in refws", _functions(found))


def _every_case_lines(every: Sequence[rules.Rule]) -> Iterator[str]:
    """Their texts in short, because they are the same each time."""
    sections = rules.by_section(requirement for rule in every for requirement in rule.requirements)
    yield from labelled("as always", [rule.subject for rule in every])
    yield from labelled(
        "", [", ".join(sections).replace(", RFC 6455", ","), ", ".join(_functions(every))]
    )


def _functions(found: Iterable[rules.Rule]) -> list[str]:
    return list(
        dict.fromkeys(function.replace(":", " ") for rule in found for function in rule.functions)
    )


def labelled(label: str, lines: Iterable[str]) -> Iterator[str]:
    """The lines wrapped, with the label before the first one."""
    for line in lines:
        for part in textwrap.wrap(line, WIDTH - LABEL, break_long_words=False) or [""]:
            yield f"{label:{LABEL}}{part}".rstrip()
            label = ""


def plain_text(description: str) -> list[str]:
    """The lines of the testsuite's HTML without its tags."""
    with_breaks = re.sub(r"\s*<br\s*/?>\s*", "\n", description.replace("\n", " "))
    lines = html.unescape(re.sub(r"<[^>]+>", "", with_breaks)).splitlines()
    return [line.strip() for line in lines if line.strip()]


def wire(noted: Mapping[str, Any]) -> Iterator[str]:
    """What went over the wire, in order: heads as text, all else as the testsuite has kept it."""
    tested = "client" if noted["isServer"] else "server"
    yield f"On the wire ({SENT} from the testsuite to the {tested}, {RECEIVED} back):"
    found = heads(noted)
    for kind, head in found.items():
        yield (
            f"  {DIRECTIONS[kind]} "
            f"{counted(len(head.encode())) if head else 'a head that the report does not keep'}"
        )
        yield from head_lines(head)
    for event in _cut([event for event in noted["wirelog"] if not _is_head(event, found)]):
        if event[0] in found:
            length, octets = event[1]
            yield f"  {DIRECTIONS[event[0]]} {counted(length)}"
            yield from hexdump(length, octets)
        else:
            yield _fitting(f"  {_event_line(event)}")
    if noted["droppedByMe"]:
        yield f"  {SENT} the testsuite ended the TCP connection"
    else:
        yield f"  {RECEIVED} the {tested} ended the TCP connection"


def heads(noted: Mapping[str, Any]) -> dict[str, str]:
    """The head in each direction, the request first."""
    if noted["isServer"]:
        return {"RO": noted["httpRequest"], "TO": noted["httpResponse"]}
    return {"TO": noted["httpRequest"], "RO": noted["httpResponse"]}


def _is_head(event: Event, heads: Mapping[str, str]) -> bool:
    """True for the bytes of the request or of the response."""
    head = heads.get(event[0], "").encode()
    return (
        bool(head)
        and event[1][0] == len(head)
        and head.hex().startswith(event[1][1].removesuffix(" ..."))
    )


def _cut(events: Sequence[Event]) -> Iterator[Event]:
    left_out = len(events) - MOST_EVENTS
    if left_out <= 0:
        yield from events
        return
    yield from events[: MOST_EVENTS // 2]
    yield "cut", left_out
    yield from events[-MOST_EVENTS // 2 :]


def head_lines(head: str) -> Iterator[str]:
    for line in head.rstrip().splitlines():
        yield f"       {printable(line)}".rstrip()


def hexdump(length: int, octets: str) -> Iterator[str]:
    """16 bytes a line, the first 64, and how many more there were."""
    kept = bytes.fromhex(octets.removesuffix(" ..."))
    shown = kept[:MOST_BYTES]
    for start in range(0, len(shown), BYTES_A_LINE):
        line = shown[start : start + BYTES_A_LINE]
        half = BYTES_A_LINE // 2
        pairs = f"{line[:half].hex(' '):{3 * half}} {line[half:].hex(' ')}"
        yield f"       {pairs:{6 * half + 2}} {printable(line.decode('latin-1'))}".rstrip()
    if len(kept) > len(shown):
        yield f"       and {counted(len(kept) - len(shown))} that the testsuite's own page has"
    if length > len(kept):
        yield f"       and {counted(length - len(kept))} that the report does not keep"


def printable(text: str) -> str:
    return "".join(character if " " <= character <= "~" else "." for character in text)


def counted(length: int) -> str:
    return f"{length:,} byte{'s' if length != 1 else ''}"


def _event_line(event: Event) -> str:
    match event:
        case ["RF", [length, payload], opcode, fin, rsv, *_]:
            return f"{RECEIVED} {_frame(opcode, fin, rsv, length, payload)}"
        case ["TF", [length, payload], opcode, fin, rsv, *_]:
            return f"{SENT} {_frame(opcode, fin, rsv, length, payload)}"
        case ["CT", seconds, tag]:
            return f".. {tag}: waits for {seconds:g} s"
        case ["CTE", tag]:
            return f".. {tag}: the wait is over"
        case ["KL" | "TI", seconds]:
            return f".. will end the connection in {seconds:g} s"
        case ["KLE" | "TIE"]:
            return ".. time is up: ends the connection"
        case ["WLM", on]:
            return f".. the report {'goes on' if on else 'leaves out the next events'}"
        case ["cut", left_out]:
            return f".. {left_out:,} more events, which the testsuite's own page has"
        case _:
            return f".. {event}"


def _fitting(line: str) -> str:
    return line if len(line) <= WIDTH else f"{line[: WIDTH - 4]} ..."


def _frame(opcode: int, fin: bool, rsv: int, length: int, payload: str) -> str:
    """The testsuite's own reading of a frame that it has sent or received."""
    bits = f"FIN {int(fin)}, RSV {rsv:03b}"
    shown = f": {printable(payload)}" if length else ""
    return (
        f"frame: {OPCODES.get(opcode, f'opcode {opcode:#x}')}, {bits}, payload of "
        f"{counted(length)}{shown}"
    )
