"""What the configuration gives a name: variables and ACLs (manual 7.3.2, 7.1)."""

from __future__ import annotations

from collections.abc import Sequence

from lbcore.sample.build import Build
from lbcore.sample.points import EVERYWHERE
from lbcore.sample.rows import Arg, ArgumentError, Fetch, Fetcher, add_fetches
from lbcore.sample.types import Type
from lbcore.sample.variable import parse_name
from lbcore.stream.txn import Txn

_ACLS = "(string" + "[" + ",".join(["", *["string"] * 11]) + "])"


def make_var(args: Sequence[Arg], build: Build) -> Fetcher:
    get = parse_name(args[0]).make(build)
    if len(args) < 2:
        return get
    default = args[1]  # an empty one is one, too

    def fetch(t: Txn) -> object:
        value = get(t)
        return default if value is None else value

    return fetch  # type: ignore[return-value]


def check_var(args: Sequence[Arg]) -> None:
    parse_name(args[0])


def make_acl(args: Sequence[Arg], build: Build) -> Fetcher:
    """Whether all ACLs match, those behind a "!" not."""
    tests = [(build.acl(name.removeprefix("!")), not name.startswith("!")) for name in args]
    return lambda t: all(test(t) is wanted for test, wanted in tests)


def check_acl(args: Sequence[Arg]) -> None:
    for at, name in enumerate(args):
        if not name.removeprefix("!"):
            raise ArgumentError("expects the name of an ACL", at)


add_fetches(
    Fetch("acl", _ACLS, Type.BOOL, EVERYWHERE, make_acl, "Whether all of these ACLs match.", check=check_acl),
    Fetch("var", "(string[,string])", Type.ANY, EVERYWHERE, make_var, "A variable, or a default.", check=check_var),
)
