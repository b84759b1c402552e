"""The header lines that DevTools lists for a request, without the first lines -> the heads."""

from __future__ import annotations

import re
from urllib.parse import urlsplit

from ...protocol.frame import Side
from .heads import head_bytes
from .values import BadPaste, Chunk, Pasted, Way, shown

GENERAL = re.compile(
    r"(?P<name>Request URL|Request Method|Status Code|Status)\s*:?\s*(?P<value>.*)", re.IGNORECASE
)
SECTION = re.compile(r"\W*(?P<name>Request|Response) Headers\b.*", re.IGNORECASE)
FIELD = re.compile(r"[A-Za-z][A-Za-z0-9-]*:.*")
OTHERS = re.compile(
    r"General|Raw|\(Challenge Response\).*|.*Provisional headers.*"
    r"|(?:\W*(?:view (?:source|parsed)|HTTP/1\.1 101 .*))",
    re.IGNORECASE,
)
NOT_SHOWN = (
    "DevTools lists no first lines: they are made of Request URL, Request Method and Status Code"
)


def recognises(text: str) -> bool:
    lines = [line.strip() for line in text.split("\n")]
    return any(map(SECTION.fullmatch, lines)) and any(
        line.lower().startswith("request url") for line in lines
    )


def read(text: str) -> Pasted:
    """The request and the response; a name and its value may be in two lines."""
    general: dict[str, str] = {}
    fields: dict[str, list[str]] = {"request": [], "response": []}
    section, name = "", ""
    for number, line in enumerate((line.strip() for line in text.split("\n")), 1):
        if match := SECTION.fullmatch(line):
            section, name = match["name"].lower(), ""
        elif not line or OTHERS.fullmatch(line):
            continue
        elif name:
            set_field(general, fields, section, f"{name}: {line}")
            name = ""
        elif GENERAL.fullmatch(line) or FIELD.fullmatch(line):
            name = set_field(general, fields, section, line)
        elif re.fullmatch("[A-Za-z][A-Za-z0-9-]*", line):
            name = line
        else:
            raise BadPaste(number, f"{shown(line)} is no header line of DevTools: leave it out")
    url = urlsplit(general.get("request url", ""))
    target = (url.path or "/") + (f"?{url.query}" if url.query else "")
    request = [f"{general.get('request method', 'GET')} {target} HTTP/1.1", *fields["request"]]
    status = general.get("status code") or general.get("status") or "101 Switching Protocols"
    response = [f"HTTP/1.1 {status.lstrip('● ')}", *fields["response"]]
    chunks = [Chunk(head_bytes(request), Side.CLIENT)] if fields["request"] else []
    chunks += [Chunk(head_bytes(response), Side.SERVER)] if fields["response"] else []
    return Pasted("headers of DevTools", tuple(chunks), (NOT_SHOWN,))


def set_field(
    general: dict[str, str], fields: dict[str, list[str]], section: str, line: str
) -> str:
    """Keep a line; or its name is returned, if its value is in the next line."""
    if (match := GENERAL.fullmatch(line)) and not section:
        if not match["value"]:
            return match["name"]
        general[match["name"].lower()] = match["value"]
    elif section:
        name, _, value = line.partition(":")
        fields[section].append(f"{name}: {value.strip()}")
    return ""


# The forms

DEVTOOLS = Way(recognises, read)
