"""refws/course/paste: the same bytes in every form that people paste, and what is wrong in them.

The texts were written by hand, or printed by the tool that they name.
"""

import pytest

from refws.course.paste.table import FORMS, NAMES, read

HELLO = b"\x81\x05Hello"

FRAGMENTS = b"\x02\x05Hello\x80\x07 there!"
"""16 bytes: two lines of xxd -c 8, one full line of every other dump."""

LONG = FRAGMENTS + bytes(48) + HELLO
"""71 bytes with three equal lines in the middle, which some tools leave out."""

OF_HELLO = {
    "hex": [
        "81 05 48 65 6c 6c 6f",
        "810548656c6c6f",
        "8105 4865 6C6C 6F",
        "81:05:48:65:6c:6c:6f",
        "81-05-48-65-6C-6C-6F",  # BitConverter.ToString of .NET
        "81,05,48,65,6c,6c,6f",
        "0x81 0x05 0x48 0x65 0x6c 0x6c 0x6f",
        "0x81, 0x5, 0x48, 0x65, 0x6c, 0x6c, 0x6f",  # %#x
        "0x810548656c6c6f",
        r"\x81\x05\x48\x65\x6c\x6c\x6f",
        "x81x05x48x65x6cx6cx6f",  # a shell has taken the backslashes
        "81h 05h 48h 65h 6Ch 6Ch 6Fh",
        "81 5 48 65 6C 6C 6F",  # Serial.print(byte, HEX) of Arduino
        "[81, 5, 48, 65, 6c, 6c, 6f]",  # {:x?} of Rust
        "[81, 05, 48, 65, 6c, 6c, 6f]",
        "<81054865 6c6c6f>",  # NSData
        "bytes.fromhex('81 05 48 65 6c 6c 6f')",
        'hex.DecodeString("810548656c6c6f")',
        "Buffer.from('810548656c6c6f', 'hex')",
        "received: 81 05 48 65 6c 6c 6f",
        '["810548656c6c6f"]',  # unpack("H*") of Ruby
        "$81 $05 $48 $65 $6C $6C $6F",
        "# a frame\n81 05  # its header\n48 65 6c\n6c 6f\n",
    ],
    "dump": [
        "0000   81 05 48 65 6c 6c 6f                              ..Hello",
        "0000   81 05 48 65 6c 6c 6f",
        "0000  81 05 48 65 6c 6c 6f                               ..Hello\n",
        "00000000: 8105 4865 6c6c 6f                        ..Hello",
        "00000000: 81 05 48 65 6c 6c 6f                             ..Hello",
        "00000000: 81054865 6c6c6f                      ..Hello",
        "00000000  81 05 48 65 6c 6c 6f                              |..Hello|\n00000007\n",
        "0000000 81 05 48 65 6c 6c 6f\n0000007\n",
        "000000 81 05 48 65 6c 6c 6f                             >..Hello<\n000007\n",
        "\t0x0000:  8105 4865 6c6c 6f                        ..Hello",
        "         +-------------------------------------------------+\n"
        "         |  0  1  2  3  4  5  6  7  8  9  a  b  c  d  e  f |\n"
        "+--------+-------------------------------------------------+----------------+\n"
        "|00000000| 81 05 48 65 6c 6c 6f                            |..Hello         |\n"
        "+--------+-------------------------------------------------+----------------+",
        "0x7fffffffe0d0:\t0x81\t0x05\t0x48\t0x65\t0x6c\t0x6c\t0x6f",
        "0x7fffffffe0d0 <buffer+16>:\t0x81\t0x05\t0x48\t0x65\t0x6c\t0x6c\t0x6f",
        "           00 01 02 03 04 05 06 07 08 09 0A 0B 0C 0D 0E 0F\n\n"
        "00000000   81 05 48 65 6C 6C 6F                             ..Hello\n",
        "[HEXDUMP] Address: 0x3FFEF4A0 len: 0x7 (7)\n"
        "[0x3FFEF4A0] 0x00000000: 81 05 48 65 6C 6C 6F ",
        "I (3120) ws: 0x3ffb4280   81 05 48 65 6c 6c 6f                              |..Hello|",
    ],
    "dump-words": [
        "0000000 0581 6548 6c6c 006f                    \n0000007\n",
        "0000000 0581 6548 6c6c 006f\n0000007\n",
        "0000000 002601 062510 066154 000157\n0000007\n",
        "00000000: 65480581   6f6c6c                    ..Hello\n",
    ],
    "dump-bits": [
        "00000000: 10000001 00000101 01001000 01100101 01101100 01101100  ..Hell\n"
        "00000006: 01101111                                               o\n",
    ],
    "dump-octal": ["0000000 201 005 110 145 154 154 157\n0000007\n"],
    "columns": ["81 05 48 65 6c 6c 6f   ..Hello"],
    "buffer": [
        "<Buffer 81 05 48 65 6c 6c 6f>",
        "{ data: <Buffer 81 05 48 65 6c 6c 6f> }",
        "ArrayBuffer { [Uint8Contents]: <81 05 48 65 6c 6c 6f>, byteLength: 7 }",
        "<Buffer 81 05> <Buffer 48 65 6c 6c 6f>",
    ],
    "json": [
        '{"type":"Buffer","data":[129,5,72,101,108,108,111]}',
        '{"0":129,"1":5,"2":72,"3":101,"4":108,"5":108,"6":111}',
    ],
    "data": [
        "{length = 7, bytes = 0x81054865 6c6c6f}",
        "[hex=810548656c6c6f]",
        "[size=7 hex=810548656c6c6f]",
    ],
    "indexed": [
        "0: 129\n1: 5\n2: 72\n3: 101\n4: 108\n5: 108\n6: 111\n",
        "Array\n(\n    [0] => 129\n    [1] => 5\n    [2] => 72\n    [3] => 101\n    [4] => 108\n"
        "    [5] => 108\n    [6] => 111\n)\n",
        "array(7) {\n  [1]=>\n  int(129)\n  [2]=>\n  int(5)\n  [3]=>\n  int(72)\n  [4]=>\n"
        "  int(101)\n  [5]=>\n  int(108)\n  [6]=>\n  int(108)\n  [7]=>\n  int(111)\n}\n",
    ],
    "erlang": [
        "<<129,5,72,101,108,108,111>>",
        '<<129,5,"Hello">>',
        "<<16#81, 16#05, 16#48, 16#65, 16#6c, 16#6C, 16#6f>>.",
        "<<0x81, 0x05, 72, 101, 108, 108, 111>>",
    ],
    "string": [
        r"b'\x81\x05Hello'",
        r'b"\x81\x05Hello"',
        r"bytearray(b'\x81\x05Hello')",
        r'"\x81\005Hello"',
        r'"\u0081\u0005Hello"',
        r"'\x81\x05Hello'",
        r"\x81\x05Hello",
        r'char frame[] = "\x81\x05" "Hello";',
        r"\201\005Hello",
    ],
    "decimal-escapes": [r"\129\005Hello", r'"\129\5Hello"'],
    "array": [
        "[129, 5, 72, 101, 108, 108, 111]",
        "[129 5 72 101 108 108 111]",  # %v of Go
        "[-127, 5, 72, 101, 108, 108, 111]",  # Arrays.toString of Java
        "Uint8Array(7) [\n  129,   5, 72,\n  101, 108, 108,\n  111\n]",
        "new Uint8Array([129, 5, 72, 101, 108, 108, 111]);",
        "unsigned char hello[] = {\n  0x81, 0x05, 0x48, 0x65, 0x6c, 0x6c, 0x6f\n};\n"
        "unsigned int hello_len = 7;\n",
        "const uint8_t frame[7] = {0x81, 5, 'H', 'e', 'l', 'l', 'o'};  // a frame",
        "new byte[] {(byte) 0x81, 0x05, 0x48, 0x65, 0x6c, 0x6c, 0x6f};",
        "[]byte{0x81, 0x5, 0x48, 0x65, 0x6c, 0x6c, 0x6f}",
        "vec![129u8, 5, 72, 101, 108, 108, 111]",
        "byteArrayOf(-127, 5, 72, 101, 108, 108, 111)",
        "bytes([129, 5, 72, 101, 108, 108, 111])",
        "(129, 5, 72, 101, 108, 108, 111)",
        "#(129 5 72 101 108 108 111)",
        "array('B', [129, 5, 72, 101, 108, 108, 111])",
        "Uint8Array(7) [129, 5, 72, 101, 108, 108, 111, buffer: ArrayBuffer(7), byteLength: 7, "
        "byteOffset: 0, length: 7, Symbol(Symbol.toStringTag): 'Uint8Array']",
    ],
    "percent": ["%81%05Hello", "%81%05%48%65%6c%6c%6f"],
    "bits": [
        "10000001 00000101 01001000 01100101 01101100 01101100 01101111",
        "1000 0001 0000 0101 0100 1000 0110 0101 0110 1100 0110 1100 0110 1111",
        "10000001000001010100100001100101011011000110110001101111",
        "0b10000001 0b00000101 0b01001000 0b01100101 0b01101100 0b01101100 0b01101111",
    ],
    "octal": ["201 005 110 145 154 154 157"],
    "decimal": [
        "129 5 72 101 108 108 111",
        "129, 5, 72, 101, 108, 108, 111",
        "-127 5 72 101 108 108 111",
        "129\n5\n72\n101\n108\n108\n111\n",
    ],
    "base64": [
        "gQVIZWxsbw==",
        "gQVIZWxsbw",
        '"gQVIZWxsbw=="',
        "gQVIZW\nxsbw==\n",
        'atob("gQVIZWxsbw==")',
    ],
    "strace": [
        r'write(3, "\201\5Hello", 7)               = 7',
        r'[pid  4242] 12:00:00.000001 recvfrom(5, "\201\5Hello", 4096, 0, NULL, NULL) = 7',
        r'read(3, "\x81\x05\x48\x65\x6c\x6c\x6f", 4096) = 7',
    ],
    "websocket-client": [r"++Rcv raw: b'\x81\x05Hello'"],
}
"""The name of a form -> texts that mean `HELLO` in it."""


@pytest.mark.parametrize(
    ("form", "text"), [(form, text) for form, texts in OF_HELLO.items() for text in texts]
)
def test_each_form_is_recognised_and_read(form, text):
    pasted = read(text)
    assert (pasted.form, pasted.data, pasted.cut_off) == (form, HELLO, "")
    assert read(text, form).data == HELLO


def test_every_form_has_a_text_here():
    elsewhere = {"head", "curl", "curl-trace", "packets", "stream", "yaml"}
    assert {form.name for form in FORMS} == OF_HELLO.keys() | elsewhere


def test_no_name_belongs_to_two_forms():
    assert len(NAMES) == sum(len(form.names) for form in FORMS)
