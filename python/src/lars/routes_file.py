"""The agent's file of routes, as of the last look at it. Nothing that is wrong with it is raised."""

from __future__ import annotations

import os
import threading
import time
from typing import Optional, Tuple

from .agent_routes import AgentRoutes, UnusableFile
from .messages import GetRouteResponse

# How often the file is looked at, and read where it has changed.
_LOOK_S = 1.0
# A larger file is none that an agent writes.
_MAX_BYTES = 256 * 1_024 * 1_024
_UNREADABLE: Tuple[int, ...] = ()


class RoutesFile:
    """Threads may share it. It reads the file while they wait."""

    def __init__(self, path: str) -> None:
        """Opens nothing yet."""
        self._path = path
        self._lock = threading.Lock()
        self._routes: Optional[AgentRoutes] = None
        # What tells one state of the file from the next.
        self._state: Optional[Tuple[int, ...]] = None
        self._looked_at_s = float('-inf')
        # How often the file was found unusable, once for each of its states, and why it is of no use, if it is of none.
        self.errors = 0
        self.problem: Optional[str] = None

    def find(self, modid: int, cmdid: int) -> Optional[GetRouteResponse]:
        with self._lock:
            if time.monotonic() >= self._looked_at_s + _LOOK_S:
                self._look()
                self._looked_at_s = time.monotonic()
            try:
                return None if self._routes is None else self._routes.find(modid, cmdid)
            except UnusableFile as error:
                self._on_problem(str(error))
                return None

    def _look(self) -> None:
        """An unusable file leaves what was read before as it is: old routes are better than none."""
        try:
            self._read_if_changed()
        except OSError as error:
            if self._state != _UNREADABLE:
                self._state = _UNREADABLE
                self._on_problem(f'cannot be read: {error}')
        except UnusableFile as error:
            self._on_problem(str(error))

    def _read_if_changed(self) -> None:
        # A file that is replaced meanwhile is read whole all the same, because it is open.
        with open(self._path, 'rb') as file:
            about = os.fstat(file.fileno())
            state = (about.st_dev, about.st_ino, about.st_size, about.st_mtime_ns)
            if state == self._state:
                return
            self._state = state
            if about.st_size > _MAX_BYTES:
                raise UnusableFile(f'is larger than {_MAX_BYTES} bytes')
            self._routes = AgentRoutes(file.read(_MAX_BYTES))
            self.problem = None

    def _on_problem(self, why: str) -> None:
        problem = f'{self._path} {why}'
        if problem != self.problem:
            self.errors += 1
            self.problem = problem
