"""Bytes of the endpoint under test -> what was seen: its response, then its messages and frames.

It is strict: what no endpoint may send ends the case as a violation, with its section.
"""

from __future__ import annotations

import re
from io import BytesIO

from ..protocol.client.handshake import check_response
from ..protocol.client.response import MAX_INTERIM_RESPONSES, read_response
from ..protocol.close import CODE_LENGTH, Close
from ..protocol.close_codes import CloseCode
from ..protocol.errors import ConnectionFailure, HandshakeError, InvalidHandshake, Violation
from ..protocol.frame import CLOSE, CONT, PING, PONG, TEXT, Side, is_control
from ..protocol.http import Request
from .inflating import StrictInflater
from .link import Frame, Inbox
from .seen import Message, Seen

HEAD_ENDS = (b"\r\n\r\n", b"\n\n", b"\r\n\n")

MAX_HEAD = 64 * 1024
"""Bytes without an empty line after which no head is awaited."""

INTERIM = re.compile(rb"HTTP/1\.[0-9] (1(?!01)[0-9][0-9])[ \r\n]")
"""RFC 9110 §15.2: the start of a response that another one follows; a 101 is the last one."""

WITHOUT_SPACE = re.compile(rb"HTTP/1\.[0-9] [0-9]{3}\r?\n")
"""RFC 9112 §4: a server must send the space after the status; a client may go on without."""

NO_SPACE = Violation("RFC 9112 §4", "a status line that ends with the status", "a space after it")

NORMAL = int(CloseCode.NORMAL_CLOSURE).to_bytes(CODE_LENGTH)

WITHOUT_MEANING = (range(1004, 1005), range(1016, 3000), range(5000, 2**16))
"""§7.4: codes that are kept for the future, or in no range, but not forbidden in a Close."""


class ResponseReader:
    """The bytes before the first frame. Once it is `done`, `rest` are the ones after the head."""

    def __init__(self, seen: Seen, request: Request) -> None:
        self._seen = seen
        self._request = request
        self.done = False
        self.rest = b""

    def feed(self, data: bytes) -> None:
        self.rest += data
        while not self.done and (end := end_of_head(self.rest)):
            head, self.rest = self.rest[:end], self.rest[end:]
            interim = INTERIM.match(head)
            if interim and len(self._seen.interim) < MAX_INTERIM_RESPONSES:
                self._seen.interim.append(int(interim[1]))
            else:
                self._judge(head)
        if not self.done and len(self.rest) > MAX_HEAD:
            self._judge(self.rest)

    def finish(self) -> None:
        """No more bytes come."""
        if not self.done and self.rest:
            self._judge(self.rest)

    def _judge(self, head: bytes) -> None:
        self.done = True
        seen = self._seen
        if WITHOUT_SPACE.match(head):
            seen.problem = str(NO_SPACE)
            return
        try:
            seen.response = read_response(BytesIO(head))
            seen.agreement = check_response(self._request, seen.response)
        except HandshakeError as error:
            if seen.response is None or seen.response.status_code == 101:
                seen.problem = " | ".join(map(str, error.faults))
        except InvalidHandshake as error:
            seen.problem = str(error)


def read_close(body: bytes) -> Close:
    """The Close in this body. ConnectionFailure where what it says must not be sent.

    A server that repeats a code does what §5.5.1 calls typical, also where that code has no meaning
    yet (§7.4.2): whether it may is for the case that has sent it.
    """
    code = int.from_bytes(body[:CODE_LENGTH])
    if len(body) >= CODE_LENGTH and any(code in codes for codes in WITHOUT_MEANING):
        return Close(code, Close.parse(NORMAL + body[CODE_LENGTH:]).reason)
    return Close.parse(body)


def end_of_head(data: bytes) -> int:
    """Where the first empty line ends; 0 if there is none."""
    return min((data.find(end) + len(end) for end in HEAD_ENDS if end in data), default=0)


class FrameReader:
    """The bytes after a 101, from the endpoint on this side of the connection."""

    def __init__(self, seen: Seen, sender: Side = Side.SERVER) -> None:
        self._seen = seen
        self._inbox = Inbox(masked=sender is Side.CLIENT)
        self._kind: int = CONT
        self._compressed = False
        self._fragments: list[bytes] = []
        self._inflater: StrictInflater | None = None
        if seen.agreement is not None and (agreed := seen.agreement.deflate) is not None:
            bits, resets = agreed.server_max_window_bits, agreed.server_no_context_takeover
            if sender is Side.CLIENT:
                bits, resets = agreed.client_max_window_bits, agreed.client_no_context_takeover
            self._inflater = StrictInflater(bits, resets)

    def feed(self, data: bytes) -> None:
        """Note the frames in these bytes; after a violation nothing more counts.

        After its Close an endpoint sends no message and no Close; a Ping or Pong is not forbidden.
        """
        try:
            for frame in self._inbox.frames(data):
                if frame.header.masked:
                    self._seen.keys.append(frame.key)
                if self._seen.close is not None and frame.header.opcode not in (PING, PONG):
                    self._violate("§5.5.1", "a message or a Close after its Close")
                elif is_control(frame.header.opcode):
                    self._take_control(frame)
                else:
                    self._take_data(frame)
                if self._seen.violation:
                    return
        except ConnectionFailure as error:
            self._seen.violation = str(error)

    def _take_control(self, frame: Frame) -> None:
        if frame.header.opcode == CLOSE:
            self._seen.close = read_close(frame.payload)
        elif frame.header.opcode == PING:
            self._seen.pings.append(frame.payload)
        elif frame.header.opcode == PONG:
            self._seen.pongs.append(frame.payload)

    def _take_data(self, frame: Frame) -> None:
        header = frame.header
        continues = bool(self._kind)
        if continues is not (header.opcode == CONT):
            what = "a new message inside of another one" if continues else "a CONT without a start"
            self._violate("§5.4", what)
            return
        if header.rsv1 and (continues or self._inflater is None):
            self._violate("§5.2", "RSV1, which has no meaning here")
            return
        if not continues:
            self._kind, self._compressed = header.opcode, header.rsv1
        self._fragments.append(frame.payload)
        self._seen.is_unfinished = not header.fin
        if header.fin:
            self._finish_message()

    def _finish_message(self) -> None:
        kind, data = self._kind, b"".join(self._fragments)
        self._kind, self._fragments = CONT, []
        if self._compressed and self._inflater is not None:
            data = self._inflater.inflate(data)
        if kind == TEXT:
            try:
                data.decode()
            except UnicodeDecodeError:
                self._violate("§8.1", "a text message that is no UTF-8")
                return
        self._seen.messages.append(Message(kind, data))

    def _violate(self, section: str, what: str) -> None:
        self._seen.violation = f"{section}: {what}"
