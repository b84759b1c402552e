"""A deliberately plain echo server, to prove that `refws check` finds faults.

It uses nothing of refws. As it is, it keeps the rules; `PlainServer("no-pong")` breaks exactly one
of them, at the one place that names it. test_check_mutants.py lists which case finds which.

It knows permessage-deflate and no subprotocol, takes messages of up to 1 MiB, and ends TCP first.
"""

import codecs
import contextlib
import socket
import struct
import threading
import unicodedata
import zlib

from mutants.broken import Broken
from mutants.plain_deflate import Deflater, Inflater, TooLarge
from mutants.plain_handshake import Refused, accept, read_head

CONT, TEXT, BINARY, CLOSE, PING, PONG = 0x0, 0x1, 0x2, 0x8, 0x9, 0xA
FIN = MASK = 0x80
RSV1, RSV3 = 0b100, 0b001

MAX_MESSAGE = 1024 * 1024
CHUNK = 64 * 1024

PATIENCE_S = 10
"""Seconds for which it waits for a silent client."""

LINGER_S = 1
"""Seconds for which it waits for a client that must only end TCP."""


class Failed(Exception):
    """§7.1.7: the connection fails with this close code."""

    def __init__(self, code):
        super().__init__(code)
        self.code = code


class PlainServer:
    """`with PlainServer(*broken) as server`: it listens on 127.0.0.1, at `server.port`."""

    def __init__(self, *broken):
        self.broken = Broken(broken)
        self.sockets = []
        self.threads = [threading.Thread(target=self.accept)]
        self.stopping = False

    def __enter__(self):
        self.listener = socket.create_server(("127.0.0.1", 0))
        self.port = self.listener.getsockname()[1]
        self.threads[0].start()
        return self

    def __exit__(self, *error):
        self.stopping = True
        socket.create_connection(("127.0.0.1", self.port)).close()
        self.threads[0].join()
        self.listener.close()
        for sock in self.sockets:
            with contextlib.suppress(OSError):
                sock.shutdown(socket.SHUT_RDWR)
        for thread in self.threads:
            thread.join()

    def accept(self):
        while True:
            sock, _ = self.listener.accept()
            if self.stopping:
                sock.close()
                return
            self.sockets.append(sock)
            self.threads.append(threading.Thread(target=Connection(sock, self.broken).run))
            self.threads[-1].start()


class Stream:
    """Bytes of a client. `buffer` holds the ones that were received and are not used yet."""

    def __init__(self, sock, broken):
        sock.settimeout(PATIENCE_S)
        sock.setsockopt(socket.IPPROTO_TCP, socket.TCP_NODELAY, 1)
        self.sock = sock
        self.broken = broken
        self.buffer = b""
        self.has_read = False

    def receive(self):
        data = self.sock.recv(CHUNK)
        if not data:
            raise EOFError
        self.buffer += data
        self.has_read = True

    def read(self, size):
        """The next `size` bytes."""
        while len(self.buffer) < size:
            if "one-read-is-one-frame" in self.broken and self.buffer:
                raise EOFError
            self.receive()
        data, self.buffer = self.buffer[:size], self.buffer[size:]
        return data


class Connection:
    """One client. `kind` and `message` are the message whose fragments are arriving.

    `left` is what the last connection that has ended has left of such a message. `inflater` and
    `deflater` are None without permessage-deflate.
    """

    left = b""

    def __init__(self, sock, broken):
        self.sock = sock
        self.broken = broken
        self.stream = Stream(sock, broken)
        self.kind, self.message, self.decoder = None, b"", None
        self.inflater = self.deflater = None
        self.compressed = False
        self.pongs = []

    def run(self):
        with self.sock, contextlib.suppress(OSError, EOFError):
            try:
                self.open()
                while self.take_frame():
                    pass
            except Refused as refusal:
                self.sock.sendall(refusal.response)
            except Failed as failure:
                self.fail(failure.code)
            self.end()
        Connection.left = b"" if self.kind is None else self.message

    def open(self):
        """§4.2: the opening handshake."""
        response, agreed = accept(read_head(self.stream, self.broken), self.broken)
        if agreed is not None:
            self.inflater = Inflater(MAX_MESSAGE, self.broken)
            self.deflater = Deflater(agreed, self.broken)
        if "bytes-after-the-head-lost" in self.broken:
            self.stream.buffer = b""
        if "blank-line-after-the-head" in self.broken:
            response += b"\r\n"
        self.sock.sendall(response)

    def fail(self, code):
        if "fails-with-1000" in self.broken:
            code = 1000
        if "fails-with-an-empty-close" in self.broken:
            self.send(CLOSE, b"")
        elif "fails-without-a-close" not in self.broken:
            self.send(CLOSE, struct.pack("!H", code))

    def end(self):
        """§7.1.1: end TCP first, and read on to its end, so that no RST destroys what was sent."""
        if "tcp-reset" in self.broken:
            self.sock.setsockopt(socket.SOL_SOCKET, socket.SO_LINGER, struct.pack("ii", 1, 0))
            return
        if "tcp-left-open" not in self.broken:
            self.sock.shutdown(socket.SHUT_WR)
            self.sock.settimeout(LINGER_S)
        while self.sock.recv(CHUNK):
            pass

    # §5.2: a frame

    def take_frame(self):
        """Read one frame and answer it; False after a Close."""
        if "one-read-is-one-frame" in self.broken:
            self.stream.buffer = b""
        if "waits-before-each-frame" in self.broken:
            self.stream.receive()
        rule, error = self.broken.rule, Failed(1002)
        first, second = self.stream.read(2)
        fin, rsv, opcode = first >> 7, first >> 4 & 0b111, first & 0b1111
        masked, length = second >> 7, second & 0b1111111
        rule(not rsv or self.is_compressed(rsv, opcode), "rsv-ignored", error)
        rule(opcode in (CONT, TEXT, BINARY, CLOSE, PING, PONG), "reserved-opcode-ignored", error)
        rule(opcode < CLOSE or fin, "fragmented-ping-taken", error)
        rule(opcode < CLOSE or length <= 125, "long-control-frame-taken", error)
        rule(masked, "unmasked-frame-taken", error)
        if length > 125:
            length = self.read_length(length)
        if length > MAX_MESSAGE:
            raise Failed(1009)
        key = self.stream.read(4) if masked else bytes(4)
        if opcode in (CONT, TEXT, BINARY):
            if opcode != CONT:
                self.compressed = self.inflater is not None and bool(rsv & RSV1)
            self.take_data(fin, opcode, length, key)
            return True
        return self.take_control(opcode, b"".join(self.payload(length, key)))

    def is_compressed(self, rsv, opcode):
        """Whether RSV1, and no other bit, says so where it may be set (RFC 7692 §6)."""
        allowed = (TEXT, BINARY)
        if "rsv1-in-a-continuation-taken" in self.broken:
            allowed = (CONT, TEXT, BINARY)
        if "rsv1-in-control-frames-taken" in self.broken:
            allowed = (TEXT, BINARY, CLOSE, PING, PONG)
        return self.inflater is not None and rsv == RSV1 and opcode in allowed

    def read_length(self, announced):
        size, smallest = (2, 126) if announced == 126 else (8, 2**16)
        if "64-bit-length-in-4-bytes" in self.broken:
            size = min(size, 4)
        order = "little" if "little-endian-length-read" in self.broken else "big"
        length = int.from_bytes(self.stream.read(size), order)
        self.broken.rule(length < 2**63, "top-bit-of-the-length-ignored", Failed(1002))
        self.broken.rule(length >= smallest, "long-form-of-the-length-taken", Failed(1002))
        return length

    def payload(self, length, key):
        """The payload, unmasked, in the parts in which it arrives (§5.3)."""
        offset = 0
        while offset < length:
            if not self.stream.buffer:
                self.stream.receive()
            part = self.stream.read(min(len(self.stream.buffer), length - offset))
            position = offset
            if "mask-restarts-with-each-read" in self.broken:
                position = 0
            if "mask-from-a-wrong-offset" in self.broken:
                position += 1
            yield xor(part, key, position)
            offset += len(part)

    # §5.4, §8.1: messages

    def take_data(self, fin, opcode, length, key):
        self.begin_or_continue(opcode)
        if len(self.message) + length > MAX_MESSAGE:
            raise Failed(1009)
        before = self.message
        for part in self.payload(length, key):
            self.message += part
            if not self.compressed:
                self.check_text(part)
        if not length and "empty-frames-dropped" in self.broken:
            return
        if self.compressed and "fragments-inflated-one-by-one" in self.broken:
            self.message = before + self.inflate(self.message.removeprefix(before))
        if not is_utf8(self.message):
            if "crashes-at-binary" in self.broken and self.kind == BINARY:
                raise EOFError
            if "crashes-at-half-a-character" in self.broken and self.kind == TEXT:
                raise EOFError
        if "utf8-checked-per-fragment" in self.broken:
            self.check_text(b"", final=True)
        if "fragments-echoed-one-by-one" in self.broken:
            self.send(self.kind, self.message)
            self.kind, self.message = None if fin else self.kind, b""
        elif "fragments-echoed-as-they-are" in self.broken:
            self.send(opcode, self.message)
            self.kind, self.message = None if fin else self.kind, b""
        elif fin:
            if "last-fragment-only" in self.broken:
                self.message = self.message.removeprefix(before)
            self.finish_message()
            self.kind = None

    def finish_message(self):
        """Check it to its end, and send it back."""
        if self.compressed:
            if "fragments-inflated-one-by-one" not in self.broken:
                self.message = self.inflate(self.message)
            if "utf8-not-checked-after-inflating" in self.broken:
                self.decoder = codecs.getincrementaldecoder("utf-8")("replace")
            self.check_text(self.message)
        elif self.inflater is not None and "uncompressed-message-refused" in self.broken:
            raise Failed(1002)
        self.check_text(b"", final=True)
        kind = BINARY if "text-sent-as-binary" in self.broken else self.kind
        message = self.changed(self.message) if kind == TEXT else self.message
        self.send(kind, message, self.compressed)
        if "echoes-twice" in self.broken:
            self.send(kind, message, self.compressed)

    def inflate(self, payload):
        """RFC 7692 §7.2.2: the message in this payload."""
        if self.kind == BINARY and "binary-not-inflated" in self.broken:
            return payload
        try:
            return self.inflater.inflate(payload)
        except TooLarge:
            raise Failed(1009) from None
        except zlib.error:
            self.broken.rule(False, "bad-deflate-taken", Failed(1007))
            return b""

    def changed(self, text):
        """The text, as a server sends it that does not leave it as it is."""
        if "text-of-100-bytes-at-most" in self.broken:
            return text[:100]
        if "text-ends-at-nul" in self.broken:
            return text.partition(b"\0")[0]
        if "byte-order-mark-removed" in self.broken:
            return text.removeprefix(codecs.BOM_UTF8)
        if "text-normalized" in self.broken:
            return unicodedata.normalize("NFC", text.decode()).encode()
        return text

    def begin_or_continue(self, opcode):
        if opcode == CONT:
            started = self.kind is not None
            self.broken.rule(started, "continuation-without-a-start-taken", Failed(1002))
            if "continuation-frames-unknown" in self.broken:
                raise Failed(1003)
            if started:
                return
        else:
            self.broken.rule(self.kind is None, "new-message-inside-taken", Failed(1002))
        self.kind, self.message = opcode or TEXT, b""
        if "fragments-are-global" in self.broken:
            self.message, Connection.left = Connection.left, b""
        errors = "surrogatepass" if "surrogates-taken" in self.broken else "strict"
        self.decoder = codecs.getincrementaldecoder("utf-8")(errors)

    def check_text(self, part, final=False):
        """§8.1: a text is checked as it arrives."""
        if self.kind != TEXT and "binary-must-be-utf8" not in self.broken:
            return
        if "utf8-not-checked" in self.broken:
            return
        if "utf8-checked-at-the-end" in self.broken:
            part = self.message if final else b""
        error = Failed(1002 if "bad-utf8-fails-with-1002" in self.broken else 1007)
        try:
            self.decoder.decode(part, final)
        except UnicodeDecodeError:
            raise error from None
        if "four-byte-characters-refused" in self.broken and max(part, default=0) >= 0xF0:
            raise error
        first, second = (*self.decoder.getstate()[0], 0, 0)[:2]
        surrogate = first == 0xED and second >= 0xA0
        self.broken.rule(not surrogate, "surrogates-taken", error)

    # §5.5: control frames

    def take_control(self, opcode, payload):
        """Answer a control frame; False after a Close."""
        if "ping-ends-the-message" in self.broken:
            self.kind = None
        if "control-frames-are-text" in self.broken:
            self.send(TEXT, payload)
            return True
        if opcode == CLOSE:
            return self.take_close(payload)
        if opcode == PING and "ping-must-be-utf8" in self.broken and not is_utf8(payload):
            raise Failed(1007)
        if opcode == PING and "no-pong" not in self.broken:
            self.pong(b"" if "pong-without-payload" in self.broken else payload)
        if opcode == PONG and "pong-for-a-pong" in self.broken:
            self.send(PONG, payload)
        if opcode == PONG and "pong-not-expected" in self.broken:
            raise Failed(1002)
        return True

    def pong(self, payload):
        self.pongs.append(payload)
        if "pongs-in-reverse" in self.broken and self.stream.buffer:
            return
        while self.pongs:
            self.send(PONG, self.pongs.pop())
        if "pong-twice" in self.broken:
            self.send(PONG, payload)

    def take_close(self, body):
        """§5.5.1: a Close is answered with a Close."""
        rule, error = self.broken.rule, Failed(1002)
        rule(len(body) != 1, "close-body-of-1-byte-taken", error)
        code = int.from_bytes(body[:2])
        rule(len(body) < 2 or may_be_sent(code), "close-code-ignored", error)
        if code > 2999 and "close-codes-above-2999-refused" in self.broken:
            raise error
        rule(is_utf8(body[2:]), "close-reason-not-checked", Failed(1007))
        answer = body[:2] if len(body) >= 2 else b""
        if "empty-close-answered-with-1005" in self.broken:
            answer = answer or struct.pack("!H", 1005)
        if "empty-close-answered-with-0" in self.broken:
            answer = answer or bytes(2)
        if "close-code-always-1000" in self.broken:
            answer = struct.pack("!H", 1000)
        if "close-code-in-little-endian" in self.broken:
            answer = answer[::-1]
        if "close-reason-without-a-code" in self.broken:
            answer = b"good bye"
        if "close-not-echoed" not in self.broken:
            self.send(CLOSE, answer)
        return "answers-after-close" in self.broken

    # §5.2: sending

    def send(self, opcode, payload, compressed=False):
        if opcode == PONG and "pong-compressed" in self.broken and self.deflater is not None:
            compressed = True
        if compressed:
            payload = self.deflater.deflate(payload)
        rsv = RSV1 if compressed else 0
        if "rsv3-written" in self.broken:
            rsv |= RSV3
        header = bytes([FIN | rsv << 4 | opcode]) + self.length_field(len(payload))
        if "length-in-characters" in self.broken and opcode == TEXT and len(payload) <= 125:
            header = bytes([FIN | opcode, len(payload.decode())])
        if "masks-its-replies" in self.broken:
            key = b"\x37\xfa\x21\x3d"
            header = bytes([header[0], header[1] | MASK]) + header[2:]
            payload = key + xor(payload, key, 0)
        frame = header + payload
        if "line-end-after-a-frame" in self.broken:
            frame += b"\r\n"
        if "frame-written-as-text" in self.broken:
            frame = frame.decode("latin-1").encode()
        if "text-without-a-frame" in self.broken and opcode == TEXT:
            frame = payload
        if "frames-of-hixie-76" in self.broken and opcode == TEXT:
            frame = b"\x00" + payload + b"\xff"
        if "compressed-text-without-a-frame" in self.broken and opcode == TEXT:
            frame = deflated(payload)
        if "compressed-text-without-rsv1" in self.broken and opcode == TEXT:
            frame = header[:1] + self.length_field(len(deflated(payload))) + deflated(payload)
        self.sock.sendall(frame)

    def length_field(self, length):
        """The second byte of the header, and the bytes of the length after it."""
        order = "<" if "little-endian-length-written" in self.broken else "!"
        if "7-bits-never-used" in self.broken and length <= 125:
            return struct.pack("!BH", 126, length)
        if length <= (126 if "126-in-7-bits" in self.broken else 125):
            return bytes([length])
        if "65536-in-16-bits" in self.broken and length == 2**16:
            return struct.pack("!BH", 126, 0)
        if length < 2**16 or "16-bit-length-for-all" in self.broken:
            return b"\x7e" + struct.pack(order + "H", length % 2**16)
        size = "I" if "4-bytes-of-length-written" in self.broken else "Q"
        return b"\x7f" + struct.pack(order + size, length)


def may_be_sent(code):
    """§7.4: a close code that may be in a Close."""
    return code in {*range(1000, 1004), *range(1007, 1015)} or 3000 <= code < 5000


def is_utf8(data):
    try:
        data.decode()
    except UnicodeDecodeError:
        return False
    return True


def deflated(data):
    """RFC 7692 §7.2.1: compressed, without the 4 bytes at its end."""
    deflater = zlib.compressobj(wbits=-15)
    return (deflater.compress(data) + deflater.flush(zlib.Z_SYNC_FLUSH))[:-4]


def xor(data, key, position):
    """§5.3: the bytes from this position of a payload, masked or unmasked."""
    repeated = (key * (len(data) // 4 + 2))[position % 4 :][: len(data)]
    return (int.from_bytes(data) ^ int.from_bytes(repeated)).to_bytes(len(data))
