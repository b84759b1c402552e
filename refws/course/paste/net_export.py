"""chrome://net-export with raw bytes -> what a WebSocket of it sent and received."""

from __future__ import annotations

import re

from .json_values import Object, bytes_of, values_of
from .senders import with_senders
from .values import BadPaste, Pasted, Way, counted

BYTES_OF_SOCKETS = re.compile("(?:SSL_)?SOCKET_BYTES_(?P<way>SENT|RECEIVED)")
UPGRADE = re.compile(
    rb"GET [^\r\n]* HTTP/1\.1\r\n(?:[^\r\n]+\r\n)*?upgrade: *websocket", re.IGNORECASE
)


def recognises(text: str) -> bool:
    return re.match(r'\s*\{\s*"constants"\s*:', text) is not None and '"logEventTypes"' in text


def read(text: str) -> Pasted:
    """The bytes of the first socket with an opening handshake, where raw bytes were recorded."""
    value, *others = values_of(text)
    if others or not isinstance(value, dict):
        raise BadPaste(1, "not one object of JSON: give all of the file of net-export")
    sockets = sockets_of(value)
    if not sockets:
        raise BadPaste(
            1, "a net-export without bytes: record it again with Include raw bytes chosen"
        )
    opened = [spoken for spoken in sockets if UPGRADE.match(sent_first(spoken))]
    if not opened:
        raise BadPaste(1, "no opening handshake of a WebSocket in this net-export")
    chunks, note = with_senders(opened[0])
    notes = (
        [note, f"{counted(len(opened) - 1, 'other connection')} not read"] if opened[1:] else [note]
    )
    count = counted(len(chunks), "part")
    return Pasted(f"net-export of Chrome, {count}", chunks, tuple(filter(None, notes)))


def sockets_of(export: Object) -> list[list[tuple[str, bytes]]]:
    """For each socket what was sent and received, in order."""
    constants, events = export.get("constants"), export.get("events")
    types = constants.get("logEventTypes") if isinstance(constants, dict) else None
    if not isinstance(types, dict) or not isinstance(events, list):
        raise BadPaste(1, "no constants and events as net-export writes them")
    ways = {
        number: match["way"]
        for name, number in types.items()
        if type(number) is int and (match := BYTES_OF_SOCKETS.fullmatch(name))
    }
    sockets: dict[tuple[str, str], list[tuple[str, bytes]]] = {}
    for event in events:
        is_event = isinstance(event, dict) and type(event.get("type")) is int
        way = ways.get(event["type"]) if is_event else None
        params = event.get("params") if way else None
        if way and isinstance(params, dict) and (data := bytes_of(params.get("bytes"))):
            sockets.setdefault(source_of(event), []).append((way, data))
    return list(sockets.values())


def source_of(event: Object) -> tuple[str, str]:
    source = event.get("source")
    return (
        (str(source.get("id")), str(source.get("type"))) if isinstance(source, dict) else ("", "")
    )


def sent_first(spoken: list[tuple[str, bytes]]) -> bytes:
    return b"".join(data for way, data in spoken if way == "SENT")


# The forms

NET_EXPORT = Way(recognises, read)
