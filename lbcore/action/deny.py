"""`deny` and `tarpit`: requests and responses that are refused (manual 4.2, "http-request deny", "tarpit")."""

from __future__ import annotations

from lbcore.action.reply import Payload, ReplySpec, answering, default_reply, parse_reply
from lbcore.action.spec import Spec, spec
from lbcore.sample.build import Build
from lbcore.sample.words import Words
from lbcore.stream.limit import Refusal
from lbcore.stream.rules import ACTIONS, Action, Ruleset, Run
from lbcore.stream.txn import Txn

DENIED, REFUSED, TARPITTED = 403, 502, 500  # a request; a response; a request that is kept waiting


def parse_deny(words: Words, ruleset: Ruleset) -> Spec:
    """`deny [deny_status <code>]`, which answers with the page of the proxy, or `deny <reply>`."""
    start = words.at - 1
    request = ruleset is Ruleset.HTTP_REQUEST
    reply = _reply(words, DENIED if request else REFUSED)

    def make(build: Build) -> Run:
        if request:
            return answering(reply, build, term="PR", counted="denied_req")
        return answering(reply, build, term="PH", counted="denied_resp")

    found = spec(words, start, make)
    if request and reply.payload is Payload.DEFAULT:
        found.shim = Refusal(reply.status)
    return found


def parse_tarpit(words: Words, ruleset: Ruleset) -> Spec:
    """`tarpit`, with the arguments of `deny`: answers after `timeout tarpit`, without it after `timeout connect`."""
    start = words.at - 1
    reply = _reply(words, TARPITTED)
    return spec(words, start, lambda build: answering(reply, build, term="PT", counted="denied_req", delay=tarpit_time))


def tarpit_time(t: Txn) -> int:
    """For how many ms the proxy keeps a tarpitted request."""
    timeouts = (t.backend if t.backend is not None else t.frontend).settings.timeouts
    return timeouts.tarpit or timeouts.connect or 0


def _reply(words: Words, status: int) -> ReplySpec:
    """`deny_status` is the same as `status`; only alone, or with nothing at all, it means the page of the proxy."""
    if words.at_condition:
        return default_reply(words, status)
    if words.peek() != "deny_status":
        return parse_reply(words, status)
    start = words.at
    words.texts = [*words.texts[:start], "status", *words.texts[start + 1 :]]
    if words.peek(1) and words.peek(2) in ("if", "unless", ""):
        return default_reply(words, parse_reply(words, status).status)
    return parse_reply(words, status)


_DOC = "[deny_status <code>] [<reply>]: "

ACTIONS.register(
    Action("deny", (Ruleset.HTTP_REQUEST, Ruleset.HTTP_RESPONSE), parse_deny, f"{_DOC}refuses the message."),
    Action("tarpit", (Ruleset.HTTP_REQUEST,), parse_tarpit, f"{_DOC}refuses the request after `timeout tarpit`."),
)
