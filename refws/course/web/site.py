"""The pages at `/` and `/lesson` (RFC 9110): request -> response.

The browser may run only the scripts in `static` and the table of close codes.
"""

from __future__ import annotations

import json
from http import HTTPStatus
from importlib.resources import files
from pathlib import PurePath

from ...protocol.close_codes import CloseCode
from ...protocol.http import Request, Response
from .lesson_page import lesson_page

STATIC = files(__name__.rpartition(".")[0]) / "static"

TYPES = {
    ".html": "text/html; charset=utf-8",
    ".css": "text/css; charset=utf-8",
    ".js": "text/javascript; charset=utf-8",
    ".svg": "image/svg+xml; charset=utf-8",
}
JSON = "application/json; charset=utf-8"

FILES = {
    "/" if entry.name == "index.html" else f"/{entry.name}": entry
    for entry in STATIC.iterdir()
    if PurePath(entry.name).suffix in TYPES
}
"""Path -> its file. No other file is opened, for any path in a request."""

LESSON_PATH = "/lesson"
CLOSE_CODES_PATH = "/close_codes.js"

CONTENT_SECURITY_POLICY = "; ".join(
    (
        "default-src 'none'",
        "script-src 'self'",
        "style-src 'self'",
        "img-src 'self'",
        "connect-src 'self'",  # CSP level 3: covers ws: and wss: to the page's own host and port
        "base-uri 'none'",
        "form-action 'none'",
        "frame-ancestors 'none'",
    )
)

HEADERS = (
    ("Cache-Control", "no-store"),
    ("Content-Security-Policy", CONTENT_SECURITY_POLICY),
    ("Referrer-Policy", "no-referrer"),
)


def page(request: Request) -> Response | None:
    """The answer to a request for a page or one of its files; None for any other path."""
    if request.absolute_path == LESSON_PATH:
        return respond(lesson_page(), TYPES[".html"])
    if request.absolute_path == CLOSE_CODES_PATH:
        return respond(close_codes_script(), TYPES[".js"])
    entry = FILES.get(request.absolute_path)
    if entry is None:
        return None
    return respond(entry.read_text(encoding="utf-8"), TYPES[PurePath(entry.name).suffix])


def close_codes_script() -> str:
    """§7.4: a script with the meanings of the close codes, which only `protocol` has."""
    meanings = {code.value: code.meaning for code in CloseCode}
    return f"export const CLOSE_MEANINGS = {json.dumps(meanings, indent=2)};\n"


def respond(text: str, content_type: str) -> Response:
    return Response.text(HTTPStatus.OK, text, [("Content-Type", content_type), *HEADERS])
