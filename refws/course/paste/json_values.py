"""JSON that tshark and loggers write of what crosses -> its bytes, with their senders."""

from __future__ import annotations

import json
import re
from base64 import b64decode
from collections.abc import Iterator
from contextlib import suppress
from typing import Any

from .directions import WORDS
from .plausible import NO_FRAME, rate
from .senders import with_senders
from .values import BadPaste, Pasted, Way, counted

Object = dict[str, Any]

NAMES = (
    "tcp.payload", "data.data", "payload", "hex", "bytes", "raw", "data", "frame", "buffer",
    "packet", "body", "message",
)  # fmt: skip
"""The names of values that are bytes, the likeliest first."""

SURE = ("tcp.payload", "data.data")
"""These are hex always; a word in another value may look like it, so that must be a frame, too."""

DIRECTIONS = ("tcp.srcport", "direction", "dir", "type", "event", "op", "msg", "message")
"""The names of values that say who sends."""

OUT_OR_IN = re.compile(
    rf"(?:.*\b)?(?:(?P<out>{WORDS['out']})|(?P<in>{WORDS['in']}))(?:\b.*)?", re.IGNORECASE
)
HEX = re.compile(r"(?:0x)?[0-9A-Fa-f]{2}(?:[: -]?[0-9A-Fa-f]{2})+")
BASE64 = re.compile(r"(?:[A-Za-z0-9+/]{4}){2,}|(?:[A-Za-z0-9+/]{4})+[A-Za-z0-9+/]{2,3}={1,2}")


def recognises(text: str) -> bool:
    """JSON of objects, in which a value is bytes by its name."""
    if re.match(r"\s*[\[{]", text) and any(f'"{name}"' in text for name in NAMES):
        with suppress(BadPaste):
            return parts_of(values_of(text)) != []
    return False


def read(text: str) -> Pasted:
    """The bytes of each object, in order."""
    parts = parts_of(values_of(text))
    if not parts:
        raise BadPaste(
            1, 'no "payload", "hex" or "bytes" in it that is hex, base64 or numbers: give these'
        )
    chunks, note = with_senders([(speaker, data) for speaker, data, _ in parts])
    names = ", ".join(dict.fromkeys(name for _, _, name in parts))
    notes = (f"of each object, {names} is read", *([note] if note else []))
    return Pasted(f"JSON of a program, {counted(len(parts), 'part')}", chunks, notes)


def values_of(text: str) -> list[Any]:
    """The value, or the values of several lines. BadPaste if this is no JSON."""
    try:
        return [json.loads(text)]
    except (ValueError, RecursionError) as error:
        problem = BadPaste(getattr(error, "lineno", 1), f"no JSON ({error}): give the whole object")
    lines = [line for line in text.split("\n") if line.strip()]
    with suppress(ValueError, RecursionError):
        if len(lines) > 1:
            return [json.loads(line) for line in lines]
    raise problem


def parts_of(value: Any) -> list[tuple[str, bytes, str]]:
    """(speaker, bytes, name) of each object that has bytes."""
    found = []
    for each in objects_in(value):
        named = ((name, bytes_of(each[name])) for name in NAMES if name in each)
        is_bytes = (pair for pair in named if pair[0] in SURE or rate(pair[1]) != NO_FRAME)
        name, data = next(is_bytes, ("", b""))
        if data:
            found.append((speaker_of(each), data, name))
    return found


def objects_in(value: Any) -> Iterator[Object]:
    """All objects in a value, from the outside in, without recursion."""
    waiting = [value]
    while waiting:
        value = waiting.pop()
        if isinstance(value, dict):
            yield value
            waiting += reversed(list(value.values()))
        elif isinstance(value, list):
            waiting += reversed(value)


def bytes_of(value: Any) -> bytes:
    """What a value means, in hex, base64 or numbers; none if it is something else."""
    if isinstance(value, list) and all(type(number) is int for number in value):
        in_range = all(-128 <= number <= 255 for number in value)
        return bytes(number & 0xFF for number in value) if in_range else b""
    if not isinstance(value, str):
        return b""
    if HEX.fullmatch(value):
        return bytes.fromhex(re.sub("^0x|[: -]", "", value))
    return b64decode(value) if BASE64.fullmatch(value) else b""


def speaker_of(each: Object) -> str:
    """The port that sends, or "out" or "in"; "" if nothing says it."""
    for name in DIRECTIONS:
        value = each.get(name)
        if name == "tcp.srcport" and value is not None:
            return str(value)
        if isinstance(value, str) and (match := OUT_OR_IN.fullmatch(value)):
            return "out" if match["out"] else "in"
    return ""


# The forms

JSON_VALUES = Way(recognises, read)
