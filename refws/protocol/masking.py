"""RFC 6455 §5.3: payload XOR masking key, in either direction.

    transformed[i] = original[i] XOR masking_key[i MOD 4]

A client masks so that a page's script cannot choose the bytes on the wire: a proxy that takes them
for HTTP could otherwise be made to cache a forged response (§10.3). Masking hides nothing: the key
travels in the frame.
"""

KEY_LENGTH = 4

BLOCK = 8 * 1024
"""Octets that are masked at a time, as one XOR of two long integers."""

from_bytes = int.from_bytes
"""By itself, as looking it up takes a fifth of the time that it takes to mask a short payload
(CPython 3.11).
"""

EVERY_KEY_LENGTH = from_bytes(b"\0\0\0\1" * (BLOCK // KEY_LENGTH))
"""A key as an integer times this is the key repeated over a whole block."""


class KeyRepeats(dict[int, tuple[int, int, int]]):
    """Length of a payload -> its bits, the integer that repeats a key before and over it, and the
    bits of too much key.

    It fills as the lengths come.
    """

    def __missing__(self, length: int) -> tuple[int, int, int]:
        words = -(-length // KEY_LENGTH)
        repeat = from_bytes(b"\0\0\0\1" * (1 + words))
        self[length] = 8 * length, repeat, 8 * (words * KEY_LENGTH - length)
        return self[length]


KEY_REPEATS = KeyRepeats()


def unmask_short(key_and_payload: bytes) -> bytes:
    """The payload, best of at most 125 octets, from what stands behind a header: the masking key
    and it, masked.

    The key is repeated over itself too. That gives zeros in front, and what is left of the integer
    is the payload. Takes 0.26 µs for 32 octets, where `mask` takes 0.43, as key and payload must be
    cut apart for it (CPython 3.11).
    """
    length = len(key_and_payload) - KEY_LENGTH
    bits, repeat, too_much = KEY_REPEATS[length]
    number = from_bytes(key_and_payload)
    repeated_key = (number >> bits) * repeat >> too_much
    return (number ^ repeated_key).to_bytes(length)


def mask(payload: bytes, masking_key: bytes, offset: int = 0) -> bytes:
    """The payload masked, or unmasked, which is the same.

    `offset` is the position of `payload[0]` in the payload of its frame, for payloads that arrive
    in pieces. Takes 0.4 µs for 32 octets, where a loop over them takes 2.5 (CPython 3.11).
    """
    if turn := offset % KEY_LENGTH:
        masking_key = masking_key[turn:] + masking_key[:turn]
    length = len(payload)
    if length > BLOCK:
        return _mask_in_blocks(payload, masking_key)
    repeated_key = (masking_key * (length // KEY_LENGTH + 1))[:length]
    return (from_bytes(payload) ^ from_bytes(repeated_key)).to_bytes(length)


def _mask_in_blocks(payload: bytes, masking_key: bytes) -> bytes:
    """740 MB/s, where one integer for 1 MiB gives 340 and a loop over the octets 15 (CPython 3.11)."""
    repeated_key = from_bytes(masking_key) * EVERY_KEY_LENGTH
    rest = len(payload) // BLOCK * BLOCK
    blocks = [
        (from_bytes(payload[start : start + BLOCK]) ^ repeated_key).to_bytes(BLOCK)
        for start in range(0, rest, BLOCK)
    ]
    blocks.append(mask(payload[rest:], masking_key))
    return b"".join(blocks)
