"""RFC 6455 §5.3: masking against the formula of the RFC, whole and in pieces, short and long."""

import random

import pytest

from refws.protocol.masking import mask, unmask
from vectors import KEY, payload_of, xor

LONGEST = 2**17 + 4
PAYLOAD = payload_of(LONGEST)
MASKED_FROM = [xor(PAYLOAD, KEY, offset) for offset in range(4)]
"""The whole payload masked as it would be at each place in the key."""

SHORT_LENGTHS = range(67)
AROUND_POWERS_OF_TWO = [2**power + more for power in range(7, 18) for more in range(-4, 5)]

pytestmark = pytest.mark.rfc("6455-5.3-06")


def test_5_3_the_example_of_5_7():
    assert mask(b"Hello", bytes.fromhex("37fa213d")) == bytes.fromhex("7f9f4d5158")


@pytest.mark.parametrize("offset", range(9))
def test_5_3_octet_i_is_xored_with_key_octet_i_mod_4_at_every_short_length(offset):
    for length in SHORT_LENGTHS:
        assert mask(PAYLOAD[:length], KEY, offset) == MASKED_FROM[offset % 4][:length]


@pytest.mark.parametrize("offset", [0, 1, 2, 3, 4, 7])
def test_5_3_octet_i_is_xored_with_key_octet_i_mod_4_around_every_power_of_two(offset):
    for length in AROUND_POWERS_OF_TWO:
        assert mask(PAYLOAD[:length], KEY, offset) == MASKED_FROM[offset % 4][:length]


@pytest.mark.parametrize("beyond", range(4))
def test_5_3_the_offset_may_be_beyond_32_bits(beyond):
    assert mask(PAYLOAD[:9], KEY, 2**40 + beyond) == MASKED_FROM[beyond][:9]


@pytest.mark.parametrize(
    "key", ["00000000", "ffffffff", "00000001", "00ff00ff", "80000000", "01020304"]
)
@pytest.mark.parametrize("length", [1, 2, 3, 4, 5, 8, 100, 50_001])
def test_5_3_every_key_and_zeros_at_either_end_of_the_payload(key, length):
    masking_key = bytes.fromhex(key)
    for payload in (
        bytes(length),
        b"\xff" * length,
        bytes(length // 2) + PAYLOAD[1 : 1 + length - length // 2],
    ):
        assert mask(payload, masking_key) == xor(payload, masking_key)


@pytest.mark.parametrize(
    "key", ["37fa213d", "00000000", "ffffffff", "00000001", "00ff00ff", "80000000", "01020304"]
)
def test_5_3_key_and_payload_in_one_are_unmasked_as_apart_at_every_short_length(key):
    masking_key = bytes.fromhex(key)
    for length in range(130):
        for payload in (PAYLOAD[:length], bytes(length), b"\xff" * length):
            assert unmask(masking_key + xor(payload, masking_key)) == payload


@pytest.mark.parametrize("length", [0, 1, 5, 4096, 30_001])
def test_5_3_masking_twice_gives_the_payload_back(length):
    masked = mask(PAYLOAD[:length], KEY)
    assert mask(masked, KEY) == PAYLOAD[:length]
    assert (masked == PAYLOAD[:length]) == (length == 0)


def test_5_3_two_pieces_give_the_same_as_the_whole_wherever_the_cut_is():
    length = 20_003
    payload, expected = PAYLOAD[:length], MASKED_FROM[0][:length]
    cuts = [
        *SHORT_LENGTHS,
        *(cut for cut in AROUND_POWERS_OF_TWO if cut <= length),
        length - 1,
        length,
    ]
    for cut in cuts:
        assert mask(payload[:cut], KEY) + mask(payload[cut:], KEY, cut) == expected, cut


def test_5_3_any_number_of_pieces_of_any_size_gives_the_same_as_the_whole():
    chance = random.Random(53)
    for _ in range(20):
        pieces, offset = [], 0
        while offset < LONGEST:
            size = chance.choice([1, 2, 3, 5, 126, 2047, 8193, 30_000])
            pieces.append(mask(PAYLOAD[offset : offset + size], KEY, offset))
            offset += size
        assert b"".join(pieces) == MASKED_FROM[0]


def test_5_3_single_octets_give_the_same_as_the_whole():
    assert b"".join(mask(PAYLOAD[i : i + 1], KEY, i) for i in range(1000)) == MASKED_FROM[0][:1000]
