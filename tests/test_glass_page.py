"""The page of watch: only for loopback clients with the token, and what it shows is what passed."""

import json
import re
from contextlib import ExitStack, closing

import pytest

from glass import Glass
from refws import serve
from refws.course.glass import client as glass_client
from refws.course.glass.document import document
from refws.course.glass.page import MAX_PAGES, Pages
from refws.course.glass.terminal import Terminal
from refws.course.services import echo
from test_page import OF_WATCH, elements_of, loaded_by
from wire import TEXT, Background, Wire, eventually, frame, request

OWN, TARGET = "ws://127.0.0.1:9000", "ws://server.example"


class WithPage:
    """A forwarder to an echo server, and its page."""

    def __init__(self, stack):
        self.echo = serve(echo, port=0)
        echoing = Background(self.echo.serve_forever)
        stack.callback(echoing.result)
        stack.callback(self.echo.shutdown)
        self.pages = Pages(OWN, TARGET, ["https://localhost:9000"])
        uri = f"ws://127.0.0.1:{self.echo.address[1]}"
        stack.callback(self.pages.stop)  # after the forwarder, as in the command
        self.glass = Glass(stack, uri=uri, page_at=self.pages.address)
        self.pages.start(self.glass.forwarder)

    @property
    def target(self):
        return f"/.refws/watch?token={self.pages.token}"

    def get(self, target, *fields):
        """(status, headers, text) of the answer to a plain GET."""
        with closing(Wire.connect(self.glass.address)) as wire:
            lines = [f"GET {target} HTTP/1.1", "Host: 127.0.0.1:9000", *fields, "", ""]
            wire.send("\r\n".join(lines).encode())
            status, headers = wire.receive_head()
            return status, headers, wire.file.read().decode()

    def opening(self, target, *fields):
        """(the client, the status of the answer) of an opening handshake."""
        client = self.glass.client()
        host = b"Host: 127.0.0.1"
        client.send(request(target, *fields).replace(host, host + b":9000"))
        return client, client.receive_head()[0]

    def open_page(self):
        """The connection of a page, which sees all connections from now on."""
        page, status = self.opening(self.target)
        assert status == 101 and event_of(page) == {"event": "hello"}
        return page


@pytest.fixture
def watched(nothing_left_behind):
    with ExitStack() as stack:
        yield WithPage(stack)


def event_of(client):
    header, payload = client.receive()
    assert header.opcode == TEXT
    return json.loads(payload)


def until(client, event):
    """All events up to the first of this kind."""
    found = [event_of(client)]
    while found[-1]["event"] != event:
        found.append(event_of(client))
    return found


# The token


def test_with_its_token_the_page_is_there(watched):
    status, headers, text = watched.get(f"/?token={watched.pages.token}")
    assert status == 200 and text == document(OWN, TARGET)
    assert headers["referrer-policy"] == "no-referrer"
    assert "script-src 'self'" in headers["content-security-policy"]


@pytest.mark.parametrize("target", ["/", "/?token=", "/?token=a", "/?token=%00", "/?t=a"])
def test_without_the_token_there_is_a_page_that_says_what_to_do(watched, target):
    status, _, text = watched.get(target)
    assert status == 403
    assert "open the address that it has printed" in text


def test_a_part_of_the_token_is_not_enough(watched):
    assert watched.get(f"/?token={watched.pages.token[:-1]}")[0] == 403
    assert watched.opening(f"{watched.target[:-1]}")[1] == 403


def test_each_start_has_another_token_which_cannot_be_guessed(nothing_left_behind):
    found = []
    for _ in range(2):
        pages = Pages(OWN, TARGET, [])
        found.append(pages.token)
        pages._server.shutdown()
    assert found[0] != found[1] and min(map(len, found)) >= 22, "128 bits"


def test_the_events_need_the_token_too(watched):
    assert watched.opening("/.refws/watch")[1] == 403
    assert watched.opening(watched.target)[1] == 101


def test_a_page_of_another_origin_gets_no_events(watched):
    assert watched.opening(watched.target, "Origin: http://evil.example")[1] == 403
    for own in "http://127.0.0.1:9000", "https://localhost:9000":
        assert watched.opening(watched.target, f"Origin: {own}")[1] == 101


def test_the_files_of_the_page_are_no_secret_and_nothing_else_is_there(watched):
    assert watched.get(f"/.refws/{OF_WATCH}")[0] == 200
    assert watched.get("/.refws/index.html")[0] == 404
    assert watched.get("/.refws/../etc/passwd")[0] == 404


def test_a_client_of_another_machine_gets_no_page(watched, monkeypatch):
    monkeypatch.setattr(glass_client, "is_here", lambda own, peer: False)
    status, _, text = watched.get(f"/?token={watched.pages.token}")
    assert (status, "for this machine only" in text) == (403, True)


@pytest.mark.parametrize(
    "address, is_here",
    [
        (("127.0.0.1", 5), True),
        (("::1", 5, 0, 0), True),
        (("::ffff:127.0.0.1", 5, 0, 0), True),
        (("192.0.2.1", 5), False),
        (("198.51.100.7", 5), True),
        (("fe80::1%eth0", 5, 0, 0), False),
        ("/a/path", False),
    ],
)
def test_which_clients_are_on_this_machine(address, is_here):
    """Loopback addresses are, and the address that this machine itself is reached by."""
    assert glass_client.is_here(("198.51.100.7", 9000), address) is is_here


def test_a_websocket_at_the_root_is_for_the_server_as_all_other_requests_are(watched):
    client, status = watched.opening("/")
    assert status == 101
    client.send_frame(TEXT, b"Hello")
    client.expect(TEXT, b"Hello")
    status, _, text = watched.get("/page.js")
    assert status == 400 and "no Upgrade header" in text, "the answer of the echo server"


def test_only_so_many_pages_are_open_at_once(watched):
    pages = [watched.open_page() for _ in range(MAX_PAGES)]
    late, status = watched.opening(watched.target)
    assert status == 101
    assert late.expect_close(1013).startswith(f"{MAX_PAGES} pages are open")
    pages[0].finish()
    assert eventually(lambda: len(watched.pages._open) == MAX_PAGES - 1)


# What it shows


def test_the_page_sees_each_frame_and_the_verdict(watched):
    terminal = Terminal(lambda text: None, publish=watched.glass.forwarder.show)
    watched.glass.forwarder.add(terminal.copies)
    terminal.start()
    page = watched.open_page()
    client, _ = watched.opening("/echo")
    client.send_frame(TEXT, b"Hello")
    client.expect(TEXT, b"Hello")
    client.send(frame(TEXT, b"Hello", masked=0))
    client.expect_close(1002)
    client.close()
    events = until(page, "verdict")
    assert events[0]["label"].startswith("#1 127.0.0.1:")
    items = [event["item"] for event in events if event["event"] == "item"]
    names = [(item["sender"], item.get("name", "head")) for item in items]
    assert names == [
        ("client", "head"),
        ("server", "head"),
        ("client", "text"),
        ("server", "text"),
        ("client", "text"),
        ("server", "close"),
    ]
    assert items[4]["verdict"]["section"] == "§5.1"
    lines = dict(events[-1]["lines"])
    assert lines["broken first"].startswith("by the client, §5.1")
    terminal.stop(0)


def test_what_follows_a_broken_rule_is_explained_too(watched):
    """It is shown, not stopped: the server may go on, and then the page must."""
    page = watched.open_page()
    client, _ = watched.opening("/echo")
    client.send(frame(TEXT, b"a", masked=0), frame(TEXT, b"b"))
    client.expect_close(1002)
    client.close()
    texts = [event["item"].get("text") for event in until(page, "closed") if "item" in event]
    assert "a" in texts and "b" in texts


# The document


def test_every_element_that_a_script_asks_for_is_on_the_page():
    shown = document(OWN, TARGET)
    ids = re.findall(r' id="([\w-]+)"', shown)
    assert len(ids) == len(set(ids))
    assert elements_of(loaded_by(OF_WATCH) - {"close_codes.js"}) <= set(ids)


def test_what_the_page_loads_is_below_its_own_path():
    loaded = re.findall(r'<(?:script|link)[^>]* (?:src|href)="([^"]*)"', document(OWN, TARGET))
    assert loaded and all(path.startswith("/.refws/") for path in loaded)


def test_words_of_the_command_line_are_only_text():
    assert "<b>" not in document(OWN, "ws://<b>")
