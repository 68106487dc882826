"""One test of an ACL: what is fetched, how it is matched, and against which patterns."""

from __future__ import annotations

from collections.abc import Callable, Hashable, Sequence
from dataclasses import dataclass
from typing import Any

from lbcore.sample.build import Build, BuildError
from lbcore.sample.criteria import CRITERIA
from lbcore.sample.expression import Bind, Expression, parse_criterion, parse_word
from lbcore.sample.files import files_of, wrong_columns
from lbcore.sample.grammar import NAME
from lbcore.sample.pattern import (
    DEFAULTS,
    IMPLIED,
    METHODS,
    OPERATORS,
    Flags,
    Method,
    PatternError,
    lower,
    with_operator,
)
from lbcore.sample.reference import Inline, Union, Use, View, check_file
from lbcore.sample.rows import Fetcher, Txn
from lbcore.sample.types import Type, caster
from lbcore.sample.words import ParseError, Words, wire

NO_PATTERN = """parsing acl keyword '{}' :
  no pattern to match against were provided, so this ACL will never match.
  If this is what you intended, please add '--' to get rid of this warning.
  If you intended to match only for existence, please use '-m found'.
  If you wanted to force an int to match as a bool, please use '-m bool'.
"""


@dataclass(frozen=True, slots=True)
class Group:
    """Patterns that share their flags: a file, or what stands in the line."""

    source: str | Inline
    kind: str  # "acl", "map"
    flags: Flags


@dataclass(frozen=True, slots=True)
class AclTest:
    """A test as it was written. `expression` gives the sample."""

    text: str
    expression: Expression
    method: Method
    groups: tuple[Group, ...]
    where: str

    def fetch(self, build: Build) -> Fetcher:
        """A function of the transaction that gives the sample before it is matched. Raises BuildError."""
        return self.expression.make(build)

    def make(self, build: Build) -> Callable[[Txn], bool]:
        """A function of the transaction that says whether one of the samples matches. Raises BuildError."""
        name = self.method.name
        if self.expression.row.many is not None:
            return self._make_many(build)
        fetch = self.expression.make(build, self.method.takes)
        if name == "found":
            return lambda t: fetch(t) is not None
        if name == "bool":
            return lambda t: bool(fetch(t))
        matches = self._matches(build)

        def test(t: Txn) -> bool:
            value = fetch(t)
            return value is not None and matches(value)

        return test

    def _make_many(self, build: Build) -> Callable[[Txn], bool]:
        fetch = self.expression.make_many(build, self.method.takes)
        name = self.method.name
        if name == "found":
            return lambda t: any(True for _ in fetch(t))
        if name == "bool":
            return lambda t: any(fetch(t))
        matches = self._matches(build)

        return lambda t: any(map(matches, fetch(t)))

    def views(self, build: Build) -> list[View]:
        """A view for each group of patterns. Raises BuildError."""
        try:
            return [
                build.reference(group.source, group.kind).view(self.method, group.flags)  # type: ignore[arg-type]
                for group in self.groups
            ]
        except PatternError as error:
            raise BuildError(str(error)) from None

    def _matches(self, build: Build) -> Callable[[Any], bool]:
        views = self.views(build)
        if len(views) == 1:
            view = views[0]
            return lambda value: view.match(value)  # noqa: PLW0108 - looked up anew: a change puts another one there
        return lambda value: any(view.match(value) for view in views)

    @property
    def kin(self) -> Hashable | None:
        """What tests have in common whose patterns one look-up can find together (`Union`); None: it can't be one."""
        if not self._is_inline or not self.expression.pure:
            return None
        folds = self.groups[0].flags.ignore_case
        many = self.expression.row.many is not None
        if not (self.method.name == "str" if many else self.method.name == "beg" and not folds):
            return None
        return self.expression, self.method.name, folds

    def source(self, build: Build, bind: Bind, inline: bool, patterns: Union | None = None) -> str:
        """A Python expression over `t` that is true if it matches; `inline` says that `t` has its message. With
        `patterns` these are looked at in place of its own."""
        expression, method = self.expression, self.method
        if not expression.pure or caster(expression.type, method.takes) is None:
            return f"{bind(self.make(build), 'test')}(t)"
        if expression.row.many is not None:
            return self._source_many(build, bind, patterns)
        value = self._value(build, bind, inline)
        if method.name == "found":
            return f"({value} is not None)"
        if method.name == "bool":
            return f"({value})" if expression.inlines else f"bool({value})"
        views = self.views(build)
        if len(views) != 1:
            return f"{bind(self.make(build), 'test')}(t)"
        view = bind(patterns or views[0], "patterns")
        if self._is_plain:
            if method.name in _EQUAL:
                return f"({value} in {view}.keys)"
            if method.name in _AFFIX:
                return f"((_v := {value}) is not None and _v.{_AFFIX[method.name]}({view}.texts))"
        return f"((_v := {value}) is not None and {view}.match(_v))"

    def _value(self, build: Build, bind: Bind, inline: bool) -> str:
        """The source of the sample: rules that share it share the function, so that it can be asked once for all."""
        expression, takes = self.expression, self.method.takes
        if inline and expression.inlines:
            return expression.source(build, bind, takes)
        fetch = build.shared((expression, takes), lambda: expression.make(build, takes))
        return f"{bind(fetch, PURE)}(t)"

    def _source_many(self, build: Build, bind: Bind, patterns: Union | None) -> str:
        expression, method = self.expression, self.method
        folds = method.name == "str" and self._is_inline and self.groups[0].flags.ignore_case

        def make() -> Callable[[Txn], Any]:
            fetch = expression.make_many(build, method.takes)
            if folds:
                return _folded(fetch)
            return fetch if not expression.steps else lambda t: list(fetch(t))

        values = f"{bind(build.shared((expression, method.takes, folds), make), PURE)}(t)"
        if method.name == "found":
            return f"bool({values})"
        if method.name == "bool":
            return f"any({values})"
        views = self.views(build)
        if len(views) != 1:
            return f"{bind(self.make(build), 'test')}(t)"
        view = bind(patterns or views[0], "patterns")
        if folds or (method.name == "str" and self._is_plain):
            return f"(not {view}.keys.keys().isdisjoint({values}))"
        return f"any(map({view}.match, {values}))"

    @property
    def _is_inline(self) -> bool:
        """Whether all patterns stand in the line."""
        return len(self.groups) == 1 and type(self.groups[0].source) is Inline

    @property
    def _is_plain(self) -> bool:
        """Whether patterns stand in the line and are compared as they are."""
        return self._is_inline and not self.groups[0].flags.ignore_case


def _folded(fetch: Callable[[Txn], Any]) -> Callable[[Txn], list[str]]:
    """The values that `fetch` gives, which are texts, in lower case."""

    def values(t: Txn) -> list[str]:
        found = []  # a loop: a comprehension would be a function of its own, called for one value most times
        for value in fetch(t):
            found.append(value.lower() if value.isascii() else lower(value))  # noqa: PERF401
        return found

    return values


PURE = "pure"  # hint for names of functions of the transaction that give the same until a rule changes something
_EQUAL = ("str", "int", "meth", "ver", "bin")
_AFFIX = {"beg": "startswith", "end": "endswith"}


# ---- reading ----


def parse_test(words: Words, texts: Sequence[str]) -> AclTest:
    """The test that begins at the next word and ends with `texts`; takes its words. Raises ParseError."""
    start = words.at
    expression, implied = _criterion(words, texts)
    return _Reader(words, texts, start, expression, implied).read()


def _criterion(words: Words, texts: Sequence[str]) -> tuple[Expression, str]:
    """The sample of a test, and the method that its criterion implies, "" for none."""
    word = texts[words.at] if words.at < len(texts) else ""
    name = NAME.match(word)
    criterion = CRITERIA.get(name[0]) if name is not None else None
    if criterion is not None:
        fetch, method = criterion
        expression = parse_criterion(words, name[0], fetch)  # type: ignore[index]
        return expression, method if not expression.steps else ""
    try:
        if not word:
            raise ParseError("missing fetch method", words.at)
        point, words.point = words.point, type(words.point)(0)
        try:
            expression = parse_word(words, commas=True)
        finally:
            words.point = point
    except ParseError as error:
        raise ParseError(f"{error} in ACL expression '{word}'", error.at, error.hint) from None
    return expression, expression.row.match if not expression.steps else ""


class _Reader:
    """The words behind a criterion: flags, operators, patterns."""

    def __init__(self, words: Words, texts: Sequence[str], start: int, expression: Expression, implied: str) -> None:
        self.words = words
        self.texts = texts
        self.start = start
        self.expression = expression
        name = implied or DEFAULTS.get(expression.type, "")
        self.method = IMPLIED.get(name)
        self.ignore_case = False
        self.resolve = True
        self.mapped = False
        self.number: int | None = None
        self.groups: list[Group] = []

    def read(self) -> AclTest:
        words = self.words
        self._warn_without_patterns()
        while words.at < len(self.texts) and self.texts[words.at].startswith("-"):
            if not self._flag(words.take()):
                break
        method = self._needed_method()
        self._inline(method)
        text = " ".join(self.texts[self.start : len(self.texts)])
        words.at = len(self.texts)
        where = f"{words.file}:{words.line}"
        return AclTest(text, self.expression, method, tuple(self.groups), where)

    def _warn_without_patterns(self) -> None:
        if self.words.at >= len(self.texts) and self.expression.type is not Type.BOOL:
            self.words.warn(NO_PATTERN.format(self.texts[self.start]), self.start)

    def _needed_method(self) -> Method:
        if self.method is None:
            raise ParseError(
                "matching method must be specified first (using '-m') when using a sample fetch of this type "
                f"('{self.name}')",
                self.start,
            )
        return self.method

    @property
    def name(self) -> str:
        """The word of the criterion, as messages name it."""
        found = NAME.match(self.texts[self.start])
        return found[0] if found else ""

    @property
    def _flags(self) -> Flags:
        return Flags(self.ignore_case, self.resolve)

    def _flag(self, flag: str) -> bool:
        """Reads a flag; False if it was the last."""
        if flag == "--":
            return False
        if flag == "-i":
            self.ignore_case = True
        elif flag == "-n":
            self.resolve = False
        elif flag == "-M":
            self.mapped = True
        elif flag == "-m":
            self._choose(self._argument())
        elif flag == "-f":
            self._file(self._argument())
        elif flag == "-u":
            self._identify(self._argument())
        else:
            raise ParseError(
                f"'{flag}' is not a valid ACL option. Please use '--' before any pattern beginning with a '-'",
                self.words.at - 1,
            )
        return True

    def _argument(self) -> str:
        """The word behind a flag, "" if the test ends there."""
        if self.words.at >= len(self.texts):
            return ""
        return self.words.take()

    def _choose(self, name: str) -> None:
        if self.groups:
            raise ParseError("'-m' must only be specified before patterns and files in parsing ACL expression")
        method = METHODS.get(name)
        if method is None:
            raise ParseError(f"unknown matching method '{name}' when parsing ACL expression")
        if caster(self.expression.type, method.takes) is None:
            raise ParseError(f"matching method '{name}' cannot be used with fetch keyword '{self.name}'")
        self.method = method

    def _identify(self, text: str) -> None:
        digits = text[1:] if text[:1] in "+-" else text
        if text and not digits.isdecimal():
            raise ParseError("the argument of -u must be an integer")
        number = int(text or 0)
        used = self.words.notes.setdefault(__name__ + ".numbers", set())
        assert isinstance(used, set)
        if number < 0 or number in used:
            raise ParseError("the id is already used")
        used.add(number)
        self.number = number

    def _file(self, name: str) -> None:
        """A file of patterns: looked at now, so that what is wrong with it is told at this line."""
        method = self._needed_method()
        kind = "map" if self.mapped else "acl"
        if method.index is None:
            return
        group = Group(name, kind, self._flags)
        try:
            check_group(self.words, group, method)
        except PatternError as error:
            raise ParseError(str(error)) from None
        self.groups.append(group)
        self._note(group, method)

    def _note(self, group: Group, method: Method) -> None:
        """Has the stats socket know of patterns, also of those that no rule asks for."""
        looks = method if method.index is not None else None
        use = Use(group.source, group.kind, "acl", self.words.file, self.words.line, looks, group.flags)
        files_of(self.words.notes).uses.append(use)

    def _inline(self, method: Method) -> None:
        """Patterns in the line, behind the flags. An empty word ends them; `bool` and `found` have none."""
        operator = "eq"
        texts: list[str] = []
        while method.index is not None and self.words.at < len(self.texts) and self.texts[self.words.at]:
            word = self.words.take()
            if method.counts and word in OPERATORS:
                operator = word
                continue
            try:
                text = wire(with_operator(operator, word, method) if method.counts else word)
                method.parse(text, self._flags)
            except PatternError as error:
                raise ParseError(str(error), self.words.at - 1) from None
            texts.append(text)
        display = f"acl '{self.name}' file '{self.words.file}' line {self.words.line}"
        group = Group(Inline(display, tuple(texts), self.number), "acl", self._flags)
        self._note(group, method)  # HAProxy counts them even if there are none
        if method.index is not None and (texts or not self.groups):
            self.groups.append(group)


def check_group(words: Words, group: Group, method: Method) -> None:
    """Raises PatternError if a file can't be read, or a line of it not be used with a method. Each file is looked at
    once in a load for each way in which it is used."""
    files, name = files_of(words.notes), str(group.source)
    kind = files.kinds.setdefault(name, group.kind)
    if kind != group.kind:
        raise PatternError(wrong_columns(name, kind))
    if files.is_new(name, method.name, group.flags):
        check_file(name, kind, method, group.flags, where=files.pattern_path(name, words.file))
