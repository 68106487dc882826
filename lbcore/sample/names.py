"""Names of live objects that expressions mention, as they are noted while lines are read: see `lbcore.sample.mentions`.

Apart from it because the check of a configuration without rules looks here, too, and need not load what reads them.
"""

from __future__ import annotations

from dataclasses import dataclass


@dataclass(frozen=True, slots=True)
class Mention:
    """A name in an expression of the proxy `proxy`. `kind` is that of the argument, `who` says which argument of what,
    and where that stands."""

    kind: str
    name: str
    who: str
    file: str
    line: int
    proxy: str


def mentions_of(notes: dict[str, object]) -> list[Mention]:
    """What the expressions of a load have mentioned, in their order."""
    found = notes.setdefault(__name__, [])
    assert isinstance(found, list)
    return found
