"""All that a client decides, without a socket, a clock, a thread or an event loop. Pure.

`Client` and `AsyncClient` lend it these: they tell it what happens on the sockets and what time it is (monotonic milliseconds), and send what its
channels give them.
"""

from __future__ import annotations

from typing import Callable, Optional

from ..errors import Context, LarsError, closed_error, is_unanswered, too_many_pending_error
from ..host import Host, ReportTarget, address_of, check_result
from ..messages import SHARD_COUNT, Batch, BatchResult, GetRouteResponse, shard_of
from ..options import Settings
from ..stats import Counters, Stats
from ..validation import check_module, check_timeout
from .channel import Channel
from .copies import Copies
from .request import HOST, Request


class ClientCore:
    def __init__(self, settings: Settings, random: Callable[[], float], first_seq: int = 1) -> None:
        """`random` is uniform in [0, 1)."""
        self.settings = settings
        self.counters = Counters()
        self.is_closed = False
        self._copies = Copies(random) if settings.fallback else None
        self._now_ms = 0.0
        self.channels = tuple(
            Channel(settings.agent(shard), self.counters, settings.fallback, first_seq, self._may_pick_alone, self._rescue, self._on_picked)
            for shard in range(SHARD_COUNT)
        )

    def context_of(self, modid: int, cmdid: int) -> Context:
        return Context(modid, cmdid, self.settings.agent(shard_of(modid, cmdid)))

    def get_host(self, modid: int, cmdid: int, timeout_ms: Optional[float], now_ms: float) -> Request:
        """Begins to ask for a host, or picks one at once while the agent is away. Raises LarsError where it may not begin."""
        limit_ms = self._check(modid, cmdid, timeout_ms)
        channel = self.channels[shard_of(modid, cmdid)]
        host = self._pick_alone(modid, cmdid, now_ms) if channel.is_away_for(modid, cmdid) else None
        if host is not None:
            request = Request(HOST, modid, cmdid, limit_ms, now_ms)
            request.finish(host)
        else:
            self._admit(modid, cmdid)
            request = channel.get_host(modid, cmdid, limit_ms, now_ms)
        self._query_if_due(modid, cmdid, now_ms)
        return request

    def get_route(self, modid: int, cmdid: int, timeout_ms: Optional[float], now_ms: float) -> Request:
        limit_ms = self._check(modid, cmdid, timeout_ms)
        self._admit(modid, cmdid)
        return self.channels[shard_of(modid, cmdid)].get_route(modid, cmdid, limit_ms, now_ms)

    def cancel(self, request: Request, now_ms: float) -> None:
        """The caller does not wait for the request any more."""
        self.channels[shard_of(request.modid, request.cmdid)].cancel(request, now_ms)

    def report(self, target: ReportTarget, ok: bool, tcost_ms: Optional[float], now_ms: float) -> int:
        """Returns the shard whose channel has something to send. Raises LarsError LARS_BAD_ARGUMENT."""
        address = address_of(target)
        tcost = check_result(ok, tcost_ms)
        modid, cmdid = target.modid, target.cmdid
        shard = shard_of(modid, cmdid)
        self.counters.reports += 1
        if self.is_closed:
            self.counters.dropped += 1
            return shard
        if self._copies is not None:
            self._copies.learn(modid, cmdid, address, ok, now_ms)
        result = BatchResult(address.ip, address.port, address.addr, int(ok), int(not ok), tcost)
        is_own_pick = isinstance(target, Host) and target.picked_by_client
        self.channels[shard].report(Batch(modid, cmdid, (result,), is_own_pick), now_ms)
        return shard

    def needs_routes_file(self, modid: int, cmdid: int) -> bool:
        """Whether the agent's file may have the route that a call needs: the agent is away, and the route is not known."""
        if self.settings.routes_file is None or self._copies is None or self.is_closed:
            return False
        is_away = self.channels[shard_of(modid, cmdid)].is_away_for(modid, cmdid)
        return is_away and not self._copies.has(modid, cmdid)

    def on_foreign_route(self, route: GetRouteResponse, now_ms: float) -> None:
        """A route from the agent's file. What has come from the agent meanwhile is better."""
        if self._copies is not None and not self._copies.has(route.modid, route.cmdid):
            self._copies.on_foreign_route(route, now_ms)

    def on_time(self, shard: int, now_ms: float) -> None:
        self._now_ms = now_ms
        self.channels[shard].on_time(now_ms)

    def on_datagram(self, shard: int, datagram: bytes, now_ms: float) -> None:
        self._now_ms = now_ms
        self.channels[shard].on_datagram(datagram, now_ms)

    def on_failure(self, shard: int, error: OSError, now_ms: float) -> None:
        self._now_ms = now_ms
        self.channels[shard].on_failure(error, now_ms)

    def pick_after(self, error: object, modid: int, cmdid: int, now_ms: float) -> Optional[Host]:
        """A host for a request that ended with this error, where the client may pick one now."""
        return self._pick_alone(modid, cmdid, now_ms) if is_unanswered(error) and not self.is_closed else None

    def close(self) -> None:
        self.is_closed = True
        for channel in self.channels:
            channel.close()

    def stats(self, now_ms: float) -> Stats:
        watches = [channel.watch for channel in self.channels if channel.watch is not None]
        since_ms = [watch.away_since_ms for watch in watches if watch.away_since_ms is not None]
        return Stats(
            **vars(self.counters),
            pending=self._pending_count(),
            agent_away=bool(since_ms),
            agent_away_for_ms=now_ms - min(since_ms) if since_ms else 0,
            unsent_results=sum(watch.unsent_calls for watch in watches),
            dropped_results=sum(watch.dropped_calls for watch in watches),
        )

    def _check(self, modid: int, cmdid: int, timeout_ms: Optional[float]) -> float:
        check_module(modid, cmdid)
        if timeout_ms is not None:
            check_timeout(timeout_ms)
        if self.is_closed:
            raise closed_error(self.context_of(modid, cmdid))
        return self.settings.timeout_ms if timeout_ms is None else timeout_ms

    def _admit(self, modid: int, cmdid: int) -> None:
        if self._pending_count() >= self.settings.max_pending:
            self.counters.too_many_pending += 1
            raise too_many_pending_error(self.context_of(modid, cmdid), self.settings.max_pending)

    def _pending_count(self) -> int:
        return sum(channel.pending_count for channel in self.channels)

    def _query_if_due(self, modid: int, cmdid: int, now_ms: float) -> None:
        """Asks for the route beside a call, so that it is known when the agent is away."""
        channel = self.channels[shard_of(modid, cmdid)]
        if self._copies is None or channel.is_away:
            return
        version = self._copies.take_query(modid, cmdid, channel.is_away_for(modid, cmdid), now_ms)
        if version is not None:
            self.counters.refreshes += 1
            channel.refresh(modid, cmdid, version, now_ms, self._on_refreshed)

    def _on_refreshed(self, request: Request) -> None:
        if self._copies is not None and isinstance(request.outcome, GetRouteResponse):
            self._copies.on_route(request.outcome, self._now_ms)

    def _may_pick_alone(self, modid: int, cmdid: int) -> bool:
        return self._copies is not None and (self.settings.routes_file is not None or self._copies.has(modid, cmdid))

    def _on_picked(self, modid: int, cmdid: int) -> None:
        if self._copies is not None and self._copies.on_agent_pick(modid, cmdid):
            self._query_if_due(modid, cmdid, self._now_ms)

    def _rescue(self, request: Request, error: LarsError) -> object:
        if request.kind != HOST:
            return error
        return self.pick_after(error, request.modid, request.cmdid, self._now_ms) or error

    def _pick_alone(self, modid: int, cmdid: int, now_ms: float) -> Optional[Host]:
        host = None if self._copies is None else self._copies.pick(modid, cmdid, now_ms)
        self.counters.fallback_picks += host is not None
        return host
