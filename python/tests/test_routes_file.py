"""The agent's file of routes."""

from __future__ import annotations

import os
import socket
import tempfile
import time
import unittest
import zlib
from unittest import mock

from lars import Client, messages
from lars.routes_file import RoutesFile

from .support import MODULE, PATIENCE_S, PATIENT_MS, frame, route_body


class AgentsFile(unittest.TestCase):
    def setUp(self) -> None:
        folder = tempfile.TemporaryDirectory()
        self.addCleanup(folder.cleanup)
        self.path = os.path.join(folder.name, 'agent-routes')
        self.file = RoutesFile(self.path)

    def write(self, body: bytes, header: str = 'lars agent-routes 1 {size} {crc} 1790000000000\n') -> None:
        with open(self.path, 'wb') as file:
            file.write(header.format(size=len(body), crc=f'{zlib.crc32(body):08x}').encode() + body)
        # The file is looked at once a second, and this test has no second.
        self.file._looked_at_s = float('-inf')

    def test_a_file_that_is_torn_foreign_or_newer_is_not_used(self) -> None:
        good = frame(messages.GET_ROUTE_RESPONSE, route_body(-7, 3))
        self.assertIsNone(self.file.find(-7, 3))
        self.assertIn('cannot be read', str(self.file.problem))
        self.write(good)
        route = self.file.find(-7, 3)
        self.assertEqual(route and route.hosts[0].port, 80)
        self.assertIsNone(self.file.problem)
        for body, header, why in (
            (good, '', 'was not written by LARS'),
            (b'', '', 'is empty'),
            (good, 'lars agent-unsent 1 {size} {crc} 1\n', 'is another kind of file: agent-unsent'),
            (good, 'lars agent-routes 2 {size} {crc} 1\n', 'is of format 2, which is newer than this program (format 1)'),
            (good, 'lars agent-routes 0 {size} {crc} 1\n', 'is of the old format 0'),
            (good, 'lars agent-routes 1 9999 {crc} 1\n', f'is torn: {len(good)} of 9999 bytes are there'),
            (good, 'lars agent-routes 1 {size} 00000000 1\n', 'is damaged: its checksum differs'),
            (good[:-1], 'lars agent-routes 1 {size} {crc} 1\n', 'is damaged: it ends within a message'),
            (frame(5, b''), 'lars agent-routes 1 {size} {crc} 1\n', 'has a message in it that is no route, with id 5'),
        ):
            with self.subTest(why):
                self.write(body, header)
                # Old routes are better than none.
                self.assertIsNotNone(self.file.find(-7, 3))
                self.assertIn(why, str(self.file.problem))
        self.assertEqual(self.file.errors, 10)

    def test_the_environment_names_it(self) -> None:
        self.write(frame(messages.GET_ROUTE_RESPONSE, route_body(*MODULE)))
        with socket.socket(socket.AF_INET, socket.SOCK_DGRAM) as refusing:
            refusing.bind(('127.0.0.1', 0))
            refusing.connect(('127.0.0.1', 9))
            port = refusing.getsockname()[1]
            with mock.patch.dict(os.environ, {'LARS_ROUTES_FILE': self.path}):
                client = Client(ports=[port] * 3, timeout_ms=PATIENT_MS)
            with client:
                began_s = time.monotonic()
                self.assertEqual(client.get_host(*MODULE).port, 80)
                self.assertLess(time.monotonic() - began_s, PATIENCE_S / 2)


if __name__ == '__main__':
    unittest.main()
