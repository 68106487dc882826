"""Addresses (manual 7.3.1)."""

from __future__ import annotations

from collections.abc import Sequence

from lbcore.sample.build import Build
from lbcore.sample.rows import Arg, Convert, Converter, add_converters
from lbcore.sample.types import Addr, Type

_MAPPED = bytes(10) + b"\xff\xff"  # before the IPv4 address that an IPv6 one stands for (RFC 4291 section 2.5.5.2)


def masked(address: Addr, mask: Addr) -> Addr:
    """The bits of an address that a mask of the same size leaves."""
    bits = int.from_bytes(address, "big") & int.from_bytes(mask, "big")
    return Addr(bits.to_bytes(len(address), "big"))


def _make_ipmask(args: Sequence[Arg], build: Build) -> Convert:
    """An address under the mask of its family. An IPv4 address mapped to IPv6 is what it was; others are no sample
    unless there is a mask for them."""
    mask4: Addr = args[0]
    mask6: Addr | None = args[1] if len(args) > 1 else None

    def ipmask(address: Addr) -> Addr | None:
        if len(address) == 4:
            return masked(address, mask4)
        if address.startswith(_MAPPED):
            return masked(Addr(address[12:]), mask4)
        return None if mask6 is None else masked(address, mask6)

    return ipmask


_IPMASK = "(IPv4 mask[,IPv6 mask])"

add_converters(Converter("ipmask", _IPMASK, Type.ADDR, Type.ADDR, _make_ipmask, "An address under a mask."))
