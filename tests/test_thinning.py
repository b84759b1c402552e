"""What a page is shown of a flood: a part of it, how much is missing, and what comes after it."""

import random
import threading

import pytest

from refws.course import services
from refws.course.explain.conversation import Conversation
from refws.course.explain.values import Legal, Unjudged
from refws.course.web import watch_endpoint, wire_view
from refws.course.web.budget import PAGE_CREDIT, PAGE_SHARE, SHARE, Budget, PageBudget
from refws.course.web.connection_view import ConnectionView
from refws.course.web.event_queue import Chunk
from refws.course.web.message_starts import MessageStarts
from refws.course.web.thinning import AT_ONCE, CREDIT, RATE, Allowance
from refws.course.web.wire_view import Watch, Watches
from refws.endpoint.settings import Settings
from refws.protocol.frame import Side
from watching import PAGE, Page
from wire import BINARY, CLOSE, CONT, PING, TEXT, close_body, eventually, frame, request

REQUEST = request("/echo")
RESPONSE = (
    b"HTTP/1.1 101 Switching Protocols\r\nUpgrade: websocket\r\nConnection: Upgrade\r\n"
    b"Sec-WebSocket-Accept: s3pPLMBiTxaQ9kYGzzhZRbK+xOo=\r\n\r\n"
)
DEFLATED = (
    RESPONSE[:-2] + b"Sec-WebSocket-Extensions: permessage-deflate\r\n\r\n",
    request("/echo", "Sec-WebSocket-Extensions: permessage-deflate"),
)


# Where messages begin


STREAM = [
    (frame(TEXT, b"one"), True),
    (frame(TEXT, b"two ", fin=0), True),
    (frame(PING, b"ping"), False),
    (frame(CONT, b"", fin=0), False),
    (frame(CONT, b"end"), False),
    (frame(PING), True),
    (frame(BINARY, 300 * b"3"), True),
    (frame(BINARY, 70_000 * b"4"), True),
    (frame(CLOSE, close_body(1000)), True),
]
"""Frames, and whether each one is in no message that began before it."""


def starts_of(sizes):
    """The offsets that are found if the bytes come in chunks of these sizes."""
    data = REQUEST + b"".join(wire for wire, _ in STREAM)
    finder, found, at = MessageStarts(), [], 0
    for size in sizes:
        index = finder.find(data[at : at + size])
        found += [] if index is None else [at + index]
        at += size
    return found


def right_starts():
    at, found = len(REQUEST), []
    for wire, begins in STREAM:
        found += [at] if begins else []
        at += len(wire)
    return found


def test_every_start_of_a_message_is_found_byte_by_byte():
    size = len(REQUEST) + sum(len(wire) for wire, _ in STREAM)
    assert starts_of(size * [1]) == right_starts()


@pytest.mark.parametrize("seed", range(20))
def test_what_is_found_in_any_chunks_is_the_first_start_of_each(seed):
    numbers, sizes = random.Random(seed), []
    while sum(sizes) < len(REQUEST) + sum(len(wire) for wire, _ in STREAM):
        sizes.append(numbers.choice((1, 2, 3, 5, 14, 100, 5000, 40_000)))
    at, expected = 0, []
    for size in sizes:
        expected += [start for start in right_starts() if at <= start < at + size][:1]
        at += size
    assert starts_of(sizes) == expected


# Going on after missing bytes


def conversation(*heads):
    opened = Conversation(at_handshake=True, keep_going=False)
    for side, head in zip(Side, heads, strict=True):
        opened.feed(side, head)
    return opened


def test_after_missing_bytes_the_next_message_is_judged_and_has_its_offset():
    found = conversation(REQUEST, RESPONSE)
    assert found.feed(Side.CLIENT, frame(TEXT, b"Hel", fin=0) + frame(CONT, b"lo")[:5])
    assert found.skip(Side.CLIENT, 1000)
    (item,) = found.feed(Side.CLIENT, frame(TEXT, b"again"))
    missing = len(frame(TEXT, b"Hel", fin=0)) + 5 + 1000
    assert (item.offset, item.text) == (len(REQUEST) + missing, "again")
    assert item.verdict == Legal() and item.before.message is None


def test_5_1_a_rule_that_is_broken_after_missing_bytes_is_found():
    found = conversation(REQUEST, RESPONSE)
    found.skip(Side.CLIENT, 7)
    (item,) = found.feed(Side.CLIENT, frame(TEXT, b"", masked=0))
    assert item.verdict.violation.section == "§5.1"


def test_without_the_handshake_nothing_can_be_explained():
    found = Conversation(at_handshake=True)
    found.feed(Side.CLIENT, REQUEST)
    assert not found.skip(Side.CLIENT, 7)


def test_7692_7_2_3_2_a_message_that_may_refer_to_missing_bytes_is_not_inflated():
    response, asked = DEFLATED
    found = conversation(asked, response)
    hello = bytes.fromhex("f248cdc9c90700")
    (first,) = found.feed(Side.CLIENT, frame(TEXT, hello, rsv=4))
    found.skip(Side.CLIENT, 100)
    second, third = found.feed(
        Side.CLIENT, frame(TEXT, bytes.fromhex("f200110000"), rsv=4) + frame(TEXT, b"plain")
    )
    assert (first.text, third.text) == ("Hello", "plain")
    assert isinstance(second.verdict, Unjudged)


# What a page is shown


def view_of(*chunks, now=0.0):
    """The events of a connection that is open, and these chunks of its client."""
    view = ConnectionView(1, Settings())
    for side, head in zip(Side, (REQUEST, RESPONSE), strict=True):
        view.explain(Chunk(0, 1, side, head), 0)
    events = [event for chunk in chunks for event in view.explain(chunk, now)]
    return events, view


def kinds(events):
    return [
        event["item"]["name"] if event["event"] == "item" else event["event"] for event in events
    ]


def test_of_a_flood_a_part_is_shown_and_the_rest_is_counted():
    flood = Chunk(0, 1, Side.CLIENT, 3000 * frame(TEXT, b"x"))
    events, view = view_of(flood)
    assert len(events) == CREDIT
    assert [(gap["frames"], gap["bytes"]) for gap in view.report_gap()] == [(3000 - CREDIT, 0)]
    assert list(view.report_gap()) == []


@pytest.mark.parametrize(
    "wire, name",
    [(frame(CLOSE, close_body(1000)), "close"), (frame(TEXT, b"x", masked=0), "text")],
)
def test_in_a_flood_the_end_and_a_broken_rule_are_shown_after_what_is_missing(wire, name):
    flood = Chunk(0, 1, Side.CLIENT, (CREDIT + 5) * frame(TEXT, b"x") + wire)
    events, view = view_of(flood)
    assert kinds(events)[-2:] == ["gap", name]
    assert events[-2]["frames"] == 5
    assert list(view.report_gap()) == []


def test_bytes_that_are_left_out_are_counted_and_the_next_message_is_shown():
    start = len(frame(TEXT, b"xxxx")) - 3
    late = Chunk(1, 1, Side.CLIENT, frame(TEXT, b"xxxx")[3:] + frame(TEXT, b"seen"), 1000, start)
    events, _ = view_of(late, Chunk(2, 1, Side.CLIENT, b""))
    assert kinds(events) == ["gap", "text", "end"]
    assert events[0]["bytes"] == events[-1]["bytes_left_out"] == 1000 + start
    assert events[1]["item"]["text"] == "seen" and events[1]["chunks"] == 1


def test_while_no_message_begins_all_is_left_out():
    part = Chunk(1, 1, Side.CLIENT, 50 * b"x", 1000)
    events, view = view_of(part, part)
    assert events == [] and list(view.partial(part)) == []
    assert [gap["bytes"] for gap in view.report_gap()] == [2 * 1050]


def test_what_is_older_than_the_wish_of_the_page_is_left_out():
    _, view = view_of()
    wire = frame(TEXT, b"x")
    old, new = (Chunk(time, 1, Side.CLIENT, wire, 0, 0) for time in (1, 3))
    assert view.explain(old, 4, renewed=2) == []
    assert kinds(view.explain(new, 4, renewed=2)) == ["gap", "text"]


def test_a_page_that_wants_it_sees_what_comes_from_now_on(opened):
    watch = Watch(PAGE, Budget())
    watched = watch.add(opened()[0], "/echo")
    for side, data in ((Side.CLIENT, REQUEST), (Side.SERVER, RESPONSE)):
        watched.note(side, data)
    watched.note(Side.CLIENT, frame(TEXT, b"before"))
    watch.renew()
    opening, *heads, old = (list(events) for events in watch.explained(watch.events.take(0)))
    assert [event["event"] for event in opening] == ["connection"]
    assert [len(head) for head in heads] == [1, 1] and old == []
    assert [gap["bytes"] for gap in watched.view.report_gap()] == [len(frame(TEXT, b"before"))]


def test_a_handshake_that_has_waited_for_long_is_explained_all_the_same():
    _, view = view_of()
    fresh = ConnectionView(2, Settings())
    for side, head in zip(Side, (REQUEST, RESPONSE), strict=True):
        (event,) = fresh.explain(Chunk(0, 2, side, head), now=1000)
        assert event["item"]["type"] == "HeadExplanation"
    old = Chunk(0, 2, Side.CLIENT, frame(TEXT, b"x"), 0, 0)
    assert fresh.explain(old, now=1000) == view.explain(old, now=1000) == []


def test_an_allowance_grows_with_the_time_up_to_its_credit():
    allowance = Allowance()
    assert [allowance.take(0) for _ in range(CREDIT + 1)] == CREDIT * [True] + [False]
    assert not allowance.take((AT_ONCE - 1) / RATE)
    assert [allowance.take(0.5) for _ in range(RATE // 2 + 1)] == RATE // 2 * [True] + [False]
    assert [allowance.take(1e6) for _ in range(CREDIT + 1)] == CREDIT * [True] + [False]
    assert allowance.take(1e6 + 0.001, renewed=1e6 + 0.0005)


# As a whole


def spend_until(end, *pages, step=0.01):
    """What each of these pages has spent if all of them always want to."""
    times, spent = [100.0] * len(pages), [0.0] * len(pages)
    while (now := min(times)) < end:
        which = times.index(now)
        spent[which] += step
        times[which] = now + step + pages[which].spend(step, now + step)
    return spent


def test_one_page_cannot_use_up_the_time_of_all():
    all_pages = Budget()
    (spent,) = spend_until(200.0, PageBudget(all_pages, lambda: 1))
    assert PAGE_SHARE * 100 <= spent < PAGE_SHARE * (100 + PAGE_CREDIT) + 0.02
    assert all_pages.spend(0.01, 200.0) == 0


def test_all_pages_together_keep_to_the_share_of_all():
    all_pages = Budget()
    pages = [PageBudget(all_pages, lambda: 10) for _ in range(10)]
    spent = spend_until(400.0, *pages)
    assert SHARE * 300 * 0.9 < sum(spent) < SHARE * (300 + PAGE_CREDIT) + 1
    assert max(spent) < 2 * min(spent)


def test_a_page_that_has_spent_little_does_not_wait_for_what_the_others_have_spent():
    all_pages = Budget()
    spend_until(200.0, *(PageBudget(all_pages, lambda: 10) for _ in range(9)))
    assert all_pages.spend(0, 200.0) > 0
    assert PageBudget(all_pages, lambda: 10).spend(0.01, 200.0) == 0


def test_there_is_an_end_to_how_many_connections_all_pages_watch(opened, monkeypatch):
    monkeypatch.setattr(wire_view, "MAX_ALL_CONNECTIONS", 1)
    watches, connection = Watches(), opened()[0]
    first, second = watches.open(32 * "0"), watches.open(32 * "1")
    assert first.add(connection, "/") is not None
    assert second.add(connection, "/") is None
    watches.close(first)
    assert second.add(connection, "/") is not None


def test_there_is_an_end_to_how_many_commands_of_all_pages_run(serving, monkeypatch):
    monkeypatch.setattr(watch_endpoint, "ALL_RUNNING", threading.BoundedSemaphore(1))
    running = serving(
        services.serve_endpoint, process_request=services.process_request, trace=wire_view.choose
    )
    page, other = Page(running), Page(running, 32 * "f")
    _, number = page.open()
    stopped = page.send("stop", connection=number, seconds=30)
    watched = wire_view.WATCHES._pages[PAGE].find(number)
    assert eventually(lambda: watched.stopped)
    refusal = other.command("clock")
    assert refusal["event"] == "error" and "try again" in refusal["message"]
    assert stopped not in page.answers
    page.close()
    assert eventually(lambda: other.command("clock")["event"] == "answer")
