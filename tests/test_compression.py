"""RFC 7692 over real sockets: what is agreed, sent and received. All that the peer does is done
here by zlib alone.
"""

import os
import random
import sys
import threading
import zlib
from contextlib import closing
from pathlib import Path

import pytest

from refws import ConnectionClosedError, serve
from refws.endpoint import connection as connection_module
from refws.protocol.deflate.codec import MAX_CHUNK, server_pair
from refws.protocol.deflate.negotiation import DeflateSettings, Parameters
from test_commands_serve import printed_address, program_running
from vectors import EMPTY, FINAL_HELLO, HELLO, HELLO_AGAIN, STORED_HELLO, TWO_BLOCKS_HELLO
from wire import (
    BINARY,
    CLOSE,
    CONT,
    IN_TIME,
    PING,
    PONG,
    RSV1,
    TEXT,
    Header,
    Wire,
    close_body,
    frame,
    request,
)

pytestmark = pytest.mark.transport("tcp", "unix", "tls")


TAIL = bytes.fromhex("0000ffff")
KIB = 1024
MIB = 1024 * KIB

EVERY_MESSAGE = DeflateSettings(None, None, threshold=0)
"""Compresses whatever is sent, with the largest window, unless the client asks for a smaller one.
"""

OFFER = "permessage-deflate"
BOTH_TAKEOVERS_OFF = "permessage-deflate; server_no_context_takeover; client_no_context_takeover"

RULES = "The rules of the RFC, again and again: an endpoint MUST, an endpoint MUST NOT. " * 3
ZEROS = bytes(300 * KIB)
NOISE = random.Random(7692).randbytes(MIB)
"""What does not get shorter."""


class Zlib:
    """The peer's side of a compressed connection (§7.2.1, §7.2.2), with context takeover or
    without.
    """

    def __init__(self, takeover=True):
        self.takeover = takeover
        self.deflater = zlib.compressobj(6, zlib.DEFLATED, -15)
        self.inflater = zlib.decompressobj(-15)

    def deflate(self, data):
        deflater = self.deflater if self.takeover else zlib.compressobj(6, zlib.DEFLATED, -15)
        payload = deflater.compress(data) + deflater.flush(zlib.Z_SYNC_FLUSH)
        assert payload.endswith(TAIL)
        return payload.removesuffix(TAIL)

    def inflate(self, payload):
        inflater = self.inflater if self.takeover else zlib.decompressobj(-15)
        data = inflater.decompress(payload + TAIL)
        assert not inflater.eof
        return data


def compressed(opcode, payload, **fields):
    """The first frame of a compressed message."""
    return frame(opcode, payload, rsv=RSV1, **fields)


def pieces(payload, size):
    return [payload[start : start + size] for start in range(0, len(payload), size)]


def compressed_frames(opcode, payload, size):
    """The frames of a compressed message whose payload is cut into pieces of `size`."""
    first, *others = pieces(payload, size)
    continuations = (frame(CONT, piece, fin=0) for piece in others)
    return compressed(opcode, first, fin=0) + b"".join(continuations) + frame(CONT)


def receive_message(peer, codec):
    """(opcode, data, whether it came compressed) of the next message; its frames have the right RSV
    bits.
    """
    header, payload = peer.receive()
    opcode, rsv = header.opcode, header.rsv
    assert opcode in (TEXT, BINARY) and rsv in (0, RSV1), header
    for _ in range(0 if header.fin else 1000):
        header, more = peer.receive()
        assert (header.opcode, header.rsv) == (CONT, 0)
        payload += more
        if header.fin:
            break
    assert header.fin
    return opcode, codec.inflate(payload) if rsv else payload, bool(rsv)


def expect_failure(client, code):
    """The server fails the connection (§7.1.7 of RFC 6455); the reason that it gives."""
    reason = client.expect_close(code)
    client.expect_end()
    return reason


def extensions_line(value):
    return f"Sec-WebSocket-Extensions: {value}"


def answer_of(client):
    """(name, {parameter: value or None}) of the one extension in the server's answer; None if it
    names none.
    """
    if "sec-websocket-extensions" not in client.headers:
        return None
    name, *parameters = client.headers["sec-websocket-extensions"].split("; ")
    pairs = [parameter.partition("=") for parameter in parameters]
    return name, {name: value or None for name, _, value in pairs}


def echo(connection):
    for message in connection:
        connection.send(message)


@pytest.fixture
def echoing(serving):
    """echoing(offer, compression, **settings of serve) gives a client of an echo server, its
    handshake done.
    """

    def start(offer=OFFER, compression=EVERY_MESSAGE, **settings):
        running = serving(echo, compression=compression, **settings)
        return running.open("/", *([extensions_line(offer)] if offer else []))

    return start


@pytest.fixture
def compressing(opened):
    """compressing() gives (connection, raw client, the client's Zlib); both sides compress, with
    context takeover.
    """

    def start(parameters=None, deflate=EVERY_MESSAGE, **settings):
        connection, peer = opened(**settings)
        codecs = server_pair(parameters or Parameters(), deflate)
        connection.use_deflate(codecs, deflate.threshold)
        return connection, peer, Zlib()

    return start


@pytest.fixture
def short_linger(monkeypatch):
    """For tests that fail a connection in the only thread there is, whose peer cannot close
    meanwhile.
    """
    monkeypatch.setattr(connection_module, "LINGER", IN_TIME)


# The opening handshake (§5, §7)


@pytest.mark.rfc("7692-5-09", "7692-9.1-01", "6455-9.1-12", "6455-9-04")
@pytest.mark.parametrize(
    "offer, settings, answer",
    [
        (OFFER, EVERY_MESSAGE, {}),
        (OFFER, "deflate", {}),
        (OFFER, DeflateSettings(server_max_window_bits=11), {"server_max_window_bits": "11"}),
        (
            "permessage-deflate; client_max_window_bits",
            "deflate",
            {"client_max_window_bits": "12"},
        ),
        (
            "permessage-deflate; server_max_window_bits=10",
            EVERY_MESSAGE,
            {"server_max_window_bits": "10"},
        ),
        pytest.param(
            'permessage-deflate;server_max_window_bits="10"',
            EVERY_MESSAGE,
            {"server_max_window_bits": "10"},
            marks=pytest.mark.rfc("7692-5.2-01"),
        ),
        (
            BOTH_TAKEOVERS_OFF,
            EVERY_MESSAGE,
            {"server_no_context_takeover": None, "client_no_context_takeover": None},
        ),
        (
            OFFER,
            DeflateSettings(None, None, True, True),
            {"server_no_context_takeover": None, "client_no_context_takeover": None},
        ),
    ],
)
def test_5_an_accepted_offer_is_answered_with_what_was_agreed(echoing, offer, settings, answer):
    client = echoing(offer, settings)
    assert answer_of(client) == (OFFER, answer)
    out, back = Zlib(), Zlib("server_no_context_takeover" not in answer)
    client.send(compressed(TEXT, out.deflate(RULES.encode())))
    assert receive_message(client, back) == (TEXT, RULES.encode(), True)
    client.finish()


ELEVEN, TEN = (
    "permessage-deflate; server_max_window_bits=11",
    "permessage-deflate; server_max_window_bits=10",
)


@pytest.mark.rfc("7692-5-02", "7692-7.1.3-01")
@pytest.mark.parametrize(
    "lines",
    [
        pytest.param(
            [f"permessage-deflate; foo, {ELEVEN}, {TEN}"],
            marks=pytest.mark.rfc("7692-7-02", "6455-9.1-06"),
        ),
        pytest.param(
            [f"permessage-deflate; server_max_window_bits=7,{ELEVEN}"],
            marks=pytest.mark.rfc("7692-7-02"),
        ),
        pytest.param([f"x-webkit-deflate-frame, {ELEVEN}"], marks=pytest.mark.rfc("6455-9-02")),
        pytest.param(
            [f"{ELEVEN}, {TEN}, {OFFER}"], marks=pytest.mark.rfc("7692-5-03", "6455-9.1-09")
        ),
        pytest.param(
            ["permessage-deflate; foo", ELEVEN, TEN], marks=pytest.mark.rfc("6455-9.1-04")
        ),
    ],
)
def test_7_1_3_the_first_offer_without_fault_is_taken_and_no_other(serving, lines):
    client = serving(echo, compression=EVERY_MESSAGE).open("/", *map(extensions_line, lines))
    assert answer_of(client) == (OFFER, {"server_max_window_bits": "11"})
    client.send(compressed(TEXT, HELLO))
    assert receive_message(client, Zlib()) == (TEXT, b"Hello", True)


WELL_FORMED_BUT_BAD = [
    pytest.param("permessage-deflate; foo", marks=pytest.mark.rfc("7692-7-03", "6455-9.1-06")),
    pytest.param("permessage-deflate; server_max_window_bits", marks=pytest.mark.rfc("7692-7-04")),
    pytest.param(
        "permessage-deflate; server_max_window_bits=16", marks=pytest.mark.rfc("7692-7-04")
    ),
    pytest.param(
        "permessage-deflate; client_max_window_bits=08", marks=pytest.mark.rfc("7692-7-04")
    ),
    pytest.param(
        "permessage-deflate; server_no_context_takeover=1", marks=pytest.mark.rfc("7692-7-04")
    ),
    pytest.param(
        "permessage-deflate; client_max_window_bits; client_max_window_bits",
        marks=pytest.mark.rfc("7692-7-05"),
    ),
    "x-webkit-deflate-frame",
    "permessage-deflate; foo, permessage-deflate; server_max_window_bits=7",
]


@pytest.mark.rfc("7692-3-02", "7692-7-02", "7692-5-18", "7692-5-19")
@pytest.mark.parametrize("offer", WELL_FORMED_BUT_BAD)
def test_7_without_an_offer_that_can_be_accepted_the_connection_opens_uncompressed(echoing, offer):
    client = echoing(offer)
    assert answer_of(client) is None
    client.send_frame(TEXT, RULES.encode())
    client.expect(TEXT, RULES.encode())
    client.send(compressed(TEXT, HELLO))
    expect_failure(client, 1002)


@pytest.mark.rfc("7692-8-01", "7692-5-18", "7692-5-19", "6455-9-02")
def test_8_a_server_with_compression_off_names_no_extension_and_never_compresses(serving):
    client = serving(echo).open("/", extensions_line(OFFER))
    assert answer_of(client) is None
    client.send_frame(TEXT, RULES.encode())
    client.expect(TEXT, RULES.encode())
    client.send(compressed(TEXT, HELLO))
    expect_failure(client, 1002)


@pytest.mark.rfc("6455-9-03", "6455-9.1-10")
def test_9_a_client_that_offers_nothing_gets_no_extension_and_no_compressed_message(echoing):
    client = echoing(offer=None)
    assert answer_of(client) is None
    client.send_frame(TEXT, RULES.encode())
    client.expect(TEXT, RULES.encode())
    client.send(compressed(TEXT, HELLO))
    expect_failure(client, 1002)


@pytest.mark.rfc("6455-9.1-10")
def test_9_1_the_handler_sees_what_is_in_use_in_the_response(serving):
    def tell(connection):
        connection.send(connection.response.headers["Sec-WebSocket-Extensions"])

    client = serving(tell, compression="deflate").open("/", extensions_line(BOTH_TAKEOVERS_OFF))
    assert receive_message(client, Zlib())[1].decode() == client.headers["sec-websocket-extensions"]


MALFORMED = [
    ";x",
    "permessage-deflate;;server_no_context_takeover",
    "permessage-deflate; server_max_window_bits=10=10",
    'permessage-deflate; server_max_window_bits="10',
    "permessage-deflate; server_max_window_bits=",
    "permessage-deflate, a b",
    ",",
    pytest.param('permessage-deflate; x="a,b"', marks=pytest.mark.rfc("6455-9.1-03")),
]


@pytest.mark.rfc("6455-9.1-02")
@pytest.mark.parametrize("compression", [None, "deflate"], ids=["off", "on"])
@pytest.mark.parametrize("value", MALFORMED)
def test_9_1_a_header_that_breaks_the_grammar_is_refused_with_400(serving, value, compression):
    running = serving(echo, compression=compression)
    client = running.connect()
    client.send(request("/", extensions_line(value)))
    status, headers = client.receive_head()
    assert (status, "sec-websocket-extensions" in headers) == (400, False)
    assert "§9.1" in client.file.read().decode()


@pytest.mark.parametrize("compression", ["gzip", True, 15, {}])
def test_compression_that_does_not_exist_is_refused_with_the_right_ones(compression):
    with pytest.raises(TypeError, match="'deflate' or DeflateSettings"):
        serve(echo, "127.0.0.1", 0, compression=compression)


@pytest.mark.parametrize("wanted, answered", [("/with", OFFER), ("/without", None)])
def test_5_process_request_may_decide_for_its_connection(serving, wanted, answered):
    def decide(connection, request):
        connection.compression = DeflateSettings(None, None) if request.path == "/with" else None

    client = serving(echo, compression="deflate", process_request=decide).connect()
    client.send(request(wanted, extensions_line(OFFER)))
    status, headers = client.receive_head()
    assert (status, headers.get("sec-websocket-extensions")) == (101, answered)


# Messages both ways (§6)


@pytest.mark.rfc("7692-5-21", "7692-6.1-01", "7692-6.1-06", "7692-6.2-01", "7692-6.2-02")
@pytest.mark.parametrize("server_takeover", [True, False])
@pytest.mark.parametrize("client_takeover", [True, False])
def test_6_messages_are_compressed_both_ways_whatever_the_context_takeover(
    echoing, server_takeover, client_takeover
):
    parts = [OFFER]
    parts += [] if server_takeover else ["server_no_context_takeover"]
    parts += [] if client_takeover else ["client_no_context_takeover"]
    client = echoing("; ".join(parts))
    assert answer_of(client) == (OFFER, dict.fromkeys(parts[1:]))
    out, back = Zlib(client_takeover), Zlib(server_takeover)
    for opcode in (TEXT, BINARY, TEXT):
        for data in (b"a", RULES.encode(), "€ßü".encode() * 500, b"a" * 70_000):
            client.send(compressed(opcode, out.deflate(data)))
            assert receive_message(client, back) == (opcode, data, True)
    client.finish()


@pytest.mark.rfc("7692-5-04", "7692-7.1.1.1-03", "7692-7.2.1-13")
def test_7_1_1_1_with_server_no_context_takeover_equal_messages_are_equal_frames(echoing):
    client = echoing("permessage-deflate; server_no_context_takeover")
    client.send(frame(TEXT, RULES.encode()) * 2)
    assert client.receive() == client.receive()


@pytest.mark.rfc("7692-7.2.1-14")
def test_7_2_1_otherwise_the_second_equal_message_is_shorter(echoing):
    client = echoing()
    client.send(frame(TEXT, RULES.encode()) * 2)
    (first, _), (second, _) = client.receive(), client.receive()
    assert second.length < first.length / 2


@pytest.mark.rfc("7692-5-04", "7692-7.1.2.1-04", "7692-7.2.1-17")
@pytest.mark.parametrize("bits, reaches_back", [(15, True), (10, True), (9, False), (8, False)])
def test_7_1_2_1_the_server_looks_no_further_back_than_was_agreed(echoing, bits, reaches_back):
    client = echoing(f"permessage-deflate; server_max_window_bits={bits}")
    client.send_frame(BINARY, NOISE[:600] * 2)
    header, payload = client.receive()
    assert Zlib().inflate(payload) == NOISE[:600] * 2
    assert (header.length < 700) is reaches_back


@pytest.mark.rfc("7692-6.1-03", "7692-6-02")
@pytest.mark.parametrize("threshold", [1, 2, 64, 126])
@pytest.mark.parametrize("kind", [TEXT, BINARY])
def test_6_1_messages_below_the_threshold_stay_plain(echoing, threshold, kind):
    client, codec = echoing(compression=DeflateSettings(threshold=threshold)), Zlib()
    for length in (threshold - 1, threshold, threshold - 1, threshold + 1):
        client.send_frame(kind, b"a" * length)
        assert receive_message(client, codec) == (kind, b"a" * length, length >= threshold)


@pytest.mark.rfc("7692-6.1-03")
def test_6_1_the_threshold_counts_bytes_not_characters(echoing):
    client = echoing(compression=DeflateSettings(threshold=6))
    client.send_frame(TEXT, "€€".encode())
    assert receive_message(client, Zlib()) == (TEXT, "€€".encode(), True)


@pytest.mark.rfc("7692-6.1-02", "7692-9.2-01", "7692-7.2.1-01", "7692-7.2.1-02", "7692-7.2.1-03")
def test_7_2_3_1_hello_is_sent_as_in_the_rfc(compressing):
    connection, peer, _ = compressing()
    connection.send("Hello")
    assert peer.read(9) == bytes.fromhex("c1 07 f2 48 cd c9 c9 07 00")
    connection.send("Hello")
    assert peer.read(7) == bytes.fromhex("c1 05 f2 00 11 00 00")
    connection.send(b"")
    assert peer.read(3) == bytes.fromhex("c2 01 00")
    peer.expect_silence()


@pytest.mark.rfc("7692-6.1-02", "7692-9.2-01", "7692-7.2.3.3-01")
def test_7_2_3_3_rsv1_is_1_though_deflate_made_the_message_longer(echoing):
    client = echoing()
    client.send_frame(BINARY, NOISE[:1000])
    header, payload = client.receive()
    assert header == Header(1, RSV1, BINARY, 0, len(payload))
    assert len(payload) > 1000 and Zlib().inflate(payload) == NOISE[:1000]


EXAMPLES = {
    "7.2.3.1": compressed(TEXT, HELLO),
    "7.2.3.1-fragments": compressed(TEXT, HELLO[:3], fin=0) + frame(CONT, HELLO[3:]),
    "7.2.3.2": compressed(TEXT, HELLO) + compressed(TEXT, HELLO_AGAIN),
    "7.2.3.3": compressed(TEXT, STORED_HELLO),
    "7.2.3.4": compressed(TEXT, FINAL_HELLO),
    "7.2.3.5": compressed(TEXT, TWO_BLOCKS_HELLO),
    "7.2.3.6": compressed(TEXT, EMPTY),
}
IDS_OF_EXAMPLES = {
    "7.2.3.1": ("7692-6.2-01",),
    "7.2.3.1-fragments": ("7692-7.2.1-08",),
    "7.2.3.2": ("7692-7.2.2-06",),
    "7.2.3.3": ("7692-7.2.1-05", "7692-7.2.3.3-01"),
    "7.2.3.4": ("7692-7.2.1-06", "7692-7.2.3.4-01"),
    "7.2.3.5": ("7692-7.2.1-04",),
    "7.2.3.6": ("7692-7.2.3.6-01",),
}


@pytest.mark.rfc("7692-7.2.2-01", "7692-6.2-02")
@pytest.mark.parametrize("at_once", [True, False], ids=["whole", "byte-by-byte"])
@pytest.mark.parametrize(
    "example",
    [pytest.param(name, marks=pytest.mark.rfc(*ids)) for name, ids in IDS_OF_EXAMPLES.items()],
)
def test_7_2_3_the_examples_of_the_rfc_are_understood(compressing, example, at_once):
    connection, peer, _ = compressing()
    (peer.send if at_once else peer.send_byte_by_byte)(EXAMPLES[example])
    messages = {"7.2.3.2": ["Hello", "Hello"], "7.2.3.6": [""]}.get(example, ["Hello"])
    assert [connection.recv() for _ in messages] == messages
    peer.send_frame(TEXT, b"plain")
    assert connection.recv() == "plain"


@pytest.mark.rfc("7692-7.1.1.2-05", "7692-7.2.2-06")
def test_7_1_1_2_without_client_no_context_takeover_the_client_may_refer_to_its_last_message(
    echoing,
):
    client, codec = echoing("permessage-deflate; server_no_context_takeover"), Zlib(takeover=False)
    assert answer_of(client) == (OFFER, {"server_no_context_takeover": None})
    client.send(
        compressed(TEXT, HELLO), compressed(TEXT, HELLO_AGAIN), compressed(BINARY, HELLO_AGAIN)
    )
    messages = [receive_message(client, codec) for _ in range(3)]
    assert messages == [(TEXT, b"Hello", True), (TEXT, b"Hello", True), (BINARY, b"Hello", True)]


@pytest.mark.rfc("7692-7.2.1-06", "7692-7.2.3.4-01")
def test_7_2_3_4_after_a_block_with_bfinal_the_context_goes_on_in_the_same_message_and_the_next(
    compressing,
):
    connection, peer, _ = compressing()
    peer.send(compressed(TEXT, FINAL_HELLO), compressed(TEXT, HELLO_AGAIN))
    peer.send(
        compressed(BINARY, FINAL_HELLO[:-1] + HELLO_AGAIN),
        frame(TEXT, b"plain"),
        compressed(TEXT, HELLO_AGAIN),
    )
    assert [connection.recv() for _ in range(5)] == [
        "Hello",
        "Hello",
        b"HelloHello",
        "plain",
        "Hello",
    ]


@pytest.mark.rfc("7692-7.2.3.6-01")
@pytest.mark.parametrize(
    "empty",
    [
        compressed(TEXT, EMPTY),
        compressed(TEXT, b""),
        compressed(TEXT, b"", fin=0) + frame(CONT, EMPTY),
        compressed(TEXT, b"", fin=0) + frame(CONT),
        compressed(TEXT, EMPTY, fin=0) + frame(CONT),
        compressed(TEXT, EMPTY + TAIL, fin=0) + frame(CONT, EMPTY),
    ],
)
def test_7_2_3_6_empty_messages_are_messages_and_leave_the_context_alone(compressing, empty):
    connection, peer, _ = compressing()
    peer.send(empty, compressed(TEXT, HELLO), empty, empty, compressed(TEXT, HELLO_AGAIN))
    assert [connection.recv() for _ in range(5)] == ["", "Hello", "", "", "Hello"]


@pytest.mark.rfc("7692-6-02", "7692-6-04", "7692-6.2-03", "7692-7.2.3.2-01")
def test_7_2_3_2_plain_messages_between_compressed_ones_leave_the_context_alone(
    compressing,
):
    connection, peer, _ = compressing()
    peer.send(
        frame(TEXT, b"first"),
        compressed(TEXT, HELLO),
        frame(BINARY, HELLO),
        frame(BINARY, b"fragment", fin=0) + frame(CONT, HELLO_AGAIN),
        frame(TEXT),
        compressed(TEXT, HELLO_AGAIN),
    )
    messages = [connection.recv() for _ in range(6)]
    assert messages == ["first", "Hello", HELLO, b"fragment" + HELLO_AGAIN, "", "Hello"]


@pytest.mark.rfc("7692-6-02", "7692-6.1-03", "7692-7.2.3.2-01")
def test_7_2_3_2_plain_messages_that_are_sent_between_compressed_ones_do_not_enter_the_context(
    compressing,
):
    connection, peer, codec = compressing(deflate=DeflateSettings(threshold=200))
    long, short = RULES * 2, RULES[:199]
    for message in (long, short, short, long, short, long):
        connection.send(message)
        assert receive_message(peer, codec) == (TEXT, message.encode(), message is long)


# Control frames (§6, §6.1)


@pytest.mark.rfc("7692-6-01", "7692-6.1-04", "7692-6-03")
def test_6_control_frames_between_compressed_fragments_are_answered_and_stay_plain(compressing):
    connection, peer, codec = compressing()
    payload, ping = codec.deflate(RULES.encode()), b"a" * 125
    half = len(payload) // 2
    peer.send(compressed(TEXT, payload[:half], fin=0), frame(PING, ping), frame(PONG, ping))
    peer.send(frame(CONT, payload[half:-1], fin=0), frame(PING), frame(CONT, payload[-1:]))
    assert connection.recv() == RULES
    peer.expect(PONG, ping)
    peer.expect(PONG, b"")


@pytest.mark.rfc("7692-6-01", "7692-6.1-04")
def test_6_ping_pong_and_close_are_sent_plain_on_a_compressed_connection(compressing):
    connection, peer, _ = compressing()
    payload = b"a" * 125
    connection.ping(payload)
    connection.pong(payload)
    peer.expect(PING, payload)
    peer.expect(PONG, payload)
    peer.send_frame(CLOSE, close_body(1000))
    peer.half_close()
    connection.close(1000, "a" * 123)
    peer.expect_close(1000, "a" * 123)
    peer.expect_end()


@pytest.mark.rfc("7692-6-01", "7692-6.1-04")
def test_6_a_ping_between_the_fragments_that_are_sent_is_plain(compressing):
    connection, peer, codec = compressing()

    def fragments():
        yield RULES
        connection.ping(b"a" * 125)
        yield RULES

    connection.send(fragments())
    first, start = peer.receive()
    peer.expect(PING, b"a" * 125)
    second, middle = peer.receive()
    third, end = peer.receive()
    assert [(header.opcode, header.rsv) for header in (first, second, third)] == [
        (TEXT, RSV1),
        (CONT, 0),
        (CONT, 0),
    ]
    assert codec.inflate(start + middle + end) == RULES.encode() * 2


IN_MESSAGES = {
    "in a compressed message": compressed(TEXT, HELLO[:3], fin=0),
    "in a plain message": frame(TEXT, b"Hel", fin=0),
}
CONTROL_FRAMES = {"ping": (PING, b"a"), "pong": (PONG, b""), "close": (CLOSE, close_body(1000))}


@pytest.mark.rfc("7692-6.1-05", "7692-9.2-01")
@pytest.mark.parametrize("before", [b"", *IN_MESSAGES.values()], ids=["alone", *IN_MESSAGES])
@pytest.mark.parametrize("opcode, payload", CONTROL_FRAMES.values(), ids=CONTROL_FRAMES)
def test_6_1_rsv1_on_a_control_frame_fails_with_1002(echoing, before, opcode, payload):
    client = echoing()
    client.send(before, frame(opcode, payload, rsv=RSV1))
    expect_failure(client, 1002)


@pytest.mark.rfc("7692-6.1-05", "7692-9.2-01")
@pytest.mark.parametrize("fin", [0, 1])
@pytest.mark.parametrize("before", [b"", *IN_MESSAGES.values()], ids=["alone", *IN_MESSAGES])
def test_6_1_rsv1_on_a_continuation_frame_fails_with_1002(echoing, before, fin):
    client = echoing()
    client.send(before, frame(CONT, HELLO[3:], rsv=RSV1, fin=fin))
    expect_failure(client, 1002)


@pytest.mark.rfc("7692-6.1-05")
def test_6_1_the_reason_names_section_6_1(echoing):
    client = echoing()
    client.send(compressed(TEXT, HELLO[:3], fin=0), frame(CONT, HELLO[3:], rsv=RSV1))
    assert "RFC 7692 §6.1" in expect_failure(client, 1002)


@pytest.mark.parametrize("rsv", [1, 2, 5, 6, 7])
def test_5_2_the_other_rsv_bits_still_fail_with_1002(echoing, rsv):
    client = echoing()
    client.send_frame(TEXT, HELLO, rsv=rsv)
    expect_failure(client, 1002)


# Payloads that are not what they should be (§6.1, §7.2.2)


@pytest.mark.rfc("7692-6.1-07", "7692-6-03")
@pytest.mark.parametrize("size", [1, 2, 7, 10_000])
def test_6_1_utf_8_is_judged_after_inflating_wherever_the_payload_is_cut(compressing, size):
    connection, peer, codec = compressing(max_fragments=None)
    message = "".join(map(chr, range(0x20, 0x3000, 25))) + "\U0001f600"
    payload = codec.deflate(message.encode())
    with pytest.raises(UnicodeDecodeError):
        payload.decode()
    peer.send(compressed_frames(TEXT, payload, size))
    assert connection.recv() == message


BAD_TEXTS = {
    "first byte": b"\xff" + b"a" * 300,
    "last byte": b"a" * 300 + b"\xff",
    "broken off": b"a" * 300 + "€".encode()[:2],
    "surrogate": b"\xed\xa0\x80",
    "overlong": b"\xc0\xaf",
    "after 64 KiB": b"a" * 70_000 + b"\xff" + b"a" * 70_000,
    "broken off at 64 KiB": b"a" * 65_535 + b"\xe2",
}


@pytest.mark.rfc("7692-6.1-07")
@pytest.mark.parametrize("size", [2, MIB], ids=["fragments", "one frame"])
@pytest.mark.parametrize("data", BAD_TEXTS.values(), ids=BAD_TEXTS)
def test_6_1_text_that_inflates_to_anything_but_utf_8_fails_with_1007(echoing, data, size):
    client, codec = echoing(), Zlib()
    client.send(compressed(BINARY, codec.deflate(data)))
    assert receive_message(client, codec) == (BINARY, data, True)
    payload = codec.deflate(data)
    client.send(compressed_frames(TEXT, payload, size) if size == 2 else compressed(TEXT, payload))
    assert "§8.1" in expect_failure(client, 1007)


@pytest.mark.rfc("7692-6.1-07")
def test_6_1_text_fails_at_its_first_bad_byte_while_its_frame_is_still_on_the_way(echoing):
    client = echoing()
    deflater = zlib.compressobj(wbits=-15)
    start = deflater.compress(b"good \xff") + deflater.flush(zlib.Z_SYNC_FLUSH)
    client.send(compressed(TEXT, start, length=len(start) + 1000))
    expect_failure(client, 1007)


GARBAGE = {
    "reserved block type": b"\x07" + b"a" * 20,
    "stored length": b"\x00\x05\x00\x00\x00Hello\x00",
    "no table": b"\xff" * 30,
    "distance": HELLO_AGAIN,
    "text": RULES.encode(),
    "breaks off": HELLO[:-2],
    "BFINAL without its 00": FINAL_HELLO[:-1],
}


@pytest.mark.rfc("7692-7.2.2-02")
@pytest.mark.parametrize("opcode", [TEXT, BINARY])
@pytest.mark.parametrize("cut", [False, True], ids=["one frame", "fragments"])
@pytest.mark.parametrize("payload", GARBAGE.values(), ids=GARBAGE)
def test_7_2_2_garbage_fails_with_1007_and_the_server_goes_on(serving, payload, cut, opcode):
    running = serving(echo, compression=EVERY_MESSAGE)
    client, other = (running.open("/", extensions_line(OFFER)) for _ in range(2))
    client.send(compressed_frames(opcode, payload, 3) if cut else compressed(opcode, payload))
    assert "RFC 7692 §7.2.2" in expect_failure(client, 1007)
    other.send(compressed(TEXT, HELLO))
    assert receive_message(other, Zlib()) == (TEXT, b"Hello", True)


@pytest.mark.rfc("7692-7.2.2-02")
def test_7_2_2_without_context_takeover_a_reference_to_the_message_before_fails_with_1007(echoing):
    client = echoing(BOTH_TAKEOVERS_OFF)
    client.send(compressed(TEXT, HELLO), compressed(TEXT, HELLO), compressed(TEXT, HELLO_AGAIN))
    for _ in range(2):
        assert receive_message(client, Zlib(takeover=False)) == (TEXT, b"Hello", True)
    expect_failure(client, 1007)


# Limits (RFC 6455 §10.4): they count what a message inflates to

LIMIT = 100 * KIB
CONTENTS = {
    "zeros": bytes(LIMIT + 1),
    "noise": NOISE[: LIMIT + 1],
    "text": (b"abc " * LIMIT)[: LIMIT + 1],
}


@pytest.mark.parametrize("size", [None, 5000], ids=["one frame", "fragments"])
@pytest.mark.parametrize("data", CONTENTS.values(), ids=CONTENTS)
def test_10_4_the_exact_limit_passes_message_after_message_and_one_byte_more_fails_with_1009(
    echoing, data, size
):
    client, codec = echoing(max_size=LIMIT), Zlib()

    def send(message):
        payload = codec.deflate(message)
        client.send(
            compressed_frames(BINARY, payload, size) if size else compressed(BINARY, payload)
        )
        return payload

    for message in (data[:LIMIT], data[:LIMIT]):
        payload = send(message)
        assert receive_message(client, codec) == (BINARY, message, True)
    assert (len(payload) > LIMIT) is (data == CONTENTS["noise"])
    client.send_frame(BINARY, data[:LIMIT])
    assert receive_message(client, codec) == (BINARY, data[:LIMIT], True)
    send(data)
    assert "§10.4" in expect_failure(client, 1009)


@pytest.mark.parametrize("opcode", [TEXT, BINARY])
def test_10_4_plain_messages_of_a_compressed_connection_keep_to_the_limit_too(echoing, opcode):
    client, codec = echoing(max_size=LIMIT), Zlib()
    client.send(frame(opcode, b"a" * (LIMIT - 1), fin=0), frame(CONT, b"a"))
    assert receive_message(client, codec) == (opcode, b"a" * LIMIT, True)
    client.send(frame(opcode, b"a" * LIMIT, fin=0), frame(CONT, b"a"))
    expect_failure(client, 1009)


def test_10_4_fragments_of_a_compressed_message_are_counted(echoing):
    client, codec = echoing(max_fragments=3), Zlib()
    client.send(
        compressed(TEXT, HELLO[:1], fin=0), frame(CONT, HELLO[1:2], fin=0), frame(CONT, HELLO[2:])
    )
    assert receive_message(client, codec) == (TEXT, b"Hello", True)
    client.send(compressed(TEXT, b"", fin=0), frame(CONT, b"", fin=0) * 3)
    expect_failure(client, 1008)


BOMB_BYTES = 50_000_000


def bomb():
    """What BOMB_BYTES of zeros deflate to, in 50 equal parts, as Z_FULL_FLUSH forgets the window.

    Noise goes before, so that the bomb itself does not come in the small pieces that a read buffer
    holds.
    """
    deflater = zlib.compressobj(9, zlib.DEFLATED, -15)
    start = deflater.compress(NOISE[: 32 * KIB].hex().encode()) + deflater.flush(zlib.Z_FULL_FLUSH)
    part = deflater.compress(bytes(BOMB_BYTES // 50)) + deflater.flush(zlib.Z_FULL_FLUSH)
    assert len(part) * 50 < BOMB_BYTES / 500
    return start + (part * 50).removesuffix(TAIL)


def memory(process, field):
    """KiB, of a field of /proc/PID/status."""
    lines = Path(f"/proc/{process.pid}/status").read_text().splitlines()
    return next(int(line.split()[1]) for line in lines if line.startswith(f"{field}:"))


def open_compressed(address):
    client = Wire.connect(address)
    client.send(request("/echo", extensions_line(OFFER)))
    status, client.headers = client.receive_head()
    assert (status, answer_of(client)[0]) == (101, OFFER)
    return closing(client)


@pytest.mark.rfc("6455-10.4-01")
@pytest.mark.skipif(
    not os.path.exists("/proc/self/status"),
    reason="this system has no /proc to read the memory from",
)
def test_10_4_bombs_of_50_mb_fail_with_1009_and_cost_less_than_8_mib():
    payload = bomb()
    with program_running("--port", "0", "--deflate", "--max-message-size", str(MIB)) as process:
        address = printed_address(process)
        with open_compressed(address) as client:
            client.send(compressed(TEXT, Zlib().deflate(RULES.encode())))
            assert receive_message(client, Zlib()) == (TEXT, RULES.encode(), True)
            before = memory(process, "VmRSS")
        for attack in (
            compressed(BINARY, payload),
            compressed(TEXT, payload),
            compressed_frames(BINARY, payload, 1000),
        ):
            with open_compressed(address) as client:
                client.send(attack)
                assert "§10.4" in expect_failure(client, 1009)
        assert memory(process, "VmHWM") - before < 8 * KIB
        with open_compressed(address) as client:
            client.send(compressed(TEXT, Zlib().deflate(RULES.encode())))
            assert receive_message(client, Zlib()) == (TEXT, RULES.encode(), True)


# recv_streaming and recv(timeout) where a small piece of payload inflates to many pieces


@pytest.mark.parametrize(
    "opcode, data", [(BINARY, ZEROS), (TEXT, "€".encode() * 100_000)], ids=["binary", "text"]
)
def test_recv_streaming_gives_what_a_small_frame_inflates_to_in_small_pieces(
    compressing, opcode, data
):
    connection, peer, codec = compressing()
    peer.send(compressed(opcode, codec.deflate(data)), compressed(TEXT, codec.deflate(b"next")))
    parts = [part.encode() if opcode == TEXT else part for part in connection.recv_streaming()]
    assert b"".join(parts) == data
    assert max(map(len, parts)) <= MAX_CHUNK + 3
    assert connection.recv() == "next"


def test_recv_streaming_gives_each_fragment_as_it_comes(compressing):
    connection, peer, codec = compressing()
    fragments = [codec.deflate(text.encode()) + TAIL for text in ("one", "two", "three")]
    stream = connection.recv_streaming()
    peer.send(compressed(TEXT, fragments[0], fin=0))
    assert next(stream) == "one"
    peer.send(frame(CONT, fragments[1], fin=0), frame(PING))
    assert next(stream) == "two"
    peer.send(frame(CONT, fragments[2].removesuffix(TAIL)))
    assert "".join(stream) == "three"
    peer.expect(PONG)


def test_recv_streaming_gives_what_has_come_of_a_frame(compressing):
    connection, peer, codec = compressing()
    start, end = codec.deflate(ZEROS) + TAIL, codec.deflate(b"end")
    wire = compressed(BINARY, start + end)
    peer.send(wire[: -len(end)])
    stream, received = connection.recv_streaming(), b""
    for _ in pieces(ZEROS, MAX_CHUNK):
        received += next(stream)
    assert received == ZEROS
    peer.send(wire[-len(end) :])
    assert b"".join(stream) == b"end"


def test_a_stream_left_with_output_pending_is_dropped_and_its_context_kept(compressing):
    connection, peer, codec = compressing()
    peer.send(
        *(
            compressed(BINARY, codec.deflate(data))
            for data in (NOISE[:30_000], ZEROS + b"tail", b"tail" * 9)
        )
    )
    assert connection.recv() == NOISE[:30_000]
    assert len(next(connection.recv_streaming())) == MAX_CHUNK
    assert connection.recv() == b"tail" * 9


def test_close_drops_a_message_with_output_pending(compressing):
    connection, peer, codec = compressing()
    peer.send(compressed(BINARY, codec.deflate(ZEROS)), compressed(TEXT, codec.deflate(b"more")))
    peer.send_frame(CLOSE, close_body(1000))
    peer.half_close()
    assert len(next(connection.recv_streaming())) == MAX_CHUNK
    connection.close()
    peer.expect_close(1000)
    peer.expect_end()
    assert connection.close_code == 1000


@pytest.mark.parametrize("size", [None, 50], ids=["one frame", "fragments"])
def test_recv_with_a_timeout_takes_all_that_a_message_inflates_to(compressing, size):
    connection, peer, codec = compressing()
    payload = codec.deflate(ZEROS)
    peer.send(compressed_frames(BINARY, payload, size) if size else compressed(BINARY, payload))
    assert connection.recv(timeout=5) == ZEROS


@pytest.mark.parametrize("cut", [0, 8, 9, 150, -1])
@pytest.mark.parametrize("finish", ["recv", "recv_streaming"])
def test_recv_keeps_what_has_inflated_before_its_timeout_for_the_next_call(
    compressing, cut, finish
):
    connection, peer, codec = compressing()
    wire = compressed(BINARY, codec.deflate(ZEROS))
    peer.send(wire[:cut])
    with pytest.raises(TimeoutError):
        connection.recv(timeout=0.01)
    peer.send(wire[cut:], compressed(TEXT, codec.deflate(b"next")))
    assert (
        connection.recv(timeout=5) if finish == "recv" else b"".join(connection.recv_streaming())
    ) == ZEROS
    assert connection.recv(timeout=5) == "next"


@pytest.mark.rfc("7692-6.1-07")
@pytest.mark.parametrize("timeout", [None, IN_TIME])
@pytest.mark.parametrize(
    "data, code",
    [(b"a" * 70_000 + b"\xff", 1007), (b"a" * (LIMIT + 1), 1009)],
    ids=["bad text", "too much"],
)
def test_recv_fails_for_output_that_is_pending_without_waiting_for_more_input(
    compressing, short_linger, data, code, timeout
):
    connection, peer, codec = compressing(max_size=LIMIT)
    payload = codec.deflate(data) + TAIL
    peer.send(compressed(TEXT, payload, length=len(payload) + 100))
    with pytest.raises(ConnectionClosedError):
        connection.recv(timeout)
    peer.expect_close(code)


# Sending (§6.1, §7.2.1)


@pytest.mark.rfc(
    "7692-6.1-02", "7692-6.1-04", "7692-6.1-06", "7692-7.2.1-09", "7692-7.2.3.6-01", "7692-9.2-01"
)
@pytest.mark.parametrize("takeover", [True, False])
@pytest.mark.parametrize(
    "opcode, fragments",
    [(TEXT, [RULES, "", "€", RULES]), (BINARY, [RULES.encode(), b"x"]), (BINARY, [b""])],
)
def test_6_1_fragments_share_one_context_and_only_the_first_frame_has_rsv1(
    compressing, opcode, fragments, takeover
):
    connection, peer, _ = compressing(Parameters(server_no_context_takeover=not takeover))
    codec = Zlib(takeover)
    lengths = []
    for _ in range(2):
        connection.send(iter(fragments))
        frames = [peer.receive() for _ in (*fragments, "the last")]
        bits = [(header.opcode, header.rsv, header.fin) for header, _ in frames]
        assert bits == [(opcode, RSV1, 0)] + [(CONT, 0, 0)] * (len(fragments) - 1) + [(CONT, 0, 1)]
        payloads = [payload for _, payload in frames]
        assert payloads[-1] == EMPTY and all(payload.endswith(TAIL) for payload in payloads[:-1])
        whole = b"".join(part.encode() if isinstance(part, str) else part for part in fragments)
        assert codec.inflate(b"".join(payloads)) == whole
        lengths.append([len(payload) for payload in payloads])
    if fragments[0] == RULES:
        assert lengths[0][-2] < lengths[0][0] / 2
        assert (lengths[1][0] < lengths[0][0] / 2) is takeover
    peer.expect_silence()


@pytest.mark.rfc("7692-7.2.1-09")
def test_7_2_1_each_fragment_can_be_inflated_before_the_next_is_made(compressing):
    connection, peer, codec = compressing()
    seen = []

    def fragments():
        for text in ("one", "two", "three"):
            yield text
            seen.append(codec.inflater.decompress(peer.receive()[1]))

    connection.send(fragments())
    assert seen == [b"one", b"two", b"three"]


def test_6_1_fragments_that_break_off_before_the_first_leave_the_context_alone(compressing):
    connection, peer, codec = compressing()
    connection.send("Hello")
    assert receive_message(peer, codec) == (TEXT, b"Hello", True)
    with pytest.raises(TypeError):
        connection.send([1])
    connection.send(iter(()))
    connection.send("Hello")
    assert peer.read(7) == compressed(TEXT, HELLO_AGAIN, masked=0)


def test_6_1_fragments_that_break_off_later_end_the_connection_with_1011(compressing):
    connection, peer, codec = compressing()
    with pytest.raises(TypeError):
        connection.send([RULES, b"not text"])
    header, payload = peer.receive()
    assert (header.opcode, header.rsv, header.fin) == (TEXT, RSV1, 0)
    assert codec.inflater.decompress(payload) == RULES.encode()
    peer.expect_close(1011)


SENDERS, MESSAGES_OF_EACH = 6, 30


def message_of(sender, number):
    """Some below the threshold, some above, some in fragments."""
    text = f"{sender} {number} " + "the same again " * (number % 7)
    return [text, f"{sender} {number} second fragment"] if number % 5 == 0 else text


@pytest.mark.rfc("7692-6.1-01", "7692-6.1-04", "7692-7.2.3.2-01", "6455-5.4-08")
@pytest.mark.parametrize("takeover", [True, False])
def test_6_1_what_many_threads_send_can_be_inflated_message_by_message(
    background, compressing, takeover
):
    parameters = Parameters(server_no_context_takeover=not takeover)
    connection, peer, _ = compressing(parameters, DeflateSettings(None, None, threshold=30))
    codec, start = Zlib(takeover), threading.Barrier(SENDERS)

    def send_all(sender):
        start.wait(5)
        for number in range(MESSAGES_OF_EACH):
            connection.send(message_of(sender, number))

    interval = sys.getswitchinterval()
    sys.setswitchinterval(1e-5)
    try:
        senders = [background(send_all, sender) for sender in range(SENDERS)]
        received = [receive_message(peer, codec) for _ in range(SENDERS * MESSAGES_OF_EACH)]
        for sender in senders:
            sender.result()
    finally:
        sys.setswitchinterval(interval)
    peer.expect_silence()
    texts = [data.decode() for _, data, _ in received]
    for sender in range(SENDERS):
        mine = [text for text in texts if text.startswith(f"{sender} ")]
        assert mine == ["".join(message_of(sender, number)) for number in range(MESSAGES_OF_EACH)]
    assert {was_compressed for _, _, was_compressed in received} == {True, False}
