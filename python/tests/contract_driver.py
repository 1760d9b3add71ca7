"""Runs a client for test/contract/sdk-*.test.ts: commands as lines of JSON on stdin, outcomes on stdout.

Argument: `Client` or `AsyncClient`. A command is {"id", "do", ...}; its outcome is {"id", "value"} or {"id", "error": {"code", "message", "cause"}}.
Commands run at the same time, as they come. The process ends with its stdin.
"""

from __future__ import annotations

import asyncio
import json
import sys
import threading
import time
from concurrent.futures import ThreadPoolExecutor
from typing import Any, Callable, Dict, Optional

from lars import AsyncClient, Client, Host, LarsError, Target

Command = Dict[str, Any]

_THREADS = 64
_NAMES = {'timeoutMs': 'timeout_ms', 'maxPending': 'max_pending', 'routesFile': 'routes_file'}


class Failed(Exception):
    """What a function given to `call` raises."""


def host_of(host: Host) -> Dict[str, object]:
    names = ('modid', 'cmdid', 'host', 'port', 'weight', 'zone', 'drain', 'authority')
    return {name: getattr(host, name) for name in names}


def route_of(route: Any) -> Dict[str, object]:
    return {'hosts': [host_of(host) for host in route.hosts], 'overload': route.overload, 'isVersioned': route.version > 0}


def options_of(command: Command) -> Dict[str, Any]:
    return {_NAMES.get(name, name): value for name, value in command.get('options', {}).items()}


def is_failure_of(command: Command) -> Optional[Callable[[Exception], bool]]:
    return None if 'isFailure' not in command else lambda _: bool(command['isFailure'])


def error_of(error: BaseException) -> Dict[str, object]:
    if isinstance(error, LarsError):
        cause = error.__cause__
        told: Dict[str, object] = {'code': error.code, 'message': str(error), 'modid': error.modid, 'cmdid': error.cmdid}
        host = None if error.host is None else error.host.authority
        return {**told, 'cause': cause.code if isinstance(cause, LarsError) else None, 'host': host}
    return {'code': type(error).__name__, 'message': str(error)}


class Driver:
    """Remembers each client by its number and each host by its own, so that a report is of the very object that was given."""

    def __init__(self) -> None:
        self.clients: Dict[int, Any] = {}
        self.hosts: Dict[int, Host] = {}
        self._lock = threading.Lock()

    def say(self, command: Command, outcome: Dict[str, object]) -> None:
        with self._lock:
            print(json.dumps({'id': command['id'], **outcome}), flush=True)

    def remember(self, host: Host) -> Dict[str, object]:
        with self._lock:
            number = len(self.hosts)
            self.hosts[number] = host
        return {**host_of(host), 'number': number}

    def report(self, client: Any, command: Command) -> None:
        target = command['target']
        known = self.hosts[target['number']] if 'number' in target else Target(**target)
        result = command['result']
        client.report(known, ok=result['ok'], tcost_ms=result.get('tcostMs'))

    def new(self, kind: Any, command: Command) -> None:
        self.clients[command['client']] = kind(**options_of(command))


def run_sync(driver: Driver, command: Command) -> object:
    if command['do'] == 'new':
        return driver.new(Client, command)
    client: Client = driver.clients[command['client']]
    module = command.get('module', [0, 0])
    if command['do'] == 'getHost':
        return driver.remember(client.get_host(*module, **options_of(command)))
    if command['do'] == 'getRoute':
        return route_of(client.get_route(*module, **options_of(command)))
    if command['do'] == 'register':
        return route_of(client.register(*module, **options_of(command)))
    if command['do'] == 'report':
        return driver.report(client, command)
    if command['do'] == 'stats':
        return vars(client.stats())
    if command['do'] == 'close':
        return client.close()

    def work(host: Host) -> Dict[str, object]:
        time.sleep(command['takesMs'] / 1_000)
        if command['fails']:
            raise Failed('no')
        return host_of(host)

    return client.call(*module, work, is_failure=is_failure_of(command), **options_of(command))


async def run_async(driver: Driver, command: Command) -> object:
    if command['do'] == 'new':
        return driver.new(AsyncClient, command)
    client: AsyncClient = driver.clients[command['client']]
    module = command.get('module', [0, 0])
    if command['do'] == 'getHost':
        return driver.remember(await client.get_host(*module, **options_of(command)))
    if command['do'] == 'getRoute':
        return route_of(await client.get_route(*module, **options_of(command)))
    if command['do'] == 'register':
        return route_of(await client.register(*module, **options_of(command)))
    if command['do'] == 'report':
        return driver.report(client, command)
    if command['do'] == 'stats':
        return vars(client.stats())
    if command['do'] == 'close':
        return await client.close()

    async def work(host: Host) -> Dict[str, object]:
        await asyncio.sleep(command['takesMs'] / 1_000)
        if command['fails']:
            raise Failed('no')
        return host_of(host)

    return await client.call(*module, work, is_failure=is_failure_of(command), **options_of(command))


def main_sync() -> None:
    driver = Driver()

    def run(command: Command) -> None:
        try:
            driver.say(command, {'value': run_sync(driver, command)})
        except Exception as error:
            driver.say(command, {'error': error_of(error)})

    with ThreadPoolExecutor(_THREADS) as pool:
        for line in sys.stdin:
            pool.submit(run, json.loads(line))


async def main_async() -> None:
    driver = Driver()

    async def run(command: Command) -> None:
        try:
            driver.say(command, {'value': await run_async(driver, command)})
        except Exception as error:
            driver.say(command, {'error': error_of(error)})

    loop = asyncio.get_running_loop()
    tasks = set()
    while True:
        line = await loop.run_in_executor(None, sys.stdin.readline)
        if line == '':
            return
        tasks.add(asyncio.ensure_future(run(json.loads(line))))
        tasks = {task for task in tasks if not task.done()}


if __name__ == '__main__':
    if sys.argv[1] == 'Client':
        main_sync()
    else:
        asyncio.run(main_async())
