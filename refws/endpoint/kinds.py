"""RFC 6455 §5.6: text as bytes, and bytes as text, where a program asks for the other kind.

`recv(decode=False)` gives text as its bytes in UTF-8, for a parser that wants bytes;
`send(data, text=True)` sends bytes that are UTF-8 as text.
"""

from __future__ import annotations

from codecs import getincrementaldecoder
from collections.abc import Iterable, Iterator, Mapping
from typing import Any


def as_kind(message: str | bytes | bytearray | memoryview, text: bool) -> str | bytes:
    """The message as str or as bytes. UnicodeDecodeError for bytes that are no UTF-8."""
    if isinstance(message, str):
        return message if text else message.encode()
    data = bytes(message)
    return data.decode() if text else data


def chunks_as_kind(chunks: Iterable[str | bytes], text: bool) -> Iterator[str | bytes]:
    """The same for a message in chunks: bytes may be cut inside a character."""
    decoder = getincrementaldecoder("utf-8")()
    for chunk in chunks:
        yield decoder.decode(chunk) if text and isinstance(chunk, bytes) else as_kind(chunk, text)
    decoder.decode(b"", final=True)


def outgoing_as_kind(message: Any, text: bool) -> Any:
    """The same for what `send` takes: each fragment must have whole characters."""
    if isinstance(message, (str, bytes, bytearray, memoryview)):
        return as_kind(message, text)
    if isinstance(message, Mapping) or not isinstance(message, Iterable):
        return message  # which `send` refuses
    return (as_kind(fragment, text) for fragment in message)
