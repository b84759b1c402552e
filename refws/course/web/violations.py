"""RFC 6455 §7.1.7, "break a rule": bytes that no browser sends, and the answer that the RFC asks
for.

`GROUPS` are for a server, sent by the raw client; `TO_THE_BROWSER` are sent by the server, and the
browser must answer.
"""

from __future__ import annotations

from dataclasses import dataclass
from http import HTTPStatus
from typing import Any

from ...protocol.close_codes import CloseCode
from ...protocol.frame import (
    BINARY,
    CLOSE,
    CONT,
    FIN,
    MASK,
    PING,
    PONG,
    RSV2,
    TEXT,
    encode_frame,
    encode_header,
)
from ...protocol.handshake import VERSION
from ...protocol.http import Headers, Request
from ...protocol.masking import mask

KEY = bytes.fromhex("37fa213d")
"""That of the example in §5.7. A real client takes a new one for every frame, which nobody can
predict (§5.3).
"""

SAMPLE_NONCE = "dGhlIHNhbXBsZSBub25jZQ=="
"""The Sec-WebSocket-Key of the example in §1.3."""

DEFLATE_OFFER = ("Sec-WebSocket-Extensions", "permessage-deflate")


@dataclass(frozen=True, slots=True)
class Trial:
    """What is sent, and the answer: `status` of the response, and behind a 101 the `code` of the
    Close.

    `code` None: the TCP connection ends without a Close. `wire` is sent piece by piece behind the
    opening handshake; `headers` replace those of a right one, with None they are left out.
    """

    name: str
    title: str
    section: str
    why: str
    wire: tuple[bytes, ...] = ()
    code: int | None = CloseCode.PROTOCOL_ERROR
    status: int = HTTPStatus.SWITCHING_PROTOCOLS
    method: str = "GET"
    headers: tuple[tuple[str, str | None], ...] = ()
    messages: int = 0
    """How many messages are echoed before the end."""
    allowed: bool = False
    """Whether no rule is broken."""
    may_just_end: bool = False
    """Whether the end of TCP without a Close is right too: §7.1.7 leaves that to a client."""

    @property
    def compressed(self) -> bool:
        """Whether it needs permessage-deflate, and offers it."""
        return DEFLATE_OFFER in self.headers

    def request(self, target: str, host: str) -> Request:
        """The opening handshake of the client."""
        lines: dict[str, str | None] = {
            "Host": host,
            "Upgrade": "websocket",
            "Connection": "Upgrade",
            "Sec-WebSocket-Key": SAMPLE_NONCE,
            "Sec-WebSocket-Version": VERSION,
        }
        lines.update(self.headers)
        present = [(name, value) for name, value in lines.items() if value is not None]
        return Request(self.method, target, "HTTP/1.1", Headers(present))

    def as_json(self) -> dict[str, Any]:
        """What the page shows of it."""
        shown = {
            name: getattr(self, name)
            for name in ("name", "title", "section", "why", "code", "method", "allowed")
        }
        headers = [[name, value] for name, value in self.headers]
        return {
            **shown,
            "status": int(self.status),
            "headers": headers,
            "wire": b"".join(self.wire)[:64].hex(),
        }


# The bytes


def client_frame(opcode: int, payload: bytes = b"", fin: bool = True, rsv1: bool = False) -> bytes:
    return encode_frame(opcode, payload, fin, rsv1, KEY)


def masked(start: bytes, payload: bytes = b"") -> bytes:
    """A frame whose header no encoder would write."""
    return start + KEY + mask(payload, KEY)


def close_frame(code: int, reason: bytes = b"") -> bytes:
    return client_frame(CLOSE, code.to_bytes(2) + reason)


HELLO = b"Hello"
GOOD_BYE = close_frame(CloseCode.NORMAL_CLOSURE)
TINY_DEFLATED = bytes.fromhex("f248cdc9c90700")
"""RFC 7692 §7.2.3.1: "Hello", compressed."""

INVALID = CloseCode.INVALID_DATA

HEADERS_OF_FRAMES = (
    Trial(
        "unmasked",
        "A frame without a mask",
        "§5.1",
        (
            "Every frame of a client must be masked, or a script could choose the bytes that a "
            "proxy sees."
        ),
        (encode_frame(TEXT, HELLO),),
    ),
    Trial(
        "rsv1",
        "RSV1 without compression",
        "§5.2",
        "The bit belongs to extensions; without one that was agreed on it means nothing.",
        (client_frame(TEXT, HELLO, rsv1=True),),
    ),
    Trial(
        "rsv2",
        "RSV2",
        "§5.2",
        "No extension that this server knows gives this bit a meaning.",
        (masked(bytes((FIN | RSV2 | TEXT, MASK | 5)), HELLO),),
    ),
    Trial(
        "reserved-data",
        "Opcode 3",
        "§5.2",
        "3 to 7 are kept for data frames of the future.",
        (client_frame(0x3, HELLO),),
    ),
    Trial(
        "reserved-control",
        "Opcode 0xB",
        "§5.2",
        "0xB to 0xF are kept for control frames of the future.",
        (client_frame(0xB),),
    ),
    Trial(
        "long-16",
        "5 bytes, with their length in 16 bits",
        "§5.2",
        "The shortest form that fits must be used, so that a length is written in one way only.",
        (masked(bytes((FIN | TEXT, MASK | 126, 0, 5)), HELLO),),
    ),
    Trial(
        "long-64",
        "126 bytes, with their length in 64 bits",
        "§5.2",
        "The shortest form that fits must be used: 126 fits 16 bits.",
        (masked(bytes((FIN | TEXT, MASK | 127, 0, 0, 0, 0, 0, 0, 0, 126)), 126 * b"*"),),
    ),
    Trial(
        "length-top-bit",
        "A 64-bit length with its top bit set",
        "§5.2",
        "The top bit must be 0, so that no language takes the length for a negative number.",
        (masked(bytes((FIN | BINARY, MASK | 127, 0x80, 0, 0, 0, 0, 0, 0, 0))),),
    ),
)

CONTROL_FRAMES = (
    Trial(
        "ping-126",
        "A Ping with 126 bytes",
        "§5.5",
        "A control frame has at most 125 bytes of payload, so that it can be answered at once.",
        (client_frame(PING, 126 * b"*"),),
    ),
    Trial(
        "ping-fragment",
        "A Ping in two fragments",
        "§5.5",
        "A control frame is never fragmented: it must fit between the fragments of a message.",
        (client_frame(PING, b"Hel", fin=False), client_frame(CONT, b"lo")),
    ),
    Trial(
        "close-1-byte",
        "A Close with a body of one byte",
        "§5.5.1",
        "A Close has no body, or one that begins with a code of two bytes.",
        (client_frame(CLOSE, b"\x03"),),
    ),
    Trial(
        "close-1005",
        "A Close that says 1005",
        "§7.4",
        "1005 is what an application is told when a Close had no code; it never stands in a frame.",
        (close_frame(CloseCode.NO_STATUS_RCVD),),
    ),
    Trial(
        "close-999",
        "A Close that says 999",
        "§7.4",
        "Codes below 1000 are not used.",
        (close_frame(999),),
    ),
    Trial(
        "close-not-utf8",
        "A Close whose reason is not UTF-8",
        "§5.5.1",
        "The reason is text, and text is UTF-8.",
        (close_frame(1000, b"bye \xff"),),
        INVALID,
    ),
)

MESSAGES = (
    Trial(
        "lone-continuation",
        "A continuation without a start",
        "§5.4",
        "Opcode 0 goes on with a message, and none is open.",
        (client_frame(CONT, HELLO),),
    ),
    Trial(
        "second-start",
        "A new message inside a fragmented one",
        "§5.4",
        "Fragments of two messages must not be mixed: only control frames may come between.",
        (client_frame(TEXT, b"Hel", fin=False), client_frame(TEXT, b"lo")),
    ),
    Trial(
        "not-utf8",
        "Bad UTF-8 in the middle of a frame",
        "§8.1",
        (
            "The frame announces 1000 bytes and the seventh is wrong: the server need not wait for "
            "the others."
        ),
        (masked(encode_header(TEXT, 1000, masked=True), b"Hello \xff world"),),
        INVALID,
    ),
    Trial(
        "surrogate",
        "Half of a surrogate pair in UTF-8",
        "§8.1",
        (
            "ED A0 80 would be U+D800, which is no character; JavaScript can hold it in a string, "
            "UTF-8 cannot."
        ),
        (client_frame(TEXT, b"\xed\xa0\x80"),),
        INVALID,
    ),
    Trial(
        "overlong",
        "A slash in two bytes",
        "§8.1",
        'C0 AF is an overlong form of "/", which has slipped past many a filter; UTF-8 forbids it.',
        (client_frame(TEXT, b"\xc0\xaf"),),
        INVALID,
    ),
    Trial(
        "half-character",
        "A text that ends inside a character",
        "§8.1",
        "A character may be cut by the end of a frame, but not by that of a message.",
        (client_frame(TEXT, "grü".encode()[:-1]),),
        INVALID,
    ),
    Trial(
        "too-big",
        "A message of a terabyte",
        "§10.4",
        (
            "The header alone is enough: the server takes messages up to its limit, and says so "
            "before it reads one byte."
        ),
        (masked(encode_header(BINARY, 2**40, masked=True)),),
        CloseCode.MESSAGE_TOO_BIG,
    ),
)

COMPRESSION = (
    Trial(
        "rsv1-continuation",
        "RSV1 in a continuation",
        "RFC 7692 §6.1",
        "That a message is compressed is said by its first frame, for all of it.",
        (
            client_frame(TEXT, TINY_DEFLATED[:3], fin=False, rsv1=True),
            client_frame(CONT, TINY_DEFLATED[3:], rsv1=True),
        ),
        headers=(DEFLATE_OFFER,),
    ),
    Trial(
        "rsv1-ping",
        "A compressed Ping",
        "§5.2",
        "Only data is compressed (RFC 7692 §6.1), so that control frames stay what they are.",
        (client_frame(PING, TINY_DEFLATED, rsv1=True),),
        headers=(DEFLATE_OFFER,),
    ),
    Trial(
        "not-deflate",
        "Compressed data that is none",
        "RFC 7692 §7.2.2",
        "RSV1 says that the payload is DEFLATE data, and no such data begins with FF.",
        (client_frame(TEXT, b"\xff\xff\xff", rsv1=True),),
        INVALID,
        headers=(DEFLATE_OFFER,),
    ),
)

AFTER_THE_END = (
    Trial(
        "data-after-close",
        "A message behind the Close",
        "§5.5.1",
        (
            "Who has sent a Close sends no more data. The server answers the Close and drops what "
            "follows: no echo."
        ),
        (GOOD_BYE + client_frame(TEXT, HELLO),),
        CloseCode.NORMAL_CLOSURE,
    ),
    Trial(
        "no-close",
        "The end without a Close",
        "§7.1.5",
        (
            "The TCP connection just ends: a server is told code 1006, and nobody is left to get a "
            "Close."
        ),
        (client_frame(TEXT, HELLO),),
        None,
        messages=1,
    ),
)

HANDSHAKES = (
    Trial(
        "no-key",
        "An opening handshake without a key",
        "§4.2.1 item 5",
        "Without Sec-WebSocket-Key there is nothing to make the Accept from.",
        status=HTTPStatus.BAD_REQUEST,
        headers=(("Sec-WebSocket-Key", None),),
    ),
    Trial(
        "short-key",
        "A key of 15 bytes",
        "§4.2.1 item 5",
        "The key is 16 bytes in base64, which is 24 characters.",
        status=HTTPStatus.BAD_REQUEST,
        headers=(("Sec-WebSocket-Key", "MTUgYnl0ZXMgYXJlIGZldw"),),
    ),
    Trial(
        "version-8",
        "Version 8",
        "§4.2.1 item 6",
        (
            "A draft of 2011. The answer is 426, and names the version that the server speaks: 13 "
            "(§4.4)."
        ),
        status=HTTPStatus.UPGRADE_REQUIRED,
        headers=(("Sec-WebSocket-Version", "8"),),
    ),
    Trial(
        "foreign-origin",
        "A page of a foreign site",
        "§10.2",
        (
            "Browsers let any page connect anywhere, so that it is the server that must look at "
            "the Origin."
        ),
        status=HTTPStatus.FORBIDDEN,
        headers=(("Origin", "https://evil.example"),),
    ),
    Trial(
        "no-host",
        "A request without Host",
        "§4.2.1 item 2",
        "HTTP/1.1 wants to be told which server is meant.",
        status=HTTPStatus.BAD_REQUEST,
        headers=(("Host", None),),
    ),
    Trial(
        "post",
        "POST instead of GET",
        "§4.2.1 item 1",
        "The opening handshake is a GET.",
        status=HTTPStatus.METHOD_NOT_ALLOWED,
        method="POST",
    ),
)

ODD_BUT_ALLOWED = (
    Trial(
        "byte-by-byte",
        "A frame, byte by byte",
        "§5.2",
        "TCP is a stream and knows no frames: a server must put them together however they arrive.",
        (*(bytes((octet,)) for octet in client_frame(TEXT, HELLO)), GOOD_BYE),
        CloseCode.NORMAL_CLOSURE,
        messages=1,
        allowed=True,
    ),
    Trial(
        "cut-character",
        "A character in two fragments",
        "§5.6",
        "Only the whole message must be UTF-8: the ü is cut in two, and nobody may mind.",
        (client_frame(TEXT, b"gr\xc3", fin=False), client_frame(CONT, b"\xbc\xc3\x9fe"), GOOD_BYE),
        CloseCode.NORMAL_CLOSURE,
        messages=1,
        allowed=True,
    ),
    Trial(
        "ping-between",
        "A Ping between two fragments",
        "§5.4",
        "Control frames may come in the middle of a message, and are answered there.",
        (
            client_frame(TEXT, b"Hel", fin=False),
            client_frame(PING, b"now?"),
            client_frame(CONT, b"lo"),
            GOOD_BYE,
        ),
        CloseCode.NORMAL_CLOSURE,
        messages=1,
        allowed=True,
    ),
    Trial(
        "empty-fragments",
        "Fragments with nothing in them",
        "§5.4",
        "A fragment may be empty, the first and the last too.",
        (
            client_frame(TEXT, fin=False),
            client_frame(CONT, HELLO, fin=False),
            client_frame(CONT),
            GOOD_BYE,
        ),
        CloseCode.NORMAL_CLOSURE,
        messages=1,
        allowed=True,
    ),
    Trial(
        "unasked-pong",
        "A Pong that nobody asked for",
        "§5.5.3",
        "It is a sign of life in one direction, and gets no answer.",
        (client_frame(PONG, b"still here"), GOOD_BYE),
        CloseCode.NORMAL_CLOSURE,
        allowed=True,
    ),
)

TO_THE_BROWSER = (
    Trial(
        "server-masked",
        "A masked frame from the server",
        "§5.1",
        "A server never masks. A client that gets a masked frame must fail the connection.",
        (client_frame(TEXT, HELLO),),
        may_just_end=True,
    ),
    Trial(
        "server-rsv2",
        "RSV2",
        "§5.2",
        "Browsers offer no extension that gives this bit a meaning.",
        (bytes((FIN | RSV2 | TEXT, 5)) + HELLO,),
        may_just_end=True,
    ),
    Trial(
        "server-opcode",
        "Opcode 3",
        "§5.2",
        "Reserved for data frames of the future.",
        (encode_frame(0x3, HELLO),),
        may_just_end=True,
    ),
    Trial(
        "server-ping-126",
        "A Ping with 126 bytes",
        "§5.5",
        "A control frame has at most 125 bytes of payload.",
        (encode_frame(PING, 126 * b"*"),),
        may_just_end=True,
    ),
    Trial(
        "server-continuation",
        "A continuation without a start",
        "§5.4",
        "Opcode 0 goes on with a message, and none is open.",
        (encode_frame(CONT, HELLO),),
        may_just_end=True,
    ),
    Trial(
        "server-not-utf8",
        "A text that is not UTF-8",
        "§8.1",
        "A script gets text as a string: what is not UTF-8 cannot become one.",
        (encode_frame(TEXT, b"Hello \xff"),),
        INVALID,
        may_just_end=True,
    ),
    Trial(
        "server-long-16",
        "5 bytes, with their length in 16 bits",
        "§5.2",
        "The shortest form must be used; not every client looks.",
        (bytes((FIN | TEXT, 126, 0, 5)) + HELLO,),
        may_just_end=True,
    ),
    Trial(
        "server-close-1-byte",
        "A Close with a body of one byte",
        "§5.5.1",
        "A Close has no body, or one that begins with a code of two bytes.",
        (encode_frame(CLOSE, b"\x03"),),
        may_just_end=True,
    ),
)

GROUPS = {
    "The header of a frame": HEADERS_OF_FRAMES,
    "Control frames": CONTROL_FRAMES,
    "Messages": MESSAGES,
    "Compression": COMPRESSION,
    "After the end": AFTER_THE_END,
    "The opening handshake": HANDSHAKES,
    "Odd, but allowed": ODD_BUT_ALLOWED,
}

TRIALS = {trial.name: trial for trials in GROUPS.values() for trial in trials}

PROVOCATIONS = {trial.name: trial for trial in TO_THE_BROWSER}
