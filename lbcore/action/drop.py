"""Ends of connections without an answer: `reject`, `close` and `silent-drop` (manual 4.2)."""

from __future__ import annotations

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
_CLOSED = Close("close", "--", "")
_DROPPED = Close("drop", "PR", "denied_req")  # whatever is dropped: HAProxy counts requests for responses, too


def parse_reject(words: Words, ruleset: Ruleset) -> Spec:
    """`reject`: the connection is closed."""
    return _ended(words, _REJECTED[ruleset])


def parse_close(words: Words, ruleset: Ruleset) -> Spec:
    """`close`: the server's connection is closed, and the client's with it; nothing is counted as denied."""
    return _ended(words, _CLOSED)


def parse_silent_drop(words: Words, ruleset: Ruleset) -> Spec:
    """`silent-drop`: the connection is forgotten; nothing tells the client.

    `rst-ttl` is refused: no packet is to leave at all, so there is none whose time to live could be chosen.
    """
    if words.peek() == "rst-ttl":
        raise ParseError("'rst-ttl' is HAProxy's but is not supported by lbcore yet", words.at)
    return _ended(words, _DROPPED)


def _ended(words: Words, outcome: Close) -> Spec:
    return spec(words, words.at - 1, lambda build: lambda t: outcome)


_TCP = (Ruleset.TCP_CONNECTION, Ruleset.TCP_SESSION, Ruleset.TCP_CONTENT, Ruleset.TCP_RESPONSE)

ACTIONS.register(
    Action("close", (Ruleset.TCP_RESPONSE,), parse_close, "Closes the server's connection."),
    Action("reject", (*_TCP, Ruleset.HTTP_REQUEST), parse_reject, "Closes the client's connection."),
    Action("silent-drop", (*_TCP, Ruleset.HTTP_REQUEST, Ruleset.HTTP_RESPONSE), parse_silent_drop,
           "Forgets the client's connection without telling the client."),
)  # fmt: skip
