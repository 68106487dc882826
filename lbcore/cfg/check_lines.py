"""Lines of `tcp-check` and `http-check`: what the two have in common (manual 4.2).

A line says one step; steps stand in `ProxySettings` until `check_checks` makes a ruleset of them.
"""

from __future__ import annotations

import socket
from collections.abc import Callable
from typing import Any

from lbcore.base.address import Address
from lbcore.cfg.address import AddressError, Place, numeric_family, parse_address
from lbcore.cfg.arguments import Args, KeywordError, integer
from lbcore.cfg.known import not_yet
from lbcore.cfg.vocabulary import words_of
from lbcore.check.steps import Comment
from lbcore.check.tcpcheck_connect import Connect
from lbcore.check.tcpcheck_var import SetVar, UnsetVar
from lbcore.proxy.settings import ProxySettings
from lbcore.sample.format import parse_format
from lbcore.sample.points import Point
from lbcore.sample.rows import ArgumentError
from lbcore.sample.style import PLAIN
from lbcore.sample.variable import parse_conditions, parse_name
from lbcore.sample.words import ParseError

PORTS = range(1, 65536)
PEER = Place(descriptors=False)
_LATER = ("ssl", "sni", "alpn", "proto")
_EXPECTS = "Expects 'set-var(<var-name>)', 'set-var-fmt(<var-name>)' or 'unset-var(<var-name>)'"
FIELDS = {"http-check": "http_check_steps", "tcp-check": "tcp_check_steps"}


class StepLine:
    """The words of one line. Whatever is wrong with it is told under the name of the step."""

    def __init__(self, args: Args, kind: str) -> None:
        """`args` stand behind the name of the step."""
        self.args = args
        self.kind = kind
        self.name = args.line.text(args.position - 1)

    @property
    def steps(self) -> tuple[Any, ...]:
        """The steps that the proxy's own lines have said before."""
        return steps_of(self.args.proxy, self.kind)

    def fail(self, text: str) -> KeywordError:
        """What is to be raised."""
        return KeywordError(f"'{self.kind} {self.name}' : {text}.", self.args.position - 1)

    def take(self) -> str:
        return self.args.take()

    def value(self, missing: str) -> str:
        """The next word, which must be there."""
        text = self.args.take()
        if not text:
            raise self.fail(missing)
        return text

    def read(self, parse: Callable[[Any], Any], sentence: str = "{}") -> Any:
        """What `parse` makes of the next words: an expression, a format. `sentence` has what is wrong for `{}`."""
        words = words_of(self.args, Point.BE_CHECK)
        try:
            return parse(words)
        except ParseError as error:
            raise self.fail(sentence.replace("{}", str(error))) from None
        finally:
            self.args.position = min(words.at, len(words.texts))

    def format(self, text: str) -> Any:
        """A format that was taken already."""

        sentence = f"'{text}' invalid log-format string ({{}})"
        return self.read(lambda words: parse_format(text, words, PLAIN), sentence)

    def expression(self, sentence: str) -> Any:
        """The expression that comes next."""
        from lbcore.sample.expression import check_point, parse_expression  # with the vocabulary

        def parse(words: Any) -> Any:
            found = parse_expression(words)
            check_point(found, Point.BE_CHECK)
            return found

        return self.read(parse, sentence)

    def regex(self, text: str) -> str:
        """A regular expression that was taken already, looked at."""
        from lbcore.sample.regex import RegexError, compile_regex  # with the vocabulary

        try:
            compile_regex(text)
        except RegexError as error:
            raise self.fail(str(error)) from None
        return text


def steps_of(proxy: ProxySettings, kind: str) -> tuple[Any, ...]:
    """The steps that lines of the proxy itself have said; those of its `defaults` do not count once it has its own."""
    return getattr(proxy, FIELDS[kind]) if kind in proxy.places else ()


def add_step(args: Args, kind: str, step: Any) -> None:
    """Appends a step to those of the proxy."""
    proxy = args.proxy
    found = (*steps_of(proxy, kind), step)
    proxy.places[kind] = args.line.where
    setattr(proxy, FIELDS[kind], found)


def wire_text(text: str) -> str:
    """A text of the configuration, one character a byte."""
    return text if text.isascii() else text.encode("utf-8", "surrogateescape").decode("latin-1")


# --- steps of both ---


def comment(line: StepLine) -> Any:
    """`comment <text>`."""

    return Comment(comment=line.value("expects a string as argument"))


def connect(line: StepLine) -> Any:
    """`connect [default] [port <port>] [addr <address>] [send-proxy] [via-socks4] [linger] [comment <text>]`."""

    if not _may_connect(line.steps):
        raise line.fail(
            "first step MUST also be a 'connect', optionally preceded by a 'set-var', an 'unset-var' or a 'comment', "
            "when there is a 'connect' step in the tcp-check ruleset"
        )
    found: dict[str, Any] = {}
    while line.args.more:
        word = line.take()
        reader = _CONNECT.get(word)
        if word in _LATER:
            raise KeywordError(not_yet(f"{line.kind} connect {word}"), line.args.position - 1)
        if reader is None:
            raise line.fail(
                "expects 'comment', 'port', 'addr', 'send-proxy', 'ssl', 'sni', 'alpn' or 'via-socks4', 'linger', "
                f"'default' but got '{word}' as argument."
            )
        reader(line, found)
    return Connect(**found)


def _may_connect(steps: tuple[Any, ...]) -> bool:

    first = next((step for step in steps if not isinstance(step, (Comment, SetVar, UnsetVar))), None)
    return first is None or isinstance(first, Connect)


def _port(line: StepLine, found: dict[str, Any]) -> None:
    text = line.args.peek()
    if not text:
        raise line.fail("'port' expects a port number or a sample expression as argument.")
    if not text[0].isdecimal():
        found["port"] = line.expression("error detected while parsing port expression : {}")
        return
    line.take()
    port = integer(text)
    if port not in PORTS:
        raise line.fail(f"expects a valid TCP port (from range 1 to 65535) or a sample expression, got {text}.")
    found["port"] = port


def _addr(line: StepLine, found: dict[str, Any]) -> None:
    found["addr"] = address(line.args, line.value("'addr' expects <ipv4|ipv6> as argument."), line.fail)


def address(args: Args, text: str, fail: Callable[[str], KeywordError]) -> Address:
    """A numeric address, or the path of a unix socket."""
    try:
        parsed = parse_address(text, PEER, args.context.environment)
        if parsed.host and not _is_numeric(parsed):
            raise AddressError(f"invalid address: '{parsed.host}' in '{text}'")
    except AddressError as error:
        raise fail(f"'addr' : {error}") from None
    return parsed


def _is_numeric(parsed: Address) -> bool:
    return parsed.family == socket.AF_UNIX or numeric_family(parsed.host) is not None


def _comment(line: StepLine, found: dict[str, Any]) -> None:
    found["comment"] = line.value("'comment' expects a string as argument.")


_CONNECT: dict[str, Callable[[StepLine, dict[str, Any]], None]] = {
    "addr": _addr,
    "comment": _comment,
    "default": lambda line, found: found.update(default=True),
    "linger": lambda line, found: found.update(linger=True),
    "port": _port,
    "send-proxy": lambda line, found: found.update(send_proxy=True),
    "via-socks4": lambda line, found: found.update(via_socks4=True),
}


def variable(line: StepLine) -> Any:
    """`set-var(<name>[,<condition>...]) <expression>`, `set-var-fmt(...) <format>`, `unset-var(<name>)`."""

    action, name, conditions = _variable(line)
    if action == "unset-var":
        return UnsetVar(variable=name)
    if action == "set-var":
        if not line.args.more:
            raise line.fail(f"'{action}' : missing fetch method")
        return SetVar(variable=name, value=line.expression(f"'{action}' : {{}}"), tests=conditions)
    text = line.value(f"'{action}' : missing format")

    value = line.read(lambda words: parse_format(text, words, PLAIN), f"'{action}' : {{}}")
    return SetVar(variable=name, value=value, tests=conditions)


def _variable(line: StepLine) -> tuple[str, Any, Any]:
    """(the action, its variable, its conditions)."""

    action, mark, rest = line.name.partition("(")
    if not mark:
        raise line.fail(f"'{action}' : invalid or incomplete action '{action}'. {_EXPECTS}")
    if not rest.endswith(")"):
        raise line.fail(f"'{action}' : incomplete argument after action '{line.name}'. {_EXPECTS}")
    name, *conditions = rest[:-1].split(",")
    try:
        return action, parse_name(name), parse_conditions(conditions)
    except ArgumentError as error:
        raise line.fail(f"'{action}' : {error}") from None
