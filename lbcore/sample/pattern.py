"""Matching methods (`-m`), and indexes of patterns (manual 7.1).

A method says what a sample is cast to, how a pattern's text is read, and which index keeps many of them. An index gives
what belongs to the pattern that matches: an entry of a reference for ACLs, a value for maps. Of several that match it
gives HAProxy's choice: the longest prefix, the narrowest network, else the first one in the order of the file.

Indexes are made by the writer of a reference and then only read; those whose `add` and `remove` say True are changed
in place, by single steps that readers see as a whole. Texts of patterns are latin-1, as samples are.
"""

from __future__ import annotations

import re
from bisect import bisect_right
from collections.abc import Callable, Iterable, Sequence
from dataclasses import dataclass
from typing import Any

from lbcore.sample.network import NetworkIndex, parse_network
from lbcore.sample.regex import RegexError, compile_regex
from lbcore.sample.types import Type

Key = Any  # what a method reads from a pattern's text
Data = Any  # what belongs to a pattern
Pairs = Sequence[tuple[Key, Data]]

FEW_PREFIXES = 16  # up to which str.startswith() beats looking up each length

STANDARD_METHODS = frozenset({"CONNECT", "DELETE", "GET", "HEAD", "OPTIONS", "POST", "PUT", "TRACE"})

_INTEGER = re.compile(r"[+-]?[0-9]+\Z")
_DOTTED = re.compile(r"([0-9]+)(?:\.([0-9]+))?\Z")
_RANGE = re.compile(r"[^:-]*")
_SINT_MAX = 2**63 - 1
_ASCII_LOWER = {code: code + 32 for code in range(ord("A"), ord("Z") + 1)}


class PatternError(ValueError):
    """A pattern can't be used with a method; the message is HAProxy's sentence."""


def lower(text: str) -> str:
    """`text` with ASCII letters in lower case, others as they are."""
    return text.lower() if text.isascii() else text.translate(_ASCII_LOWER)


# ---- indexes ----


class Index:
    """Patterns of one method. `keys` is a container that `in` works on, for those methods whose patterns are values."""

    __slots__ = ("keys",)

    keys: Any

    def find(self, value: Any) -> Data | None:
        """What belongs to the pattern that matches `value`, None if none does."""
        raise NotImplementedError

    def match(self, value: Any) -> bool:
        """Whether a pattern matches `value`."""
        return self.find(value) is not None

    def add(self, key: Key, data: Data) -> bool:
        """Puts a pattern behind the others if that is cheap; else False, and nothing was done."""
        return False

    def remove(self, key: Key) -> bool:
        """Takes a pattern out if that is cheap; else False, and nothing was done."""
        return False

    def replace(self, key: Key, data: Data) -> bool:
        """Puts other data to a pattern if that is cheap; else False, and nothing was done."""
        return False


class Exact(Index):
    """Values that are equal."""

    __slots__ = ("_twice", "find", "match")

    def __init__(self, pairs: Pairs) -> None:
        self.keys: dict[Key, Data] = {}
        self._twice = False  # some pattern was given more than once: the first one counts
        for key, data in pairs:
            self.add(key, data)
        self.find = self.keys.get  # type: ignore[method-assign,assignment]
        self.match = self.keys.__contains__  # type: ignore[method-assign,assignment]

    def add(self, key: Key, data: Data) -> bool:
        self._twice = self._twice or key in self.keys
        self.keys.setdefault(key, data)
        return True

    def remove(self, key: Key) -> bool:
        if self._twice:
            return False
        self.keys.pop(key, None)
        return True

    def replace(self, key: Key, data: Data) -> bool:
        if self._twice:
            return False
        self.keys[key] = data
        return True


class ExactLower(Exact):
    """Texts that are equal but for the case of ASCII letters. Keys are in lower case."""

    __slots__ = ()

    def __init__(self, pairs: Pairs) -> None:
        super().__init__(pairs)
        keys = self.keys
        self.find = lambda value: keys.get(lower(value))  # type: ignore[method-assign]
        self.match = lambda value: lower(value) in keys  # type: ignore[method-assign]


class MethodNames(Index):
    """HTTP methods in any case: only others than the standard ones, which are numbers for HAProxy. Keys of others are
    in lower case."""

    __slots__ = ()

    def __init__(self, pairs: Pairs) -> None:
        self.keys: dict[str, Data] = {}
        for key, data in pairs:
            self.keys.setdefault(key, data)

    def find(self, value: str) -> Data | None:
        data = self.keys.get(value)
        return data if data is not None or value in STANDARD_METHODS else self.keys.get(lower(value))


class Affixes(Index):
    """Prefixes. `texts` is what `str.startswith` takes."""

    __slots__ = ("_by_text", "_lengths", "texts")

    def __init__(self, pairs: Pairs) -> None:
        self._by_text: dict[str, Data] = {}
        for key, data in pairs:
            self._by_text.setdefault(key, data)
        self.texts = tuple(self._by_text)
        self._lengths = sorted({len(text) for text in self.texts}, reverse=True)

    def match(self, value: str) -> bool:
        if len(self.texts) <= FEW_PREFIXES:
            return value.startswith(self.texts)
        table = self._by_text
        return any(value[:length] in table for length in self._lengths)

    def find(self, value: str) -> Data | None:
        table = self._by_text
        for length in self._lengths:
            data = table.get(value[:length])
            if data is not None:
                return data
        return None


class Suffixes(Index):
    """Suffixes; of several that fit the first one in order counts."""

    __slots__ = ("_lengths", "_table", "texts")

    def __init__(self, pairs: Pairs) -> None:
        self._table: dict[str, tuple[int, Data]] = {}
        for order, (key, data) in enumerate(pairs):
            self._table.setdefault(key, (order, data))
        self.texts = tuple(self._table)
        self._lengths = sorted({len(text) for text in self.texts})

    def match(self, value: str) -> bool:
        return value.endswith(self.texts) if len(self.texts) <= FEW_PREFIXES else self.find(value) is not None

    def find(self, value: str) -> Data | None:
        size = len(value)
        fits = [
            found
            for length in self._lengths
            if length <= size and (found := self._table.get(value[size - length :])) is not None
        ]
        return min(fits, key=_order)[1] if fits else None


def _order(found: tuple[int, Data]) -> int:
    return found[0]


class Substrings(Index):
    """Texts that stand somewhere in the value."""

    __slots__ = ("_pairs",)

    def __init__(self, pairs: Pairs) -> None:
        self._pairs = tuple(pairs)

    def find(self, value: str) -> Data | None:
        for key, data in self._pairs:
            if key in value:
                return data
        return None


class Parts(Index):
    """Regular expressions, and what has become one: parts of the value between delimiters."""

    __slots__ = ("_searches", "pairs")

    def __init__(self, pairs: Pairs) -> None:
        self.pairs = tuple(pairs)
        self._searches = [(key.search, data) for key, data in pairs]

    def find(self, value: str) -> Data | None:
        for search, data in self._searches:
            if search(value) is not None:
                return data
        return None


class Ranges(Index):
    """Integers and ranges of them: keys are (lowest or None, highest or None)."""

    __slots__ = ("_apart", "_lows", "_ranges", "_single", "match")

    def __init__(self, pairs: Pairs) -> None:
        self._single: dict[int, tuple[int, Data]] = {}
        ranges = []
        for order, ((low, high), data) in enumerate(pairs):
            if low == high and low is not None:
                self._single.setdefault(low, (order, data))
            else:
                ranges.append((-(2**63) if low is None else low, _SINT_MAX if high is None else high, order, data))
        self._ranges = sorted(ranges, key=lambda one: one[:3])
        self._lows = [low for low, _, _, _ in self._ranges]
        self._apart = all(a[1] < b[0] for a, b in zip(self._ranges, self._ranges[1:], strict=False))
        self.keys = self if ranges else self._single
        self.match = self._matcher()  # type: ignore[method-assign,assignment]

    def _matcher(self) -> Callable[[int], bool]:
        """What says whether a value matches; nearly all have one pattern."""
        if not self._ranges:
            return self._single.__contains__
        if self._single or len(self._ranges) > 1:
            return lambda value: self.find(value) is not None
        ((low, high, _, _),) = self._ranges
        return lambda value: low <= value <= high

    def spans(self) -> list[tuple[int, int]]:
        """The lowest and the highest value of each pattern."""
        return [*((low, high) for low, high, _, _ in self._ranges), *((value, value) for value in self._single)]

    def __contains__(self, value: int | None) -> bool:
        return value is not None and self.match(value)

    def find(self, value: int) -> Data | None:
        single = self._single.get(value)
        if not self._ranges:
            return single[1] if single is not None else None
        fits = [(order, data) for low, high, order, data in self._near(value) if low <= value <= high]
        if single is not None:
            fits.append(single)
        return min(fits, key=_order)[1] if fits else None

    def _near(self, value: int) -> Sequence[tuple[int, int, int, Data]]:
        """The ranges that `value` may lie in."""
        at = bisect_right(self._lows, value)
        return self._ranges[at - 1 : at] if self._apart and at else self._ranges[:at]


class Lengths(Index):
    """Ranges of a text's length."""

    __slots__ = ("_ranges",)

    def __init__(self, pairs: Pairs) -> None:
        self._ranges = Ranges(pairs)

    def find(self, value: Any) -> Data | None:
        return self._ranges.find(len(value))

    def match(self, value: Any) -> bool:
        return self._ranges.match(len(value))


class Networks(Index):
    """Networks that an address lies in."""

    __slots__ = ("_index", "_twice", "find")

    def __init__(self, pairs: Pairs) -> None:
        self._index: NetworkIndex[Data] = NetworkIndex()
        for key, data in pairs:
            self._index.add(key, data)
        self.find = self._index.find  # type: ignore[method-assign]

    def add(self, key: Key, data: Data) -> bool:
        self._index.add(key, data)
        return True


class Folded(Index):
    """An index of patterns in lower case, for values in any case."""

    __slots__ = ("_index",)

    def __init__(self, index: Index) -> None:
        self._index = index

    def find(self, value: str) -> Data | None:
        return self._index.find(lower(value))

    def match(self, value: str) -> bool:
        return self._index.match(lower(value))


# ---- patterns' texts ----


def _number(text: str) -> int | None:
    if not _INTEGER.match(text):
        return None
    value = int(text)
    return value if -(2**63) <= value <= _SINT_MAX else None


def _dotted(text: str) -> int | None:
    found = _DOTTED.match(text)
    if found is None:
        return None
    major, minor = int(found[1]), int(found[2] or 0)
    return (major << 16) + minor if major < 65536 and minor < 65536 else None


def _read_range(text: str, read: Callable[[str], int | None], what: str) -> tuple[int | None, int | None]:
    """`n`, `low:high`, `low:`, `:high`; a dash is as good as a colon, so that a leading one is no sign."""
    begin = _RANGE.match(text)
    assert begin is not None, "it may be empty"
    end = begin.end()
    if end == len(text) and text:
        value = read(text)
        if value is None:
            raise PatternError(f"'{text}' is not {what}")
        return value, value
    low, high = read(begin[0]), read(text[end + 1 :])
    wrong = (low is None and end > 0) or (high is None and end + 1 < len(text)) or (low is None and high is None)
    if wrong or (low is not None and high is not None and low > high):
        raise PatternError(f"'{text}' is not a valid number range")
    return low, high


def _parse_int(text: str, flags: Flags) -> Key:
    return _read_range(text, _number, "a number")


def _parse_ver(text: str, flags: Flags) -> Key:
    try:
        return _read_range(text, _dotted, "a dotted number")
    except PatternError:
        raise PatternError(f"'{text}' is not a dotted number") from None


def _parse_text(text: str, flags: Flags) -> Key:
    return lower(text) if flags.ignore_case else text


def _parse_meth(text: str, flags: Flags) -> Key:
    return lower(text) if flags.ignore_case and text not in STANDARD_METHODS else text


def _parse_bin(text: str, flags: Flags) -> Key:
    if len(text) % 2:
        raise PatternError("an even number of hex digit is expected")
    for char in text:
        if char not in "0123456789abcdefABCDEF":
            raise PatternError(f"an hex digit is expected (found '{char}')")
    return bytes.fromhex(text)


def _parse_ip(text: str, flags: Flags) -> Key:
    network = parse_network(text, flags.resolve)
    if network is None:
        raise PatternError(f"'{text}' is not a valid IPv4 or IPv6 address")
    return network


def _parse_reg(text: str, flags: Flags) -> Key:
    try:
        return compile_regex(text, flags.ignore_case)
    except RegexError as error:
        raise PatternError(str(error)) from None


def _delimited(delimiters: str) -> Callable[[str, Flags], Key]:
    """What reads a pattern that is to stand between delimiters; those at its own ends count for nothing."""
    chars = re.escape(delimiters)

    def parse(text: str, flags: Flags) -> Key:
        inner = re.escape(text.strip(delimiters))
        if not inner:
            return re.compile(r"(?!)")  # nothing is in no part
        case = re.IGNORECASE | re.ASCII if flags.ignore_case else re.ASCII
        return re.compile(rf"(?:\A|(?<=[{chars}])){inner}(?=[{chars}]|\Z)", case)

    return parse


def _parse_nothing(text: str, flags: Flags) -> Key:
    return None


# ---- the table ----


@dataclass(frozen=True, slots=True)
class Flags:
    """What the flags before patterns say of them."""

    ignore_case: bool = False  # -i
    resolve: bool = True  # without -n: names of hosts may stand for their addresses


@dataclass(frozen=True, slots=True)
class Method:
    """A matching method. `takes` is what the sample is cast to; `parse` reads a pattern, and raises PatternError;
    `index` keeps patterns, `folded` those that ignore the case, None: as any others. `counts` says that operators
    (`lt`, `ge`) may stand before patterns."""

    name: str
    takes: Type
    parse: Callable[[str, Flags], Key]
    index: Callable[[Pairs], Index] | None
    folded: Callable[[Pairs], Index] | None = None
    counts: bool = False

    def build(self, pairs: Iterable[tuple[Key, Data]], flags: Flags) -> Index:
        """An index of patterns that `parse` has read."""
        make = (self.folded or self.index) if flags.ignore_case else self.index
        assert make is not None, "bool and found have no patterns"
        return make(list(pairs))


def _folded(index: Callable[[Pairs], Index]) -> Callable[[Pairs], Index]:
    return lambda pairs: Folded(index(pairs))


METHODS: dict[str, Method] = {
    method.name: method
    for method in (
        Method("beg", Type.STR, _parse_text, Affixes, _folded(Affixes)),
        Method("bin", Type.BIN, _parse_bin, Exact),
        Method("bool", Type.SINT, _parse_nothing, None),
        Method("dir", Type.STR, _delimited("/?"), Parts),
        Method("dom", Type.STR, _delimited("/?.:"), Parts),
        Method("end", Type.STR, _parse_text, Suffixes, _folded(Suffixes)),
        Method("found", Type.ANY, _parse_nothing, None),
        Method("int", Type.SINT, _parse_int, Ranges, counts=True),
        Method("ip", Type.ADDR, _parse_ip, Networks),
        Method("len", Type.STR, _parse_int, Lengths, counts=True),
        Method("reg", Type.STR, _parse_reg, Parts),
        Method("str", Type.STR, _parse_text, Exact, ExactLower),
        Method("sub", Type.STR, _parse_text, Substrings, _folded(Substrings)),
    )
}
# What criteria imply without `-m`.
METHOD_NAME = Method("meth", Type.METH, _parse_meth, Exact, MethodNames)
VERSION = Method("ver", Type.SINT, _parse_ver, Ranges, counts=True)  # of `req.ssl_ver`, whose patterns are as 3.1

IMPLIED = {**METHODS, METHOD_NAME.name: METHOD_NAME, VERSION.name: VERSION}

# The method of an ACL that names none, by the type of its sample. Others must name one.
DEFAULTS: dict[Type, str] = {
    Type.ADDR: "ip", Type.BOOL: "bool", Type.IPV4: "ip", Type.IPV6: "ip", Type.SINT: "int", Type.STR: "str",
}  # fmt: skip

OPERATORS = ("eq", "ge", "gt", "le", "lt")


def with_operator(operator: str, text: str, method: Method) -> str:
    """The pattern that an operator and a number mean; a range goes through as it is. Raises PatternError."""
    if operator == "eq" or ":" in text or "-" in text:
        return text
    head, dot, tail = text.partition(".")
    major, minor = _number(head), _number(tail) if dot else 0
    if major is None or (minor is None and method is VERSION):
        raise PatternError(f"'{text}' is neither a number nor a supported operator")
    step = {"ge": 0, "gt": 1, "le": 0, "lt": -1}[operator]
    if method is VERSION:
        value = (major << 16) + (minor or 0) + step
        shown = f"{value >> 16}.{value & 0xFFFF}"
    else:
        shown = str(major + step)  # what stands behind a dot counts for nothing, as in HAProxy
    return f"{shown}:" if operator in ("ge", "gt") else f":{shown}"
