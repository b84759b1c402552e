"""The page at `/` (RFC 9110): request -> HTTP response that lets the browser run the page's files,
no others.
"""

from __future__ import annotations

from http import HTTPStatus
from importlib.resources import files

from ...protocol.http import Request, Response

SCRIPTS = (
    "page.js",
    "watch.js",
    "timeline.js",
    "picture.js",
    "handshake.js",
    "gallery.js",
    "words.js",
)
"""The first one imports the others."""

PAGES = {
    "/": ("index.html", "text/html; charset=utf-8"),
    "/page.css": ("page.css", "text/css; charset=utf-8"),
    **{f"/{name}": (name, "text/javascript; charset=utf-8") for name in SCRIPTS},
}

CONTENT_SECURITY_POLICY = "; ".join(
    (
        "default-src 'none'",
        "script-src 'self'",
        "style-src 'self'",
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
    """The answer for a path of `PAGES`, None for any other path."""
    if request.path not in PAGES:
        return None
    name, content_type = PAGES[request.path]
    text = files(__package__).joinpath("static", name).read_text(encoding="utf-8")
    return Response.text(HTTPStatus.OK, text, [("Content-Type", content_type), *HEADERS])
