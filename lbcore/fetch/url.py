"""What the target of a request is made of (manual 7.3.6).

A path is what HAProxy calls one: `OPTIONS *` and CONNECT have none.
"""

from __future__ import annotations

import re
from collections.abc import Callable, Sequence

from lbcore.fetch.request import request_of
from lbcore.fetch.rows import alias, given, plain
from lbcore.sample.build import Build
from lbcore.sample.points import REQUEST
from lbcore.sample.rows import Arg, ArgumentError, Fetch, Fetcher, ManyFetcher, add_fetches
from lbcore.sample.types import Addr, Type, str_to_sint
from lbcore.shim import lib
from lbcore.stream.message import Request
from lbcore.stream.txn import Txn

_PORTS = {"https": 443}  # of schemes; any other means 80
_ABSOLUTE = re.compile(r"([a-zA-Z][a-zA-Z0-9+.-]*)://([^/?#]*)")


def path_of(req: Request) -> str | None:
    """The path, None if the target has none."""
    return req.abs_path


def pathq_of(req: Request) -> str | None:
    """Path and query, None if the target has no path."""
    return req.abs_pathq


def fetch_path(t: Txn) -> str | None:
    req = request_of(t)
    return None if req is None else path_of(req)


def fetch_pathq(t: Txn) -> str | None:
    req = request_of(t)
    return None if req is None else pathq_of(req)


def fetch_url(t: Txn) -> str | None:
    req = request_of(t)
    return None if req is None else req.target


def make_query(args: Sequence[Arg], build: Build) -> Fetcher:
    mark = "?" if args and args[0] == "with_qm" else ""

    def fetch(t: Txn) -> str | None:
        req = request_of(t)
        query = None if req is None else req.query
        return None if query is None else mark + query

    return fetch


def check_query(args: Sequence[Arg]) -> None:
    option = given(args, 0)
    if option not in (None, "with_qm"):
        raise ArgumentError(f"'{option}' is not an option of it, only 'with_qm' is", 0)


# --- with the host ---


def _based(part: Callable[[Request], str | None]) -> Callable[[Txn], str | None]:
    """The host as its field has it, and a part of the target."""

    def fetch(t: Txn) -> str | None:
        req = request_of(t)
        return None if req is None else (req.get("host") or "") + (part(req) or "")

    return fetch


fetch_base = _based(path_of)
fetch_baseq = _based(pathq_of)


def hashed(text: str) -> int:
    """What the converter `sdbm(1)` makes of a text."""
    raw = text.encode("latin-1")
    return int(lib.hash_avalanche(lib.hash_sdbm(raw, len(raw))))


def _hash(base: Callable[[Txn], str | None]) -> Callable[[Txn], int | None]:
    def fetch(t: Txn) -> int | None:
        text = base(t)
        return None if text is None else hashed(text)

    return fetch


def _hash_and_source(base: Callable[[Txn], str | None]) -> Callable[[Txn], bytes | None]:
    """The hash in network order, and the client's address behind it."""

    def fetch(t: Txn) -> bytes | None:
        text, source = base(t), t.src
        return None if text is None else hashed(text).to_bytes(4, "big") + bytes(source or b"")

    return fetch


# --- the authority ---


def place_of(req: Request) -> tuple[Addr, int] | None:
    """The IPv4 address and the port in an absolute target, None if the host is written otherwise."""
    found = _ABSOLUTE.match(req.target)
    if found is None:
        return None
    host, colon, port = found[2].rpartition("@")[2].partition(":")
    address = Addr.parse(host)
    if address is None:
        return None
    return address, str_to_sint(port) if colon else _PORTS.get(found[1].lower(), 80)


def fetch_url_ip(t: Txn) -> Addr | None:
    req = request_of(t)
    place = None if req is None else place_of(req)
    return None if place is None else place[0]


def fetch_url_port(t: Txn) -> int | None:
    req = request_of(t)
    place = None if req is None else place_of(req)
    return None if place is None else place[1]


# --- parameters ---


def finder(name: str | None, delimiters: str, *, fold: bool) -> Callable[[str], list[str]]:
    """What finds the values of a parameter (None: of any) in a text of them, between delimiters; `fold`: in any case.
    One without "=" is none."""
    ends = re.escape(delimiters)
    wanted = f"[^={ends}]*" if name is None else re.escape(name)
    flags = re.ASCII | (re.IGNORECASE if fold else 0)
    return re.compile(f"(?:^|[{ends}]){wanted}=([^{ends}]*)", flags).findall


def values(args: Sequence[Arg]) -> Callable[[Txn], list[str]]:
    """What gives the values of the parameter that the arguments name: name, delimiter (of a longer one the first
    character), "i"."""
    delimiter = (given(args, 1) or "?")[0]
    find = finder(given(args, 0), "&;" + delimiter, fold=given(args, 2) == "i")

    def fetch(t: Txn) -> list[str]:
        req = request_of(t)
        if req is None:
            return []
        _, mark, query = req.target.partition(delimiter)
        return find(query) if mark else []

    return fetch


def make_param(args: Sequence[Arg], build: Build) -> Fetcher:
    find = values(args)

    def fetch(t: Txn) -> str | None:
        found = find(t)
        return found[0] if found else None

    return fetch


def make_params(args: Sequence[Arg], build: Build) -> ManyFetcher:
    return values(args)


def make_param_value(args: Sequence[Arg], build: Build) -> Fetcher:
    find = values(args)

    def fetch(t: Txn) -> int | None:
        found = find(t)
        return str_to_sint(found[0]) if found else None

    return fetch


def make_param_values(args: Sequence[Arg], build: Build) -> ManyFetcher:
    find = values(args)
    return lambda t: [str_to_sint(value) for value in find(t)]


def check_param(args: Sequence[Arg]) -> None:
    flag = given(args, 2)
    if flag not in (None, "i"):
        raise ArgumentError(f"'{flag}' is no flag of it, only 'i' is", 2)


_PARAM = "([string,string,string])"

add_fetches(
    plain("base", Type.STR, REQUEST, fetch_base, "The host and the path."),
    plain("base32", Type.SINT, REQUEST, _hash(fetch_base), "A hash of `base`, 32 bits."),
    plain("base32+src", Type.BIN, REQUEST, _hash_and_source(fetch_base), "`base32` and the client's address."),
    plain("baseq", Type.STR, REQUEST, fetch_baseq, "The host, the path and the query."),
    plain("path", Type.STR, REQUEST, fetch_path, "The path, without the query.", inline="t.req.abs_path"),
    plain("pathq", Type.STR, REQUEST, fetch_pathq, "The path and the query.", inline="t.req.abs_pathq"),
    Fetch(
        "query", "([string])", Type.STR, REQUEST, make_query,
        "What stands behind the first question mark, or (with_qm) from there on.", check=check_query,
    ),
    plain("url", Type.STR, REQUEST, fetch_url, "The target as it was received, or set since.", inline="t.req.target"),
    plain("url32", Type.SINT, REQUEST, _hash(fetch_baseq), "A hash of `baseq`, 32 bits."),
    plain("url32+src", Type.BIN, REQUEST, _hash_and_source(fetch_baseq), "`url32` and the client's address."),
    plain("url_ip", Type.IPV4, REQUEST, fetch_url_ip, "The IPv4 address in an absolute target."),
    plain("url_port", Type.SINT, REQUEST, fetch_url_port, "The port that goes with `url_ip`, or its scheme's."),
    *alias(
        Fetch(
            "urlp", _PARAM, Type.STR, REQUEST, make_param, "A parameter's value: name, delimiter, flag `i`.",
            many=make_params, check=check_param,
        ),
        "url_param",
    ),
    Fetch(
        "urlp_val", _PARAM, Type.SINT, REQUEST, make_param_value, "As `urlp`, an integer.",
        many=make_param_values, check=check_param,
    ),
)  # fmt: skip
