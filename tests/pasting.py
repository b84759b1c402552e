"""Bytes -> text in each form that people paste, and what happens to a text on its way."""

import base64
import json
import textwrap

PRINTABLE = range(0x20, 0x7F)


def column(data):
    return "".join(chr(byte) if byte in PRINTABLE else "." for byte in data)


def rows(data, size=16):
    return [(start, data[start : start + size]) for start in range(0, len(data), size)]


# Dumps


def wireshark(data):
    return "".join(f"{at:04x}   {row.hex(' '):47}   {column(row)}\n" for at, row in rows(data))


def wireshark_bytes(data):
    return "".join(f"{at:04x}   {row.hex(' ')}\n" for at, row in rows(data))


def xxd(data):
    return "".join(f"{at:08x}: {row.hex(' ', -2):39}  {column(row)}\n" for at, row in rows(data))


def hexdump(data):
    lines = [
        f"{at:08x}  {row[:8].hex(' '):23}  {row[8:].hex(' '):23}  |{column(row)}|\n"
        for at, row in rows(data)
    ]
    return "".join(lines) + f"{len(data):08x}\n"


def od(data):
    lines = [f"{at:07o} {row.hex(' ')}\n" for at, row in rows(data)]
    return "".join(lines) + f"{len(data):07o}\n"


def octal_dump(data):
    lines = [f"{at:07o} {' '.join(f'{byte:03o}' for byte in row)}\n" for at, row in rows(data)]
    return "".join(lines) + f"{len(data):07o}\n"


def netty(data):
    ruler = f"+--------+{'-' * 49}+{'-' * 16}+\n"
    lines = [f"|{at:08x}| {row.hex(' '):47} |{column(row):16}|\n" for at, row in rows(data)]
    return ruler + "".join(lines) + ruler


def gdb(data):
    return "".join(
        f"0x{0x7FFFFFFFE0D0 + at:x}:" + "".join(f"\t0x{byte:02x}" for byte in row) + "\n"
        for at, row in rows(data, 8)
    )


def bits_of_xxd(data):
    return "".join(
        f"{at:08x}: {' '.join(f'{byte:08b}' for byte in row):53}  {column(row)}\n"
        for at, row in rows(data, 6)
    )


def cell(byte):
    """A cell of od -c."""
    named = {0: "\\0", 7: "\\a", 8: "\\b", 9: "\\t", 10: "\\n", 11: "\\v", 12: "\\f", 13: "\\r"}
    return f" {chr(byte) if byte in PRINTABLE else named.get(byte, f'{byte:03o}'):>3}"


def characters(data):
    lines = [f"{at:07o}{''.join(map(cell, row))}\n" for at, row in rows(data)]
    return "".join(lines) + f"{len(data):07o}\n"


def decimal_dump(data):
    lines = [f"{at:07o}{''.join(f' {byte:3}' for byte in row)}\n" for at, row in rows(data)]
    return "".join(lines) + f"{len(data):07o}\n"


DUMPS = {
    wireshark: "dump",
    wireshark_bytes: "dump",
    xxd: "dump",
    hexdump: "dump",
    od: "dump",
    netty: "dump",
    gdb: "dump",
    octal_dump: "dump-octal",
    bits_of_xxd: "dump-bits",
    characters: "dump-characters",
    decimal_dump: "dump-decimal",
}
WITH_COLUMN = (wireshark, xxd, hexdump, netty, bits_of_xxd)


# Numbers and digits


def pairs(data):
    return data.hex(" ")


def one_word(data):
    return data.hex()


def lines_of_pairs(data):
    return textwrap.fill(data.hex(" "), 47) + "\n"


def bit_converter(data):
    return data.hex("-").upper()


def marked(data):
    return ", ".join(f"0x{byte:02x}" for byte in data)


def buffer(data):
    return f"<Buffer {data.hex(' ')}>"


def buffer_as_json(data):
    return json.dumps({"type": "Buffer", "data": list(data)})


def erlang(data):
    return f"<<{','.join(map(str, data))}>>"


def array(data):
    return str(list(data))


def signed(data):
    return str([byte - 256 if byte > 127 else byte for byte in data])


def go(data):
    return f"[{' '.join(map(str, data))}]"


def c_array(data):
    inside = textwrap.fill(", ".join(f"0x{byte:02x}" for byte in data), 70)
    return f"unsigned char frame[{len(data)}] = {{\n{inside}\n}};\n"


def typed(data):
    return f"Uint8Array({len(data)}) [\n  {', '.join(map(str, data))}\n]"


def decimal(data):
    return " ".join(map(str, data))


def bits(data):
    return " ".join(f"{byte:08b}" for byte in data)


# Text


def in_base64(data):
    return base64.b64encode(data).decode()


def percent(data):
    return "".join(
        chr(byte) if chr(byte).isalnum() and byte < 0x7F and at else f"%{byte:02X}"
        for at, byte in enumerate(data)
    )


def python(data):
    return repr(data)


def c_string(data):
    return (
        '"' + "".join(f"\\{byte:03o}" if byte not in LETTERS else chr(byte) for byte in data) + '"'
    )


LETTERS = [byte for byte in PRINTABLE if chr(byte) not in '"\\']


def lua(data):
    return "".join(f"\\{byte:03}" if byte not in LETTERS else chr(byte) for byte in data)


def strace(data):
    return f"write(3, {c_string(data)}, {len(data)}) = {len(data)}"


OTHERS = {
    pairs: "hex",
    one_word: "hex",
    lines_of_pairs: "hex",
    bit_converter: "hex",
    marked: "hex",
    buffer: "buffer",
    buffer_as_json: "json",
    erlang: "erlang",
    array: "array",
    signed: "array",
    go: "array",
    c_array: "array",
    typed: "array",
    decimal: "decimal",
    bits: "bits",
    in_base64: "base64",
    percent: "percent",
    python: "string",
    c_string: "string",
    lua: "decimal-escapes",
    strace: "strace",
}
WRITERS = DUMPS | OTHERS
"""A function that writes bytes -> the name of the form that it writes."""

TEXTS = {python, c_string, lua, percent, strace}
"""They write what is a character as itself, so any other character in them is legal, too, ..."""

AS_THEMSELVES = {*TEXTS, characters, decimal_dump}
"""... and as in a dump of characters, which may have digits only."""

FRAGILE = {decimal, decimal_dump, octal_dump, gdb, in_base64}
"""A number that is cut short is a number in them."""
