"""Commands that change a server, or tell of it: its state, weight, address, limit, checks, streams."""

from __future__ import annotations

import re
import socket
from collections.abc import Callable
from dataclasses import replace

from lbcore.base.address import Address
from lbcore.cli.named import server_of
from lbcore.cli.registry import NOTHING, Call, Command, Level, Refusal, Reply
from lbcore.cli.set_check import (
    PORT_MAX,
    WARNING,
    numeric,
    set_address,
    set_agent_send,
    set_port,
)
from lbcore.proxy.changes import Verdict
from lbcore.proxy.health import CheckState
from lbcore.proxy.machine import NO_FLAGS, Admin
from lbcore.proxy.server import Server
from lbcore.proxy.weights import parse_maxconn, parse_weight

# What each state of `set server <b>/<s> state` sets, and what it clears.
_STATES = {
    "ready": (NO_FLAGS, Admin.FMAINT | Admin.FDRAIN),
    "drain": (Admin.FDRAIN, Admin.FMAINT),
    "maint": (Admin.FMAINT, Admin.FDRAIN),
}
_PORT = re.compile(r"([+-]?)(\d+)")


def set_server(call: Call) -> Reply:
    """`set server <b>/<s> <what> ...`."""
    server = server_of(call)
    what = _SETTERS.get(call.arg(1))
    if what is None:
        raise Refusal(f"usage: set server <backend>/<server> {' | '.join(sorted(_SETTERS))}")
    return what(call, server)


def _set_state(call: Call, server: Server) -> Reply:
    if call.arg(2) not in _STATES:
        raise Refusal("'set server <srv> state' expects 'ready', 'drain' and 'maint'.")
    return _admin(call, server, call.arg(2))


def _admin(call: Call, server: Server, state: str) -> Reply:
    on, off = _STATES[state]
    call.process.states().admin(server, on=on, off=off)
    return NOTHING


def _set_health(call: Call, server: Server) -> Reply:
    if server.tracks is not None:
        raise Refusal("cannot change health on a tracking server.")
    if call.arg(2) not in ("up", "stopping", "down"):
        raise Refusal("'set server <srv> health' expects 'up', 'stopping', or 'down'.")
    call.process.states().health(server, Verdict(call.arg(2)))
    return NOTHING


def _set_agent(call: Call, server: Server) -> Reply:
    if server.agent is None or not server.agent.enabled:
        raise Refusal("agent checks are not enabled on this server.")
    if call.arg(2) not in ("up", "down"):
        raise Refusal("'set server <srv> agent' expects 'up' or 'down'.")
    call.process.states().agent(server, Verdict(call.arg(2)))
    return NOTHING


def _set_weight(call: Call, server: Server) -> Reply:
    return _weigh(call, server, call.arg(2))


def _weigh(call: Call, server: Server, text: str) -> Reply:
    try:
        call.process.states().weight(server, parse_weight(server, text))
    except ValueError as error:
        raise Refusal(str(error)) from None
    return NOTHING


def _set_fqdn(call: Call, server: Server) -> Reply:
    if not call.arg(2):
        raise Refusal("set server <b>/<s> fqdn requires a FQDN.")
    raise Refusal("set server <b>/<s> fqdn failed because no resolution is configured.")


def _set_ssl(call: Call, server: Server) -> Reply:
    raise Refusal("'set server <srv> ssl' cannot be set.  default-server should define ssl settings")


# --- the address ---


def _set_addr(call: Call, server: Server) -> Reply:
    """`addr <ip> [port <port>]`. The answer tells what has become of both: a port that is wrong leaves the old one."""
    if not call.arg(2):
        raise Refusal("set server <b>/<s> addr requires an address and optionally a port.")
    old = server.settings.address
    if old.family == socket.AF_UNIX:
        return _told("Update for the current server address family is only supported through configuration file")
    found = numeric(call.arg(2).removeprefix("[").removesuffix("]"))
    if found is None:
        return _told(f"Invalid addr '{call.arg(2)}'")
    family, host = found
    told = [_told_host(old.host, host)]
    new = replace(old, family=family, host=host)
    if call.arg(3) == "port":
        new, text = _with_port(server, new, call.arg(4))
        told.append(text)
    if new != old:
        call.process.states().address(server, new)
    return _told(", ".join(told))


def _told_host(old: str, new: str) -> str:
    return "no need to change the addr" if old == new else f"IP changed from '{old}' to '{new}'"


def _with_port(server: Server, address: Address, text: str) -> tuple[Address, str]:
    """An address with another port, `+N` and `-N`: counted from the client's; and what is told of it."""
    match = _PORT.fullmatch(text)
    if match is None:
        return address, f"problem converting port '{text}' to an int"
    mapped = bool(match[1])
    if mapped and not server.settings.check_options.port:  # checks have no client
        return address, (
            "can't change <port> to port map because it is incompatible with current health check port configuration "
            "(use 'port' statement from the 'server' directive."
        )
    number = int(text)
    if abs(number) > PORT_MAX:
        return address, "provided port is not valid"
    new = replace(address, port=0 if mapped else number, port_offset=number if mapped else None)
    if new == address:
        return address, "no need to change the port"
    return new, f"port changed from '{_port_of(address)}' to '{_port_of(new)}'"


def _port_of(address: Address) -> str:
    return str(address.port) if address.port_offset is None else f"{address.port_offset:+d}"


def _told(text: str) -> Reply:
    return Reply(f"{text} by 'stats socket command'\n", WARNING)


# --- weight and limit ---


def get_weight(call: Call) -> Reply:
    """The weight in force and the one of the configuration."""
    server = server_of(call)
    return Reply(f"{server.uweight} (initial {server.settings.weight})\n")


def set_weight(call: Call) -> Reply:
    """The older form of `set server ... weight`."""
    return _weigh(call, server_of(call), call.arg(1))


def set_maxconn(call: Call) -> Reply:
    """The limit of connections, 0: none."""
    server = server_of(call)
    try:
        limit = parse_maxconn(call.arg(1))
    except ValueError as error:
        raise Refusal(str(error)) from None
    call.process.states().maxconn(server, limit)
    return NOTHING


# --- switches ---


def enable_server(call: Call) -> Reply:
    """Out of maintenance, and drained no more."""
    return _admin(call, server_of(call), "ready")


def disable_server(call: Call) -> Reply:
    """Maintenance."""
    return _admin(call, server_of(call), "maint")


def enable_health(call: Call) -> Reply:
    """Health checks are made."""
    return _enable(call, server_of(call), "check", "Health check was not configured on this server, cannot enable.")


def disable_health(call: Call) -> Reply:
    """Health checks are made no more."""
    return _disable(call, server_of(call), "check")


def enable_agent(call: Call) -> Reply:
    """The agent is asked."""
    return _enable(call, server_of(call), "agent", "Agent was not configured on this server, cannot enable.")


def disable_agent(call: Call) -> Reply:
    """The agent is asked no more."""
    return _disable(call, server_of(call), "agent")


def _enable(call: Call, server: Server, kind: str, absent: str) -> Reply:
    check: CheckState | None = getattr(server, kind)
    if check is None:
        raise Refusal(absent)
    call.process.states().checking(server, check, True)
    return NOTHING


def _disable(call: Call, server: Server, kind: str) -> Reply:
    check: CheckState | None = getattr(server, kind)
    if check is not None:
        call.process.states().checking(server, check, False)
    return NOTHING


def shutdown_sessions(call: Call) -> Reply:
    """Ends the streams of a server."""
    call.process.states().shutdown_sessions(server_of(call))
    return NOTHING


_SETTERS: dict[str, Callable[[Call, Server], Reply]] = {
    "addr": _set_addr,
    "agent": _set_agent,
    "agent-addr": set_address,
    "agent-port": set_port,
    "agent-send": set_agent_send,
    "check-addr": set_address,
    "check-port": set_port,
    "fqdn": _set_fqdn,
    "health": _set_health,
    "ssl": _set_ssl,
    "state": _set_state,
    "weight": _set_weight,
}


COMMANDS = (
    Command(("disable", "agent"), "disable agent", "disable agent checks", disable_agent, Level.ADMIN),
    Command(("disable", "health"), "disable health", "disable health checks", disable_health, Level.ADMIN),
    Command(("disable", "server"), "disable server (DEPRECATED)",
            "disable a server for maintenance (use 'set server' instead)", disable_server, Level.ADMIN),
    Command(("enable", "agent"), "enable agent", "enable agent checks", enable_agent, Level.ADMIN),
    Command(("enable", "health"), "enable health", "enable health checks", enable_health, Level.ADMIN),
    Command(("enable", "server"), "enable server  (DEPRECATED)", "enable a disabled server (use 'set server' instead)",
            enable_server, Level.ADMIN),
    Command(("get", "weight"), "get weight <bk>/<srv>", "report a server's current weight", get_weight),
    Command(("set", "maxconn", "server"), "set maxconn server <bk>/<srv>", "change a server's maxconn setting",
            set_maxconn, Level.ADMIN),
    Command(("set", "server"), "set server <bk>/<srv> [opts]", "change a server's state, weight, address or ssl",
            set_server, Level.ADMIN),
    Command(("set", "weight"), "set weight <bk>/<srv>  (DEPRECATED)",
            "change a server's weight (use 'set server' instead)", set_weight, Level.ADMIN),
    Command(("shutdown", "sessions", "server"), "shutdown sessions server <bk>/<srv>", "kill sessions on a server",
            shutdown_sessions, Level.ADMIN),
)  # fmt: skip
