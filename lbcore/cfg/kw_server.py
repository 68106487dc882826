"""`server`, `default-server` and their options (manual 4.2 "server", 5.2 Server and default-server options)."""

from __future__ import annotations

import re
import socket
from collections.abc import Callable
from dataclasses import replace

from lbcore.base.address import Address
from lbcore.cfg.address import SERVER as SERVER_PLACE
from lbcore.cfg.address import SOURCE, AddressError, Place, numeric_family, parse_address, parse_range
from lbcore.cfg.arguments import SERVER as SERVER_LEAD
from lbcore.cfg.arguments import Args, KeywordError, integer, lacks, time
from lbcore.cfg.keywords import KEYWORDS, PROXIES, SERVER, SERVERS, Keyword
from lbcore.cfg.known import not_yet, unknown_option
from lbcore.cfg.origin import namespace as existing_namespace
from lbcore.cfg.origin import usesrc
from lbcore.proxy.settings import ServerSettings

_NAME = re.compile(r"[A-Za-z0-9_:.-]+")
_SOCKS_PROXY = Place(port_needed=True, descriptors=False)
_SOURCE_PORTS = replace(SOURCE, ranges=True)
_NOWHERE = Address(socket.AF_UNSPEC)
MAX_WEIGHT = 256
MAX_TEMPLATE = 100_000  # servers of one line
_NUMBERS = re.compile(r"([0-9]{1,9})(?:-([0-9]{1,9}))?")
_METHODS = ("last", "libc", "none")


def server(args: Args) -> None:
    """`server <name> <address> [<option> ...]`, starting from the section's `default-server`."""
    _allowed(args)
    name, text = args.take(), args.take()
    if not name or not text:
        raise KeywordError("'server' expects <name> and <addr>[:<port>] as arguments.", lead=SERVER_LEAD)
    _check_name(name, "server name")
    _read(args, name, text, 2)
    args.proxy.servers.append(args.server)


def server_template(args: Args) -> None:
    """`server-template <prefix> <count>|<first>-<last> <address> [<option> ...]`: as many servers, alike but for their
    names and numbers.
    """
    _allowed(args)
    prefix, numbers, text = args.take(), args.take(), args.take()
    if not text:
        raise KeywordError(
            "'server-template' expects <prefix> <nb | range> <addr>[:<port>] as arguments.", lead=SERVER_LEAD
        )
    _check_name(prefix, "server-template prefix")
    wanted = _range(numbers)
    _read(args, prefix, text, 3)
    start = args.server
    for number in wanted:
        mine = replace(start, name=f"{prefix}{number}", options=dict(start.options))
        if number != wanted[0]:  # an `id` is that of the first
            mine.id, mine.forced_id = None, False
        args.proxy.servers.append(mine)


def _check_name(name: str, what: str) -> None:
    if not _NAME.fullmatch(name):
        wrong = next(character for character in name if not _NAME.fullmatch(character))
        raise KeywordError(f"character '{wrong}' is not permitted in {what} '{name}'.", 1, lead=SERVER_LEAD)


def _range(text: str) -> range:
    """What `3` (from 1) or `2-5` says; at most as many servers as could ever be wanted."""
    found = _NUMBERS.fullmatch(text)
    first, last = (1, 0) if found is None else (1, int(found[1])) if found[2] is None else map(int, found.groups())
    if first > last or last - first >= MAX_TEMPLATE:
        raise KeywordError(f"Wrong server-template number or range arg '{text}'.", 2, lead=SERVER_LEAD)
    return range(first, last + 1)


def _read(args: Args, name: str, text: str, at: int) -> None:
    """Makes `args.server` of the rest of a line, whose address is its word `at`."""
    try:
        args.server = _start(args, name, text, at)
        _options(args, "server")
    except KeywordError as error:
        error.text = f"'server {args.proxy.name}/{name}' : {error.text}"
        raise


def default_server(args: Args) -> None:
    """`default-server <option> ...`: what the `server` lines below start from."""
    _allowed(args)
    if not args.more:
        raise KeywordError("'default-server' expects at least one option.", lead=SERVER_LEAD)
    start = args.proxy.default_server
    args.server = replace(start) if start is not None else _blank()
    _options(args, "default-server")
    args.proxy.default_server = args.server


def _allowed(args: Args) -> None:
    proxy = args.proxy
    if args.in_defaults and args.name != "default-server":
        raise KeywordError(f"'{args.name}' not allowed in 'defaults' section.", 0, lead=SERVER_LEAD)
    if not proxy.has_backend:
        raise KeywordError(f"'{args.name}' not allowed because {lacks(proxy, 'backend')}.", 0)


def _blank() -> ServerSettings:
    return ServerSettings("default-server", _NOWHERE)


def _start(args: Args, name: str, text: str, at: int) -> ServerSettings:
    try:
        address = parse_address(text, SERVER_PLACE, args.context.environment)
    except AddressError as error:
        raise KeywordError(f"{error}", at, lead=SERVER_LEAD) from None
    if address.family != socket.AF_UNIX and not address.host:  # "*", or nothing: that of the client's choice
        address = replace(address, host="::" if address.family == socket.AF_INET6 else "0.0.0.0")
    template = args.proxy.default_server or _blank()
    found = replace(template, name=name, address=address, where=args.line.where, options={})
    if address.family != socket.AF_UNIX and address.host and numeric_family(address.host) is None:
        found.hostname = address.host
        found.resolve_family = address.family
        found.address = replace(address, family=socket.AF_UNSPEC)
    return found


def _options(args: Args, place: str) -> None:
    """Reads the options that are left into `args.server`. Raises KeywordError without the server's name."""
    while args.more:
        name = args.take()
        row = KEYWORDS.find(place, name.partition("(")[0])
        if row is None:
            raise _unknown(name, place)
        try:
            row.parse(args)
        except KeywordError as error:
            error.lead = SERVER_LEAD
            error.text += "."
            raise


def _unknown(name: str, place: str) -> KeywordError:
    if place == "default-server" and name in ("guid", "id"):
        return KeywordError(f"'{name}' option is not accepted in default-server sections", lead=SERVER_LEAD)
    known, hint = unknown_option("server", name)
    if known:
        return KeywordError(f"{not_yet(name)}.", lead=SERVER_LEAD)
    error = KeywordError(f"unknown keyword '{name}'{'' if hint else '.'}", hint=hint, lead=SERVER_LEAD)
    if place == "default-server":
        error.tail = " Hint: no address was expected for this server."
    return error


def flag(field: str, value: bool = True) -> Callable[[Args], None]:
    """The function of an option without a value."""

    def parse(args: Args) -> None:
        setattr(args.server, field, value)

    return parse


def _value(args: Args) -> tuple[str, str]:
    """(the option's name, its value)."""
    name = args.line.text(args.position - 1)
    value = args.take()
    if not value:
        raise KeywordError(f"'{name}' expects <value> as argument")
    return name, value


def _number(args: Args) -> tuple[str, int]:
    name, text = _value(args)
    value = integer(text)
    if value is None:
        raise KeywordError(f"'{name}' expects an integer argument, found '{text}'")
    return name, value


def at_least(field: str, low: int) -> Callable[[Args], None]:
    """The function of an option with a number that has a lower limit."""

    def parse(args: Args) -> None:
        name, value = _number(args)
        if value < low:
            raise KeywordError(f"'{name}' must be >= {low}")
        setattr(args.server, field, value)

    return parse


def weight(args: Args) -> None:
    _name, value = _number(args)
    if not 0 <= value <= MAX_WEIGHT:
        raise KeywordError(f"weight of server {args.server.name} is not within 0 and {MAX_WEIGHT} ({value})")
    args.server.weight = value


def server_id(args: Args) -> None:
    text = args.take()
    if not text:
        raise KeywordError("'id' : expects an integer argument")
    value = integer(text)
    if value is None or value <= 0:
        raise KeywordError("'id' : custom id has to be > 0")
    for other in args.proxy.servers:
        if other.id == value:
            raise KeywordError(f"'id' : custom id {value} already used at {other.where} ('server {other.name}')")
    args.server.id = value
    args.server.forced_id = True


def pool_purge_delay(args: Args) -> None:
    name, text = _value(args)
    args.server.pool_purge_delay = time(text, name, f"unexpected character '{{}}' in argument to <{name}>")


def tcp_ut(args: Args) -> None:
    text = args.take()
    if not text:
        raise KeywordError("'tcp-ut' : missing TCP User Timeout value")
    args.server.tcp_ut = time(text, "tcp-ut", "'tcp-ut' : expects a positive delay in milliseconds")


def source(args: Args) -> None:
    """`source <addr>[:<port>] [usesrc <whose>] [interface <name>]`."""
    text = args.take()
    if not text:
        raise KeywordError(
            "'source' expects <addr>[:<port>[-<port>]], and optionally 'usesrc' <addr>, and 'interface' <name> "
            "as argument"
        )
    try:
        found, last_port = parse_range(text, _SOURCE_PORTS, args.context.environment)
    except AddressError as error:
        raise KeywordError(f"'source {text}' : {error}") from None
    args.server.source = found
    args.server.source_last_port = last_port if last_port != found.port else 0
    args.server.usesrc = None
    while args.peek() in ("interface", "usesrc"):
        if args.take() == "usesrc":
            args.server.usesrc = usesrc(args, "'client', 'clientip', or 'hdr_ip(name,#)'")
            if args.server.source_last_port:
                raise KeywordError(not_yet("source <addr>:<port>-<port> usesrc"))
            continue
        args.server.interface = args.take()
        if not args.server.interface:
            raise KeywordError("'server' : missing interface name")


def namespace(args: Args) -> None:
    """`namespace <name>`: of the network, as `ip netns` names it."""
    name = args.take()
    if not name:
        raise KeywordError("'namespace' : expects <name> as argument")
    if name == "*":
        raise KeywordError(not_yet("namespace *"))
    args.server.namespace = existing_namespace(name)


def socks4(args: Args) -> None:
    """`socks4 <addr>:<port>`: the SOCKS4 proxy that connections to the server go through."""
    text = args.take()
    if not text:
        raise KeywordError("'socks4' expects <addr>:<port> as argument.")
    try:
        args.server.socks4 = parse_address(text, _SOCKS_PROXY, args.context.environment)
    except AddressError as error:
        raise KeywordError(f"'socks4 {text}' : {error}") from None


def init_addr(args: Args) -> None:
    """`init-addr <method>[,<method>...]`: ways to find the address of a name, tried in turn."""
    name, text = _value(args)
    methods = tuple(part for part in text.split(",") if part)
    for method in methods:
        if method not in _METHODS and numeric_family(method) is None:
            supported = ", ".join(f"'{known}'" for known in ("libc", "last", "none"))
            raise KeywordError(f"'{name}' : unknown init-addr method '{method}', supported methods are {supported}")
    for index, method in enumerate(methods):
        if method in methods[:index]:
            raise KeywordError(f"'{name}' : too many init-addr methods when trying to add '{method}'")
    args.server.init_addr = methods


_SERVER_GRAMMAR = "<name> <address>[:<port>] [<option> ...]"

KEYWORDS.register(
    Keyword(("backup",), SERVERS, flag("backup"), "", "Used only when no other server is left."),
    Keyword(("default-server",), PROXIES, default_server, "<option> ...", "What `server` lines start from."),
    Keyword(("disabled",), SERVERS, flag("disabled"), "", "Starts in maintenance."),
    Keyword(("enabled",), SERVERS, flag("disabled", False), "", "Takes an inherited `disabled` back."),
    Keyword(("id",), SERVER, server_id, "<number>", "The number of the server in statistics."),
    Keyword(("init-addr",), SERVERS, init_addr, "{last|libc|none|<ip>}[,...]", "How a name gets its first address."),
    Keyword(("max-reuse",), SERVERS, at_least("max_reuse", -1), "<number>", "How often a connection may be reused."),
    Keyword(("maxconn",), SERVERS, at_least("maxconn", 0), "<number>", "The most connections at once."),
    Keyword(("maxqueue",), SERVERS, at_least("maxqueue", 0), "<number>", "The most streams that wait for it alone."),
    Keyword(("minconn",), SERVERS, at_least("minconn", 0), "<number>", "The limit of connections under low load."),
    Keyword(("namespace",), SERVERS, namespace, "<name>", "The network namespace that it is reached in."),
    Keyword(("no-backup",), SERVERS, flag("backup", False), "", "Takes an inherited `backup` back."),
    Keyword(("no-tfo",), SERVERS, flag("tfo", False), "", "Takes an inherited `tfo` back."),
    Keyword(("pool-low-conn",), SERVERS, at_least("pool_low_conn", 0), "<number>",
            "Idle connections of a thread below this are left to it."),
    Keyword(("pool-max-conn",), SERVERS, at_least("pool_max_conn", -1), "<number>", "The most idle connections kept."),
    Keyword(("pool-purge-delay",), SERVERS, pool_purge_delay, "<time>", "How often idle connections are thinned out."),
    Keyword(("server",), PROXIES, server, _SERVER_GRAMMAR, "A server of the backend."),
    Keyword(("server-template",), PROXIES, server_template,
            "<prefix> {<count>|<first>-<last>} <address>[:<port>] [<option> ...]", "Several servers that are alike."),
    Keyword(("socks4",), SERVERS, socks4, "<address>:<port>", "The SOCKS4 proxy that leads to it."),
    Keyword(("source",), SERVERS, source,
            "<address>[:<port>[-<port>]] [usesrc {<address>|client|clientip|hdr_ip(<name>[,<occurrence>])}] "
            "[interface <name>]",
            "The address to connect from."),
    Keyword(("strict-maxconn",), SERVERS, flag("strict_maxconn"), "", "Its `maxconn` holds for idle connections too."),
    Keyword(("tcp-ut",), SERVERS, tcp_ut, "<time>", "How long sent data may stay unacknowledged."),
    Keyword(("tfo",), SERVERS, flag("tfo"), "", "Uses TCP fast open."),
    Keyword(("weight",), SERVERS, weight, "<number>", "The share of the load, 0 to 256."),
)  # fmt: skip
