"""Actions on fields of a head: add, set, delete, replace (manual 4.2, http-request add-header and its kin).

What rules write must not make two lines of one: names are checked when they are read, values when they are written. A
value with CR, LF or NUL is a failed rewrite, which in strict mode (the default) ends the stream with 500.
"""

from __future__ import annotations

import re
from collections.abc import Callable
from typing import Any

from lbcore.action.failure import Failed, failed
from lbcore.action.replace import Renew, SubstitutionError, substitute
from lbcore.action.room import NEAR, fits
from lbcore.action.spec import Spec, argument, regex, spec
from lbcore.http.members import split_list
from lbcore.sample.build import Build
from lbcore.sample.format import Format, parse_format
from lbcore.sample.words import ParseError, Words, wire
from lbcore.stream.message import Fields
from lbcore.stream.rules import ACTIONS, Action, Outcome, Ruleset, Run
from lbcore.stream.txn import Txn

HTTP = (Ruleset.HTTP_REQUEST, Ruleset.HTTP_RESPONSE, Ruleset.HTTP_AFTER)

find_unsafe = re.compile(r"[\r\n\0]").search  # what a value may not have
_NOT_TOKEN = re.compile(r"[^!#$%&'*+\-.^_`|~0-9A-Za-z]")  # RFC 9110 5.6.2
# What stands before a comma or the end; commas in quoted strings do not count (RFC 9110 5.6.4).
_PART = re.compile(r'((?:"(?:\\.|[^"\\])*(?:"|$)|[^",])*)(,|$)')
_AUTHORITY = re.compile(r"([A-Za-z][A-Za-z0-9+.-]*://)([^/?#]*)")


def field_name(words: Words, complaint: str) -> str:
    """Takes the name of a field, in lower case. Raises ParseError: it is missing, or no message may have it."""
    name = wire(argument(words, complaint))
    wrong = _NOT_TOKEN.search(name)
    if wrong:
        raise ParseError(f"header name '{name}' contains forbidden character '{wrong[0]}'")
    return name.lower()


def value_format(words: Words) -> Format:
    """Takes the format of a value. Raises ParseError, also for a constant one that could not be sent."""
    value = parse_format(words.take(), words)
    if any(find_unsafe(item.text) for item in value.items if item.literal):
        raise ParseError("a header value can't have a line break or a NUL")
    return value


def message_of(ruleset: Ruleset) -> Callable[[Txn], Fields]:
    """The message that a list's rules change."""
    return _request if ruleset is Ruleset.HTTP_REQUEST else _response


def _request(t: Txn) -> Fields:
    assert t.req is not None, "rules of requests run when one is there"
    return t.req


def _response(t: Txn) -> Fields:
    assert t.res is not None, "rules of responses run when one is there"
    return t.res


def set_header(words: Words, ruleset: Ruleset) -> Spec:
    """`set-header <name> <format>`: the only field of that name from now on."""
    return _written(words, ruleset, replace=True)


def add_header(words: Words, ruleset: Ruleset) -> Spec:
    """`add-header <name> <format>`."""
    return _written(words, ruleset, replace=False)


def _written(words: Words, ruleset: Ruleset, *, replace: bool) -> Spec:
    start = words.at - 1
    complaint = "expects exactly 2 arguments"
    if not words.peek(1):
        raise ParseError(complaint, words.at)
    name = field_name(words, complaint)
    value = value_format(words)
    request = ruleset is Ruleset.HTTP_REQUEST

    def make(build: Build) -> Run:
        if value.constant is not None:
            run = _constant_writer(request, name, value.constant, failed(ruleset), replace=replace)
        else:
            writer = _request_writer if request else _response_writer
            run = writer(name, value.make(build), failed(ruleset), replace=replace)
        if name == "connection" and not request:
            return _closing(run)
        return _following(run) if name == "host" and request else run

    return spec(words, start, make, mutates=True)


# Requests and responses have writers of their own: set-header is the action that configurations have most of.


def _request_writer(name: str, render: Callable[[Txn], str], fail: Failed, *, replace: bool) -> Run:
    start, mark = f"{name}: ", f"\r\n{name}: "

    def run(t: Any) -> Outcome | None:
        value = render(t)
        if find_unsafe(value):
            return fail(t)
        message = t.req
        if replace and mark in message.text:
            message.remove(name)
        line = f"{start}{value}\r\n"
        if len(message.text) + len(line) > NEAR and not fits(t, message, len(line)):
            return fail(t)
        message.text += line
        message.changed = True
        return None

    return run


def _response_writer(name: str, render: Callable[[Txn], str], fail: Failed, *, replace: bool) -> Run:
    start, mark = f"{name}: ", f"\r\n{name}: "

    def run(t: Any) -> Outcome | None:
        value = render(t)
        if find_unsafe(value):
            return fail(t)
        message = t.res
        if replace and mark in message.text:
            message.remove(name)
        line = f"{start}{value}\r\n"
        if len(message.text) + len(line) > NEAR and not fits(t, message, len(line)):
            return fail(t)
        message.text += line
        message.changed = True
        return None

    return run


def _constant_writer(request: bool, name: str, value: str, fail: Failed, *, replace: bool) -> Run:
    mark, line = f"\r\n{name}: ", f"{name}: {value}\r\n"

    size = len(line)

    def run(t: Any) -> Outcome | None:
        message = t.req if request else t.res
        if replace and mark in message.text:
            message.remove(name)
        if len(message.text) + size > NEAR and not fits(t, message, size):
            return fail(t)
        message.text += line
        message.changed = True
        return None

    return run


def _closing(write: Run) -> Run:
    """As `write`, of a response's Connection. The field itself is written by who sends the response, but that it says
    `close` ends the client's connection."""

    def run(t: Txn) -> Outcome | None:
        outcome = write(t)
        if outcome is None and t.res is not None:
            t.closes = "close" in (member.lower() for member in split_list(t.res.last("connection") or ""))
        return outcome

    return run


def _following(write: Run) -> Run:
    """As `write`, of Host; the authority of an absolute target follows, so that the two never differ."""

    def run(t: Txn) -> Outcome | None:
        outcome = write(t)
        if outcome is None:
            follow_host(t)
        return outcome

    return run


def follow_host(t: Txn) -> None:
    """Sets the authority of an absolute target to the last Host field (RFC 9112 3.2.2 wants them alike)."""
    request = t.req
    assert request is not None
    found = _AUTHORITY.match(request.target)
    host = request.last("host")
    if found and host is not None and host != found[2]:
        request.set_target(f"{found[1]}{host}{request.target[found.end() :]}")


def del_header(words: Words, ruleset: Ruleset) -> Spec:
    """`del-header <name> [-m {str|beg|end|sub|reg}]`."""
    start = words.at - 1
    name = wire(argument(words, "expects at least 1 argument"))
    method = "str"
    if words.peek() == "-m":
        words.take()
        method = argument(words, "-m flag expects exactly 1 argument")
    unwanted = _unwanted(name, method)
    message = message_of(ruleset)

    def make(build: Build) -> Run:
        def run(t: Txn) -> Outcome | None:
            message(t).remove_if(unwanted)
            return None

        def run_exact(t: Txn) -> Outcome | None:
            message(t).remove(exact)
            return None

        exact = name.lower()
        return run_exact if method == "str" else run

    return spec(words, start, make, mutates=True)


def _unwanted(name: str, method: str) -> Callable[[str], bool]:
    """What says of a name, in lower case, whether its fields go. Regular expressions see it in lower case, too."""
    lower = name.lower()
    if method == "reg":
        search = regex(name)
        return lambda field: search(field) is not None
    tests: dict[str, Callable[[str], bool]] = {
        "str": lower.__eq__,
        "beg": lambda field: field.startswith(lower),
        "end": lambda field: field.endswith(lower),
        "sub": lambda field: lower in field,
    }
    if method not in tests:
        raise ParseError(f"-m with unsupported matching method '{method}'")
    return tests[method]


def replace_header(words: Words, ruleset: Ruleset) -> Spec:
    """`replace-header <name> <regex> <format>`: each whole value that matches becomes what the format gives."""
    return _replaced(words, ruleset, _whole)


def replace_value(words: Words, ruleset: Ruleset) -> Spec:
    """`replace-value <name> <regex> <format>`: as replace-header, for each member of a comma-separated value."""
    return _replaced(words, ruleset, _members)


Change = Callable[[str, Renew], str | None]  # the new value, None: nothing of it matches


def _whole(value: str, renew: Renew) -> str | None:
    return renew(value)


def _members(value: str, renew: Renew) -> str | None:
    """The value with each member renewed that matches; the blanks around such a member go with it, as in HAProxy."""
    changed = False
    parts = []
    for match in _PART.finditer(value):
        part = match[1]
        new = renew(part.strip(" \t"))
        changed |= new is not None
        parts.append(part if new is None else new)
        if not match[2]:
            break
    return ",".join(parts) if changed else None


def _replaced(words: Words, ruleset: Ruleset, change: Change) -> Spec:
    start = words.at - 1
    complaint = "expects exactly 3 arguments"
    if not (words.peek() and words.peek(1) and words.peek(2)):
        raise ParseError(complaint, words.at)
    name = field_name(words, complaint)
    match = regex(words.take())
    value = value_format(words)
    message = message_of(ruleset)
    follows = name == "host" and ruleset is Ruleset.HTTP_REQUEST

    def make(build: Build) -> Run:
        render, fail, start_of = value.make(build), failed(ruleset), f"{name}: "

        def run(t: Txn) -> Outcome | None:
            fields = message(t)
            if f"\r\n{start_of}" not in fields.text:
                return None
            try:
                whole = _replace_fields(t, fields, start_of, change, substitute(match, render(t)))
            except SubstitutionError:
                return fail(t)
            if follows:
                follow_host(t)
            return None if whole else fail(t)

        return run

    return spec(words, start, make, mutates=True)


def _replace_fields(t: Txn, fields: Fields, start: str, change: Change, renew: Renew) -> bool:
    """Changes the values of the fields that begin with `start`; False if a new one can't stand in a message or is too
    long.

    Those before it are changed then, as in HAProxy. Raises SubstitutionError.
    """
    lines = fields.lines()
    for at, line in enumerate(lines):
        if not line.startswith(start):
            continue
        new = change(line[len(start) :], renew)
        if new is None:
            continue
        if find_unsafe(new) or not fits(t, fields, len(start) + len(new) - len(line)):
            return False
        lines[at] = start + new
        fields.replace_lines(lines)
    return True


ACTIONS.register(
    Action("add-header", HTTP, add_header, "Adds a field."),
    Action("del-header", HTTP, del_header, "Removes all fields of a name, or of names that match."),
    Action("replace-header", HTTP, replace_header, "Replaces whole values that match a regular expression."),
    Action("replace-value", HTTP, replace_value, "Replaces members of comma-separated values that match."),
    Action("set-header", HTTP, set_header, "Sets a field, removing those that had its name."),
)
