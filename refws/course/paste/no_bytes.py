"""Texts that people paste in place of bytes -> what to print or to copy so that there are bytes."""

from __future__ import annotations

import re

READ_ALREADY = re.compile(
    r"\b(?:FrameHeader \{|Framedata ?\{|WSMessage\(|WSMsgType\.|WebSocketFrame\()"
    r"|\bFrame\(opcode=|\bFrame [A-Z]+ \(fin=|^[ \t]*(?:Text|Binary|Ping|Pong|Close)\([\[\"bS]",
    re.MULTILINE,
)
"""What tungstenite, Java-WebSocket, aiohttp, Netty, websockets and Ktor print for a frame."""

PAYLOADS = (
    "a frame or message that a library has read already, and the bytes in it are a payload: "
    "python3 -m refws watch shows what crosses, or capture it with tcpdump -w FILE"
)

TEXTS = tuple(
    (re.compile(pattern, re.MULTILINE), what)
    for pattern, what in (
        (
            r"\[B@[0-9a-f]{4,8}\b",
            "what Java prints for an array, without its bytes: print Arrays.toString(bytes), or "
            "HexFormat.of().formatHex(bytes)",
        ),
        (
            r"^[^\n]*\bSystem\.Byte\[\][ \t]*$",
            "what .NET prints for an array, without its bytes: print BitConverter.ToString(bytes)",
        ),
        (
            r"\[object (?:ArrayBuffer|Blob|Uint8Array|Object|DataView|MessageEvent)\]"
            r"|^[ \t]*ArrayBuffer\(\d+\)[ \t]*(?:\{\})?[ \t]*$|^[ \t]*Blob [({]",
            "what JavaScript prints for an object, without its bytes: print new "
            "Uint8Array(await new Response(data).arrayBuffer())",
        ),
        (
            r"<memory at 0x[0-9A-Fa-f]+>|<(?:_io\.|built-in )?\w+ object at 0x[0-9A-Fa-f]+>",
            "what Python prints for an object, without its bytes: print bytes(it).hex(' ')",
        ),
        (
            r"\bByteBuf\(\w+: \d|\b\w+ByteBuf\(|java\.nio\.\w*ByteBuffer\w*\[pos[^\]]*\][ \t]*$",
            "what Java prints for a buffer, without its bytes: print ByteBufUtil.hexDump(buf), or "
            "the array of a ByteBuffer",
        ),
        (
            r"^[ \t]*[.01 ]{9} = (?:Fin|Reserved|Opcode|Mask|Payload length): ",
            "what Wireshark says of a frame, without its bytes: choose Copy, ...as a Hex Stream, "
            "on the line WebSocket, and on Payload, or on the TCP payload above it",
        ),
        (
            r"<FRAME>|\bopcode: ?[\"']?(?:TEXT|BINARY|PING|PONG|CLOSE|text|binary)"
            r"|^[<>] (?:TEXT|BINARY|CLOSE|PING|PONG)\b|\b(?:TEXT|BINARY|CLOSE)@[0-9a-f]+\["
            r"|^MessageType:\s",
            "a log of frames that were read already, without their bytes: python3 -m refws watch "
            "shows them as they cross, or capture them with tcpdump -w FILE",
        ),
        (
            r"(?:^|[\s:])[<>] (?:TEXT|BINARY|CLOSE|PING|PONG|CONT)\b|\[(?:text|binary)=|WebSocket "
            r"(?:text|binary) message |fin: \d rsv1: \d|^[cC]onnected \(press CTRL",
            "a log of messages, without the bytes of their frames: python3 -m refws watch shows "
            "them as they cross, or capture them with tcpdump -w FILE",
        ),
        (
            r"\A\s*\d{1,2}(?:/\w+,)?\d*\[\"|engine\.io|socket\.io",
            "a message of Socket.IO, without the frame that it was sent in: python3 -m refws watch "
            "shows the frame, or capture it with tcpdump -w FILE",
        ),
        (
            r"^\S* ?IP6? \S+ > \S+: Flags ",
            "what tcpdump prints without the bytes, or with characters in their place (-A): print "
            "them with -X, or write a file with -w and give that with --file",
        ),
        (
            r"^Follow: tcp,ascii",
            "a stream as characters, where a dot is any byte: tshark -z follow,tcp,raw,0 prints "
            "its bytes, and Wireshark shows them as Hex Dump",
        ),
        (
            r"\A\s*\{\"constants\":|\"logEventTypes\"|\bSOCKET_BYTES_(?:SENT|RECEIVED)\b",
            "a log of Chrome's net-export, without the bytes of a WebSocket, or cut off: record it "
            "again with Include raw bytes, and give all of it",
        ),
        (
            r"\A\s*\{\s*\"log\"\s*:",
            "a HAR of developer tools: give it with --file FILE",
        ),
        (
            r"^[0-7]{7}(?: +(?:nul|soh|stx|etx|eot|enq|ack|sp|nl|[!-~]))+[ \t]*$",
            "what od -a prints, without the top bit of each byte: print them with od -t x1",
        ),
        (
            r"\bread ECONNRESET\b|Invalid WebSocket frame: |websocket: (?:bad|close)|"
            r"Invalid frame header|One or more reserved bits are on|A server must not mask",
            "what a program says of a frame, without its bytes: python3 -m refws watch URL shows "
            "them, and the rule that they break",
        ),
        (
            r"\A\s*Request URL\b(?![\s\S]*\b(?:Request|Response) Headers\b)",
            "header lines as DevTools lists them: copy them with their titles, Request Headers and "
            "Response Headers",
        ),
        (
            r"\bCloseEvent\b|WebSocket connection to '[^']*' failed|\bcode[:=] ?1006\b",
            "what a browser says of a connection, without its bytes: python3 -m refws watch URL "
            "shows what crosses it",
        ),
        (
            r"\A\s*wss?://\S+\s*\Z",
            "an address, and no bytes: python3 -m refws connect URL opens a connection, and watch "
            "URL shows one",
        ),
        (
            r"\A\s*Sec-WebSocket-(?:Key|Accept):[^\n]*\Z",
            "one line of a handshake: python3 -m refws accept KEY ACCEPT compares a key and its "
            "Accept; for the rest give the heads whole",
        ),
        (
            r"^[ \t]*\|F\|R\|R\|R\| opcode\|M\|",
            "the figure of §5.2, and no bytes: give some, such as 81 05 48 65 6c 6c 6f",
        ),
        (
            r"[\"']?sec-websocket-(?:key|accept)[\"']?(?:\s*[:=]>?\s*|\s+)[\"']",
            "header lines as a program keeps them: give the head as it was sent, from GET or HTTP "
            "to its empty line",
        ),
        (
            r"\b(?:Optional\(\d+ bytes\)|Data\(\d+ bytes\))|\A\s*\d+ bytes\s*\Z",
            "what Swift prints for data, without its bytes: print Array(data)",
        ),
        (
            r"string\(\d+\) \"",
            "what var_dump of PHP prints, where bytes that are no characters may be lost: print "
            "bin2hex($data)",
        ),
        (
            "\\A[^\\\\]*\ufffd",
            "text with U+FFFD: bytes were read as UTF-8 and are lost; print them as hex before "
            "that",
        ),
        (
            r"<[89A-Fa-f][0-9A-Fa-f]>|\^[@A-Z\[\\\]_]\^[@A-Z\[\\\]_]",
            "what an editor or a pager shows for bytes that are no characters: print them with xxd",
        ),
        (
            r"\bwebsocat::",
            "the log of websocat, without the bytes of frames: python3 -m refws watch shows them "
            "as they cross",
        ),
        (
            r"M-\^[@-_]|M-[ -~]\^[@-_]",
            "what cat -v prints, where some bytes look the same: print them with xxd",
        ),
    )
)
"""What such a text has, and what it is."""

LONGEST = 10_000
"""Characters at its start that are looked at."""


def payloads_in(text: str) -> str:
    """What the text is, if the bytes in it are payloads, and frames are read from them already."""
    return PAYLOADS if READ_ALREADY.search(text[:LONGEST]) else ""


def what_it_is(text: str) -> str:
    """What the text is, and what to do; "" if it is unknown."""
    return next((what for pattern, what in TEXTS if pattern.search(text[:LONGEST])), "")
