"""`bind` and its options (manual 4.2 "bind", 5.1 Bind options)."""

from __future__ import annotations

import grp
import pwd
import socket
from collections.abc import Callable
from dataclasses import dataclass, replace

from lbcore.base.address import Address
from lbcore.cfg.address import BIND as BIND_PLACE
from lbcore.cfg.address import AddressError, parse_addresses, split_list
from lbcore.cfg.arguments import MAX_THREADS, Args, KeywordError, integer, number_set, time
from lbcore.cfg.keywords import BIND, KEYWORDS, PROXIES, Keyword
from lbcore.cfg.known import not_yet, unknown_option
from lbcore.cfg.kw_global import octal_mode
from lbcore.cfg.origin import namespace as existing_namespace
from lbcore.conn.settings import BindSettings

_NO_ADDRESS = Address(socket.AF_UNSPEC)
_MAX_MSS = 65535
LEVELS = ("user", "operator", "admin")


def bind(args: Args) -> None:
    if args.in_defaults:
        raise KeywordError("'bind' not allowed in 'defaults' section.", at=0)
    if args.ignored("frontend"):
        args.rest()
        return
    text = args.take()
    if not text:
        raise KeywordError("'bind' expects {<path>|[addr1]:port1[-end1]}{,[addr]:port[-end]}... as arguments.")
    addresses = _addresses(args, text)
    label = f"'bind {text}' in section '{args.context.section}'"
    template = bind_options(args, text, Phrases(f"{label} : ", "", f"{label}: unknown keyword ", "."))
    if template.id is not None and len(addresses) > 1:
        raise KeywordError(f"{label} : 'id' can only be used with a single socket")
    template.mode, template.uid, template.gid = _unix_defaults(args, template)
    args.proxy.binds.extend(replace(template, address=address) for address in addresses)


def _addresses(args: Args, text: str) -> list[Address]:
    prefix = args.context.settings.globals.unix_bind.prefix
    found: list[Address] = []
    try:
        for part in split_list(text):
            found.extend(parse_addresses(part, BIND_PLACE, args.context.environment, prefix))
    except AddressError as error:
        raise KeywordError(f"'bind' : {error}") from None
    return found


def _unix_defaults(args: Args, template: BindSettings) -> tuple[int | None, int | None, int | None]:
    """Mode, uid and gid: the line's own, else those of `unix-bind`. They matter to unix sockets only."""
    start = args.context.settings.globals.unix_bind
    return (
        start.mode if template.mode is None else template.mode,
        start.uid if template.uid is None else template.uid,
        start.gid if template.gid is None else template.gid,
    )


@dataclass(frozen=True, slots=True)
class Phrases:
    """How a keyword with bind options words their errors: before and after one, before an unknown word, at the end."""

    before: str
    after: str
    unknown: str
    end: str  # after an unknown word that nothing resembles


def bind_options(args: Args, text: str, phrases: Phrases) -> BindSettings:
    """What the options that are left make of a listener, without its address. `text` is the address as written."""
    args.bind = BindSettings(_NO_ADDRESS, where=args.line.where, text=text)
    while args.more:
        name = args.take()
        row = KEYWORDS.find("bind", name)
        if row is None:
            raise _unknown(args, name, phrases)
        try:
            row.parse(args)
        except KeywordError as error:
            error.text = phrases.before + error.text + phrases.after
            raise
    return args.bind


def _unknown(args: Args, name: str, phrases: Phrases) -> KeywordError:
    if name == "process":
        gone = f"'process {args.take()}' on 'bind' lines is not supported anymore, please use 'thread' instead."
        return KeywordError(phrases.before + gone + phrases.after)
    known, hint = unknown_option("bind", name)
    if known:
        return KeywordError(phrases.before + not_yet(name) + phrases.after)
    return KeywordError(f"{phrases.unknown}'{name}'{'' if hint else phrases.end}", hint=hint)


def _option(args: Args, missing: str) -> tuple[str, str]:
    """(the option's name, its value). Raises KeywordError with `missing` after the name if there is no value."""
    name = args.line.text(args.position - 1)
    value = args.take()
    if not value:
        raise KeywordError(f"'{name}' : {missing}")
    return name, value


def flag(field: str) -> Callable[[Args], None]:
    """The function of an option without a value."""

    def parse(args: Args) -> None:
        setattr(args.bind, field, True)

    return parse


def ranged(field: str, low: int, high: int | None, limits: str) -> Callable[[Args], None]:
    """The function of an option with a number; `limits` ends the sentence for one out of range."""

    def parse(args: Args) -> None:
        name, text = _option(args, "missing value")
        value = integer(text)
        if value is None:
            raise KeywordError(f"'{name}' : expects an integer argument, found '{text}'")
        if value < low or (high is not None and value > high):
            raise KeywordError(f"'{name}' : invalid value {value}, {limits}")
        setattr(args.bind, field, value)

    return parse


def listener_name(args: Args) -> None:
    args.bind.name = _option(args, "missing name")[1]


def listener_id(args: Args) -> None:
    name, text = _option(args, "expects an integer argument")
    value = integer(text)
    if value is None:
        raise KeywordError(f"'{name}' : expects an integer argument, found '{text}'")
    if value <= 0:
        raise KeywordError(f"'{name}' : custom id has to be > 0")
    for other in args.proxy.binds if args.context.proxy else ():
        if other.id == value:
            raise KeywordError(f"'{name}' : custom id {value} already used at {other.where} ('bind {other.text}')")
    args.bind.id = value


def level(args: Args) -> None:
    name, value = _option(args, "missing level")
    if value not in LEVELS:
        raise KeywordError(f"'{name}' only supports 'user', 'operator', and 'admin' (got '{value}')")
    args.bind.level = value


def expose_fd(args: Args) -> None:
    """`expose-fd listeners`: who connects may have the listening sockets, so as to serve them instead."""
    name, value = _option(args, "missing fd type")
    if value != "listeners":
        raise KeywordError(f"'{name}' only supports 'listeners' (got '{value}')")
    args.bind.exposes_fds = True


def mode(args: Args) -> None:
    args.bind.mode = octal_mode(args.take(), "'mode'")


def user(args: Args) -> None:
    name, value = _option(args, "missing user name")
    try:
        args.bind.uid = pwd.getpwnam(value).pw_uid
    except (KeyError, UnicodeError):
        raise KeywordError(f"'{name}' : unknown user name '{value}'") from None


def group(args: Args) -> None:
    name, value = _option(args, "missing group name")
    try:
        args.bind.gid = grp.getgrnam(value).gr_gid
    except (KeyError, UnicodeError):
        raise KeywordError(f"'{name}' : unknown group name '{value}'") from None


def interface(args: Args) -> None:
    args.bind.interface = _option(args, "missing interface name")[1]


def namespace(args: Args) -> None:
    args.bind.namespace = existing_namespace(_option(args, "missing namespace id")[1])


def mss(args: Args) -> None:
    """A negative value is added to what the kernel would choose, as the manual says."""
    name, text = _option(args, "missing MSS value")
    value = integer(text)
    if value is None or not 1 <= abs(value) <= _MAX_MSS:
        raise KeywordError(f"'{name}' : expects an MSS with and absolute value between 1 and {_MAX_MSS}")
    args.bind.mss = value


def tcp_ut(args: Args) -> None:
    name, text = _option(args, "missing TCP User Timeout value")
    args.bind.tcp_ut = time(text, name, f"'{name}' : expects a positive delay in milliseconds")


def thread(args: Args) -> None:
    """`[<group>/]<threads>[,...]`; there is one group."""
    text = args.take()
    chosen: set[int] = set()
    for part in text.split(","):
        group_text, slash, threads = part.rpartition("/")
        if slash and group_text != "1":
            raise KeywordError(f"'{part}' thread-group number must be between 1 and 1 (was {group_text})")
        try:
            chosen.update(number_set(threads, MAX_THREADS))
        except KeywordError as error:
            raise KeywordError(f"'{threads}' : {error.text}") from None
    args.bind.thread = text
    args.bind.threads = frozenset(chosen)


def severity_output(args: Args) -> None:
    name, value = _option(args, "missing severity format")
    if value not in ("none", "number", "string"):
        raise KeywordError(f"'{name}' only supports 'none', 'number', and 'string' (got '{value}')")
    args.bind.severity_output = value


_NOT_NEGATIVE = "must be >= 0"
_MODES = "{none|number|string}"


def _count(field: str) -> Callable[[Args], None]:
    return ranged(field, 0, None, _NOT_NEGATIVE)


KEYWORDS.register(
    Keyword(("backlog",), BIND, ranged("backlog", 0, None, "must be > 0"), "<number>", "How many may wait for accept."),
    Keyword(("bind",), PROXIES, bind, "<address>[,<address> ...] [<option> ...]", "Listens there."),
    Keyword(("defer-accept",), BIND, flag("defer_accept"), "", "Accepts a connection once it has data."),
    Keyword(
        ("expose-fd",),
        BIND,
        expose_fd,
        "listeners",
        "Lets who connects to a stats socket have all listening ones.",
        "0.3",
    ),
    Keyword(("gid",), BIND, _count("gid"), "<number>", "The group of a unix socket, by number."),
    Keyword(("group",), BIND, group, "<name>", "The group of a unix socket."),
    Keyword(("id",), BIND, listener_id, "<number>", "The number of the listener in statistics."),
    Keyword(("interface",), BIND, interface, "<name>", "Listens on one network interface only."),
    Keyword(("level",), BIND, level, "{user|operator|admin}", "What commands of a stats socket may do."),
    Keyword(("maxconn",), BIND, _count("maxconn"), "<number>", "The most connections of the listener."),
    Keyword(("mode",), BIND, mode, "<mode>", "The permissions of a unix socket, in octal."),
    Keyword(("mss",), BIND, mss, "<bytes>", "The largest segment to announce."),
    Keyword(("name",), BIND, listener_name, "<name>", "The listener's name in statistics."),
    Keyword(
        ("nice",),
        BIND,
        ranged("nice", -1024, 1024, "allowed range is -1024..1024"),
        "<number>",
        "When its streams have their turn among others.",
    ),
    Keyword(("namespace",), BIND, namespace, "<name>", "Listens in a network namespace."),
    Keyword(("severity-output",), BIND, severity_output, _MODES, "How answers of a stats socket begin."),
    Keyword(("tcp-ut",), BIND, tcp_ut, "<time>", "How long sent data may stay unacknowledged."),
    Keyword(("tfo",), BIND, flag("tfo"), "", "Allows TCP fast open."),
    Keyword(("thread",), BIND, thread, "[1/]<threads>", "The threads that may accept here."),
    Keyword(("transparent",), BIND, flag("transparent"), "", "Listens on addresses that are not the host's own."),
    Keyword(("uid",), BIND, _count("uid"), "<number>", "The owner of a unix socket, by number."),
    Keyword(("user",), BIND, user, "<name>", "The owner of a unix socket."),
    Keyword(("v4v6",), BIND, flag("v4v6"), "", "Takes IPv4 on an IPv6 address, too."),
    Keyword(("v6only",), BIND, flag("v6only"), "", "Takes IPv6 only."),
)
