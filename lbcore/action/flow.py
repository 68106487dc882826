"""Actions on the flow: type of service, marks, timeouts, retries, addresses (manual 4.2).

They tell the shim, which does it at once: the question about the stream is open while its rules run. What the kernel
refuses (a mark needs a privilege) is not told, as in HAProxy.
"""

from __future__ import annotations

import re
import socket
from collections.abc import Callable
from copy import copy

from lbcore.action.spec import Spec, argument, behind_number, needs_backend, needs_frontend, spec, unsigned
from lbcore.base.units import UnitError, time
from lbcore.sample.build import Build
from lbcore.sample.expression import Expression, parse_expression
from lbcore.sample.types import Addr, Type
from lbcore.sample.words import ParseError, Words
from lbcore.shim import lib
from lbcore.stream.rules import ACTIONS, Action, Outcome, Ruleset, Run
from lbcore.stream.txn import Session, Txn

CONNECTION = (Ruleset.TCP_CONNECTION, Ruleset.TCP_SESSION)
REQUESTS = (Ruleset.TCP_CONTENT, Ruleset.HTTP_REQUEST)
RESPONSES = (Ruleset.TCP_RESPONSE, Ruleset.HTTP_RESPONSE)
MS_MAX, RETRIES_MAX = 2**31 - 1, 100
UINT = 2**32 - 1
ANY = Addr(bytes(4))

Parse = Callable[[Words, Ruleset], Spec]


def _set_constant(what: int, value: int) -> Callable[[Build], Run]:
    def run(t: Txn) -> Outcome | None:
        lib.eng_flow_set(*t.flow(), what, value)
        return None

    return lambda build: run


def _set_computed(what: int, expression: Expression, low: int, high: int) -> Callable[[Build], Run]:
    """Sets what an expression gives, if that is a number from `low` to `high`."""

    def make(build: Build) -> Run:
        fetch = expression.make(build, Type.SINT)

        def run(t: Txn) -> Outcome | None:
            value = fetch(t)
            if value is not None and low <= int(value) <= high:
                lib.eng_flow_set(*t.flow(), what, int(value))
            return None

        return run

    return make


def _expression_or(words: Words, complaint: str) -> Expression:
    """The expression that begins at the next word. Raises ParseError, with `complaint` if no fetch has that name."""
    at = words.at
    try:
        return parse_expression(words)
    except ParseError as error:
        if str(error).startswith("unknown fetch method"):
            raise ParseError(complaint, at, error.hint) from None
        raise


def _number_setter(what: int, high: int, check: Callable[..., None] | None = None) -> Parse:
    """The parser of an action that takes an unsigned number or an expression."""

    def parse(words: Words, ruleset: Ruleset) -> Spec:
        start = words.at - 1
        text = argument(words, "expects exactly 1 argument (integer/hex value)")
        complaint = f"invalid character starting at '{behind_number(text)}' (integer/hex value expected)"
        if not text[0].isdecimal():
            words.at -= 1
            expression = _expression_or(words, complaint)
            return spec(words, start, _set_computed(what, expression, 0, high), attach=check)
        value = unsigned(text)
        if value is None:
            raise ParseError(complaint)
        if value > high:
            raise ParseError(f"expects a value between 0 and {high} (got {text})")
        return spec(words, start, _set_constant(what, value), attach=check)

    return parse


NICE_MAX = 1024
_INTEGER = re.compile(r"[+-]?[0-9]{1,9}")


def set_nice(words: Words, ruleset: Ruleset) -> Spec:
    """`set-nice <number>`, brought between -1024 and 1024. HAProxy takes what is no number for 0."""
    start = words.at - 1
    complaint = "expects exactly 1 argument (integer value)"
    text = argument(words, complaint)
    if not _INTEGER.fullmatch(text):
        raise ParseError(complaint)
    value = max(-NICE_MAX, min(int(text), NICE_MAX))
    return spec(words, start, _set_constant(lib.FLOW_NICE, value & UINT))


_TIMEOUTS = {
    "client": (lib.FLOW_T_CLIENT, needs_frontend),
    "server": (lib.FLOW_T_SERVER, needs_backend),
    "tunnel": (lib.FLOW_T_TUNNEL, needs_backend),
}


def set_timeout(words: Words, ruleset: Ruleset) -> Spec:
    """`set-timeout {client|server|tunnel} {<time>|<expression>}`; an expression counts milliseconds."""
    start = words.at - 1
    if not (words.peek() and words.peek(1)):
        raise ParseError("expects exactly 2 arguments", words.at)
    name = words.take()
    if name not in _TIMEOUTS:
        raise ParseError(f"'set-timeout' rule supports 'server'/'tunnel'/'client' (got '{name}')")
    what, check = _TIMEOUTS[name]
    text = words.peek()
    if not text[0].isdecimal():
        expression = _expression_or(words, f"unexpected character '{text[0]}' in rule 'set-timeout {name}'")
        return spec(words, start, _noting(name, what, expression=expression), attach=check)
    return spec(words, start, _noting(name, what, _milliseconds(words, name)), attach=check)


def _noting(name: str, what: int, ms: int = 0, expression: Expression | None = None) -> Callable[[Build], Run]:
    """Sets a timeout, to what an expression gives if there is one, and lets fetches see it."""

    def make(build: Build) -> Run:
        fetch = expression.make(build, Type.SINT) if expression is not None else lambda t: ms

        def run(t: Txn) -> Outcome | None:
            value = fetch(t)
            if value is not None and 1 <= int(value) <= MS_MAX:
                lib.eng_flow_set(*t.flow(), what, int(value))
                t.timeouts = {**(t.timeouts or {}), name: int(value)}
                t.kept = True  # the response's rules may ask for it
            return None

        return run

    return make


def _milliseconds(words: Words, name: str) -> int:
    text = words.take()
    try:
        ms = time(text)
    except UnitError as error:
        if not error.char:
            raise ParseError(
                f"timer overflow in argument '{text}' to rule 'set-timeout {name}' "
                "(maximum value is 2147483647 ms or ~24.8 days)"
            ) from None
        raise ParseError(f"unexpected character '{error.char}' in rule 'set-timeout {name}'") from None
    if ms == 0:
        raise ParseError(f"null value is not valid for a 'set-timeout {name}' rule")
    return ms


# --- addresses ---


def _address_setter(dst: bool) -> Parse:
    """The parser of `set-src` and `set-dst`. The port stays, if there is one."""

    def parse(words: Words, ruleset: Ruleset) -> Spec:
        start = words.at - 1
        expression = parse_expression(words)

        def make(build: Build) -> Run:
            fetch, session_of = expression.make(build, Type.ADDR), _session_of(ruleset)

            def run(t: Txn) -> Outcome | None:
                address = fetch(t)
                if isinstance(address, Addr):
                    session = session_of(t)
                    known = (session.dst if dst else session.src) is not None
                    _move(t, session, dst, address, (session.dport if dst else session.sport) if known else 0)
                return None

            return run

        return spec(words, start, make, mutates=True)

    return parse


def _port_setter(dst: bool) -> Parse:
    """The parser of `set-src-port` and `set-dst-port`. The address stays, if it is one that has ports, else it is
    0.0.0.0.
    """

    def parse(words: Words, ruleset: Ruleset) -> Spec:
        start = words.at - 1
        expression = parse_expression(words)

        def make(build: Build) -> Run:
            fetch, session_of = expression.make(build, Type.SINT), _session_of(ruleset)

            def run(t: Txn) -> Outcome | None:
                port = fetch(t)
                if port is not None:
                    session = session_of(t)
                    _move(t, session, dst, (session.dst if dst else session.src) or ANY, int(port) & 0xFFFF)
                return None

            return run

        return spec(words, start, make, mutates=True)

    return parse


def _session_of(ruleset: Ruleset) -> Callable[[Txn], Session]:
    """The session to change: the connection's, or from `tcp-request content` on one that this stream alone sees, with
    the same variables.
    """
    if ruleset in CONNECTION:
        return lambda t: t.session

    def own(t: Txn) -> Session:
        session = t.session
        t.session = copied = copy(session)
        copied.vars = session.vars  # shared: they are the connection's
        copied.origin = session.origin or session
        return copied

    return own


def _move(t: Txn, session: Session, dst: bool, address: Addr, port: int) -> None:
    """Gives one end of the client's connection another address, here and in the shim."""
    family = socket.AF_INET if len(address) == 4 else socket.AF_INET6
    if lib.eng_flow_addr(*t.flow(), dst, family, port, bytes(address).ljust(16, b"\0")) < 0:
        return
    if session.src is None or not dst:
        session.family = family
    if dst:
        session.dst, session.dport = address, port
    else:
        session.src, session.sport = address, port


TOS = (*CONNECTION, *REQUESTS, *RESPONSES)

ACTIONS.register(
    Action("set-bc-mark", REQUESTS, _number_setter(lib.FLOW_MARK_BACK, UINT), "Marks packets to the server."),
    Action("set-bc-tos", REQUESTS, _number_setter(lib.FLOW_TOS_BACK, 255), "Type of service of packets to the server."),
    Action("set-dst", (*CONNECTION, *REQUESTS), _address_setter(dst=True), "Replaces the destination address."),
    Action("set-dst-port", (*CONNECTION, *REQUESTS), _port_setter(dst=True), "Replaces the destination port."),
    Action("set-fc-mark", TOS, _number_setter(lib.FLOW_MARK_FRONT, UINT), "Marks packets to the client."),
    Action("set-fc-tos", TOS, _number_setter(lib.FLOW_TOS_FRONT, 255), "Type of service of packets to the client."),
    Action("set-mark", TOS, _number_setter(lib.FLOW_MARK_FRONT, UINT), "As set-fc-mark, by its older name."),
    Action("set-nice", (*REQUESTS, *RESPONSES), set_nice, "When this stream has its turn among others."),
    Action(
        "set-retries", REQUESTS, _number_setter(lib.FLOW_RETRIES, RETRIES_MAX, needs_backend), "Replaces `retries`."
    ),
    Action("set-src", (*CONNECTION, *REQUESTS), _address_setter(dst=False), "Replaces the client's address."),
    Action("set-src-port", (*CONNECTION, *REQUESTS), _port_setter(dst=False), "Replaces the client's port."),
    Action(
        "set-timeout",
        (Ruleset.HTTP_REQUEST, Ruleset.HTTP_RESPONSE),
        set_timeout,
        "Replaces a timeout for this stream.",
    ),
    Action("set-tos", TOS, _number_setter(lib.FLOW_TOS_FRONT, 255), "As set-fc-tos, by its older name."),
)
