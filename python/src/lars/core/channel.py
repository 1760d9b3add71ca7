"""The conversation with one of the agent's UDP servers: many requests at once over one socket that somebody else has. Pure.

The owner of the socket gives it what happens (`on_open`, `on_datagram`, `on_failure`, `on_time`), sends what `take_outgoing` gives afterwards, and
calls `on_time` again at `wake_at_ms` at the latest.
"""

from __future__ import annotations

from typing import Callable, List, Optional

from ..errors import Context, LarsError, closed_error, timeout_error, unreachable_error
from ..messages import (
    API_GET_ROUTE_RESPONSE,
    GET_HOST_RESPONSE,
    Batch,
    decode_datagram,
    decode_get_host_response,
    decode_get_route_response,
    encode_get_host,
    encode_get_route,
    encode_result,
)
from ..protobuf import ProtocolError
from ..stats import Counters
from .answers import read_host_answer, read_route_answer
from .pending_table import PendingTable
from .request import HOST, REFRESH, ROUTE, Request
from .send_window import SendWindow
from .watch import Watch, earlier

# How long a query whether the server has a route waits for its answer.
QUERY_TIMEOUT_MS = 500.0
# Datagrams that wait at most while a socket is being opened.
_MAX_OUTGOING = 4_096
# After this many timeouts in a row without a single datagram from the agent its name is resolved again.
_RESOLVE_AFTER_TIMEOUTS = 8

# A host that the client picks itself instead of the error, or the error.
Rescue = Callable[[Request, LarsError], object]


class Channel:
    def __init__(
        self,
        agent: str,
        counters: Counters,
        fallback: bool,
        first_seq: int,
        may_pick_alone: Callable[[int, int], bool],
        rescue: Rescue,
        on_picked: Callable[[int, int], None],
    ) -> None:
        """`on_picked`: the agent has picked a host of this module."""
        self.agent = agent
        self._counters = counters
        self._table = PendingTable(first_seq)
        self._windows = {kind: SendWindow(kind) for kind in (HOST, ROUTE, REFRESH)}
        # None where the client does nothing by itself while the agent is away.
        self.watch = Watch(self) if fallback else None
        self._may_pick_alone = may_pick_alone
        self._rescue = rescue
        self._on_picked = on_picked
        self._is_open = False
        self._outgoing: List[bytes] = []
        self._silent_timeouts = 0
        # The time of what happens now.
        self._now_ms = 0.0

    @property
    def pending_count(self) -> int:
        """Requests that callers wait for."""
        return self._table.caller_count

    @property
    def is_away(self) -> bool:
        return self.watch is not None and self.watch.is_away

    def is_away_for(self, modid: int, cmdid: int) -> bool:
        """Whether the client must do without the server for this module: it is away, or back and has not had the route yet."""
        return self.watch is not None and self.watch.is_away_for(modid, cmdid)

    @property
    def needs_socket(self) -> bool:
        """Whether there is something to send, and no socket to send it with."""
        return not self._is_open and (bool(self._outgoing) or any(window.has_waiting for window in self._windows.values()))

    @property
    def must_resolve_again(self) -> bool:
        """The agent's name may stand for another address by now: a socket to a name should be closed, and `on_closed` be called."""
        return self._silent_timeouts >= _RESOLVE_AFTER_TIMEOUTS

    @property
    def wake_at_ms(self) -> Optional[float]:
        wake_at_ms = self._table.next_deadline_ms
        if self.watch is not None:
            wake_at_ms = earlier(wake_at_ms, self.watch.wake_at_ms)
        for window in self._windows.values():
            wake_at_ms = earlier(wake_at_ms, window.wake_at_ms if self._is_open else None)
        return wake_at_ms

    def take_outgoing(self) -> List[bytes]:
        """What must be sent now, in this order."""
        if not self._is_open or not self._outgoing:
            return []
        outgoing, self._outgoing = self._outgoing, []
        return outgoing

    def get_host(self, modid: int, cmdid: int, timeout_ms: float, now_ms: float) -> Request:
        return self._start(Request(HOST, modid, cmdid, timeout_ms, now_ms + timeout_ms), now_ms)

    def get_route(self, modid: int, cmdid: int, timeout_ms: float, now_ms: float) -> Request:
        return self._start(Request(ROUTE, modid, cmdid, timeout_ms, now_ms + timeout_ms), now_ms)

    def refresh(self, modid: int, cmdid: int, version: int, now_ms: float, on_done: Optional[Callable[[Request], None]] = None) -> None:
        """Queries a route. `on_done` finds a GetRouteResponse as the outcome, or None where there is no answer that counts."""
        request = Request(REFRESH, modid, cmdid, QUERY_TIMEOUT_MS, now_ms + QUERY_TIMEOUT_MS)
        request.version = version
        request.on_done = on_done
        self._start(request, now_ms)

    def report(self, batch: Batch, now_ms: float) -> None:
        if self.watch is None or not self.watch.take_result(batch, now_ms):
            self.send_batch(batch)

    def cancel(self, request: Request, now_ms: float) -> None:
        """The caller does not wait any more. Nothing happens where the request has ended."""
        if self._table.remove(request):
            self._counters.cancelled += 1
            self._windows[request.kind].leave(request)
            self._send_allowed(now_ms)

    def on_open(self, now_ms: float) -> None:
        self._counters.sockets_opened += 1
        self._is_open = True
        self._send_allowed(now_ms)

    def on_closed(self) -> None:
        """The socket was closed without an error; what was in flight is not answered any more."""
        self._is_open = False
        self._silent_timeouts = 0

    def on_datagram(self, datagram: bytes, now_ms: float) -> None:
        self._now_ms = now_ms
        self._silent_timeouts = 0
        if self.watch is not None:
            # The server may have had nothing to answer but the request that this datagram is for.
            self.watch.on_datagram(now_ms, self._table.size > 1)
        try:
            self._on_message(datagram)
        except ProtocolError:
            self._counters.malformed += 1
        self._send_allowed(now_ms)

    def on_failure(self, error: OSError, now_ms: float) -> None:
        """The socket failed and is gone."""
        self._now_ms = now_ms
        self._is_open = False
        self._counters.socket_failures += 1
        self._counters.unreachable += self._table.caller_count
        self._counters.dropped += len(self._outgoing)
        self._outgoing.clear()
        if self.watch is not None:
            self.watch.on_failure(now_ms)
        self._reject_all(lambda context: unreachable_error(context, error))

    def on_time(self, now_ms: float) -> None:
        """To be called after the socket was read."""
        self._now_ms = now_ms
        due = self._table.take_expired(now_ms)
        while due is not None:
            self._silent_timeouts += 1
            self._counters.timeouts += due.kind != REFRESH
            self._reject(due, timeout_error(self._context_of(due), due.timeout_ms))
            due = self._table.take_expired(now_ms)
        if self.watch is not None and self.watch.on_time(now_ms):
            self._reject_rescuable()
        for window in self._windows.values():
            window.probe(now_ms)
        self._send_allowed(now_ms)

    def close(self) -> None:
        """Ends what waits. What take_outgoing gives after that is the last."""
        self._reject_all(closed_error)
        if self.watch is not None:
            for batch in self.watch.take_all():
                self.send_batch(batch)

    def query_route(self, modid: int, cmdid: int, version: int) -> None:
        """For the watch, which sees the answer as it comes."""
        self.refresh(modid, cmdid, version, self._now_ms)

    def send_batch(self, batch: Batch) -> None:
        if not self._is_open and len(self._outgoing) >= _MAX_OUTGOING:
            self._counters.dropped += 1
        else:
            self._outgoing.append(encode_result(batch))

    def _start(self, request: Request, now_ms: float) -> Request:
        self._table.add(request)
        self._windows[request.kind].enter(request)
        self._send_allowed(now_ms)
        return request

    def _send_allowed(self, now_ms: float) -> None:
        # Requests wait for the socket to open in their windows, so that none counts as in flight before it is sent.
        if not self._is_open:
            return
        for window in self._windows.values():
            request = window.take_next(now_ms) if window.has_waiting else None
            while request is not None:
                self._outgoing.append(_encode(request))
                if self.watch is not None:
                    self.watch.on_request(request.modid, request.cmdid, now_ms)
                request = window.take_next(now_ms)

    def _on_message(self, datagram: bytes) -> None:
        message_id, body = decode_datagram(datagram)
        if message_id == GET_HOST_RESPONSE:
            answer = decode_get_host_response(body)
            request = self._table.take_host(answer.seq, answer.modid, answer.cmdid)
            if request is None:
                self._counters.late += 1
                return
            if answer.host is not None:
                if self.watch is not None:
                    self.watch.on_confirmed(answer.modid, answer.cmdid)
                self._on_picked(answer.modid, answer.cmdid)
            self._finish(request, read_host_answer(answer, self._context_of(request)))
        elif message_id == API_GET_ROUTE_RESPONSE:
            self._on_route(body)
        else:
            self._counters.malformed += 1

    def _on_route(self, body: bytes) -> None:
        answer = decode_get_route_response(body)
        requests = self._table.take_route(answer)
        is_told = self.watch is None or self.watch.on_route(answer)
        if not requests:
            self._counters.late += 1
        for request in requests:
            if request.kind == ROUTE:
                self._finish(request, read_route_answer(answer))
            else:
                self._finish(request, answer if is_told else None)

    def _finish(self, request: Request, outcome: object) -> None:
        self._counters.answered += request.kind != REFRESH
        self._windows[request.kind].on_answer(request)
        request.finish(outcome)

    def _reject(self, request: Request, error: LarsError) -> None:
        self._windows[request.kind].leave(request)
        if request.kind == REFRESH:
            self._counters.refreshes_lost += 1
            request.finish(None)
        else:
            request.finish(self._rescue(request, error))

    def _reject_all(self, failure: Callable[[Context], LarsError]) -> None:
        request = self._table.take_any()
        while request is not None:
            self._reject(request, failure(self._context_of(request)))
            request = self._table.take_any()

    def _reject_rescuable(self) -> None:
        """The server hangs: requests that the client can do without end now, the others may yet be answered."""
        for request in self._table.pending_hosts():
            if self._may_pick_alone(request.modid, request.cmdid):
                self._table.remove(request)
                self._counters.unreachable += 1
                self._reject(request, unreachable_error(self._context_of(request), OSError('no answer to any request')))

    def _context_of(self, request: Request) -> Context:
        return Context(request.modid, request.cmdid, self.agent)


def _encode(request: Request) -> bytes:
    if request.kind == HOST:
        return encode_get_host(request.seq, request.modid, request.cmdid)
    return encode_get_route(request.modid, request.cmdid, request.version)
