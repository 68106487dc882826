"""`http-request auth`: asks the client for a user and a password (manual 4.2).

What the client sends is looked at by the fetches `http_auth` and `http_auth_group` of a condition; the rule only asks.
"""

from __future__ import annotations

from lbcore.action.spec import Spec, spec
from lbcore.http.auth import CHALLENGE, basic
from lbcore.http.reply import Message, encode_value
from lbcore.sample.build import Build
from lbcore.sample.words import ParseError, Words, wire
from lbcore.stream.pages import error_page, outcome_of
from lbcore.stream.rules import ACTIONS, Action, Outcome, Ruleset, Run
from lbcore.stream.txn import Txn

UNAUTHORIZED = 401


def parse_auth(words: Words, ruleset: Ruleset) -> Spec:
    """`auth [realm <realm>]`; the realm is the proxy's name if the line has none."""
    start = words.at - 1
    realm = words.proxy
    if words.peek() == "realm":
        words.take()
        if not words.peek():
            raise ParseError("missing realm value", words.at)
        realm = words.take()
    challenge = f"{CHALLENGE}: {basic(encode_value(wire(realm)))}\r\n"

    def make(build: Build) -> Run:
        def run(t: Txn) -> Outcome:
            return outcome_of(UNAUTHORIZED, challenged(error_page(t, UNAUTHORIZED), challenge), "LR")

        return run

    return spec(words, start, make)


def challenged(page: Message, challenge: str) -> Message:
    """A page with the line of a challenge in place of those that it may have."""
    if not page.head:
        return page
    start, *fields = page.head[:-4].split("\r\n")
    kept = [line for line in fields if not line.startswith(f"{CHALLENGE}:")]
    return page._replace(head="\r\n".join([start, *kept]) + f"\r\n{challenge}\r\n")


ACTIONS.register(
    Action("auth", (Ruleset.HTTP_REQUEST,), parse_auth, "[realm <realm>]: asks for a user and a password."),
)
