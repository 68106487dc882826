"""Values in JSON texts by their paths (`json_query`, manual 7.3.1).

A path is `$`, then `.key` (a backslash before a dot that is part of it) and `[index]` for each step down. The text is
read no further than to the value: what is behind it may be missing, as in a body that is not whole, or be wrong.
"""

from __future__ import annotations

import json
import re
from collections.abc import Sequence
from typing import NamedTuple

MAX_DEPTH = 20  # of objects and lists in each other on the way to a value, as HAProxy has it

_scan = json.JSONDecoder(strict=False, parse_int=str, parse_float=str).scan_once  # type: ignore[attr-defined]

_BLANKS = re.compile(r"[ \t\r\n]*")
_STRING = re.compile(r'"((?:[^"\\]|\\.)*)"', re.DOTALL)
_NUMBER = re.compile(r"-?(?:0[xX][0-9A-Fa-f]+|[0-9]*(?:\.[0-9]*)?(?:[eE][+-]?[0-9]*)?)")
_WORD = re.compile(r"true|false|null")
_ESCAPE = re.compile(r"\\(u[0-9A-Fa-f]{4}|.)", re.DOTALL)
_ESCAPES = {"b": "\b", "f": "\f", "n": "\n", "r": "\r", "t": "\t", "\\": "\\", '"': '"'}
_STEP = re.compile(r"\.((?:[^.\[\\]|\\.)*)|\[([^\]]*)\]")

Path = tuple[str | int, ...]


class JsonError(ValueError):
    """A text that is no JSON, or a string in it that has no bytes."""


class Found(NamedTuple):
    """A value: its `kind` by how its text begins ("t" and "f", "n", "0", '"', "[", "{"), and the text itself."""

    kind: str
    text: str


def parse_path(text: str) -> Path | None:
    """The steps of a path: keys and indexes. None if it is none, so that nothing will ever be found."""
    if not text.startswith("$"):
        return None
    steps: list[str | int] = []
    at = 1
    while at < len(text):
        step = _STEP.match(text, at)
        if step is None:
            return None
        key, index = step[1], step[2]
        steps.append(key.replace("\\", "") if key is not None else _index(index))
        at = step.end()
    return tuple(steps)


def _index(text: str) -> int:
    digits = re.match(r"-?[0-9]*", text)
    assert digits is not None, "every part of the pattern may be empty"
    return int(digits[0]) if digits[0].strip("-") else 0


def find(text: str, path: Path) -> Found | None:
    """The first value of a path, None if there is none. Raises JsonError if the text goes wrong before it."""
    found, _ = _value(text, 0, path, 0)
    return found


def unescape(text: str) -> str:
    """What the inside of a string means. Raises JsonError for what is more than a byte, as HAProxy reads no other."""
    return _ESCAPE.sub(_escaped, text) if "\\" in text else text


def _escaped(match: re.Match[str]) -> str:
    escape = match[1]
    char = _ESCAPES.get(escape)
    if char is None and len(escape) == 5 and escape[1:3] == "00":
        char = chr(int(escape[1:], 16))
    if char is None:
        raise JsonError(f"no byte is \\{escape}")
    return char


def _skip(text: str, at: int) -> int:
    blanks = _BLANKS.match(text, at)
    assert blanks is not None, "blanks may be none"
    return blanks.end()


def _value(text: str, at: int, path: Sequence[str | int] | None, depth: int) -> tuple[Found | None, int]:
    """What a path has in the value at an offset (None: nothing is looked for), and the offset behind that value.

    Once something was found the offset means nothing.
    """
    at = _skip(text, at)
    char = text[at : at + 1]
    if char in ("{", "["):
        end = _end(text, at) if path is None else None
        if end is not None:
            return None, end
        if depth == MAX_DEPTH:
            raise JsonError("too deep")
        found, end = (_object if char == "{" else _list)(text, at + 1, path, depth + 1)
        whole = path is not None and not path
        return (Found(char, text[at:end]) if whole else found), end
    kind, end = _scalar(text, at, char)
    return (Found(kind, text[at:end]) if path is not None and not path else None), end


def _end(text: str, at: int) -> int | None:
    """The offset behind an object or a list in which nothing is looked for, by Python's own reader, which is far faster
    than this one; None if it stumbles, so that this one says whether rightly."""
    try:
        end: int = _scan(text, at)[1]
        return end
    except (RecursionError, StopIteration, ValueError):
        return None


def _scalar(text: str, at: int, char: str) -> tuple[str, int]:
    """The kind of a value without parts, and the offset behind it."""
    if char == '"':
        match, kind = _STRING.match(text, at), '"'
    elif char == "-" or char.isdigit():
        match, kind = _NUMBER.match(text, at), "0"
    else:
        match, kind = _WORD.match(text, at), char
    if match is None:
        raise JsonError(f"no value at {at}")
    return kind, match.end()


def _more(text: str, at: int, end: str) -> tuple[bool, int]:
    """Whether another part follows, and the offset behind the comma or the end."""
    at = _skip(text, at)
    char = text[at : at + 1]
    if char not in (",", end) or not char:
        raise JsonError(f"neither ',' nor '{end}' at {at}")
    return char == ",", at + 1


def _object(text: str, at: int, path: Sequence[str | int] | None, depth: int) -> tuple[Found | None, int]:
    at = _skip(text, at)
    if text.startswith("}", at):
        return None, at + 1
    more = True
    while more:
        at = _skip(text, at)
        key = _STRING.match(text, at)
        colon = _skip(text, key.end()) if key is not None else at
        if key is None or not text.startswith(":", colon):
            raise JsonError(f"no key at {at}")
        inner = path[1:] if path and path[0] == key[1] else None
        found, at = _value(text, colon + 1, inner, depth)
        if found is not None:
            return found, at
        if inner is not None:
            raise JsonError("what the first such key has is not what the path asks for")
        more, at = _more(text, at, "}")
    return None, at


def _list(text: str, at: int, path: Sequence[str | int] | None, depth: int) -> tuple[Found | None, int]:
    at = _skip(text, at)
    if text.startswith("]", at):
        return None, at + 1
    number, more = 0, True
    while more:
        inner = path[1:] if path and path[0] == number and type(path[0]) is int else None
        found, at = _value(text, at, inner, depth)
        if found is not None:
            return found, at
        more, at = _more(text, at, "]")
        number += 1
    return None, at
