"""Which page a connection belongs to: the id in the query of its request (RFC 3986 §3.4).

A page makes an id of 128 random bits, watches at `/watch?page=ID`, and puts the id into the query
of its other connections, too, because a script cannot set a header of a WebSocket.
"""

from __future__ import annotations

import re
from urllib.parse import parse_qsl

from ...protocol.http import Headers, Request

WATCH_PATH = "/watch"

PAGE_ID = re.compile("[0-9a-f]{32}")
"""128 random bits cannot be guessed: a request with them comes from the page that made them."""

MAX_PARAMETERS = 16


def parameters(request: Request) -> dict[str, str]:
    """The parameters in a query, the first of each name; none if there are too many."""
    try:
        found = parse_qsl(request.query, keep_blank_values=True, max_num_fields=MAX_PARAMETERS)
    except ValueError:
        return {}
    return dict(reversed(found))


def page_of(request: Request) -> str | None:
    """The id of the page that a request belongs to; None if it names no valid id."""
    page = parameters(request).get("page", "")
    return page if PAGE_ID.fullmatch(page) else None


def parse_request_line(line: bytes) -> Request | None:
    """The request of a valid or invalid request line, without headers; None without a target."""
    words = line.decode("latin-1").split()
    return Request(words[0], words[1], "", Headers()) if len(words) > 1 else None
