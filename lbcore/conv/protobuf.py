"""Protocol Buffers and gRPC: a field of a message by the path of its numbers (manual 7.3.1).

A message is a row of keys, `number << 3 | wire type`, each followed by its value; a message inside of it is a value of
wire type 2. gRPC puts a compression flag and the length, four bytes, before a message.
"""

from __future__ import annotations

import struct
from collections.abc import Callable, Sequence
from typing import NamedTuple

from lbcore.conv.arguments import UNSIGNED, text_at
from lbcore.sample.build import Build
from lbcore.sample.rows import Arg, ArgumentError, Convert, Converter, add_converters
from lbcore.sample.types import Type, Value, sint

VARINT, FIXED64, DELIMITED, FIXED32 = 0, 1, 2, 5  # wire types; 3 and 4 are of groups, which nobody uses any more
GRPC_HEAD = 5
VARINT_MAX = 10  # bytes

_SIZES = {FIXED64: 8, FIXED32: 4}


class Element(NamedTuple):
    """A field of a message: its value lies between `start` and `end`, a varint's is `number`."""

    field: int
    wire: int
    start: int
    end: int
    number: int = 0


def _varint(block: bytes, at: int) -> tuple[int, int] | None:
    """The number of variable length at an offset, and the offset behind it; None if it is not all there."""
    value = 0
    for place, byte in enumerate(block[at : at + VARINT_MAX]):
        value |= (byte & 0x7F) << 7 * place
        if byte < 0x80:
            return value & UNSIGNED, at + place + 1
    return None


def _element(block: bytes, at: int) -> Element | None:
    """The field at an offset, None if it is not all there or of no known kind."""
    key = _varint(block, at)
    if key is None:
        return None
    field, wire, at = key[0] >> 3, key[0] & 7, key[1]
    if wire in _SIZES:
        end = at + _SIZES[wire]
        return Element(field, wire, at, end) if end <= len(block) else None
    number = _varint(block, at) if wire in (VARINT, DELIMITED) else None
    if number is None:
        return None
    if wire == VARINT:
        return Element(field, wire, at, number[1], number[0])
    start, end = number[1], number[1] + number[0]
    return Element(field, wire, start, end) if end <= len(block) else None


def find(block: bytes, path: Sequence[int]) -> tuple[Element, bytes] | None:
    """The first field of a path, and the message that it is in; None if there is none."""
    *outer, last = path
    for number in outer:
        found = _first(block, number)
        if found is None or found.wire != DELIMITED:
            return None
        block = block[found.start : found.end]
    found = _first(block, last)
    return None if found is None else (found, block)


def _first(block: bytes, number: int) -> Element | None:
    at = 0
    while at < len(block):
        element = _element(block, at)
        if element is None or element.field == number:
            return element
        at = element.end
    return None


def _zigzag(number: int) -> int:
    return number >> 1 ^ -(number & 1)


# Type of a field -> its wire type, and how it becomes a number. All integers have 64 bits here.
_TYPES: dict[str, tuple[int, Callable[[int], int] | struct.Struct]] = {
    **dict.fromkeys(("int32", "uint32", "int64", "uint64", "bool", "enum"), (VARINT, sint)),
    "sint32": (VARINT, _zigzag),
    "sint64": (VARINT, _zigzag),
    "fixed64": (FIXED64, struct.Struct("<q")),
    "sfixed64": (FIXED64, struct.Struct("<q")),
    "double": (FIXED64, struct.Struct("<d")),
    "fixed32": (FIXED32, struct.Struct("<I")),
    "sfixed32": (FIXED32, struct.Struct("<i")),
    "float": (FIXED32, struct.Struct("<f")),
}


def _check_type(args: Sequence[Arg]) -> None:
    if text_at(args, 1) and args[1] not in _TYPES:
        raise ArgumentError(f"Wrong protocol buffer type '{args[1]}'")


def _read(element: Element, block: bytes, kind: str) -> Value | None:
    """A field as a number of a type, its fraction cut; None if the field is of another wire type."""
    wire, read = _TYPES[kind]
    if element.wire != wire:
        return None
    if not isinstance(read, struct.Struct):
        return read(element.number)
    try:
        return int(read.unpack_from(block, element.start)[0])
    except (OverflowError, ValueError):  # no number, or infinite
        return None


def _make_protobuf(args: Sequence[Arg], build: Build) -> Convert:
    path: tuple[int, ...] = args[0]
    kind = text_at(args, 1)

    def protobuf(block: bytes) -> Value | None:
        found = find(block, path)
        if found is None:
            return None
        element, message = found
        return _read(element, message, kind) if kind else message[element.start : element.end]

    return protobuf


def _make_ungrpc(args: Sequence[Arg], build: Build) -> Convert:
    protobuf = _make_protobuf(args, build)

    def ungrpc(block: bytes) -> Value | None:
        if len(block) < GRPC_HEAD:
            return None
        size = int.from_bytes(block[1:GRPC_HEAD], "big")
        return protobuf(block[GRPC_HEAD : GRPC_HEAD + size])

    return ungrpc


_FIELD = "(Protocol buffers field number[,string])"

add_converters(
    Converter("protobuf", _FIELD, Type.BIN, Type.ANY, _make_protobuf, "A field of a message.", _check_type),
    Converter("ungrpc", _FIELD, Type.BIN, Type.ANY, _make_ungrpc, "A field of a gRPC message.", _check_type),
)
