"""`option http-buffer-request` (manual 4.2): rules wait for the body of a request, as far as a buffer holds it."""

from __future__ import annotations

from collections.abc import Callable, Generator

from lbcore.proxy.settings import ProxySettings
from lbcore.shim import lib
from lbcore.stream.pages import error_page, outcome_of
from lbcore.stream.rules import GONE, Outcome, Wait
from lbcore.stream.txn import AT, Txn

REQUEST_TIMEOUT = 408
_FLAGS = AT["flags"]

Waiting = Generator[Outcome, None, Outcome | None]


def make_buffering(settings: ProxySettings) -> Callable[[Txn], Waiting] | None:
    """The step of a proxy's requests, before its rules, that waits for the body; None without the option, if
    balancing (`url_param ... check_post`) does not need the body either.

    It waits for `timeout http-request`, without one for `timeout client`; then the client gets 408. A client that
    leaves before all has come gets nothing, and no server a part of it.
    """
    wanted = "http-buffer-request" in settings.options or settings.balance.check_post
    if not wanted or settings.mode != "http":
        return None
    timeouts = settings.timeouts
    wait = Wait("body", timeouts.http_request or timeouts.client or 0)

    def run(t: Txn) -> Waiting:
        request = t.req
        assert request is not None, "a step of requests"
        if not request.has_body or request.whole_body:
            return None
        yield wait
        flags = t.ask[_FLAGS]
        if request.whole_body or not flags & (lib.ASK_F_TIMEOUT | lib.ASK_F_EOF):
            return None
        if flags & lib.ASK_F_EOF:
            return GONE
        return outcome_of(REQUEST_TIMEOUT, error_page(t, REQUEST_TIMEOUT), "cR", failure=True)

    return run
