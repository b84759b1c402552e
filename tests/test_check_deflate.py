"""refws check: the cases of compression, and how what a server compresses is judged.

refws's own server passes each case.
"""

import hashlib
import zlib

import pytest

from checks import answering, check_words, not_passed, send_back, target_of
from refws.check import inflating
from refws.check.case import Need
from refws.check.engine import Abilities, Grade, grade, run
from refws.check.frames import HELLO
from refws.check.groups import deflate_payloads as payloads
from refws.check.groups.deflate import DEFLATE
from refws.check.groups.deflate_offers import OFFERS
from refws.check.inflating import StrictInflater
from refws.check.reading import FrameReader
from refws.check.seen import Seen
from refws.check.survey import OFFER, survey
from refws.check.target import Target
from refws.course.services import echo
from refws.protocol.client.handshake import Agreement
from refws.protocol.client.uri import parse_uri
from refws.protocol.close import Close
from refws.protocol.deflate.negotiation import Parameters
from refws.protocol.errors import InvalidData, MessageTooBig
from wire import DEADLINE_S, RSV1, TEXT, response
from wire import frame as raw_frame

pytestmark = pytest.mark.slow

PASSED_OVER = {"7692-7.1.1.2-hint-alone-changes-nothing"}
"""refws takes the hint, so there is nothing to see of a server that does not."""

TAIL = b"\x00\x00\xff\xff"
NO_CODE = 1005
AGREED = Agreement(None, (), Parameters())


def text_without_repetition(size):
    """Hexadecimal digits: zlib codes them one by one, and finds a longer repetition at once."""
    return hashlib.shake_128(b"refws").hexdigest(size).encode()[:size]


def deflated(window_bits, *messages):
    """The payloads of the messages, each with a window that goes back to those before."""
    deflater = zlib.compressobj(9, zlib.DEFLATED, -window_bits)
    return [
        (deflater.compress(message) + deflater.flush(zlib.Z_SYNC_FLUSH)).removesuffix(TAIL)
        for message in messages
    ]


@pytest.mark.rfc("7692-7.1.2.1-04", "7692-7.2.1-17")
@pytest.mark.parametrize("window_bits", range(8, 15))
def test_7_2_1_a_reference_may_go_back_to_the_first_byte_of_the_window_and_no_further(window_bits):
    text = text_without_repetition(2**window_bits + 1)
    farthest, too_far = text[1:] + text[1:60], text + text[:60]
    assert StrictInflater(window_bits, False).inflate(*deflated(15, farthest)) == farthest
    with pytest.raises(InvalidData, match=f"window of {2**window_bits:,} bytes"):
        StrictInflater(window_bits, False).inflate(*deflated(15, too_far))


@pytest.mark.rfc("7692-7.2.1-13", "7692-7.2.1-14")
def test_7_2_1_a_reference_to_an_earlier_message_is_only_for_context_takeover():
    first, second = deflated(15, b"Hello, Hello", b"Hello, Hello")
    inflater = StrictInflater(15, False)
    assert [inflater.inflate(first), inflater.inflate(second)] == [b"Hello, Hello"] * 2
    inflater = StrictInflater(15, True)
    assert [inflater.inflate(first), inflater.inflate(first)] == [b"Hello, Hello"] * 2
    with pytest.raises(InvalidData, match="empty at the start of each message"):
        inflater.inflate(second)


@pytest.mark.rfc("7692-7.2.1-04", "7692-7.2.1-05", "7692-7.2.1-06", "7692-7.2.3.4-01")
@pytest.mark.parametrize(
    "payload, message",
    [
        ("f2 48 cd c9 c9 07 00", b"Hello"),
        ("00 05 00 fa ff 48 65 6c 6c 6f 00", b"Hello"),
        ("f3 48 cd c9 c9 07 00 00", b"Hello"),
        ("f2 48 05 00 00 00 ff ff ca c9 c9 07 00", b"Hello"),
        ("00", b""),
    ],
)
def test_7_2_3_the_examples_are_inflated_with_the_smallest_window_and_with_the_largest(
    payload, message
):
    for window_bits in (8, 15):
        inflater = StrictInflater(window_bits, False)
        assert inflater.inflate(bytes.fromhex(payload)) == message
        # §7.2.3.2: "Hello" again, as a reference to the message before.
        if message:
            assert inflater.inflate(bytes.fromhex("f2 00 11 00 00")) == message


@pytest.mark.parametrize("payload", ["07", "f2 48 cd", "f3 48 cd c9 c9 07 00", "00 09 00 f6 ff 48"])
@pytest.mark.parametrize("window_bits", [8, 15])
def test_7_2_2_what_is_no_deflate_and_what_breaks_off_is_an_error(payload, window_bits):
    with pytest.raises(InvalidData, match="RFC 7692 §7.2.1"):
        StrictInflater(window_bits, False).inflate(bytes.fromhex(payload))


@pytest.mark.rfc("6455-10.4-02")
def test_10_4_a_server_cannot_make_the_inflater_take_any_amount_of_memory(monkeypatch):
    monkeypatch.setattr(inflating, "MAX_MESSAGE", 2**18)
    payload = deflated(15, bytes(2**18))[0]
    assert StrictInflater(15, False).inflate(payload) == bytes(2**18)
    with pytest.raises(MessageTooBig):
        StrictInflater(15, False).inflate(*deflated(15, bytes(2**18 + 1)))


def test_7_2_1_a_server_that_does_not_keep_to_the_window_breaks_a_rule():
    text = text_without_repetition(600) * 2
    seen = Seen(agreement=Agreement(None, (), Parameters(server_max_window_bits=9)))
    FrameReader(seen).feed(raw_frame(TEXT, *deflated(15, text), rsv=RSV1, masked=0))
    assert seen.messages == []
    assert seen.violation.startswith("RFC 7692 §7.2.1") and "512 bytes" in seen.violation


# The payloads of the cases


@pytest.mark.parametrize(
    "payload, message",
    [
        (payloads.FIXED, HELLO),
        (payloads.STORED, HELLO),
        (payloads.FINAL + payloads.EMPTY, HELLO),
        (payloads.TWO_BLOCKS, HELLO),
        (payloads.EMPTY, b""),
        (payloads.EMPTY_FIXED, b""),
    ],
)
def test_the_payloads_are_what_they_are_said_to_be(payload, message):
    inflater = zlib.decompressobj(-15)
    assert inflater.decompress(payload + TAIL) == message
    again = zlib.decompressobj(-15, zdict=b"...Hello")
    assert again.decompress(payloads.AGAIN + TAIL) == HELLO


def test_the_farthest_reference_goes_back_32768_bytes_and_no_less():
    window = payloads.VARIED[: 2**15]
    inflater = zlib.decompressobj(-15, zdict=window)
    assert inflater.decompress(payloads.FARTHEST + TAIL) == window[:258]
    with pytest.raises(zlib.error):
        zlib.decompressobj(-15, zdict=window[1:]).decompress(payloads.FARTHEST + TAIL)


def test_the_block_with_codes_of_its_own_is_one():
    block_type = payloads.deflated(payloads.VARIED[:2000])[0] >> 1 & 3
    assert block_type == 2


# The cases, with refws as the server under test


def test_there_are_many_cases_each_with_its_own_name_section_and_words():
    assert len(DEFLATE.cases) > 80
    check_words(DEFLATE.cases)


def test_refws_passes_all_cases(serving):
    target = target_of(serving(echo, compression="deflate"))
    abilities = survey(target)
    assert abilities == Abilities()
    failed = not_passed(DEFLATE.cases, target, abilities)
    assert set(failed) == PASSED_OVER, failed
    assert {grade for grade, _ in failed.values()} == {Grade.SKIPPED}


def agrees_on_7_bits(wire):
    """Its answer to an offer of permessage-deflate is illegal."""
    _, headers = wire.receive_request()
    offered = "permessage-deflate" in headers.get("sec-websocket-extensions", "")
    answer = "Sec-WebSocket-Extensions: permessage-deflate; server_max_window_bits=7"
    wire.send(response(headers["sec-websocket-key"], *[answer][: int(offered)]))
    send_back(wire)


@pytest.mark.rfc("7692-7.1.2.1-08")
def test_an_illegal_answer_to_an_offer_is_a_failure_of_the_offers_and_skips_the_rest():
    with answering(agrees_on_7_bits) as port:
        target = Target(parse_uri(f"ws://127.0.0.1:{port}/"), timeout=DEADLINE_S)
        abilities = survey(target)
        assert abilities.lacks == {Need.AGREEMENT}
        (taken,) = [case for case in OFFERS if case.opening.offer == OFFER]
        result = run(taken, target, abilities)
        others = [case for case in DEFLATE.cases if case not in OFFERS]
        grades = {run(case, target, abilities).grade for case in others}
    assert result.grade is Grade.FAIL and "server_max_window_bits" in result.seen
    assert grades == {Grade.SKIPPED}


@pytest.mark.parametrize(
    "code, expected",
    [
        (1000, Grade.PASS),
        (1001, Grade.WEAK),
        (NO_CODE, Grade.WEAK),
        (1002, Grade.WEAK),
        (4000, Grade.FAIL),
    ],
)
def test_6455_5_5_1_the_code_of_the_answer_to_a_close_is_only_typical(code, expected):
    (between,) = [case for case in DEFLATE.cases if case.name == "7692-6-close-between-fragments"]
    assert grade(between, Seen(agreement=AGREED, close=Close(code))) is expected


def test_a_server_without_compression_passes_what_it_does_not_skip(serving):
    target = target_of(serving(echo))
    abilities = survey(target)
    assert abilities.lacks == {Need.DEFLATE}
    failed = not_passed(DEFLATE.cases, target, abilities)
    assert {grade for grade, _ in failed.values()} == {Grade.SKIPPED}
    assert {case.name for case in DEFLATE.cases} - set(failed) == {
        "7692-5-no-offer",
        "9.1-unknown-extension-alone",
    }
