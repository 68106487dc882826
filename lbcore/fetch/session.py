"""The frontend and the listener of a session, and when it began (manual 7.3.3)."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from typing import Any

from lbcore.fetch.rows import check_unit, inlined, plain, unit_of
from lbcore.sample.build import Build
from lbcore.sample.points import CLIENT, FRONTEND, REQUEST_KEPT
from lbcore.sample.rows import Arg, Fetch, Fetcher, add_fetches
from lbcore.sample.types import Type
from lbcore.stream.txn import AT, Txn

_REQUESTED = AT["request_us"]


def proxy_numbers(build: Build) -> Callable[[Any], int | None]:
    """What gives the `id` of a proxy by either side of it (a frontend and a backend may have one name). They are read
    when first asked for, since all proxies are there then; two threads that do so at once read the same."""
    facts: Any = build.facts()
    numbers: dict[int, int] = {}

    def find(side: Any) -> int | None:
        if not numbers:
            numbers.update((id(one), proxy.iid) for proxy in facts.proxies() for one in (proxy.frontend, proxy.backend))
        return numbers.get(id(side))

    return find


def make_fe_id(args: Sequence[Arg], build: Build) -> Fetcher:
    number = proxy_numbers(build)
    return lambda t: number(t.frontend)


def fetch_dst_conn(t: Txn) -> int | None:
    listener = t.session.listener
    return None if listener is None else int(listener.cur_conn)


def fetch_so_id(t: Txn) -> int | None:
    listener = t.session.listener
    return None if listener is None else int(listener.sid)


def fetch_so_name(t: Txn) -> str | None:
    """None of a listener that was given no name."""
    listener = t.session.listener
    return None if listener is None else listener.bind.name or None


def make_accept_date(args: Sequence[Arg], build: Build) -> Fetcher:
    unit = unit_of(args, 0)
    return lambda t: t.session.accept_us // unit


def make_request_date(args: Sequence[Arg], build: Build) -> Fetcher:
    unit = unit_of(args, 0)
    return lambda t: t.ask[_REQUESTED] // unit


_CLIENT_TIMEOUT = "(t.frontend.settings.timeouts.client or 0)"

add_fetches(
    Fetch(
        "accept_date", "([string])", Type.SINT, CLIENT, make_accept_date,
        "When the connection was accepted, since 1970 in s, ms or us.", check=check_unit(0),
    ),
    plain("dst_conn", Type.SINT, FRONTEND, fetch_dst_conn, "Connections of the listener."),
    inlined("fe_client_timeout", Type.SINT, FRONTEND, _CLIENT_TIMEOUT, "`timeout client` of the frontend in ms."),
    inlined("fe_defbe", Type.STR, FRONTEND, "t.frontend.settings.default_backend", "The default backend's name."),
    Fetch("fe_id", "", Type.SINT, FRONTEND, make_fe_id, "The number of the frontend among the proxies."),
    inlined("fe_name", Type.STR, FRONTEND, "t.frontend.settings.name", "The name of the frontend."),
    Fetch(
        "request_date", "([string])", Type.SINT, REQUEST_KEPT, make_request_date,
        "When the first byte of the request came, since 1970 in s, ms or us.", check=check_unit(0),
    ),
    plain("so_id", Type.SINT, FRONTEND, fetch_so_id, "The number of the listener in its frontend."),
    plain("so_name", Type.STR, FRONTEND, fetch_so_name, "The name of the listener."),
)  # fmt: skip
