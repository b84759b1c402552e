"""A HAR of DevTools: messages, not frames, and it says so."""

import base64
import io
import json

import pytest

from capturing import ip_packets, pcap
from refws.commands import explain, replay
from refws.course.record.har import NOT_FRAMES, HarReader, Message
from refws.course.record.recordings import open_recording
from refws.course.record.tape import BadRecording
from refws.protocol.frame import Side
from wire import BINARY, TEXT

BYTES = bytes(range(20))


def sent(data, time=1000.0, opcode=TEXT, kind="send"):
    return {"type": kind, "time": time, "opcode": opcode, "data": data}


def har(*connections, indent=None):
    """A HAR as Chromium writes it: an entry for a page, and one for each connection."""
    entries = [{"request": {"method": "GET", "url": "http://a/"}, "response": {"status": 200}}]
    for messages in connections:
        request = {"method": "GET", "url": "wss://a.example/chat?token=s3cret"}
        entries.append({"_webSocketMessages": messages, "request": request})
    return json.dumps({"log": {"version": "1.2", "entries": entries}}, indent=indent).encode()


SESSION = har(
    [
        sent("Hello", 1000.0),
        sent("héllo", 1000.25, kind="receive"),
        sent(base64.b64encode(BYTES).decode(), 1000.5, BINARY, "receive"),
    ],
    [sent("x" * 100, 5.0)],
    indent=2,
)
SHOWN = f"""\
read as: HAR of DevTools; {NOT_FRAMES}
#1 wss://a.example/chat?****
#1       0.0 ms  -> text message, 5 bytes: "Hello"
#1     250.0 ms  <- text message, 6 bytes: "héllo"
#1     500.0 ms  <- binary message, 20 bytes: 00 01 02 03 04 05 06 07 08 09 0a 0b 0c 0d 0e 0f...
#2 wss://a.example/chat?****
#2       0.0 ms  -> text message, 100 bytes: "{"x" * 43}"...
"""


@pytest.fixture
def run(tmp_path, capsys):
    """run(command, bytes of a file, *options) gives the exit status, the output, the errors."""

    def run(command, data, *options):
        (tmp_path / "file").write_bytes(data)
        before = ["--file"] if command is explain else []
        try:
            status = command.main([*before, str(tmp_path / "file"), *options])
        except SystemExit as stop:
            status = stop.code
        return status, *capsys.readouterr()

    return run


@pytest.mark.parametrize("command", [replay, explain])
def test_messages_are_shown_and_it_is_said_that_they_are_no_frames(run, command):
    assert run(command, SESSION) == (0, SHOWN, "")


def test_one_connection_may_be_picked(run):
    lines = SHOWN.splitlines(keepends=True)
    assert run(replay, SESSION, "--connection", "2")[1] == lines[0] + "".join(lines[-2:])
    status, _, err = run(replay, SESSION, "--connection", "3")
    assert status == 2 and "has no connection 3: give --connection one of 1, 2" in err


def test_no_capture_is_made_of_messages(run, tmp_path):
    status, out, err = run(replay, SESSION, "--pcap", str(tmp_path / "out"))
    assert (status, out) == (2, "") and "messages, not frames: no capture can be made" in err
    assert not (tmp_path / "out").exists()


def test_what_a_peer_has_sent_cannot_act_on_the_terminal(run):
    out = run(replay, har([sent("\x1b[2J\u202e\n")]))[1]
    assert "\\x1b[2J\\u202e\\n" in out and "\x1b" not in out


def test_what_is_not_as_devtools_writes_it_is_counted():
    good = sent("a")
    bad = [
        None,
        {},
        {**good, "data": 5},
        {**good, "time": "now"},
        {**good, "time": float("nan")},
        {**good, "opcode": "x"},
        {**good, "opcode": 99},
        {**good, "type": "other"},
        sent("no base64!", opcode=BINARY),
    ]
    [log] = HarReader(io.BytesIO(har([good, *bad])))
    assert log.messages == (Message(1000.0, Side.CLIENT, TEXT, b"a"),)
    assert log.left_out == len(bad)


def test_an_error_of_the_browser_is_shown_as_one(run):
    error = {"type": "error", "time": 1000.0, "opcode": -1, "data": "net::ERR_FAILED"}
    assert '0.0 ms  error: "net::ERR_FAILED"' in run(replay, har([error]))[1]


@pytest.mark.parametrize(
    ("data", "words"),
    [
        (b'{"log": [', "line 1, column"),
        (b'{"log": {"entries": 5}}', 'no list "entries"'),
        (b'{"log": 5}' + b" " * 100, 'no list "entries"'),
        (b'{"log": "\xff"}', "byte 9 is not UTF-8"),
        (b'{"log": ' + b"[" * 100_000, "nested too deeply"),
    ],
)
def test_a_bad_har_is_one_line_with_status_2(run, data, words):
    status, out, err = run(replay, data)
    assert (status, out) == (2, "") and err.count("\n") == 1
    assert "is no HAR file" in err and words in err


def test_a_har_without_messages_says_what_to_do(run):
    status, _, err = run(replay, har())
    assert status == 2 and "no WebSocket messages: open DevTools first" in err


def test_other_json_is_no_har(run):
    """Node writes a Buffer as JSON: these are the bytes of a frame."""
    status, out, _ = run(explain, b'{"type":"Buffer","data":[129,0]}', "--brief")
    assert status == 0 and "<- text FIN 0" in out
    with pytest.raises(BadRecording, match="refws tape 1"):
        open_recording(io.BytesIO(b'{"logs": 1}'))


# explain with captures


def test_explain_reads_a_capture_like_replay(run):
    capture = pcap(ip_packets())
    brief, lines = run(explain, capture, "--brief"), run(replay, capture)
    assert brief == lines and lines[0] == 0
    assert run(explain, capture) == run(replay, capture, "--full")


def test_explain_chooses_by_port_too(run):
    capture = pcap(ip_packets()[7:])
    status, _, err = run(explain, capture, "--brief")
    assert status == 2 and "no WebSocket connection in the capture" in err
    assert run(explain, capture, "--brief", "--port", "8080")[0] == 0


def test_explain_takes_no_option_that_a_capture_answers_itself(run):
    status, out, err = run(explain, pcap(ip_packets()), "--from", "client")
    assert (status, out) == (2, "") and "leave out --from" in err


def test_a_damaged_capture_is_one_line_for_explain(run):
    status, _, err = run(explain, pcap(ip_packets()) + b"\xff" * 16, "--brief")
    assert status == 2 and "is a damaged capture, byte " in err and err.count("\n") == 1
