"""What the agent's answers mean. Pure."""

from __future__ import annotations

from typing import Union

from .. import messages
from ..address import is_callable_at
from ..errors import Context, LarsError, no_exist_error, overload_error, system_error
from ..host import Host, Route


def is_callable(info: messages.HostInfo) -> bool:
    return is_callable_at(info.ip, info.port, info.addr)


def read_host_answer(answer: messages.GetHostResponse, context: Context) -> Union[Host, LarsError]:
    if answer.retcode == messages.OVERLOAD:
        return overload_error(context)
    if answer.retcode == messages.NO_EXIST:
        return no_exist_error(context)
    if answer.retcode != messages.SUCCESS:
        return system_error(context, f'answered with return code {answer.retcode}')
    if answer.host is None or not is_callable(answer.host):
        return system_error(context, 'answered without a host that can be called')
    return Host(answer.modid, answer.cmdid, answer.host)


def read_route_answer(answer: messages.GetRouteResponse) -> Route:
    """Hosts that cannot be called (no address, no port) are left out."""
    hosts = tuple(Host(answer.modid, answer.cmdid, info) for info in answer.hosts if is_callable(info))
    return Route(answer.modid, answer.cmdid, hosts, answer.overload, answer.version)
