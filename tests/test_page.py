"""The page at `/`: what it may load, what the browser is told about it, and that it fits the endpoints."""

import re
import shutil
import subprocess
from html.parser import HTMLParser
from importlib.resources import files

import pytest

from refws.course.page import PAGES, page
from refws.course.services import ENDPOINTS
from refws.protocol.close_codes import CloseCode
from refws.protocol.http import Headers, Request

DIRECTORY = files("refws.course") / "page"


def get(target):
    return page(Request("GET", target, "HTTP/1.1", Headers([("Host", "127.0.0.1")])))


def source(name):
    return DIRECTORY.joinpath(name).read_text(encoding="utf-8")


class Elements(HTMLParser):
    """All start tags of a document, each with its attributes."""

    def __init__(self, text):
        super().__init__()
        self.found = []
        self.feed(text)

    def handle_starttag(self, tag, attributes):
        self.found.append((tag, dict(attributes)))


ELEMENTS = Elements(source("index.html")).found


@pytest.mark.parametrize(
    "target, content_type",
    [
        ("/", "text/html; charset=utf-8"),
        ("/?a=b", "text/html; charset=utf-8"),
        ("/page.css", "text/css; charset=utf-8"),
        ("/page.js", "text/javascript; charset=utf-8"),
    ],
)
def test_every_file_of_the_page_is_served_whole_with_its_type(target, content_type):
    response = get(target)
    assert response.status_code == 200
    assert response.headers["Content-Type"] == content_type
    name = target.partition("?")[0].strip("/") or "index.html"
    assert response.body == DIRECTORY.joinpath(name).read_bytes()
    assert response.headers["Content-Length"] == str(len(response.body))


def test_every_file_in_the_directory_is_a_page():
    assert {name for name, _ in PAGES.values()} == {entry.name for entry in DIRECTORY.iterdir()}


@pytest.mark.parametrize("target", ["/page", "/page/index.html", "/index.html", "/../page.py", "//", "/page.js/"])
def test_any_other_path_is_no_page(target):
    assert get(target) is None


@pytest.mark.parametrize("target", PAGES)
def test_the_browser_is_told_to_run_nothing_but_the_files_of_the_page(target):
    policy = get(target).headers["Content-Security-Policy"]
    directives = dict(directive.strip().split(" ", 1) for directive in policy.split(";"))
    assert directives == {
        "default-src": "'none'",
        "script-src": "'self'",
        "style-src": "'self'",
        "connect-src": "'self'",
        "base-uri": "'none'",
        "form-action": "'none'",
        "frame-ancestors": "'none'",
    }


@pytest.mark.parametrize("target", PAGES)
def test_the_browser_is_told_not_to_guess_store_or_pass_on(target):
    headers = get(target).headers
    assert headers["X-Content-Type-Options"] == "nosniff"
    assert headers["Cache-Control"] == "no-store"
    assert headers["Referrer-Policy"] == "no-referrer"


def test_all_that_the_page_loads_is_the_page_itself():
    loaded = {attributes[name] for _, attributes in ELEMENTS for name in ("src", "href") if name in attributes}
    assert loaded == set(PAGES) - {"/"}
    assert "url(" not in source("page.css") and "@import" not in source("page.css")


def test_the_page_has_nothing_inline_that_its_policy_would_block():
    assert not [tag for tag, attributes in ELEMENTS if tag == "style" or "style" in attributes]
    assert not [name for _, attributes in ELEMENTS for name in attributes if name.startswith("on")]
    assert re.findall(r"<script[^>]*>(.*?)</script>", source("index.html"), re.DOTALL) == [""]


def test_the_page_puts_words_of_the_peer_into_text_only():
    writes_markup = r"innerHTML|outerHTML|insertAdjacentHTML|document\.write|srcdoc|\beval\b|new Function|setAttribute"
    assert re.findall(writes_markup, source("page.js")) == []


def test_the_page_offers_exactly_the_endpoints_of_the_server():
    offered = [attributes["value"] for tag, attributes in ELEMENTS if tag == "option"]
    assert offered == list(ENDPOINTS)


def test_the_page_knows_what_every_assigned_close_code_means():
    table = re.search(r"const CLOSE_MEANINGS = \{(.*?)\};", source("page.js"), re.DOTALL)[1]
    assert {int(code) for code in re.findall(r"^  (\d+):", table, re.MULTILINE)} == set(CloseCode)


def test_every_element_that_the_script_asks_for_is_on_the_page():
    names = re.findall(r"\[([^\]]*)\]\.map\(element\)", source("page.js"))
    asked = {name for listed in names for name in re.findall(r'"(\w+)"', listed)}
    assert len(asked) == 9
    assert asked <= {attributes.get("id") for _, attributes in ELEMENTS}


def test_state_and_log_are_announced_and_every_field_has_a_label():
    by_id = {attributes["id"]: attributes for _, attributes in ELEMENTS if "id" in attributes}
    assert by_id["state"]["role"] == "status"
    assert by_id["log"]["role"] == "log" and by_id["log"]["aria-live"] == "polite"
    assert {"endpoint", "message"} <= {attributes.get("for") for tag, attributes in ELEMENTS if tag == "label"}


def test_the_script_is_javascript():
    node = shutil.which("node")
    if node is None:
        pytest.skip("node is not installed, which alone could check the syntax")
    with DIRECTORY.joinpath("page.js").open("rb") as script:
        checked = subprocess.run([node, "--check", "-"], stdin=script, capture_output=True, text=True, timeout=30)
    assert checked.returncode == 0, checked.stderr
