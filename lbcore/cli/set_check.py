"""`set server <b>/<s> check-addr`, `agent-port` and the like: where checks go, and what the agent is told."""

from __future__ import annotations

import re
import socket

from lbcore.base.address import Address
from lbcore.cli.registry import NOTHING, Call, Refusal, Reply
from lbcore.cli.texts import given
from lbcore.proxy.server import Server

WARNING = 4
PORT_MAX = 65535
_NUMBER = re.compile(r"[+-]?\d+")


class _Wrong(Exception):
    """What is wrong with an address or a port, to be told as a warning."""


def set_check_addr(call: Call, server: Server) -> Reply:
    """`check-addr <ip> [port <port>]`: where health checks go."""
    _need(call, "requires an address and optionally a port.")
    if server.check is None:
        return _warning("health checks are not enabled on this server")
    try:
        addr = _address(call.arg(2))
        port = _port(call.arg(4)) if call.arg(3) == "port" else None
        call.process.states().check_address(server, addr=addr, port=port)
    except _Wrong as wrong:
        return _warning(str(wrong))
    return NOTHING


def set_check_port(call: Call, server: Server) -> Reply:
    """`check-port <port>`."""
    _need(call, "requires a port.")
    if server.check is None:
        return _warning("health checks are not enabled on this server")
    try:
        call.process.states().check_address(server, port=_port(call.arg(2)))
    except _Wrong as wrong:
        return _warning(str(wrong))
    return NOTHING


def set_agent_addr(call: Call, server: Server) -> Reply:
    """`agent-addr <ip> [port <port>]`: where the agent is asked."""
    _need(call, "requires an address and optionally a port.")
    if server.agent is None:
        return _warning("agent checks are not enabled on this server")
    try:
        addr = _address(call.arg(2))
        port = _port(call.arg(4)) if call.arg(3) == "port" else None
        call.process.states().agent_address(server, addr=addr, port=port)
    except _Wrong as wrong:
        return _warning(str(wrong))
    return NOTHING


def set_agent_port(call: Call, server: Server) -> Reply:
    """`agent-port <port>`."""
    _need(call, "requires a port.")
    if server.agent is None:
        return _warning("agent checks are not enabled on this server")
    try:
        call.process.states().agent_address(server, port=_port(call.arg(2)))
    except _Wrong as wrong:
        return _warning(str(wrong))
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
