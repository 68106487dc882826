"""What lints look at: the settings of a configuration, and its lines as they were read."""

from __future__ import annotations

import resource
from collections.abc import Iterable, Iterator, Mapping
from dataclasses import dataclass, field
from typing import Any

from lbcore.cfg.context import Context, SectionParser
from lbcore.cfg.words import Line
from lbcore.proxy.settings import ProxySettings, Settings
from lbcore.sample.acl import Acl, Condition, Term
from lbcore.sample.acltest import AclTest
from lbcore.sample.expression import Expression
from lbcore.stream.rules import RuleLists
from lbcore.thread.masks import cpu_count

NO_RULES = RuleLists()


@dataclass(slots=True)
class Section:
    """A section: its first line, and those that count (an `.if` may leave some out)."""

    head: Line
    lines: list[Line] = field(default_factory=list)
    proxy: ProxySettings | None = None  # that it makes; None for others and `defaults`

    @property
    def kind(self) -> str:
        """Its keyword."""
        return self.head.text(0)

    def find(self, *words: str) -> Iterator[Line]:
        """The lines that begin with these words."""
        return (line for line in self.lines if line.texts()[: len(words)] == list(words))


@dataclass(frozen=True, slots=True)
class Machine:
    """What this machine has for the process: CPUs, and descriptors (the hard limit)."""

    cpus: int
    descriptors: int

    @classmethod
    def present(cls) -> Machine:
        """The one that we run on."""
        hard = resource.getrlimit(resource.RLIMIT_NOFILE)[1]
        return cls(cpu_count(), hard if hard != resource.RLIM_INFINITY else 1 << 30)


class Subject:
    """A configuration without errors."""

    def __init__(self, settings: Settings, sections: Iterable[Section], machine: Machine) -> None:
        self.settings = settings
        self.sections = list(sections)
        self.machine = machine
        self._lines = {line.where: line for section in self.sections for line in (section.head, *section.lines)}
        by_place = {proxy.where: proxy for proxy in settings.proxies}
        for section in self.sections:
            section.proxy = by_place.get(section.head.where)

    def line(self, where: str) -> Line | None:
        """The line at `file:line`."""
        return self._lines.get(where)

    @property
    def proxies(self) -> Iterator[tuple[Section, ProxySettings]]:
        """The proxies that work, each with its section."""
        for section in self.sections:
            if section.proxy is not None and not section.proxy.disabled:
                yield section, section.proxy

    @property
    def ruled(self) -> Iterator[Section]:
        """The sections whose rules count: of proxies that work, and `defaults`."""
        for section in self.sections:
            if section.kind == "defaults" or (section.proxy is not None and not section.proxy.disabled):
                yield section

    def inherited(self, section: Section, *words: str) -> bool:
        """Whether a line that begins with these words stands in the section, or in a `defaults` section that it may
        inherit from."""
        names = section.head.texts()
        wanted = names[names.index("from") + 1] if "from" in names[2:] else None
        above = self.sections[: self.sections.index(section)]
        defaults = [one for one in above if one.kind == "defaults" and wanted in (None, one.head.text(1))]
        return any(True for one in (section, *defaults[-1:]) for _ in one.find(*words))


def recording(parsers: Mapping[str, SectionParser], sections: list[Section]) -> dict[str, SectionParser]:
    """The parsers, each of which adds to `sections` what it reads."""
    return {name: _Recording(parser, sections) for name, parser in parsers.items()}


class _Recording:
    """A parser of sections that keeps the lines it is given (`lbcore.cfg.context.SectionParser`)."""

    def __init__(self, parser: SectionParser, sections: list[Section]) -> None:
        self._parser = parser
        self._sections = sections

    def open(self, ctx: Context, line: Line) -> None:
        self._sections.append(Section(line))
        self._parser.open(ctx, line)

    def line(self, ctx: Context, line: Line) -> None:
        self._sections[-1].lines.append(line)
        self._parser.line(ctx, line)

    def close(self, ctx: Context) -> None:
        self._parser.close(ctx)


# --- what stands in the rules of a proxy ---


def rules_of(proxy: ProxySettings) -> RuleLists:
    """Its rules, none if it has none."""
    return proxy.rules or NO_RULES


def all_rules(proxy: ProxySettings) -> Iterator[Any]:
    """Every rule: of lists, with those that a `defaults` section gives it, `redirect`, `use_backend`, `use-server`.

    What several proxies inherit is found once, for findings of the same place are one.
    """
    rules = rules_of(proxy)
    for ruleset in rules.lists:
        yield from rules.of(ruleset)
    yield from (*rules.redirects, *rules.use_backend, *rules.use_server)


def where_of(rule: Any) -> str:
    """`file:line` of any rule."""
    return f"{rule.file}:{rule.line}"


def terms_of(condition: Condition | None) -> Iterator[Term]:
    """All ACLs that a condition names or contains."""
    for terms in condition.alternatives if condition is not None else ():
        yield from terms


def tests_of(proxy: ProxySettings) -> Iterator[AclTest]:
    """All tests of a proxy, each once: of its named ACLs, of those that inherited rules name, and those between braces
    in its rules."""
    acls: dict[int, Acl] = {id(acl): acl for acl in proxy.acls.values()}
    for rule in all_rules(proxy):
        acls |= {id(term.acl): term.acl for term in terms_of(rule.condition)}
    for acl in acls.values():
        yield from acl.tests


def expressions_of(proxy: ProxySettings) -> Iterator[tuple[str, Expression]]:
    """The expressions of all its tests, each with its place."""
    yield from ((test.where, test.expression) for test in tests_of(proxy))
