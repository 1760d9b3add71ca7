"""One request to the agent, from its beginning to its outcome. Pure."""

from __future__ import annotations

from typing import Callable, Optional

HOST = 'host'
ROUTE = 'route'
# A route query of the client's own. No caller waits for its answer.
REFRESH = 'refresh'

WAITING = 'waiting'
IN_FLIGHT = 'in flight'
OUTSIDE = 'outside'


class Request:
    """A request that waits, or has its outcome.

    The outcome of HOST is a Host or a LarsError, of ROUTE a Route or a LarsError, of REFRESH a GetRouteResponse or None.
    """

    __slots__ = ('kind', 'modid', 'cmdid', 'timeout_ms', 'deadline_ms', 'seq', 'version', 'place', 'outcome', 'is_done', 'on_done')

    def __init__(self, kind: str, modid: int, cmdid: int, timeout_ms: float, deadline_ms: float) -> None:
        self.kind = kind
        self.modid = modid
        self.cmdid = cmdid
        self.timeout_ms = timeout_ms
        self.deadline_ms = deadline_ms
        self.seq = 0
        # The route version that a REFRESH knows, 0 = none.
        self.version = 0
        # Where it stands in its send window.
        self.place = OUTSIDE
        self.outcome: object = None
        self.is_done = False
        self.on_done: Optional[Callable[[Request], None]] = None

    def finish(self, outcome: object) -> None:
        self.outcome = outcome
        self.is_done = True
        if self.on_done is not None:
            self.on_done(self)
