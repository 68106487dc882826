"""Lines of `tcp-check` (manual 4.2)."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

from lbcore.cfg.arguments import Args, KeywordError, integer
from lbcore.cfg.check_lines import StepLine, add_step, comment, connect, variable, wire_text
from lbcore.check.tcpcheck_expect import ExpectBytes
from lbcore.check.tcpcheck_send import Send
from lbcore.proxy.health import CheckStatus

_OK = ("L4OK", "L6OK", "L7OK", "L7OKC")
_ERROR = ("L4CON", "L6RSP", "L7OKC", "L7RSP", "L7STS")
_TOUT = ("L4TOUT", "L6TOUT", "L7TOUT")
_SUPPORTS = (
    "only supports 'comment', 'connect', 'send', 'send-binary', 'expect', 'set-var-fmt(*)', 'set-var(*)', "
    "'unset-var(*)'."
)
_MATCHES = (
    "'only supports min-recv, '[!]binary', '[!]string', '[!]rstring', '[!]string-lf''[!]rbinary', '[!]binary-lf' or "
    "comment"
)


def tcp_check(args: Args) -> None:
    """`tcp-check <step> ...`."""
    if args.ignored("backend"):
        args.rest()
        return
    read_step(args, "tcp-check", _STEPS, _SUPPORTS)


def read_step(args: Args, kind: str, steps: dict[str, Callable[[StepLine], Any]], supports: str) -> None:
    """Reads the step that a line says, and adds it to the proxy."""
    word = args.take()
    reader = steps.get(word.partition("(")[0])
    if reader is None:
        raise KeywordError(f"'{kind}' {supports} but got '{word}'", 1)
    add_step(args, kind, reader(StepLine(args, kind)))


# --- send ---


def send(line: StepLine) -> Any:
    """`send <text>`, `send-lf <format>`, `send-binary <hex>`, `send-binary-lf <format>`, each `[comment <text>]`."""

    what = "binary string" if line.name == "send-binary" else "string"
    text: Any = line.value(f"'{what}' expects a {line.name} as argument")
    if line.name.endswith("-lf"):
        text = line.format(text)
    elif line.name == "send-binary":
        text = hexadecimal(line, text, f"'{text}' ")
    else:
        text = wire_text(text)
    told = ""
    while line.args.more:
        word = line.take()
        if word != "comment":
            raise line.fail(f"expects 'comment' but got '{word}' as argument.")
        told = line.value("'comment' expects a string as argument.")
    return Send(text=text, hexadecimal=line.name == "send-binary-lf", comment=told)


def hexadecimal(line: StepLine, text: str, lead: str = "") -> str:
    """The bytes that a text spells, one character each."""
    if len(text) % 2:
        raise line.fail(f"{lead}invalid binary string (an even number of hex digit is expected)")
    wrong = next((char for char in text if char not in "0123456789abcdefABCDEF"), None)
    if wrong is not None:
        raise line.fail(f"{lead}invalid binary string (an hex digit is expected (found '{wrong}'))")
    return bytes.fromhex(text).decode("latin-1")


# --- expect ---


def expect(line: StepLine) -> Any:
    """`expect [<option> ...] [!] <match> <pattern>` on bytes."""

    return ExpectBytes(**read_expect(line, _PATTERNS, _MATCHES))


Patterns = dict[str, Callable[[StepLine, str], dict[str, Any]]]


def read_expect(line: StepLine, patterns: Patterns, supports: str) -> dict[str, Any]:
    """The fields of an `expect` step: options, and one of the patterns."""
    if not line.args.more:
        raise line.fail("expects at least a matching pattern as arguments")
    found: dict[str, Any] = {}
    negated = False
    while line.args.more:
        word = line.take()
        if word == "!" and line.args.peek():
            negated = not negated
            continue
        if word.startswith("!") and word[1:] in patterns:
            negated, word = not negated, word[1:]
        if word in patterns:
            if "match" in found:
                raise line.fail("only on pattern expected")
            found |= patterns[word](line, word)
            found["match"] = word
        elif word in _OPTIONS:
            _OPTIONS[word](line, found)
        else:
            raise line.fail(f"{supports} but got '{word}' as argument.")
    if "match" not in found:
        raise line.fail("pattern not found")
    found["negated"] = negated
    return found


def pattern(line: StepLine, match: str) -> str:
    """The word behind the name of a match."""
    return line.value(f"'{match}' expects a <pattern> as argument")


def text_pattern(line: StepLine, match: str) -> dict[str, Any]:
    """`string`, `rstring`, `string-lf`."""
    text: Any = pattern(line, match)
    if match.endswith("-lf"):
        return {"pattern": line.format(text)}
    return {"pattern": line.regex(wire_text(text)) if match.startswith("r") else wire_text(text)}


def _binary(line: StepLine, match: str) -> dict[str, Any]:
    return {"pattern": hexadecimal(line, pattern(line, match))}


_PATTERNS: Patterns = {
    "binary": _binary,
    "binary-lf": text_pattern,
    "rbinary": text_pattern,
    "rstring": text_pattern,
    "string": text_pattern,
    "string-lf": text_pattern,
}


def _min_recv(line: StepLine, found: dict[str, Any]) -> None:
    text = line.value("'min-recv' expects a integer as argument")
    value = integer(text)
    if value is None or value < -1:
        raise line.fail("'min-recv' expects -1 or an integer from 0 to INT_MAX")
    found["min_recv"] = value


def _comment(line: StepLine, found: dict[str, Any]) -> None:
    found["comment"] = line.value("'comment' expects a string as argument")


def _status(name: str, allowed: tuple[str, ...], told: str) -> Callable[[StepLine, dict[str, Any]], None]:
    def read(line: StepLine, found: dict[str, Any]) -> None:
        text = line.value(f"'{name}' expects a string as argument")
        if text not in allowed:
            raise line.fail(f"'{name}' only supports {told} status (got '{text}').")
        found[name.replace("-", "_")] = CheckStatus[text]

    return read


def _told(name: str) -> Callable[[StepLine, dict[str, Any]], None]:
    def read(line: StepLine, found: dict[str, Any]) -> None:
        found[name.replace("-", "_")] = line.format(line.value(f"'{name}' expects a string as argument"))

    return read


def _status_code(line: StepLine, found: dict[str, Any]) -> None:
    if not line.args.more:
        raise line.fail("'status-code' expects an expression as argument")
    found["status_code"] = line.expression("error detected while parsing status-code expression : {}")


_OPTIONS: dict[str, Callable[[StepLine, dict[str, Any]], None]] = {
    "comment": _comment,
    "error-status": _status("error-status", _ERROR, "'L4CON', 'L6RSP', 'L7RSP' or 'L7STS'"),
    "min-recv": _min_recv,
    "ok-status": _status("ok-status", _OK, "'L4OK', 'L6OK', 'L7OK' or 'L7OKC'"),
    "on-error": _told("on-error"),
    "on-success": _told("on-success"),
    "status-code": _status_code,
    "tout-status": _status("tout-status", _TOUT, "'L4TOUT', 'L6TOUT' or 'L7TOUT'"),
}

_STEPS: dict[str, Callable[[StepLine], Any]] = {
    "comment": comment,
    "connect": connect,
    "expect": expect,
    "send": send,
    "send-binary": send,
    "send-binary-lf": send,
    "send-lf": send,
    "set-var": variable,
    "set-var-fmt": variable,
    "unset-var": variable,
}
