"""`clear counters`: maxima, or all counters."""

from __future__ import annotations

from lbcore.cli.registry import NOTHING, Call, Command, Level, Refusal, Reply


def clear_counters(call: Call) -> Reply:
    """Forgets maxima; with `all`, which is for admins, all counters."""
    everything = call.arg(0) == "all"
    needed = Level.ADMIN if everything else Level.OPERATOR
    if call.session.level < needed:
        raise Refusal("Permission denied")
    call.process.control().clear_counters(everything=everything)
    return NOTHING


COMMANDS = (
    Command(("clear", "counters"), "clear counters [all]", "clear max statistics counters (or all counters)",
            clear_counters),
)  # fmt: skip
