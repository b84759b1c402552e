"""refws and tshark read the same session, and agree on every field; and the comparison would tell
if they did not.
"""

import shutil

import pytest

from refws.course.record.tape import Chunk
from refws.protocol.frame import Side
from scripts.checks import tshark

needs_tshark = pytest.mark.skipif(
    shutil.which("tshark") is None, reason="tshark is not installed (Debian's package tshark)"
)


@pytest.fixture
def tape(tmp_path, nothing_left_behind):
    tshark.record(str(tmp_path / "tape"))
    return str(tmp_path / "tape")


def frames_of(tape):
    with open(tape, "rb") as file:
        return tshark.explained(list(tshark.recut(tshark.TapeReader(file))))


def test_the_session_has_every_kind_of_frame_in_both_directions(tape):
    frames = frames_of(tape)
    assert {number for number, _ in frames} == {1, 2, 3}
    for side in Side:
        found = [frame for number in (1, 2, 3) for frame in frames[number, side]]
        assert {frame["websocket.opcode"] for frame in found} == {0, 1, 2, 8, 9, 10}
        assert {frame["websocket.payload_length"] for frame in found} >= {0, 125, 126, 127}
        assert any("fragments" in frame and frame.get("websocket.pmc") is None for frame in found)
        assert any("fragments" in frame and frame.get("websocket.pmc") == 0 for frame in found)
        assert any(frame.get("websocket.pmc") == 1 and "content" in frame for frame in found)
        assert all(("websocket.masking_key" in frame) == (side is Side.CLIENT) for frame in found)
        assert any(frame.get("websocket.payload.close.status_code") == 4321 for frame in found)


@pytest.mark.programs
@needs_tshark
def test_tshark_and_refws_agree_on_every_field_of_every_frame(tape, tmp_path):
    count, differences = tshark.compare(tape, str(tmp_path / "pcap"))
    assert differences == []
    assert count == sum(map(len, frames_of(tape).values())) > 200


def stream(entries, number, side):
    chunks = [entry for entry in entries if isinstance(entry, Chunk)]
    return b"".join(
        chunk.data for chunk in chunks if (chunk.connection, chunk.sender) == (number, side)
    )


def test_recut_keeps_every_byte_in_order(tape):
    with open(tape, "rb") as file:
        entries = list(tshark.TapeReader(file))
    pieces = list(tshark.recut(entries))
    for number in (1, 2, 3):
        for side in Side:
            before, after = stream(entries, number, side), stream(pieces, number, side)
            assert before == after != b""


@pytest.mark.parametrize(
    "theirs",
    [
        [],
        [{"websocket.fin": 1}],
        [{"websocket.fin": 0, "content": b"a"}],
        [{"websocket.fin": 1, "content": b"b"}],
        [{"websocket.fin": 1, "content": b"a", "websocket.pmc": 0}],
        [{"websocket.fin": 1, "content": b"a"}, {}],
    ],
)
def test_each_difference_is_told(theirs):
    direction, ours = (1, Side.CLIENT), [{"websocket.fin": 1, "content": b"a"}]
    assert list(tshark.differ(direction, ours, {direction: ours})) == []
    assert list(tshark.differ(direction, ours, {direction: theirs})) != []


def test_without_tshark_it_says_what_to_install(monkeypatch, capsys):
    monkeypatch.setattr(tshark, "which", lambda name: None)
    assert tshark.main([]) == 2
    assert "apt install tshark" in capsys.readouterr().err
