"""Flat records of the shim as tuples: reading a batch of them costs one call."""

from __future__ import annotations

from struct import Struct
from typing import Any

from lbcore.shim import ffi

CODES = {"uint8_t": "B", "uint16_t": "H", "int32_t": "i", "uint32_t": "I", "uint64_t": "Q"}  # of struct


def record_layout(name: str) -> tuple[Struct, dict[str, int]]:
    """How the struct `name` becomes a tuple, and the place of each field in that. Arrays become bytes, pointers
    numbers."""
    fields: Any = ffi.typeof(name).fields
    code, end = "=", 0
    for _, field in fields:
        size = ffi.sizeof(field.type)
        letter = "Q" if field.type.kind == "pointer" else CODES.get(field.type.cname, f"{size}s")
        code += f"{field.offset - end}x{letter}"
        end = field.offset + size
    return Struct(f"{code}{ffi.sizeof(name) - end}x"), {name: place for place, (name, _) in enumerate(fields)}
