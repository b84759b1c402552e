"""RFC 6455 §5.1, §5.2, §5.5, §5.7: the table of wire vectors read and written; whole, byte by byte
and cut short.
"""

import io

import pytest

from refws.protocol.errors import ConnectionFailure, ProtocolError
from refws.protocol.frame import (
    BINARY,
    CLOSE,
    CONT,
    PING,
    PONG,
    TEXT,
    Header,
    Opcode,
    encode_frame,
    encode_header,
    is_control,
    parse_header,
    read_exactly,
    read_header,
)
from refws.protocol.masking import mask
from vectors import (
    BAD_HEADERS,
    FROM_CLIENT,
    FROM_SERVER,
    HUGE,
    LENGTH_BOUNDARIES,
    VECTORS,
    in_bytes,
    whole_and_in_bytes,
)

BEHIND = b"\x89\x80\x01\x02"
"""The beginning of another frame."""

every_vector = pytest.mark.parametrize("vector", VECTORS.values(), ids=VECTORS)
EVERY_BAD_HEADER = [parameters.values[0] for parameters in BAD_HEADERS]
every_huge_length = pytest.mark.parametrize("start, header", HUGE.values(), ids=HUGE)


def read_frame(file, vector):
    """Header, masking key and payload."""
    header = read_header(file, vector.header.masked, rsv1_defined=vector.header.rsv1)
    masking_key = read_exactly(file, 4) if header.masked else b""
    payload = read_exactly(file, header.payload_length)
    return header, masking_key, mask(payload, masking_key) if masking_key else payload


def cuts_of(vector) -> list[int]:
    """Every length shorter than the frame; of a long payload only its first bytes and its last."""
    cuts = range(len(vector.wire))
    return [*cuts] if len(cuts) < 1000 else [*cuts[:40], cuts[-1]]


# Valid frames


@pytest.mark.rfc(
    "6455-5.2-01",
    "6455-5.2-06",
    "6455-5.2-07",
    "6455-5.2-08",
    "6455-5.2-10",
    "6455-5.2-12",
    "6455-5.2-13",
    "6455-5.3-02",
    "6455-5.3-06",
    "6455-5.3-07",
    "6455-6.2-01",
    "6455-6.2-02",
    "6455-6.2-09",
)
@whole_and_in_bytes
@every_vector
def test_5_2_a_frame_is_read(vector, make_file):
    assert read_frame(make_file(vector.wire), vector) == (
        vector.header,
        vector.masking_key,
        vector.payload,
    )


@pytest.mark.rfc(
    "6455-5.2-01",
    "6455-5.2-06",
    "6455-5.2-07",
    "6455-5.2-08",
    "6455-5.2-10",
    "6455-5.2-11",
    "6455-5.2-12",
    "6455-5.2-13",
    "6455-5.3-01",
    "6455-5.3-02",
    "6455-5.3-06",
    "6455-5.3-07",
    "6455-5.4-02",
    "6455-6.1-04",
)
@every_vector
def test_5_2_a_frame_is_written(vector):
    header = vector.header
    written = encode_frame(
        header.opcode, vector.payload, header.fin, header.rsv1, vector.masking_key or None
    )
    assert written == vector.wire


@every_vector
def test_5_2_a_header_is_written(vector):
    header = vector.header
    written = encode_header(
        header.opcode, header.payload_length, header.fin, header.rsv1, header.masked
    )
    assert written == vector.wire[: vector.header_size]


@every_vector
def test_5_2_a_header_is_read_without_a_byte_behind_it(vector):
    file = io.BytesIO(vector.wire)
    read_header(file, vector.header.masked, rsv1_defined=vector.header.rsv1)
    assert file.tell() == vector.header_size


@pytest.mark.rfc("6455-5.2-12", "6455-10.7-05")
@every_vector
def test_5_2_nothing_behind_a_frame_is_taken(vector):
    file = io.BytesIO(vector.wire + BEHIND)
    assert read_frame(file, vector)[2] == vector.payload
    assert file.read() == BEHIND


@whole_and_in_bytes
@every_vector
def test_5_2_a_frame_cut_short_at_any_byte_is_the_end_of_the_stream(vector, make_file):
    for received in cuts_of(vector):
        with pytest.raises(EOFError):
            read_frame(make_file(vector.wire[:received]), vector)


@pytest.mark.rfc("6455-5.2-08")
@every_huge_length
def test_5_2_a_length_up_to_2_to_the_63_minus_1_is_read_and_written(start, header):
    wire = bytes.fromhex(start)
    assert read_header(io.BytesIO(wire), header.masked) == header
    assert read_header(in_bytes(wire), header.masked) == header
    assert encode_header(header.opcode, header.payload_length, masked=header.masked) == wire


@every_huge_length
def test_5_2_a_huge_header_cut_short_at_any_byte_is_the_end_of_the_stream(start, header):
    wire = bytes.fromhex(start)
    for received in range(len(wire)):
        with pytest.raises(EOFError):
            read_header(io.BytesIO(wire[:received]), header.masked)


@pytest.mark.rfc("6455-5.2-11")
@pytest.mark.parametrize(
    "length, size", [*zip(LENGTH_BOUNDARIES, (2, 2, 2, 4, 4, 4, 10), strict=True)]
)
def test_5_2_the_writer_takes_the_shortest_length_form(length, size):
    assert len(encode_header(BINARY, length)) == size
    assert len(encode_header(BINARY, length, masked=True)) == size


@pytest.mark.parametrize("opcode", Opcode)
@pytest.mark.parametrize("payload", [b"", b"Hello"])
def test_5_2_a_frame_has_fin_1_and_rsv_0_and_no_mask_unless_asked_for(opcode, payload):
    first, second = encode_frame(opcode, payload)[:2]
    assert first == 0x80 | opcode
    assert second == len(payload)


@pytest.mark.rfc("6455-5.2-06", "6455-5.5-01", "6455-5.6-01")
def test_5_2_5_5_5_6_opcodes_have_their_values_and_8_to_15_are_control_frames():
    assert (CONT, TEXT, BINARY, CLOSE, PING, PONG) == (0, 1, 2, 8, 9, 10)
    assert len(Opcode) == 6
    assert [opcode for opcode in range(16) if is_control(opcode)] == [8, 9, 10, 11, 12, 13, 14, 15]


def test_5_2_two_frames_one_after_the_other_are_read_one_after_the_other():
    first, second = VECTORS["rfc-first-fragment"], VECTORS["rfc-last-fragment"]
    file = io.BytesIO(first.wire + second.wire)
    assert read_frame(file, first)[2] == b"Hel"
    assert read_frame(file, second)[2] == b"lo"
    with pytest.raises(EOFError):
        read_header(file, FROM_SERVER)


# Headers that break a rule


@whole_and_in_bytes
@pytest.mark.parametrize("bad", BAD_HEADERS)
def test_5_a_bad_header_fails_with_1002_at_the_byte_that_decides_and_not_before(bad, make_file):
    for received in range(bad.decided_after):
        with pytest.raises(EOFError):
            read_header(make_file(bad.wire[:received]), bad.masked)
    for received in range(bad.decided_after, len(bad.wire) + 1):
        with pytest.raises(ProtocolError) as caught:
            read_header(make_file(bad.wire[:received]), bad.masked)
        assert (caught.value.section, caught.value.close_code) == (bad.section, 1002)


def test_5_nothing_is_read_behind_the_byte_that_decides_however_often_the_header_comes():
    for bad in EVERY_BAD_HEADER * 2:
        file = io.BytesIO(bad.wire)
        with pytest.raises(ProtocolError):
            read_header(file, bad.masked)
        assert file.tell() == bad.decided_after, bad


def test_7_1_7_every_failure_is_in_printable_words_that_fit_a_close_frame():
    for bad in EVERY_BAD_HEADER:
        with pytest.raises(ConnectionFailure) as caught:
            read_header(io.BytesIO(bad.wire), bad.masked)
        assert len(str(caught.value).encode()) <= 123
        assert str(caught.value).isprintable()


def broken_sections(first: int, second: int, masked: bool, rsv1_defined: bool) -> set[str]:
    """The sections whose rules these two bytes break, from the text of the RFC."""
    opcode, length = first & 15, second & 127
    broken = set()
    if (first & 0x40 and not rsv1_defined) or first & 0x30:
        broken.add("§5.2")
    if opcode in (3, 4, 5, 6, 7, 11, 12, 13, 14, 15):
        broken.add("§5.2")
    if opcode >= 8 and first & 0x40:
        broken.add("§5.2")
    if opcode >= 8 and (not first & 0x80 or length > 125):
        broken.add("§5.5")
    if (second >= 0x80) is not masked:
        broken.add("§5.1")
    return broken


@pytest.mark.rfc(
    "6455-5.2-04", "6455-5.2-05", "6455-5.5-01", "6455-5.5-02", "6455-5.5-03", "6455-5.8-01"
)
@pytest.mark.parametrize("rsv1_defined", [False, True], ids=["no-extension", "rsv1-defined"])
@pytest.mark.parametrize("masked", [FROM_CLIENT, FROM_SERVER], ids=["from-client", "from-server"])
def test_5_every_first_byte_is_taken_or_refused_for_a_rule_that_it_breaks(masked, rsv1_defined):
    taken = 0
    for first in range(256):
        for second in (0, 1, 125, 126, 127, 128, 129, 253, 254, 255):
            extended = {126: b"\x01\x00", 127: bytes.fromhex("0000000000010000")}.get(
                second & 127, b""
            )
            broken = broken_sections(first, second, masked, rsv1_defined)
            try:
                header = read_header(
                    io.BytesIO(bytes((first, second)) + extended), masked, rsv1_defined
                )
            except ProtocolError as error:
                assert error.section in broken, (first, second)
            else:
                assert not broken, (first, second)
                assert (header.fin, header.rsv1, header.opcode) == (
                    first >= 128,
                    first & 64 > 0,
                    first & 15,
                )
                taken += 1
    # 3 data opcodes, last fragment or not, 5 lengths; with RSV1 too if it is defined; 3 control
    # opcodes, 3 lengths
    assert taken == 3 * 2 * 5 * (1 + rsv1_defined) + 3 * 3


def test_5_2_an_extension_of_rsv1_gives_no_meaning_to_the_others_nor_to_rsv1_of_a_control_frame():
    for first in (0xA1, 0x91, 0xE1, 0xD1, 0xF1, 0xC8, 0xC9, 0xCA):
        with pytest.raises(ProtocolError) as caught:
            read_header(io.BytesIO(bytes((first, 0x80))), FROM_CLIENT, rsv1_defined=True)
        assert caught.value.section == "§5.2"


def test_5_2_the_fields_of_an_illegal_header_can_be_looked_at():
    assert parse_header(b"\x7f\xff") == Header(False, True, True, True, 15, True, 127)
    assert parse_header(b"\x93\x00") == Header(True, False, False, True, 3, False, 0)


def test_a_stream_that_ends_between_frames_or_in_a_field_says_so():
    with pytest.raises(EOFError, match=r"^the stream ended without a Close frame$"):
        read_header(io.BytesIO(b""), FROM_CLIENT)
    with pytest.raises(EOFError, match=r"^the stream ended 3 bytes too early$"):
        read_exactly(io.BytesIO(b"1"), 4)
