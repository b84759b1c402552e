"""RFC 6455 §7.1.5, §7.1.7: at the end of a connection: which rule was broken first, and by whom."""

import pytest

from refws.course.explain.conversation import Conversation
from refws.course.glass.copies import How
from refws.course.glass.story import IDLE, Story
from refws.protocol.frame import Side
from wire import CLOSE, PING, PONG, SAMPLE_KEY, TEXT, close_body, frame, request, response

C, S = Side.CLIENT, Side.SERVER
FIN, RESET = How.FIN, How.RESET
OPEN = [(C, request("/chat")), (S, response(SAMPLE_KEY))]
HELLO = (C, frame(TEXT, b"Hello"))


def of_server(opcode, payload=b"", **fields):
    return (S, frame(opcode, payload, masked=0, **fields))


def verdict(*events, stopped=False):
    """The lines by label. An event is a side with its bytes or its end, at one second each; a
    number lets seconds pass.
    """
    story, conversation, now = Story(0.0), Conversation(at_handshake=True), 0.0
    for event in events:
        if isinstance(event, int | float):
            now += event
            continue
        side, what = event
        now += 0.001
        if isinstance(what, How):
            story.end(now, side, what)
        else:
            for item in conversation.feed(side, what):
                story.add(now, item)
    for item in conversation.finish():
        story.add(now, item)
    lines = list(story.lines(stopped))
    assert len(dict(lines)) == len(lines), "each label once"
    return dict(lines)


# Rules that were broken


def test_a_masked_frame_of_the_server_is_named_with_its_section_and_a_hint():
    found = verdict(*OPEN, HELLO, (S, frame(TEXT, b"Hello")), (C, FIN), (S, FIN))
    assert found["broken first"].startswith("by the server, §5.1: a masked frame")
    assert "expected the MASK bit 0" in found["broken first"]
    assert found["hint"].startswith("a server must not mask")


def test_the_first_of_several_broken_rules_is_the_one():
    unmasked, masked = (C, frame(TEXT, b"a", masked=0)), (S, frame(TEXT, b"a"))
    assert verdict(*OPEN, unmasked, masked)["broken first"].startswith("by the client, §5.1")
    assert verdict(*OPEN, masked, unmasked)["broken first"].startswith("by the server, §5.1")


def test_a_wrong_accept_is_a_broken_rule_too():
    found = verdict(OPEN[0], (S, response("another key")), (C, FIN), (S, FIN))
    assert found["broken first"].startswith("by the server, §4.1")
    assert "Sec-WebSocket-Accept" in found["broken first"]


def test_a_broken_rule_in_a_frame_that_is_not_complete_counts():
    found = verdict(*OPEN, (C, frame(TEXT, b"Hello", masked=0)[:4]), of_server(CLOSE), (S, FIN))
    assert found["broken first"].startswith("by the client, §5.1")


def test_a_rule_that_is_broken_in_a_frame_that_is_never_complete_is_first():
    story, conversation = Story(0.0), Conversation(at_handshake=True)
    for side, wire in OPEN:
        for item in conversation.feed(side, wire):
            story.add(1.0, item)
    assert not any(story.note_broken(1.0, item) for item in conversation.pending())
    conversation.feed(S, b"Hello")
    assert [story.note_broken(2.0, item) for item in conversation.pending()] == [True]
    assert story.broken
    for item in conversation.feed(C, frame(TEXT, b"a", masked=0)):
        story.add(3.0, item)
    assert dict(story.lines())["broken first"].startswith("by the server, §5.2")


# How it ended


def test_a_closing_handshake_needs_no_hint():
    found = verdict(
        *OPEN,
        (C, frame(CLOSE, close_body(1001))),
        of_server(CLOSE, close_body(1001)),
        (S, FIN),
        (C, FIN),
    )
    assert found == {
        "end": "The client sent Close 1001 (going away: the program or page stops), and the server "
        "answered it. The server ended TCP first, 0.001 s after the last frame. Both sides report "
        "1001 (§7.1.5)."
    }


def test_codes_that_differ_are_both_named():
    end = verdict(*OPEN, of_server(CLOSE), (C, frame(CLOSE, close_body(4000))))["end"]
    assert "The server sent a Close without a code, and the client answered with Close 4000." in end
    assert end.endswith("The client reports 1005, the server 4000 (§7.1.5).")


def test_without_a_close_both_sides_report_1006_and_the_server_log_may_say_why():
    found = verdict(*OPEN, HELLO, (S, FIN), (C, FIN))
    assert found["end"] == (
        "The server ended TCP first, 0.001 s after the last frame, without a Close of either side "
        "(§7.1.1). Both sides report 1006 (§7.1.5)."
    )
    assert "broken first" not in found
    assert found["hint"].startswith(
        "the server ended TCP right after a text frame of 5 bytes of the client: look into its log"
    )


def test_a_reset_is_called_a_reset():
    found = verdict(*OPEN, HELLO, (S, RESET))
    assert "The server reset TCP, 0.001 s" in found["end"]
    assert "closed its socket with bytes unread" in found["hint"]


@pytest.mark.parametrize(
    "events, words",
    [
        ([(S, FIN)], "before any frame: look into its log, its handler may have returned"),
        ([(C, FIN)], "before any frame: look into its log, its program may have returned"),
        ([HELLO, IDLE, (S, FIN)], "no frame passed for 15.0 s: a time limit of the server"),
        ([HELLO, IDLE, (C, FIN)], "a time limit of the client"),
        ([of_server(PING, b"a"), 5, (S, FIN)], "the server sent a Ping 5.0 s before, and got no"),
        ([(C, frame(PING, b"a")), 5, (C, FIN)], "the client sent a Ping 5.0 s before, and got no"),
        ([HELLO, (C, FIN)], "a program that ends, or closes its socket, without close()"),
        (
            [of_server(CLOSE, close_body(1000)), (C, FIN)],
            "the client got a Close and sent none: a Close must be answered with a Close",
        ),
        (
            [of_server(TEXT, b"Hello", length=70), (S, FIN)],
            "in the middle of a text frame of 70 bytes: the header announces 70 bytes of payload, "
            "5 are here; expected 65 more",
        ),
    ],
)
def test_each_end_without_a_broken_rule_has_its_likely_cause(events, words):
    found = verdict(*OPEN, *events)
    assert "broken first" not in found
    assert words in found["hint"]


def test_a_ping_that_was_answered_is_no_cause():
    """§5.5.3: a Pong answers all older Pings, too, but not the peer's."""
    pings = [of_server(PING, b"a"), of_server(PING, b"b"), (C, frame(PING, b"b"))]
    assert "Ping 5.0" not in verdict(*OPEN, *pings, (C, frame(PONG, b"b")), 5, (S, FIN))["hint"]
    assert "got no Pong" in verdict(*OPEN, *pings, (C, frame(PONG, b"a")), 5, (S, FIN))["hint"]
    assert "got no Pong" in verdict(*OPEN, *pings, (C, frame(PONG, b"b")), 5, (C, FIN))["hint"]


def test_a_side_that_fails_the_connection_reports_1006_though_its_close_is_answered():
    """As browsers and libraries do: they do not wait for the answer (§7.1.7)."""
    masked, answer = (S, frame(TEXT, b"Hello")), of_server(CLOSE, close_body(1002))
    end = verdict(*OPEN, masked, (C, frame(CLOSE, close_body(1002))), answer, (S, FIN))["end"]
    assert end.endswith(
        "The client reports 1006 because it has failed the connection, the server 1002 (§7.1.5)."
    )
    normal = (C, frame(CLOSE, close_body(1000)))
    assert (
        "Both sides report 1000"
        in verdict(*OPEN, masked, normal, of_server(CLOSE, close_body(1000)))["end"]
    )


def test_a_close_that_is_not_legal_is_reported_as_1006():
    found = verdict(*OPEN, of_server(CLOSE, close_body(999)), (S, FIN))
    assert "§7.4" in found["broken first"]
    assert "The server sent a Close that is not legal, and the client sent none." in found["end"]
    assert "Both sides report 1006" in found["end"]


# No WebSocket connection

REFUSAL = b"HTTP/1.1 403 Forbidden\r\nContent-Length: 0\r\n\r\n"


def test_a_refusal_is_quoted():
    found = verdict(OPEN[0], (S, REFUSAL), (S, FIN))
    assert found["end"] == (
        "No WebSocket connection: the server answered 'HTTP/1.1 403 Forbidden' (§4.1)."
    )
    assert found["hint"] == "the server does not let this client in; its log may say why"


@pytest.mark.parametrize(
    "line, hint",
    [
        (b"401 Unauthorized", "have your client send Authorization"),
        (b"404 Not Found", "check the path"),
        (b"301 Moved", "redirects are not followed"),
        (b"200 OK", "whether a proxy in between drops Upgrade"),
        (b"500 Oh", "the server failed"),
        (b"999 Oh", "the log of the server"),
    ],
)
def test_each_refusal_has_advice_without_names_of_a_library(line, hint):
    found = verdict(OPEN[0], (S, b"HTTP/1.1 " + line + b"\r\n\r\n"), (S, FIN))
    assert hint in found["hint"] and "=" not in found["hint"]


def test_an_answer_that_is_no_http_is_a_failed_handshake():
    found = verdict(OPEN[0], (S, b"\x15\x03\x03\x00\x02\x02\x46"), (S, FIN))
    assert found["broken first"].startswith("by the server, §3: a TLS record")
    assert found["end"].endswith("No WebSocket connection: the handshake failed (§4.1).")


def test_text_without_a_frame_is_no_close_though_it_looks_like_one():
    found = verdict(*OPEN, (S, b"Hello world"), 3, (S, FIN))
    assert found["broken first"].startswith("by the server, §5.2")
    assert "without a frame around it" in found["hint"]
    assert "without a Close of either side" in found["end"]


def test_a_refusal_of_a_page_names_the_option():
    opening = (C, request("/", "Origin: http://127.0.0.1:3000"))
    assert "start watch with --origin" in verdict(opening, (S, REFUSAL), (S, FIN))["hint"]


def test_a_request_that_is_no_handshake_gets_the_hint_of_its_explanation():
    opening = (C, b"GET / HTTP/1.1\r\nHost: a\r\n\r\n")
    assert "ordinary HTTP request" in verdict(opening, (S, REFUSAL), (S, FIN))["hint"]


@pytest.mark.parametrize("side, words", [(S, "it may speak TLS"), (C, "did not wait")])
def test_a_request_without_an_answer(side, words):
    found = verdict(OPEN[0], (side, FIN))
    assert found["end"] == (
        f"The {side.value} ended TCP first, before the server had answered the request."
    )
    assert words in found["hint"]


# What the story cannot say


def test_a_connection_that_watch_has_ended_gets_no_cause():
    found = verdict(*OPEN, HELLO, stopped=True)
    assert found["end"].startswith("watch was stopped. Neither side ended TCP, without a Close")
    assert list(found) == ["end"]


def test_bytes_that_were_not_looked_at_are_said():
    story = Story(0.0)
    story.left_out = 70_000
    assert "70000 bytes" in dict(story.lines())["not judged"]
