"""The requests that wait for one socket's answers. Pure."""

from __future__ import annotations

import heapq
from typing import Dict, List, Optional, Tuple

from ..messages import GetRouteResponse
from .request import HOST, REFRESH, ROUTE, Request

MAX_SEQ = 2**32 - 1
# The heap of deadlines keeps requests that have ended until they are due, or are more than the others and this many.
_MAX_ENDED = 64


class PendingTable:
    """Gives each request its sequence number, finds the requests that an answer is for, and knows which deadlines are over."""

    def __init__(self, first_seq: int = 1, max_seq: int = MAX_SEQ) -> None:
        self._hosts: Dict[int, Request] = {}
        self._routes: Dict[Tuple[int, int], List[Request]] = {}
        self._deadlines: List[Tuple[float, int, Request]] = []
        self._next_seq = first_seq
        self._max_seq = max_seq
        self._added = 0
        self._size = 0
        self._refreshes = 0

    @property
    def size(self) -> int:
        return self._size

    @property
    def caller_count(self) -> int:
        """Requests that a caller waits for."""
        return self._size - self._refreshes

    @property
    def next_deadline_ms(self) -> Optional[float]:
        deadlines = self._deadlines
        while deadlines and not self.has(deadlines[0][2]):
            heapq.heappop(deadlines)
        return deadlines[0][0] if deadlines else None

    def add(self, request: Request) -> None:
        if request.kind == HOST:
            request.seq = self._take_seq()
            self._hosts[request.seq] = request
        else:
            self._routes.setdefault((request.modid, request.cmdid), []).append(request)
            self._refreshes += request.kind == REFRESH
        self._size += 1
        self._added += 1
        if len(self._deadlines) > 2 * self._size + _MAX_ENDED:
            self._deadlines = [entry for entry in self._deadlines if self.has(entry[2])]
            heapq.heapify(self._deadlines)
        heapq.heappush(self._deadlines, (request.deadline_ms, self._added, request))

    def has(self, request: Request) -> bool:
        if request.kind == HOST:
            return self._hosts.get(request.seq) is request
        return request in self._routes.get((request.modid, request.cmdid), ())

    def pending_hosts(self) -> List[Request]:
        return list(self._hosts.values())

    def take_host(self, seq: int, modid: int, cmdid: int) -> Optional[Request]:
        """Takes out the request that a getHost answer is for; None when no request waits for it (any more)."""
        request = self._hosts.get(seq)
        if request is None or request.modid != modid or request.cmdid != cmdid:
            return None
        self.remove(request)
        return request

    def take_route(self, answer: GetRouteResponse) -> List[Request]:
        """Takes out all requests that this answer ends.

        "Not modified" is the answer to the oldest refresh that asked with its version, a full answer the one to the oldest request. That
        ends all getRoutes too, but neither ends a refresh that was sent later.
        """
        waiting = self._routes.get((answer.modid, answer.cmdid), ())
        if answer.not_modified:
            taken = [one for one in waiting if one.kind == REFRESH and one.version == answer.version][:1]
        else:
            taken = [one for at, one in enumerate(waiting) if at == 0 or one.kind == ROUTE]
        for request in taken:
            self.remove(request)
        return taken

    def take_expired(self, now_ms: float) -> Optional[Request]:
        """Takes out a request whose deadline has come, the earliest first."""
        next_ms = self.next_deadline_ms
        if next_ms is None or next_ms > now_ms:
            return None
        request = heapq.heappop(self._deadlines)[2]
        self.remove(request)
        return request

    def take_any(self) -> Optional[Request]:
        return self.take_expired(float('inf'))

    def remove(self, request: Request) -> bool:
        """Returns False when the request is not in the table (any more)."""
        if not self.has(request):
            return False
        if request.kind == HOST:
            del self._hosts[request.seq]
        else:
            key = (request.modid, request.cmdid)
            self._routes[key].remove(request)
            if not self._routes[key]:
                del self._routes[key]
            self._refreshes -= request.kind == REFRESH
        self._size -= 1
        return True

    def _take_seq(self) -> int:
        """Counts 1 to 2^32 - 1 and round again, past requests that still wait. 0 is left out, because proto3 would not send it."""
        seq = self._next_seq
        while seq in self._hosts:
            seq = self._seq_after(seq)
        self._next_seq = self._seq_after(seq)
        return seq

    def _seq_after(self, seq: int) -> int:
        return 1 if seq == self._max_seq else seq + 1
