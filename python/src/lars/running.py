"""What `call` of both clients needs to run a function. Pure."""

from __future__ import annotations

from typing import Callable, Optional

from .errors import LarsError
from .validation import check_function, check_timeout

IsFailure = Callable[[Exception], bool]


class TimeUp(Exception):
    """The function took too long, which is the host's failure whatever the caller's `is_failure` thinks of it."""

    def __init__(self, error: LarsError) -> None:
        super().__init__(error)
        self.error = error


def check_call(run: object, timeout_ms: Optional[float], is_failure: Optional[IsFailure]) -> None:
    """Raises LarsError LARS_BAD_ARGUMENT."""
    check_function('run', run)
    if is_failure is not None:
        check_function('is_failure', is_failure)
    if timeout_ms is not None:
        check_timeout(timeout_ms)


def is_blameless(error: Exception, is_failure: Optional[IsFailure]) -> bool:
    """Whether a healthy host may have given the exception. Where is_failure raises itself, the host is to blame."""
    try:
        return is_failure is not None and is_failure(error) is False
    except Exception:
        return False
