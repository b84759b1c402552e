"""The wire view of a page (RFC 6455 §1.2, §5.2): what a page sees, and that it disturbs no one."""

import json
from itertools import chain

import pytest

from refws.course import services
from refws.course.explain.conversation import Conversation
from refws.course.web import connection_view, event_queue, wire_view
from refws.course.web.budget import Budget
from refws.course.web.connection_view import ChunkCounter
from refws.course.web.event_queue import Chunk, EventQueue
from refws.course.web.pages import page_of, parameters, parse_request_line
from refws.course.web.wire_view import Watch, Watches, WireTrace
from refws.protocol.frame import Side
from refws.protocol.http import Headers, Request
from watching import PAGE, Page, refused
from wire import CLOSE, CONT, PING, TEXT, close_body, eventually, frame, request

OTHER_PAGE = "f" * 32


@pytest.fixture
def running(serving):
    """What `python3 -m refws` serves, with the wire view."""
    return serving(
        services.serve_endpoint, process_request=services.process_request, trace=wire_view.choose
    )


def the_only(running, path):
    """The server's side of the connection to this path."""
    (found,) = [
        connection
        for connection in running.server.all_connections
        if connection.request.absolute_path == path
    ]
    return found


# Whose connection it is


@pytest.mark.parametrize(
    "target, page",
    [
        (f"/echo?page={PAGE}", PAGE),
        (f"/echo?socket=3&page={PAGE}", PAGE),
        (f"/echo?page={PAGE}&page={OTHER_PAGE}", PAGE),
        ("/echo", None),
        ("/echo?page=", None),
        ("/echo?page=1", None),
        (f"/echo?page={PAGE[1:]}", None),
        (f"/echo?page={PAGE}0", None),
        (f"/echo?page={PAGE.upper()}", None),
        (f"/echo?page={PAGE[1:]}%0A", None),
        ("/echo?" + "&".join("abcdefghijklmnopqrstuvwxyz") + f"&page={PAGE}", None),
    ],
)
def test_a_page_is_named_by_128_random_bits_and_by_nothing_that_can_be_guessed(target, page):
    assert page_of(Request("GET", target, "HTTP/1.1", Headers())) == page


def test_of_a_parameter_that_comes_twice_the_first_counts():
    assert parameters(Request("GET", "/?a=1&b=2&a=3", "", Headers())) == {"a": "1", "b": "2"}


@pytest.mark.parametrize("line", [b"", b"GET", b"\r\n", b"\xff\xfe"])
def test_a_line_without_a_target_is_no_request(line):
    assert parse_request_line(line) is None


def test_a_page_sees_its_own_connections_and_no_others(running):
    page, other = Page(running), Page(running, OTHER_PAGE)
    running.open("/echo").send_frame(TEXT, b"of no page")
    other.open("/echo")[0].send_frame(TEXT, b"of the other page")
    client, number = page.open("/echo")
    client.send_frame(TEXT, b"of this page")
    seen = [event["item"]["text"] for event in page.until("item", connection=number)]
    assert seen == ["of this page"]
    assert number == 1
    assert [item["text"] for item in other.items("item")] == ["of the other page"]


def test_the_watch_connection_itself_is_not_watched(running):
    page = Page(running)
    assert the_only(running, "/watch").trace is None
    assert page.command("clock")["event"] == "answer"


@pytest.mark.parametrize(
    "path", ["/echo", f"/echo?page={OTHER_PAGE}", "/echo?page=1", "/echo?page="]
)
def test_a_connection_that_no_page_watches_is_no_longer_traced(running, path):
    Page(running)
    client = running.open(path)
    client.send_frame(TEXT, b"unseen")
    client.expect(TEXT, b"unseen")
    assert the_only(running, "/echo").trace is None


def test_a_request_line_without_an_end_is_not_kept(running):
    Page(running)
    client = running.connect()
    client.send(b"GET /" + 10_000 * b"a")
    assert client.receive_head()[0] == 414


def test_a_request_line_in_two_pieces_is_found(running):
    page = Page(running)
    client = running.connect()
    head = request(page.target())
    client.send(head[:20])
    assert eventually(
        lambda: any(connection.trace for connection in running.server.all_connections)
    )
    client.send(head[20:])
    assert page.items("item")[0]["lines"][0]["text"] == f"GET {page.target()} HTTP/1.1"
    assert client.receive_head()[0] == 101


def test_a_connection_that_sends_nothing_belongs_to_no_page(running):
    Page(running)
    client = running.connect()
    client.half_close()
    client.expect_end()


@pytest.mark.parametrize(
    "target", ["/watch", "/watch?page=", "/watch?page=guess", f"/watch?page={PAGE}0"]
)
def test_a_watch_with_an_id_that_is_easy_to_guess_is_refused(running, target):
    status, text = refused(running, target)
    assert status == 400
    assert "128 random bits" in text


@pytest.mark.rfc("6455-10.2-02")
@pytest.mark.parametrize("path", ["/watch", "/echo"])
def test_10_2_a_foreign_page_that_knows_the_id_is_refused_all_the_same(running, path):
    status, text = refused(running, f"{path}?page={PAGE}", "Origin: https://evil.example")
    assert status == 403
    assert "§10.2" in text


def test_an_id_watches_once(running):
    Page(running)
    second = running.open(f"/watch?page={PAGE}")
    reason = second.expect_close(1013)
    assert reason.startswith("another page watches with this id; reload the page")


def test_there_is_an_end_to_how_many_pages_watch(running, monkeypatch):
    monkeypatch.setattr(wire_view.WATCHES, "max_pages", 1)
    first = Page(running)
    second = running.open(f"/watch?page={OTHER_PAGE}")
    reason = second.expect_close(1013)
    assert reason.startswith("1 pages watch, as many as this server allows (--max-pages)")
    second.close()
    first.close()
    assert eventually(lambda: len(running.server.all_connections) == 0)
    Page(running, OTHER_PAGE)


def test_there_is_an_end_to_how_many_connections_a_page_watches(running, monkeypatch):
    monkeypatch.setattr(wire_view, "MAX_CONNECTIONS", 1)
    page = Page(running)
    first, number = page.open()
    second = running.open(page.target())
    second.send_frame(TEXT, b"served, and not seen")
    second.expect(TEXT, b"served, and not seen")
    first.finish()
    first.close()
    page.until("closed", connection=number)
    assert page.open()[1] == number + 1


# What a page gets


def test_a_page_sees_a_connection_from_its_request_to_its_end(running):
    page = Page(running)
    client, number = page.open("/echo?socket=7")
    client.send_frame(TEXT, "grüße".encode())
    client.expect(TEXT, "grüße".encode())
    client.finish()
    client.close()
    events = page.until("closed")
    received = [
        (event["item"]["sender"], event["item"]["name"], event["item"]["verdict"]["type"])
        if event["event"] == "item"
        else (event["event"], event.get("sender"))
        for event in events
    ]
    assert received == [
        ("client", "text", "Legal"),
        ("server", "text", "Legal"),
        ("client", "close", "Legal"),
        ("server", "close", "Legal"),
        ("end", "server"),
        ("end", "client"),
        ("closed", None),
    ]
    assert {event["connection"] for event in events} == {number}
    times = [event["time"] for event in events]
    assert times == sorted(times) and times[0] > 0


def test_a_page_sees_the_handshake_with_its_accept(running):
    page = Page(running)
    running.open(page.target("/echo?socket=7"))
    assert page.next()["target"] == page.target("/echo?socket=7")
    asked, answered = page.next()["item"], page.next()["item"]
    assert asked["sender"] == "client"
    assert asked["lines"][0]["text"] == f"GET {page.target('/echo?socket=7')} HTTP/1.1"
    assert answered["accept"]["accept"] == "s3pPLMBiTxaQ9kYGzzhZRbK+xOo="


def test_a_page_sees_a_broken_rule_with_its_section(running):
    page = Page(running)
    client, _ = page.open()
    client.send_frame(TEXT, b"Hello", masked=0)
    client.expect_close(1002)
    client.close()
    items = page.items()
    assert (items[0]["verdict"]["section"], items[0]["verdict"]["code"]) == ("§5.1", 1002)
    assert (items[1]["sender"], items[1]["name"]) == ("server", "close")
    assert (items[2]["type"], items[2]["length"]) == ("NotRead", 5)


@pytest.mark.parametrize(
    "settings, sent, section, code",
    [
        ({"max_size": 3}, [frame(TEXT, b"Hello")], "§10.4", 1009),
        ({"max_fragments": 1}, [frame(TEXT, b"a", fin=0), frame(CONT, b"b")], "§10.4", 1008),
    ],
)
def test_a_page_sees_what_the_limits_of_this_server_forbid(serving, settings, sent, section, code):
    running = serving(
        services.serve_endpoint,
        process_request=services.process_request,
        trace=wire_view.choose,
        **settings,
    )
    page = Page(running)
    client, _ = page.open()
    client.send(*sent)
    client.expect_close(code)
    client.close()
    broken = [
        item["verdict"]
        for item in page.items()
        if item.get("verdict", {}).get("type") == "Violation"
    ]
    assert [(verdict["section"], verdict["code"]) for verdict in broken] == [(section, code)]


def test_a_page_sees_that_a_head_is_above_the_limits_of_this_server(running):
    page = Page(running)
    client = running.connect()
    client.send(request(page.target("/echo"), "Cookie: a=" + 9000 * "b"))
    assert client.receive_head()[0] == 431
    client.close()
    assert page.items()[0]["verdict"]["section"] == "RFC 6585 §5"


def test_a_page_sees_a_head_as_the_limits_of_this_server_allow_it(serving):
    running = serving(
        services.serve_endpoint,
        process_request=services.process_request,
        trace=wire_view.choose,
        max_line_size=20_000,
    )
    page = Page(running)
    running.open(page.target("/echo"), "Cookie: a=" + 9000 * "b").close()
    assert [item["verdict"]["type"] for item in page.items()][:2] == ["Legal", "Legal"]


def test_a_page_sees_an_incomplete_frame_grow_and_be_cut_off(running):
    page = Page(running)
    client, _ = page.open()
    client.send(frame(TEXT, b"Hello")[:8])
    part = page.until("partial")[-1]["item"]
    assert part["verdict"]["type"] == "CutOff" and part["text"] == "He"
    client.close()
    last = page.items()[-1]
    assert last["verdict"]["type"] == "CutOff" and last["text"] == "He"


def chunks_of(events):
    return [event["chunks"] for event in events if event["event"] == "item"]


@pytest.mark.parametrize("size, chunks", [(1, 11), (3, 4), (4, 3), (10, 2), (11, 1), (0, 1)])
def test_1_5_the_chunks_in_which_a_frame_arrives_are_counted_and_change_nothing(
    running, size, chunks
):
    page = Page(running)
    client, number = page.open()
    page.read_at_a_time(client, number, size)
    client.send_frame(TEXT, b"Hello")
    client.expect(TEXT, b"Hello")
    event = page.until("item")[-1]
    assert (event["item"]["text"], event["chunks"]) == ("Hello", chunks)


def counted(size):
    """The chunks of three frames of 11 bytes and one of 8, which arrive in chunks of this size."""
    counter, conversation = ChunkCounter(), Conversation(at_handshake=False)
    data = 3 * frame(TEXT, b"Hello") + frame(CLOSE, close_body(1000))
    parts = [data[start : start + size] for start in range(0, len(data), size)]
    return [
        count
        for part in parts
        for count in counter.count(len(part), conversation.feed(Side.CLIENT, part))
    ]


@pytest.mark.parametrize(
    "size, counts",
    [
        (41, [1, 1, 1, 1]),
        (22, [1, 1, 1, 1]),
        (11, [1, 1, 1, 1]),
        (8, [2, 2, 3, 2]),
        (1, [11, 11, 11, 8]),
    ],
)
def test_1_5_a_chunk_that_has_bytes_of_two_frames_counts_for_both(size, counts):
    assert counted(size) == counts


@pytest.mark.parametrize("size", [1, 7, 20, 10_000])
def test_1_5_the_chunks_of_a_request_are_counted_from_its_first_byte(opened, size):
    watches = Watches()
    page = watches.open(PAGE)
    trace = WireTrace(opened()[0], watches)
    head = request(f"/echo?page={PAGE}")
    parts = [head[start : start + size] for start in range(0, len(head), size)]
    for part in parts:
        trace(Side.CLIENT, part)
    assert chunks_of(chain.from_iterable(page.explained(page.events.take(0)))) == [len(parts)]


def test_1_5_an_incomplete_frame_has_its_chunks_too(running):
    page = Page(running)
    client, number = page.open()
    page.read_at_a_time(client, number, 2)
    client.send(frame(TEXT, b"Hello")[:9])
    client.close()
    last = [event for event in page.until("closed") if event["event"] == "item"][-1]
    assert (last["item"]["verdict"]["type"], last["chunks"]) == ("CutOff", 5)


def test_a_page_sees_a_heartbeat(serving):
    running = serving(
        services.serve_endpoint,
        process_request=services.process_request,
        trace=wire_view.choose,
        ping_interval=0.05,
    )
    page = Page(running)
    client, number = page.open()
    pings = [
        event
        for event in page.until("item", connection=number)
        if event.get("item", {}).get("name") == "ping"
    ]
    assert pings[-1]["item"]["sender"] == "server"
    header, payload = client.receive()
    assert header.opcode == PING and pings[-1]["item"]["plain_start"] == payload.hex()


def test_what_a_peer_sends_stays_text_in_json(running):
    page = Page(running)
    client, _ = page.open("/echo", "Sec-WebSocket-Protocol: x")
    client.send_frame(TEXT, b'<img src=x onerror=alert(1)>\x00"\\')
    _, payload = page.wire.receive()
    assert payload.isascii()
    assert json.loads(payload)["item"]["text"] == '<img src=x onerror=alert(1)>\x00"\\'


# It disturbs no one


def test_events_are_taken_in_order_and_once():
    events = EventQueue()
    assert all(events.put({"number": number}) for number in range(3))
    assert events.take(0) == [{"number": 0}, {"number": 1}, {"number": 2}]
    assert events.take(0) == []


def test_a_full_queue_takes_only_what_is_urgent():
    events = EventQueue(max_events=2)
    assert [events.put({}), events.put({}), events.put({}), events.put({}, urgent=True)] == [
        True,
        True,
        False,
        True,
    ]
    assert len(events.take(0)) == 3
    assert events.put({})


def test_bytes_fill_the_queue_too():
    events = EventQueue(max_bytes=10)
    assert events.put(Chunk(0, 1, Side.CLIENT, b"12345678"))
    assert not events.put(Chunk(0, 1, Side.CLIENT, b"123"))
    assert events.put(Chunk(0, 1, Side.CLIENT, b"12"))
    events.take(0)
    assert events.put(Chunk(0, 1, Side.CLIENT, b"1234567890"))


def test_a_closed_queue_takes_nothing_and_wakes_a_waiting_thread(background):
    events = EventQueue()
    waiting = background(events.take, None)
    events.close()
    assert waiting.result() == []
    assert not events.put({}) and not events.put({}, urgent=True)


def test_all_pages_together_keep_to_their_share_of_a_processor():
    budget, step, began, end = Budget(0.25, credit=2), 0.01, 100.0, 160.0
    pages, spent = [began] * 3, 0.0
    while (now := min(pages)) < end:
        spent += step
        pages[pages.index(now)] = now + step + budget.spend(step, now + step)
    assert 0.25 * (end - began) < spent < 0.25 * (end - began + 2) + len(pages) * step


def test_a_page_that_explains_little_does_not_pause():
    budget = Budget(0.25, credit=2)
    assert [budget.spend(0.125, 100.0) for _ in range(5)] == [0, 0, 0, 0, 0.5]
    assert budget.spend(0.125, 110.0) == 0


def test_a_watch_pauses_when_the_budget_is_used_up_until_the_page_is_gone(background):
    watch, sent = Watch(PAGE, Budget()), []
    watch._budget = Budget(share=1e-9, credit=0)
    sending = background(watch.send_all, sent.append)
    watch.events.put({"event": 1})
    watch.events.put({"event": 2})
    eventually(lambda: sent)
    watch.close()
    sending.result()
    assert sent == [{"event": 1}]


def test_a_page_that_reads_nothing_delays_no_one_and_learns_what_it_missed(running, monkeypatch):
    """The bytes of one message do not fit the queue: the echo comes all the same."""
    monkeypatch.setattr(EventQueue.__init__, "__defaults__", (event_queue.MAX_EVENTS, 50_000))
    page = Page(running)
    client, _ = page.open()
    client.send_frame(TEXT, b"x" * 60_000)
    client.expect(TEXT, b"x" * 60_000)
    client.send_frame(TEXT, b"and one more")
    client.expect(TEXT, b"and one more")
    client.finish()
    client.close()
    events = page.until("closed")
    gaps = [event["bytes"] for event in events if event["event"] == "gap"]
    ends = [event["bytes_left_out"] for event in events if event["event"] == "end"]
    assert len(ends) == 2 and sum(ends) >= max(gaps) >= 60_000
    shown = [event["item"]["text"] for event in events if event["event"] == "item"]
    assert "and one more" in shown


def test_what_has_waited_for_too_long_is_no_longer_explained(running, monkeypatch):
    page = Page(running)
    client, _ = page.open()
    monkeypatch.setattr(connection_view, "MAX_AGE", -1)
    client.send_frame(TEXT, b"Hello")
    client.expect(TEXT, b"Hello")
    client.finish()
    client.close()
    events = page.until("closed")
    assert {event["event"] for event in events} == {"gap", "end", "closed"}
    ends = {event["sender"]: event["bytes_left_out"] for event in events if event["event"] == "end"}
    assert ends == {"client": 11 + 8, "server": 7 + 4}
    assert [event["bytes"] for event in events if event["event"] == "gap"][-1] <= 11 + 8 + 7 + 4


def test_a_page_that_is_gone_costs_nothing(running):
    page = Page(running)
    client, _ = page.open()
    page.wire.reset()
    assert eventually(lambda: len(running.server.all_connections) == 1)
    client.send_frame(TEXT, b"alone")
    client.expect(TEXT, b"alone")
    assert the_only(running, "/echo").trace is None


def test_an_internal_error_in_the_explanation_ends_the_view_and_no_connection(
    running, log, monkeypatch
):
    page = Page(running)
    client, _ = page.open()

    def broken(*arguments):
        raise RuntimeError("an error in the explanation")

    monkeypatch.setattr(connection_view.Conversation, "feed", broken)
    client.send_frame(TEXT, b"served")
    client.expect(TEXT, b"served")
    page.wire.expect_close(1011)
    assert "the wire view failed, and is off now" in log.text
    client.finish()


def test_while_a_queue_is_full_no_new_connection_is_watched(opened):
    page = Watches().open(PAGE)
    page.events = EventQueue(max_events=0)
    assert page.add(opened()[0], "/echo") is None
    assert page.find(1) is None


def test_a_connection_can_be_made_to_read_nothing_until_its_page_goes(running):
    page = Page(running)
    client, number = page.open()
    page.send("stop", connection=number, seconds=30)
    watched = wire_view.WATCHES.find(Request("GET", page.target(), "", Headers())).find(number)
    assert eventually(lambda: watched.stopped)
    client.send_frame(TEXT, b"anybody there?")
    client.send_frame(CLOSE, close_body(1000))
    assert page.command("clock")["event"] == "answer"
    client.expect_silence()
    page.close()
    client.expect(TEXT, b"anybody there?")
    client.expect_close(1000)
    client.close()
