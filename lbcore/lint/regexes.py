"""Regular expressions (LB3xx)."""

from __future__ import annotations

import re
from collections.abc import Iterator

from lbcore.cfg.words import Line
from lbcore.lint.backtrack import exponential
from lbcore.lint.finding import Hit, Level, Lint, register
from lbcore.lint.subject import Section, Subject, expressions_of, tests_of
from lbcore.proxy.settings import ProxySettings
from lbcore.sample.acltest import Group
from lbcore.sample.expression import Expression
from lbcore.sample.reference import Inline, read_file

# Actions, and which of their arguments is a regular expression.
ACTIONS = {"replace-header": 1, "replace-path": 0, "replace-pathq": 0, "replace-uri": 0, "replace-value": 1}
LISTS = ("http-request", "http-response", "http-after-response")
_HOST_DOT = re.compile(r"(?<!\\)(?<![\])])\.(?=[A-Za-z])")
_OPEN_END = re.compile(r"\.[A-Za-z]{2,}\)?\Z")  # what looks like the end of a name
_REGSUB = re.compile(r"regsub\(\s*(?:\\?[\"'](?P<quoted>.*?)\\?[\"']|(?P<plain>[^,]*))\s*,")


def patterns(section: Section, proxy: ProxySettings) -> Iterator[tuple[str | Line, str]]:
    """All regular expressions of a proxy, each with its place."""
    for test in tests_of(proxy):
        if test.method.name == "reg":
            for group in test.groups:
                yield from ((test.where, text) for text in _of_group(group))
    for where, expression in expressions_of(proxy):
        yield from ((where, pattern) for pattern in _of_steps(expression))
    for line in section.lines:
        if line.text(0) not in LISTS:
            continue
        place = ACTIONS.get(line.text(1))
        if place is not None:
            yield line, line.text(2 + place)
        for text in line.texts():
            yield from ((line, found["quoted"] or found["plain"]) for found in _REGSUB.finditer(text))


def _of_group(group: Group) -> Iterator[str]:
    """Patterns that stand in the line, or in a file."""
    if isinstance(group.source, Inline):
        yield from group.source.texts
    else:
        yield from (entry.text for entry in read_file(group.source, group.kind == "map"))


def _of_steps(expression: Expression) -> Iterator[str]:
    """Patterns of converters: arguments, and keys of maps."""
    for step in expression.steps:
        if step.row.name == "regsub":
            yield str(step.args[0])
        elif step.row.name.startswith("map_reg"):
            yield from (entry.text for entry in read_file(str(step.args[0]), True))


def catastrophic(subject: Subject) -> Iterator[Hit]:
    for section, proxy in subject.proxies:
        for line, pattern in patterns(section, proxy):
            why = exponential(pattern)
            if why is not None:
                yield Hit(line, f"regex '{pattern}' may take exponential time: {why}", pattern)


def _of_hosts(subject: Subject) -> Iterator[tuple[str | Line, str]]:
    """The patterns that stand in the lines of tests of the Host, each with its place."""
    for _, proxy in subject.proxies:
        for test in tests_of(proxy):
            if test.method.name != "reg" or [str(arg).lower() for arg in test.expression.args[:1]] != ["host"]:
                continue
            for group in test.groups:
                if isinstance(group.source, Inline):
                    yield from ((test.where, text) for text in group.source.texts)


def unescaped_dot(subject: Subject) -> Iterator[Hit]:
    for where, text in _of_hosts(subject):
        if _HOST_DOT.search(text):
            yield Hit(where, f"a dot of '{text}' stands for any character", text)


def unanchored_host(subject: Subject) -> Iterator[Hit]:
    for where, text in _of_hosts(subject):
        if _OPEN_END.search(text):
            yield Hit(where, f"'{text}' has no end: any longer name matches, too", text)


register(
    Lint("LB301", "catastrophic-regex", Level.ERROR, "A regular expression may take exponential time.",
         "Write it without nested repeats or overlapping alternatives, or use -m beg, -m end, -m sub; a client who "
         "knows the pattern can stop a thread with one request.", catastrophic),
    Lint("LB302", "unescaped-dot-in-host", Level.WARNING, "A dot of a host's pattern is not escaped.",
         r"Write '\.': 'wwwXexample.com' may belong to somebody else.", unescaped_dot),
    Lint("LB303", "unanchored-host", Level.WARNING, "A host's pattern matches longer names, too.",
         "End it with '$' (and ':' with a port, if there may be one): 'example.com.evil.net' may be somebody else's.",
         unanchored_host),
)  # fmt: skip
