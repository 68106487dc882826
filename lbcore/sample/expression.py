"""Sample expressions: from words to functions of the transaction (manual 7.3).

    expression = parse_expression(words)                     hdr(host),lower,map(/etc/hosts.map)
    fetch = expression.make(build, Type.STR)                 once, when a balancer is built
    value = fetch(t)                                         None: there is no sample

Each step is resolved and cast ahead of time; what runs is one small generated function with one line a step.
"""

from __future__ import annotations

from collections.abc import Callable, Iterable, Iterator, Sequence
from dataclasses import dataclass
from functools import cache
from typing import Any

from lbcore.sample import points
from lbcore.sample.build import Build
from lbcore.sample.grammar import NAME, read_arguments
from lbcore.sample.known import CONVERTERS_NOT_DONE, FETCHES_NOT_DONE, nearest, not_done
from lbcore.sample.mentions import look_at, signature
from lbcore.sample.points import Point
from lbcore.sample.rows import CONVERTERS, FETCHES, Arg, ArgumentError, Converter, Fetch, Fetcher, Txn
from lbcore.sample.sources import source_of
from lbcore.sample.types import Type, Value, caster, same
from lbcore.sample.words import ParseError, Words

ManyFetcher = Callable[[Txn], Iterable[Value]]
Bind = Callable[[object, str], str]

# What fetches of these points read is there for good, unlike figures of the process, or the clock.
_PURE = frozenset({points.CLIENT, points.EITHER, points.FRONTEND, points.REQUEST, points.REQUEST_KEPT, points.RESPONSE})


@dataclass(frozen=True, slots=True)
class Step:
    """A converter with its arguments."""

    row: Converter
    args: tuple[Arg, ...]


@dataclass(frozen=True, slots=True)
class Expression:
    """A fetch with its arguments, and the converters behind it.

    `text` is how it was written, `type` what comes out as far as it is known, `points` where it may be asked for.
    """

    text: str
    row: Fetch
    args: tuple[Arg, ...]
    steps: tuple[Step, ...]
    type: Type

    @property
    def points(self) -> Point:
        """Where it may be asked for."""
        return self.row.points

    def make(self, build: Build, want: Type | None = None) -> Fetcher:
        """A function of the transaction that gives the value (cast to `want`) or None. Raises BuildError."""
        fetch = self.row.make(self.args, build)
        conversions = self.conversions(build, want)
        made: Fetcher = _chain(tuple(txn for txn, _ in conversions))(fetch, *(step for _, step in conversions))
        return made

    def make_many(self, build: Build, want: Type | None = None) -> ManyFetcher:
        """As `make`, but the function gives all values that the message has for it: up to one which a converter makes
        nothing of, as HAProxy does. One that can't be cast to `want` is left out."""
        if self.row.many is None:
            return _only(self.make(build, want))
        fetch = self.row.many(self.args, build)
        steps, casts = self.conversions(build, None), _cast(self.type, want) if want is not None else []
        if steps:
            fetch = _converted(fetch, steps)
        return _cast_all(fetch, casts[0][1]) if casts else fetch

    def source(self, build: Build, bind: Bind, want: Type | None = None) -> str:
        """A Python expression over `t` that gives what `make` does; `bind(object, hint)` gives the name of a global."""
        if self.inlines and (want is None or caster(self.type, want) is same):
            return self.row.inline
        return f"{bind(self.make(build, want), 'fetch')}(t)"

    @property
    def inlines(self) -> bool:
        """Whether the fetch itself can stand in generated code where there is an HTTP message."""
        return bool(self.row.inline) and not self.args and not self.steps

    @property
    def pure(self) -> bool:
        """Whether it gives the same each time, until a rule changes the message or the connection."""
        return self.row.points in _PURE and not any(step.row.txn for step in self.steps)

    def conversions(self, build: Build, want: Type | None) -> list[tuple[bool, Any]]:
        """(whether it takes the transaction, too; the function) of all casts and converters in their order."""
        found: list[tuple[bool, Any]] = []
        now = self.row.type
        for step in self.steps:
            found += _cast(now, step.row.takes)
            found.append((step.row.txn, step.row.make(step.args, build)))
            now = now if step.row.gives is Type.SAME else step.row.gives
        return found + (_cast(now, want) if want is not None else [])


def _cast(source: Type, target: Type) -> list[tuple[bool, Any]]:
    convert = caster(source, target)
    assert convert is not None, "looked at while parsing"
    return [] if convert is same else [(False, convert)]


def _only(fetch: Fetcher) -> ManyFetcher:
    def values(t: Txn) -> tuple[Value, ...]:
        value = fetch(t)
        return () if value is None else (value,)

    return values


def _converted(fetch: ManyFetcher, steps: list[tuple[bool, Any]]) -> ManyFetcher:
    """What `fetch` gives after these steps, until one fails."""
    convert = _chain(tuple(txn for txn, _ in steps), fetched=True)(None, *(step for _, step in steps))

    def convert_all(t: Txn) -> Iterator[Value]:
        for value in fetch(t):
            converted = convert(t, value)
            if converted is None:
                return
            yield converted

    return convert_all


def _cast_all(fetch: ManyFetcher, cast: Callable[[Value], Value | None]) -> ManyFetcher:
    """What `fetch` gives, cast, without what can't be."""

    def values(t: Txn) -> Iterator[Value]:
        for value in fetch(t):
            converted = cast(value)
            if converted is not None:
                yield converted

    return values


@cache
def _chain(steps: tuple[bool, ...], fetched: bool = False) -> Callable[..., Any]:
    """What makes the function of a chain of such steps: it takes the fetch and the steps themselves.

    With `fetched`, the function made takes the transaction and the value fetched, else the transaction alone.
    """
    if not steps and not fetched:
        return lambda fetch: fetch
    names = [f"f{at}" for at in range(len(steps))]
    lines = [f"def maker({', '.join(['fetch', *names])}):"]
    lines += [" def run(t, v):"] if fetched else [" def run(t):", "  v = fetch(t)"]
    for name, txn in zip(names, steps, strict=True):
        lines += ["  if v is None: return None", f"  v = {name}(t, v)" if txn else f"  v = {name}(v)"]
    lines += ["  return v", " return run"]
    scope: dict[str, Any] = {}
    exec("\n".join(lines), scope)
    maker: Callable[..., Any] = scope["maker"]
    return maker


# ---- reading ----


def parse_expression(words: Words) -> Expression:
    """The expression that begins at the next word; takes its words. Raises ParseError.

    Converters may stand in following words: a word that begins with the name of one goes on with the expression.
    """
    start = words.at
    first = words.take()
    try:
        expression = _whole_word(first, words.notes)
        while words.more:
            longer = _continued(expression, words.peek())
            if longer is None:
                break
            words.at += 1
            expression = longer
        look_at(words, expression.row, expression.args, expression.steps)
    except ParseError as error:
        raise ParseError(str(error), words.at - 1, error.hint) from None
    check_point(expression, words.point, start)
    return expression


def parse_word(words: Words, commas: bool = False) -> Expression:
    """As `parse_expression`, for an ACL: the next word alone; with `commas` also of those behind a word that
    ends in a comma."""
    start = words.at
    try:
        expression = _whole_word(words.take(), words.notes)
        while commas and words.peek(-1).endswith(","):
            longer = _continued(expression, words.peek())
            if longer is None:
                break
            words.at += 1
            expression = longer
        look_at(words, expression.row, expression.args, expression.steps, acl=True)
    except ParseError as error:
        raise ParseError(str(error), start, error.hint) from None
    check_point(expression, words.point, start)
    return expression


def parse_criterion(words: Words, criterion: str, fetch: str) -> Expression:
    """The expression of an ACL whose next word begins with a `criterion` that stands for `fetch`. Raises ParseError."""
    start = words.at
    text = words.take()
    row = FETCHES.get(fetch)
    if row is None:
        raise ParseError(not_done("ACL keyword", criterion), start)
    try:
        args, end = read_arguments(text, len(criterion), signature(row.signature))
    except ArgumentError as error:
        raise ParseError(f"ACL keyword '{criterion}' : {error}", start) from None
    try:
        row.check(args)
    except ArgumentError as error:
        raise ParseError(f"in argument to '{criterion}', {error}", start) from None
    try:
        steps, kind, _ = _read_steps(text, end, row.type, "", fetch=True)
        look_at(words, row, args, steps, acl=True)
    except ParseError as error:
        raise ParseError(f"ACL keyword '{criterion}' : {error}.", start, error.hint) from None
    return Expression(text, row, args, steps, kind)


def parse_prefix(text: str, at: int, words: Words) -> tuple[Expression, int]:
    """The expression that begins at an offset of a text, and the offset of what is none of it. Raises ParseError.

    For expressions inside of other texts (log-format); the point is not looked at.
    """
    expression, end = _read(text, at, partial=True)
    look_at(words, expression.row, expression.args, expression.steps)
    return expression, end


def check_point(expression: Expression, point: Point, at: int | None = None) -> None:
    """Raises ParseError if what an expression reads is not there at `point` (0: anywhere goes)."""
    if point and not expression.points & point:
        reads = f"extracts information from '{source_of(expression.row)}', none of which is available here"
        raise ParseError(f"fetch method '{expression.text}' {reads}", at)


def _whole_word(text: str, notes: dict[str, object]) -> Expression:
    """The expression that a word is. Configurations say the same ones again and again: kept for the load."""
    known = notes.setdefault(__name__, {})
    assert isinstance(known, dict)
    expression = known.get(text)
    if expression is None:
        expression = known[text] = _read(text, 0)[0]
    found: Expression = expression
    return found


def _continued(expression: Expression, word: str) -> Expression | None:
    """`expression` with the converters of a further word, None if that is no part of it."""
    name = NAME.match(word)
    if name is None or name[0] not in CONVERTERS:
        return None
    steps, kind, _ = _read_steps(word, 0, expression.type, name[0])
    return Expression(f"{expression.text},{word}", expression.row, expression.args, expression.steps + steps, kind)


def _read(text: str, at: int, partial: bool = False) -> tuple[Expression, int]:
    name = NAME.match(text, at)
    if name is None or not name[0]:
        raise ParseError("missing fetch method")
    row = FETCHES.get(name[0])
    if row is None:
        raise _unknown("fetch method", name[0], FETCHES, FETCHES_NOT_DONE)
    args, end = fetch_arguments(row, text, name.end(), name[0])
    steps, kind, end = _read_steps(text, end, row.type, name[0], partial, fetch=True)
    return Expression(text[at:end], row, args, steps, kind), end


def fetch_arguments(row: Fetch, text: str, at: int, name: str) -> tuple[tuple[Arg, ...], int]:
    """The arguments of a fetch that stand at an offset, and the offset behind them. Raises ParseError."""
    try:
        args, end = read_arguments(text, at, signature(row.signature))
    except ArgumentError as error:
        raise ParseError(f"fetch method '{name}' : {error}") from None
    try:
        row.check(args)
    except ArgumentError as error:
        raise ParseError(f"invalid args in fetch method '{name}' : {error}") from None
    return args, end


def _read_steps(
    text: str, at: int, kind: Type, last: str, partial: bool = False, fetch: bool = False
) -> tuple[tuple[Step, ...], Type, int]:
    """The converters at an offset, the type that comes out, and the offset behind them.

    `kind` is the type so far, `last` the word before; a `partial` text may go on with something else.
    """
    steps: list[Step] = []
    begun = fetch
    while at < len(text):
        if begun and text[at] != ",":
            if partial:
                break
            what = "fetch keyword" if fetch else "converter"
            raise ParseError(f"missing comma after {what} '{last}'" if last else f"missing comma after {what}")
        while text.startswith(",", at):
            at += 1
        if at == len(text):
            break
        step, last, at = _read_step(text, at, kind)
        steps.append(step)
        kind = kind if step.row.gives is Type.SAME else step.row.gives
        begun, fetch = True, False
    return tuple(steps), kind, at


def _read_step(text: str, at: int, kind: Type) -> tuple[Step, str, int]:
    """One converter, its name and the offset behind it."""
    found = NAME.match(text, at)
    name = found[0] if found else ""
    row = CONVERTERS.get(name)
    if row is None:
        raise _unknown("converter", name, CONVERTERS, CONVERTERS_NOT_DONE)
    if caster(kind, row.takes) is None:
        raise ParseError(f"converter '{name}' cannot be applied")
    try:
        args, end = read_arguments(text, at + len(name), row.parsed)
    except ArgumentError as error:
        raise ParseError(f"invalid arg {(error.at or 0) + 1} in converter '{name}' : {error}") from None
    try:
        row.check(args)
    except ArgumentError as error:
        raise ParseError(f"invalid args in converter '{name}' : {error}") from None
    return Step(row, args), name, end


def _unknown(what: str, name: str, known: Iterable[str], elsewhere: Sequence[str] | frozenset[str]) -> ParseError:
    if name in elsewhere:
        return ParseError(not_done(what, name))
    return ParseError(f"unknown {what} '{name}'", hint=nearest(name, known))
