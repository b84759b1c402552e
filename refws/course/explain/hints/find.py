"""A frame and its verdict -> the hint of the first well-known mistake that it looks like, or ""."""

from __future__ import annotations

from collections.abc import Callable

from ..values import CutOff, FrameExplanation
from .contents import (
    binary_as_text,
    close_code_as_text,
    code_that_is_never_sent,
    compressed_without_rsv1,
    compression_not_agreed,
    control_frame_without_fin,
    little_endian_close_code,
    long_close_code,
    long_control_frame,
    other_encoding,
    reason_without_code,
    rsv1_in_every_frame,
    rsv1_without_compression,
    surrogates,
    utf_16,
    utf_16_that_is_illegal,
    zlib_or_gzip,
)
from .counting import length_in_characters, text_goes_on
from .evidence import Evidence, Hint
from .interleaving import framed_twice, message_inside_another, two_writers
from .lengths import (
    length_of_one_byte,
    length_of_seven_bits,
    little_endian_length,
    long_form_for_short_payload,
    other_size,
    unlikely_length,
    wrong_form,
)
from .masks import (
    key_at_the_end,
    key_left_out,
    legal_but_not_masked,
    mask_bit_left_out,
    masked_in_pieces,
    masked_twice,
    masking_of_the_wrong_side,
    wrong_key_byte,
    zero_key,
)
from .no_frames import (
    chunked,
    hixie,
    line_end,
    no_frames,
    payload_alone,
    read_as_text,
    rest_of_a_buffer,
    text_alone,
    tls,
    written_as_text,
)


def on_frame(hint: Callable[[FrameExplanation], str]) -> Hint:
    """A hint that looks at the frame alone."""
    return lambda evidence: hint(evidence.frame)


ON_LEGAL: tuple[Callable[[FrameExplanation], str], ...] = (zero_key, utf_16, legal_but_not_masked)
"""What is strange though it is legal."""

ON_CUT_OFF: tuple[Hint, ...] = (
    length_of_seven_bits,
    other_size,
    wrong_form,
    key_left_out,
    little_endian_length,
    line_end,
    rest_of_a_buffer,
    text_goes_on,
    on_frame(zero_key),
    on_frame(utf_16),
)

ON_ILLEGAL: tuple[Hint, ...] = (
    no_frames,
    tls,
    read_as_text,
    written_as_text,
    line_end,
    chunked,
    hixie,
    rest_of_a_buffer,
    key_left_out,
    length_of_seven_bits,
    other_size,
    wrong_form,
    length_of_one_byte,
    little_endian_length,
    framed_twice,
    two_writers,
    text_goes_on,
    payload_alone,
    text_alone,
    long_form_for_short_payload,
    mask_bit_left_out,
    masking_of_the_wrong_side,
    masked_twice,
    wrong_key_byte,
    key_at_the_end,
    masked_in_pieces,
    on_frame(zero_key),
    long_close_code,
    little_endian_close_code,
    close_code_as_text,
    code_that_is_never_sent,
    reason_without_code,
    utf_16_that_is_illegal,
    zlib_or_gzip,
    compressed_without_rsv1,
    binary_as_text,
    surrogates,
    length_in_characters,
    other_encoding,
    long_control_frame,
    control_frame_without_fin,
    rsv1_in_every_frame,
    rsv1_without_compression,
    compression_not_agreed,
    message_inside_another,
    unlikely_length,
)
"""A special mistake is before a general one."""


def find_hint(evidence: Evidence) -> str:
    """What the first hint that recognises this frame, illegal or cut off, says; "" if none does."""
    hints = ON_CUT_OFF if isinstance(evidence.frame.verdict, CutOff) else ON_ILLEGAL
    return next(filter(None, (hint(evidence) for hint in hints)), "")


def find_hint_for_legal(frame: FrameExplanation) -> str:
    """The same for a frame that breaks no rule; fast, because most frames are legal."""
    return next(filter(None, (hint(frame) for hint in ON_LEGAL)), "")
