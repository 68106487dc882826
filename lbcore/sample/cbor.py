"""Values as CBOR (RFC 8949), as far as log lines have them."""

from __future__ import annotations

from collections.abc import Iterable
from typing import Any

_UNSIGNED, _NEGATIVE, _BYTES, _TEXT, _ARRAY = range(5)  # major types, RFC 8949 3.1
_SIMPLE = {False: b"\xf4", True: b"\xf5", None: b"\xf6"}
_MAP_START, _END = b"\xbf", b"\xff"  # a map of indefinite length, RFC 8949 3.2.2


def cbor_map(pairs: Iterable[tuple[str, Any]]) -> bytes:
    """A map of these names and values, in their order."""
    return _MAP_START + b"".join(cbor_value(name) + cbor_value(value) for name, value in pairs) + _END


def cbor_value(value: Any) -> bytes:
    """One value: None, a bool, an int of 64 bits, bytes, a latin-1 str of UTF-8, a list of these."""
    if value is None or isinstance(value, bool):
        return _SIMPLE[value]
    if isinstance(value, int):
        return _head(_UNSIGNED, value) if value >= 0 else _head(_NEGATIVE, -1 - value)
    if isinstance(value, str):
        text = value.encode("latin-1")
        return _head(_TEXT, len(text)) + text
    if isinstance(value, bytes):
        return _head(_BYTES, len(value)) + value
    return _head(_ARRAY, len(value)) + b"".join(map(cbor_value, value))


def _head(major: int, argument: int) -> bytes:
    if argument < 24:
        return bytes([major << 5 | argument])
    for additional, size in ((24, 1), (25, 2), (26, 4)):
        if argument < 1 << 8 * size:
            return bytes([major << 5 | additional]) + argument.to_bytes(size, "big")
    return bytes([major << 5 | 27]) + argument.to_bytes(8, "big")
