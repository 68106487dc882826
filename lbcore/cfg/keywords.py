"""The one table of keywords. It drives the parser, "did you mean", the list of `-dK` and the manual.

A row says where a word may stand, what it takes, and which function reads it. `kw_*.py` files end with their rows, in
alphabetical order. The places are the sections, and "bind", "server" and "default-server" for the options of such
lines. Filled by imports, frozen by `sections`, read without a lock.
"""

from __future__ import annotations

from collections.abc import Callable, Iterator
from dataclasses import dataclass

from lbcore.base.registry import Registry
from lbcore.cfg.arguments import Args

GLOBAL = ("global",)
# HAProxy takes a keyword of the wrong side with a warning, so proxy keywords stand in all four and look for themselves.
PROXIES = ("backend", "defaults", "frontend", "listen")
BIND = ("bind",)
SERVER = ("server",)
SERVERS = ("default-server", "server")
USERLIST = ("userlist",)
PEERS = ("peers",)


@dataclass(frozen=True, slots=True)
class Keyword:
    """One word, or two that belong together (`timeout client`). A row of one word is the fallback for rows of two.

    `parse` takes the words it knows from the `Args` it is given and raises KeywordError for what is wrong. `grammar`
    shows the arguments as the manual does, `doc` is one line, `since` the lbcore version. `negatable` tells whether
    `no` and `default` may stand in front; the function then looks at `args.form`.
    """

    words: tuple[str, ...]
    places: tuple[str, ...]
    parse: Callable[[Args], None]
    grammar: str
    doc: str
    since: str = "0.1"
    negatable: bool = False

    @property
    def name(self) -> str:
        """The words as one text."""
        return " ".join(self.words)


class KeywordTable:
    """All keywords by place and by their first word or two."""

    __slots__ = ("_names", "_pairs", "_singles")

    def __init__(self) -> None:
        self._names: Registry[Keyword] = Registry("keyword")
        self._singles: dict[str, dict[str, Keyword]] = {}
        self._pairs: dict[str, dict[tuple[str, str], Keyword]] = {}

    def register(self, *rows: Keyword) -> None:
        """Adds rows. Raises RegistryError if a word is claimed twice for a place, or after `freeze()`."""
        for row in rows:
            for place in row.places:
                self._names.add(f"{place}/{row.name}", row)
                self._file(place, row)

    def _file(self, place: str, row: Keyword) -> None:
        if len(row.words) == 1:
            self._singles.setdefault(place, {})[row.words[0]] = row
            return
        first, second = row.words
        self._pairs.setdefault(place, {})[first, second] = row

    def freeze(self) -> None:
        """Ends registration."""
        self._names.freeze()

    def find(self, place: str, first: str, second: str = "") -> Keyword | None:
        """The row for the first words of a line, that of two words before that of one. None: no such keyword here."""
        pairs = self._pairs.get(place)
        if pairs:
            row = pairs.get((first, second))
            if row is not None:
                return row
        singles = self._singles.get(place)
        return singles.get(first) if singles else None

    def words(self, place: str) -> list[str]:
        """The first words that a place knows: what a misspelt one may have meant."""
        pairs = {first for first, _ in self._pairs.get(place, ())}
        return sorted(pairs.union(self._singles.get(place, ())))

    def seconds(self, place: str, first: str) -> list[str]:
        """The second words known after a first one (`client`, `server`, ... after `timeout`)."""
        return sorted(second for one, second in self._pairs.get(place, ()) if one == first)

    def rows(self, place: str) -> list[Keyword]:
        """The rows of a place in alphabetical order."""
        found: list[Keyword] = [*self._singles.get(place, {}).values(), *self._pairs.get(place, {}).values()]
        return sorted(found, key=lambda row: row.words)

    def places(self) -> list[str]:
        """The places that have keywords."""
        return sorted(set(self._singles) | set(self._pairs))


KEYWORDS = KeywordTable()


def listing() -> Iterator[str]:
    """The lines that `-dKcfg` prints: places, and below each its words with their arguments."""
    for place in KEYWORDS.places():
        yield place
        for row in KEYWORDS.rows(place):
            yield f"\t{row.name} {row.grammar}".rstrip()


def manual() -> Iterator[str]:
    """The reference of keywords, one paragraph each, as reStructuredText."""
    for place in KEYWORDS.places():
        yield from (place, "=" * len(place), "")
        for row in KEYWORDS.rows(place):
            no = "[no] " if row.negatable else ""
            yield f"``{no}{row.name} {row.grammar}".rstrip() + "``"
            yield f"    {row.doc} Since {row.since}."
            yield ""
