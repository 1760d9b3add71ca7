"""The client for asyncio on real sockets."""

from __future__ import annotations

import asyncio
import unittest
import warnings
from typing import Any, Callable, Coroutine, List

from lars import AsyncClient, Host, LarsError

from .support import MODULE, PATIENCE_S, PATIENT_MS, WithAgent


class Asyncio(WithAgent):
    def run_with(self, work: Callable[[AsyncClient], Coroutine[Any, Any, None]], **options: Any) -> None:
        async def main() -> None:
            async with AsyncClient(**{'ports': self.agent.ports, 'timeout_ms': PATIENT_MS, **options}) as client:
                await asyncio.wait_for(work(client), PATIENCE_S)

        with warnings.catch_warnings():
            warnings.simplefilter('error')
            asyncio.run(main(), debug=True)

    def test_a_cancelled_task_gives_up_its_request(self) -> None:
        self.agent.answer = lambda _: []

        async def work(client: AsyncClient) -> None:
            task = asyncio.ensure_future(client.get_host(*MODULE))
            await asyncio.sleep(0)
            task.cancel()
            with self.assertRaises(asyncio.CancelledError):
                await task
            self.assertEqual((client.stats().cancelled, client.stats().pending), (1, 0))

        self.run_with(work)

    def test_a_call_that_is_cancelled_is_not_reported(self) -> None:
        async def work(client: AsyncClient) -> None:
            for timeout_ms in (None, PATIENT_MS):
                began = asyncio.Event()
                ended: List[str] = []

                async def hang(_: Host) -> None:
                    began.set()
                    try:
                        await asyncio.sleep(PATIENCE_S)
                    finally:
                        ended.append('yes')

                task = asyncio.ensure_future(client.call(*MODULE, hang, timeout_ms=timeout_ms))
                await began.wait()
                task.cancel()
                with self.assertRaises(asyncio.CancelledError):
                    await task
                self.assertEqual((ended, client.stats().reports), (['yes'], 0))

        self.run_with(work)

    def test_a_function_that_ignores_its_cancellation_does_not_delay_the_caller(self) -> None:
        async def work(client: AsyncClient) -> None:
            go_on = asyncio.Event()

            async def stubborn(_: Host) -> None:
                while not go_on.is_set():
                    try:
                        await go_on.wait()
                    except asyncio.CancelledError:
                        continue

            with self.assertRaises(LarsError) as raised:
                await client.call(*MODULE, stubborn, timeout_ms=50)
            self.assertEqual(raised.exception.code, 'LARS_CALL_TIMEOUT')
            go_on.set()
            await asyncio.sleep(0)

        self.run_with(work)

    def test_names(self) -> None:
        async def work(client: AsyncClient) -> None:
            self.assertEqual((await client.get_host(*MODULE)).port, 80)

        async def fails(client: AsyncClient) -> None:
            with self.assertRaises(LarsError) as raised:
                await client.get_host(*MODULE)
            self.assertEqual(raised.exception.code, 'LARS_AGENT_UNREACHABLE')

        self.run_with(work, host='localhost')
        self.run_with(fails, host='a..b')

    def test_a_client_belongs_to_one_event_loop(self) -> None:
        client = AsyncClient(ports=self.agent.ports, timeout_ms=PATIENT_MS)

        async def use() -> None:
            await client.get_host(*MODULE)

        async def use_and_close() -> None:
            await use()
            await client.close()

        async def use_elsewhere() -> None:
            with self.assertRaisesRegex(RuntimeError, 'another event loop'):
                await use()

        asyncio.run(use_and_close())
        client = AsyncClient(ports=self.agent.ports, timeout_ms=PATIENT_MS)
        loop = asyncio.new_event_loop()
        loop.run_until_complete(use())
        asyncio.run(use_elsewhere())
        loop.run_until_complete(client.close())
        loop.run_until_complete(asyncio.sleep(0))
        loop.close()


if __name__ == '__main__':
    unittest.main()
