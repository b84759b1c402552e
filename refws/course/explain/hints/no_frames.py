"""RFC 6455 §5.2: bytes where a frame should begin, and that are something else -> what they are."""

from __future__ import annotations

import binascii
import re
import zlib
from base64 import b64decode

from ....protocol.deflate.codec import TAIL
from ....protocol.frame import FIN, Opcode, Side, parse_header
from .evidence import (
    MIN_TELLING,
    Evidence,
    decoded,
    is_text,
    leading_text,
    quoted,
    size_of_frame,
)

AFTER_THE_101 = "after the 101 there are frames only"
ONE_HANDSHAKE = "there is one opening handshake, and after that only frames (§4.1)"

NO_FRAMES = tuple(
    (re.compile(pattern, re.DOTALL), text)
    for pattern, text in (
        (
            rb"HT",
            f"HTTP text: {AFTER_THE_101} (§4.2.2); a body, or a second response, must not follow",
        ),
        (rb"GE|PO", f"an HTTP request: {ONE_HANDSHAKE}"),
        (rb"(PUT|HEAD|OPTIONS|DELETE|PATCH|CONNECT) ", f"an HTTP request: {ONE_HANDSHAKE}"),
        (rb"<[!hH]", f"HTML: {AFTER_THE_101}; a body must not follow (§4.2.2)"),
        (
            rb"\x10.{1,4}\0[\x04\x06]MQ(?:TT|Is)",
            "MQTT without a frame: a WebSocket carries it in binary messages, with the subprotocol "
            "mqtt",
        ),
        (
            rb"PROX|\r\n\r\n\0\r\n?Q?U?I?T?",
            "the PROXY protocol of a load balancer, which names the client before its first "
            "byte: switch it off there (send-proxy, proxy_protocol), or put a program in front "
            "that reads it",
        ),
        (
            rb"PRI \*|\0\0.\x04\0\0\0\0\0",
            "HTTP/2: a WebSocket needs HTTP/1.1, unless both sides know RFC 8441; offer only "
            "http/1.1 in ALPN",
        ),
    )
)
"""The start of something that is no frame, and what it is. No legal frame begins with these."""

OUT_OF_STEP = re.compile(rb"HT|GE|PO|PR|<[!hH]|[\x14-\x17]\x03")
"""Two bytes that begin no frame, so that a length in them means nothing."""

TLS = re.compile(rb"[\x14-\x17]\x03(?:[\0-\x04]|$)")
OLD_TLS = re.compile(rb"\x80[\x10-\x7f]\x01\x03[\0-\x03]")
"""A ClientHello in the form of SSL 2, which old clients of TLS send (RFC 5246 appendix E.2)."""

TLS_RECORDS = {
    0x14: "a TLS record",
    0x15: "a TLS alert",
    0x16: "a TLS ClientHello",
    0x17: "a TLS record",
}

CHUNK = re.compile(rb"[0-9A-Fa-f]{1,8}(?:;[^\r\n]*)?\r(?:\n|$)")
HIXIE = re.compile(rb"\0([\t\r\n\x20-\x7e\x80-\xf4]+)(\xff?)")
HEX_DIGITS = re.compile(rb"(?:0x|\\x)?[0-9A-Fa-f]{2}(?:[ ,:]*(?:0x|\\x)?[0-9A-Fa-f]{2})+\s*")
NUMBERS = re.compile(rb"\[?-?[0-9]{1,3}(?:[ ,]+-?[0-9]{1,3})+\]?")
BITS = re.compile(rb"(?:[01]{8}\s*){2,}")
REPR = re.compile(rb"""b(?:'(?:[^'\\]|\\.)*\\x|"(?:[^"\\]|\\.)*\\x)""")
FILLING = re.compile(rb"\0+|([\xaa\xcc\xcd\xdd\xfd\xff])\1{3,}")
HEADER_LINE = re.compile(rb"[A-Za-z0-9-]+: [^\r\n]*\r\n")

EMPTY_LAST_BLOCK = b"\1\0\0\xff\xff"
"""RFC 1951 §3.2.4: it can only be read where a block before it has ended."""

MAX_INFLATED = 64 * 1024

REPLACEMENT = "\ufffd".encode()


def is_no_frame(wire: bytes) -> bool:
    """Whether these bytes are no frame, so that a length in them means nothing."""
    return OUT_OF_STEP.match(wire) is not None


def is_line_end(wire: bytes) -> bool:
    """Whether these two bytes are a line end: if frames go on, then right after it."""
    return wire == b"\r\n"


def no_frames(evidence: Evidence) -> str:
    found = (text for pattern, text in NO_FRAMES if pattern.match(evidence.wire))
    text = next(found, "") if evidence.is_bad_header else ""
    return f"this looks like {text}" if text else ""


def tls(evidence: Evidence) -> str:
    return what_of_tls(evidence.wire, evidence.sender) if evidence.is_bad_header else ""


def what_of_tls(wire: bytes, sender: Side) -> str:
    is_old = sender is Side.CLIENT and OLD_TLS.match(wire) is not None
    if not (is_old or TLS.match(wire)):
        return ""
    record = TLS_RECORDS[0x16 if is_old else wire[0]]
    if sender is Side.CLIENT:
        return (
            f"this looks like {record}: the client speaks wss://, and the server speaks plain "
            "ws:// on this port (§3)"
        )
    record = "a TLS record" if wire[0] == 0x16 else record
    return f"this looks like {record}: the server speaks TLS on this port, so use wss:// (§3)"


def read_as_text(evidence: Evidence) -> str:
    """A byte that no decoder could read became U+FFFD, or a question mark."""
    wire = evidence.wire
    garbled = evidence.is_bad_payload and evidence.frame.masking_key
    if (evidence.is_bad_header and wire[:2] == REPLACEMENT[:2]) or (
        garbled and REPLACEMENT in wire[2:]
    ):
        return (
            "ef bf bd is U+FFFD in UTF-8, which replaces a byte that is no text: the frames were "
            "read or written as text; read and write them as bytes"
        )
    if evidence.is_bad_header and re.match(rb"\?[\0-\x1f?]", wire) and wire[:3] != b"???":
        return (
            "3f is a question mark, which replaces a byte that is not ASCII: the frames were read "
            "or written as text; read and write them as bytes"
        )
    return ""


def written_as_text(evidence: Evidence) -> str:
    """The first byte of a frame, from 80 up, in UTF-8."""
    wire = evidence.wire
    if not is_utf_8_of_a_byte(wire[:2]):
        return ""
    if evidence.sender is Side.CLIENT and not is_utf_8_of_a_byte(wire[2:4]):
        return ""  # the second byte of a client's frame has the MASK bit
    byte = decoded(wire[:2]).encode("latin-1")
    header = parse_header(byte + b"\0")
    if header.rsv2 or header.rsv3 or not isinstance(header.opcode, Opcode):
        return ""
    return (
        f"the bytes {wire[:2].hex(' ')} are {byte.hex()} in UTF-8: the frame was written as text; "
        "write it as bytes"
    )


def is_utf_8_of_a_byte(wire: bytes) -> bool:
    return len(wire) == 2 and wire[0] in (0xC2, 0xC3) and wire[1] & 0xC0 == 0x80


def hixie(evidence: Evidence) -> str:
    if not evidence.is_bad_header:
        return ""
    wire, found = evidence.wire, HIXIE.match(evidence.wire)
    size = len(evidence.frame.header_bytes) + evidence.frame.header.payload_length
    ends = found is not None and (found[2] or (len(found[1]) >= MIN_TELLING and len(wire) < size))
    if wire[:2] == b"\xff\0" or (found and ends and is_text(found[1])):
        return (
            "00, text and ff is how Hixie-75 and Hixie-76 framed a message, drafts from before the "
            "RFC, and ff 00 their close: use a library that speaks RFC 6455 (version 13)"
        )
    return ""


def chunked(evidence: Evidence) -> str:
    if evidence.is_bad_header and CHUNK.match(evidence.wire):
        return (
            "this looks like a chunk of Transfer-Encoding: chunked, its size first: a 101 has no "
            "body; write frames to the connection itself, and leave that header out (§4.2.2)"
        )
    return ""


def line_end(evidence: Evidence) -> str:
    wire = evidence.wire
    size = size_of_frame(wire[1:], evidence.sender, evidence.frame.deflate)
    lone = wire == b"\n" or (wire[:1] == b"\n" and size is not None and size < len(wire))
    if not evidence.begins_no_frame or not (wire[:1] == b"\r" or wire[:2] == b"\n\n" or lone):
        return ""
    what = "CR LF" if wire[:2] == b"\r\n" else "CR" if wire[:1] == b"\r" else "LF"
    if evidence.head is not None:
        return (
            "one empty line too many is after the head: end it with CR LF CR LF, and write no "
            "line end after that (RFC 9112 §2.1)"
        )
    if evidence.before is not None:
        return (
            f"a line end, {what}, is after the frame before: write a frame with write or send, "
            "not with println"
        )
    return f"this is a line end, {what}, and no frame: write frames without println"


def rest_of_a_buffer(evidence: Evidence) -> str:
    """Zeros, or another byte that fills memory, after a whole frame; and frames, perhaps."""
    wire, before = evidence.wire, evidence.before
    filling = FILLING.match(wire)
    after_head = evidence.head is not None and before is None
    if filling is None or not (after_head or (before is not None and before.header.fin)):
        return ""
    rest = wire[filling.end() :]
    may_go_on = not rest and not evidence.over and filling.end() < MIN_TELLING
    if may_go_on or not evidence.ends_here_or_frames_follow(rest):
        return ""
    byte = f"{wire[0]:02x}"
    count = f"{filling.end()} bytes" if filling.end() > 1 else "a byte"
    what = "head" if after_head else "frame before"
    return (
        f"{count} {byte} after the {what}: is a whole buffer sent, or the end of a string? "
        f"Send only as many bytes as the {what.split()[0]} has (§5.2)"
    )


# Text and payloads without a frame


def payload_alone(evidence: Evidence) -> str:
    if not evidence.is_bad_header or not evidence.complete or len(evidence.wire) < MIN_TELLING:
        return ""
    content = inflated_text(evidence.wire)
    if not content:
        return ""
    return (
        f"a payload without its header: these bytes are DEFLATE data, {quoted(content)}; send "
        "the header of a compressed message before it (§5.2, RFC 7692 §6.1)"
    )


def inflated_text(data: bytes) -> bytes:
    """What the bytes inflate to, if that is text; otherwise nothing."""
    inflater = zlib.decompressobj(-zlib.MAX_WBITS)
    try:
        content = inflater.decompress(data + TAIL + EMPTY_LAST_BLOCK, MAX_INFLATED)
    except zlib.error:
        return b""
    whole = inflater.eof and inflater.unused_data in (b"", TAIL + EMPTY_LAST_BLOCK)
    return content if whole and len(content) >= MIN_TELLING and is_text(content) else b""


def text_alone(evidence: Evidence) -> str:
    if evidence.is_bad_header and evidence.complete and is_utf_16(evidence.wire):
        return (
            "text in UTF-16 was sent without a frame around it: each message needs a header, and a "
            "text message is UTF-8 (§5.2, §5.6)"
        )
    out_of_step = evidence.before is not None and evidence.before.broken
    if not evidence.is_bad_header or out_of_step or evidence.wire[0] in b"\t\r\n":
        return ""
    text = leading_text(evidence.wire)
    if evidence.complete and len(evidence.wire) >= MIN_TELLING and is_text(evidence.wire):
        text = evidence.wire
    if len(text) < 2 or (len(text) < MIN_TELLING and text != evidence.wire):
        return ""
    if HEADER_LINE.match(text):
        return (
            f"these are header lines of HTTP, {quoted(text)}: read a head up to its empty line, "
            "and frames from there on (RFC 9112 §2.1)"
        )
    if what := frame_in_text(text):
        return f"{what} was sent as text, {quoted(text)}: send the bytes that it means (§5.2)"
    return (
        f"text was sent without a frame around it, {quoted(text)}: each message needs a header "
        "before it (§5.2)"
    )


def is_utf_16(wire: bytes) -> bool:
    """Whether these bytes are ASCII in UTF-16."""
    halves = wire[: len(wire) // 2 * 2]
    return len(halves) >= 2 * MIN_TELLING and any(
        not any(halves[1 - i :: 2]) and is_text(halves[i::2]) for i in (0, 1)
    )


def frame_in_text(text: bytes) -> str:
    """How the text writes a frame, if it does."""
    text = text.strip()
    if HEX_DIGITS.fullmatch(text):
        digits = re.sub(rb"0x|\\x|[^0-9A-Fa-f]", b"", text)
        if begins_with_a_frame(bytes.fromhex(digits.decode())):
            return "a frame in hex digits"
    if NUMBERS.fullmatch(text):
        numbers = [int(number) for number in re.findall(rb"-?[0-9]+", text)]
        if begins_with_a_frame(bytes(number & 0xFF for number in numbers)):
            return "a frame in decimal numbers"
    if BITS.fullmatch(text):
        digits = re.sub(rb"\s", b"", text)
        if begins_with_a_frame(int(digits, 2).to_bytes(len(digits) // 8)):
            return "a frame in binary digits"
    if REPR.match(text):
        return "the repr of bytes"
    try:
        data = b64decode(text, validate=True)
    except (ValueError, binascii.Error):
        return ""
    return "a frame in base64" if len(data) in sizes_of_frame(data) else ""


def begins_with_a_frame(data: bytes) -> bool:
    """Whether a frame begins here that is the last of its message, as most are."""
    return data[0] >= FIN and any(sizes_of_frame(data))


def sizes_of_frame(data: bytes) -> list[int]:
    """The size of the frame that begins here, if a server sends it, or a client."""
    sizes = (size_of_frame(data, side) for side in Side)
    return [size for size in sizes if size is not None]
