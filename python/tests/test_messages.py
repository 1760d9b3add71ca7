"""The bytes of the deployed systems, and what is no message."""

from __future__ import annotations

import json
import random
import unittest
from pathlib import Path
from typing import Any, Dict, List

from lars import messages
from lars.messages import Batch, BatchResult, HostInfo
from lars.protobuf import ProtocolError

VECTORS = Path(__file__).parents[2] / 'test' / 'data'


def vectors() -> List[Dict[str, Any]]:
    return [one for name in ('wire-vectors.json', 'wire-vectors-additions.json') for one in json.loads((VECTORS / name).read_text('utf-8'))]


def info(fields: Dict[str, Any]) -> HostInfo:
    return HostInfo(**fields)


def encode(message_id: int, fields: Dict[str, Any]) -> bytes:
    module = (fields['modid'], fields['cmdid'])
    features = fields.get('features', 0)
    if message_id == messages.GET_HOST_REQUEST:
        return messages.encode_get_host(fields['seq'], *module, features=features)
    if message_id == messages.API_GET_ROUTE_REQUEST:
        return messages.encode_get_route(*module, fields.get('version', 0), features=features)
    if message_id == messages.REPORT_REQUEST:
        return messages.encode_report(*module, info(fields['host']), fields['retcode'] if 'retcode' in fields else 0, fields.get('tcost', 0))
    none = {'ip': 0, 'addr': '', 'succ': 0, 'err': 0, 'tcost': 0}
    results = tuple(BatchResult(**{**none, **result}) for result in fields['results'])
    return messages.encode_batch(Batch(*module, results, fields.get('fromCopy', False)))


class WireVectors(unittest.TestCase):
    def test_what_the_client_sends(self) -> None:
        sent = (messages.GET_HOST_REQUEST, messages.API_GET_ROUTE_REQUEST, messages.REPORT_REQUEST, messages.BATCH_REPORT_REQUEST)
        told = [one for one in vectors() if one['messageId'] in sent]
        self.assertGreaterEqual(len(told), 8)
        for one in told:
            with self.subTest(one['name']):
                self.assertEqual(encode(one['messageId'], one['message']).hex(), one['hex'])

    def test_what_the_client_reads(self) -> None:
        read = (messages.GET_HOST_RESPONSE, messages.GET_ROUTE_RESPONSE, messages.API_GET_ROUTE_RESPONSE)
        told = [one for one in vectors() if one['messageId'] in read]
        self.assertGreaterEqual(len(told), 6)
        for one in told:
            with self.subTest(one['name']):
                message_id, body = messages.decode_datagram(bytes.fromhex(one['hex']))
                self.assertEqual(message_id, one['messageId'])
                fields = one['message']
                if message_id == messages.GET_HOST_RESPONSE:
                    answer = messages.decode_get_host_response(body)
                    host = info(fields['host']) if 'host' in fields else None
                    self.assertEqual(answer, (fields['seq'], fields['modid'], fields['cmdid'], fields.get('retcode', 0), host))
                else:
                    route = messages.decode_get_route_response(body)
                    self.assertEqual(route.hosts, tuple(info(host) for host in fields['host']))
                    self.assertEqual((route.version, route.overload), (fields.get('version', 0), fields.get('overload', False)))
                    self.assertEqual(route.not_modified, fields.get('notModified', False))
                    self.assertEqual(messages.read_module(body), (fields['modid'], fields['cmdid']))


class Shards(unittest.TestCase):
    def test_the_server_of_a_module_is_the_mathematical_modulus(self) -> None:
        largest, smallest = 2**31 - 1, -(2**31)
        modules = {(0, 0): 0, (1, 1): 2, (-1, 0): 2, (-3, 2): 2, (-4, 0): 2, (largest, largest): 2, (smallest, smallest): 2, (smallest, 0): 1}
        self.assertEqual({module: messages.shard_of(*module) for module in modules}, modules)


class NoMessages(unittest.TestCase):
    def test_bad_bodies(self) -> None:
        bad = {
            'a varint without an end': '08ff',
            'a varint of eleven bytes': '08' + '80' * 10 + '01',
            'a length out of the body': '2a05080a',
            'a string that is no UTF-8': '2a042202ffff',
            'a group that does not close': '0b',
            'a group that closes another': '0b14',
            'groups too deep': '0b' * 101 + '0c' * 101,
            'half a fixed64': '0900000000',
            'a wire type that does not exist': '0f',
        }
        for name, text in bad.items():
            with self.subTest(name), self.assertRaises(ProtocolError):
                messages.decode_get_host_response(bytes.fromhex(text))

    def test_what_is_unknown_is_skipped(self) -> None:
        # A group, a fixed32, a fixed64, an unknown field, modid as bytes; then seq 9.
        odd = bytes.fromhex('a306a80601a406' + '3d00000000' + '390000000000000000' + 'f80701' + '12020101' + '0809')
        self.assertEqual(messages.decode_get_host_response(odd), (9, 0, 0, 0, None))

    def test_random_bytes_raise_nothing_else(self) -> None:
        seeded = random.Random(7)
        for _ in range(3_000):
            body = bytes(seeded.choice((seeded.randrange(256), seeded.randrange(48))) for _ in range(seeded.randrange(40)))
            for decode in (messages.decode_get_host_response, messages.decode_get_route_response, messages.read_module):
                try:
                    decode(body)
                except ProtocolError:
                    pass

    def test_bad_frames(self) -> None:
        for text in ('', '05000000', '0500000001000000', '05000000ffffffff', '050000000000000000'):
            with self.subTest(text), self.assertRaises(ProtocolError):
                messages.decode_datagram(bytes.fromhex(text))


if __name__ == '__main__':
    unittest.main()
