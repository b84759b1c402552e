"""RFC 7692: what is offered, what is answered; messages deflate and inflate as agreed, and no
payload does harm.
"""

import itertools
import random
import tracemalloc
import zlib
from dataclasses import replace

import pytest

from refws.protocol.close_codes import CloseCode
from refws.protocol.deflate.codec import MAX_CHUNK, Deflater, Inflater, client_pair, server_pair
from refws.protocol.deflate.negotiation import (
    ANY_OFFER,
    DeflateSettings,
    Parameters,
    check_answer,
    choose_offer,
    offer,
    window_limit,
)
from refws.protocol.errors import ConnectionFailure, HandshakeError, InvalidData, MessageTooBig
from refws.protocol.extensions import parse_extensions
from vectors import EMPTY, FINAL_HELLO, HELLO, HELLO_AGAIN, STORED_HELLO, TWO_BLOCKS_HELLO

KIB = 1024
MIB = 1024 * KIB
ALL_BITS = range(8, 16)
SETTINGS = DeflateSettings()
UNLIMITED = DeflateSettings(server_max_window_bits=None, client_max_window_bits=None)
TAIL = bytes.fromhex("0000ffff")
BOTH_TAKEOVERS = "server_no_context_takeover; client_no_context_takeover"


def inflate(inflater, payload, limit=None, step=None):
    """The message in a payload that arrives in pieces of `step` bytes; bounded, as every call must
    get somewhere.
    """
    step = step or len(payload) or 1
    pieces = [payload[start : start + step] for start in range(0, len(payload), step)] or [b""]
    message = bytearray()

    def left():
        return None if limit is None else limit - len(message)

    for number, piece in enumerate(pieces, 1):
        message += inflater.inflate(piece, number == len(pieces), left())
        while inflater.pending:
            data = inflater.inflate_more(left())
            assert len(data) <= MAX_CHUNK
            message += data
    return bytes(message)


def deflater(window_bits=15, no_context_takeover=False, settings=SETTINGS):
    return Deflater(window_bits, no_context_takeover, settings)


def negotiate(offered, settings=UNLIMITED):
    chosen = choose_offer(parse_extensions([offered]), settings)
    return chosen and chosen[1]


def text(seed, length):
    """Words, so that there is something to compress."""
    chance = random.Random(seed)
    words = [bytes(chance.choices(b"abcdefghijklmno", k=chance.randint(2, 9))) for _ in range(200)]
    return b" ".join(chance.choices(words, k=length // 3 + 1))[:length]


class Blocks:
    """DEFLATE blocks written by hand (RFC 1951 §3.2), with the fixed Huffman codes of §3.2.6."""

    def __init__(self, bits=""):
        self.bits = bits

    def and_then(self, other):
        return Blocks(self.bits + other.bits)

    def code(self, value, count):
        self.bits += f"{value:0{count}b}"

    def number(self, value, count):
        self.bits += f"{value:0{count}b}"[::-1]

    def pad(self):
        self.bits += "0" * (-len(self.bits) % 8)

    def stored(self, data, final=False):
        self.number(final, 1)
        self.number(0b00, 2)
        self.pad()
        self.number(len(data), 16)
        self.number(len(data) ^ 0xFFFF, 16)
        if data:
            self.number(int.from_bytes(data, "little"), 8 * len(data))

    def match_258(self, distance, final=False):
        """A block that repeats 258 bytes from `distance` back."""
        extra_bits = max(0, (distance - 1).bit_length() - 2)
        self.number(final, 1)
        self.number(0b01, 2)
        self.code(0b11000101, 8)  # length code 285
        self.code(2 * extra_bits + ((distance - 1) >> extra_bits), 5)
        self.number((distance - 1) & ((1 << extra_bits) - 1), extra_bits)
        self.code(0, 7)  # end of block
        if final:
            self.pad()  # RFC 7692 §7.2.1

    def message(self):
        """The payload of a message, with the header bits of the empty block whose other bytes
        §7.2.1 cuts off.
        """
        padded = Blocks(self.bits)
        padded.number(0, 3)
        padded.pad()
        return int(padded.bits[::-1], 2).to_bytes(len(padded.bits) // 8, "little")


def fits_window(payload, window_bits):
    """True if no match reaches further back than the window.

    zlib looks at what it keeps itself, 2 ** window_bits bytes, only from one call to the next, so
    each makes one byte.
    """
    inflater = zlib.decompressobj(-window_bits)
    waiting = payload + TAIL
    try:
        while inflater.decompress(waiting, 1):
            waiting = inflater.unconsumed_tail
    except zlib.error as error:
        assert "too far back" in str(error)
        return False
    return True


# §7.2.3: the examples


@pytest.mark.rfc("7692-7.2.1-01", "7692-7.2.1-02", "7692-7.2.1-03", "7692-6.1-01")
def test_7_2_3_1_hello_deflates_to_the_bytes_of_the_rfc():
    assert deflater().deflate(b"Hello") == HELLO


@pytest.mark.rfc("7692-7.2.1-12", "7692-7.2.1-14", "7692-5-21")
def test_7_2_3_2_hello_again_refers_to_the_first_one():
    both = deflater()
    assert [both.deflate(b"Hello"), both.deflate(b"Hello")] == [HELLO, HELLO_AGAIN]


@pytest.mark.rfc("7692-7.1.1.1-03", "7692-7.1.1.2-06", "7692-7.2.1-11", "7692-7.2.1-13")
def test_7_2_3_2_hello_again_is_the_same_without_context_takeover():
    both = deflater(no_context_takeover=True)
    assert [both.deflate(b"Hello"), both.deflate(b"Hello")] == [HELLO, HELLO]


@pytest.mark.rfc("7692-7.2.3.6-01")
def test_7_2_3_6_an_empty_message_is_one_zero_byte_every_time():
    both = deflater()
    payloads = [both.deflate(data) for data in (b"", b"", b"Hello", b"", b"Hello")]
    assert payloads == [EMPTY, EMPTY, HELLO, EMPTY, HELLO_AGAIN]


@pytest.mark.rfc(
    "7692-6.2-01",
    "7692-7.2.1-04",
    "7692-7.2.1-05",
    "7692-7.2.1-06",
    "7692-7.2.2-01",
    "7692-7.2.2-02",
)
@pytest.mark.parametrize("payload", [HELLO, STORED_HELLO, FINAL_HELLO, TWO_BLOCKS_HELLO])
@pytest.mark.parametrize("no_context_takeover", [False, True])
@pytest.mark.parametrize("window_bits", [8, 15])
def test_7_2_3_every_form_of_hello_inflates(payload, no_context_takeover, window_bits):
    inflater = Inflater(window_bits, no_context_takeover)
    assert [inflate(inflater, payload), inflate(inflater, payload)] == [b"Hello", b"Hello"]


@pytest.mark.rfc(
    "7692-7.1.1.1-04", "7692-7.1.1.2-05", "7692-7.2.2-04", "7692-7.2.2-06", "7692-7.2.1-06"
)
@pytest.mark.parametrize("first", [HELLO, STORED_HELLO, FINAL_HELLO, TWO_BLOCKS_HELLO])
def test_7_2_3_2_hello_again_inflates_after_every_form_of_the_first(first):
    inflater = Inflater(15, False)
    assert [inflate(inflater, payload) for payload in (first, HELLO_AGAIN, EMPTY, HELLO_AGAIN)] == [
        b"Hello",
        b"Hello",
        b"",
        b"Hello",
    ]


@pytest.mark.parametrize("first", [HELLO, FINAL_HELLO])
def test_7_2_2_without_context_takeover_there_is_nothing_to_refer_to(first):
    inflater = Inflater(15, True)
    inflate(inflater, first)
    with pytest.raises(InvalidData):
        inflate(inflater, HELLO_AGAIN)


@pytest.mark.rfc("7692-7.2.3.6-01")
def test_7_2_3_6_an_empty_message_inflates_as_one_zero_byte_and_as_no_bytes():
    inflater = Inflater(15, False)
    payloads = (EMPTY, b"", HELLO, b"", EMPTY, HELLO_AGAIN, b"")
    assert [inflate(inflater, payload) for payload in payloads] == [
        b"",
        b"",
        b"Hello",
        b"",
        b"",
        b"Hello",
        b"",
    ]


# §7.2.1: fragments


@pytest.mark.rfc("7692-7.2.1-09", "7692-7.2.3.6-01")
@pytest.mark.parametrize("no_context_takeover", [False, True])
def test_7_2_1_each_fragment_inflates_as_it_comes_and_only_the_last_is_cut(no_context_takeover):
    sender, receiver = deflater(12, no_context_takeover), Inflater(12, no_context_takeover)
    for fragments in ([b"one ", b"", b"two one"], [b"x" * 5000, text(1, 9000), b""], [b"", b""]):
        for fragment in fragments[:-1]:
            payload = sender.deflate(fragment, end=False)
            assert payload.endswith(TAIL)
            assert receiver.inflate(payload, False) == fragment
        last = sender.deflate(fragments[-1])
        assert not last.endswith(TAIL)
        assert receiver.inflate(last, True) == fragments[-1]
        assert not receiver.pending


@pytest.mark.rfc("7692-7.2.3.6-01")
def test_7_2_3_6_the_empty_last_fragment_is_one_zero_byte():
    sender = deflater()
    sender.deflate(b"of unknown size", end=False)
    assert sender.deflate(b"", end=True) == EMPTY


@pytest.mark.rfc("7692-6-03", "7692-7.2.1-08")
def test_6_a_payload_cut_anywhere_in_two_inflates_to_the_same():
    message = text(2, 400)
    payload = deflater().deflate(message)
    for form, whole in (
        (payload, message),
        (HELLO, b"Hello"),
        (FINAL_HELLO, b"Hello"),
        (TWO_BLOCKS_HELLO, b"Hello"),
    ):
        for cut in range(len(form) + 1):
            inflater = Inflater(15, False)
            assert inflater.inflate(form[:cut], False) + inflate(inflater, form[cut:]) == whole
            assert inflate(inflater, HELLO) == b"Hello"


@pytest.mark.rfc("7692-6-03")
def test_6_a_payload_in_single_bytes_inflates_to_the_same():
    sender, receiver = deflater(), Inflater(15, False)
    for message in (b"Hello", text(3, 3000), b"", b"Hello", bytes(1000)):
        assert inflate(receiver, sender.deflate(message), step=1) == message


def test_7_2_2_all_that_a_piece_inflates_to_comes_before_the_next_piece():
    payload = deflater().deflate(bytes(MAX_CHUNK + 1000))
    for cut in range(1, len(payload)):
        inflater = Inflater(15, False)
        message = inflater.inflate(payload[:cut], False)
        while inflater.pending:
            message += inflater.inflate_more()
        assert message == zlib.decompressobj(-15).decompress(payload[:cut])


# §7.1.2: windows


@pytest.mark.rfc(
    "7692-7.2.1-10",
    "7692-7.2.1-15",
    "7692-7.2.1-17",
    "7692-7.1.2.1-04",
    "7692-7.1.2.2-09",
    "7692-5-10",
)
@pytest.mark.parametrize("window_bits", ALL_BITS)
@pytest.mark.parametrize("level", [1, 3, 9])
def test_7_2_1_no_match_reaches_out_of_the_window(window_bits, level):
    settings = DeflateSettings(level=level, mem_level=9)
    size = 1 << window_bits
    for distance in (
        max(size - 262, 100),
        size - 6,
        size,
        size + 1,
    ):  # zlib itself looks back size - 262
        part = random.Random(distance).randbytes(distance)
        assert fits_window(
            deflater(window_bits, settings=settings).deflate(part + part[:300]), window_bits
        )


@pytest.mark.rfc("7692-7.2.1-15", "7692-7.2.1-17")
@pytest.mark.parametrize("window_bits", range(8, 15))
def test_7_2_1_the_test_above_would_notice_a_larger_window(window_bits):
    part = random.Random(0).randbytes((1 << window_bits) + 1)
    larger = deflater(max(10, window_bits + 1)).deflate(part + part[:100])
    assert not fits_window(larger, window_bits) and fits_window(larger, max(10, window_bits + 1))


def test_7_1_2_1_eight_bits_hold_for_text_over_many_messages_at_every_level_of_zlib():
    for level, mem_level in itertools.product(range(1, 10), (1, 5, 9)):
        sender = deflater(8, settings=DeflateSettings(level=level, mem_level=mem_level))
        payloads = [sender.deflate(text(seed, 300)) for seed in range(4)]
        assert fits_window(TAIL.join(payloads), 8)


@pytest.mark.rfc(
    "7692-5-05",
    "7692-7.1.2.1-06",
    "7692-7.1.2.2-11",
    "7692-7.2.2-08",
    "7692-7.2.2-10",
    "7692-7.2.1-06",
    "7692-7.2.1-07",
)
@pytest.mark.parametrize("window_bits", ALL_BITS)
@pytest.mark.parametrize("final", [False, True])
@pytest.mark.parametrize("step", [None, 997])
def test_7_2_2_a_match_at_the_far_end_of_the_window_inflates(window_bits, final, step):
    size = 1 << window_bits
    data = random.Random(window_bits).randbytes(size)
    expected = data * 4
    literal, match = Blocks(), Blocks()
    literal.stored(data[: size // 2], final)
    literal.stored(data[size // 2 :], final)
    match.match_258(size, final)
    inflater = Inflater(window_bits, False)
    assert inflate(inflater, literal.message(), step=step) == data
    assert inflate(inflater, match.message(), step=step) == expected[size : size + 258]
    assert inflate(inflater, match.message(), step=step) == expected[size + 258 : size + 516]
    assert (
        inflate(Inflater(window_bits, True), literal.and_then(match).message(), step=step)
        == expected[: size + 258]
    )


@pytest.mark.parametrize("window_bits", range(8, 15))
def test_7_2_2_a_match_out_of_the_window_fails_with_1007(window_bits):
    size = 1 << window_bits
    first, second = Blocks(), Blocks()
    first.stored(bytes(size + 1))
    second.match_258(size + 1)
    inflater = Inflater(window_bits, False)
    inflate(inflater, first.message())
    with pytest.raises(InvalidData):
        inflate(inflater, second.message())


# Round trips


@pytest.mark.rfc("7692-7-01", "7692-5-21", "7692-5-05", "7692-6.2-01")
@pytest.mark.parametrize("server_bits", [8, 9, 12, 15])
@pytest.mark.parametrize("client_bits", [8, 10, 15])
@pytest.mark.parametrize("server_no_context_takeover", [False, True])
@pytest.mark.parametrize("client_no_context_takeover", [False, True])
def test_7_what_one_side_deflates_the_other_inflates(
    server_bits, client_bits, server_no_context_takeover, client_no_context_takeover
):
    parameters = Parameters(
        server_bits, client_bits, server_no_context_takeover, client_no_context_takeover
    )
    chance = random.Random(repr(parameters))
    settings = DeflateSettings(
        None, None, level=chance.randint(1, 9), mem_level=chance.randint(1, 9)
    )
    server_out, server_in = server_pair(parameters, settings)
    client_out, client_in = client_pair(parameters, settings)
    words, noise = text(4, 700), chance.randbytes(70_000)
    messages = (b"Hello", words, b"", noise[:600], words, bytes(70_000), noise)
    for sender, receiver in ((server_out, client_in), (client_out, server_in)):
        for message in messages:
            assert inflate(receiver, sender.deflate(message), limit=len(message)) == message


@pytest.mark.rfc("7692-7-01")
def test_7_server_parameters_are_about_what_the_server_sends_client_parameters_about_the_client():
    parameters = Parameters(
        9, 11, server_no_context_takeover=True, client_no_context_takeover=False
    )
    server, _ = server_pair(parameters, UNLIMITED)
    client, _ = client_pair(parameters, UNLIMITED)
    part = random.Random(9).randbytes(1600)
    from_server, from_client = server.deflate(part + part), client.deflate(part + part)
    assert fits_window(from_server, 9) and len(from_server) > 3200
    assert fits_window(from_client, 11) and not fits_window(from_client, 10)
    assert server.deflate(part + part) == from_server
    assert len(client.deflate(part)) < 100


@pytest.mark.rfc("7692-7.1.1.2-02", "7692-7.1.2.2-05")
def test_7_1_a_client_keeps_to_its_own_hints_when_the_answer_is_silent():
    settings = DeflateSettings(client_max_window_bits=9, client_no_context_takeover=True)
    client, _ = client_pair(Parameters(), settings)
    part = random.Random(9).randbytes(600)
    first = client.deflate(part + part)
    assert fits_window(first, 9)
    assert client.deflate(part + part) == first


@pytest.mark.rfc("7692-7.2.2-11", "7692-7.2.1-15", "7692-7.1.2.2-04")
def test_7_2_2_a_client_keeps_to_the_answer_where_it_is_smaller_than_its_hint():
    client, _ = client_pair(
        Parameters(client_max_window_bits=9), DeflateSettings(client_max_window_bits=12)
    )
    part = random.Random(9).randbytes(600)
    assert fits_window(client.deflate(part + part), 9)


@pytest.mark.rfc("7692-7.2.1-01", "7692-7.2.1-02", "7692-7.2.1-03")
@pytest.mark.parametrize("window_bits", range(9, 16))
def test_7_2_1_the_payloads_and_their_tails_are_one_raw_deflate_stream(window_bits):
    sender, other = deflater(window_bits), zlib.decompressobj(-window_bits)
    for message in (b"Hello", text(5, 5000), b"", random.Random(5).randbytes(500), text(5, 5000)):
        assert other.decompress(sender.deflate(message) + TAIL) == message
    assert not other.unused_data and not other.eof


# Blocks with BFINAL=1


@pytest.mark.rfc("7692-7.2.1-06", "7692-7.2.1-07")
def test_7_2_1_blocks_after_one_with_bfinal_are_part_of_the_message():
    blocks = Blocks()
    for number, part in enumerate((b"one", b"", b"two", b"three")):
        blocks.stored(part, final=number % 2 == 0)
    blocks.match_258(3, final=True)
    blocks.stored(b"end", final=True)
    expected = b"onetwothree" + (b"ree" * 86) + b"end"
    for step in (None, 1, 2, 3, 5):
        inflater = Inflater(8, False)
        assert inflate(inflater, blocks.message(), step=step) == expected
        assert inflate(inflater, HELLO) == b"Hello"


@pytest.mark.rfc("7692-7.2.1-06")
def test_7_2_1_thousands_of_empty_blocks_with_bfinal_are_nothing():
    inflater = Inflater(15, False)
    assert inflate(inflater, b"\x03\x00" * 5000 + EMPTY) == b""
    assert inflate(inflater, HELLO) == b"Hello"


@pytest.mark.rfc("7692-7.2.3.4-01")
@pytest.mark.parametrize("step", [None, 1])
def test_7_2_3_4_a_bfinal_block_without_the_byte_00_after_it_fails_with_1007(step):
    with pytest.raises(InvalidData):
        inflate(Inflater(15, False), FINAL_HELLO[:-1], step=step)


# §7.2.2: what is not DEFLATE


@pytest.mark.rfc("7692-7.2.2-01")
def test_7_2_2_the_tail_may_be_what_a_stored_block_still_needs():
    assert inflate(Inflater(15, False), STORED_HELLO[:6]) == b"H" + TAIL


@pytest.mark.rfc("7692-7.2.2-02")
@pytest.mark.parametrize(
    "payload", ["ff", "06", "0500", "00 05 00 00 00", "f2 48 cd ff ff ff ff", "f2 00 11 00 00"]
)
@pytest.mark.parametrize("step", [None, 1])
def test_7_2_2_garbage_fails_with_1007(payload, step):
    with pytest.raises(InvalidData) as caught:
        inflate(Inflater(15, False), bytes.fromhex(payload), step=step)
    assert caught.value.close_code == CloseCode.INVALID_DATA
    assert caught.value.section == "RFC 7692 §7.2.2"


@pytest.mark.rfc("7692-7.2.2-02")
@pytest.mark.parametrize("payload", [HELLO, STORED_HELLO, TWO_BLOCKS_HELLO])
def test_7_2_2_a_payload_that_breaks_off_inside_a_block_fails_with_1007(payload):
    whole_with_tail = (EMPTY, TWO_BLOCKS_HELLO[: TWO_BLOCKS_HELLO.index(TAIL)], STORED_HELLO[:6])
    cuts = [payload[:end] for end in range(1, len(payload)) if payload[:end] not in whole_with_tail]
    assert len(cuts) >= len(payload) - 3
    for cut in cuts:
        with pytest.raises(InvalidData):
            inflate(Inflater(15, False), cut)


@pytest.mark.rfc("7692-7.2.2-02")
def test_7_2_2_a_stored_block_that_promises_more_than_comes_fails_with_1007():
    with pytest.raises(InvalidData, match="breaks off"):
        inflate(Inflater(15, False), bytes.fromhex("00 ff 00 00 ff") + b"little")


@pytest.mark.rfc("7692-7.2.2-02")
def test_7_2_2_random_and_damaged_payloads_give_data_or_a_connection_failure():
    chance = random.Random(7692)
    good = [deflater(level).deflate(text(level, 300)) for level in range(8, 16)]
    outcomes = {"inflated": 0, "failed": 0}
    for number in range(3000):
        if number % 2:
            payload = chance.randbytes(chance.randint(1, 60))
        else:
            payload = bytearray(chance.choice(good))
            payload[chance.randrange(len(payload))] ^= 1 << chance.randrange(8)
        inflater = Inflater(chance.choice(ALL_BITS), chance.random() < 0.5)
        inflate(inflater, HELLO)
        try:
            assert (
                len(inflate(inflater, bytes(payload), 2000, chance.choice((None, 1, 10)))) <= 2000
            )
            outcomes["inflated"] += 1
        except ConnectionFailure as failure:
            assert isinstance(failure, (InvalidData, MessageTooBig))
            outcomes["failed"] += 1
    assert min(outcomes.values()) > 100


# Limits


@pytest.mark.parametrize(
    "limit", [0, 1, 4, 255, MAX_CHUNK - 1, MAX_CHUNK, MAX_CHUNK + 1, 3 * MAX_CHUNK]
)
@pytest.mark.parametrize("step", [None, 1000])
@pytest.mark.parametrize("make", [bytes, random.Random(10).randbytes])
def test_10_4_the_exact_limit_passes_and_one_byte_more_fails_with_1009(limit, step, make):
    message = make(limit)
    assert inflate(Inflater(15, False), deflater().deflate(message), limit, step) == message
    with pytest.raises(MessageTooBig) as caught:
        inflate(Inflater(15, False), deflater().deflate(message + b"x"), limit, step)
    assert caught.value.close_code == CloseCode.MESSAGE_TOO_BIG


def zeros(megabytes):
    """The payload of a message of zeros, about a thousandth as long."""
    compressor = zlib.compressobj(9, zlib.DEFLATED, -15)
    first, other = (
        compressor.compress(bytes(MIB)) + compressor.flush(zlib.Z_SYNC_FLUSH) for _ in range(2)
    )
    return (first + other * (megabytes - 1))[: -len(TAIL)]


@pytest.fixture
def traced():
    tracemalloc.start()
    yield tracemalloc.get_traced_memory
    tracemalloc.stop()


@pytest.mark.parametrize("step", [None, 100])
def test_10_4_a_bomb_of_50_mb_costs_the_limit_and_a_little(traced, step):
    payload = zeros(50)
    before, _ = traced()
    tracemalloc.reset_peak()
    with pytest.raises(MessageTooBig):
        inflate(Inflater(15, False), payload, MIB, step)
    assert traced()[1] - before < MIB + 512 * KIB


def test_10_4_without_a_limit_a_bomb_still_comes_in_small_pieces(traced):
    payload, inflater, length = zeros(50), Inflater(15, False), 0
    before, _ = traced()
    tracemalloc.reset_peak()
    length = len(inflater.inflate(payload, True))
    while inflater.pending:
        length += len(inflater.inflate_more())
    assert length == 50 * MIB
    assert traced()[1] - before < 512 * KIB


# Memory


def kept_by(traced, make, count=8):
    """KiB that each of the objects keeps."""
    make()
    before, _ = traced()
    objects = [make() for _ in range(count)]
    kept = traced()[0] - before
    return kept / len(objects) / KIB


@pytest.mark.parametrize("window_bits, mem_level", [(8, 5), (12, 5), (15, 8)])
def test_memory_of_a_deflater_is_there_from_its_first_message_on(traced, window_bits, mem_level):
    settings = DeflateSettings(mem_level=mem_level)

    def used(no_context_takeover=False):
        sender = deflater(window_bits, no_context_takeover, settings)
        sender.deflate(text(6, 5000))
        return sender

    formula = ((1 << max(window_bits, 9) + 2) + (1 << mem_level + 9)) / KIB
    assert kept_by(traced, lambda: deflater(window_bits, settings=settings)) < 1
    assert formula < kept_by(traced, used) < formula + 8
    assert kept_by(traced, lambda: used(no_context_takeover=True)) < 1


@pytest.mark.rfc("7692-7.2.2-05", "7692-7.2.2-09")
@pytest.mark.parametrize("window_bits", [8, 12, 15])
def test_memory_of_an_inflater_between_messages_is_its_window(traced, window_bits):
    payload = deflater(window_bits).deflate(text(7, 40_000))

    def used(no_context_takeover=False):
        receiver = Inflater(window_bits, no_context_takeover)
        for _ in range(3):
            inflate(receiver, payload, step=500)
        return receiver

    window = (1 << window_bits) / KIB
    assert kept_by(traced, lambda: Inflater(window_bits, False)) < 0.5
    assert window < kept_by(traced, used) < 1.25 * window + 0.5
    assert kept_by(traced, lambda: used(no_context_takeover=True)) < 0.5


@pytest.mark.rfc("7692-7.2.2-09")
@pytest.mark.parametrize("window_bits", [8, 12, 15])
def test_memory_of_an_inflater_in_a_message_is_twice_its_window_and_the_tables_of_zlib(
    traced, window_bits
):
    payload = deflater(window_bits).deflate(text(7, 40_000), end=False)

    def used():
        receiver = Inflater(window_bits, False)
        receiver.inflate(payload, False)
        while receiver.pending:
            receiver.inflate_more()
        return receiver

    window = (1 << window_bits) / KIB
    assert kept_by(traced, used) < 2.25 * window + 8


@pytest.mark.rfc("7692-7.2.2-07", "7692-7.2.2-08")
@pytest.mark.parametrize("answer, window_bits", [("; server_max_window_bits=12", 12), ("", 15)])
def test_memory_of_a_client_that_wished_for_12_bits_is_that_of_what_the_server_granted(
    traced, answer, window_bits
):
    settings = DeflateSettings(server_max_window_bits=12)
    offered = parse_extensions([offer(settings)])
    agreed = check_answer(parse_extensions([f"permessage-deflate{answer}"]), offered)
    payload = deflater(window_bits).deflate(text(7, 40_000))

    def used():
        _, receiver = client_pair(agreed, settings)
        inflate(receiver, payload, step=500)
        return receiver

    window = (1 << window_bits) / KIB
    assert window < kept_by(traced, used) < 1.25 * window + 0.5


def test_an_inflater_returns_at_most_32_kib_at_once():
    assert MAX_CHUNK == 32 * KIB
    inflater = Inflater(15, False)
    assert len(inflater.inflate(zeros(1), True)) == MAX_CHUNK and inflater.pending


def test_the_default_settings_take_less_memory_and_time_than_those_of_zlib():
    for name in ("server_max_window_bits", "client_max_window_bits"):
        assert window_limit(getattr(SETTINGS, name)) == 12
    assert SETTINGS.mem_level < 8 and SETTINGS.level < 6


# Settings


@pytest.mark.parametrize(
    "name, values",
    [
        ("server_max_window_bits", [7, 16, 0, "9", 9.0, False, 1]),
        ("client_max_window_bits", [7, 16, -8, False]),
        ("server_no_context_takeover", [None, 0, 1, "yes"]),
        ("client_no_context_takeover", [None, 0, 1, "no"]),
        ("level", [0, 10, -1, None, True]),
        ("mem_level", [0, 10, None, True]),
        ("threshold", [-1, None, "64", 1.5, True]),
    ],
)
def test_settings_that_do_not_exist_are_refused_by_name(name, values):
    for value in values:
        with pytest.raises(ValueError, match=f"^{name} is .*; use "):
            DeflateSettings(**{name: value})


def test_settings_at_either_end_of_their_range_are_taken():
    for bits in (8, 15, None, True):
        assert (
            DeflateSettings(bits, bits, level=1, mem_level=1, threshold=0).client_max_window_bits
            == bits
        )
    assert DeflateSettings(level=9, mem_level=9).level == 9


@pytest.mark.rfc("7692-7.3-01")
def test_7_3_the_default_windows_are_of_1024_bytes_or_more():
    for name in ("server_max_window_bits", "client_max_window_bits"):
        assert window_limit(getattr(SETTINGS, name)) >= 10


# Negotiation, server side


@pytest.mark.rfc("7692-5-09", "7692-7.1.3-01", "7692-9.1-01", "7692-5.2-01")
@pytest.mark.parametrize(
    "offered, answer",
    [
        ("permessage-deflate", "permessage-deflate"),  # §7.1.3
        (
            "permessage-deflate; client_max_window_bits; server_max_window_bits=10",
            "permessage-deflate; server_max_window_bits=10",
        ),  # §7.1.3
        (
            "permessage-deflate; client_max_window_bits; server_max_window_bits=10, "
            "permessage-deflate; client_max_window_bits",
            "permessage-deflate; server_max_window_bits=10",
        ),  # §7.1.3
        (
            'permessage-deflate; server_max_window_bits="10"',
            "permessage-deflate; server_max_window_bits=10",
        ),  # §5.2
        (
            "permessage-deflate; server_max_window_bits=15",
            "permessage-deflate; server_max_window_bits=15",
        ),
        ("permessage-deflate; client_max_window_bits=15", "permessage-deflate"),
        ("permessage-foo; x=10, permessage-deflate, permessage-bar", "permessage-deflate"),
    ],
)
def test_7_1_3_offers_to_a_server_without_wishes(offered, answer):
    assert negotiate(offered) == answer


@pytest.mark.rfc("7692-5-03", "7692-7.1.3-01", "6455-9.1-09")
def test_5_the_first_of_two_offers_is_taken_and_no_other():
    offered = (
        "permessage-deflate; server_max_window_bits={}, permessage-deflate; "
        "server_max_window_bits={}"
    )
    assert negotiate(offered.format(9, 14)) == "permessage-deflate; server_max_window_bits=9"
    assert negotiate(offered.format(14, 9)) == "permessage-deflate; server_max_window_bits=14"


INVALID = [
    *(
        ("7692-7-03", parameter)
        for parameter in ("foo", "foo=1", "Server_max_window_bits=10", "window_bits=15")
    ),
    *(
        ("7692-7-04", f"server_max_window_bits={value}")
        for value in ("0", "7", "16", "08", "010", "1", "100", "+9", "-9", "9.0", "0x9", "x", "1e1")
    ),
    *(
        ("7692-7-04", f"client_max_window_bits={value}")
        for value in ("0", "7", "16", "08", "+9", "x")
    ),
    ("7692-7-04", "server_max_window_bits"),
    ("7692-7-04", "server_no_context_takeover=1"),
    ("7692-7-04", "client_no_context_takeover=true"),
    ("7692-7-05", "server_max_window_bits=10; server_max_window_bits=10"),
    ("7692-7-05", "client_max_window_bits; client_max_window_bits=10"),
    ("7692-7-05", "client_no_context_takeover; client_no_context_takeover"),
]
INVALID_PARAMETERS = [
    pytest.param(text, marks=pytest.mark.rfc(rule), id=text) for rule, text in INVALID
]


@pytest.mark.rfc("7692-3-02", "7692-5-18", "7692-7-02", "7692-5-02", "6455-9.1-06")
@pytest.mark.parametrize("parameters", INVALID_PARAMETERS)
def test_7_an_offer_with_invalid_parameters_is_declined_and_the_next_is_taken(parameters):
    assert negotiate(f"permessage-deflate; {parameters}") is None
    fallback = f"permessage-deflate; {parameters}, permessage-deflate; server_max_window_bits=9"
    assert negotiate(fallback) == "permessage-deflate; server_max_window_bits=9"


@pytest.mark.rfc("7692-7.1.2.1-03", "7692-7.1.2.2-03")
@pytest.mark.parametrize("name", ["server_max_window_bits", "client_max_window_bits"])
def test_7_1_2_digits_that_are_not_ascii_are_declined(name):
    plain = parse_extensions([f"permessage-deflate; {name}=9"])[0]
    arabic = replace(plain, parameters=((name, "\N{ARABIC-INDIC DIGIT NINE}"),))
    assert choose_offer([arabic], SETTINGS) is None
    assert choose_offer([plain], SETTINGS) is not None


@pytest.mark.rfc("7692-3-02", "7692-9.1-01")
@pytest.mark.parametrize(
    "offered", ["permessage-foo", "Permessage-Deflate", "x-webkit-deflate-frame, permessage-bzip2"]
)
def test_9_1_offers_of_other_names_are_ignored(offered):
    assert negotiate(offered) is None


def test_5_no_offer_no_answer():
    assert choose_offer([], SETTINGS) is None


@pytest.mark.rfc(
    "7692-5-04",
    "7692-5-12",
    "7692-7.1.1.1-05",
    "7692-7.1.1.1-06",
    "7692-7.1.1.2-03",
    "7692-7.1.1.2-04",
)
@pytest.mark.parametrize("asked, own", list(itertools.product([False, True], repeat=2)))
@pytest.mark.parametrize("side", ["server", "client"])
def test_7_1_1_context_takeover_is_off_if_either_side_says_so(side, asked, own):
    name = f"{side}_no_context_takeover"
    offered = f"permessage-deflate; {name}" if asked else "permessage-deflate"
    parameters, answer = choose_offer(
        parse_extensions([offered]), replace(UNLIMITED, **{name: own})
    )
    off = asked or own
    assert answer == (f"permessage-deflate; {name}" if off else "permessage-deflate")
    assert parameters == replace(Parameters(), **{name: off})


@pytest.mark.rfc(
    "7692-5-04", "7692-7.1.2.1-02", "7692-7.1.2.1-07", "7692-7.1.2.1-08", "7692-7.1.2.1-09"
)
@pytest.mark.parametrize("own", [None, *ALL_BITS])
def test_7_1_2_1_the_server_window_is_the_smaller_one_and_said_if_asked_or_limited(own):
    for asked in (None, *ALL_BITS):
        check_server_window(asked, own)


def check_server_window(asked, own):
    offered = (
        f"permessage-deflate; server_max_window_bits={asked}" if asked else "permessage-deflate"
    )
    parameters, answer = choose_offer(
        parse_extensions([offered]), replace(UNLIMITED, server_max_window_bits=own)
    )
    bits = min(asked or 15, own or 15)
    silent = asked is None and bits == 15
    assert answer == (
        "permessage-deflate" if silent else f"permessage-deflate; server_max_window_bits={bits}"
    )
    assert parameters == Parameters(server_max_window_bits=bits)


@pytest.mark.rfc(
    "7692-7.1.2.2-02", "7692-7.1.2.2-06", "7692-7.1.2.2-07", "7692-7.1.2.2-08", "7692-5-08"
)
@pytest.mark.parametrize("own", [None, *ALL_BITS])
def test_7_1_2_2_the_client_window_is_the_smaller_one_if_the_client_allows_a_limit(own):
    for hint in (None, *ALL_BITS):
        check_client_window(hint, own)


def check_client_window(hint, own):
    offered = "permessage-deflate; client_max_window_bits" + (f"={hint}" if hint else "")
    parameters, answer = choose_offer(
        parse_extensions([offered]), replace(UNLIMITED, client_max_window_bits=own)
    )
    bits = min(hint or 15, own or 15)
    assert answer == (
        "permessage-deflate" if bits == 15 else f"permessage-deflate; client_max_window_bits={bits}"
    )
    assert parameters == Parameters(client_max_window_bits=bits)


@pytest.mark.rfc("7692-7.1.2.2-10")
@pytest.mark.parametrize("own", [None, *ALL_BITS])
def test_7_1_2_2_the_client_window_is_not_limited_unless_the_offer_allows_it(own):
    settings = replace(UNLIMITED, client_max_window_bits=own)
    offers = parse_extensions(["permessage-deflate; client_no_context_takeover"])
    parameters = Parameters(client_no_context_takeover=True)
    assert choose_offer(offers, settings) == (
        parameters,
        "permessage-deflate; client_no_context_takeover",
    )


def test_7_1_all_four_parameters_in_one_answer():
    offered = "permessage-deflate; client_max_window_bits; server_no_context_takeover"
    settings = DeflateSettings(9, 10, client_no_context_takeover=True)
    assert choose_offer(parse_extensions([offered]), settings) == (
        Parameters(9, 10, True, True),
        (
            f"permessage-deflate; {BOTH_TAKEOVERS}; server_max_window_bits=9; "
            "client_max_window_bits=10"
        ),
    )


@pytest.mark.rfc("7692-5-08", "7692-5-11", "7692-7.1.2.1-07", "7692-7.1.2.1-09")
@pytest.mark.parametrize(
    "offered, answer",
    [
        ("permessage-deflate", ""),
        ("permessage-deflate; client_max_window_bits", "; client_max_window_bits=12"),
        ("permessage-deflate; client_max_window_bits=10", "; client_max_window_bits=10"),
        ("permessage-deflate; client_no_context_takeover", "; client_no_context_takeover"),
        ("permessage-deflate; server_no_context_takeover", "; server_no_context_takeover"),
        ("permessage-deflate; server_max_window_bits=15", "; server_max_window_bits=12"),
        ("permessage-deflate; server_max_window_bits=9", "; server_max_window_bits=9"),
    ],
)
def test_5_a_server_with_the_defaults_answers_only_what_the_offer_names(offered, answer):
    assert negotiate(offered, SETTINGS) == f"permessage-deflate{answer}"


@pytest.mark.rfc("7692-7.1.2.1-04", "7692-7.1.2.1-09")
@pytest.mark.parametrize("offered, bits", [(None, 12), (15, 12), (14, 12), (12, 12), (10, 10)])
def test_7_1_2_1_a_server_keeps_to_its_usual_window_without_saying_so(offered, bits):
    """It saves memory at the server; a receiver with a larger window can inflate all the same."""
    named = f"; server_max_window_bits={offered}" if offered else ""
    parameters, _ = choose_offer(parse_extensions([f"permessage-deflate{named}"]), SETTINGS)
    server, _ = server_pair(parameters, SETTINGS)
    far = random.Random(9).randbytes((1 << bits) + 50)
    assert fits_window(server.deflate(far + far[:300]), bits)


@pytest.mark.rfc("7692-7.1.2.2-05", "7692-7.2.1-15")
@pytest.mark.parametrize("agreed", [15, 12, 9])
def test_7_1_2_2_a_client_keeps_to_its_usual_window_without_saying_so(agreed):
    client, _ = client_pair(Parameters(client_max_window_bits=agreed), SETTINGS)
    far = random.Random(9).randbytes(6000)
    assert fits_window(client.deflate(far + far[:300]), min(agreed, 12))


# Negotiation, client side


@pytest.mark.rfc(
    "7692-5-01",
    "7692-5-02",
    "7692-5-07",
    "7692-7.1.1.1-01",
    "7692-7.1.1.1-02",
    "7692-7.1.1.2-01",
    "7692-7.1.2.1-01",
    "7692-7.1.2.2-01",
    "7692-9.1-01",
)
@pytest.mark.parametrize(
    "settings, offered",
    [
        (SETTINGS, ["permessage-deflate; client_max_window_bits"]),
        (UNLIMITED, ["permessage-deflate"]),
        (DeflateSettings(True, None), ["permessage-deflate"]),
        (
            DeflateSettings(10, None),
            ["permessage-deflate; server_max_window_bits=10", "permessage-deflate"],
        ),
        (DeflateSettings(None, 9), ["permessage-deflate; client_max_window_bits=9"]),
        (
            DeflateSettings(None, 15, True),
            [
                "permessage-deflate; server_no_context_takeover; client_max_window_bits=15",
                "permessage-deflate; client_max_window_bits=15",
            ],
        ),
        (
            DeflateSettings(8, None, False, True),
            [
                "permessage-deflate; client_no_context_takeover; server_max_window_bits=8",
                "permessage-deflate; client_no_context_takeover",
            ],
        ),
        (
            DeflateSettings(server_max_window_bits=10, server_no_context_takeover=True),
            [
                "permessage-deflate; server_no_context_takeover; server_max_window_bits=10; "
                "client_max_window_bits",
                "permessage-deflate; server_no_context_takeover; client_max_window_bits",
                "permessage-deflate; client_max_window_bits",
            ],
        ),
    ],
)
def test_7_1_each_further_offer_leaves_out_one_wish_of_the_settings(settings, offered):
    assert offer(settings) == ", ".join(offered)


@pytest.mark.rfc(
    "7692-5-11", "7692-7.1.1.1-07", "7692-7.1.1.2-03", "7692-7.1.2.1-07", "7692-7.1.2.1-09"
)
@pytest.mark.parametrize(
    "settings, answer, parameters",
    [
        (UNLIMITED, "permessage-deflate", Parameters()),
        (
            UNLIMITED,
            "permessage-deflate; server_no_context_takeover",
            Parameters(server_no_context_takeover=True),
        ),
        (
            UNLIMITED,
            "permessage-deflate; client_no_context_takeover",
            Parameters(client_no_context_takeover=True),
        ),
        (UNLIMITED, "permessage-deflate; server_max_window_bits=8", Parameters(8)),
        (
            DeflateSettings(10, None),
            "permessage-deflate; server_max_window_bits=10",
            Parameters(10),
        ),
        (
            DeflateSettings(10, None),
            'permessage-deflate; server_max_window_bits="9"',
            Parameters(9),
        ),
        (
            DeflateSettings(None, 12),
            "permessage-deflate; client_max_window_bits=8",
            Parameters(client_max_window_bits=8),
        ),
        (DeflateSettings(None, 12), "permessage-deflate; client_max_window_bits=15", Parameters()),
        (DeflateSettings(None, 12, False, True), "permessage-deflate", Parameters()),
        (
            DeflateSettings(9, 12, True),
            (
                f"permessage-deflate; {BOTH_TAKEOVERS}; server_max_window_bits=9; "
                "client_max_window_bits=11"
            ),
            Parameters(9, 11, True, True),
        ),
    ],
)
def test_7_1_valid_answers(settings, answer, parameters):
    offered = parse_extensions([offer(settings)])
    assert check_answer(parse_extensions([answer]), offered) == parameters


@pytest.mark.rfc("7692-5-19", "6455-9.1-07")
def test_5_no_answer_is_no_compression():
    assert check_answer((), [ANY_OFFER]) is None


def faults_of(answer, offered):
    with pytest.raises(HandshakeError) as caught:
        check_answer(parse_extensions([answer]), parse_extensions([offered]))
    return caught.value.faults


IN_ANSWERS_ONLY = [
    pytest.param("client_max_window_bits", marks=pytest.mark.rfc("7692-7-09"), id="valueless")
]
RULES_OF_ANSWERS = {"7692-7-03": "7692-7-08", "7692-7-04": "7692-7-09", "7692-7-05": "7692-7-10"}
INVALID_ANSWERS = [
    pytest.param(text, marks=pytest.mark.rfc(RULES_OF_ANSWERS[rule]), id=text)
    for rule, text in INVALID
]


@pytest.mark.rfc("7692-7-07", "7692-5-20", "7692-7.1.2.1-08", "7692-7.1.2.2-08")
@pytest.mark.parametrize("parameters", [*INVALID_ANSWERS, *IN_ANSWERS_ONLY])
def test_7_an_answer_with_invalid_parameters_fails(parameters):
    sections = {
        fault.section
        for fault in faults_of(f"permessage-deflate; {parameters}", offer(DeflateSettings(15, 15)))
    }
    name = parameters.partition("=")[0]
    own = {
        "server_no_context_takeover": "RFC 7692 §7.1.1.1",
        "client_no_context_takeover": "RFC 7692 §7.1.1.2",
        "server_max_window_bits": "RFC 7692 §7.1.2.1",
        "client_max_window_bits": "RFC 7692 §7.1.2.2",
    }
    assert own.get(name, "RFC 7692 §7") in sections or "RFC 7692 §7" in sections
    assert sections <= {*own.values(), "RFC 7692 §7"}


PLAIN, BROWSER = "permessage-deflate", "permessage-deflate; client_max_window_bits"


@pytest.mark.rfc("7692-7-11", "7692-5-20")
@pytest.mark.parametrize(
    "offered, answer, section",
    [
        (
            "permessage-deflate; server_max_window_bits=10",
            "permessage-deflate; server_max_window_bits=11",
            "RFC 7692 §7.1.2.1",
        ),
        ("permessage-deflate; server_max_window_bits=10", PLAIN, "RFC 7692 §7.1.2.1"),
        ("permessage-deflate; server_no_context_takeover", PLAIN, "RFC 7692 §7.1.1.1"),
        (
            "permessage-deflate; server_max_window_bits=9, "
            "permessage-deflate; server_max_window_bits=11",
            "permessage-deflate; server_max_window_bits=12",
            "RFC 7692 §7.1.2.1",
        ),
        pytest.param(
            PLAIN,
            "permessage-deflate; client_max_window_bits=15",
            "RFC 7692 §7.1.2.2",
            marks=pytest.mark.rfc("7692-7.1.2.2-10"),
        ),
        pytest.param(
            PLAIN,
            "permessage-deflate, permessage-deflate",
            "RFC 7692 §5",
            marks=pytest.mark.rfc("7692-5-15"),
        ),
        (PLAIN, "permessage-deflate, x-webkit-deflate-frame", "§4.1"),
        (PLAIN, "permessage-bzip2", "§4.1"),
        ("permessage-deflate; server_max_window_bits=99", PLAIN, "RFC 7692 §7"),
        ("permessage-deflate; foo", PLAIN, "RFC 7692 §7"),
        ("x-webkit-deflate-frame", PLAIN, "RFC 7692 §7"),
    ],
)
def test_7_an_answer_that_the_offer_does_not_allow_fails_and_names_the_section(
    offered, answer, section
):
    assert [fault.section for fault in faults_of(answer, offered)] == [section]


@pytest.mark.rfc("7692-5-02", "7692-5-12", "7692-7.1.2.1-06", "7692-7.1.2.1-07")
@pytest.mark.parametrize(
    "answer, parameters",
    [
        (PLAIN, Parameters()),
        ("permessage-deflate; server_max_window_bits=10", Parameters(10)),
        ("permessage-deflate; server_max_window_bits=14", Parameters(14)),
        (f"permessage-deflate; {BOTH_TAKEOVERS}", Parameters(15, 15, True, True)),
        (
            "permessage-deflate; server_no_context_takeover; client_max_window_bits=9",
            Parameters(client_max_window_bits=9, server_no_context_takeover=True),
        ),
    ],
)
def test_5_an_answer_need_fit_only_one_of_the_offers(answer, parameters):
    offered = offer(DeflateSettings(server_max_window_bits=10, server_no_context_takeover=True))
    assert check_answer(parse_extensions([answer]), parse_extensions([offered])) == parameters


def test_7_every_fault_of_an_answer_is_named():
    faults = faults_of("foo, permessage-deflate; server_max_window_bits=99; bar; bar", BROWSER)
    assert [fault.section for fault in faults] == ["§4.1", "RFC 7692 §7", "RFC 7692 §7.1.2.1"]
    assert "'foo'" in faults[0].seen and "'bar'" in faults[1].seen and "'99'" in faults[2].seen


BOTH_SIDES = [
    DeflateSettings(server_bits, client_bits, *takeover)
    for server_bits in (None, True, 8, 12)
    for client_bits in (None, True, 9, 15)
    for takeover in itertools.product([False, True], repeat=2)
]


@pytest.mark.rfc("7692-5-09", "7692-5-12", "7692-5-21", "6455-9-04", "6455-9.1-10")
def test_5_what_a_server_answers_the_client_reads_as_the_same_parameters():
    for client, server in itertools.product(BOTH_SIDES, repeat=2):
        offered = parse_extensions([offer(client)])
        parameters, answer = choose_offer(offered, server)
        assert check_answer(parse_extensions([answer]), offered) == parameters
