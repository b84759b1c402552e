"""RFC 6455 §5.6: text as bytes and bytes as text, where a program asks for the other kind."""

import pytest

from refws import ConnectionClosed
from wire import BINARY, CONT, TEXT, frame

pytestmark = pytest.mark.transport("tcp", reason="what carries the bytes does not matter")

EURO = "€".encode()


@pytest.mark.rfc("6455-5.6-01")
@pytest.mark.parametrize(
    "opcode, decode, message",
    [
        (TEXT, None, "a€"),
        (TEXT, True, "a€"),
        (TEXT, False, b"a" + EURO),
        (BINARY, None, b"a" + EURO),
        (BINARY, False, b"a" + EURO),
        (BINARY, True, "a€"),
    ],
)
@pytest.mark.parametrize("timeout", [None, 5])
def test_5_6_recv_gives_the_kind_that_is_asked_for(opened, opcode, decode, message, timeout):
    connection, peer = opened()
    peer.send_frame(opcode, b"a" + EURO)
    assert connection.recv(timeout, decode) == message


def test_5_6_bytes_that_are_no_text_are_no_error_of_the_peer(opened):
    connection, peer = opened()
    peer.send(frame(BINARY, b"\xff"), frame(BINARY, b"next"))
    with pytest.raises(UnicodeDecodeError):
        connection.recv(decode=True)
    assert connection.recv(decode=True) == "next"


@pytest.mark.rfc("6455-5.6-02")
@pytest.mark.parametrize(
    "opcode, decode, whole",
    [(TEXT, False, b"a" + EURO), (BINARY, True, "a€"), (BINARY, False, b"a" + EURO)],
)
def test_5_6_chunks_have_the_kind_that_is_asked_for(opened, opcode, decode, whole):
    connection, peer = opened()
    peer.send(
        frame(opcode, b"a" + EURO[:1], fin=0),
        frame(CONT, EURO[1:2], fin=0),
        frame(CONT, EURO[2:]),
    )
    chunks = list(connection.recv_streaming(decode=decode))
    assert {type(chunk) for chunk in chunks} == {type(whole)}
    assert type(whole)().join(chunks) == whole


def test_5_6_chunks_of_bytes_that_end_inside_a_character_are_no_text(opened):
    connection, peer = opened()
    peer.send(frame(BINARY, b"a" + EURO[:2]), frame(TEXT, b"next"))
    with pytest.raises(UnicodeDecodeError):
        list(connection.recv_streaming(decode=True))
    assert connection.recv() == "next"


@pytest.mark.rfc("6455-5.6-01", "6455-5.6-03")
@pytest.mark.parametrize(
    "message, text, opcode",
    [
        ("a€", None, TEXT),
        ("a€", True, TEXT),
        ("a€", False, BINARY),
        (b"a" + EURO, None, BINARY),
        (b"a" + EURO, False, BINARY),
        (b"a" + EURO, True, TEXT),
        (bytearray(b"a" + EURO), True, TEXT),
        (memoryview(b"a" + EURO), True, TEXT),
    ],
)
def test_5_6_send_sends_the_kind_that_is_asked_for(opened, message, text, opcode):
    connection, peer = opened()
    connection.send(message, text)
    peer.expect(opcode, b"a" + EURO)


@pytest.mark.parametrize(
    "fragments, text, opcode", [(["a", "€"], False, BINARY), ([b"a", EURO], True, TEXT)]
)
def test_5_6_fragments_have_the_kind_that_is_asked_for(opened, fragments, text, opcode):
    connection, peer = opened()
    connection.send(iter(fragments), text=text)
    peer.expect(opcode, b"a", fin=0)
    peer.expect(CONT, EURO, fin=0)
    peer.expect(CONT, b"")


@pytest.mark.rfc("6455-5.6-03")
def test_8_1_bytes_that_are_no_utf_8_are_not_sent_as_text(opened):
    connection, peer = opened()
    with pytest.raises(UnicodeDecodeError):
        connection.send(b"\xff", text=True)
    connection.send("next")
    peer.expect(TEXT, b"next")
    with pytest.raises(UnicodeDecodeError):
        connection.send([b"a", EURO[:1]], text=True)
    peer.expect(TEXT, b"a", fin=0)
    peer.expect_close(1011, "§5.4: a fragmented message broke off")


@pytest.mark.parametrize("text", [None, True, False])
@pytest.mark.parametrize("message", [{"a": 1}, 3, None])
def test_what_is_no_message_is_refused_before_anything_is_sent(opened, message, text):
    connection, peer = opened()
    with pytest.raises(TypeError, match=f"{type(message).__name__} is no message; make it a str"):
        connection.send(message, text)
    connection.send("next")
    peer.expect(TEXT, b"next")


def test_a_closed_connection_says_so_whatever_kind_is_asked_for(opened):
    connection, peer = opened()
    peer.half_close()
    for receive in (
        lambda: connection.recv(decode=False),
        lambda: list(connection.recv_streaming(decode=True)),
        lambda: connection.send(b"a", text=True),
    ):
        with pytest.raises(ConnectionClosed):
            receive()
