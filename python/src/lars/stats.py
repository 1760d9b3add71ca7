"""What a client has done so far. Pure."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Optional


@dataclass
class Counters:
    """All of them only grow."""

    # Datagrams given to the kernel: requests and reports.
    sent: int = 0
    # Requests that the agent answered, with a host or a return code.
    answered: int = 0
    # Well-formed answers that no request waits for: too late, sent twice, or for another module.
    late: int = 0
    # Datagrams that are no answer at all; ignored.
    malformed: int = 0
    timeouts: int = 0
    # Requests whose caller stopped waiting: a task that was cancelled, a thread that was interrupted.
    cancelled: int = 0
    # Requests refused because max_pending others waited.
    too_many_pending: int = 0
    # Requests that ended because a socket failed, in general because no agent listens.
    unreachable: int = 0
    # Results accepted by report and call.
    reports: int = 0
    # Datagrams that never reached the kernel: after close, for a socket that failed, or one too many for it.
    dropped: int = 0
    sockets_opened: int = 0
    socket_failures: int = 0
    # Route queries for the agent's absence, and those without an answer.
    refreshes: int = 0
    refreshes_lost: int = 0
    # Hosts that the client picked by itself because the agent was away, or had not answered in time.
    fallback_picks: int = 0


@dataclass
class Stats(Counters):
    """The counters, and how things stand now."""

    # Requests that wait for an answer.
    pending: int = 0
    # Whether a part of the agent, or all of it, does not answer, and for how long.
    agent_away: bool = False
    agent_away_for_ms: float = 0
    # Results of calls that wait for the agent's return, and those that were dropped because there were too many.
    unsent_results: int = 0
    dropped_results: int = 0
    # How often the agent's file was found unusable, once for each state of the file, and why it was the last time.
    routes_file_errors: int = 0
    routes_file_problem: Optional[str] = None
