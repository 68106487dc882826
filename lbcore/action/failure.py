"""Answers to messages that an action could not change, or that it found to be wrong."""

from __future__ import annotations

from collections.abc import Callable

from lbcore.shim import lib
from lbcore.stream.pages import error_page
from lbcore.stream.rules import Close, Outcome, Reply, Ruleset
from lbcore.stream.txn import Txn

Failed = Callable[[Txn], Outcome | None]

FRONTEND, BACKEND, SERVER, LISTENER = range(4)  # sides of eng_count()


def error_reply(t: Txn, status: int, term: str, *, close: bool = False) -> Outcome:
    """The page of the stream's proxy for a status, as its end with the termination state `term`."""
    page = error_page(t, status)
    if not page.head:
        return Close("close", term, "")
    return Reply(status, page.head, page.body, term=term, close=close or page.close, failure=True)


def failed(ruleset: Ruleset) -> Failed:
    """The function to call when a rewrite fails: it counts, and gives the 500 that ends the stream in strict mode.

    `http-after-response` has nothing to answer with, since it runs over answers: it only counts.
    """
    term = "PR" if ruleset is Ruleset.HTTP_REQUEST else "PH"

    def fail(t: Txn) -> Outcome | None:
        count(t, lib.CNT_FAILED_REWRITES)
        if not t.strict or ruleset is Ruleset.HTTP_AFTER:
            return None
        count(t, lib.CNT_INTERNAL_ERRORS)
        return error_reply(t, 500, term)

    return fail


def refuse(t: Txn) -> Outcome:
    """What an action that finds a request to be malformed ends the stream with: 400. It counts, too."""
    lib.eng_count(t.worker.engine.handle, t.worker.tid, FRONTEND, t.frontend.index, lib.CNT_FAILED_REQ)
    return error_reply(t, 400, "PR")


def count(t: Txn, what: int) -> None:
    """Counts one for each of those that the stream goes through, as far as they are known."""
    engine, tid = t.worker.engine.handle, t.worker.tid
    sides = (FRONTEND, t.frontend), (BACKEND, t.backend), (SERVER, t.server), (LISTENER, t.session.listener)
    for side, one in sides:
        if one is not None:
            lib.eng_count(engine, tid, side, one.index, what)
