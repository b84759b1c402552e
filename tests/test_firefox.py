"""The page in Firefox: what it shows is there, and the console stays empty."""

import pytest

from firefox import firefox, why_not
from refws.course import services
from refws.course.web import own_bytes, wire_view
from refws.course.web.violations import CLIENT_CASES
from test_browser import CONNECTED, ECHOED, has_row
from wire import DEADLINE_S

pytestmark = [
    pytest.mark.programs,
    pytest.mark.skipif(why_not() is not None, reason=why_not() or "Firefox is here"),
]


def test_the_page_works_in_firefox_and_its_console_stays_empty(serving, monkeypatch):
    monkeypatch.setattr(own_bytes, "TIMEOUT", DEADLINE_S)
    running = serving(
        services.serve_endpoint,
        process_request=services.process_request,
        trace=wire_view.choose,
    )

    def click(selector):
        page.evaluate(f"document.querySelector('{selector}').click()")

    with firefox() as page:
        page.open(f"http://127.0.0.1:{running.address[1]}/")
        page.wait_for(CONNECTED)
        click("#send")
        page.wait_for(f"{ECHOED} && {has_row('onmessage')}")
        click("#command-ping")
        page.wait_for("document.querySelector('#answer').textContent.startsWith('Ping: done.')")
        click("#timeline .frame")
        assert "text frame" in page.evaluate("document.querySelector('#panel-frame').textContent")
        click("#send-built")
        page.wait_for("document.querySelector('#builder-result').dataset.state === 'good'")
        click("#lecture")
        page.wait_for("document.querySelector('#stage .verdict')")
        click("#break-all")
        page.wait_for(
            "document.querySelector('#rules-state').textContent.includes('were answered')"
        )
        count = len(CLIENT_CASES)
        shown = page.evaluate("document.querySelector('#rules-state').textContent")
        assert shown == f"{count} of {count} were answered as the RFC asks."
        assert page.problems == []
