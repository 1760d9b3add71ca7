"""What time it is."""

from __future__ import annotations

import time


def now_ms() -> float:
    """Monotonic."""
    return time.monotonic() * 1_000
