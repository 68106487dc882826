"""Commands that change the limits of the process. What is no number changes nothing."""

from __future__ import annotations

import re

from lbcore.cli.registry import NOTHING, Call, Command, Level, Refusal, Reply

UINT_MAX = 0xFFFFFFFF
_USAGE = """'set rate-limit' only supports :
   - 'connections global' to set the per-process maximum connection rate
   - 'sessions global' to set the per-process maximum session rate
   - 'ssl-sessions global' to set the per-process maximum SSL session rate
   - 'http-compression global' to set the per-process maximum compression speed in kB/s"""
_NUMBER = re.compile(r"[+-]?\d+")


def set_maxconn(call: Call) -> Reply:
    """The limit of connections, up to the one at the start; 0 brings that one back."""
    try:
        call.process.control().set_maxconn(_number(call.arg(0)))
    except ValueError:
        raise Refusal("Value out of range.") from None
    return NOTHING


def set_rate_limit(call: Call) -> Reply:
    """How many connections, or sessions, there may be a second; 0: any number."""
    what = call.arg(0)
    if what not in ("connections", "sessions", "ssl-sessions", "http-compression") or call.arg(1) != "global":
        raise Refusal(_USAGE)
    if what in ("ssl-sessions", "http-compression"):
        raise Refusal(f"'set rate-limit {what} global' is not done in this release.")
    value = _number(call.arg(2))
    if not 0 <= value <= UINT_MAX:
        raise Refusal("Value out of range.")
    control = call.process.control()
    (control.set_maxconnrate if what == "connections" else control.set_maxsessrate)(value)
    return NOTHING


def _number(text: str) -> int:
    if not _NUMBER.fullmatch(text):
        raise Refusal("Expects an integer value.")
    return int(text)


COMMANDS = (
    Command(("set", "maxconn", "global"), "set maxconn global <value>", "change the per-process maxconn setting",
            set_maxconn, Level.ADMIN),
    Command(("set", "rate-limit"), "set rate-limit <setting> <value>", "change a rate limiting value", set_rate_limit,
            Level.ADMIN),
)  # fmt: skip
