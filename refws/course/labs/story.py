"""A lab as values: its steps as they happen, each with the bytes that crossed and a check.

A lab is a function that plays the steps in order, with the defence on or off. It says nothing: all
that a reader sees is in the table of texts of a language, under the names of the steps.
"""

from __future__ import annotations

from collections.abc import Callable, Iterator, Mapping
from dataclasses import dataclass, field

from ...protocol.frame import Side
from .cast import Cast


@dataclass(frozen=True, slots=True)
class Crossed:
    """Bytes on their way, and between whom: `way` is a name in the texts.

    With a side they are heads and frames of a WebSocket, from that side. Without one they are shown
    as lines, the way a program reads them that knows HTTP only.
    """

    way: str
    data: bytes
    side: Side | None = None


@dataclass(frozen=True, slots=True)
class Step:
    """What has just happened. `came_out` is a check made on the wire: it was as the texts say.

    `facts` are the values for the braces in the texts of the step.
    """

    name: str
    came_out: bool
    crossed: tuple[Crossed, ...] = ()
    facts: Mapping[str, str] = field(default_factory=dict)


Play = Callable[[Cast], Iterator[Step]]


@dataclass(frozen=True, slots=True)
class Lab:
    """`minutes` is how long a reader takes. `defences` are the settings of the switch.

    The first one is the defence as the RFC has it; with each of the others the attack works.
    """

    name: str
    section: str
    minutes: int
    play: Play
    defences: tuple[str, ...] = ("on", "off")
    stays: bool = False
    """Whether the servers stay after the last step, until the reader ends the lab."""
