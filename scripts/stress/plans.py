"""A seed and a number -> what a round does. Frozen: only the threads' timing differs afterwards."""

from __future__ import annotations

import dataclasses
import random
from collections.abc import Sequence
from enum import Enum

from refws import Side

PAIRS = 4
LONGEST_TRAFFIC_S = 0.9
"""Seconds from the opening handshake to the planned end, at most."""

READ_SIZES = (0, 0, 1000, 61)

SWITCHES_S = (0.005, 0.005, 0.0005, 0.00005)
"""Python's own interval, and shorter ones."""

CLOSES = ((1000, ""), (1001, "bye"), (3000, "good night, €"), (4999, ""), (1011, "no more"))
ENDINGS = (
    "close",
    "close",
    "close after sending",
    "both close",
    "close of the receiver",
    "abort",
    "broken message",
)
SERVER_ENDINGS = ("handler returns", "handler raises")
SILENCE = "half a frame and silence"
RAW_ENDINGS = (
    "reset",
    "fin",
    "half a frame and fin",
    SILENCE,
    "illegal frame",
    "raw close",
    "raw close and silence",
)


class Kind(Enum):
    """Who is at each end: refws on both, or a raw peer at one end."""

    BOTH = "refws on both sides"
    RAW_CLIENT = "raw client"
    RAW_SERVER = "raw server"


@dataclasses.dataclass(frozen=True)
class Ending:
    """How a connection ends, `after_s` seconds after the opening handshake, and by which side."""

    what: str
    side: Side
    after_s: float
    code: int
    reason: str


@dataclasses.dataclass(frozen=True)
class PairPlan:
    """One connection. `senders` is how many threads send on each side.

    `alone` is the side on which no thread receives; then the other side sends no messages.
    `read_size` is the most bytes that refws receives at once, 0 for no limit: with a small one it
    runs out of time inside headers, keys and control frames, too.
    """

    number: int
    seed: str
    kind: Kind
    ending: Ending
    senders: int
    alone: Side | None = None
    read_size: int = 0

    def __str__(self) -> str:
        alone = "" if self.alone is None else f", no thread of the {self.alone.value} receives"
        by, after = self.ending.side.value, self.ending.after_s
        return (
            f"connection {self.number} ({self.kind.value}{alone}), end: {self.ending.what} "
            f"by the {by} after {after:.2f} s"
        )

    def source(self, what: str) -> random.Random:
        """Choices for one thread, which depend on no other thread."""
        return random.Random(f"{self.seed} {what}")


@dataclasses.dataclass(frozen=True)
class RoundPlan:
    """A server and its connections, all at once. `server_ending` is "", "shutdown" or "abort".

    `switch_s` is after how long Python may switch to another thread: a short time finds more races.
    """

    seed: int
    number: int
    transport: str
    deflate: bool
    pairs: tuple[PairPlan, ...]
    server_ending: str
    server_ends_after_s: float
    switch_s: float = 0.005

    def __str__(self) -> str:
        deflate = "deflate" if self.deflate else "no deflate"
        return f"seed {self.seed}, round {self.number}: {self.transport}, {deflate}"


def plan_round(
    seed: int,
    number: int,
    transports: Sequence[str],
    deflates: Sequence[bool],
) -> RoundPlan:
    """The round with this number; transports and compression are taken in turn."""
    source = random.Random(f"{seed} {number}")
    transport = transports[number % len(transports)]
    deflate = deflates[number // len(transports) % len(deflates)]
    pairs = tuple(plan_pair(source, seed, number, i) for i in range(PAIRS))
    ending = source.choice(("", "", "shutdown", "abort"))
    return RoundPlan(
        seed,
        number,
        transport,
        deflate,
        pairs,
        ending,
        source.uniform(0.1, LONGEST_TRAFFIC_S),
        source.choice(SWITCHES_S),
    )


def plan_pair(source: random.Random, seed: int, round_number: int, number: int) -> PairPlan:
    kind = (Kind.BOTH, Kind.BOTH, Kind.RAW_CLIENT, Kind.RAW_SERVER)[number]
    alone = source.choice(tuple(Side)) if number == 1 else None
    return PairPlan(
        number,
        f"{seed} {round_number} {number}",
        kind,
        plan_ending(source, kind, alone),
        source.choice((1, 2, 2, 3)),
        alone,
        source.choice(READ_SIZES),
    )


def plan_ending(source: random.Random, kind: Kind, alone: Side | None) -> Ending:
    side, after_s = source.choice(tuple(Side)), source.uniform(0.05, LONGEST_TRAFFIC_S)
    code, reason = source.choice(CLOSES)
    if kind is not Kind.BOTH:
        raw = Side.CLIENT if kind is Kind.RAW_CLIENT else Side.SERVER
        side = source.choice((side, raw))
        if side is raw:
            return Ending(source.choice(RAW_ENDINGS), side, after_s, code, reason)
    endings: tuple[str, ...] = ("close", "abort") if alone else ENDINGS
    if side is Side.SERVER and alone is not Side.SERVER:
        endings += SERVER_ENDINGS
    return Ending(source.choice(endings), side, after_s, code, reason)
