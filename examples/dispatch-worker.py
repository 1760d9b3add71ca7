"""A worker of `lars dispatch` without any library: it shows that every language with SCM_RIGHTS can be one.

Each connection gets one answer and is closed. The protocol stands in dispatch/README.md. Run it with

    npx lars dispatch --listen 127.0.0.1:8080 --socket /tmp/dispatch.sock --workers 2 -- python3 examples/dispatch-worker.py
"""

import os
import socket
import struct
import sys

HELLO, ATTACH, STATUS = 1, 2, 3
WELCOME, CONNECTION, DRAIN = 17, 18, 19
VERSION = 1
FRAME = struct.Struct("<4I")


def connect(path: str) -> socket.socket:
    unix = socket.socket(socket.AF_UNIX, socket.SOCK_STREAM)
    unix.connect(path)
    return unix


def send(control: socket.socket, *numbers: int) -> None:
    control.sendall(FRAME.pack(*numbers, *[0] * (4 - len(numbers))))


def read_frame(control: socket.socket) -> tuple[int, ...] | None:
    """The next frame; None when the dispatcher is gone."""
    data = b""
    while len(data) < FRAME.size:
        part = control.recv(FRAME.size - len(data))
        if not part:
            return None
        data += part
    return FRAME.unpack(data)


def serve(connection: socket.socket, listener: int) -> None:
    with connection:
        line = connection.recv(4096).split(b"\r\n", 1)[0].decode("latin-1")
        body = f"pid {os.getpid()}, listener {listener}: {line}\n".encode()
        connection.sendall(b"HTTP/1.1 200 OK\r\nconnection: close\r\ncontent-length: %d\r\n\r\n" % len(body) + body)


def main(path: str, ticket: int) -> None:
    control = connect(path)
    send(control, HELLO, VERSION, 0, ticket)
    send(control, STATUS, 0, 0)
    descriptors: socket.socket | None = None
    while frame := read_frame(control):
        kind, first, second, _ = frame
        if kind == WELCOME:
            descriptors = connect(path)
            send(descriptors, ATTACH, second)
        elif kind == CONNECTION and descriptors is not None:
            _, fds, _, _ = socket.recv_fds(descriptors, 1, 1)
            connection = socket.socket(fileno=fds[0])
            # It comes non-blocking, which a socket of Python does not know of itself.
            connection.settimeout(5)
            try:
                # Only whoever has said that the connection is taken may serve it.
                send(control, STATUS, first, 1)
            except OSError:
                connection.close()
                return
            try:
                serve(connection, second)
            except OSError as error:
                print(f"a client went away: {error}", file=sys.stderr)
            send(control, STATUS, first, 0)
        elif kind == DRAIN:
            # One connection at a time: all that came before has been served.
            return


if __name__ == "__main__":
    main(
        sys.argv[1] if len(sys.argv) > 1 else os.environ["LARS_DISPATCH_SOCKET"],
        int(os.environ.get("LARS_DISPATCH_TICKET", "0")),
    )
