"""Values that stand in the expression itself (manual 7.3.2)."""

from __future__ import annotations

import re
from collections.abc import Sequence

from lbcore.fetch.rows import inlined
from lbcore.sample.build import Build
from lbcore.sample.points import EVERYWHERE
from lbcore.sample.rows import Arg, ArgumentError, Fetch, Fetcher, add_fetches
from lbcore.sample.types import Type, Value

_TOKEN = re.compile(r"[!#$%&'*+\-.^_`|~0-9A-Za-z]+")  # RFC 9110 5.6.2
_BOOLS = {"true": True, "1": True, "false": False, "0": False}


def _constant(value: Value) -> Fetcher:
    return lambda t: value


def make_argument(args: Sequence[Arg], build: Build) -> Fetcher:
    """The argument as it is."""
    return _constant(args[0])


def make_bool(args: Sequence[Arg], build: Build) -> Fetcher:
    return _constant(_BOOLS[args[0]])


def make_bin(args: Sequence[Arg], build: Build) -> Fetcher:
    return _constant(bytes.fromhex(args[0]))


def check_bool(args: Sequence[Arg]) -> None:
    if args[0] not in _BOOLS:
        raise ArgumentError("Expects 'true', 'false', '0' or '1'", 0)


def check_bin(args: Sequence[Arg]) -> None:
    digits = args[0]
    if not digits:
        raise ArgumentError("hex digits are expected", 0)
    if len(digits) % 2:
        raise ArgumentError("an even number of hex digit is expected", 0)
    wrong = next((char for char in digits if char not in "0123456789abcdefABCDEF"), None)
    if wrong is not None:
        raise ArgumentError(f"an hex digit is expected (found '{wrong}')", 0)


def check_method(args: Sequence[Arg]) -> None:
    if args[0] and not _TOKEN.fullmatch(args[0]):
        raise ArgumentError("expects valid method.", 0)


add_fetches(
    inlined("always_false", Type.BOOL, EVERYWHERE, "False", "Always false."),
    inlined("always_true", Type.BOOL, EVERYWHERE, "True", "Always true."),
    Fetch("bin", "(string)", Type.BIN, EVERYWHERE, make_bin, "The bytes of a text of hex digits.", check=check_bin),
    Fetch("bool", "(string)", Type.BOOL, EVERYWHERE, make_bool, "`true`, `false`, `1` or `0`.", check=check_bool),
    Fetch("int", "(integer)", Type.SINT, EVERYWHERE, make_argument, "An integer."),
    Fetch("ipv4", "(IPv4 address)", Type.IPV4, EVERYWHERE, make_argument, "An IPv4 address."),
    Fetch("ipv6", "(IPv6 address)", Type.IPV6, EVERYWHERE, make_argument, "An IPv6 address."),
    Fetch("meth", "(string)", Type.METH, EVERYWHERE, make_argument, "A method.", check=check_method),
    Fetch("str", "(string)", Type.STR, EVERYWHERE, make_argument, "A text."),
)
