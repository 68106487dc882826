"""What was captured of a request and its response for the logs (manual 7.3.6, 4.2 "capture")."""

from __future__ import annotations

from collections.abc import Sequence

from lbcore.fetch.request import request_of
from lbcore.fetch.rows import plain
from lbcore.fetch.url import pathq_of
from lbcore.sample.build import Build
from lbcore.sample.points import REQUEST_KEPT, SERVER_SIDE
from lbcore.sample.rows import Arg, ArgumentError, Fetch, Fetcher, add_fetches
from lbcore.sample.types import Type
from lbcore.stream.txn import Txn


def make_request_field(args: Sequence[Arg], build: Build) -> Fetcher:
    at = args[0]

    def fetch(t: Txn) -> str | None:
        found = t.captures_req
        return found[at] if found is not None and at < len(found) else None

    return fetch


def make_response_field(args: Sequence[Arg], build: Build) -> Fetcher:
    at = args[0]

    def fetch(t: Txn) -> str | None:
        found = t.captures_res
        return found[at] if found is not None and at < len(found) else None

    return fetch


def check_slot(args: Sequence[Arg]) -> None:
    if args[0] < 0:
        raise ArgumentError("captures are counted from 0", 0)


def fetch_method(t: Txn) -> str | None:
    req = request_of(t)
    return None if req is None else req.received().method


def fetch_uri(t: Txn) -> str | None:
    req = request_of(t)
    return None if req is None else pathq_of(req.received())


def fetch_request_version(t: Txn) -> str | None:
    req = request_of(t)
    return None if req is None else req.received().version


def fetch_response_version(t: Txn) -> str | None:
    return None if t.res is None else t.res.version


add_fetches(
    Fetch(
        "capture.req.hdr", "(integer)", Type.STR, REQUEST_KEPT, make_request_field,
        "What a `capture request` line took, by its number from 0.", check=check_slot,
    ),
    plain("capture.req.method", Type.STR, REQUEST_KEPT, fetch_method, "The method, as it was received."),
    plain("capture.req.uri", Type.STR, REQUEST_KEPT, fetch_uri, "Path and query, as they were received."),
    plain("capture.req.ver", Type.STR, REQUEST_KEPT, fetch_request_version, "The version of the request: HTTP/1.1."),
    Fetch(
        "capture.res.hdr", "(integer)", Type.STR, SERVER_SIDE, make_response_field,
        "What a `capture response` line took, by its number from 0.", check=check_slot,
    ),
    plain("capture.res.ver", Type.STR, REQUEST_KEPT, fetch_response_version, "The version of the response: HTTP/1.1."),
)  # fmt: skip
