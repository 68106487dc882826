"""Commands that change a frontend: whether it accepts, and how many connections."""

from __future__ import annotations

from lbcore.cli.named import frontend_of
from lbcore.cli.registry import NOTHING, Call, Command, Level, Refusal, Reply

NOTICE = 5


def disable_frontend(call: Call) -> Reply:
    """It accepts nothing until it is enabled again; its addresses are kept."""
    frontend_of(call)
    try:
        changed = call.process.control().pause(call.arg(0))
    except ValueError:
        return Reply("Frontend was previously shut down, cannot disable.\n", NOTICE)
    return NOTHING if changed else Reply("All sockets are already disabled.\n", NOTICE)


def enable_frontend(call: Call) -> Reply:
    """It accepts again."""
    frontend_of(call)
    try:
        changed = call.process.control().resume(call.arg(0))
    except ValueError:
        raise Refusal("Frontend was previously shut down, cannot enable.") from None
    return NOTHING if changed else Reply("All sockets are already enabled.\n", NOTICE)


def shutdown_frontend(call: Call) -> Reply:
    """It gives up its addresses for good; what is connected stays."""
    frontend_of(call)
    try:
        call.process.control().stop(call.arg(0))
    except ValueError:
        return Reply("Frontend was already shut down.\n", NOTICE)
    return NOTHING


def set_maxconn(call: Call) -> Reply:
    """The limit of its connections. HAProxy takes what is no number for 0, which would accept none; that is refused."""
    frontend_of(call)
    text = call.arg(1)
    if not text.lstrip("+-").isdecimal():
        raise Refusal("Integer value expected.")
    if text.startswith("-") or not int(text):
        raise Refusal("Value out of range.")
    call.process.control().limit(call.arg(0), int(text))
    return NOTHING


COMMANDS = (
    Command(("disable", "frontend"), "disable frontend <frontend>", "temporarily disable specific frontend",
            disable_frontend, Level.ADMIN),
    Command(("enable", "frontend"), "enable frontend <frontend>", "re-enable specific frontend", enable_frontend,
            Level.ADMIN),
    Command(("set", "maxconn", "frontend"), "set maxconn frontend <frontend> <value>",
            "change a frontend's maxconn setting", set_maxconn, Level.ADMIN),
    Command(("shutdown", "frontend"), "shutdown frontend <frontend>", "stop a specific frontend", shutdown_frontend,
            Level.ADMIN),
)  # fmt: skip
