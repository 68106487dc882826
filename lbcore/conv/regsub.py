"""Texts with parts replaced by regular expressions (manual 7.3.1, as sed(1) does)."""

from __future__ import annotations

import re
from collections.abc import Sequence

from lbcore.conv.arguments import text_at
from lbcore.sample.build import Build
from lbcore.sample.regex import RegexError, compile_regex, expander
from lbcore.sample.rows import Arg, ArgumentError, Convert, Converter, add_converters
from lbcore.sample.types import Type


def _pattern(args: Sequence[Arg]) -> re.Pattern[str]:
    """The expression with its flags. Raises ArgumentError."""
    flags = text_at(args, 2)
    unknown = flags.strip("ig")
    if unknown:
        raise ArgumentError(f"invalid regex flag '{unknown[0]}', only 'i' and 'g' are supported")
    try:
        return compile_regex(args[0], "i" in flags)
    except RegexError as error:
        raise ArgumentError(str(error)) from None


def _check_regsub(args: Sequence[Arg]) -> None:
    if not args[0]:
        raise ArgumentError("missing regex")
    _pattern(args)


def _make_regsub(args: Sequence[Arg], build: Build) -> Convert:
    """A text with the first match replaced, or all of them with the flag `g`.

    As in HAProxy, an empty match may stand at the end even right behind another one.
    """
    search = _pattern(args).search
    expand = expander(args[1])
    every = "g" in text_at(args, 2)

    def regsub(text: str) -> str:
        parts: list[str] = []
        at = 0
        while (match := search(text, at)) is not None:
            parts += (text[at : match.start()], expand(match))
            last = at == len(text)
            at = match.end()
            if not every or last:
                break
            if match.start() == at and at < len(text):
                parts.append(text[at])
                at += 1
        return "".join(parts) + text[at:]

    return regsub


_REGSUB = "(regex,string[,string])"

add_converters(
    Converter("regsub", _REGSUB, Type.STR, Type.STR, _make_regsub, "With matches replaced.", _check_regsub),
)
