"""The client for programs with asyncio."""

from __future__ import annotations

import asyncio
import os
import random
from types import TracebackType
from typing import Awaitable, Callable, List, Optional, Type, TypeVar

from .clock import now_ms
from .core.backoff import REGISTER_TIMEOUT_MS, RouteWait
from .core.client_core import ClientCore
from .core.request import Request
from .endpoint import Endpoint
from .errors import LarsError, call_timeout_error
from .host import Host, ReportTarget, Route
from .messages import shard_of
from .options import DEFAULT_HOST, DEFAULT_MAX_PENDING, DEFAULT_PORT, DEFAULT_TIMEOUT_MS, Ports, read_options
from .routes_file import RoutesFile
from .running import IsFailure, TimeUp, check_call, is_blameless
from .stats import Stats
from .validation import check_module, check_timeout

T = TypeVar('T')

_CLOSE_GRACE_S = 0.5


class AsyncClient:
    """Asks the LARS agent which host to call, and reports the results of the calls.

    One is enough for an event loop, in whose thread it must be used. It has a UDP socket for each of the agent's servers, opened when it is first needed.
    All errors are LarsErrors; their codes are in the README. All times are milliseconds. A task that is cancelled gives up its request.
    """

    def __init__(
        self,
        *,
        host: str = DEFAULT_HOST,
        ports: Ports = DEFAULT_PORT,
        timeout_ms: float = DEFAULT_TIMEOUT_MS,
        max_pending: int = DEFAULT_MAX_PENDING,
        fallback: bool = True,
        routes_file: Optional[str] = None,
    ) -> None:
        """Opens nothing yet, and needs no event loop yet. The options are those of Client. Raises LarsError LARS_BAD_ARGUMENT naming the option."""
        env_routes_file = os.environ.get('LARS_ROUTES_FILE', '')
        self._settings = read_options(host, ports, timeout_ms, max_pending, fallback, routes_file, env_routes_file)
        self._core = ClientCore(self._settings, random.random)
        self._routes_file = None if self._settings.routes_file is None else RoutesFile(self._settings.routes_file)
        self._loop: Optional[asyncio.AbstractEventLoop] = None
        self._endpoints: List[Endpoint] = []

    async def get_host(self, modid: int, cmdid: int, *, timeout_ms: Optional[float] = None) -> Host:
        """Picks the host to call now. Report the result of the call afterwards.

        Raises LarsError: LARS_OVERLOAD, LARS_NO_EXIST, LARS_SYSTEM_ERROR by the agent's answer; LARS_AGENT_SILENT, LARS_AGENT_UNREACHABLE, LARS_CLOSED,
        LARS_TOO_MANY_PENDING, LARS_BAD_ARGUMENT without one.
        """
        check_module(modid, cmdid)
        await self._look_into_file(modid, cmdid)
        outcome = await self._outcome_of(self._core.get_host(modid, cmdid, timeout_ms, now_ms()))
        if isinstance(outcome, LarsError) and await self._look_into_file(modid, cmdid):
            outcome = self._core.pick_after(outcome, modid, cmdid, now_ms()) or outcome
        if isinstance(outcome, LarsError):
            raise outcome
        assert isinstance(outcome, Host)
        return outcome

    async def get_route(self, modid: int, cmdid: int, *, timeout_ms: Optional[float] = None) -> Route:
        """Gets all hosts of a module, whatever their state; none when the agent does not know the module (yet).

        Raises LarsError as get_host does, but for LARS_OVERLOAD, LARS_NO_EXIST and LARS_SYSTEM_ERROR.
        """
        outcome = await self._outcome_of(self._core.get_route(modid, cmdid, timeout_ms, now_ms()))
        if isinstance(outcome, LarsError):
            raise outcome
        assert isinstance(outcome, Route)
        return outcome

    async def register(self, modid: int, cmdid: int, *, timeout_ms: float = REGISTER_TIMEOUT_MS) -> Route:
        """Waits until the agent has the module's route, also while the agent itself is still starting.

        Raises LarsError: LARS_NO_ROUTE with the last failure as its cause; LARS_CLOSED, LARS_BAD_ARGUMENT.
        """
        check_module(modid, cmdid)
        check_timeout(timeout_ms)
        wait = RouteWait(self._core.context_of(modid, cmdid), timeout_ms, random.random, now_ms())
        while True:
            left_ms = min(wait.left_ms(now_ms()), self._settings.timeout_ms)
            try:
                route = wait.on_outcome(await self.get_route(modid, cmdid, timeout_ms=left_ms))
            except LarsError as error:
                route = wait.on_outcome(error)
            if route is not None:
                return route
            await asyncio.sleep(wait.next_pause_ms(now_ms()) / 1_000)

    def report(self, host: ReportTarget, *, ok: bool, tcost_ms: Optional[float] = None) -> None:
        """Reports the result of a call to `host`: what get_host returned, or a Target. Never fails for reasons of the network, and does not wait.

        Raises LarsError LARS_BAD_ARGUMENT naming the argument.
        """
        shard = self._core.report(host, ok, tcost_ms, now_ms())
        if not self._core.is_closed:
            self._endpoint(shard).flush()

    async def call(
        self,
        modid: int,
        cmdid: int,
        run: Callable[[Host], Awaitable[T]],
        *,
        timeout_ms: Optional[float] = None,
        is_failure: Optional[IsFailure] = None,
    ) -> T:
        """Picks a host, awaits `run` with it, times it, reports success or failure, and returns its result or raises its very exception.

        `timeout_ms` limits pick and function together: when the time is up, the function is cancelled and its host is reported as failed. A call
        that is cancelled from outside is not reported. `is_failure(exception)` answers False for what a healthy host can raise.
        Raises LarsError as get_host does, before `run` was called; LARS_CALL_TIMEOUT when the time is up.
        """
        check_call(run, timeout_ms, is_failure)
        start_ms = now_ms()
        pick_ms = self._settings.timeout_ms if timeout_ms is None else min(timeout_ms, self._settings.timeout_ms)
        host = await self.get_host(modid, cmdid, timeout_ms=pick_ms)
        run_ms = now_ms()
        try:
            if timeout_ms is None:
                result = await run(host)
            else:
                result = await self._run_within(host, run, max(1.0, timeout_ms - (run_ms - start_ms)), timeout_ms)
        except TimeUp as up:
            self.report(host, ok=False, tcost_ms=now_ms() - run_ms)
            raise up.error from None
        except Exception as error:
            self.report(host, ok=is_blameless(error, is_failure), tcost_ms=now_ms() - run_ms)
            raise
        self.report(host, ok=True, tcost_ms=now_ms() - run_ms)
        return result

    def stats(self) -> Stats:
        """What the client has done so far."""
        stats = self._core.stats(now_ms())
        if self._routes_file is not None:
            stats.routes_file_errors = self._routes_file.errors
            stats.routes_file_problem = self._routes_file.problem
        return stats

    async def close(self) -> None:
        """Ends the requests that wait with LARS_CLOSED, lets what is unsent go out for up to half a second, and closes the sockets."""
        if self._core.is_closed:
            return
        self._core.close()
        await asyncio.gather(*(endpoint.close(_CLOSE_GRACE_S) for endpoint in self._endpoints))

    async def __aenter__(self) -> AsyncClient:
        return self

    async def __aexit__(
        self, kind: Optional[Type[BaseException]], error: Optional[BaseException], traceback: Optional[TracebackType]
    ) -> None:
        await self.close()

    def _endpoint(self, shard: int) -> Endpoint:
        loop = asyncio.get_running_loop()
        if self._loop is not loop:
            if self._loop is not None:
                raise RuntimeError('this AsyncClient belongs to another event loop; make one in each')
            self._loop = loop
            self._endpoints = [Endpoint(at, self._core, self._settings, loop) for at in range(len(self._settings.ports))]
        return self._endpoints[shard]

    async def _outcome_of(self, request: Request) -> object:
        endpoint = self._endpoint(shard_of(request.modid, request.cmdid))
        if request.is_done:
            endpoint.flush()
            return request.outcome
        answered: asyncio.Future[None] = asyncio.get_running_loop().create_future()
        request.on_done = lambda _: None if answered.done() else answered.set_result(None)
        endpoint.flush()
        try:
            await answered
        except asyncio.CancelledError:
            self._core.cancel(request, now_ms())
            endpoint.flush()
            raise
        return request.outcome

    async def _look_into_file(self, modid: int, cmdid: int) -> bool:
        """Reads the agent's file where it may help. Returns whether it had the route."""
        if self._routes_file is None or not self._core.needs_routes_file(modid, cmdid):
            return False
        route = await asyncio.get_running_loop().run_in_executor(None, self._routes_file.find, modid, cmdid)
        if route is None:
            return False
        self._core.on_foreign_route(route, now_ms())
        return True

    async def _run_within(self, host: Host, run: Callable[[Host], Awaitable[T]], left_ms: float, timeout_ms: float) -> T:
        work = asyncio.ensure_future(run(host))
        try:
            await asyncio.wait({work}, timeout=left_ms / 1_000)
        except asyncio.CancelledError:
            work.cancel()
            await asyncio.gather(work, return_exceptions=True)
            raise
        if work.done():
            return work.result()
        work.cancel()
        # What it does with the cancellation is no business of anybody's any more.
        work.add_done_callback(lambda ended: None if ended.cancelled() else ended.exception())
        context = self._core.context_of(host.modid, host.cmdid)
        raise TimeUp(call_timeout_error(context, timeout_ms, host))
