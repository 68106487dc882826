"""Ends of connections without an answer: `reject`, `close` and `silent-drop` (manual 4.2)."""

from __future__ import annotations

import re
from dataclasses import replace

from lbcore.action.spec import Spec, spec
from lbcore.sample.words import ParseError, Words
from lbcore.stream.rules import ACTIONS, Action, Close, Ruleset

# How `reject` ends a connection. Before anything was read of it, it is reset.
_REJECTED = {
    Ruleset.TCP_CONNECTION: Close("reset", "PR", "denied_conn"),
    Ruleset.TCP_SESSION: Close("reset", "PR", "denied_sess"),
    Ruleset.TCP_CONTENT: Close("close", "PR", "denied_req"),
    Ruleset.TCP_RESPONSE: Close("close", "PD", "denied_resp"),
    Ruleset.HTTP_REQUEST: Close("close", "PR", "denied_req"),
}
_CLOSED = Close("server", "--", "")
_DIGITS = re.compile(r"[0-9]+")
_DROPPED = Close("drop", "PR", "denied_req")  # whatever is dropped: HAProxy counts requests for responses, too


def parse_reject(words: Words, ruleset: Ruleset) -> Spec:
    """`reject`: the connection is closed."""
    return _ended(words, _REJECTED[ruleset])


def parse_close(words: Words, ruleset: Ruleset) -> Spec:
    """`close`: the server's connection is closed, and the client's with it; nothing is counted as denied."""
    return _ended(words, _CLOSED)


def parse_silent_drop(words: Words, ruleset: Ruleset) -> Spec:
    """`silent-drop [rst-ttl <ttl>]`: the connection is forgotten; nothing tells the client.

    With `rst-ttl` a reset leaves that lives for so many hops: what keeps track of connections on the way forgets it,
    too.
    """
    at = words.at - 1
    if words.peek() != "rst-ttl":
        return _ended(words, _DROPPED)
    words.take()
    return _ended(words, replace(_DROPPED, ttl=_ttl(words)), at)


def _ttl(words: Words) -> int:
    """The time to live, 1 .. 255. Raises ParseError in HAProxy's words."""
    text = words.peek()
    if not text:
        raise ParseError("missing rst-ttl value\n", words.at)
    digits = _DIGITS.match(text)
    rest = text[digits.end() :] if digits else text
    if rest:
        raise ParseError(f"invalid character starting at '{rest}' (value 1-255 expected)\n", words.at)
    if not 1 <= int(text) <= 255:
        raise ParseError("valid rst-ttl values are [1-255]\n", words.at)
    words.take()
    return int(text)


def _ended(words: Words, outcome: Close, at: int | None = None) -> Spec:
    return spec(words, words.at - 1 if at is None else at, lambda build: lambda t: outcome)


_TCP = (Ruleset.TCP_CONNECTION, Ruleset.TCP_SESSION, Ruleset.TCP_CONTENT, Ruleset.TCP_RESPONSE)

ACTIONS.register(
    Action("close", (Ruleset.TCP_RESPONSE,), parse_close, "Closes the server's connection."),
    Action("reject", (*_TCP, Ruleset.HTTP_REQUEST), parse_reject, "Closes the client's connection."),
    Action("silent-drop", (*_TCP, Ruleset.HTTP_REQUEST, Ruleset.HTTP_RESPONSE), parse_silent_drop,
           "Forgets the client's connection without telling the client."),
)  # fmt: skip
