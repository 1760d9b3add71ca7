"""What this package raises: one class, and a function for each error of a request, which says what to do about it. Pure."""

from __future__ import annotations

from typing import TYPE_CHECKING, NamedTuple, Optional, Tuple, Type

if TYPE_CHECKING:
    # Hosts check what they are made of, and raise these errors.
    from .host import Host

# Stable: code and metrics may compare these strings. They are those of @lars/client-sdk.
LARS_OVERLOAD = 'LARS_OVERLOAD'
LARS_NO_EXIST = 'LARS_NO_EXIST'
LARS_SYSTEM_ERROR = 'LARS_SYSTEM_ERROR'
LARS_AGENT_SILENT = 'LARS_AGENT_SILENT'
LARS_AGENT_UNREACHABLE = 'LARS_AGENT_UNREACHABLE'
LARS_CALL_TIMEOUT = 'LARS_CALL_TIMEOUT'
LARS_NO_ROUTE = 'LARS_NO_ROUTE'
LARS_CLOSED = 'LARS_CLOSED'
LARS_TOO_MANY_PENDING = 'LARS_TOO_MANY_PENDING'
LARS_BAD_ARGUMENT = 'LARS_BAD_ARGUMENT'


class LarsError(Exception):
    """Everything that this package raises by itself. What a function given to `call` raises passes unchanged.

    `code` is one of the LARS_ constants; `modid` and `cmdid` name the module, where the error belongs to one, and `host` is the one that was being
    called, where one was. `__cause__` is what lies behind.
    """

    def __init__(
        self, code: str, message: str, modid: Optional[int] = None, cmdid: Optional[int] = None, host: Optional[Host] = None
    ) -> None:
        super().__init__(message)
        self.code = code
        self.modid = modid
        self.cmdid = cmdid
        self.host = host

    def __reduce__(self) -> Tuple[Type[LarsError], Tuple[str, str, Optional[int], Optional[int], Optional[Host]]]:
        return LarsError, (self.code, str(self), self.modid, self.cmdid, self.host)


class Context(NamedTuple):
    """What a request is about, for the texts of its errors. `agent` is its address, 'HOST:PORT'."""

    modid: int
    cmdid: int
    agent: str


def is_unanswered(error: object) -> bool:
    """Whether the agent has not answered a request, for which the client may then pick by itself."""
    return isinstance(error, LarsError) and error.code in (LARS_AGENT_SILENT, LARS_AGENT_UNREACHABLE)


def overload_error(context: Context) -> LarsError:
    text = 'says that none of its hosts may be called now; shed this call or try again later'
    return _request_error(LARS_OVERLOAD, context, f'agent {context.agent} {text}')


def no_exist_error(context: Context) -> LarsError:
    text = 'knows no host of it; check modid and cmdid, add a route, or wait for it with register()'
    return _request_error(LARS_NO_EXIST, context, f'agent {context.agent} {text}')


def system_error(context: Context, why: str) -> LarsError:
    return _request_error(LARS_SYSTEM_ERROR, context, f"agent {context.agent} {why}; look into the agent's log")


def timeout_error(context: Context, timeout_ms: float) -> LarsError:
    text = f'no answer from agent {context.agent} within {timeout_ms:g} ms; see whether the agent is stuck, or raise timeout_ms'
    return _request_error(LARS_AGENT_SILENT, context, text)


def register_timeout_error(context: Context, timeout_ms: float, last: Optional[LarsError]) -> LarsError:
    text = f'agent {context.agent} had no route within {timeout_ms:g} ms; add the route, or see the cause for what kept it'
    return _request_error(LARS_NO_ROUTE, context, text, last)


def call_timeout_error(context: Context, timeout_ms: float, host: Host) -> LarsError:
    text = f'the call to {host} (picked by agent {context.agent}) took longer than {timeout_ms:g} ms; '
    error = _request_error(LARS_CALL_TIMEOUT, context, text + 'see whether the host hangs, or raise timeout_ms')
    error.host = host
    return error


def unreachable_error(context: Context, cause: BaseException) -> LarsError:
    text = f'agent {context.agent} cannot be reached ({cause}); see whether the agent runs and listens there'
    return _request_error(LARS_AGENT_UNREACHABLE, context, text, cause)


def closed_error(context: Context) -> LarsError:
    return _request_error(LARS_CLOSED, context, f'this client of agent {context.agent} is closed; make a new one')


def too_many_pending_error(context: Context, max_pending: int) -> LarsError:
    text = f'{max_pending} requests wait for agent {context.agent} and its siblings already; call less at once or raise max_pending'
    return _request_error(LARS_TOO_MANY_PENDING, context, text)


def _request_error(code: str, context: Context, text: str, cause: Optional[BaseException] = None) -> LarsError:
    error = LarsError(code, f'module {context.modid}/{context.cmdid}: {text}', context.modid, context.cmdid)
    error.__cause__ = cause
    return error
