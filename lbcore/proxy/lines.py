"""The lines in which changes of servers are told, in HAProxy's words."""

from __future__ import annotations

from typing import TYPE_CHECKING, Final, NamedTuple

from lbcore.proxy.health import CheckResult, CheckState, Outcome
from lbcore.proxy.machine import Admin, Mode, Op
from lbcore.proxy.settings import ProxySettings

if TYPE_CHECKING:
    from lbcore.proxy.backend import Backend
    from lbcore.proxy.server import Server

EMERG: Final = 0
ALERT: Final = 1
NOTICE: Final = 5

BY_COMMAND: Final = ", changed from CLI"
BY_STATE_FILE: Final = ", changed from server-state after a reload"


class Line(NamedTuple):
    """Something to tell: to the log targets of a proxy, and to who started the program."""

    proxy: ProxySettings
    level: int  # syslog's
    text: str
    console: str
    alarms: bool = False  # on the console it is an [ALERT], not a [WARNING]


def line(server: Server, text: str, *, level: int = NOTICE) -> Line:
    """`Server be/s1 <text>.`"""
    told = f"{'Backup ' if server.backup else ''}Server {server.label} {text}."
    return Line(server.backend.settings, level, told, told)


def no_server(backend: Backend) -> Line:
    """The last server of a backend has gone."""
    kind = "proxy" if backend.settings.kind == "listen" else "backend"
    name = backend.settings.name
    return Line(
        backend.settings,
        EMERG,
        f"{kind} {name} has no server available!",
        f"{kind} '{name}' has no server available!",
        alarms=True,
    )


def via(server: Server) -> str:
    """` via be/s1`: whom it follows."""
    return f" via {server.tracks.label}" if server.tracks is not None else ""


def because(cause: str) -> str:
    """What somebody gave as the reason."""
    return f" ({cause})" if cause else ""


def consequences(server: Server, requeued: int) -> str:
    """What is left of the backend, and what became of the streams. `requeued`: those that were moved."""
    backend = server.backend
    act, bck = backend.act, backend.bck
    on_backup = " Running on backup." if bck and not act else ""
    if server.op is Op.STOPPED:
        return (
            f". {act} active and {bck} backup servers left.{on_backup} {server.cur_sess} sessions active, "
            f"{requeued} requeued, {server.queue} remaining in queue"
        )
    return (
        f". {act} active and {bck} backup servers online.{on_backup} {requeued} sessions requeued, "
        f"{server.queue} total in queue"
    )


def left_maintenance(server: Server, flag: Admin) -> str:
    """`is UP/READY (leaving forced maintenance)`: `flag` was the last one."""
    word = "DOWN" if server.op is Op.STOPPED else "UP"
    mode = "DRAIN" if server.mode is Mode.DRAIN else "READY"
    if flag & Admin.FMAINT:
        return f"is {word}/{mode} (leaving forced maintenance)"
    if flag & Admin.RMAINT:
        return f"('{server.settings.hostname}') is {word}/{mode} (resolves again)"
    return f"is {word}/{mode} (leaving maintenance)"


def still_maintained(server: Server, flag: Admin) -> str:
    """`flag` was cleared, and another one is left."""
    if flag & Admin.FMAINT:
        return f"is leaving forced maintenance but remains in maintenance{via(server)}"
    if flag & Admin.RMAINT:
        return f"('{server.settings.hostname}') resolves again but remains in maintenance"
    return "remains in forced maintenance"


def still_drained(server: Server) -> str:
    """Something has changed, but not that it drains."""
    if server.admin & Admin.FDRAIN:
        return "remains in forced drain mode"
    return f"is leaving forced drain but remains in drain mode{via(server)}"


def checked(server: Server, check: CheckState, result: CheckResult) -> Line:
    """`option log-health-checks`: how one check went."""
    kind = "Agent" if check.agent else "Health"
    how = "conditionally " if result.outcome is Outcome.CONDPASS else ""
    passed = result.outcome in (Outcome.PASSED, Outcome.CONDPASS)
    state = ("UP" if server.uweight else "DRAIN") if check.passing else "DOWN"
    told = (
        f"{kind} check for {'backup ' if server.backup else ''}server {server.label} {how}"
        f"{'succeeded' if passed else 'failed'}{result.describe()}{via(server)}, status: {check.progress()} {state}."
    )
    return Line(server.backend.settings, NOTICE, told, told)
