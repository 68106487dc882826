"""Commands about the session itself: prompt, quit, levels, modes, what `set` changes of it."""

from __future__ import annotations

from lbcore.cli.registry import NOTHING, Call, Command, Level, Reply, error, info
from lbcore.cli.spans import parse_span


def prompt(call: Call) -> Reply:
    """`prompt` toggles the prompt; `prompt timed` switches it on and toggles the uptime in it."""
    session = call.session
    if call.arg(0) == "timed":
        session.interactive = True
        session.timed = not session.timed
    else:
        session.interactive = not session.interactive
    return NOTHING


def quit_session(call: Call) -> Reply:
    """Ends the session without an answer."""
    call.session.closing = True
    return NOTHING


def operator(call: Call) -> Reply:
    """Lowers the level to operator."""
    return _lower(call, Level.OPERATOR)


def user(call: Call) -> Reply:
    """Lowers the level to user."""
    return _lower(call, Level.USER)


def _lower(call: Call, level: Level) -> Reply:
    """Who gives up a level gives up what only the one above may switch on."""
    call.session.level = level
    call.session.experimental = False
    return NOTHING


def experimental_mode(call: Call) -> Reply:
    """Switches commands on that are not settled yet, for this session; without an argument it says whether they are."""
    if not call.arg(0):
        return info(f"experimental-mode is {'ON' if call.session.experimental else 'OFF'}\n")
    call.session.experimental = call.arg(0) == "on"
    return NOTHING


def set_severity_output(call: Call) -> Reply:
    """Whether messages are marked with their severity."""
    if call.arg(0) not in ("none", "number", "string"):
        return error("one of 'none', 'number', 'string' is a required argument\n")
    call.session.severity_output = call.arg(0)
    return NOTHING


def set_timeout(call: Call) -> Reply:
    """`set timeout cli <delay>`: how long the session may idle; seconds if no unit is given."""
    if call.arg(0) != "cli":
        return error("'set timeout' only supports 'cli'.\n")
    if not call.arg(1):
        return error("Expects an integer value.\n")
    milliseconds = parse_span(call.arg(1))
    if not milliseconds:
        return error("Invalid timeout value.\n")
    call.session.timeout_ms = milliseconds
    return NOTHING


COMMANDS = (
    Command(("experimental-mode",), "experimental-mode [on|off]", "switch commands on that are not settled yet",
            experimental_mode, Level.ADMIN, hidden=True),
    Command(("operator",), "operator", "lower the level of the current CLI session to operator", operator,
            Level.OPERATOR),
    Command(("prompt",), "prompt [timed]", "toggle interactive mode with prompt", prompt, last=True),
    Command(("quit",), "quit", "disconnect", quit_session, last=True),
    Command(("set", "severity-output"), "set severity-output [none|number|string]",
            "set presence of severity level in feedback information", set_severity_output),
    Command(("set", "timeout"), "set timeout [cli] <delay>", "change a timeout setting", set_timeout),
    Command(("user",), "user", "lower the level of the current CLI session to user", user),
)  # fmt: skip
