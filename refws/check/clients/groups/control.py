"""RFC 6455 §5.5, §7: Ping and Pong, and how a connection is closed."""

from __future__ import annotations

from ....protocol.close_codes import CloseCode
from ....protocol.frame import CLOSE, PING, PONG, TEXT
from ...case import Case, Group, HalfClose, Level, Pause, Until
from ...outcomes import Closes, Fails, LastPong, Pongs, failed
from ..frames import GOOD_BYE, HELLO, close, frame, pings, then_close
from ..outcomes import Accepts, Leaves, WaitsForEnd
from .frames import echoed, illegal

TEN = tuple(f"Ping {number}".encode() for number in range(10))

SETTLED = 0.3
"""Seconds in which a client that does not wait for the server ends TCP."""

FAILED = failed(CloseCode.PROTOCOL_ERROR)


def ponged(name: str, rule: str, *payloads: bytes) -> Case:
    """A case in which each Ping gets its Pong."""
    return Case(name, rule, "6455-5.5.3-01", Pongs(payloads, others=True), (), pings(*payloads))


def answered(name: str, rule: str, data: bytes, *codes: int) -> Case:
    """A case in which a Close comes back, best with the same code."""
    weak, level = (Accepts(),), Level.SHOULD
    return Case(name, rule, "6455-5.5.1-09", Closes(codes), weak, (data,), level=level)


def bad_code(code: int, why: str) -> Case:
    """A Close with a code that no endpoint may send. To answer it with a legal Close is weak."""
    return refused(code, f"A Close must not carry {code}: {why}.", Level.MUST)


def unknown_code(code: int, why: str) -> Case:
    """A code that no rule forbids to repeat, which §5.5.1 calls typical: that is weak, too."""
    return refused(code, f"Code {code} is best taken for an error: {why}.", Level.CHOICE)


def refused(code: int, rule: str, level: Level) -> Case:
    """read_close knows which of them may be repeated."""
    requirement = REQUIREMENTS.get(code, "6455-7.4.2-01")
    weak = (*FAILED, Accepts(), Closes((code,)))
    return Case(f"7.4-code-{code}", rule, requirement, Fails(), weak, (close(code),), level=level)


REQUIREMENTS = {
    1004: "6455-7.4.1-06",
    1005: "6455-7.4.1-07",
    1006: "6455-7.4.1-08",
    1015: "6455-7.4.1-16",
    1016: "6455-7.4.2-02",
    2999: "6455-7.4.2-02",
    5000: "6455-7.4.2-04",
}

CONTROL = Group(
    "control",
    "Ping and Pong",
    (
        ponged("5.5.2-ping", "A Ping is answered with a Pong of the same payload.", b"Hello"),
        ponged("5.5.2-empty-ping", "A Ping may be empty.", b""),
        ponged(
            "5.5.2-ping-of-125-bytes",
            "A Ping has up to 125 bytes of any kind.",
            bytes(range(131, 256)),
        ),
        Case(
            "5.5.3-ten-pings",
            "Of several Pings at once the last must be answered; best is to answer each.",
            "6455-5.5.3-02",
            Pongs(TEN, others=True),
            (LastPong(TEN),),
            pings(*TEN),
            level=Level.CHOICE,
        ),
        echoed(
            "5.5.3-unasked-pong",
            "A Pong that no one has asked for is ignored.",
            "6455-5.5.3-04",
            HELLO,
            steps=then_close(frame(PONG, b"unasked") + frame(*HELLO), messages=1),
        ),
        illegal(
            "5.5-ping-of-126-bytes",
            "A control frame has at most 125 bytes.",
            "6455-5.5-02",
            frame(PING, bytes(126)),
        ),
    ),
)

CLOSING = Group(
    "closing",
    "Closing",
    (
        answered("5.5.1-close-1000", "A Close comes back with its code.", close(1000), 1000),
        answered(
            "5.5.1-close-without-a-code",
            "A Close without a code is answered, without one or with 1000.",
            frame(CLOSE),
            1000,
            CloseCode.NO_STATUS_RCVD,
        ),
        answered(
            "5.5.1-close-with-a-reason",
            "A Close may give a reason of up to 123 bytes.",
            close(1000, b"r" * 123),
            1000,
        ),
        *(
            answered(f"7.4-code-{code}", f"A Close may carry {code}.", close(code), code)
            for code in (1001, 1011, 3000, 4999)
        ),
        Case(
            "7.1.1-waits-for-the-server",
            "After the closing handshake it is the server that ends TCP first.",
            "6455-7.1.1-06",
            WaitsForEnd(),
            (Accepts(),),
            (GOOD_BYE, Until(Accepts()), Pause(SETTLED)),
            level=Level.SHOULD,
        ),
        Case(
            "7.1.1-ends-tcp-after-the-server",
            "When the server ends TCP after the closing handshake, the client ends it, too.",
            "6455-5.5.1-12",
            Leaves(),
            (),
            (GOOD_BYE, Until(Accepts()), HalfClose()),
        ),
        Case(
            "5.5.1-no-message-after-close",
            "After its Close a client sends no message, also if one still arrives.",
            "6455-5.5.1-07",
            Accepts(),
            (),
            (GOOD_BYE + frame(TEXT, b"too late"), Until(Accepts()), Pause(SETTLED)),
        ),
        Case(
            "5.5.2-no-pong-after-close",
            "After a Close no Ping is answered.",
            "6455-5.5.2-02",
            Accepts(),
            (),
            (GOOD_BYE + frame(PING, b"too late"), Until(Accepts()), Pause(SETTLED)),
        ),
        Case(
            "7.2.1-tcp-ends-without-close",
            "When TCP ends without a Close, the client ends it, too.",
            "6455-7.2.1-02",
            Leaves(),
            (),
            (HalfClose(),),
        ),
        illegal(
            "5.5.1-body-of-one-byte",
            "The body of a Close begins with a code of two bytes.",
            "6455-5.5.1-02",
            frame(CLOSE, b"\x03"),
        ),
        Case(
            "5.5.1-reason-not-utf8",
            "The reason of a Close is UTF-8.",
            "6455-5.5.1-04",
            Fails((CloseCode.PROTOCOL_ERROR, CloseCode.INVALID_DATA)),
            FAILED,
            (close(1000, b"Hello \xff"),),
        ),
        *(
            bad_code(code, why)
            for code, why in (
                (0, "codes below 1000 are not used"),
                (999, "codes below 1000 are not used"),
                (1005, "it means that there was no code"),
                (1006, "it means that there was no Close"),
                (1015, "it means that TLS failed"),
            )
        ),
        *(
            unknown_code(code, why)
            for code, why in (
                (1004, "it is reserved"),
                (1016, "it is not assigned"),
                (2999, "it is not assigned"),
                (5000, "codes end at 4999"),
            )
        ),
    ),
)
