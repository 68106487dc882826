"""`set server <b>/<s> check-addr`, `agent-port` and the like: where checks go, and what the agent is told."""

from __future__ import annotations

import re
import socket
from collections.abc import Callable

from lbcore.base.address import Address
from lbcore.cli.registry import NOTHING, Call, Refusal, Reply
from lbcore.cli.texts import given
from lbcore.proxy.server import Server

WARNING = 4
PORT_MAX = 65535
_NUMBER = re.compile(r"[+-]?\d+")


class _Wrong(Exception):
    """What is wrong with an address or a port, to be told as a warning."""


def set_address(call: Call, server: Server) -> Reply:
    """`check-addr <ip> [port <port>]`, `agent-addr ...`: where health checks go, or the agent is asked."""
    _need(call, "requires an address and optionally a port.")
    return _set_place(
        call, server, lambda: (_address(call.arg(2)), _port(call.arg(4)) if call.arg(3) == "port" else None)
    )


def set_port(call: Call, server: Server) -> Reply:
    """`check-port <port>`, `agent-port <port>`."""
    _need(call, "requires a port.")
    return _set_place(call, server, lambda: (None, _port(call.arg(2))))


def _set_place(call: Call, server: Server, read: Callable[[], tuple[Address | None, int | None]]) -> Reply:
    """Sets what `read` makes of the words, for the checks that the command is about."""
    states = call.process.states()
    if call.arg(1).startswith("agent-"):
        kind, checked, change = "agent", server.agent, states.agent_address
    else:
        kind, checked, change = "health", server.check, states.check_address
    if checked is None:
        return _warning(f"{kind} checks are not enabled on this server")
    try:
        addr, port = read()
    except _Wrong as wrong:
        return _warning(str(wrong))
    change(server, addr=addr, port=port)
    return NOTHING


def set_agent_send(call: Call, server: Server) -> Reply:
    """`agent-send <text>`: what the agent is told at first."""
    if server.agent is None:
        raise Refusal("agent checks are not enabled on this server.")
    call.process.states().agent_text(server, given(call.arg(2)))
    return NOTHING


def numeric(text: str) -> tuple[int, str] | None:
    """The family of an address without a name, and its usual form."""
    family = socket.AF_INET6 if ":" in text else socket.AF_INET
    try:
        return family, socket.inet_ntop(family, socket.inet_pton(family, text))
    except OSError:
        return None


def _need(call: Call, what: str) -> None:
    if not call.arg(2):
        raise Refusal(f"set server <b>/<s> {call.arg(1)} {what}")


def _address(text: str) -> Address:
    """Numeric only: to look a name up would make the traffic of a thread wait."""
    found = numeric(text)
    if found is None:
        raise _Wrong(f"invalid addr '{text}'")
    return Address(*found)


def _port(text: str) -> int:
    if not _NUMBER.fullmatch(text):
        raise _Wrong("provided port is not an integer")
    if not 0 <= int(text) <= PORT_MAX:
        raise _Wrong("provided port is invalid")
    return int(text)


def _warning(text: str) -> Reply:
    return Reply(f"{text}\n", WARNING)
