"""Servers that come and go while the balancer runs: `add server`, `del server`."""

from __future__ import annotations

from lbcore.cli.named import place_of, server_of
from lbcore.cli.registry import Call, Command, Level, Refusal, Reply, info


def add_server(call: Call) -> Reply:
    """A server more, in maintenance: `add server <b>/<s> <addr>[:<port>] [<option> ...]`."""
    backend, name = place_of(call)
    if not backend.is_dynamic:
        raise Refusal("Backend must use a dynamic load balancing to support dynamic servers.")
    try:
        settings = call.process.added_server(backend, name, call.args[1:])
        call.process.states().add(backend, settings)
    except (ValueError, OSError) as error:
        raise Refusal(str(error)) from None
    return info("New server registered.\n")


def del_server(call: Call) -> Reply:
    """Takes a server out that is in maintenance and that nobody uses."""
    try:
        call.process.states().remove(server_of(call))
    except ValueError as error:
        raise Refusal(str(error)) from None
    return info("Server deleted.\n")


COMMANDS = (
    Command(("add", "server"), "add server <bk>/<srv>", "create a new server", add_server, Level.ADMIN),
    Command(("del", "server"), "del server <bk>/<srv>", "remove a dynamically added server", del_server, Level.ADMIN),
)
