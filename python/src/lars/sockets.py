"""UDP sockets to the agent. Connected ones: the kernel passes on datagrams from the agent alone, and tells when no process listens there."""

from __future__ import annotations

import errno
import select
import socket
from typing import Optional, Sequence, Tuple

# The largest datagram that there is.
MAX_DATAGRAM_BYTES = 65_536

SocketAddress = Tuple[int, Tuple[object, ...]]


def is_literal(host: str) -> bool:
    """Whether the host is an IP address, which needs no resolving."""
    for family in (socket.AF_INET, socket.AF_INET6):
        try:
            socket.inet_pton(family, host.partition('%')[0])
            return True
        except OSError:
            continue
    return False


def preferred(found: Sequence[Tuple[int, int, int, str, Tuple[object, ...]]]) -> SocketAddress:
    """Of what getaddrinfo found: agents listen on IPv4, while `localhost` is often resolved to IPv6 first."""
    entry = next((entry for entry in found if entry[0] == socket.AF_INET), found[0])
    return entry[0], entry[4]


def resolve(host: str, port: int) -> SocketAddress:
    """Raises OSError. May take seconds where the host is a name."""
    flags = socket.AI_NUMERICHOST if is_literal(host) else 0
    try:
        return preferred(socket.getaddrinfo(host, port, type=socket.SOCK_DGRAM, flags=flags))
    except UnicodeError as error:
        # A name with an empty label, or one that is too long.
        raise OSError(errno.EINVAL, f'{host!r} is no name') from error


def open_socket(address: SocketAddress) -> socket.socket:
    """A connected socket that never blocks. Raises OSError."""
    family, where = address
    opened = socket.socket(family, socket.SOCK_DGRAM)
    try:
        opened.setblocking(False)
        opened.connect(where)
    except BaseException:
        opened.close()
        raise
    return opened


def wait_readable(opened: socket.socket, timeout_s: float) -> None:
    """Returns when there is something to read (or an error to be told of), when the time is up, or when the socket was closed."""
    try:
        if hasattr(select, 'poll'):
            poll = select.poll()
            poll.register(opened, select.POLLIN)
            poll.poll(max(0.0, timeout_s) * 1_000)
        else:
            select.select([opened], [], [], max(0.0, timeout_s))
    except (OSError, ValueError):
        # Closed by another thread.
        return


def receive(opened: socket.socket) -> Optional[bytes]:
    """The next datagram, None where there is none. Raises OSError where the socket has failed."""
    try:
        return opened.recv(MAX_DATAGRAM_BYTES)
    except (BlockingIOError, InterruptedError):
        return None


def send(opened: socket.socket, datagram: bytes) -> bool:
    """Returns False where the kernel had no room for it. Raises OSError where the socket has failed."""
    try:
        opened.send(datagram)
        return True
    except (BlockingIOError, InterruptedError):
        return False
    except OSError as error:
        if error.errno == errno.ENOBUFS:
            return False
        raise
