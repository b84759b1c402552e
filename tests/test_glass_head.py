"""RFC 9112 §3, RFC 6455 §4.1: of a request only the values of Host and Origin are changed."""

import random

import pytest

from refws.course.glass.head import (
    MAX_HELD,
    MAX_NAME,
    Change,
    Destination,
    HeadChanger,
    destination,
)
from wire import request

SERVER = {"Host": "server.example:81"}
BOTH = {**SERVER, "Origin": "https://server.example"}
HEAD = (
    b"GET /chat?a=%20 HTTP/1.1\r\nHOST:  127.0.0.1:9000\r\nX-Host: 127.0.0.1:9000\r\n"
    b"Origin: http://a.example\r\nHostess: b\r\n\r\n"
)
CHANGED = HEAD.replace(b"HOST:  127.0.0.1:9000", b"HOST: server.example:81")


def passed(values, *chunks):
    """(what is passed on after each chunk, and at the end; the changes)."""
    changer = HeadChanger(values)
    return [*(changer.feed(chunk) for chunk in chunks), changer.finish()], changer.changes


def test_only_the_value_of_host_is_changed():
    parts, changes = passed(SERVER, HEAD)
    assert b"".join(parts) == CHANGED
    assert changes == [Change("HOST", "127.0.0.1:9000", "server.example:81")]
    assert str(changes[0]) == "HOST: 127.0.0.1:9000 became server.example:81"


def test_origin_is_changed_too_if_it_is_there():
    parts, changes = passed(BOTH, HEAD)
    assert b"".join(parts) == CHANGED.replace(b"http://a.example", b"https://server.example")
    assert [change.name for change in changes] == ["HOST", "Origin"]
    parts, changes = passed(BOTH, request())
    assert b"rigin" not in b"".join(parts)


def test_a_value_that_is_right_already_is_no_change():
    parts, changes = passed({"Host": "127.0.0.1"}, request())
    assert (b"".join(parts), changes) == (request(), [])


@pytest.mark.parametrize("size", [1, 2, 3, 7, 50])
def test_the_head_may_be_cut_anywhere(size):
    wire = HEAD + bytes(range(256)) + HEAD
    chunks = [wire[i : i + size] for i in range(0, len(wire), size)]
    parts, changes = passed(SERVER, *chunks)
    assert b"".join(parts) == CHANGED + bytes(range(256)) + HEAD, "only the first head is one"
    assert len(changes) == 1


KEPT = b"GET /page HTTP/1.1\r\nHost: 127.0.0.1:9000\r\n\r\n"
CHANGED_KEPT = KEPT.replace(b"127.0.0.1:9000", b"server.example:81")


@pytest.mark.parametrize("size", [1, 2, 3, 7, 50, 1000])
def test_9112_9_3_each_request_on_a_kept_connection_is_changed(size):
    upgrade = HEAD.replace(b"\r\n\r\n", b"\r\nUpgrade: websocket\r\n\r\n")
    changed = CHANGED.replace(b"\r\n\r\n", b"\r\nUpgrade: websocket\r\n\r\n")
    wire = KEPT + KEPT + upgrade + KEPT
    chunks = [wire[i : i + size] for i in range(0, len(wire), size)]
    parts, changes = passed(SERVER, *chunks)
    assert b"".join(parts) == CHANGED_KEPT * 2 + changed + KEPT, "after the upgrade are frames"
    assert len(changes) == 3


@pytest.mark.parametrize("field", [b"Content-Length: 50", b"Transfer-Encoding: chunked"])
def test_after_a_request_with_a_body_nothing_is_changed(field):
    wire = KEPT.replace(b"\r\n\r\n", b"\r\n" + field + b"\r\n\r\n")
    parts, changes = passed(SERVER, wire, KEPT)
    assert parts[1:] == [KEPT, b""]
    assert len(changes) == 1


@pytest.mark.parametrize("cut", [0, 30, len(HEAD) - 2])
def test_after_an_upgrade_that_is_refused_the_next_request_is_changed(cut):
    """Such as one with a login, after a 401. The refusal may come before the end of the head."""
    upgrade = HEAD.replace(b"\r\n\r\n", b"\r\nUpgrade: websocket\r\n\r\n")
    changer = HeadChanger(SERVER)
    parts = [changer.feed(upgrade[:cut])]
    changer.refused()
    parts += [changer.feed(upgrade[cut:]), changer.feed(KEPT), changer.feed(b"\x81\x00" + KEPT)]
    assert b"".join(parts[:2]) == upgrade.replace(
        b"HOST:  127.0.0.1:9000", b"HOST: server.example:81"
    )
    assert parts[2:] == [CHANGED_KEPT if cut else KEPT, b"\x81\x00" + KEPT]


@pytest.mark.parametrize("field", [b"Upgrade: websocket", b"Content-Length: 50"])
def test_a_refusal_of_an_earlier_request_does_not_count(field):
    changer = HeadChanger(SERVER)
    changer.feed(KEPT)
    changer.refused()
    changer.feed(KEPT.replace(b"\r\n\r\n", b"\r\n" + field + b"\r\n\r\n"))
    assert changer.feed(KEPT) == KEPT


def test_it_is_known_which_chunk_begins_with_another_request():
    changer = HeadChanger(SERVER)
    begins = []
    for chunk in (KEPT[:20], KEPT[20:], KEPT, KEPT[:5], KEPT[5:], KEPT + b"\x81", b"\x00"):
        changer.feed(chunk)
        begins.append(changer.begins_another)
    assert begins == [False, False, True, False, False, True, False]


def test_after_the_head_each_chunk_is_passed_on_as_it_is():
    chunks = [b"\x81", b"\x05\r\nHost: a\r\n", b"\n\n", b"x" * 100_000]
    parts, _ = passed(SERVER, HEAD, *chunks)
    assert parts[1:] == [*chunks, b""]


def test_each_line_is_passed_on_at_once_but_for_a_name_that_is_not_known_yet():
    parts, _ = passed(SERVER, b"GET / HT", b"TP/1.1\r\nUp", b"grade: web", b"socket\r\nHos", b"t: ")
    lines = [b"GET / HT", b"TP/1.1\r\n", b"Upgrade: web", b"socket\r\n"]
    assert parts == [*lines, b"Host: server.example:81", b""]


@pytest.mark.parametrize(
    "wire",
    [
        b"",
        b"\r\n\r\n",
        b"\x16\x03\x01\x00\x05Host: a\r\n\r\n",
        b"SSH-2.0-x\r\nHost: a\r\n\r\n",
        b"GET / HTTP\r\nHost: a\r\n\r\n",
        b"GET  / HTTP/1.1\r\nHost: a\r\n\r\n",
        b"PRI * HTTP/2.0\r\n\r\nSM\r\n\r\nHost: a\r\n",
        b"GET / HTTP/1.1\r\n\r\nHost: a\r\n",
        b"GET / HTTP/1.1\r\n" + b"n" * MAX_NAME + b"Host: a\r\n\r\n",
        b"GET /" + b"n" * MAX_HELD + b" HTTP/1.1\r\nHost: a\r\n\r\n",
        b"GET / HTTP/1.1\r\nHost",
        b"GET / HTTP/1.1\nHost \n",
    ],
)
def test_what_is_no_head_with_a_host_is_left_as_it_is(wire):
    for size in (1, 5, max(1, len(wire))):
        chunks = [wire[i : i + size] for i in range(0, len(wire), size)]
        parts, changes = passed(SERVER, *chunks)
        assert (b"".join(parts), changes) == (wire, [])


def test_random_bytes_after_a_head_without_host_are_all_passed_on():
    randomness = random.Random(6455)
    for _ in range(50):
        wire = b"GET / HTTP/1.1\r\n" + randomness.randbytes(300).replace(b":", b"")
        cut = randomness.randrange(len(wire))
        assert b"".join(passed(SERVER, wire[:cut], wire[cut:])[0]) == wire


# Where it goes

PLAIN = b"GET / HTTP/1.1\r\nHost: a\r\n\r\n"


@pytest.mark.parametrize(
    "start, where",
    [
        (PLAIN, Destination.PAGE),
        (b"HEAD /?token=a HTTP/1.1\n\n", Destination.PAGE),
        (b"GET /.refws/page.js", Destination.PAGE),
        (b"GET /favicon.ico HTTP/1.1", Destination.PAGE),
        (b"GET /favicon.ico?", Destination.SERVER),
        (b"GET /.refws/watch?token=a HTTP/1.1\r\nUpgrade: websocket\r\n", Destination.PAGE),
        (request("/"), Destination.SERVER),
        (request("/").replace(b"Upgrade: ", b"uPGRADE  :"), Destination.SERVER),
        (request("/chat"), Destination.SERVER),
        (b"GET /c", Destination.SERVER),
        (b"GET /.r", Destination.UNKNOWN),
        (b"GET /.rx", Destination.SERVER),
        (b"POST / HTTP/1.1\r\n\r\n", Destination.SERVER),
        (b"G", Destination.UNKNOWN),
        (b"GET /", Destination.UNKNOWN),
        (b"GET / HTTP/1.1\r\nHost: a\r\n", Destination.UNKNOWN),
        (b"GET / HTTP/1.1\r\nA: " + b"a" * MAX_HELD, Destination.SERVER),
        (b"\x16\x03\x01", Destination.SERVER),
        (b"\x81\x05Hello", Destination.SERVER),
    ],
)
def test_a_plain_get_of_the_root_is_for_the_page_and_all_else_for_the_server(start, where):
    assert destination(start) is where


@pytest.mark.parametrize("wire", [PLAIN, request("/"), request("/?a"), request("/chat")])
def test_the_destination_does_not_depend_on_the_cuts(wire):
    found = {destination(wire[:end]) for end in range(1, len(wire) + 1)} - {Destination.UNKNOWN}
    assert found == {destination(wire)}
