"""RFC 6455 §10.2: what Origin is for. A page of another site opens a WebSocket in a user's name.

The cast: a bank with a cookie and a WebSocket, its user, and an evil page. A browser sends the
cookie with a request to the bank, whichever page of the same site asks, and cookies know no ports
(RFC 6265 §8.5). So the server must look at Origin, or ask for what only its own page knows.
"""

from __future__ import annotations

from collections.abc import Iterator
from http import HTTPStatus
from typing import Any

from ...endpoint.server_handshake import ServerConnection
from ...protocol.frame import Side
from ...protocol.http import Request, Response
from .browser import opening, read_answer, read_frame, request, status_of
from .cast import LOOPBACK, Cast, no_log
from .site import page, site
from .story import Crossed, Lab, Step

SESSION = "session=41fe"
BALANCE = "balance: 1,000"
TOKEN = "token=9f1c"
"""It is in the bank's page, which no script of another origin can read. A real one is random."""

BANKS_PAGE = """<!doctype html><title>opening</title><script>
const socket = new WebSocket(`ws://${location.host}/account?TOKEN`);
socket.onmessage = (event) => { document.title = event.data; };
socket.onerror = () => { document.title = "refused"; };
</script>
"""

EVIL_PAGE = """<!doctype html><title>opening</title><script>
const socket = new WebSocket("ws://BANK/account");
socket.onmessage = (event) => { document.title = `stolen ${event.data}`; };
socket.onerror = () => { document.title = "refused"; };
</script>
"""


def play(cast: Cast) -> Iterator[Step]:
    """A login, the bank's own page, the evil page, one of another site, and a program."""
    bank = f"{LOOPBACK}:{cast.websocket(send_balance, **bank_with(cast.defence))}"
    evil_port = cast.host(site({"/": EVIL_PAGE.replace("BANK", bank)}))
    evil, elsewhere = f"http://{LOOPBACK}:{evil_port}", f"http://localhost:{evil_port}"
    facts = {"bank": f"http://{bank}", "evil": evil, "elsewhere": elsewhere}

    login = exchange(cast, bank, request(bank, "/login"))
    yield Step("login", f"Set-Cookie: {SESSION}".encode() in login.head, login.crossed, facts)

    own = exchange(cast, bank, opening(bank, f"http://{bank}", f"/account?{TOKEN}", SESSION))
    yield Step("own page", own.has_balance, own.crossed, facts)

    hijack = exchange(cast, bank, opening(bank, evil, "/account", SESSION))
    expected = HTTPStatus.SWITCHING_PROTOCOLS if cast.defence == "off" else HTTPStatus.FORBIDDEN
    came_out = hijack.status == expected and hijack.has_balance is (cast.defence == "off")
    yield Step("evil page", came_out, hijack.crossed, facts)

    other_site = exchange(cast, bank, opening(bank, elsewhere, "/account"))
    yield Step(
        "other site", other_site.status == HTTPStatus.UNAUTHORIZED, other_site.crossed, facts
    )

    read = exchange(cast, bank, request(bank, "/", ("Cookie", SESSION)), "program")
    token = read.head.partition(b"/account?")[2].partition(b"`")[0].decode()
    asked = opening(bank, f"http://{bank}", f"/account?{token}", SESSION)
    program = exchange(cast, bank, asked, "program")
    yield Step("program", program.has_balance, (*read.crossed, *program.crossed), facts)


LAB = Lab("hijack", "§10.2", 10, play, ("on", "off", "token"))


# The bank


def bank_with(defence: str) -> dict[str, Any]:
    """The arguments of `serve`: with the switch at "on" only pages of the bank may connect."""

    def process_request(connection: ServerConnection, request: Request) -> Response | None:
        if request.absolute_path == "/login":
            cookie = ("Set-Cookie", f"{SESSION}; HttpOnly; SameSite=Lax; Path=/")
            return connection.respond(HTTPStatus.OK, "You are logged in.\n", [cookie])
        if request.absolute_path == "/":
            return page(BANKS_PAGE.replace("TOKEN", TOKEN))
        if SESSION not in request.headers.get("Cookie", ""):
            return connection.respond(HTTPStatus.UNAUTHORIZED, "Log in first: /login\n")
        if defence == "token" and request.query != TOKEN:
            return connection.respond(HTTPStatus.FORBIDDEN, "The token of the page is missing.\n")
        return None

    origins = None if defence == "on" else ["*"]
    return {"process_request": process_request, "origins": origins, "logger": no_log()}


def send_balance(connection: ServerConnection) -> None:
    connection.send(BALANCE)
    for _ in connection:
        pass


# One connection to the bank


class Exchange:
    """What `who` sent to the bank, and its answer: a head and, if it is a 101, a frame."""

    def __init__(self, who: str, sent: bytes, head: bytes, frame: bytes) -> None:
        self.head = head
        self.status = status_of(head)
        self.has_balance = BALANCE.encode() in frame
        self.crossed = (
            Crossed(f"{who} to bank", sent, Side.CLIENT if frame else None),
            Crossed(f"bank to {who}", head + frame, Side.SERVER if frame else None),
        )


def exchange(cast: Cast, bank: str, sent: bytes, who: str = "browser") -> Exchange:
    port = int(bank.rpartition(":")[2])
    with cast.client(port) as sock, sock.makefile("rb") as file:
        sock.sendall(sent)
        head = read_answer(file)
        is_open = status_of(head) == HTTPStatus.SWITCHING_PROTOCOLS
        return Exchange(who, sent, head, read_frame(file) if is_open else b"")
