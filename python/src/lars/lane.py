"""The socket of a `Client` to one of the agent's servers, and who reads it."""

from __future__ import annotations

import socket
import threading
from collections import deque
from typing import Deque, Optional, Tuple

from .clock import now_ms
from .core.client_core import ClientCore
from .options import Settings
from .sockets import SocketAddress, is_literal, open_socket, receive, resolve, send

# Datagrams that are read before others get their turn.
_MAX_READS = 256


class Lane:
    """All methods are called with the client's lock taken.

    One of the threads that wait for an answer leads: it alone waits for the socket, and reads for all. The others follow: each waits for an event of
    its own, which comes with its answer or with the lead.
    """

    def __init__(self, shard: int, core: ClientCore, settings: Settings, lock: threading.RLock) -> None:
        self._shard = shard
        self._core = core
        self._channel = core.channels[shard]
        self._host = settings.host
        self._port = settings.ports[shard]
        self._lock = lock
        self._is_resolving = False
        self._is_literal = is_literal(settings.host)
        self.socket: Optional[socket.socket] = None
        # Set while the socket is open.
        self.opened = threading.Event()
        self.is_led = False
        self.followers: Deque[threading.Event] = deque()

    @property
    def wake_at_ms(self) -> Optional[float]:
        return self._channel.wake_at_ms

    @property
    def is_away(self) -> bool:
        return self._channel.is_away

    def flush(self) -> None:
        """Sends what the channel wants sent, and opens a socket first where it needs one."""
        if self._channel.needs_socket and self.socket is None:
            self._open()
        while self.socket is not None:
            outgoing = self._channel.take_outgoing()
            if not outgoing:
                return
            for at, datagram in enumerate(outgoing):
                try:
                    is_sent = send(self.socket, datagram)
                except OSError as error:
                    self._core.counters.dropped += len(outgoing) - at
                    self._fail(error)
                    return
                self._core.counters.sent += is_sent
                self._core.counters.dropped += not is_sent

    def pump(self) -> None:
        """Reads what there is, sees to what is due, and sends."""
        for _ in range(_MAX_READS):
            if self.socket is None:
                break
            try:
                datagram = receive(self.socket)
            except OSError as error:
                self._fail(error)
                break
            if datagram is None:
                break
            self._core.on_datagram(self._shard, datagram, now_ms())
        self._core.on_time(self._shard, now_ms())
        if self._channel.must_resolve_again and not self._is_literal:
            self.close_socket()
            self._channel.on_closed()
        self.flush()

    def resign(self) -> None:
        """The leader goes; the follower that has waited longest is told to look."""
        self.is_led = False
        if self.followers:
            self.followers.popleft().set()

    def close_socket(self) -> None:
        if self.socket is not None:
            self.socket.close()
        self.socket = None
        self.opened.clear()

    def _open(self) -> None:
        if self._is_literal:
            self._open_at(resolve(self._host, self._port))
        elif not self._is_resolving:
            self._is_resolving = True
            # Resolving may take long, and requests have deadlines.
            threading.Thread(target=self._resolve, name='lars-resolve', daemon=True).start()

    def _resolve(self) -> None:
        try:
            found: Tuple[Optional[SocketAddress], Optional[OSError]] = (resolve(self._host, self._port), None)
        except OSError as error:
            found = (None, error)
        address, failure = found
        with self._lock:
            self._is_resolving = False
            if self._core.is_closed:
                return
            if address is not None:
                self._open_at(address)
            elif failure is not None:
                self._fail(failure)
            self.flush()

    def _open_at(self, address: SocketAddress) -> None:
        try:
            self.socket = open_socket(address)
        except OSError as error:
            self._fail(error)
            return
        self.opened.set()
        self._channel.on_open(now_ms())

    def _fail(self, error: OSError) -> None:
        self.close_socket()
        self._core.on_failure(self._shard, error, now_ms())
