"""The requests that wait for one socket's answers."""

from __future__ import annotations

import unittest

from lars.core.pending_table import PendingTable
from lars.core.request import HOST, REFRESH, Request
from lars.messages import GetRouteResponse

MODULE = (1, 2)


class Pending(unittest.TestCase):
    def test_sequence_numbers_go_round_past_those_that_wait(self) -> None:
        table = PendingTable(first_seq=4, max_seq=4)
        requests = [Request(HOST, *MODULE, 1, 1) for _ in range(4)]
        for request in requests[:3]:
            table.add(request)
        self.assertEqual([request.seq for request in requests[:3]], [4, 1, 2])
        table.remove(requests[0])
        table.add(requests[3])
        self.assertEqual(requests[3].seq, 3)

    def test_that_a_version_is_current_is_told_to_the_oldest_refresh_that_knows_it(self) -> None:
        table = PendingTable()
        unknown, probe, refresh = requests = [Request(REFRESH, *MODULE, 1, 1) for _ in range(3)]
        for request, version in zip(requests, (0, 7, 7)):
            request.version = version
            table.add(request)
        current = GetRouteResponse(*MODULE, (), 7, False, True)
        for expected in ([probe], [refresh], []):
            self.assertEqual(table.take_route(current), expected)
        self.assertTrue(table.has(unknown))

    def test_requests_that_ended_long_before_their_deadline_take_no_memory(self) -> None:
        table = PendingTable()
        for _ in range(10_000):
            request = Request(HOST, *MODULE, 1e9, 1e9)
            table.add(request)
            table.remove(request)
        self.assertLess(len(table._deadlines), 200)
