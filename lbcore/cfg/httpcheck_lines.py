"""Lines of `http-check` (manual 4.2)."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

from lbcore.cfg.arguments import Args
from lbcore.cfg.check_lines import StepLine, comment, connect, variable, wire_text
from lbcore.cfg.tcpcheck_lines import Patterns, pattern, read_expect, read_step, text_pattern
from lbcore.check.httpcheck_expect import HttpExpect, Pattern
from lbcore.check.httpcheck_send import HttpSend
from lbcore.check.steps import Comment
from lbcore.check.tcpcheck_connect import Connect
from lbcore.check.tcpcheck_var import SetVar, UnsetVar
from lbcore.sample.format import parse_format
from lbcore.sample.style import PLAIN

_SUPPORTS = (
    "only supports 'disable-on-404', 'send-state', 'comment', 'connect', 'send', 'expect', 'set-var-fmt(*)', "
    "'set-var(*)', 'unset-var(*)'."
)
_MATCHES = (
    "'only supports min-recv, [!]string', '[!]rstring', '[!]string-lf', '[!]status', '[!]rstatus', [!]hdr, [!]fhdr or "
    "comment"
)
_HOWS = ("str", "beg", "end", "sub", "reg")
_LIST = "'str', 'beg', 'end', 'sub' or 'reg'"


def http_check(args: Args) -> None:
    """`http-check <step> ...`, and the two options of HTTP checks."""
    if args.ignored("backend"):
        args.rest()
        return
    if args.peek() in ("disable-on-404", "send-state"):
        setattr(args.proxy, args.take().replace("-on-", "_on_").replace("-", "_"), True)
        return
    read_step(args, "http-check", _STEPS, _SUPPORTS)


# --- send ---


def send(line: StepLine) -> Any:
    """`send [meth <method>] [uri <uri>|uri-lf <format>] [ver <version>] [hdr <name> <format>]*
    [body <text>|body-lf <format>] [comment <text>]`."""

    _check_order(line, "send", "connect", _is_expect)
    found: dict[str, Any] = {}
    while line.args.more:
        word = line.take()
        reader = _SEND.get(word)
        if reader is None:
            raise line.fail(
                "expects 'comment', 'meth', 'uri', 'uri-lf', 'ver', 'hdr', 'body' or 'body-lf' "
                f"but got '{word}' as argument."
            )
        reader(line, found)
    given = frozenset(found)
    return HttpSend(**found, given=given)


def _check_order(line: StepLine, what: str, missing: str, wrong: Callable[[Any], bool]) -> None:
    """A request needs a connection of its own, a response its request."""

    before = [step for step in line.steps if not isinstance(step, (Comment, SetVar, UnsetVar))]
    if before and wrong(before[-1]):
        number = len(line.steps) + 1
        raise line.fail(f"unable to add http-check {what} rule at step {number} (missing {missing} rule).")


def _is_expect(step: Any) -> bool:

    return isinstance(step, HttpExpect)


def _string(name: str, field: str) -> Callable[[StepLine, dict[str, Any]], None]:
    def read(line: StepLine, found: dict[str, Any]) -> None:
        found[field] = wire_text(line.value(f"'{name}' expects a string as argument."))

    return read


def _format(name: str, field: str) -> Callable[[StepLine, dict[str, Any]], None]:
    def read(line: StepLine, found: dict[str, Any]) -> None:
        found[field] = line.format(line.value(f"'{name}' expects a string as argument."))

    return read


def _header(line: StepLine, found: dict[str, Any]) -> None:
    name, text = line.take(), line.take()
    if not name or not text:
        raise line.fail("'hdr' expects <name> and <value> as arguments")

    value = line.read(lambda words: parse_format(text, words, PLAIN))
    found["headers"] = (*found.get("headers", ()), (name, value))


_SEND: dict[str, Callable[[StepLine, dict[str, Any]], None]] = {
    "body": _string("body", "body"),
    "body-lf": _format("body-lf", "body"),
    "comment": _string("comment", "comment"),
    "hdr": _header,
    "meth": _string("meth", "method"),
    "uri": _string("uri", "uri"),
    "uri-lf": _format("uri-lf", "uri"),
    "ver": _string("ver", "version"),
}


# --- expect ---


def expect(line: StepLine) -> Any:
    """`expect [<option> ...] [!] <match> <pattern>` on a response."""

    if line.args.proxy.check_kind == "httpchk" or len(line.steps) > 1:
        _check_order(line, "expect", "send", lambda step: isinstance(step, Connect))
    return HttpExpect(**read_expect(line, _PATTERNS, _MATCHES))


def _codes(line: StepLine, match: str) -> dict[str, Any]:
    return {"codes": tuple(_ranges(line, pattern(line, match)))}


def _ranges(line: StepLine, text: str) -> list[range]:
    wrong = next((char for char in text if char not in "0123456789-,"), None)
    if wrong is not None:
        raise line.fail(f"invalid character '{wrong}' in the list of status codes")
    found = []
    for part in text.split(","):
        low, dash, high = part.partition("-")
        if not part:
            continue
        if not low or (dash and (not high.isdecimal() or int(high) < int(low))):
            raise line.fail(f"invalid range of status codes '{part}'")
        found.append(range(int(low), int(high if dash else low) + 1))
    return found


def _fields(line: StepLine, match: str) -> dict[str, Any]:
    """`{name|name-lf} [-m <method>] <name> [{value|value-lf} [-m <method>] <value>]`."""
    lacking = f"'{match}' expects at the name keyword as first argument followed by a pattern"
    word = line.take()
    if word not in ("name", "name-lf"):
        raise line.fail(lacking)
    found = {"name": _pattern(line, match, word, lacking)}
    if line.args.peek() in ("value", "value-lf"):
        found["value"] = _pattern(line, match, line.take(), f"'{match}' expect a pattern with the value keyword")
    return found


def _pattern(line: StepLine, match: str, word: str, lacking: str) -> Any:

    how = "str"
    if line.args.peek() == "-m":
        line.take()
        how = line.value(f"'{match}' : '-m' expects at a matching pattern ({_LIST})")
        if how not in _HOWS:
            raise line.fail(f"'{match}' : '-m' only supports {_LIST} (got '{how}')")
        if how == "reg" and word.endswith("-lf"):
            raise line.fail(f"'{match}': log-format string is not supported with a regex matching method")
    text: Any = line.value(lacking)
    if word.endswith("-lf"):
        return Pattern(how, line.format(text))
    return Pattern(how, line.regex(wire_text(text)) if how == "reg" else wire_text(text))


_PATTERNS: Patterns = {
    "fhdr": _fields,
    "hdr": _fields,
    "rstatus": text_pattern,
    "rstring": text_pattern,
    "status": _codes,
    "string": text_pattern,
    "string-lf": text_pattern,
}

_STEPS: dict[str, Callable[[StepLine], Any]] = {
    "comment": comment,
    "connect": connect,
    "expect": expect,
    "send": send,
    "set-var": variable,
    "set-var-fmt": variable,
    "unset-var": variable,
}
