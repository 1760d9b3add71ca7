"""How many requests may lie unread in front of one socket of the agent. Pure.

Its receive buffer has room for some 256 small datagrams, for all clients of the machine together; what a burst sends beyond that is lost without
an error. So a client has a few requests in flight and sends the next one when an answer comes. A socket is read in order: an answer proves that
every request before it was read too, and all of them leave the flight.
"""

from __future__ import annotations

from collections import OrderedDict
from typing import Optional

from .request import HOST, IN_FLIGHT, OUTSIDE, REFRESH, ROUTE, WAITING, Request

PROBE_AFTER_MS = 10.0
# In flight at most, and how many go out on every PROBE_AFTER_MS without an answer. A route's answer may have 64 KiB.
_SIZES = {HOST: (64, 8), ROUTE: (2, 1), REFRESH: (32, 4)}


class SendWindow:
    """The requests of one kind, in the order of their sending."""

    def __init__(self, kind: str) -> None:
        self._full, self._probe = _SIZES[kind]
        self._waiting: OrderedDict[Request, None] = OrderedDict()
        self._in_flight: OrderedDict[Request, None] = OrderedDict()
        self._last_send_ms = 0.0

    @property
    def has_waiting(self) -> bool:
        return bool(self._waiting)

    @property
    def wake_at_ms(self) -> Optional[float]:
        """When `probe` has something to do; None while no request waits for room."""
        return self._last_send_ms + PROBE_AFTER_MS if self._waiting and self._in_flight else None

    def enter(self, request: Request) -> None:
        request.place = WAITING
        self._waiting[request] = None

    def take_next(self, now_ms: float) -> Optional[Request]:
        """The request to send now; None when the window is full or none waits."""
        if not self._waiting or len(self._in_flight) >= self._full:
            return None
        request, _ = self._waiting.popitem(last=False)
        request.place = IN_FLIGHT
        self._in_flight[request] = None
        self._last_send_ms = now_ms
        return request

    def on_answer(self, request: Request) -> None:
        while request.place == IN_FLIGHT:
            self._leave_first()
        self.leave(request)

    def leave(self, request: Request) -> None:
        """The request is given up, or has left already."""
        if request.place == WAITING:
            del self._waiting[request]
        elif request.place == IN_FLIGHT:
            del self._in_flight[request]
        request.place = OUTSIDE

    def probe(self, now_ms: float) -> None:
        """Makes room for a few requests when none could be sent for long. To be called after the socket was read."""
        if now_ms - self._last_send_ms < PROBE_AFTER_MS:
            return
        while self._full - len(self._in_flight) < self._probe:
            self._leave_first()

    def _leave_first(self) -> None:
        first, _ = self._in_flight.popitem(last=False)
        first.place = OUTSIDE
