"""The last route of each module that a client calls, to pick from while the agent is away. Pure.

Calls are spread by weight, without the hosts that have just failed this process; where all have, the one that failed least is called. Each host's
record is kept for as long as its module, so that a cache that picks while all is well could learn from the same.
"""

from __future__ import annotations

from collections import OrderedDict
from itertools import accumulate
from typing import Callable, Dict, Optional, Sequence

from ..address import Address
from ..host import Host
from ..messages import GetRouteResponse, HostInfo
from .answers import is_callable
from .outage_results import ModuleKey

MAX_MODULES = 1_000
MAX_HOSTS = 10_000
# How old a copy may be when its module is called; then it is compared with the agent's.
REFRESH_MS = 30_000.0
# No module's route is queried more often.
QUERY_GAP_MS = 100.0
# A module that was called within this time does not make room for another.
UNUSED_MS = 60_000.0

# Part of a host's error rate that one more result replaces, and of its module's: that is what the others do as well.
_ERROR_STEP = 1 / 32
_MODULE_ERROR_STEP = 0.005
# Two failures in a row are enough where the others are well.
_FAILING_EXCESS = 1.5 * _ERROR_STEP
# Every 2 s without results a host keeps this part of its error rate, so that it is tried again.
_FADE_MS = 2_000.0
_FADE_KEEP = 0.7
# A pick tries so many random hosts before it looks at all.
_TRIES = 8


class HostRecord:
    """What this process knows of a host."""

    __slots__ = ('_error_rate', '_has_just_failed', '_told_at_ms')

    def __init__(self) -> None:
        self._error_rate = 0.0
        self._has_just_failed = False
        self._told_at_ms = 0.0

    def error_rate(self, now_ms: float) -> float:
        fades = int(max(0.0, now_ms - self._told_at_ms) // _FADE_MS)
        return self._error_rate * _FADE_KEEP**fades

    def is_failing(self, module_error_rate: float, now_ms: float) -> bool:
        return self._has_just_failed and self.error_rate(now_ms) - module_error_rate > _FAILING_EXCESS

    def learn(self, ok: bool, now_ms: float) -> None:
        rate = self.error_rate(now_ms)
        self._error_rate = rate + (float(not ok) - rate) * _ERROR_STEP
        self._has_just_failed = not ok
        self._told_at_ms = now_ms


class ModuleCopy:
    """One module: its route, and what is known of its hosts."""

    def __init__(self) -> None:
        self.version = 0
        # When the agent last confirmed the route.
        self.confirmed_at_ms = float('-inf')
        self.queried_at_ms = float('-inf')
        self.used_at_ms = 0.0
        self.host_count = 0
        # Its route has more hosts than there is room for.
        self.has_no_room = False
        # Those that may be called: hosts that drain are left out.
        self._hosts: Sequence[Host] = ()
        self._weights: Sequence[int] = ()
        self._records: Dict[Address, HostRecord] = {}
        self._error_rate = 0.0

    @property
    def is_empty(self) -> bool:
        return not self._hosts

    def replace(self, modid: int, cmdid: int, infos: Sequence[HostInfo], version: int) -> None:
        hosts = [Host(modid, cmdid, info, picked_by_client=True) for info in infos if is_callable(info)]
        known = self._records
        self._records = {host.address: known.get(host.address) or HostRecord() for host in hosts}
        self._hosts = tuple(host for host in hosts if not host.drain)
        self._weights = tuple(accumulate(host.weight for host in self._hosts))
        self.version = version
        self.host_count = len(hosts)

    def learn(self, address: Address, ok: bool, now_ms: float) -> None:
        record = self._records.get(address)
        if record is None:
            return
        record.learn(ok, now_ms)
        self._error_rate += (float(not ok) - self._error_rate) * _MODULE_ERROR_STEP

    def pick(self, random: Callable[[], float], now_ms: float) -> Host:
        """The copy must not be empty."""
        for _ in range(_TRIES):
            host = self._pick_by_weight(random)
            if not self._records[host.address].is_failing(self._error_rate, now_ms):
                return host
        # Nearly all are failing: a search through all of them finds one that is not, or the one that fails the least.
        well = [host for host in self._hosts if not self._records[host.address].is_failing(self._error_rate, now_ms)]
        if well:
            return well[int(random() * len(well))]
        return min(self._hosts, key=lambda host: self._records[host.address].error_rate(now_ms))

    def _pick_by_weight(self, random: Callable[[], float]) -> Host:
        at = random() * self._weights[-1]
        low, high = 0, len(self._hosts) - 1
        while low < high:
            middle = (low + high) // 2
            if at < self._weights[middle]:
                high = middle
            else:
                low = middle + 1
        return self._hosts[low]


class Copies:
    """The copies of all modules. One that was not called for long makes room for others; beyond that, others are not kept."""

    def __init__(self, random: Callable[[], float], max_modules: int = MAX_MODULES, max_hosts: int = MAX_HOSTS) -> None:
        """`random` is uniform in [0, 1)."""
        self._random = random
        self._max_modules = max_modules
        self._max_hosts = max_hosts
        self._modules: OrderedDict[ModuleKey, ModuleCopy] = OrderedDict()
        self._host_count = 0

    def has(self, modid: int, cmdid: int) -> bool:
        """Whether there is a copy to pick from."""
        module = self._modules.get((modid, cmdid))
        return module is not None and not module.is_empty

    def pick(self, modid: int, cmdid: int, now_ms: float) -> Optional[Host]:
        module = self._module(modid, cmdid, now_ms) if self.has(modid, cmdid) else None
        return None if module is None else module.pick(self._random, now_ms)

    def learn(self, modid: int, cmdid: int, address: Address, ok: bool, now_ms: float) -> None:
        module = self._modules.get((modid, cmdid))
        if module is not None:
            module.learn(address, ok, now_ms)

    def take_query(self, modid: int, cmdid: int, is_urgent: bool, now_ms: float) -> Optional[int]:
        """The module is called. Returns the version with which its route must be queried now; None where it need not be.

        `is_urgent`: the agent is back, and it is not known yet whether it has the route.
        """
        module = self._module(modid, cmdid, now_ms)
        if module is None:
            return None
        due_ms = module.queried_at_ms + QUERY_GAP_MS
        if not is_urgent:
            due_ms = max(due_ms, module.confirmed_at_ms + REFRESH_MS)
        if now_ms < due_ms:
            return None
        module.queried_at_ms = now_ms
        return module.version

    def on_route(self, answer: GetRouteResponse, now_ms: float) -> None:
        """The agent's answer, also that the module has no hosts."""
        module = self._modules.get((answer.modid, answer.cmdid))
        if module is None:
            return
        module.confirmed_at_ms = now_ms
        if not answer.not_modified:
            self._replace(module, answer, now_ms)

    def on_agent_pick(self, modid: int, cmdid: int) -> bool:
        """The agent has picked a host. Returns whether it must be asked for the route again, because it had none when it was last asked."""
        module = self._modules.get((modid, cmdid))
        if module is None or module.host_count > 0 or module.has_no_room:
            return False
        module.confirmed_at_ms = float('-inf')
        return True

    def on_foreign_route(self, route: GetRouteResponse, now_ms: float) -> None:
        """A route from elsewhere, for a module that has none; the agent has not confirmed it."""
        module = self._module(route.modid, route.cmdid, now_ms)
        if module is not None:
            self._replace(module, route, now_ms)

    def _replace(self, module: ModuleCopy, route: GetRouteResponse, now_ms: float) -> None:
        while self._host_count - module.host_count + len(route.hosts) > self._max_hosts and self._drop_unused(now_ms):
            pass
        self._host_count -= module.host_count
        module.has_no_room = self._host_count + len(route.hosts) > self._max_hosts
        module.replace(route.modid, route.cmdid, () if module.has_no_room else route.hosts, 0 if module.has_no_room else route.version)
        self._host_count += module.host_count

    def _module(self, modid: int, cmdid: int, now_ms: float) -> Optional[ModuleCopy]:
        """None where there is no room for another."""
        key = (modid, cmdid)
        module = self._modules.get(key)
        if module is not None:
            self._modules.move_to_end(key)
        elif len(self._modules) < self._max_modules or self._drop_unused(now_ms):
            module = self._modules[key] = ModuleCopy()
        else:
            return None
        module.used_at_ms = now_ms
        return module

    def _drop_unused(self, now_ms: float) -> bool:
        """Drops the module that was called longest ago. Returns False where that is not long ago."""
        key, module = next(iter(self._modules.items()), (None, None))
        if key is None or module is None or now_ms - module.used_at_ms < UNUSED_MS:
            return False
        del self._modules[key]
        self._host_count -= module.host_count
        return True
