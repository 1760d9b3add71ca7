"""Asks the LARS agent of this machine which host to call, and reports the result of the call. See README.md."""

from .async_client import AsyncClient
from .client import Client
from .errors import (
    LARS_AGENT_SILENT,
    LARS_AGENT_UNREACHABLE,
    LARS_BAD_ARGUMENT,
    LARS_CALL_TIMEOUT,
    LARS_CLOSED,
    LARS_NO_EXIST,
    LARS_NO_ROUTE,
    LARS_OVERLOAD,
    LARS_SYSTEM_ERROR,
    LARS_TOO_MANY_PENDING,
    LarsError,
)
from .host import Host, ReportTarget, Route, Target
from .stats import Stats

__all__ = [
    'LARS_AGENT_SILENT',
    'LARS_AGENT_UNREACHABLE',
    'LARS_BAD_ARGUMENT',
    'LARS_CALL_TIMEOUT',
    'LARS_CLOSED',
    'LARS_NO_EXIST',
    'LARS_NO_ROUTE',
    'LARS_OVERLOAD',
    'LARS_SYSTEM_ERROR',
    'LARS_TOO_MANY_PENDING',
    'AsyncClient',
    'Client',
    'Host',
    'LarsError',
    'ReportTarget',
    'Route',
    'Stats',
    'Target',
]
