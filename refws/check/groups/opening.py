"""RFC 6455 §4.2: the opening handshake: its answer, its lines, its origin, its packets.

The headers of §4.2.1 are in request.py and negotiation.py, HTTP around them is in http.py.
"""

from __future__ import annotations

from ...protocol.frame import PING
from ..case import Case, Group, Level, Need
from ..frames import GOOD_BYE, HELLO, frame, text
from ..opening import Opening, added, named, reordered, replaced, with_line, without
from ..outcomes import AnyOf, Echoes, Opens, Pongs, Refuses, failed
from .handshakes import KEY, OPENS, REFUSAL, VERSION, opens, refuses

ECHO = frozenset({Need.ECHO})
ECHOES_HELLO = Echoes((text(HELLO),))

# The answer

ANSWER = (
    opens(
        "4.2.2-valid-request",
        "A valid request is answered with 101, Upgrade, Connection and the right Accept.",
        "6455-4.2.2-20",
    ),
    opens(
        "4.2.2-key-of-the-rfc",
        "The key of the RFC's example is answered with s3pPLMBiTxaQ9kYGzzhZRbK+xOo=.",
        "6455-4.2.2-24",
        with_line(KEY, "dGhlIHNhbXBsZSBub25jZQ=="),
    ),
    opens(
        "4.2.2-key-of-zeros",
        "The Accept is made from the text of the key, also if all its bytes are 0.",
        "6455-4.2.2-24",
        with_line(KEY, "AAAAAAAAAAAAAAAAAAAAAA=="),
    ),
    opens(
        "4.2.2-key-with-slashes",
        "A slash in a key is a character of base64 as any other.",
        "6455-4.2.2-24",
        with_line(KEY, "/////////////////////w=="),
    ),
    opens(
        "4.2.2-key-with-plus-signs",
        "A plus sign in a key is a character of base64 as any other.",
        "6455-4.2.2-24",
        with_line(KEY, "++++++++++++++++++++++++"[:21] + "g=="),
    ),
    opens(
        "4.2.2-spaces-around-key",
        "White space around the key is not a part of it.",
        "6455-4.2.2-09",
        with_line(KEY, " \t dGhlIHNhbXBsZSBub25jZQ== \t "),
    ),
    opens(
        "4.2.2-no-content-length",
        "A 101 has no Content-Length: no body follows it, but frames.",
        "6455-4.2.2-20",
        best=Opens(without="Content-Length"),
    ),
    opens(
        "4.2.2-no-transfer-encoding",
        "A 101 has no Transfer-Encoding: no body follows it, but frames.",
        "6455-4.2.2-20",
        best=Opens(without="Transfer-Encoding"),
    ),
)

# Lines that are written in other ways

LINES = (
    opens(
        "4.2.1-names-in-lower-case",
        "The case of header names does not matter: here all are in lower case.",
        "6455-4.1-44",
        named(bytes.lower),
    ),
    opens(
        "4.2.1-names-in-upper-case",
        "The case of header names does not matter: here all are in upper case.",
        "6455-4.1-44",
        named(bytes.upper),
    ),
    opens(
        "4.2.1-headers-in-another-order",
        "The order of the headers does not matter.",
        "6455-4.2.1-02",
        reordered,
    ),
    opens(
        "4.2.1-no-space-after-colon",
        "The space after the colon of a header may be missing.",
        "6455-4.2.1-01",
        replaced(b": ", b":"),
    ),
    opens(
        "4.2.1-more-space-after-colon",
        "There may be spaces and tabs after the colon and at the end of a line.",
        "6455-4.2.1-01",
        with_line("Upgrade", "\t websocket\t "),
        with_line("Connection", "   Upgrade   "),
        with_line(VERSION, "\t\t13\t"),
    ),
    opens(
        "4.2.1-headers-of-a-browser",
        "Headers that the handshake does not know are ignored: here the ones that a browser sends.",
        "6455-4.2.1-15",
        added("User-Agent", "Mozilla/5.0 (X11; Linux x86_64; rv:128.0) Gecko/20100101"),
        added("Accept", "*/*"),
        added("Accept-Language", "en-US,en;q=0.5"),
        added("Accept-Encoding", "gzip, deflate, br, zstd"),
        added("Pragma", "no-cache"),
        added("Cache-Control", "no-cache"),
        added("Sec-Fetch-Mode", "websocket"),
    ),
    opens(
        "4.2.1-unknown-headers",
        "Headers that no one knows are ignored, also twice and without a value.",
        "6455-4.2.1-15",
        added("X-Refws", "one"),
        added("X-Refws", "two"),
        added("X-Refws-Empty", ""),
        added("Sec-WebSocket-Refws", "unknown"),
    ),
    opens(
        "4.2.1-accept-in-a-request",
        "A Sec-WebSocket-Accept in a request has no meaning and is ignored.",
        "6455-4.2.1-15",
        added("Sec-WebSocket-Accept", "s3pPLMBiTxaQ9kYGzzhZRbK+xOo="),
        weak=REFUSAL,
        level=Level.CHOICE,
    ),
    opens(
        "4.2.1-forty-headers",
        "A request may have many headers; a server may have a limit, but not a small one.",
        "6455-4.2.1-15",
        *(added(f"X-Refws-{number}", "refws") for number in range(40)),
        weak=REFUSAL,
        level=Level.SHOULD,
    ),
    opens(
        "4.2.1-cookie-of-4096-bytes",
        "A cookie may be as long as browsers make it, 4,096 bytes.",
        "6455-4.2.1-15",
        added("Cookie", "refws=" + "c" * 4090),
        weak=REFUSAL,
        level=Level.SHOULD,
    ),
    refuses(
        "10.4-header-of-256-kib",
        "A header far above what a server needs is refused before it fills the memory.",
        "6455-10.4-01",
        added("X-Refws", "*" * 2**18),
        best=AnyOf(REFUSAL),
        weak=(OPENS,),
        level=Level.SHOULD,
    ),
)

# The origin, item 7

TRUSTED_OR_NOT = AnyOf((OPENS, Refuses((403,))))

ORIGINS = (
    opens(
        "4.2.1-no-origin",
        "Origin is optional: a server may ask for it, and then answers with 403.",
        "6455-4.2.1-11",
        without("Origin"),
        best=TRUSTED_OR_NOT,
        weak=REFUSAL,
        level=Level.CHOICE,
    ),
    opens(
        "10.2-foreign-origin",
        "A server accepts a foreign origin, or it refuses it with 403.",
        "6455-10.2-02",
        with_line("Origin", "http://refws.example"),
        best=TRUSTED_OR_NOT,
        weak=REFUSAL,
        level=Level.CHOICE,
    ),
    opens(
        "10.2-origin-null",
        "A server accepts the origin null, as of a file, or it refuses it with 403.",
        "6455-10.2-02",
        with_line("Origin", "null"),
        best=TRUSTED_OR_NOT,
        weak=REFUSAL,
        level=Level.CHOICE,
    ),
    refuses(
        "4.2.1-origin-twice",
        "Two lines of Origin are refused: a page has one origin.",
        "6455-10.2-01",
        with_line("Origin", "http://refws.example"),
        added("Origin", "http://other.example"),
        weak=(OPENS,),
        level=Level.SHOULD,
    ),
)

# Frames right after the head, and heads in parts

TOO_EARLY = (*failed(), *REFUSAL)
"""A client must wait for the answer (§4.1), so a server may refuse to go on."""


def early(name: str, rule: str, after: bytes, *steps: bytes) -> Case:
    return Case(
        name,
        rule,
        "6455-4.2.2-27",
        ECHOES_HELLO,
        TOO_EARLY,
        steps,
        opening=Opening(after=after),
        needs=ECHO,
    )


HELLO_FRAME = frame(*text(HELLO))

PARTS = (
    early(
        "4.2.2-frame-in-the-packet-of-the-head",
        "A frame that arrives in one packet with the head is not lost.",
        HELLO_FRAME,
        GOOD_BYE,
    ),
    early(
        "4.2.2-half-a-frame-in-the-packet-of-the-head",
        "The first bytes of a frame that arrive with the head are not lost.",
        HELLO_FRAME[:4],
        HELLO_FRAME[4:],
        GOOD_BYE,
    ),
    Case(
        "4.2.2-two-frames-in-the-packet-of-the-head",
        "Two frames that arrive in one packet with the head are not lost.",
        "6455-4.2.2-27",
        Echoes((text(HELLO), text(HELLO))),
        TOO_EARLY,
        (GOOD_BYE,),
        opening=Opening(after=HELLO_FRAME + HELLO_FRAME),
        needs=ECHO,
    ),
    Case(
        "4.2.2-ping-in-the-packet-of-the-head",
        "A Ping that arrives in one packet with the head is answered.",
        "6455-4.2.2-27",
        Pongs((HELLO,), others=True),
        TOO_EARLY,
        (GOOD_BYE,),
        opening=Opening(after=frame(PING, HELLO)),
    ),
    Case(
        "4.2.1-head-byte-by-byte",
        "A head may arrive in any number of packets: here each byte in one.",
        "6455-4.2.1-01",
        Opens(),
        opening=Opening(drip=0.001),
    ),
    Case(
        "4.2.1-head-in-packets",
        "A head may arrive in several packets: here 60 bytes in each.",
        "6455-4.2.1-01",
        Opens(),
        opening=Opening(drip=0.03, size=60),
    ),
    Case(
        "4.2.2-frame-in-the-last-packet-of-the-head",
        "A frame that arrives with the last part of the head is not lost.",
        "6455-4.2.2-27",
        ECHOES_HELLO,
        TOO_EARLY,
        (GOOD_BYE,),
        opening=Opening(after=HELLO_FRAME, drip=0.03, size=120),
        needs=ECHO,
    ),
)

OPENING = Group(
    "opening",
    "The opening handshake",
    (*ANSWER, *LINES, *ORIGINS, *PARTS),
)
