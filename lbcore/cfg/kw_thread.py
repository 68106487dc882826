"""Keywords of `global` about threads: how many there are at most, and whether it is told if one is late (manual 3)."""

from __future__ import annotations

from lbcore.cfg.arguments import Args, KeywordError, integer, time
from lbcore.cfg.context import Context
from lbcore.cfg.keywords import GLOBAL, KEYWORDS, Keyword
from lbcore.cfg.kw_global import settings

BLOCKED = range(1, 1001)  # ms


def thread_hard_limit(args: Args) -> None:
    """`thread-hard-limit <number>`."""
    text = args.take()
    value = integer(text)
    if value is None:
        raise KeywordError(f"'{args.name}' passed a missing or unparsable integer value in '{text}'")
    if value < 1:
        raise KeywordError(f"'{args.name}' value must be at least 1 (was {value})")
    settings(args).thread_hard_limit = value


def warn_blocked(args: Args) -> None:
    """`warn-blocked-traffic-after <time>`: 1 ms to 1 s."""
    text = args.take()
    if not text:
        raise KeywordError(f"'{args.name}' expects <time> as argument.")
    value = time(text, args.name, f"unexpected character '{{}}' in argument to <{args.name}>.")
    if value not in BLOCKED:
        raise KeywordError(f"'{args.name}' expects a delay between {BLOCKED[0]} and {BLOCKED[-1]} ms (was {value}).")
    settings(args).warn_blocked_after = value


def check_threads(ctx: Context) -> None:
    """Brings `nbthread` down to `thread-hard-limit`, with a warning."""
    chosen = ctx.settings.globals
    limit = chosen.thread_hard_limit
    if limit is None or chosen.nbthread is None or chosen.nbthread <= limit:
        return
    ctx.reporter.warning(
        None,
        None,
        f"nbthread forced to a higher value ({chosen.nbthread}) than the configured thread-hard-limit ({limit}), "
        "enforcing the limit. Please fix either value to remove this warning.",
    )
    chosen.nbthread = limit


KEYWORDS.register(
    Keyword(("thread-hard-limit",), GLOBAL, thread_hard_limit, "<number>",
            "The most threads, whatever `nbthread` or the CPUs say.", "0.3"),
    Keyword(("warn-blocked-traffic-after",), GLOBAL, warn_blocked, "<time>",
            "Warns when a thread has let traffic wait for so long; else it does not.", "0.3"),
)  # fmt: skip
