"""`http-request auth`: asks the client for a user and a password (manual 4.2).

What the client sends is looked at by the fetches `http_auth` and `http_auth_group` of a condition; the rule only asks.
"""

from __future__ import annotations

from lbcore.action.spec import Spec, spec
from lbcore.http.auth import CHALLENGE, PROXY_CHALLENGE, basic
from lbcore.http.reply import Message, encode_value
from lbcore.sample.build import Build
from lbcore.sample.words import ParseError, Words, wire
from lbcore.stream.pages import error_page, outcome_of
from lbcore.stream.proxied import is_proxied
from lbcore.stream.rules import ACTIONS, Action, Outcome, Ruleset, Run
from lbcore.stream.txn import Txn

UNAUTHORIZED = 401
PROXY_UNAUTHORIZED = 407


def parse_auth(words: Words, ruleset: Ruleset) -> Spec:
    """`auth [realm <realm>]`; the realm is the proxy's name if the line has none."""
    start = words.at - 1
    realm = words.proxy
    if words.peek() == "realm":
        words.take()
        if not words.peek():
            raise ParseError("missing realm value", words.at)
        realm = words.take()
    challenge = basic(encode_value(wire(realm)))

    def make(build: Build) -> Run:
        def run(t: Txn) -> Outcome:
            assert t.req is not None, "a rule of requests"
            proxied = is_proxied(t, t.req)
            status, name = (PROXY_UNAUTHORIZED, PROXY_CHALLENGE) if proxied else (UNAUTHORIZED, CHALLENGE)
            return outcome_of(status, challenged(error_page(t, status), name, challenge), "LR", "unauthorized")

        return run

    return spec(words, start, make)


def challenged(page: Message, name: str, challenge: str) -> Message:
    """A page with the challenge as its field `name`, in place of those that it may have."""
    if not page.head:
        return page
    start, *fields = page.head[:-4].split("\r\n")
    kept = [line for line in fields if not line.startswith(f"{name}:")]
    return page._replace(head="\r\n".join([start, *kept]) + f"\r\n{name}: {challenge}\r\n\r\n")


ACTIONS.register(
    Action("auth", (Ruleset.HTTP_REQUEST,), parse_auth, "[realm <realm>]: asks for a user and a password."),
)
