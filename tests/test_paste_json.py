"""refws/course/paste: JSON that tshark, loggers and Chrome write, with bytes in it."""

import base64
import json

import pytest

from refws.course.paste.table import read
from refws.course.paste.values import BadPaste
from refws.protocol.frame import Side
from wire import request

MASKED = bytes.fromhex("818537fa213d7f9f4d5158")
HELLO = bytes.fromhex("810548656c6c6f")
RESPONSE = b"HTTP/1.1 101 Switching Protocols\r\nUpgrade: websocket\r\n\r\n"


def packet(port, payload):
    """A packet as tshark -T json prints it."""
    tcp = {"tcp.srcport": str(port), "tcp.payload": payload.hex(":")}
    frame = {"websocket.fin": "1", "websocket.payload": {"websocket.payload.text": "Hello"}}
    return {"_index": "packets", "_source": {"layers": {"tcp": tcp, "websocket": frame}}}


BOTH = [
    json.dumps([packet(50000, MASKED), packet(8080, HELLO)], indent=2),
    f'{{"dir":"out","data":"{MASKED.hex()}"}}\n{{"dir":"in","data":"{HELLO.hex(" ")}"}}\n',
    f'{{"event":"send","payload":{list(MASKED)}}}\n{{"event":"receive","payload":{list(HELLO)}}}\n',
    json.dumps(
        {
            "messages": [
                {"direction": "sent", "bytes": base64.b64encode(MASKED).decode()},
                {"direction": "received", "bytes": base64.b64encode(HELLO).decode()},
            ]
        }
    ),
]


@pytest.mark.parametrize("text", BOTH)
def test_the_values_that_are_bytes_are_read_with_their_senders(text):
    pasted = read(text)
    assert (pasted.form, pasted.description) == ("json-values", "JSON of a program, 2 parts")
    assert [(chunk.data, chunk.sender) for chunk in pasted.chunks] == [
        (MASKED, Side.CLIENT),
        (HELLO, Side.SERVER),
    ]
    assert pasted.notes[0].endswith(" is read")


@pytest.mark.parametrize(
    "text",
    [
        '{"type":"message","data":"hello world"}',
        '{"message":"abcd"}',  # four letters of hex, and no frame
        '{"payload":[1,2,300]}',
        '{"data":{"data":null}}',
        '{"log":{"version":"1.2","entries":[]}}',
    ],
)
def test_words_and_other_numbers_are_no_bytes(text):
    with pytest.raises(BadPaste):
        read(text)


@pytest.mark.parametrize(
    ("text", "problem"),
    [
        ('{"size": 2}', 'no "payload", "hex" or "bytes" in it'),
        ("81 05", "no JSON .*: give the whole object"),
        ('{"hex": "8105"}\n{"hex"', "line 2: no JSON .*: give the whole object"),
    ],
)
def test_what_is_no_such_json_can_not_be_forced(text, problem):
    with pytest.raises(BadPaste, match=problem):
        read(text, "json-values")


# net-export

TYPES = {"SOCKET_BYTES_SENT": 1, "SOCKET_BYTES_RECEIVED": 2, "SSL_SOCKET_BYTES_SENT": 3}


def event(kind, number, data):
    params = {"byte_count": len(data), "bytes": base64.b64encode(data).decode()}
    return {"type": kind, "source": {"id": number, "type": 5}, "params": params, "time": "1"}


def net_export(*events):
    return json.dumps({"constants": {"logEventTypes": TYPES}, "events": list(events)})


CONNECTION = [
    event(1, 8, request()),
    event(2, 8, RESPONSE),
    event(1, 8, MASKED),
    event(2, 8, HELLO),
]
OTHER = event(1, 7, b"GET /other HTTP/1.1\r\nHost: x\r\n\r\n")


def test_a_net_export_with_raw_bytes_has_the_bytes_of_its_websocket():
    strange = [{"type": []}, 5, {"type": 1, "params": None}, {"type": 1, "params": {"bytes": "?"}}]
    pasted = read(net_export(OTHER, *strange, *CONNECTION))
    assert pasted.form == "net-export"
    assert [(chunk.data, chunk.sender) for chunk in pasted.chunks] == [
        (request(), Side.CLIENT),
        (RESPONSE, Side.SERVER),
        (MASKED, Side.CLIENT),
        (HELLO, Side.SERVER),
    ]


def test_the_first_websocket_of_a_net_export_is_read_and_the_others_are_counted():
    second = [event(3, 9, request()), event(3, 9, MASKED)]
    assert "1 other connection not read" in read(net_export(*CONNECTION, *second)).notes


@pytest.mark.parametrize(
    "text",
    [
        net_export(OTHER),
        net_export({"type": 1, "params": {"byte_count": 3}, "source": {"id": 1}}),
        net_export(*CONNECTION)[:400],
        '{"constants": {"logEventTypes": 5}, "events": []}',
    ],
)
def test_a_net_export_without_bytes_is_refused_with_what_to_do(text):
    with pytest.raises(BadPaste, match="record it again with Include raw bytes"):
        read(text)
