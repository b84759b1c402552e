"""RFC 6455 from the handshake to the close, in seven steps: a first lesson as plain text."""

from __future__ import annotations

from dataclasses import dataclass

SERVER = "python3 -m refws --trace=full"
"""The command for the first terminal: a server that shows each handshake and each frame."""

INTRODUCTION = """\
Open two terminals. Run the server in the first one: it shows each handshake and each frame that
arrives or leaves. Run the commands of the steps in the second one. The page of the server shows the
same in pictures. Each step ends with a question: answer it before you read on. With the questions
the lesson takes about 40 minutes."""


@dataclass(frozen=True, slots=True)
class Step:
    """A step: `text` explains it, `command` shows it at work, and `question` ends it.

    `output` is what the command prints. `live` is one more command, which asks the server, and
    `live_output` is what the terminal then shows, with the lines to type after `> `. Three dots are
    in the place of what is left out.
    """

    title: str
    section: str
    text: str
    command: str
    output: str = ""
    live: str = ""
    question: str = ""
    answer: str = ""
    live_output: str = ""


STEPS: tuple[Step, ...] = (
    Step(
        title="Why not HTTP",
        section="§1.1",
        text=(
            "In HTTP a server only answers requests. A WebSocket begins as HTTP: a GET with "
            "Upgrade: websocket, answered with status 101. From then on both sides send when they "
            "like, with 2 to 14 bytes in front of each payload. This command sends no Upgrade. So "
            "the status is 400, and the answer says what is missing, rule by rule."
        ),
        command="curl -i http://127.0.0.1:8080/echo",
        output="""\
HTTP/1.1 400 Bad Request
...
This request breaks 4 rules:

RFC 6455 §4.2.1 item 3
  seen:     no Upgrade header
  expected: Upgrade: websocket (a proxy in between must pass it on)
...""",
        question="Why does a WebSocket begin as an HTTP request, and not with frames at once?",
        answer=(
            "So that a server can have its pages and its WebSockets on one port (§1.7), and so "
            "that a server which knows only HTTP refuses the request, instead of reading frames "
            "as something else. Cookies, paths and proxies of HTTP work for the request, too."
        ),
    ),
    Step(
        title="The handshake",
        section="§4",
        text=(
            "The server answers the key of the request with a hash. That proves only that it has "
            "read this request and speaks WebSocket: the key is no secret, and the answer is no "
            "password. When you connect, the first terminal shows both heads line by line: look "
            "for Sec-WebSocket-Key, and for the Accept that the server computes from it."
        ),
        command="python3 -m refws accept dGhlIHNhbXBsZSBub25jZQ==",
        output="""\
 §4.2.2 item 5.4 Sec-WebSocket-Accept from Sec-WebSocket-Key:
 key + GUID      dGhlIHNhbXBsZSBub25jZQ==258EAFA5-E914-47DA-95CA-C5AB0DC85B11
 SHA-1           b3 7a 4f 2c c0 62 4f 16 90 f6 46 06 cf 38 59 45 b2 be c4 ea
 in base64       s3pPLMBiTxaQ9kYGzzhZRbK+xOo=""",
        live="python3 -m refws connect ws://127.0.0.1:8080/",
        live_output="""\
connected to ws://127.0.0.1:8080/; /help shows the commands, Ctrl-D closes
> hello
< text, 5 bytes: hello
> /close
closed with 1000 (normal closure: all is done)""",
        question=(
            "Everyone can compute the Accept of a key. What does it prove, and to which side? What "
            "does it not prove?"
        ),
        answer=(
            "It proves to the client that the answer was made for this request: a cache that "
            "repeats an old answer, or a server that only copies headers, has another value or "
            "none (§1.3). It does not prove who the server is, which is what TLS does, and it "
            "proves nothing to the server."
        ),
    ),
    Step(
        title="A frame",
        section="§5.2",
        text=(
            "Two bytes say nearly everything: FIN and the opcode are in the first, MASK and the "
            "length in the second. Here the bytes are a server's frame, which has no mask: <- "
            "means from the server to the client, -> from the client to the server. Without "
            "--brief, explain draws every bit."
        ),
        command="python3 -m refws explain --brief 81 05 48 65 6c 6c 6f",
        output='<- text FIN 5 "Hello"  legal',
        question=(
            "A payload has 126 bytes. What is in the 7 bits of the length, and how many bytes has "
            "the header in a server's frame?"
        ),
        answer=(
            "126, which means that the length is in the next two bytes, 00 7e. So the header has 4 "
            "bytes; up to 125 bytes of payload it has 2, above 65535 it has 10 (§5.2)."
        ),
    ),
    Step(
        title="Masking",
        section="§5.3, §10.3",
        text=(
            "A client XORs each payload with a key that is new for each frame, and puts the key in "
            "front of the payload. So no script can choose the bytes that a proxy on the way sees, "
            "and no script can make a proxy store a forged page. That is why a server refuses a "
            "client's frame without a mask. These are the bytes of step 3, which are legal from a "
            "server; from a client (->) they break a rule, and the exit status is 1."
        ),
        command="python3 -m refws explain --brief --from client 81 05 48 65 6c 6c 6f",
        output="""\
-> text FIN 5 "Hello"  VIOLATION §5.1: an unmasked frame from the client;
    hint: a client must mask all it sends, with a new random key for each
    frame; or did a server send this?""",
        question=(
            "Why does masking hide nothing, and why must the key nevertheless be one that no "
            "script can predict?"
        ),
        answer=(
            "It hides nothing because the key is in the frame: everyone who reads the frame can "
            "XOR once more. But the script that chooses the payload does not know the key "
            "beforehand. If it could predict the key, it could choose a payload that becomes any "
            "bytes it likes on the wire, such as an HTTP request (§10.3)."
        ),
    ),
    Step(
        title="Fragments and Pings",
        section="§5.4, §5.5",
        text=(
            "A message may be sent in fragments, with control frames between them: a Ping need not "
            "wait for the end of a long message. Its Pong shows that the other side is alive. On "
            'the page, "Send my text in 3 fragments" does both.'
        ),
        command=(
            "python3 -m refws explain --brief "
            "01 83 37 fa 21 3d 7f 9f 4d 89 80 12 34 56 78 80 82 37 fa 21 3d 5b 95"
        ),
        output="""\
-> text masked 3 "Hel"  legal
-> ping FIN masked 0  legal
-> continuation FIN masked 2 "lo"  legal; message: text, 5 bytes, 2 frames:
    Hello""",
        question=(
            "Between the fragments of a message, why may a Ping be sent, but no other text message?"
        ),
        answer=(
            "A continuation frame does not say which message it continues, so only one message may "
            "be unfinished at a time (§5.4). A control frame is whole in itself, because it is "
            "never fragmented (§5.5), and its opcode says that it is no part of the message."
        ),
    ),
    Step(
        title="Compression and Origin",
        section="§10.2, RFC 7692 §6",
        text=(
            "With --deflate on both sides, RSV1 says that a message is compressed. Another rule: "
            "any page may open a WebSocket to any server, with the cookies of that server. So the "
            "server must check Origin: a foreign one gets a 403 that says what to configure, and "
            "connect ends with exit status 1."
        ),
        command=(
            "python3 -m refws explain --brief --deflate --from server c1 07 f2 48 cd c9 c9 07 00"
        ),
        output='<- text FIN RSV1 7 "Hello"  legal',
        live="python3 -m refws connect --origin https://evil.example ws://127.0.0.1:8080/",
        live_output="""\
refws: no WebSocket connection: ... status 403 'Forbidden'; ...
  | RFC 6455 §10.2
  |   seen:     Origin 'https://evil.example', with Host '127.0.0.1:8080'
  |   expected: an origin that this server is configured to trust: ...
... --origin https://evil.example on the command line ...""",
        question="Why does checking Origin protect the users of browsers, but authenticate no one?",
        answer=(
            "A browser writes Origin itself, and no script of a page can change it (§10.2). Any "
            "other program can send any Origin, as connect has just done. So Origin says which "
            "page uses a browser, not who uses it."
        ),
    ),
    Step(
        title="The close",
        section="§7",
        text=(
            "Each side sends a Close frame, then the server ends TCP. Type /close 1000 bye into "
            "connect. Then connect again and break a rule with /raw 83 80 00 00 00 00: the "
            "server's Close has the code 1002, and its reason says which rule. On the page, "
            '"Break them all" does that for every rule in its list.'
        ),
        command="python3 -m refws explain --brief 88 82 37 fa 21 3d 34 12",
        output="-> close FIN masked 2 1000  legal",
        live="python3 -m refws connect ws://127.0.0.1:8080/",
        live_output="""\
connected to ws://127.0.0.1:8080/; /help shows the commands, Ctrl-D closes
> /close 1000 bye
closed with 1000 (normal closure: all is done)
$ python3 -m refws connect ws://127.0.0.1:8080/
connected to ws://127.0.0.1:8080/; /help shows the commands, Ctrl-D closes
> /raw 83 80 00 00 00 00
closed by the server with 1002 (protocol error: a rule of the RFC was broken)
reason: §5.2: reserved opcode 0x3; expected one of 0, 1, 2, 8, 9, 0xa""",
        question="After both Close frames, why is it the server that ends TCP, not the client?",
        answer=(
            "The side that ends TCP first keeps the connection's addresses and ports in TIME_WAIT "
            "for minutes. A client could not open the same connection again in that time, while a "
            "server loses nothing by it (§7.1.1)."
        ),
    ),
)
