"""The page in a real browser: what it shows is what the server has recorded, and no peer can turn
it into markup.

Chromium is driven from outside, as a user would: it clicks, types and looks at the text. What the
server recorded is explained a second time, beside the page's own view, and compared with the rows
and the details on the page.
"""

import base64
import json
import os
import re
import signal
import struct
import subprocess
import sys
import threading
from contextlib import contextmanager
from functools import partial
from io import BytesIO

import pytest

from chromium import browser, why_not
from installed import axe_core
from refws import Side, basic_auth
from refws.course import services
from refws.course.explain.as_json import as_json
from refws.course.explain.conversation import Conversation
from refws.course.explain.values import FrameExplanation, HeadExplanation, Illegal, NotRead
from refws.course.record.tape_reader import TapeReader
from refws.course.web import own_bytes, wire_view
from refws.course.web.connection_view import SHOWN
from refws.course.web.violations import AFTER_THE_END, CLIENT_CASES, SERVER_CASES
from refws.protocol.close_codes import CloseCode
from refws.protocol.frame import encode_frame
from test_commands_serve import printed_address, program_running
from watching import Page, refused
from wire import CLOSE, DEADLINE_S, PING, PONG, TEXT, Wire, close_body, eventually, request

pytestmark = [
    pytest.mark.programs,
    pytest.mark.skipif(why_not() is not None, reason=why_not() or "Chromium is here"),
]

CONNECTED = (
    "document.querySelector('#state').dataset.state === 'open' && "
    "!document.querySelector('#command-ping').disabled"
)
BROKEN = {name for name, case in CLIENT_CASES.items() if not case.allowed} - {
    "foreign-origin",  # which origins a server trusts is not on the wire
    *(case.name for case in AFTER_THE_END),  # what comes then is dropped, whatever it is
}
"""The cases whose bytes alone break a rule, without knowledge of the server."""

SAMPLE_MASK = bytes.fromhex("37fa213d")


def masked_hello():
    """The key and the payload of the sample of §5.7."""
    return bytes.fromhex("37fa213d 7f9f4d5158")


ECHOED = "document.querySelector('#timeline li[data-kind=text][data-sender=server]')"

SERIOUS = (
    "axe.run({ runOnly: ['wcag2a', 'wcag2aa', 'wcag21aa', 'wcag22aa', "
    "'best-practice'] }).then(({ violations }) => violations"
    ".filter(({ impact }) => impact === 'serious' || impact === 'critical')"
    ".map(({ id, nodes }) => [id, nodes.map(({ html }) => html.slice(0, 100))]))"
)
"""What axe-core, which the page has run before, finds there."""

EVIL = '<img/src="x"onerror="evil=1">'
"""Markup that would run, without a space, so that it can be in a path too."""


# What the server records


class Recorded:
    """One connection as the server had it, explained apart from the page."""

    def __init__(self, connection):
        self.connection = connection
        self.items = []
        self._lock = threading.Lock()
        settings = connection.settings
        self._conversation = Conversation(
            at_handshake=True,
            keep_going=False,
            max_size=settings.max_size,
            max_fragments=settings.max_fragments,
            shown=SHOWN,
        )

    def __call__(self, sender, data):
        with self._lock:
            self.items += self._conversation.feed(sender, data) if data else []

    @property
    def request(self):
        """Its request line."""
        return self.items[0].lines[0].text if self.items else ""

    def sent_by(self, sender):
        """The items of one side, with what is not complete, or not read."""
        with self._lock:
            items = self.items + self._conversation.pending()
        return [item for item in items if item.sender is sender]

    def rows(self, sender):
        """What the page should show of them, as `ROWS` finds it there."""
        return [row_of(item) for item in self.sent_by(sender)]

    def details(self, sender):
        """What the page should show of its frames when they are opened, as `DETAILS` finds it
        there.
        """
        return [
            details_of(item) for item in self.sent_by(sender) if isinstance(item, FrameExplanation)
        ]


def row_of(item):
    if isinstance(item, NotRead):
        return ["note", f"{item.length} byte{'s' * (item.length > 1)} not read"]
    verdict = as_json(item.verdict)["type"]
    words = {"Legal": "legal", "CutOff": "not complete"}.get(
        verdict
    ) or f"breaks {item.verdict.violation.section}"
    if isinstance(item, HeadExplanation):
        return ["head", verdict, words, item.lines[0].text]
    return [item.name, verdict, words, boxes_of(item)]


def boxes_of(item):
    """The picture of a frame: label and value of each box."""
    header = item.header
    boxes = [f"FIN {header.fin:d}", f"RSV {header.rsv1:d}{header.rsv2:d}{header.rsv3:d}"]
    boxes.append(f"opcode {header.opcode:x} {item.name}")
    if len(item.header_bytes) > 1:
        boxes += [f"MASK {header.masked:d}", f"length {announced(item)}"]
    if item.masking_key:
        boxes.append(f"key {item.masking_key.hex()}")
    if item.payload_received:
        boxes.append(f"payload {shown_payload(item)}")
    return boxes


def announced(item):
    """The length in words; of a receiver that stops before the longer forms, only what the short
    one says.
    """
    short, longer = item.header_bytes[1] & 127, item.header_bytes[2:]
    if longer:
        return f"{int.from_bytes(longer):,}"
    return {126: "126 or more", 127: "65,536 or more"}.get(short, str(short))


def shown_payload(item):
    if item.close:
        text = f"{item.close.code} {item.close.reason}".strip()
    else:
        text = item.text if item.text is not None else spaced(item.content_start, 16)
    return text if len(text) <= 60 else f"{text[:60]} … (the first 60 characters)"


def details_of(item):
    header = item.header_bytes + item.masking_key
    return {
        "bits": "".join(f"{byte:08b}" for byte in header),
        "fields": [[field.name, field_value(item, field), field.section] for field in item.fields],
        "xor": [
            f"{step.wire:02x} {step.key:02x} {step.result:02x} {step.character}"
            for step in item.xor
        ],
        "bytes": spaced(header + item.payload_start),
        "section": item.verdict.violation.section if isinstance(item.verdict, Illegal) else None,
    }


def field_value(item, field):
    if field.name == "masking key":
        return spaced(item.masking_key)
    return f"{field.value:#x}" if field.name == "opcode" else f"{field.value:,}"


def spaced(data, most=None):
    return data[:most].hex(" ") + (" …" if most is not None and len(data) > most else "")


class Demo:
    """What `python3 -m refws` serves, with a second trace of each of its connections."""

    def __init__(self, serving, **settings):
        self.connections = []
        self.running = serving(
            services.serve_endpoint,
            trace=[self.record, wire_view.choose],
            **{"process_request": services.process_request, **settings},
        )
        self.host = f"127.0.0.1:{self.running.address[1]}"
        self.url = f"http://{self.host}/"

    def record(self, connection):
        self.connections.append(Recorded(connection))
        return self.connections[-1]

    def find(self, words):
        """The newest connection that has these words in its request line."""
        assert eventually(
            lambda: any(words in recorded.request for recorded in self.connections)
        ), words
        return next(
            recorded for recorded in reversed(self.connections) if words in recorded.request
        )

    @property
    def page_id(self):
        return re.search("page=([0-9a-f]{32})", self.find("/watch?").request)[1]


# The page


@pytest.fixture(scope="module")
def chromium():
    with browser() as running:
        yield running


@pytest.fixture
def demo(serving):
    """demo(**settings of serve) starts what is looked at."""
    return lambda **settings: Demo(serving, **settings)


@pytest.fixture
def visit(chromium):
    """visit(url) gives a page that is connected; it is closed at the end."""
    pages = []

    def start(url, **settings):
        pages.append(chromium.new_page(url, **settings))
        pages[-1].wait_for(CONNECTED)
        return pages[-1]

    yield start
    for page in pages:
        page.close()


def call(page, function, *arguments):
    """What a JavaScript function gives for these arguments."""
    return page.evaluate(f"({function})({', '.join(map(json.dumps, arguments))})")


ROWS = """(request, sender) => {
    const words = (row, selector) => row.querySelector(selector)?.textContent ?? null;
    const rows = [...document.querySelectorAll("#timeline li.wire")];
    const first = rows.findLast((row) => words(row, ".picture.head") === request);
    const ofConnection = (row) => row.dataset.connection === first?.dataset.connection;
    return rows.filter(ofConnection).flatMap((row) => {
        const { kind, verdict } = row.dataset;
        if (kind === "note") {
            const found = /(client|server) to .*: (.*not read)/.exec(row.textContent);
            return found && found[1] === sender ? [["note", found[2]]] : [];
        }
        if (row.dataset.sender !== sender) return [];
        const boxes = [...row.querySelectorAll(".box")]
            .map((box) => `${words(box, ".label")} ${words(box, ".value")}`);
        const shown = kind === "head" ? words(row, ".picture.head") : boxes;
        return [[kind, verdict, words(row, ".badge"), shown]];
    });
}"""


DETAILS = """(request, sender) => {
    const all = (selector) => [...document.querySelectorAll(`#panel-frame ${selector}`)];
    const texts = (selector) => all(selector).map((one) => one.textContent);
    const row = [...document.querySelectorAll("#timeline li.wire")]
        .findLast((row) => row.querySelector(".picture.head")?.textContent === request);
    const rows = `li[data-connection="${row.dataset.connection}"][data-sender="${sender}"]`;
    return [...document.querySelectorAll(`#timeline ${rows} .opens.frame`)].map((button) => {
        button.click();
        const xor = ["wire", "key", "result", "character"].map((name) => texts(`.xor .${name} td`));
        return {
            bits: texts(".bits .value").join(""),
            fields: all(".fields tbody tr").map((line) => {
                const [name, value, , section] = line.children;
                return [name.textContent, value.textContent, section.textContent];
            }),
            xor: xor[0].map((_, number) => xor.map((row) => row[number]).join(" ")),
            bytes: texts("p.bytes").at(-1),
            section: texts(".verdict .section")[0] ?? null,
        };
    });
}"""


def assert_shown(page, recorded, details=True):
    """The rows of this connection are what the server has recorded of it, as soon as the page has
    got all.
    """
    for sender in Side:
        rows = recorded.rows(sender)
        shown = partial(call, page, ROWS, recorded.request, sender.value)
        eventually(lambda shown=shown, rows=rows: shown() == rows)
        assert shown() == rows
        if details:
            assert call(page, DETAILS, recorded.request, sender.value) == recorded.details(sender)


def reported(page, word):
    """What the browser reported, in order, as [[word, rest]], once it has reported this word."""
    page.wait_for(
        "[...document.querySelectorAll('#timeline .reported b')].some((word) => word.textContent "
        f"=== '{word}')"
    )
    return call(
        page,
        """() => [...document.querySelectorAll("#timeline .reported")].map((shown) => {
        const [word, ...rest] = [...shown.childNodes].map((node) => node.textContent);
        return [word, rest.join("").trim()];
    })""",
    )


def fill(page, name, value):
    """Put a value into a field of the page."""
    call(page, "(name, value) => { document.getElementById(name).value = value; }", name, value)


def command(page, button, words):
    """Press the button, and wait until the page says that it is done."""
    page.click(button)
    page.wait_for(f"document.querySelector('#answer').textContent.includes({json.dumps(words)})")
    assert page.evaluate("document.querySelector('#answer').dataset.state") == "good"


def choose(page, name, value):
    """Choose another option: the page connects again."""
    call(
        page,
        """(name, value) => {
        const chooser = document.getElementById(name);
        chooser.value = value;
        chooser.dispatchEvent(new Event("change"));
    }""",
        name,
        value,
    )
    page.wait_for(CONNECTED)


def wait_until_over(demo):
    """Wait until the page has no connection left but that of its wire view."""
    assert eventually(
        lambda: (
            [one.request.absolute_path for one in demo.running.server.all_connections] == ["/watch"]
        )
    )


def send(page, text):
    """Type a message and press Enter."""
    page.click("#message")
    fill(page, "message", "")
    page.type(text)
    page.press("Enter")


# What the page shows


def test_the_page_shows_what_the_server_recorded_from_the_request_to_the_close(demo, visit):
    demo = demo()
    page = visit(demo.url)
    for text in ("Hello", "grüße €😀", "x" * 200):
        send(page, text)
    fill(page, "kind", "utf8")
    page.click("#send")
    page.wait_for("document.querySelectorAll('#timeline .wire .frame').length >= 8")
    command(page, "#command-ping", "Ping: done. The Pong came after")
    command(page, "#command-fragments", "Fragments: done.")
    fill(page, "close-code", "4001")
    fill(page, "close-reason", "genug €")
    command(page, "#command-close", "Close: done. Your browser's Close said 4001.")
    wait_until_over(demo)
    recorded = demo.find("GET /?page=")
    assert_shown(page, recorded)
    kinds = [row[0] for side in Side for row in recorded.rows(side)]
    assert set(kinds) == {"head", "text", "binary", "continuation", "ping", "pong", "close"}
    heard = reported(page, "onclose")
    assert [words for word, words in heard if word == "onmessage"][:3] == [
        "“Hello”",
        "“grüße €😀”",
        f"“{200 * 'x'}”",
    ]
    assert heard[-1] == [
        "onclose",
        "code 4001 (a private code of the application), reason “genug €”; clean",
    ]
    assert page.problems == []


def test_7617_after_the_login_all_requests_of_the_page_have_it(demo, visit):
    """A prompt of the browser keeps the login where one in a URL keeps it, too."""
    login = basic_auth("the lab", ("ada", "engine"))
    demo = demo(process_request=services.with_login(login))
    page = visit(demo.url.replace("://", "://ada:engine@"))
    send(page, "Hello")
    page.wait_for(ECHOED)
    command(page, "#command-ping", "Ping: done.")
    page.click("#break-unmasked")
    page.wait_for("document.querySelector('#result-unmasked p')")
    assert page.text("#result-unmasked p").startswith("As expected: Close 1002 (protocol error")
    assert page.problems == []


def test_the_page_shows_compressed_messages_as_the_server_recorded_them(demo, visit):
    demo = demo()
    page = visit(demo.url)
    choose(page, "compression", "1")
    for _ in range(2):
        send(page, "Hello")
    command(page, "#command-fragments", "Fragments: done.")
    page.click("#toggle")
    page.wait_for("document.querySelector('#state').textContent.includes('code 1000')")
    wait_until_over(demo)
    recorded = demo.find("deflate=1")
    assert_shown(page, recorded)
    assert all(
        item.compressed
        for item in recorded.items
        if isinstance(item, FrameExplanation) and item.kind == 1
    )
    assert any(
        "extensions: permessage-deflate" in words
        for word, words in reported(page, "onclose")
        if word == "onopen"
    )
    assert page.problems == []


def test_the_handshake_tab_shows_each_line_and_how_the_accept_is_made(demo, visit):
    demo = demo()
    page = visit(demo.url)
    page.click("#tab-handshake")
    page.wait_for("document.querySelectorAll('#handshake .lines').length === 2")
    heads = [item for item in demo.find("GET /?page=").items if isinstance(item, HeadExplanation)]
    shown = call(
        page,
        (
            "() => [...document.querySelectorAll('#handshake .lines code')].map((one) => "
            "one.textContent)"
        ),
    )
    assert shown == [line.text for head in heads for line in head.lines]
    steps = call(
        page,
        (
            "() => [...document.querySelectorAll('#handshake .accept code')].map((one) => "
            "one.textContent)"
        ),
    )
    accept = heads[1].accept
    assert steps == [accept.key, accept.concatenated, spaced(accept.digest), accept.accept]
    assert page.text("#handshake .verdict") == "Legal: no rule is broken."


def test_5_5_2_heartbeats_are_seen_as_they_happen_on_the_page_of_the_program(visit):
    with program_running("--port", "0", "--ping-interval", "0.2") as process:
        page = visit("http://{}:{}/".format(*printed_address(process)))
        page.wait_for(
            "document.querySelectorAll('#timeline "
            "li[data-kind=ping][data-sender=server]').length >= 2"
        )
        page.wait_for(
            "document.querySelectorAll('#timeline "
            "li[data-kind=pong][data-sender=client]').length >= 2"
        )
        assert re.fullmatch(r"♥ The last Ping was answered after [0-9.]+ ms\.", page.text("#pulse"))
        assert re.search(
            r"pong, [0-9.]+ ms after its Ping", page.text("#timeline li[data-kind=pong] .what")
        )
        send(page, "Hello")
        page.wait_for(ECHOED)
        assert reported(page, "onmessage")[-1] == ["onmessage", "“Hello”"]
        assert page.problems == []
        process.send_signal(signal.SIGINT)
        page.wait_for("document.querySelector('#state').dataset.state === 'closed'")
        assert reported(page, "onclose")[-1][1].startswith("code 1001 (going away")
        assert process.wait(DEADLINE_S) == 0
        assert "Traceback" not in process.stderr.read()


@pytest.fixture
def without_cookies(chromium):
    """No page of a later test gets a cookie that this one sets; cookies know no port."""
    yield
    chromium.command("Storage.clearCookies")


@pytest.mark.rfc("6455-4.1-34")
def test_9110_5_5_a_cookie_with_bytes_above_0x7f_reaches_the_handler(demo, visit, without_cookies):
    """A script may set one (RFC 6265 §5.4), and the browser then sends its UTF-8."""
    demo = demo()
    page = visit(demo.url)
    page.evaluate("document.cookie = 'name=é€'")
    choose(page, "compression", "1")
    recorded = demo.find("deflate=1")
    value = recorded.connection.request.headers["Cookie"]
    assert value.encode("latin-1").decode() == "name=é€"
    assert_shown(page, recorded)
    assert page.problems == []


# What only the server can do


def test_1_5_a_message_that_is_read_byte_by_byte_comes_in_many_pieces_and_whole(demo, visit):
    page = visit(demo().url)
    command(page, "#command-read", "Reading: done.")
    send(page, "Hello")
    page.wait_for(ECHOED)
    row = "#timeline li[data-kind=text][data-sender=client] .opens"
    assert "→ client to server, text, in 11 pieces" in page.text(f"{row} .what")
    page.click(row)
    words = (
        "It arrived in 11 pieces. It does not matter: TCP is a stream, and only the length "
        "of a frame says where it ends"
    )
    assert page.text("#panel-frame .pieces") == f"{words}, §1.5."
    page.click("#timeline li[data-kind=text][data-sender=server] .opens")
    assert page.evaluate("document.querySelector('#panel-frame .pieces')") is None


def test_a_server_that_does_not_answer_answers_later(demo, visit):
    demo = demo()
    page = visit(demo.url)
    fill(page, "stop-seconds", "1")
    page.click("#command-stop")
    page.wait_for("document.querySelector('#answer').textContent === 'Not answering …'")
    watched = wire_view.WATCHES._pages[demo.page_id].find(1)
    assert eventually(lambda: watched.stopped)
    send(page, "anybody there?")
    page.wait_for(
        "document.querySelector('#answer').textContent === 'Not answering: done. It answers again.'"
    )
    page.wait_for(ECHOED)
    sent, read = call(
        page,
        """() => ["browser", "wire"].map((side) =>
        Number([...document.querySelectorAll(`#timeline li.${side}`)]
            .find((row) => row.textContent.includes("anybody"))
            .querySelector(".time").textContent))""",
    )
    assert 0.5 < read - sent < 5


@pytest.mark.rfc("6455-7.1.5-03")
def test_7_1_5_the_end_of_tcp_without_a_close_is_1006_for_a_script(demo, visit):
    demo = demo()
    page = visit(demo.url)
    page.click("#command-cut")
    page.wait_for("document.querySelector('#state').dataset.state === 'failed'")
    words = reported(page, "onclose")[-1][1]
    assert words == f"code 1006 ({CloseCode.ABNORMAL_CLOSURE.meaning}); not clean"
    wait_until_over(demo)
    assert_shown(page, demo.find("GET /?page="))


# Messages of all kinds, and how they are found again


def shown_rows(page):
    """The texts of the rows that are not filtered out."""
    return page.evaluate(
        "[...document.querySelectorAll('#timeline li:not([hidden])')].map((row) => row.textContent)"
    )


def test_several_lines_are_one_text_and_hex_digits_are_binary(demo, visit):
    demo = demo()
    page = visit(demo.url)
    fill(page, "message", "")
    page.click("#message")
    page.type("one")
    page.press("Enter", "Shift")
    page.type("two")
    page.press("Enter")
    fill(page, "kind", "hex")
    for text in ("01 0", "0x01, 0xFE ff", ""):
        fill(page, "message", text)
        page.click("#send")
        refused = page.text("#message-problem")
        assert ("two hex digits for each byte" in refused) == (text == "01 0")
    page.wait_for("document.querySelectorAll('#timeline li[data-sender=server]').length >= 4")
    sent = demo.find("GET /?page=").sent_by(Side.CLIENT)[1:]
    assert [(item.name, item.plain_start) for item in sent] == [
        ("text", b"one\ntwo"),
        ("binary", b"\x01\xfe\xff"),
        ("binary", b""),
    ]
    assert page.problems == []


def test_the_timeline_is_filtered_by_kind_and_by_words(demo, visit):
    page = visit(demo().url)
    for text in ("apples", "pears"):
        send(page, text)
    command(page, "#command-ping", "Ping: done.")
    page.wait_for("document.querySelectorAll('#timeline li[data-kind=text]').length === 4")

    def choose_rows(name, value):
        fill(page, name, value)
        page.evaluate(f"document.getElementById('{name}').dispatchEvent(new Event('input'))")
        return shown_rows(page)

    assert len(choose_rows("search", "PEARS")) == 4  # send, two frames, onmessage
    assert len(choose_rows("filter", "data")) == 2
    assert len(choose_rows("search", "")) == 4
    assert all("ping" in row or "pong" in row for row in choose_rows("filter", "control"))
    assert choose_rows("filter", "Violation") == []
    assert len(choose_rows("filter", "")) >= 12


def test_a_frame_is_copied_as_hex_and_as_a_command_that_explains_it(demo, visit):
    demo = demo()
    page = visit(demo.url)
    send(page, "Hello")
    page.wait_for(ECHOED)
    page.evaluate("window.copied = []")
    page.evaluate(
        "void document.addEventListener('copy', () => copied.push(String(getSelection())))"
    )
    page.click("#timeline li[data-kind=text][data-sender=server] .opens")
    for button in (1, 2):
        page.click(f"#panel-frame .row button:nth-child({button})")
    hex_digits = "81 05 48 65 6c 6c 6f"
    explain = f"python3 -m refws explain --from server {hex_digits}"
    assert page.evaluate("copied") == [hex_digits, explain]


def test_the_timeline_is_saved_as_a_tape_that_is_read_again(demo, visit):
    demo = demo()
    page = visit(demo.url)
    for text in ("Hello", "grüße €😀", "x" * (SHOWN + 1)):
        send(page, text)
    page.click("#toggle")
    page.wait_for("document.querySelector('#state').textContent.includes('code 1000')")
    wait_until_over(demo)
    recorded = demo.find("GET /?page=")
    assert_shown(page, recorded, details=False)
    page.evaluate(
        "void (URL.createObjectURL = (blob) => "
        "(blob.text().then((text) => window.tape = text), '#'))"
    )
    page.click("#save")
    tape = page.wait_for("window.tape")
    entries = list(TapeReader(BytesIO(tape.encode())))
    for side in Side:
        found = Conversation(at_handshake=True, shown=SHOWN)
        items = [
            item
            for chunk in entries
            if chunk.sender is side
            for item in found.feed(side, chunk.data)
        ]
        expected = [
            item for item in recorded.sent_by(side) if getattr(item, "payload_received", 0) <= SHOWN
        ]
        assert [row_of(item)[0] for item in items] == [row_of(item)[0] for item in expected]
        assert [getattr(item, "text", None) for item in items] == [
            getattr(item, "text", None) for item in expected
        ]
    assert tape.count("# left out here: text of ") == 2
    assert page.text("#saved").startswith(f"Saved {len(entries)} lines as tape.txt")


def test_clear_keeps_the_handshake_of_a_connection_that_is_open(demo, visit):
    page = visit(demo().url)
    choose(page, "compression", "1")
    page.click("#tab-handshake")
    page.wait_for(  # until the server has closed the first one, too
        "(document.querySelector('#clear').click(), "
        "document.querySelector('#handshake-connection').options.length === 1)"
    )
    assert page.evaluate("document.querySelector('#handshake-connection').value") == "2"
    assert page.evaluate("document.querySelectorAll('#handshake .lines').length") == 2


@pytest.mark.parametrize(
    "field, value, button, words",
    [
        ("fragment-count", "0", "#command-fragments", "count is a whole number from 1 to 50"),
        ("fragment-count", "", "#command-fragments", "count is a whole number from 1 to 50"),
        ("read-size", "70000", "#command-read", "size is a whole number from 0 to 65536"),
        ("stop-seconds", "1.5", "#command-stop", "seconds is a whole number from 1 to 30"),
    ],
)
def test_a_wrong_number_gets_the_sentence_of_the_server(demo, visit, field, value, button, words):
    page = visit(demo().url)
    fill(page, field, value)
    page.click(button)
    page.wait_for("document.querySelector('#answer').dataset.state === 'bad'")
    assert words in page.text("#answer")


def test_message_and_timeline_are_in_sight_together_and_sending_changes_what_is_seen(demo, visit):
    page = visit(demo().url, width=1280, height=720)
    in_sight = """(selector) => {
        const { top, bottom } = document.querySelector(selector).getBoundingClientRect();
        return top >= 0 && bottom <= innerHeight;
    }"""
    for number in range(20):
        send(page, f"message {number}")
        page.wait_for(
            "document.querySelector('#timeline').textContent"
            f".includes('onmessage “message {number}”')"
        )
        page.evaluate("scrollTo(0, 0)")
        for selector in ("#message", "#send", "#timeline", "#timeline li:last-child"):
            page.wait_for(f"({in_sight})({json.dumps(selector)})")


def test_axe_finds_nothing_serious(demo, visit):
    script = axe_core()
    for width, height in ((1280, 720), (390, 844)):
        page = visit(demo().url, width=width, height=height)
        send(page, "Hello")
        page.wait_for(ECHOED)
        page.click("#break-unmasked")
        page.wait_for("document.querySelector('#show-unmasked')")
        page.evaluate(f"{script}\n;0")
        for opened in ("#show-unmasked", "#tab-handshake", "#tab-refused"):
            page.click(opened)
            assert page.evaluate(SERIOUS) == [], (width, opened)


# The lecture


def test_in_a_lecture_one_frame_is_shown_at_a_time_and_its_fields_are_named_one_by_one(demo, visit):
    page = visit(demo().url, width=1280, height=720)
    page.click("#lecture")
    assert page.evaluate("document.querySelector('#detail').checkVisibility()") is False
    send(page, "Hello")
    page.wait_for("document.querySelector('#stage-title').textContent.startsWith('Frame 2 of 2')")
    assert page.text("#stage .verdict") == "Legal: no rule is broken."
    page.click("#stage-back")
    told = []
    for _ in range(10):
        boxes = page.evaluate(
            "[...document.querySelectorAll('#stage .label')].map((label) => label.textContent)"
        )
        told.append((boxes, page.evaluate("document.querySelectorAll('#stage li').length")))
        assert page.evaluate("document.querySelector('#stage-reveal').disabled") is False or (
            len(told) == 10
        )
        if len(told) < 10:
            page.click("#stage-reveal")
    assert told[0] == (9 * ["?"], 0)  # the masking key has two rows
    assert told[5] == (["FIN", "R1", "R2", "R3", "opcode", *4 * ["?"]], 5)
    assert told[8][1] == 8 and "?" not in told[8][0]
    assert page.text("#stage li:last-child") == "payload Hello"
    send(page, "and now?")
    page.wait_for("document.querySelector('#stage-title').textContent.startsWith('Frame 1 of 4')")
    page.evaluate("document.querySelector('#stage').focus()")
    for key in ("ArrowRight", "ArrowRight", " "):
        page.press(key)
    assert page.text("#stage-title").startswith("Frame 3 of ")
    assert page.text("#stage li") == "FIN 1 the last frame of its message §5.2, §5.4"
    page.click("#stage-pause")
    page.wait_for("document.querySelector('#stage-title').textContent.startsWith('Frame 4 of 4')")
    page.click("#lecture")
    assert page.evaluate("document.querySelector('#detail').checkVisibility()")
    assert page.problems == []


# Under load


def cpu_of(page):
    """Seconds for which the page's main thread has had a processor."""
    metrics = page.command("Performance.getMetrics")["metrics"]
    return next(each["value"] for each in metrics if each["name"] == "TaskDuration")


def burst(page):
    """Send 5,000 messages at once; the seconds of the main thread until all is shown.

    It may wait long for a processor, which these seconds do not count.
    """
    page.command("Performance.enable", timeDomain="threadTicks")
    before = cpu_of(page)
    call(
        page,
        """(count) => {
        const [message, composer] = ["message", "composer"].map((id) =>
            document.getElementById(id));
        for (let number = 1; number <= count; number += 1) {
            message.value = `message ${number}`;
            composer.requestSubmit();
        }
    }""",
        5000,
    )
    page.wait_for(
        "document.querySelector('#timeline').textContent.includes('onmessage “message 5000”')",
        timeout=3 * DEADLINE_S,
    )
    page.wait_for(has_row("not shown"), timeout=DEADLINE_S)
    return cpu_of(page) - before


def test_a_burst_of_5000_messages_leaves_the_page_usable_and_says_what_it_does_not_show(
    demo, visit
):
    """Under 3 s of the main thread, on a machine that does little else.

    If it is busy, each message arrives alone and the same work takes some times as long.
    """
    page = visit(demo().url)
    busy = os.getloadavg()[0] > (os.cpu_count() or 1)
    assert burst(page) < (15 if busy else 3)
    assert page.evaluate("document.querySelectorAll('#timeline li.browser').length") == 1000
    assert page.evaluate("document.querySelectorAll('#timeline li.wire').length") <= 1000
    kept = page.text("#not-shown").removeprefix("Older rows that are not kept: ")
    assert int(kept.replace(",", "")) >= 9000
    command(page, "#command-ping", "Ping: done.")
    page.click("#renew")
    sent = 0

    def is_shown_again():
        """Until the wire view has paid off what the flood has cost."""
        nonlocal sent
        sent += 1
        send(page, f"after the flood {sent}")
        return page.evaluate(
            "[...document.querySelectorAll('#timeline li[data-sender=server]')]"
            ".some((row) => row.textContent.includes('after the flood'))"
        )

    assert eventually(is_shown_again)
    assert page.problems == []


CAUSES = [
    ("new WebSocket", "→ client to server, request"),
    ("← server to client, response", "onopen"),
    ("send “Hello”", "→ client to server, text"),
    ("← server to client, text", "onmessage"),
    ("close (1000)", "→ client to server, close"),
    ("← server to client, close", "onclose"),
]
"""Words of a row, and of the row of its effect."""


@contextmanager
def busy_machine():
    """Two processes that take all the time that they get."""
    busy = [subprocess.Popen([sys.executable, "-c", "while True: pass"]) for _ in range(2)]
    try:
        yield
    finally:
        for process in busy:
            process.kill()
            process.wait()


def test_in_50_loads_on_a_busy_machine_no_effect_is_above_its_cause(demo, visit):
    demo = demo()
    page = visit(demo.url)
    with busy_machine():
        for load in range(50):
            page.open(demo.url)
            page.wait_for(CONNECTED, timeout=DEADLINE_S)
            page.evaluate("document.querySelector('#composer').requestSubmit()")
            page.wait_for(f"{ECHOED} && {has_row('onmessage')}", timeout=DEADLINE_S)
            page.evaluate("document.querySelector('#toggle').click()")
            page.wait_for(
                f"{has_row('onclose')} && {has_row('← server to client, close')}",
                timeout=DEADLINE_S,
            )
            rows = page.evaluate(
                "[...document.querySelectorAll('#timeline li')].map((row) => row.textContent)"
            )
            for cause, effect in CAUSES:
                places = [
                    next(number for number, row in enumerate(rows) if words in row)
                    for words in (cause, effect)
                ]
                assert places == sorted(places), (load, cause, effect, rows)
    assert re.fullmatch(r"± [0-9.]+ ms", page.text("#uncertainty"))


def has_row(words):
    rows = "[...document.querySelectorAll('#timeline li')]"
    return f"{rows}.some((row) => row.textContent.includes({json.dumps(words)}))"


def test_200_pages_are_open_at_once_and_one_more_learns_why_it_sees_no_wire(
    demo, visit, monkeypatch
):
    monkeypatch.setattr(wire_view.WATCHES, "max_pages", 200)
    demo = demo()
    tabs = [visit(demo.url) for _ in range(3)]
    others = [Page(demo.running, f"{number:032x}") for number in range(197)]
    for other in others:
        client, _ = other.open()
        client.send_frame(TEXT, b"of this page")
    for other in others:
        assert [item["text"] for item in other.items("item")] == ["of this page"]
    for tab in tabs:
        send(tab, "Hello")
        tab.wait_for(ECHOED, timeout=DEADLINE_S)
        command(tab, "#command-ping", "Ping: done.")
        assert tab.problems == []
    tabs[0].open(demo.url)
    tabs[0].wait_for(CONNECTED, timeout=DEADLINE_S)  # its old place is free
    one_more = Wire.connect(demo.running.address)
    demo.running.clients.append(one_more)
    one_more.send(request(f"/watch?page={'f' * 32}"))
    assert one_more.receive_head()[0] == 101
    assert one_more.expect_close(1013).startswith("200 pages watch, as many as this server allows")


def test_a_page_without_frames_of_the_screen_gets_its_rows(demo, visit):
    """As one in the background: else all rows would wait there, however many."""
    page = visit(demo().url)
    page.evaluate("void (window.requestAnimationFrame = () => 0)")
    send(page, "Hello")
    page.wait_for(ECHOED)
    assert reported(page, "onmessage")[-1] == ["onmessage", "“Hello”"]


def test_a_message_of_1_mib_is_shown_with_its_echo(demo, visit):
    page = visit(demo().url)
    page.command("Performance.enable", timeDomain="threadTicks")
    before = cpu_of(page)
    call(
        page,
        """(size) => {
        document.querySelector("#message").value = "x".repeat(size);
        document.querySelector("#composer").requestSubmit();
    }""",
        2**20,
    )
    page.wait_for(ECHOED, timeout=DEADLINE_S)
    assert cpu_of(page) - before < 3
    assert "length1,048,576" in page.evaluate(f"{ECHOED}.textContent")
    assert reported(page, "onmessage")[-1][1] == f"“{400 * 'x'} … (the first 400 characters)”"
    assert page.problems == []


# Breaking rules


def test_a_broken_rule_is_answered_shown_and_found_in_the_timeline(demo, visit):
    demo = demo()
    page = visit(demo.url)
    page.click("#break-unmasked")
    page.wait_for("document.querySelector('#result-unmasked p')")
    assert page.text("#result-unmasked p").startswith("As expected: Close 1002 (protocol error")
    assert page.text("#rules-state") == "A frame without a mask: as expected."
    page.click("#show-unmasked")
    page.wait_for("document.activeElement.closest('li')?.dataset.verdict === 'Violation'")
    assert "breaks §5.1" in page.evaluate("document.activeElement.innerText")
    assert page.text("#panel-frame .verdict").startswith(
        "Breaks §5.1: an unmasked frame from the client"
    )
    assert_shown(page, demo.find("rule=unmasked&"))
    assert page.problems == []


def test_every_rule_is_broken_and_shown_as_the_server_recorded_it(demo, visit):
    demo = demo()
    page = visit(demo.url)
    count = len(CLIENT_CASES)
    page.click("#break-all")
    page.wait_for(
        "document.querySelector('#rules-state').textContent.includes('were answered')", timeout=30
    )
    assert page.text("#rules-state") == f"{count} of {count} were answered as the RFC asks."
    assert page.evaluate("document.querySelectorAll('#violations .result .good').length") == count
    for case in CLIENT_CASES.values():
        recorded = demo.find(f"rule={case.name}&")
        assert_shown(page, recorded)
        assert ("Violation" in [row[1] for row in recorded.rows(Side.CLIENT)]) == (
            case.name in BROKEN
        ), case.name
    assert page.problems == []


@pytest.mark.parametrize("name", ["server-masked", "server-opcode", "server-not-utf8"])
def test_a_rule_that_the_server_breaks_is_answered_by_the_browser_as_the_page_says(
    demo, visit, name
):
    demo = demo()
    page = visit(demo.url)
    page.click("#violations details:last-child summary")
    page.click(f"#break-{name}")
    page.wait_for(f"document.querySelector('#result-{name} p')")
    recorded = demo.find("GET /?page=")
    wait_until_over(demo)
    assert_shown(page, recorded)
    assert "Violation" in [row[1] for row in recorded.rows(Side.SERVER)]
    codes = [
        item.close.code for item in recorded.sent_by(Side.CLIENT) if getattr(item, "close", None)
    ]
    words = (
        "As expected: "
        if codes in ([], [SERVER_CASES[name].code])
        else "Your browser does something else: "
    )
    assert page.text(f"#result-{name} p").startswith(
        f"{words}Close {codes[0]} " if codes else f"{words}no Close."
    )
    assert reported(page, "onclose")[-1][0] == "onclose"


FRAMES = [
    ({}, encode_frame(TEXT, b"Hello", True, False, SAMPLE_MASK)),
    ({"masked": False}, encode_frame(TEXT, b"Hello")),
    ({"fin": False, "rsv1": True, "opcode": "2"}, b"\x42\x85" + masked_hello()),
    ({"form": "16"}, b"\x81\xfe\x00\x05" + masked_hello()),
    ({"form": "64", "announced": str(2**63)}, b"\x81\xff\x80" + bytes(7) + masked_hello()),
    ({"form": "7", "announced": "126"}, b"\x81\xfe" + masked_hello()),
    ({"kind": "hex", "payload": "03 e8", "opcode": "8", "masked": False}, b"\x88\x02\x03\xe8"),
    ({"payload": "x" * 126, "masked": False}, encode_frame(TEXT, 126 * b"x")),
    ({"payload": "x" * 65536, "masked": False}, encode_frame(TEXT, 65536 * b"x")),
]


@pytest.fixture
def patient(monkeypatch):
    """The raw client waits for as long as a busy machine needs."""
    monkeypatch.setattr(own_bytes, "TIMEOUT", DEADLINE_S)


def test_a_frame_is_built_field_by_field_and_sent_by_the_raw_client(demo, visit, patient):
    demo = demo()
    page = visit(demo.url)
    for fields, wire in FRAMES:
        built = call(
            page,
            """(fields) => {
                document.querySelector("#builder").reset();
                for (const [name, value] of Object.entries(fields)) {
                    const field = document.querySelector(`#build-${name}`);
                    if (typeof value === "boolean") field.checked = value;
                    else field.value = value;
                }
                document.querySelector("#builder").dispatchEvent(new Event("input"));
                return document.querySelector("#built").textContent;
            }""",
            fields,
        )
        assert built.replace(" ", "") == wire.hex(), fields
    fill(page, "build-payload", "Hello")
    page.click("#send-built")
    page.wait_for("document.querySelector('#builder-result').dataset.state === 'good'")
    assert "Sent 7 bytes. The answer: Close 1002" in page.text("#builder-result")
    recorded = demo.find("rule=own")
    assert_shown(page, recorded)
    assert recorded.sent_by(Side.CLIENT)[1].verdict.violation.section == "§5.1"
    for name, value, words in (
        ("key", "37 fa", "four bytes"),
        ("announced", "five", "a number, or empty"),
    ):
        fill(page, f"build-{name}", value)
        page.click("#send-built")
        assert words in page.text("#builder-problem")
        page.evaluate("document.querySelector('#builder').reset()")
    assert page.problems == []


def test_pasted_bytes_are_sent_or_refused_with_what_to_do(demo, visit, patient):
    demo = demo()
    page = visit(demo.url)
    fill(page, "pasted", "GET / HTTP/1.1\r\n\r\n")
    page.click("#send-pasted")
    page.wait_for("document.querySelector('#builder-result').dataset.state === 'bad'")
    assert "paste the frames alone" in page.text("#builder-result")
    fill(page, "pasted", "<Buffer 81 85 37 fa 21 3d 7f 9f 4d 51 58>")
    page.click("#send-pasted")
    page.wait_for("document.querySelector('#builder-result').dataset.state === 'good'")
    result = page.text("#builder-result")
    assert "Sent 11 bytes, read as Node's <Buffer>" in result and "1 message echoed" in result
    assert demo.find("rule=own").sent_by(Side.CLIENT)[1].text == "Hello"


# What a peer sends stays text


def test_markup_in_messages_paths_headers_and_reasons_is_shown_as_text(demo, visit):
    demo = demo()
    page = visit(demo.url)
    send(page, EVIL)
    page.wait_for("document.querySelectorAll('#timeline li[data-kind=text]').length === 2")
    mark = f"page={demo.page_id}"
    client = demo.running.open(
        f"/echo?x={EVIL}&{mark}", f"User-Agent: {EVIL}", "X-Evil: <script>evil=2</script>"
    )
    client.send_frame(TEXT, f"</span>{EVIL}".encode())
    client.expect(TEXT, f"</span>{EVIL}".encode())
    client.send_frame(PING, EVIL.encode())
    client.expect(PONG, EVIL.encode())
    client.send_frame(CLOSE, close_body(4000, EVIL))
    client.expect_close(4000)
    client.close()
    refused(demo.running, f"/{EVIL}?{mark}")
    refused(
        demo.running,
        f"/echo?{mark}&bad",
        f"Sec-WebSocket-Protocol: {EVIL}",
        f"Sec-WebSocket-Version: {EVIL}",
    )
    for words in (f"/echo?x={EVIL}", f"/{EVIL}?", "&bad"):
        recorded = demo.find(words)
        assert_shown(page, recorded)
        assert EVIL in handshake_of(page, recorded)
    assert EVIL in page.evaluate("document.querySelector('#timeline').textContent")
    fill(page, "close-reason", EVIL)
    command(page, "#command-close", "Close: done.")
    assert EVIL in reported(page, "onclose")[-1][1]
    assert (
        page.evaluate("document.querySelectorAll('img, body script, iframe, object, svg').length")
        == 0
    )
    assert page.evaluate("window.evil") is None
    assert not [method for method, _ in page.events() if method == "Page.javascriptDialogOpening"]
    assert page.problems == []


def handshake_of(page, recorded):
    """The text of the handshake tab for this connection."""
    return call(
        page,
        """(request) => {
        const heads = [...document.querySelectorAll("#timeline .opens.head")];
        heads.findLast((head) => head.querySelector(".picture").textContent === request).click();
        return document.querySelector("#handshake").textContent;
    }""",
        recorded.request,
    )


def test_if_markup_ever_got_into_the_page_its_policy_would_still_stop_it(demo, visit):
    page = visit(demo().url)
    call(
        page,
        """(markup) => {
        window.stopped = [];
        addEventListener("securitypolicyviolation",
            (event) => stopped.push(event.effectiveDirective));
        document.body.insertAdjacentHTML("beforeend", markup);
    }""",
        EVIL.replace('"x"', '"//evil.example/x"'),
    )
    page.wait_for("stopped.includes('img-src') && stopped.includes('script-src-attr')")
    assert page.evaluate("window.evil") is None
    assert page.problems and all("Content Security Policy" in problem for problem in page.problems)


@pytest.mark.rfc("6455-10.2-02")
def test_10_2_a_page_of_a_foreign_origin_cannot_watch(demo, visit, serving, chromium):
    demo = demo()
    visit(demo.url)
    other = serving(
        lambda connection: None,
        process_request=lambda connection, request: connection.respond(200, "hi"),
    )
    foreign = chromium.new_page(f"http://127.0.0.1:{other.address[1]}/")
    for target in (
        f"/watch?page={demo.page_id}",
        f"/watch?page={'0' * 32}",
        f"/echo?page={demo.page_id}",
    ):
        code = foreign.evaluate(f"""new Promise((done) => {{
            const socket = new WebSocket("ws://{demo.host}{target}");
            socket.onopen = () => done("open");
            socket.onclose = (event) => done(event.code);
        }})""")
        assert code == 1006
        recorded = next(
            one for one in reversed(demo.connections) if f"GET {target} " in one.request
        )
        assert eventually(lambda recorded=recorded: len(recorded.items) == 2)
        assert recorded.items[1].lines[0].text == "HTTP/1.1 403 Forbidden"
    assert all("403" in problem for problem in foreign.problems) and len(foreign.problems) == 3
    foreign.close()


def test_10_2_a_page_that_was_loaded_by_a_name_says_how_to_let_it_connect():
    rules = "--host-resolver-rules=MAP lab.uni.example 127.0.0.1"
    with program_running("--port", "0") as process, browser(rules) as named:
        host = f"lab.uni.example:{printed_address(process)[1]}"
        page = named.new_page(f"http://{host}/")
        page.wait_for("!document.querySelector('#by-name').hidden")
        option = page.evaluate("document.querySelector('#by-name-option').value")
        assert option == f"--origin http://{host}"
        assert page.text("#by-name-host") == host
        assert page.text("#state").startswith("The server has refused the connection with 403")
        assert "§10.2" in page.text("#refused li")
        page.click("#by-name-copy")
        assert page.evaluate("getSelection().toString()") == option
        process.send_signal(signal.SIGINT)
        process.wait(DEADLINE_S)
    trusted = ["--port", host.partition(":")[2], *option.split()]
    with program_running(*trusted) as process, browser(rules) as named:
        printed_address(process)
        page = named.new_page(f"http://{host}/")
        page.wait_for(CONNECTED)
        assert page.problems == []
        process.send_signal(signal.SIGINT)
        process.wait(DEADLINE_S)


def test_without_the_lab_the_page_says_so_and_connects_all_the_same():
    with program_running("--port", "0", "--host", "0.0.0.0") as process, browser() as running:
        page = running.new_page(f"http://127.0.0.1:{printed_address(process)[1]}/")
        page.wait_for("document.querySelector('#state').dataset.state === 'open'")
        page.wait_for(
            "document.querySelector('#watch-state').textContent.includes('start it with --lab')"
        )
        send(page, "Hello")
        assert reported(page, "onmessage")[-1] == ["onmessage", "“Hello”"]
        assert page.problems == []
        process.send_signal(signal.SIGINT)
        process.wait(DEADLINE_S)


# By keyboard


FOCUS = """() => {
    const focused = document.activeElement;
    const { outlineStyle, outlineWidth } = getComputedStyle(focused);
    const outlined = outlineStyle !== "none" && parseFloat(outlineWidth) >= 2;
    const inside = focused.closest("#timeline, #violations")?.id;
    return {
        name: inside ?? (focused.id || focused.tagName),
        shown: focused.matches(":focus-visible") && outlined,
        x: scrollX,
    };
}"""


def tab_through(page, until):
    """The names of what gets the focus with each Tab, up to this one; each is seen to have it."""
    names = []
    while not names or names[-1] != until:
        page.press("Tab")
        focus = call(page, FOCUS)
        assert focus["shown"] and len(names) < 50, (names, focus)
        names.append(focus["name"])
    return names


def test_everything_is_reached_with_the_keyboard_in_the_order_in_which_it_is_shown(demo, visit):
    page = visit(demo().url)
    assert tab_through(page, "violations") == [
        "lesson-link",
        "endpoint",
        "compression",
        "heartbeat",
        "toggle",
        "message",
        "send",
        "kind",
        "command-ping",
        "command-cut",
        "command-fragments",
        "fragment-count",
        "command-stop",
        "stop-seconds",
        "command-read",
        "read-size",
        "command-close",
        "close-code",
        "close-reason",
        "lecture",
        "save",
        "renew",
        "clear",
        "search",
        "filter",
        "timeline",
        "tab-frame",
        "panel-frame",
        "build-fin",
        "build-rsv1",
        "build-rsv2",
        "build-rsv3",
        "build-masked",
        "build-opcode",
        "build-form",
        "build-announced",
        "build-key",
        "build-payload",
        "build-kind",
        "send-built",
        "pasted",
        "send-pasted",
        "break-all",
        "violations",
    ]


def focused_row(page):
    """Which of the rows that can be opened has the focus, from 0."""
    return page.evaluate(
        "[...document.querySelectorAll('#timeline .opens')].indexOf(document.activeElement)"
    )


def test_arrows_go_from_frame_to_frame_and_enter_opens_one(demo, visit):
    page = visit(demo().url)
    send(page, "Hello")
    page.wait_for("document.querySelectorAll('#timeline .opens').length === 4")
    tab_through(page, "timeline")
    seen = [focused_row(page)]
    for key in (
        "ArrowDown",
        "ArrowDown",
        "ArrowUp",
        "End",
        "ArrowDown",
        "Home",
        "ArrowUp",
        "ArrowDown",
        "ArrowDown",
    ):
        page.press(key)
        assert call(page, FOCUS)["shown"]
        seen.append(focused_row(page))
    assert seen == [0, 1, 2, 1, 3, 3, 0, 0, 1, 2]
    page.press("Enter")
    assert page.text("#panel-frame h3").startswith("text frame, → client to server")
    assert page.evaluate("document.querySelector('#tab-frame').ariaSelected") == "true"
    assert focused_row(page) == 2
    page.press("Tab")
    assert call(page, FOCUS)["name"] == "tab-frame"
    page.press("ArrowRight")
    assert call(page, FOCUS)["name"] == "tab-handshake"
    assert page.evaluate("!document.querySelector('#panel-handshake').hidden")
    page.press("Tab", "Shift")
    assert focused_row(page) == 2
    accessible = page.evaluate("document.activeElement.ariaLabel")
    assert accessible == "#1 browser, → client to server, text, legal, Hello"


# How it looks


TOO_WIDE = """() => {
    const wide = (element) => element.scrollWidth > element.clientWidth;
    const found = ["html", "#timeline", "#detail"]
        .filter((selector) => wide(document.querySelector(selector)));
    const beyond = [...document.querySelectorAll("body *")].filter((element) =>
        element.checkVisibility() && element.getBoundingClientRect().right > innerWidth);
    return [...found, ...beyond.map((element) => element.outerHTML.slice(0, 100))];
}"""

PALE = """() => {
    const parse = (color) => {
        const numbers = color.match(/[0-9.]+/g).map(Number);
        return numbers.length === 3 ? [...numbers, 1] : numbers;
    };
    const ground = (element) => {
        for (let at = element; at; at = at.parentElement) {
            const color = parse(getComputedStyle(at).backgroundColor);
            if (color[3] > 0) return color;
        }
        return [255, 255, 255, 1];
    };
    const luminance = (color) => {
        const [red, green, blue] = color.slice(0, 3).map((value) =>
            value <= 10 ? value / 255 / 12.92 : ((value / 255 + 0.055) / 1.055) ** 2.4);
        return 0.2126 * red + 0.7152 * green + 0.0722 * blue;
    };
    const ratio = (one, other) => {
        const [light, dark] = [luminance(one), luminance(other)].sort((a, b) => b - a);
        return (light + 0.05) / (dark + 0.05);
    };
    const ownText = (element) =>
        [...element.childNodes].some((node) => node.nodeType === 3 && node.data.trim());
    return [...document.querySelectorAll("body *")]
        .filter((element) => ownText(element) && element.checkVisibility() && !element.disabled)
        .filter((element) => ratio(parse(getComputedStyle(element).color), ground(element)) < 4.5)
        .map((element) => element.outerHTML.slice(0, 100));
}"""


COLORS = """async (png) => {
    const answer = await fetch(`data:image/png;base64,${png}`);
    const picture = await createImageBitmap(await answer.blob());
    const canvas = new OffscreenCanvas(picture.width, picture.height).getContext("2d");
    canvas.drawImage(picture, 0, 0);
    const { data } = canvas.getImageData(0, 0, picture.width, picture.height);
    const counts = new Map();
    for (const pixel of new Uint32Array(data.buffer)) {
        counts.set(pixel, (counts.get(pixel) ?? 0) + 1);
    }
    const [most] = [...counts].reduce((one, other) => (other[1] > one[1] ? other : one));
    return [counts.size, most & 255, most >> 8 & 255, most >> 16 & 255];
}"""


def colors(chromium, picture):
    """How many different colours there are in a PNG, and the most frequent one."""
    blank = chromium.new_page()
    count, *most = call(blank, COLORS, base64.b64encode(picture.read_bytes()).decode())
    blank.close()
    return count, most


@pytest.mark.parametrize("width, height", [(1280, 800), (390, 844)])
def test_the_page_fits_its_window_and_can_be_read_in_light_and_dark(
    demo, visit, chromium, tmp_path, width, height
):
    page = visit(demo(compression="deflate").url, width=width, height=height)
    for text in ("x" * 300, "Hello", "W" * 70_000):
        send(page, text)
    page.wait_for("document.querySelectorAll('#timeline li[data-kind=text]').length >= 6")
    page.click("#break-rsv1")
    page.wait_for("document.querySelector('#show-rsv1')")
    page.evaluate(
        "for (const group of document.querySelectorAll('#violations details')) group.open = true"
    )
    grounds = {}
    for dark in (False, True):
        page.screenshot(tmp_path / "window.png", width, height, dark=dark)
        picture = (tmp_path / "window.png").read_bytes()
        assert struct.unpack("!II", picture[16:24]) == (width, height)
        count, grounds[dark] = colors(chromium, tmp_path / "window.png")
        assert count > 100
        for opened in ("#tab-handshake", "#show-rsv1", "#timeline li[data-kind=text] .opens"):
            page.click(opened)
            assert call(page, TOO_WIDE) == []
            assert call(page, PALE) == []
        page.click("#lecture")
        assert call(page, TOO_WIDE) == []
        assert call(page, PALE) == []
        page.click("#lecture")
    assert min(grounds[False]) > 200 and max(grounds[True]) < 60
    assert page.problems == []


def test_the_lesson_fits_a_narrow_window_and_links_back(demo, visit):
    page = visit(demo().url, width=390, height=844)
    page.open(page.evaluate("document.querySelector('#lesson-link').href"))
    assert page.text("h1") == "The lesson"
    for dark in (False, True):
        page.prefer(dark)
        assert page.evaluate("document.documentElement.scrollWidth <= innerWidth")
        assert call(page, PALE) == []
    page.open(page.evaluate("document.querySelector('header a').href"))
    page.wait_for(CONNECTED)
    assert page.problems == []
