"""The core without sockets or clock: a conversation is a list of datagrams and a time."""

from __future__ import annotations

import random
import unittest
from typing import List, Optional

from lars import messages
from lars.core.client_core import ClientCore
from lars.core.copies import Copies, ModuleCopy
from lars.core.outage_results import MAX_CALLS, OutageResults
from lars.core.request import Request
from lars.address import Address
from lars.errors import LarsError
from lars.host import Host, Target
from lars.messages import Batch, BatchResult, GetRouteResponse, HostInfo
from lars.options import read_options

from .support import HOST as INFO
from .support import fields_of, host_answer, route_answer

MODULE = (1, 2)
SHARD = 0


class World:
    """A core whose socket is a list, and whose time is a number."""

    def __init__(self, fallback: bool = True) -> None:
        settings = read_options('127.0.0.1', 8888, 500, 65_536, fallback, None, '')
        self.core = ClientCore(settings, random.Random(1).random)
        self.channel = self.core.channels[SHARD]
        self.now_ms = 1_000.0
        self.is_open = False
        self.sent: List[bytes] = []

    def flush(self) -> List[bytes]:
        """What is sent now."""
        if not self.is_open and self.channel.needs_socket:
            self.is_open = True
            self.channel.on_open(self.now_ms)
        sent = self.channel.take_outgoing()
        self.sent += sent
        return sent

    def ids(self) -> List[int]:
        return [fields_of(datagram)[0] for datagram in self.flush()]

    def get_host(self, timeout_ms: Optional[float] = None) -> Request:
        return self.core.get_host(*MODULE, timeout_ms, self.now_ms)

    def receive(self, datagram: bytes) -> None:
        self.core.on_datagram(SHARD, datagram, self.now_ms)

    def refuse(self) -> None:
        self.is_open = False
        self.core.on_failure(SHARD, ConnectionRefusedError(111, 'Connection refused'), self.now_ms)

    def wait(self, ms: float) -> None:
        """Time passes, and the core is called whenever it wants to be."""
        end_ms = self.now_ms + ms
        for _ in range(10_000):
            wake_at_ms = self.channel.wake_at_ms
            if wake_at_ms is None or wake_at_ms > end_ms:
                self.now_ms = end_ms
                return
            self.now_ms = max(self.now_ms, wake_at_ms)
            self.core.on_time(SHARD, self.now_ms)
            self.flush()
        raise AssertionError('the core wants to be called without end')

    def learn_route(self, hosts: int = 4) -> None:
        """The first call of the module, which also brings its route."""
        request = self.get_host()
        self.flush()
        self.receive(host_answer(request.seq, *MODULE))
        self.receive(route_answer(*MODULE, tuple(HostInfo(ip=1, port=port) for port in range(1, hosts + 1))))


class Requests(unittest.TestCase):
    def test_the_first_call_asks_for_a_host_and_for_the_route_beside_it(self) -> None:
        world = World()
        request = world.get_host()
        self.assertEqual(world.ids(), [messages.GET_HOST_REQUEST, messages.API_GET_ROUTE_REQUEST])
        world.receive(host_answer(request.seq, *MODULE))
        assert isinstance(request.outcome, Host)
        self.assertEqual(str(request.outcome), '10.0.0.5:80')

    def test_an_answer_counts_for_its_own_request_alone(self) -> None:
        world = World(fallback=False)
        one, other = world.get_host(), world.get_host()
        world.flush()
        world.receive(host_answer(other.seq, *MODULE))
        self.assertEqual((one.is_done, other.is_done), (False, True))
        world.receive(host_answer(other.seq, *MODULE))
        world.receive(host_answer(one.seq, 4, 2))
        self.assertFalse(one.is_done)
        self.assertEqual(world.core.counters.late, 2)

    def test_a_deadline_ends_a_request_and_a_late_answer_is_counted(self) -> None:
        world = World(fallback=False)
        request = world.get_host(timeout_ms=300)
        world.flush()
        world.wait(299)
        self.assertFalse(request.is_done)
        world.wait(1)
        assert isinstance(request.outcome, LarsError)
        self.assertEqual(request.outcome.code, 'LARS_AGENT_SILENT')
        world.receive(host_answer(request.seq, *MODULE))
        self.assertEqual((world.core.counters.late, world.core.counters.timeouts), (1, 1))
        self.assertIsNone(world.channel.wake_at_ms)

    def test_a_burst_is_sent_as_it_is_answered(self) -> None:
        world = World(fallback=False)
        requests = [world.get_host() for _ in range(200)]
        self.assertEqual(len(world.flush()), 64)
        # An answer proves that all requests before it were read.
        world.receive(host_answer(requests[63].seq, *MODULE))
        self.assertEqual(len(world.flush()), 64)
        world.wait(10)
        self.assertEqual(len(world.sent), 136)

    def test_a_cancelled_request_makes_room(self) -> None:
        world = World(fallback=False)
        request = world.get_host()
        world.flush()
        world.core.cancel(request, world.now_ms)
        world.core.cancel(request, world.now_ms)
        self.assertEqual((world.core.counters.cancelled, world.channel.pending_count), (1, 0))


class Absence(unittest.TestCase):
    def test_a_refusal_is_known_at_once_and_calls_go_on(self) -> None:
        world = World()
        world.learn_route()
        request = world.get_host()
        world.flush()
        world.refuse()
        assert isinstance(request.outcome, Host)
        self.assertTrue(world.core.stats(world.now_ms).agent_away)
        self.assertTrue(world.get_host().is_done)

    def test_without_the_fallback_a_refusal_fails_at_once(self) -> None:
        world = World(fallback=False)
        request = world.get_host()
        world.flush()
        world.refuse()
        assert isinstance(request.outcome, LarsError)
        self.assertEqual(request.outcome.code, 'LARS_AGENT_UNREACHABLE')
        self.assertIsInstance(request.outcome.__cause__, ConnectionRefusedError)

    def test_silence_is_known_within_a_second(self) -> None:
        world = World()
        world.learn_route()
        request = world.get_host(timeout_ms=60_000)
        world.flush()
        world.wait(399)
        self.assertFalse(request.is_done)
        world.wait(1)
        self.assertIsInstance(request.outcome, Host)

    def test_one_parked_request_does_not_prove_that_the_agent_is_away(self) -> None:
        world = World()
        world.learn_route()
        request = world.get_host(timeout_ms=60_000)
        world.flush()
        world.wait(200)
        self.assertEqual(fields_of(world.sent[-1])[0], messages.API_GET_ROUTE_REQUEST)
        world.receive(route_answer(*MODULE, (), 7, not_modified=True))
        world.wait(199)
        self.assertFalse(request.is_done)
        self.assertFalse(world.channel.is_away)

    def test_a_program_that_only_reports_notices_too(self) -> None:
        world = World()
        world.learn_route()
        world.core.report(Target(*MODULE, '10.0.0.5', 80), True, 1, world.now_ms)
        world.flush()
        world.wait(700)
        self.assertTrue(world.channel.is_away)

    def test_results_wait_and_are_sent_once_when_the_route_is_there(self) -> None:
        world = World()
        world.learn_route()
        target = Target(*MODULE, '10.0.0.5', 80)
        world.core.report(target, True, 5, world.now_ms)
        world.flush()
        # Nothing was read since: the kernel has refused it.
        world.refuse()
        for ok in (True, True, False):
            world.core.report(target, ok, None, world.now_ms)
        self.assertEqual(world.core.stats(world.now_ms).unsent_results, 4)
        world.wait(60)
        self.assertNotIn(messages.BATCH_REPORT_REQUEST, [fields_of(one)[0] for one in world.sent])
        # It is back, and does not know the module yet: its word is doubted.
        world.receive(route_answer(*MODULE, (), 0))
        for _ in range(4):
            self.assertTrue(world.get_host().is_done)
            world.flush()
            # One for each query that is out.
            for _ in range(3):
                world.receive(route_answer(*MODULE, (), 0))
            world.wait(60)
        self.assertEqual(world.core.stats(world.now_ms).unsent_results, 4)
        world.receive(route_answer(*MODULE))
        world.wait(50)
        batches = [one for one in world.sent if fields_of(one)[0] == messages.BATCH_REPORT_REQUEST]
        # Those with a duration and those without.
        host = Address(0x0A000005, 80, '')
        results = (BatchResult(*host, succ=1, err=0, tcost=5), BatchResult(*host, succ=2, err=1, tcost=0))
        expected = Batch(*MODULE, results, False)
        self.assertEqual(batches, [messages.encode_batch(expected)])
        world.wait(20_000)
        self.assertEqual(len([one for one in world.sent if fields_of(one)[0] == messages.BATCH_REPORT_REQUEST]), 1)
        self.assertEqual(world.core.stats(world.now_ms).unsent_results, 0)

    def test_a_result_that_was_read_is_not_sent_again(self) -> None:
        world = World()
        world.learn_route()
        world.core.report(Target(*MODULE, '10.0.0.5', 80), True, 5, world.now_ms)
        world.flush()
        request = world.get_host()
        world.flush()
        world.receive(host_answer(request.seq, *MODULE))
        world.refuse()
        self.assertEqual(world.core.stats(world.now_ms).unsent_results, 0)

    def test_closing_sends_what_waits(self) -> None:
        world = World()
        world.learn_route()
        world.refuse()
        world.core.report(Target(*MODULE, '10.0.0.5', 80), True, 5, world.now_ms)
        world.core.close()
        self.assertEqual(world.ids(), [messages.REPORT_REQUEST])

    def test_results_are_bounded(self) -> None:
        results = OutageResults()
        for _ in range(3):
            results.add(Batch(*MODULE, (BatchResult(1, 1, '', MAX_CALLS // 2, 0, 4),), False))
        self.assertEqual((results.calls, results.dropped), (MAX_CALLS, MAX_CALLS // 2))
        batches = results.take(MODULE)
        self.assertEqual(sum(one.succ for batch in batches for one in batch.results), MAX_CALLS)
        self.assertEqual(sum(one.tcost for batch in batches for one in batch.results), 8)
        for batch in batches:
            self.assertLessEqual(sum(one.succ for one in batch.results), 10_000)
        self.assertEqual(results.calls, 0)


def route(modid: int, hosts: int, **fields: int) -> GetRouteResponse:
    infos = tuple(HostInfo(ip=1, port=port, **fields) for port in range(1, hosts + 1))
    return GetRouteResponse(modid, 0, infos, 1, False, False)


class CopiesOfRoutes(unittest.TestCase):
    def picks(self, module: ModuleCopy, count: int, now_ms: float = 0) -> List[int]:
        seeded = random.Random(3)
        ports = [module.pick(seeded.random, now_ms).port for _ in range(count)]
        return [ports.count(port) for port in range(1, 5)]

    def test_calls_are_spread_by_weight(self) -> None:
        module = ModuleCopy()
        infos = [HostInfo(1, port, weight) for port, weight in ((1, 100), (2, 300), (3, 0), (4, 500))]
        module.replace(1, 0, infos, 1)
        for share, expected in zip(self.picks(module, 10_000), (1_000, 3_000, 1_000, 5_000)):
            self.assertAlmostEqual(share, expected, delta=200)

    def test_hosts_that_drain_or_cannot_be_called_get_none(self) -> None:
        module = ModuleCopy()
        module.replace(1, 0, [HostInfo(1, 1, drain=True), HostInfo(1, 2), HostInfo(0, 3), HostInfo(1, 0)], 1)
        self.assertEqual(self.picks(module, 100), [0, 100, 0, 0])

    def test_a_host_that_has_failed_twice_in_a_row_is_left_out_for_some_time(self) -> None:
        module = ModuleCopy()
        module.replace(1, 0, route(1, 4).hosts, 1)
        bad = Address(1, 2, '')
        module.learn(bad, False, 0)
        self.assertGreater(self.picks(module, 1_000)[1], 100)
        module.learn(bad, False, 0)
        self.assertEqual(self.picks(module, 1_000)[1], 0)
        self.assertGreater(self.picks(module, 1_000, now_ms=10_000)[1], 100)
        module.learn(bad, True, 0)
        self.assertGreater(self.picks(module, 1_000)[1], 100)

    def test_where_all_fail_the_one_that_fails_least_is_called(self) -> None:
        module = ModuleCopy()
        module.replace(1, 0, route(1, 4).hosts, 1)
        for port in range(1, 5):
            for _ in range(2 if port == 3 else 6):
                module.learn(Address(1, port, ''), False, 0)
        self.assertEqual(self.picks(module, 50), [0, 0, 50, 0])

    def test_a_route_is_asked_for_again_after_half_a_minute(self) -> None:
        copies = Copies(random.random)
        self.assertEqual(copies.take_query(1, 0, False, 0), 0)
        copies.on_route(route(1, 2), 50)
        self.assertIsNone(copies.take_query(1, 0, False, 30_000))
        self.assertEqual(copies.take_query(1, 0, False, 30_050), 1)
        self.assertIsNone(copies.take_query(1, 0, True, 30_100))
        self.assertEqual(copies.take_query(1, 0, True, 30_150), 1)

    def test_modules_and_hosts_are_bounded(self) -> None:
        copies = Copies(random.random, max_modules=2, max_hosts=5)
        for modid in (1, 2, 3):
            copies.take_query(modid, 0, False, 0)
            copies.on_route(route(modid, 3), 0)
        self.assertEqual([copies.has(modid, 0) for modid in (1, 2, 3)], [True, False, False])
        # The first has not been called for long, and makes room.
        copies.take_query(2, 0, False, 50_000)
        copies.take_query(3, 0, False, 70_000)
        copies.on_route(route(3, 3), 70_000)
        self.assertEqual([copies.has(modid, 0) for modid in (1, 2, 3)], [False, False, True])

    def test_a_module_that_was_unknown_is_asked_for_again_once_the_agent_picks_a_host(self) -> None:
        world = World()
        request = world.get_host()
        world.flush()
        world.receive(route_answer(*MODULE, (), 0))
        world.now_ms += 150
        world.receive(host_answer(request.seq, *MODULE))
        self.assertEqual(world.ids(), [messages.API_GET_ROUTE_REQUEST])
        world.receive(route_answer(*MODULE, (INFO,)))
        world.refuse()
        self.assertEqual(str(world.get_host().outcome), '10.0.0.5:80')


if __name__ == '__main__':
    unittest.main()
