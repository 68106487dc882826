"""Types of samples, and casts between them (manual 7.1, "cast")."""

from __future__ import annotations

import re
import socket
from collections.abc import Callable
from enum import Enum
from typing import Any

_NUMBER = re.compile(r"([+-]?)0*([0-9]{0,20})")
_SINT_MAX, _SINT_MIN = 2**63 - 1, -(2**63)
_NO_PREFIX = bytes(12)
_6TO4 = b"\x20\x02"
_MAPPED = b"\0" * 10 + b"\xff\xff"
# what follows may be anything that does not make the number or the address a longer one
_LEADING_IPV4 = re.compile(r"([0-9]+)\.([0-9]+)\.([0-9]+)\.([0-9]+)(?![.0-9])", re.ASCII)
OCTET_MAX = 255


class Type(Enum):
    """What a sample is, by the names that HAProxy prints. ADDR is either kind of address, SAME what went in."""

    ANY = "any"
    SAME = "same"
    BOOL = "bool"
    SINT = "sint"
    ADDR = "addr"
    IPV4 = "ipv4"
    IPV6 = "ipv6"
    STR = "str"
    BIN = "bin"
    METH = "meth"


class Addr(bytes):
    """An address in network order, 4 or 16 bytes."""

    __slots__ = ()

    def __str__(self) -> str:
        return socket.inet_ntop(socket.AF_INET if len(self) == 4 else socket.AF_INET6, self)

    @classmethod
    def parse(cls, text: str) -> Addr | None:
        """The address that a text is, None if it is none."""
        for family in (socket.AF_INET, socket.AF_INET6):
            try:
                return cls(socket.inet_pton(family, text))
            except (OSError, ValueError):
                continue
        return None

    @property
    def v4(self) -> Addr | None:
        """As IPv4; of IPv6 only mapped addresses can be (as in HAProxy's casts)."""
        if len(self) == 4:
            return self
        return Addr(self[12:]) if self[:12] == _MAPPED else None

    @property
    def v4_within(self) -> Addr | None:
        """The IPv4 address that it is or stands for: mapped, compatible and 6to4 (as HAProxy matches networks)."""
        if len(self) == 16 and self[:12] == _NO_PREFIX:
            return Addr(self[12:])
        if len(self) == 16 and self[:2] == _6TO4:
            return Addr(self[2:6])
        return self.v4

    @property
    def v6(self) -> Addr:
        """As IPv6; IPv4 is mapped."""
        return self if len(self) == 16 else Addr(_MAPPED + self)


Value = bool | int | str | bytes  # `Addr` is a kind of bytes; a method is a str
Cast = Callable[[Value], Value | None]


def type_of(value: Value) -> Type:
    """The type of a value whose type is known only now (variables)."""
    return _TYPES[type(value)] if type(value) is not Addr else Type.IPV4 if len(value) == 4 else Type.IPV6


_TYPES = {bool: Type.BOOL, int: Type.SINT, str: Type.STR, bytes: Type.BIN}


def sint(value: int) -> int:
    """Cut to 64 bits, signed, as the machine would."""
    return value if _SINT_MIN <= value <= _SINT_MAX else (value + 2**63) % 2**64 - 2**63


def str_to_sint(text: str) -> int:
    """Leading digits as a number, 0 without any (as HAProxy: garbage behind them is left aside)."""
    match = _NUMBER.match(text)
    assert match is not None, "every part of the pattern may be empty"
    number = int(match[2] or 0)
    return max(_SINT_MIN, min(_SINT_MAX, -number if match[1] == "-" else number))


def cast(value: Value, target: Type) -> Value | None:
    """`value` as `target`, by the type that it has; None if it can't be."""
    convert = caster(type_of(value), target)
    return None if convert is None else convert(value)


def caster(source: Type, target: Type) -> Cast | None:
    """How a `source` becomes a `target`: a function that may give None, `same` if there is nothing to do, None if
    there is no such cast. A source of ANY is cast by the type that each value has."""
    if source is target or target in (Type.ANY, Type.SAME):
        return same
    if source is Type.ANY:
        return lambda value: cast(value, target)
    return _CASTS.get((source, target))


def same(value: Value) -> Value:
    """The value itself."""
    return value


def _sint_to_ipv4(value: Any) -> Value:
    return Addr((value & 0xFFFFFFFF).to_bytes(4, "big"))


def _sint_to_ipv6(value: Any) -> Value:
    return Addr((value & 0xFFFFFFFF).to_bytes(4, "big")).v6


def _sint_to_bin(value: Any) -> Value:
    return int(value).to_bytes(8, "big", signed=True)


def _bool_to_str(value: Any) -> Value:
    return "1" if value else "0"


def _ip_to_sint(value: Any) -> Value | None:
    return int.from_bytes(value, "big") if len(value) == 4 else None


def _to_v4(value: Any) -> Value | None:
    found: Addr | None = value.v4
    return found


def _to_v6(value: Any) -> Value:
    found: Addr = value.v6
    return found


def _str_to_sint(value: Any) -> Value | None:
    return str_to_sint(value) if value else None


def _str_to_bool(value: Any) -> Value | None:
    return str_to_sint(value) != 0 if value else None


def _str_to_addr(value: Any) -> Value | None:
    """As HAProxy: what stands behind an IPv4 address, say a port, is left aside."""
    found = _str_to_ipv4(value)
    return Addr.parse(value) if found is None else found


def _str_to_ipv4(value: Any) -> Value | None:
    match = _LEADING_IPV4.match(value)
    if match is None:
        return None
    octets = [int(digits) for digits in match.groups()]
    return Addr(octets) if max(octets) <= OCTET_MAX else None


def _str_to_ipv6(value: Any) -> Value | None:
    found = Addr.parse(value)
    return found if found is not None and len(found) == 16 else None


def _str_to_bin(value: Any) -> Value:
    text: str = value
    return text.encode("latin-1")


def _bin_to_str(value: Any) -> Value:
    """Up to the first NUL, where texts end for HAProxy."""
    block: bytes = value
    return block.partition(b"\0")[0].decode("latin-1")


_CASTS: dict[tuple[Type, Type], Cast] = {
    (Type.BOOL, Type.SINT): int,
    (Type.BOOL, Type.STR): _bool_to_str,
    (Type.BOOL, Type.BIN): _sint_to_bin,
    (Type.SINT, Type.BOOL): bool,
    (Type.SINT, Type.ADDR): _sint_to_ipv4,
    (Type.SINT, Type.IPV4): _sint_to_ipv4,
    (Type.SINT, Type.IPV6): _sint_to_ipv6,
    (Type.SINT, Type.STR): str,
    (Type.SINT, Type.BIN): _sint_to_bin,
    (Type.STR, Type.BOOL): _str_to_bool,
    (Type.STR, Type.SINT): _str_to_sint,
    (Type.STR, Type.ADDR): _str_to_addr,
    (Type.STR, Type.IPV4): _str_to_ipv4,
    (Type.STR, Type.IPV6): _str_to_ipv6,
    (Type.STR, Type.BIN): _str_to_bin,
    (Type.STR, Type.METH): same,
    (Type.BIN, Type.STR): _bin_to_str,
    (Type.BIN, Type.METH): _bin_to_str,
    (Type.METH, Type.STR): same,
    (Type.METH, Type.BIN): _str_to_bin,
}
for _source in (Type.ADDR, Type.IPV4, Type.IPV6):
    _CASTS |= {
        (_source, Type.ADDR): same,
        (_source, Type.IPV4): _to_v4,
        (_source, Type.IPV6): _to_v6,
        (_source, Type.STR): str,
        (_source, Type.BIN): bytes,  # type: ignore[dict-item]
    }
    if _source is not Type.IPV6:
        _CASTS[_source, Type.SINT] = _ip_to_sint
