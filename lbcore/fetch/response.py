"""Statuses, and the first line of the response (manual 7.3.6)."""

from __future__ import annotations

from lbcore.fetch.rows import alias, plain
from lbcore.sample.points import RESPONSE, SERVER_SIDE
from lbcore.sample.rows import add_fetches
from lbcore.sample.types import Type
from lbcore.stream.txn import AT, Txn

_STATUS = AT["status"]


def fetch_status(t: Txn) -> int | None:
    """The status that the client gets: as the response at hand has it, as it was sent once the stream has ended."""
    if t.record is None and t.res is not None:
        return t.res.status
    return t.status if t.status >= 0 else None


def fetch_server_status(t: Txn) -> int | None:
    """The status as it came from the server."""
    status: int = t.ask[_STATUS]
    return status if status > 0 else None


def fetch_version(t: Txn) -> str | None:
    return None if t.res is None else t.res.version.partition("/")[2]


add_fetches(
    *alias(plain("res.ver", Type.STR, RESPONSE, fetch_version, "The version of the response, as 1.1."), "resp_ver"),
    plain("server_status", Type.SINT, SERVER_SIDE, fetch_server_status, "The status that the server sent."),
    plain("status", Type.SINT, SERVER_SIDE, fetch_status, "The status that the client gets."),
)
