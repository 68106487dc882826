"""Actions on the first line: method, target, path, query of requests; status of responses (manual 4.2).

What an action gives may not have blanks or control characters, since a first line is cut at blanks: such is a failed
rewrite. A target without a path (of CONNECT) can't be given one.
"""

from __future__ import annotations

import re
from collections.abc import Callable

from lbcore.action.failure import failed
from lbcore.action.header import find_unsafe
from lbcore.action.replace import Search, SubstitutionError, substitute
from lbcore.action.room import NEAR, fits
from lbcore.action.spec import Spec, argument, decimal, regex, spec
from lbcore.http.reply import reason_of
from lbcore.sample.build import Build
from lbcore.sample.format import parse_format
from lbcore.sample.words import ParseError, Words
from lbcore.stream.message import Request
from lbcore.stream.rules import ACTIONS, Action, Outcome, Ruleset, Run
from lbcore.stream.txn import Txn

REQUEST = (Ruleset.HTTP_REQUEST,)
RESPONSES = (Ruleset.HTTP_RESPONSE, Ruleset.HTTP_AFTER)

_find_blank = re.compile(r"[\0-\x20\x7f]").search
_AUTHORITY = re.compile(r"[A-Za-z][A-Za-z0-9+.-]*://([^/?#]*)")

Part = Callable[[Request], str | None]  # reads a part of a first line; None: it has none
Change = Callable[[Request, str], bool]  # writes it; False: it can't be


def _set_method(request: Request, text: str) -> bool:
    if not text:
        return False
    request.set_method(text)
    return True


def _set_uri(request: Request, text: str) -> bool:
    """Sets the target; Host follows the authority of an absolute one (RFC 9112 3.2.2)."""
    if not text:
        return False
    request.set_target(text)
    absolute = _AUTHORITY.match(text)
    if absolute and request.get("host") not in (None, absolute[1]):
        request.set("host", absolute[1])
    return True


def _path(request: Request) -> str | None:
    return request.abs_path


def _pathq(request: Request) -> str | None:
    return request.abs_pathq


def _uri(request: Request) -> str | None:
    return request.target


def _set_path(request: Request, text: str) -> bool:
    if not request.path:
        return False
    query = request.query
    request.set_pathq(text if query is None else f"{text}?{query}")
    return True


def _set_pathq(request: Request, text: str) -> bool:
    if not request.path:
        return False
    request.set_pathq(text)
    return True


def _set_query(request: Request, text: str) -> bool:
    """Sets the query. A question mark that was there stays, without a query, too."""
    if not request.path:
        return False
    if text or request.query is not None:
        request.set_pathq(f"{request.path}?{text}")
    return True


def _takes(t: Txn, text: str) -> bool:
    """Whether a text may stand in the first line of a request."""
    return not _find_blank(text) and (len(text) < NEAR or (t.req is not None and fits(t, t.req, len(text))))


def _setter(change: Change) -> Callable[[Words, Ruleset], Spec]:
    """The parser of `set-method`, `set-path`, ..."""

    def parse(words: Words, ruleset: Ruleset) -> Spec:
        start = words.at - 1
        complaint = "expects exactly 1 argument <format>"
        text = parse_format(argument(words, complaint), words)
        if not words.at_condition:
            raise ParseError(complaint, words.at)

        def make(build: Build) -> Run:
            render, fail = text.make(build), failed(ruleset)

            def run(t: Txn) -> Outcome | None:
                new = render(t)
                return None if _takes(t, new) and change(t.req, new) else fail(t)  # type: ignore[arg-type]

            return run

        return spec(words, start, make, mutates=True)

    return parse


def _replacer(part: Part, change: Change) -> Callable[[Words, Ruleset], Spec]:
    """The parser of `replace-path`, `replace-pathq`, `replace-uri`."""

    def parse(words: Words, ruleset: Ruleset) -> Spec:
        start = words.at - 1
        complaint = "expects exactly 2 arguments <match-regex> and <replace-format>"
        if not (words.peek() and words.peek(1) and words.peek(2) in ("if", "unless", "")):
            raise ParseError(complaint, words.at)
        search = _search(words)
        text = parse_format(words.take(), words)

        def make(build: Build) -> Run:
            render, fail = text.make(build), failed(ruleset)

            def run(t: Txn) -> Outcome | None:
                request = t.req
                assert request is not None, "rules of requests run when one is there"
                old = part(request)
                try:
                    new = substitute(search, render(t))(old) if old is not None else None
                except SubstitutionError:
                    return fail(t)
                if new is None:
                    return None
                return None if _takes(t, new) and change(request, new) else fail(t)

            return run

        return spec(words, start, make, mutates=True)

    return parse


def _search(words: Words) -> Search:
    try:
        return regex(words.take())
    except ParseError as error:
        raise ParseError(f"failed to parse the regex : {error}", words.at - 1) from None


def set_status(words: Words, ruleset: Ruleset) -> Spec:
    """`set-status <status> [reason <format>]`; without a reason, the one that belongs to the status."""
    start = words.at - 1
    complaint = "expects 1 argument: <status>; or 3 arguments: <status> reason <fmt>"
    status = decimal(argument(words, complaint))
    if status is None or not 100 <= status <= 999:
        raise ParseError("expects an integer status code between 100 and 999")
    reason = None
    if words.peek() == "reason" and words.peek(1):
        words.take()
        reason = parse_format(words.take(), words)

    def make(build: Build) -> Run:
        fail, fixed = failed(ruleset), reason_of(status)
        render = reason.make(build) if reason is not None else lambda t: fixed

        def run(t: Txn) -> Outcome | None:
            response, phrase = t.res, render(t)
            assert response is not None, "rules of responses run when one is there"
            if find_unsafe(phrase):
                return fail(t)
            response.set_status(status, phrase)
            t.status = status
            return None

        return run

    return spec(words, start, make, mutates=True)


ACTIONS.register(
    Action("replace-path", REQUEST, _replacer(_path, _set_path), "Replaces a path that matches."),
    Action("replace-pathq", REQUEST, _replacer(_pathq, _set_pathq), "Replaces path and query that match."),
    Action("replace-uri", REQUEST, _replacer(_uri, _set_uri), "Replaces a target that matches."),
    Action("set-method", REQUEST, _setter(_set_method), "Sets the method."),
    Action("set-path", REQUEST, _setter(_set_path), "Sets the path and keeps the query."),
    Action("set-pathq", REQUEST, _setter(_set_pathq), "Sets path and query."),
    Action("set-query", REQUEST, _setter(_set_query), "Sets the query."),
    Action("set-status", RESPONSES, set_status, "Sets the status, and the reason that belongs to it."),
    Action("set-uri", REQUEST, _setter(_set_uri), "Sets the whole target."),
)
