"""What loggers, and tools that show logs, put in front of each line of a text."""

from __future__ import annotations

import re

from .values import shown

DATE = r"\d{4}[-/]\d\d[-/]\d\d"
TIME = r"\d\d:\d\d:\d\d(?:[.,:]\d+)?"
ZONE = r"(?:Z| ?[+-]\d\d:?\d\d)?"
STAMP = rf"{DATE}[ T]{TIME}{ZONE}"
PROGRAM = r"[\w./-]+(?:\[\d+\])?"
LEVEL = r"(?i:trace|debug|info|notice|warn(?:ing)?|error|critical|fatal)"

LOGGERS = (
    r"(?=[^|\n]*[G-Zg-z_-])[A-Za-z][\w.-]* +\| ",  # docker compose
    r"\[pod/[^\]\n]+\] ",  # kubectl logs --prefix
    rf"{STAMP} (?:stdout|stderr) [FP] ",  # containerd
    r"<\d{1,3}>1 \S+ \S+ \S+ \S+ \S+ (?:-|\[[^\n]*?\]) ",  # syslog, RFC 5424
    rf"(?:<\d{{1,3}}>)?[A-Z][a-z]{{2}} [ \d]\d {TIME} [\w.-]+ {PROGRAM}: ",  # syslog, RFC 3164
    rf"{STAMP} [\w.-]+ [\w./-]+\[\d+\]: ",  # journalctl -o short-iso
    rf"{STAMP} \w+\[[\w.-]+\]: ",  # Heroku
    rf"{STAMP} [\w. -]+\[\d+:\w+\] ",  # NSLog
    r"\[ *\d+\.\d{6}\] ",  # dmesg
    r"System\.Net\.\w+ \w+: \d+ : \[\d+\] ",  # System.Diagnostics of .NET
    rf"\d\d-\d\d {TIME} +\d+ +\d+ [VDIWEF] [^:\n]{{1,60}}: ",  # logcat
    r"[VDIWEF]/[^(:\n]{1,60}\( *\d+\): ",  # logcat -v brief
    r"[0-9a-f]{8}:\S+\.(?:clireq|clihdr|srvrep|srvhdr)\[[0-9a-f:]+\]: ",  # haproxy -d
    rf"[IWEF]\d{{4}} {TIME} +\d+ [^\s:]+:\d+\] ",  # glog
    r"[EWIDV] \([\d:.]+\) [^\s:]+: ",  # ESP-IDF
    r"\[ *\d+\]\[[EWIDV]\]\[[^\]\n]*\] \w+\(\): ?",  # Arduino for ESP32
    r"\[[\d:.,]+\] <\w+> [\w.]+: (?:\w+: )?",  # Zephyr
    rf"\[{DATE} [\d:]+\] [A-Z]+: ?",  # libwebsockets
    r"\S+\.c:\d+: \|\d\| ",  # Mbed TLS
    r"\d\d:\d\d:\d\d(?:[.,]\d{3,6})? (?:->|>) ?",  # the serial monitor of Arduino
    rf"\[{STAMP} {LEVEL} +[\w:]+\] ",  # env_logger of Rust
    rf"\[?{STAMP}\]? ",
    r"\[?\d\d:\d\d:\d\d[.,]\d{3,6}\]? ",
    r" *[\w./-]+\.(?:go|c|cc|cpp|rs|py|js|ts|rb|java):\d+:(?:\d+:)? ",
    rf"{LEVEL}:[\w.]+:(?: |(?=\S))",  # logging.basicConfig of Python
    rf"- [\w.]+ - {LEVEL} - ",  # the format of its documentation
    rf"\[?{LEVEL}\]?:? +(?:\d+ --- )?(?:\[[^\]\n]*\] +)?(?:[\w.:$/]+ *(?:: | - ))?",
    r"(?=[^:\n]*[G-Zg-z_])[A-Za-z_][\w ./\[\]-]{0,40}: +"  # a name before a line of a dump
    r"(?=(?:0[xX])?[0-9A-Fa-f]{4,16}(?::? +(?:0x)?[0-9A-Fa-f]{2}|\s*$))",
    r" *[*\u2022] +(?=\S)",  # the bullets of a list
    r" *\[\d+\] +(?=(?:0x)?[0-9A-Fa-f]{2}\b)(?![0-9A-Fa-f]{2}[ -][^\n]* {3}[^\n]*\S)",  # R
)
"""In the order in which they are left out: a container's name is before the time, that before a
level."""

PLACE = re.compile(
    r"\s*\[?[\w./\\-]+\.(?:rs|go|py|js|ts|c|cc|cpp):\d+(?::\d+)?\]? (?:[^\n=\"']{1,60} = )?"
)
"""Before a value of several lines: where it was printed, and its name, as of dbg! of Rust."""

PATTERNS = tuple(map(re.compile, LOGGERS))


def without_prefixes(text: str) -> tuple[str, list[str]]:
    """The lines without what all of them begin with, and a note on each."""
    lines, notes = text.split("\n"), list[str]()
    if (place := PLACE.match(text)) and len(lines) > 1:
        notes.append(f"left out: {shown(place[0].strip())}")
        lines = ("\n" * place[0].count("\n") + text[place.end() :]).split("\n")
    for pattern in PATTERNS:
        lines, prefix = without_prefix(lines, pattern)
        if prefix:
            notes.append(f"left out in front of each line: {shown(prefix)}")
    return "\n".join(lines), notes


def without_prefix(lines: list[str], pattern: re.Pattern[str]) -> tuple[list[str], str]:
    """The lines without this, and what was in front of the first, if all of them begin with it."""
    filled = [line for line in lines if line.strip()]
    if not filled or not all(map(pattern.match, filled)):
        return lines, ""
    first = pattern.match(filled[0])
    return [pattern.sub("", line, count=1) for line in lines], first[0] if first else ""
