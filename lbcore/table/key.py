"""Keys of stick tables: sample values as the bytes that entries are found by, and back (manual 4.2, "stick-table")."""

from __future__ import annotations

import re
from collections.abc import Callable
from typing import Any

from lbcore.sample.types import Addr, Cast, Type, Value, caster

# By the `type` of a table: what a sample is cast to, and the bytes of a key where these are always as many.
CASTS = {"ip": Type.IPV4, "ipv6": Type.IPV6, "integer": Type.SINT, "string": Type.STR, "binary": Type.BIN}
LENGTHS = {"ip": 4, "ipv6": 16, "integer": 4}
INTEGERS = 0xFFFFFFFF  # keys of integers have 32 bits; what is above them is cut off


def length_of(kind: str, length: int) -> int:
    """The bytes of a key of a table of that type, for which `len` says `length`."""
    return LENGTHS.get(kind, length)


def encode(kind: str, value: Value) -> bytes:
    """The key that a value, cast to the type of the table, is. What is too long is cut when it is used."""
    if kind == "integer":
        return (int(value) & INTEGERS).to_bytes(4, "big")
    if kind == "string":
        return str(value).partition("\0")[0].encode("latin-1", "replace")
    assert isinstance(value, bytes), "the cast gave bytes"
    return bytes(value)


def decode(kind: str, key: bytes) -> Value:
    """The value of a key. NULs at the end of a string are no part of it; those of a binary key are."""
    if kind in ("ip", "ipv6"):
        return Addr(key)
    if kind == "integer":
        return int.from_bytes(key, "big")
    return key.rstrip(b"\0").decode("latin-1") if kind == "string" else key


def text(kind: str, key: bytes) -> str:
    """A key as dumps show it: binary ones in hexadecimal digits, strings with what is not plain escaped."""
    value = decode(kind, key)
    if kind == "binary" and isinstance(value, bytes):
        return value.hex().upper()
    return _NOT_PLAIN.sub(_escaped, str(value)) if kind == "string" else str(value)


_NOT_PLAIN = re.compile(r"[^!-<>-\[\]-~]")
_LETTERS = {"\t": "t", "\n": "n", "\r": "r", "\x1b": "e", "\\": "\\", " ": " ", "=": "="}


def _escaped(found: re.Match[str]) -> str:
    char = found[0]
    return "\\" + (_LETTERS.get(char) or f"x{ord(char):02X}")


def to_type(kind: str, source: Type) -> Cast | None:
    """How a sample of type `source` becomes a key's value; None if it never can."""
    return caster(source, CASTS[kind])


def keyer(kind: str, source: Type) -> Callable[[Any], bytes | None] | None:
    """How a sample of type `source` becomes a key, which it may fail to; None if it never can. An empty text is one."""
    cast = to_type(kind, source)
    if cast is None:
        return None
    if kind == "ip" and source in _ADDRESSES:
        return _ipv4  # the usual case, and an address is its own key
    if kind == "ipv6" and source in _ADDRESSES:
        return lambda value: value.v6

    if kind == "string" and source is Type.STR:
        return _string

    def key(value: Any) -> bytes | None:
        found = cast(value)
        return None if found is None else encode(kind, found)

    return key


_ADDRESSES = (Type.ADDR, Type.IPV4, Type.IPV6)


def _string(value: Any) -> Any:
    return (value if "\0" not in value else value.partition("\0")[0]).encode("latin-1", "replace")


def _ipv4(value: Any) -> Any:
    return value if len(value) == LENGTHS["ip"] else value.v4


def parse(kind: str, word: str) -> bytes | None:
    """The key that a word of a command is, None if it is none (binary ones can't be typed, as in HAProxy)."""
    value: Any = None
    if kind in ("ip", "ipv6"):
        value = Addr.parse(word)
        if value is not None and len(value) != LENGTHS[kind]:
            return None
    elif kind == "integer":
        value = int(word) if word.isascii() and word.isdigit() and int(word) <= INTEGERS else None
    elif kind == "string":
        value = word
    return None if value is None else encode(kind, value)
