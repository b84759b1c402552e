"""Pictures for slides, read again as XML: the bits of a frame in order, the arrows of a session."""

import random
import re
from xml.etree import ElementTree

import pytest

from capturing import HELLO, SESSION, ip_packets, pcap
from chromium import browser, why_not
from refws.commands import explain, replay
from refws.course.explain.conversation import Conversation
from refws.course.explain.values import FrameExplanation
from refws.course.svg.canvas import Canvas
from refws.course.svg.frame_picture import (
    BIT,
    MARGIN,
    MAX_ITEMS,
    PAYLOAD_DRAWN,
    ROW_HEIGHT,
    WIDTH,
    draw_frames,
)
from refws.course.svg.sequence import LIFELINES, MAX_LANES, MAX_ROWS
from refws.protocol.frame import Side
from vectors import VECTORS
from wire import BINARY, CLOSE, CONT, MASKING_KEY, TEXT, close_body, frame, request

NAMESPACE = "{http://www.w3.org/2000/svg}"
HOSTILE = "</text><script>alert(1)</script>&amp;<!--]]>\"'\x1b\u202e\x00"
START = "refws tape 1\n"


def parse(picture):
    """The picture as XML, without anything that is not in the file itself."""
    root = ElementTree.fromstring(picture)
    assert root.tag == NAMESPACE + "svg"
    tags = {element.tag.removeprefix(NAMESPACE) for element in root.iter()}
    assert tags <= {"svg", "title", "style", "rect", "text", "path"}
    assert not re.search(r"url\(|@import|href|src=|onload|javascript:", styles(root))
    for element in root.iter():
        assert not any("href" in name or name.startswith("on") for name in element.attrib)
    return root


def styles(root):
    return root.find(NAMESPACE + "style").text


def texts(root):
    return [element.text or "" for element in root.iter(NAMESPACE + "text")]


def explained(wire, sender=Side.CLIENT):
    return Conversation().feed(sender, wire)


def picture_of(wire, sender=Side.CLIENT):
    items = explained(wire, sender)
    return parse(draw_frames(items, len(items)))


def boxes(root):
    """(first bit, number of bits) of each box of the first frame, from left to right and down."""
    found = [element for element in root.iter(NAMESPACE + "rect") if element.get("x")]
    top = min(int(box.get("y")) for box in found)
    return [
        (
            (int(box.get("y")) - top) // ROW_HEIGHT * 32 + (int(box.get("x")) - MARGIN) // BIT,
            int(box.get("width")) // BIT,
        )
        for box in found
    ], top


def bits(root, top):
    """The binary digits in the boxes, in the order of their places."""
    digits = [
        (int(element.get("y")), int(element.get("x")), element.text)
        for element in root.iter(NAMESPACE + "text")
        if element.get("class") == "" and element.text in ("0", "1")
    ]
    return "".join(digit for y, _, digit in sorted(digits) if y > top)


# A frame


@pytest.mark.parametrize(
    "wire",
    [
        frame(TEXT, b"Hello"),
        frame(TEXT, b""),
        frame(BINARY, b"x" * 126),
        frame(BINARY, b"x" * 65_536),
        frame(TEXT, b"Hello", masked=0),
        frame(CLOSE, close_body(1000, "bye")),
        frame(TEXT, b"x", fin=0, rsv=7),
    ],
)
def test_5_2_all_bits_are_drawn_once_and_in_order(wire):
    root = picture_of(wire)
    found, top = boxes(root)
    assert found == sorted(found)
    ends = [start + size for start, size in found]
    assert [start for start, _ in found] == [0, *ends[:-1]]
    assert all(start // 32 == (end - 1) // 32 for (start, _), end in zip(found, ends, strict=True))
    [item] = explained(wire)
    length = len(item.header_bytes) + len(item.masking_key)
    drawn = wire[: length + PAYLOAD_DRAWN]
    assert bits(root, top) == "".join(f"{byte:08b}" for byte in drawn)


@pytest.mark.parametrize("wire", [frame(TEXT, b"Hello"), frame(BINARY, b"x" * 70_000)])
def test_each_field_is_named_once(wire):
    shown = [text.partition(":")[0] for text in texts(picture_of(wire))]
    [item] = explained(wire)
    for field in item.fields:
        assert shown.count(field.name) == 1
    assert shown.count("payload") == 1 and "payload (continued)" in shown


def test_a_masked_byte_is_beside_its_unmasked_one():
    shown = texts(picture_of(frame(TEXT, b"Hello")))
    assert "7f unmasked 48 'H'" in shown and "58 unmasked 6f 'o'" in shown


def test_the_blamed_field_and_the_verdict_are_marked():
    root = picture_of(frame(TEXT, b"Hello", masked=0))
    blamed = [box for box in root.iter(NAMESPACE + "rect") if box.get("class") == "blamed"]
    assert [int(box.get("x")) for box in blamed] == [MARGIN + 8 * BIT]
    bad = [e.text for e in root.iter(NAMESPACE + "text") if e.get("class") == "bad"]
    assert any(text.startswith("VIOLATION: §5.1") for text in bad)


def test_a_picture_is_light_and_dark():
    style = styles(picture_of(frame(TEXT, b"Hello")))
    assert "@media (prefers-color-scheme: dark)" in style
    light, dark = style.split("@media")
    assert set(re.findall(r"(--[\w-]+):", light)) == set(re.findall(r"(--[\w-]+):", dark))
    assert set(re.findall(r"var\((--[\w-]+)\)", style)) <= set(re.findall(r"(--[\w-]+):", light))


def test_a_payload_cannot_write_markup():
    hostile = HOSTILE.encode()
    wire = request("/<b>&") + frame(TEXT, hostile) + frame(CLOSE, close_body(1000, "<b>"))
    root = picture_of(wire)
    assert "GET /<b>& HTTP/1.1" in texts(root)
    assert any('"</text><script>' in text for text in texts(root))


def test_every_vector_is_a_picture():
    for vector in VECTORS.values():
        for sender in Side:
            items = explained(vector.wire, sender)
            assert parse(draw_frames(items, len(items))).get("width") == str(WIDTH)


def test_random_bytes_are_pictures():
    generator = random.Random(5)
    for _ in range(100):
        wire, conversation = generator.randbytes(40), Conversation()
        items = conversation.feed(Side.CLIENT, wire) + conversation.finish()
        parse(draw_frames(items, len(items)))


def test_parts_of_frames_are_pictures():
    wire = frame(BINARY, b"x" * 200)
    for size in range(1, len(wire)):
        conversation = Conversation()
        conversation.feed(Side.CLIENT, wire[:size])
        items = conversation.finish()
        assert "CUT OFF" in "".join(texts(parse(draw_frames(items, 1))))


def test_many_frames_are_cut_off_with_a_note():
    items = explained(frame(TEXT, b"a") * (MAX_ITEMS + 7))
    shown = texts(parse(draw_frames(items, len(items))))
    assert "and 7 more, which are not drawn" in shown
    assert sum(text.startswith("client -> server: ") for text in shown) == MAX_ITEMS


def test_text_and_title_are_escaped():
    canvas = Canvas(10)
    canvas.text(1, 2, "<a href='x'>&")
    root = parse(canvas.document("<title>"))
    assert texts(root) == ["<a href='x'>&"] and root.find(NAMESPACE + "title").text == "<title>"


# A session


@pytest.fixture
def run(tmp_path, capsys):
    """run(command, file, *options): (status, picture or None, output, errors)."""

    def run(command, data, *options):
        (tmp_path / "in").write_bytes(data)
        target = tmp_path / "out.svg"
        before = ["--file"] if command is explain else []
        arguments = [*before, str(tmp_path / "in"), "--svg", str(target), *options]
        try:
            status = command.main(arguments)
        except SystemExit as stop:
            status = stop.code
        picture = parse(target.read_text("utf-8")) if target.exists() else None
        return status, picture, *capsys.readouterr()

    return run


def arrows(root):
    """(start, end) of each horizontal line."""
    lines = [re.fullmatch(r"M(\d+) (\d+)L(\d+) \2", path.get("d")) for path in paths(root)]
    return [(int(line[1]), int(line[3])) for line in lines if line]


def paths(root):
    return list(root.iter(NAMESPACE + "path"))


def test_a_session_is_a_sequence_of_arrows_with_times_and_verdicts(run):
    status, root, out, err = run(replay, pcap(ip_packets(SESSION)))
    assert (status, err) == (0, "") and "a picture in" in out
    client, server = LIFELINES[Side.CLIENT], LIFELINES[Side.SERVER]
    to_server, to_client = (client, server), (server, client)
    assert arrows(root) == [
        to_server,
        to_client,
        to_server,
        to_client,
        to_server,
        to_server,
        to_client,
        to_server,
    ]
    shown = texts(root)
    assert shown.count("legal") == 6 and shown.count("end of the stream") == 2
    assert "192.0.2.1:50000" in shown and "192.0.2.2:8080" in shown
    times = [float(text[:-3]) for text in shown if text.endswith(" ms")]
    assert times == [0.0, 1.0, 2.0, 3.0, 4.0, 5.0, 6.0, 7.0]


def test_a_broken_rule_has_its_section_beside_its_arrow_and_its_words_below(run):
    status, root, _, _ = run(replay, f"{START}0 1 client 81 01 61\n".encode())
    bad = [e.text for e in root.iter(NAMESPACE + "text") if e.get("class") == "bad"]
    assert status == 1 and "§5.1" in bad
    assert any("an unmasked frame from the client; expected" in text for text in bad)


def test_gaps_of_a_capture_are_dashed_arrows(run):
    packets = ip_packets()
    large = [index for index, (_, packet) in enumerate(packets) if len(packet) > 1000]
    capture = pcap(packets[: large[1]] + packets[large[1] + 1 :])
    status, root, _, err = run(replay, capture)
    assert status == 1 and "1440 bytes missing" in texts(root) and "1440 bytes" in err
    assert any(path.get("class") == "broken dashed" for path in paths(root))


def test_a_long_session_is_cut_off_with_a_note(run):
    line = f"1 1 client {frame(TEXT, b'a').hex(' ')}\n"
    _, root, _, _ = run(replay, (START + line * (MAX_ROWS + 9)).encode())
    assert len(arrows(root)) == MAX_ROWS
    assert "and 9 more, which are not drawn" in texts(root)


def test_many_connections_are_cut_off_with_a_note(run):
    lines = "".join(f"1 {number} server 81 00\n" for number in range(MAX_LANES + 5))
    _, root, _, _ = run(replay, (START + lines).encode())
    assert len(arrows(root)) == MAX_LANES
    assert "and 5 more connections, which are not drawn" in texts(root)


def test_one_connection_may_be_drawn(run):
    tape = f"{START}0 1 server 81 00\n0 2 server 81 01 61\n".encode()
    _, root, _, _ = run(replay, tape, "--connection", "2")
    assert 'text FIN 1 "a"' in texts(root) and len(arrows(root)) == 1


def test_a_payload_cannot_write_markup_into_a_session(run):
    wire = frame(TEXT, HOSTILE.encode(), masked=0) + frame(
        CLOSE, close_body(1000, HOSTILE), masked=0
    )
    status, root, _, _ = run(replay, f"{START}0 1 server {wire.hex(' ')}\n".encode())
    assert status == 0 and any("<script>" in text for text in texts(root))


def test_messages_of_a_har_are_drawn_too(run):
    har = (
        b'{"log": {"entries": [{"request": {"url": "ws://a/<b>"}, "_webSocketMessages": ['
        b'{"type": "send", "time": 1, "opcode": 1, "data": "<i>"},'
        b'{"type": "receive", "time": 2, "opcode": 1, "data": "b"}]}]}}'
    )
    for command in (replay, explain):
        status, root, out, _ = run(command, har)
        assert status == 0 and "messages, not frames" in out
        assert 'text message, 3 bytes: "<i>"' in texts(root) and len(arrows(root)) == 2


# In a browser


@pytest.mark.programs
@pytest.mark.skipif(why_not() is not None, reason=why_not() or "Chromium is here")
def test_a_browser_shows_both_pictures_in_light_and_dark(tmp_path):
    (tmp_path / "in").write_bytes(pcap(ip_packets(SESSION)))
    explain.main([HELLO.hex(), "--svg", str(tmp_path / "frame.svg")])
    replay.main([str(tmp_path / "in"), "--svg", str(tmp_path / "session.svg")])
    color = "getComputedStyle(document.querySelector('text')).fill"
    outside = """[...document.querySelectorAll("text")].filter((text) => {
        const box = text.getBoundingClientRect();
        const page = document.documentElement.getBoundingClientRect();
        return box.left < page.left || box.right > page.right || box.bottom > page.bottom;
    }).map((text) => text.textContent)"""
    with browser() as chromium:
        for name in ("frame.svg", "session.svg"):
            page = chromium.new_page((tmp_path / name).as_uri())
            colors = []
            for dark in (False, True):
                page.prefer(dark)
                colors.append(page.evaluate(color))
            assert colors == ["rgb(28, 36, 48)", "rgb(230, 234, 240)"]
            assert page.evaluate(outside) == []
            assert page.problems == []


# The commands


def test_explain_draws_what_it_would_print(run):
    wire = frame(TEXT, b"Hel", fin=0) + frame(CONT, b"lo")
    status, root, out, err = run(explain, wire, "--form", "raw")
    assert (status, err) == (0, "") and "a picture in" in out and "LEGAL" not in out
    assert any("2 frames: Hello" in text for text in texts(root))
    assert [type(item) for item in explained(wire)] == [FrameExplanation] * 2
    assert MASKING_KEY[:1].hex() in texts(root)


def test_the_status_of_explain_is_the_same_with_a_picture(run):
    assert run(explain, frame(TEXT, b"a", masked=0), "--form", "raw", "--from", "client")[0] == 1


@pytest.mark.parametrize("command", [explain, replay])
def test_a_picture_that_cannot_be_written_is_one_line(command, tmp_path, capsys):
    (tmp_path / "in").write_bytes(pcap(ip_packets()))
    before = ["--file"] if command is explain else []
    target = str(tmp_path / "missing" / "x.svg")
    assert command.main([*before, str(tmp_path / "in"), "--svg", target]) == 2
    err = capsys.readouterr().err
    assert err.count("\n") == 1 and "x.svg" in err


def test_bytes_whose_picture_cannot_be_written_are_one_line(tmp_path, capsys):
    target = str(tmp_path / "missing" / "x.svg")
    assert explain.main(["81 00", "--svg", target]) == 2
    assert "give a file in a directory of yours" in capsys.readouterr().err


def test_a_picture_does_not_replace_its_tape(tmp_path, capsys):
    (tmp_path / "tape").write_text(START)
    with pytest.raises(SystemExit):
        replay.main([str(tmp_path / "tape"), "--svg", str(tmp_path / "tape")])
    assert "give another file" in capsys.readouterr().err
    with pytest.raises(SystemExit):
        replay.main([str(tmp_path / "tape"), "--svg", "a", "--pcap", "b"])
    assert "run it twice" in capsys.readouterr().err
