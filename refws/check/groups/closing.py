"""RFC 6455 §5.5.1, §7: closing: codes, reasons, the order of things, and the end of TCP."""

from __future__ import annotations

from dataclasses import dataclass

from ...protocol.close_codes import CloseCode
from ...protocol.frame import CLOSE, FIN, PING, RSV1, TEXT
from ..case import Case, Drip, Group, HalfClose, Level, Pause, Step
from ..frames import GOOD_BYE, HELLO, close, crafted, frame, text
from ..outcomes import FAILURES, WITHOUT_ERROR, Closes, Echoes, Ends, Fails, Outcome, Sends, failed
from ..seen import End, Seen
from ..tables import fails, in_packets, needed
from .fragmentation import fragments

HELLO_TEXT = text(HELLO)
HEL, LO = fragments(TEXT, (b"Hel", b"lo"))

NORMAL, NO_CODE = int(CloseCode.NORMAL_CLOSURE), int(CloseCode.NO_STATUS_RCVD)
PROTOCOL_ERROR, INVALID = int(CloseCode.PROTOCOL_ERROR), int(CloseCode.INVALID_DATA)

OF_NO_ERROR, OF_AN_ERROR = tuple(sorted(WITHOUT_ERROR)), tuple(sorted(FAILURES))


@dataclass(frozen=True, slots=True)
class Reset:
    """The end of TCP is a RST, which may have destroyed the Close before it (§7.1.1)."""

    words: str = "a reset of TCP"
    waits_for_end: bool = True

    def is_seen(self, seen: Seen) -> bool:
        return seen.end is End.RESET and not (seen.violation or seen.messages or seen.went_on)


@dataclass(frozen=True, slots=True)
class WithoutPong:
    """An outcome in which no Ping was answered."""

    outcome: Outcome

    @property
    def words(self) -> str:
        return f"{self.outcome.words}, and no Pong"

    @property
    def waits_for_end(self) -> bool:
        return self.outcome.waits_for_end

    def is_seen(self, seen: Seen) -> bool:
        return self.outcome.is_seen(seen) and not seen.pongs


Answers = tuple[Outcome, ...]

ENDED = Closes(OF_NO_ERROR, ends=True)

UNFINISHED = Closes((PROTOCOL_ERROR,))
"""An answer that complains of a message without an end: no rule says so, and none forbids it."""


# The answer to a Close


def closing(
    name: str,
    rule: str,
    requirement: str,
    best: Outcome,
    *steps: Step,
    weak: Answers = (),
    level: Level = Level.MUST,
) -> Case:
    return Case(name, rule, requirement, best, weak, steps, level=level)


def answered(name: str, rule: str, requirement: str, *steps: Step, weak: Answers = ()) -> Case:
    """A Close with code 1000 is answered: typically with the same code."""
    weak = (Closes(OF_NO_ERROR), *weak)
    return closing(name, rule, requirement, Closes(), *steps, weak=weak)


ANSWERS = (
    answered("5.5.1-close", "A Close is answered with a Close.", "6455-5.5.1-08", close(NORMAL)),
    closing(
        "5.5.1-close-without-a-body",
        "A Close may be empty: it is answered with an empty one, or with 1000.",
        "6455-5.5.1-01",
        Closes((NO_CODE, NORMAL)),
        frame(CLOSE),
        weak=(Closes(OF_NO_ERROR),),
    ),
    answered(
        "5.5.1-close-with-a-reason",
        "A reason may follow the code.",
        "6455-5.5.1-03",
        close(NORMAL, b"Good bye"),
    ),
    answered(
        "5.5.1-reason-of-123-bytes",
        "A Close may have 125 bytes: a code of 2, and a reason of 123.",
        "6455-5.5.1-03",
        close(NORMAL, b"*" * 123),
    ),
    answered(
        "5.5.1-reason-in-utf-8",
        "A reason is UTF-8, so it may have any character.",
        "6455-5.5.1-03",
        close(NORMAL, "Tschüß, 再见 \U0001f44b".encode()),
    ),
    answered(
        "5.5.1-close-byte-by-byte",
        "A Close may arrive in any number of packets.",
        "6455-5.5.1-08",
        Drip(close(NORMAL, b"bye")),
    ),
    answered(
        "5.5.1-close-between-fragments",
        "A Close may come in the middle of a message, which is then lost.",
        "6455-5.5.1-08",
        *in_packets(HEL, close(NORMAL)),
        weak=(UNFINISHED,),
    ),
    answered(
        "5.5.1-close-then-half-close",
        "A Close is answered also if the client ends its direction of TCP at once.",
        "6455-5.5.1-08",
        close(NORMAL),
        HalfClose(),
    ),
)


# Codes


def valid_code(code: int) -> Case:
    weak = tuple(other for other in OF_NO_ERROR if other != code)
    rule = f"Code {code} is for Close frames; a server typically answers with the same one."
    name = f"7.4-close-{code}"
    return closing(name, rule, "6455-5.5.1-09", Closes((code,)), close(code), weak=(Closes(weak),))


def registered_code(code: int) -> Case:
    """A server that is older than the registration is right to refuse it."""
    rule = f"IANA has registered code {code} after the RFC was written."
    weak: Answers = (Fails(), *failed(PROTOCOL_ERROR))
    best, level = Closes((code,)), Level.CHOICE
    name = f"7.4.2-close-{code}"
    return closing(name, rule, "6455-7.4.2-02", best, close(code), weak=weak, level=level)


def refused_code(
    code: int, rule: str, requirement: str, *weak: Outcome, level: Level = Level.MUST
) -> Case:
    """Only sending it is forbidden: an answer without it is no mistake. An echo of it is one."""
    name = f"7.4-close-{code}-is-invalid"
    return fails(name, rule, requirement, close(code), weak=weak, level=level)


def unknown_code(code: int, rule: str, requirement: str) -> Case:
    """No rule forbids to repeat it."""
    return refused_code(code, rule, requirement, Closes((code,)), level=Level.CHOICE)


LOCAL = "No Close may carry code {}: it is what an application learns {}."
LOCAL_CODES = {
    1005: ("6455-7.4.1-07", "when there was no code"),
    1006: ("6455-7.4.1-08", "when there was no Close"),
    1015: ("6455-7.4.1-16", "when TLS failed"),
}
FUTURE = "Code {} has no meaning yet: the best servers take it for an error."

CODES = (
    *map(valid_code, (1000, 1001, 1002, 1003, 1007, 1008, 1009, 1011, 3000, 3999, 4000, 4999)),
    closing(
        "7.4.1-close-1010",
        "Code 1010 is for clients only: a server that answers it may use another one.",
        "6455-7.4.1-12",
        Closes((1010, *OF_NO_ERROR)),
        close(1010),
    ),
    *map(registered_code, (1012, 1013, 1014)),
    *(refused_code(code, "The codes 0 to 999 are not used.", "6455-7.4.2-01") for code in (0, 999)),
    *(
        refused_code(code, LOCAL.format(code, when), requirement)
        for code, (requirement, when) in LOCAL_CODES.items()
    ),
    unknown_code(1004, FUTURE.format(1004), "6455-7.4.1-06"),
    *(unknown_code(code, FUTURE.format(code), "6455-7.4.2-02") for code in (1016, 1100, 2999)),
    *(
        unknown_code(code, f"Code {code} is in none of the ranges.", "6455-7.4.2-04")
        for code in (5000, 65535)
    ),
)


# Bodies that are none

BODIES = (
    fails(
        "5.5.1-close-with-one-byte",
        "A body begins with a code of 2 bytes: 1 byte is no body.",
        "6455-5.5.1-02",
        frame(CLOSE, b"\x03"),
    ),
    *(
        fails(
            f"5.5.1-{name}",
            "A reason must be UTF-8.",
            "6455-5.5.1-04",
            close(NORMAL, reason),
            code=INVALID,
        )
        for name, reason in {
            "reason-with-byte-ff": b"Good \xff bye",
            "reason-with-a-surrogate": b"\xed\xa0\x80",
            "reason-cut-in-a-character": b"\xe2\x82",
        }.items()
    ),
)


# What follows a Close

AFTER = "What follows a Close is not answered."

FOLLOWED = (
    closing(
        "5.5.1-message-after-close",
        AFTER,
        "6455-5.5.1-07",
        ENDED,
        close(NORMAL) + frame(*HELLO_TEXT),
        weak=(Closes(OF_NO_ERROR), Reset()),
    ),
    closing(
        "5.5.2-ping-after-close",
        AFTER,
        "6455-5.5.2-02",
        WithoutPong(ENDED),
        close(NORMAL) + frame(PING, HELLO),
        weak=(Closes(OF_NO_ERROR), Reset()),
    ),
    closing(
        "7.1.5-close-after-close",
        "Each side sends one Close: a second one is not answered.",
        "6455-5.5.1-08",
        ENDED,
        close(NORMAL) + close(1001),
        # To answer with an error is allowed: §5.5.1 calls it only typical to repeat the code.
        weak=(Closes(OF_NO_ERROR), Fails(), Reset()),
    ),
    closing(
        "5.5.1-rest-of-a-message-after-close",
        AFTER,
        "6455-5.5.1-07",
        ENDED,
        HEL + close(NORMAL) + LO,
        weak=(Closes(OF_NO_ERROR), UNFINISHED, Reset()),
    ),
    closing(
        "7.1.1-close-then-much-data",
        "A clean end reads and drops what still arrives: else TCP is reset, and the Close lost.",
        "6455-7.1.1-01",
        ENDED,
        close(NORMAL) + frame(*HELLO_TEXT) * 20_000,
        weak=(Closes(OF_NO_ERROR), Reset(), Ends()),
        level=Level.SHOULD,
    ),
    Case(
        "5.5.1-messages-before-close-in-one-packet",
        "Messages before a Close are still answered, also if all arrive in one packet.",
        "6455-5.5.1-08",
        Echoes((HELLO_TEXT, HELLO_TEXT)),
        (Closes(OF_NO_ERROR, (HELLO_TEXT,)), Closes(OF_NO_ERROR)),
        (frame(*HELLO_TEXT) * 2 + close(NORMAL),),
        needs=needed([HELLO_TEXT]),
        level=Level.CHOICE,
    ),
)


# The end of TCP

WITH_RSV1 = crafted(bytes((FIN | RSV1 | TEXT, 0x80 | len(HELLO))), HELLO)
"""A frame for which a server must fail the connection (§5.2)."""


def half_closed(name: str, rule: str, *steps: Step) -> Case:
    """The RFC has no words for it. What a server sends first is its own affair."""
    weak: Answers = (Fails(), *failed(PROTOCOL_ERROR), Sends())
    return closing(
        f"7.1.4-{name}",
        rule,
        "6455-7.1.4-01",
        Ends(),
        *(*steps, HalfClose()),
        weak=weak,
        level=Level.CHOICE,
    )


ENDS_OF_TCP = (
    closing(
        "5.5.1-tcp-ends-after-close",
        "When both have sent a Close, the server ends TCP at once.",
        "6455-5.5.1-13",
        ENDED,
        close(NORMAL),
        weak=(Reset(),),
    ),
    closing(
        "7.1.7-tcp-ends-after-a-failure",
        "A server that fails a connection ends TCP, and waits for no answer to its Close.",
        "6455-7.1.7-03",
        Closes((PROTOCOL_ERROR,), ends=True),
        WITH_RSV1,
        # No rule says how soon TCP ends: some wait for a few seconds for the client to end it.
        # That the code says what was wrong is a SHOULD.
        weak=(Fails(OF_AN_ERROR), Closes(OF_NO_ERROR, ends=True), Reset(), Ends()),
    ),
    closing(
        "7.1.7-nothing-after-a-failure",
        "After the error nothing is processed: no Ping is answered, no message comes back.",
        "6455-7.1.7-07",
        WithoutPong(Closes((PROTOCOL_ERROR,), ends=True)),
        WITH_RSV1 + frame(PING, HELLO) + frame(*HELLO_TEXT),
        weak=tuple(WithoutPong(each) for each in (Fails(), *failed(PROTOCOL_ERROR), Reset())),
    ),
    half_closed("half-close", "When the client ends TCP without a Close, so does the server."),
    half_closed(
        "half-close-in-a-frame",
        "A frame that will never be complete is dropped, and the server ends TCP.",
        frame(*HELLO_TEXT)[:8],
    ),
    half_closed(
        "half-close-in-a-message",
        "A message that will never be complete is dropped, and the server ends TCP.",
        HEL,
    ),
)


# A reset: what becomes of it shows on the next connection


def outlived(name: str, *before: Step) -> Case:
    rule = "A connection that is reset does no harm to the next one."
    best, steps = Echoes((HELLO_TEXT,)), (frame(*HELLO_TEXT), GOOD_BYE)
    needs = needed([HELLO_TEXT])
    return Case(name, rule, "6455-7.1.5-03", best, (), steps, before, needs=needs)


RESETS = (
    outlived("7.1.5-reset-after-101", Pause(0.01)),
    outlived("7.1.5-reset-in-a-header", frame(*HELLO_TEXT)[:1], Pause(0.01)),
    outlived("7.1.5-reset-in-a-payload", frame(*HELLO_TEXT)[:8], Pause(0.01)),
    outlived("7.1.5-reset-in-a-message", HEL, Pause(0.01)),
    outlived("7.1.5-reset-before-the-echo", frame(*HELLO_TEXT) * 100),
    outlived("7.1.5-reset-after-close", close(NORMAL)),
)

CLOSING = Group("closing", "Closing", (*ANSWERS, *CODES, *BODIES, *FOLLOWED, *ENDS_OF_TCP, *RESETS))
