"""What is the same in many cases: builders for the rows of their tables."""

from __future__ import annotations

from collections.abc import Iterable

from ..protocol.frame import BINARY
from .case import Case, Level, Need, Pause, Step
from .frames import GOOD_BYE, frame
from .outcomes import Echoes, Fails, Outcome, failed
from .seen import Message

LARGE = 2**16 - 1
"""Bytes of a message from which on a server is not expected to take it without a survey."""

GAP = 0.01
"""Seconds between packets: long enough that the server reads them one by one."""


def echoes(
    name: str,
    rule: str,
    requirement: str,
    messages: Iterable[Message],
    *steps: Step,
    weak: tuple[Outcome, ...] = (),
    level: Level = Level.MUST,
) -> Case:
    """These messages come back. Without steps each of them is sent in one frame."""
    messages = tuple(messages)
    sent = steps or tuple(frame(*message) for message in messages)
    needs, best = needed(messages), Echoes(messages)
    return Case(name, rule, requirement, best, weak, (*sent, GOOD_BYE), needs=needs, level=level)


def fails(
    name: str,
    rule: str,
    requirement: str,
    *steps: Step,
    code: int = 1002,
    messages: tuple[Message, ...] = (),
    weak: tuple[Outcome, ...] = (),
    level: Level = Level.MUST,
) -> Case:
    """After these messages the server fails the connection, at best with this code."""
    best, others = Fails((code,), messages), failed(code, messages=messages)
    needs = needed(messages)
    return Case(name, rule, requirement, best, (*others, *weak), steps, needs=needs, level=level)


def needed(messages: Iterable[Message]) -> frozenset[Need]:
    """What a server must be able to do so that these messages come back."""
    needs = set()
    for message in messages:
        needs.add(Need.BINARY if message.opcode == BINARY else Need.ECHO)
        if len(message.data) >= LARGE:
            needs.add(Need.LARGE)
    return frozenset(needs)


def in_packets(*parts: bytes) -> tuple[Step, ...]:
    """The parts, each in a packet of its own."""
    return tuple(step for part in parts for step in (part, Pause(GAP)))


def cut(data: bytes, *positions: int) -> tuple[bytes, ...]:
    """The data, cut at these positions."""
    starts = (0, *positions)
    return tuple(data[start:end] for start, end in zip(starts, (*positions, None), strict=True))
