"""The options of a client, checked and complete. Pure."""

from __future__ import annotations

from typing import NamedTuple, Optional, Sequence, Tuple, Union

from .address import is_port, join_port
from .messages import SHARD_COUNT
from .validation import bad_argument, check_timeout, is_integer

DEFAULT_HOST = '127.0.0.1'
DEFAULT_PORT = 8888
DEFAULT_TIMEOUT_MS = 500
DEFAULT_MAX_PENDING = 65_536
_MAX_PENDING_LIMIT = 1_000_000
_MAX_HOST_LENGTH = 253

Ports = Union[int, Sequence[int]]


class Settings(NamedTuple):
    host: str
    # One for each of the agent's servers.
    ports: Tuple[int, ...]
    timeout_ms: float
    max_pending: int
    fallback: bool
    routes_file: Optional[str]

    def agent(self, shard: int) -> str:
        """The address of one of the agent's servers, for messages to people."""
        return join_port(self.host, self.ports[shard])


def read_options(
    host: str, ports: Ports, timeout_ms: float, max_pending: int, fallback: bool, routes_file: Optional[str], env_routes_file: str
) -> Settings:
    """`env_routes_file` is what LARS_ROUTES_FILE says, empty where it says nothing. Raises LarsError LARS_BAD_ARGUMENT naming the option."""
    if not isinstance(host, str) or host == '' or len(host) > _MAX_HOST_LENGTH or '\0' in host:
        raise bad_argument('host', 'an IP address or a name', host)
    check_timeout(timeout_ms)
    if not is_integer(max_pending) or not 1 <= max_pending <= _MAX_PENDING_LIMIT:
        raise bad_argument('max_pending', f'an integer in 1..{_MAX_PENDING_LIMIT}', max_pending)
    if not isinstance(fallback, bool):
        raise bad_argument('fallback', 'True or False', fallback)
    path = _read_routes_file(routes_file, fallback, env_routes_file)
    return Settings(host, _read_ports(ports), timeout_ms, max_pending, fallback, path)


def _read_routes_file(given: Optional[str], fallback: bool, of_env: str) -> Optional[str]:
    if given is None:
        return of_env if fallback and of_env else None
    if not isinstance(given, str) or given == '' or '\0' in given:
        raise bad_argument('routes_file', 'the path of a file', given)
    if not fallback:
        raise bad_argument('routes_file', 'left out with fallback=False, which never reads it', given)
    return given


def _read_ports(given: Ports) -> Tuple[int, ...]:
    ports = (given,) if isinstance(given, int) else tuple(given) if isinstance(given, (list, tuple)) else ()
    for port in ports:
        if not is_port(port):
            raise bad_argument('ports', 'made of integers in 1..65535', port)
    if len(ports) == 1:
        ports = tuple(range(ports[0], ports[0] + SHARD_COUNT))
    if len(ports) != SHARD_COUNT:
        raise bad_argument('ports', f'{SHARD_COUNT} ports, or the first of {SHARD_COUNT} that follow one another', given)
    if not is_port(ports[-1]):
        raise bad_argument('ports', 'made of integers in 1..65535', ports[-1])
    return ports
