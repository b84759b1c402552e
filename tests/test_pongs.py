"""RFC 6455 §5.4, §5.5.3: what is said of a whole message, and of a Pong and its Ping."""

import random

import pytest

from refws.course.explain.as_json import as_json
from refws.course.explain.conversation import Conversation
from refws.course.explain.pongs import MAX_WAITING
from refws.course.record.narration import Narration
from refws.course.text.drawing import draw, draw_line
from refws.course.text.style import Style
from refws.protocol.deflate.codec import client_pair
from refws.protocol.deflate.negotiation import DeflateSettings, Parameters
from refws.protocol.frame import Side
from wire import BINARY, CONT, MASKING_KEY, PING, PONG, SAMPLE_KEY, TEXT, frame, response, xor

CLIENT, SERVER = Side
RESPONSE = response(SAMPLE_KEY)


def plain(opcode, payload=b"", **options):
    """A frame of a server."""
    return frame(opcode, payload, masked=0, **options)


def explained(*parts, **options):
    """The items of a conversation; each part is a sender and its bytes."""
    conversation = Conversation(**options)
    return [item for sender, wire in parts for item in conversation.feed(sender, wire)]


def last(*parts, **options):
    return explained(*parts, **options)[-1]


# Messages


@pytest.mark.rfc("6455-5.4-03")
def test_5_4_a_fragmented_message_is_shown_whole_at_its_end():
    first, end = explained((SERVER, plain(TEXT, b"Hel", fin=0) + plain(CONT, b"lo")))
    assert first.message is None
    assert (end.message.opcode, end.message.fragments) == (TEXT, 2)
    assert (end.message.length, end.message.start, end.message.text) == (5, b"Hello", "Hello")
    words = "message: text, 5 bytes, 2 frames: Hello"
    assert draw_line(end) == f'<- continuation FIN 2 "lo"  legal; {words}'
    assert words in draw(end) and words in draw(end, Style(columns=40)).replace("\n    ", " ")
    assert as_json(end)["message"]["text"] == "Hello"


def test_5_4_a_message_in_one_frame_is_its_frame():
    assert last((SERVER, plain(TEXT, b"Hello"))).message is None


def test_5_4_control_frames_are_no_part_of_the_message():
    wire = plain(TEXT, b"Hel", fin=0) + plain(PING, b"x") + plain(CONT, b"", fin=0)
    assert last((SERVER, wire + plain(CONT, b"lo"))).message.start == b"Hello"
    both = explained(
        (SERVER, plain(TEXT, b"Hel", fin=0)),
        (CLIENT, frame(BINARY, b"\xff", fin=0) + frame(CONT)),
        (SERVER, plain(CONT, b"lo")),
    )
    assert [item.message and item.message.start for item in both] == [
        None,
        None,
        b"\xff",
        b"Hello",
    ]


def test_5_4_a_character_may_be_in_two_frames_and_bytes_are_in_hex():
    kosme = "κόσμε".encode()
    end = last((CLIENT, frame(TEXT, kosme[:3], fin=0) + frame(CONT, kosme[3:])))
    assert "message: text, 10 bytes, 2 frames: κόσμε" in draw_line(end)
    end = last((SERVER, plain(BINARY, b"\0\1", fin=0) + plain(CONT, b"\xff")))
    assert "message: binary, 3 bytes, 2 frames: 00 01 ff" in draw_line(end)
    end = last((SERVER, plain(TEXT, fin=0) + plain(CONT)))
    assert draw_line(end).endswith("message: text, 0 bytes, 2 frames:")


def test_5_4_of_a_long_message_the_start_is_shown_and_the_length():
    wire = plain(TEXT, b"a" * 60, fin=0) + plain(CONT, b"b" * 60, fin=0) + plain(CONT, b"c" * 9)
    message = last((SERVER, wire)).message
    assert (message.start, message.length, message.fragments) == (b"a" * 60 + b"b" * 4, 129, 3)
    assert draw_line(last((SERVER, wire))).endswith("aaaaaaaaaa...")


@pytest.mark.rfc("7692-7.2.2-01")
def test_7692_a_compressed_message_is_shown_inflated():
    deflater, _ = client_pair(Parameters(), DeflateSettings())
    payload = deflater.deflate(b"Hello, Hello")
    wire = frame(TEXT, payload[:4], rsv=4, fin=0) + frame(CONT, payload[4:])
    message = last((CLIENT, wire), deflate=Parameters()).message
    assert (message.text, message.length) == ("Hello, Hello", 12)


def test_7_1_7_a_message_that_breaks_a_rule_is_not_shown_whole():
    for bad in (b"\xff", b"\xce"):
        items = explained((SERVER, plain(TEXT, b"Hel", fin=0) + plain(CONT, bad)))
        assert [item.message for item in items] == [None, None]
    broken_off = plain(TEXT, b"Hel", fin=0) + plain(TEXT, b"x", fin=0) + plain(CONT, b"y")
    assert last((SERVER, broken_off)).message is None
    after = broken_off + plain(TEXT, b"a", fin=0) + plain(CONT, b"b")
    assert last((SERVER, after)).message.start == b"ab"


# Pongs

PINGED = (CLIENT, frame(PING, b"abcd"))


def remarks(*parts, **options):
    """The note and the hint of the last frame, which is legal."""
    item = last(*parts, **options)
    return item.note, item.verdict.hint


@pytest.mark.rfc("6455-5.5.3-01")
def test_5_5_3_a_pong_with_the_payload_of_its_ping_needs_no_note():
    assert remarks(PINGED, (SERVER, plain(PONG, b"abcd"))) == ("", "")
    assert remarks((SERVER, plain(PING)), (CLIENT, frame(PONG))) == ("", "")
    assert remarks((SERVER, plain(PING, b"x" * 125)), (CLIENT, frame(PONG, b"x" * 125))) == ("", "")


def test_5_5_3_a_pong_with_the_masked_bytes_of_its_ping_gets_a_hint():
    note, hint = remarks(PINGED, (SERVER, plain(PONG, xor(b"abcd", MASKING_KEY))))
    assert note == "" and "the Ping as it was on the wire, masked: unmask it first" in hint
    item = last(PINGED, (SERVER, plain(PONG, xor(b"abcd", MASKING_KEY))))
    assert "legal; hint: this Pong has the payload of the Ping" in draw_line(item)


@pytest.mark.rfc("6455-5.5.3-02")
def test_5_5_3_one_pong_may_answer_the_last_of_several_pings():
    pings = (CLIENT, frame(PING, b"1") + frame(PING, b"2") + frame(PING, b"3"))
    assert remarks(pings, (SERVER, plain(PONG, b"3"))) == ("", "")
    note, hint = remarks(pings, (SERVER, plain(PONG, b"2")))
    assert (note.partition(",")[0], hint) == ("this Pong answers an older Ping", "")
    assert "at byte 7," in note and "legal" in note
    in_order = plain(PONG, b"1") + plain(PONG, b"2") + plain(PONG, b"3")
    assert remarks(pings, (SERVER, in_order)) == ("", "")
    assert "no Ping has this payload" in remarks(pings, (SERVER, plain(PONG, b"2") * 2))[0]


@pytest.mark.rfc("6455-5.5.3-03")
def test_5_5_3_an_unasked_pong_is_legal_and_said_to_be_unasked():
    note, hint = remarks((CLIENT, frame(TEXT)), (SERVER, plain(PONG, b"beat")))
    assert "unasked: no Ping waits for it; that is legal" in note and hint == ""
    note, hint = remarks(PINGED, (SERVER, plain(PONG, b"beat")))
    assert "no Ping has this payload" in note and hint == ""
    assert "unasked" in remarks(PINGED, (SERVER, plain(PONG, b"abcd") * 2))[0]
    item = last((CLIENT, frame(TEXT)), (SERVER, plain(PONG, b"beat")))
    assert "note: this Pong is unasked" in draw_line(item)
    assert "note            this Pong is unasked" in draw(item)


def test_5_5_3_without_the_other_side_nothing_is_said():
    assert remarks((SERVER, plain(PONG, b"beat"))) == ("", "")


def test_5_5_3_a_side_that_is_known_to_be_silent_has_sent_no_ping():
    assert "unasked" in remarks((SERVER, plain(PONG, b"beat")), both_sides=True)[0]
    assert "unasked" in Narration().feed(0, SERVER, RESPONSE + plain(PONG))[-1]


def test_5_5_3_where_pings_may_be_missing_nothing_is_said():
    stopped = [(CLIENT, b"\x81\x01a"), (SERVER, plain(PONG, b"beat"))]
    assert remarks(*stopped, keep_going=False) == ("", "")
    conversation = Conversation(at_handshake=False)
    conversation.feed(CLIENT, frame(TEXT))
    conversation.skip(CLIENT, 100)
    [pong] = conversation.feed(SERVER, plain(PONG, b"beat"))
    assert pong.note == ""
    many = b"".join(frame(PING, b"%d" % number) for number in range(MAX_WAITING + 1))
    assert remarks((CLIENT, many), (SERVER, plain(PONG, b"0"))) == ("", "")
    assert "older" in remarks((CLIENT, many), (SERVER, plain(PONG, b"1")))[0]


def test_5_5_3_pings_in_any_order_and_number_take_little_memory():
    chosen, conversation = random.Random(1), Conversation()
    for _ in range(2000):
        payload = chosen.randbytes(2)
        conversation.feed(CLIENT, frame(PING, payload))
        if chosen.random() < 0.3:
            [pong] = conversation.feed(SERVER, plain(PONG, payload))
            assert (pong.note, pong.verdict.hint) == ("", "")
