"""RFC 6455 §4.1, RFC 9112: what a client makes of the server's answer, right or wrong."""

from __future__ import annotations

from ....protocol.http import CRLF
from ...case import Case, Group, HalfClose, Level, Need
from ...opening import Edit, Opening, added, edited, first_line, replaced, with_line, without
from ...outcomes import AnyOf, Echoes, Outcome
from ..answer import (
    REDIRECTED,
    added_line,
    cut,
    names_in_other_case,
    other_case,
    preceded_by,
    spaced,
    with_first_line,
)
from ..frames import GOOD_BYE, HELLO, frame, then_close
from ..outcomes import GIVES_UP, REJECTS, Accepts, Leaves, StaysOut

ACCEPT = "Sec-WebSocket-Accept"
ACCEPT_OF_EXAMPLE = "s3pPLMBiTxaQ9kYGzzhZRbK+xOo="
"""The value of §1.3: right for the key of the example only."""

BODY = frame(*HELLO)
"""The body of a refusal: a client that takes it for a frame sends Hello back."""


def refused(name: str, rule: str, requirement: str, *edits: Edit) -> Case:
    """A case with an answer that a client must not accept."""
    return Case(name, rule, requirement, GIVES_UP, REJECTS, opening=edited(*edits))


def accepted(
    name: str, rule: str, requirement: str, opening: Opening, level: Level = Level.MUST
) -> Case:
    """A case with an answer that a client must accept, or, at another level, should."""
    weak: tuple[Outcome, ...] = () if level is Level.MUST else (GIVES_UP, *REJECTS)
    return Case(name, rule, requirement, Accepts(), weak, (GOOD_BYE,), opening=opening, level=level)


def free(name: str, rule: str, *edits: Edit, best: Outcome | None = None) -> Case:
    """A case with an answer that a client may accept or not; `best` if one of the two is better.

    To wait for more, as if it had not ended, is allowed, too.
    """
    either = AnyOf((GIVES_UP, Accepts()))
    return Case(
        name,
        rule,
        "",
        best or either,
        (Accepts(), *REJECTS, StaysOut()),
        (GOOD_BYE,),
        opening=edited(*edits),
        level=Level.CHOICE,
    )


def ordinary(name: str, rule: str, status: str, *headers: tuple[str, str]) -> Case:
    """A case with an ordinary response in place of the 101, after which the server ends TCP.

    It keeps the headers of a 101: only the status says that it is none.
    """
    lines = [
        *headers,
        ("Content-Type", "application/octet-stream"),
        ("Content-Length", str(len(BODY))),
        ("Connection", "Upgrade, close"),
    ]
    edits = [first_line(f"HTTP/1.1 {status}"), without("Connection")]
    edits += [added(field, value) for field, value in lines]
    opening = Opening(tuple(edits), after=BODY)
    return Case(name, rule, "6455-4.1-37", StaysOut(), (), (HalfClose(),), opening=opening)


ANSWERS = Group(
    "answers",
    "The answer",
    (
        accepted(
            "4.1-valid-answer",
            "A valid 101 opens the connection; a Close on it is answered.",
            "6455-4.1-36",
            edited(),
        ),
        # Sec-WebSocket-Accept
        refused(
            "4.1-accept-of-another-key",
            "A client must not accept a Sec-WebSocket-Accept that was made from another key.",
            "6455-4.1-40",
            with_line(ACCEPT, ACCEPT_OF_EXAMPLE),
        ),
        refused(
            "4.1-accept-missing",
            "A client must not accept an answer without Sec-WebSocket-Accept.",
            "6455-4.1-40",
            without(ACCEPT),
        ),
        refused(
            "4.1-accept-empty",
            "A client must not accept an empty Sec-WebSocket-Accept.",
            "6455-4.1-40",
            with_line(ACCEPT, ""),
        ),
        refused(
            "4.1-accept-in-other-case",
            "Sec-WebSocket-Accept is base64, in which upper and lower case differ.",
            "6455-4.1-40",
            other_case(ACCEPT),
        ),
        refused(
            "4.1-accept-with-more",
            "Sec-WebSocket-Accept is compared as a whole, not by its beginning.",
            "6455-4.1-40",
            replaced(b"=\r\n", b"=A\r\n"),
        ),
        Case(
            "11.3.3-two-accepts",
            "Sec-WebSocket-Accept must not be there twice: which one would count?",
            "6455-11.3.3-01",
            GIVES_UP,
            (*REJECTS, Accepts()),
            (GOOD_BYE,),
            opening=edited(added(ACCEPT, ACCEPT_OF_EXAMPLE)),
            level=Level.SHOULD,
        ),
        Case(
            "11.3.3-two-accepts-wrong-first",
            "The same, with the wrong one first.",
            "6455-11.3.3-01",
            GIVES_UP,
            (*REJECTS, Accepts()),
            (GOOD_BYE,),
            opening=edited(with_first_line(ACCEPT, ACCEPT_OF_EXAMPLE)),
            level=Level.SHOULD,
        ),
        # Upgrade and Connection
        refused(
            "4.1-upgrade-missing",
            "A client must not accept a 101 without Upgrade.",
            "6455-4.1-38",
            without("Upgrade"),
        ),
        refused(
            "4.1-upgrade-to-another-protocol",
            "A client must not accept a 101 whose Upgrade is not websocket.",
            "6455-4.1-38",
            with_line("Upgrade", "h2c"),
        ),
        refused(
            "4.1-upgrade-with-another-protocol",
            "The value of Upgrade must be websocket, not a list that has it.",
            "6455-4.1-38",
            with_line("Upgrade", "websocket, h2c"),
        ),
        refused(
            "4.1-connection-missing",
            "A client must not accept a 101 without Connection.",
            "6455-4.1-39",
            without("Connection"),
        ),
        refused(
            "4.1-connection-without-upgrade",
            "A client must not accept a 101 whose Connection lacks the token Upgrade.",
            "6455-4.1-39",
            with_line("Connection", "keep-alive"),
        ),
        # Extensions and subprotocols
        refused(
            "4.1-extension-not-offered",
            "A client must not accept an extension that it did not offer.",
            "6455-4.1-41",
            with_line("Sec-WebSocket-Extensions", "x-refws-check"),
        ),
        refused(
            "9.1-extensions-malformed",
            "A client must not accept a Sec-WebSocket-Extensions that breaks its grammar.",
            "6455-9.1-02",
            with_line("Sec-WebSocket-Extensions", "; a; b"),
        ),
        refused(
            "4.1-subprotocol-not-listed",
            "A client must not accept a subprotocol that it did not list.",
            "6455-4.1-42",
            with_line("Sec-WebSocket-Protocol", "x-refws-check"),
        ),
        Case(
            "4.1-subprotocol-in-other-case",
            "Subprotocols that differ in upper and lower case are not the same.",
            "6455-4.1-42",
            GIVES_UP,
            REJECTS,
            opening=edited(other_case("Sec-WebSocket-Protocol")),
            needs=frozenset({Need.SUBPROTOCOLS, Need.SUBPROTOCOLS_VALID}),
        ),
        Case(
            "4.1-no-subprotocol",
            "A server may choose none of the subprotocols; the client may then go or stay.",
            "6455-4.1-47",
            AnyOf((Accepts(), GIVES_UP)),
            REJECTS,
            (GOOD_BYE,),
            opening=edited(without("Sec-WebSocket-Protocol")),
            needs=frozenset({Need.SUBPROTOCOLS, Need.SUBPROTOCOLS_VALID}),
            level=Level.CHOICE,
        ),
        # Another status
        ordinary(
            "4.1-status-200",
            "A 200 opens no connection, even with all headers of a 101.",
            "200 OK",
        ),
        ordinary(
            "4.1-status-301",
            "A 301 opens no connection; a client may follow it with a new request, or give up.",
            "301 Moved Permanently",
            ("Location", REDIRECTED),
        ),
        ordinary(
            "4.1-status-401",
            "A 401 opens no connection; a client may try again with a password, or give up.",
            "401 Unauthorized",
            ("WWW-Authenticate", 'Basic realm="refws"'),
        ),
        ordinary(
            "4.1-status-426",
            "A 426 opens no connection; it names other versions.",
            "426 Upgrade Required",
            ("Sec-WebSocket-Version", "8"),
        ),
        ordinary(
            "4.1-status-503",
            "A 503 opens no connection, also if 101 is somewhere else in the answer.",
            "503 No 101 Switching Protocols",
            ("Retry-After", "1"),
        ),
        # A head that is no head
        refused(
            "4.1-status-line-malformed",
            "A client must not accept an answer that does not begin with a line of HTTP.",
            "6455-4.1-43",
            first_line("WEBSOCKET 101 Switching Protocols"),
        ),
        Case(
            "4.1-head-cut-off",
            "If TCP ends inside of the answer, there is no connection.",
            "6455-4.1-43",
            Leaves(),
            (),
            (HalfClose(),),
            opening=edited(cut(60)),
        ),
        free(
            "9112-5-line-without-colon",
            "A header line without a colon is no HTTP; strict clients give up.",
            added_line(b"this line has no colon"),
            best=GIVES_UP,
        ),
        # Valid answers that look unusual
        accepted(
            "4.1-header-names-in-any-case",
            "The case of header names does not matter.",
            "6455-4.1-44",
            edited(names_in_other_case),
        ),
        accepted(
            "4.1-upgrade-in-any-case",
            "The case of websocket in Upgrade does not matter.",
            "6455-4.1-38",
            edited(with_line("Upgrade", "WebSocket")),
        ),
        accepted(
            "4.1-connection-in-any-case",
            "The case of Upgrade in Connection does not matter.",
            "6455-4.1-39",
            edited(with_line("Connection", "UPGRADE")),
        ),
        accepted(
            "4.1-connection-as-list",
            "Connection is a list; Upgrade must be in it, not alone.",
            "6455-4.1-39",
            edited(with_line("Connection", "keep-alive, Upgrade")),
        ),
        accepted(
            "9110-5.5-no-space-after-colon",
            "The space after the colon of a header may be missing.",
            "6455-4.1-40",
            edited(spaced(b"", b"")),
        ),
        accepted(
            "9110-5.5-spaces-around-values",
            "Spaces around the value of a header are not a part of it.",
            "6455-4.1-40",
            edited(spaced(b"   ", b"  ")),
        ),
        accepted(
            "9110-5.5-tabs-around-values",
            "Tabs around the value of a header are not a part of it.",
            "6455-4.1-40",
            edited(spaced(b"\t", b"\t")),
        ),
        accepted(
            "4.1-more-headers",
            "A 101 may have other headers, also two of one name.",
            "6455-4.1-36",
            edited(
                added("Server", "refws"),
                added("Date", "Sun, 06 Nov 1994 08:49:37 GMT"),
                added("Set-Cookie", "a=1"),
                added("Set-Cookie", "b=2; Path=/"),
            ),
        ),
        accepted(
            "9110-5.5-obs-text",
            "Bytes above 127 in a header that the handshake does not read are opaque data.",
            "",
            edited(added("Server", "caf\xe9")),
            Level.SHOULD,
        ),
        accepted(
            "9112-5.2-folded-line",
            "A header over two lines is one line with a space in place of the fold.",
            "",
            edited(added("X-Folded", "one\r\n two")),
            Level.SHOULD,
        ),
        accepted(
            "9110-5.4-long-line",
            "A header of 4 KiB is not too long.",
            "",
            edited(added("X-Long", "x" * 4096)),
            Level.CHOICE,
        ),
        accepted(
            "9112-4-no-reason-phrase",
            "The reason phrase may be empty.",
            "6455-4.1-36",
            edited(first_line("HTTP/1.1 101 ")),
        ),
        accepted(
            "9112-4-other-reason-phrase",
            "The reason phrase means nothing.",
            "6455-4.1-36",
            edited(first_line("HTTP/1.1 101 Web Socket Protocol Handshake")),
        ),
        free(
            "9110-7.8-http-1.0",
            "HTTP/1.0 has no Upgrade; a strict client gives up.",
            first_line("HTTP/1.0 101 Switching Protocols"),
            best=GIVES_UP,
        ),
        free(
            "9112-2.2-lf-alone",
            "A client may accept LF as the end of a line, or not.",
            replaced(CRLF, b"\n"),
        ),
        free(
            "9110-8.6-content-length-in-101",
            "A 101 has no body; a client may ignore a length, or give up.",
            added("Content-Length", "5"),
        ),
        accepted(
            "9110-15.2-100-before",
            "A 100 before the answer is not the answer.",
            "",
            edited(preceded_by(b"HTTP/1.1 100 Continue\r\n\r\n")),
        ),
        accepted(
            "9110-15.2-103-before",
            "A 103 with headers before the answer is not the answer.",
            "",
            edited(preceded_by(b"HTTP/1.1 103 Early Hints\r\nLink: </style.css>\r\n\r\n")),
        ),
        # How it arrives
        accepted(
            "4.1-answer-byte-by-byte",
            "An answer whose bytes arrive one by one is the same answer.",
            "6455-6.2-01",
            Opening(drip=0.001),
        ),
        Case(
            "4.1-frame-with-the-answer",
            "A frame that arrives together with the 101 is not lost.",
            "6455-4.1-45",
            Echoes((HELLO,)),
            steps=then_close(messages=1),
            opening=Opening(after=frame(*HELLO)),
            needs=frozenset({Need.ECHO}),
        ),
        Case(
            "4.1-close-with-the-answer",
            "A Close that arrives together with the 101 is answered.",
            "6455-4.1-45",
            Accepts(),
            opening=Opening(after=GOOD_BYE),
        ),
    ),
)
