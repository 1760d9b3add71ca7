"""The file to which an agent writes its routes, as bytes: one line that says whether it is whole, then frames with GetRouteResponses. Pure."""

from __future__ import annotations

import re
import zlib
from typing import Dict, Optional, Tuple

from .messages import GET_ROUTE_RESPONSE, GetRouteResponse, decode_get_route_response, read_module, split_frames
from .protobuf import ProtocolError

_NAME = 'agent-routes'
_VERSION = 1
_MAX_HEADER_BYTES = 200
# Name, format, bytes of the body, CRC-32 of the body, when it was written.
_HEADER = re.compile(rb'lars ([a-z-]+) (\d{1,9}) (\d{1,15}) ([0-9a-f]{8}) (\d{1,15})')


class UnusableFile(Exception):
    """Its text completes a sentence that begins with the file's name."""


class AgentRoutes:
    """The routes of an agent's file, each decoded when it is asked for."""

    def __init__(self, file: bytes) -> None:
        """Raises UnusableFile."""
        self._bodies: Dict[Tuple[int, int], bytes] = {}
        try:
            for message_id, body in split_frames(_checked_body(file)):
                if message_id != GET_ROUTE_RESPONSE:
                    raise UnusableFile(f'has a message in it that is no route, with id {message_id}')
                self._bodies[read_module(body)] = body
        except ProtocolError as error:
            raise UnusableFile(f'is damaged: {error}') from error

    def find(self, modid: int, cmdid: int) -> Optional[GetRouteResponse]:
        """Raises UnusableFile where the route does not parse."""
        body = self._bodies.get((modid, cmdid))
        try:
            return None if body is None else decode_get_route_response(body)
        except ProtocolError as error:
            raise UnusableFile(f'is damaged: {error}') from error


def _checked_body(file: bytes) -> bytes:
    end = file.find(b'\n', 0, _MAX_HEADER_BYTES)
    header = _HEADER.fullmatch(file[: max(end, 0)])
    if header is None:
        raise UnusableFile('was not written by LARS' if file else 'is empty')
    name, version, size, checksum = header[1].decode(), int(header[2]), int(header[3]), int(header[4], 16)
    if name != _NAME:
        raise UnusableFile(f'is another kind of file: {name}')
    if version > _VERSION:
        raise UnusableFile(f'is of format {version}, which is newer than this program (format {_VERSION})')
    if version < _VERSION:
        raise UnusableFile(f'is of the old format {version} (this program has format {_VERSION})')
    body = file[end + 1 :]
    if len(body) != size:
        raise UnusableFile(f'is torn: {len(body)} of {size} bytes are there')
    if zlib.crc32(body) != checksum:
        raise UnusableFile('is damaged: its checksum differs')
    return body
