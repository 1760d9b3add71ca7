"""Whether one of the agent's servers answers, and what becomes of the results while it does not. Pure.

Results wait until the server is back and has the route of their module, because it drops results of a module that it does not know. Nothing is sent
twice: a result counts as sent once the socket was read without an error after it.
"""

from __future__ import annotations

from typing import List, Optional, Protocol, Set, Tuple

from ..messages import Batch, GetRouteResponse
from .outage_results import ModuleKey, OutageResults
from .presence import LOST, PROBE, Presence

# How long after its return the agent's word that a module has no hosts is doubted: it may not have reached dnsserver yet.
DOUBT_MS = 10_000.0
# How often the agent is asked for a route that it has yet to get.
QUERY_GAP_MS = 100.0
# So many batches are sent at once after an outage, and so long after it the next ones, or the agent's socket could not take them.
_BATCHES_AT_ONCE = 16
_BATCH_GAP_MS = 10.0
# Results that may yet turn out to have been refused are remembered up to this number, and until the socket was read twice, so long apart.
_MAX_RECENT = 4_096
_RECENT_MS = 5.0


class WatchOwner(Protocol):
    """What a watch has done by its owner."""

    def query_route(self, modid: int, cmdid: int, version: int) -> None: ...

    def send_batch(self, batch: Batch) -> None: ...


class Watch:
    def __init__(self, owner: WatchOwner) -> None:
        self._owner = owner
        self._presence = Presence()
        self._results = OutageResults()
        # Results that were sent before the socket was last read, and after that.
        self._older: List[Batch] = []
        self._recent: List[Batch] = []
        self._recent_until_ms: Optional[float] = None
        # Since when the server is back from an outage that is not over in every way.
        self._back_since_ms: Optional[float] = None
        # Modules of which the server has had the route since it is back.
        self._confirmed: Set[ModuleKey] = set()
        self._unsent: List[Batch] = []
        self._next_query_ms = 0.0
        self._next_batch_ms = 0.0
        # What a probe asks for, with the version that is known: best a module that the server knows, because it may park a query for another.
        self._probed: Tuple[int, int, int] = (0, 0, 0)
        self._is_probed_known = False

    @property
    def away_since_ms(self) -> Optional[float]:
        return self._presence.away_since_ms

    @property
    def is_away(self) -> bool:
        return self._presence.is_away

    @property
    def unsent_calls(self) -> int:
        return self._results.calls + sum(result.succ + result.err for batch in self._unsent for result in batch.results)

    @property
    def dropped_calls(self) -> int:
        return self._results.dropped

    def is_away_for(self, modid: int, cmdid: int) -> bool:
        """Whether the client must do without the server for this module: it is away, or back and has not had the route yet."""
        return self._is_outage and (modid, cmdid) not in self._confirmed

    @property
    def wake_at_ms(self) -> Optional[float]:
        """When `on_time` has something to do."""
        first = earlier(self._presence.wake_at_ms, self._recent_until_ms)
        if self._back_since_ms is None:
            return first
        return earlier(first, self._next_batch_ms if self._unsent else self._next_query_ms)

    def on_request(self, modid: int, cmdid: int, now_ms: float) -> None:
        if not self._is_probed_known:
            self._probed = (modid, cmdid, 0)
        self._presence.on_request(now_ms)

    def on_datagram(self, now_ms: float, is_waiting: bool) -> None:
        # The kernel tells of an error before it gives a datagram, so no result from before this one was refused.
        self._recent.clear()
        self._older.clear()
        if self._presence.on_datagram(now_ms, is_waiting):
            self._back_since_ms = self._next_query_ms = self._next_batch_ms = now_ms

    def on_route(self, answer: GetRouteResponse) -> bool:
        """The server has answered with a route. Returns False when the answer is doubted and must be taken for none."""
        key = (answer.modid, answer.cmdid)
        if answer.version != 0:
            self._probed = (*key, answer.version)
            self._is_probed_known = True
        if not self._is_outage:
            return True
        if not answer.hosts and not answer.not_modified:
            return key in self._confirmed
        self.on_confirmed(*key)
        return True

    def on_confirmed(self, modid: int, cmdid: int) -> None:
        """The server has the route of this module."""
        if not self._is_probed_known:
            self._probed = (modid, cmdid, 0)
            self._is_probed_known = True
        if self._back_since_ms is None:
            return
        self._confirmed.add((modid, cmdid))
        self._unsent += self._results.take((modid, cmdid))

    def on_failure(self, now_ms: float) -> None:
        self._presence.on_failure(now_ms)
        # What was sent since the socket was last read has been refused, as far as anybody can tell.
        for batch in self._older + self._recent:
            self._results.add(batch)
        self._on_lost()

    def take_result(self, batch: Batch, now_ms: float) -> bool:
        """Returns whether the watch keeps the result; otherwise it must be sent now."""
        if self.is_away_for(batch.modid, batch.cmdid):
            self._results.add(batch)
            return True
        self._remember(batch, now_ms)
        self._presence.on_report(now_ms)
        return False

    def on_time(self, now_ms: float) -> bool:
        """To be called after the socket was read. Returns whether the server is away from now on."""
        if self._recent_until_ms is not None and now_ms >= self._recent_until_ms:
            self._older, self._recent = self._recent, []
            self._recent_until_ms = now_ms + _RECENT_MS if self._older else None
        step = self._presence.on_time(now_ms)
        if step == PROBE:
            self._owner.query_route(*self._probed)
        elif step == LOST:
            self._on_lost()
        if self._back_since_ms is not None:
            self._catch_up(now_ms, self._back_since_ms)
        return step == LOST

    def take_all(self) -> List[Batch]:
        """Everything that is unsent, because the client closes: a server that hangs may read it later."""
        self._release_all()
        unsent, self._unsent = self._unsent, []
        return unsent

    @property
    def _is_outage(self) -> bool:
        return self._presence.is_away or self._back_since_ms is not None

    def _on_lost(self) -> None:
        self._back_since_ms = None
        self._confirmed.clear()
        for batch in self._unsent:
            self._results.add(batch)
        self._unsent.clear()
        self._older.clear()
        self._recent.clear()

    def _remember(self, batch: Batch, now_ms: float) -> None:
        if len(self._recent) < _MAX_RECENT:
            self._recent.append(batch)
        if self._recent_until_ms is None:
            self._recent_until_ms = now_ms + _RECENT_MS

    def _catch_up(self, now_ms: float, back_since_ms: float) -> None:
        is_over = now_ms >= back_since_ms + DOUBT_MS
        if is_over:
            self._release_all()
        elif now_ms >= self._next_query_ms:
            self._next_query_ms = now_ms + QUERY_GAP_MS
            for key in self._results.modules():
                self._owner.query_route(*key, 0)
        if self._unsent and now_ms >= self._next_batch_ms:
            self._next_batch_ms = now_ms + _BATCH_GAP_MS
            batches, self._unsent = self._unsent[:_BATCHES_AT_ONCE], self._unsent[_BATCHES_AT_ONCE:]
            for batch in batches:
                self._owner.send_batch(batch)
                self._remember(batch, now_ms)
        if is_over and not self._unsent:
            self._back_since_ms = None
            self._confirmed.clear()

    def _release_all(self) -> None:
        for key in self._results.modules():
            self._unsent += self._results.take(key)


def earlier(one: Optional[float], other: Optional[float]) -> Optional[float]:
    if one is None or other is None:
        return other if one is None else one
    return min(one, other)
