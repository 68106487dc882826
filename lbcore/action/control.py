"""Actions that steer: ends of a list, how strict rewriting is, retries, the switch to HTTP (manual 4.2)."""

from __future__ import annotations

from collections.abc import Callable

from lbcore.action.spec import Spec, argument, spec
from lbcore.sample.build import Build
from lbcore.sample.known import not_done
from lbcore.sample.words import ParseError, Words
from lbcore.stream.rules import ACCEPT, ACTIONS, Action, Outcome, Ruleset, Run, SwitchMode
from lbcore.stream.txn import Txn

HTTP = (Ruleset.HTTP_REQUEST, Ruleset.HTTP_RESPONSE, Ruleset.HTTP_AFTER)
TCP = (Ruleset.TCP_CONNECTION, Ruleset.TCP_SESSION, Ruleset.TCP_CONTENT, Ruleset.TCP_RESPONSE)


def accept(words: Words, ruleset: Ruleset) -> Spec:
    """`allow`, `accept`: no further rule of the list is looked at."""
    return spec(words, words.at - 1, _always(ACCEPT))


def switch_mode(words: Words, ruleset: Ruleset) -> Spec:
    """`switch-mode http [proto <name>]`: what the client sends is the beginning of a request."""
    start = words.at - 1
    mode = argument(words, "'tcp-request switch-mode' expects a mode as argument.")
    if mode != "http":
        raise ParseError(f"'tcp-request switch-mode' expects a valid mode (got '{mode}').")
    if words.peek() == "proto":
        words.take()
        _check_protocol(words)
    return spec(words, start, _always(SwitchMode()))


def _check_protocol(words: Words) -> None:
    """Takes the protocol that requests are to be read by. Raises ParseError unless it is HTTP/1."""
    name = argument(words, "'tcp-request switch-mode': 'proto' expects a protocol as argument.")
    if name == "h2":
        raise ParseError(not_done("protocol", name))
    if name != "h1":
        raise ParseError(
            f"'tcp-request switch-mode': 'proto' expects a valid MUX protocol, if specified (got '{name}')"
        )


def strict_mode(words: Words, ruleset: Ruleset) -> Spec:
    """`strict-mode {on|off}`: whether a rewrite that fails ends the stream."""
    start = words.at - 1
    text = argument(words, "expects exactly 1 arguments")
    if text not in ("on", "off"):
        raise ParseError(f"Unexpected value '{text}'. Only 'on' and 'off' are supported")
    strict = text == "on"

    def run(t: Txn) -> None:
        t.strict = strict

    return spec(words, start, lambda build: run)


def disable_l7_retry(words: Words, ruleset: Ruleset) -> Spec:
    """`disable-l7-retry`: `retry-on` does not hold for this request, but for failures to connect."""

    def run(t: Txn) -> None:
        t.no_retry = True

    return spec(words, words.at - 1, lambda build: run)


def wait_for_handshake(words: Words, ruleset: Ruleset) -> Spec:
    """`wait-for-handshake`: goes on at once; no request comes here before its connection's handshakes are over."""

    def run(t: Txn) -> None:
        pass

    return spec(words, words.at - 1, lambda build: run)


def _always(outcome: Outcome) -> Callable[[Build], Run]:
    return lambda build: lambda t: outcome


ACTIONS.register(
    Action("accept", TCP, accept, "Accepts; no further rule of the list is looked at."),
    Action("allow", HTTP, accept, "Goes on; no further rule of the list is looked at."),
    Action("disable-l7-retry", (Ruleset.HTTP_REQUEST,), disable_l7_retry, "Sends this request no second time."),
    Action("strict-mode", HTTP, strict_mode, "Whether rewrites that fail end the stream."),
    Action("switch-mode", (Ruleset.TCP_CONTENT,), switch_mode, "Goes on in mode http."),
    Action("wait-for-handshake", (Ruleset.HTTP_REQUEST,), wait_for_handshake, "Waits for handshakes to be over."),
)
