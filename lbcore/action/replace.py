r"""Regular expressions that replace: what matches, and the text that comes instead, `\1` being what a group caught."""

from __future__ import annotations

import re
from collections.abc import Callable

Search = Callable[[str], re.Match[str] | None]
Renew = Callable[[str], str | None]  # the new text, None: it did not match

_ESCAPE = re.compile(r"\\(?:([0-9])|x([0-9A-Fa-f]{2})|([^x])|)", re.DOTALL)


class SubstitutionError(ValueError):
    """The text to come instead ends in a backslash or has an incomplete `\\x`."""


def substitute(search: Search, template: str) -> Renew:
    r"""What makes the new text of a value that matches: `template`, with `\0` to `\9` for what the groups caught ("" if
    there is no such group), `\xHH` for a byte and a backslash before any other character for that. Raises
    SubstitutionError when called."""
    if "\\" not in template:
        return lambda value: template if search(value) else None

    def renew(value: str) -> str | None:
        match = search(value)
        return None if match is None else _ESCAPE.sub(lambda escape: _expanded(escape, match), template)

    return renew


def _expanded(escape: re.Match[str], match: re.Match[str]) -> str:
    group, code, other = escape.groups()
    if group is not None:
        return (match[int(group)] or "") if int(group) <= match.re.groups else ""
    if code is not None:
        return chr(int(code, 16))
    if other is None:
        raise SubstitutionError(escape.string)
    return other
