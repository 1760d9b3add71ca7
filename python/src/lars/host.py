"""What callers are given: a host, a route. Pure."""

from __future__ import annotations

from typing import NamedTuple, Optional, Protocol, Tuple


from .address import Address, format_name, join_port, parse_host
from .messages import DEFAULT_WEIGHT, HostInfo
from .validation import bad_argument, check_module

_MAX_TCOST_MS = 2**32 - 1


class Host:
    """A host of a module: where to call, and what `report` needs to know.

    As text it is its authority, so that f'http://{host}/path' is right for IPv4, IPv6 and names. `host` is the address without the port (IPv6
    without brackets), `weight` the relative capacity (100 where the route says nothing), `zone` where it stands; `drain`: it is being taken out
    of service, get_route still names it and get_host does not.
    """

    __slots__ = ('modid', 'cmdid', 'host', 'port', 'weight', 'zone', 'drain', 'address', 'picked_by_client')

    def __init__(self, modid: int, cmdid: int, info: HostInfo, picked_by_client: bool = False) -> None:
        self.modid = modid
        self.cmdid = cmdid
        self.host = format_name(info.ip, info.addr)
        self.port = info.port
        self.weight = info.weight or DEFAULT_WEIGHT
        self.zone = info.zone
        self.drain = info.drain
        self.address = Address(info.ip, info.port, info.addr)
        self.picked_by_client = picked_by_client

    @property
    def authority(self) -> str:
        """'10.0.0.5:80', '[2001:db8::1]:80', 'db.example:80'"""
        return join_port(self.host, self.port)

    def __str__(self) -> str:
        return self.authority

    def __repr__(self) -> str:
        return f'<Host {self.authority} of module {self.modid}/{self.cmdid}>'


class Route(NamedTuple):
    """All hosts of a module, whatever their state; none when the agent knows no such module (yet).

    `overload`: callers must ask the agent for each call, and not pick from `hosts` themselves. `version` grows with every change; 0 from agents
    that do not number routes.
    """

    modid: int
    cmdid: int
    hosts: Tuple[Host, ...]
    overload: bool
    version: int


class ReportTarget(Protocol):
    """The host that was called: what get_host returned, or anything else with these four."""

    @property
    def modid(self) -> int: ...

    @property
    def cmdid(self) -> int: ...

    @property
    def host(self) -> str: ...

    @property
    def port(self) -> int: ...


class Target(NamedTuple):
    """A host to report on that get_host did not return."""

    modid: int
    cmdid: int
    host: str
    port: int


def address_of(target: ReportTarget) -> Address:
    """Raises LarsError LARS_BAD_ARGUMENT where the target is none."""
    if isinstance(target, Host):
        return target.address
    try:
        modid, cmdid, host, port = target.modid, target.cmdid, target.host, target.port
    except AttributeError as error:
        raise bad_argument('host', 'a host with modid, cmdid, host and port', target, error) from error
    check_module(modid, cmdid)
    if not isinstance(host, str):
        raise bad_argument('host', 'a host with modid, cmdid, host and port', host)
    text = join_port(host, port)
    try:
        return parse_host(text)
    except ValueError as error:
        raise bad_argument('host', 'an address and a port', text, error) from error


def check_result(ok: bool, tcost_ms: Optional[float]) -> int:
    """The duration as it is sent: whole milliseconds, at least 1; 0 where the caller did not time the call."""
    if not isinstance(ok, bool):
        raise bad_argument('ok', 'True or False', ok)
    if tcost_ms is None:
        return 0
    if not isinstance(tcost_ms, (int, float)) or isinstance(tcost_ms, bool) or not tcost_ms >= 0:
        raise bad_argument('tcost_ms', 'a number of milliseconds', tcost_ms)
    return int(min(_MAX_TCOST_MS, max(1, tcost_ms + 0.5)))
