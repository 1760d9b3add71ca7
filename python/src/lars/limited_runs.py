"""Functions of callers that may take only so long."""

from __future__ import annotations

import contextvars
import threading
from typing import Callable, List, Optional, TypeVar

T = TypeVar('T')


class LimitedRuns:
    """Runs each function in a thread of its own, with the caller's context variables.

    Python cannot end a thread, so that a
    function whose time is up runs on: it is abandoned."""

    def __init__(self, max_abandoned: int) -> None:
        self._max_abandoned = max_abandoned
        self._abandoned = 0
        self._lock = threading.Lock()

    @property
    def is_full(self) -> bool:
        """So many abandoned functions still run that no other should begin."""
        return self._abandoned >= self._max_abandoned

    def run(self, run: Callable[[], T], limit_s: float) -> Optional[List[T]]:
        """Returns a list with the function's result; None when the time was up. What the function raises passes unchanged."""
        results: List[T] = []
        errors: List[BaseException] = []
        ended = threading.Event()
        is_abandoned = False

        def work() -> None:
            try:
                results.append(run())
            except BaseException as error:
                errors.append(error)
            with self._lock:
                self._abandoned -= is_abandoned
                ended.set()

        threading.Thread(target=contextvars.copy_context().run, args=(work,), name='lars-call', daemon=True).start()
        try:
            ended.wait(limit_s)
        finally:
            with self._lock:
                if not ended.is_set():
                    is_abandoned = True
                    self._abandoned += 1
        if is_abandoned:
            return None
        if errors:
            raise errors[0]
        return results
