"""What tools print around the lines of a dump, which is left out; and who speaks in it."""

from __future__ import annotations

import re

OTHER_LINES = re.compile(
    r"[\s|+=-]*(?:(?:Offset\b|Label:|0?0 +0?1 +0?2 +0?3|-{3}).*)?"  # the heads of tables
    r"|- offset - .*"  # the head of radare2
    r"|\s*(?:```.*|\$ .*|\(gdb\).*|\(lldb\).*|={5,})"
    r"|\s*\[HEXDUMP\].*|\[WSc?\] .*"  # arduinoWebSockets
    r"|\s*(?:Follow|Filter|Node \d|Path|CertUtil): .*"
    r"|(?!.*(?:[0-9A-Fa-f]{2} ){4}).*"  # the log of Netty
    r"\b(?:READ|WRITE|RECEIVED|SENT|FLUSH|READ COMPLETE)\b.*"
    r"|(?:\S+ )?.*\bIP6? (?:.* > .*|\(.*\))"  # the packets of tcpdump
    r"|\s+\S+ > \S+: Flags .*"
    r"|(?:tcpdump: |listening on ).*|\^C"  # its start and its end
    r"|\d+ packets? (?:captured|received by filter|dropped by kernel)"
    r"|[\d.]{15,}-[\d.]{15,}: ?"  # tcpflow -D
    r"|(?:read from|write to) 0x.*"  # openssl s_client -debug
    r"|.*Plaintext (?:before|after) \w+ \("  # javax.net.debug
    r"|.*\bSocket#\d+::.*"  # System.Net of .NET
    r"|[0-9a-f]+ \d \S+\.c:\d+:\w+.*"  # Mongoose
    r"|Length: \d+ \(0x[0-9a-f]+\) bytes"  # pretty-hex of Rust
    r"|\(\[\d*\]\w+\) .*\{|\s*[})\]]+[,;]?\s*"  # spew of Go
)

SPEAKER = re.compile(
    r"\b(?P<who>READ|WRITE|RECEIVED|SENT|(?:read from|write to)(?= 0x)|(?:DE|EN)CRYPTION(?= \()"
    r"|[\d.]{15,}(?=-))\b(?! COMPLETE)"
)
SAME = {
    **dict.fromkeys(("RECEIVED", "read from", "DECRYPTION"), "READ"),
    **dict.fromkeys(("SENT", "write to", "ENCRYPTION"), "WRITE"),
}
"""Other words for the same speaker."""


def speaker_in(line: str) -> str:
    """Who sends the bytes in the lines after this one; "" if it does not say it."""
    found = SPEAKER.search(line)
    return SAME.get(found["who"], found["who"]) if found else ""
