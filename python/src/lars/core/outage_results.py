"""The results of calls that were made while the agent was away, summed up by host, until it is back. Pure."""

from __future__ import annotations

from typing import Dict, Iterator, List, Tuple

from ..address import Address
from ..messages import Batch, BatchResult

# Calls and hosts that are remembered at most. What comes beyond is dropped and counted.
MAX_CALLS = 1_000_000
MAX_HOSTS = 10_000
# What one datagram tells of at most.
_MAX_BATCH_RESULTS = 100
_MAX_BATCH_CALLS = 10_000

ModuleKey = Tuple[int, int]
# Whether the host was picked from a copy, its address, and whether the calls have a duration: the agent sees only the sum of the durations.
_SumKey = Tuple[bool, Address, bool]


class OutageResults:
    def __init__(self) -> None:
        # For each module the sums: succ, err, tcost.
        self._modules: Dict[ModuleKey, Dict[_SumKey, List[int]]] = {}
        self.calls = 0
        self.dropped = 0
        self._entries = 0

    def modules(self) -> Iterator[ModuleKey]:
        return iter(list(self._modules))

    def has(self, key: ModuleKey) -> bool:
        return key in self._modules

    def add(self, batch: Batch) -> None:
        key = (batch.modid, batch.cmdid)
        for result in batch.results:
            calls = result.succ + result.err
            sum_key = (batch.from_copy, Address(result.ip, result.port, result.addr), result.tcost > 0)
            sums = self._modules.get(key, {}).get(sum_key)
            if self.calls + calls > MAX_CALLS or (sums is None and self._entries >= MAX_HOSTS):
                self.dropped += calls
                continue
            if sums is None:
                sums = self._modules.setdefault(key, {}).setdefault(sum_key, [0, 0, 0])
                self._entries += 1
            sums[0] += result.succ
            sums[1] += result.err
            sums[2] += result.tcost
            self.calls += calls

    def take(self, key: ModuleKey) -> List[Batch]:
        """Takes out all results of a module, in batches that fit in a datagram each."""
        sums = self._modules.pop(key, {})
        self._entries -= len(sums)
        self.calls -= sum(succ + err for succ, err, _ in sums.values())
        batches: List[Batch] = []
        for from_copy in (True, False):
            results = [
                BatchResult(host.ip, host.port, host.addr, succ, err, tcost)
                for (is_copy, host, _), (succ, err, tcost) in sums.items()
                if is_copy == from_copy
            ]
            batches += [Batch(*key, tuple(part), from_copy) for part in _split(results)]
        return batches


def _split(results: List[BatchResult]) -> Iterator[List[BatchResult]]:
    """Results in lists, none of which tells of too many calls."""
    part: List[BatchResult] = []
    calls = 0
    for result in (piece for whole in results for piece in _pieces(whole)):
        more = result.succ + result.err
        if part and (len(part) >= _MAX_BATCH_RESULTS or calls + more > _MAX_BATCH_CALLS):
            yield part
            part, calls = [], 0
        part.append(result)
        calls += more
    if part:
        yield part


def _pieces(whole: BatchResult) -> List[BatchResult]:
    """A result of very many calls in pieces with the same share of failures and the same durations, and the same sums together."""
    count = -(-(whole.succ + whole.err) // _MAX_BATCH_CALLS)

    def share(total: int, piece: int) -> int:
        return total * (piece + 1) // count - total * piece // count

    return [
        whole._replace(succ=share(whole.succ, piece), err=share(whole.err, piece), tcost=share(whole.tcost, piece))
        for piece in range(count)
    ]
