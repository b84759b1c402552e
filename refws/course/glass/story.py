"""RFC 6455 §7.1.5, §7.1.7: what happened on one connection -> which rule was broken first, by whom.

    the items of both sides, the ends of both directions -> Story -> (label, text) for each line

It answers why a client reports 1006: because no Close of the server arrived (§7.1.5).
"""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass

from ...protocol.close_codes import CloseCode
from ...protocol.frame import CLOSE, PING, PONG, Side
from ..explain.values import (
    CutOff,
    FrameExplanation,
    HeadExplanation,
    Illegal,
    Item,
    NotRead,
)
from .copies import How

IDLE = 15.0
"""Seconds without a byte after which an end is likely to be a time limit."""

AT_ONCE = 1.0
"""Seconds within which an end is likely to be caused by the last frame."""

Line = tuple[str, str]
"""A label, and its text."""


@dataclass(frozen=True, slots=True)
class BrokenRule:
    """The first rule that was broken, and by which side."""

    seconds: float
    sender: Side
    verdict: Illegal


@dataclass(frozen=True, slots=True)
class SentClose:
    """A Close frame, legal or not, with its code; 1005 if it has none (§7.1.5)."""

    seconds: float
    sender: Side
    code: int


@dataclass(frozen=True, slots=True)
class EndOfTCP:
    """How a side has ended its direction."""

    seconds: float
    sender: Side
    how: How


class Story:
    """What is known of a connection so far. For one thread. Times are seconds of one clock."""

    def __init__(self, began: float) -> None:
        self.left_out = 0
        """Bytes that were not looked at."""
        self._began = self._newest = began
        self._broken: BrokenRule | None = None
        self._closes: list[SentClose] = []
        self._ends: list[EndOfTCP] = []
        self._heads: dict[Side, HeadExplanation] = {}
        self._last: FrameExplanation | None = None
        self._last_at = began
        self._pings: list[tuple[float, Side, bytes]] = []
        self._cut_off: FrameExplanation | HeadExplanation | None = None

    # What happens

    def add(self, seconds: float, item: Item) -> None:
        """A head or a frame that is complete, or, at the end, one that is not."""
        if isinstance(item, NotRead):
            return
        if isinstance(item.verdict, Illegal) and self._broken is None:
            self._broken = BrokenRule(seconds, item.sender, item.verdict)
        if isinstance(item.verdict, CutOff):
            self._cut_off = self._cut_off or item
        elif isinstance(item, HeadExplanation):
            self._heads[item.sender] = item
        else:
            self._add_frame(seconds, item)

    def _add_frame(self, seconds: float, frame: FrameExplanation) -> None:
        self._last, self._last_at = frame, seconds
        if frame.header.opcode == CLOSE:
            code = frame.close.code if frame.close else int.from_bytes(frame.plain_start[:2])
            self._closes.append(SentClose(seconds, frame.sender, code))
        elif frame.header.opcode == PING:
            self._pings.append((seconds, frame.sender, frame.plain_start))
        elif frame.header.opcode == PONG:
            answered = [i for i, ping in enumerate(self._pings) if is_pong_of(frame, *ping[1:])]
            del self._pings[: max(answered, default=-1) + 1]

    def end(self, seconds: float, sender: Side, how: How) -> None:
        """A direction has ended."""
        self._ends.append(EndOfTCP(seconds, sender, how))

    # What to say about it

    def lines(self, stopped: bool = False) -> Iterator[Line]:
        """The verdict: at most one rule that was broken, a hint, and how the connection ended."""
        if self._broken is not None:
            yield from self._rule(self._broken)
        yield "end", f"{self._end()}." if not stopped else f"watch was stopped. {self._end()}."
        if self._broken is None and not stopped and (cause := self._likely_cause()):
            yield "hint", cause
        if self.left_out:
            yield (
                "not judged",
                f"{self.left_out} bytes: more came at once than could be explained; all of them "
                "were passed on",
            )

    def _rule(self, broken: BrokenRule) -> Iterator[Line]:
        violation = broken.verdict.violation
        sentence = f"{violation.section}: {violation.seen}; expected {violation.expected}"
        yield "broken first", f"by the {broken.sender.value}, {sentence}"
        if broken.verdict.hint:
            yield "hint", broken.verdict.hint

    def _end(self) -> str:
        """One or two sentences, without the last dot."""
        if Side.SERVER not in self._heads:
            return f"{self._tcp()}, before the server had answered the request"
        if not self._heads[Side.SERVER].opens:
            answer = self._heads[Side.SERVER].lines[0].text
            return f"No WebSocket connection, because the server answered {answer!r} (§4.1)"
        closing = self._closing()
        return f"{closing}. The client reports {self._reported(Side.SERVER)}, the server " + (
            f"{self._reported(Side.CLIENT)} (§7.1.5)"
        )

    def _closing(self) -> str:
        if not self._closes:
            return f"{self._tcp()}, without a Close of either side"
        first = self._closes[0]
        other = next((one for one in self._closes if one.sender is not first.sender), None)
        answer = f"answered with {in_words(other.code)}" if other else "did not answer it"
        return (
            f"The {first.sender.value} sent a Close first, {in_words(first.code)}; the "
            f"{first.sender.peer.value} {answer}. {self._tcp()}"
        )

    def _tcp(self) -> str:
        if not self._ends:
            return "Neither side ended TCP"
        first = self._ends[0]
        did = "ended TCP first" if first.how is How.FIN else "reset TCP"
        return f"The {first.sender.value} {did}{self._when(first)}"

    def _when(self, end: EndOfTCP) -> str:
        after = end.seconds - self._last_at
        return "" if self._last is None else f", {after:.3f} s after the last frame"

    def _reported(self, sender: Side) -> str:
        """The code that an application at the other end of this sender gets."""
        sent = next((one for one in self._closes if one.sender is sender), None)
        return str(CloseCode.ABNORMAL_CLOSURE.value if sent is None else sent.code)

    def _likely_cause(self) -> str:
        """What an end without a broken rule looks like; "" for a normal one."""
        head = self._heads.get(Side.SERVER)
        if head is not None and not head.opens:
            return refusal(head, self._heads.get(Side.CLIENT))
        if not self._ends:
            return ""
        first = self._ends[0]
        if head is None:
            return unanswered(first)
        if self._cut_off is not None and self._cut_off.sender is first.sender:
            return cut_in_the_middle(self._cut_off, first)
        if self._closes:
            return self._one_sided_close()
        return self._sudden_end(first)

    def _one_sided_close(self) -> str:
        first = self._closes[0]
        if any(close.sender is not first.sender for close in self._closes):
            return ""
        other = first.sender.peer.value
        return (
            f"the {other} got a Close and sent none: a Close must be answered with a Close, before "
            "TCP ends (§5.5.1)"
        )

    def _sudden_end(self, end: EndOfTCP) -> str:
        """§7.1.5: TCP ends, and no one has sent a Close."""
        who = end.sender.value
        if self._last is None:
            return (
                f"the {who} ended TCP after the opening handshake, before any frame: look into its "
                "log, its handler may have returned or failed"
            )
        idle = end.seconds - self._last_at
        if waiting := next((ping for ping in self._pings if ping[1] is end.sender), None):
            return (
                f"the {who} sent a Ping {end.seconds - waiting[0]:.1f} s before, and got no Pong: "
                f"the {end.sender.peer.value} must answer each Ping, as soon as it can (§5.5.2)"
            )
        if idle >= IDLE:
            return (
                f"no frame passed for {idle:.1f} s: a time limit of the {who}, or of a proxy in "
                "front of it; a Ping from time to time keeps a connection open (§5.5.2)"
            )
        if idle <= AT_ONCE and self._last.sender is not end.sender:
            return (
                f"the {who} ended TCP right after {described(self._last)} of the "
                f"{end.sender.peer.value}: look into its log for an exception at this time; if it "
                "means to close, it should send a Close first (§7.1.1)"
            )
        return (
            f"a program that ends, or closes its socket, without close(): the {who} should send a "
            "Close first (§7.1.1)"
        )


def is_pong_of(pong: FrameExplanation, sender: Side, payload: bytes) -> bool:
    """§5.5.3: whether this Pong answers a Ping of this sender with this payload."""
    return pong.sender is not sender and pong.plain_start == payload


def in_words(code: int) -> str:
    known = code in tuple(CloseCode)
    return f"{code} ({CloseCode(code).meaning})" if known else str(code)


def described(frame: FrameExplanation) -> str:
    size = frame.header.payload_length
    return f"a {frame.name} frame of {size} {'byte' if size == 1 else 'bytes'}"


def unanswered(end: EndOfTCP) -> str:
    if end.sender is Side.CLIENT:
        return "the client did not wait for the answer: the server took longer than its time limit"
    return (
        "the server did not answer in HTTP: it may speak TLS on this port (give wss://), or its "
        "handler failed; look into its log"
    )


def refusal(response: HeadExplanation, request: HeadExplanation | None) -> str:
    """What to do about an answer that is no 101."""
    status = response.lines[0].text.split(" ")[1:2]
    lines = [] if request is None else request.lines
    if status == ["403"] and any(line.text.lower().startswith("origin:") for line in lines):
        return (
            "the server may trust only pages of its own Origin (§10.2): start watch with --origin "
            "and the origin of a page that the server trusts"
        )
    return "the body of the answer, and the log of the server, may say why"


def cut_in_the_middle(item: FrameExplanation | HeadExplanation, end: EndOfTCP) -> str:
    assert isinstance(item.verdict, CutOff)
    what = "a head" if isinstance(item, HeadExplanation) else described(item)
    return (
        f"the {end.sender.value} ended TCP in the middle of {what}: {item.verdict.seen}; expected "
        f"{item.verdict.expected}"
    )
