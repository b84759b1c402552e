"""RFC 6455 §5.3: payload XOR masking key, in either direction.

    transformed[i] = original[i] XOR masking_key[i MOD 4]

A client masks so that a page's script cannot choose the bytes on the wire: a proxy that takes them
for HTTP could otherwise be made to cache a forged response (§10.3). Masking hides nothing: the key
travels in the frame.

The functions do what the line above says. They XOR long integers, because a loop over the bytes of
a payload is many times slower in Python.
"""

KEY_LENGTH = 4

MAX_SHORT = 125
"""Bytes of a payload up to which `unmask` keeps a repeated key for each length."""

BLOCK = 8 * 1024
"""Bytes that are masked at a time, as one XOR of two long integers."""

from_bytes = int.from_bytes  # FAST: saves a look-up for each payload

EVERY_KEY_LENGTH = from_bytes(b"\0\0\0\1" * (BLOCK // KEY_LENGTH))
"""A key, as an integer, times this number is the key repeated over a whole block."""


def mask(payload: bytes, masking_key: bytes, offset: int = 0) -> bytes:
    """The payload masked, or unmasked, which is the same.

    `offset` is the position of `payload[0]` in the payload of its frame, for payloads that arrive
    in chunks.
    """
    if rotation := offset % KEY_LENGTH:
        masking_key = masking_key[rotation:] + masking_key[:rotation]
    length = len(payload)
    if length > BLOCK:
        return _mask_in_blocks(payload, masking_key)
    repeated_key = (masking_key * (length // KEY_LENGTH + 1))[:length]
    return (from_bytes(payload) ^ from_bytes(repeated_key)).to_bytes(length)


def _mask_in_blocks(payload: bytes, masking_key: bytes) -> bytes:
    # FAST: integers of this size stay in the CPU's cache
    repeated_key = from_bytes(masking_key) * EVERY_KEY_LENGTH
    rest = len(payload) // BLOCK * BLOCK
    blocks = [
        (from_bytes(payload[start : start + BLOCK]) ^ repeated_key).to_bytes(BLOCK)
        for start in range(0, rest, BLOCK)
    ]
    blocks.append(mask(payload[rest:], masking_key))
    return b"".join(blocks)


def unmask(key_and_payload: bytes) -> bytes:
    """The payload, from all that follows a header: the masking key and the masked payload."""
    length = len(key_and_payload) - KEY_LENGTH
    if length > MAX_SHORT:
        return mask(key_and_payload[KEY_LENGTH:], key_and_payload[:KEY_LENGTH])
    # FAST: the repeated key also covers the key itself, which gives zeros in front of the payload.
    # So key and payload need not be cut apart.
    payload_bits, repeat, surplus_bits = KEY_REPEATS[length]
    number = from_bytes(key_and_payload)
    repeated_key = (number >> payload_bits) * repeat >> surplus_bits
    return (number ^ repeated_key).to_bytes(length)


def key_repeat(length: int) -> tuple[int, int, int]:
    """(bits of the payload, factor that repeats a key over key and payload, bits too many).

    `length` is the length of the payload in bytes. The repeated key has whole keys only, so it may
    be too long.
    """
    words = -(-length // KEY_LENGTH)
    repeat = from_bytes(b"\0\0\0\1" * (1 + words))
    return 8 * length, repeat, 8 * (words * KEY_LENGTH - length)


KEY_REPEATS = [key_repeat(length) for length in range(MAX_SHORT + 1)]
