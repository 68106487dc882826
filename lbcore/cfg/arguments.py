"""The words after a keyword, as its parse function takes them: one by one, with errors that know where they belong.

A parse function takes what it knows and returns; whatever it leaves is refused by the dispatcher in HAProxy's words. It
raises `KeywordError` for what is wrong, and the dispatcher goes on with the next line.
"""

from __future__ import annotations

import re
from enum import Enum

from lbcore.base.diag import Diagnostic, Severity
from lbcore.cfg.context import Context
from lbcore.cfg.diagnostics import readable
from lbcore.cfg.units import UnitError, parse_time
from lbcore.cfg.words import Line
from lbcore.conn.settings import BindSettings
from lbcore.proxy.settings import ProxySettings, ServerSettings

# How a message begins. HAProxy has these ways of naming a line, and tools look for its exact text.
SPACED = "parsing [{where}] : "
TIGHT = "parsing [{where}]: "
CAPITAL = "Parsing [{where}]: "
SERVER = "[{where}] : "

# The most threads, which is what HAProxy has in a group.
MAX_THREADS = 64

_INTEGER = re.compile(r"[+-]?[0-9]{1,18}")
_INT_MAX = 2**31 - 1  # what the settings become in the end are C integers


class Form(Enum):
    """How a keyword was written: `log ...`, `no log`, `default log`."""

    SET = ""
    NO = "no"
    DEFAULT = "default"


class KeywordError(Exception):
    """A line can't be used. `text` is HAProxy's sentence, `at` the index of the word at fault, None: the last taken."""

    def __init__(self, text: str, at: int | None = None, hint: str | None = None, lead: str = SPACED) -> None:
        super().__init__(text)
        self.text = text
        self.at = at
        self.hint = hint
        self.lead = lead
        self.tail = ""  # what HAProxy says after the suggestion


class Args:
    """A line bound to the keyword that claims it. `bind` and `server` are there for options of such lines only.

    `name` is the keyword as written ("timeout client"), `position` the index of the next word.
    No lock: it lives for one line.
    """

    __slots__ = ("bind", "context", "form", "line", "name", "position", "server")

    bind: BindSettings
    server: ServerSettings

    def __init__(self, context: Context, line: Line, name: str, position: int, form: Form = Form.SET) -> None:
        self.context = context
        self.line = line
        self.name = name
        self.position = position
        self.form = form

    @property
    def proxy(self) -> ProxySettings:
        """The proxy of the section; only keywords of proxy sections may ask."""
        proxy = self.context.proxy
        assert proxy is not None, f"'{self.name}' asks for a proxy in section '{self.context.section}'"
        return proxy

    @property
    def in_defaults(self) -> bool:
        """Whether the line stands in a `defaults` section."""
        return self.proxy.kind == "defaults"

    @property
    def more(self) -> bool:
        """Whether words are left."""
        return self.position < len(self.line.words)

    def peek(self) -> str:
        """The next word without taking it, "" when there is none."""
        return self.line.text(self.position)

    def take(self) -> str:
        """The next word, "" when there is none: a keyword sees a missing argument as an empty one."""
        self.position += 1
        return self.line.text(self.position - 1)

    def rest(self) -> list[str]:
        """All words that are left."""
        words = [word.text for word in self.line.words[self.position :]]
        self.position += len(words)
        return words

    def warn(self, text: str, lead: str = SPACED, at: int | None = None) -> None:
        """Adds a warning about this line; the caret stands under the word `at`."""
        report(self.context, Severity.WARNING, self.line, text, lead=lead, at=at)

    def ignored(self, capability: str, advice: str = "") -> bool:
        """Warns, and is true, if the proxy lacks a capability ("frontend" or "backend") that the keyword needs."""
        proxy = self.proxy
        if proxy.has_frontend if capability == "frontend" else proxy.has_backend:
            return False
        self.warn(f"'{self.name}' ignored because {lacks(proxy, capability)}.{advice}")
        return True


def lacks(proxy: ProxySettings, capability: str) -> str:
    """HAProxy's phrase for a keyword on the wrong side."""
    return f"{kind_word(proxy)} '{proxy.name}' has no {capability} capability"


def kind_word(proxy: ProxySettings) -> str:
    """What HAProxy's messages call a proxy: a `listen` section is a "proxy"."""
    return "proxy" if proxy.kind == "listen" else proxy.kind


def report(
    context: Context,
    severity: Severity,
    line: Line | None,
    text: str,
    *,
    lead: str = SPACED,
    at: int | None = None,
    hint: str | None = None,
    tail: str = "",
) -> None:
    """Adds one message about a line (None: about the configuration as a whole)."""
    if line is None:
        add = context.reporter.alert if severity is Severity.ALERT else context.reporter.warning
        add(None, None, text, hint)
        return
    meant = f"; did you mean '{hint}' maybe ?" if hint else ""
    where = f"{readable(line.file)}:{line.number}"
    column = line.word(at).column if at is not None else 0
    before = readable(line.source[: max(column - 1, 0)])
    context.reporter.diagnostics.add(
        Diagnostic(
            severity,
            f"config : {lead.format(where=where)}{readable(text)}{meant}{tail}",
            readable(line.file),
            line.number,
            len(before) + 1 if column else 0,
            readable(line.source),
            hint,
        )
    )


def integer(text: str) -> int | None:
    """A decimal number of 32 bits, None if the text is none. Unlike atol(), garbage is not silently zero."""
    value = int(text) if _INTEGER.fullmatch(text) else None
    return value if value is not None and abs(value) <= _INT_MAX else None


def number(args: Args, low: int | None = None, high: int | None = None) -> int:
    """Takes the integer that a keyword needs. Raises KeywordError if it is missing, no number or out of range."""
    text = args.take()
    if not text:
        raise KeywordError(f"'{args.name}' expects an integer argument.")
    value = integer(text)
    if value is None:
        raise KeywordError(f"'{args.name}' expects an integer argument, found '{text}'.")
    if (low is not None and value < low) or (high is not None and value > high):
        raise KeywordError(f"'{args.name}' expects {_span(low, high)} (got {value}).")
    return value


def _span(low: int | None, high: int | None) -> str:
    if high is not None:
        return f"an integer between {low} and {high}"
    return "a positive integer" if low == 1 else f"an integer of at least {low}"


def switch(args: Args) -> bool:
    """Takes `on` or `off`."""
    text = args.take()
    if text not in ("on", "off"):
        raise KeywordError(f"'{args.name}' expects either 'on' or 'off' but got '{text}'.")
    return text == "on"


def time(text: str, name: str, unexpected: str, unit: str = "ms") -> int:
    """A time in `unit`, which is also what a bare number counts.

    `unexpected` is the keyword's own sentence for a wrong character, with `{}` where that goes. Raises KeywordError.
    """
    try:
        return parse_time(text, unit, name=name)
    except UnitError as error:
        if error.kind in ("character", "empty"):
            raise KeywordError(unexpected.format(error.char)) from None
        raise KeywordError(str(error)) from None


def number_set(text: str, high: int, low: int = 1) -> list[int]:
    """The numbers of `all`, `odd`, `even`, `N`, `N-M` or `N-`. Raises KeywordError with HAProxy's text."""
    whole = {"all": range(low, high + 1), "odd": range(1, high + 1, 2), "even": range(2, high + 1, 2)}.get(text)
    if whole is not None:
        return list(whole)
    first, dash, last = text.partition("-")
    if text and not (first + last).isdecimal():
        raise KeywordError(f"'{text}' is not a valid number/range.")
    start = _small(first, -1)
    end = _small(last, high if dash else start)
    if not low <= start <= high or not low <= end <= high:
        raise KeywordError(f"'{text}' is not a valid number/range. It supports numbers from {low} to {high}.")
    return list(range(min(start, end), max(start, end) + 1))


def _small(digits: str, otherwise: int) -> int:
    """The number, `otherwise` for no digits; one of many digits is as good as none in range."""
    return (integer(digits) or 0) if digits else otherwise
