"""HTTP/2 by hand, for what no client library sends."""

import socket
import struct

PREFACE = b"PRI * HTTP/2.0\r\n\r\nSM\r\n\r\n"
DATA, HEADERS, SETTINGS, PING, CONTINUATION = 0, 1, 4, 6, 9
END_STREAM, END_HEADERS, ACK = 1, 4, 1


def frame(kind, payload=b"", flags=0, stream=0, length=None):
    """A frame; `length` may lie about the payload."""
    size = len(payload) if length is None else length
    return struct.pack(">I", size)[1:] + bytes([kind, flags]) + struct.pack(">I", stream) + payload


def integer(value, bits, first=0):
    """An HPACK integer with a prefix of `bits`."""
    limit = (1 << bits) - 1
    if value < limit:
        return bytes([first | value])
    out, value = [first | limit], value - limit
    while value >= 128:
        out.append(value & 127 | 128)
        value >>= 7
    return bytes(out + [value])


def header(name, value):
    """A header field, neither compressed nor remembered."""
    return b"\0" + integer(len(name), 7) + name + integer(len(value), 7) + value


def request_headers(path, *more, content_type=b"application/grpc"):
    fields = [(b":method", b"POST"), (b":scheme", b"http"), (b":path", path), (b":authority", b"localhost"),
              (b"te", b"trailers"), (b"content-type", content_type), *more]
    return b"".join(header(name, value) for name, value in fields)


def message(body, compressed=0, length=None):
    """A gRPC message; `length` may lie about the body."""
    return bytes([compressed]) + struct.pack(">I", len(body) if length is None else length) + body


class Connection:
    """A connection that a server may end at any moment."""

    def __init__(self, address, preface=PREFACE + frame(SETTINGS)):
        host, port = address.rsplit(":", 1)
        self._socket = socket.create_connection((host, int(port)), timeout=20)
        self.send(preface)

    def __enter__(self):
        return self

    def __exit__(self, *_):
        self._socket.close()

    def send(self, data):
        """Whether all was taken; a server that hangs up is in its right."""
        try:
            self._socket.sendall(data)
            return True
        except OSError:
            return False

    def answer(self, enough=lambda answer: False):
        """What arrives until `enough`, or until the server hangs up."""
        data = b""
        try:
            while not enough(data):
                part = self._socket.recv(65536)
                if not part:
                    break
                data += part
        except ConnectionError:
            pass
        return data

    def ping(self):
        """Makes sure that everything sent so far was read: whether the server answered, or else it hung up."""
        pong = frame(PING, b"signalbx", flags=ACK)
        return self.send(frame(PING, b"signalbx")) and pong in self.answer(lambda data: pong in data)
