"""Whether a shared cache would keep a response, and a cookie in it (manual 4.2, "option checkcache"; RFC 9111 3)."""

from __future__ import annotations

from typing import NamedTuple

from lbcore.stream.aliases import NO_SERVER
from lbcore.stream.logs import alert
from lbcore.stream.message import Response
from lbcore.stream.pages import error_page, outcome_of
from lbcore.stream.rules import Outcome
from lbcore.stream.txn import Txn

# What is kept though nothing says so (RFC 9110 15.1).
STATUSES = frozenset({200, 203, 204, 206, 300, 301, 404, 405, 410, 414, 501})
BLOCKED = 502
METHODS = frozenset({"GET", "HEAD", "OPTIONS", "TRACE"})
_NEVER = frozenset({"private", "no-cache", "no-store", "max-age=0", "s-maxage=0"})
_LIFETIMES = ("max-age=", "s-maxage=")
_VALIDATORS = ("etag", "expires", "last-modified")
_NO_COOKIE = 'no-cache="set-cookie'


class Caching(NamedTuple):
    """Whether a response may be kept, and whether with its cookies."""

    cacheable: bool
    with_cookie: bool

    @classmethod
    def of(cls, method: str, response: Response) -> Caching:
        """What a response, to a request with `method`, says about itself.

        As in HAProxy, one that names neither a lifetime nor a validator is not kept.
        """
        cacheable = with_cookie = response.status in STATUSES and method in METHODS
        explicit = any(f"\r\n{name}: " in response.text for name in _VALIDATORS)
        if any(value[:8].lower() == "no-cache" for value in response.values("pragma")):
            return NOT_KEPT
        for value in response.values("cache-control"):
            word = value.lower()
            if word in _NEVER:
                return NOT_KEPT
            if word.startswith(_NO_COOKIE) and word[len(_NO_COOKIE) : len(_NO_COOKIE) + 1] in ('"', ","):
                with_cookie = False
            elif word == "public":
                cacheable = with_cookie = True
            elif word.startswith(_LIFETIMES):
                explicit = True
        return cls(cacheable, with_cookie) if explicit else NOT_KEPT


NOT_KEPT = Caching(False, False)


def refuse_cacheable_cookie(t: Txn) -> Outcome | None:
    """What becomes of a response that brought a cookie: it is refused if caches would keep it with that."""
    response = t.res
    assert response is not None, "a step of responses"
    if Caching.of(t.req.method if t.req is not None else "GET", response) == Caching(True, True):
        backend, server = t.backend.settings.name, t.server.name if t.server is not None else NO_SERVER
        alert(t, f"Blocking cacheable cookie in response from instance {backend}, server {server}.")
        return outcome_of(BLOCKED, error_page(t, BLOCKED), "PH", "denied_resp")
    return None
