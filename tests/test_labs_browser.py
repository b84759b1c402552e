"""The labs in a real browser: the attack works without the defence, and fails with it."""

import re
from contextlib import contextmanager, suppress

import pytest

from chromium import BrowserError, browser, why_not
from refws.course.labs import first, fragments, hijack, key, poison, stage
from refws.course.labs.cast import LOOPBACK, Cast
from refws.course.labs.labs import LABS
from refws.course.labs.serving import serving_pages
from refws.course.labs.texts.english import ENGLISH
from wire import DEADLINE_S, Background, eventually

pytestmark = [
    pytest.mark.programs,
    pytest.mark.skipif(why_not() is not None, reason=why_not() or "Chromium is here"),
    pytest.mark.usefixtures("nothing_left_behind"),
]

WAY_ON = "document.querySelector('#on .button').href"


@pytest.fixture(scope="module")
def chromium():
    with browser() as chromium:
        yield chromium


def title_at(chromium, address, among):
    """The title of the page at this address, once it is one of these."""
    page = chromium.new_page(address)
    try:
        page.wait_for(f"{list(among)}.includes(document.title)")
        return page.evaluate("document.title")
    finally:
        page.close()


@pytest.mark.parametrize(
    "defence, title", [("on", "genuine"), ("off", "forged"), ("predictable", "forged")]
)
def test_10_3_the_browser_of_the_victim_gets_the_script_that_the_lab_says(chromium, defence, title):
    with Cast(defence) as cast:
        steps = list(poison.play(cast))
        address = steps[-1].facts["page"]
        assert title_at(chromium, address, ["genuine", "forged"]) == title


def test_10_3_the_attackers_page_in_a_browser_poisons_nothing_because_it_masks(chromium):
    with Cast() as cast:
        scene = poison.Scene(cast)
        assert title_at(chromium, f"http://{scene.attackers_host}/", ["over"]) == "over"
        assert scene.cache.stored.keys() <= {f"http://{scene.attackers_host}/"} | favicons(scene)
        title = title_at(chromium, f"http://{scene.sites_host}/", ["genuine", "forged"])
        assert title == "genuine"


def favicons(scene):
    return {f"http://{host}/favicon.ico" for host in (scene.attackers_host, scene.sites_host)}


@pytest.mark.parametrize(
    "defence, title",
    [("on", "refused"), ("off", f"stolen {hijack.BALANCE}"), ("token", "refused")],
)
def test_10_2_an_evil_page_in_a_browser_reads_the_balance_only_without_a_defence(
    chromium, defence, title
):
    with Cast(defence) as cast:
        facts = next(hijack.play(cast)).facts
        chromium.new_page(f"{facts['bank']}/login").close()
        assert title_at(chromium, facts["bank"], ["refused", hijack.BALANCE]) == hijack.BALANCE
        among = ["refused", f"stolen {hijack.BALANCE}"]
        assert title_at(chromium, facts["evil"], among) == title
        elsewhere = title_at(chromium, facts["elsewhere"], among)
        assert elsewhere == "refused", "the cookie is SameSite=Lax"


FORBIDDEN = {"sec-websocket-key", "sec-websocket-version", "upgrade"}


def test_1_3_neither_fetch_nor_a_form_writes_the_headers_of_a_handshake(chromium):
    with Cast() as cast:
        address = f"http://{LOOPBACK}:{key.ScriptsServer(cast).port}/"
        page = chromium.new_page(address)
        page.wait_for("document.title === 'refused'")
        arrived = page.evaluate("document.querySelector('#answer').textContent")
        assert "Sec-Fetch-Mode" in arrived, "the browser itself may write them"
        assert not FORBIDDEN & {line.strip().lower() for line in arrived.splitlines()}
        page.evaluate("document.querySelector('form').submit()")
        page.wait_for("location.pathname === '/socket' && document.body !== null")
        arrived = page.evaluate("document.body.textContent")
        assert "There is no Sec-WebSocket-Key." in arrived
        assert not FORBIDDEN & {line.strip().lower() for line in arrived.splitlines()}
        page.close()


def test_1_3_a_server_that_asks_for_no_key_takes_a_body_of_a_script_for_a_frame(chromium):
    with Cast("off") as cast:
        server = key.ScriptsServer(cast)
        page = chromium.new_page(f"http://{LOOPBACK}:{server.port}/")
        assert server.messages.get(timeout=DEADLINE_S) == b"a message of the script"
        page.close()


def test_5_4_the_page_shows_into_which_frames_chromium_cuts_a_long_message(chromium):
    with Cast() as cast:
        *_, step = fragments.play(cast)
        page = chromium.new_page(step.facts["page"])
        page.wait_for("document.title === 'arrived'")
        lines = page.evaluate("document.querySelector('#frames').textContent").splitlines()
        page.close()
    frames = [re.fullmatch(r"(text|continuation) ([0-9,]+)(, FIN)?", line) for line in lines]
    assert len(frames) > 1
    assert [frame[1] for frame in frames] == ["text"] + ["continuation"] * (len(frames) - 1)
    assert [bool(frame[3]) for frame in frames] == [False] * (len(frames) - 1) + [True]
    assert sum(int(frame[2].replace(",", "")) for frame in frames) == fragments.LONG


@pytest.mark.parametrize("defence, title", [("listed", "world"), ("unlisted", "refused")])
def test_the_first_page_hears_the_server_that_lists_its_origin(chromium, defence, title):
    with Cast(defence) as cast:
        *_, last = first.play(cast)
        facts = last.facts
        assert title_at(chromium, facts["page"], ["world", "refused"]) == title


@contextmanager
def labs_served():
    """The address of the labs in pages."""
    with serving_pages(0) as server:
        accepting = Background(server.serve_forever)
        yield f"http://127.0.0.1:{server.socket.getsockname()[1]}"
        server.shutdown()
        accepting.result()


def is_final(page):
    """Whether the page of a step has the way on, and its style. False while the next one comes."""
    with suppress(BrowserError):
        return page.evaluate(
            "location.search !== '' && document.querySelector('#on') !== null"
            " && document.readyState === 'complete'"
        )
    return False


@pytest.mark.parametrize("width, height", [(1280, 800), (390, 844)])
def test_a_page_shows_what_is_measured_while_its_step_is_played(chromium, width, height):
    with labs_served() as address:
        page = chromium.new_page(f"{address}/lab/bomb/off/3#step-3", width, height)
        assert eventually(lambda: is_final(page)), "it has asked again until the step was over"
        assert page.evaluate("document.querySelectorAll('.readings span').length") > 2
        assert "The memory was" in page.evaluate("document.body.textContent")
        assert page.evaluate("document.documentElement.scrollWidth") <= width
        assert page.problems == []
        page.close()


@pytest.mark.parametrize("width, height", [(1280, 800), (390, 844)])
def test_a_reader_steps_through_a_lab_to_the_settings_side_by_side(
    chromium, monkeypatch, width, height
):
    monkeypatch.setattr(stage, "PATIENCE", DEADLINE_S)  # each page is whole at once
    with labs_served() as address:
        page = chromium.new_page(f"{address}/lab/poison/off/1", width, height)
        for number in range(2, len(ENGLISH.labs["poison"].steps) + 1):
            page.open(page.evaluate(WAY_ON))
            assert page.evaluate(f"document.querySelector('#step-{number} h2') !== null")
        page.open(page.evaluate(WAY_ON))
        assert "The victim gets the forged script" in page.evaluate("document.body.textContent")
        wide = page.evaluate("document.documentElement.scrollWidth")
        assert wide <= width
        assert page.problems == []
        page.close()


TOO_WIDE = """[...document.querySelectorAll("body, main, section, table, td, pre, summary")]
    .filter((element) => element.scrollWidth > element.clientWidth)
    .map((element) => `${element.tagName} ${element.textContent.slice(0, 40)}`)"""

OPEN_ALL = "document.querySelectorAll('details').forEach((details) => { details.open = true; })"

PLACES = """[...document.querySelectorAll("tbody tr:first-child > *")].map((cell) => {
    const {left, top} = cell.getBoundingClientRect();
    return [Math.round(left), Math.round(top)];
})"""

SETTINGS = """[...document.querySelectorAll("tbody tr:first-child td")].map(
    (cell) => getComputedStyle(cell, "::before").content)"""


@pytest.fixture
def pages(monkeypatch):
    """The address of the pages; each is whole at once."""
    monkeypatch.setattr(stage, "PATIENCE", DEADLINE_S)
    with labs_served() as address:
        yield address


@pytest.mark.parametrize("name", ["key", "poison"])
def test_nothing_is_wider_than_its_place_with_all_drawings_open(chromium, pages, name):
    played = [f"{pages}/lab/{name}/{defence}/9" for defence in LABS[name].defences]
    for address in [*played, f"{pages}/lab/{name}", f"{pages}/lab/"]:
        page = chromium.new_page(address)
        page.evaluate(OPEN_ALL)
        for width in (360, 390, 800, 1024, 1280):
            page.resize(width, 844)
            assert page.evaluate(TOO_WIDE) == [], f"{address} in {width} pixels"
        page.close()


def test_in_a_narrow_window_the_settings_of_a_step_are_one_below_the_other(chromium, pages):
    page = chromium.new_page(f"{pages}/lab/poison", 1280, 800)
    columns = page.evaluate(PLACES)
    assert len({top for _, top in columns}) == 1, "the step and its three settings are in a row"
    assert len({left for left, _ in columns}) == 4
    assert page.evaluate(SETTINGS) == ["none"] * 3, "the head of the table has their names"
    page.resize(390, 844)
    stacked = page.evaluate(PLACES)
    assert len({left for left, _ in stacked}) == 1
    assert [top for _, top in stacked] == sorted({top for _, top in stacked})
    for defence, name in zip(LABS["poison"].defences, page.evaluate(SETTINGS), strict=True):
        assert defence in name
    page.close()


def test_a_wide_window_has_the_bytes_beside_the_story_and_a_narrow_one_below(chromium, pages):
    place = """[".step > :first-child", ".step > .wires"].map((part) => {
        const {left, right, top, bottom} = document.querySelector(part).getBoundingClientRect();
        return [left, right, top, bottom];
    })"""
    page = chromium.new_page(f"{pages}/lab/poison/off/4", 1280, 800)
    story, wires = page.evaluate(place)
    assert wires[0] >= story[1], "the bytes begin where the story ends"
    assert wires[2] == story[2]
    page.resize(390, 844)
    story, wires = page.evaluate(place)
    assert wires[0] == story[0]
    assert wires[2] >= story[3]
    page.close()
