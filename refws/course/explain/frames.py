"""RFC 6455 §5.2: a frame while it arrives: its header, its verdict, and what is missing."""

from __future__ import annotations

from io import BytesIO

from ...protocol.close import Close
from ...protocol.errors import ConnectionFailure
from ...protocol.frame import (
    LENGTH,
    LENGTH_16,
    LENGTH_64,
    MAX_CONTROL_PAYLOAD,
    MAX_LENGTH_7,
    MAX_LENGTH_64,
    Header,
    Opcode,
    Side,
    is_control,
    parse_header,
    read_header,
)
from ...protocol.masking import KEY_LENGTH, mask
from .hints.evidence import KEPT
from .hints.no_frames import is_no_frame
from .values import (
    CutOff,
    FrameExplanation,
    Illegal,
    Legal,
    Situation,
    Unjudged,
    Verdict,
    WholeMessage,
)

BYTE_OF_FIELD = {
    "FIN": 0,
    "RSV1": 0,
    "RSV2": 0,
    "RSV3": 0,
    "opcode": 0,
    "MASK": 1,
    "length": 1,
    "extended length": 2,
}


def header_size(wire: bytes) -> int:
    """The bytes of a header: 2, 4 or 10 (§5.2); 2 until the second has arrived."""
    return {LENGTH_16: 4, LENGTH_64: 10}.get(wire[1] & LENGTH, 2) if len(wire) > 1 else 2


def header_of(wire: bytes) -> Header:
    """The fields, legal or not; 0 for each field that has not arrived."""
    header = parse_header(wire[:2].ljust(2, b"\0"))
    if header.payload_length <= MAX_LENGTH_7:
        return header
    return header.with_length(int.from_bytes(wire[2:]))


def judge_header(wire: bytes, sender: Side, rsv1_defined: bool) -> ConnectionFailure | None:
    """The rule for which an endpoint refuses these bytes of a header; None if it reads on."""
    try:
        read_header(BytesIO(wire), sender is Side.CLIENT, rsv1_defined)
    except ConnectionFailure as failure:
        return failure
    except EOFError:
        pass
    return None


class Frame:
    """A frame whose header has arrived, while its key and payload arrive."""

    def __init__(self, offset: int, header_bytes: bytes, before: Situation) -> None:
        self.offset = offset
        self.header_bytes = header_bytes
        self.header = header_of(header_bytes)
        self.before = before
        self.kind: Opcode | int = self.header.opcode
        self.compressed = False
        self.why_unjudged = ""
        self.masking_key = b""
        self.received = 0
        self.lost = 0
        self.arrived = 0
        """Bytes of the payload that were received, also the ones taken back."""
        self.kept = b""
        """The first bytes of the payload on the wire, for hints; also the ones taken back."""
        self.payload_start = b""
        self.plain_start = b""
        self.inflated_start = b""
        self.inflated_length: int | None = None
        self.not_inflated = b""
        self.close: Close | None = None
        self.message: WholeMessage | None = None
        self.note = self.hint = ""
        self.illegal: Illegal | None = None

    @property
    def verdict(self) -> Illegal | Unjudged | Legal:
        """The verdict on the whole frame."""
        if self.illegal is not None:
            return self.illegal
        return Unjudged(self.why_unjudged) if self.why_unjudged else Legal(self.hint)

    def add_payload(self, wire: bytes, shown: int) -> bytes:
        """The next bytes of the payload, unmasked. Only the first `shown` of data are kept."""
        plain = mask(wire, self.masking_key, self.received) if self.masking_key else wire
        if len(self.kept) < KEPT and not self.lost:
            self.kept += wire[: KEPT - len(self.kept)]
        kept = MAX_CONTROL_PAYLOAD if is_control(self.header.opcode) else shown
        kept = len(self.payload_start) if self.lost else kept
        self.payload_start += wire[: kept - len(self.payload_start)]
        self.plain_start += plain[: kept - len(self.plain_start)]
        self.received += len(wire)
        self.arrived = self.received
        return plain

    def lose(self, size: int) -> None:
        """Count bytes of the payload that are not known."""
        self.received += size
        self.lost += size
        self.why_unjudged = f"of its payload {are(self.lost)} missing"
        self.not_inflated = self.inflated_start = b""
        self.inflated_length = None

    def take_back(self, size: int) -> None:
        """Forget the last bytes of the payload, which the receiver does not read."""
        self.received -= size
        self.payload_start = self.payload_start[: self.received]
        self.plain_start = self.plain_start[: self.received]

    def add_inflated(self, content: bytes, shown: int) -> None:
        """Note the next bytes that the payload inflates to; the first `shown` are kept."""
        self.inflated_length = (self.inflated_length or 0) + len(content)
        self.inflated_start += content[: shown - len(self.inflated_start)]

    @property
    def content(self) -> tuple[bytes, int]:
        """The start and the length of what it adds to its message, inflated."""
        if self.inflated_length is not None:
            return self.inflated_start, self.inflated_length
        return self.plain_start, self.received

    @property
    def is_data(self) -> bool:
        """Whether its opcode is one for data, and defined: then it is part of a message."""
        return isinstance(self.header.opcode, Opcode) and not is_control(self.header.opcode)

    @property
    def needs_key(self) -> bool:
        return self.header.masked and not self.masking_key

    @property
    def remaining(self) -> int:
        return self.header.payload_length - self.received

    @property
    def payload_offset(self) -> int:
        return self.offset + len(self.header_bytes) + len(self.masking_key)

    def explain(
        self, sender: Side, deflate: bool, after: Situation, verdict: Verdict, after_failure: bool
    ) -> FrameExplanation:
        """The part of the frame that has arrived, as a value."""
        return FrameExplanation(
            sender=sender,
            offset=self.offset,
            header_bytes=self.header_bytes,
            header=self.header,
            masking_key=self.masking_key,
            payload_received=self.received,
            payload_start=self.payload_start,
            plain_start=self.plain_start,
            kind=self.kind,
            deflate=deflate,
            compressed=self.compressed,
            inflated_start=self.inflated_start,
            inflated_length=self.inflated_length,
            close=self.close,
            before=self.before,
            after=after,
            verdict=verdict,
            after_failure=after_failure,
            message=self.message,
            note=self.note,
        )


def is_out_of_step(frame: Frame) -> bool:
    """Whether the start of the next frame is unknown: a wrong length, or no frame at all."""
    assert frame.illegal is not None
    no_length = (
        frame.illegal.violation.field == "extended length"
        or frame.header.payload_length > MAX_LENGTH_64
    )
    return no_length or is_no_frame(frame.header_bytes)


def illegal(failure: ConnectionFailure, frame_offset: int, offset: int | None = None) -> Illegal:
    """The failure as a verdict; `offset` is only needed if no field of the header is to blame."""
    if failure.violation.field in BYTE_OF_FIELD:
        offset = frame_offset + BYTE_OF_FIELD[failure.violation.field]
    return Illegal(failure.violation, int(failure.close_code), offset)


def part_of_header(wire: bytes) -> CutOff:
    """The verdict on a header that has not arrived in full."""
    size, here = header_size(wire), len(wire)
    return CutOff(
        f"a header of {'at least ' if here < 2 else ''}{size} bytes, {are(here)} here",
        *more(size - here),
    )


def cut_off(frame: Frame, buffered: int) -> CutOff:
    """The verdict on a frame that has not arrived in full; `buffered` bytes may be of its key."""
    if frame.needs_key:
        return CutOff(
            f"a masking key of {KEY_LENGTH} bytes, {are(buffered)} here",
            *more(KEY_LENGTH - buffered),
        )
    announced = f"the header announces {frame.header.payload_length} bytes of payload"
    return CutOff(f"{announced}, {are(frame.received)} here", *more(frame.remaining))


def are(count: int) -> str:
    return "1 is" if count == 1 else f"{count} are"


def more(missing: int) -> tuple[str, int]:
    return f"{missing} more", missing
