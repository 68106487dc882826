"""Which mux serves a connection."""

from __future__ import annotations

from dataclasses import dataclass
from enum import Flag, auto


class Side(Flag):
    """Which side of a proxy a mux can serve."""

    FRONT = auto()
    BACK = auto()
    BOTH = FRONT | BACK


@dataclass(frozen=True, slots=True)
class Mux:
    """A row: the connections that a mux serves, and what becomes of them.

    `token` is the ALPN token ("" for connections that agreed on none), `mode` the mode of the proxy, `flow` the kind of
    flow that the shim makes of such a connection: PX_TCP (a tunnel) or PX_HTTP (exchanges), see native/include/proxy.h.
    """

    name: str
    token: str
    mode: str
    side: Side
    flow: int
    flags: tuple[str, ...] = ()  # for `-vv`: HTX, HOL_RISK, NO_UPG, ...


_rows: list[Mux] = []


def register(*rows: Mux) -> None:
    """Adds rows; raises ValueError if one claims what another serves already."""
    for row in rows:
        for other in _rows:
            if (other.token, other.mode) == (row.token, row.mode) and other.side & row.side:
                raise ValueError(f"mux '{row.name}' and mux '{other.name}' claim the same connections")
        _rows.append(row)


def find(token: str, mode: str, side: Side) -> Mux:
    """The mux for a connection: the one of its token, else the one for connections without. Raises LookupError."""
    for wanted in (token, ""):
        for row in _rows:
            if row.token == wanted and row.mode == mode and side in row.side:
                return row
    raise LookupError(f"no mux for '{token}' in mode {mode}")


def named(name: str, mode: str, side: Side) -> Mux | None:
    """The mux called `name` that serves connections of this mode and side; None if there is none."""
    return next((row for row in _rows if row.name == name and row.mode == mode and side in row.side), None)


def names() -> set[str]:
    """What muxes are called."""
    return {row.name for row in _rows}


def listing() -> list[Mux]:
    """All rows, in the order of their registration."""
    return list(_rows)
