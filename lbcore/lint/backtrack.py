"""Tells regular expressions that may take exponential time.

They have a part that repeats without limit, whose body can cut the same text in more than one way: then a text that
nearly matches is tried in all of them. Two shapes of body do that:

    a repeat of its own, with nothing in the body that its characters could not be      (a+)+  (\\w+\\s?)*  (a|aa)*
    alternatives of which one is a sequence of others                                   (a|b|ab)*

Only where something must still match behind it: a part at the end never has to be given back.
"""

from __future__ import annotations

import importlib
import re
from collections.abc import Iterable, Iterator, Sequence
from typing import Any

from lbcore.sample.regex import RegexError, translate

# The parser of `re`: a private module, and the only one that knows what `re` makes of a pattern.
_parser: Any = importlib.import_module("re._parser")
ALL = frozenset(range(256))
Item = tuple[Any, Any]
_MANY = 64  # a repeat of so many or more counts as one without limit


def exponential(pattern: str) -> str | None:
    """What is wrong with a pattern, None if nothing is found."""
    try:
        parsed = _parser.parse(translate(pattern), re.ASCII)
    except (RegexError, re.error, RecursionError):
        return None
    return next(_faults(list(parsed), followed=False), None)


def _faults(items: Sequence[Item], *, followed: bool) -> Iterator[str]:
    """The faults of a sequence; `followed`: something must match behind it."""
    for at, (op, value) in enumerate(items):
        behind = followed or any(_demands(item) for item in items[at + 1 :])
        if _name(op) in _REPEATS:
            low, high, body = value
            del low
            if _name(op) != "POSSESSIVE_REPEAT" and high >= _MANY and behind:
                fault = _ambiguous(_flat(body))
                if fault:
                    yield fault
            yield from _faults(list(body), followed=True)
        else:
            for part in _parts(op, value):
                yield from _faults(list(part), followed=behind)


def _name(op: Any) -> str:
    return str(op)


_REPEATS = ("MAX_REPEAT", "MIN_REPEAT", "POSSESSIVE_REPEAT")


def _parts(op: Any, value: Any) -> Iterable[Sequence[Item]]:
    """The sequences inside of an item that is no repeat."""
    name = _name(op)
    if name == "SUBPATTERN":
        return [value[-1]]
    if name == "BRANCH":
        return list(value[1])
    if name in ("ASSERT", "ASSERT_NOT"):
        return [value[1]]
    return [value] if name == "ATOMIC_GROUP" else []


def _demands(item: Item) -> bool:
    """Whether an item may fail: it needs a character, or is an anchor."""
    op, value = item
    name = _name(op)
    if name in _REPEATS:
        return value[0] > 0 and any(map(_demands, value[2]))
    if name in ("SUBPATTERN", "ATOMIC_GROUP"):
        return any(any(map(_demands, part)) for part in _parts(op, value))
    if name == "BRANCH":
        return all(any(map(_demands, part)) for part in value[1])
    return True


def _flat(items: Iterable[Item]) -> list[Item]:
    """A sequence without groups that only group."""
    found: list[Item] = []
    for op, value in items:
        found += _flat(value[-1]) if _name(op) == "SUBPATTERN" else [(op, value)]
    return found


def _ambiguous(body: Sequence[Item]) -> str:
    for at, (op, value) in enumerate(body):
        others = [item for n, item in enumerate(body) if n != at and _least(item) > 0]
        chars = _chars((op, value))
        if _varies((op, value)) and chars and all(_chars(item) & chars for item in others):
            return "a repeated part repeats inside, and the text between can be cut in many ways"
        if _name(op) == "BRANCH" and not others and _branches(value[1]):
            return "a repeated choice has an alternative that others make up together"
    return ""


def _branches(branches: Sequence[Sequence[Item]]) -> bool:
    """Whether an alternative of several characters is also a sequence of alternatives of one."""
    flat = [_flat(branch) for branch in branches]
    single = [branch[0] for branch in flat if len(branch) == 1 and not _varies(branch[0])]
    union = frozenset().union(*map(_chars, single)) if single else frozenset()
    return any(len(branch) > 1 and all(_chars(item) & union for item in branch) for branch in flat)


def _varies(item: Item) -> bool:
    """Whether an item may take texts of different lengths."""
    op, value = item
    if _name(op) in _REPEATS:
        return bool(value[0] != value[1]) or any(map(_varies, value[2]))
    if _name(op) == "BRANCH":
        return len({(_least_of(part), any(map(_varies, part))) for part in value[1]}) > 1
    return any(any(map(_varies, part)) for part in _parts(op, value)) and not _name(op).startswith("ASSERT")


def _least_of(items: Iterable[Item]) -> int:
    return sum(map(_least, items))


def _least(item: Item) -> int:
    """The fewest characters that an item takes."""
    op, value = item
    name = _name(op)
    if name in _REPEATS:
        return int(value[0]) * _least_of(value[2])
    if name == "BRANCH":
        return min(map(_least_of, value[1]))
    if name in ("SUBPATTERN", "ATOMIC_GROUP"):
        return sum(map(_least_of, _parts(op, value)))
    return 0 if name in ("AT", "ASSERT", "ASSERT_NOT", "GROUPREF", "GROUPREF_EXISTS") else 1


def _chars(item: Item) -> frozenset[int]:
    """The characters that an item may take, by their codes."""
    op, value = item
    name = _name(op)
    if name == "LITERAL":
        return frozenset({value})
    if name == "NOT_LITERAL":
        return ALL - {value}
    if name == "ANY":
        return ALL - {10}
    if name == "IN":
        return _set(value)
    if name in _REPEATS:
        return _union(value[2])
    if name in ("AT", "ASSERT", "ASSERT_NOT"):
        return frozenset()
    parts = _parts(op, value)
    return frozenset().union(*map(_union, parts)) if parts else ALL


def _union(items: Iterable[Item]) -> frozenset[int]:
    return frozenset().union(*map(_chars, items))


_CATEGORIES = {"DIGIT": r"\d", "SPACE": r"\s", "WORD": r"\w"}


def _set(members: Iterable[Item]) -> frozenset[int]:
    found: frozenset[int] = frozenset()
    negated = False
    for op, value in members:
        name = _name(op)
        if name == "NEGATE":
            negated = True
        elif name == "LITERAL":
            found |= {value}
        elif name == "RANGE":
            found |= set(range(value[0], value[1] + 1))
        else:
            found |= _category(str(value))
    return ALL - found if negated else found


def _category(name: str) -> frozenset[int]:
    kind = name.removeprefix("CATEGORY_")
    text = _CATEGORIES[kind.removeprefix("NOT_")]
    found = frozenset(code for code in ALL if re.fullmatch(text, chr(code), re.ASCII))
    return ALL - found if kind.startswith("NOT_") else found
