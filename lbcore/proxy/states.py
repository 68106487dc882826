"""Everything that changes a server goes through here: once applied, once logged, once counted.

    states.report(server, server.check, result)     what a check found
    states.admin(server, on=Admin.FMAINT)           what people and agents want
    states.health(...) states.weight(...) ...       `set server` of the stats socket

Any thread may call, holding no lock. What changes no state, as nearly every result of a check, is noted under the
server's lock. A change is worked out and applied while all threads stand still (`Crew.together`); many reports of one
turn share a meeting. Calls other than `report` return when the change is there to be seen. Lines are written after the
meeting.
"""

from __future__ import annotations

from enum import Enum

from lbcore.base.address import Address
from lbcore.proxy.health import CheckResult, CheckState
from lbcore.proxy.machine import NO_FLAGS, Admin
from lbcore.proxy.server import Server


class Verdict(Enum):
    """What `set server <s> health` and `set server <s> agent` say."""

    UP = "up"
    STOPPING = "stopping"
    DOWN = "down"


class States:
    """The states of all servers of one balancer."""

    def report(self, server: Server, check: CheckState, result: CheckResult) -> None:
        """Counts what a check of `server` found: `check` is `server.check` or `server.agent`. Returns at once; a change
        of state follows soon. Results that come while `check` is not due change nothing."""

    def admin(self, server: Server, *, on: Admin = NO_FLAGS, off: Admin = NO_FLAGS, cause: str = "") -> None:
        """Sets the flags `on`, clears `off`; `cause` stands in the log line in parentheses. Tracking ones inherit."""

    def health(self, server: Server, verdict: Verdict) -> None:
        """Forces what checks say: `set server health`. Raises ValueError for a server that tracks another one."""

    def agent(self, server: Server, verdict: Verdict) -> None:
        """Forces what the agent says, UP or DOWN: `set server agent`."""

    def weight(self, server: Server, weight: int) -> None:
        """Sets the weight in units of the configuration, 0 to 256; 0 lets only its own clients through. Raises
        ValueError."""

    def maxconn(self, server: Server, maxconn: int) -> None:
        """Sets the limit of connections, 0: none. Those who wait are served if there is room now."""

    def address(self, server: Server, address: Address) -> None:
        """Sets where it is reached from now on."""

    def shutdown_sessions(self, server: Server) -> None:
        """Ends all its streams."""
