"""`http-err-codes` and `http-fail-codes` of `global`: which statuses of servers count as errors of their clients, and
which as failures of the servers, in `http_err_cnt`, `http_fail_cnt` and their rates (manual of 3.2, 3.1).
"""

from __future__ import annotations

import re
from collections.abc import Callable

from lbcore.cfg.arguments import Args, KeywordError
from lbcore.cfg.keywords import GLOBAL, KEYWORDS, Keyword
from lbcore.cfg.kw_global import settings

_LOW, _HIGH = 100, 599
_RANGE = re.compile(r"([0-9]{3})(?:-([0-9]{3}))?")


def codes(field: str) -> Callable[[Args], None]:
    """The function of a keyword that changes a set of statuses: `[+-]<code>[-<code>][,...]`, each word in its turn."""

    def parse(args: Args) -> None:
        chosen: frozenset[int] = getattr(settings(args), field)
        word = args.take()
        if not word:
            raise KeywordError(f"'{args.name}' expects ranges of status codes.")
        while word:
            chosen = _changed(chosen, word, args.name)
            word = args.take()
        setattr(settings(args), field, chosen)

    return parse


def _changed(chosen: frozenset[int], word: str, name: str) -> frozenset[int]:
    """The set with the codes of a word added (`+`), removed (`-`), or in place of all (no sign)."""
    sign = word[0] if word[0] in "+-" else ""
    meant = frozenset(code for text in word.removeprefix(sign).split(",") for code in _range(text, name))
    if sign == "+":
        return chosen | meant
    return chosen - meant if sign else meant


def _range(text: str, name: str) -> range:
    match = _RANGE.fullmatch(text)
    low, high = (int(match[1]), int(match[2] or match[1])) if match else (0, 0)
    if not _LOW <= low <= high <= _HIGH:
        raise KeywordError(
            f"'{name}' expects '[+-]<low>[-<high>][,...]' with codes from {_LOW} to {_HIGH}, got '{text}'."
        )
    return range(low, high + 1)


KEYWORDS.register(
    Keyword(("http-err-codes",), GLOBAL, codes("http_err_codes"), "[+-]<range>[,...] [...]",
            "Statuses of servers that http_err_cnt counts.", "0.2"),
    Keyword(("http-fail-codes",), GLOBAL, codes("http_fail_codes"), "[+-]<range>[,...] [...]",
            "Statuses of servers that http_fail_cnt counts.", "0.2"),
)  # fmt: skip
