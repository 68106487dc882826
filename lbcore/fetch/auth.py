"""Credentials that a request brings (manual 7.3.6, RFC 7617, RFC 6750).

Passwords of a user list are checked in the worker that asks: see `lbcore.http.password` for what that costs.
"""

from __future__ import annotations

import binascii
from collections.abc import Callable, Iterable, Sequence

from lbcore.fetch.request import request_of
from lbcore.fetch.rows import given, plain
from lbcore.http import password
from lbcore.proxy.settings import User, Userlist
from lbcore.sample.build import Build, BuildError
from lbcore.sample.points import REQUEST
from lbcore.sample.rows import Arg, Fetch, Fetcher, ManyFetcher, add_fetches
from lbcore.sample.types import Type
from lbcore.stream.message import Request
from lbcore.stream.proxied import is_proxied
from lbcore.stream.txn import Txn

SCHEMES = {"basic": "Basic", "bearer": "Bearer"}


def field_of(t: Txn, req: Request) -> str:
    """The field that has the credentials: another one where we are the client's proxy (http-use-proxy-header)."""
    return "proxy-authorization" if is_proxied(t, req) else "authorization"


def split_scheme(value: str) -> tuple[str, str] | None:
    """(scheme as it is spelt, what is behind it), None if there is nothing."""
    scheme, _, rest = value.partition(" ")
    known, rest = SCHEMES.get(scheme.lower()), rest.strip(" ")
    return (known, rest) if known is not None and rest else None


def _unpack(credentials: str) -> tuple[str, str] | None:
    """User and password of the Basic scheme, None if they are malformed."""
    try:
        text = binascii.a2b_base64(credentials, strict_mode=True).decode("latin-1")
    except (binascii.Error, ValueError):
        return None
    user, colon, secret = text.partition(":")
    return (user, secret) if colon else None


def _value(t: Txn, name: str = "") -> str | None:
    req = request_of(t)
    return None if req is None else req.get(name or field_of(t, req))


def credentials_of(t: Txn) -> tuple[str, str] | None:
    """User and password, None if there are none or not of the Basic scheme."""
    value = _value(t)
    found = None if value is None else split_scheme(value)
    return _unpack(found[1]) if found is not None and found[0] == "Basic" else None


def fetch_type(t: Txn) -> str | None:
    value = _value(t)
    found = None if value is None else split_scheme(value)
    if found is None or (found[0] == "Basic" and _unpack(found[1]) is None):
        return None
    return found[0]


def fetch_user(t: Txn) -> str | None:
    found = credentials_of(t)
    return None if found is None else found[0]


def fetch_pass(t: Txn) -> str | None:
    found = credentials_of(t)
    return None if found is None else found[1]


def make_bearer(args: Sequence[Arg], build: Build) -> Fetcher:
    name = (given(args, 0) or "").lower()

    def fetch(t: Txn) -> str | None:
        value = _value(t, name)
        found = None if value is None else split_scheme(value)
        return found[1] if found is not None and found[0] == "Bearer" else None

    return fetch


# --- user lists ---


def _users(args: Sequence[Arg], build: Build) -> Callable[[tuple[str, str] | None], User | None]:
    """What gives the user of a list whom credentials prove. Raises BuildError if hashes can't be checked."""
    userlist: Userlist = build.userlist(args[0])
    users = userlist.users
    if any(user.password is not None and not user.insecure for user in users.values()):
        try:
            password.library()
        except OSError as error:
            raise BuildError(f"userlist '{userlist.name}': {error}") from None

    def find(found: tuple[str, str] | None) -> User | None:
        user = None if found is None else users.get(found[0])
        if found is None or user is None or user.password is None:
            return None
        return user if password.matches(found[1], user.password, plain=user.insecure) else None

    return find


def make_auth(args: Sequence[Arg], build: Build) -> Fetcher:
    find = _users(args, build)

    def fetch(t: Txn) -> bool | None:
        found = credentials_of(t)
        return None if found is None else find(found) is not None

    return fetch


def make_group(args: Sequence[Arg], build: Build) -> Fetcher:
    find = _users(args, build)

    def fetch(t: Txn) -> str | None:
        user = find(credentials_of(t))
        return None if user is None else user.name

    return fetch


def make_groups(args: Sequence[Arg], build: Build) -> ManyFetcher:
    """For ACLs, whose patterns are names of groups: those that the user is in."""
    find = _users(args, build)

    def fetch(t: Txn) -> Iterable[str]:
        user = find(credentials_of(t))
        return () if user is None else user.groups

    return fetch


add_fetches(
    Fetch(
        "http_auth", "(user list)", Type.BOOL, REQUEST, make_auth,
        "Whether user and password of the request are those of a user list.",
    ),
    Fetch("http_auth_bearer", "([string])", Type.STR, REQUEST, make_bearer, "The token of the Bearer scheme."),
    Fetch(
        "http_auth_group", "(user list)", Type.STR, REQUEST, make_group,
        "The user of a user list; in ACLs the groups that this user is in.", many=make_groups,
    ),
    plain("http_auth_pass", Type.STR, REQUEST, fetch_pass, "The password, unchecked."),
    plain("http_auth_type", Type.STR, REQUEST, fetch_type, "The scheme, `Basic` or `Bearer`."),
    plain("http_auth_user", Type.STR, REQUEST, fetch_user, "The user, unchecked."),
)  # fmt: skip
