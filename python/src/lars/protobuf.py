"""The protobuf (proto3) wire format, as far as the messages of LARS need it. Pure.

What makes a body invalid is told in docs/protocol.md: a length that leads out of the body, a varint or tag that does not end, a string that is
no UTF-8, groups that do not close. Fields that are not known are skipped, and so are known ones with another wire type.
"""

from __future__ import annotations

from typing import Iterator, List, Tuple, Union

VARINT = 0
BYTES = 2
_FIXED_SIZES = {1: 8, 5: 4}
_GROUP_START = 3
_GROUP_END = 4
_MAX_VARINT_BYTES = 10
_MAX_GROUP_DEPTH = 100
_UINT64 = 2**64 - 1


class ProtocolError(ValueError):
    """Bytes that are no message."""


def varint(value: int) -> bytes:
    """Encodes an integer; a negative one takes ten bytes, as protobuf has it."""
    value &= _UINT64
    if value < 0x80:
        return bytes((value,))
    out = bytearray()
    while value >= 0x80:
        out.append(value & 0x7F | 0x80)
        value >>= 7
    out.append(value)
    return bytes(out)


def int_field(field: int, value: int) -> bytes:
    """A field of any integer type or bool. A value of 0 is left out."""
    return bytes((field << 3 | VARINT,)) + varint(value) if value else b''


def bytes_field(field: int, value: bytes) -> bytes:
    """A field of type message. Unlike a string, an empty one is written."""
    return bytes((field << 3 | BYTES,)) + varint(len(value)) + value


def string_field(field: int, value: str) -> bytes:
    """An empty string is left out."""
    return bytes_field(field, value.encode()) if value else b''


def read_varint(body: bytes, at: int) -> Tuple[int, int]:
    """Returns the value and where the next field begins."""
    value = 0
    for index, byte in enumerate(body[at : at + _MAX_VARINT_BYTES]):
        value |= (byte & 0x7F) << (7 * index)
        if byte < 0x80:
            return value & _UINT64, at + index + 1
    raise ProtocolError('a varint does not end')


def read_fields(body: bytes) -> Iterator[Tuple[int, Union[int, bytes]]]:
    """The fields that may be of use, in their order: number, and an int for a varint or bytes for a string or message."""
    at = 0
    end = len(body)
    while at < end:
        tag, at = read_varint(body, at)
        field, wire_type = tag >> 3, tag & 7
        if wire_type == VARINT:
            value, at = read_varint(body, at)
            yield field, value
        elif wire_type == BYTES:
            size, at = read_varint(body, at)
            if size > end - at:
                raise ProtocolError('a length leads out of the body')
            yield field, body[at : at + size]
            at += size
        else:
            at = _skip(body, at, field, wire_type)


def int32(value: Union[int, bytes], default: int = 0) -> int:
    """The value of an int32 field; the default where the field came with another wire type."""
    if not isinstance(value, int):
        return default
    value &= 0xFFFFFFFF
    return value - 2**32 if value >= 2**31 else value


def uint32(value: Union[int, bytes], default: int = 0) -> int:
    return value & 0xFFFFFFFF if isinstance(value, int) else default


def uint64(value: Union[int, bytes], default: int = 0) -> int:
    return value if isinstance(value, int) else default


def boolean(value: Union[int, bytes], default: bool = False) -> bool:
    return value != 0 if isinstance(value, int) else default


def string(value: Union[int, bytes], default: str = '') -> str:
    if isinstance(value, int):
        return default
    try:
        return value.decode()
    except UnicodeDecodeError as error:
        raise ProtocolError('a string is not UTF-8') from error


def _skip(body: bytes, at: int, field: int, wire_type: int) -> int:
    groups: List[int] = []
    while True:
        if wire_type == _GROUP_START:
            groups.append(field)
            if len(groups) > _MAX_GROUP_DEPTH:
                raise ProtocolError('groups lie too deep')
        elif wire_type == _GROUP_END:
            if not groups or groups.pop() != field:
                raise ProtocolError('a group ends that did not begin')
        else:
            at = _skip_value(body, at, wire_type)
        if not groups:
            return at
        tag, at = read_varint(body, at)
        field, wire_type = tag >> 3, tag & 7


def _skip_value(body: bytes, at: int, wire_type: int) -> int:
    if wire_type == VARINT:
        return read_varint(body, at)[1]
    if wire_type == BYTES:
        size, at = read_varint(body, at)
    elif wire_type in _FIXED_SIZES:
        size = _FIXED_SIZES[wire_type]
    else:
        raise ProtocolError(f'wire type {wire_type} does not exist')
    if size > len(body) - at:
        raise ProtocolError('a field leads out of the body')
    return at + size
