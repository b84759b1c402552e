"""RFC 9110: a server for the pages of the labs, for browsers on this machine only."""

from __future__ import annotations

from collections.abc import Iterator
from contextlib import contextmanager
from http import HTTPStatus

from ...endpoint.serve import serve
from ...endpoint.server import Server
from ...endpoint.server_handshake import ServerConnection
from ...protocol.authority import split_authority
from ...protocol.http import Request, Response
from ..services import echo, other_method
from ..web.site import page
from .cast import CLOSE_TIMEOUT, LOOPBACK
from .pages import Pages
from .stage import Stage

FOREIGN_HOST = """The labs are for this machine only: open them at 127.0.0.1 or localhost.
"""
NO_PAGE = """Nothing is at this path. The labs are at /lab/.
"""


@contextmanager
def serving_pages(port: int) -> Iterator[Server]:
    """A server that listens on loopback; call its `serve_forever`. OSError if the port is taken.

    The labs that are played end with it.
    """
    stage = Stage()
    pages = Pages(stage)

    def process_request(connection: ServerConnection, request: Request) -> Response:
        if not asks_for_this_machine(request):
            return connection.respond(HTTPStatus.FORBIDDEN, FOREIGN_HOST)
        if request.method not in ("GET", "HEAD"):
            return other_method(connection, request)
        found = pages.answer(request) or page(request)
        return found or connection.respond(HTTPStatus.NOT_FOUND, NO_PAGE)

    with serve(
        echo, LOOPBACK, port, process_request=process_request, close_timeout=CLOSE_TIMEOUT
    ) as server:
        try:
            yield server
        finally:
            server.abort()  # no page is waited for: another thread may wait for the same lab
            stage.end()


def asks_for_this_machine(request: Request) -> bool:
    """Whether the request is for this machine's address: a name may be of anyone (§10.2)."""
    authority = split_authority(request.authority, 80)
    return authority is not None and authority[0] in (LOOPBACK, "localhost")
