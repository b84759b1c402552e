"""The labs as pages: a step at a time, the settings side by side, for this machine only."""

import errno
import threading
from html.parser import HTMLParser
from http.client import HTTPConnection

import pytest

from refws.course.labs import gauge, heartbeat, serving
from refws.course.labs import stage as stage_module
from refws.course.labs.gauge import memory, watched
from refws.course.labs.labs import LABS
from refws.course.labs.pages import Pages
from refws.course.labs.readings import Delay
from refws.course.labs.stage import Stage
from refws.course.labs.story import Crossed, Lab, Step
from refws.course.labs.texts.english import ENGLISH
from refws.endpoint.server import Server
from refws.protocol.frame import TEXT, Side, encode_frame
from refws.protocol.http import Headers, Request
from wire import DEADLINE_S, eventually

pytestmark = pytest.mark.usefixtures("nothing_left_behind")


VOID = {"meta", "link", "br"}
"""Elements that have no end."""

INLINE = {"a", "strong", "code", "br"}
"""Elements that a paragraph of these pages may have."""


class Reader(HTMLParser):
    """The text of a page, and its links; fails for an element that is not closed, and for a block
    in a paragraph, which would end it.
    """

    def __init__(self, response):
        super().__init__()
        self.text, self.links, self._open = "", [], []
        self.refresh = response.headers.get("Refresh")
        self.feed(response.body.decode())
        assert self._open == []

    def handle_starttag(self, tag, attributes):
        assert "p" not in self._open or tag in INLINE
        if tag not in VOID:
            self._open.append(tag)
        self.links += [value for name, value in attributes if name == "href"]

    def handle_endtag(self, tag):
        assert self._open.pop() == tag

    def handle_data(self, data):
        self.text += data


@pytest.fixture
def get(monkeypatch):
    """get(target) gives the status and the read page, which waits for its steps."""
    monkeypatch.setattr(stage_module, "PATIENCE", DEADLINE_S)
    stage = Stage()
    pages = Pages(stage)

    def get(target):
        response = pages.answer(Request("GET", target, "HTTP/1.1", Headers()))
        if response is None:
            return 404, None
        return response.status_code, Reader(response) if response.body else response

    yield get
    stage.end()


def test_the_root_leads_to_the_labs_because_its_page_needs_another_server(get):
    status, moved = get("/")
    assert (status, moved.headers["Location"]) == (303, "/lab/")


def test_the_list_has_a_link_to_each_lab(get):
    status, page = get("/lab/")
    assert status == 200
    assert [link for link in page.links if link.startswith("/lab/")][1:] == [
        f"/lab/{name}" for name in LABS
    ]


def test_each_page_has_one_step_more_and_a_link_to_the_next(get):
    names = list(ENGLISH.labs["fragments"].steps.values())
    for number, text in enumerate(names, 1):
        status, page = get(f"/lab/fragments/on/{number}")
        assert status == 200
        assert f"{number}. {text.title}" in page.text
        assert f"{number + 1}. " not in page.text
        following = f"/lab/fragments/on/{number + 1}#step-{number + 1}"
        assert (following in page.links) is (number < len(names))


def test_a_page_that_is_opened_again_plays_nothing_again(get):
    _, first = get("/lab/poison/off/3")
    _, again = get("/lab/poison/off/3")
    assert first.text == again.text
    status, moved = get("/lab/poison/off?again")
    assert (status, moved.headers["Location"]) == (303, "/lab/poison/off/1")
    _, new = get("/lab/poison/off/3")
    assert new.text != first.text, "the ports are others"


def test_the_settings_are_side_by_side_with_what_their_steps_came_to(get):
    get("/lab/poison/off/9")
    _, page = get("/lab/poison")
    assert "The victim gets the forged script" in page.text
    assert "The victim gets the genuine script" not in page.text
    assert "/lab/poison/on/1" in page.links
    get("/lab/poison/on/9")
    _, page = get("/lab/poison")
    assert "The victim gets the forged script" in page.text
    assert "The victim gets the genuine script" in page.text


def test_another_lab_ends_the_servers_of_the_first_and_keeps_its_steps(get):
    get("/lab/key/on/1")
    get("/lab/poison/on/1")
    _, page = get("/lab/key/on/1")
    assert "1. " in page.text and "2. " not in page.text
    assert "/lab/key/on/2#step-2" in page.links
    assert "Its servers have ended, because another setting or lab was started" in page.text
    assert "/lab/key/on?again" in page.links
    _, page = get("/lab/poison/on/1")
    assert "Its servers have ended" not in page.text


def test_a_lab_that_another_one_has_cut_short_begins_again_if_more_of_it_is_asked_for(get):
    get("/lab/fragments/on/1")
    get("/lab/fragments/off/1")
    for number in (2, 3):
        for defence in ("on", "off"):
            _, page = get(f"/lab/fragments/{defence}/{number}")
            assert f"{number}. " in page.text


def test_a_page_that_asks_again_does_not_end_what_another_tab_plays(get, slow_lab, background):
    begun, go_on = slow_lab
    get("/lab/fragments/on/1")
    waiting = background(get, "/lab/key/on/1")
    assert begun.wait(DEADLINE_S)
    for query in ("tick", "tock"):
        _, page = get(f"/lab/fragments/on/2?{query}")
        assert "1. " in page.text and "2. " not in page.text
        assert "/lab/fragments/on/2#step-2" in page.links
    go_on()
    assert "as expected" in waiting.result()[1].text


@pytest.fixture
def slow_lab(monkeypatch):
    """A lab in the place of "key" whose first step lasts until go_on(): begun, go_on."""
    begun, sockets = threading.Event(), []

    def part(sock):
        sockets.append(sock)
        begun.set()
        sock.recv(1)  # until the client ends

    def play(cast):
        port = cast.host(part)
        with cast.client(port) as sock:
            yield Step("fetch", sock.recv(1) == b"a", facts={"page": "none"})

    monkeypatch.setitem(LABS, "key", Lab("key", "§4", 1, play))
    return begun, lambda: sockets[0].sendall(b"a")


def test_no_other_page_waits_for_a_step_that_takes_long(get, slow_lab, background):
    begun, go_on = slow_lab
    two = [background(get, "/lab/key/on/1") for _ in range(2)]
    assert begun.wait(DEADLINE_S)
    _, page = get("/lab/key")
    assert "see its steps" in page.text
    assert get("/lab/")[0] == 200
    go_on()
    pages = [reader.result()[1].text for reader in two]
    assert pages[0] == pages[1], "both browsers see the same step"
    assert "1. A script tries it" in pages[0]


def test_another_run_ends_a_step_that_takes_long_and_blames_no_one(get, slow_lab, background):
    begun, _ = slow_lab
    waiting = background(get, "/lab/key/on/1")
    assert begun.wait(DEADLINE_S)
    assert get("/lab/key/on?again")[0] == 303
    _, page = get("/lab/fragments/on/1")
    assert "1. " in page.text
    broken_off = waiting.result()[1].text
    assert "could not go on" not in broken_off
    assert "NOT as expected" not in broken_off, "a step without servers proves nothing"


@pytest.fixture
def measured_lab(monkeypatch):
    """A lab in the place of "flood" with one step, measured until go_on is set: plays, go_on."""
    plays, go_on = [], threading.Event()
    facts = {"tried": "30", "places": "20", "opened": "5"}

    def play(cast):
        plays.append(cast)
        with memory() as held, watched(cast, "alone", facts, held, lambda _: Delay(0, True), int):
            go_on.wait(DEADLINE_S)
        yield Step("alone", True)

    monkeypatch.setattr(gauge, "PACE", 0.01)
    monkeypatch.setattr(stage_module, "PATIENCE", 0.0)
    monkeypatch.setitem(LABS, "flood", Lab("flood", "§4.1", 1, play))
    return plays, go_on


def measured(page):
    return page.text.count(" KiB ")


def test_the_page_of_a_step_that_is_played_has_what_is_measured_and_asks_again(get, measured_lab):
    plays, go_on = measured_lab
    _, page = get("/lab/flood/on/1")
    while measured(page) < 3:
        assert page.refresh == "0; url=/lab/flood/on/1?tick#step-1"
        assert "1. A good client, alone" in page.text and "as expected" not in page.text
        assert "This step goes on" in page.text
        _, page = get("/lab/flood/on/1")
    _, other_tab = get("/lab/flood/on/1?tick")
    assert other_tab.refresh == "0; url=/lab/flood/on/1?tock#step-1", "another address each time"
    assert measured(other_tab) >= 3
    go_on.set()
    while page.refresh is not None:
        _, page = get("/lab/flood/on/1")
    assert "as expected" in page.text and "This step goes on" not in page.text
    assert measured(page) > 3
    assert len(plays) == 1, "all saw the same"


def test_many_tabs_at_once_see_the_same_step_which_is_played_once(get, measured_lab, background):
    plays, go_on = measured_lab
    tabs = [background(get, "/lab/flood/on/1") for _ in range(8)]
    assert all(tab.result()[1].refresh for tab in tabs)
    go_on.set()
    assert eventually(lambda: get("/lab/flood/on/1")[1].refresh is None)
    assert len(plays) == 1


def test_a_step_that_is_measured_ends_with_its_run(get, measured_lab):
    plays, go_on = measured_lab
    get("/lab/flood/on/1")
    assert eventually(lambda: measured(get("/lab/flood/on/1")[1]) > 0)
    go_on.set()  # the lab itself is in no socket that ends
    get("/lab/flood/on?again")
    get("/lab/flood/on/1")
    assert plays[0].ending.is_set()
    assert eventually(lambda: len(plays) == 2)


def test_a_fault_in_a_lab_is_reported_and_its_page_asks_for_nothing(get, monkeypatch):
    def play(cast):
        yield Step("fetch", True, facts={"page": "none"})
        raise LookupError("a fault")

    reported = []
    monkeypatch.setattr(threading, "excepthook", lambda args: reported.append(args.exc_type))
    monkeypatch.setitem(LABS, "key", Lab("key", "§4", 1, play))
    _, page = get("/lab/key/on/2")
    assert "The lab could not go on: a fault." in page.text
    assert page.refresh is None
    assert eventually(lambda: reported == [LookupError])


@pytest.mark.parametrize(
    "target",
    [
        "/labs",
        "/lab/none",
        "/lab/key/none",
        "/lab/key/on/x",
        "/lab/key/on/1000",
        "/lab/a/b/c/d",
        "/lab//key",
        "/lab/../lab/key",
        "/lab/key/on/%31",
        "/lab/key/on/-1",
    ],
)
def test_no_other_path_has_a_page(get, target):
    assert get(target) == (404, None)


def test_bytes_of_a_peer_cannot_become_markup(get, monkeypatch):
    evil = "<script>alert(1)</script>"

    def play(cast):
        crossed = (
            Crossed("script to server", evil.encode()),
            Crossed("server to script", encode_frame(TEXT, evil.encode()), Side.SERVER),
        )
        yield Step("page", True, crossed, {"fault": evil})

    monkeypatch.setitem(LABS, "key", Lab("key", "§4", 1, play))
    _, page = get("/lab/key/on/1")
    assert page.text.count("<script>alert(1)") >= 2


def test_each_frame_of_a_step_opens_with_every_field_and_links_to_their_sections(get):
    _, page = get("/lab/fragments/on/2")
    frames = ["text masked 6", "continuation masked 10", "continuation FIN masked 5", "text FIN 26"]
    assert [page.text.count(line) for line in frames] == [1] * 4
    first = page.text.partition("text masked 6")[2].partition("continuation masked 10")[0]
    for field in ("FIN", "RSV1", "RSV2", "RSV3", "opcode", "MASK", "length", "masking key"):
        assert first.count(f"\n {field} ") == 1, "in a row of the wide drawing"
        assert first.count(f"\n {field}: ") == 1, "in a line of the narrow one"
    assert {link.partition("#")[2] for link in page.links} >= {
        "section-5.1",
        "section-5.2",
        "section-5.3",
        "section-5.4",
        "section-5.6",
    }


def test_a_step_with_many_frames_shows_the_first_ones_and_the_last(get, monkeypatch):
    frames = [encode_frame(TEXT, f"number {number}".encode()) for number in range(12)]

    def play(cast):
        yield Step("fetch", True, (Crossed("to", b"".join(frames), Side.SERVER),), {"page": "none"})

    monkeypatch.setitem(LABS, "key", Lab("key", "§4", 1, play))
    _, page = get("/lab/key/on/1")
    shown = [number for number in range(12) if f'FIN 8 "number {number}"' in page.text]
    assert shown == [0, 1, 2, 3, 4, 5, 6]
    assert 'FIN 9 "number 11"' in page.text
    assert "... and 4 more" in page.text


def test_what_a_step_draws_is_below_the_words_of_its_outcome(get):
    _, page = get("/lab/heartbeat/on/1")
    outcome = page.text.partition("as expected")[2].partition("client to server")[0]
    assert "Each Pong comes at once." in outcome
    assert outcome.count(" ms #") == heartbeat.ROUND_TRIPS


def test_an_address_of_the_lab_is_a_link_to_all_of_it(get):
    _, page = get("/lab/poison/off/4")
    assert any(link.endswith("/script.js") for link in page.links)
    assert all(link.rstrip("/")[-1].isalnum() for link in page.links if ".localhost" in link)


def test_a_lab_that_breaks_off_says_so(get, monkeypatch):
    def play(cast):
        yield Step("fetch", True, facts={"page": "none"})
        raise EOFError("the stream ended")

    monkeypatch.setitem(LABS, "key", Lab("key", "§4", 1, play))
    _, page = get("/lab/key/on/2")
    assert "The lab could not go on: the stream ended." in page.text


@pytest.mark.parametrize(
    "host, expected",
    [("127.0.0.1:1", True), ("localhost", True), ("evil.test:80", False), ("", False)],
)
def test_10_2_only_a_browser_that_asks_for_this_machine_gets_a_page(host, expected):
    request = Request("GET", "/lab/", "HTTP/1.1", Headers([("Host", host)]))
    assert serving.asks_for_this_machine(request) is expected


def test_a_lab_that_lacks_an_address_of_the_machine_says_how_to_add_it(get, monkeypatch):
    def play(cast):
        raise OSError(errno.EADDRNOTAVAIL, "Cannot assign requested address")
        yield

    monkeypatch.setitem(LABS, "key", Lab("key", "§4", 1, play))
    _, page = get("/lab/key/on/1")
    assert "sudo ifconfig lo0 alias 127.0.0.2" in page.text


@pytest.fixture
def asking(background):
    """asking(method, target, host) gives the answer of the server of the pages."""
    with serving.serving_pages(0) as server:
        accepting = background(server.serve_forever)
        port = server.socket.getsockname()[1]

        def ask(method, target, host=None):
            connection = HTTPConnection("127.0.0.1", port, timeout=DEADLINE_S)
            connection.request(method, target, headers={"Host": host or f"127.0.0.1:{port}"})
            answer = connection.getresponse()
            body = answer.read().decode()
            connection.close()
            return answer, body

        yield ask
        server.shutdown()
        accepting.result()


@pytest.mark.parametrize("method", ["POST", "PUT", "DELETE"])
def test_9110_15_5_6_another_method_gets_405_and_plays_no_step(asking, method):
    answer, _ = asking(method, "/lab/key/on/1")
    assert (answer.status, answer.headers["Allow"]) == (405, "GET, HEAD, OPTIONS")
    _, page = asking("GET", "/lab/key")
    assert "see its steps" not in page


def test_10_2_a_name_that_leads_to_this_machine_gets_no_page_and_plays_nothing(asking):
    answer, body = asking("GET", "/lab/key/on/1", "evil.test")
    assert answer.status == 403
    assert "open them at 127.0.0.1 or localhost" in body
    _, page = asking("GET", "/lab/key")
    assert "see its steps" not in page


def test_a_step_that_plays_ends_before_the_server_waits_for_its_thread(monkeypatch, background):
    begun, casts, ended_first = threading.Event(), [], []
    shut_down = Server.shutdown

    def play(cast):
        casts.append(cast)
        begun.set()
        cast.ending.wait(2 * DEADLINE_S)
        yield from ()

    def shutdown(server):
        ended_first.append(casts[0].ending.is_set())
        shut_down(server)

    monkeypatch.setitem(LABS, "key", Lab("key", "§4", 1, play))
    monkeypatch.setattr(Server, "shutdown", shutdown)
    with serving.serving_pages(0) as server:
        accepting = background(server.serve_forever)
        reader = HTTPConnection(*server.socket.getsockname(), timeout=DEADLINE_S)
        reader.request("GET", "/lab/key/on/1")
        assert begun.wait(DEADLINE_S)
    accepting.result()
    reader.close()
    assert ended_first == [True]
