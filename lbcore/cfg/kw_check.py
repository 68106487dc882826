"""Health and agent checks: options of servers, options of proxies, `tcp-check`, `http-check`, `external-check` (manual
3.1, 4.2, 5.2). Steps are read by `tcpcheck_lines` and `httpcheck_lines`, which are loaded with the first line that says
one.
"""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import replace
from typing import Any

from lbcore.base.address import Address
from lbcore.cfg.address import AddressError, Place, numeric_family, parse_address
from lbcore.cfg.arguments import TIGHT, Args, Form, KeywordError, integer, lacks, time
from lbcore.cfg.keywords import GLOBAL, KEYWORDS, PROXIES, SERVERS, Keyword
from lbcore.cfg.known import not_yet
from lbcore.cfg.kw_global import settings

_PEER = Place(descriptors=False)
_SPREAD_MAX = 50
_TIME_MAX = 2147483647
_HELLOS = ("HELO", "EHLO")


# --- options of servers ---


def _check(args: Args, **changes: Any) -> None:
    server = args.server
    server.check_options = replace(server.check_options, **changes)
    if server.check is not None:
        server.check = server.check_options


def _agent(args: Args, **changes: Any) -> None:
    server = args.server
    server.agent_options = replace(server.agent_options, **changes)
    if server.agent_check is not None:
        server.agent_check = server.agent_options


def check(args: Args) -> None:
    """`check`: its health is checked."""
    args.server.check = args.server.check_options


def no_check(args: Args) -> None:
    """`no-check`: takes an inherited `check` back."""
    args.server.check = None


def agent_check(args: Args) -> None:
    """`agent-check`: its agent is asked, too."""
    args.server.agent_check = args.server.agent_options


def no_agent_check(args: Args) -> None:
    """`no-agent-check`: takes an inherited `agent-check` back."""
    args.server.agent_check = None


def _name(args: Args) -> str:
    return args.line.text(args.position - 1)


def delay(store: Callable[..., None], field: str) -> Callable[[Args], None]:
    """The function of an option with an interval."""

    def parse(args: Args) -> None:
        name = _name(args)
        text = args.take()
        if not text:
            raise KeywordError(f"'{name}' expects a delay as argument.")
        of = f"of server {args.server.name}."
        value = time(text, name, f"unexpected character '{{}}' in '{name}' argument {of}")
        if value <= 0:
            raise KeywordError(f"invalid value {value} for argument '{name}' {of}")
        store(args, **{field: value})

    return parse


def count(field: str) -> Callable[[Args], None]:
    """The function of `rise` and `fall`."""

    def parse(args: Args) -> None:
        text = args.take()
        if not text:
            raise KeywordError(f"'{field}' expects an integer argument.")
        value = integer(text)
        if value is None or value <= 0:
            raise KeywordError(f"'{field}' has to be > 0.")
        _check(args, **{field: value})

    return parse


def port(store: Callable[..., None]) -> Callable[[Args], None]:
    """The function of `port` and `agent-port`; 0 is as if it were not there."""

    def parse(args: Args) -> None:
        name = _name(args)
        text = args.take()
        value = integer(text) if text else None
        if value is None or not 0 <= value <= 65535:
            raise KeywordError(f"'{name}' expects a port number as argument.")
        store(args, port=value)

    return parse


def addr(args: Args) -> None:
    """`addr <address>`: where health checks connect to."""
    text = args.take()
    if not text:
        raise KeywordError("'addr' expects <ipv4|ipv6> as argument.")
    try:
        _check(args, addr=_numeric(args, text))
    except AddressError as error:
        raise KeywordError(f"'addr' : {error}") from None


def agent_addr(args: Args) -> None:
    """`agent-addr <address>`."""
    text = args.take()
    if not text:
        raise KeywordError("'agent-addr' expects an address as argument.")
    try:
        _agent(args, addr=_numeric(args, text))
    except AddressError:
        raise KeywordError(f"parsing agent-addr failed. Check if '{text}' is correct address.") from None


def _numeric(args: Args, text: str) -> Address:
    found = parse_address(text, _PEER, args.context.environment)
    if found.host and not found.host.startswith(("/", "\0")) and numeric_family(found.host) is None:
        raise AddressError(f"invalid address: '{found.host}' in '{text}'")
    return found


def agent_inter(args: Args) -> None:
    """`agent-inter <time>`."""
    delay(_agent, "inter")(args)


def agent_send(args: Args) -> None:
    """`agent-send <text>`."""
    text = args.take()
    if not text:
        raise KeywordError("'agent-send' expects a string as argument.")
    _agent(args, send=text if text.isascii() else text.encode("utf-8", "surrogateescape").decode("latin-1"))


def flag(field: str, value: bool = True) -> Callable[[Args], None]:
    """The function of an option without a value, or of its opposite."""
    return lambda args: _check(args, **{field: value})


def pool_conn_name(args: Args) -> None:
    """`check-pool-conn-name <name>`: of the idle connections that checks may use."""
    text = args.take()
    if not text:
        raise KeywordError("'check-pool-conn-name' : missing value")
    _check(args, pool_conn_name=text.encode("utf-8", "surrogateescape").decode("latin-1"))


# --- options of proxies ---


def kind(name: str, read: Callable[[Args], tuple[str, ...]]) -> Callable[[Args], None]:
    """The function of an option that says how servers are checked: the last one counts."""

    def parse(args: Args) -> None:
        proxy = args.proxy
        if not proxy.has_backend:
            args.warn(f"'{name}' ignored because {lacks(proxy, 'backend')}.", at=args.position - 1)
            args.rest()
            return
        words = read(args)
        if args.more:
            raise KeywordError(f"'option {name}' cannot handle unexpected argument '{args.peek()}'.", args.position)
        proxy.check_kind, proxy.check_words = name, words
        proxy.places["check"] = args.line.where

    return parse


def _none(args: Args) -> tuple[str, ...]:
    return ()


def _httpchk(args: Args) -> tuple[str, ...]:
    """`[<uri>]`, `<method> <uri> [<version>]`."""
    words = tuple(args.take() for _ in range(min(3, len(args.line.words) - args.position)))
    if len(words) == 3 and "\r\n" in words[2]:
        args.warn(
            "'option httpchk' : hiding headers or body at the end of the version string is deprecated. Please, "
            "consider to use 'http-check send' directive instead.",
            TIGHT,
        )
    return words


def _smtpchk(args: Args) -> tuple[str, ...]:
    """`[<hello> <domain>]`; what is no such thing is as if it were not there."""
    words = (args.take(), args.take()) if args.more else ("", "")
    return words if words[0] in _HELLOS and words[1] else ()


def _mysql(args: Args) -> tuple[str, ...]:
    """`[user <name> [post-41|pre-41]]`."""
    if not args.more:
        return ()
    word = args.take()
    if word != "user":
        raise KeywordError(f"'option mysql-check' only supports optional values: 'user' (got '{word}').")
    user = args.take()
    if not user:
        raise KeywordError("'option mysql-check user' expects <username> as argument.")
    version = args.take() if args.more else "post-41"
    if version not in ("post-41", "pre-41"):
        raise KeywordError(f"keyword 'user' only supports 'post-41' and 'pre-41' (got '{version}').")
    return user, version


def _pgsql(args: Args) -> tuple[str, ...]:
    """`user <name>`."""
    word, user = args.take(), args.take()
    if word != "user" or not user:
        raise KeywordError("'option pgsql-check' expects 'user <username>' as argument.")
    return (user,)


# --- lines ---


def tcp_check(args: Args) -> None:
    """`tcp-check <step> ...`."""
    from lbcore.cfg import tcpcheck_lines  # with the first of them

    tcpcheck_lines.tcp_check(args)


def http_check(args: Args) -> None:
    """`http-check <step> ...`."""
    from lbcore.cfg import httpcheck_lines  # with the first of them

    httpcheck_lines.http_check(args)


def external_check(args: Args) -> None:
    """`external-check command <program>`, `external-check path <path>`."""
    word = args.take()
    if not word:
        raise KeywordError("missing argument after 'external-check'.")
    if word not in ("command", "path"):
        raise KeywordError(f"'external-check' only supports 'command' and 'path'. but got '{word}'.")
    value = args.take()
    if not value:
        raise KeywordError(f"missing argument after '{word}'.")
    args.proxy.external_check = replace(args.proxy.external_check, **{word: value})
    args.proxy.places[f"external-check {word}"] = args.line.where


# --- global ---


def spread_checks(args: Args) -> None:
    """`spread-checks <percent>`."""
    text = args.take()
    if not text:
        raise KeywordError("'spread-checks' expects an integer argument (0..50).", lead=TIGHT)
    value = integer(text)
    if value is None or not 0 <= value <= _SPREAD_MAX:
        raise KeywordError("'spread-checks' needs a positive value in range 0..50.", lead=TIGHT)
    settings(args).spread_checks = value


def max_spread_checks(args: Args) -> None:
    """`max-spread-checks <time>`."""
    text = args.take()
    if not text:
        raise KeywordError("'max-spread-checks' expects an integer argument (0..50).", lead=TIGHT)
    try:
        settings(args).max_spread_checks = time(
            text, args.name, "unsupported character '{}' in 'max-spread-checks' (wants an integer delay)."
        )
    except KeywordError as error:
        error.lead = TIGHT
        raise


def external_checks(args: Args) -> None:
    """`external-check`: servers may be checked by programs."""
    settings(args).external_check = True


def insecure_fork_wanted(args: Args) -> None:
    """`insecure-fork-wanted`: programs may be started. `no` takes it back."""
    settings(args).insecure_fork_wanted = args.form is Form.SET


def later(args: Args) -> None:
    """Refuses a word whose layer is not there yet."""
    raise KeywordError(not_yet(_name(args)))


_KINDS: tuple[tuple[str, Callable[[Args], tuple[str, ...]], str, str], ...] = (
    ("external-check", _none, "", "Checks servers by a program."),
    ("httpchk", _httpchk, "[<uri>] | <method> <uri> [<version>]", "Checks servers by an HTTP request."),
    ("ldap-check", _none, "", "Checks LDAP servers."),
    ("mysql-check", _mysql, "[user <name> [post-41|pre-41]]", "Checks MySQL servers."),
    ("pgsql-check", _pgsql, "user <name>", "Checks PostgreSQL servers."),
    ("redis-check", _none, "", "Checks Redis servers."),
    ("smtpchk", _smtpchk, "[{HELO|EHLO} <domain>]", "Checks SMTP servers."),
    ("spop-check", _none, "", "Checks agents of the stream processing offload protocol."),
    ("ssl-hello-chk", _none, "", "Checks servers by a hello of SSL 3.0."),
    ("tcp-check", _none, "", "Checks servers by the steps of `tcp-check`."),
)

KEYWORDS.register(
    Keyword(("addr",), SERVERS, addr, "<address>", "Where health checks connect to.", "0.3"),
    Keyword(("agent-addr",), SERVERS, agent_addr, "<address>", "Where its agent is.", "0.3"),
    Keyword(("agent-check",), SERVERS, agent_check, "", "Asks an agent about it.", "0.3"),
    Keyword(("agent-inter",), SERVERS, agent_inter, "<time>", "How often its agent is asked.", "0.3"),
    Keyword(("agent-port",), SERVERS, port(_agent), "<port>", "The port of its agent.", "0.3"),
    Keyword(("agent-send",), SERVERS, agent_send, "<text>", "What its agent is told first.", "0.3"),
    Keyword(("check",), SERVERS, check, "", "Checks its health.", "0.3"),
    Keyword(("check-pool-conn-name",), SERVERS, pool_conn_name, "<name>",
            "The name of the idle connections that checks may use.", "0.3"),
    Keyword(("check-reuse-pool",), SERVERS, flag("reuse_pool"), "", "Checks use idle connections of streams.", "0.3"),
    Keyword(("check-send-proxy",), SERVERS, flag("send_proxy"), "", "Checks begin with a PROXY line.", "0.3"),
    Keyword(("check-via-socks4",), SERVERS, flag("via_socks4"), "", "Checks go through the server's SOCKS4 proxy.",
            "0.3"),
    Keyword(("downinter",), SERVERS, delay(_check, "downinter"), "<time>", "The interval while it is down.", "0.3"),
    Keyword(("external-check",), GLOBAL, external_checks, "", "Allows checks by programs.", "0.3"),
    Keyword(("external-check",), PROXIES, external_check, "{command <program>|path <path>}",
            "The program of `option external-check`.", "0.3"),
    Keyword(("fall",), SERVERS, count("fall"), "<count>", "Failed checks that take it down.", "0.3"),
    Keyword(("fastinter",), SERVERS, delay(_check, "fastinter"), "<time>", "The interval of a change.", "0.3"),
    Keyword(("http-check",), PROXIES, http_check, "<step> ...", "A step of the checks of `option httpchk`.", "0.3"),
    Keyword(("insecure-fork-wanted",), GLOBAL, insecure_fork_wanted, "", "Allows programs to be started.", "0.3",
            negatable=True),
    Keyword(("inter",), SERVERS, delay(_check, "inter"), "<time>", "The interval of health checks.", "0.3"),
    Keyword(("max-spread-checks",), GLOBAL, max_spread_checks, "<time>", "Bounds the spread of first checks.", "0.3"),
    Keyword(("no-agent-check",), SERVERS, no_agent_check, "", "Takes an inherited `agent-check` back.", "0.3"),
    Keyword(("no-check",), SERVERS, no_check, "", "Takes an inherited `check` back.", "0.3"),
    Keyword(("no-check-reuse-pool",), SERVERS, flag("reuse_pool", False), "", "Takes `check-reuse-pool` back.", "0.3"),
    Keyword(("no-check-send-proxy",), SERVERS, flag("send_proxy", False), "", "Takes `check-send-proxy` back.", "0.3"),
    *(Keyword(("option", name), PROXIES, kind(name, read), grammar, doc, "0.3") for name, read, grammar, doc in _KINDS),
    Keyword(("port",), SERVERS, port(_check), "<port>", "The port of health checks.", "0.3"),
    Keyword(("rise",), SERVERS, count("rise"), "<count>", "Good checks that bring it up.", "0.3"),
    Keyword(("spread-checks",), GLOBAL, spread_checks, "<percent>", "Varies the intervals of checks.", "0.3"),
    Keyword(("tcp-check",), PROXIES, tcp_check, "<step> ...", "A step of the checks of `option tcp-check`.", "0.3"),
)  # fmt: skip
