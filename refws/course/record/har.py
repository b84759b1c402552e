"""A HAR file of a browser's DevTools -> the messages of its WebSocket connections.

    {"log": {"entries": [{
        "request": {"url": "wss://example.com/chat"},
        "_webSocketMessages": [{"type": "send", "time": 1700000000.25, "opcode": 1, "data": "Hi"}]
    }]}}

DevTools writes whole messages: the headers of frames, masks, compression, control frames and bytes
on the wire are not in the file. The data of binary messages are in base64.
"""

from __future__ import annotations

import json
import math
import re
from base64 import b64decode
from collections.abc import Iterator
from dataclasses import dataclass
from typing import Any, BinaryIO

from ...protocol.frame import BINARY, Opcode, Side
from ..explain.header_fields import OPCODES, opcode_name
from ..text.characters import WIDTH, count, cut, escape, quoted, spaced
from ..text.style import SHORT_ARROWS
from .narration import timed_line
from .tape import BadRecording

START = re.compile(rb'(?:\xef\xbb\xbf)?\s*\{\s*"log"\s*:')
"""How a HAR begins; other JSON does not."""

MAX_SIZE = 256 * 1024 * 1024
"""The largest file that is read, because JSON is read as a whole."""

NOT_FRAMES = (
    "messages, not frames: DevTools keeps no headers of frames, masks, compression or control "
    "frames"
)
WHAT = "is no HAR file"

CONTENT, HEX_SHOWN = 48, 16
"""Columns of text, and bytes in hex, that are shown of a message."""

SENDERS = {"send": Side.CLIENT, "receive": Side.SERVER}


@dataclass(frozen=True, slots=True)
class Message:
    """A message, or with no sender an error that the browser noted. `seconds` are since 1970."""

    seconds: float
    sender: Side | None
    opcode: int
    data: bytes


@dataclass(frozen=True, slots=True)
class MessageLog:
    """The messages of one connection, and how many entries were not as DevTools writes them."""

    number: int
    url: str
    messages: tuple[Message, ...]
    left_out: int


class HarReader:
    """The connections of a HAR file. BadRecording if it is none."""

    def __init__(self, file: BinaryIO) -> None:
        data = file.read(MAX_SIZE + 1)
        if len(data) > MAX_SIZE:
            raise BadRecording(WHAT, f"more than {MAX_SIZE} bytes: save fewer requests")
        self._entries = entries_of(parse(data))

    def __iter__(self) -> Iterator[MessageLog]:
        logs = (entry for entry in self._entries if isinstance(entry, dict))
        found = (entry for entry in logs if isinstance(entry.get("_webSocketMessages"), list))
        for number, entry in enumerate(found, 1):
            items = [message_of(item) for item in entry["_webSocketMessages"]]
            messages = tuple(item for item in items if item is not None)
            yield MessageLog(number, url_of(entry), messages, len(items) - len(messages))


def parse(data: bytes) -> Any:
    try:
        return json.loads(data.decode("utf-8-sig"))
    except json.JSONDecodeError as error:
        raise BadRecording(
            WHAT, f"line {error.lineno}, column {error.colno}: {error.msg}"
        ) from None
    except UnicodeDecodeError as error:
        raise BadRecording(WHAT, f"byte {error.start} is not UTF-8") from None
    except RecursionError:
        raise BadRecording(WHAT, "its JSON is nested too deeply") from None


def entries_of(har: Any) -> list[Any]:
    log = har.get("log") if isinstance(har, dict) else None
    entries = log.get("entries") if isinstance(log, dict) else None
    if not isinstance(entries, list):
        raise BadRecording(WHAT, 'no list "entries" in "log"; save it again with DevTools')
    return entries


def url_of(entry: dict[str, Any]) -> str:
    """The address, without its query: that may be a secret."""
    request = entry.get("request")
    url = request.get("url") if isinstance(request, dict) else None
    address, mark, _ = (url if isinstance(url, str) else "an unknown address").partition("?")
    return address + ("?****" if mark else "")


def message_of(item: Any) -> Message | None:
    """The message; None if it is not as DevTools writes it."""
    if not isinstance(item, dict):
        return None
    kind, time, opcode, data = (item.get(name) for name in ("type", "time", "opcode", "data"))
    if kind not in ("send", "receive", "error") or not isinstance(data, str):
        return None
    if not isinstance(time, int | float) or not math.isfinite(time):
        return None
    if kind == "error":
        return Message(float(time), None, 0, encoded(data))
    if not isinstance(opcode, int) or not 0 <= opcode <= 0xF:
        return None
    try:
        wire = b64decode(data, validate=True) if opcode == BINARY else encoded(data)
    except ValueError:
        return None
    return Message(float(time), SENDERS[kind], opcode, wire)


def encoded(text: str) -> bytes:
    return text.encode("utf-8", "replace")


# As text


def lines_of(log: MessageLog) -> Iterator[str]:
    """A line for the connection, and one for each message, with the time since the first one."""
    yield f"#{log.number} {cut(escape(log.url), WIDTH)}"
    began = log.messages[0].seconds if log.messages else 0.0
    for message in log.messages:
        words = cut(words_of(message), WIDTH)
        yield timed_line(f"#{log.number}", message.seconds - began, words)
    if log.left_out:
        yield f"#{log.number} {log.left_out} left out: not written as DevTools does"


def words_of(message: Message) -> str:
    """A message in words, with its direction."""
    arrow = "" if message.sender is None else f"{SHORT_ARROWS[message.sender]} "
    return arrow + content_of(message)


def content_of(message: Message) -> str:
    """Type, length and content of a message, or an error."""
    text = message.data.decode(errors="replace")
    if message.sender is None:
        return f"error: {quoted(text, CONTENT)}"
    if message.opcode == BINARY:
        more = "..." if len(message.data) > HEX_SHOWN else ""
        content = spaced(message.data[:HEX_SHOWN]) + more
    else:
        content = quoted(text, CONTENT)
    kind = opcode_name(Opcode(message.opcode) if message.opcode in OPCODES else message.opcode)
    return f"{kind} message, {count(len(message.data))}: {content}"
