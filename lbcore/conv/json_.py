"""JSON: texts made fit for it, and values out of it (manual 7.3.1)."""

from __future__ import annotations

import re
from collections.abc import Callable, Iterator, Sequence

from lbcore.conv.arguments import text_at
from lbcore.conv.jsonpath import Found, JsonError, find, parse_path, unescape
from lbcore.sample.build import Build
from lbcore.sample.rows import Arg, ArgumentError, Convert, Converter, add_converters
from lbcore.sample.types import Type, Value

INT_MAX = 2**53 - 1  # larger ones are no integers to those who keep numbers as floats (RFC 8259 section 6)

_ESCAPES = {'"': '\\"', "\\": "\\\\", "/": "\\/", "\b": "\\b", "\f": "\\f", "\n": "\\n", "\r": "\\r", "\t": "\\t"}
_SPECIAL = re.compile(r"[^ !#-.0-\[\]-~]")
_LITERAL = re.compile(r"(-?)(0[xX][0-9A-Fa-f]+|[0-9]*)")
_FLOAT = re.compile(r"-?[0-9]*(?:\.[0-9]*)?(?:[eE][+-]?[0-9]+)?")

Query = Callable[[str], Value | None]

# (errors are removed, texts longer than need be are taken) of each input code
_CODES = {"ascii": None, "utf8": (False, False), "utf8s": (True, False), "utf8p": (False, True), "utf8ps": (True, True)}


# ---- into JSON ----


def escape(text: str) -> str:
    """The inside of a JSON string, in ASCII, for characters up to U+FFFF."""
    return _SPECIAL.sub(lambda match: _ESCAPES.get(match[0]) or f"\\u{ord(match[0]):04x}", text)


def _code(args: Sequence[Arg]) -> str:
    return text_at(args, 0) or "ascii"


def _check_json(args: Sequence[Arg]) -> None:
    if _code(args) not in _CODES:
        raise ArgumentError(
            "Unexpected input code type. Allowed value are 'ascii', 'utf8', 'utf8s', 'utf8p' and 'utf8ps'"
        )


def _make_json(args: Sequence[Arg], build: Build) -> Convert:
    flags = _CODES[_code(args)]
    if flags is None:
        return escape
    silent, permissive = flags

    def convert(text: str) -> str | None:
        if text.isascii():
            return escape(text)
        chars: list[str] = []
        for char in decode_utf8(text, permissive):
            if char is not None:
                chars.append(char)
            elif not silent:
                return None
        return escape("".join(chars))

    return convert


def decode_utf8(text: str, permissive: bool) -> Iterator[str | None]:
    """The characters of a text whose characters are the bytes of UTF-8; None where a sequence is wrong.

    Wrong are bytes that form no sequence, surrogates, U+FFFE and U+FFFF, what `\\uXXXX` can't write, and, unless
    `permissive`, sequences longer than need be. Sequences have up to six bytes, as UTF-8 once had.
    """
    at = 0
    while at < len(text):
        lead = ord(text[at])
        size = _sequence_size(lead)
        tail = text[at + 1 : at + size]
        length = 1 + next((i for i, char in enumerate(tail) if not "\x80" <= char <= "\xbf"), len(tail))
        if length < size or size == 0:
            at += max(length, 1)
            yield None
            continue
        at += size
        yield _character(lead, tail, size, permissive)


def _sequence_size(lead: int) -> int:
    """Bytes of the sequence that a byte begins, 0 if it begins none."""
    if lead < 0x80:
        return 1
    if lead < 0xC0 or lead > 0xFD:
        return 0
    return 2 if lead < 0xE0 else 3 if lead < 0xF0 else 4 if lead < 0xF8 else 5 if lead < 0xFC else 6


def _character(lead: int, tail: str, size: int, permissive: bool) -> str | None:
    if size == 1:
        return chr(lead)
    value = lead & (0x7F >> size)
    for char in tail:
        value = value << 6 | ord(char) & 0x3F
    if value > 0xFFFF or 0xD800 <= value <= 0xDFFF or value >= 0xFFFE:
        return None
    least = (0, 0, 0x80, 0x800, 0x10000, 0x200000, 0x4000000)[size]
    return chr(value) if permissive or value >= least else None


# ---- out of JSON ----


def _check_type(args: Sequence[Arg]) -> None:
    if text_at(args, 1) not in ("", "int"):
        raise ArgumentError('output_type only supports "int" as argument')


def _check_query(args: Sequence[Arg]) -> None:
    if not args[0]:
        raise ArgumentError("json_path must not be empty")
    _check_type(args)


def make_query(args: Sequence[Arg]) -> Query:
    """What looks a path up in a JSON text: strings, booleans, lists as they stand there, numbers as texts or, if the
    second argument is "int", as numbers. None for objects and null, and if there is nothing."""
    path = parse_path(text_at(args, 0))
    number = _integer if text_at(args, 1) == "int" else _text_of_number
    if path is None:
        return lambda text: None

    def query(text: str) -> Value | None:
        try:
            found = find(text, path)
            return None if found is None else _value(found, number)
        except JsonError:
            return None

    return query


def _value(found: Found, number: Callable[[str], Value | None]) -> Value | None:
    kind, text = found
    if kind == '"':
        return unescape(text[1:-1])
    if kind == "0":
        return number(text)
    if kind in "tf":
        return kind == "t"
    return text if kind == "[" else None


def _integer(text: str) -> int | None:
    """The digits that a number begins with, in the base that they say as in C."""
    match = _LITERAL.match(text)
    assert match is not None, "every part of the pattern may be empty"
    digits = match[2]
    if digits[:2].lower() == "0x":
        value = int(digits, 16)
    elif digits[:1] == "0":
        octal = re.match("[0-7]*", digits)
        value = int(octal[0], 8) if octal else 0
    else:
        value = int(digits or "0")
    return None if value > INT_MAX else -value if match[1] else value


def _text_of_number(text: str) -> str:
    """A number with at most six digits, as `%g` of C prints it."""
    match = _FLOAT.match(text)
    assert match is not None, "every part of the pattern may be empty"
    try:
        return f"{float(match[0]):g}"
    except ValueError:
        return "0"


def _make_query(args: Sequence[Arg], build: Build) -> Query:
    return make_query(args)


check_query_type = _check_type

add_converters(
    Converter("json", "(string)", Type.STR, Type.STR, _make_json, "Escaped for a JSON string.", _check_json),
    Converter("json_query", "(string[,string])", Type.STR, Type.ANY, _make_query, "A value by its path.", _check_query),
)
