"""Hashes of keys, none of which is safe against an attacker (manual 7.3.1).

Those that balancing uses are the shim's, so that a key hashes alike in both; xxHash and CRC-32C are here.
"""

from __future__ import annotations

import zlib
from collections.abc import Callable, Sequence

from lbcore.conv.xxhash import MASK32, MASK64, xxh3, xxh32, xxh64
from lbcore.sample.build import Build
from lbcore.sample.rows import Arg, Convert, Converter, add_converters
from lbcore.sample.types import Type, sint
from lbcore.shim import lib

_POLYNOMIAL = 0x82F63B78  # of CRC-32C, reversed (RFC 4960 appendix B)

Hash = Callable[[bytes], int]


def _table() -> tuple[int, ...]:
    entries = []
    for byte in range(256):
        value = byte
        for _ in range(8):
            value = value >> 1 ^ (_POLYNOMIAL if value & 1 else 0)
        entries.append(value)
    return tuple(entries)


_CRC32C = _table()


def crc32c(block: bytes) -> int:
    """CRC-32 of Castagnoli (RFC 4960 appendix B)."""
    table, value = _CRC32C, MASK32
    for byte in block:
        value = value >> 8 ^ table[(value ^ byte) & 0xFF]
    return value ^ MASK32


def _of_shim(name: str) -> Hash:
    function = getattr(lib, f"hash_{name}")
    return lambda block: int(function(block, len(block)))


def _avalanching(name: str, hash_of: Hash, title: str) -> Converter:
    """The row of a hash whose argument, if not 0, asks for an avalanche behind it."""

    def make(args: Sequence[Arg], build: Build) -> Convert:
        if not args or not args[0]:
            return hash_of
        spread = lib.hash_avalanche
        return lambda block: int(spread(hash_of(block)))

    return Converter(name, "([integer])", Type.BIN, Type.SINT, make, f"{title}, spread if the argument is not 0.")


def _seeded(name: str, hash_of: Callable[[bytes, int], int], mask: int, title: str) -> Converter:
    """The row of a hash whose argument is a seed."""

    def make(args: Sequence[Arg], build: Build) -> Convert:
        seed = (args[0] if args else 0) & mask
        return lambda block: sint(hash_of(block, seed))

    return Converter(name, "([integer])", Type.BIN, Type.SINT, make, f"{title}; the argument is the seed.")


add_converters(
    _avalanching("crc32", zlib.crc32, "CRC-32 as in Ethernet, gzip and PNG"),
    _avalanching("crc32c", crc32c, "CRC-32C"),
    _avalanching("djb2", _of_shim("djb2"), "The hash DJB2"),
    _avalanching("sdbm", _of_shim("sdbm"), "The hash of SDBM"),
    _avalanching("wt6", _of_shim("wt6"), "The hash WT6"),
    _seeded("xxh3", xxh3, MASK64, "XXH3 of 64 bits, as a number with a sign"),
    _seeded("xxh32", xxh32, MASK32, "xxHash of 32 bits"),
    _seeded("xxh64", xxh64, MASK64, "xxHash of 64 bits, as a number with a sign"),
)
