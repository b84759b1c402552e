"""RFC 6455 §5.4, §5.6, §6.2, §8.1, §10.4: frames become messages, bad UTF-8 fails, limits hold."""

import io
import itertools
import random
import tracemalloc
import zlib
from contextlib import suppress

import pytest

from refws.protocol.close import Close
from refws.protocol.deflate.codec import Inflater, server_pair
from refws.protocol.deflate.negotiation import DeflateSettings, Parameters
from refws.protocol.errors import (
    ConnectionFailure,
    InvalidData,
    MessageTooBig,
    PolicyViolation,
    ProtocolError,
)
from refws.protocol.frame import (
    BINARY,
    CLOSE,
    CONT,
    PING,
    PONG,
    TEXT,
    encode_frame,
    is_control,
    read_exactly,
    read_header,
)
from refws.protocol.masking import mask
from refws.protocol.message import MAX_WHOLE, IncomingMessage
from vectors import (
    FROM_CLIENT,
    FROM_SERVER,
    KEY,
    VECTORS,
    header_of,
    in_bytes,
    payload_of,
    whole_and_in_bytes,
    xor,
)
from wire import RSV1, frame

PIECE = 64 * 1024
BEHIND = b"\x89\x80\x01\x02"
"""The start of another frame."""

both_directions = pytest.mark.parametrize(
    "masked", [FROM_CLIENT, FROM_SERVER], ids=["from-client", "from-server"]
)


class Received:
    """Everything received from a stream until it ended or failed."""

    def __init__(self) -> None:
        self.messages: list[str | bytes] = []
        self.controls: list[tuple[int, bytes | Close]] = []
        self.pieces: list[str | bytes] = []


def receive(file, masked, incoming=None, received=None, size=PIECE) -> Received:
    """§6.2: everything in `file`; EOFError if it does not end between two frames."""
    incoming = incoming or IncomingMessage()
    received = received or Received()
    while (
        file.peek(1) if isinstance(file, io.BufferedReader) else file.tell() < len(file.getbuffer())
    ):
        header = read_header(file, masked)
        masking_key = read_exactly(file, 4) if masked else b""
        if is_control(header.opcode):
            payload = read_exactly(file, header.payload_length)
            payload = mask(payload, masking_key) if masked else payload
            received.controls.append(
                (header.opcode, Close.parse(payload) if header.opcode == CLOSE else payload)
            )
            continue
        incoming.start_frame(header)
        incoming.masking_key = masking_key
        for _ in range(max(header.payload_length, 1)):
            piece, end = incoming.read_chunk(file, size)
            received.pieces.append(piece)
            incoming.collect(piece)
            if not incoming.in_frame:
                break
        assert not incoming.in_frame
        if end:
            received.messages.append(incoming.take_collected())
    return received


def frames(masked, *specifications) -> bytes:
    """The frames (opcode, payload, fin) one after the other."""
    return b"".join(
        frame(opcode, payload, fin, masked=masked) for opcode, payload, fin in specifications
    )


def text_frames(masked, parts, opcode=TEXT) -> bytes:
    """A message in one frame for each part."""
    last = len(parts) - 1
    return frames(
        masked, *((CONT if i else opcode, part, i == last) for i, part in enumerate(parts))
    )


def splits_of(data: bytes):
    """Every way to cut the data into pieces that are not empty."""
    places = range(1, len(data))
    for count in range(len(data)):
        for cuts in itertools.combinations(places, count):
            yield [data[a:b] for a, b in zip((0, *cuts), (*cuts, len(data)), strict=True)]


# Payloads


DATA_VECTORS = {
    name: vector
    for name, vector in VECTORS.items()
    if vector.header.opcode in (TEXT, BINARY) and vector.header.fin and not vector.header.rsv1
}


@pytest.mark.rfc(
    "6455-5.2-02", "6455-5.4-12", "6455-5.6-01", "6455-6.2-04", "6455-6.2-05", "6455-6.2-09"
)
@whole_and_in_bytes
@pytest.mark.parametrize("vector", DATA_VECTORS.values(), ids=DATA_VECTORS)
def test_6_2_a_message_of_one_frame_is_received(vector, make_file):
    [message] = receive(make_file(vector.wire), vector.header.masked).messages
    assert message == ("Hello" if vector.header.opcode == TEXT else vector.payload)


@pytest.mark.rfc("6455-5.3-06", "6455-6.2-01", "6455-6.2-09")
@both_directions
@pytest.mark.parametrize("size", range(1, 14))
def test_5_3_a_payload_is_unmasked_in_pieces_of_any_size(size, masked):
    payload = payload_of(12)
    file = io.BytesIO((xor(payload, KEY) if masked else payload) + BEHIND)
    incoming = IncomingMessage()
    incoming.start_frame(header_of(BINARY, 12, masked=masked))
    incoming.masking_key = KEY if masked else b""
    for start in range(0, 12, size):
        assert incoming.in_frame
        assert incoming.read_chunk(file, size) == (
            payload[start : start + size],
            start + size >= 12,
        )
    assert not incoming.in_frame
    assert file.read() == BEHIND


@pytest.mark.rfc("6455-5.3-06")
def test_5_3_every_frame_is_unmasked_from_the_beginning_of_its_own_key():
    keys = [KEY, b"\1\2\3\4", b"\0\0\0\0", b"\xff\xfe\xfd\xfc"]
    wire = b"".join(
        frame(BINARY if i == 0 else CONT, b"12345", i == 3, key=key) for i, key in enumerate(keys)
    )
    for make_file in (io.BytesIO, in_bytes):
        assert receive(make_file(wire), FROM_CLIENT).messages == [b"12345" * 4]


@both_directions
def test_6_2_a_byte_of_a_payload_is_given_as_soon_as_it_is_there(masked):
    received = receive(in_bytes(frames(masked, (TEXT, b"Hello", True))), masked)
    assert received.pieces == ["H", "e", "l", "l", "o"]


@both_directions
def test_5_2_an_empty_payload_ends_at_once_at_the_end_of_the_stream_too(masked):
    incoming = IncomingMessage()
    incoming.start_frame(header_of(BINARY, 0, masked=masked))
    incoming.masking_key = KEY if masked else b""
    assert incoming.read_chunk(io.BytesIO(b""), PIECE) == (b"", True)


def test_a_payload_cut_short_says_how_much_is_missing():
    incoming = IncomingMessage()
    incoming.start_frame(header_of(BINARY, 10))
    file = io.BytesIO(b"1234")
    assert incoming.read_chunk(file, PIECE) == (b"1234", False)
    with pytest.raises(EOFError, match=r"^the stream ended 6 bytes before the end of a frame$"):
        incoming.read_chunk(file, PIECE)


@pytest.mark.rfc("6455-10.7-05")
@both_directions
@pytest.mark.parametrize(
    "payload", [b"\x88\x02\x03\xe8", b"GET / HTTP/1.1\r\n\r\n", b"\0\0\0\0", b"\xff\0"]
)
def test_10_7_what_a_payload_looks_like_does_not_end_its_frame(payload, masked):
    wire = frames(masked, (BINARY, payload * 2, True), (BINARY, b"next", True))
    for make_file in (io.BytesIO, in_bytes):
        assert receive(make_file(wire), masked).messages == [payload * 2, b"next"]


@pytest.mark.rfc("6455-5.6-04")
@both_directions
def test_5_6_a_binary_message_is_passed_on_unchanged_and_unchecked(masked):
    payload = bytes(range(256))
    [message] = receive(io.BytesIO(frames(masked, (BINARY, payload, True))), masked).messages
    assert type(message) is bytes
    assert message == payload


# Fragments


LEGAL_SEQUENCES = {
    "one-frame": ([(TEXT, b"Hello", True)], ["Hello"]),
    "rfc-5.7-two-fragments": ([(TEXT, b"Hel", False), (CONT, b"lo", True)], ["Hello"]),
    "three-fragments": ([(TEXT, b"1", False), (CONT, b"2", False), (CONT, b"3", True)], ["123"]),
    "binary-fragments": (
        [(BINARY, b"\xff", False), (CONT, b"\0", False), (CONT, b"\x80", True)],
        [b"\xff\0\x80"],
    ),
    "numbered": (
        [(BINARY, b"\0", False), *((CONT, bytes((i,)), i == 29) for i in range(1, 30))],
        [bytes(range(30))],
    ),
    "empty-text": ([(TEXT, b"", True)], [""]),
    "empty-binary": ([(BINARY, b"", True)], [b""]),
    "empty-fragments-only": ([(TEXT, b"", False), (CONT, b"", False), (CONT, b"", True)], [""]),
    "empty-binary-fragments": ([(BINARY, b"", False), (CONT, b"", True)], [b""]),
    "empty-first": ([(TEXT, b"", False), (CONT, b"a", True)], ["a"]),
    "empty-middle": ([(TEXT, b"a", False), (CONT, b"", False), (CONT, b"b", True)], ["ab"]),
    "empty-last": ([(TEXT, b"a", False), (CONT, b"", True)], ["a"]),
    "empty-in-a-character": (
        [(TEXT, b"\xe2\x82", False), (CONT, b"", False), (CONT, b"\xac", True)],
        ["\u20ac"],
    ),
    "messages-in-a-row": (
        [(TEXT, b"a", True), (BINARY, b"b", True), (TEXT, b"c", True)],
        ["a", b"b", "c"],
    ),
    "mixed-in-a-row": (
        [
            (TEXT, b"a", False),
            (CONT, b"b", True),
            (BINARY, b"c", True),
            (BINARY, b"d", False),
            (CONT, b"e", True),
        ],
        ["ab", b"c", b"de"],
    ),
}

every_legal_sequence = pytest.mark.parametrize(
    "sequence, messages", LEGAL_SEQUENCES.values(), ids=LEGAL_SEQUENCES
)


@pytest.mark.rfc(
    "6455-5.2-02",
    "6455-5.4-03",
    "6455-5.4-04",
    "6455-5.4-07",
    "6455-5.4-12",
    "6455-5.4-17",
    "6455-6.2-01",
    "6455-6.2-04",
    "6455-6.2-05",
    "6455-6.2-06",
    "6455-6.2-07",
)
@both_directions
@every_legal_sequence
def test_5_4_a_legal_sequence_of_frames_gives_its_messages(sequence, messages, masked):
    wire = frames(masked, *sequence)
    for make_file in (io.BytesIO, in_bytes):
        received = receive(make_file(wire), masked).messages
        assert received == messages
        assert [type(message) for message in received] == [type(message) for message in messages]


@both_directions
@every_legal_sequence
def test_5_4_a_sequence_cut_short_gives_no_message_that_is_not_whole(sequence, messages, masked):
    wire = frames(masked, *sequence)
    for length in range(len(wire)):
        incoming, received = IncomingMessage(), Received()
        with suppress(EOFError):
            receive(io.BytesIO(wire[:length]), masked, incoming, received)
        assert received.messages == messages[: len(received.messages)]
        assert len(received.messages) < len(messages)


@pytest.mark.rfc("6455-5.4-01", "6455-5.4-04", "6455-5.6-02")
@both_directions
def test_5_4_a_message_is_the_same_however_it_is_cut_into_frames(masked):
    text = "a\u00e9\u20ac\U0001f600z"
    for parts in splits_of(text.encode()):
        assert receive(io.BytesIO(text_frames(masked, parts)), masked).messages == [text]
        assert receive(io.BytesIO(text_frames(masked, parts, BINARY)), masked).messages == [
            text.encode()
        ]


@both_directions
def test_5_4_control_frames_between_fragments_leave_the_message_untouched(masked):
    wire = frames(
        masked,
        (TEXT, b"\xe2", False),
        (PING, b"\xff", True),
        (CONT, b"\x82", False),
        (PONG, b"", True),
        (CLOSE, b"\x03\xe8bye", True),
        (CONT, b"\xac", True),
    )
    for make_file in (io.BytesIO, in_bytes):
        received = receive(make_file(wire), masked)
        assert received.messages == ["\u20ac"]
        assert received.controls == [(PING, b"\xff"), (PONG, b""), (CLOSE, Close(1000, "bye"))]


NOTHING_TO_CONTINUE = ("6455-5.4-03",)
UNFINISHED = ("6455-5.4-09",)

OUT_OF_ORDER = [
    # name, frames that are in order, the header that is not, requirements
    ("continuation-first", [], (CONT, True), NOTHING_TO_CONTINUE),
    ("continuation-fragment-first", [], (CONT, False), NOTHING_TO_CONTINUE),
    ("continuation-after-a-whole-message", [(TEXT, b"a", True)], (CONT, True), NOTHING_TO_CONTINUE),
    (
        "continuation-after-the-last",
        [(TEXT, b"a", False), (CONT, b"b", True)],
        (CONT, False),
        NOTHING_TO_CONTINUE,
    ),
    (
        "continuation-after-an-empty-message",
        [(BINARY, b"", True)],
        (CONT, True),
        NOTHING_TO_CONTINUE,
    ),
    ("text-in-a-message", [(TEXT, b"a", False)], (TEXT, True), UNFINISHED),
    ("text-fragment-in-a-message", [(TEXT, b"a", False)], (TEXT, False), UNFINISHED),
    ("binary-in-a-message", [(TEXT, b"a", False)], (BINARY, True), UNFINISHED),
    (
        "binary-fragment-in-a-message",
        [(BINARY, b"a", False), (CONT, b"b", False)],
        (BINARY, False),
        UNFINISHED,
    ),
    ("text-after-an-empty-fragment", [(BINARY, b"", False)], (TEXT, True), UNFINISHED),
]


@both_directions
@pytest.mark.parametrize(
    "before, bad",
    [
        pytest.param(before, bad, id=name, marks=pytest.mark.rfc(*ids))
        for name, before, bad, ids in OUT_OF_ORDER
    ],
)
def test_5_4_a_frame_out_of_order_fails_with_1002_before_its_payload(before, bad, masked):
    opcode, fin = bad
    wire = frames(masked, *before) + frame(opcode, fin=fin, masked=masked, length=5)
    for make_file in (io.BytesIO, in_bytes):
        with pytest.raises(ProtocolError) as caught:
            receive(make_file(wire), masked)
        assert (caught.value.section, caught.value.close_code) == ("§5.4", 1002)


def test_5_4_between_messages_and_frames_there_is_neither():
    incoming = IncomingMessage()
    seen = [(incoming.opcode, incoming.in_frame)]
    for opcode, fin in ((TEXT, False), (CONT, False), (CONT, True)):
        incoming.start_frame(header_of(opcode, 1, fin))
        seen.append((incoming.opcode, incoming.in_frame))
        incoming.add(b"a", True)
        seen.append((incoming.opcode, incoming.in_frame))
    assert seen == [(None, False), *[(TEXT, True), (TEXT, False)] * 2, (TEXT, True), (None, False)]


# UTF-8


GOOD_TEXTS = {
    "ascii": "Hello",
    "nul-and-del": "\0\x7f",
    "greek": "\u03ba\u1f79\u03c3\u03bc\u03b5",
    "ends-of-two-bytes": "\u0080\u07ff",
    "ends-of-three-bytes": "\u0800\uffff",
    "around-the-surrogates": "\ud7ff\ue000",
    "ends-of-four-bytes": "\U00010000\U0010ffff",
    "non-characters": "\ufffe\uffff\U0001fffe\ufdd0",
    "byte-order-mark": "\ufeffa\ufeff",
    "line-ends": "\r\na\rb\n\u2028\x85",
    "replacement-character": "\ufffd",
}


def deliver(incoming, pieces, frames_of_their_own) -> list[str]:
    """The text of each piece: a fragment if `frames_of_their_own`, else a part of one frame."""
    texts, last = [], len(pieces) - 1
    for i, piece in enumerate(pieces):
        if frames_of_their_own or i == 0:
            length = len(piece) if frames_of_their_own else sum(map(len, pieces))
            incoming.start_frame(
                header_of(CONT if i else TEXT, length, fin=not frames_of_their_own or i == last)
            )
        text, end = incoming.add(piece, frames_of_their_own or i == last)
        assert end == (i == last)
        texts.append(text)
    return texts


def whole_characters(data: bytes) -> str:
    """The characters that end within the data, by looking at the first byte of each."""
    text, place = "", 0
    while place < len(data):
        size = (
            1 if data[place] < 0x80 else 2 if data[place] < 0xE0 else 3 if data[place] < 0xF0 else 4
        )
        character = data[place : place + size]
        if len(character) == size:
            text += character.decode()
        place += size
    return text


pieces_or_fragments = pytest.mark.parametrize(
    "frames_of_their_own", [False, True], ids=["pieces", "fragments"]
)


@pytest.mark.rfc("6455-5.6-02", "6455-5.6-03")
@pieces_or_fragments
@pytest.mark.parametrize("text", GOOD_TEXTS.values(), ids=GOOD_TEXTS)
def test_8_1_valid_text_is_delivered_however_it_is_cut_each_character_with_its_last_byte(
    text, frames_of_their_own
):
    data = text.encode()
    incoming = IncomingMessage()
    for pieces in splits_of(data):
        texts = deliver(incoming, pieces, frames_of_their_own)
        for count in range(1, len(pieces) + 1):
            assert "".join(texts[:count]) == whole_characters(b"".join(pieces[:count]))
        assert "".join(texts) == text


@both_directions
@pytest.mark.parametrize("text", GOOD_TEXTS.values(), ids=GOOD_TEXTS)
def test_8_1_valid_text_on_the_wire_is_received_unchanged(text, masked):
    data = text.encode()
    for make_file in (io.BytesIO, in_bytes):
        assert receive(make_file(frames(masked, (TEXT, data, True))), masked).messages == [text]
        assert receive(make_file(text_frames(masked, [data[:2], data[2:]])), masked).messages == [
            text
        ]


BAD_UTF8 = {
    # name: the bytes, and the place of the first that no valid text could have there (RFC 3629 §4)
    "continuation-80": ("80", 0),
    "continuation-bf": ("bf", 0),
    "two-continuations": ("80 bf", 0),
    "overlong-2-nul": ("c0 80", 0),
    "overlong-2-slash": ("c0 af", 0),
    "overlong-2-del": ("c1 bf", 0),
    "overlong-3-nul": ("e0 80 80", 1),
    "overlong-3-slash": ("e0 80 af", 1),
    "overlong-3-highest": ("e0 9f bf", 1),
    "overlong-4-nul": ("f0 80 80 80", 1),
    "overlong-4-slash": ("f0 80 80 af", 1),
    "overlong-4-highest": ("f0 8f bf bf", 1),
    "overlong-5": ("f8 80 80 80 af", 0),
    "overlong-6": ("fc 80 80 80 80 af", 0),
    "surrogate-d800": ("ed a0 80", 1),
    "surrogate-db7f": ("ed ad bf", 1),
    "surrogate-dc00": ("ed b0 80", 1),
    "surrogate-dfff": ("ed bf bf", 1),
    "surrogate-pair": ("ed a0 bd ed b8 80", 1),
    "above-10ffff": ("f4 90 80 80", 1),
    "above-13ffff": ("f4 bf bf bf", 1),
    "above-140000": ("f5 80 80 80", 0),
    "f7": ("f7 bf bf bf", 0),
    "five-bytes": ("f8 88 80 80 80", 0),
    "six-bytes": ("fc 84 80 80 80 80", 0),
    "fe": ("fe", 0),
    "ff": ("ff", 0),
    "ascii-for-byte-2-of-2": ("c2 41", 1),
    "ascii-for-byte-2-of-3": ("e2 28 a1", 1),
    "ascii-for-byte-3-of-3": ("e2 82 28", 2),
    "ascii-for-byte-2-of-4": ("f0 28 8c bc", 1),
    "ascii-for-byte-3-of-4": ("f0 90 28 bc", 2),
    "ascii-for-byte-4-of-4": ("f0 90 8c 28", 3),
    "start-for-byte-2-of-2": ("c3 c3 a9", 1),
    "start-for-byte-3-of-3": ("e2 82 e2 82 ac", 2),
    "start-for-byte-4-of-4": ("f0 9f 98 f0", 3),
    "one-continuation-too-many": ("e2 82 ac 80", 3),
    "utf-16": ("ff fe 41 00", 0),
    "latin-1": ("e9 74 e9", 1),
}
AROUND = {"alone": ("", ""), "between-text": ("\u00e9\u20ac", "z")}

BAD_TEXTS = {
    f"{name}-{where}": (
        before.encode() + bytes.fromhex(bad) + after.encode(),
        len(before.encode()) + first_bad,
    )
    for name, (bad, first_bad) in BAD_UTF8.items()
    for where, (before, after) in AROUND.items()
}

every_bad_text = pytest.mark.parametrize("data, first_bad", BAD_TEXTS.values(), ids=BAD_TEXTS)

CUT_CHARACTERS = [
    "c2",
    "df",
    "e0",
    "e0 a0",
    "e2 82",
    "ed 9f",
    "f0",
    "f0 90",
    "f0 9f 98",
    "f4",
    "f4 8f bf",
]


@pytest.mark.rfc("6455-5.6-03", "6455-8.1-01", "6455-7.4.1-09")
@every_bad_text
def test_8_1_bad_utf_8_fails_with_1007_at_its_first_bad_byte_however_it_is_cut(data, first_bad):
    for pieces in (
        splits_of(data)
        if len(data) < 9
        else map(pieces_at, itertools.repeat(data), range(1, len(data)))
    ):
        for frames_of_their_own in (False, True):
            assert_fails_in_the_piece_with(first_bad, pieces, frames_of_their_own)


def pieces_at(data: bytes, cut: int) -> list[bytes]:
    """One piece up to the cut, then single bytes."""
    return [data[:cut], *(data[i : i + 1] for i in range(cut, len(data)))]


def assert_fails_in_the_piece_with(first_bad, pieces, frames_of_their_own):
    incoming, place, last = IncomingMessage(), 0, len(pieces) - 1
    for i, piece in enumerate(pieces):
        if frames_of_their_own or i == 0:
            incoming.start_frame(
                header_of(CONT if i else TEXT, len(piece), fin=not frames_of_their_own)
            )
        place += len(piece)
        if place > first_bad:
            with pytest.raises(InvalidData) as caught:
                incoming.add(piece, frames_of_their_own or i == last)
            assert (caught.value.section, caught.value.close_code) == ("§8.1", 1007)
            return
        incoming.add(piece, frames_of_their_own)
    pytest.fail("the bad bytes were taken")


@pytest.mark.rfc("6455-5.6-03", "6455-8.1-01")
@both_directions
def test_8_1_bad_utf_8_on_the_wire_fails_with_the_byte_that_is_bad_inside_its_frame(masked):
    for data, first_bad in BAD_TEXTS.values():
        wire = frames(masked, (TEXT, data + b" and more", True))
        received = Received()
        file = in_bytes(wire)
        with pytest.raises(InvalidData):
            receive(file, masked, received=received)
        assert len(received.pieces) == first_bad
        assert file.read() == wire[-len(data) - 9 + first_bad + 1 :]
        with pytest.raises(InvalidData):
            receive(io.BytesIO(frames(masked, (TEXT, data, True))), masked)


@pytest.mark.rfc("6455-5.6-02", "6455-5.6-03", "6455-8.1-01")
@pytest.mark.parametrize("cut_character", CUT_CHARACTERS)
def test_8_1_a_character_cut_short_fails_at_the_end_of_the_message_and_not_before(cut_character):
    data = b"ok" + bytes.fromhex(cut_character)
    for pieces in splits_of(data):
        incoming = IncomingMessage()
        incoming.start_frame(header_of(TEXT, 0, fin=False))
        assert "".join(incoming.add(piece, True)[0] for piece in pieces) == "ok"
        incoming.start_frame(header_of(CONT, 0))
        with pytest.raises(InvalidData):
            incoming.add(b"", True)
    with pytest.raises(InvalidData):
        deliver(IncomingMessage(), [data], True)


SECOND_BYTES = [
    # RFC 3629 §4: the first bytes of a character, and the range of the second
    (range(0xC2, 0xE0), range(0x80, 0xC0)),
    (range(0xE0, 0xE1), range(0xA0, 0xC0)),
    (range(0xE1, 0xED), range(0x80, 0xC0)),
    (range(0xED, 0xEE), range(0x80, 0xA0)),
    (range(0xEE, 0xF0), range(0x80, 0xC0)),
    (range(0xF0, 0xF1), range(0x90, 0xC0)),
    (range(0xF1, 0xF4), range(0x80, 0xC0)),
    (range(0xF4, 0xF5), range(0x80, 0x90)),
]


def is_taken(incoming, byte: int) -> bool:
    try:
        incoming.add(bytes((byte,)), False)
    except InvalidData:
        return False
    return True


@pytest.mark.rfc("6455-8.1-01")
def test_8_1_every_first_byte_and_second_byte_is_judged_as_it_comes():
    second_bytes = {first: allowed for firsts, allowed in SECOND_BYTES for first in firsts}
    for first in range(0x80, 0x100):
        for second in (
            0x00,
            0x41,
            0x7F,
            0x80,
            0x8F,
            0x90,
            0x9F,
            0xA0,
            0xBF,
            0xC0,
            0xC2,
            0xE0,
            0xF0,
            0xFF,
        ):
            incoming = IncomingMessage()
            incoming.start_frame(header_of(TEXT, 4))
            assert is_taken(incoming, first) == (first in second_bytes)
            if first in second_bytes:
                assert is_taken(incoming, second) == (second in second_bytes[first]), (
                    first,
                    second,
                )


def test_8_1_no_part_of_a_character_is_left_for_the_next_message():
    incoming = IncomingMessage()
    for text in ("\u20ac", "a", "\U0001f600"):
        data = text.encode()
        assert "".join(deliver(incoming, [data[:1], data[1:]], True)) == text
        assert deliver(incoming, [data], True) == [text]


# Limits


@pytest.mark.rfc("6455-10.4-02", "6455-7.4.1-11")
@both_directions
@pytest.mark.parametrize("lengths", [[10], [4, 6], [0, 10, 0], [1] * 10], ids=str)
def test_10_4_a_message_of_the_limit_passes_and_one_more_byte_fails_with_1009(lengths, masked):
    within = text_frames(masked, [b"x" * length for length in lengths], BINARY)
    above = text_frames(masked, [*(b"x" * length for length in lengths), b"x"], BINARY)
    for make_file in (io.BytesIO, in_bytes):
        assert receive(make_file(within), masked, IncomingMessage(max_size=10)).messages == [
            b"x" * 10
        ]
        with pytest.raises(MessageTooBig) as caught:
            receive(make_file(above), masked, IncomingMessage(max_size=10))
        assert (caught.value.section, caught.value.close_code) == ("§10.4", 1009)


@pytest.mark.rfc("6455-10.4-02")
def test_10_4_the_limit_counts_each_message_by_itself_and_in_bytes():
    incoming = IncomingMessage(max_size=6, max_fragments=2)
    for _ in range(3):
        assert (
            "".join(deliver(incoming, ["\u20ac".encode(), "\u20ac".encode()], True))
            == "\u20ac\u20ac"
        )
    incoming.start_frame(header_of(TEXT, 6, fin=False))
    with pytest.raises(MessageTooBig):
        incoming.start_frame(header_of(CONT, 1))


@pytest.mark.rfc("6455-10.4-01", "6455-10.4-02")
@both_directions
@pytest.mark.parametrize(
    "opcode, before", [(BINARY, []), (TEXT, []), (CONT, [(BINARY, b"x", False)])]
)
@pytest.mark.parametrize("length", [1001, 65536, 2**60, 2**63 - 1])
def test_10_4_a_length_above_the_limit_fails_before_the_payload(length, opcode, before, masked):
    wire = frames(masked, *before) + frame(opcode, masked=masked, length=length)
    with pytest.raises(MessageTooBig):
        receive(io.BytesIO(wire), masked, IncomingMessage(max_size=1000))


def test_10_4_a_limit_of_0_bytes_lets_empty_messages_pass():
    incoming = IncomingMessage(max_size=0)
    assert deliver(incoming, [b"", b""], True) == ["", ""]
    with pytest.raises(MessageTooBig):
        incoming.start_frame(header_of(BINARY, 1))


@pytest.mark.rfc("6455-10.4-01", "6455-7.4.1-10")
@both_directions
@pytest.mark.parametrize("limit", [1, 2, 5])
def test_10_4_as_many_fragments_as_the_limit_pass_and_one_more_fails_with_1008(limit, masked):
    for part in (b"", b"x"):
        within = text_frames(masked, [part] * limit)
        incoming = IncomingMessage(max_fragments=limit)
        assert (
            receive(io.BytesIO(within * 2), masked, incoming).messages
            == [part.decode() * limit] * 2
        )
        with pytest.raises(PolicyViolation) as caught:
            receive(
                io.BytesIO(text_frames(masked, [part] * (limit + 1))),
                masked,
                IncomingMessage(max_fragments=limit),
            )
        assert (caught.value.section, caught.value.close_code) == ("§10.4", 1008)


def test_10_4_without_limits_there_are_none():
    incoming = IncomingMessage()
    incoming.start_frame(header_of(BINARY, 2**63 - 1, fin=False))
    for _ in range(5000):
        incoming.start_frame(header_of(CONT, 2**63 - 1, fin=False))
    assert incoming.opcode is BINARY


# Memory


MANY = 60_000
"""Bytes that arrive one by one: enough to show what is kept for each."""

SMALL_MULTIPLE = 8
"""Bytes of memory for each byte of a message: a str takes up to 4, and its source is still kept."""


@pytest.mark.rfc("6455-10.4-01")
@pytest.mark.parametrize("length", [2**60, 2**63 - 1])
def test_10_4_a_huge_length_takes_no_memory_even_without_a_limit(length):
    file = io.BufferedReader(io.BytesIO(frame(BINARY, length=length) + b"Hello"))
    incoming = IncomingMessage()
    tracemalloc.start()
    try:
        incoming.start_frame(read_header(file, FROM_CLIENT))
        incoming.masking_key = read_exactly(file, 4)
        result = incoming.read_chunk(file, PIECE)
        peak = tracemalloc.get_traced_memory()[1]
    finally:
        tracemalloc.stop()
    assert result == (xor(b"Hello", KEY), False)
    assert peak < 4 * PIECE


@pytest.mark.rfc("6455-10.4-01")
@pytest.mark.parametrize(
    "opcode, character, fin",
    [
        pytest.param(BINARY, "x", True, id="binary-pieces"),
        pytest.param(TEXT, "x", True, id="text-pieces-ascii"),
        pytest.param(TEXT, "\u20ac", True, id="text-pieces-3-byte-characters"),
        pytest.param(TEXT, "\U0001f600", False, id="text-fragments-4-byte-characters"),
    ],
)
def test_10_4_memory_grows_with_the_bytes_of_a_message_not_with_its_pieces(opcode, character, fin):
    data = character.encode() * (MANY // len(character.encode()))
    single_bytes = [data[i : i + 1] for i in range(len(data))]
    header, continuation = header_of(opcode, len(data), fin), header_of(CONT, 1, fin)
    incoming = IncomingMessage()
    tracemalloc.start()
    try:
        incoming.start_frame(header)
        for byte in single_bytes:
            incoming.collect(incoming.add(byte, not fin)[0])
            if not fin:
                incoming.start_frame(continuation)
        message = incoming.take_collected()
        peak = tracemalloc.get_traced_memory()[1]
    finally:
        tracemalloc.stop()
    assert message == (data if opcode is BINARY else data.decode())
    assert peak < SMALL_MULTIPLE * len(data)


def test_what_was_collected_is_forgotten_once_taken():
    incoming = IncomingMessage()
    for data in ("a\u20ac", b"\xff", "", b"\xff"):
        assert not incoming.collected
        incoming.collect(data)
        incoming.collect(data)
        assert incoming.take_collected() == data * 2
    assert not incoming.collected


# Fuzzing


PAYLOADS = [
    b"",
    b"Hello",
    "\u20ac".encode(),
    b"\x03\xe8bye",
    b"\x03\xe8\xff",
    b"\x03\xed",
    b"\x03",
    b"\xe2\x82",
]


def random_frame(chance, masked) -> bytes:
    opcode = chance.choice([CONT, CONT, TEXT, BINARY, CLOSE, PING, PONG, chance.randrange(16)])
    payload = chance.choice([*PAYLOADS, chance.randbytes(3)])
    fin, key = chance.random() < 0.6, chance.randbytes(4) if masked else b""
    wire = frame(opcode, payload, fin, masked=masked, key=key)
    return wire if chance.random() < 0.9 else mutated(chance, wire)


def mutated(chance, wire: bytes) -> bytes:
    data = bytearray(wire)
    place = chance.randrange(len(data))
    kind = chance.randrange(4)
    if kind == 0:
        data[place] ^= 1 << chance.randrange(8)
    elif kind == 1:
        data[place] = chance.choice([0, 0x7E, 0x7F, 0x80, 0xFE, 0xFF])
    elif kind == 2:
        del data[place]
    else:
        data.insert(place, chance.randrange(256))
    return bytes(data)


def random_stream(chance, masked) -> bytes:
    if chance.random() < 0.2:
        return chance.randbytes(chance.randrange(1, 30))
    if chance.random() < 0.2:
        wire = text_frames(
            masked, chance.choices([b"", b"a", b"\xe2", b"\x82\xac"], k=chance.randrange(1, 7))
        )
    else:
        wire = b"".join(random_frame(chance, masked) for _ in range(chance.randrange(1, 7)))
    return wire[: chance.randrange(1, len(wire) + 1)] if chance.random() < 0.2 else wire


def outcome_of(file, masked, size):
    """Messages, control frames, and the end: None, EOFError, or (class, section) of a failure."""
    received = Received()
    try:
        receive(file, masked, IncomingMessage(max_size=20, max_fragments=3), received, size)
    except EOFError:
        end = EOFError
    except ConnectionFailure as failure:
        end = type(failure), failure.section
    else:
        end = None
    return received.messages, received.controls, end


@pytest.mark.rfc("6455-6.2-01", "6455-10.7-01")
@both_directions
def test_10_7_any_bytes_end_in_a_failure_or_at_the_end_of_the_stream_however_they_are_cut(
    masked,
):
    chance = random.Random(6455)
    ends, messages = set(), 0
    for _ in range(1500):
        wire = random_stream(chance, masked)
        whole = outcome_of(io.BytesIO(wire), masked, PIECE)
        assert outcome_of(in_bytes(wire), masked, PIECE) == whole, wire.hex()
        assert outcome_of(io.BytesIO(wire), masked, 2) == whole, wire.hex()
        messages += len(whole[0])
        ends.add(whole[2])
    assert messages > 100
    assert ends == {
        None,
        EOFError,
        (ProtocolError, "§5.1"),
        (ProtocolError, "§5.2"),
        (ProtocolError, "§5.4"),
        (ProtocolError, "§5.5"),
        (ProtocolError, "§5.5.1"),
        (ProtocolError, "§7.4"),
        (InvalidData, "§5.5.1"),
        (InvalidData, "§8.1"),
        (MessageTooBig, "§10.4"),
        (PolicyViolation, "§10.4"),
    }


# Compressed messages (RFC 7692 §6)


def deflated(*fragments: bytes) -> list[bytes]:
    """The payloads of the frames of a message (RFC 7692 §7.2.1), made by zlib alone."""
    deflater = zlib.compressobj(wbits=-15)
    payloads = [
        deflater.compress(fragment) + deflater.flush(zlib.Z_SYNC_FLUSH) for fragment in fragments
    ]
    return [*payloads[:-1], payloads[-1].removesuffix(b"\0\0\xff\xff")]


def compressed_frames(masked, parts, opcode=TEXT) -> bytes:
    """A compressed message in one frame for each part of its payload: RSV1 in the first."""
    last = len(parts) - 1
    return b"".join(
        frame(CONT if i else opcode, part, i == last, rsv=0 if i else RSV1, masked=masked)
        for i, part in enumerate(parts)
    )


def inflating(max_size=None, max_fragments=None) -> IncomingMessage:
    incoming = IncomingMessage(max_size, max_fragments)
    incoming.inflater = Inflater(15, False)
    return incoming


def receive_one(file, masked, incoming, size=PIECE, most_pieces=1000):
    """(message, its pieces); `in_frame` is True until all of a frame has been read."""
    pieces = []
    for _ in range(most_pieces):
        if not incoming.in_frame:
            incoming.start_frame(read_header(file, masked, rsv1_defined=True))
            incoming.masking_key = read_exactly(file, 4) if masked else b""
        piece, end = incoming.read_chunk(file, size)
        pieces.append(piece)
        incoming.collect(piece)
        if end:
            assert incoming.opcode is None and not incoming.in_frame
            return incoming.take_collected(), pieces
    raise AssertionError(f"no end after {most_pieces} pieces")


SOME_TEXT = "Grüße, 世界! 😀 " * 10


@pytest.mark.rfc("7692-6.2-01", "7692-6-03", "7692-6.1-06")
@both_directions
@whole_and_in_bytes
@pytest.mark.parametrize(
    "opcode, message", [(TEXT, SOME_TEXT), (BINARY, SOME_TEXT.encode())], ids=["text", "binary"]
)
def test_7692_6_2_a_compressed_message_is_inflated_however_it_is_cut(
    masked, make_file, opcode, message
):
    data = SOME_TEXT.encode()
    [payload] = deflated(data)
    cuts = (
        [payload],
        [payload[:1], payload[1:9], payload[9:]],
        [b"", payload, b""],
        deflated(data[:20], data[20:]),
    )
    for parts in cuts:
        wire = compressed_frames(masked, parts, opcode)
        assert receive_one(make_file(wire), masked, inflating())[0] == message


@pytest.mark.rfc("7692-7.2.3.6-01")
@both_directions
@pytest.mark.parametrize("parts", [[b"\0"], [b""], [b"", b""], [b"", b"\0"], [b"\0", b""]])
def test_7692_7_2_3_6_a_compressed_message_may_be_empty(masked, parts):
    wire = compressed_frames(masked, parts)
    assert receive_one(io.BytesIO(wire), masked, inflating())[0] == ""


@pytest.mark.rfc("7692-6-02", "7692-6-04", "7692-6.2-03", "7692-7.2.3.2-01")
def test_7692_6_2_each_message_says_for_itself_whether_it_is_compressed():
    hello, again = bytes.fromhex("f248cdc9c90700"), bytes.fromhex("f200110000")
    plain = text_frames(FROM_CLIENT, [b"pl", b"", b"ain"])
    file = io.BytesIO(
        b"".join(
            [
                compressed_frames(FROM_CLIENT, [hello]),
                plain,
                compressed_frames(FROM_CLIENT, [again]),
                plain,
            ]
        )
    )
    incoming = inflating()
    messages = [receive_one(file, FROM_CLIENT, incoming)[0] for _ in range(4)]
    assert messages == ["Hello", "plain", "Hello", "plain"]


@pytest.mark.rfc("7692-6.1-05")
@pytest.mark.parametrize("with_inflater", [True, False])
@pytest.mark.parametrize("first_rsv1", [True, False])
def test_7692_6_1_rsv1_in_a_continuation_frame_fails_with_1002(with_inflater, first_rsv1):
    incoming = inflating() if with_inflater else IncomingMessage()
    incoming.start_frame(header_of(TEXT, 0, fin=False, rsv1=first_rsv1 and with_inflater))
    incoming.read_chunk(io.BytesIO(), PIECE)
    with pytest.raises(ProtocolError) as failed:
        incoming.start_frame(header_of(CONT, 0, rsv1=True))
    assert (failed.value.close_code, failed.value.section) == (1002, "RFC 7692 §6.1")


@pytest.mark.parametrize(
    "make_file, size", [(io.BytesIO, PIECE), (io.BytesIO, 7), (in_bytes, PIECE)]
)
def test_7692_6_2_a_few_bytes_may_become_many_pieces_and_the_frame_lasts_until_the_last(
    make_file, size
):
    text = "€" * 100_000
    wire = compressed_frames(FROM_CLIENT, deflated(text[:50_000].encode(), text[50_000:].encode()))
    message, pieces = receive_one(
        make_file(wire + BEHIND), FROM_CLIENT, inflating(), size, most_pieces=len(wire) + 10
    )
    assert message == text
    assert max(len(piece.encode()) for piece in pieces) <= PIECE + 2


@pytest.mark.parametrize("size", [PIECE, 10])
@pytest.mark.parametrize("length", [1, 300, PIECE - 1, PIECE, PIECE + 1, 200_000])
@pytest.mark.parametrize("noise", [True, False])
def test_10_4_the_limit_counts_what_a_compressed_message_inflates_to(length, noise, size):
    data = random.Random(length).randbytes(length) if noise else bytes(length)
    [payload] = deflated(data)
    cut = compressed_frames(FROM_CLIENT, [payload[:9], payload[9:]], BINARY)
    for wire in (compressed_frames(FROM_CLIENT, [payload], BINARY), cut):
        most_pieces = len(wire) + 10
        incoming = inflating(max_size=length)
        message, _ = receive_one(io.BytesIO(wire), FROM_CLIENT, incoming, size, most_pieces)
        assert message == data
        with pytest.raises(MessageTooBig) as failed:
            receive_one(
                io.BytesIO(wire), FROM_CLIENT, inflating(max_size=length - 1), size, most_pieces
            )
        assert failed.value.close_code == 1009


def test_10_4_a_plain_message_after_a_compressed_one_fails_at_the_header_above_the_limit():
    incoming = inflating(max_size=10)
    receive_one(
        io.BytesIO(compressed_frames(FROM_CLIENT, deflated(b"a" * 10))), FROM_CLIENT, incoming
    )
    incoming.start_frame(header_of(BINARY, 0, fin=False))
    incoming.read_chunk(io.BytesIO(), PIECE)
    with pytest.raises(MessageTooBig):
        incoming.start_frame(header_of(CONT, 11))


def test_10_4_fragments_of_a_compressed_message_are_counted():
    wire = compressed_frames(FROM_CLIENT, deflated(b"a", b"b", b"c"))
    assert receive_one(io.BytesIO(wire), FROM_CLIENT, inflating(max_fragments=3))[0] == "abc"
    with pytest.raises(PolicyViolation):
        receive_one(io.BytesIO(wire), FROM_CLIENT, inflating(max_fragments=2))


@pytest.mark.rfc("7692-6.1-07")
@pytest.mark.parametrize("make_file", [io.BytesIO, in_bytes])
@pytest.mark.parametrize("good", [b"", b"good", b"a" * PIECE, b"a" * (PIECE - 1), b"a" * 150_000])
@pytest.mark.parametrize(
    "bad", [b"\xff", b"\xed\xa0", b"\xe2\x82"], ids=["byte", "surrogate", "broken off"]
)
def test_7692_6_1_text_is_judged_after_inflating(make_file, good, bad):
    wire = compressed_frames(FROM_CLIENT, deflated(good + bad))
    with pytest.raises(InvalidData) as failed:
        receive_one(make_file(wire), FROM_CLIENT, inflating())
    assert (failed.value.close_code, failed.value.section) == (1007, "§8.1")
    wire = compressed_frames(FROM_CLIENT, deflated(good + bad), BINARY)
    assert receive_one(make_file(wire), FROM_CLIENT, inflating())[0] == good + bad


@pytest.mark.parametrize("cut", range(6, 30))
def test_7692_6_2_a_stream_that_ends_inside_a_compressed_frame_is_an_eof_error(cut):
    wire = compressed_frames(FROM_CLIENT, deflated(SOME_TEXT.encode()))
    with pytest.raises(EOFError):
        receive_one(io.BytesIO(wire[:cut]), FROM_CLIENT, inflating())


# The short way of short messages


def short(frame, buffered=None, incoming=None):
    """What `read_whole` makes of this frame when so many of its bytes are buffered, and the
    position after it.
    """
    file = io.BufferedReader(io.BytesIO(frame[:buffered]))
    header = read_header(file, True)
    return (incoming or IncomingMessage()).read_whole(file, header), file.tell()


@pytest.mark.rfc("6455-5.4-02", "6455-6.2-05", "6455-5.6-04")
@pytest.mark.parametrize(
    "opcode, payload",
    [
        (TEXT, "κόσμε"),
        (TEXT, ""),
        (BINARY, b"\xff\x00"),
        (BINARY, b"x" * 125),
        (TEXT, "x" * 126),
        (BINARY, b"x" * MAX_WHOLE),
    ],
)
def test_6_2_a_message_that_has_arrived_in_full_is_taken_at_once(opcode, payload):
    data = payload.encode() if opcode is TEXT else payload
    frame = encode_frame(opcode, data, masking_key=KEY)
    assert short(frame + BEHIND) == (payload, len(frame))


@pytest.mark.parametrize(
    "frame",
    [
        encode_frame(TEXT, b"x" * (MAX_WHOLE + 1), masking_key=KEY),
        encode_frame(TEXT, b"first", fin=False, masking_key=KEY),
        encode_frame(CONT, b"last", masking_key=KEY),
    ],
    ids=["too long", "not the last frame", "not the first frame"],
)
def test_what_is_not_all_of_a_message_is_left_to_the_general_way(frame):
    message, position = short(frame)
    assert message is None
    assert position in (2, 4)


def test_a_compressed_message_is_left_to_the_general_way():
    file = io.BufferedReader(io.BytesIO(encode_frame(TEXT, b"\xf2", rsv1=True, masking_key=KEY)))
    assert IncomingMessage().read_whole(file, read_header(file, True, True)) is None
    assert file.tell() == 2


class NothingMore(io.BytesIO):
    """The end of the file is one where reading would block for ever."""

    def readinto(self, buffer):
        received = super().readinto(buffer)
        assert received, "nothing more is to be read here"
        return received


@pytest.mark.parametrize("payload", [b"", b"a", b"x" * 125])
def test_5_1_a_short_message_of_a_server_is_taken_at_once_with_nothing_behind_it(payload):
    file = io.BufferedReader(NothingMore(encode_frame(BINARY, payload)), 2 + len(payload))
    assert IncomingMessage().read_whole(file, read_header(file, False)) == payload


class InTwo(io.RawIOBase):
    """Data that come in two parts."""

    def __init__(self, data, cut):
        self.parts = [data[:cut], data[cut:]]

    def readable(self):
        return True

    def readinto(self, buffer):
        part = self.parts.pop(0)
        buffer[: len(part)] = part
        return len(part)


@both_directions
def test_6_2_what_has_come_of_a_short_message_is_kept_and_the_general_way_goes_on_with_it(masked):
    frame = encode_frame(TEXT, b"Hello", masking_key=KEY if masked else None)
    payload_start = len(frame) - 5
    for cut in range(3, len(frame)):
        incoming, file = IncomingMessage(), io.BufferedReader(InTwo(frame, cut))
        header = read_header(file, masked)
        assert incoming.read_whole(file, header) is None
        incoming.start_frame(header)
        if masked:
            incoming.read_masking_key(file)
        pieces = []
        while incoming.in_frame:
            pieces.append(incoming.read_chunk(file, PIECE))
        come = max(cut - payload_start, 0)
        assert pieces == [
            part for part in [("Hello"[:come], False), ("Hello"[come:], True)] if part[0]
        ]
        assert (
            incoming.read_whole(
                io.BytesIO(KEY + xor(b"next", KEY)), header_of(TEXT, 4, masked=True)
            )
            == "next"
        )


@both_directions
def test_6_2_a_short_message_that_breaks_off_is_none(masked):
    frame = encode_frame(TEXT, b"Hello", masking_key=KEY if masked else None)
    for length in range(2, len(frame)):
        incoming, file = IncomingMessage(), io.BufferedReader(io.BytesIO(frame[:length]))
        header = read_header(file, masked)
        assert incoming.read_whole(file, header) is None
        incoming.start_frame(header)
        with pytest.raises(EOFError):
            if masked:
                incoming.read_masking_key(file)
            while incoming.in_frame:
                incoming.read_chunk(file, PIECE)


def test_5_4_a_short_message_inside_a_fragmented_one_is_left_to_the_general_way_which_refuses_it():
    incoming = IncomingMessage()
    incoming.start_frame(header_of(TEXT, 1, fin=False))
    assert short(encode_frame(TEXT, b"x", masking_key=KEY), incoming=incoming)[0] is None


@pytest.mark.rfc("6455-10.4-02")
def test_10_4_the_limit_holds_for_short_messages_too():
    frame = encode_frame(BINARY, b"1234", masking_key=KEY)
    assert short(frame, incoming=IncomingMessage(max_size=4))[0] == b"1234"
    assert short(frame, incoming=IncomingMessage(max_size=3))[0] is None


@pytest.mark.rfc("6455-8.1-01")
def test_8_1_a_short_text_that_is_not_utf_8_fails_with_1007():
    with pytest.raises(InvalidData, match=r"§8\.1"):
        short(encode_frame(TEXT, b"ok \xff", masking_key=KEY))


# Memory of a message that is not whole yet

MANY_MEGABYTES = 1 << 22
"""Bytes of the messages, many times what is needed for one chunk."""

ONE_CHUNK = 1 << 19
"""Bytes for a chunk on its way: 64 KiB read, unmasked, as a str of 256 KiB, and as UTF-8 again."""

ONE_INFLATED_CHUNK = 5 << 16
"""The same for one of 32 KiB, as a str 128 KiB, with two windows of 32 KiB each."""


def wide_text(size):
    """UTF-8 that as a str takes four bytes for each one of `size`."""
    return ("\U0001f600" + "a" * (size - 4)).encode()


def unfinished(rsv=0) -> IncomingMessage:
    """In the first frame of a message, whose payload is longer than all that will arrive."""
    incoming = IncomingMessage(MANY_MEGABYTES, None)
    incoming.inflater = server_pair(Parameters(), DeflateSettings())[1]
    wire = frame(TEXT, b"", fin=0, masked=0, length=MANY_MEGABYTES, rsv=rsv)
    incoming.start_frame(read_header(io.BytesIO(wire), False, True))
    return incoming


def collect_all(incoming: IncomingMessage, payloads) -> tuple[int, int]:
    """(bytes held afterwards, bytes at the peak) for these payloads inside a frame."""
    inflater = incoming.inflater
    assert inflater is not None
    tracemalloc.start()
    try:
        for payload in payloads:
            file = io.BytesIO(payload)
            while file.tell() < len(payload) or inflater.pending:
                incoming.collect(incoming.read_chunk(file, PIECE)[0])
        return tracemalloc.get_traced_memory()
    finally:
        tracemalloc.stop()


@pytest.mark.rfc("6455-10.4-01")
@pytest.mark.parametrize("size", [PIECE, 700])
def test_10_4_an_unfinished_text_takes_no_more_memory_than_its_bytes(size):
    """One character above U+FFFF would make each character of a str take four bytes."""
    incoming, text = unfinished(), wide_text(size)
    rounds = MANY_MEGABYTES // size
    held, peak = collect_all(incoming, itertools.repeat(text, rounds))
    assert held < 1.2 * MANY_MEGABYTES
    assert peak < 1.2 * MANY_MEGABYTES + ONE_CHUNK
    assert incoming.take_collected() == text.decode() * rounds


@pytest.mark.rfc("6455-10.4-01")
def test_10_4_an_unfinished_compressed_text_takes_no_more_memory_than_its_bytes():
    incoming, text = unfinished(rsv=RSV1), wide_text(PIECE)
    rounds = MANY_MEGABYTES // PIECE
    compressor = zlib.compressobj(9, zlib.DEFLATED, -15)
    payload = compressor.compress(text * rounds) + compressor.flush(zlib.Z_SYNC_FLUSH)
    assert len(payload) < MANY_MEGABYTES / 200
    held, peak = collect_all(incoming, [payload])
    assert held < 1.2 * MANY_MEGABYTES
    assert peak < held + ONE_INFLATED_CHUNK
    assert incoming.take_collected() == text.decode() * rounds


@pytest.mark.rfc("6455-10.4-01")
def test_10_4_a_compressed_message_whose_frames_are_longer_than_any_of_its_size_is_too_big():
    """Blocks that inflate to nothing never reach max_size."""
    incoming = IncomingMessage(1000, None)
    incoming.inflater = server_pair(Parameters(), DeflateSettings())[1]
    empty_block = b"\0\0\0\xff\xff"
    payload = 100 * empty_block
    wire = frame(TEXT, payload, fin=0, rsv=4, masked=0) + 9 * frame(CONT, payload, fin=0, masked=0)
    file = io.BytesIO(wire)
    with pytest.raises(MessageTooBig, match="compressed message of") as caught:
        while True:
            incoming.start_frame(read_header(file, False, True))
            while incoming.in_frame:
                incoming.read_chunk(file, PIECE)
    assert caught.value.close_code == 1009
    assert file.tell() < len(wire)
