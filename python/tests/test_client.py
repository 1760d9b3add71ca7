"""The client for threads on real sockets."""

from __future__ import annotations

import contextvars
import gc
import os
import pickle
import socket
import threading
import unittest
import warnings
from typing import List
from unittest import mock

from lars import Host, LarsError, Target, messages
from lars.limited_runs import LimitedRuns

from .support import MODULE, PATIENCE_S, PATIENT_MS, WithAgent, answer_well, eventually, fields_of, host_answer


class Threads(WithAgent):
    def test_many_threads_share_a_client(self) -> None:
        client = self.client()
        hosts: List[Host] = []

        def work(cmdid: int) -> None:
            for _ in range(50):
                host = client.get_host(1, cmdid)
                client.report(host, ok=True, tcost_ms=1)
                hosts.append(host)

        threads = [threading.Thread(target=work, args=(cmdid,)) for cmdid in range(12)]
        for thread in threads:
            thread.start()
        for thread in threads:
            thread.join(PATIENCE_S)
        self.assertEqual(len(hosts), 600)
        self.assertEqual(sorted(host.cmdid for host in hosts), sorted(list(range(12)) * 50))
        self.assertEqual(client.stats().pending, 0)
        eventually('all reports have come', lambda: self.agent.ids().count(messages.REPORT_REQUEST) == 600)

    def test_who_waits_when_the_client_is_closed_is_told(self) -> None:
        client = self.client()
        self.agent.answer = lambda _: []
        codes: List[str] = []

        def work() -> None:
            try:
                client.get_host(*MODULE)
            except LarsError as error:
                codes.append(error.code)

        threads = [threading.Thread(target=work) for _ in range(5)]
        for thread in threads:
            thread.start()
        eventually('all have asked', lambda: self.agent.ids().count(messages.GET_HOST_REQUEST) == 5)
        client.close()
        for thread in threads:
            thread.join(PATIENCE_S)
        self.assertEqual(codes, ['LARS_CLOSED'] * 5)

    def test_a_thread_that_is_interrupted_gives_up_its_request_and_the_lead(self) -> None:
        client = self.client()
        self.agent.answer = lambda _: []
        with mock.patch('lars.client.wait_readable', side_effect=KeyboardInterrupt), self.assertRaises(KeyboardInterrupt):
            client.get_host(*MODULE)
        self.assertEqual((client.stats().cancelled, client.stats().pending), (1, 0))
        self.agent.answer = answer_well
        self.assertEqual(client.get_host(*MODULE).port, 80)

    def test_each_request_has_its_own_deadline(self) -> None:
        client = self.client(fallback=False)
        silent = [True]
        self.agent.answer = lambda datagram: [] if silent[0] else answer_well(datagram)
        late: List[str] = []

        def work() -> None:
            try:
                client.get_host(*MODULE, timeout_ms=PATIENT_MS)
            except LarsError as error:
                late.append(error.code)

        thread = threading.Thread(target=work)
        thread.start()
        eventually('it leads', lambda: self.agent.ids().count(messages.GET_HOST_REQUEST) == 1)
        # This one follows the thread that leads, and is told all the same.
        with self.assertRaises(LarsError) as raised:
            client.get_host(*MODULE, timeout_ms=50)
        self.assertEqual(raised.exception.code, 'LARS_AGENT_SILENT')
        self.assertTrue(thread.is_alive())
        client.close()
        thread.join(PATIENCE_S)
        self.assertEqual(late, ['LARS_CLOSED'])

    def test_a_thread_that_follows_takes_the_lead_when_the_leader_goes(self) -> None:
        client = self.client(fallback=False)
        lane = client._lanes[messages.shard_of(*MODULE)]
        self.agent.answer = lambda _: []

        def lead() -> None:
            with self.assertRaises(LarsError):
                client.get_host(*MODULE, timeout_ms=300)

        leader = threading.Thread(target=lead)
        leader.start()
        eventually('it leads', lambda: lane.is_led)

        def follow() -> None:
            with self.assertRaises(LarsError):
                client.get_host(*MODULE)

        follower = threading.Thread(target=follow)
        follower.start()
        leader.join(PATIENCE_S)
        eventually('the other leads', lambda: lane.is_led)
        self.assertTrue(follower.is_alive())
        client.close()
        follower.join(PATIENCE_S)

    @unittest.skipUnless(hasattr(os, 'fork'), 'no fork here')
    def test_the_child_of_a_fork_has_sockets_of_its_own(self) -> None:
        client = self.client()
        client.get_host(*MODULE)
        with warnings.catch_warnings():
            warnings.simplefilter('ignore')
            child = os.fork()
        if child == 0:
            code = 1
            try:
                code = 0 if client.get_host(*MODULE).port == 80 and client.stats().answered == 1 else 2
            finally:
                os._exit(code)
        self.assertEqual(os.waitpid(child, 0)[1], 0)
        self.assertEqual(client.get_host(*MODULE).port, 80)

    def test_nothing_stays_behind(self) -> None:
        with warnings.catch_warnings(record=True) as caught:
            warnings.simplefilter('always')
            with self.client() as client:
                client.get_host(*MODULE)
                client.report(Target(*MODULE, 'a', 1), ok=True)
            del client
            gc.collect()
        self.assertEqual([str(one.message) for one in caught], [])
        eventually('the keeper has ended', lambda: 'lars-keeper' not in [thread.name for thread in threading.enumerate()])

    def test_results_wait_while_nobody_calls_and_are_sent_when_the_agent_is_back(self) -> None:
        client = self.client()
        host = client.get_host(*MODULE)
        client.get_route(*MODULE)
        self.agent.answer = lambda _: []
        client.report(host, ok=True, tcost_ms=3)
        # Nobody asks for anything: the client notices by itself.
        eventually('it is known', lambda: client.stats().agent_away)
        client.report(host, ok=False, tcost_ms=4)
        self.assertEqual(client.stats().unsent_results, 1)
        self.agent.answer = answer_well
        eventually('it is sent', lambda: client.stats().unsent_results == 0)
        self.assertFalse(client.stats().agent_away)
        eventually('both have come', lambda: self.agent.ids().count(messages.REPORT_REQUEST) == 2)


class Names(WithAgent):
    def test_a_name_is_resolved_while_the_deadline_runs(self) -> None:
        self.assertEqual(self.client(host='localhost').get_host(*MODULE).port, 80)
        never = threading.Event()
        self.addCleanup(never.set)
        with mock.patch('lars.lane.resolve', side_effect=lambda *_: never.wait(PATIENCE_S)):
            client = self.client(host='agent.example')
            with self.assertRaises(LarsError) as raised:
                client.get_host(*MODULE, timeout_ms=50)
            self.assertEqual(raised.exception.code, 'LARS_AGENT_SILENT')

    def test_a_name_that_does_not_resolve_fails_at_once(self) -> None:
        for host in ('no-such-host.invalid', 'a..b'):
            with self.subTest(host), self.assertRaises(LarsError) as raised:
                self.client(host=host).get_host(*MODULE)
            self.assertEqual(raised.exception.code, 'LARS_AGENT_UNREACHABLE')

    def test_ipv6(self) -> None:
        with socket.socket(socket.AF_INET6, socket.SOCK_DGRAM) as own:
            try:
                own.bind(('::1', 0))
            except OSError:
                self.skipTest('no IPv6 here')
            port = own.getsockname()[1]
            client = self.client(host='::1', ports=[port, port, port])
            thread = threading.Thread(target=client.get_host, args=MODULE)
            thread.start()
            datagram, caller = own.recvfrom(1_000)
            own.sendto(host_answer(fields_of(datagram)[1][1], *MODULE), caller)
            thread.join(PATIENCE_S)
            self.assertEqual(client.stats().answered, 1)


class Calls(WithAgent):
    def test_a_limited_function_sees_the_callers_context(self) -> None:
        variable: contextvars.ContextVar[str] = contextvars.ContextVar('variable')
        variable.set('mine')
        self.assertEqual(self.client().call(*MODULE, lambda _: variable.get(), timeout_ms=PATIENT_MS), 'mine')

    def test_without_a_limit_it_runs_in_the_callers_thread(self) -> None:
        self.assertIs(self.client().call(*MODULE, lambda _: threading.current_thread()), threading.current_thread())

    def test_an_interrupted_call_is_not_reported(self) -> None:
        client = self.client()

        def interrupted(_: Host) -> None:
            raise KeyboardInterrupt

        with self.assertRaises(KeyboardInterrupt):
            client.call(*MODULE, interrupted)
        self.assertEqual(client.stats().reports, 0)

    def test_is_failure_that_raises_blames_the_host(self) -> None:
        client = self.client()
        for raises in (LarsError('LARS_AGENT_SILENT', 'of another client'), ZeroDivisionError()):
            with self.assertRaises(type(raises)):
                client.call(*MODULE, mock.Mock(side_effect=raises), is_failure=mock.Mock(side_effect=ValueError))
        reported = lambda: [fields_of(one)[1] for one in self.agent.datagrams if fields_of(one)[0] == messages.REPORT_REQUEST]
        eventually('both have come', lambda: len(reported()) == 2)
        self.assertEqual([one[4] for one in reported()], [1, 1])

    def test_functions_that_never_end_are_bounded(self) -> None:
        runs = LimitedRuns(max_abandoned=2)
        go_on = threading.Event()
        for _ in range(2):
            self.assertFalse(runs.is_full)
            self.assertIsNone(runs.run(lambda: go_on.wait(PATIENCE_S), 0.01))
        self.assertTrue(runs.is_full)
        go_on.set()
        eventually('there is room again', lambda: not runs.is_full)

    def test_an_error_can_be_pickled(self) -> None:
        host = Host(1, 2, messages.HostInfo(ip=0x0A000005, port=80))
        error = pickle.loads(pickle.dumps(LarsError('LARS_AGENT_SILENT', 'text', 1, 2, host)))
        given = (error.code, str(error), error.modid, error.cmdid, error.host.authority)
        self.assertEqual(given, ('LARS_AGENT_SILENT', 'text', 1, 2, '10.0.0.5:80'))


if __name__ == '__main__':
    unittest.main()
