"""The commands of a page, as JSON over its watch connection: one table, and the grammar.

page -> server   {"command": "ping", "id": 7, "connection": 1}
server -> page   {"event": "answer", "command": "ping", "id": 7, "round_trip": 0.0004}
                 {"event": "error", "command": "ping", "id": 7, "message": "..."}
"""

from __future__ import annotations

import json
from collections.abc import Callable
from dataclasses import dataclass
from typing import Any

from ...protocol.close import MAX_REASON
from ..explain.as_json import MAX_IN_JAVASCRIPT
from .event_queue import Event
from .lab import InvalidCommand, Lab

MAX_MESSAGE = 16 * 1024
"""Characters of a message with a command."""


@dataclass(frozen=True, slots=True)
class Number:
    """A field that is an integer in this range."""

    least: int
    most: int

    def check(self, name: str, value: object) -> None:
        if type(value) is not int or not self.least <= value <= self.most:
            raise InvalidCommand(f"{name} is a whole number from {self.least} to {self.most}")


@dataclass(frozen=True, slots=True)
class Text:
    """A field that is a string of at most `most` characters."""

    most: int

    def check(self, name: str, value: object) -> None:
        if not isinstance(value, str) or len(value) > self.most:
            raise InvalidCommand(f"{name} is a text of at most {self.most} characters")
        if any("\ud800" <= character <= "\udfff" for character in value):
            raise InvalidCommand(
                f"{name} has half of a surrogate pair, which is no character: leave it out"
            )


@dataclass(frozen=True, slots=True)
class Command:
    """A function of the lab, and its fields: a page must send exactly these, and "id"."""

    run: Callable[..., Event]
    fields: dict[str, Number | Text]


ID = Number(0, MAX_IN_JAVASCRIPT)
CONNECTION = Number(1, MAX_IN_JAVASCRIPT)
RULE = Text(40)

COMMANDS = {
    "clock": Command(Lab.clock, {}),
    "renew": Command(Lab.renew, {}),
    "ping": Command(Lab.ping, {"connection": CONNECTION}),
    "fragments": Command(
        Lab.fragments, {"connection": CONNECTION, "count": Number(1, 50), "text": Text(4096)}
    ),
    "close": Command(
        Lab.close,
        {"connection": CONNECTION, "code": Number(0, 65535), "reason": Text(MAX_REASON)},
    ),
    "cut": Command(Lab.cut, {"connection": CONNECTION}),
    "stop": Command(Lab.stop, {"connection": CONNECTION, "seconds": Number(1, 30)}),
    "read": Command(Lab.read, {"connection": CONNECTION, "size": Number(0, 65536)}),
    "break": Command(Lab.break_rule, {"rule": RULE}),
    "bytes": Command(Lab.send_bytes, {"text": Text(12_000)}),
    "provoke": Command(Lab.provoke, {"connection": CONNECTION, "rule": RULE}),
}


@dataclass(frozen=True, slots=True)
class Call:
    """One valid command of a page; its answer has the same `id`."""

    name: str
    id: int
    fields: dict[str, Any]

    def run(self, lab: Lab) -> Event:
        """Carry out the command; the fields of the answer. Blocks and raises like its function."""
        return COMMANDS[self.name].run(lab, **self.fields)


def parse(message: str | bytes) -> Call:
    """The command in a message of the page; InvalidCommand if it has no valid one."""
    found = parse_object(message)
    try:
        return parse_call(dict(found))
    except InvalidCommand as error:
        name, number = (found.get(field) for field in ("command", "id"))
        error.name = name if isinstance(name, str) and name in COMMANDS else None
        error.id = number if type(number) is int else None
        raise


def parse_call(found: dict[str, Any]) -> Call:
    """The command in a JSON object; InvalidCommand if it has no valid one."""
    name = found.pop("command", None)
    if not isinstance(name, str) or name not in COMMANDS:
        raise InvalidCommand(f'"command" is one of {", ".join(COMMANDS)}')
    expected = {"id": ID, **COMMANDS[name].fields}
    if set(found) != set(expected):
        raise InvalidCommand(f"{name} takes exactly these fields: {', '.join(expected)}")
    for field, kind in expected.items():
        kind.check(field, found[field])
    return Call(name, found.pop("id"), found)


def parse_object(message: str | bytes) -> dict[str, Any]:
    """The JSON object in a message; InvalidCommand if it has none."""
    if not isinstance(message, str) or len(message) > MAX_MESSAGE:
        raise InvalidCommand(f"a command is a text message of at most {MAX_MESSAGE} characters")
    try:
        found = json.loads(message)
    except (ValueError, RecursionError):
        raise InvalidCommand("a command is JSON") from None
    if not isinstance(found, dict):
        raise InvalidCommand('a command is a JSON object with "command" and "id"')
    return found
