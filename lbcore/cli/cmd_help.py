"""The `help` command."""

from __future__ import annotations

from lbcore.cli.registry import Call, Command, Reply, info
from lbcore.cli.suggest import commands_like


def show_help(call: Call) -> Reply:
    """All commands, or those that resemble the arguments."""
    registry = call.session.registry
    rows = [row for row in registry if not row.last]
    if call.args:
        rows = commands_like(registry, call.args)
    last = [row for row in registry if row.last]
    return info("The following commands are valid at this level:\n" + "".join(row.line for row in [*rows, *last]))


COMMANDS = (Command(("help",), "help [<command>]", "list matching or all commands", show_help, last=True),)
