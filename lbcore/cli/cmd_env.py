"""`show env`: the environment of the process."""

from __future__ import annotations

import os

from lbcore.cli.registry import Call, Command, Level, Refusal, Reply


def show_env(call: Call) -> Reply:
    """All variables, or the one that is named."""
    name = call.arg(0)
    if not name:
        return Reply("".join(f"{one}={value}\n" for one, value in os.environ.items()))
    if name not in os.environ:
        raise Refusal("Variable not found")
    return Reply(f"{name}={os.environ[name]}\n")


COMMANDS = (
    Command(("show", "env"), "show env [var]", "dump environment variables known to the process", show_env,
            Level.OPERATOR),
)  # fmt: skip
