"""Commands about the session itself: prompt, quit, levels, modes, what `set` changes of it."""

from __future__ import annotations

from lbcore.cli.registry import NOTHING, Call, Command, Level, Reply, error, info
from lbcore.cli.spans import parse_span

PROMPT_HELP = """Usage: prompt [help | n | i | p | timed]*
  help, h : this text
  n       : the session ends after the line
  i       : the session goes on, without a prompt
  p       : the session goes on, with a prompt
  timed   : p, and the uptime comes or goes in the prompt
Without any of these the prompt, and with it the session's going on, comes or goes.
"""


def prompt(call: Call) -> Reply:
    """Whether the session goes on after a line, whether it has a prompt, and what stands in it."""
    session = call.session
    for word in call.args or ("n" if session.prompting else "p",):
        if word in ("help", "h"):
            return info(PROMPT_HELP)
        if word == "timed":
            session.timed = not session.timed
        elif word not in ("n", "i", "p"):
            return error(f"Unknown prompt mode '{word}'. Use 'prompt help'.\n")
        session.interactive = word != "n"
        session.prompting = word in ("p", "timed")
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
    call.session.experimental = call.session.expert = False
    return NOTHING


def experimental_mode(call: Call) -> Reply:
    """Switches commands on that are not settled yet, for this session; without an argument it says whether they are."""
    if not call.arg(0):
        return info(f"experimental-mode is {'ON' if call.session.experimental else 'OFF'}\n")
    call.session.experimental = call.arg(0) == "on"
    return NOTHING


def expert_mode(call: Call) -> Reply:
    """Switches commands on that are for developers, for this session; without an argument it says whether they are."""
    if not call.arg(0):
        return info(f"expert-mode is {'ON' if call.session.expert else 'OFF'}\n")
    call.session.expert = call.arg(0) == "on"
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
    Command(("expert-mode",), "expert-mode [on|off]", "switch commands on that are for developers", expert_mode,
            Level.ADMIN, hidden=True),
    Command(("operator",), "operator", "lower the level of the current CLI session to operator", operator,
            Level.OPERATOR),
    Command(("prompt",), "prompt [timed]", "toggle interactive mode with prompt", prompt, last=True),
    Command(("quit",), "quit", "disconnect", quit_session, last=True),
    Command(("set", "severity-output"), "set severity-output [none|number|string]",
            "set presence of severity level in feedback information", set_severity_output),
    Command(("set", "timeout"), "set timeout [cli] <delay>", "change a timeout setting", set_timeout),
    Command(("user",), "user", "lower the level of the current CLI session to user", user),
)  # fmt: skip
