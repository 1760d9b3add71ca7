"""The socket of an `AsyncClient` to one of the agent's servers."""

from __future__ import annotations

import asyncio
import socket
from typing import Optional

from .clock import now_ms
from .core.client_core import ClientCore
from .options import Settings
from .sockets import SocketAddress, is_literal, open_socket, preferred, resolve


class Endpoint:
    """Opened when its channel first needs it, and again after it has failed."""

    def __init__(self, shard: int, core: ClientCore, settings: Settings, loop: asyncio.AbstractEventLoop) -> None:
        self._shard = shard
        self._core = core
        self._channel = core.channels[shard]
        self._host = settings.host
        self._port = settings.ports[shard]
        self._is_literal = is_literal(settings.host)
        self._loop = loop
        self._transport: Optional[asyncio.DatagramTransport] = None
        self._opening: Optional[asyncio.Task[None]] = None
        self._timer: Optional[asyncio.TimerHandle] = None
        self._timer_at_ms = float('inf')

    def flush(self) -> None:
        """To be called after anything has happened: opens, sends, and sets the timer."""
        if self._channel.needs_socket and self._transport is None and self._opening is None:
            self._opening = self._loop.create_task(self._open())
        while self._transport is not None:
            outgoing = self._channel.take_outgoing()
            if not outgoing:
                break
            for datagram in outgoing:
                transport = self._transport
                # A failure tells itself from inside of sendto.
                if transport is None:
                    self._core.counters.dropped += 1
                else:
                    self._core.counters.sent += 1
                    transport.sendto(datagram)
        self._set_timer()

    def on_datagram(self, datagram: bytes) -> None:
        self._core.on_datagram(self._shard, datagram, now_ms())
        self.flush()

    def fail(self, transport: Optional[asyncio.BaseTransport], error: OSError) -> None:
        """`transport` is the socket that has failed, None where none could be opened."""
        if transport is not self._transport:
            return
        self._drop_transport()
        self._core.on_failure(self._shard, error, now_ms())
        # Not at once: this may be inside of flush.
        self._loop.call_soon(self.flush_if_open)

    def flush_if_open(self) -> None:
        if not self._core.is_closed:
            self.flush()

    async def close(self, grace_s: float) -> None:
        """The core is closed already. Lets what is unsent go out for up to `grace_s`."""
        self.flush()
        if self._opening is not None:
            await asyncio.wait({self._opening}, timeout=grace_s)
            if self._opening is not None:
                self._opening.cancel()
        self.flush()
        if self._timer is not None:
            self._timer.cancel()
        self._drop_transport()

    async def _open(self) -> None:
        try:
            address = await self._resolve()
            opened = open_socket(address)
            transport, _ = await self._loop.create_datagram_endpoint(lambda: _Protocol(self), sock=opened)
        except OSError as error:
            self._opening = None
            self.fail(None, error)
            return
        self._opening = None
        self._transport = transport
        self._channel.on_open(now_ms())
        self.flush()

    async def _resolve(self) -> SocketAddress:
        if self._is_literal:
            return resolve(self._host, self._port)
        try:
            return preferred(await self._loop.getaddrinfo(self._host, self._port, type=socket.SOCK_DGRAM))
        except UnicodeError as error:
            raise OSError(f'{self._host!r} is no name') from error

    def _set_timer(self) -> None:
        wake_at_ms = None if self._core.is_closed else self._channel.wake_at_ms
        if wake_at_ms is None or wake_at_ms >= self._timer_at_ms:
            return
        if self._timer is not None:
            self._timer.cancel()
        self._timer_at_ms = wake_at_ms
        self._timer = self._loop.call_later(max(0.0, wake_at_ms - now_ms()) / 1_000, self._on_timer)

    def _on_timer(self) -> None:
        self._timer = None
        self._timer_at_ms = float('inf')
        if self._core.is_closed:
            return
        self._core.on_time(self._shard, now_ms())
        if self._channel.must_resolve_again and not self._is_literal:
            self._drop_transport()
            self._channel.on_closed()
        self.flush()

    def _drop_transport(self) -> None:
        transport, self._transport = self._transport, None
        if transport is not None:
            transport.close()


class _Protocol(asyncio.DatagramProtocol):
    def __init__(self, endpoint: Endpoint) -> None:
        self._endpoint = endpoint
        self._transport: Optional[asyncio.BaseTransport] = None

    def connection_made(self, transport: asyncio.BaseTransport) -> None:
        self._transport = transport

    def datagram_received(self, data: bytes, addr: object) -> None:
        self._endpoint.on_datagram(data)

    def error_received(self, exc: Exception) -> None:
        if isinstance(exc, OSError) and self._transport is not None:
            self._endpoint.fail(self._transport, exc)

    def connection_lost(self, exc: Optional[Exception]) -> None:
        if isinstance(exc, OSError) and self._transport is not None:
            self._endpoint.fail(self._transport, exc)
