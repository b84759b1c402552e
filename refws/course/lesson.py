"""RFC 6455 from the handshake to the close, in seven steps: a first lesson as plain text."""

from __future__ import annotations

from dataclasses import dataclass

SERVER = "python3 -m refws --trace"
"""The command for the first terminal: a server that shows each frame."""

INTRODUCTION = """\
Open two terminals. Run the server in the first one: it shows each frame that arrives or leaves. Run
the commands of the steps in the second one. The page of the server shows the same in pictures."""


@dataclass(frozen=True, slots=True)
class Step:
    """A step: `text` explains it, and `command` shows it at work.

    `output` is what the command prints; it is empty if the command asks the server. `live` is one
    more command, which asks the server, too.
    """

    title: str
    section: str
    text: str
    command: str
    output: str = ""
    live: str = ""


STEPS: tuple[Step, ...] = (
    Step(
        title="Why not HTTP",
        section="§1.1",
        text=(
            "In HTTP a server only answers requests. A WebSocket begins as HTTP: a GET with "
            "Upgrade: websocket, answered with status 101. From then on both sides send when they "
            "like, with 2 to 14 bytes in front of each payload. This command sends no Upgrade, and "
            "the answer says what is missing."
        ),
        command="curl -i http://127.0.0.1:8080/echo",
    ),
    Step(
        title="The handshake",
        section="§4",
        text=(
            "The server answers the key of the request with a hash. That proves only that it has "
            "read this request and speaks WebSocket: the key is no secret, and the answer is no "
            "password. When a client connects, the server shows the handshake line by line."
        ),
        command="python3 -m refws accept dGhlIHNhbXBsZSBub25jZQ==",
        output="""\
 §4.2.2 item 5.4 Sec-WebSocket-Accept from Sec-WebSocket-Key:
 key + GUID      dGhlIHNhbXBsZSBub25jZQ==258EAFA5-E914-47DA-95CA-C5AB0DC85B11
 SHA-1           b3 7a 4f 2c c0 62 4f 16 90 f6 46 06 cf 38 59 45 b2 be c4 ea
 in base64       s3pPLMBiTxaQ9kYGzzhZRbK+xOo=""",
        live="python3 -m refws connect ws://127.0.0.1:8080/",
    ),
    Step(
        title="A frame",
        section="§5.2",
        text=(
            "Two bytes say nearly everything: FIN and the opcode are in the first, MASK and the "
            "length in the second. Without --brief, explain draws every bit."
        ),
        command="python3 -m refws explain --brief 81 05 48 65 6c 6c 6f",
        output='<- text FIN 5 "Hello"  legal',
    ),
    Step(
        title="Masking",
        section="§5.3, §10.3",
        text=(
            "A client XORs each payload with a key that is new for each frame. That hides nothing, "
            "because the key is in front of the payload. But no script can choose the bytes that a "
            "proxy on the way sees, and so no script can make a proxy store a forged page. That is "
            "why a server refuses a client's frame without a mask."
        ),
        command="python3 -m refws explain --brief --from client 81 05 48 65 6c 6c 6f",
        output='-> text FIN 5 "Hello"  VIOLATION §5.1: an unmasked frame from the client',
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
-> continuation FIN masked 2 "lo"  legal""",
    ),
    Step(
        title="Compression and Origin",
        section="§10.2, RFC 7692 §6",
        text=(
            "With --deflate on both sides, RSV1 says that a message is compressed. Another rule: "
            "any page may open a WebSocket to any server, with the cookies of that server. So the "
            "server must check Origin: a foreign one gets a 403 that says what to configure."
        ),
        command=(
            "python3 -m refws explain --brief --deflate --from server c1 07 f2 48 cd c9 c9 07 00"
        ),
        output='<- text FIN RSV1 7 "Hello"  legal',
        live="python3 -m refws connect --origin https://evil.example ws://127.0.0.1:8080/",
    ),
    Step(
        title="The close",
        section="§7",
        text=(
            "Each side sends a Close frame, then the server ends TCP. Type /close 1000 bye into "
            "connect. Then connect again and break a rule with /raw 83 80 00 00 00 00: the "
            'server\'s Close says which rule. On the page, "Break them all" does that for every '
            "rule in its list."
        ),
        command="python3 -m refws explain --brief 88 82 37 fa 21 3d 34 12",
        output="-> close FIN masked 2 1000  legal",
        live="python3 -m refws connect ws://127.0.0.1:8080/",
    ),
)
