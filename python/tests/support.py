"""What several tests share: an agent that answers what a test wants, and bytes as the agent sends them."""

from __future__ import annotations

import socket
import struct
import threading
import time
import unittest
from typing import Any, Callable, Dict, List, Optional, Tuple

from lars import Client, messages
from lars.messages import HostInfo
from lars.protobuf import bytes_field, int32, int_field, read_fields, string_field

MODULE = (1, 2)
HOST = HostInfo(ip=0x0A000005, port=80)
# Generous: machines are busy, and nothing here is about speed.
PATIENCE_S = 20.0
PATIENT_MS = PATIENCE_S * 1_000


def eventually(what: str, look: Callable[[], object]) -> None:
    deadline_s = time.monotonic() + PATIENCE_S
    while not look():
        if time.monotonic() > deadline_s:
            raise AssertionError(f'not within {PATIENCE_S} s: {what}')
        time.sleep(0.002)


def host_bytes(host: HostInfo) -> bytes:
    body = int_field(1, host.ip) + int_field(2, host.port) + int_field(3, host.weight)
    return body + string_field(4, host.addr) + string_field(5, host.zone) + int_field(6, host.drain)


def frame(message_id: int, body: bytes) -> bytes:
    return struct.pack('<ii', message_id, len(body)) + body


def host_answer(seq: int, modid: int, cmdid: int, host: Optional[HostInfo] = HOST, retcode: int = 0) -> bytes:
    body = int_field(1, seq) + int_field(2, modid) + int_field(3, cmdid) + int_field(4, retcode)
    return frame(messages.GET_HOST_RESPONSE, body + (b'' if host is None else bytes_field(5, host_bytes(host))))


def route_body(
    modid: int, cmdid: int, hosts: Tuple[HostInfo, ...] = (HOST,), version: int = 7, not_modified: bool = False
) -> bytes:
    body = int_field(1, modid) + int_field(2, cmdid) + b''.join(bytes_field(3, host_bytes(host)) for host in hosts)
    return body + int_field(4, version) + int_field(6, not_modified)


def route_answer(
    modid: int, cmdid: int, hosts: Tuple[HostInfo, ...] = (HOST,), version: int = 7, not_modified: bool = False
) -> bytes:
    return frame(messages.API_GET_ROUTE_RESPONSE, route_body(modid, cmdid, hosts, version, not_modified))


def fields_of(datagram: bytes) -> Tuple[int, Dict[int, int]]:
    """The id of a message and its integers by field."""
    message_id, body = messages.decode_datagram(datagram)
    return message_id, {field: int32(value) for field, value in read_fields(body) if isinstance(value, int)}


class FakeAgent:
    """Three UDP sockets of the agent; `answer` says what a datagram is answered with."""

    def __init__(self) -> None:
        self.datagrams: List[bytes] = []
        self.answer: Callable[[bytes], List[bytes]] = answer_well
        self._sockets = [socket.socket(socket.AF_INET, socket.SOCK_DGRAM) for _ in range(messages.SHARD_COUNT)]
        for one in self._sockets:
            one.bind(('127.0.0.1', 0))
            one.settimeout(0.05)
        self.ports = [one.getsockname()[1] for one in self._sockets]
        self._is_over = False
        self._threads = [threading.Thread(target=self._serve, args=(one,)) for one in self._sockets]
        for thread in self._threads:
            thread.start()

    def ids(self) -> List[int]:
        return [fields_of(datagram)[0] for datagram in self.datagrams]

    def stop(self) -> None:
        self._is_over = True
        for thread in self._threads:
            thread.join()
        for one in self._sockets:
            one.close()

    def _serve(self, own: socket.socket) -> None:
        while not self._is_over:
            try:
                datagram, caller = own.recvfrom(65_536)
            except socket.timeout:
                continue
            self.datagrams.append(datagram)
            for answer in self.answer(datagram):
                own.sendto(answer, caller)


def answer_well(datagram: bytes) -> List[bytes]:
    message_id, fields = fields_of(datagram)
    if message_id == messages.GET_HOST_REQUEST:
        return [host_answer(fields[1], fields.get(2, 0), fields.get(3, 0))]
    if message_id == messages.API_GET_ROUTE_REQUEST:
        return [route_answer(fields.get(1, 0), fields.get(2, 0))]
    return []


class WithAgent(unittest.TestCase):
    def setUp(self) -> None:
        self.agent = FakeAgent()
        self.addCleanup(self.agent.stop)

    def client(self, **options: Any) -> Client:
        client = Client(**{'ports': self.agent.ports, 'timeout_ms': PATIENT_MS, **options})
        self.addCleanup(client.close)
        return client
