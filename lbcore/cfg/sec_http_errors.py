"""The `http-errors` section (manual 3.8): a group of error pages that proxies and rules import by its name."""

from __future__ import annotations

import re

from lbcore.cfg.arguments import TIGHT, Args, KeywordError
from lbcore.cfg.context import Context
from lbcore.cfg.dispatch import dispatch, section_line
from lbcore.cfg.keywords import KEYWORDS, Keyword
from lbcore.cfg.kw_error import page_of, status_of
from lbcore.cfg.words import Line
from lbcore.proxy.settings import HttpErrors

PLACE = "http-errors"
_NAME = re.compile(r"[A-Za-z0-9_:.-]*")


class HttpErrorsSection:
    """Reads `http-errors` sections."""

    def open(self, ctx: Context, line: Line) -> None:
        """Creates the group; one that can't be used is still read, to show its errors."""
        ctx.notes[__name__] = HttpErrors(line.text(1), line.where)
        section_line(ctx, line, _open)

    def line(self, ctx: Context, line: Line) -> None:
        dispatch(ctx, line, PLACE)

    def close(self, ctx: Context) -> None:
        """Nothing is left to do."""


def _open(args: Args) -> None:
    name = args.take()
    if not name:
        raise KeywordError("missing name for http-errors section.")
    matched = _NAME.match(name)
    assert matched is not None, "the pattern matches an empty text, too"
    if matched.end() < len(name):
        raise KeywordError(f"character '{name[matched.end()]}' is not permitted in 'http-errors' name '{name}'.")
    groups = args.context.settings.http_errors
    if name in groups:
        raise KeywordError(
            f"http-errors section '{name}' already exists (declared at {groups[name].where}).", lead=TIGHT
        )
    groups[name] = _current(args.context)


def _current(ctx: Context) -> HttpErrors:
    group = ctx.notes[__name__]
    assert isinstance(group, HttpErrors)
    return group


def errorfile(args: Args) -> None:
    """`errorfile <code> <file>`."""
    code, path = args.take(), args.take()
    if not code or not path:
        raise KeywordError("errorfile: expects <status_code> and <file> as arguments.")
    if args.more:
        raise KeywordError("errorfile: expects exactly two arguments.", args.position)
    status = status_of(args, code)
    _current(args.context).pages[status] = page_of(args, path)


KEYWORDS.register(
    Keyword(("errorfile",), (PLACE,), errorfile, "<code> <file>", "The page for a status.", "0.2"),
)
