"""Puts servers where state files have them (manual 4.2, "load-server-state-from-file")."""

from __future__ import annotations

from collections.abc import Callable, Iterable, Mapping
from dataclasses import replace
from ipaddress import ip_address
from socket import AF_INET, AF_INET6

from lbcore.base.address import Address
from lbcore.proxy.backend import Backend
from lbcore.proxy.server import Server
from lbcore.proxy.settings import GlobalSettings
from lbcore.proxy.statefile import Row, StateFileError, parse, read, source
from lbcore.proxy.states import States


def restore_states(
    states: States, chosen: GlobalSettings, backends: Iterable[Backend], warn: Callable[[str], None]
) -> None:
    """Takes over what the files of `backends` say of their servers. Before threads start, once checks are there.

    What can't be used is told by `warn`; the servers that it is about stay as the configuration has them.
    """
    known: dict[str, list[list[str]] | None] = {}  # None: what is wrong with the file was told
    for backend in backends:
        path = source(chosen, backend.settings)
        if path is None:
            continue
        if path not in known:
            known[path] = _rows(path, backend, warn)
        for fields in known[path] or ():
            if fields[1] == backend.settings.name:
                _restore(states, backend.by_name, fields, warn)


def _rows(path: str, backend: Backend, warn: Callable[[str], None]) -> list[list[str]] | None:
    try:
        return read(path, backend.settings)
    except StateFileError as error:
        warn(str(error))
        return None


def _restore(states: States, servers: Mapping[str, Server], fields: list[str], warn: Callable[[str], None]) -> None:
    server = servers.get(fields[3])
    if server is None:
        return
    try:
        row = parse(fields)
        _move(server, row)
        states.restore(server, row)
        _aim(states, server, row)
    except StateFileError as error:
        warn(str(error))


def _aim(states: States, server: Server, row: Row) -> None:
    """Has checks go where commands had sent them. Raises StateFileError."""
    for (host, port), kind, check, aim in (
        (row.check, "health", server.check, states.check_address),
        (row.agent, "agent", server.agent, states.agent_address),
    ):
        if not host and not port:
            continue
        if check is None:
            raise _partly(server, f"{kind} checks are not enabled on this server")
        aim(server, addr=_address(server, host) if host else None, port=port or None)


def _address(server: Server, host: str) -> Address:
    try:
        return Address({4: AF_INET, 6: AF_INET6}[ip_address(host).version], host)
    except ValueError:
        raise _partly(server, f"invalid addr '{host}'") from None


def _partly(server: Server, why: str) -> StateFileError:
    return StateFileError(f"server-state partially applied for server '{server.label}', {why}")


def _move(server: Server, row: Row) -> None:
    """Takes over the port, and for a server with a name the address, if `init-addr` lets it have its last one first."""
    settings = server.settings
    where = settings.address
    if where.family not in (AF_INET, AF_INET6) or where.port_offset is not None:
        return
    if row.port:
        where = replace(where, port=row.port)
    if settings.hostname is not None and settings.hostname == row.hostname and settings.init_addr[:1] == ("last",):
        where = replace(where, family=AF_INET6 if ":" in row.address else AF_INET, host=row.address)
    settings.address = where
