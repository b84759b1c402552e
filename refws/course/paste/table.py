"""A text -> its form and its bytes: the table of forms, in order of certainty.

The first form that recognises a text reads it. If several forms of the same certainty do, the
reading that gives frames is taken. Every other reading that is possible, and means other bytes, is
named in the notes. A text is never given to the next form because the first found a mistake in it.
"""

from __future__ import annotations

import re
from dataclasses import dataclass, replace

from . import (
    copied,
    devtools,
    directions,
    dumps,
    encodings,
    erlang,
    haskell,
    heads,
    hex_text,
    indexed,
    json_values,
    net_export,
    numbers,
    od,
    packets,
    printed,
    strings,
    terms,
    traces,
)
from .no_bytes import payloads_in, what_it_is
from .plausible import rate
from .senders import with_senders
from .text import clean
from .values import BadPaste, Chunk, Pasted, Way, counted, line_of


@dataclass(frozen=True, slots=True)
class Form:
    """A row of the table: `names` are for `--form`, `certainty` is 1 for the most certain."""

    certainty: int
    names: tuple[str, ...]
    example: str
    way: Way

    @property
    def name(self) -> str:
        return self.names[0]


LOG = Way(directions.recognises, lambda text: read_log(text))

TOOLS = ("wireshark", "xxd", "hexdump", "netty", "od", "gdb")

FORMS = (
    Form(1, ("curl-trace",), "curl --trace FILE", traces.TRACE),
    Form(1, ("websocket-client",), "websocket.enableTrace(True)", traces.CLIENT_TRACE),
    Form(1, ("arduino",), "[WS-Client][handleHeader] RX: ...", traces.ARDUINO),
    Form(1, ("strace",), r'write(3, "\201\5Hello", 7) = 7', traces.STRACE),
    Form(1, ("yaml",), "tshark -z follow,tcp,yaml,0", encodings.YAML),
    Form(1, ("copied-curl",), "curl 'wss://example.com/' -H ...", copied.COPIED),
    Form(1, ("net-export",), "chrome://net-export, with raw bytes", net_export.NET_EXPORT),
    Form(1, ("head", "http"), "GET / HTTP/1.1, and HTTP/1.1 101", heads.HEADS),
    Form(1, ("devtools",), "Request URL: ..., Request Headers ...", devtools.DEVTOOLS),
    Form(1, ("curl", "curl-v"), "curl -v: lines after > and <", heads.LOG),
    Form(2, ("packets", "tcpdump"), "tcpdump -X: packets with their headers", packets.PACKETS),
    Form(2, ("indexed", "php"), "0: 129, 1: 5 and [0] => 129", indexed.INDEXED),
    Form(3, ("dump-bits",), "xxd -b", dumps.DUMP_OF_BITS),
    Form(3, ("dump-octal",), "od -b", dumps.DUMP_IN_OCTAL),
    Form(3, ("dump-characters", "od-c"), "od -c, hexdump -c", od.IN_CHARACTERS),
    Form(3, ("dump-decimal",), "od -t u1, od -t d1", od.IN_DECIMAL),
    Form(4, ("dump-words",), "hexdump, od -x", dumps.DUMP_OF_WORDS),
    Form(4, ("dump", *TOOLS), "00000000  81 05 48  |..H|", dumps.DUMP),
    Form(4, ("stream",), "tshark -z follow,tcp,raw,0", dumps.STREAM_IN_HEX),
    Form(4, ("columns",), "81 05 48 65   ..He", dumps.COLUMNS),
    Form(4, ("log",), "TX: 81 05, <-- 81 05, socat -x, ngrep -x", LOG),
    Form(6, ("buffer", "node"), "<Buffer 81 05 ... 78 more bytes>", printed.BUFFER),
    Form(6, ("json",), '{"type":"Buffer","data":[129,5]}', printed.JSON),
    Form(7, ("json-values", "tshark"), "tshark -T json", json_values.JSON_VALUES),
    Form(6, ("data",), "{length = 2, bytes = 0x8105}", printed.DATA),
    Form(6, ("jetty",), r"HeapByteBuffer@1[...]={<<<\x81\x05>>>}", printed.JETTY),
    Form(6, ("erlang", "elixir"), '<<129,5,"Hello">>', erlang.ERLANG),
    Form(6, ("haskell",), r'"\129\ENQHello"', haskell.HASKELL),
    Form(6, ("terms", "pascal", "vb"), "chr(129) . 'Hello', #129#5'Hello'", terms.TERMS),
    Form(7, ("string", "python"), r"b'\x81\x05Hello', \201\005Hello", strings.STRING),
    Form(7, ("decimal-escapes", "lua"), r"\129\005Hello", strings.DECIMAL_ESCAPES),
    Form(7, ("hex-escapes", "labview"), r"\81\05Hello", terms.HEX_ESCAPED),
    Form(8, ("array", "c", "go", "java", "js"), "[129, 5], {0x81, 5}, [-127 5]", numbers.ARRAY),
    Form(9, ("percent",), "%81%05Hello", encodings.PERCENT),
    Form(10, ("bits", "binary"), "10000001 00000101", numbers.BITS),
    Form(11, ("octal",), "201 005 110", numbers.OCTAL),
    Form(11, ("decimal",), "129 5 72", numbers.DECIMAL),
    Form(11, ("hex",), "81 05, 81:05, 0x81, 8105", hex_text.HEX),
    Form(12, ("base64",), "gQVIZWxsbw==", encodings.BASE64),
)  # fmt: skip

REPEATS = re.compile(r"<repeats \d+ times>")

WITH_HEADS = ("head", "curl", "arduino", "devtools", "copied-curl")
"""The forms that have nothing but heads, also one that does not begin with GET."""

CERTAIN = 1
"""The certainty of a text that is nothing else, also if another form could take a part of it."""

LOGS = [form for form in FORMS if form.certainty == CERTAIN and form.name != "head"]

NAMES = {name: form for form in FORMS for name in form.names}
HEX = NAMES["hex"]


def read(text: str, name: str | None = None) -> Pasted:
    """What the text means, in the form of this name, or in the one that recognises it.

    BadPaste if it cannot be read so. A text that no form recognises is held to be hex.
    """
    text, added = clean(text)
    pasted = named(NAMES[name], text) if name is not None else recognised(text)
    return replace(pasted, notes=(*added, *pasted.notes))


def recognised(text: str) -> Pasted:
    """What the text means in the form that recognises it."""
    if repeats := REPEATS.search(text):
        raise BadPaste(
            line_of(text, repeats.start()),
            f"{repeats[0]} of gdb leaves out bytes: print them after `set print repeats 0`",
        )
    if what := payloads_in(text):
        raise BadPaste(1, f"this is {what}")
    found = [form for form in FORMS if form.way.recognises(text)]
    if not found:
        if what := what_it_is(text):
            raise BadPaste(1, f"this is {what}")
        return fail(HEX, text, advice_on(text))
    best = [form for form in found if form.certainty == found[0].certainty]
    readings = possible(found, text)
    if not any(form in readings for form in best):
        if what := what_it_is(text):
            raise BadPaste(1, f"this is {what}")
        other = next(iter(readings), None)
        return fail(
            found[0], text, f"; --form {other.name} reads it in another way" if other else ""
        )
    form = max(
        (form for form in best if form in readings), key=lambda form: rate(readings[form].data)
    )
    notes = [
        f"it can also be read as {readings[other].description}: --form {other.name}"
        for other in found
        if form.certainty != CERTAIN
        and other in readings
        and readings[other].data != readings[form].data
    ]
    return replace(readings[form], notes=(*readings[form].notes, *notes))


def is_log(text: str) -> bool:
    """Whether a text, with bytes in it that are none, is the log of a client nevertheless."""
    return any(form.way.recognises(text) for form in LOGS)


def named(form: Form, text: str) -> Pasted:
    pasted = form.way.read(text)
    if text.strip() and not pasted.data:
        raise BadPaste(1, f"no bytes in the form {form.name}: it looks like {form.example}")
    return replace(pasted, form=form.name)


def read_log(text: str) -> Pasted:
    """The parts of a log that says who sends, each in the form that recognises it."""
    parts, others = directions.split(text)
    if not parts:
        raise BadPaste(1, "no line names a direction and has bytes, such as TX: 81 05")
    readings = list(map(read_part, parts))
    cut = next((at for at, reading in enumerate(readings) if reading.cut_off), len(parts))
    if cut < len(parts) - 1:
        raise BadPaste(parts[cut + 1].number, "bytes after a part that is cut off: give them apart")
    spoken = [(part.speaker, reading.data) for part, reading in zip(parts, readings, strict=True)]
    if all(speaker in directions.SIDES for speaker, _ in spoken):
        chunks = tuple(Chunk(data, directions.SIDES[speaker]) for speaker, data in spoken)
        note = ""
    else:
        chunks, note = with_senders(spoken)
    notes = [*([note] if note else []), *directions.notes_on(others)]
    notes += [note for reading in readings for note in reading.notes]
    description = f"log with directions, {counted(len(parts), 'part')}, {readings[0].form}"
    cut_off = readings[-1].cut_off
    return Pasted(description, chunks, tuple(dict.fromkeys(notes)), cut_off)


def read_part(part: directions.Part) -> Pasted:
    try:
        return recognised("\n".join(part.lines))
    except BadPaste as error:
        error.line += part.number - 1
        raise


def possible(forms: list[Form], text: str) -> dict[Form, Pasted]:
    """The readings without a mistake."""
    readings = {}
    for form in forms:
        try:
            readings[form] = named(form, text)
        except BadPaste:
            pass
    return readings


def advice_on(text: str) -> str:
    """What to do with a text that no form recognises."""
    if NAMES["base64"] in possible([NAMES["base64"]], text):
        return "; --form base64 reads it, if it is that"
    return "; no other form fits either: see --help, or --form raw for the text itself"


def fail(form: Form, text: str, advice: str) -> Pasted:
    """Raise the mistake that this form finds in the text, with advice at its end."""
    try:
        return named(form, text)
    except BadPaste as error:
        error.problem += advice
        raise
