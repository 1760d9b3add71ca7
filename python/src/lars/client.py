"""The client for programs with threads."""

from __future__ import annotations

import os
import random
import threading
import weakref
from types import TracebackType
from typing import Callable, Optional, Type, TypeVar

from .clock import now_ms
from .core.backoff import REGISTER_TIMEOUT_MS, RouteWait
from .core.client_core import ClientCore
from .core.request import Request
from .errors import LarsError, call_timeout_error, too_many_pending_error
from .host import Host, ReportTarget, Route
from .keeper import Keeper
from .lane import Lane
from .limited_runs import LimitedRuns
from .messages import shard_of
from .options import DEFAULT_HOST, DEFAULT_MAX_PENDING, DEFAULT_PORT, DEFAULT_TIMEOUT_MS, Ports, read_options
from .routes_file import RoutesFile
from .running import IsFailure, TimeUp, check_call, is_blameless
from .sockets import wait_readable
from .stats import Stats
from .validation import check_module, check_timeout

T = TypeVar('T')

# How long a thread waits at most before it looks whether another one has done its work.
_LOOK_S = 0.05
# Functions given to `call` that run on though their time was up.
_MAX_ABANDONED = 1_000

_clients: 'weakref.WeakSet[Client]' = weakref.WeakSet()


class Client:
    """Asks the LARS agent which host to call, and reports the results of the calls.

    One is enough for a whole process; all methods may be called by any thread. It has a UDP socket for each of the agent's servers, opened when it is
    first needed. After a fork the child begins anew. All errors are LarsErrors; their codes are in the README. All times are milliseconds.
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
        """Opens nothing yet.

        `host` and `ports` say where the agent is: an IP address or a name; its three UDP ports, or the first of three that follow one another.
        `timeout_ms`: how long a request waits unless it says otherwise. `max_pending`: how many may wait at once. `fallback`: whether the client
        picks by itself while the agent does not answer. `routes_file`: the agent's file of routes; by default what LARS_ROUTES_FILE says.
        Raises LarsError LARS_BAD_ARGUMENT naming the option.
        """
        env_routes_file = os.environ.get('LARS_ROUTES_FILE', '')
        self._settings = read_options(host, ports, timeout_ms, max_pending, fallback, routes_file, env_routes_file)
        self._begin()
        _clients.add(self)

    def get_host(self, modid: int, cmdid: int, *, timeout_ms: Optional[float] = None) -> Host:
        """Picks the host to call now. Report the result of the call afterwards.

        Raises LarsError: LARS_OVERLOAD, LARS_NO_EXIST, LARS_SYSTEM_ERROR by the agent's answer; LARS_AGENT_SILENT, LARS_AGENT_UNREACHABLE, LARS_CLOSED,
        LARS_TOO_MANY_PENDING, LARS_BAD_ARGUMENT without one.
        """
        self._look_into_file(modid, cmdid)
        lane = self._lane_of(modid, cmdid)
        with self._lock:
            request = self._core.get_host(modid, cmdid, timeout_ms, now_ms())
            if request.is_done and not lane.is_led:
                # The client has picked itself, so that no thread waits for the socket: the agent may be back.
                lane.pump()
                self._keeper.rouse(lane)
            lane.flush()
        outcome = self._outcome_of(request, lane)
        if isinstance(outcome, LarsError) and self._look_into_file(modid, cmdid):
            with self._lock:
                outcome = self._core.pick_after(outcome, modid, cmdid, now_ms()) or outcome
        if isinstance(outcome, LarsError):
            raise outcome
        assert isinstance(outcome, Host)
        return outcome

    def get_route(self, modid: int, cmdid: int, *, timeout_ms: Optional[float] = None) -> Route:
        """Gets all hosts of a module, whatever their state; none when the agent does not know the module (yet).

        Raises LarsError as get_host does, but for LARS_OVERLOAD, LARS_NO_EXIST and LARS_SYSTEM_ERROR.
        """
        lane = self._lane_of(modid, cmdid)
        with self._lock:
            request = self._core.get_route(modid, cmdid, timeout_ms, now_ms())
            lane.flush()
        outcome = self._outcome_of(request, lane)
        if isinstance(outcome, LarsError):
            raise outcome
        assert isinstance(outcome, Route)
        return outcome

    def register(self, modid: int, cmdid: int, *, timeout_ms: float = REGISTER_TIMEOUT_MS) -> Route:
        """Waits until the agent has the module's route, also while the agent itself is still starting.

        Raises LarsError: LARS_NO_ROUTE with the last failure as its cause; LARS_CLOSED, LARS_BAD_ARGUMENT.
        """
        check_module(modid, cmdid)
        check_timeout(timeout_ms)
        wait = RouteWait(self._core.context_of(modid, cmdid), timeout_ms, random.random, now_ms())
        while True:
            left_ms = min(wait.left_ms(now_ms()), self._settings.timeout_ms)
            try:
                route = wait.on_outcome(self.get_route(modid, cmdid, timeout_ms=left_ms))
            except LarsError as error:
                route = wait.on_outcome(error)
            if route is not None:
                return route
            self._closed.wait(wait.next_pause_ms(now_ms()) / 1_000)

    def report(self, host: ReportTarget, *, ok: bool, tcost_ms: Optional[float] = None) -> None:
        """Reports the result of a call to `host`: what get_host returned, or a Target. Never fails for reasons of the network.

        Raises LarsError LARS_BAD_ARGUMENT naming the argument.
        """
        with self._lock:
            lane = self._lanes[self._core.report(host, ok, tcost_ms, now_ms())]
            if not self._core.is_closed:
                lane.flush()
                self._keeper.rouse(lane)

    def call(
        self,
        modid: int,
        cmdid: int,
        run: Callable[[Host], T],
        *,
        timeout_ms: Optional[float] = None,
        is_failure: Optional[IsFailure] = None,
    ) -> T:
        """Picks a host, calls `run` with it, times it, reports success or failure, and returns its result or raises its very exception.

        `timeout_ms` limits pick and function together: the function then runs in a thread of its own, with the caller's context variables, and when the
        time is up its host is reported as failed and what it returns later is dropped. `is_failure(exception)` answers False for what a healthy host
        can raise; without it every exception is a failure. What is no Exception (KeyboardInterrupt) is not reported.
        Raises LarsError as get_host does, before `run` was called; LARS_CALL_TIMEOUT when the time is up.
        """
        check_call(run, timeout_ms, is_failure)
        if timeout_ms is not None and self._limited_runs.is_full:
            raise too_many_pending_error(self._core.context_of(modid, cmdid), _MAX_ABANDONED)
        start_ms = now_ms()
        pick_ms = self._settings.timeout_ms if timeout_ms is None else min(timeout_ms, self._settings.timeout_ms)
        host = self.get_host(modid, cmdid, timeout_ms=pick_ms)
        run_ms = now_ms()
        try:
            if timeout_ms is None:
                result = run(host)
            else:
                result = self._run_within(host, run, max(1.0, timeout_ms - (run_ms - start_ms)), timeout_ms)
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
        with self._lock:
            stats = self._core.stats(now_ms())
        if self._routes_file is not None:
            stats.routes_file_errors = self._routes_file.errors
            stats.routes_file_problem = self._routes_file.problem
        return stats

    def close(self) -> None:
        """Ends the requests that wait with LARS_CLOSED, sends unsent results, and closes the sockets. May be called again."""
        with self._lock:
            if self._core.is_closed:
                return
            self._core.close()
            self._closed.set()
            for lane in self._lanes:
                lane.flush()
                lane.close_socket()
                while lane.followers:
                    lane.followers.popleft().set()
            self._keeper.stop()

    def __enter__(self) -> Client:
        return self

    def __exit__(
        self, kind: Optional[Type[BaseException]], error: Optional[BaseException], traceback: Optional[TracebackType]
    ) -> None:
        self.close()

    def _begin(self) -> None:
        settings = self._settings
        self._lock = threading.RLock()
        self._core = ClientCore(settings, random.random)
        self._lanes = [Lane(shard, self._core, settings, self._lock) for shard in range(len(settings.ports))]
        self._routes_file = None if settings.routes_file is None else RoutesFile(settings.routes_file)
        self._closed = threading.Event()
        self._keeper = Keeper(self._core, self._lanes, self._lock)
        self._limited_runs = LimitedRuns(_MAX_ABANDONED)

    def _lane_of(self, modid: int, cmdid: int) -> Lane:
        check_module(modid, cmdid)
        return self._lanes[shard_of(modid, cmdid)]

    def _outcome_of(self, request: Request, lane: Lane) -> object:
        """Waits for the outcome. No lock may be taken."""
        try:
            while not request.is_done:
                event: Optional[threading.Event] = None
                with self._lock:
                    if request.is_done:
                        break
                    if lane.is_led:
                        event = threading.Event()
                        lane.followers.append(event)
                        request.on_done = _setter(event)
                    else:
                        lane.is_led = True
                if event is None:
                    self._lead(request, lane)
                else:
                    self._follow(event, lane)
        except BaseException:
            with self._lock:
                self._core.cancel(request, now_ms())
                lane.flush()
            raise
        return request.outcome

    def _lead(self, request: Request, lane: Lane) -> None:
        """Reads the socket for all threads until this one has its outcome."""
        try:
            while not request.is_done:
                with self._lock:
                    wake_at_ms, opened = lane.wake_at_ms, lane.socket
                wait_s = _LOOK_S if wake_at_ms is None else min(_LOOK_S, (wake_at_ms - now_ms()) / 1_000)
                if wait_s > 0 and opened is None:
                    lane.opened.wait(wait_s)
                elif wait_s > 0 and opened is not None:
                    wait_readable(opened, wait_s)
                with self._lock:
                    if not self._core.is_closed:
                        lane.pump()
        finally:
            with self._lock:
                lane.resign()
                self._keeper.rouse(lane)

    def _follow(self, event: threading.Event, lane: Lane) -> None:
        try:
            event.wait()
        finally:
            with self._lock:
                if event in lane.followers:
                    lane.followers.remove(event)
                elif not lane.is_led and lane.followers:
                    # The lead was offered to this thread, which may not want it.
                    lane.followers.popleft().set()

    def _look_into_file(self, modid: int, cmdid: int) -> bool:
        """Reads the agent's file where it may help. Returns whether it had the route."""
        file = self._routes_file
        if file is None:
            return False
        check_module(modid, cmdid)
        with self._lock:
            if not self._core.needs_routes_file(modid, cmdid):
                return False
        route = file.find(modid, cmdid)
        if route is None:
            return False
        with self._lock:
            self._core.on_foreign_route(route, now_ms())
        return True

    def _run_within(self, host: Host, run: Callable[[Host], T], left_ms: float, timeout_ms: float) -> T:
        results = self._limited_runs.run(lambda: run(host), left_ms / 1_000)
        if results is None:
            context = self._core.context_of(host.modid, host.cmdid)
            raise TimeUp(call_timeout_error(context, timeout_ms, host))
        return results[0]

    def begin_anew(self) -> None:
        """Not for callers. In the child of a fork: the parent's sockets, threads and locks are not its own."""
        was_closed = self._core.is_closed
        for lane in self._lanes:
            lane.close_socket()
        self._begin()
        if was_closed:
            self._core.close()
            self._closed.set()


def _setter(event: threading.Event) -> Callable[[Request], None]:
    return lambda _: event.set()


def _after_fork() -> None:
    for client in list(_clients):
        client.begin_anew()


if hasattr(os, 'register_at_fork'):
    os.register_at_fork(after_in_child=_after_fork)
