"""The error pages of proxies: where rules find them, and how those that never change get into the shim.

`ProxySettings.error_pages` has them by status: a `lbcore.http.reply.Message`, or, for an `http-error` line with
formats, a `lbcore.action.reply.ReplySpec`, which becomes a message for each stream.
"""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

from lbcore.http.pages import EARLY
from lbcore.http.reply import Message, default_page
from lbcore.sample.build import Build
from lbcore.shim import check, lib
from lbcore.stream.rules import Close, Outcome, Reply
from lbcore.stream.txn import Txn

PageOf = Callable[[Txn, int], Message | None]


def error_page(t: Txn, status: int) -> Message:
    """The page for a status, one of `PAGE_STATUSES`: the backend's, else the frontend's, else HAProxy's."""
    for side in (t.backend, t.frontend):
        page = side.settings.error_pages.get(status) if side is not None else None
        if isinstance(page, Message):
            return page
        if page is not None and page.answer is not None:
            return page.answer(t)  # type: ignore[no-any-return]
    return default_page(status)


def outcome_of(
    status: int, message: Message, term: str, counted: str = "", tarpit: int = 0, *, failure: bool = False
) -> Outcome:
    """What becomes of a stream that is answered with a message: `status` is what the log says; `failure` as in
    Reply."""
    if not message.head:
        return Close("close", term, counted, status)
    return Reply(status, message.head, message.body, term, tarpit, message.close, counted, failure=failure)


def prepare_pages(settings: Any, build: Build) -> PageOf | None:
    """Compiles the pages of a proxy that formats make; `settings` are those of `build`'s proxy. Before threads start.

    A function that gives the page for a status, None where it is the shim's; or None if all of them are. Raises
    BuildError.
    """
    made = {}
    for status, page in settings.error_pages.items():
        if not isinstance(page, Message):
            made[status] = page.answer = page.make(build)
    if not made:
        return None

    def page_of(t: Txn, status: int) -> Message | None:
        answer = made.get(status)
        return answer(t) if answer is not None else None

    return page_of


def install_pages(engine: Any, side: str, index: int, settings: Any) -> None:
    """Has the shim answer with the pages of a proxy that never change instead of its own.

    `engine` is a `lbcore.event.engine.Engine`, `side` "frontend" or "backend", `index` the proxy's number in it. What
    answers bytes that were no request is never replaced, but a page that says nothing silences that, too (HAProxy:
    `errorfile 408 /dev/null`). Before threads start. Raises OSError.
    """
    install = lib.eng_fe_error if side == "frontend" else lib.eng_be_error
    for status, page in settings.error_pages.items():
        if not isinstance(page, Message):
            continue
        text = page.head.encode("latin-1") + page.body
        check(install(engine.handle, index, status, 0, text, len(text)))
        if not text and side == "frontend" and status in EARLY:
            check(install(engine.handle, index, status, 1, text, 0))
