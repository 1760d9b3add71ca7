"""The messages between business code and agent, and their frames (docs/protocol.md). Pure."""

from __future__ import annotations

import struct
from typing import List, NamedTuple, Optional, Sequence, Tuple

from .protobuf import (
    ProtocolError,
    boolean,
    bytes_field,
    int32,
    int_field,
    read_fields,
    string,
    string_field,
    uint32,
    uint64,
)

GET_ROUTE_RESPONSE = 2
GET_HOST_REQUEST = 4
GET_HOST_RESPONSE = 5
REPORT_REQUEST = 6
API_GET_ROUTE_REQUEST = 7
API_GET_ROUTE_RESPONSE = 8
BATCH_REPORT_REQUEST = 102

SUCCESS = 0
OVERLOAD = 1
NO_EXIST = 3

SHARD_COUNT = 3
DEFAULT_WEIGHT = 100

# Bit 0: this client understands IPv6 and DNS hosts. Bit 1: it understands hosts that drain.
FEATURES = 3
RETCODE_FAILED = 1

_HEADER = struct.Struct('<ii')
MAX_BODY_BYTES = 65_527


class HostInfo(NamedTuple):
    """One host of a route. `ip` is the IPv4 address in a signed int32, 0 where `addr` has an IPv6 address or a name."""

    ip: int = 0
    port: int = 0
    weight: int = 0
    addr: str = ''
    zone: str = ''
    drain: bool = False


class GetHostResponse(NamedTuple):
    seq: int
    modid: int
    cmdid: int
    retcode: int
    host: Optional[HostInfo]


class GetRouteResponse(NamedTuple):
    modid: int
    cmdid: int
    hosts: Tuple[HostInfo, ...]
    version: int
    overload: bool
    not_modified: bool


class BatchResult(NamedTuple):
    """Calls to one host. `tcost` is the sum of their durations, milliseconds; 0 = not told."""

    ip: int
    port: int
    addr: str
    succ: int
    err: int
    tcost: int


class Batch(NamedTuple):
    """Results of calls of one module, in their order. `from_copy`: this client picked their hosts itself."""

    modid: int
    cmdid: int
    results: Tuple[BatchResult, ...]
    from_copy: bool


def shard_of(modid: int, cmdid: int) -> int:
    """Which of the agent's servers owns the module."""
    return (modid + cmdid) % SHARD_COUNT


def encode_get_host(seq: int, modid: int, cmdid: int, features: int = FEATURES) -> bytes:
    body = int_field(1, seq) + int_field(2, modid) + int_field(3, cmdid) + int_field(4, features)
    return _frame(GET_HOST_REQUEST, body)


def encode_get_route(modid: int, cmdid: int, version: int = 0, features: int = FEATURES) -> bytes:
    body = int_field(1, modid) + int_field(2, cmdid) + int_field(3, version) + int_field(4, features)
    return _frame(API_GET_ROUTE_REQUEST, body)


def encode_report(modid: int, cmdid: int, host: HostInfo, retcode: int, tcost: int) -> bytes:
    info = int_field(1, host.ip) + int_field(2, host.port) + string_field(4, host.addr)
    body = int_field(1, modid) + int_field(2, cmdid) + bytes_field(3, info) + int_field(4, retcode) + int_field(5, tcost)
    return _frame(REPORT_REQUEST, body)


def encode_batch(batch: Batch) -> bytes:
    body = int_field(1, batch.modid) + int_field(2, batch.cmdid)
    body += b''.join(bytes_field(3, _result(result)) for result in batch.results)
    return _frame(BATCH_REPORT_REQUEST, body + int_field(4, batch.from_copy))


def encode_result(batch: Batch) -> bytes:
    """One call whose host the agent picked as the ReportRequest that every agent understands, anything else as a batch."""
    result = batch.results[0]
    if batch.from_copy or len(batch.results) > 1 or result.succ + result.err != 1:
        return encode_batch(batch)
    host = HostInfo(ip=result.ip, port=result.port, addr=result.addr)
    return encode_report(batch.modid, batch.cmdid, host, RETCODE_FAILED if result.err else SUCCESS, result.tcost)


def decode_datagram(datagram: bytes) -> Tuple[int, bytes]:
    """Returns the message's id and body."""
    if len(datagram) < _HEADER.size:
        raise ProtocolError('the datagram is shorter than a header')
    message_id, size = _HEADER.unpack_from(datagram)
    if size != len(datagram) - _HEADER.size:
        raise ProtocolError('the datagram is not as long as its header says')
    return message_id, datagram[_HEADER.size :]


def split_frames(stream: bytes) -> List[Tuple[int, bytes]]:
    """Frames that follow one another, as over TCP. Raises ProtocolError where the last one is not whole."""
    frames: List[Tuple[int, bytes]] = []
    at = 0
    while at < len(stream):
        if at + _HEADER.size > len(stream):
            raise ProtocolError('it ends within a header')
        message_id, size = _HEADER.unpack_from(stream, at)
        at += _HEADER.size
        if not 0 <= size <= MAX_BODY_BYTES:
            raise ProtocolError(f'a body of {size} bytes')
        if size > len(stream) - at:
            raise ProtocolError('it ends within a message')
        frames.append((message_id, stream[at : at + size]))
        at += size
    return frames


def decode_get_host_response(body: bytes) -> GetHostResponse:
    seq = modid = cmdid = retcode = 0
    host: Optional[HostInfo] = None
    for field, value in read_fields(body):
        if field == 1:
            seq = uint32(value, seq)
        elif field == 2:
            modid = int32(value, modid)
        elif field == 3:
            cmdid = int32(value, cmdid)
        elif field == 4:
            retcode = int32(value, retcode)
        elif field == 5 and isinstance(value, bytes):
            host = _decode_host(value)
    return GetHostResponse(seq, modid, cmdid, retcode, host)


def decode_get_route_response(body: bytes) -> GetRouteResponse:
    modid = cmdid = version = 0
    overload = not_modified = False
    hosts: List[HostInfo] = []
    for field, value in read_fields(body):
        if field == 1:
            modid = int32(value, modid)
        elif field == 2:
            cmdid = int32(value, cmdid)
        elif field == 3 and isinstance(value, bytes):
            hosts.append(_decode_host(value))
        elif field == 4:
            version = uint64(value, version)
        elif field == 5:
            overload = boolean(value, overload)
        elif field == 6:
            not_modified = boolean(value, not_modified)
    return GetRouteResponse(modid, cmdid, tuple(hosts), version, overload, not_modified)


def read_module(body: bytes) -> Tuple[int, int]:
    """modid and cmdid, the first two fields of a GetRouteResponse, without decoding its hosts."""
    ids = [0, 0]
    for field, value in read_fields(body):
        if field > 2:
            break
        if field > 0:
            ids[field - 1] = int32(value)
    return ids[0], ids[1]


def _decode_host(body: bytes) -> HostInfo:
    ip = port = weight = 0
    addr = zone = ''
    drain = False
    for field, value in read_fields(body):
        if field == 1:
            ip = int32(value, ip)
        elif field == 2:
            port = int32(value, port)
        elif field == 3:
            weight = uint32(value, weight)
        elif field == 4:
            addr = string(value, addr)
        elif field == 5:
            zone = string(value, zone)
        elif field == 6:
            drain = boolean(value, drain)
    return HostInfo(ip, port, weight, addr, zone, drain)


def _result(result: BatchResult) -> bytes:
    ints: Sequence[int] = (result.ip, result.port, result.succ, result.err, result.tcost)
    return b''.join(int_field(at + 1, value) for at, value in enumerate(ints)) + string_field(6, result.addr)


def _frame(message_id: int, body: bytes) -> bytes:
    return _HEADER.pack(message_id, len(body)) + body
