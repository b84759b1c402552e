"""What is measured while an attack goes on: values, and the line of each as soon as it is there.

The scale of a bar is fixed from its first line on: each # is twice as much. So nothing has to be
known of the readings to come, and the bars of two settings can be compared.
"""

from __future__ import annotations

import threading
from collections.abc import Callable, Mapping
from dataclasses import dataclass
from typing import Generic, TypeVar

T = TypeVar("T")


@dataclass(frozen=True, slots=True)
class Delay:
    """Seconds until the good client was answered; those until now, if it has no answer yet."""

    seconds: float
    answered: bool


@dataclass(frozen=True, slots=True)
class Reading:
    """One look at a step while it is played, `seconds` after its start.

    `memory` is in bytes, as `gauge.Memory` counts them. `count` is what the lab counts besides: the
    texts of the step name it. `facts` are the values for the braces in the story of the step.
    """

    step: str
    facts: Mapping[str, str]
    seconds: float
    memory: int
    delay: Delay
    count: int


class Feed(Generic[T]):
    """What happens in a lab, in order: all of it is kept, and shown to one follower as it comes.

    For any thread. `add` waits for the follower.
    """

    def __init__(self) -> None:
        self._kept: list[T] = []
        self._show: Callable[[T], None] | None = None
        self._lock = threading.Lock()  # held to use these two

    def add(self, item: T) -> None:
        with self._lock:
            self._kept.append(item)
            if self._show is not None:
                self._show(item)

    def follow(self, show: Callable[[T], None]) -> None:
        """Give `show` each item, those that are there and those to come."""
        with self._lock:
            for item in self._kept:
                show(item)
            self._show = show

    def so_far(self) -> list[T]:
        with self._lock:
            return list(self._kept)


# Drawn


def parts(reading: Reading) -> tuple[str, str]:
    """Its line in two parts of at most 38 columns: time and memory; delay and count."""
    memory = f"{reading.memory // 1024:>7,} KiB {bar(reading.memory / 1024):<17}"
    return f"{reading.seconds:5.2f} s {memory}", f"{delay(reading.delay):<29}{reading.count:>9,}"


def lines(reading: Reading, columns: int, indent: str = "  ") -> str:
    """The parts beside each other, or below each other if the columns are too few for that."""
    first, second = parts(reading)
    beside = f"{indent}{first} {second}"
    return beside if len(beside) <= columns else f"{indent}{first.rstrip()}\n{indent}{second}"


def delay(value: Delay) -> str:
    """Milliseconds, after a ">" if there is no answer yet, and the bar."""
    mark = " " if value.answered else ">"
    return f"{mark}{value.seconds * 1000:>8,.2f} ms {bar(value.seconds * 10_000)}".rstrip()


def bar(value: float) -> str:
    """One # for 1, two from 2 on, three from 4 on. The memory is in KiB, a delay in 0.1 ms."""
    return "#" * int(value).bit_length()
