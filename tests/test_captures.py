"""Captures of real sessions, by tcpdump and dumpcap: tests/captures/README.md says how.

What the two sides have sent is known, so what the reader finds is compared with that; and field by
field with what tshark finds. Then the captures are damaged at random: no byte is an exception.
"""

import io
import random
import shutil
from pathlib import Path

import pytest

from capturing import ip_packets, pcap, pcapng
from refws.commands.replay import Replay
from refws.course.explain.conversation import Conversation
from refws.course.explain.values import FrameExplanation, Legal
from refws.course.record.recordings import open_recording
from refws.course.record.tape import BadRecording, Chunk
from refws.course.text.style import PLAIN
from refws.protocol.frame import Side
from scripts.checks import tshark
from wire import BINARY, CLOSE, CONT, PING, PONG, TEXT

CAPTURES = Path(__file__).parent / "captures"
FILES = sorted(path for path in CAPTURES.iterdir() if path.suffix in (".pcap", ".pcapng"))

SMALL = [(TEXT, b"Hello"), (TEXT, "Grüße, 世界".encode()), (BINARY, bytes(range(130)))]
ASKED = (PING, b"are you there?")


def in_fragments(opcode):
    ping = (PING, b"between %d" % opcode)
    return [(opcode, b"in three "), ping, (CONT, b"x" * 10), (CONT, b" fragments")]


PLAIN_STEPS = [*SMALL, ASKED, *in_fragments(TEXT), *in_fragments(BINARY)]
DEFLATE_STEPS = [*SMALL, ASKED, (TEXT, b"Hello " * 50), (TEXT, b"Hello again, " * 30)]
LARGE_STEPS = [(BINARY, bytes([number]) * 5000) for number in range(3)]

STEPS = {
    "any.pcap": PLAIN_STEPS,
    "cooked.pcap": PLAIN_STEPS,
    "ipv6-deflate.pcapng": DEFLATE_STEPS,
    "retransmitted.pcap": LARGE_STEPS,
}
"""What the client sends first, and the server once it has its turn; all else are answers."""


def frames_of(path):
    """{side: [explained frame]} of the one connection in a capture, and the notes."""
    with path.open("rb") as file:
        reader = open_recording(file)
        conversation, found = Conversation(at_handshake=True, shown=10_000), {s: [] for s in Side}
        for entry in reader:
            if isinstance(entry, Chunk):
                for item in conversation.feed(entry.sender, entry.data):
                    if isinstance(item, FrameExplanation):
                        found[entry.sender].append(item)
        return found, list(reader.notes())


@pytest.mark.parametrize("path", FILES, ids=lambda path: path.name)
def test_each_side_has_sent_what_it_was_to_send(path):
    found, notes = frames_of(path)
    steps, turn = STEPS[path.name], (TEXT, b"your turn")
    client, server = (
        [(f.header.opcode, f.content_start) for f in found[side] if f.header.opcode != PONG]
        for side in Side
    )
    goodbye = (CLOSE, (1000).to_bytes(2) + b"good bye")
    assert client == [*steps, turn, goodbye]
    assert [f for f in server if f[0] in (PING, CLOSE)] == [
        *(step for step in steps if step[0] == PING),
        (CLOSE, (1000).to_bytes(2)),
    ]
    assert data_of(server) == data_of([*steps, *steps, turn])
    pings = [content for opcode, content in steps if opcode == PING]
    for side in Side:
        pongs = [f.content_start for f in found[side] if f.header.opcode == PONG]
        assert pongs == pings
    assert all(f.verdict == Legal() for side in Side for f in found[side])
    assert notes == []


def data_of(frames):
    """The payloads of data frames; the server echoes a message in one frame."""
    return b"".join(content for opcode, content in frames if opcode in (TEXT, BINARY, CONT))


@pytest.mark.programs
@pytest.mark.skipif(
    shutil.which("tshark") is None, reason="tshark is not installed (Debian's package tshark)"
)
@pytest.mark.parametrize("path", FILES, ids=lambda path: path.name)
def test_tshark_and_refws_agree_on_every_field_of_every_frame(path):
    count, differences = tshark.compare_capture(str(path))
    assert differences == []
    assert count == sum(map(len, frames_of(path)[0].values())) > 10


# Damage


def damaged(generator, data):
    """The bytes with one to five changes at random places."""
    data = bytearray(data)
    for _ in range(generator.randint(1, 5)):
        place = generator.randrange(len(data))
        match generator.randrange(5):
            case 0:
                data[place] = generator.randrange(256)
            case 1:
                data[place] ^= 1 << generator.randrange(8)
            case 2:
                del data[place : place + generator.randrange(60)]
            case 3:
                data[place:place] = data[place : place + generator.randrange(400)]
            case 4:
                data[place : place + 4] = generator.choice((b"\0" * 4, b"\xff" * 4))
        if not data:
            break
    return bytes(data)


def originals():
    return [
        *(path.read_bytes() for path in FILES if path.name != "retransmitted.pcap"),
        pcap(ip_packets()),
        pcapng(ip_packets()),
        pcap(ip_packets(), snap=90),
    ]


@pytest.mark.parametrize("count", [100, pytest.param(5_000, marks=pytest.mark.slow)])
@pytest.mark.parametrize("port", [None, 9001])
def test_no_damage_is_an_exception(count, port, capsys):
    generator, files = random.Random(13), originals()
    read = 0
    for number in range(count):
        capture = damaged(generator, files[number % len(files)])
        replay = Replay(full=number % 50 == 0, style=PLAIN, keep_going=number % 2 == 0)
        try:
            reader = open_recording(io.BytesIO(capture), port)
            for entry in reader:
                replay.narrate(entry)
            replay.finish()
            assert all(note and "\n" not in note for note in reader.notes())
            read += 1
        except BadRecording as error:
            assert str(error)
    capsys.readouterr()
    assert read > count / 4
