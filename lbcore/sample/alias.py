"""What log-format strings are made of: flags, aliases, items (manual 8.2.6)."""

from __future__ import annotations

from collections.abc import Callable, Iterator, Sequence
from dataclasses import dataclass
from enum import IntFlag
from typing import TYPE_CHECKING, Any

from lbcore.base.registry import Registry
from lbcore.sample.types import Type

if TYPE_CHECKING:
    from lbcore.sample.expression import Expression

Txn = Any  # lbcore.stream.txn.Txn, which this floor hands through


class Flag(IntFlag):
    """What `%{+Q,-X}` switches."""

    QUOTE = 1
    HEX = 2
    ESCAPE = 4
    BINARY = 8
    JSON = 16
    CBOR = 32


FLAGS = {"Q": Flag.QUOTE, "X": Flag.HEX, "E": Flag.ESCAPE, "bin": Flag.BINARY, "json": Flag.JSON, "cbor": Flag.CBOR}
NO_FLAGS = Flag(0)
ENCODED = Flag.JSON | Flag.CBOR


@dataclass(frozen=True, slots=True)
class Alias:
    """A row of the table: `%name`.

    `live(t)` is its value while the transaction goes on: a str, an int, or for a `many` row a list, whose members are
    None where missing. `code` is the piece of an f-string that yields the same of a finished stream, over its record
    `r` and the `names` of the Reading; it has no double quotes, no backslashes, and single quotes only if it is one
    expression in braces. What is a number for sure says so (`:d`). `with_txn` is the code where there is a transaction
    `t`, too, if that makes a difference.

    The value of an `optional` alias may be an empty text. Code without a character is no value at all, and takes a
    blank behind it along: that is what an alias is whose feature is off (`absent`).
    """

    name: str
    type: Type  # STR or SINT
    code: str
    live: Callable[[Txn], Any]
    section: str  # of the manual
    http: bool = False  # in mode http only
    quoted: bool = False  # {+Q} puts it in quotes
    asap: bool = False  # `option logasap` puts a "+" before it: it is not final
    optional: bool = False
    many: bool = False
    with_txn: str = ""
    absent: Callable[[Any], bool] | None = None  # of the settings of the proxy
    requires_txn: Callable[[Any], bool] | None = None  # of the same: `code` won't do
    hexadecimal: str = ""  # what {+X} does: "address", or the digits of a number ("04")


ALIASES: Registry[Alias] = Registry("log-format alias")


def add_aliases(*rows: Alias) -> None:
    """Registers aliases. Raises RegistryError if a name is claimed twice."""
    for row in rows:
        ALIASES.add(row.name, row)


@dataclass(frozen=True, slots=True)
class Item:
    """A piece of a format: `alias` or `expression`, or else the literal `text` (a merged blank is a single space).

    `name` and `cast` are those of `%(name:type)`, `flags` those that hold here.
    """

    text: str = ""
    alias: Alias | None = None
    expression: Expression | None = None
    flags: Flag = NO_FLAGS
    name: str = ""
    cast: Type | None = None

    @property
    def literal(self) -> bool:
        return self.alias is None and self.expression is None


BLANK = Item(" ")  # merged blanks, told from a literal by identity


def merge(items: Sequence[Item], pieces: Sequence[str]) -> Iterator[str]:
    """The pieces with one space where there would be several, and none at the beginning."""
    blank = True
    for item, piece in zip(items, pieces, strict=True):
        if item is BLANK and not blank:
            blank = True
            yield piece
        elif item is not BLANK and piece:
            blank = False
            yield piece
