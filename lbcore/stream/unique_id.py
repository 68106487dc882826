"""The unique id of a stream (`unique-id-format`): made when it is first asked for, the same ever after (manual 4.2)."""

from __future__ import annotations

from collections.abc import Callable, Mapping

from lbcore.proxy.settings import ProxySettings
from lbcore.sample.build import Build
from lbcore.sample.format import Format, parse_format
from lbcore.sample.points import Point
from lbcore.sample.style import UNIQUE_ID
from lbcore.sample.words import Words
from lbcore.shim import lib
from lbcore.stream.txn import REC, Txn

MAKERS = "unique ids"  # the worker's own: frontend number -> what makes the ids of its streams
MAX_LENGTH = 128  # what is longer is cut, as in HAProxy


def unique_id_format(settings: ProxySettings) -> Format | None:
    """The format of a frontend's ids, None if it has none. Raises ParseError."""
    given = settings.unique_id_format
    if given is None or isinstance(given, Format):
        return given
    return parse_format(given, Words([], mode=settings.mode, point=Point.FE_REQ_HDR), UNIQUE_ID)


def make_unique_id(settings: ProxySettings, build: Build) -> Callable[[Txn], str] | None:
    """What gives the id of a frontend's transaction, None if they have none. Raises BuildError, ParseError."""
    parsed = unique_id_format(settings)
    if parsed is None:
        return None
    text_of = parsed.make(build, settings)

    def unique_id_of(t: Txn) -> str:
        if t.unique_id is None:
            t.unique_id = text_of(t)[: MAX_LENGTH - 1]
        return t.unique_id

    return unique_id_of


def make_unique_id_header(settings: ProxySettings, build: Build) -> Callable[[Txn], None] | None:
    """What adds the id to a request on its way to a server (`unique-id-header`), None if none is to be added.

    Runs after all rules. Raises BuildError, ParseError.
    """
    name, id_of = settings.unique_id_header, make_unique_id(settings, build)
    if name is None or id_of is None:
        return None

    def add(t: Txn) -> None:
        if t.req is not None:
            t.req.add(name, id_of(t))

    return add


def unique_id(t: Txn) -> str | None:
    """The id of a transaction, made by its frontend's format if it has none yet; None without a format, and of what
    was no request."""
    if t.unique_id is None:
        if t.record is not None and t.record[REC["flags"]] & lib.REC_HTTP and not t.record[REC["uri"]]:
            return None
        makers: Mapping[int, Callable[[Txn], str]] = t.worker.local.get(MAKERS, {})
        make = makers.get(t.frontend.index)
        return None if make is None else make(t)
    return t.unique_id
