"""An explanation -> the same as JSON."""

from __future__ import annotations

from dataclasses import fields
from enum import Enum
from functools import cache
from typing import Any

from .values import Illegal

DERIVED = ("name", "fields", "xor", "text", "put_back", "state")
"""Properties that are in the JSON like stored fields."""

MAX_IN_JAVASCRIPT = 2**53 - 1
"""The largest number up to which JavaScript holds every whole number exactly."""


def as_json(value: Any) -> Any:
    """An item, or any part of one, as plain values for `json.dumps`.

    A dataclass is an object with its class in "type"; bytes are hex digits; a side is "client" or
    "server"; an opcode is a number; a number that JavaScript cannot hold is a string of digits.
    """
    if value is None or isinstance(value, (str, bool)):
        return value
    if isinstance(value, int):
        return int(value) if value <= MAX_IN_JAVASCRIPT else str(value)
    if isinstance(value, bytes):
        return value.hex()
    if isinstance(value, Enum):
        return value.value
    if isinstance(value, tuple):
        return [as_json(element) for element in value]
    if isinstance(value, Illegal):
        return _illegal(value)
    return {
        "type": type(value).__name__,
        **{name: as_json(getattr(value, name)) for name in _names(value.__class__)},
    }


def _illegal(verdict: Illegal) -> dict[str, Any]:
    """The verdict and its violation as one object, which the page knows as "Violation"."""
    violation = verdict.violation
    return {
        "type": "Violation",
        "section": violation.section,
        "seen": violation.seen,
        "expected": violation.expected,
        "code": verdict.code,
        "field": violation.field,
        "offset": as_json(verdict.offset),
        "hint": verdict.hint,
    }


@cache
def _names(kind: Any) -> tuple[str, ...]:
    stored = [field.name for field in fields(kind)]
    return (*stored, *(name for name in DERIVED if hasattr(kind, name) and name not in stored))
