"""Checks of what callers pass in. Each raises a LarsError LARS_BAD_ARGUMENT that names the argument and what was given. Pure."""

from __future__ import annotations

from typing import Optional

from .errors import LARS_BAD_ARGUMENT, LarsError

INT32_MIN = -(2**31)
INT32_MAX = 2**31 - 1
# As in @lars/client-sdk: about 24 days.
MAX_TIMEOUT_MS = 2**31 - 1
_MAX_SHOWN_LENGTH = 60


def bad_argument(argument: str, expected: str, given: object, cause: Optional[BaseException] = None) -> LarsError:
    error = LarsError(LARS_BAD_ARGUMENT, f'{argument} must be {expected}, not {_show(given)}')
    error.__cause__ = cause
    return error


def is_integer(value: object) -> bool:
    return isinstance(value, int) and not isinstance(value, bool)


def check_module(modid: object, cmdid: object) -> None:
    for name, value in (('modid', modid), ('cmdid', cmdid)):
        if not (isinstance(value, int) and not isinstance(value, bool) and INT32_MIN <= value <= INT32_MAX):
            raise bad_argument(name, f'an integer in {INT32_MIN}..{INT32_MAX}', value)


def check_timeout(timeout_ms: object) -> None:
    if isinstance(timeout_ms, (int, float)) and not isinstance(timeout_ms, bool) and 0 < timeout_ms <= MAX_TIMEOUT_MS:
        return
    raise bad_argument('timeout_ms', f'a number of milliseconds above 0, at most {MAX_TIMEOUT_MS}', timeout_ms)


def check_function(argument: str, value: object) -> None:
    if not callable(value):
        raise bad_argument(argument, 'a function', value)


def _show(value: object) -> str:
    if isinstance(value, str):
        return f"'{value[:_MAX_SHOWN_LENGTH]}'"
    if value is None or isinstance(value, (bool, int, float)):
        return repr(value)[:_MAX_SHOWN_LENGTH]
    if callable(value):
        return 'a function'
    return f'an object of type {type(value).__name__}'
