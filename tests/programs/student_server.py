"""A WebSocket server in sixty lines, as a tutorial might have it."""

import base64
import hashlib
import socket
import threading

GUID = "258EAFA5-E914-47DA-95CA-C5AB0DC85B11"


def handshake(file, sock):
    lines = iter(lambda: file.readline().decode("latin-1").strip(), "")
    headers = dict(line.split(":", 1) for line in lines if ":" in line)
    key = headers["Sec-WebSocket-Key"].strip()
    accept = base64.b64encode(hashlib.sha1((key + GUID).encode()).digest()).decode()
    answer = (
        "HTTP/1.1 101 Switching Protocols\r\n"
        "Upgrade: websocket\r\n"
        "Connection: Upgrade\r\n"
        f"Sec-WebSocket-Accept: {accept}\r\n\r\n"
    )
    sock.sendall(answer.encode())


def read_frame(file):
    first, second = file.read(2)
    length = second & 127
    if length == 126:
        length = int.from_bytes(file.read(2), "little")
    elif length == 127:
        length = int.from_bytes(file.read(8), "little")
    key = file.read(4)
    data = file.read(length)
    return first & 15, bytes(byte ^ key[at % 4] for at, byte in enumerate(data))


def send_frame(sock, opcode, data):
    start = bytes([128 | opcode])
    if len(data) < 126:
        start += bytes([len(data)])
    elif len(data) < 65536:
        start += bytes([126]) + len(data).to_bytes(2, "big")
    else:
        start += bytes([127]) + len(data).to_bytes(8, "big")
    sock.sendall(start + data)


def serve(sock):
    with sock, sock.makefile("rb") as file:
        handshake(file, sock)
        while True:
            opcode, data = read_frame(file)
            if opcode == 8:
                return
            if opcode == 9:
                send_frame(sock, 10, b"")
            else:
                send_frame(sock, opcode, data)


with socket.create_server(("127.0.0.1", 9000)) as listener:
    while True:
        threading.Thread(target=serve, args=(listener.accept()[0],), daemon=True).start()
