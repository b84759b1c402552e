"""The page at `/`: what it may load, its headers, and that it fits endpoints and commands."""

import json
import re
import shutil
import subprocess
from html.parser import HTMLParser
from importlib.resources import files

import pytest

from refws.course.lesson import SERVER, STEPS, Step
from refws.course.services import ENDPOINTS
from refws.course.web import lab
from refws.course.web.commands import COMMANDS
from refws.course.web.lesson_page import lesson_page
from refws.course.web.site import FILES, page
from refws.course.web.violations import CLIENT_CASES, SERVER_CASES
from refws.protocol.close_codes import CloseCode
from refws.protocol.http import Headers, Request

DIRECTORY = files("refws.course.web") / "static"
SCRIPTS = sorted(entry.name for entry in DIRECTORY.iterdir() if entry.name.endswith(".js"))

OF_WATCH = "glass.js"
"""The first script of the page of `python3 -m refws watch`; test_glass_page.py is about it."""


def get(target):
    return page(Request("GET", target, "HTTP/1.1", Headers([("Host", "127.0.0.1")])))


def source(name):
    """A file of the page, as the server sends it."""
    path = "/" if name == "index.html" else f"/{name}"
    return get(path).body.decode()


class Elements(HTMLParser):
    """All start tags of a document, each with its attributes."""

    def __init__(self, text):
        super().__init__()
        self.found = []
        self.feed(text)

    def handle_starttag(self, tag, attributes):
        self.found.append((tag, dict(attributes)))


class Text(HTMLParser):
    """The text of each element of a document, with the text of the elements inside it."""

    def __init__(self, document):
        super().__init__()
        self.found = []
        self._open = []
        self.feed(document)

    def handle_starttag(self, tag, attributes):
        self._open.append((tag, []))

    def handle_data(self, data):
        for _, texts in self._open:
            texts.append(data)

    def handle_endtag(self, tag):
        while self._open:
            name, texts = self._open.pop()
            self.found.append((name, "".join(texts)))
            if name == tag:
                break


ELEMENTS = Elements(source("index.html")).found

BY_ID = {attributes["id"]: attributes for _, attributes in ELEMENTS if "id" in attributes}


def options(select):
    """The values that a select offers."""
    inside = re.search(rf'<select id="{select}">(.*?)</select>', source("index.html"), re.DOTALL)[1]
    return re.findall(r'<option value="(.*?)">', inside)


@pytest.mark.parametrize(
    "target, content_type",
    [
        ("/", "text/html; charset=utf-8"),
        ("/?a=b", "text/html; charset=utf-8"),
        ("/page.css", "text/css; charset=utf-8"),
        ("/favicon.svg", "image/svg+xml; charset=utf-8"),
        *((f"/{name}", "text/javascript; charset=utf-8") for name in SCRIPTS),
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
    assert {entry.name for entry in FILES.values()} == {entry.name for entry in DIRECTORY.iterdir()}


@pytest.mark.parametrize(
    "target",
    ["/page", "/static/index.html", "/index.html", "/../site.py", "//", "/page.js/", "/lesson/"],
)
def test_any_other_path_is_no_page(target):
    assert get(target) is None


@pytest.mark.parametrize("target", [*FILES, "/lesson"])
def test_the_browser_may_run_nothing_but_the_files_of_the_page(target):
    policy = get(target).headers["Content-Security-Policy"]
    directives = dict(directive.strip().split(" ", 1) for directive in policy.split(";"))
    assert directives == {
        "default-src": "'none'",
        "script-src": "'self'",
        "style-src": "'self'",
        "img-src": "'self'",
        "connect-src": "'self'",
        "base-uri": "'none'",
        "form-action": "'none'",
        "frame-ancestors": "'none'",
    }


@pytest.mark.parametrize("target", [*FILES, "/lesson"])
def test_the_browser_must_not_guess_types_store_or_send_a_referrer(target):
    headers = get(target).headers
    assert headers["X-Content-Type-Options"] == "nosniff"
    assert headers["Cache-Control"] == "no-store"
    assert headers["Referrer-Policy"] == "no-referrer"


def imported(name):
    """The scripts that a script imports."""
    return set(re.findall(r'^import (?:[^"]* from )?"\./(.*)";$', source(name), re.MULTILINE))


def test_all_that_the_page_loads_is_the_page_itself():
    loaded = {
        attributes[name]
        for tag, attributes in ELEMENTS
        for name in ("src", "href")
        if name in attributes and tag != "a"
    }
    assert loaded == {"/page.css", "/page.js", "/favicon.svg"}
    assert "url(" not in source("page.css") and "@import" not in source("page.css")
    assert not [name for name in SCRIPTS if "import(" in source(name)]


def loaded_by(first):
    """This script and all that it imports, directly or not."""
    reached, found = set(), {first}
    while found != reached:
        reached = set(found)
        found |= {other for name in reached for other in imported(name)}
    return found


def test_the_first_script_imports_all_the_others():
    assert loaded_by("page.js") == {*SCRIPTS, "close_codes.js"} - {OF_WATCH}


def test_no_two_scripts_import_each_other():
    left = {name: imported(name) for name in SCRIPTS}
    while left:
        first = [name for name, others in left.items() if not others & set(left)]
        assert first, f"a circle in {sorted(left)}"
        for name in first:
            del left[name]


def test_every_name_that_a_script_imports_is_exported_where_it_says():
    lines = [
        line
        for name in SCRIPTS
        for line in re.findall(r'import \{([^}]*)\} from "\./(.*)";', source(name))
    ]
    assert len(lines) >= 10
    for names, module in lines:
        exported = set(
            re.findall(
                r"^export (?:async )?(?:function|const|let|class) (\w+)",
                source(module),
                re.MULTILINE,
            )
        )
        assert {name.strip() for name in names.split(",")} - {""} <= exported


def test_the_page_has_nothing_inline_that_its_policy_would_block():
    assert not [tag for tag, attributes in ELEMENTS if tag == "style" or "style" in attributes]
    assert not [name for _, attributes in ELEMENTS for name in attributes if name.startswith("on")]
    assert re.findall(r"<script[^>]*>(.*?)</script>", source("index.html"), re.DOTALL) == [""]


@pytest.mark.parametrize("name", SCRIPTS)
def test_the_page_puts_words_of_the_peer_into_text_only(name):
    writes_markup = (
        r"innerHTML|outerHTML|insertAdjacent|document\.write|srcdoc|\beval\b|new "
        r"Function|setAttribute|DOMParser"
        r"|createContextualFragment|setHTML|cssText|insertRule"
    )
    assert re.findall(writes_markup, source(name)) == []


def test_the_only_addresses_that_a_script_makes_are_links_to_the_rfcs():
    addresses = [
        found
        for name in SCRIPTS
        for found in re.findall(r"\.(?:href|src|action) = (.*);", source(name))
    ]
    assert addresses == [
        'URL.createObjectURL(new Blob([text], { type: "text/plain" }))',
        "`https://www.rfc-editor.org/rfc/rfc${found[1] ?? 6455}#section-${found[2]}`",
    ]
    assert "const RFC = /^(?:RFC (\\d+) )?§([0-9.]*[0-9])/;" in source("words.js")


def test_the_page_offers_exactly_the_endpoints_of_the_server():
    assert options("endpoint") == list(ENDPOINTS)


def test_the_page_offers_the_compression_and_the_heartbeats_that_the_server_takes():
    assert options("compression") == ["", *lab.COMPRESSIONS]
    assert set(options("heartbeat")) <= {"", *lab.HEARTBEATS} and "off" in options("heartbeat")


def test_the_page_sends_the_commands_that_the_server_has_and_no_others():
    scripts = "".join(map(source, SCRIPTS))
    sent = set(
        re.findall(r'(?:this|watch)\.command\("(\w+)"', scripts)
        + re.findall(r'run\("[\w ]+", "(\w+)"', scripts)
    )
    assert sent == set(COMMANDS)


@pytest.mark.parametrize(
    "name, command, field",
    [
        ("fragment-count", "fragments", "count"),
        ("stop-seconds", "stop", "seconds"),
        ("read-size", "read", "size"),
        ("close-code", "close", "code"),
    ],
)
def test_the_numbers_that_the_page_takes_are_those_that_the_server_takes(name, command, field):
    attributes, number = BY_ID[name], COMMANDS[command].fields[field]
    assert (int(attributes["min"]), int(attributes["max"])) == (number.least, number.most)


def test_the_text_that_the_page_sends_in_fragments_is_as_long_as_the_server_takes():
    (most,) = re.findall(r"const MAX_TEXT = (\d+);", source("commands.js"))
    assert int(most) == COMMANDS["fragments"].fields["text"].most


def test_the_name_of_every_case_can_be_part_of_an_id():
    assert all(re.fullmatch(r"[a-z0-9-]+", name) for name in [*CLIENT_CASES, *SERVER_CASES])


def test_the_page_knows_what_every_assigned_close_code_means():
    response = get("/close_codes.js")
    assert response.headers["Content-Type"] == "text/javascript; charset=utf-8"
    table = response.body.decode().removeprefix("export const CLOSE_MEANINGS = ")
    meanings = json.loads(table.removesuffix(";\n"))
    assert meanings == {str(code.value): code.meaning for code in CloseCode}


def elements_of(scripts):
    """The ids of the elements that these scripts ask for."""
    text = "".join(map(source, scripts))
    lists = " ".join(re.findall(r"\[([^\]]*)\]\.map\(\s*element,?\s*\)", text))
    found = set(
        re.findall(r'"([\w-]+)"', lists) + re.findall(r'(?:element|number)\("([\w-]+)"\)', text)
    )
    return found | set(re.findall(r'^  "(command-\w+)":', text, re.MULTILINE))


def test_every_element_that_a_script_asks_for_is_on_the_page():
    found = elements_of(name for name in SCRIPTS if name != OF_WATCH)
    assert len(found) >= 33
    assert found <= set(BY_ID)


def test_no_id_comes_twice():
    assert len(BY_ID) == len([attributes for _, attributes in ELEMENTS if "id" in attributes])


def test_what_changes_by_itself_is_announced():
    for name in ("state", "watch-state", "answer", "rules-state", "announcer"):
        assert BY_ID[name]["role"] == "status"


def test_every_field_has_a_label():
    labelled = {attributes.get("for") for tag, attributes in ELEMENTS if tag == "label"}
    assert {"endpoint", "compression", "heartbeat", "message", "handshake-connection"} <= labelled
    for name in (
        "fragment-count",
        "stop-seconds",
        "read-size",
        "close-code",
        "close-reason",
    ):
        assert re.search(rf'<label[^>]*>[^<]*<input [^>]*id="{name}"', source("index.html"))


def test_tabs_and_panels_belong_together():
    tabs = [attributes for _, attributes in ELEMENTS if attributes.get("role") == "tab"]
    panels = {
        name: attributes
        for name, attributes in BY_ID.items()
        if attributes.get("role") == "tabpanel"
    }
    assert {tab["aria-controls"]: tab["id"] for tab in tabs} == {
        name: attributes["aria-labelledby"] for name, attributes in panels.items()
    }
    assert len(tabs) == 3


def test_all_buttons_are_buttons_and_none_sends_a_form_by_accident():
    types = {
        attributes["id"]: attributes["type"] for tag, attributes in ELEMENTS if tag == "button"
    }
    assert types.pop("send") == types.pop("send-built") == "submit"
    assert set(types.values()) == {"button"}


# The lesson


def test_the_lesson_has_every_step_with_its_section_and_its_command():
    response = get("/lesson")
    assert response.headers["Content-Type"] == "text/html; charset=utf-8"
    found = Text(response.body.decode()).found
    assert [text for tag, text in found if tag == "h2"] == [
        f"{number}. {step.title}" for number, step in enumerate(STEPS, 1)
    ]
    commands = [command for step in STEPS for command in (step.command, step.live) if command]
    assert [text for tag, text in found if tag == "kbd"] == [SERVER, *commands]
    outputs = [output for step in STEPS for output in (step.output, step.live_output) if output]
    assert [text for tag, text in found if tag == "samp"] == outputs
    paragraphs = [text for tag, text in found if tag == "p"]
    for step in STEPS:
        assert set(step.text.split("\n\n")) <= set(paragraphs)
        assert f"Question: {step.question}" in paragraphs


def test_the_answers_of_the_lesson_are_closed_until_they_are_opened():
    document = get("/lesson").body.decode()
    details = [attributes for tag, attributes in Elements(document).found if tag == "details"]
    assert details == [{}] * len(STEPS)
    shown = [" ".join(text.split()) for tag, text in Text(document).found if tag == "details"]
    assert shown == [f"Answer {step.answer}" for step in STEPS]


def test_the_lesson_loads_the_style_of_the_page_and_no_script():
    elements = Elements(get("/lesson").body.decode()).found
    linked = [attributes["href"] for tag, attributes in elements if tag == "link"]
    assert linked == ["/favicon.svg", "/page.css"]
    assert not [tag for tag, _ in elements if tag in ("script", "style", "img")]


def test_page_and_lesson_link_to_each_other():
    for source_of, target in [("/", "/lesson"), ("/lesson", "/")]:
        elements = Elements(get(source_of).body.decode()).found
        assert target in [attributes["href"] for tag, attributes in elements if tag == "a"]


def test_markup_in_a_step_is_shown_as_text():
    evil = "<img src=x onerror=alert(1)> & {title}"
    document = lesson_page((Step(*[evil] * 9),))
    assert "<img" not in document
    assert document.count("&lt;img src=x onerror=alert(1)&gt; &amp; {title}") == 9


@pytest.mark.parametrize(
    "section, addresses",
    [
        ("§5.2", ["rfc6455#section-5.2"]),
        ("§1.3, §4.2.2 item 5", ["rfc6455#section-1.3", "rfc6455#section-4.2.2"]),
        ("RFC 7692 §7.2.3.1", ["rfc7692#section-7.2.3.1"]),
        ("", []),
    ],
)
def test_a_section_of_the_lesson_is_a_link_to_its_rfc(section, addresses):
    document = lesson_page((Step("title", section, "text", "command"),))
    links = re.findall(r'href="https://www\.rfc-editor\.org/rfc/(.*?)"', document)
    assert links == addresses


# The files


@pytest.mark.parametrize("name", sorted(entry.name for entry in DIRECTORY.iterdir()))
def test_no_line_of_a_file_is_longer_than_100_columns(name):
    assert [line for line in source(name).splitlines() if len(line) > 100] == []


@pytest.mark.programs
def test_the_scripts_are_javascript():
    node = shutil.which("node")
    if node is None:
        pytest.skip("node is not installed, which alone could check the syntax")
    command = [node, "--input-type=module", "--check"]
    pipes = {"stdin": subprocess.PIPE, "stdout": subprocess.PIPE, "stderr": subprocess.PIPE}
    checks = {name: subprocess.Popen(command, text=True, **pipes) for name in SCRIPTS}
    errors = {
        name: check.communicate(source(name), timeout=30)[1] for name, check in checks.items()
    }
    assert {name: errors[name] for name, check in checks.items() if check.returncode != 0} == {}
