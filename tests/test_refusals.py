"""The tables of refws/protocol/README.md are true: each example is refused with its section."""

import io
import re
from pathlib import Path

import pytest

from refws import ConnectionClosedError
from refws.protocol.client.handshake import build_request, check_response
from refws.protocol.client.response import read_response
from refws.protocol.client.uri import InvalidURI, parse_uri
from refws.protocol.errors import HandshakeError
from refws.protocol.handshake import negotiate
from refws.protocol.heads import read_request
from refws.protocol.plain import check_plain_request
from wire import CLOSE, SAMPLE_ACCEPT, SAMPLE_KEY

TEXT = (Path(__file__).resolve().parent.parent / "refws/protocol/README.md").read_text("utf-8")

ROW = re.compile(r"^\| (.+?) \| `(.+?)` \| (.+?) \| (.+) \|$", re.MULTILINE)

LINES = {
    "Host": "a",
    "Upgrade": "websocket",
    "Connection": "Upgrade",
    "Sec-WebSocket-Key": SAMPLE_KEY,
    "Sec-WebSocket-Version": "13",
}

ANSWER = {
    "Upgrade": "websocket",
    "Connection": "Upgrade",
    "Sec-WebSocket-Accept": SAMPLE_ACCEPT,
}


def rows_of(heading):
    """(what, example, section) of each row of the table under this heading."""
    part = TEXT.partition(f"## {heading}\n")[2].partition("\n## ")[0]
    rows = [(what, example, section) for what, example, section, _ in ROW.findall(part)]
    assert len(rows) == part.count("\n| ") - 2, "a row that is read in another way"
    return [pytest.param(*row, id=row[0]) for row in rows]


def unescape(example):
    return example.encode("latin-1").decode("unicode_escape").encode("latin-1")


def head_with(start, lines, example):
    """A valid head, in which the example takes the place of its first line, a header or its end."""
    part = unescape(example)
    name = part.partition(b":")[0].strip().decode("latin-1")
    kept = [f"{field}: {lines[field]}\r\n".encode() for field in lines if field != name]
    if not name:
        return b"".join((start, b"\r\n", *kept)) + part.removeprefix(b"\r\n")
    if b":" not in part:
        return b"".join((part, b"\r\n", *kept, b"\r\n"))
    if not part.endswith(b"\n"):
        part += b"\r\n"
    return b"".join((start, b"\r\n", part, *kept, b"\r\n"))


def sections(error):
    return {fault.section for fault in error.faults}


@pytest.mark.parametrize("what, example, section", rows_of("In a request"))
def test_a_request(what, example, section):
    head = head_with(b"GET / HTTP/1.1", LINES, example)
    with pytest.raises(HandshakeError) as caught:
        request = read_request(io.BytesIO(head))
        if faults := check_plain_request(request):
            raise HandshakeError(faults)
        negotiate(request)
    assert section in sections(caught.value)


@pytest.mark.parametrize("what, example, section", rows_of("In a response"))
def test_a_response(what, example, section):
    example = f"HTTP/1.1 {example}" if example[0].isdigit() else example
    head = head_with(b"HTTP/1.1 101 Switching Protocols", ANSWER, example)
    request = build_request(parse_uri("ws://a/"), SAMPLE_KEY)
    with pytest.raises(HandshakeError) as caught:
        check_response(request, read_response(io.BytesIO(head)))
    assert section in sections(caught.value)


@pytest.mark.parametrize("what, example, section", rows_of("In a URI"))
def test_a_uri(what, example, section):
    with pytest.raises(InvalidURI) as caught:
        parse_uri(example)
    assert caught.value.section == section


@pytest.mark.transport("tcp", reason="what carries the bytes does not matter")
@pytest.mark.parametrize("what, example, section", rows_of("In a frame"))
def test_a_frame(opened, background, what, example, section):
    connection, peer = opened()
    peer.send(bytes.fromhex(example))
    receiving = background(pytest.raises, ConnectionClosedError, connection.recv)
    header, body = peer.receive()
    peer.half_close()
    assert (header.opcode, body[2:].decode().partition(":")[0]) == (CLOSE, section)
    receiving.result()


def test_the_head_without_the_example_is_accepted():
    head = head_with(b"GET / HTTP/1.1", LINES, "X-Example: a")
    assert negotiate(read_request(io.BytesIO(head))) is None
    head = head_with(b"HTTP/1.1 101 Switching Protocols", ANSWER, "X-Example: a")
    request = build_request(parse_uri("ws://a/"), SAMPLE_KEY)
    check_response(request, read_response(io.BytesIO(head)))
