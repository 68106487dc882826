"""Keys of stick tables."""

from __future__ import annotations

import pytest

from lbcore.sample.types import Addr, Type, Value
from lbcore.table import key


@pytest.mark.parametrize(
    ("kind", "value", "encoded"),
    [
        ("ip", Addr(b"\x0a\0\0\1"), b"\x0a\0\0\1"),
        ("ipv6", Addr(b"\1" * 16), b"\1" * 16),
        ("integer", 258, b"\0\0\1\2"),
        ("integer", 2**32 + 5, b"\0\0\0\5"),
        ("integer", -1, b"\xff" * 4),
        ("string", "caf\xe9", b"caf\xe9"),
        ("string", "ends\0here", b"ends"),
        ("binary", b"\0\1\0", b"\0\1\0"),
    ],
)
def test_a_value_is_a_key(kind: str, value: Value, encoded: bytes) -> None:
    assert key.encode(kind, value) == encoded


@pytest.mark.parametrize(
    ("kind", "encoded", "shown"),
    [
        ("ip", b"\x0a\0\0\1", "10.0.0.1"),
        ("ipv6", b"\0" * 15 + b"\1", "::1"),
        ("integer", b"\xff" * 4, "4294967295"),
        ("string", b"ab\0\0", "ab"),
        ("binary", b"\1\xab\0", "01AB00"),
    ],
)
def test_a_key_is_shown_by_its_type(kind: str, encoded: bytes, shown: str) -> None:
    assert key.text(kind, encoded) == shown


@pytest.mark.parametrize("word", ["10.0.0.1", "0.0.0.0", "255.255.255.255"])
def test_an_address_that_was_typed_is_its_key(word: str) -> None:
    encoded = key.parse("ip", word)
    assert encoded is not None
    assert key.text("ip", encoded) == word


@pytest.mark.parametrize(
    ("kind", "word"),
    [
        ("ip", "::1"),
        ("ip", "x"),
        ("ipv6", "1.2.3.4"),
        ("integer", "4294967297"),
        ("integer", "-1"),
        ("integer", ""),
        ("binary", "0102"),
    ],
)
def test_what_is_no_key_of_the_type_is_none(kind: str, word: str) -> None:
    assert key.parse(kind, word) is None


def test_samples_are_cast_to_the_type_of_the_table() -> None:
    cast = key.to_type("string", Type.SINT)
    assert cast is not None
    assert cast(5) == "5"
    assert key.to_type("ip", Type.BOOL) is None


@pytest.mark.parametrize(("kind", "source", "empty"), [("string", Type.STR, ""), ("binary", Type.BIN, b"")])
def test_an_empty_sample_is_a_key(kind: str, source: Type, empty: Value) -> None:
    make = key.keyer(kind, source)
    assert make is not None
    assert make(empty) == b""
