"""The labs in Firefox: the attack works without the defence, and fails with it."""

import pytest

from firefox import firefox, why_not
from refws.course.labs import hijack, key, poison
from refws.course.labs.cast import LOOPBACK, Cast

pytestmark = [
    pytest.mark.programs,
    pytest.mark.skipif(why_not() is not None, reason=why_not() or "Firefox is here"),
    pytest.mark.usefixtures("nothing_left_behind"),
]


@pytest.fixture(scope="module")
def page():
    with firefox() as page:
        yield page


def title_at(page, address, among):
    page.open(address)
    page.wait_for(f"{list(among)}.includes(document.title)")
    return page.evaluate("document.title")


@pytest.mark.parametrize(
    "defence, title", [("on", "genuine"), ("off", "forged"), ("predictable", "forged")]
)
def test_10_3_the_browser_of_the_victim_gets_the_script_that_the_lab_says(page, defence, title):
    with Cast(defence) as cast:
        *_, last = poison.play(cast)
        assert title_at(page, last.facts["page"], ["genuine", "forged"]) == title


def test_10_3_the_attackers_page_in_a_browser_poisons_nothing_because_it_masks(page):
    with Cast() as cast:
        scene = poison.Scene(cast)
        assert title_at(page, f"http://{scene.attackers_host}/", ["over"]) == "over"
        assert scene.script_address not in scene.cache.stored
        address = f"http://{scene.sites_host}/"
        assert title_at(page, address, ["genuine", "forged"]) == "genuine"


@pytest.mark.parametrize(
    "defence, title",
    [("on", "refused"), ("off", f"stolen {hijack.BALANCE}"), ("token", "refused")],
)
def test_10_2_an_evil_page_in_a_browser_reads_the_balance_only_without_a_defence(
    page, defence, title
):
    with Cast(defence) as cast:
        facts = next(hijack.play(cast)).facts
        page.open(f"{facts['bank']}/login")
        among = ["refused", hijack.BALANCE, f"stolen {hijack.BALANCE}"]
        assert title_at(page, facts["bank"], among) == hijack.BALANCE
        assert title_at(page, facts["evil"], among) == title
        assert title_at(page, facts["elsewhere"], among) == "refused", "SameSite=Lax"


def test_1_3_fetch_writes_no_header_of_a_handshake(page):
    with Cast() as cast:
        address = f"http://{LOOPBACK}:{key.ScriptsServer(cast).port}/"
        assert title_at(page, address, ["refused", "no answer"]) == "refused"
