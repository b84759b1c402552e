"""refws/course/paste: the same bytes in every form that people paste, and what is wrong in them.

The texts were written by hand, or printed by the tool that they name.
"""

import re

import pytest

from refws.course.paste.table import FORMS, NAMES, read
from refws.course.paste.values import BadPaste
from refws.protocol.frame import Side

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
        "b'810548656c6c6f'",  # binascii.hexlify
        "[RX] 81 05 48 65 6c 6c 6f",
        "--> 81 05 48 65 6c 6c 6f",
        '"tcp.payload": "81:05:48:65:6c:6c:6f"',  # tshark -T json
        "[1] 81 05 48 65 6c 6c 6f",  # R
        "7-element Vector{UInt8}:\n 0x81\n 0x05\n 0x48\n 0x65\n 0x6c\n 0x6c\n 0x6f\n",  # Julia
        "12:34:56.789 -> 81 05 48\n12:34:56.789 -> 65 6C 6C 6F\n",  # the monitor of Arduino
        "ffffff81 5 48 65 6c 6c 6f",  # printf("%x", c) of a char, Integer.toHexString(b)
        "0xffffff81 0x5 0x48 0x65 0x6c 0x6c 0x6f",
        "\uff18\uff11 \uff10\uff15 48 65 6c 6c 6f",  # wide digits
        "81\u201305\u201348\u201165\u20136c\u20136c\u20136f",  # dashes of a word processor
        "0\u00d781 0\u00d705 0\u00d748 0\u00d765 0\u00d76c 0\u00d76c 0\u00d76f",
        "<pre><code>81 05 48 65 6c 6c 6f</code></pre>",
        "tx=[81, 05, 48, 65, 6c, 6c, 6f]",
        "81,5,48,65,6C,6C,6F,",  # Serial.print(byte, HEX), and a comma
        "Data (7 bytes)\n    Data: 810548656c6c6f\n    [Length: 7]\n",  # the details of Wireshark
        "(7) 81 05 48 65 6c 6c 6f",
        "7 bytes: 81 05 48 65 6c 6c 6f",
        "[8105 4865 6c6c 6f](7 bytes)",  # ByteBuffer of SwiftNIO
        'string(14) "810548656c6c6f"',  # var_dump(bin2hex($data)) of PHP
        "data.data == 81:05:48:65:6c:6c:6f",  # a filter of Wireshark
        r"'\x810548656c6c6f'",  # PostgreSQL
        "b'81 05 48 65 6c 6c 6f'",  # binascii.hexlify with a separator
        "81&nbsp;05&nbsp;48&nbsp;65&nbsp;6c&nbsp;6c&nbsp;6f",
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
        "[0000]   81 05 48 65 6C 6C 6F                               ..Hello",  # ncat
        "0000 - 81 05 48 65 6c 6c 6f                              ..Hello",  # OpenSSL
        "ssl_msg.c:2345: |4| 0000:  81 05 48 65 6c 6c 6f                             ..Hello",
        "[2020/01/01 12:00:00:1234] N: \n"
        "[2020/01/01 12:00:00:1234] N: 0000: 81 05 48 65 6C 6C 6F"
        "                               ..Hello         \n",  # libwebsockets
        "   Label: Byte[] (System.Byte[]) <5E4A2C1B>\n\n"
        "          Offset Bytes                                           Ascii\n"
        "                 00 01 02 03 04 05 06 07 08 09 0A 0B 0C 0D 0E 0F\n"
        "          ------ ----------------------------------------------- -----\n"
        "0000000000000000 81 05 48 65 6C 6C 6F                             \ufffd Hello\n",
        "           Path: C:\\frame.bin\n\n"
        "           00 01 02 03 04 05 06 07 08 09 0A 0B 0C 0D 0E 0F\n\n"
        "00000000   81 05 48 65 6C 6C 6F                             ..Hello\n",
        "0000000  81  05  48  65  6c  6c  6f\n"
        "        201 005   H   e   l   l   o\n0000007\n",  # od -t x1c
        "┌────────┬─────────────────────────┬─────────────────────────┬────────┬────────┐\n"
        "│00000000│ 81 05 48 65 6c 6c 6f    ┊                         │×•Hello ┊        │\n"
        "└────────┴─────────────────────────┴─────────────────────────┴────────┴────────┘\n",
        "([]uint8) (len=7 cap=16) {\n 00000000  81 05 48 65 6c 6c 6f   |..Hello|\n}\n",  # spew
        "Length: 7 (0x7) bytes\n0000:   81 05 48 65  6c 6c 6f    ..Hello\n",  # pretty-hex
        "00000000 81 05 48 65 6c 6c 6f -- -- -- -- -- -- -- -- --  Hello\n",  # Burp
        "System.Net.Sockets Verbose: 0 : [4321] Data from Socket#1234::Receive\n"
        "System.Net.Sockets Verbose: 0 : [4321] 00000000 : 81 05 48 65 6C 6C 6F     : ..Hello\n",
        "0000:0000 | 81 05 48 65  6C 6C 6F                 | ..Hello",  # Okteta
        "- offset -   0 1  2 3  4 5  6 7  01234567\n"
        "0x00000000  8105 4865 6c6c 6f       ..Hello\n",  # radare2
        "1a2b 3 mongoose.c:123:mg_hexdump\n0000  81 05 48 65 6c 6c 6f    ..Hello\n",
        "0012ff3c  81 05 48 65 6c 6c 6f     ..Hello\n",  # WinDbg of 32 bits
        "  0000  81 05 48 65 6c 6c 6f                               ..Hello\n"
        "CertUtil: -dump command completed successfully.\n",
    ],
    "dump-words": [
        "0000000    0581    6548    6c6c    006f\n0000007\n",  # hexdump -x
        "0000000    0581    6548    6c6c    006f\n"
        "        201 005   H   e   l   l   o\n0000007\n",  # od -xc
        "0000000 65480581 006f6c6c\n0000007\n",  # od -t x4
        "0000000 0581 6548 6c6c 006f                    \n0000007\n",
        "0000000 0581 6548 6c6c 006f\n0000007\n",
        "0000000 002601 062510 066154 000157\n0000007\n",
        "00000000: 65480581   6f6c6c                    ..Hello\n",
    ],
    "dump-bits": [
        "00000000: 10000001 00000101 01001000 01100101 01101100 01101100  ..Hell\n"
        "00000006: 01101111                                               o\n",
    ],
    "dump-characters": [
        "0000000 201 005   H   e   l   l   o\n0000007\n",
        "000000 201 005   H   e   l   l   o\n000007\n",
        " 201 005   H   e   l   l   o\n",  # od -An -c
        "0000000 201 005   H   e   l   l   o\n         81  05  48  65  6c  6c  6f\n0000007\n",
        "0000000 201 005   H   e   l   l   o" + " " * 36 + "\n0000007\n",  # hexdump -c
    ],
    "dump-decimal": [
        "0x55555555a2a0:\t129\t5\t72\t101\t108\t108\t111\n",  # x/7ub of gdb
        "0x5580 <frame>:\t-127\t5\t72\t101\n0x5584 <frame+4>:\t108\t108\t111\n",
        "0000000 129   5  72 101 108 108 111\n0000007\n",
        "0000000 -127    5   72  101  108  108  111\n0000007\n",
        "0000000 129   5  72 101 108 108 111\n        201 005   H   e   l   l   o\n0000007\n",
    ],
    "dump-octal": ["0000000 201 005 110 145 154 154 157\n0000007\n"],
    "columns": [
        "81 05 48 65 6c 6c 6f   ..Hello",
        "81 05 48 65 6c 6c 6f | ..Hello",
        "81 05 48 65 6c 6c 6f [..Hello]",
    ],
    "buffer": [
        "<Buffer 81 05 48 65 6c 6c 6f>",
        "{ data: <Buffer 81 05 48 65 6c 6c 6f> }",
        "ArrayBuffer { [Uint8Contents]: <81 05 48 65 6c 6c 6f>, byteLength: 7 }",
        "<Buffer 81 05> <Buffer 48 65 6c 6c 6f>",
        "&lt;Buffer 81 05 48 65 6c 6c 6f&gt;",
    ],
    "json": [
        '{"type":"Buffer","data":[129,5]}\n{"type":"Buffer","data":[72,101,108,108,111]}\n',
        '{"type":"Buffer","data":[129,5,72,101,108,108,111]}',
        '{"0":129,"1":5,"2":72,"3":101,"4":108,"5":108,"6":111}',
    ],
    "data": [
        "{length = 7, bytes = 0x81054865 6c6c6f}",
        "[hex=810548656c6c6f]",
        "[size=7 hex=810548656c6c6f]",
        "ByteVector(7 bytes, 0x810548656c6c6f)",
    ],
    "indexed": [
        "Array\n(\n    [0] => 81\n    [1] => 05\n    [2] => 48\n    [3] => 65\n    [4] => 6c\n"
        "    [5] => 6c\n    [6] => 6f\n)\n",  # str_split(bin2hex($data), 2) of PHP
        'array(4) {\n  [0]=>\n  string(4) "8105"\n  [1]=>\n  string(4) "4865"\n  [2]=>\n'
        '  string(4) "6c6c"\n  [3]=>\n  string(2) "6f"\n}\n',
        "Array\n(\n    [1] => 810548656c6c6f\n)\n",  # unpack("H*", $data)
        "[(0, 129), (1, 5), (2, 72), (3, 101), (4, 108), (5, 108), (6, 111)]",  # enumerate
        "Uint8Array(7)\n0: 129\n1: 5\n2: 72\n3: 101\n4: 108\n5: 108\n6: 111\n"
        "buffer: ArrayBuffer(7)\nbyteLength: 7\nbyteOffset: 0\nlength: 7\n"
        'Symbol(Symbol.toStringTag): "Uint8Array"\n'
        "[[Prototype]]: TypedArray\n",  # Chrome
        "Uint8Array(7) [ 129, 5, 72, 101, 108, 108, 111 ]\n\u200b0: 129\n\u200b1: 5\n\u200b2: 72\n"
        "\u200b3: 101\n\u200b4: 108\n\u200b5: 108\n\u200b6: 111\n"
        "\u200bbuffer: ArrayBuffer { byteLength: 7 }\n\u200blength: 7\n"
        "\u200b<prototype>: Uint8ArrayPrototype { \u2026 }\n",  # Firefox
        "array (\n  0 => 129,\n  1 => 5,\n  2 => 72,\n  3 => 101,\n  4 => 108,\n  5 => 108,\n"
        "  6 => 111,\n)",  # var_export of PHP
        "array:7 [\n  0 => 129\n  1 => 5\n  2 => 72\n  3 => 101\n  4 => 108\n  5 => 108\n"
        "  6 => 111\n]",  # dd of Laravel
        "(uint8_t [7]) buf = {\n  [0] = 129\n  [1] = 5\n  [2] = 72\n  [3] = 101\n  [4] = 108\n"
        "  [5] = 108\n  [6] = 111\n}",  # lldb
        "{byte[0x00000007]}\n    [0x00000000]: 0x81\n    [0x00000001]: 0x05\n"
        "    [0x00000002]: 0x48\n    [0x00000003]: 0x65\n    [0x00000004]: 0x6c\n"
        "    [0x00000005]: 0x6c\n    [0x00000006]: 0x6f",  # Visual Studio in hex
        "f[0] = 0x81;\nf[1] = 5;\nf[2] = 'H';\nf[3] = 'e';\nf[4] = 'l';\nf[5] = 'l';\nf[6]='o';\n",
        "0: 129\n1: 5\n2: 72\n3: 101\n4: 108\n5: 108\n6: 111\n",
        "Array\n(\n    [0] => 129\n    [1] => 5\n    [2] => 72\n    [3] => 101\n    [4] => 108\n"
        "    [5] => 108\n    [6] => 111\n)\n",
        "[0]\t129\tbyte\n[1]\t5\tbyte\n[2]\t72\tbyte\n[3]\t101\tbyte\n[4]\t108\tbyte\n"
        "[5]\t108\tbyte\n[6]\t111\tbyte\n",  # the debugger of Visual Studio
        "0 = -127\n1 = 5\n2 = 72\n3 = 101\n4 = 108\n5 = 108\n6 = 111\n",  # of IntelliJ
        "\u25bf 7 bytes\n  - 0 : 129\n  - 1 : 5\n  - 2 : 72\n  - 3 : 101\n  - 4 : 108\n"
        "  - 5 : 108\n  - 6 : 111\n",  # dump of Swift
        "{ '0': 129, '1': 5, '2': 72, '3': 101, '4': 108, '5': 108, '6': 111 }",
        "array(7) {\n  [1]=>\n  int(129)\n  [2]=>\n  int(5)\n  [3]=>\n  int(72)\n  [4]=>\n"
        "  int(101)\n  [5]=>\n  int(108)\n  [6]=>\n  int(108)\n  [7]=>\n  int(111)\n}\n",
    ],
    "jetty": [
        r"HeapByteBuffer@57c7ba72[p=0,l=7,c=4096,r=7]={<<<\x81\x05Hello>>>\x00\x00...\x00\x00}",
    ],
    "haskell": [
        r'"\129\ENQHello"',
        r'"\129\ENQ\&Hello"',
        r'recv: "\x81\ENQHel" "lo"',
    ],
    "erlang": [
        '<<129, 5>> <> "Hello"',
        '<<129>> <> <<5>> <> "He" <> "llo"',
        "<<129,5,72,101,108,108,111>>",
        '<<129,5,"Hello">>',
        "<<16#81, 16#05, 16#48, 16#65, 16#6c, 16#6C, 16#6f>>.",
        "<<0x81, 0x05, 72, 101, 108, 108, 111>>",
        '[<<129,5>>,<<"Hello">>]',
        '[[<<129>>, <<5:8>>],\n <<"Hello">>]',
        '<<1:1, 0:3, 1:4, 0:1, 5:7, "Hello"/utf8>>',
        "<<33029:16, 72, 101, 108, 108, 111>>",  # 33029 is 0x8105
        "** Reason for termination = \n** {{badmatch,<<129,5,72,101,\n          108,108,111>>},\n",
    ],
    "string": [
        '"\\x81\\x05\\x48\\x65" \\\n"\\x6c\\x6c\\x6f"',  # Wireshark, as Escaped String
        r"b'\x81\x05Hello'",
        r'b"\x81\x05Hello"',
        r"bytearray(b'\x81\x05Hello')",
        r'"\x81\005Hello"',
        r'"\u0081\u0005Hello"',
        r"'\x81\x05Hello'",
        r"\x81\x05Hello",
        r'char frame[] = "\x81\x05" "Hello";',
        r"\201\005Hello",
        "\u201c\\x81\\x05Hello\u201d",
        "b\u2019\\x81\\x05Hello\u2019",
        "b&#39;\\x81\\x05Hello&#39;",
    ],
    "hex-escapes": [r"\81\05Hello", r'"\81\05\48ello"'],
    "terms": [
        "chr(129) . chr(5) . 'Hello'",
        '$frame = chr(0x81) . chr(5) . "H\\x65llo";',
        'Dim s As String = Chr(&H81) & Chr(5) & "Hello"',
        "#$81#$05'Hello'",
        "s := #129#5'Hello';",
        'String.fromCharCode(129) + String.fromCharCode(5) + "Hello"',
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
        "#u8(129 5 72 101 108 108 111)",  # Scheme
        "[7]uint8{0x81, 0x5, 0x48, 0x65, 0x6c, 0x6c, 0x6f}",
        "(7) [129, 5, 72, 101, 108, 108, 111]",  # Chrome
        "\u25b6Uint8Array(7) [129, 5, 72, 101, 108, 108, 111]",
        "@[129'u8, 5, 72, 101, 108, 108, 111]",  # Nim
        "[129, 5, 72, 101, 108, 108, 111] (7)",  # Safari
        "Dim Data() As Byte = {&H81, &H5, &H48, &H65, &H6C, &H6C, &H6F}",
        "const Data: array[0..6] of Byte = (\n\t$81, $05, $48, $65, $6C, $6C, $6F\n);",
        "ByteString(-127, 5, 72, 101, 108, 108, 111)",  # Akka
        "array('B', [129, 5, 72, 101, 108, 108, 111])",
        "Uint8Array(7) [129, 5, 72, 101, 108, 108, 111, buffer: ArrayBuffer(7), byteLength: 7, "
        "byteOffset: 0, length: 7, Symbol(Symbol.toStringTag): 'Uint8Array']",
    ],
    "percent": ["%81%05Hello", "%81%05%48%65%6c%6c%6f"],
    "bits": [
        "[10000001 101 1001000 1100101 1101100 1101100 1101111]",  # %b of Go
        "['0b10000001', '0b101', '0b1001000', '0b1100101', '0b1101100', '0b1101100', '0b1101111']",
        "10000001 101 1001000 1100101 1101100 1101100 1101111",  # print(byte, BIN) of Arduino
        "frame: 10000001 00000101 01001000 01100101 01101100 01101100 01101111",
        "10000001 // FIN text\n00000101 // 5 bytes\n"
        "01001000 01100101 01101100 01101100 01101111 // Hello\n",
        "['10000001', '00000101', '01001000', '01100101', '01101100', '01101100', '01101111']",
        "10000001 00000101 01001000 01100101 01101100 01101100 01101111",
        "1000 0001 0000 0101 0100 1000 0110 0101 0110 1100 0110 1100 0110 1111",
        "10000001000001010100100001100101011011000110110001101111",
        "1 000 0001 0 0000101 01001000 01100101 01101100 01101100 01101111",
        "1000000100000101 01001000\n0110010101101100 01101100 01101111",
        "0b10000001 0b00000101 0b01001000 0b01100101 0b01101100 0b01101100 0b01101111",
    ],
    "octal": [
        "201 005 110 145 154 154 157",
        "[0o201, 0o5, 0o110, 0o145, 0o154, 0o154, 0o157]",
    ],
    "decimal": [
        "129 5 72 101 108 108 111",
        "129, 5, 72, 101, 108, 108, 111",
        "-127 5 72 101 108 108 111",
        "Received: 129 5 72 101 108 108 111",
        "data = 129, 5, 72, 101, 108, 108, 111",
        "129 5 72 101 108 108 111 (Hello)",
        "129 # FIN and text\n5 # the length\n72 101 108 108 111 # Hello\n",
        "129 // FIN and text\n5 // the length\n72 101 108 108 111 // Hello\n",
        "129|5|72|101|108|108|111",
        "129:5:72:101:108:108:111",
        "129-5-72-101-108-108-111",
        "129.5.72.101.108.108.111",
        '"129,5,72,101,108,108,111"',
        "['129', '5', '72', '101', '108', '108', '111']",
        "129\n5\n72\n101\n108\n108\n111\n",
    ],
    "base64": [
        "gQVIZWxsbw==",
        "gQVIZWxsbw",
        '"gQVIZWxsbw=="',
        "gQVIZW\nxsbw==\n",
        'atob("gQVIZWxsbw==")',
        "data:application/octet-stream;base64,gQVIZWxsbw==",
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
    elsewhere = {
        "log",
        "devtools",
        "head",
        "curl",
        "arduino",
        "curl-trace",
        "packets",
        "stream",
        "yaml",
        "json-values",
        "copied-curl",
        "net-export",
    }
    assert {form.name for form in FORMS} == OF_HELLO.keys() | elsewhere


def test_no_name_belongs_to_two_forms():
    assert len(NAMES) == sum(len(form.names) for form in FORMS)


# Dumps of several lines, as their tools print them

OF_FRAGMENTS = [
    "0000   02 05 48 65 6c 6c 6f 80 07 20 74 68 65 72 65 21   ..Hello.. there!",
    "0000   02 05 48 65 6c 6c 6f 80  07 20 74 68 65 72 65 21   ..Hello. . there!",
    "0000   02 05 48 65 6c 6c 6f 80\n0008   07 20 74 68 65 72 65 21\n",
    "00000000: 0205 4865 6c6c 6f80  ..Hello.\n00000008: 0720 7468 6572 6521  . there!\n",
    "00000000  02 05 48 65 6c 6c 6f 80  07 20 74 68 65 72 65 21  |..Hello.. there!|\n00000010\n",
    "00000000  02 05 48 65 6c 6c 6f 80  07 20 74 68 65 72 65 21  ..Hello. . there!\n",
    "0000000 02 05 48 65 6c 6c 6f 80 07 20 74 68 65 72 65 21\n0000020\n",
    "|00000000| 02 05 48 65 6c 6c 6f 80 07 20 74 68 65 72 65 21 |..Hello.. there!|\n",
    "0x7fff0000:\t0x02\t0x05\t0x48\t0x65\t0x6c\t0x6c\t0x6f\t0x80\n"
    "0x7fff0008:\t0x07\t0x20\t0x74\t0x68\t0x65\t0x72\t0x65\t0x21\n",
    "02 05 48 65 6c 6c 6f 80  ..Hello.\n07 20 74 68 65 72 65 21  . there!\n",
]

OF_LONG = [
    "00000000: 0205 4865 6c6c 6f80 0720 7468 6572 6521  ..Hello.. there!\n"
    "00000010: 0000 0000 0000 0000 0000 0000 0000 0000  ................\n*\n"
    "00000040: 8105 4865 6c6c 6f                        ..Hello\n",
    "00000000  02 05 48 65 6c 6c 6f 80  07 20 74 68 65 72 65 21  |..Hello.. there!|\n"
    "00000010  00 00 00 00 00 00 00 00  00 00 00 00 00 00 00 00  |................|\n*\n"
    "00000040  81 05 48 65 6c 6c 6f                              |..Hello|\n00000047\n",
    "0000000 0502 6548 6c6c 806f 2007 6874 7265 2165\n"
    "0000010 0000 0000 0000 0000 0000 0000 0000 0000\n*\n"
    "0000040 0581 6548 6c6c 006f                    \n0000047\n",
    "0000000 02 05 48 65 6c 6c 6f 80 07 20 74 68 65 72 65 21\n"
    "0000020 00 00 00 00 00 00 00 00 00 00 00 00 00 00 00 00\n*\n"
    "0000100 81 05 48 65 6c 6c 6f\n0000107\n",
    "0000000 02 05 48 65 6c 6c 6f 80 07 20 74 68 65 72 65 21\n"
    "0000016 00 00 00 00 00 00 00 00 00 00 00 00 00 00 00 00\n*\n"
    "0000064 81 05 48 65 6c 6c 6f\n0000071\n",
    "0000000 002402 062510 066154 100157 020007 064164 071145 020545\n"
    "0000020 000000 000000 000000 000000 000000 000000 000000 000000\n*\n"
    "0000100 002601 062510 066154 000157\n0000107\n",
    "00000000: 65480502 806f6c6c 68742007 21657265  ..Hello.. there!\n"
    "00000010: 00000000 00000000 00000000 00000000  ................\n"
    "00000020: 00000000 00000000 00000000 00000000  ................\n"
    "00000030: 00000000 00000000 00000000 00000000  ................\n"
    "00000040: 65480581   6f6c6c                    ..Hello\n",
]


@pytest.mark.parametrize("text", OF_FRAGMENTS)
def test_a_dump_is_held_to_its_offsets_and_its_characters(text):
    assert read(text).data == FRAGMENTS


@pytest.mark.parametrize("text", OF_LONG)
def test_lines_that_a_dump_leaves_out_are_put_back(text):
    assert read(text).data == LONG


@pytest.mark.parametrize(
    "text",
    [
        "0x7fffffffe0d0:\t0x65480581\t0x006f6c6c\n",  # x/2xw of gdb
        "0x7fffffffe0d0:\t0x0581\t0x6548\t0x6c6c\t0x006f\n",  # x/4xh
        "0x7fffffffe0d0:\t0x006f6c6c65480581\n",  # x/1xg
    ],
)
def test_the_words_of_gdb_are_swapped_back(text):
    pasted = read(text)
    assert (pasted.form, pasted.data) == ("dump-words", HELLO + b"\0")
    assert any("x/16xb prints them in order" in note for note in pasted.notes)


@pytest.mark.parametrize(
    ("text", "tool"),
    [
        ("0000   02 05 48   ..H\n0003   65 6c   el\n", "Wireshark hex dump, 2 lines"),
        ("00000000: 8105 4865 6c6c 6f  ..Hello", "xxd hex dump, 1 line"),
        ("00000000  81 05 48  |..H|\n00000003\n", "hexdump -C, 1 line"),
        ("\t0x0000:  8105 4865  ..He", "tcpdump hex dump, 1 line"),
        ("|00000000| 81 05 48 |..H             |", "Netty hex dump, 1 line"),
        ("0000000 81 05 48\n0000003\n", "od hex dump, 1 line"),
        ("0x7fff0000:\t0x81\t0x05", "memory dump, 1 line"),
    ],
)
def test_the_tool_is_named_with_the_number_of_lines(text, tool):
    assert read(text).description == tool


def test_characters_that_look_like_hex_are_no_bytes():
    assert read("0000   81 04 61 62 31 32   ..ab12").data == b"\x81\x04ab12"
    assert read("0000   61 62   ab").data == b"ab"
    assert read("61 62   ab").data == b"ab"
    assert read("00000000: 6162  ab").data == b"ab"


def test_spaces_that_a_page_has_put_together_are_no_mistake():
    assert read("0000   81 04 61 20 20 62   ..a b").data == b"\x81\x04a  b"
    assert read("0000   81 04 3c 26 62 62   ..&lt;&amp;bb").data == b"\x81\x04<&bb"


@pytest.mark.parametrize(
    "payload", [b"READ: 7B", b"a IP b > c", b"Label: x", b"---", b"x (5 bytes):"]
)
def test_characters_that_look_like_another_line_are_part_of_the_dump(payload):
    data = bytes([0x81, len(payload)]) + payload
    for text in (
        f"00000000  {data.hex(' ')}  |..{payload.decode()}|\n",
        f"00000000: {data.hex(' ', -2)}  ..{payload.decode()}\n",
        f"|00000000| {data.hex(' ')} |..{payload.decode()}|\n",
    ):
        assert read(text).data == data


def test_a_character_of_c_is_no_comment():
    assert read("char a[] = {0x81, 0x03, 'a', '#',\n'b'};  // 3 of them").data == b"\x81\x03a#b"
    assert read("[0x81, 0x02, '/', '/']").data == b"\x81\x02//"


def test_offsets_may_be_bytes_and_that_is_said():
    pasted = read("0000 02 05 48 65 6c 6c 6f")
    assert pasted.data == FRAGMENTS[:7]
    assert pasted.notes == ("it can also be read as hex, 9 bytes: --form hex",)
    assert read("0000 02 05 48 65 6c 6c 6f", "hex").data == bytes(2) + FRAGMENTS[:7]


def test_signs_that_are_not_ascii_may_be_in_the_column():
    assert read("00000000   81 05 48 65 6C 6C 6F    \ufffd\u2022Hello").data == HELLO


# What TCP carries

PACKETS = """\
12:00:00.000000 IP 127.0.0.1.56580 > 127.0.0.1.18993: Flags [P.], seq 1:12, ack 1, length 11
\t0x0000:  4500 0033 0000 4000 4006 3cc3 7f00 0001  E..3..@.@.<.....
\t0x0010:  7f00 0001 dd04 4a31 000f 42f5 800f 42c5  ......J1..B...B.
\t0x0020:  5018 ffff 8792 0000 8185 37fa 213d 7f9f  P.........7.!=..
\t0x0030:  4d51 58                                  MQX
12:00:00.000100 IP 127.0.0.1.18993 > 127.0.0.1.56580: Flags [.], ack 12, length 0
\t0x0000:  4500 0028 0000 4000 4006 3cce 7f00 0001  E..(..@.@.<.....
\t0x0010:  7f00 0001 4a31 dd04 800f 42c5 000f 4300  ....J1....B...C.
\t0x0020:  5010 ffff bfc7 0000                      P.......
12:00:00.000200 IP 127.0.0.1.18993 > 127.0.0.1.56580: Flags [P.], seq 1:8, ack 12, length 7
\t0x0000:  4500 002f 0000 4000 4006 3cc7 7f00 0001  E../..@.@.<.....
\t0x0010:  7f00 0001 4a31 dd04 800f 42c5 000f 4300  ....J1....B...C.
\t0x0020:  5018 ffff bfc7 0000 8105 4865 6c6c 6f    P.........Hello
"""

MASKED = bytes.fromhex("81 85 37 fa 21 3d 7f 9f 4d 51 58")


def test_packets_are_taken_apart_and_their_senders_found():
    pasted = read(PACKETS)
    assert [(chunk.data, chunk.sender) for chunk in pasted.chunks] == [
        (MASKED, Side.CLIENT),
        (HELLO, Side.SERVER),
    ]
    assert pasted.notes[:2] == (
        "120 bytes of headers of IP and TCP are left out",
        "the first of two speakers is the client: it sends the masked frames",
    )
    assert len(read(PACKETS, "dump").data) == 51 + 40 + 47


def test_what_tcpdump_says_around_the_packets_is_left_out():
    lines = PACKETS.splitlines(keepends=True)
    verbose = (
        "12:00:00.0 lo    In  IP (tos 0x0, ttl 64, id 0, offset 0, flags [DF], proto TCP (6), "
        "length 51)\n    127.0.0.1.56580 > 127.0.0.1.18993: Flags [P.], cksum 0xfe23 (correct)\n"
    )
    text = (
        "tcpdump: listening on lo, link-type EN10MB (Ethernet), snapshot length 262144 bytes\n"
        f"{verbose}{''.join(lines[1:5])}^C\n1 packet captured\n2 packets received by filter\n"
        "0 packets dropped by kernel\n"
    )
    assert read(text).data == MASKED


def test_what_tshark_says_of_a_packet_before_its_bytes_is_left_out():
    dump = "".join(
        line.replace("\t0x", "").replace(":  ", "  ", 1) for line in PACKETS.splitlines(True)[1:5]
    )
    said = "Frame 8: 51 bytes on wire\n    0100 .... = Version: 4\nWebSocket\n    1... .... = Fin\n"
    assert read(f"{said}\n{spread(dump)}").data == MASKED


def spread(dump):
    """A dump in pairs of digits, as tshark prints it."""
    return re.sub(r"(?<= )([0-9a-f]{2})([0-9a-f]{2})(?= )", r"\1 \2", dump)


def test_a_line_of_a_dump_with_a_word_of_netty_in_its_column_is_not_left_out():
    text = (
        "00000000  82 16 41 42 43 44 45 46  47 48 49 4a 4b 4c 4d 4e  |..ABCDEFGHIJKLMN|\n"
        "z0000010  52 45 41 44 20 37 42 2e                           |READ 7B.|\n00000018\n"
    )
    with pytest.raises(BadPaste, match="line 2: 'z0000010"):
        read(text)


def test_lines_of_segments_and_offsets_are_a_dump_if_they_rise():
    text = (
        "0B3F:0100  82 0E 41 42 43 44 45 46-47 48 49 4A 4B 4C 4D 4E   ..ABCDEFGHIJKLMN\n"
        "0B3F:0110  81 05 48 65 6C 6C 6F                              ..Hello\n"
    )
    assert read(text).data == b"\x82\x0eABCDEFGHIJKLMN" + HELLO


def test_a_packet_sent_again_is_taken_once():
    pasted = read(PACKETS + PACKETS)
    assert pasted.data == MASKED + HELLO
    assert "what was sent again is left out" in pasted.notes


def test_a_packet_of_which_a_part_was_captured_is_cut_off():
    lines = PACKETS.splitlines(keepends=True)
    pasted = read("".join(lines[:4]))
    assert (pasted.data, pasted.cut_off) == (MASKED[:8], "3 bytes of packets are not in the text")


@pytest.mark.parametrize(
    "link",
    [
        bytes(12) + b"\x08\x00",  # Ethernet
        b"\x02\0\0\0",  # loopback of BSD
        bytes(14) + b"\x08\x00",  # Linux cooked
    ],
)
def test_link_headers_before_ip_are_left_out(link):
    ip = bytes.fromhex(
        "4500002f000040004006 3cc77f0000017f000001 4a31dd04800f42c5000f430050180000bfc70000"
    )
    packet = link + ip + HELLO
    lines = [f"{at:04x}   {packet[at : at + 16].hex(' ')}\n" for at in range(0, len(packet), 16)]
    assert read("".join(lines)).data == HELLO


def test_a_dump_that_is_too_short_for_a_packet_is_a_dump():
    assert read("0000  45 00 00 2f 00 00 40 00 40 06 3c c7 7f 00 00 01").form == "dump"
    header = "0000  45 00 00 1e 00 00 40 00 40 06 3c c7 7f 00 00 01\n0010  7f 00 00 01 4a 31 dd 04"
    assert read(header).form == "dump"


def test_a_packet_of_ipv6_is_taken_apart():
    ip = bytes.fromhex("60000000 001b0640") + bytes(32)
    tcp = bytes.fromhex("4a31dd04800f42c5000f430050180000bfc70000")
    packet = ip + tcp + HELLO
    lines = [f"{at:04x}   {packet[at : at + 16].hex(' ')}\n" for at in range(0, len(packet), 16)]
    assert read("".join(lines)).data == HELLO


def test_what_wireshark_made_of_a_packet_is_left_out():
    pasted = read(
        "Frame (11 bytes):\n"
        "0000  81 85 37 fa 21 3d 7f 9f 4d 51 58                  ..7.!=..MQX\n"
        "Unmasked data (5 bytes):\n"
        "0000  48 65 6c 6c 6f                                    Hello\n"
    )
    assert pasted.data == MASKED
    assert "left out, because it was not sent so: 'Unmasked data'" in pasted.notes


# Two directions


@pytest.mark.parametrize(
    "text",
    [
        # Wireshark, Follow TCP Stream
        "===================================================================\n"
        "Follow: tcp,hex\nFilter: tcp.stream eq 0\nNode 0: 127.0.0.1:56580\n"
        "Node 1: 127.0.0.1:18993\n"
        "00000000  81 85 37 fa 21 3d 7f 9f  4d 51 58                 ..7.!=.. MQX\n"
        "    00000000  81 05 48 65 6c 6c 6f                              ..Hello\n"
        "===================================================================\n",
        "818537fa213d7f9f4d5158\n\t810548656c6c6f\n",
        "peers:\n  - peer: 0\n    host: 127.0.0.1\npackets:\n"
        "  - packet: 4\n    peer: 0\n    data: !!binary |\n      gYU3+iE9f59NUVg=\n"
        "  - packet: 6\n    peer: 1\n    data: !!binary |\n      gQVIZWxsbw==\n",
        "char peer0_0[] = { /* Packet 4 */\n0x81, 0x85, 0x37, 0xfa, 0x21, 0x3d, 0x7f, 0x9f, \n"
        "0x4d, 0x51, 0x58 };\nchar peer1_0[] = { /* Packet 6 */\n"
        "0x81, 0x05, 0x48, 0x65, 0x6c, 0x6c, 0x6f };\n",
        # openssl s_client -debug
        "write to 0x5581 [0x5582] (11 bytes => 11 (0xB))\n"
        "0000 - 81 85 37 fa 21 3d 7f 9f-4d 51 58                  ..7.!=..MQX\n"
        "read from 0x5581 [0x5582] (7 bytes => 7 (0x7))\n"
        "0000 - 81 05 48 65 6c 6c 6f                              ..Hello\n",
        # -Djavax.net.debug=all
        "Plaintext before ENCRYPTION (\n"
        "  0000: 81 85 37 FA 21 3D 7F 9F   4D 51 58                 ..7.!=..MQX\n)\n"
        "Plaintext after DECRYPTION (\n"
        "  0000: 81 05 48 65 6C 6C 6F                               ..Hello\n)\n",
        # tcpflow -D
        "127.000.000.001.50000-127.000.000.001.08080: \n"
        "0000: 8185 37fa 213d 7f9f 4d51 58                ..7.!=..MQX\n"
        "127.000.000.001.08080-127.000.000.001.50000: \n"
        "0000: 8105 4865 6c6c 6f                          ..Hello\n",
        # the log of Netty
        "[id: 0x1, L:/127.0.0.1:1 - R:/127.0.0.1:2] WRITE: 11B\n"
        "|00000000| 81 85 37 fa 21 3d 7f 9f 4d 51 58                |..7.!=..MQX     |\n"
        "[id: 0x1, L:/127.0.0.1:1 - R:/127.0.0.1:2] READ: 7B\n"
        "|00000000| 81 05 48 65 6c 6c 6f                            |..Hello         |\n",
        # strace of a client, and of a server
        r'write(3, "\201\2057\372!=\177\237MQX", 11) = 11' + "\n"
        r'read(3, "\201\5Hello", 4096) = 7',
        r'recvfrom(4, "\201\2057\372!=\177\237MQX", 4096, 0, NULL, NULL) = 11' + "\n"
        r'sendto(4, "\201\5Hello", 7, 0, NULL, 0) = 7',
        r"++Sent raw: b'\x81\x857\xfa!=\x7f\x9fMQX'" + "\n++Sent decoded: fin=1 opcode=1\n"
        r"++Rcv raw: b'\x81\x05Hello'",
        "=> Send data, 11 bytes (0xb)\n0000: 81 85 37 fa 21 3d 7f 9f 4d 51 58"
        "                ..7.!=..MQX\n"
        "<= Recv data, 7 bytes (0x7)\n0000: 81 05 48 65 6c 6c 6f                            "
        "..Hello\n",
    ],
)
def test_two_directions_are_told_apart(text):
    assert [(chunk.data, chunk.sender) for chunk in read(text).chunks] == [
        (MASKED, Side.CLIENT),
        (HELLO, Side.SERVER),
    ]


def test_two_speakers_of_which_none_shows_frames_are_taken_in_order():
    pasted = read("7a7a\n\t7a7b\n")
    assert [chunk.sender for chunk in pasted.chunks] == [Side.CLIENT, Side.SERVER]
    assert pasted.notes == ("the first of two speakers is taken for the client: nothing shows it",)


def test_a_server_that_speaks_first_is_the_first_speaker():
    pasted = read("810548656c6c6f\n\t818537fa213d7f9f4d5158\n")
    assert [chunk.sender for chunk in pasted.chunks] == [Side.SERVER, Side.CLIENT]
    assert "the second of two speakers is the client" in pasted.notes[0]


# Heads

REQUEST = """\
GET /chat HTTP/1.1
Host: example.com
Upgrade: websocket
Connection: Upgrade
Sec-WebSocket-Key: dGhlIHNhbXBsZSBub25jZQ==
Sec-WebSocket-Version: 13

"""
RESPONSE = """\
HTTP/1.1 101 Switching Protocols
Upgrade: websocket
Connection: Upgrade
Sec-WebSocket-Accept: s3pPLMBiTxaQ9kYGzzhZRbK+xOo=

"""
BOTH = [(REQUEST, Side.CLIENT), (RESPONSE, Side.SERVER)]


def lines_after(mark, text):
    return "".join(f"{mark} {line}\r\n" for line in text.splitlines())


HEADS = [
    REQUEST + RESPONSE,
    (REQUEST + RESPONSE).replace("\n", "\r\n"),
    REQUEST + "\n\n" + RESPONSE.rstrip("\n"),
    REQUEST.rstrip("\n") + "\n" + RESPONSE,
    "\n    " + (REQUEST + RESPONSE).replace("\n", "\n    "),
    "*   Trying 127.0.0.1:18993...\n* Connected to 127.0.0.1\n"
    + lines_after(">", REQUEST)
    + lines_after("<", RESPONSE)
    + "{ [7 bytes data]\n",
    "--- request header ---\n"
    + REQUEST
    + "\n-----------------------\n--- response header ---\n"
    + RESPONSE
    + "-----------------------\n",
    "[WS-Client][sendHeader] sending header...\n[WS-Client][sendHeader] handshake "
    + REQUEST
    + "\n[write] n: 236 t: 135556\n"
    + "".join(f"[WS-Client][handleHeader] RX: {line}\n" for line in RESPONSE.splitlines() if line)
    + "[WS-Client][handleHeader] Header read fin.\n",
    "".join(f"DEBUG:websockets.client:> {line}\n" for line in REQUEST.splitlines() if line)
    + "".join(f"DEBUG:websockets.client:< {line}\n" for line in RESPONSE.splitlines() if line)
    + "DEBUG:websockets.client:< TEXT 'Hello' [5 bytes]\n",
]


@pytest.mark.parametrize("text", HEADS)
def test_heads_are_read_with_the_line_ends_of_the_wire(text):
    assert [(chunk.data, chunk.sender) for chunk in read(text).chunks] == [
        (head.replace("\n", "\r\n").encode(), sender) for head, sender in BOTH
    ]


@pytest.mark.parametrize("text", ["[TRACE] Request: {}", "{}", "{}\n"])
def test_a_head_may_be_a_literal(text):
    head = REQUEST.replace("\n", "\r\n")
    quoted = '"' + head.replace("\r\n", r"\r\n") + '"'
    assert read(text.format(quoted)).data == head.encode()
    assert read(quoted.strip('"')).data == head.encode()


def test_lf_of_pasting_is_said_and_a_whole_text_with_cr_lf_is_left_alone():
    (note,) = read(REQUEST).notes
    assert "pasting" in note and "RFC 9112 §2.2" in note and "--form raw" in note
    assert read(REQUEST.replace("\n", "\r\n")).notes == ()
    mixed = REQUEST.replace("\n", "\r\n", 1)
    assert read(mixed).data == mixed.encode()


def test_the_last_line_of_a_head_is_put_back_and_that_is_said():
    assert read(REQUEST.rstrip()).data == REQUEST.replace("\n", "\r\n").encode()
    assert "an empty line is added" in read(REQUEST.rstrip()).notes[1]


def test_a_response_that_is_given_first_comes_after_its_request():
    pasted = read(RESPONSE + REQUEST)
    assert [chunk.sender for chunk in pasted.chunks] == [Side.CLIENT, Side.SERVER]
    assert "the request is taken first, because it was sent first" in pasted.notes


def test_header_lines_alone_lack_their_first_line():
    with pytest.raises(BadPaste, match=r"'Host: example.com' is no request line .* GET / HTTP/1.1"):
        read("\n".join(REQUEST.splitlines()[1:]))


def test_the_body_of_a_response_follows_its_head():
    text = "HTTP/1.1 400 Bad Request\n\nno key\n"
    assert read(text).data == b"HTTP/1.1 400 Bad Request\r\n\r\nno key\n"


def test_lines_of_a_log_that_are_no_heads_are_counted():
    text = lines_after(">", REQUEST) + lines_after("<", RESPONSE) + "Hello\nWorld\n"
    assert read(text).notes == ("2 other lines not read: only the heads",)


TRACE_ASCII = """\
== Info: Connected to 127.0.0.1 (127.0.0.1) port 18993 (#0)
=> Send header, 41 bytes (0x29)
0000: GET /hello HTTP/1.1
0015: Host: 127.0.0.1:80
0029:
<= Recv header, 34 bytes (0x22)
0000: HTTP/1.1 101 Switching Protocols
<= Recv header, 2 bytes (0x2)
0000:
<= Recv data, 7 bytes (0x7)
0000: ..Hello
"""


def test_trace_ascii_has_heads_only():
    text = TRACE_ASCII.replace("0029:\n", "0027: \n").replace("0000:\n", "0000: \n")
    text = text.replace("41 bytes (0x29)", "43 bytes (0x2b)").replace("0027", "0029")
    pasted = read(text)
    assert pasted.data == (
        b"GET /hello HTTP/1.1\r\nHost: 127.0.0.1:80\r\n\r\nHTTP/1.1 101 Switching Protocols\r\n\r\n"
    )
    assert pasted.cut_off == (
        "line 11 and after: --trace-ascii prints only characters, use --trace"
    )


# What is cut off, and what is around


@pytest.mark.parametrize(
    ("text", "missing"),
    [
        ("<Buffer 81 05 48 65 6c 6c 6f ... 78 more bytes>", "the text leaves out 78 more bytes"),
        ("Uint8Array(200) [\n  129, 5, 72, 101, 108, 108, 111,\n  ... 100 more items\n]", "100"),
        ("Uint8Array(9) [129, 5, 72, 101, 108, 108, 111]", "says 9 numbers, and has 7"),
        ("<<129, 5, 72, 101, 108, 108, 111, ...>>", "ends in ..."),
        ("81 05 48 65 6c 6c 6f ...", "ends in ..."),
        ("81 05 48 65 6c 6c 6f [truncated]", "ends in [truncated]"),
        ("81 05 48 65 6c 6c 6f ... (78 bytes more)", "leaves out 78 bytes"),
        ("81 05 48 65 6c 6c 6f [... 78 more bytes]", "leaves out 78 bytes"),
        ("{length = 40, bytes = 0x81054865 6c6c6f ... }", "leaves out 33 bytes"),
        ("[size=40 hex=810548656c6c6f…]", "leaves out 33 bytes"),
        (r'read(3, "\201\5Hello"..., 4096) = 40', "strace leaves out 33 bytes: use strace -s"),
        (r'"\201\5Hello"...', "ends in ..."),
    ],
)
def test_what_the_text_leaves_out_is_said(text, missing):
    pasted = read(text)
    assert pasted.data == HELLO and missing in pasted.cut_off


@pytest.mark.parametrize(
    ("text", "note"),
    [
        ("recv: 81 05 48 65 6c 6c 6f", "left out: 'recv'"),
        ('"810548656c6c6f"', "the quotes are left out; --form string takes"),
        ("81 5 48 65 6c 6c 6f", "a digit that is alone is a byte: 5 is 05"),
        (r"got b'\x81\x05Hello'", "what is around the quotes is not read: 'got'"),
        (r"\81\05Hello", "--form decimal-escapes"),
        ("ffffff81 5 48 65 6c 6c 6f", "ffffff81 is taken as the byte 81"),
        ("&lt;Buffer 81 05 48 65 6c 6c 6f&gt;", "tags and entities of HTML are taken as what a"),
        ("12:34:56.789 -> 81 05 48 65 6c 6c 6f", "in front of each line: '12:34:56.789 -> '"),
        ("\u201c\\x81\\x05Hello\u201d", 'the quotes of a word processor are taken as "'),
        ("[ws] <Buffer 81 05 48 65 6c 6c 6f>", "what is around it is not read: 'ws'"),
        ("0x81 0x5 0x48 0x65 0x6c 0x6c 0x6f 0x4", "the last byte has not two digits"),
        ('"\\u0081\\u0005Hello"', "U+0081 is taken as the byte 81"),
        ("gQVIZWxsbw", "the padding is missing (==)"),
        ("[-127, 5, 72, 101, 108, 108, 111]", "two's complement"),
        ("10000001 00000101 01001000 01100101 01101100 01101100 01101111", "--form hex"),
        ("201 005 110 145 154 154 157", "--form decimal"),
        (r"\129\005Hello", "--form string"),
        ("0000 81 05 48 65 6c 6c 6f", "--form hex"),
        ("0000000 0581 6548 6c6c 006f\n0000007", "the bytes are swapped back"),
    ],
)
def test_what_was_assumed_is_said(text, note):
    pasted = read(text)
    assert pasted.data in (HELLO, HELLO + b"\4")
    assert any(note in line for line in pasted.notes)


def test_a_longer_group_in_front_may_be_an_offset():
    pasted = read("0008   20")
    assert pasted.data == b"\0\x08\x20"
    assert "--form dump" in pasted.notes[0]
    assert read("0008   20", "dump").data == b"\x20"


@pytest.mark.parametrize("text", ["[5, 6] 129 5", '$f = f(0x81) . "a"', "[129, 5], 72, 101"])
def test_what_is_beside_an_array_and_may_be_bytes_is_not_left_out(text):
    with pytest.raises(BadPaste):
        read(text)


def dump_of(data, offset, row):
    return "\n".join(
        f"{offset.format(start)} {data[start : start + row].hex(' ')}"
        for start in range(0, len(data), row)
    )


def test_offsets_may_be_decimal_in_rows_of_16_bytes():
    data = bytes(range(128, 168))
    assert read(dump_of(data, "{:08}:", 16)).data == data


def test_a_row_that_is_lost_does_not_make_hex_offsets_decimal():
    rows = dump_of(bytes(range(128, 152)), "{:08x}:", 6).splitlines()
    del rows[2]
    assert [row.partition(":")[0] for row in rows] == ["00000000", "00000006", "00000012"]
    with pytest.raises(BadPaste, match="line 2: 6 bytes, and by the offset of line 3 .* 12: give"):
        read("\n".join(rows))


def test_numbers_below_100_may_be_hex_or_decimal():
    pasted = read("10 20 30")
    assert pasted.data == b"\x10\x20\x30"
    assert pasted.notes == ("it can also be read as decimal numbers: --form decimal",)


def test_a_character_that_is_not_ascii_is_its_bytes_in_utf_8():
    pasted = read(r'"\x81\x02é"')
    assert pasted.data == b"\x81\x02\xc3\xa9"
    assert pasted.notes == (r"'\xe9' is taken as its bytes in UTF-8",)
    assert read(r'"\x81\x02\u00e9"').data == pasted.data  # %q of Go


def test_a_literal_may_go_on_in_the_next_line():
    assert read('"\\x81\\\n\\x05Hello"').data == HELLO


def test_a_trace_may_end_in_a_head():
    text = "--- request header ---\n-----\n--- request header ---\n" + REQUEST
    assert read(text).data == REQUEST.replace("\n", "\r\n").encode()


def test_a_space_that_does_not_break_is_text_in_a_literal():
    assert read('"\\x81\\x02\u00a0"').data == b"\x81\x02\xc2\xa0"


def test_what_pasting_adds_is_left_out():
    dump = OF_HELLO["dump"][3]
    assert read(f"```\n{dump}\n```").data == HELLO
    assert read(f"> {dump}\n>\n").data == HELLO
    assert read(dump.replace(" ", "\u00a0")).data == HELLO
    assert read(dump.replace("81", "\x1b[31m81\x1b[0m", 1)).data == HELLO
    assert read(f"$ xxd frame.bin\n{dump}").data == HELLO


# Mistakes


@pytest.mark.parametrize(
    ("text", "words"),
    [
        ("81 05 48\n65 6g 6c", "line 2: 'g' in '6g' is no hex digit"),
        ("81 05 48\n65 6 6c", "line 2: '6' has an odd number of digits, 1: give two"),
        ("0x81, 0x05, 0x4", "line 1: '4' has an odd number of digits"),
        ("a | b | c", "line 1: 'a' has an odd number of digits, 1: give two"),
        ("0000  81 05 48 6g 6c  ..Hel", "line 1: '6g' is no byte in hex"),
        (f"0000  {'61 ' * 16}  aa", "line 1: 'aa' is no byte in hex, and no column of characters"),
        (
            "00000000: 6162 6364       6162",
            "line 1: 61 is 'a', and the column of characters has '6'",
        ),
        ("00000000: 6162 6364 65       6162", "line 1: '6162' is no byte in hex, and no column"),
        ("0000  81 05 48 65  ..H", "line 1: '..H' is no byte in hex, and no column of characters"),
        ("0000  81 05 4a 65  ..He", "line 1: 4a is 'J', and the column of characters has 'H'"),
        (
            "00000000: 8105 4865\n00000010: 6c6c 6f",
            "line 1: 4 bytes, and by the offset of line 2 it must be 16: give whole lines",
        ),
        ("0000000 81\n000000a 82", "line 1: 1 byte, and by the offset of line 2 it must be 10"),
        ("0000  81 05 48 65\n0004  6c\n0002  6c 6f", "line 3: its offset is not above"),
        ("00000000: 8105\nHello", "line 2: 'Hello' is no line of a hex dump: leave it out"),
        ("*\n00000000: 8105 4865 6c6c 6f  ..Hello", "line 1: * repeats the line before it"),
        ("00000000: 8105\n*\n00000003: 81", "line 2: * must stand for whole lines"),
        ("[129, 5,\n300]", "line 2: 300 is no byte: give numbers from 0 to 255"),
        ("[-127, 5, 200]", "line 1: 200 and -127 are in one list"),
        ("129 5 300", "line 1: 300 is no byte"),
        ("<Buffer 81 0g>", "line 1: '0g' is no byte of a Buffer: give two hex digits"),
        ("<Buffer 81 05 48", "line 1: a Buffer that is cut off: end it with >"),
        ("<Buffer 81 ... 5 more bytes>\n<Buffer 82>", "line 2: a Buffer after one that is cut off"),
        ('{"type":"Buffer","data":[129,5', "line 1: no JSON"),
        ('{"type":"Buffer","data":[129,"5"]}', "line 1: its bytes are not whole numbers"),
        ('{"type":"Buffer","data":5}', "line 1: its bytes are not whole numbers"),
        ('{"0":129,"2":5}', 'line 1: the names are not "0", "1", "2"'),
        ("0: 129\n2: 5", "line 2: index 2 after 0: give all numbers"),
        ("{length = 7, bytes = 0x8105}", "line 1: 2 bytes, and the length says 7: give all"),
        ("{length = 7, bytes = 0x810", "line 1: no whole {length = 2, bytes = 0x8105}"),
        ("<<129,\n5", "line 2: no whole binary: give it from << to >>"),
        ("<<129,,5>>", "line 1: ',5' is no segment of bytes"),
        ("<<129,\n300>>", "line 2: 300 is no byte"),
        ('<<129,"\\q">>', "line 1: the escape '\\\\q': give \\x and two hex digits"),
        ("<<2#129>>", "line 1: 2#129 is no number"),
        (r"b'\x81\xg5'", r"line 1: the escape '\\x': give \x and two hex digits"),
        ("b'\\x81", "line 1: a quote that is not closed"),
        ("b'\\x81' 'Hel", "line 1: a quote that is not closed: give the whole literal"),
        ("b'\\x81' \\x05", "line 1: an escape outside the quotes"),
        ("\\x81\\", "line 1: a backslash at the end"),
        (r"br'\x81\x05'", "line 1: a raw literal with a backslash"),
        ('"\\x81\ufffd\\x05"', "line 1: U+FFFD: the bytes were read as UTF-8 and are lost"),
        (r'"\ud800\x81"', "line 1: U+D800 has no bytes in UTF-8: give it as hex"),
        (
            r"\999",
            r"line 1: '\\999' is no octal escape: give \0 to \377, or --form decimal-escapes",
        ),
        ("%81%0g", "line 1: '%0g' is no percent escape: give % and two hex digits"),
        ("10000001 00000121", "line 1: '2' is no binary digit: give 0 and 1, 8 for each byte"),
        (
            "10000001\n0000010",
            "line 2: groups of 7 binary digits make no whole bytes: give 8 for each",
        ),
        (r'write(3, "\201\5Hello", 7) = 8', "line 1: 7 bytes, and strace says 8"),
        (r'read(3, "\201"..., 9) = 7' + "\n" + r'read(3, "\5", 9) = 1', "line 2: a call after one"),
        (
            f"=> Send data, 20 bytes (0x14)\n0000: {'48 ' * 16}{'H' * 16}\n0010: 48 48\n",
            "line 3: 2 bytes, and by the offset of line 4 it must be 4",
        ),
        ("=> Send data, 2 bytes (0x2)\n", "line 1: 2 bytes announced, and no line of them"),
        ("<= Recv data, 1 bytes (0x1)\n0000: 81\nx", "line 3: 'x' is no line of curl --trace"),
        ("0000: 81\n<= Recv data, 1 bytes (0x1)\n", "line 1: bytes before any => Send"),
        (
            "=> Send header, 9 bytes (0x9)\n0000: GET /\n0009: ",
            "line 2: 5 bytes, and by the offsets it must be 9",
        ),
        ("    data: !!binary |\n      gQVIZWxsbw=\n", "line 2: 'gQVIZWxsbw=' is not whole base64"),
        ("81 05 48 ... 6c 6f", "line 1: ... leaves out bytes: give all, or only the ones before"),
        ('[129, 5, <<"Hello">>]', "line 1: a list that has more than binaries: give <<...>>"),
        ('[<<129,5>>, "Hello"]', "line 1: a list that has more than binaries: give <<...>>"),
        ("<<129:4, 5>>", "line 1: 129 is no number of 4 bits: give numbers from 0 to 15"),
        ("<<1:1, 5>>", "line 1: 9 bits are no whole bytes: give all segments"),
        ("chr(129) . chr(strlen($m)) . 'a'", r"line 1: 'chr(strlen($m))' is no number and no"),
        ("chr(300) . 'a'", "line 1: 300 is no byte"),
        ("test", "line 1: 't' in 'test' is no hex digit"),
        ('{"a":1}', "no other form fits either: see --help, or --form raw for the text itself"),
    ],
)
def test_a_mistake_is_named_with_its_line_and_what_to_do(text, words):
    with pytest.raises(BadPaste) as caught:
        read(text)
    assert words in str(caught.value)
    assert len(str(caught.value)) < 300 and str(caught.value).isprintable()


@pytest.mark.parametrize(
    ("form", "text", "words"),
    [
        ("dump", "Hello", "line 1: 'Hello' is no line of a hex dump"),
        ("dump", "", "line 1: no line of a hex dump"),
        ("columns", "81 05 48", "line 1: '81 05 48' is not bytes and their column"),
        ("stream", "81\n\t815", "line 2: '815' is not bytes in hex: give whole lines"),
        ("base64", "gQV!", "line 1: '!' is not in the alphabet of base64"),
        ("base64", "gQVIZ", "line 1: 'gQVIZ' is not whole base64, 5 characters: give all of it"),
        ("base64", "gR==", "line 1: 'gR==' is not whole base64"),
        ("octal", "201 8", "line 1: '8' is no byte in octal: give three digits, 000 to 377"),
        ("decimal", "129 x", "line 1: 'x' is in no decimal number: give 0 to 255"),
        ("decimal", "", "line 1: there is no decimal number"),
        ("decimal-escapes", r"\300", r"line 1: '\\300' is no decimal escape: give \0 to \255"),
        ("bits", "1000000", "line 1: groups of 7 binary digits make no whole bytes"),
        ("bits", "1000", "line 1: groups of 4 binary digits make no whole bytes"),
        ("bits", " ", "line 1: there is no binary digit"),
        ("head", "Hello", "line 1: 'Hello' is no request line and no status line"),
        ("packets", "0000  81 05", "line 1: no packets of TCP over IP: --form dump"),
        ("curl", "Hello", "line 1: no head after > or <"),
    ],
)
def test_a_form_that_is_forced_says_what_it_wants(form, text, words):
    with pytest.raises(BadPaste) as caught:
        read(text, form)
    assert words in str(caught.value)


def test_the_other_reading_of_a_text_with_a_mistake_is_named():
    with pytest.raises(BadPaste) as caught:
        read("10000001 00000121")
    assert str(caught.value).endswith("; --form hex reads it in another way")


# Dumps of characters and of decimal numbers

SPACES = b"\x82\x1e" + b"abcdefghij    " + b"x" * 16
REPEATS = b"\x82\x40" + b"a" * 14 + b"b" * 48 + HELLO


@pytest.mark.parametrize(
    ("text", "data"),
    [
        # spaces at the end of a line, which pasting took away
        (
            "0000000 202 036   a   b   c   d   e   f   g   h   i   j\n"
            "0000020   x   x   x   x   x   x   x   x   x   x   x   x   x   x   x   x\n0000040\n",
            SPACES,
        ),
        # hexdump -c, with offsets in hex
        (
            "0000000 202 036   a   b   c   d   e   f   g   h   i   j\n"
            "0000010   x   x   x   x   x   x   x   x   x   x   x   x   x   x   x   x\n0000020\n",
            SPACES,
        ),
        # a character of two bytes, as hexdump -c prints it
        ("0000000 201 002   \xe9  **\n0000004\n", b"\x81\x02\xc3\xa9"),
        # equal lines are left out
        (
            "0000000 202   @   a   a   a   a   a   a   a   a   a   a   a   a   a   a\n"
            "0000020   b   b   b   b   b   b   b   b   b   b   b   b   b   b   b   b\n*\n"
            "0000100 201 005   H   e   l   l   o\n0000107\n",
            REPEATS,
        ),
    ],
)
def test_a_dump_of_characters_is_held_to_its_offsets(text, data):
    pasted = read(text)
    assert (pasted.form, pasted.data) == ("dump-characters", data)
    assert any("are put back" in note for note in pasted.notes) is (data is SPACES)


@pytest.mark.parametrize(
    ("text", "form", "words"),
    [
        ("0000000 201 005   H\n0000040\n", "dump-characters", "its offset is 0000040, after 3"),
        ("0000000 201 005 H e\n", "dump-characters", "copy it with its spaces"),
        ("0000000 129 300\n0000002\n", "dump-decimal", "copy it with its spaces"),
        ("0000000 129   5\n0000003\n", "dump-decimal", "its offset is 0000003, after 2 bytes"),
        ("zz", "dump-decimal", "copy it with its spaces"),
    ],
)
def test_a_dump_of_characters_or_numbers_that_does_not_fit_is_refused(text, form, words):
    with pytest.raises(BadPaste, match=words):
        read(text, form)


def test_other_escapes_of_haskell_are_read_or_refused():
    assert read(r'"\129\ENQ\n\tHe\"o"').data == b'\x81\x05\n\tHe"o'
    with pytest.raises(BadPaste, match=r"give \\0 to \\255, or \\NUL to \\DEL"):
        read(r'"\129\ENQ\300"')
    with pytest.raises(BadPaste, match="no string in quotes"):
        read("81 05", "haskell")
