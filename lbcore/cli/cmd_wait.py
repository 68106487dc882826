"""`wait`: a pause between two commands, or until a server can be removed (management manual of HAProxy 3.0, 9.3)."""

from __future__ import annotations

import time
from collections.abc import Callable, Generator

from lbcore.cli.named import server_of
from lbcore.cli.registry import Call, Command, Pause, Refusal, Reply, error, info
from lbcore.cli.spans import parse_span

LOOK = 50  # ms between two looks at whether a condition holds,
REST = 500  # and at whether the process stops: that is not to be held up
USAGE = """Usage: wait {-h|<delay>} [condition [args...]]
  - '-h' displays this help
  - <delay> is the maximum wait time, optionally suffixed by the unit among 'us', 'ms', 's', 'm', 'h' and 'd'. When not
    specified, the unit is the millisecond.
  - conditions:
      srv-removable <backend>/<server> : until the server can be removed: in maintenance, without any connection
"""


def wait(call: Call) -> Reply:
    """`wait <delay> [srv-removable <be>/<srv>]`: any input ends it, and so does the end of the process."""
    if not call.arg(0) or "-h" in (call.arg(0), call.arg(1)):
        return info(USAGE)
    text = call.arg(0)
    delay = parse_span(f"{text}ms" if text.isdecimal() else text)
    if delay is None:
        raise Refusal(f"Invalid delay '{text}'. See 'wait -h'.")
    if call.arg(1) not in ("", "srv-removable"):
        raise Refusal(f"Unknown condition '{call.arg(1)}'. See 'wait -h'.")
    if not call.arg(1):
        return Reply("", rest=_pause(call, delay, None))
    named = call._replace(args=call.args[2:])
    server_of(named)
    return Reply("", rest=_pause(call, delay, lambda: call.process.states().removable(server_of(named))))


def _pause(call: Call, delay: int, holds: Callable[[], bool] | None) -> Generator[str | Reply | Pause, None, None]:
    """Waits until `holds()`, or, if there is no such thing, for the whole delay."""
    end = time.monotonic() + delay / 1000
    while (left := end - time.monotonic()) > 0:
        try:
            if holds is not None and holds():
                break
        except (Refusal, ValueError) as never:
            yield error(f"{never}\n")
            return
        yield Pause(min(int(left * 1000) + 1, REST if holds is None else LOOK))
        if call.session.interrupted or call.process.stopping:
            yield error("Interrupted.\n")
            return
    else:
        if holds is not None:
            yield error("Wait delay expired.\n")
            return
    yield info("Done.\n")


COMMANDS = (
    Command(("wait",), "wait {-h|<delay_ms>} cond [args...]", "wait the specified delay or condition (-h to see list)",
            wait),
)  # fmt: skip
