"""The backend and the server of a stream (manual 7.3.3). Until one is chosen the frontend stands for the backend."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from typing import Any

from lbcore.fetch.rows import plain
from lbcore.fetch.session import proxy_numbers
from lbcore.sample.build import Build
from lbcore.sample.points import BACKEND, FRONTEND, SERVER
from lbcore.sample.rows import Arg, Fetch, Fetcher, add_fetches
from lbcore.sample.types import Type
from lbcore.shim import lib
from lbcore.stream.txn import REC, Txn


def proxy_of(t: Txn) -> Any:
    """The backend, or the frontend as long as there is none."""
    return t.backend if t.backend is not None else t.frontend


def make_be_id(args: Sequence[Arg], build: Build) -> Fetcher:
    number = proxy_numbers(build)
    return lambda t: number(proxy_of(t))


def fetch_be_name(t: Txn) -> str | None:
    """None of what was no request."""
    record = t.record
    if record is not None and record[REC["flags"]] & lib.REC_HTTP and not record[REC["uri"]]:
        return None
    return str(proxy_of(t).settings.name)


def fetch_server_timeout(t: Txn) -> int:
    return proxy_of(t).settings.timeouts.server or 0


def fetch_tunnel_timeout(t: Txn) -> int:
    return proxy_of(t).settings.timeouts.tunnel or 0


def current(name: str, configured: Callable[[Txn], int]) -> Callable[[Txn], int]:
    """The timeout `name` of a stream in ms: what `set-timeout` said, or what is configured."""

    def fetch(t: Txn) -> int:
        timeouts = t.timeouts
        return configured(t) if timeouts is None else timeouts.get(name) or configured(t)

    return fetch


def fetch_client_timeout(t: Txn) -> int:
    return t.frontend.settings.timeouts.client or 0


def fetch_srv_id(t: Txn) -> int | None:
    return None if t.server is None else int(t.server.sid)


def fetch_srv_name(t: Txn) -> str | None:
    return None if t.server is None else str(t.server.name)


add_fetches(
    Fetch("be_id", "", Type.SINT, BACKEND, make_be_id, "The number of the backend among the proxies."),
    plain("be_name", Type.STR, BACKEND, fetch_be_name, "The name of the backend."),
    plain("be_server_timeout", Type.SINT, BACKEND, fetch_server_timeout, "`timeout server` of the backend in ms."),
    plain("be_tunnel_timeout", Type.SINT, BACKEND, fetch_tunnel_timeout, "`timeout tunnel` of the backend in ms."),
    plain(
        "cur_client_timeout", Type.SINT, FRONTEND, current("client", fetch_client_timeout),
        "`timeout client` of the stream in ms.",
    ),
    plain(
        "cur_server_timeout", Type.SINT, BACKEND, current("server", fetch_server_timeout),
        "`timeout server` of the stream in ms.",
    ),
    plain(
        "cur_tunnel_timeout", Type.SINT, BACKEND, current("tunnel", fetch_tunnel_timeout),
        "`timeout tunnel` of the stream in ms.",
    ),
    plain("srv_id", Type.SINT, SERVER, fetch_srv_id, "The number of the server in its backend."),
    plain("srv_name", Type.STR, SERVER, fetch_srv_name, "The name of the server."),
)  # fmt: skip
