"""Networks in an index by the length of their prefix: an address is looked up with one look-up for each length in
use."""

from __future__ import annotations

import re
import socket
from typing import Generic, NamedTuple, TypeVar

from lbcore.sample.types import Addr

_SHORT_IPV4 = re.compile(r"[0-9]+(\.[0-9]+){0,2}\Z")
_HOST = re.compile(r"[A-Za-z0-9_](?:[A-Za-z0-9_.-]*[A-Za-z0-9_.])?\Z")
_MAPPED = 0xFFFF << 32  # an IPv4 address in IPv6
_V4_ALL, _V6_ALL = 2**32 - 1, 2**128 - 1

Entry = TypeVar("Entry")


class Network(NamedTuple):
    """A network: its address, masked, and its mask, as numbers of `bits` (32, 128) bits."""

    address: int
    mask: int
    bits: int

    @property
    def prefix(self) -> int | None:
        """The length of the prefix, None if the mask's bits have holes."""
        host = self.mask ^ ((1 << self.bits) - 1)
        return self.bits - host.bit_length() if host & (host + 1) == 0 else None


def parse_network(text: str, resolve: bool = False) -> Network | None:
    """The network that a pattern means, None if it means none (manual 7.1.6).

    IPv4 may have a length or a mask behind the slash. With `resolve` it may leave out octets (`127.1`) or be the name
    of a host, which is then asked for: that may take as long as the resolver pleases.
    """
    name, slash, mask = text.partition("/")
    if ":" in name:
        return _network6(name, mask if slash else "128")
    address = _address4(name, resolve)
    bits = _mask4(mask if slash else "32")
    return None if address is None or bits is None else Network(address & bits, bits, 32)


def _network6(name: str, length: str) -> Network | None:
    try:
        address = int.from_bytes(socket.inet_pton(socket.AF_INET6, name), "big")
    except (OSError, ValueError):
        return None
    if not length.isdecimal() or int(length) > 128:
        return None
    mask = _V6_ALL ^ (_V6_ALL >> int(length))
    return Network(address & mask, mask, 128)


def _address4(name: str, resolve: bool) -> int | None:
    try:
        return int.from_bytes(socket.inet_pton(socket.AF_INET, name), "big")
    except (OSError, ValueError):
        return _resolved4(name) if resolve else None


def _resolved4(name: str) -> int | None:
    try:
        if _SHORT_IPV4.match(name):
            return int.from_bytes(socket.inet_aton(name), "big")
        if _HOST.match(name):
            return int.from_bytes(socket.inet_aton(socket.gethostbyname(name)), "big")
    except (OSError, UnicodeError):
        return None
    return None


def _mask4(text: str) -> int | None:
    if text.isdecimal():
        return _V4_ALL ^ (_V4_ALL >> int(text)) if int(text) <= 32 else None
    try:
        return int.from_bytes(socket.inet_pton(socket.AF_INET, text), "big")
    except (OSError, ValueError):
        return None


class NetworkIndex(Generic[Entry]):
    """Networks and what belongs to each. Adding and removing may go on while other threads look up."""

    __slots__ = ("_holed", "_v4", "_v6")

    def __init__(self) -> None:
        # (mask, {address: entry}), the longest prefix first
        self._v4: list[tuple[int, dict[int, Entry]]] = []
        self._v6: list[tuple[int, dict[int, Entry]]] = []
        self._holed: list[tuple[Network, Entry]] = []  # masks with holes, in their order

    def add(self, network: Network, entry: Entry) -> None:
        """Puts a network in; the first of equal ones stays."""
        if network.prefix is None:
            self._holed = [*self._holed, (network, entry)]
            return
        tables = self._v4 if network.bits == 32 else self._v6
        for mask, table in tables:
            if mask == network.mask:
                table.setdefault(network.address, entry)
                return
        longer = sorted([*tables, (network.mask, {network.address: entry})], key=lambda one: one[0], reverse=True)
        if network.bits == 32:
            self._v4 = longer
        else:
            self._v6 = longer

    def find(self, value: Addr) -> Entry | None:
        """What belongs to the narrowest network that an address lies in, None if it lies in none.

        IPv4 addresses are looked for in IPv6 networks as mapped ones, and IPv6 addresses that stand for IPv4 ones in
        IPv4 networks (mapped, compatible, 6to4).
        """
        number = int.from_bytes(value, "big")
        if len(value) == 4:
            entry = _narrowest(self._v4, number)
            if entry is None and self._v6:
                entry = _narrowest(self._v6, number | _MAPPED)
            return entry if entry is not None or not self._holed else self._among_holed(number)
        entry = _narrowest(self._v6, number)
        if entry is not None:
            return entry
        short = value.v4_within
        if short is None:
            return None
        number = int.from_bytes(short, "big")
        entry = _narrowest(self._v4, number)
        return entry if entry is not None or not self._holed else self._among_holed(number)

    def _among_holed(self, number: int) -> Entry | None:
        """What belongs to the first of the networks whose masks have holes; these are of IPv4 alone."""
        for network, entry in self._holed:
            if number & network.mask == network.address:
                return entry
        return None


def _narrowest(tables: list[tuple[int, dict[int, Entry]]], number: int) -> Entry | None:
    for mask, table in tables:
        entry = table.get(number & mask)
        if entry is not None:
            return entry
    return None
