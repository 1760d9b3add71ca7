"""Addresses of hosts: an IPv4 address as the wire has it, or an IPv6 address or DNS name in `addr`. Pure."""

from __future__ import annotations

import re
from typing import NamedTuple, Optional

_MAX_ADDR_LENGTH = 253
_HOST = re.compile(r'(?:\[([^\]]*)\]|([^:\[\]]*)):([0-9]+)', re.ASCII)
_LABEL = r'(?!-)[A-Za-z0-9_-]{1,63}(?<!-)'
_DNS_NAME = re.compile(rf'{_LABEL}(\.{_LABEL})*\.?')
_IPV4_PART = re.compile(r'0|[1-9][0-9]{0,2}')
_IPV6 = re.compile(r'[0-9A-Fa-f:.]+(%[A-Za-z0-9_.-]+)?')
_HEX_GROUP = re.compile(r'[0-9A-Fa-f]{1,4}')


class Address(NamedTuple):
    ip: int
    port: int
    addr: str


def is_port(port: object) -> bool:
    return isinstance(port, int) and not isinstance(port, bool) and 1 <= port <= 65_535


def is_callable_at(ip: int, port: int, addr: str) -> bool:
    """Whether a host of the wire has an address or a name, and a port."""
    return is_port(port) and (ip != 0 or addr != '')


def format_name(ip: int, addr: str) -> str:
    """The address without its port: '10.0.0.5', '2001:db8::1', 'db.example'."""
    return addr or '.'.join(str(ip >> shift & 255) for shift in (24, 16, 8, 0))


def join_port(name: str, port: int) -> str:
    """'10.0.0.5:80', '[2001:db8::1]:80', 'db.example:80'"""
    return f'[{name}]:{port}' if ':' in name else f'{name}:{port}'


def parse_ipv4(text: str) -> Optional[int]:
    """'192.168.1.177' is -1062731343; None where it is no IPv4 address in dotted form."""
    parts = text.split('.')
    if len(parts) != 4 or not all(_IPV4_PART.fullmatch(part) and int(part) < 256 for part in parts):
        return None
    ip = int.from_bytes(bytes(int(part) for part in parts), 'big')
    return ip - 2**32 if ip >= 2**31 else ip


def parse_host(text: str) -> Address:
    """'HOST:PORT', an IPv6 address in brackets. Raises ValueError that names the part that is wrong."""
    match = _HOST.fullmatch(text)
    if match is None:
        raise ValueError(f"'{text}' is no host: expected HOST:PORT or [IPV6]:PORT")
    port = int(match[3])
    if not is_port(port):
        raise ValueError(f"port {match[3]} in '{text}' is not in 1..65535")
    if match[1] is not None:
        return Address(0, port, _parse_ipv6(match[1], text))
    name = match[2]
    if re.fullmatch(r'[0-9.]+', name):
        ip = parse_ipv4(name)
        if not ip:
            raise ValueError(f"address '{name}' in '{text}' is no IPv4 address that can be called")
        return Address(ip, port, '')
    if len(name) > _MAX_ADDR_LENGTH or not _DNS_NAME.fullmatch(name):
        raise ValueError(f"address '{name}' in '{text}' is no DNS name")
    return Address(0, port, name.lower())


def _parse_ipv6(name: str, text: str) -> str:
    if not is_ipv6(name):
        raise ValueError(f"address '{name}' in '{text}' is no IPv6 address")
    # The name of a network interface after '%' is kept as it is written: there A and a are two names.
    address, percent, interface = name.partition('%')
    return address.lower() + percent + interface


def is_ipv6(text: str) -> bool:
    """Eight groups of hex digits, one run of zero groups may be '::', the last two groups may be an IPv4 address."""
    if not _IPV6.fullmatch(text):
        return False
    address = text.partition('%')[0]
    halves = address.split('::')
    if len(halves) > 2:
        return False
    groups = [group for half in halves if half for group in half.split(':')]
    count = len(groups)
    if groups and '.' in groups[-1]:
        if parse_ipv4(groups.pop()) is None or address.endswith(':'):
            return False
        count += 1
    if not all(_HEX_GROUP.fullmatch(group) for group in groups):
        return False
    return count <= 7 if len(halves) == 2 else count == 8
