"""Filters: what may stand between the two sides of a stream, by the words that begin their lines (manual 9).

    spec = FILTERS[word].parse(words)      while the configuration is read
    proxy.filters.append(spec)             in the order of their lines

A filter's line becomes plain settings, with a `name` if rules may speak of it; actions turn it on for a stream.
"""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass
from typing import Any

from lbcore.base.registry import Registry
from lbcore.sample.words import Words


@dataclass(frozen=True, slots=True)
class Filter:
    """A word that a `filter` line may name.

    `parse` reads what follows it, takes what it knows and raises ParseError for what is wrong; what it leaves nobody
    knows. `group` is what HAProxy's lists call its kind. `since` is the lbcore version.
    """

    name: str
    group: str
    parse: Callable[[Words], Any]
    doc: str
    since: str = "0.2"


# Names are those that `lbcore.filter` announces; afterwards it is only read.
FILTERS: Registry[Filter] = Registry("filter")
