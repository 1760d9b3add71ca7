"""How `register` waits for a route: which failures may be over by the next attempt, and how long the pauses are. Pure."""

from __future__ import annotations

from typing import Callable, Optional

from ..errors import (
    LARS_AGENT_SILENT,
    LARS_AGENT_UNREACHABLE,
    LARS_SYSTEM_ERROR,
    LARS_TOO_MANY_PENDING,
    Context,
    LarsError,
    no_exist_error,
    register_timeout_error,
)
from ..host import Route

REGISTER_TIMEOUT_MS = 10_000
_FIRST_PAUSE_MS = 50.0
_MAX_PAUSE_MS = 1_000.0
_TRANSIENT = (LARS_AGENT_SILENT, LARS_AGENT_UNREACHABLE, LARS_SYSTEM_ERROR, LARS_TOO_MANY_PENDING)


class RouteWait:
    """Waiting for one route. Each pause is a random part of its length, at least half of it, so that many processes do not ask together."""

    def __init__(self, context: Context, timeout_ms: float, random: Callable[[], float], now_ms: float) -> None:
        self._context = context
        self._timeout_ms = timeout_ms
        self._random = random
        self._deadline_ms = now_ms + timeout_ms
        self._pause_ms = _FIRST_PAUSE_MS
        self._last: Optional[LarsError] = None

    def left_ms(self, now_ms: float) -> float:
        """How long the next attempt may take. Raises LarsError LARS_NO_ROUTE where the time is up."""
        left_ms = self._deadline_ms - now_ms
        if left_ms <= 0:
            raise register_timeout_error(self._context, self._timeout_ms, self._last)
        return left_ms

    def on_outcome(self, outcome: object) -> Optional[Route]:
        """The route where it has come; None where there must be another attempt. Raises a failure that is not transient."""
        if isinstance(outcome, LarsError):
            if outcome.code not in _TRANSIENT:
                raise outcome
            self._last = outcome
            return None
        if isinstance(outcome, Route) and outcome.hosts:
            return outcome
        self._last = no_exist_error(self._context)
        return None

    def next_pause_ms(self, now_ms: float) -> float:
        pause_ms = self._pause_ms * (0.5 + self._random() / 2)
        self._pause_ms = min(2 * self._pause_ms, _MAX_PAUSE_MS)
        return max(0.0, min(self._deadline_ms - now_ms, pause_ms))
