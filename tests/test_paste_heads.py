"""refws/course/paste: heads with what people and programs put around them, and texts without bytes.

The request and the response are the ones of RFC 6455 §1.2, without the subprotocol.
"""

import pytest

from refws.course.paste.table import read
from refws.course.paste.values import BadPaste
from refws.protocol.frame import Side

REQUEST = """\
GET /chat HTTP/1.1
Host: server.example.com
Upgrade: websocket
Connection: Upgrade
Sec-WebSocket-Key: dGhlIHNhbXBsZSBub25jZQ==
Sec-WebSocket-Version: 13
"""
RESPONSE = """\
HTTP/1.1 101 Switching Protocols
Upgrade: websocket
Connection: Upgrade
Sec-WebSocket-Accept: s3pPLMBiTxaQ9kYGzzhZRbK+xOo=
"""


def wire(head):
    return head.replace("\n", "\r\n").encode() + b"\r\n"


def fields(head):
    return "\n".join(head.splitlines()[1:]) + "\n"


def escaped(head):
    return "".join(f"    {line}\\r\\n\n" for line in head.splitlines()) + "    \\r\\n\n"


BOTH = [
    f"The client sends:\n\n{REQUEST}\nand my server answers:\n\n{RESPONSE}\nBut it fails.\n",
    f"Request:\n{REQUEST}Response:\n{RESPONSE}",
    f"--- client ---\n{REQUEST}--- server ---\n{RESPONSE}",
    f"{RESPONSE}{REQUEST}",  # view source in DevTools
    f"{RESPONSE}{REQUEST.replace('/chat', 'ws://server.example.com/chat')}",
    f"Hypertext Transfer Protocol\n{escaped(REQUEST)}    [HTTP request 1/1]\n"
    f"Hypertext Transfer Protocol\n{escaped(RESPONSE)}",  # Wireshark
    f"Request URL:ws://server.example.com/chat\nRequest Method:GET\n"
    f"Status Code:101 Switching Protocols\nRequest Headers\n{fields(REQUEST)}"
    f"Response Headers\n{fields(RESPONSE)}",
    f"General\nRequest URL\nws://server.example.com/chat\nRequest Method\nGET\nStatus Code\n"
    f"101 Switching Protocols\nResponse Headers (3)\n{fields(RESPONSE)}"
    f"Request Headers\nview source\n{fields(REQUEST).replace(': ', chr(10))}",
]


@pytest.mark.parametrize("text", BOTH)
def test_what_is_around_heads_is_left_out(text):
    chunks = {chunk.sender: chunk.data for chunk in read(text).chunks}
    assert chunks == {Side.CLIENT: wire(REQUEST), Side.SERVER: wire(RESPONSE)}


def test_a_list_of_literals_is_a_head():
    lines = [*REQUEST.splitlines(), "", ""]
    assert read("\n".join(f"'{line}'," for line in lines)).data == wire(REQUEST)


def test_a_head_may_be_in_a_binary_of_erlang():
    text = REQUEST.replace("\n", r"\r\n") + r"\r\n"
    assert read(f'{{badmatch,<<"{text}">>}}').data == wire(REQUEST)


def test_what_was_left_out_is_said():
    notes = read(BOTH[0]).notes
    assert notes[-1] == (
        "left out around the heads: 'The client sends:', 'and my server answer'..., 'But it fails.'"
    )
    assert any("the path is taken of the URL" in note for note in read(BOTH[4]).notes)
    assert any("DevTools lists no first lines" in note for note in read(BOTH[6]).notes)


def test_a_header_line_with_a_mistake_is_not_left_out():
    text = REQUEST.replace("Version: 13", "Version 13")
    assert read(text).data == wire(text)


def test_a_line_that_devtools_does_not_list_is_named():
    with pytest.raises(BadPaste, match="line 3: '!' is no header line of DevTools"):
        read("Request URL: ws://x/\nRequest Headers\n!\n")


TEXTS_WITHOUT_BYTES = [
    ("received: [B@6d06d69c", "print Arrays.toString"),
    ("System.Byte[]", "print BitConverter.ToString"),
    ("[object ArrayBuffer]", "new Uint8Array"),
    ("Blob {size: 7, type: ''}", "new Uint8Array"),
    ("<memory at 0x7f3c5c0b1d00>", ".hex("),
    ("PooledUnsafeDirectByteBuf(ridx: 0, widx: 7, cap: 2048)", "ByteBufUtil.hexDump"),
    ("java.nio.HeapByteBuffer[pos=0 lim=7 cap=7]", "the array of a ByteBuffer"),
    (
        "WebSocket\n    1... .... = Fin: True\n    .... 0001 = Opcode: Text (1)\n",
        "...as a Hex Stream",
    ),
    ("received frame \n<FRAME>\nfinal: true\nopcode: TEXT\nlength: 7\n", "refws watch"),
    ("< TEXT 'Hello' [5 bytes]\n> CLOSE 1000 (OK) [2 bytes]\n", "refws watch"),
    ("CloseEvent {wasClean: false, code: 1006, reason: ''}", "refws watch URL"),
    ("WebSocket connection to 'ws://x/' failed: Invalid frame header", "refws watch URL"),
    ("ws://localhost:8080/", "refws connect URL"),
    ("Sec-WebSocket-Key: dGhlIHNhbXBsZSBub25jZQ==", "refws accept KEY"),
    ("{ host: 'x', 'sec-websocket-key': 'dGhlIHNhbXBsZSBub25jZQ==' }", "give the head as it was"),
    ("Request URL\nws://localhost:8080/\nupgrade\nwebsocket\n", "with their titles"),
    ("     |F|R|R|R| opcode|M| Payload len |\n", "the figure of §5.2"),
    ("M-^A^EHello", "print them with xxd"),
]


@pytest.mark.parametrize(("text", "words"), TEXTS_WITHOUT_BYTES)
def test_a_text_in_place_of_bytes_says_what_to_print(text, words):
    with pytest.raises(BadPaste) as caught:
        read(text)
    assert str(caught.value).startswith("line 1: this is ") and words in str(caught.value)
    assert len(str(caught.value)) < 260


@pytest.mark.parametrize(
    ("text", "name"),
    [
        ("dGhlIHNhbXBsZSBub25jZQ==", "Sec-WebSocket-Key"),
        ("s3pPLMBiTxaQ9kYGzzhZRbK+xOo=", "Sec-WebSocket-Accept"),
    ],
)
def test_base64_of_the_size_of_a_key_may_be_one(text, name):
    assert any(f"bytes may be a {name}: python3 -m refws accept" in x for x in read(text).notes)


# Heads in a page, as literals, and as a command

REQUEST_LINES = [
    "GET /chat?x=1 HTTP/1.1",
    "Host: example.com:8080",
    "Upgrade: websocket",
    "Sec-WebSocket-Key: dGhlIHNhbXBsZSBub25jZQ==",
]
REQUEST_BYTES = "".join(f"{line}\r\n" for line in [*REQUEST_LINES, ""]).encode()
RESPONSE_BYTES = b"HTTP/1.1 101 Switching Protocols\r\nUpgrade: websocket\r\n\r\n"
BOTH_SIDES = [(REQUEST_BYTES, Side.CLIENT), (RESPONSE_BYTES, Side.SERVER)]


@pytest.mark.parametrize(
    "text",
    [
        "<pre><code>"
        + (REQUEST_BYTES + RESPONSE_BYTES).decode().replace("\r\n", "\n")
        + "</code></pre>",
        f"{REQUEST_BYTES!r}\n{RESPONSE_BYTES!r}\n",
        f"00000000:fe.clireq[000a:ffffffff]: {REQUEST_LINES[0]}\n"
        + "".join(f"00000000:fe.clihdr[000a:ffffffff]: {line}\n" for line in REQUEST_LINES[1:])
        + "00000000:be.srvrep[000a:000b]: HTTP/1.1 101 Switching Protocols\n"
        "00000000:be.srvhdr[000a:000b]: Upgrade: websocket\n",  # haproxy -d
    ],
)
def test_both_heads_of_pages_literals_and_logs_have_their_senders(text):
    assert [(chunk.data, chunk.sender) for chunk in read(text).chunks] == BOTH_SIDES


@pytest.mark.parametrize("line_end", [" \\\n  ", " ^\n  ", " "])
def test_a_request_that_was_copied_as_a_command_is_a_request(line_end):
    options = [f"-H '{line}'" for line in REQUEST_LINES[2:]]
    text = line_end.join(["curl 'ws://example.com:8080/chat?x=1'", *options, "--compressed"])
    pasted = read(text)
    assert (pasted.form, pasted.data) == ("copied-curl", REQUEST_BYTES)
    assert [chunk.sender for chunk in pasted.chunks] == [Side.CLIENT]


@pytest.mark.parametrize(
    ("text", "words"),
    [
        ("curl 'ws://example.com -H", "no whole command of curl, No closing quotation"),
        ("curl --url=ws://example.com", "no URL in this command of curl"),
        ("curl 'ws://[example/'", "the URL of this command of curl is none, Invalid IPv6 URL"),
    ],
)
def test_a_command_that_is_not_whole_is_refused(text, words):
    with pytest.raises(BadPaste, match=words):
        read(text)
