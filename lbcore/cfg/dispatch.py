"""Finds the keyword of a line, lets it read its arguments, and turns what goes wrong into messages."""

from __future__ import annotations

from collections.abc import Callable

from lbcore.base.diag import Severity
from lbcore.cfg.arguments import TIGHT, Args, Form, KeywordError, report
from lbcore.cfg.context import Context
from lbcore.cfg.keywords import KEYWORDS, Keyword
from lbcore.cfg.known import unknown_keyword
from lbcore.cfg.words import Line

_FORMS = {"no": Form.NO, "default": Form.DEFAULT}
_NEGATION = (
    "negation/default currently supported only for options, log, busy-polling, set-dumpable, strict-limits, "
    "insecure-fork-wanted and numa-cpu-mapping."
)


def dispatch(context: Context, line: Line, place: str) -> None:
    """Reads one line of a section whose keywords stand in `place`. Never raises: what is wrong becomes a message."""
    words = line.words
    form = _FORMS.get(words[0].text, Form.SET)
    start = 0 if form is Form.SET else 1
    row = KEYWORDS.find(place, line.text(start), words[start + 1].text if len(words) > start + 1 else "")
    if row is None:
        _alert(context, line, unknown_keyword(place, line, start), start)
    elif form is not Form.SET and not row.negatable:
        _alert(context, line, _not_negatable(row, line.text(start + 1)), start)
    else:
        _parse(row.parse, Args(context, line, row.name, start + len(row.words), form))


def section_line(context: Context, line: Line, parse: Callable[[Args], None]) -> bool:
    """Reads the line that opens a section. False if it was wrong, which a message then says."""
    return _parse(parse, Args(context, line, line.words[0].text, 1))


def _parse(parse: Callable[[Args], None], args: Args) -> bool:
    try:
        parse(args)
        if args.more:
            extra = args.peek()
            raise KeywordError(f"'{args.name}' cannot handle unexpected argument '{extra}'.", args.position)
    except KeywordError as error:
        _alert(args.context, args.line, error, args.position - 1)
        return False
    return True


def _alert(context: Context, line: Line, error: KeywordError, last: int) -> None:
    at = last if error.at is None else error.at
    report(context, Severity.ALERT, line, error.text, lead=error.lead, at=at, hint=error.hint, tail=error.tail)


def _not_negatable(row: Keyword, option: str) -> KeywordError:
    if row.words[0] == "option":
        return KeywordError(f"negation/default is not supported for option '{option}'.", 2, lead=TIGHT)
    return KeywordError(_NEGATION, 0, lead=TIGHT)
