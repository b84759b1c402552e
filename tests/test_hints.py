"""RFC 6455 §5: each well-known mistake is recognised, and nothing legal is taken for one."""

import os
import random
import zlib

import pytest

from refws.course.explain.conversation import Conversation
from refws.course.explain.direction import MAX_HINTED
from refws.course.explain.hints import find
from refws.course.explain.values import HeadExplanation, NotRead
from refws.protocol.deflate.codec import client_pair
from refws.protocol.deflate.negotiation import DeflateSettings, Parameters
from refws.protocol.frame import Side
from wire import BINARY, CLOSE, CONT, MASKING_KEY, PING, PONG, TEXT, close_body, frame, request, xor

CLIENT, SERVER = Side

CONVERSATIONS = int(os.environ.get("REFWS_LEGAL_CONVERSATIONS", "60"))
"""Legal conversations that are explained, whole and cut; 3000 take a minute."""

RESPONSE = (
    b"HTTP/1.1 101 Switching Protocols\r\nUpgrade: websocket\r\nConnection: Upgrade\r\n"
    b"Sec-WebSocket-Accept: s3pPLMBiTxaQ9kYGzzhZRbK+xOo=\r\n\r\n"
)


def hints_of(wire, sender=SERVER, **options):
    """The hints for these bytes and then the end, in their order."""
    conversation = Conversation(**options)
    items = conversation.feed(sender, wire) + conversation.finish()
    verdicts = [item.verdict for item in items if not isinstance(item, NotRead)]
    return [verdict.hint for verdict in verdicts if verdict.hint]


def plain(opcode, payload=b"", **options):
    """A frame of a server."""
    return frame(opcode, payload, masked=0, **options)


def deflated(content):
    """The payload of a compressed message."""
    deflater = zlib.compressobj(wbits=-15)
    return (deflater.compress(content) + deflater.flush(zlib.Z_SYNC_FLUSH))[:-4]


def written_as_utf_8(wire):
    return wire.decode("latin-1").encode()


def turned(content, turn, key=MASKING_KEY):
    """A frame whose key is not the one that its payload is masked with."""
    other = MASKING_KEY[turn:] + MASKING_KEY[:turn]
    header = frame(TEXT, content, key=key)[:6]
    return header + xor(content, other)


def read_as_utf_8(wire):
    return wire.decode(errors="replace").encode()


HIXIE_REQUEST = request().replace(b"Sec-WebSocket-Key:", b"Sec-WebSocket-Key1:")
CHUNKED = b"\r\nTransfer-Encoding: chunked\r\n\r\n"
KEY = b"\xaa\xbb\xcc\xdd"
HELLO = plain(TEXT, b"Hello")
MASKED = frame(TEXT, b"Hello")
MASKED12 = frame(TEXT, b"Hello, world")
LONGEST = frame(TEXT, b"Hello, you" * 20)
BOTH_COUNTED = b"".join(
    b"\x81\x85" + frame(TEXT, "naïve".encode(), key=key)[2:] for key in (MASKING_KEY, KEY)
)
IN_PIECES = MASKED12[:6] + xor(b"Hello", MASKING_KEY) + xor(b", world", MASKING_KEY)
LONGER = frame(TEXT, b"Hello, world, this is text")
NI_HAO = "你好".encode()
DEFLATE = {"deflate": Parameters()}

MISTAKES = [
    # The length
    ("the length counts characters, 2,", b"\x81\x02" + NI_HAO, SERVER, {}),
    ("must count bytes, 6", b"\x81\x02" + NI_HAO + HELLO, SERVER, {}),
    ("the length counts characters, 2,", b"\x81\x82" + frame(TEXT, NI_HAO)[2:], CLIENT, {}),
    ("the length counts characters of UTF-16, 4,", b"\x81\x04" + "a😀b".encode(), SERVER, {}),
    ("the length counts characters, 4,", b"\x81\x04" + "éabc".encode(), SERVER, {}),
    ("must count bytes, 5", b"\x81\x04" + "éabc".encode() + HELLO, SERVER, {}),
    ("the length counts characters", b"\x81\x84" + frame(TEXT, b"\xc3\xa9abc")[2:], CLIENT, {}),
    ("does the length count characters", plain(TEXT, b"\xc3\xa9" * 800, length=1201), SERVER, {}),
    ("must count bytes, 3", plain(CLOSE, close_body(1000, "aé"), length=4), SERVER, {}),
    ("is its length, 5, too small", b"\x81\x05Hello, world", SERVER, {}),
    ("too small", frame(TEXT, b"Hello, world", length=5) + MASKED, CLIENT, {}),
    ("were only 4 written, 70000", b"\x81\x7f\0\1\x11\x70" + b"a" * 40, SERVER, {}),
    ("were only 4 written, 70000", b"\x82\xff\0\1\x11\x70" + MASKING_KEY + b"a" * 9, CLIENT, {}),
    ("70000, in little-endian", b"\x81\x7f\x70\x11\1\0" + b"a" * 40, SERVER, {}),
    ("here 4 bytes say 200", b"\x81\x7e\0\0\0\xc8" + b"a" * 200, SERVER, {}),
    ("here 8 bytes say 200", b"\x81\x7e" + (200).to_bytes(8) + b"a" * 200, SERVER, {}),
    ("126 does not fit the 7 bits", b"\x81\x7e" + b"a" * 126 + HELLO, SERVER, {}),
    ("127 does not fit the 7 bits", b"\x81\x7f" + b"a" * 127, SERVER, {}),
    ("126 does not fit", b"\x81\xfe" + frame(TEXT, b"a" * 126)[4:], CLIENT, {}),
    ("little-endian the length would be 130", b"\x81\x7e\x82\0" + b"a" * 130, SERVER, {}),
    ("little-endian the length would be 130", b"\x81\x7e\x82\0" + b"a" * 130 + HELLO, SERVER, {}),
    ("would be 512", b"\x82\x7e\0\2" + bytes(512) + HELLO, SERVER, {}),
    ("must count bytes, 5", b"\x81\x84" + frame(TEXT, b"\xc3\xa9abc")[2:], CLIENT, {}),
    ("must count bytes, 5", b"\x81\x04" + "éabc".encode(), SERVER, {}),
    ("is its length, 0, too small", b"\x81\x80" + frame(TEXT, b"Hello, world")[2:], CLIENT, {}),
    ("here 4 bytes say 300", b"\x81\x7f\0\0\1\x2c" + b"a" * 300, SERVER, {}),
    ("here 2 bytes say 300", b"\x81\x7f\1\x2c" + b"a" * 300 + HELLO, SERVER, {}),
    ("here 2 bytes say 300", b"\x81\xff\1\x2c" + frame(TEXT, b"a" * 300)[4:], CLIENT, {}),
    ("here 1 byte says 200", b"\x81\x7e\xc8" + b"a" * 200 + HELLO, SERVER, {}),
    ("here 1 byte says 200", b"\x81\xfe\xc8" + frame(TEXT, b"a" * 200)[4:], CLIENT, {}),
    ("127 does not fit the 7 bits", b"\x81\xff" + frame(TEXT, b"a" * 127)[4:], CLIENT, {}),
    ("the length, 7, too large? At byte 7", plain(TEXT, b"Hello", length=7) + HELLO, SERVER, {}),
    ("the length, 9, too large", frame(TEXT, b"Hello", length=9) + MASKED, CLIENT, {}),
    ("the length, 6, too large", plain(BINARY, b"Hello", length=6) + HELLO, SERVER, {}),
    ("a frame put into a frame, or its header", plain(TEXT, length=5) + HELLO, SERVER, {}),
    ("the payload is a frame itself, 81 05", plain(TEXT, HELLO), SERVER, {}),
    ("the payload is a frame itself, 81 85", frame(TEXT, MASKED, key=KEY), CLIENT, {}),
    ("and the next message goes on", plain(TEXT, NI_HAO[:2]) + plain(TEXT, NI_HAO[2:]), SERVER, {}),
    ("and the next message goes on", frame(TEXT, NI_HAO[:2]) + frame(TEXT, NI_HAO[2:]), CLIENT, {}),
    ("no program sends 1 TB", plain(BINARY, length=2**40 + 1), SERVER, {"max_size": 2**20}),
    ("the second byte is 200", b"\x81\xc8" + b"a" * 200 + HELLO, SERVER, {}),
    ("a length of 300 does not fit a byte", b"\x81\x2c" + b"a" * 300 + HELLO, SERVER, {}),
    ("must count bytes, 12", b"\x81\x06" + "привет".encode() + HELLO, SERVER, {}),
    ("must count bytes, 300", b"\x81\x7e\0\x96" + "é".encode() * 150 + HELLO, SERVER, {}),
    ("must count bytes, 12", b"\x81\x86" + frame(TEXT, "привет".encode())[2:], CLIENT, {}),
    ("must count bytes, 6", BOTH_COUNTED, CLIENT, {}),
    ("would be 300", b"\x81\x7f" + (300).to_bytes(8, "little") + b"a" * 300, SERVER, {}),
    # Bytes as text
    ("c2 81 are 81 in UTF-8", written_as_utf_8(HELLO), SERVER, {}),
    ("c2 88 are 88 in UTF-8", written_as_utf_8(plain(CLOSE, close_body(1000))), SERVER, {}),
    ("c2 81 are 81 in UTF-8", written_as_utf_8(MASKED), CLIENT, {}),
    ("c3 81 are c1 in UTF-8", written_as_utf_8(plain(TEXT, b"\xf2", rsv=4)), SERVER, DEFLATE),
    ("ef bf bd is U+FFFD", read_as_utf_8(HELLO), SERVER, {}),
    ("ef bf bd is U+FFFD", read_as_utf_8(MASKED), CLIENT, {}),
    ("ef bf bd is U+FFFD", MASKED[:6] + read_as_utf_8(MASKED[6:]), CLIENT, {}),
    (
        "a question mark",
        HELLO.decode("ascii", "replace").replace("\ufffd", "?").encode(),
        SERVER,
        {},
    ),
    ("in hex digits was sent as text", b"81 05 48 65 6c 6c 6f", SERVER, {}),
    ("in base64 was sent as text", b"gQVIZWxsbw==", SERVER, {}),
    ("in hex digits was sent as text", b"81 05 48 65 6c 6c 6f", CLIENT, {}),
    ("in decimal numbers was sent as text", b"[129, 5, 72, 101, 108, 108, 111]", SERVER, {}),
    ("in decimal numbers was sent as text", b"-127 5 72 101 108 108 111", SERVER, {}),
    ("in binary digits was sent as text", b"10000001 00000101 01001000", SERVER, {}),
    ("the repr of bytes was sent as text", rb"b'\x81\x05Hello'", SERVER, {}),
    ("text was sent without a frame around it, '[1,2]'", b"[1,2]", SERVER, {}),
    ("text in UTF-16 was sent without a frame", "Hello".encode("utf-16-le"), SERVER, {}),
    ("text in UTF-16 was sent without a frame", "Hello".encode("utf-16-be"), CLIENT, {}),
    ("a byte 00 after the frame before", HELLO + b"\0", SERVER, {}),
    ("20 bytes 00 after the frame before", MASKED + bytes(20), CLIENT, {}),
    ("a byte 00 after the frame before", HELLO + b"\0" + HELLO, SERVER, {}),
    ("a byte 00 after the head", RESPONSE + b"\0" + HELLO, SERVER, {}),
    ("8 bytes cc after the frame before", HELLO + b"\xcc" * 8, SERVER, {}),
    ("MQTT without a frame", b"\x10\x0c\0\4MQTT\4\2\0\x3c\0\0", CLIENT, {}),
    ("MQTT without a frame", b"\x10\x0e\0\6MQIsdp\3\2\0", CLIENT, {"at_handshake": True}),
    # The mask
    ("the key was left out", b"\x89\x80" + MASKED, CLIENT, {}),
    ("no key follows", b"\x81\x85Hello", CLIENT, {}),
    ("no key follows", b"\x81\x85Hello\x81\x82hi", CLIENT, {}),
    ("no key follows", b"\x81\x85Hello", SERVER, {}),
    ("no key follows", b"\x81\xfe\0\xc8" + b"Hello, you" * 20, CLIENT, {}),
    ("no key follows", b"\x88\x82\x03\xe8", CLIENT, {}),
    ("no key follows", b"\x88\x88" + close_body(1000, "normal"), CLIENT, {}),
    ("text was sent without a frame", "\ufeffHello".encode(), SERVER, {}),
    ("no key follows", b"\x81\x85Hello\x81\x85World", SERVER, {}),
    ("it was not masked, or masked twice", b"\x81\x85" + MASKING_KEY + b"Hello", CLIENT, {}),
    ("it was not masked, or masked twice", b"\x88\x82" + MASKING_KEY + b"\x03\xe8", CLIENT, {}),
    ("it was not masked", b"\x81\x85\x12\x34\x56\x78Hello", CLIENT, {}),
    ("its control frames too", plain(CLOSE, close_body(1000)), CLIENT, {}),
    ("a client must mask all it sends", HELLO, CLIENT, {}),
    ("a server must not mask", MASKED, SERVER, {}),
    ("the key turned round", turned(b"Hello, world", 1), CLIENT, {}),
    ("the key turned round", turned(b"Hello, world", 3), CLIENT, {}),
    ("the first byte of the key alone", MASKED12[:6] + xor(b"Hello, world", b"7777"), CLIENT, {}),
    ("the key is after the payload", b"\x81\x9a" + LONGER[6:] + MASKING_KEY, CLIENT, {}),
    ("the top bit of the second byte, 8c", b"\x81\x0c" + MASKED12[2:], CLIENT, {}),
    ("but the MASK bit is 0: a server must not mask", b"\x81\x0c" + MASKED12[2:], SERVER, {}),
    ("a client must mask all it sends", MASKED + plain(TEXT, b"Hello, world"), CLIENT, {}),
    ("from byte 5 of the payload on the key starts again", IN_PIECES, CLIENT, {}),
    ("only the first 4 bytes of the payload are masked", MASKED12[:10] + b"o, world", CLIENT, {}),
    ("the key backwards", turned(b"Hello, world", 0, MASKING_KEY[::-1]), CLIENT, {}),
    (
        "the key of the frame before",
        MASKED + turned(b"Hello, world", 0, b"\xaa\xbb\xcc\xdd"),
        CLIENT,
        {},
    ),
    # Close
    ("a reason without a code, 'server down'", plain(CLOSE, b"server down"), SERVER, {}),
    ("a reason without a code", frame(CLOSE, b"\xe5\x86\x8d\xe8\xa7\x81"), CLIENT, {}),
    ("written in digits", plain(CLOSE, b"1000"), SERVER, {}),
    ("written in digits", plain(CLOSE, b"1001 going away"), SERVER, {}),
    ("the code would be 1000", plain(CLOSE, b"\xe8\x03"), SERVER, {}),
    ("here 4 bytes say 1000", plain(CLOSE, (1000).to_bytes(4)), SERVER, {}),
    ("4 bytes in little-endian say 1001", frame(CLOSE, b"\xe9\3\0\0"), CLIENT, {}),
    ("and a close reason, too", plain(CLOSE, b"\x03\xe8caf\xe9 is closed"), SERVER, {}),
    ("1005 stands for a Close without a code", plain(CLOSE, b"\x03\xed"), SERVER, {}),
    ("1006 is what a program reports", plain(CLOSE, b"\x03\xee"), SERVER, {}),
    # With this key 1006 looks like 3000 on the wire, or like 1000 with its first byte alone.
    ("1006 is what a program reports", b"\x88\x82\x08\x56\0\0\x0b\xb8", CLIENT, {}),
    ("1006 is what a program reports", b"\x88\x82\x01\x07\0\0\x02\xe9", CLIENT, {}),
    ("with the key turned round", b"\x88\x82\x37\xfa\x21\x3d\xf9\xc9", CLIENT, {}),
    ("write 2 into the 7 bits of the second byte", b"\x88\x7e\0\x02\x03\xe8", SERVER, {}),
    ("write 2 into the 7 bits", b"\x88\xfe\0\x02" + bytes(4) + b"\x03\xe8", CLIENT, {}),
    ("at most 123 bytes", plain(CLOSE, close_body(1000, "a" * 124)), SERVER, {}),
    ("at most 125 bytes", plain(PING, b"a" * 126), SERVER, {}),
    ("The first byte is 89 then", plain(PING, b"a", fin=0), SERVER, {}),
    # Other bytes
    ("one empty line too many", RESPONSE + b"\r\n" + HELLO, SERVER, {}),
    ("one empty line too many", RESPONSE + b"\n" + HELLO, SERVER, {}),
    ("write or send, not with println", HELLO + b"\r\n" + HELLO + b"\r\n", SERVER, {}),
    ("write or send, not with println", HELLO + b"\n" + HELLO, SERVER, {}),
    ("write or send, not with println", HELLO + b"\n", SERVER, {}),
    ("write or send, not with println", HELLO + b"\r", SERVER, {}),
    ("write or send, not with println", MASKED + b"\n\n", CLIENT, {}),
    ("a line end, CR LF, and no frame", b"\r\n" + HELLO, SERVER, {"at_handshake": False}),
    ("a chunk of Transfer-Encoding", RESPONSE + b"7\r\n" + HELLO + b"\r\n", SERVER, {}),
    ("a chunk of Transfer-Encoding", b"1f;x=y\r\n" + HELLO, SERVER, {}),
    ("text was sent without a frame around it, 'Hello'", b"Hello", SERVER, {}),
    ("text was sent without a frame around it, 'GO!'", b"GO!", SERVER, {}),
    ("text was sent without a frame around it", b'{"a":1}', SERVER, {}),
    ("text was sent without a frame around it", b'["a", "b"]' + HELLO, SERVER, {}),
    ("text was sent without a frame around it", NI_HAO, CLIENT, {}),
    ("HTTP text: after the 101", RESPONSE + RESPONSE, SERVER, {}),
    ("an HTTP request: there is one", request() + request(), CLIENT, {}),
    ("an HTTP request", request() + b"OPTIONS / HTTP/1.1\r\n", CLIENT, {}),
    ("HTML: after the 101", RESPONSE + b"<html>", SERVER, {}),
    ("Hixie-75 and Hixie-76", b"\0Hello\xff", SERVER, {}),
    ("Hixie-75 and Hixie-76", b"\0" + NI_HAO + b"\xff\0x\xff", SERVER, {}),
    ("Hixie-75 and Hixie-76", b"\0Hello, wor", CLIENT, {}),
    ("Hixie-75 and Hixie-76", b"\xff\0", SERVER, {}),
    ("Hixie-75 or Hixie-76", HIXIE_REQUEST, CLIENT, {}),
    ("a TLS ClientHello: the client speaks wss", b"\x16\3\1\2\0\1", CLIENT, {}),
    ("a TLS ClientHello", b"\x80\x2e\x01\x03\x01\x00\x15\x00\x00\x00\x10", CLIENT, {}),
    ("a TLS record: the server speaks TLS", b"\x16\3\3\0\x41\2", SERVER, {}),
    ("a TLS ClientHello", b"\x16\3\1\2\0\1", CLIENT, {"at_handshake": True}),
    ("a TLS alert: the server", b"\x15\3\3\0\2\2\x28", SERVER, {"at_handshake": True}),
    ("a TLS alert: the server speaks TLS", b"\x15\3\3\0\2\2\x28", SERVER, {}),
    ("the PROXY protocol", b"PROXY TCP4 1.2.3.4 5.6.7.8 1 2\r\n" + request(), CLIENT, {}),
    ("the PROXY protocol", b"PROXY TCP4 1", CLIENT, {"at_handshake": True}),
    ("the PROXY protocol", b"\r\n\r\n\0\r\nQUIT\n\x21\x11\0\x0c", CLIENT, {}),
    ("the PROXY protocol", b"\r\n\r\n\0\r\nQUIT\n\x21\x11\0\x0c", CLIENT, {"at_handshake": True}),
    ("a 101 has no body", RESPONSE.replace(b"\r\n\r\n", CHUNKED) + b"7\r\n", SERVER, {}),
    ("HTTP/2", b"PRI * HTTP/2.0\r\n\r\nSM\r\n\r\n", CLIENT, {}),
    ("HTTP/2", b"\0\0\x12\4\0\0\0\0\0\0\3", SERVER, {"at_handshake": True}),
    ("the opening handshake comes before all frames", MASKED, CLIENT, {"at_handshake": True}),
    ("ef bf bd is U+FFFD", read_as_utf_8(HELLO), SERVER, {"at_handshake": True}),
    ("a payload without its header", deflated(b'{"a":"b"}'), CLIENT, DEFLATE),
    ("a payload without its header", deflated(b"Hello, Hello"), SERVER, {}),
    # Frames and messages
    ("two threads", b"\x81\x08Hel" + plain(TEXT, b"abc") + b"lo wo", SERVER, {}),
    ("two threads", b"\x82\x08Hel" + plain(PING, b"abc") + b"lo wo", SERVER, {}),
    ("two threads", b"\x82\x08Hel" + plain(CLOSE) + b"lo wo" + HELLO, SERVER, {}),
    ("two threads", frame(TEXT, b"Hello wo")[:9] + MASKED + b"\x72\xd7\x56\x52\x2d", CLIENT, {}),
    ("two threads", b"\x81\x05" + HELLO + b"world", SERVER, {}),
    ("two threads", b"\x81\x05\x81\x05HelloWorld", SERVER, {}),
    ("two threads", b"\x82\x05" + plain(PING) + b"world", SERVER, {}),
    ("the opcode must be 0", plain(TEXT, b"a", fin=0) + plain(TEXT, b"b"), SERVER, {}),
    ("81 for text, 82 for binary", plain(CONT, b"Hello"), SERVER, {}),
    ("81 for text, 82 for binary", frame(CONT, b"Hello"), CLIENT, {}),
    ("has FIN 1, so its message has ended", HELLO + plain(CONT, b"b"), SERVER, {}),
    # Contents
    ("header lines of HTTP", b"Upgrade: websocket\r\nConnection: Upgrade\r\n", SERVER, {}),
    ("begins like a PNG image", plain(TEXT, b"\x89PNG\r\n\x1a\n"), SERVER, {}),
    ("modified UTF-8", plain(TEXT, b"a\xed\xa0\xbd\xed\xb8\x80"), SERVER, {}),
    ("modified UTF-8", plain(TEXT, b"a\xc0\x80b"), SERVER, {}),
    ("in Latin-1", plain(TEXT, "café noir".encode("latin-1")), SERVER, {}),
    ("in Latin-1", frame(TEXT, "Grüße".encode("latin-1")), CLIENT, {}),
    ("UTF-16", plain(TEXT, "Hi!".encode("utf-16")), SERVER, {}),
    ("four zeros", b"\x81\x80\0\0\0\0", CLIENT, {}),
    ("UTF-16", plain(TEXT, "Hi!".encode("utf-16-le")), SERVER, {}),
    ("UTF-16", plain(TEXT, "Hi!".encode("utf-16-le"))[:-1], SERVER, {}),
    ("four zeros", b"\x81\x81\0\0\0\0", CLIENT, {}),
    ("gzip", plain(TEXT, b"\x1f\x8b\x08", rsv=4), SERVER, DEFLATE),
    ("zlib", plain(TEXT, zlib.compress(b"Hello"), rsv=4), SERVER, DEFLATE),
    ("RSV1 must be 1", plain(TEXT, deflated("Hällo, Hällo".encode())), SERVER, DEFLATE),
    (
        "only in the first frame",
        plain(TEXT, deflated(b"Hello")[:3], rsv=4, fin=0)
        + plain(CONT, deflated(b"Hello")[3:], rsv=4),
        SERVER,
        DEFLATE,
    ),
    ("the payload is not compressed, 'Hello'", plain(TEXT, b"Hello", rsv=4), SERVER, {}),
    ("the payload is not compressed", frame(TEXT, b"Hello, world", rsv=4), CLIENT, {}),
    ("the payload is not compressed", plain(TEXT, b"Hello, world", rsv=4), SERVER, DEFLATE),
    ("must be agreed", plain(TEXT, deflated(b"Hello"), rsv=4), SERVER, {}),
    ("write 5 into the 7 bits", b"\x81\x7e\0\5Hello", SERVER, {}),
]


@pytest.mark.parametrize("keep_going", [True, False])
@pytest.mark.parametrize("mistake", MISTAKES, ids=[f"{n}-{m[0]}" for n, m in enumerate(MISTAKES)])
def test_a_mistake_is_recognised(mistake, keep_going):
    hint, wire, sender, options = mistake
    found = hints_of(wire, sender, keep_going=keep_going, **options)
    assert found and hint in found[0], found


NEAR_MISSES = [
    # Lengths that are right, or that say nothing
    (plain(TEXT, NI_HAO), SERVER, {}),
    (plain(TEXT, NI_HAO) + HELLO, SERVER, {}),
    (plain(TEXT, b"H\xc3", fin=0) + plain(CONT, b"\xa9"), SERVER, {}),
    (plain(BINARY, NI_HAO[:2]) + HELLO, SERVER, {}),
    (plain(BINARY, bytes(40), length=2**40 + 1), SERVER, {}),
    (plain(BINARY, bytes(40), length=2**47 + 1), SERVER, {}),
    (plain(BINARY, bytes(299), length=0x2C01), SERVER, {}),
    (plain(TEXT, b"a" * 125, length=0x6161), SERVER, {}),
    (plain(BINARY, bytes(130) + b"\xff", length=0x8200), SERVER, {}),
    (plain(BINARY, length=2**21), SERVER, {"max_size": 2**20}),
    # Legal bytes that look like another protocol
    (plain(BINARY, b"PROXY TCP4 1"), SERVER, {}),
    (plain(TEXT, b"HTTP/1.1 101"), SERVER, {}),
    (frame(BINARY, b"\x16\3\1\2\0\1"), CLIENT, {}),
    (plain(TEXT, b"\r\n"), SERVER, {}),
    (frame(CONT, b"Hello", fin=0, masked=0), CLIENT, {"at_handshake": True}),
    (frame(BINARY, deflated(b"Hello, Hello")), CLIENT, DEFLATE),
    (b"\xc2\x81" + frame(BINARY, deflated(b"")[:1])[2:], CLIENT, DEFLATE),
    (plain(TEXT, "\ufffd".encode()), SERVER, {}),
    # Keys that look like something
    (frame(PING, key=b"\x81\x85\x37\xfa") + MASKED, CLIENT, {}),
    (frame(TEXT, b"Hello", key=b"Hell"), CLIENT, {}),
    (frame(TEXT, b"Hello", key=b"Hell")[:-3], CLIENT, {}),
    (frame(TEXT, b"Hello", key=b"\1\2\3\4"), CLIENT, {}),
    (b"\x81\x85\1\2\3\4Hello", CLIENT, {}),
    (b"\x82\x85\x12\x34\x56\x78Hello", CLIENT, {}),
    (b"\x81\x84\x12\x34\x56\x78Hell", CLIENT, {}),
    (plain(TEXT, b"Hello"), SERVER, {}),
    # Frames inside frames
    (plain(BINARY, b"Hel" + HELLO + b"lo"), SERVER, {}),
    (frame(BINARY, b"Hel" + MASKED + b"lo"), CLIENT, {}),
    (plain(TEXT, b"a", fin=0) + plain(PING, b"x") + plain(CONT, b"b"), SERVER, {}),
    # Closes
    (plain(CLOSE), SERVER, {}),
    (plain(CLOSE, close_body(1000, "1000")), SERVER, {}),
    (plain(CLOSE, close_body(4999, "gone")), SERVER, {}),
    (frame(CLOSE, close_body(1000)), CLIENT, {}),
    # Illegal, but nothing that is known
    (plain(3, b"abc"), SERVER, {}),
    (plain(TEXT, b"\xff\xfe\xfd"), SERVER, {}),
    (plain(TEXT, b"Hello\xff"), SERVER, {}),
    (plain(BINARY, b"caf\xe9 noir"), SERVER, {}),
    (plain(TEXT, b"\x89\x90\x91\x92\x93 abcdefgh"), SERVER, {}),
    (frame(TEXT, b"\xfa\xfb\xfc\xfd\xfe\xff\xfa\xfb"), CLIENT, {}),
    (plain(CLOSE, b"\x00\x01"), SERVER, {}),
    (plain(TEXT, b"\xff\xff\xff", rsv=4), SERVER, DEFLATE),
    (plain(0xD, b"Hello"), SERVER, {}),
    (plain(0xB, b"Hello"), SERVER, {}),
    (b"\x81", SERVER, {}),
]


@pytest.mark.parametrize("keep_going", [True, False])
@pytest.mark.parametrize("near_miss", NEAR_MISSES, ids=lambda miss: miss[0][:12].hex())
def test_what_only_looks_like_a_mistake_gets_no_hint(near_miss, keep_going):
    wire, sender, options = near_miss
    assert hints_of(wire, sender, keep_going=keep_going, **options) == []


def test_every_hint_is_tried(monkeypatch):
    used = set()

    def noted(hint):
        def look(evidence):
            if found := hint(evidence):
                used.add(hint)
            return found

        return look

    tables = ("ON_LEGAL", "ON_CUT_OFF", "ON_ILLEGAL")
    hints = {hint for table in tables for hint in getattr(find, table)}
    for table in tables:
        monkeypatch.setattr(find, table, tuple(map(noted, getattr(find, table))))
    for _, wire, sender, options in MISTAKES:
        hints_of(wire, sender, **options)
    assert {hint.__name__ for hint in hints - used if hint.__name__ != "<lambda>"} == set()


def test_a_mistake_that_shows_only_if_reading_goes_on_is_recognised():
    """A receiver reads nothing after a Close, and only 2 bytes of a header that is not legal."""
    reason = plain(CLOSE, close_body(1000, "bye, ні"), length=9)
    assert "must count bytes, 9" in hints_of(reason)[0]
    assert "the second byte, fe" in hints_of(b"\x81\x7e\0\xc8" + LONGEST[4:], CLIENT)[0]


# What is legal

WORDS = (
    "Hello",
    "PROXY",
    "HTTP/1.1",
    '{"a": 1}',
    "κόσμε",
    "你好",
    "😀",
    "\r\n",
    " ",
    "81 05",
)


def random_text(chosen):
    return " ".join(chosen.choices(WORDS, k=chosen.randrange(6))).encode()


def random_frames(chosen, masked, deflater):
    """The frames of some messages that a correct program may send, and a Close."""
    for _ in range(chosen.randrange(1, 6)):
        opcode = chosen.choice((TEXT, BINARY, PING, PONG))
        if opcode in (PING, PONG):
            payload = chosen.randbytes(chosen.randrange(20))
            yield frame(opcode, payload, masked=masked, key=chosen.randbytes(4))
            continue
        size = chosen.choice((0, 1, 5, 60, 126, 300, 3000))
        payload = random_text(chosen) if opcode == TEXT else chosen.randbytes(size)
        rsv = 4 if deflater is not None and chosen.random() < 0.5 else 0
        if rsv:
            payload = deflater.deflate(payload)
        place = chosen.randrange(len(payload) + 1)
        parts = [payload] if chosen.random() < 0.6 else [payload[:place], payload[place:]]
        for index, part in enumerate(parts):
            is_first, is_last = index == 0, index == len(parts) - 1
            yield frame(
                opcode if is_first else CONT,
                part,
                fin=int(is_last),
                rsv=rsv if is_first else 0,
                masked=masked,
                key=chosen.randbytes(4),
            )
    code, reason = chosen.choice((1000, 1001, 1011, 3000, 4999)), random_text(chosen)[:30]
    body = close_body(code, reason.decode(errors="ignore"))
    yield frame(CLOSE, chosen.choice((b"", body)), masked=masked, key=chosen.randbytes(4))


def legal_conversations(count, seed):
    chosen = random.Random(seed)
    for number in range(count):
        parameters = Parameters() if number % 3 == 0 else None
        deflater = client_pair(parameters, DeflateSettings())[0] if parameters else None
        masked = number % 2
        yield b"".join(random_frames(chosen, masked, deflater)), masked, parameters


def test_legal_conversations_get_no_hint_wherever_they_are_cut():
    chosen = random.Random(1)
    for wire, masked, parameters in legal_conversations(CONVERSATIONS, 6455):
        sender = CLIENT if masked else SERVER
        assert hints_of(wire, sender, deflate=parameters) == []
        for size in chosen.sample(range(len(wire) + 1), k=min(20, len(wire))):
            assert hints_of(wire[:size], sender, deflate=parameters) == [], wire[:size].hex()


def test_legal_conversations_get_no_hint_while_they_arrive():
    for wire, masked, parameters in legal_conversations(20, 7692):
        conversation = Conversation(deflate=parameters)
        for start in range(0, len(wire), 7):
            items = conversation.feed(CLIENT if masked else SERVER, wire[start : start + 7])
            assert [item.verdict.hint for item in items + conversation.pending()] == [""] * (
                len(items) + len(conversation.pending())
            )


def test_only_the_first_of_many_illegal_frames_get_a_hint():
    conversation = Conversation()
    items = conversation.feed(SERVER, b"\x83\x80" * 3 + b"\x81\x80abcd" * (MAX_HINTED + 5))
    hints = [item.verdict.hint for item in items]
    assert len(items) > MAX_HINTED and hints[-1] == "" and "must not mask" in hints[50]


def test_a_legal_handshake_gets_no_hint():
    conversation = Conversation()
    items = conversation.feed(CLIENT, request() + MASKED) + conversation.feed(SERVER, RESPONSE)
    assert [item.verdict.hint for item in items] == [""] * 3
    assert isinstance(items[0], HeadExplanation)


@pytest.mark.parametrize(
    ("wire", "sender"),
    [
        (b"\x81\x85Hello, world" + MASKED, CLIENT),  # no key, and a length that is too small
        (written_as_utf_8(b"\x81\x7e\1\x2c" + b"0123456789" * 30), SERVER),
        (b"\x81\x05" + HELLO, SERVER),
    ],
)
def test_bytes_after_a_frame_whose_end_is_not_known_are_no_text_without_a_frame(wire, sender):
    assert not any("without a frame" in hint for hint in hints_of(wire, sender))


def test_what_a_hint_quotes_is_ascii_and_short():
    text = "\x1b[2J".join(["\u202eevil"] * 20)
    for found in hints_of(b"[" + text.encode(), SERVER) + hints_of(
        plain(CLOSE, text.encode()[:99])
    ):
        assert found.isascii() or "§" in found
        assert found.isprintable() and "evil" * 4 not in found
