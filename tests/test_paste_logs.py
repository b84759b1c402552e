"""refws/course/paste: logs whose lines say who sends, as tools and people write them.

The bytes are the masked and the unmasked "Hello" of RFC 6455 §5.7.
"""

import pytest

from refws.course.paste.table import read
from refws.course.paste.values import BadPaste
from refws.protocol.frame import Side

MASKED = bytes.fromhex("818537fa213d7f9f4d5158")
HELLO = bytes.fromhex("810548656c6c6f")

OF_BOTH = [
    "RX: 81 85 37 fa 21 3d 7f 9f 4d 51 58\nTX: 81 05 48 65 6c 6c 6f\n",
    "12:00:00.100 [RX] 818537fa213d7f9f4d5158\n12:00:00.200 [TX] 810548656c6c6f\n",
    "--> 81 85 37 fa 21 3d 7f 9f 4d 51 58\n<-- 81 05 48 65 6c 6c 6f\n",
    "Client: 81 85 37 fa 21 3d 7f 9f 4d 51 58\nServer: 81 05 48 65 6c 6c 6f\n",
    "C->S 81 85 37 fa 21 3d 7f 9f 4d 51 58\nS->C 81 05 48 65 6c 6c 6f\n",
    "sent: b'\\x81\\x857\\xfa!=\\x7f\\x9fMQX'\nreceived: b'\\x81\\x05Hello'\n",
    "Sent: [129, 133, 55, 250, 33, 61, 127, 159, 77, 81, 88]\n"
    "Received: [129, 5, 72, 101, 108, 108, 111]\n",
    "send <Buffer 81 85 37 fa 21 3d 7f 9f 4d 51 58>\nrecv <Buffer 81 05 48 65 6c 6c 6f>\n",
    "My client sends:\n81 85 37 fa 21 3d 7f 9f 4d 51 58\n"
    "and the server answers:\n81 05 48 65 6c 6c 6f\nWhat is wrong?\n",
    "Sent:\n0000   81 85 37 fa 21 3d 7f 9f 4d 51 58   ..7.!=..MQX\n"
    "Received:\n0000   81 05 48 65 6c 6c 6f   ..Hello\n",
    "> 2012/06/04 12:00:00.123456  length=11 from=0 to=10\n"
    " 81 85 37 fa 21 3d 7f 9f 4d 51 58\n--\n"
    "< 2012/06/04 12:00:00.223456  length=7 from=0 to=6\n 81 05 48 65 6c 6c 6f\n--\n",  # socat -x
    "interface: lo (127.0.0.0/255.0.0.0)\nfilter: ( port 8080 ) and (ip || ip6)\n####\n"
    "T 127.0.0.1:50000 -> 127.0.0.1:8080 [AP] #4\n"
    "  81 85 37 fa 21 3d 7f 9f    4d 51 58                      ..7.!=..MQX\n##\n"
    "T 127.0.0.1:8080 -> 127.0.0.1:50000 [AP] #6\n"
    "  81 05 48 65 6c 6c 6f                                     ..Hello         \n",  # ngrep -x
    "TX Octets to tcp4:127.0.0.1:9000 : sync = False, octets = 818537fa213d7f9f4d5158\n"
    "RX Octets from tcp4:127.0.0.1:9000 : octets = 810548656c6c6f\n",  # Autobahn's log
    "2. Client -> Server: 81 85 37 fa 21 3d 7f 9f 4d 51 58\n"
    "3. Server -> Client: 81 05 48 65 6c 6c 6f\n",
    "C: 81 85 37 fa 21 3d 7f 9f 4d 51 58\nS: 81 05 48 65 6c 6c 6f\n",
    "request: 81 85 37 fa 21 3d 7f 9f 4d 51 58\nresponse: 81 05 48 65 6c 6c 6f\n",
    "upstream: 81 85 37 fa 21 3d 7f 9f 4d 51 58\ndownstream: 81 05 48 65 6c 6c 6f\n",
    "\u2b06 81 85 37 fa 21 3d 7f 9f 4d 51 58\n\u2b07 81 05 48 65 6c 6c 6f\n",
    "SEND >>> 81 85 37 fa 21 3d 7f 9f 4d 51 58\nRECV <<< 81 05 48 65 6c 6c 6f\n",
    "sent (11): 81 85 37 fa 21 3d 7f 9f 4d 51 58\nrecv (7): 81 05 48 65 6c 6c 6f\n",
    "Packet 1 (client): 81 85 37 fa 21 3d 7f 9f 4d 51 58\n"
    "Packet 2 (server): 81 05 48 65 6c 6c 6f\n",
    "127.0.0.1:5 -> 127.0.0.1:80: 81 85 37 fa 21 3d 7f 9f 4d 51 58\n"
    "127.0.0.1:80 -> 127.0.0.1:5: 81 05 48 65 6c 6c 6f\n",
    "**Client:**\n```\n81 85 37 fa 21 3d 7f 9f 4d 51 58\n```\n"
    "**Server:**\n```\n81 05 48 65 6c 6c 6f\n```\n",
    "Client sends\n\n    81 85 37 fa 21 3d 7f 9f 4d 51 58\n\nServer replies\n\n"
    "    81 05 48 65 6c 6c 6f\n",
    "002 TX FRAME : OPCODE=1, FIN=True, RSV=0, PAYLOAD-LEN=5, MASK=37fa213d\n"
    "               Hello\n003 TX OCTETS: 818537fa213d7f9f4d5158\n"
    "004 RX OCTETS: 810548656c6c6f\n005 RX FRAME : OPCODE=1, FIN=True, RSV=0, PAYLOAD-LEN=5\n"
    "               Hello\n006 FAIL CONNECTION AFTER 1.000000 sec\n",  # Autobahn's report
]


@pytest.mark.parametrize("text", OF_BOTH)
def test_each_part_has_its_sender(text):
    pasted = read(text)
    assert pasted.form == "log" and "2 parts" in pasted.description
    assert [(chunk.data, chunk.sender) for chunk in pasted.chunks] == [
        (MASKED, Side.CLIENT),
        (HELLO, Side.SERVER),
    ]


def test_a_client_that_is_named_is_the_client_though_it_does_not_mask():
    pasted = read("Client: 81 05 48 65 6c 6c 6f\nServer: 81 05 48 65 6c 6c 6f\n")
    assert [chunk.sender for chunk in pasted.chunks] == [Side.CLIENT, Side.SERVER]


def test_the_side_that_does_not_mask_is_the_server():
    pasted = read("TX: 81 05 48 65 6c 6c 6f\nRX: 88 80 00 00 00 01\n")
    assert [chunk.sender for chunk in pasted.chunks] == [Side.SERVER, Side.CLIENT]
    assert pasted.notes == (
        "the second of two speakers is the client: the other one does not send the masked frames",
    )


def test_lines_without_bytes_are_counted_and_the_first_is_shown():
    assert "1 other line is not read: 'What is wrong?'" in read(OF_BOTH[8]).notes
    notes = read(OF_BOTH[0] + "so it fails\nand ends\n").notes
    assert "2 other lines are not read: 'so it fails'" in notes


def test_a_mistake_in_a_part_has_the_line_of_the_text():
    with pytest.raises(BadPaste, match="line 2: '6' has an odd number of digits"):
        read("RX: 81 05\nTX: 81 05 48 6\n")


def test_bytes_after_a_part_that_is_cut_off_are_refused():
    with pytest.raises(BadPaste, match="line 2: bytes after a part that is cut off"):
        read("RX: 81 05 48 ...\nTX: 81 05\n")
    assert read("RX: 88 00\nTX: 81 05 48 ...\n").cut_off == "the text ends in ..."


def test_a_text_without_directions_can_not_be_forced():
    with pytest.raises(BadPaste, match="no line names a direction and has bytes"):
        read("81 05 48 65 6c 6c 6f", "log")


# One direction, and what is around the bytes


@pytest.mark.parametrize(
    ("text", "note"),
    [
        (
            '0x81 0x05 0x48 0x65 0x6c 0x6c 0x6f (contains "Hello")',
            "left out: '(contains \"Hello\")'",
        ),
        ("* 81 05\n* 48 65 6c 6c 6f\n", "left out in front of each line: '* '"),
        ("I send `81 05 48 65 6c 6c 6f` to it", "what is around ` is not read: 'I send'"),
        ("header: 81 05\npayload: 48 65 6c 6c 6f", "left out: 'header', 'payload'"),
    ],
)
def test_what_is_around_the_bytes_is_said(text, note):
    pasted = read(text)
    assert pasted.data == HELLO and note in pasted.notes


@pytest.mark.parametrize(
    "text",
    [
        "81 ; FIN and text\n05 ; length\n48 65 6c 6c 6f ; Hello\n",
        "81 05 // the header\n48 65 6c 6c 6f // Hello\n",
        "81 05 -- the header\n48 65 6c 6c 6f\n",
        r"\x810548656c6c6f",  # PostgreSQL
        "1000-0001 0000-0101 0100-1000 0110-0101 0110-1100 0110-1100 0110-1111",
        "[1][000][0001] [0][0000101] [01001000] [01100101] [01101100] [01101100] [01101111]",
    ],
)
def test_remarks_and_separators_are_no_bytes(text):
    assert read(text).data == HELLO


def test_lines_of_base64_that_are_padded_are_several_frames():
    pasted = read("gYU3+iE9f59NUVg=\ngQVIZWxsbw==\n")
    assert [chunk.data for chunk in pasted.chunks] == [MASKED, HELLO]


def test_the_place_where_a_value_was_printed_is_left_out():
    numbers = "".join(f"    {byte},\n" for byte in HELLO)
    pasted = read(f"[src/main.rs:12] &buf[..n] = [\n{numbers}]")
    assert (pasted.form, pasted.data) == ("array", HELLO)
    assert pasted.notes == ("left out: '[src/main.rs:12] &bu'...",)


def test_the_last_bytes_that_jetty_shows_are_no_bytes_after_the_first():
    text = r"DirectByteBuffer@2d8f7[p=0,l=30,c=99,r=30]={<<<\x81\x1cab...yz>>>\x00}"
    pasted = read(text)
    assert pasted.data == b"\x81\x1cab"
    assert pasted.cut_off == "the text leaves out 26 bytes and shows the last ones"
    with pytest.raises(BadPaste, match="4 bytes, and r says 30: give all"):
        read(text.replace("...yz", ""))


def test_a_binary_that_is_joined_to_a_variable_is_refused():
    with pytest.raises(BadPaste, match="<> joins a binary and what is none"):
        read("<<129, 5>> <> payload")


@pytest.mark.parametrize(
    ("text", "words"),
    [
        ("Frame { header: FrameHeader { is_final: true, opcode: Data(Text), mask: None }, "
         "payload: [72, 101, 108, 108, 111] }", "the bytes in it are a payload"),
        ("Framedata{ opcode:TEXT, fin:true, payloadlength:[pos:0, len:5], payload:Hello}",
         "the bytes in it are a payload"),
        (r"WSMessage(type=<WSMsgType.BINARY: 2>, data=b'\x81\x05Hello', extra='')",
         "the bytes in it are a payload"),
        ("Frame TEXT (fin=true, buffer len = 5)", "the bytes in it are a payload"),
        ("Binary([129, 5, 72, 101])", "the bytes in it are a payload"),
        ("DEBUG:websockets.server:< TEXT 'Hello' [5 bytes]", "without their bytes"),
        ("connected (press CTRL+C to quit)\n> Hello\n< Hello\n", "a log of messages"),
        ('42["chat message","hi"]', "a message of Socket.IO"),
        ("12:00:00.0 IP 127.0.0.1.5 > 127.0.0.1.8: Flags [P.], length 7\nE..3..@.@.<.Hello\n",
         "print them with -X"),
        ("====\nFollow: tcp,ascii\nFilter: tcp.stream eq 0\n11\n..7.!=..MQX\n",
         "prints its bytes"),
        ('{"constants":{"logEventTypes":{"SOCKET_BYTES_SENT":1}},"events":[]}', "net-export"),
        ("0000000 soh enq   H   e   l   l   o\n0000007\n", "print them with od -t x1"),
        ("Optional(7 bytes)", "print Array(data)"),
        ('string(7) "\ufffd Hello"', "print bin2hex($data)"),
        ("\ufffd\ufffdHello", "print them as hex before that"),
        ("<81>^E^FHello", "an editor or a pager"),
        ("[INFO  websocat::lints] Auto-inserting the line mode", "the log of websocat"),
        ("websocket: bad opcode 7", "python3 -m refws watch URL"),
    ],
)  # fmt: skip
def test_a_text_without_the_bytes_of_frames_is_named_with_what_to_print(text, words):
    with pytest.raises(BadPaste) as caught:
        read(text)
    assert words in str(caught.value)


def test_a_list_that_leaves_out_items_is_cut_off():
    pasted = read("[\n  '81', '7e', '01', '00',\n  '48', '65',\n  ... 62 more items\n]\n")
    assert (pasted.form, pasted.data) == ("hex", b"\x81\x7e\x01\x00He")
    assert pasted.cut_off == "the text leaves out 62 bytes"


def test_a_literal_that_was_read_as_latin_1_has_a_byte_for_each_character():
    pasted = read(r"'\x81\x857ú!=\x7f\x9fMQX'")
    assert pasted.data == MASKED
    assert any("were read as Latin-1" in note for note in pasted.notes)
    assert read('"\\x81\\x07Grüße"').data == b"\x81\x07" + "Grüße".encode()
    assert read(r'"\129\133\055ú!=\127\159MQX"').form == "decimal-escapes"


def test_four_numbers_with_dots_are_an_address():
    with pytest.raises(BadPaste):
        read("129.5.72.101")


def test_a_text_of_hex_digits_after_an_escape_is_no_hex_if_it_is_a_frame():
    digits = "48656c6c6f20" * 4  # its first character, 4, would be the second byte, 52
    assert read(f'"\\x81{digits}1234"').form == "hex"
    text = '"\\x810' + "0" * 48 + '"'
    assert (read(text).form, read(text).data) == ("string", b"\x81" + b"0" * 49)


def test_a_call_that_packs_numbers_and_strings_is_no_literal():
    with pytest.raises(BadPaste, match="makes bytes of numbers and strings: give the bytes that"):
        read("struct.pack('!BB5s', 0x81, 5, b'Hello')")


def test_offsets_may_be_decimal():
    dump = (
        "00000000: 0205 4865 6c6c 6f80 0720 7468 6572 6521  ..Hello.. there!\n"
        "00000016: 8105 4865 6c6c 6f                        ..Hello\n"
    )
    assert read(dump).data == b"\x02\x05Hello\x80\x07 there!" + HELLO


def test_an_array_without_its_end_is_named():
    with pytest.raises(BadPaste, match="line 2: a bracket that is not closed: give the whole"):
        read("data = [129, 5, 72,\n101, 10")
    assert "has not two digits" in read("0x81, 0x05, 0x").notes[0]


def test_a_part_of_a_dump_is_not_taken_for_bytes_with_a_column():
    pasted = read("00000010  07 20 74 68 65 72 65 21                           |. there!|")
    assert (pasted.form, pasted.data) == ("dump", b"\x07 there!")


def test_numbers_with_a_zero_in_front_are_hex():
    assert read("[81, 05, 48, 65]").data == b"\x81\x05He"  # {:02x?} of Rust
    assert read("[81, 5, 48, 65]").data == bytes([81, 5, 48, 65])


# Packets as one row of hex

IP = "4500002f5a8540004006e2417f0000017f000001"
TCP = "1f90c3500000000100000001501802000000" + "0000"
ETHERNET = "000000000000000000000000" + "0800"
COOKED_2 = "0800000000000002000104065254002800c40000"


@pytest.mark.parametrize("link", ["", ETHERNET, COOKED_2])
def test_hex_of_a_whole_packet_is_a_packet(link):
    pasted = read(link + IP + TCP + HELLO.hex())
    assert (pasted.form, pasted.data) == ("packets", HELLO)
    assert any("--form hex" in note for note in pasted.notes)


def test_hex_of_a_packet_that_is_cut_off_needs_its_checksum():
    assert read(f"{IP}{TCP} // the headers\n8105... // the payload").form == "packets"
    wrong = IP.replace("e241", "e242")
    assert read(f"{wrong}{TCP}8105...").form == "hex"


@pytest.mark.parametrize(
    ("text", "form"),
    [
        ("['81', '05', '48', '65', '6c', '6c', '6f']", "hex"),
        ("[ '0x81', '0x5', '0x48', '0x65', '0x6c', '0x6c', '0x6f' ]", "hex"),
        ("[81][05][48][65][6c][6c][6f]", "hex"),
        ("<81> <05> <48> <65> <6c> <6c> <6f>", "hex"),
        ("[|129; 5; 72; 101; 108; 108; 111|]", "array"),  # OCaml
        ("[|129uy; 5uy; 72uy; 101uy; 108uy; 108uy; 111uy|]", "array"),  # F#
        ("&H81 &H5 &H48 &H65 &H6C &H6C &H6F", "hex"),
        ("$1 = {129, 5, 72, 101, 108, 108, 111}", "array"),
        ("java.nio.HeapByteBuffer[pos=0 lim=7 cap=9] [-127, 5, 72, 101, 108, 108, 111]", "array"),
    ],
)
def test_other_lists_of_programs(text, form):
    pasted = read(text)
    assert (pasted.form, pasted.data) == (form, HELLO)


@pytest.mark.parametrize(
    "text",
    [
        "$81#$05'Hello'",  # the start of a string of Pascal is cut off
        "16#81, 16#05, 16#48>>.",
        'bytes([0x81, 5]) + b"Hello"',
        'struct.pack("!BB", 0x81, 5) + b"Hello"',
        '"\\x81" . chr($length) . $payload',
        '"\\x81\\x05" + payload',
        "(6) [\n  129, 5, 72, 101, 108, 108, 111\n]",
        "Uint8Array(7) [129]\n[5, 72]",
        "curl: (7) Failed to connect",
    ],
)
def test_what_may_be_bytes_is_not_left_out(text):
    with pytest.raises(BadPaste):
        read(text)


def test_a_quote_without_another_one_is_said():
    pasted = read(r"\x81\x05Hello')")
    assert pasted.data == HELLO + b"')"
    assert pasted.notes == (
        "a quote without another one is taken as a byte: is something cut off?",
    )


def test_repeats_of_gdb_are_refused():
    with pytest.raises(
        BadPaste, match=r"line 2: <repeats 248 times> of gdb .*`set print repeats 0`"
    ):
        read("p buffer\n$1 = \"\\201\\005Hello\", '\\000' <repeats 248 times>")


def test_a_head_in_the_log_of_a_program_is_read_alone():
    text = (
        '[2023-03-09T16:27:29Z TRACE ws] Request: "GET / HTTP/1.1\\r\\nHost: x\\r\\n\\r\\n"\n'
        "thread 'main' panicked at 'Error: Protocol(Version)',`\n"
    )
    pasted = read(text)
    assert pasted.data == b"GET / HTTP/1.1\r\nHost: x\r\n\r\n"
    assert pasted.notes == ("only the 1 head is read",)


@pytest.mark.parametrize(
    ("text", "name"),
    [
        ("{'data': b'\\x81\\x05Hello'}", "'data'"),
        ('{"data": "\\u0081\\u0005Hello"}', "'data'"),
        ("TypeError: <class 'bytes'> b'\\x81\\x05Hello'", "'bytes'"),
        ('ws.send("\\x81\\x05Hello", "binary")', "'binary'"),
        ('printf("%s", "\\x81\\x05Hello");', "'%s'"),
        ("{'text' => \"\\x81\\x05Hello\"}", "'text'"),
    ],
)
def test_names_beside_literals_are_no_bytes(text, name):
    pasted = read(text)
    assert pasted.data == HELLO and f"left out: {name}" in pasted.notes


@pytest.mark.parametrize("fence", ["```", "~~~", "```hex", "  ```"])
def test_fences_of_markdown_separate_bytes_from_prose(fence):
    end = fence.removesuffix("hex")
    text = f"Here is it:\n{fence}\n81 05 48 65\n{end}\nand\n{fence}\n6c 6c 6f\n{end}\nThanks!\n"
    pasted = read(text)
    assert pasted.data == HELLO
    assert pasted.notes == ("left out around the fences of Markdown: 'Here is it:'",)


def test_lines_keep_their_numbers_beside_fences():
    with pytest.raises(BadPaste, match="line 3: '6' has an odd number of digits"):
        read("Here:\n```\n81 05 6\n```\n")
