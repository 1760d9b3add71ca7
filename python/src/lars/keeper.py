"""The thread of a `Client` that does what is due while no caller waits for an answer."""

from __future__ import annotations

import threading
from typing import Optional, Sequence

from .clock import now_ms
from .core.client_core import ClientCore
from .lane import Lane

# Who is away is listened to this often, so that its return is noticed.
_LISTEN_S = 0.05
# Without anything to do the thread ends after this long.
_IDLE_S = 5.0


class Keeper:
    """Looks after the lanes that no thread leads: deadlines, probes, results that wait for the agent.

    The thread runs only while something is due.

    All methods are called with the client's lock taken.
    """

    def __init__(self, core: ClientCore, lanes: Sequence[Lane], lock: threading.RLock) -> None:
        self._core = core
        self._lanes = lanes
        self._wakes = threading.Condition(lock)
        self._thread: Optional[threading.Thread] = None
        # When it looks next.
        self._at_ms = float('inf')

    def rouse(self, lane: Lane) -> None:
        """Sees to it that the lane is looked after in time."""
        wake_at_ms = None if lane.is_led or self._core.is_closed else lane.wake_at_ms
        if wake_at_ms is None or wake_at_ms >= self._at_ms:
            return
        self._at_ms = wake_at_ms
        if self._thread is None:
            self._thread = threading.Thread(target=self._run, name='lars-keeper', daemon=True)
            self._thread.start()
        else:
            self._wakes.notify()

    def stop(self) -> None:
        self._wakes.notify_all()

    def _run(self) -> None:
        with self._wakes:
            while not self._core.is_closed:
                lanes = [lane for lane in self._lanes if not lane.is_led]
                due_ms = [at_ms for at_ms in (lane.wake_at_ms for lane in lanes) if at_ms is not None]
                self._at_ms = min(due_ms, default=float('inf'))
                longest_s = _LISTEN_S if any(lane.is_away for lane in lanes) else _IDLE_S
                wait_s = min(longest_s, (self._at_ms - now_ms()) / 1_000)
                if wait_s > 0 and self._wakes.wait(wait_s):
                    continue
                if not due_ms:
                    break
                for lane in self._lanes:
                    if not lane.is_led:
                        lane.pump()
            self._thread = None
            self._at_ms = float('inf')
