"""The word for a server's state, as `show stat` and the page have it (management guide 9.1, column "status")."""

from __future__ import annotations

from typing import TYPE_CHECKING

from lbcore.proxy.health import CheckState
from lbcore.proxy.machine import Admin, Mode, Op

if TYPE_CHECKING:
    from lbcore.proxy.server import Server


def status_of(server: Server) -> str:
    """`UP`, `UP 1/3`, `DOWN 1/2`, `MAINT (via be/s1)`, `DRAIN`, `NOLB`, `no check`, ...

    A tracking server tells the progress of the checks of the one that it tracks in the end.
    """
    mode = server.mode
    if mode is Mode.MAINT:
        return _maintained(server)
    leader = server.leader
    check = leader.check if leader.check is not None and leader.check.enabled else None
    agent = leader.agent if leader.agent is not None and leader.agent.enabled else None
    if server.op is Op.STOPPED:
        return _stopped(check, agent)
    if server.op is Op.STOPPING:
        if check is None and agent is None:
            return "NOLB"
        if leader.check is None:
            return "NOLB 1/3"  # a check that there is not stays where it began
        return "NOLB" if leader.check.health == leader.check.top else f"NOLB {_up(leader.check)}"
    if mode is Mode.DRAIN:
        return _drained(check, agent)
    if check is None:
        return "no check"
    return "UP" if check.health == check.top else f"UP {_up(check)}"


def _maintained(server: Server) -> str:
    if server.admin & Admin.RMAINT:
        return "MAINT (resolution)"
    if server.admin & Admin.IMAINT and server.tracks is not None:
        return f"MAINT (via {server.tracks.label})"
    return "MAINT"


def _stopped(check: CheckState | None, agent: CheckState | None) -> str:
    if agent is not None and not agent.health:
        return "DOWN (agent)"
    if check is None or not check.health:
        return "DOWN"
    return f"DOWN {min(check.health, check.rise - 1)}/{check.rise}"


def _drained(check: CheckState | None, agent: CheckState | None) -> str:
    if agent is not None:
        return "DRAIN (agent)"
    if check is not None and check.health < check.top:
        return f"DRAIN {_up(check)}"
    return "DRAIN"


def _up(check: CheckState) -> str:
    """How far it is from going down. The result that takes it down is counted a moment before it goes."""
    return f"{max(1, check.health - check.rise + 1)}/{check.fall}"
