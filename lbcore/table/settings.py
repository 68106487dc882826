"""What a stick table is made from, as typed values that `cfg/` or a library user fills."""

from __future__ import annotations

from dataclasses import dataclass, field
from typing import NamedTuple


class Stored(NamedTuple):
    """How a data type is stored: that many elements (1 unless it is an array), rates of `period` milliseconds."""

    elements: int = 1
    period: int = 0


COUNTERS = 3  # slots for tracked entries unless `tune.stick-counters` says another number
COUNTERS_MAX = 100  # of the shim's (native/include/engine.h)


def counters_of(notes: dict[str, object]) -> int:
    """How many slots for tracked entries lines of this load may name: `tune.stick-counters`, as far as it was read."""
    found = notes.get(__name__, COUNTERS)
    assert isinstance(found, int)
    return found


def set_counters(notes: dict[str, object], number: int) -> None:
    """Tells the lines that follow how many there are."""
    notes[__name__] = number


@dataclass(slots=True)
class TableSettings:
    """A `stick-table` line."""

    name: str  # the proxy's; of a section's own, "<section>/<name>"
    type: str  # "ip", "ipv6", "integer", "string", "binary"
    size: int  # entries
    length: int = 32  # bytes that are kept of strings and binary keys
    expire: int = 0  # ms; 0: never
    nopurge: bool = False
    store: dict[str, Stored] = field(default_factory=dict)  # by the name of the data type (`types.TYPES`)
    section: str = ""  # the `peers` section that it stands in, "" if it is a proxy's
    peers: str | None = None  # the section whose members are taught
    write_to: str | None = None  # the table that gets what peers tell, too
    srvkey: str = "name"  # what `server_key` holds of a server: "name", "addr"
    where: str = ""  # file:line
