"""RFC 6455 §1.9, §4.1 item 10: the names of subprotocols that a program lists."""

from __future__ import annotations

from collections.abc import Iterable

from .http import is_token, quote


def check_subprotocols(subprotocols: Iterable[str] | None) -> tuple[str, ...]:
    """The argument `subprotocols`, () for None.

    TypeError unless it is a list of str; ValueError for a name that no header can hold, and for one
    that is listed twice.
    """
    if subprotocols is None:
        return ()
    if isinstance(subprotocols, str | bytes) or not isinstance(subprotocols, Iterable):
        raise TypeError(f"subprotocols is {subprotocols!r}; use a list of str, such as ['chat']")
    listed = tuple(subprotocols)
    for name in listed:
        if not isinstance(name, str):
            raise TypeError(f"subprotocols has {name!r}; use str, such as 'chat'")
        if not is_token(name):
            raise ValueError(
                f"subprotocol {quote(name)} is not a token: letters, digits and a few signs (§4.1)"
            )
    if len(set(listed)) < len(listed):
        raise ValueError("a subprotocol is in the list twice; name each of them once (§4.1)")
    return listed
