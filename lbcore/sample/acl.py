"""ACLs and conditions (manual 7.1, 7.2, 7.4): from words to functions of the transaction that say yes or no.

    acl = parse_acl(words)                       `NAME criterion [flags] [operator] values`
    condition = parse_condition(words)           `if` or `unless` and what follows
    holds = condition.make(build)                once, when a balancer is built
    if holds(t): ...

A test whose sample is missing does not match, and `!` of it does. While contents are still coming (rules of
`tcp-request content`) there is a third answer, "not yet": see `Condition.make_partial`."""

from __future__ import annotations

from collections.abc import Callable, Iterable
from dataclasses import dataclass, field
from typing import Any

from lbcore.sample.acltest import AclTest, parse_test
from lbcore.sample.build import Build
from lbcore.sample.criteria import PREDEFINED
from lbcore.sample.expression import Bind
from lbcore.sample.known import nearest
from lbcore.sample.points import LEGEND, Point
from lbcore.sample.rows import Txn
from lbcore.sample.types import Value
from lbcore.sample.words import ParseError, Words

Holds = Callable[[Txn], bool]
Partial = Callable[[Txn], bool | None]
Seen = tuple[str, Value | None, bool]  # an ACL as written, what was fetched, whether it matched

# Where a transaction of mode http has its messages, so that fetches may stand in generated code as they are.
WITH_REQUEST = (
    Point.FE_REQ_HDR | Point.FE_REQ_BODY | Point.FE_SET_BCK | Point.BE_REQ_HDR | Point.BE_REQ_BODY | Point.BE_SET_SRV
)
WITH_RESPONSE = Point.BE_RES_HDR | Point.BE_RES_BODY | Point.FE_RES_HDR | Point.FE_RES_BODY


@dataclass(slots=True)
class Acl:
    """Tests under a name, "" for one between braces; it matches if one of them does."""

    name: str
    tests: list[AclTest] = field(default_factory=list)

    @property
    def text(self) -> str:
        """As it was written in a condition."""
        return self.name or f"{{ {self.tests[0].text} }}"

    @property
    def points(self) -> Point:
        """Where one of its tests may match."""
        points = Point(0)
        for test in self.tests:
            points |= test.expression.points
        return points

    def make(self, build: Build) -> Holds:
        """A function of the transaction that says whether it matches, wherever. Raises BuildError."""
        tests = [test.make(build) for test in self.tests]
        if len(tests) == 1:
            return tests[0]
        return lambda t: any(test(t) for test in tests)

    def source(self, build: Build, bind: Bind, point: Point, inline: bool) -> str:
        """A Python expression over `t` that is true if it matches at `point`."""
        tests = [test for test in self.tests if not point or test.expression.points & point]
        return _joined(" or ", [test.source(build, bind, inline) for test in tests]) if tests else "False"

    def make_partial(self, build: Build, point: Point) -> Partial:
        """As `make`, for contents of which more may come; None: what does not match now may do so then, as a fetch has
        said (`t.missing`)."""
        tests = [test.make(build) for test in self.tests if not point or test.expression.points & point]

        def matches(t: Txn) -> bool | None:
            t.missing = False
            if any(test(t) for test in tests):
                return True
            return None if t.missing else False

        return matches


@dataclass(frozen=True, slots=True)
class Term:
    """An ACL in a condition."""

    acl: Acl
    negated: bool

    @property
    def text(self) -> str:
        """As it was written, the sign in front."""
        return f"!{self.acl.text}" if self.negated else self.acl.text


@dataclass(slots=True)
class Condition:
    """`if` or `unless`, and alternatives, each of which holds if all its terms do.

    `text` is how it was written, `where` is `file:line`, `point` where it is asked (0: unknown), `inline` says that a
    transaction has its messages there.
    """

    unless: bool
    alternatives: list[list[Term]]
    text: str
    where: str
    point: Point
    inline: bool

    @property
    def points(self) -> Point:
        """Where one of the alternatives may hold."""
        points = Point(0)
        for terms in self.alternatives:
            common = ~Point(0)
            for term in terms:
                if not term.negated:
                    common &= term.acl.points
            points |= common
        return points

    @property
    def single(self) -> AclTest | None:
        """The one test that it consists of, None if there is more to it."""
        if self.unless or len(self.alternatives) != 1 or len(self.alternatives[0]) != 1:
            return None
        term = self.alternatives[0][0]
        return None if term.negated or len(term.acl.tests) != 1 else term.acl.tests[0]

    def source(self, build: Build, bind: Bind) -> str:
        """A Python expression over `t` that is true if it holds, for generated code (it may use the name `_v`).

        `bind(object, hint)` makes an object a global of that code and gives its name. Raises BuildError.
        """
        any_of = [_joined(" and ", [self._term(term, build, bind) for term in terms]) for terms in self.alternatives]
        return _not(_joined(" or ", any_of) if any_of else "False", self.unless)

    def _term(self, term: Term, build: Build, bind: Bind) -> str:
        return _not(term.acl.source(build, bind, self.point, self.inline), term.negated)

    def make(self, build: Build) -> Holds:
        """A function of the transaction that says whether it holds. Raises BuildError."""
        scope: dict[str, Any] = {}

        def bind(obj: object, hint: str) -> str:
            name = f"{hint}{len(scope)}"
            scope[name] = obj
            return name

        source = self.source(build, bind)
        exec(f"def holds(t): return True if {source} else False", scope)  # the user's texts stand in bound objects
        holds: Holds = scope["holds"]
        return holds

    def make_partial(self, build: Build) -> Partial:
        """A function of the transaction that says whether it holds while more contents may come, None if that depends
        on what has not come yet (then the rule waits, and so do those behind it). Raises BuildError."""
        alternatives = [
            [(term.acl.make_partial(build, self.point), term.negated) for term in terms] for terms in self.alternatives
        ]
        unless = self.unless

        def holds(t: Txn) -> bool | None:
            answer = _any_of(_all_of(terms, t) for terms in alternatives)
            return answer if answer is None else answer is not unless

        return holds

    def trace(self, build: Build) -> Callable[[Txn], tuple[bool, list[Seen]]]:
        """A function of the transaction that says whether it holds, and which ACLs were asked: the text of each, what
        it fetched (of several tests that of the last one asked) and whether it matched. Raises BuildError."""
        alternatives = [[(term, self._traced(term, build)) for term in terms] for terms in self.alternatives]

        def traced(t: Txn) -> tuple[bool, list[Seen]]:
            seen: list[Seen] = []
            holds = any(all(_ask(term, tests, t, seen) for term, tests in terms) for terms in alternatives)
            return holds is not self.unless, seen

        return traced

    def _traced(self, term: Term, build: Build) -> list[tuple[Any, Holds]]:
        tests = [test for test in term.acl.tests if not self.point or test.expression.points & self.point]
        return [(test.fetch(build), test.make(build)) for test in tests]

    def conflict(self) -> str:
        """HAProxy's sentence about an ACL that can't match at this point, "" if all can."""
        for terms in self.alternatives:
            for term in terms:
                sentence = _conflict(term.acl, self.point)
                if sentence:
                    return sentence
        return ""


def _ask(term: Term, tests: list[tuple[Any, Holds]], t: Txn, seen: list[Seen]) -> bool:
    value, matched = None, False
    for fetch, matches in tests:
        value, matched = fetch(t), matches(t)
        if matched:
            break
    seen.append((term.acl.text, value, matched))
    return matched is not term.negated


def _all_of(terms: list[tuple[Partial, bool]], t: Txn) -> bool | None:
    """As in HAProxy the first term that is not met decides, or leaves undecided."""
    for matches, negated in terms:
        one = matches(t)
        if one is None or one is negated:
            return None if one is None else False
    return True


def _any_of(answers: Iterable[bool | None]) -> bool | None:
    last: bool | None = False
    for one in answers:
        if one:
            return True
        if one is None:
            last = None
    return last


def _joined(operator: str, parts: list[str]) -> str:
    return parts[0] if len(parts) == 1 else f"({operator.join(parts)})"


def _not(source: str, negated: bool) -> str:
    return f"(not {source})" if negated else source


# ---- reading ----


def parse_acl(words: Words) -> Acl:
    """The ACL that a line declares, behind its keyword: a name and a test. It is in `words.acls` then, and the same
    object as before if it was declared already.

    Raises ParseError with the sentence that HAProxy puts behind "error detected while parsing ACL '<name>' : "; the
    name itself is the caller's to look at.
    """
    name = words.take()
    test = parse_test(words, words.texts)
    acl = words.acls.setdefault(name, Acl(name))
    assert isinstance(acl, Acl)
    acl.tests.append(test)
    return acl


def predefined(name: str, place: Words | None = None) -> Acl | None:
    """An ACL that every proxy has, None if there is none of this name. `place` is the line that asks for it."""
    text = PREDEFINED.get(name)
    if text is None:
        return None
    place = place or Words(())
    words = Words(text.split(), file=place.file, line=place.line, notes=place.notes)
    return Acl(name, [parse_test(words, words.texts)])


def parse_condition(words: Words) -> Condition:
    """The condition that begins at `if` or `unless` and goes to the end of the line; takes its words.

    Raises ParseError with the sentence that HAProxy puts behind "error detected while parsing ... condition : ".
    Warns of an ACL that can't match at `words.point`.
    """
    start = words.at
    unless = words.take() == "unless"
    alternatives = _alternatives(words)
    text = " ".join(words.texts[start:])
    inline = words.mode == "http" and bool(words.point & (WITH_REQUEST | WITH_RESPONSE))
    condition = Condition(unless, alternatives, text, f"{words.file}:{words.line}", words.point, inline)
    if words.point and (sentence := condition.conflict()):
        words.warn(sentence, start)
    return condition


def _alternatives(words: Words) -> list[list[Term]]:
    """What stands between `or`s, where something does. Without a term at all the condition does not hold."""
    alternatives: list[list[Term]] = [[]]
    negated = False
    while words.more and words.peek():
        at = words.at
        word = words.take()
        if word.lower() == "or" or word == "||":
            alternatives.append([])
            negated = False
            continue
        while word.startswith("!"):
            negated, word = not negated, word[1:]
        if word:
            alternatives[-1].append(Term(_anonymous(words) if word == "{" else _named(words, word, at), negated))
            negated = False
    return [terms for terms in alternatives if terms]


def _anonymous(words: Words) -> Acl:
    """The ACL between the braces, the first of which was taken."""
    start, texts = words.at, words.texts
    end = next((at for at in range(start, len(texts)) if texts[at] in ("}", "")), len(texts))
    if end == len(texts) or not texts[end]:
        raise ParseError("missing closing '}' in condition", start - 1)
    test = parse_test(words, texts[:end])
    words.at = end + 1
    return Acl("", [test])


def _named(words: Words, name: str, at: int) -> Acl:
    acl = words.acls.get(name) or _predefined(words, name)
    if acl is None:
        raise ParseError(f"no such ACL : '{name}'", at, nearest(name, [*words.acls, *PREDEFINED]))
    assert isinstance(acl, Acl)
    return acl


def _predefined(words: Words, name: str) -> Acl | None:
    """As `predefined`, one object for a proxy, which stands where it is named first."""
    known = words.notes.setdefault(__name__, {})
    assert isinstance(known, dict)
    key = words.proxy, name
    if key not in known:
        known[key] = predefined(name, words)
    found: Acl | None = known[key]
    return found


def _conflict(acl: Acl, point: Point) -> str:
    """The sentence about an ACL none or not all of whose tests may match at `point`, "" if all may."""
    wrong = next((test for test in acl.tests if not test.expression.points & point), None)
    if wrong is None:
        return ""
    place = LEGEND[point.bit_length() - 1]
    rule = _RULES.get(point)
    inside = f" in '{rule}'" if rule else ""
    word = wrong.expression.row.name
    if acl.points & point:
        return f"acl '{acl.name}' involves keyword{'' if rule else 's'} '{word}' which is incompatible with '{place}'"
    if acl.name:
        return (
            f"acl '{acl.name}' will never match{inside} because it only involves keywords "
            f"that are incompatible with '{place}'"
        )
    uses = f"it uses keyword '{word}' which is incompatible with '{place}'"
    return f"anonymous acl will never match{inside} because {uses}"


# Rules of layer 4 are named in the sentence.
_RULES = {
    Point.FE_CONN: "tcp-request connection",
    Point.FE_SESS: "tcp-request session",
    Point.FE_CONTENT: "tcp-request content",
    Point.BE_CONTENT: "tcp-request content",
    Point.BE_RES_CONTENT: "tcp-response content",
    Point.FE_RES_CONTENT: "tcp-response content",
}
