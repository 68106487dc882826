"""`use-service`: the request is answered by a part of the balancer (manual 4.2, "http-request use-service")."""

from __future__ import annotations

from lbcore.action.spec import Spec, spec
from lbcore.sample.build import Build
from lbcore.sample.words import ParseError, Words
from lbcore.stream.pieces import reply_of
from lbcore.stream.rules import ACTIONS, Action, Outcome, Ruleset, Run
from lbcore.stream.txn import Txn
from lbcore.version import SERVICES

NAMES = {"prometheus-exporter": "<PROMEX>"}  # what the logs call the server that answered


def use_service(words: Words, ruleset: Ruleset) -> Spec:
    """`use-service <name>`."""
    start = words.at - 1
    name = words.peek()
    if not name:
        raise ParseError("'use-service' expects a service name.", words.at)
    if name not in SERVICES:
        raise ParseError(f"'{name}' unknown service name.", words.at)
    words.take()

    def make(build: Build) -> Run:
        answer, server = build.facts().service(name), NAMES[name]

        def run(t: Txn) -> Outcome | None:
            assert t.req is not None, "there is a request"
            t.applet = server
            found = answer(t.req.query or "")
            return reply_of(t, found.status, found.fields, found.parts, counted="intercepted")

        return run

    return spec(words, start, make)


ACTIONS.register(
    Action("use-service", (Ruleset.HTTP_REQUEST,), use_service, "<name>: answers by a part of the balancer.")
)
