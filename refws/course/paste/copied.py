"""Copy as cURL of developer tools -> the head of the request that it names."""

from __future__ import annotations

import re
import shlex
from itertools import pairwise
from urllib.parse import SplitResult, urlsplit

from ...protocol.frame import Side
from .heads import head_bytes
from .values import BadPaste, Chunk, Pasted, Way

COMMAND = re.compile(r"\s*curl(?:\.exe)? ")
HEADER_OPTIONS = ("-H", "--header")
MADE = (
    "the request is made of the command, with Host from its URL; curl itself may add header lines"
)


def recognises(text: str) -> bool:
    return COMMAND.match(text) is not None and re.search(r"\b(?:ws|http)s?://", text) is not None


def read(text: str) -> Pasted:
    """The request line of the URL, and the headers in the order of the options."""
    words = words_of(text)
    url = url_in(words)
    headers = [value for option, value in pairwise(words) if option in HEADER_OPTIONS]
    if not any(header.lower().startswith("host:") for header in headers):
        headers.insert(0, f"Host: {url.netloc.rpartition('@')[2]}")
    target = (url.path or "/") + (f"?{url.query}" if url.query else "")
    data = head_bytes([f"GET {target} HTTP/1.1", *headers])
    return Pasted("command of curl, HTTP request", (Chunk(data, Side.CLIENT),), (MADE,))


def url_in(words: list[str]) -> SplitResult:
    try:
        url = urlsplit(next((word for word in words if re.match(r"(?:ws|http)s?://", word)), ""))
    except ValueError as error:
        raise BadPaste(
            1, f"the URL of this command of curl is none, {error}: give it whole"
        ) from None
    if not url.netloc:
        raise BadPaste(1, "no URL in this command of curl: give it with its URL")
    return url


def words_of(text: str) -> list[str]:
    """The words of a command, as a shell splits it; ^ goes on with it in cmd.exe."""
    try:
        return shlex.split(re.sub(r"\s[\\^]\r?\n", " ", text))
    except ValueError as error:
        raise BadPaste(1, f"no whole command of curl, {error}: give all of it") from None


# The forms

COPIED = Way(recognises, read)
