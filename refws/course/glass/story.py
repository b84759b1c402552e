"""RFC 6455 §7.1.5, §7.1.7: what happened on one connection -> which rule was broken first, by whom.

    the items of both sides, the ends of both directions -> Story -> (label, text) for each line

It answers why a client reports 1006: because no Close of the server arrived (§7.1.5).
"""

from __future__ import annotations

import re
from collections import deque
from collections.abc import Iterator
from dataclasses import dataclass
from http import HTTPStatus

from ...protocol.client.advice import ADVICE, ADVICE_OF_CLASS
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

FAILING = (
    CloseCode.PROTOCOL_ERROR,
    CloseCode.UNSUPPORTED_DATA,
    CloseCode.INVALID_DATA,
    CloseCode.POLICY_VIOLATION,
    CloseCode.MESSAGE_TOO_BIG,
    CloseCode.INTERNAL_ERROR,
)
"""The codes of a Close with which a side fails the connection."""

OWN_ADVICE: dict[int, str] = {
    HTTPStatus.UNAUTHORIZED: "the server wants credentials: have your client send Authorization",
    HTTPStatus.FORBIDDEN: "the server does not let this client in; its log may say why",
}
"""Where the advice for `connect` names arguments of it."""

MAX_PINGS = 100
"""Pings without a Pong that are remembered."""

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
    """A Close frame. `code` is what its receiver reports: 1005 without a code (§7.1.5).

    It is 1006 for a Close that is not legal, because its receiver fails the connection (§7.1.7).
    """

    seconds: float
    sender: Side
    code: int

    def __str__(self) -> str:
        if self.code == CloseCode.ABNORMAL_CLOSURE:
            return "a Close that is not legal"
        if self.code == CloseCode.NO_STATUS_RCVD:
            return "a Close without a code"
        known = self.code in tuple(CloseCode)
        return f"Close {self.code}" + (f" ({CloseCode(self.code).meaning})" if known else "")


@dataclass(frozen=True, slots=True)
class EndOfTCP:
    """How a side has ended its direction; `idle` are the seconds since the last frame before."""

    seconds: float
    sender: Side
    how: How
    idle: float


class Story:
    """What is known of a connection so far. For one thread. Times are seconds of one clock."""

    def __init__(self, began: float) -> None:
        self.left_out = 0
        """Bytes that were not looked at."""
        self._broken: BrokenRule | None = None
        self._closes: list[SentClose] = []
        self._ends: list[EndOfTCP] = []
        self._heads: dict[Side, HeadExplanation] = {}
        self._last: FrameExplanation | None = None
        self._last_at = began
        self._pings: deque[tuple[float, Side, bytes]] = deque(maxlen=MAX_PINGS)
        self._cut_off: FrameExplanation | HeadExplanation | None = None

    @property
    def broken(self) -> bool:
        """Whether a rule was broken."""
        return self._broken is not None

    # What happens

    def note_broken(self, seconds: float, item: Item) -> bool:
        """Whether this item, which may not be complete, is the first one that breaks a rule."""
        if self.broken or isinstance(item, NotRead) or not isinstance(item.verdict, Illegal):
            return False
        self._broken = BrokenRule(seconds, item.sender, item.verdict)
        return True

    def add(self, seconds: float, item: Item) -> None:
        """A head or a frame that is complete, or, at the end, one that is not."""
        if isinstance(item, NotRead):
            return
        self.note_broken(seconds, item)
        if isinstance(item.verdict, CutOff):
            self._cut_off = self._cut_off or item
        elif isinstance(item, HeadExplanation):
            self._heads[item.sender] = item
        else:
            self._add_frame(seconds, item)

    def _add_frame(self, seconds: float, frame: FrameExplanation) -> None:
        self._last, self._last_at = frame, seconds
        if frame.header.opcode == CLOSE and has_close(frame):
            code = frame.close.code if frame.close else CloseCode.ABNORMAL_CLOSURE
            if all(close.sender is not frame.sender for close in self._closes):
                self._closes.append(SentClose(seconds, frame.sender, code))
        elif frame.header.opcode == PING:
            self._pings.append((seconds, frame.sender, frame.plain_start))
        elif frame.header.opcode == PONG:
            self._answer_pings(frame)

    def _answer_pings(self, pong: FrameExplanation) -> None:
        """§5.5.3: a Pong answers the newest Ping with its payload, and with it all older ones."""
        ours = [ping for ping in self._pings if ping[1] is not pong.sender]
        if answered := [ping for ping in ours if ping[2] == pong.plain_start]:
            older = ours[: ours.index(answered[-1]) + 1]
            self._pings = deque((ping for ping in self._pings if ping not in older), MAX_PINGS)

    def end(self, seconds: float, sender: Side, how: How) -> None:
        """A direction has ended."""
        self._ends.append(EndOfTCP(seconds, sender, how, seconds - self._last_at))

    # What to say about it

    def lines(self, stopped: bool = False) -> Iterator[Line]:
        """The verdict: the rule that was broken first, a hint, and how the connection ended."""
        hint = ""
        if self._broken is not None:
            violation, hint = self._broken.verdict.violation, self._broken.verdict.hint
            sentence = f"{violation.section}: {violation.seen}; expected {violation.expected}"
            yield "broken first", f"by the {self._broken.sender.value}, {sentence}"
        elif not stopped:
            hint = self._likely_cause()
        if hint:
            yield "hint", hint
        yield "end", f"{'watch was stopped. ' if stopped else ''}{self._end()}"
        if self.left_out:
            yield (
                "not judged",
                f"{self.left_out} bytes, because more came at once than could be explained; all "
                "were passed on",
            )

    def _end(self) -> str:
        """How the connection ended, in one to three sentences."""
        response = self._heads.get(Side.SERVER)
        if response is None:
            return f"{self._tcp()}, before the server had answered the request."
        if isinstance(response.verdict, Illegal) and not response.opens:
            return f"{self._tcp()}. No WebSocket connection: the handshake failed (§4.1)."
        if not response.opens:
            answer = response.lines[0].text
            return f"No WebSocket connection: the server answered {answer!r} (§4.1)."
        if not self._closes:
            ending = f"{self._tcp()}, without a Close of either side (§7.1.1)."
        else:
            ending = f"{self._closing()} {self._tcp()}."
        return f"{ending} {self._reports()}"

    def _closing(self) -> str:
        first = self._closes[0]
        one, other = first.sender.value, first.sender.peer.value
        answer = next((close for close in self._closes if close.sender is not first.sender), None)
        if answer is None:
            return f"The {one} sent {first}, and the {other} sent none."
        if answer.code == first.code:
            return f"The {one} sent {first}, and the {other} answered it."
        return f"The {one} sent {first}, and the {other} answered with {answer}."

    def _tcp(self) -> str:
        if not self._ends:
            return "Neither side ended TCP"
        first = self._ends[0]
        did = "ended TCP first" if first.how is How.FIN else "reset TCP"
        when = "" if self._last is None else f", {first.idle:.3f} s after the last frame"
        return f"The {first.sender.value} {did}{when}"

    def _reports(self) -> str:
        """§7.1.5: the codes that the applications get."""
        client, server = (self._report_of(side) for side in (Side.CLIENT, Side.SERVER))
        if client == server:
            return f"Both sides report {client} (§7.1.5)."
        return f"The client reports {client}, the server {server} (§7.1.5)."

    def _report_of(self, side: Side) -> str:
        """The code of its peer's Close; a side that fails the connection waits for none."""
        if self._was_failed_by(side):
            return f"{CloseCode.ABNORMAL_CLOSURE.value} because it has failed the connection"
        got = next((close.code for close in self._closes if close.sender is not side), None)
        return str(CloseCode.ABNORMAL_CLOSURE.value if got is None else int(got))

    def _was_failed_by(self, side: Side) -> bool:
        """§7.1.7: whether its peer has broken a rule, and it has sent a Close before its peer."""
        if self._broken is None or self._broken.sender is side or not self._closes:
            return False
        first = self._closes[0]
        return first.sender is side and first.code in FAILING

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
            part = "handler" if end.sender is Side.SERVER else "program"
            return (
                f"the {who} ended TCP after the opening handshake, before any frame: look into its "
                f"log, its {part} may have returned or failed"
            )
        if waiting := next((ping for ping in self._pings if ping[1] is end.sender), None):
            return (
                f"the {who} sent a Ping {end.seconds - waiting[0]:.1f} s before, and got no Pong: "
                f"the {end.sender.peer.value} must answer each Ping, as soon as it can (§5.5.2)"
            )
        if end.idle >= IDLE:
            return (
                f"no frame passed for {end.idle:.1f} s: a time limit of the {who}, or of a proxy "
                "in between; a Ping from time to time keeps a connection open (§5.5.2)"
            )
        if end.how is How.RESET:
            return (
                f"the {who} was killed, or closed its socket with bytes unread: then TCP sends a "
                "reset, which may destroy its last bytes; look into its log, and let it send a "
                "Close, and read until the peer ends TCP (§7.1.1)"
            )
        if end.idle <= AT_ONCE and self._last.sender is not end.sender:
            return (
                f"the {who} ended TCP right after {described(self._last)} of the "
                f"{end.sender.peer.value}: look into its log for an exception at this time; if it "
                "means to close, it should send a Close first (§7.1.1)"
            )
        return (
            f"a program that ends, or closes its socket, without close(): the {who} should send a "
            "Close first (§7.1.1)"
        )


def has_close(frame: FrameExplanation) -> bool:
    """False for what looks like a Close, and is something else, such as text without a frame."""
    illegal = isinstance(frame.verdict, Illegal) and frame.verdict.violation.field == "payload"
    return frame.close is not None or illegal


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
    if request is not None and request.verdict.hint:
        return request.verdict.hint
    lines = () if request is None else request.lines
    status = status_of(response)
    if status == HTTPStatus.FORBIDDEN and any(is_origin(line.text) for line in lines):
        return (
            "the server may trust only pages of its own Origin (§10.2): start watch with --origin "
            "and the origin of a page that the server trusts"
        )
    advice = ADVICE_OF_CLASS.get(status // 100, "the log of the server may say why")
    return {**ADVICE, **OWN_ADVICE}.get(status, advice)


def status_of(response: HeadExplanation) -> int:
    """The status code; 0 if the first line has none."""
    words = response.lines[0].text.split(" ")
    return int(words[1]) if len(words) > 1 and re.fullmatch("[1-9][0-9]{2}", words[1]) else 0


def is_origin(line: str) -> bool:
    return line.partition(":")[0].lower() == "origin"


def cut_in_the_middle(item: FrameExplanation | HeadExplanation, end: EndOfTCP) -> str:
    assert isinstance(item.verdict, CutOff)
    what = "a head" if isinstance(item, HeadExplanation) else described(item)
    return (
        f"the {end.sender.value} ended TCP in the middle of {what}: {item.verdict.seen}; expected "
        f"{item.verdict.expected}"
    )
