"""The page of watch as HTML: its own head, and the timeline and details of the server's page."""

from __future__ import annotations

import re
from html import escape

from ..web.site import STATIC
from .head import PAGE_FILES

TIMELINE = re.compile(r'    <div id="pair">.*?\n    </div>\n', re.DOTALL)
"""The part of the server's page that shows what was on the wire."""

DOCUMENT = """<!doctype html>
<html lang="en">
<head>
  <meta charset="utf-8">
  <meta name="viewport" content="width=device-width, initial-scale=1">
  <title>refws watch: {target}</title>
  <link rel="icon" href="{files}favicon.svg">
  <link rel="stylesheet" href="{files}page.css">
  <link rel="stylesheet" href="{files}glass.css">
  <script src="{files}glass.js" type="module"></script>
</head>
<body>
  <header>
    <h1>refws watch</h1>
    <p>What passes between your clients and <code>{target}</code>, unchanged. Connect a client to
      <code>{own}</code> in its place, with the same path.</p>
  </header>
  <noscript>
    <p>This page needs JavaScript: what passes arrives over a WebSocket.</p>
  </noscript>
  <main>
    <section id="ends" aria-labelledby="verdicts-title">
      <h2 id="verdicts-title">How connections ended</h2>
      <p id="watch-state" class="note" role="status" data-state="closed">Connecting …</p>
      <p id="pulse" class="note" hidden></p>
      <div id="verdicts" role="log" tabindex="0" aria-labelledby="verdicts-title"></div>
    </section>

{timeline}  </main>
</body>
</html>
"""


def document(own: str, target: str) -> str:
    """The page; `own` is the URI that clients connect to in place of `target`."""
    index = (STATIC / "index.html").read_text(encoding="utf-8")
    found = TIMELINE.search(index)
    assert found is not None
    return DOCUMENT.format(
        own=escape(own), target=escape(target), files=PAGE_FILES, timeline=found[0]
    )
