"""Texts: case, ends, parts, and what is put behind them (manual 7.3.1)."""

from __future__ import annotations

import re
from collections.abc import Callable, Sequence

from lbcore.conv.arguments import as_type, check_variable, named_variable, registered, text_at
from lbcore.sample.build import Build
from lbcore.sample.pattern import lower
from lbcore.sample.rows import Arg, ArgumentError, Convert, Converter, Txn, TxnConvert, add_converters
from lbcore.sample.types import Type

_UPPER = {code: code - 32 for code in range(ord("a"), ord("z") + 1)}

Splitter = Callable[[str], str | None]


def upper(text: str) -> str:
    """In upper case; only what is ASCII has one."""
    return text.upper() if text.isascii() else text.translate(_UPPER)


def cut_crlf(text: str) -> str:
    """What stands before the first CR or LF."""
    return text.partition("\r")[0].partition("\n")[0]


def _check_parts(args: Sequence[Arg]) -> None:
    if args[0] == 0:
        raise ArgumentError("Unexpected value 0 for index")
    if not args[1]:
        raise ArgumentError("Empty separators list")


def _parts(args: Sequence[Arg]) -> tuple[int, str, int]:
    """Index, pattern of the delimiters, and how many parts (0: all)."""
    return args[0], f"[{re.escape(args[1])}]", args[2] if len(args) > 2 else 1


def _reach(count: int, first: int, parts: int) -> int:
    """The number of parts from the part `first` on that `count` asks for."""
    return parts - first if count == 0 or count < 0 or count > parts - first else count


def _make_field(args: Sequence[Arg], build: Build) -> Splitter:
    """The n-th part; each delimiter ends one, so that parts may be empty."""
    index, pattern, count = _parts(args)
    split = re.compile(f"({pattern})").split

    def field(text: str) -> str | None:
        pieces = split(text)  # part, delimiter, part, ...
        parts = (len(pieces) + 1) // 2
        first = abs(index) - 1
        if first >= parts:
            return None
        reach = _reach(count, first, parts)
        if index > 0:
            return "".join(pieces[2 * first : 2 * (first + reach) - 1])
        end = len(pieces) - 2 * first
        return "".join(pieces[end - 2 * reach + 1 : end])

    return field


def _make_word(args: Sequence[Arg], build: Build) -> Splitter:
    """The n-th word; a run of delimiters is one, and those at the ends of the text count for none.

    A row of words that reaches to the end of the text takes the delimiters there along, as HAProxy has it.
    """
    index, pattern, count = _parts(args)
    words = re.compile(pattern.replace("[", "[^", 1) + "+").finditer

    def word(text: str) -> str | None:
        found = [match.span() for match in words(text)]
        first = abs(index) - 1
        if first >= len(found):
            return None
        whole = count <= 0 or count > len(found) - first
        reach = _reach(count, first, len(found))
        if index > 0:
            return text[found[first][0] : len(text) if whole else found[first + reach - 1][1]]
        return text[0 if whole else found[-first - reach][0] : found[-first - 1][1]]

    return word


def _make_ltrim(args: Sequence[Arg], build: Build) -> Convert:
    chars = text_at(args, 0)
    return lambda text: text.lstrip(chars)


def _make_rtrim(args: Sequence[Arg], build: Build) -> Convert:
    chars = text_at(args, 0)
    return lambda text: text.rstrip(chars)


def _check_concat(args: Sequence[Arg]) -> None:
    if text_at(args, 1):
        registered(args[1])


def _make_concat(args: Sequence[Arg], build: Build) -> TxnConvert:
    """The text, <start>, what <var> holds, <end>."""
    start, name, end = text_at(args, 0), text_at(args, 1), text_at(args, 2)
    if not name:
        constant = start + end
        return lambda t, text: text + constant
    get = as_type(registered(name), Type.STR)
    return lambda t, text: f"{text}{start}{get(t) or ''}{end}"


def _check_add_item(args: Sequence[Arg]) -> None:
    _check_concat(args)
    if not (text_at(args, 1) or text_at(args, 2)):
        raise ArgumentError("one of the optional arguments has to be nonempty")


def _make_add_item(args: Sequence[Arg], build: Build) -> TxnConvert:
    """The text, <delim> if there is something on both of its sides, what <var> holds, <suff>."""
    delimiter, name, suffix = text_at(args, 0), text_at(args, 1), text_at(args, 2)
    get = as_type(registered(name), Type.STR) if name else None

    def add_item(t: Txn, text: str) -> str:
        found = get(t) if get is not None else None
        item = (found or "") + suffix
        return f"{text}{delimiter}{item}" if text and item else text + item

    return add_item


def _make_strcmp(args: Sequence[Arg], build: Build) -> TxnConvert:
    """As strcmp(3): the difference of the first characters that differ, else that of the lengths."""
    get = as_type(named_variable(text_at(args, 0)), Type.STR)

    def compare(t: Txn, text: str) -> int | None:
        other = get(t)
        if other is None:
            return None
        for left, right in zip(text, other, strict=False):
            if left != right:
                return ord(left) - ord(right)
        return (len(text) > len(other)) - (len(text) < len(other))

    return compare


def _plain(name: str, gives: Type, function: Convert, doc: str) -> Converter:
    return Converter(name, "", Type.STR, gives, lambda args, build: function, doc)


_PARTS = "(integer,string[,integer])"
_CONCAT = "(string[,string,string])"
_ITEM = "(string,string[,string])"

add_converters(
    Converter(
        "add_item", _ITEM, Type.STR, Type.STR, _make_add_item, "Adds an item to a list.", _check_add_item, txn=True
    ),
    Converter("concat", _CONCAT, Type.STR, Type.STR, _make_concat, "Appends texts.", _check_concat, txn=True),
    _plain("cut_crlf", Type.STR, cut_crlf, "What stands before the first CR or LF."),
    Converter("field", _PARTS, Type.STR, Type.STR, _make_field, "The n-th field of a text.", _check_parts),
    _plain("length", Type.SINT, len, "The length in bytes."),
    _plain("lower", Type.STR, lower, "In lower case."),
    Converter("ltrim", "(string)", Type.STR, Type.STR, _make_ltrim, "Without such characters at the beginning."),
    Converter("rtrim", "(string)", Type.STR, Type.STR, _make_rtrim, "Without such characters at the end."),
    Converter(
        "strcmp", "(string)", Type.STR, Type.SINT, _make_strcmp, "Compares with a variable.", check_variable, txn=True
    ),
    _plain("upper", Type.STR, upper, "In upper case."),
    Converter("word", _PARTS, Type.STR, Type.STR, _make_word, "The n-th word of a text.", _check_parts),
)
