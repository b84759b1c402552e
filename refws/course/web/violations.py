"""RFC 6455 §7.1.7, "break a rule": bytes that no browser sends, and the answer that is right.

The raw client sends the cases of the command "break" to this server. The server itself sends the
cases of "provoke" to the browser, which must answer them.

Each is a case of `python3 -m refws check`, which has them all, for any server or client: the page
names it, and a test compares the bytes. Here are the words of the page and the one answer that this
server gives; check allows all that the RFCs allow, and is on a later floor.
"""

from __future__ import annotations

from dataclasses import replace
from http import HTTPStatus

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
from ...protocol.masking import mask
from .broken_rule import DEFLATE_OFFER, Case, Group

KEY = bytes.fromhex("37fa213d")
"""The key of the example in §5.7. A real client takes an unpredictable one each time (§5.3)."""

NORMAL = CloseCode.NORMAL_CLOSURE
PROTOCOL_ERROR = CloseCode.PROTOCOL_ERROR
INVALID = CloseCode.INVALID_DATA
TOO_BIG = CloseCode.MESSAGE_TOO_BIG

KEY_OF_15_BYTES = "MDEyMzQ1Njc4OTAxMjM0"

# The kinds of cases


def breaks(
    name: str,
    checked: str,
    section: str,
    title: str,
    why: str,
    *wire: bytes,
    code: int = PROTOCOL_ERROR,
) -> Case:
    return Case(name, checked, section, title, why, wire, code)


def allowed(
    name: str, checked: str, section: str, title: str, why: str, *wire: bytes, messages: int = 1
) -> Case:
    """No rule is broken: the messages are echoed, then the closing handshake follows."""
    wire = (*wire, GOOD_BYE)
    return Case(name, checked, section, title, why, wire, NORMAL, messages=messages, allowed=True)


def deflated(case: Case) -> Case:
    """The same case on a connection that compresses."""
    return replace(case, headers=(DEFLATE_OFFER,))


def refused(
    name: str,
    checked: str,
    section: str,
    title: str,
    why: str,
    status: int,
    header: str,
    value: str | None,
) -> Case:
    """An opening handshake with one header replaced, or left out."""
    return Case(name, checked, section, title, why, status=status, headers=((header, value),))


def provokes(
    name: str,
    checked: str,
    section: str,
    title: str,
    why: str,
    wire: bytes,
    code: int = PROTOCOL_ERROR,
) -> Case:
    """The server breaks a rule, and the browser must fail the connection."""
    return Case(name, checked, section, title, why, (wire,), code, may_just_end=True)


# The bytes


def client_frame(opcode: int, payload: bytes = b"", fin: bool = True, rsv1: bool = False) -> bytes:
    return encode_frame(opcode, payload, fin, rsv1, KEY)


def masked(start: bytes, payload: bytes = b"") -> bytes:
    """A frame whose header no encoder would write."""
    return start + KEY + mask(payload, KEY)


def close_frame(code: int, reason: bytes = b"") -> bytes:
    return client_frame(CLOSE, code.to_bytes(2) + reason)


HELLO = b"Hello"
STARS = 126 * b"*"
GOOD_BYE = close_frame(NORMAL)
TINY_DEFLATED = bytes.fromhex("f248cdc9c90700")
"""RFC 7692 §7.2.3.1: "Hello", compressed."""


# The rules that a client breaks: name, name in check, section; title; why; the bytes.
# The formatter would put each argument on its own line, and hide that this is a table.
# fmt: off

HEADERS_OF_FRAMES = (
    breaks("unmasked", "5.1-unmasked-text", "§5.1",
        "A frame without a mask",
        "Each client's frame must be masked, or a script could choose the bytes that a proxy sees.",
        encode_frame(TEXT, HELLO)),
    breaks("rsv1", "5.2-rsv1", "§5.2",
        "RSV1 without compression",
        "The bit belongs to extensions; without one that was agreed on it means nothing.",
        client_frame(TEXT, HELLO, rsv1=True)),
    breaks("rsv2", "5.2-rsv2", "§5.2",
        "RSV2",
        "No extension that this server knows gives this bit a meaning.",
        masked(bytes((FIN | RSV2 | TEXT, MASK | 5)), HELLO)),
    breaks("reserved-data", "5.2-opcode-0x3", "§5.2",
        "Opcode 3",
        "3 to 7 are kept for data frames of the future.",
        client_frame(0x3, HELLO)),
    breaks("reserved-control", "5.2-opcode-0xb", "§5.2",
        "Opcode 0xB",
        "0xB to 0xF are kept for control frames of the future.",
        client_frame(0xB, HELLO)),
    breaks("long-16", "5.2-length-5-in-16-bits", "§5.2",
        "5 bytes, with their length in 16 bits",
        "The shortest form that fits must be used, so that a length is written in one way only.",
        masked(bytes((FIN | TEXT, MASK | 126, 0, 5)), STARS[:5])),
    breaks("long-64", "5.2-length-126-in-64-bits", "§5.2",
        "126 bytes, with their length in 64 bits",
        "The shortest form that fits must be used: 126 fits 16 bits.",
        masked(bytes((FIN | TEXT, MASK | 127, 0, 0, 0, 0, 0, 0, 0, 126)), STARS)),
    breaks("length-top-bit", "5.2-length-with-the-top-bit", "§5.2",
        "A 64-bit length with its top bit set",
        "The top bit must be 0, so that no language takes the length for a negative number.",
        masked(bytes((FIN | BINARY, MASK | 127, 0x80, 0, 0, 0, 0, 0, 0, 5)), HELLO)),
)

CONTROL_FRAMES = (
    breaks("ping-126", "5.5-ping-of-126-bytes", "§5.5",
        "A Ping with 126 bytes",
        "A control frame has at most 125 bytes of payload, so that it can be answered at once.",
        client_frame(PING, STARS)),
    breaks("ping-fragment", "5.5-ping-in-two-fragments", "§5.5",
        "A Ping in two fragments",
        "A control frame is never fragmented: it must fit between the fragments of a message.",
        client_frame(PING, b"Hel", fin=False), client_frame(CONT, b"lo")),
    breaks("close-1-byte", "5.5.1-close-with-one-byte", "§5.5.1",
        "A Close with a body of one byte",
        "A Close has no body, or one that begins with a code of two bytes.",
        client_frame(CLOSE, b"\x03")),
    breaks("close-1005", "7.4-close-1005-is-invalid", "§7.4",
        "A Close that says 1005",
        "1005 is reported to an application when a Close had no code; it is never in a frame.",
        close_frame(CloseCode.NO_STATUS_RCVD)),
    breaks("close-999", "7.4-close-999-is-invalid", "§7.4",
        "A Close that says 999",
        "Codes below 1000 are not used.",
        close_frame(999)),
    breaks("close-not-utf8", "5.5.1-reason-with-byte-ff", "§5.5.1",
        "A Close whose reason is not UTF-8",
        "The reason is text, and text is UTF-8.",
        close_frame(1000, b"Good \xff bye"), code=INVALID),
)

MESSAGES = (
    breaks("lone-continuation", "5.4-continuation-first", "§5.4",
        "A continuation without a start",
        "Opcode 0 continues a message, and none is open.",
        client_frame(CONT, HELLO)),
    breaks("second-start", "5.4-text-in-a-message", "§5.4",
        "A new message inside a fragmented one",
        "Fragments of two messages must not be mixed: only control frames may come between.",
        client_frame(TEXT, b"Hel", fin=False), client_frame(TEXT, b"lo")),
    breaks("not-utf8", "8.1-noticed-before-the-frame-ends", "§8.1",
        "Bad UTF-8 in the middle of a frame",
        "The frame announces 20 bytes and the seventh is wrong: no need to wait for the others.",
        masked(encode_header(TEXT, 20, masked=True), b"Hello \xff"), code=INVALID),
    breaks("surrogate", "8.1-first-surrogate", "§8.1",
        "Half of a surrogate pair in UTF-8",
        "ED A0 80 would be U+D800, not a character: a JavaScript string can hold it, UTF-8 cannot.",
        client_frame(TEXT, b"\xed\xa0\x80"), code=INVALID),
    breaks("overlong", "8.1-overlong-slash", "§8.1",
        "A slash in two bytes",
        'C0 AF is an overlong form of "/", which has slipped past many filters; UTF-8 forbids it.',
        client_frame(TEXT, b"\xc0\xaf"), code=INVALID),
    breaks("half-character", "8.1-cut-at-the-end-of-two", "§8.1",
        "A text that ends inside a character",
        "The end of a frame may cut a character, the end of a message may not.",
        client_frame(TEXT, "Helloä".encode()[:-1]), code=INVALID),
    breaks("too-big", "10.4-frame-of-2-to-the-62-bytes", "§10.4",
        "A message of four exbibytes",
        "The header is enough: the server has a limit, and says so before it reads the payload.",
        masked(encode_header(TEXT, 2**62, masked=True), HELLO), code=TOO_BIG),
)

COMPRESSION = (
    breaks("rsv1-continuation", "7692-6.1-rsv1-in-a-continuation", "RFC 7692 §6.1",
        "RSV1 in a continuation",
        "The first frame of a message says for all of it that it is compressed.",
        client_frame(TEXT, TINY_DEFLATED[:3], fin=False, rsv1=True),
        client_frame(CONT, TINY_DEFLATED[3:], rsv1=True)),
    breaks("rsv1-ping", "7692-6.1-rsv1-in-a-ping", "§5.2",
        "A compressed Ping",
        "Only data is compressed (RFC 7692 §6.1): a control frame can be read without inflating.",
        client_frame(PING, TINY_DEFLATED, rsv1=True)),
    breaks("not-deflate", "7692-7.2.2-reserved-block", "RFC 7692 §7.2.2",
        "Compressed data that is not DEFLATE",
        "RSV1 says that the payload is DEFLATE data, but 07 begins a block of a type that is none.",
        client_frame(TEXT, b"\x07", rsv1=True), code=INVALID),
)

AFTER_THE_END = (
    breaks("data-after-close", "5.5.1-message-after-close", "§5.5.1",
        "A message after the Close",
        "No data may follow a Close. The server answers the Close and drops the rest: no echo.",
        GOOD_BYE + client_frame(TEXT, HELLO), code=NORMAL),
    Case("no-close", "", "§7.1.5", "The end without a Close",
        "TCP just ends: the server's application sees code 1006, and no one can get a Close.",
        (client_frame(TEXT, HELLO),), code=None, messages=1),
)

HANDSHAKES = (
    refused("no-key", "4.2.1-no-key", "§4.2.1 item 5",
        "An opening handshake without a key",
        "Without Sec-WebSocket-Key there is nothing to make the Accept from.",
        HTTPStatus.BAD_REQUEST, "Sec-WebSocket-Key", None),
    refused("short-key", "4.2.1-key-of-15-bytes", "§4.2.1 item 5",
        "A key of 15 bytes",
        "The key is 16 bytes in base64, which is 24 characters. This one has 20.",
        HTTPStatus.BAD_REQUEST, "Sec-WebSocket-Key", KEY_OF_15_BYTES),
    refused("version-8", "4.4-version-8", "§4.2.1 item 6",
        "Version 8",
        "A draft of 2011. The answer, 426, names the version that the server speaks: 13 (§4.4).",
        HTTPStatus.UPGRADE_REQUIRED, "Sec-WebSocket-Version", "8"),
    refused("foreign-origin", "10.2-foreign-origin", "§10.2",
        "A page of a foreign site",
        "Browsers let any page connect anywhere, so the server must look at the Origin.",
        HTTPStatus.FORBIDDEN, "Origin", "http://refws.example"),
    refused("no-host", "9112-3.2-no-host", "§4.2.1 item 2",
        "A request without Host",
        "HTTP/1.1 requires the client to say which server it means.",
        HTTPStatus.BAD_REQUEST, "Host", None),
    Case("post", "4.2.1-post", "§4.2.1 item 1", "POST instead of GET",
        "The opening handshake is a GET.",
        status=HTTPStatus.METHOD_NOT_ALLOWED, method="POST"),
)

ODD_BUT_ALLOWED = (
    allowed("byte-by-byte", "5.2-byte-by-byte", "§5.2",
        "A frame, byte by byte",
        "TCP is a stream and knows no frames: a server puts them together however they arrive.",
        *(bytes((octet,)) for octet in client_frame(TEXT, HELLO))),
    allowed("cut-character", "5.6-cut-in-two-bytes", "§5.6",
        "A character in two fragments",
        "Only the whole message must be UTF-8: the ä is cut in two, and that is no error.",
        client_frame(TEXT, b"\xc3", fin=False), client_frame(CONT, b"\xa4")),
    allowed("ping-between", "5.4-ping-between-fragments", "§5.4",
        "A Ping between two fragments",
        "Control frames may come in the middle of a message, and are answered there.",
        client_frame(TEXT, b"Hel", fin=False), client_frame(PING, b"1"),
        client_frame(CONT, b"lo")),
    allowed("empty-fragments", "5.4-empty-first-fragment", "§5.4",
        "A fragment with nothing in it",
        "A fragment may be empty, the first one too.",
        client_frame(TEXT, fin=False), client_frame(CONT, HELLO)),
    allowed("unasked-pong", "5.5.3-empty-pong", "§5.5.3",
        "A Pong without a Ping",
        "It is a sign of life in one direction, and gets no answer. The Ping after it gets one.",
        client_frame(PONG), client_frame(PING, b"still here?"), messages=0),
)

# The rules that a server breaks

TO_THE_BROWSER = (
    provokes("server-masked", "5.1-masked-text", "§5.1",
        "A masked frame from the server",
        "A server never masks. A client that gets a masked frame must fail the connection.",
        client_frame(TEXT, HELLO)),
    provokes("server-rsv2", "5.2-rsv2", "§5.2",
        "RSV2",
        "Browsers offer no extension that gives this bit a meaning.",
        bytes((FIN | RSV2 | TEXT, 5)) + HELLO),
    provokes("server-opcode", "5.2-opcode-3", "§5.2",
        "Opcode 3",
        "Reserved for data frames of the future.",
        encode_frame(0x3, HELLO)),
    provokes("server-ping-126", "5.5-ping-of-126-bytes", "§5.5",
        "A Ping with 126 bytes",
        "A control frame has at most 125 bytes of payload.",
        encode_frame(PING, bytes(126))),
    provokes("server-continuation", "5.4-continuation-without-a-start", "§5.4",
        "A continuation without a start",
        "Opcode 0 continues a message, and none is open.",
        encode_frame(CONT, b"lo")),
    provokes("server-not-utf8", "8.1-byte-ff", "§8.1",
        "A text that is not UTF-8",
        "A script gets text as a string, and bytes that are not UTF-8 cannot become one.",
        encode_frame(TEXT, b"Hello \xff world"), INVALID),
    provokes("server-long-16", "5.2-length-126-for-125-bytes", "§5.2",
        "125 bytes, with their length in 16 bits",
        "The shortest form must be used; not every client checks.",
        bytes((FIN | TEXT, 126, 0, 125)) + STARS[:125]),
    provokes("server-close-1-byte", "5.5.1-body-of-one-byte", "§5.5.1",
        "A Close with a body of one byte",
        "A Close has no body, or one that begins with a code of two bytes.",
        encode_frame(CLOSE, b"\x03")),
)

# fmt: on

GROUPS = (
    Group("break", "The header of a frame", HEADERS_OF_FRAMES),
    Group("break", "Control frames", CONTROL_FRAMES),
    Group("break", "Messages", MESSAGES),
    Group("break", "Compression", tuple(map(deflated, COMPRESSION))),
    Group("break", "After the end", AFTER_THE_END),
    Group("break", "The opening handshake", HANDSHAKES),
    Group("break", "Odd, but allowed", ODD_BUT_ALLOWED),
    Group("provoke", "The other way round: what does your browser do?", TO_THE_BROWSER),
)


def cases_of(command: str) -> dict[str, Case]:
    """The cases of a command, by their names."""
    groups = [group for group in GROUPS if group.command == command]
    return {case.name: case for group in groups for case in group.cases}


CLIENT_CASES = cases_of("break")
SERVER_CASES = cases_of("provoke")
