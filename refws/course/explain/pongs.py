"""RFC 6455 §5.5.3: a Pong and the Pings of its peer -> what is worth a note, or a hint."""

from __future__ import annotations

from collections import deque
from dataclasses import dataclass

MAX_WAITING = 64
"""Pings that are remembered; an older one that is answered after all has no note."""

ECHO_OF_THE_WIRE = (
    "this Pong has the payload of the Ping as it was on the wire, masked: unmask it first (§5.3, "
    "§5.5.3)"
)
UNASKED = "this Pong is unasked: no Ping waits for it; that is legal (§5.5.3)"
OTHER_PAYLOAD = (
    "this Pong is unasked: no Ping has this payload, and a Pong that answers one has the same; "
    "that is legal (§5.5.3)"
)


@dataclass(frozen=True, slots=True)
class WaitingPing:
    """A Ping without an answer, with its payload on the wire, and unmasked."""

    offset: int
    wire: bytes
    plain: bytes


class Pings:
    """The Pings of one side that wait for their Pongs."""

    def __init__(self) -> None:
        self._waiting: deque[WaitingPing] = deque(maxlen=MAX_WAITING)
        self._forgotten = False

    def add(self, ping: WaitingPing) -> None:
        self._forgotten |= len(self._waiting) == MAX_WAITING
        self._waiting.append(ping)

    def compare(self, payload: bytes) -> tuple[str, str]:
        """A note and a hint for a Pong with this payload, each "" if there is nothing to say.

        A Pong answers the newest Ping with its payload, and then no older one waits: a Pong may be
        for the last of several (§5.5.3).
        """
        last = self._waiting[-1] if self._waiting else None
        answered = self._find([ping.plain for ping in self._waiting], payload)
        if answered is not None:
            return self._describe(answered, last), ""
        if self._find([ping.wire for ping in self._waiting], payload) is not None:
            return "", ECHO_OF_THE_WIRE
        if self._forgotten:
            return "", ""
        return (OTHER_PAYLOAD if last is not None else UNASKED), ""

    def _find(self, payloads: list[bytes], payload: bytes) -> WaitingPing | None:
        """The newest Ping with this payload; from now on neither it nor an older one waits."""
        if payload not in payloads:
            return None
        place = len(payloads) - payloads[::-1].index(payload)
        found = self._waiting[place - 1]
        for _ in range(place):
            self._waiting.popleft()
        return found

    def _describe(self, answered: WaitingPing, last: WaitingPing | None) -> str:
        if answered is last:
            return ""
        return (
            f"this Pong answers an older Ping, at byte {answered.offset}, not the last one; that "
            "is legal (§5.5.3)"
        )
