"""RFC 6455 §5, RFC 7692 §7.2.3: frames explained: the RFCs' own examples, every violation, and any
bytes at all.
"""

import io
import json
import os
import random
import re
import tracemalloc
from dataclasses import replace

import pytest

from refws.course.explain.as_json import as_json
from refws.course.explain.conversation import Conversation
from refws.course.explain.messages import find_bad_utf8
from refws.course.explain.values import (
    SHOWN,
    CutOff,
    FrameExplanation,
    HeadExplanation,
    Illegal,
    Legal,
    NotRead,
    OpenMessage,
    Situation,
    Unjudged,
)
from refws.course.text.characters import cut, escape, escape_words, quoted, width
from refws.course.text.drawing import draw, draw_line
from refws.course.text.style import Style
from refws.protocol.close import CLOSING, OPEN, Close
from refws.protocol.deflate.codec import Inflater, client_pair
from refws.protocol.deflate.negotiation import DeflateSettings, Parameters
from refws.protocol.errors import ConnectionFailure, InvalidData
from refws.protocol.frame import Side, is_control, read_exactly, read_header
from refws.protocol.masking import mask
from refws.protocol.message import IncomingMessage
from vectors import BAD_HEADERS, FROM_CLIENT, HUGE, KEY, VECTORS, payload_of, xor
from wire import BINARY, CLOSE, CONT, PING, PONG, RSV1, TEXT, close_body, frame, request

CLIENT, SERVER = Side

FUZZED = int(os.environ.get("REFWS_EXPLAINED_STRINGS", "5000"))
"""Byte strings that are explained; 100000 takes a minute."""


def explain(wire, sender=SERVER, **options):
    """What a conversation gives for these bytes and then the end, all at once."""
    conversation = Conversation(**options)
    return conversation.feed(sender, wire) + conversation.finish()


def explain_byte_by_byte(wire, sender=SERVER, **options):
    conversation = Conversation(**options)
    items = [item for byte in wire for item in conversation.feed(sender, bytes([byte]))]
    return items + conversation.finish()


def one(wire, sender=SERVER, **options):
    items = explain(bytes.fromhex(wire) if isinstance(wire, str) else wire, sender, **options)
    assert len(items) == 1, items
    return items[0]


def without_hints(items):
    """A hint may look at bytes that arrived together with the last one of a frame, all else not."""
    return [
        item if isinstance(item, NotRead) else replace(item, verdict=replace(item.verdict, hint=""))
        for item in items
    ]


def sender_of(masked):
    return CLIENT if masked else SERVER


def values(explained):
    return {field.name: field.value for field in explained.fields}


# §5.7


@pytest.mark.rfc("6455-5.2-01", "6455-5.2-06")
def test_5_7_a_single_frame_unmasked_text_message():
    explained = one("81 05 48 65 6c 6c 6f")
    assert values(explained) == {
        "FIN": 1,
        "RSV1": 0,
        "RSV2": 0,
        "RSV3": 0,
        "opcode": 1,
        "MASK": 0,
        "length": 5,
    }
    assert (explained.name, explained.text, explained.xor) == ("text", "Hello", ())
    assert (explained.before, explained.after) == (Situation(), Situation())
    assert explained.verdict == Legal()


@pytest.mark.rfc("6455-5.2-07", "6455-5.3-06")
def test_5_7_a_single_frame_masked_text_message():
    explained = one("81 85 37 fa 21 3d 7f 9f 4d 51 58", CLIENT)
    assert values(explained) == {
        "FIN": 1,
        "RSV1": 0,
        "RSV2": 0,
        "RSV3": 0,
        "opcode": 1,
        "MASK": 1,
        "length": 5,
        "masking key": 0x37FA213D,
    }
    assert [(step.wire, step.key, step.result, step.character) for step in explained.xor] == [
        (0x7F, 0x37, 0x48, "H"),
        (0x9F, 0xFA, 0x65, "e"),
        (0x4D, 0x21, 0x6C, "l"),
        (0x51, 0x3D, 0x6C, "l"),
        (0x58, 0x37, 0x6F, "o"),
    ]
    assert (explained.header_bytes, explained.masking_key, explained.payload_start) == (
        b"\x81\x85",
        b"\x37\xfa\x21\x3d",
        b"\x7f\x9f\x4d\x51\x58",
    )
    assert (explained.plain_start, explained.text, explained.verdict) == (
        b"Hello",
        "Hello",
        Legal(),
    )


@pytest.mark.rfc("6455-5.4-03", "6455-5.4-17")
def test_5_7_a_fragmented_unmasked_text_message():
    first, last = explain(bytes.fromhex("01 03 48 65 6c 80 02 6c 6f"))
    between = Situation(OpenMessage(TEXT, compressed=False, fragments=1, length=3))
    assert (first.name, first.text, first.before, first.after) == (
        "text",
        "Hel",
        Situation(),
        between,
    )
    assert (last.name, last.kind, last.text) == ("continuation", TEXT, "lo")
    assert (last.before, last.after) == (between, Situation())
    assert (first.offset, last.offset) == (0, 5)
    assert first.verdict == last.verdict == Legal()


@pytest.mark.rfc("6455-5.5.2-01", "6455-5.5.3-01")
def test_5_7_unmasked_ping_request_and_masked_ping_response():
    conversation = Conversation()
    (ping,) = conversation.feed(SERVER, bytes.fromhex("89 05 48 65 6c 6c 6f"))
    (pong,) = conversation.feed(CLIENT, bytes.fromhex("8a 85 37 fa 21 3d 7f 9f 4d 51 58"))
    assert (ping.name, ping.plain_start, ping.text, ping.verdict) == (
        "ping",
        b"Hello",
        None,
        Legal(),
    )
    assert (pong.name, pong.plain_start, pong.text, pong.verdict) == (
        "pong",
        b"Hello",
        None,
        Legal(),
    )


@pytest.mark.rfc("6455-5.2-08", "6455-5.2-10")
@pytest.mark.parametrize(
    ("header", "length", "seven_bits"),
    [("82 7e 01 00", 256, 126), ("82 7f 00 00 00 00 00 01 00 00", 65536, 127)],
    ids=["256-bytes", "64-kib"],
)
def test_5_7_long_binary_messages_in_a_single_unmasked_frame(header, length, seven_bits):
    explained = one(bytes.fromhex(header) + payload_of(length))
    assert (values(explained)["length"], values(explained)["extended length"]) == (
        seven_bits,
        length,
    )
    assert (explained.header.payload_length, explained.payload_received) == (length, length)
    assert explained.plain_start == payload_of(length)[:64]
    assert (explained.name, explained.text, explained.verdict) == ("binary", None, Legal())


def test_5_2_the_masked_example_drawn():
    assert draw(one("81 85 37 fa 21 3d 7f 9f 4d 51 58", CLIENT)).splitlines()[:17] == [
        "client -> server, byte 0: text frame, 5 bytes of payload",
        "  0                   1                   2                   3",
        "  0 1 2 3 4 5 6 7 8 9 0 1 2 3 4 5 6 7 8 9 0 1 2 3 4 5 6 7 8 9 0 1",
        " +-+-+-+-+-------+-+-------------+---------------+---------------+",
        " |F|R|R|R|       |M|             |                               |",
        " |I|S|S|S|opcode |A|   length    |          masking key          |",
        " |N|V|V|V|       |S|             |                               |",
        " | |1|2|3|       |K|             |                               |",
        " |1|0|0|0|0 0 0 1|1|0 0 0 0 1 0 1|                               |",
        " |       81      |       85      |       37      |       fa      |",
        " +---------------+---------------+---------------+---------------+",
        " |          masking key          |            payload            |",
        " |       21      |       3d      |       7f      |       9f      |",
        " +---------------+---------------+---------------+---------------+",
        " |                    payload                    |",
        " |       4d      |       51      |       58      |",
        " +---------------+---------------+---------------+",
    ]


def test_5_3_the_masked_example_drawn_with_its_xor_and_its_verdict():
    lines = draw(one("81 85 37 fa 21 3d 7f 9f 4d 51 58", CLIENT)).splitlines()
    start = next(number for number, line in enumerate(lines) if line.startswith(" XOR"))
    assert lines[start:] == [
        " XOR             wire  7f 9f 4d 51 58                           §5.3",
        "                 key   37 fa 21 3d 37",
        "                 plain 48 65 6c 6c 6f",
        "                       H  e  l  l  o",
        " payload         5 bytes: 48 65 6c 6c 6f",
        ' text            "Hello"',
        " before          OPEN, no message open",
        " after           OPEN, no message open",
        " LEGAL           no rule is broken",
    ]


@pytest.mark.parametrize(
    ("wire", "sender", "line"),
    [
        ("81 05 48 65 6c 6c 6f", SERVER, '<- text FIN 5 "Hello"  legal'),
        ("81 85 37 fa 21 3d 7f 9f 4d 51 58", CLIENT, '-> text FIN masked 5 "Hello"  legal'),
        ("01 03 48 65 6c", SERVER, '<- text 3 "Hel"  legal'),
        ("89 05 48 65 6c 6c 6f", SERVER, '<- ping FIN 5 "Hello"  legal'),
        ("82 02 00 ff", SERVER, "<- binary FIN 2: 00 ff  legal"),
        ("88 00", SERVER, "<- close FIN 0 1005  legal"),
        ("88 05 03 e8 62 79 65", SERVER, '<- close FIN 5 1000 "bye"  legal'),
        (
            "81 80 00 00 00 00",
            CLIENT,
            "-> text FIN masked 0  legal; hint: a key of four zeros masks nothing; each frame "
            "needs a fresh, unpredictable one (§5.3)",
        ),
        ("81", SERVER, "<- part of a frame  CUT OFF: a header of at least 2 bytes, 1 is here"),
        ("83 00", SERVER, "<- reserved 0x3 FIN 0  VIOLATION §5.2: reserved opcode 0x3"),
    ],
)
def test_a_frame_in_one_line(wire, sender, line):
    assert draw_line(one(wire, sender)) == line


# RFC 7692 §7.2.3

HELLO = bytes.fromhex("f2 48 cd c9 c9 07 00")


@pytest.mark.rfc("7692-6.1-02", "7692-7.2.2-01", "7692-7.2.2-02")
def test_7692_7_2_3_1_a_message_in_one_block_unfragmented():
    explained = one("c1 07 f2 48 cd c9 c9 07 00", deflate=Parameters())
    assert (explained.compressed, explained.inflated_start, explained.inflated_length) == (
        True,
        b"Hello",
        5,
    )
    assert (explained.text, explained.put_back) == ("Hello", b"\x00\x00\xff\xff")
    assert explained.verdict == Legal()
    assert "00 00 ff ff put back at the end: 5 bytes: 48 65 6c 6c 6f" in unwrapped(draw(explained))


@pytest.mark.rfc("7692-6-03", "7692-6.1-04")
def test_7692_7_2_3_1_a_message_in_one_block_in_two_frames():
    first, last = explain(bytes.fromhex("41 03 f2 48 cd 80 04 c9 c9 07 00"), deflate=Parameters())
    assert (first.put_back, last.put_back) == (b"", b"\x00\x00\xff\xff")
    assert (
        first.after
        == Situation(OpenMessage(TEXT, compressed=True, fragments=1, length=3))
        == last.before
    )
    assert first.inflated_start + last.inflated_start == b"Hello"
    assert first.verdict == last.verdict == Legal()


@pytest.mark.rfc("7692-7.2.2-06", "7692-7.2.3.2-01")
def test_7692_7_2_3_2_sharing_the_sliding_window():
    shared = bytes.fromhex("f2 00 11 00 00")
    plain = frame(TEXT, b"in between")
    frames = frame(TEXT, HELLO, rsv=4) + plain + frame(TEXT, shared, rsv=4)
    explained = explain(frames, CLIENT, deflate=Parameters())
    assert [item.text for item in explained] == ["Hello", "in between", "Hello"]
    assert {item.verdict for item in explained} == {Legal()}
    without = explain(frames, CLIENT, deflate=Parameters(client_no_context_takeover=True))
    assert without[2].verdict.violation.section == "RFC 7692 §7.2.2"


@pytest.mark.rfc("7692-7.2.3.3-01", "7692-7.2.1-05")
def test_7692_7_2_3_3_a_block_without_compression():
    explained = one("c1 0b 00 05 00 fa ff 48 65 6c 6c 6f 00", deflate=Parameters())
    assert (explained.text, explained.inflated_length, explained.verdict) == ("Hello", 5, Legal())


@pytest.mark.rfc("7692-7.2.1-06", "7692-7.2.3.4-01")
def test_7692_7_2_3_4_a_block_with_bfinal():
    explained = explain(bytes.fromhex("c1 08 f3 48 cd c9 c9 07 00 00") * 2, deflate=Parameters())
    assert [(item.text, item.verdict) for item in explained] == [("Hello", Legal())] * 2


@pytest.mark.rfc("7692-7.2.1-04")
def test_7692_7_2_3_5_two_blocks_in_one_message():
    explained = one("c1 0d f2 48 05 00 00 00 ff ff ca c9 c9 07 00", deflate=Parameters())
    assert (explained.text, explained.verdict) == ("Hello", Legal())


@pytest.mark.rfc("7692-7.2.3.6-01")
def test_7692_7_2_3_6_an_empty_last_fragment():
    first, last = explain(
        b"\x41\x0b" + HELLO + bytes.fromhex("00 00 ff ff 80 01 00"), deflate=Parameters()
    )
    assert (first.text, last.text, last.inflated_length) == ("Hello", "", 0)
    assert first.verdict == last.verdict == Legal()


# Every vector


@pytest.mark.parametrize("name", VECTORS)
def test_5_2_every_vector_is_explained_as_it_stands(name):
    wire, header, masking_key, payload = VECTORS[name]
    options = {"deflate": Parameters() if header.rsv1 else None}
    items = explain(wire, sender_of(header.masked), **options)
    (explained,) = items
    assert explained.header == header
    assert (explained.masking_key, explained.plain_start) == (
        masking_key,
        payload[: len(explained.plain_start)],
    )
    assert explained.payload_received == header.payload_length
    assert explained.header_bytes == wire[: len(explained.header_bytes)]
    assert (
        items == explain_byte_by_byte(wire[:300], sender_of(header.masked), **options)
        or len(wire) > 300
    )


@pytest.mark.parametrize("bad", BAD_HEADERS)
def test_5_2_every_bad_header_gets_the_verdict_of_the_reader_at_the_same_byte(bad):
    with pytest.raises(ConnectionFailure) as caught:
        read_header(io.BytesIO(bad.wire), bad.masked)
    conversation = Conversation(keep_going=False)
    sender = sender_of(bad.masked)
    assert conversation.feed(sender, bad.wire[: bad.decided_after - 1]) == []
    (explained,) = conversation.feed(sender, bad.wire[bad.decided_after - 1 : bad.decided_after])
    assert explained.verdict.violation.section == bad.section
    assert same_words(explained.verdict, caught.value)
    assert explained.verdict.offset < bad.decided_after
    assert conversation.feed(sender, bad.wire[bad.decided_after :]) == []
    (rest,) = conversation.finish()
    assert (rest.offset, rest.length) == (bad.decided_after, len(bad.wire) - bad.decided_after)
    assert rest.why == "after the failure: a receiver reads nothing more (§7.1.7)"


@pytest.mark.parametrize("bad", BAD_HEADERS)
def test_5_2_every_bad_header_has_the_same_verdict_where_explaining_goes_on(bad):
    stopped, going_on = Conversation(keep_going=False), Conversation()
    (first, *_) = stopped.feed(sender_of(bad.masked), bad.wire)
    (same, *_) = going_on.feed(sender_of(bad.masked), bad.wire) + going_on.finish()
    verdict = same.verdict
    assert (
        verdict.violation.section,
        verdict.violation.seen,
        verdict.violation.expected,
        verdict.code,
        verdict.violation.field,
        verdict.offset,
    ) == (
        first.verdict.violation.section,
        first.verdict.violation.seen,
        first.verdict.violation.expected,
        first.verdict.code,
        first.verdict.violation.field,
        first.verdict.offset,
    )


@pytest.mark.parametrize(
    ("wire", "sender", "field", "offset"),
    [
        ("09 85", CLIENT, "FIN", 0),
        ("c1 85", CLIENT, "RSV1", 0),
        ("a1 85", CLIENT, "RSV2", 0),
        ("91 85", CLIENT, "RSV3", 0),
        ("83 85", CLIENT, "opcode", 0),
        ("81 05", CLIENT, "MASK", 1),
        ("81 85", SERVER, "MASK", 1),
        ("89 fe 00 7e", CLIENT, "length", 1),
        ("81 fe 00 05", CLIENT, "extended length", 2),
        ("81 ff 80 00 00 00 00 00 00 05", CLIENT, "extended length", 2),
        ("80 85", CLIENT, "opcode", 0),
    ],
)
def test_5_2_the_field_to_blame_is_named(wire, sender, field, offset):
    (explained, *_) = explain(bytes.fromhex(wire), sender, keep_going=False)
    assert (explained.verdict.violation.field, explained.verdict.offset) == (field, offset)
    red = [
        line
        for line in draw(explained, Style(color=True)).splitlines()
        if line.startswith("\x1b[31m " + field)
    ]
    assert len(red) == 1 or (field == "extended length" and len(explained.header_bytes) == 2)


def same_words(verdict, failure):
    return (
        verdict.violation.section,
        verdict.violation.seen,
        verdict.violation.expected,
        verdict.code,
    ) == (
        failure.section,
        failure.seen,
        failure.expected,
        failure.close_code,
    )


# The verdict of an endpoint


def endpoint_failure(wire, sender, deflate=None, max_size=None, max_fragments=None):
    """What an endpoint that reads these bytes fails the connection with; None if they end, or a
    Close comes, before.
    """
    file, incoming = io.BytesIO(wire), IncomingMessage(max_size, max_fragments)
    if deflate is not None and sender is CLIENT:
        incoming.inflater = Inflater(
            deflate.client_max_window_bits, deflate.client_no_context_takeover
        )
    elif deflate is not None:
        incoming.inflater = Inflater(
            deflate.server_max_window_bits, deflate.server_no_context_takeover
        )
    try:
        while True:
            header = read_header(file, sender is CLIENT, deflate is not None)
            if is_control(header.opcode):
                masking_key = read_exactly(file, 4) if header.masked else bytes(4)
                payload = mask(read_exactly(file, header.payload_length), masking_key)
                if header.opcode == CLOSE:
                    Close.parse(payload)
                    return None
                continue
            incoming.start_frame(header)
            incoming.masking_key = read_exactly(file, 4) if header.masked else b""
            while incoming.in_frame:
                incoming.read_chunk(file, 64 * 1024)
    except ConnectionFailure as failure:
        return failure
    except EOFError:
        return None


BAD_SEQUENCES = {
    "continuation-of-nothing": ([(CONT, b"a")], {}, "§5.4", ("6455-5.4-03",)),
    "new-message-inside": ([(TEXT, b"a", 0), (BINARY, b"b")], {}, "§5.4", ("6455-5.4-09",)),
    "continuation-after-the-end": (
        [(TEXT, b"a", 0), (CONT, b"b"), (CONT, b"c")],
        {},
        "§5.4",
        ("6455-5.4-03",),
    ),
    "bad-utf8": ([(TEXT, b"a\xffb")], {}, "§8.1", ("6455-8.1-01",)),
    "bad-utf8-in-a-continuation": (
        [(TEXT, b"\xce", 0), (CONT, b"\xce")],
        {},
        "§8.1",
        ("6455-8.1-01",),
    ),
    "character-cut-off": ([(TEXT, b"ab\xce")], {}, "§8.1", ("6455-8.1-01",)),
    "surrogate": ([(TEXT, b"ab\xed\xa0\x80cd")], {}, "§8.1", ("6455-8.1-01",)),
    "close-with-one-byte": ([(CLOSE, b"\x03")], {}, "§5.5.1", ("6455-5.5.1-02",)),
    "close-1005": ([(CLOSE, close_body(1005))], {}, "§7.4", ()),
    "close-with-bad-reason": ([(CLOSE, b"\x03\xe8\xff")], {}, "§5.5.1", ("6455-5.5.1-04",)),
    "too-big": ([(BINARY, b"12345678", 0), (CONT, b"9")], {"max_size": 8}, "§10.4", ()),
    "too-many-fragments": (
        [(TEXT, b"", 0), (CONT, b"", 0), (CONT, b"")],
        {"max_fragments": 2},
        "§10.4",
        (),
    ),
    "rsv1-in-a-continuation": (
        [(TEXT, b"\xf2", 0, 4), (CONT, b"\x48", 1, 4)],
        {"deflate": Parameters()},
        "RFC 7692 §6.1",
        ("7692-6.1-05",),
    ),
    "not-deflate": (
        [(TEXT, b"\xff\xff", 1, 4)],
        {"deflate": Parameters()},
        "RFC 7692 §7.2.2",
        ("7692-7.2.2-02",),
    ),
    "breaks-off": (
        [(TEXT, HELLO[:3], 1, 4)],
        {"deflate": Parameters()},
        "RFC 7692 §7.2.2",
        ("7692-7.2.2-02",),
    ),
    "inflates-to-too-much": (
        [(TEXT, HELLO, 1, 4)],
        {"deflate": Parameters(), "max_size": 4},
        "§10.4",
        (),
    ),
}


@pytest.mark.parametrize(
    ("frames", "options", "section"),
    [
        pytest.param(*case[:3], id=name, marks=pytest.mark.rfc(*case[3]))
        for name, case in BAD_SEQUENCES.items()
    ],
)
def test_7_1_7_every_bad_sequence_gets_the_verdict_of_an_endpoint(frames, options, section):
    wire = b"".join(frame(*arguments) for arguments in frames)
    failure = endpoint_failure(wire, CLIENT, **options)
    assert failure is not None
    for keep_going in (True, False):
        violations = violations_in(explain(wire, CLIENT, keep_going=keep_going, **options))
        assert violations[0].violation.section == section
        assert same_words(violations[0], failure)
        assert len(violations) == 1


def violations_in(items):
    verdicts = [item.verdict for item in items if not isinstance(item, NotRead)]
    return [verdict for verdict in verdicts if isinstance(verdict, Illegal)]


# Bad UTF-8: at which byte


@pytest.mark.parametrize(
    ("payloads", "offset"),
    [
        ([b"ab\xffcd"], 8),
        ([b"ab\xc0\x80"], 8),
        ([b"ab\xce."], 9),
        ([b"ab\xed\xa0\x80"], 9),
        ([b"ab\xf4\x90\x80\x80"], 9),
        ([b"ab\xe2\x82"], 9),
        ([b"\xe2\x82", b"\xac\xff"], 6 + 2 + 6 + 1),
        ([b"\xe2", b"x"], 6 + 1 + 6),
        ([b"\xed", b"\xa0"], 6 + 1 + 6),
        ([b"\xe2", b""], 6 + 1 + 6),
    ],
)
def test_8_1_the_offset_is_the_byte_that_cannot_be_utf_8(payloads, offset):
    last = len(payloads) - 1
    wire = b"".join(
        frame(CONT if i else TEXT, payload, fin=i == last) for i, payload in enumerate(payloads)
    )
    (*_, bad) = explain(wire, CLIENT)
    assert bad.verdict.violation.section == "§8.1"
    assert bad.verdict.offset == offset


def first_refused(text):
    """The index of the byte at which a receiver that gets one after the other fails; None if that
    is never.
    """
    incoming = IncomingMessage()
    incoming.start_frame(read_header(io.BytesIO(b"\x01\x7e\xff\xff"), masked=False))
    for index, byte in enumerate(text):
        try:
            incoming.add(bytes([byte]), end_of_frame=False)
        except InvalidData:
            return index
    return None


def test_8_1_the_byte_found_is_the_one_at_which_a_receiver_of_single_bytes_fails():
    chosen = random.Random(3629)
    starts = "aé€😀".encode() + b"\xc0\xe0\xed\xa0\x9f\xf0\xf4\x90\x8f\xf5\xff"
    found = 0
    for _ in range(2000):
        text = bytes(chosen.choice(starts) for _ in range(chosen.randrange(1, 12)))
        refused = first_refused(text)
        if refused is None:
            continue
        for split in range(refused + 1):
            assert find_bad_utf8(text[:split][-3:], text[split:]) == refused - split, (text, split)
        found += 1
    assert found > 1000


# Cut anywhere


def conversation_of_everything():
    """What a client sends that is legal and what is not, with compression."""
    return b"".join(
        (
            frame(TEXT, "κόσμε".encode()),
            frame(TEXT, b"Hel", fin=0),
            frame(PING, b"in between"),
            frame(CONT, b"lo"),
            frame(TEXT, HELLO, rsv=4),
            frame(BINARY, payload_of(300)),
            frame(3, b"reserved"),
            frame(TEXT, b"unmasked", masked=0),
            frame(TEXT, b"\xff bad"),
            frame(CONT, b"nothing to continue"),
            frame(TEXT, b"not deflate", rsv=4),
            frame(TEXT, b"first", fin=0),
            frame(TEXT, b"second", fin=0),
            frame(CONT, b"third"),
            frame(CLOSE, close_body(1000, "bye")),
            frame(TEXT, b"after the Close"),
            frame(PONG, b"x" * 126),
            frame(TEXT, b"cut off")[:-2],
        )
    )


@pytest.mark.parametrize("keep_going", [True, False])
def test_the_cut_does_not_matter(keep_going):
    wire = conversation_of_everything()
    options = {"deflate": Parameters(), "keep_going": keep_going}
    whole = explain(wire, CLIENT, **options)
    assert len(whole) == (18 if keep_going else 8)
    assert explain_byte_by_byte(wire, CLIENT, **options) == whole
    for seed in range(20):
        cuts = random.Random(seed)
        conversation, items, start = Conversation(**options), [], 0
        while start < len(wire):
            size = cuts.randrange(40)
            items += conversation.feed(CLIENT, wire[start : start + size])
            start += size
        assert items + conversation.finish() == whole


def test_long_payloads_give_the_same_in_any_cut():
    deflater, _ = client_pair(Parameters(), DeflateSettings())
    text = "".join(random.Random(1).choices("abcdefghκόσμε", k=30_000)).encode()
    compressed = deflater.deflate(text)
    assert len(compressed) > 2 * 4096
    for payload, rsv in (
        (text, 0),
        (compressed, 4),
        (compressed[:-1] + b"\xff\xff", 4),
        (text + b"\xff" + text, 0),
    ):
        wire = frame(TEXT, payload, rsv=rsv) + frame(PING, b"next")
        for keep_going in (True, False):
            options = {"deflate": Parameters(), "keep_going": keep_going}
            whole = explain(wire, CLIENT, **options)
            assert whole[0].inflated_length == len(text) or payload is not compressed
            conversation, items = Conversation(**options), []
            for start in range(0, len(wire), 977):
                items += conversation.feed(CLIENT, wire[start : start + 977])
            assert items + conversation.finish() == whole


def test_every_byte_is_accounted_for():
    wire = conversation_of_everything()
    for keep_going in (True, False):
        assert sum(
            map(size_of, explain(wire, CLIENT, keep_going=keep_going, deflate=Parameters()))
        ) == len(wire)


def size_of(item):
    """The number of bytes in an item."""
    if isinstance(item, FrameExplanation):
        return len(item.header_bytes) + len(item.masking_key) + item.payload_received
    return item.length


# Cut off


@pytest.mark.parametrize(
    ("wire", "seen", "missing"),
    [
        ("81", "a header of at least 2 bytes, 1 is here", 1),
        ("81 fe", "a header of 4 bytes, 2 are here", 2),
        ("82 ff 00 00 01", "a header of 10 bytes, 5 are here", 5),
        ("81 85 37", "a masking key of 4 bytes, 1 is here", 3),
        ("81 85 37 fa 21 3d", "the header announces 5 bytes of payload, 0 are here", 5),
        ("81 85 37 fa 21 3d 7f", "the header announces 5 bytes of payload, 1 is here", 4),
        (
            "82 ff 00 00 01 00 00 00 00 00 37 fa 21 3d 01 02 03",
            "the header announces 1099511627776 bytes of payload, 3 are here",
            1099511627773,
        ),
    ],
)
def test_5_2_what_is_cut_off_says_how_much_is_missing(wire, seen, missing):
    explained = one(wire, CLIENT)
    assert isinstance(explained.verdict, CutOff)
    assert (explained.verdict.seen, explained.verdict.missing) == (seen, missing)
    assert seen in unwrapped(draw(explained))


def test_a_violation_in_a_header_that_is_cut_off_is_still_a_violation():
    assert one("83 fe 01", CLIENT).verdict.violation.section == "§5.2"
    assert one("83 85 37 fa 21 3d 01", CLIENT).verdict.violation.section == "§5.2"


def test_pending_shows_what_has_begun_and_changes_nothing():
    wire = frame(TEXT, b"Hello")
    conversation = Conversation()
    for size in range(1, len(wire)):
        assert conversation.feed(CLIENT, wire[size - 1 : size]) == []
        (pending,) = conversation.pending()
        assert conversation.pending() == [pending]
        assert size_of(pending) == size
        assert isinstance(pending.verdict, CutOff)
    (whole,) = conversation.feed(CLIENT, wire[-1:])
    assert whole.verdict == Legal()
    assert conversation.pending() == conversation.finish() == []


def test_a_message_that_is_not_finished_is_no_violation():
    explained = one(frame(TEXT, b"Hel", fin=0), CLIENT)
    assert explained.verdict == Legal()
    assert explained.after.message.fragments == 1


# Memory


@pytest.mark.parametrize("name", HUGE)
def test_5_2_a_huge_length_takes_no_memory(name):
    wire, header = HUGE[name]
    conversation = Conversation()
    tracemalloc.start()
    try:
        conversation.feed(sender_of(header.masked), bytes.fromhex(wire) + bytes(4))
        for _ in range(64):
            assert conversation.feed(sender_of(header.masked), bytes(256 * 1024)) == []
        (explained,) = conversation.finish()
        _, peak = tracemalloc.get_traced_memory()
    finally:
        tracemalloc.stop()
    assert explained.header == header
    assert explained.payload_received == 64 * 256 * 1024 + (0 if header.masked else 4)
    assert explained.verdict.missing == header.payload_length - explained.payload_received
    assert peak < 2 * 1024 * 1024


def test_the_explanation_of_a_long_payload_is_short():
    explained = one(frame(TEXT, "κ".encode() * 500_000), CLIENT)
    assert explained.payload_received == 1_000_000
    assert explained.text == "κ" * 32
    assert len(json.dumps(as_json(explained))) < 5000
    assert len(draw(explained)) < 5000
    long = one(frame(TEXT, b"x" * 500), CLIENT, shown=200)
    assert (len(long.payload_start), len(long.text)) == (200, 200)


# State


@pytest.mark.rfc("6455-5.4-10")
def test_5_4_a_ping_leaves_the_message_of_its_sender_alone():
    _, ping, last = explain(frame(TEXT, b"a", fin=0) + frame(PING) + frame(CONT, b"b"), CLIENT)
    assert ping.before == ping.after == last.before == Situation(OpenMessage(TEXT, False, 1, 1))


def test_5_4_each_side_has_a_message_of_its_own_and_the_closing_state_is_shared():
    conversation = Conversation()
    conversation.feed(CLIENT, frame(TEXT, b"a", fin=0))
    (ping,) = conversation.feed(SERVER, frame(PING, masked=0))
    assert (ping.before.message, ping.before.state) == (None, OPEN)
    (close,) = conversation.feed(SERVER, frame(CLOSE, close_body(1001), masked=0))
    assert (close.close, close.after.closed_by, close.after.state) == (
        Close(1001),
        (SERVER,),
        CLOSING,
    )
    (last,) = conversation.feed(CLIENT, frame(CONT, b"b"))
    assert (last.before.closed_by, last.verdict) == ((SERVER,), Legal())
    (answer,) = conversation.feed(CLIENT, frame(CLOSE, close_body(1001)))
    assert (answer.after.closed_by, answer.verdict) == ((SERVER, CLIENT), Legal())


@pytest.mark.rfc("6455-5.5.1-07")
def test_5_5_1_data_after_the_own_close_is_a_violation_and_a_control_frame_is_not():
    wire = frame(CLOSE) + frame(PING) + frame(TEXT, b"late") + frame(CLOSE)
    verdicts = [item.verdict for item in explain(wire, CLIENT)]
    assert verdicts[0] == verdicts[1] == verdicts[3] == Legal()
    assert (verdicts[2].violation.section, verdicts[2].violation.field) == ("§5.5.1", "opcode")
    close, rest = explain(wire, CLIENT, keep_going=False)
    assert (close.verdict, rest.why) == (
        Legal(),
        "after the Close: a receiver drops what follows (§1.4)",
    )
    assert rest.length == len(wire) - 6


# Going on after a violation


def test_7_1_7_explaining_goes_on_after_a_violation_that_leaves_the_frames_apart():
    items = explain(frame(3, b"x") + frame(TEXT, b"Hello") + frame(CONT) + frame(PING), CLIENT)
    assert [type(item.verdict) for item in items] == [Illegal, Legal, Illegal, Legal]
    assert [item.after_failure for item in items] == [False, True, True, True]
    assert items[1].text == "Hello"


def test_5_1_the_frames_of_a_client_that_never_masks_are_all_explained():
    items = explain(frame(TEXT, b"Hel", fin=0, masked=0) + frame(CONT, b"lo", masked=0), CLIENT)
    assert [(item.text, item.verdict.violation.section) for item in items] == [
        ("Hel", "§5.1"),
        ("lo", "§5.1"),
    ]
    assert items[1].after == Situation()


def test_5_4_a_new_message_inside_another_takes_its_place():
    wire = (
        frame(TEXT, b"a", fin=0)
        + frame(BINARY, b"b", fin=0)
        + frame(CONT, b"c")
        + frame(TEXT, b"d")
    )
    items = explain(wire, CLIENT)
    assert [type(item.verdict) for item in items] == [Legal, Illegal, Unjudged, Legal]
    assert (items[1].after.message.opcode, items[2].kind, items[3].text) == (BINARY, BINARY, "d")


def test_8_1_the_rest_of_a_message_with_a_violation_is_not_judged_and_the_next_message_is():
    wire = (
        frame(TEXT, b"\xff", fin=0)
        + frame(CONT, b"\xff")
        + frame(TEXT, b"\xff")
        + frame(TEXT, b"a")
    )
    items = explain(wire, CLIENT)
    assert [type(item.verdict) for item in items] == [Illegal, Unjudged, Illegal, Legal]
    assert items[1].verdict == Unjudged("the rest of a message that breaks a rule")
    assert " NOT JUDGED      the rest of a message that breaks a rule\n" in draw(items[1]) + "\n"
    assert draw_line(items[1]) == '-> continuation FIN masked 1 "\ufffd"  not judged'


def test_5_4_a_new_message_after_one_with_a_violation_is_judged_from_its_start():
    """Also where the one with the violation has not ended."""
    wire = frame(TEXT, b"\xff", fin=0) + frame(CONT, b"a", fin=0) + frame(TEXT, b"b") + frame(CONT)
    items = explain(wire, CLIENT)
    assert [type(item.verdict) for item in items] == [Illegal, Unjudged, Legal, Illegal]
    assert items[1].after.message == OpenMessage(TEXT, False, 2, 2)
    assert (items[2].before.message, items[2].after.message) == (items[1].after.message, None)


def test_5_2_a_header_is_judged_by_itself_also_in_the_rest_of_a_message_with_a_violation():
    wire = frame(TEXT, b"\xff", fin=0) + frame(CONT, b"a", masked=0)
    assert [item.verdict.violation.section for item in explain(wire, CLIENT)] == ["§8.1", "§5.1"]


@pytest.mark.parametrize(
    "wire",
    [
        "81 fe 00 05 37 fa 21 3d",
        "82 ff 80 00 00 00 00 00 00 00 01",
        "48 54 54 50 2f 31",
        "16 03 01 02 00",
    ],
)
def test_5_2_a_broken_length_or_no_frame_at_all_stops_explaining(wire):
    data = bytes.fromhex(wire)
    first, rest = explain(data, CLIENT, at_handshake=False)
    assert isinstance(first.verdict, Illegal)
    assert (rest.offset, rest.offset + rest.length) == (len(first.header_bytes), len(data))
    assert rest.why == "it is not known where the next frame begins"


def test_5_2_a_top_bit_behind_another_violation_stops_explaining_too():
    first, rest = explain(bytes.fromhex("83 ff ff ff ff ff ff ff ff ff 01 02"), CLIENT)
    assert (first.verdict.violation.field, rest.length) == ("opcode", 2)


def test_7692_7_2_2_with_context_takeover_a_lost_window_is_not_found_again():
    wire = (
        frame(TEXT, b"\xff\xff", rsv=4)
        + frame(TEXT, HELLO, rsv=4)
        + frame(TEXT, b"plain")
        + frame(TEXT, b"\xff")
    )
    lost = explain(wire, CLIENT, deflate=Parameters())
    assert [type(item.verdict) for item in lost] == [Illegal, Unjudged, Legal, Illegal]
    why = "it may look back at a compressed message that was not inflated (RFC 7692 §7.2.3.2)"
    assert lost[1].verdict == Unjudged(why)
    assert (lost[1].compressed, lost[1].inflated_length, lost[1].text) == (True, None, None)
    assert "not known" in draw(lost[1])
    found = explain(wire, CLIENT, deflate=Parameters(client_no_context_takeover=True))
    assert (found[1].text, found[2].text) == ("Hello", "plain")


def test_7692_6_a_compressed_message_that_is_broken_off_loses_the_window_of_its_side_only():
    conversation = Conversation(deflate=Parameters())
    wire = frame(TEXT, HELLO[:3], rsv=4, fin=0) + frame(TEXT, b"new") + frame(TEXT, HELLO, rsv=4)
    items = conversation.feed(CLIENT, wire)
    assert [type(item.verdict) for item in items] == [Legal, Illegal, Unjudged]
    assert items[2].inflated_length is None
    (other,) = conversation.feed(SERVER, frame(TEXT, HELLO, rsv=4, masked=0))
    assert other.text == "Hello"


def test_5_5_a_close_that_is_too_long_is_a_violation_of_its_length_alone():
    explained = one(frame(CLOSE, close_body(1000) + b"x" * 124), CLIENT)
    assert (
        explained.verdict.violation.section,
        explained.verdict.violation.field,
        explained.close,
    ) == (
        "§5.5",
        "length",
        None,
    )
    assert explained.after.closed_by == (CLIENT,)


@pytest.mark.parametrize("keep_going", [True, False])
def test_7692_7_2_2_what_is_cut_off_is_inflated_as_far_as_it_goes(keep_going):
    options = {"deflate": Parameters(), "keep_going": keep_going}
    good = one(frame(TEXT, HELLO, rsv=4)[:-1], CLIENT, **options)
    assert (good.text, type(good.verdict)) == ("Hello", CutOff)
    bad = one(frame(TEXT, b"\xff\xff\xff", rsv=4)[:-1], CLIENT, **options)
    assert bad.verdict.violation.section == "RFC 7692 §7.2.2"


# Hints


@pytest.mark.parametrize(
    ("wire", "sender", "options", "hint"),
    [
        (
            "81 ff 00 00 01 00 00 00 00 00 37 fa 21 3d",
            CLIENT,
            {},
            "in little-endian the length would be 65536",
        ),
        ("82 7e 00 7e 01" + "00" * 125, SERVER, {}, ""),
        ("82 7e 2c 01" + "00" * 300, SERVER, {}, "in little-endian the length would be 300"),
        ("82 7f ff 00 00 00 00 00 00 80", SERVER, {}, ""),
        ("82 7f 80 00 01 00 00 00 00 00", SERVER, {}, "in little-endian the length would be 65664"),
        ("81 fe 00 05", CLIENT, {}, "write 5 into the 7 bits"),
        ("81 ff 00 00 00 00 00 00 01 00", CLIENT, {}, "write 256 into 16 bits, after 126"),
        (
            b"HTTP/1.1 200 OK".hex(),
            SERVER,
            {"at_handshake": False},
            "looks like HTTP text: after the 101",
        ),
        (b"GET / HTTP/1.1".hex(), CLIENT, {"at_handshake": False}, "looks like an HTTP request"),
        (b"<!DOCTYPE".hex(), SERVER, {}, "looks like HTML"),
        ("16 03 01 02 00 01", CLIENT, {}, "looks like a TLS ClientHello"),
        (b"hi".hex(), SERVER, {}, "text was sent without a frame around it, 'hi'"),
        ("81 80 37 fa 21 3d", SERVER, {}, "a server must not mask"),
        ("81 00", CLIENT, {}, "a client must mask"),
        ("88 02 e8 03", SERVER, {}, "in little-endian the code would be 1000"),
        ("88 04" + b"1000".hex(), SERVER, {}, "the code is written in digits"),
        ("81 06 48 00 69 00 21 00", SERVER, {}, "looks like UTF-16"),
        ("81 04 00 48 00 69", SERVER, {}, "looks like UTF-16"),
        ("81 06 ff fe 48 00 69 00", SERVER, {}, "looks like UTF-16"),
        ("81 84 00 00 00 00" + b"text".hex(), CLIENT, {}, "a key of four zeros masks nothing"),
        ("81 85 b7 fa 21 3d" + b"Hello".hex(), CLIENT, {}, "it was not masked, or masked twice"),
        (
            "c1 0d 78 9c f2 48 cd c9 c9 07 00 05 8c 01 f5",
            SERVER,
            {"deflate": Parameters()},
            "begins like zlib",
        ),
        ("c1 03 1f 8b 08", SERVER, {"deflate": Parameters()}, "begins like gzip"),
        ("c1 07 f2 48 cd c9 c9 07 00", SERVER, {}, "permessage-deflate must be agreed"),
        ("81 05 48 65 6c 6c 6f", SERVER, {}, ""),
    ],
)
def test_well_known_mistakes_are_pointed_out(wire, sender, options, hint):
    (explained, *_) = explain(bytes.fromhex(wire), sender, **options)
    assert hint in explained.verdict.hint
    assert bool(hint) == bool(explained.verdict.hint), explained.verdict
    assert hint in unwrapped(draw(explained))


@pytest.mark.parametrize(
    ("wire", "sender", "options"),
    [
        ("82 7e 2c 01" + "00" * 0x2C01, SERVER, {}),
        ("82 7e 2c 01" + "00" * 299, SERVER, {}),
        ("82 7e 01 02", SERVER, {}),
        ("83 7f 00 00 01 00 00 00 00 00", SERVER, {}),
        ("88 02 00 00", SERVER, {}),
        ("88 03 03 e8 ff", SERVER, {}),
        ("88 01 e8", SERVER, {}),
        ("81 02 e8 03", SERVER, {}),
        ("81 05 31 30 30 30 ff", SERVER, {}),
        ("89 04 31 30 30 30", SERVER, {}),
        ("82 04 48 00 69 00", SERVER, {}),
        ("81 02 48 00", SERVER, {}),
        ("81 04 00 00 00 00", SERVER, {}),
        ("81 85 20 20 20 20" + b"hELLO".hex(), CLIENT, {}),
        ("81 85 37 fa 21 3d ff ff ff ff ff", CLIENT, {}),
        ("82 02 78 9c", SERVER, {"deflate": Parameters()}),
        ("81 02 1f 8b", SERVER, {"deflate": Parameters()}),
        ("c1 02 ff ff", SERVER, {"deflate": Parameters()}),
        ("81 fe ff ff", CLIENT, {}),
    ],
)
def test_what_is_no_such_mistake_gets_no_hint(wire, sender, options):
    (explained, *_) = explain(bytes.fromhex(wire), sender, **options)
    assert explained.verdict.hint == ""


def unwrapped(text):
    return re.sub(r"\s+", " ", text)


# What a peer cannot do to a terminal

HOSTILE = (
    "\x1b[2J\x1b]0;title\x07",
    "a\r\nb\x00\x7f\x9b",
    "\u202eevil\u2066\u200f",
    "שלום عربي",
    "a\u0301\u0301\u0301",
    "\u200b\ufeff\ue000\U000e0041",
    '"quoted\\" \\n',
    "\u2028\u2029\x85",
    "漢字" * 30,
    "x" * 500,
    "😀" * 40,
)


def drawn(item, columns):
    """The lines of an item on a terminal, none of them too wide, as a block and as a line."""
    style = Style(columns=columns)
    lines = f"{draw(item, style)}\n{draw_line(item, style)}".splitlines()
    assert all(width(line) <= columns for line in lines), lines
    return lines


@pytest.mark.parametrize("text", HOSTILE)
def test_no_text_of_a_peer_reaches_the_terminal_unescaped(text):
    wires = (
        frame(TEXT, text.encode()),
        frame(PING, text.encode()[:125]),
        frame(CLOSE, close_body(1000) + text.encode()[:60].decode(errors="ignore").encode()),
        request("/", f"X: {text}"),
        request(f"/{text}"),
        f"HTTP/1.1 {text}\r\n\r\n".encode(),
    )
    for item in [item for wire in wires for item in explain(wire, CLIENT) + explain(wire, SERVER)]:
        for line in drawn(item, 80) + drawn(item, 40) + draw_line(item).splitlines():
            assert all(escape(character) in (character, "\\" + character) for character in line), (
                line
            )


def test_what_is_harmless_is_shown_as_it_is():
    text = "κόσμε, naïve, 漢字, 😀 <b>&amp;</b>"
    assert f'"{text}"' in draw(one(frame(TEXT, text.encode()), CLIENT))
    assert escape('say "hi"\\') == 'say \\"hi\\"\\\\'
    assert escape("\x1b\u202eא\u0301") == "\\x1b\\u202e\\u05d0\\u0301"


EMOJI = ("👨‍👩‍👧", "👩🏽‍💻", "🏳️‍🌈", "❤️", "❤️‍🔥", "1️⃣", "😀", "👍🏽")


@pytest.mark.parametrize("emoji", EMOJI)
def test_an_emoji_of_several_characters_is_shown_as_it_is(emoji):
    assert escape(f"a{emoji}b") == escape_words(f"a{emoji}b") == f"a{emoji}b"
    assert quoted(emoji * 2, 40) == f'"{emoji * 2}"'
    cut = quoted(f"{emoji}{emoji}", width(emoji) + 6)
    assert cut in (f'"{emoji}"...', f'"{emoji}{emoji}"')
    assert emoji in draw_line(one(frame(TEXT, emoji.encode()), CLIENT))


@pytest.mark.parametrize("control", "\u200e\u200f\u061c\u202a\u202b\u202c\u202d\u202e\u2066\u2069")
def test_what_turns_the_direction_of_text_is_made_visible(control):
    assert escape(f"a{control}b") == f"a\\u{ord(control):04x}b" == escape_words(f"a{control}b")


@pytest.mark.parametrize(
    "text", ["\u200d", "a\u200db", "👨\u200d", "\u200d👨", "👨\u200d\u200d👩", "\ufe0f"]
)
def test_a_joiner_that_joins_no_emoji_is_made_visible(text):
    assert "\u200d" not in escape(text).replace("👨\u200d👩", "") and "\\u" in escape(text)


def test_text_is_cut_by_columns():
    assert cut("漢字漢字", 8) == "漢字漢字"
    assert cut("漢字漢字", 7) == "漢字..."
    assert quoted("漢字漢字", 9) == '"漢字"...'
    assert quoted("ab", 10, more=True) == '"ab"...'


def test_colours_change_nothing_but_the_colour():
    for item in explain(conversation_of_everything(), CLIENT, deflate=Parameters()):
        for drawer in (draw, draw_line):
            plain, coloured = drawer(item), drawer(item, Style(color=True))
            assert re.sub(r"\x1b\[[0-9]+m", "", coloured) == plain
            assert "\x1b" not in plain
    assert "\x1b[32m LEGAL" in draw(one("89 00"), Style(color=True))


# JSON


def test_the_masked_example_as_json():
    data = json.loads(json.dumps(as_json(one("81 85 37 fa 21 3d 7f 9f 4d 51 58", CLIENT))))
    assert (data["type"], data["sender"], data["name"], data["text"]) == (
        "FrameExplanation",
        "client",
        "text",
        "Hello",
    )
    assert (data["header_bytes"], data["masking_key"], data["payload_start"]) == (
        "8185",
        "37fa213d",
        "7f9f4d5158",
    )
    assert data["verdict"] == {"type": "Legal", "hint": ""}
    assert data["before"] == {
        "type": "Situation",
        "message": None,
        "closed_by": [],
        "state": "OPEN",
    }
    assert data["xor"][0] == {
        "type": "XorStep",
        "wire": 0x7F,
        "key": 0x37,
        "result": 0x48,
        "character": "H",
    }
    assert data["fields"][6] == {
        "type": "Field",
        "name": "length",
        "byte": 1,
        "bit": 1,
        "bits": 7,
        "value": 5,
        "meaning": "bytes of payload",
        "section": "§5.2",
    }


def test_a_number_that_javascript_cannot_hold_is_a_string():
    data = as_json(one("82 7f 7f ff ff ff ff ff ff ff"))
    assert data["header"]["payload_length"] == "9223372036854775807"
    assert data["verdict"]["missing"] == "9223372036854775807"


# Anything at all

RESPONSE = (
    b"HTTP/1.1 101 Switching Protocols\r\nUpgrade: websocket\r\nConnection: Upgrade\r\n"
    b"Sec-WebSocket-Accept: s3pPLMBiTxaQ9kYGzzhZRbK+xOo=\r\nSec-WebSocket-Extensions: "
    b"permessage-deflate\r\n\r\n"
)
SEEDS = [vector.wire[:200] for vector in VECTORS.values()] + [
    request("/"),
    request("/", "Sec-WebSocket-Extensions: permessage-deflate"),
    RESPONSE,
    b"\xc1\x07" + HELLO,
    frame(TEXT, HELLO, rsv=4),
    frame(CLOSE, close_body(1000, "bye")),
    frame(TEXT, "κόσμε".encode()),
]


def strings(count, seed):
    """Random bytes, and good ones put together, changed in a few places and cut."""
    chosen = random.Random(seed)
    for _ in range(count):
        if chosen.random() < 0.3:
            yield chosen.randbytes(chosen.randrange(40))
            continue
        data = bytearray(b"".join(chosen.choices(SEEDS, k=chosen.randrange(1, 4))))
        for _ in range(chosen.randrange(4)):
            place = min(chosen.randrange(len(data)), chosen.randrange(len(data)))
            data[place] = chosen.choice(
                (chosen.randrange(256), data[place] ^ 1 << chosen.randrange(8))
            )
        yield bytes(data[: chosen.randrange(len(data) + 1)])


DEFLATES = (
    None,
    Parameters(),
    Parameters(client_no_context_takeover=True, server_max_window_bits=9),
)


@pytest.mark.parametrize("count", [FUZZED // 4, pytest.param(FUZZED, marks=pytest.mark.slow)])
def test_random_and_mutated_bytes_are_explained_and_every_byte_is_accounted_for(count):
    types = set()
    for number, data in enumerate(strings(count, 6455)):
        sender, deflate = (CLIENT, SERVER)[number % 2], DEFLATES[number % 3]
        items = explain(data, sender, deflate=deflate, keep_going=number % 5 > 0)
        assert sum(map(size_of, items)) == len(data), data.hex()
        types |= {type(item.verdict) for item in items if not isinstance(item, NotRead)} | set(
            map(type, items)
        )
        if number % 10 == 0:
            json.dumps(as_json(tuple(items)))
            lines = [line for item in items for line in drawn(item, 80) + drawn(item, 40)]
            assert all(line.isprintable() for line in lines), data.hex()
            cut = explain_byte_by_byte(data, sender, deflate=deflate, keep_going=number % 5 > 0)
            assert without_hints(cut) == without_hints(items), data.hex()
    common = {Legal, Illegal, CutOff, FrameExplanation, HeadExplanation, NotRead}
    assert types - {Unjudged} == common
    assert Unjudged in types or count < FUZZED


def test_7_1_7_mutated_frames_get_the_verdict_of_an_endpoint():
    failed = 0
    for number, data in enumerate(strings(FUZZED // 5, 7692)):
        sender, deflate = (CLIENT, SERVER)[number % 2], DEFLATES[number % 3]
        failure = endpoint_failure(data, sender, deflate, max_size=200, max_fragments=2)
        items = explain(
            data,
            sender,
            deflate=deflate,
            keep_going=False,
            at_handshake=False,
            max_size=200,
            max_fragments=2,
        )
        violations = violations_in(items)
        if failure is None:
            assert violations == [], data.hex()
        else:
            assert len(violations) == 1 and same_words(violations[0], failure), (
                data.hex(),
                failure,
                violations,
            )
            failed += 1
    assert failed > FUZZED // 20


def test_5_3_the_first_octets_are_unmasked_with_the_key_over_and_over():
    explained = one(frame(BINARY, payload_of(20)), CLIENT)
    assert [step.result for step in explained.xor] == list(payload_of(8))
    assert bytes(step.wire for step in explained.xor) == xor(payload_of(8), KEY)
    assert FROM_CLIENT and explained.plain_start == payload_of(20)


# Bytes that are missing, as in a capture of a network


def test_missing_bytes_inside_a_payload_leave_the_next_frames_legible():
    conversation = Conversation(at_handshake=False)
    large, hello = frame(TEXT, b"x" * 5000), frame(TEXT, b"Hello")
    assert conversation.feed(Side.CLIENT, large[:100]) == []
    assert conversation.lose(Side.CLIENT, 4000) == []
    cut, whole = conversation.feed(Side.CLIENT, large[4100:] + hello)
    assert cut.verdict == Unjudged("of its payload 4000 are missing")
    assert cut.plain_start == b"x" * SHOWN and cut.payload_received == 5000
    assert whole.text == "Hello" and whole.verdict == Legal() and whole.offset == len(large)


def test_bytes_after_missing_ones_are_not_shown_as_the_start_of_a_payload():
    conversation = Conversation(at_handshake=False)
    wire = frame(TEXT, b"abcdefgh", masked=0)
    conversation.feed(Side.SERVER, wire[:4])
    conversation.lose(Side.SERVER, 3)
    [item] = conversation.feed(Side.SERVER, wire[7:])
    assert item.plain_start == b"ab" and item.payload_received == 8


def test_missing_bytes_at_the_end_of_a_payload_end_its_frame():
    conversation = Conversation(at_handshake=False)
    wire = frame(BINARY, b"abcdefgh")
    conversation.feed(Side.CLIENT, wire[:-3])
    [item] = conversation.lose(Side.CLIENT, 3)
    assert item.verdict == Unjudged("of its payload 3 are missing")


def test_a_message_of_which_bytes_are_missing_is_not_judged_and_the_next_is():
    conversation = Conversation(at_handshake=False)
    conversation.feed(Side.CLIENT, frame(TEXT, b"\xff" * 20, fin=0)[:10])
    conversation.lose(Side.CLIENT, 16)
    rest = frame(CONT, b"\xff") + frame(TEXT, b"\xff")
    one, two = conversation.feed(Side.CLIENT, rest)
    assert isinstance(one.verdict, Unjudged) and "bytes are missing" in one.verdict.why
    assert isinstance(two.verdict, Illegal) and two.verdict.violation.section == "§8.1"


@pytest.mark.parametrize("known", [0, 1, 3])
def test_after_missing_bytes_elsewhere_nothing_is_read(known):
    conversation = Conversation(at_handshake=False)
    hello = frame(TEXT, b"Hello")
    conversation.feed(Side.CLIENT, hello[:known])
    items = conversation.lose(Side.CLIENT, 4)
    assert [type(item.verdict) for item in items] == ([CutOff] if known else [])
    assert conversation.feed(Side.CLIENT, hello) == []
    [rest] = conversation.pending()
    assert isinstance(rest, NotRead)
    assert (rest.offset, rest.length) == (known, 4 + len(hello))


def test_a_compressed_message_of_which_bytes_are_missing_is_not_inflated_nor_what_needs_it():
    """The example of RFC 7692 §7.2.3.2: the second message refers to the first one."""
    conversation = Conversation(deflate=Parameters(), at_handshake=False)
    first = frame(TEXT, bytes.fromhex("f2 48 cd c9 c9 07 00"), rsv=RSV1)
    second = frame(TEXT, bytes.fromhex("f2 00 11 00 00"), rsv=RSV1)
    conversation.feed(Side.CLIENT, first[:8])
    items = conversation.lose(Side.CLIENT, len(first) - 8) + conversation.feed(Side.CLIENT, second)
    assert [type(item.verdict) for item in items] == [Unjudged, Unjudged]
    assert [item.inflated_length for item in items] == [None, None]
