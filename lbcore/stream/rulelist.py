"""Lists of rules -> one Python function each, generated when a balancer is built.

What is generated reads as the rules do:

    def http_request(t):
        v0 = t.req.abs_path
        if v0.startswith(patterns_2.texts):
            o = run_0(t)  # lb.cfg:12: http-request deny if { path_beg /admin }
            if o is not None: t.last_rule = at_1; return o
        ...

Conditions are expressions in place; actions are calls of what their specs made. What several conditions read is
read once, up to a rule that may change the message. If a rule may wait, the function is a generator: it yields what
it waits for, goes on when asked for the next value, and returns the outcome.

Sources are known to `linecache`, so that a traceback shows the rule, and `failed_rule()` finds it.
"""

from __future__ import annotations

import itertools
import linecache
import re
import threading
import weakref
from collections import Counter
from collections.abc import Callable, Iterable, Iterator, Sequence
from dataclasses import dataclass, field
from functools import cache
from typing import Any, NamedTuple, Protocol, cast

from lbcore.sample.acltest import PURE
from lbcore.sample.build import Build, BuildError
from lbcore.sample.points import Point
from lbcore.sample.reference import Union
from lbcore.sample.rows import FETCHES
from lbcore.stream.rules import BackendRule, Rule, ServerRule, Wait
from lbcore.stream.txn import Txn

CONTENT = Point.FE_CONTENT | Point.BE_CONTENT | Point.FE_RES_CONTENT | Point.BE_RES_CONTENT
GUARDED = 3  # kindred rules from which on one look at all their patterns comes first
MORE_DATA = Wait("data")
_RULES = "__rules__"  # global of a generated function: line of its source -> Rule
_OF_T = re.compile(r"\bt\b")
_numbers = itertools.count(1)
_numbering = threading.Lock()  # `next` of a counter may give two threads the same without a GIL


class RuleFunction(Protocol):
    """A compiled list: a function of the transaction that gives the outcome, or, if `is_generator`, a generator of
    waits that returns it. `source` is its text.
    """

    is_generator: bool
    source: str

    def __call__(self, t: Txn) -> Any: ...


def compile_rules(rules: Sequence[Rule], build: Build, *, point: Point) -> RuleFunction:
    """The function of a list of rules that run at `point`; it sets `t.last_rule` when one of them is final.

    Lists of mode tcp (`tcp-request content`, `tcp-response content`) return a Wait for data as long as a condition
    lacks some and `t.data_end` is not set. Raises BuildError where a name can't be resolved.
    """
    writer = _Writer(build, _name_of(rules))
    writer.line(f"def {writer.name}(t):")
    runs = [
        _Bound(rule, writer.bind(rule.action.make(build), "run"), writer.bind(_place(rule), "at")) for rule in rules
    ]
    if point & CONTENT and any(rule.condition is not None for rule in rules):
        _write_partial(writer, runs)
    for region in _regions(runs):
        _write_region(writer, region)
    writer.line("    return None")
    return writer.function(generator=any(rule.action.waits for rule in rules))


def compile_use_backend(rules: Sequence[BackendRule], build: Build) -> RuleFunction:
    """The function that gives the backend of the first `use_backend` rule that applies; None: the default one.

    A computed name that no backend has means the default one, as in HAProxy. Raises BuildError.
    """
    writer = _Writer(build, "use_backend")
    writer.line("def use_backend(t):")
    sources = [_condition(writer, rule) for rule in rules]
    groups = list(_kin(rules))
    guards = [_guard(writer, [rules[at] for at in group]) for group in groups]
    hoist = _Hoist(writer, [*sources, *(guard for guard in guards if guard is not None)])
    for group, guard in zip(groups, guards, strict=True):
        if guard is not None:
            hoist.branch(guard, None)
        indent = "" if guard is None else "    "
        for at in group:
            rule = rules[at]
            if isinstance(rule.name, str):
                result = writer.bind(build.backend(rule.name), "backend")
            else:
                result = f"{writer.bind(_by_name(rule.name.make(build), build.backend), 'named')}(t)"
            hoist.branch(sources[at], rule, indent)
            writer.line(f"{indent}        return {result}", rule)
    writer.line("    return None")
    return writer.function(generator=False)


def _kin(rules: Sequence[BackendRule]) -> Iterator[list[int]]:
    """The numbers of rules, those together that follow each other and ask the same of different patterns."""
    group: list[int] = []
    present: Any = None
    for at, rule in enumerate(rules):
        single = rule.condition.single if rule.condition is not None else None
        kin = single.kin if single is not None else None
        if group and (kin is None or kin != present):
            yield group
            group = []
        group.append(at)
        present = kin
    if group:
        yield group


def _guard(writer: _Writer, rules: Sequence[BackendRule]) -> str | None:
    """The source of a test that is true if one of several kindred rules may apply; None: they are too few to gain by
    it."""
    if len(rules) < GUARDED:
        return None
    tests = [rule.condition.single for rule in rules]
    union = Union(view for test in tests for view in test.views(writer.build))
    source: str = tests[0].source(writer.build, writer.bind, rules[0].condition.inline, union)
    return source


def compile_use_server(rules: Sequence[ServerRule], build: Build) -> RuleFunction:
    """The function that gives the server of the first `use-server` rule that applies and whose server may be used;
    None: balancing decides. With `option persist` or `force-persist` servers that are down may be used, too. Raises
    BuildError.
    """
    writer = _Writer(build, "use_server")
    backend = build.backend("")
    persist = "persist" in backend.settings.options
    servers = backend.by_name
    writer.line("def use_server(t):")
    sources = [_condition(writer, rule) for rule in rules]
    hoist = _Hoist(writer, sources)
    for rule, source in zip(rules, sources, strict=True):
        if isinstance(rule.name, str):
            found = writer.bind(build.server(rule.name), "server")
        else:
            found = f"{writer.bind(servers.get, 'servers')}({writer.bind(rule.name.make(build), 'name')}(t))"
        hoist.branch(source, rule)
        writer.line(f"        s = {found}", rule)
        writer.line(f"        if s is not None{'' if persist else ' and (s.usable or t.forced)'}: return s", rule)
    writer.line("    return None")
    return writer.function(generator=False)


def failed_rule(error: BaseException) -> Any:
    """The rule (Rule, BackendRule or ServerRule) in which an exception was raised, None if it was in none."""
    found = None
    trace = error.__traceback__
    while trace is not None:
        lines = trace.tb_frame.f_globals.get(_RULES)
        if lines is not None:
            found = lines.get(trace.tb_lineno, found)
        trace = trace.tb_next
    return found


@dataclass(slots=True)
class _Writer:
    """The source of a function as it is written, and the objects that it names."""

    build: Build
    name: str
    lines: list[str] = field(default_factory=list)
    names: dict[str, Any] = field(default_factory=dict)
    bound: dict[int, str] = field(default_factory=dict)  # id of an object in `names` -> its name
    rules: dict[int, Any] = field(default_factory=dict)

    def line(self, text: str, rule: Any = None) -> None:
        self.lines.append(text)
        if rule is not None:
            self.rules[len(self.lines)] = rule

    def bind(self, value: Any, hint: str) -> str:
        """Makes an object a global of the function; its name, which is the same each time."""
        known = self.bound.get(id(value))
        if known is not None:
            return known
        name = self.bound[id(value)] = f"{re.sub(r'[^a-z0-9_]', '_', hint.lower())}_{len(self.names)}"
        self.names[name] = value
        return name

    def function(self, generator: bool) -> RuleFunction:
        """The function, compiled."""
        source = "\n".join(self.lines) + "\n"
        with _numbering:
            number = next(_numbers)
        file = f"<rules {number}: {self.name} of {self.build.proxy}>"
        scope = {**self.names, _RULES: self.rules}
        exec(compile(source, file, "exec"), scope)
        found = cast(RuleFunction, scope[self.name])
        linecache.cache[file] = (len(source), None, source.splitlines(keepends=True), file)
        weakref.finalize(found, linecache.cache.pop, file, None)
        found.is_generator = generator
        found.source = source
        return found


class _Hoist:
    """Conditions that follow each other without anything changing: what several of them read becomes a local.

    It is read before the first condition that asks for it in any case: what stands behind other terms may be dear, and
    rules may rely on never asking for it.
    """

    def __init__(self, writer: _Writer, sources: Iterable[str | None]) -> None:
        self._writer = writer
        self._pattern = _shared([source for source in sources if source is not None])
        self._locals: dict[str, str] = {}

    def branch(self, source: str | None, rule: Any, indent: str = "") -> None:
        """Writes the `if` of a rule, preceded by the locals that it is the first to need."""
        if source is None:
            self._writer.line(f"{indent}    if 1:", rule)
            return
        if self._pattern is not None:
            source = self._replaced(source, self._pattern)
        self._writer.line(f"{indent}    if {source}:", rule)

    def _replaced(self, source: str, pattern: re.Pattern[str]) -> str:
        operator = _OPERATOR.search(source)
        certain = operator.start() if operator else len(source)

        def local(match: re.Match[str]) -> str:
            text = match[0]
            if text not in self._locals and match.start() < certain:
                self._locals[text] = name = f"v{len(self._locals)}"
                self._writer.line(f"    {name} = {text}")
            return self._locals.get(text, text)

        return pattern.sub(local, source)


_OPERATOR = re.compile(" and | or ")


def _inlines() -> re.Pattern[str]:
    """What finds the expressions that fetches put into sources, and calls of functions that are PURE."""
    return _inlines_of(frozenset(row.inline for row in FETCHES.loaded))


@cache
def _inlines_of(inlines: frozenset[str]) -> re.Pattern[str]:
    texts = {text for text in inlines if _OF_T.search(text)}
    return _any_of(texts, rf"{PURE}_[0-9]+\(t\)")


def _shared(sources: Iterable[str]) -> re.Pattern[str] | None:
    """What finds the expressions of fetches that occur more than once; None: there are none."""
    inlines = _inlines()
    counts = Counter(text for source in sources for text in inlines.findall(source))
    twice = {text for text, count in counts.items() if count > 1}
    return _any_of(twice) if twice else None


def _any_of(texts: Iterable[str], *patterns: str) -> re.Pattern[str]:
    longest = sorted(texts, key=len, reverse=True)
    return re.compile("|".join(rf"(?<![\w.]){text}(?!\w)" for text in (*map(re.escape, longest), *patterns)))


def _name_of(rules: Sequence[Rule]) -> str:
    words = rules[0].text.split()[:2] if rules else []
    first = words[0] if words and words[0].startswith("http") else " ".join(words)
    return re.sub(r"[^a-z]", "_", first) or "rules"


class _Bound(NamedTuple):
    """A rule, and the names of its compiled action and of its place in the function."""

    rule: Rule
    run: str
    place: str

    @property
    def end(self) -> str:
        """What is done with the action's outcome `o`."""
        return f"if o is not None: t.last_rule = {self.place}; return o"


def _place(rule: Rule) -> tuple[str, int]:
    return rule.file, rule.line


def _regions(rules: Sequence[_Bound]) -> Iterator[list[_Bound]]:
    """The rules, cut behind each one after which fetches may give something else."""
    region: list[_Bound] = []
    for bound in rules:
        region.append(bound)
        if bound.rule.action.mutates or bound.rule.action.waits:
            yield region
            region = []
    if region:
        yield region


def _write_region(writer: _Writer, region: Sequence[_Bound]) -> None:
    sources = [_condition(writer, bound.rule) for bound in region]
    hoist = _Hoist(writer, sources)
    for bound, source in zip(region, sources, strict=True):
        rule = bound.rule
        hoist.branch(source, rule)
        writer.line(f"        o = {bound.run}(t)  # {_comment(rule)}", rule)
        if rule.action.waits:
            wait = writer.bind(Wait, "wait")
            writer.line(f"        while o.__class__ is {wait}:", rule)
            writer.line("            yield o", rule)
            writer.line("            o = o.then(t) if o.then is not None else None", rule)
        writer.line(f"        {bound.end}", rule)


def _comment(rule: Rule) -> str:
    return f"{rule.where}: {rule.text}".encode("ascii", "backslashreplace").decode().replace("\n", " ")


def _condition(writer: _Writer, rule: Any) -> str | None:
    """The expression of a rule's condition; None: it has none."""
    if rule.condition is None:
        return None
    source: str = rule.condition.source(writer.build, writer.bind)
    return source


# --- rules over contents that have not come yet ---


def _write_partial(writer: _Writer, rules: Sequence[_Bound]) -> None:
    """What is done as long as more data may come: the rules in turn, up to one whose condition lacks some."""
    more = writer.bind(MORE_DATA, "more_data")
    writer.line("    if not t.data_end and t.req is None:")
    for bound in rules:
        rule = bound.rule
        assert not rule.action.waits, "no action of mode tcp waits by itself"
        if rule.condition is None:
            writer.line("        held = True", rule)
        else:
            writer.line(f"        held = {writer.bind(rule.condition.make_partial(writer.build), 'holds')}(t)", rule)
            writer.line(f"        if held is None: return {more}", rule)
        writer.line("        if held:", rule)
        writer.line(f"            o = {bound.run}(t)  # {_comment(rule)}", rule)
        writer.line(f"            {bound.end}", rule)
    writer.line("        return None")


def _by_name(name: Callable[[Txn], str], find: Callable[[str], Any]) -> Callable[[Txn], Any]:
    """Finds what a computed name means; None for a name that nothing has, and for an empty one."""
    known: dict[str, Any] = {}  # only names that exist, so that clients can't make it grow

    def found(t: Txn) -> Any:
        text = name(t)
        one = known.get(text)
        if one is None and text:
            try:
                one = known[text] = find(text)
            except BuildError:
                return None
        return one

    return found
