"""ACLs that match something else than is meant (LB2xx)."""

from __future__ import annotations

from collections.abc import Iterator

from lbcore.lint.finding import Hit, Level, Lint, register
from lbcore.lint.subject import Section, Subject, tests_of
from lbcore.sample.acltest import AclTest
from lbcore.sample.reference import Inline

FLAGS = frozenset({"-i", "-f", "-m", "-M", "-n", "-u"})
EXACT = ("str", "beg", "end", "dom", "dir", "sub", "reg")
ANYTHING = frozenset({"", "^", "$", ".*", "^.*", ".*$", "^.*$"})  # regular expressions


def unused(subject: Subject) -> Iterator[Hit]:
    for section in subject.sections:
        seen: set[str] = set()
        for line in section.find("acl"):
            name = line.text(1)
            if name not in seen and not _named(section, name):
                yield Hit(line, f"ACL '{name}' is used nowhere in this section", 1)
            seen.add(name)


def _named(section: Section, name: str) -> bool:
    for line in section.lines:
        texts = line.texts()
        if texts[0] != "acl" and any(text.lstrip("!") == name for text in texts[1:]):
            return True
        if any(name in text.partition("acl(")[2].partition(")")[0].split(",") for text in texts[1:]):
            return True
    return False


def late_flag(subject: Subject) -> Iterator[Hit]:
    for _, proxy in subject.proxies:
        for test in tests_of(proxy):
            wrong = next((text for text in _patterns(test) if text in FLAGS), None)
            if wrong is not None and "--" not in test.text.split():
                yield Hit(test.where, f"'{wrong}' behind a pattern is a pattern, too, not a flag", wrong)


def _patterns(test: AclTest) -> Iterator[str]:
    for group in test.groups:
        if isinstance(group.source, Inline):
            yield from group.source.texts


def host_case(subject: Subject) -> Iterator[Hit]:
    for _, proxy in subject.proxies:
        for test in tests_of(proxy):
            if not _reads_host(test) or test.method.name not in EXACT:
                continue
            if any(not group.flags.ignore_case for group in test.groups) and not _ignores(test):
                yield Hit(test.where, f"'{test.text}' matches the host in this case only; clients may write any")


def _ignores(test: AclTest) -> bool:
    """Whether regular expressions say themselves that they ignore the case."""
    return test.method.name == "reg" and all(text.startswith("(?i)") for text in _patterns(test))


def _reads_host(test: AclTest) -> bool:
    expression = test.expression
    return (
        expression.row.name in ("hdr", "req.hdr", "req.fhdr")
        and [str(arg).lower() for arg in expression.args[:1]] == ["host"]
        and not any(step.row.name == "lower" for step in expression.steps)
    )


def matches_all(subject: Subject) -> Iterator[Hit]:
    for _, proxy in subject.proxies:
        for test in tests_of(proxy):
            if any(_is_anything(test, text) for text in _patterns(test)):
                yield Hit(test.where, f"'{test.text}' matches whatever there is")


def _is_anything(test: AclTest, text: str) -> bool:
    if test.method.name == "reg":
        return text in ANYTHING
    return test.method.name == "beg" and text == "/" and test.expression.row.name in ("path", "pathq")


register(
    Lint("LB201", "unused-acl", Level.NOTE, "An ACL is declared and never asked for.",
         "Remove it, or use it: the rule that should have named it may be missing.", unused),
    Lint("LB202", "flag-behind-pattern", Level.ERROR, "A flag of an ACL stands behind its patterns.",
         "Flags come before patterns; '--' tells that what follows are patterns.", late_flag),
    Lint("LB203", "case-sensitive-host", Level.WARNING, "A host name is compared with its case.",
         "Add '-i': names of hosts have no case (RFC 9110 4.2.3), and a rule that denies could be walked around.",
         host_case),
    Lint("LB204", "pattern-matches-all", Level.WARNING, "A pattern matches everything.",
         "Write the pattern that was meant, or use 'always_true' to say so.", matches_all),
)  # fmt: skip
