r"""Regular expressions that replace: what matches, and the text that comes instead, `\1` being what a group caught."""

from __future__ import annotations

import re
from collections.abc import Callable

from lbcore.sample.regex import expander

Search = Callable[[str], re.Match[str] | None]
Renew = Callable[[str], str | None]  # the new text, None: it did not match

# As `expander` reads a template; what has no group is incomplete.
_ESCAPE = re.compile(r"\\(?:([0-9])|x([0-9A-Fa-f]{2})|([^x])|)", re.DOTALL)


class SubstitutionError(ValueError):
    """The text to come instead ends in a backslash or has an incomplete `\\x`."""


def substitute(search: Search, template: str) -> Renew:
    r"""What makes the new text of a value that matches: `template`, with `\0` to `\9` for what the groups caught ("" if
    there is no such group), `\xHH` for a byte and a backslash before any other character for that. Raises
    SubstitutionError when called."""
    expand = expander(template)
    broken = any(escape.lastindex is None for escape in _ESCAPE.finditer(template))

    def renew(value: str) -> str | None:
        match = search(value)
        if match is not None and broken:
            raise SubstitutionError(template)
        return None if match is None else expand(match)

    return renew
