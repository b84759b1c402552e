"""RFC 6455 §1.3, §4: what Sec-WebSocket-Key and Sec-WebSocket-Accept are for, and what not.

They show that both sides speak WebSocket, and have read this handshake. They are no secret and no
login. The cast: a client, and five peers that are no WebSocket server, or are one in bad faith.
"""

from __future__ import annotations

import io
import queue
import socket
from collections.abc import Iterator
from contextlib import suppress
from http import HTTPStatus

from ...protocol.client.handshake import check_response
from ...protocol.client.response import read_response
from ...protocol.errors import InvalidHandshake
from ...protocol.frame import TEXT, BinaryFile, Side, parse_header
from ...protocol.handshake import accept_key
from ...protocol.heads import read_request
from ...protocol.http import Request, Response
from ...protocol.masking import mask
from .browser import KEY, opening, read_answer, read_frame, read_head, request, status_of
from .cast import LOOPBACK, TIMEOUT, Cast, Part
from .site import answer as answer_with
from .site import open_websocket, site, switching
from .story import Crossed, Lab, Step
from .talk import masked

OLD_ACCEPT = accept_key("eCBvbGQgYW5zd2VyIHgh")
"""Of another request, some time ago."""

SCRIPTS_BODY = masked(TEXT, b"a message of the script")
"""A script may send any bytes as the body of a request: here they are a frame."""

PAGE = """<!doctype html><title>trying</title><meta name=viewport content="width=device-width">
<h1>A script without a WebSocket</h1>
<p>It asks fetch() for these headers: <code id=asked></code>
<pre id=answer></pre>
<form method=post enctype=text/plain action=/socket>
<input name=Sec-WebSocket-Key value="KEY"> <button>The same with a form</button></form>
<script>
const headers = { "Sec-WebSocket-Key": "KEY", "Sec-WebSocket-Version": "13",
  Upgrade: "websocket", Connection: "Upgrade" };
document.querySelector("#asked").textContent = Object.keys(headers).join(", ");
fetch("/socket", { method: "POST", headers, body: new Uint8Array([BYTES]) })
  .then(async (answer) => {
    document.querySelector("#answer").textContent = await answer.text();
    document.title = "refused";
  }).catch(() => { document.title = "no answer"; });
</script>
""".replace("KEY", KEY).replace("BYTES", ", ".join(map(str, SCRIPTS_BODY)))


def play(cast: Cast) -> Iterator[Step]:
    """A request of a script, and four answers to the request of a client."""
    server = ScriptsServer(cast)
    with cast.client(server.port) as sock, sock.makefile("rb") as file:
        sent = request_of_a_script(f"{LOOPBACK}:{server.port}")
        sock.sendall(sent)
        answer = read_answer(file)
    expected = HTTPStatus.BAD_REQUEST if cast.defended else HTTPStatus.SWITCHING_PROTOCOLS
    came_out = status_of(answer) == expected
    crossed = [Crossed("script to server", sent), Crossed("server to script", answer)]
    if not cast.defended:
        read = cast.wait_for(lambda: not server.messages.empty(), TIMEOUT) and server.messages.get()
        came_out = came_out and read == b"a message of the script"
        crossed += [Crossed("what the server takes for a frame", SCRIPTS_BODY, Side.CLIENT)]
    facts = {"page": f"http://{LOOPBACK}:{server.port}/"}
    yield Step("fetch", came_out, tuple(crossed), facts)

    for name, server_part in (
        ("page", site({"/": "<!doctype html><title>A page</title>\n"})),
        ("old answer", always(switching(OLD_ACCEPT))),
        ("copy", copies_the_key),
    ):
        attempt = Attempt(cast, server_part)
        came_out = attempt.opened is not cast.defended
        if name == "page" and not cast.defended:
            came_out = came_out and attempt.frame != b""
        yield Step(name, came_out, attempt.crossed, attempt.facts)

    attempt = Attempt(cast, computes_the_accept)
    yield Step("program", attempt.opened, attempt.crossed, attempt.facts)


LAB = Lab("key", "§1.3, §4", 10, play)


class Attempt:
    """A client that connects to a server. It `opened` the connection, or found a fault.

    `frame` has what it takes for the first frame, if it has opened the connection.
    """

    def __init__(self, cast: Cast, server: Part) -> None:
        port = cast.host(server)
        sent = opening(f"127.0.0.1:{port}", None)
        with cast.client(port) as sock, sock.makefile("rb") as file:
            sock.sendall(sent)
            head = read_head(file)
            fault = find_fault(sent, head) if cast.defended else ""
            self.opened = not fault
            self.frame = b"" if fault else first_frame(file)
        self.facts = {"fault": fault, "header": header_of(self.frame)}
        self.crossed: tuple[Crossed, ...] = (
            Crossed("client to server", sent, Side.CLIENT),
            Crossed("server to client", head, Side.SERVER),
        )
        if self.frame:
            self.crossed += (Crossed("what the client takes for a frame", self.frame),)


def first_frame(file: BinaryFile) -> bytes:
    """The next bytes as a frame; empty if the server ends the stream and says nothing more."""
    with suppress(EOFError):
        return read_frame(file)
    return b""


def header_of(frame: bytes) -> str:
    """What the first two bytes say, legal or not (§5.2)."""
    if not frame:
        return "nothing"
    start, header = frame[:2].decode("latin-1"), parse_header(frame[:2])
    return f"{start!r} as opcode {header.opcode} and {header.payload_length} bytes"


def find_fault(sent: bytes, head: bytes) -> str:
    """What §4.1 finds wrong with a response; "" if it opens the connection."""
    try:
        check_response(read_request(io.BytesIO(sent)), read_response(io.BytesIO(head)))
    except InvalidHandshake as error:
        return str(error)
    return ""


# Servers


class ScriptsServer:
    """A page with a script at /, and a WebSocket server at /socket, to which it sends a request.

    With the defence off it opens a WebSocket for any request; `messages` has what it then reads.
    """

    def __init__(self, cast: Cast) -> None:
        self.messages: queue.SimpleQueue[bytes] = queue.SimpleQueue()
        self._asks_for_key = cast.defended
        self.port = cast.host(self._part)

    def _part(self, sock: socket.socket) -> None:
        with sock.makefile("rb") as file:
            asked = read_request(file)
            if asked.absolute_path != "/socket":
                sock.sendall(answer_with(asked.absolute_path, {"/": PAGE}).to_bytes())
            elif self._asks_for_key and "Sec-WebSocket-Key" not in asked.headers:
                file.read(int(asked.headers.get("Content-Length", "0")))  # or it would be reset
                sock.sendall(Response.text(HTTPStatus.BAD_REQUEST, no_key(asked)).to_bytes())
            else:
                sock.sendall(switching(OLD_ACCEPT))
                frame = read_frame(file, masked=True)
                self.messages.put(mask(frame[6:], frame[2:6]))


def no_key(asked: Request) -> str:
    names = "\n".join(f"  {name}" for name, _ in asked.headers.raw_items())
    return f"There is no Sec-WebSocket-Key. These headers arrived:\n{names}\n"


def request_of_a_script(host: str) -> bytes:
    """As a browser writes it; of the headers that the script has asked for, it has left out all."""
    head = request(
        host,
        "/socket",
        ("Origin", f"http://{host}"),
        ("Sec-Fetch-Mode", "cors"),
        ("Content-Length", str(len(SCRIPTS_BODY))),
    )
    return head.replace(b"GET ", b"POST ", 1) + SCRIPTS_BODY


def always(response: bytes) -> Part:
    """A cache, or a server that does not look: the same answer to every request."""

    def part(sock: socket.socket) -> None:
        with sock.makefile("rb") as file:
            read_request(file)
        sock.sendall(response)

    return part


def copies_the_key(sock: socket.socket) -> None:
    """It has seen the names of the headers, and not the RFC: the key itself is its Accept."""
    with sock.makefile("rb") as file:
        key = read_request(file).headers["Sec-WebSocket-Key"]
    sock.sendall(switching(key))


def computes_the_accept(sock: socket.socket) -> None:
    """A few lines of anybody's program."""
    with sock.makefile("rb") as file:
        asked = read_request(file)
    open_websocket(sock, asked)
