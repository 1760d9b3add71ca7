"""Whether one of the agent's servers answers. Pure.

A socket error proves at once that it does not; silence does so after a probe, because a server may have its reasons not to answer one request. Any
datagram proves that it does. The times are those of @lars/client-sdk (decision 12).
"""

from __future__ import annotations

from typing import Optional

SILENT_MS = 200.0
UNHEARD_MS = 500.0
PROBE_ANSWER_MS = 200.0
_FIRST_PAUSE_MS = 50.0
_MAX_PAUSE_MS = 500.0

PROBE = 'probe'
LOST = 'lost'


class Presence:
    def __init__(self) -> None:
        # Since when requests are out and nothing has come.
        self._silent_since_ms: Optional[float] = None
        # Since when results were sent and nothing has come; None also before the server was first heard.
        self._unheard_since_ms: Optional[float] = None
        self._was_heard = False
        self._probed_at_ms: Optional[float] = None
        # None while the server answers.
        self.away_since_ms: Optional[float] = None
        self._next_probe_ms = 0.0
        self._pause_ms = _FIRST_PAUSE_MS

    @property
    def is_away(self) -> bool:
        return self.away_since_ms is not None

    @property
    def wake_at_ms(self) -> Optional[float]:
        """When `on_time` has something to do."""
        if self.away_since_ms is not None:
            return self._next_probe_ms
        if self._probed_at_ms is not None:
            return self._probed_at_ms + PROBE_ANSWER_MS
        if self._silent_since_ms is not None:
            return self._silent_since_ms + SILENT_MS
        return None if self._unheard_since_ms is None else self._unheard_since_ms + UNHEARD_MS

    def on_request(self, now_ms: float) -> None:
        if self._silent_since_ms is None:
            self._silent_since_ms = now_ms

    def on_report(self, now_ms: float) -> None:
        if self._was_heard and self._unheard_since_ms is None:
            self._unheard_since_ms = now_ms

    def on_datagram(self, now_ms: float, is_waiting: bool) -> bool:
        """`is_waiting`: other requests wait for their answers. Returns whether the server was away until now."""
        was_away = self.is_away
        self._silent_since_ms = now_ms if is_waiting else None
        self._unheard_since_ms = None
        self._probed_at_ms = None
        self.away_since_ms = None
        self._was_heard = True
        return was_away

    def on_failure(self, now_ms: float) -> None:
        """The socket failed."""
        if not self.is_away:
            self._lose(now_ms)

    def on_time(self, now_ms: float) -> Optional[str]:
        """PROBE, LOST or None. To be called after the socket was read: a process that was paused may have answers that it has not seen."""
        wake_at_ms = self.wake_at_ms
        if wake_at_ms is None or now_ms < wake_at_ms:
            return None
        if self.is_away:
            self._next_probe_ms = now_ms + self._pause_ms
            self._pause_ms = min(2 * self._pause_ms, _MAX_PAUSE_MS)
            return PROBE
        if self._probed_at_ms is None:
            self._probed_at_ms = now_ms
            return PROBE
        self._lose(now_ms)
        return LOST

    def _lose(self, now_ms: float) -> None:
        self.away_since_ms = now_ms
        self._silent_since_ms = None
        self._unheard_since_ms = None
        self._probed_at_ms = None
        self._pause_ms = _FIRST_PAUSE_MS
        self._next_probe_ms = now_ms + _FIRST_PAUSE_MS
