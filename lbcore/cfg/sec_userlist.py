"""The `userlist` section (manual 3.4): users, their passwords and groups, for authentication rules."""

from __future__ import annotations

import re
from collections.abc import Callable
from dataclasses import dataclass, field

from lbcore.cfg.arguments import TIGHT, Args, KeywordError
from lbcore.cfg.context import Context
from lbcore.cfg.dispatch import dispatch, section_line
from lbcore.cfg.keywords import KEYWORDS, USERLIST, Keyword
from lbcore.cfg.words import Line
from lbcore.proxy.settings import User, Userlist

_NAME = re.compile(r"[A-Za-z0-9_:.-]*")


@dataclass(slots=True)
class _Open:
    """The list being read, and which users the groups named, which is only checked at the end."""

    current: Userlist
    members: list[tuple[Userlist, str, list[str]]] = field(default_factory=list)


class UserlistSection:
    """Reads `userlist` sections."""

    def open(self, ctx: Context, line: Line) -> None:
        """Creates the list; one that is ignored (a duplicate, a bad name) is still read, to show its errors."""
        _state(ctx).current = Userlist(line.text(1), where=line.where)
        section_line(ctx, line, _open)

    def line(self, ctx: Context, line: Line) -> None:
        dispatch(ctx, line, "userlist")

    def close(self, ctx: Context) -> None:
        """Nothing is left to do: groups and users may refer to later lines, so the final check looks at them."""


def _open(args: Args) -> None:
    name = args.take()
    if not name:
        raise KeywordError("'userlist' expects <name> as arguments.", lead=TIGHT)
    matched = _NAME.match(name)
    if matched is None or matched.end() < len(name):
        wrong = name[matched.end() if matched else 0]
        raise KeywordError(f"character '{wrong}' is not permitted in 'userlist' name '{name}'.", lead=TIGHT)
    lists = args.context.settings.userlists
    if name in lists:
        args.warn(f"ignoring duplicated userlist '{name}'.", lead=TIGHT, at=1)
        return
    lists[name] = _state(args.context).current


def _state(ctx: Context) -> _Open:
    state = ctx.notes.get(__name__)
    if state is None:
        state = ctx.notes[__name__] = _Open(Userlist(""))
    assert isinstance(state, _Open)
    return state


def group(args: Args) -> None:
    """`group <name> [users <user>[,<user>...]]`."""
    state = _state(args.context)
    name = args.take()
    if not name:
        raise KeywordError("'group' expects <name> as arguments.", lead=TIGHT)
    if name in state.current.groups:
        args.rest()
        args.warn(f"ignoring duplicated group '{name}' in userlist '{state.current.name}'.", lead=TIGHT, at=1)
        return
    members: list[str] = []
    while args.more:
        if args.take() != "users":
            raise KeywordError("'group' only supports 'users' option.", lead=TIGHT)
        if members:
            raise KeywordError(f"'users' option already defined in 'group' name '{name}'.", lead=TIGHT)
        members = _list(args, "users")
    state.current.groups.add(name)
    state.members.append((state.current, name, members))


def user(args: Args) -> None:
    """`user <name> [password|insecure-password <password>] [groups <group>[,<group>...]]`."""
    current = _state(args.context).current
    name = args.take()
    if not name:
        raise KeywordError("'user' expects <name> as arguments.", lead=TIGHT)
    if name in current.users:
        args.rest()
        args.warn(f"ignoring duplicated user '{name}' in userlist '{current.name}'.", lead=TIGHT, at=1)
        return
    found = User(name)
    while args.more:
        reader = _USER.get(args.take())
        if reader is None:
            raise KeywordError("'user' only supports 'password', 'insecure-password' and 'groups' options.", lead=TIGHT)
        reader(args, found)
    current.users[name] = found


def _password(args: Args, found: User) -> None:
    found.password, found.insecure = _needed(args, "password"), False


def _insecure_password(args: Args, found: User) -> None:
    found.password, found.insecure = _needed(args, "insecure-password"), True


def _groups(args: Args, found: User) -> None:
    found.groups.update(_list(args, "groups"))


_USER: dict[str, Callable[[Args, User], None]] = {
    "groups": _groups,
    "insecure-password": _insecure_password,
    "password": _password,
}


def _needed(args: Args, option: str) -> str:
    value = args.take()
    if not value:
        raise KeywordError(f"'{option}' expects a value in '{args.name}'.", lead=TIGHT)
    return value


def _list(args: Args, option: str) -> list[str]:
    return [name for name in _needed(args, option).split(",") if name]


def check_members(ctx: Context) -> None:
    """Reports groups and users that do not exist, and enters into the users the groups that named them."""
    for current in ctx.settings.userlists.values():
        for one in current.users.values():
            for name in sorted(one.groups - current.groups):
                _alert(ctx, f"userlist '{current.name}': no such group '{name}' specified in user '{one.name}'")
    for current, name, members in _state(ctx).members:
        for member in members:
            if member not in current.users:
                _alert(ctx, f"userlist '{current.name}': no such user '{member}' specified in group '{name}'")
                continue
            current.users[member].groups.add(name)


def _alert(ctx: Context, text: str) -> None:
    ctx.reporter.alert(None, None, text)


KEYWORDS.register(
    Keyword(("group",), USERLIST, group, "<name> [users <user>[,...]]", "A group, and users that belong to it."),
    Keyword(("user",), USERLIST, user, "<name> [{password|insecure-password} <password>] [groups <group>[,...]]",
            "A user, the password (a crypt hash, or in plain text), and the groups it belongs to."),
)  # fmt: skip
