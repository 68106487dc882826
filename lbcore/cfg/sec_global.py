"""The `global` section (manual 3): several of them add up."""

from __future__ import annotations

from lbcore.cfg import (
    kw_environment,
    kw_global,
    kw_h1_case,
    kw_log,
    kw_privilege,
    kw_stats,
    kw_status,
    kw_thread,
    kw_tune,
    kw_variable,
)
from lbcore.cfg.arguments import Args
from lbcore.cfg.context import Context
from lbcore.cfg.dispatch import dispatch, section_line
from lbcore.cfg.words import Line

KEYWORD_FILES = (
    kw_environment,
    kw_global,
    kw_h1_case,
    kw_log,
    kw_privilege,
    kw_stats,
    kw_status,
    kw_thread,
    kw_tune,
    kw_variable,
)


class GlobalSection:
    """Reads `global` sections."""

    def open(self, ctx: Context, line: Line) -> None:
        """Takes nothing after the word; says in diagnostic mode if proxies were read before."""
        section_line(ctx, line, _nothing)
        if ctx.settings.proxies:
            ctx.reporter.diag(
                line,
                line.words[0],
                "global section detected after a non-global one, the prevalence of their statements is unspecified",
            )

    def line(self, ctx: Context, line: Line) -> None:
        dispatch(ctx, line, "global")

    def close(self, ctx: Context) -> None:
        """Nothing is left to do: every line was complete."""


def _nothing(args: Args) -> None:
    """Whatever follows the section's word is refused by the caller."""
