"""A case and a server -> a result: connect, send, read until the verdict is certain, grade."""

from __future__ import annotations

import os
import re
import socket
from abc import ABC, abstractmethod
from collections.abc import Callable
from dataclasses import dataclass, replace
from enum import Enum
from time import monotonic

from ..protocol.frame import TEXT, Side, encode_frame
from .case import Case, Drip, Elsewhere, HalfClose, Need, Pause, Step, Until
from .frames import GOOD_BYE
from .link import Crossed, Link
from .opening import as_sent
from .outcomes import Anything, Echoes, Ends, Fails, Pongs, is_of_the_opening
from .reading import FrameReader, ResponseReader
from .seen import FLOOD, MAX_RECEIVED, End, Message, Seen
from .target import Target

PROBE_AFTER = 0.4
"""Seconds of silence after which a server that should have failed the connection is probed, and
after which nothing more is expected of one that has answered all messages.
"""

MAX_WAITS = 5
"""How many times as long as in silence an answer is awaited while something else arrives."""

LEAVING_TIME = 0.1
"""Seconds that a server has to end TCP after us, so that what it still sends is not reset."""

PROBE = b"is anyone there?"
"""The text of the probe: it comes back, in a message of any kind, only if the server went on."""


class Grade(Enum):
    """How well an endpoint did in a case."""

    PASS = "pass"
    WEAK = "weak"
    FAIL = "fail"
    SKIPPED = "skipped"


@dataclass(frozen=True, slots=True, eq=False)
class Result:
    """What became of a case. `seen` and `expected` are parts of a sentence.

    `crossed` is all that crossed the connection, for a tape or an explanation. `output` is what the
    command of a client under test has printed. `outlived` is False if the server has ended then.
    """

    case: Case
    grade: Grade
    seen: str
    expected: str
    seconds: float = 0.0
    crossed: tuple[Crossed, ...] = ()
    observed: Seen | None = None
    output: str = ""
    outlived: bool = True


@dataclass(frozen=True, slots=True)
class Abilities:
    """What a survey has found out about a server. `greetings` are messages that it begins with.

    `unasked` fit what else it sends by itself, such as the time. `remarks` are sentences on this.

    `lacks` are the needs that it cannot fill; `problem` says why it cannot be tested at all,
    `ended` that it has opened connections before.
    """

    lacks: frozenset[Need] = frozenset()
    greetings: tuple[Message, ...] = ()
    unasked: tuple[re.Pattern[bytes], ...] = ()
    remarks: tuple[str, ...] = ()
    problem: str = ""
    ended: bool = False


def run(case: Case, target: Target, abilities: Abilities) -> Result:
    """The result of the case. Blocks for some seconds at most, unless the case is slow."""
    expected = case.best.words
    if lacking := case.needs & abilities.lacks:
        return Result(case, Grade.SKIPPED, why_skipped(lacking), expected)
    try:
        if case.before:
            run_and_reset(case, target, abilities)
        sock = connected(target)
    except OSError as error:
        return Result(case, Grade.FAIL, f"no connection: {error}", expected)
    return run_on(sock, case, target, abilities)


def run_on(sock: socket.socket, case: Case, target: Target, abilities: Abilities) -> Result:
    """The same on this new connection, which is closed afterwards."""
    started, expected = monotonic(), case.best.words
    with Link(sock, Side.CLIENT) as link:
        seen = ServerRun(case, target, abilities, link).seen()
        seconds, crossed = monotonic() - started, tuple(link.crossed)
        link.finish(LEAVING_TIME)
    if lacking := case.needs & not_agreed(seen):
        return Result(case, Grade.SKIPPED, why_skipped(lacking), expected, seconds)
    return Result(case, grade(case, seen), str(seen), expected, seconds, crossed, seen)


def run_and_reset(case: Case, target: Target, abilities: Abilities) -> None:
    """What the case does before its own connection."""
    before = replace(case, steps=case.before, best=Anything())
    with Link(connected(target), Side.CLIENT) as link:
        ServerRun(before, target, abilities, link).seen()
        link.reset_when_closed()


def why_skipped(lacking: frozenset[Need]) -> str:
    return min(need.value for need in lacking)


def not_agreed(seen: Seen) -> frozenset[Need]:
    """The needs that the answer to this opening handshake leaves unfilled."""
    if seen.agreement is None:
        return frozenset()
    if seen.agreement.deflate is None:
        return frozenset({Need.THIS_OFFER, Need.TAKEOVER})
    no_takeover = seen.agreement.deflate.client_no_context_takeover
    return frozenset({Need.TAKEOVER}) if no_takeover else frozenset()


def grade(case: Case, seen: Seen) -> Grade:
    if case.best.is_seen(seen) and not seen.elsewhere:
        return Grade.PASS
    return Grade.WEAK if any(weak.is_seen(seen) for weak in case.weak) else Grade.FAIL


def connected(target: Target) -> socket.socket:
    sock = socket.create_connection(target.uri.address, target.timeout)
    try:
        sock.setsockopt(socket.IPPROTO_TCP, socket.TCP_NODELAY, 1)
        if target.context is not None:
            sock = target.context.wrap_socket(sock, server_hostname=target.uri.host)
    except BaseException:
        sock.close()
        raise
    return sock


class Run(ABC):
    """One run of one case on one connection, for servers and clients under test.

    What is different for these is in ServerRun, and in clients/serving.py.
    """

    def __init__(
        self, case: Case, target: Target, abilities: Abilities, link: Link, seen: Seen
    ) -> None:
        self._case = case
        self._target = target
        self._abilities = abilities
        self._link = link
        self._greetings = list(abilities.greetings)
        self._seen = seen
        self._frames: FrameReader | None = None
        self._is_restless = False
        asked_for = sum(len(message.data) for message in getattr(case.best, "messages", ()))
        self._left = MAX_RECEIVED + 2 * asked_for

    @abstractmethod
    def _open(self) -> None:
        """The opening handshake; if there is an agreement afterwards, `_frames` reads on."""

    @abstractmethod
    def _take_head(self, data: bytes) -> None:
        """Bytes of the endpoint before its first frame."""

    @abstractmethod
    def _probe(self) -> None:
        """Send what is answered only by an endpoint that went on."""

    def seen(self) -> Seen:
        """Run it."""
        self._open()
        if self._seen.agreement is not None and not self._case.needs & not_agreed(self._seen):
            for step in self._case.steps:
                self._do(step)
            self._wait_for_the_verdict()
        self._seen.end = self._link.end
        return self._seen

    def _do(self, step: Step) -> None:
        link, timeout = self._link, self._target.timeout
        if isinstance(step, bytes):
            if step is GOOD_BYE:
                self._read_until(self._has_answered)
                if not self._has_answered():
                    self._seen.answers_in_time = self._seen.answers
            link.send(step, timeout)
        elif isinstance(step, Drip):
            for start in range(0, len(step.data), step.size):
                link.send(step.data[start : start + step.size], timeout)
                self._read_for(step.pause)
        elif isinstance(step, Pause):
            self._read_for(step.seconds)
        elif isinstance(step, Until):
            self._read_until(
                lambda: step.outcome.is_seen(self._seen) or self._seen.is_over, step.seconds
            )
        elif isinstance(step, HalfClose):
            link.half_close()
        elif isinstance(step, Elsewhere):
            self._go_elsewhere(step)

    def _go_elsewhere(self, step: Elsewhere) -> None:
        """Nothing, if it has gone wrong before: each would take the whole timeout."""
        if not self._seen.elsewhere:
            case = Case(self._case.name, "", "", step.outcome, steps=step.steps)
            result = run(case, self._target, self._abilities)
            if result.grade is not Grade.PASS:
                self._seen.elsewhere = result.seen

    def _has_answered(self) -> bool:
        """Whether nothing more is to come before the Close."""
        best, seen = self._case.best, self._seen
        return not isinstance(best, Echoes | Pongs) or best.has_come(seen) or seen.is_over

    def _wait_for_the_verdict(self) -> None:
        if isinstance(self._case.best, Echoes | Pongs):
            self._read_until(self._has_answered)
            self._read_until(self._is_certain, PROBE_AFTER)
            return
        if isinstance(self._case.best, Fails | Ends):
            self._read_until(self._is_certain, PROBE_AFTER)
            if self._is_certain() or self._is_allowed():
                return
            self._probe()
        self._read_until(self._is_certain)

    def _is_certain(self) -> bool:
        seen = self._seen
        if self._link.end is not End.OPEN or seen.violation or seen.went_on:
            return True
        best = self._case.best
        if all(map(is_of_the_opening, (best, *self._case.weak))):
            return True
        if best.waits_for_end:
            return False
        more_may_come = isinstance(best, Echoes | Pongs)
        return seen.close is not None or (best.is_seen(seen) and not more_may_come)

    def _is_allowed(self) -> bool:
        """Whether silence is: then there is nothing to find out."""
        return any(weak.is_seen(self._seen) for weak in self._case.weak)

    # Reading

    def _read_until(self, done: Callable[[], bool], timeout: float | None = None) -> None:
        """Read until that is true, the stream ends, or nothing has come for `timeout` seconds.

        An endpoint that goes on sending something else, such as the time, gets one longer wait.
        """
        seconds = self._target.timeout if timeout is None else timeout
        heard = monotonic()
        until = heard + MAX_WAITS * seconds
        while not done() and self._link.end is End.OPEN and not self._is_restless:
            if self._left < 0:
                return
            started = monotonic()
            if started > until:
                self._is_restless = timeout is None
                return
            left = heard + seconds - started
            data = self._link.receive(left) if left > 0 else b""
            if not data and self._link.end is End.OPEN:
                self._seen.seconds += monotonic() - started
                return
            if self._take(data):
                heard = monotonic()

    def _read_for(self, seconds: float) -> None:
        until = monotonic() + seconds
        while (left := until - monotonic()) > 0 and self._link.end is End.OPEN and self._left > 0:
            self._take(self._link.receive(left))

    def _take(self, data: bytes) -> bool:
        """False if these bytes are only messages that nothing has asked for."""
        before = self._progress()
        self._left -= len(data)
        if self._left < 0 and not self._seen.violation:
            self._seen.violation = FLOOD
        elif self._frames is None:
            self._take_head(data)
        elif not self._seen.violation:
            self._frames.feed(data)
            return not self._sort_out() or self._progress() != before
        return True

    def _progress(self) -> tuple[object, ...]:
        seen = self._seen
        return len(seen.messages), len(seen.pongs), len(seen.pings), seen.close

    def _sort_out(self) -> bool:
        """Take the greetings, what is unasked, and the answer to the probe, out of the messages.

        True if something is unasked.
        """
        messages = self._seen.messages
        while self._greetings and messages and self._greets(messages[0]):
            del messages[0], self._greetings[0]
        probes = [message for message in messages if PROBE in message.data]
        if probes:
            messages.remove(probes[0])
            self._seen.went_on = True
        if PROBE in self._seen.pongs:
            self._seen.pongs.remove(PROBE)
            self._seen.went_on = True
        unasked = [message for message in messages if self._is_unasked(message)]
        messages[:] = [message for message in messages if message not in unasked]
        return bool(unasked)

    def _greets(self, message: Message) -> bool:
        """Whether this is the greeting that is next."""
        return message == self._greetings[0]

    def _is_unasked(self, message: Message) -> bool:
        if not self._abilities.unasked or message in getattr(self._case.best, "messages", ()):
            return False
        return any(pattern.fullmatch(message.data) for pattern in self._abilities.unasked)


class ServerRun(Run):
    """A run against a server: the request of the case is sent, and its response awaited."""

    def __init__(self, case: Case, target: Target, abilities: Abilities, link: Link) -> None:
        super().__init__(case, target, abilities, link, Seen())
        request = target.request(case.opening.offer)
        self._head = case.opening.edited(request.to_bytes())
        self._response = ResponseReader(self._seen, as_sent(request, self._head))

    def _open(self) -> None:
        opening = self._case.opening
        self._do(Drip(self._head, opening.drip, opening.size) if opening.drip else self._head)
        self._read_until(lambda: self._response.done)
        self._response.finish()
        if self._seen.agreement is not None:
            self._frames = FrameReader(self._seen)
            self._take(self._response.rest)
        elif self._seen.response is None:
            silent = self._link.end is End.OPEN and not self._seen.problem
            what = f"no whole response within {self._target.timeout:g} s"
            self._seen.problem = what if silent else self._seen.problem

    def _take_head(self, data: bytes) -> None:
        self._response.feed(data)

    def _probe(self) -> None:
        self._link.send(encode_frame(TEXT, PROBE, masking_key=os.urandom(4)), self._target.timeout)
