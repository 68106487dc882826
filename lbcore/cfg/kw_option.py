"""`option <name>` of proxies, with `no option` and `default option` (manual 4.2)."""

from __future__ import annotations

from collections.abc import Callable

from lbcore.cfg.arguments import TIGHT, Args, Form, KeywordError, integer, lacks
from lbcore.cfg.keywords import KEYWORDS, PROXIES, Keyword
from lbcore.cfg.known import REMOVED_OPTIONS, not_yet, unknown_option
from lbcore.proxy.settings import ForwardFor

FRONTEND = ("frontend",)
BACKEND = ("backend",)
BOTH = ("frontend", "backend")

# Plain switches: the sides that have them and what they do.
SWITCHES: dict[str, tuple[tuple[str, ...], str]] = {
    "abortonclose": (BACKEND, "Gives up a request whose client has gone while it waits."),
    "accept-unsafe-violations-in-http-request": (FRONTEND, "Reads requests less strictly: dangerous."),
    "accept-unsafe-violations-in-http-response": (BACKEND, "Reads responses less strictly: dangerous."),
    "allbackups": (BACKEND, "Balances over all backup servers rather than using the first."),
    "checkcache": (BACKEND, "Blocks responses that caches would keep with their cookies."),
    "clitcpka": (FRONTEND, "Sends TCP keep-alive probes to clients."),
    "contstats": (FRONTEND, "Counts bytes as they pass rather than when their stream ends."),
    "dontlog-normal": (FRONTEND, "Logs nothing about what went well."),
    "dontlognull": (FRONTEND, "Logs nothing about connections without data."),
    "h1-case-adjust-bogus-client": (FRONTEND, "Writes names of headers to clients as `h1-case-adjust` says."),
    "h1-case-adjust-bogus-server": (BACKEND, "Writes names of headers to servers as `h1-case-adjust` says."),
    "http-buffer-request": (BOTH, "Has rules wait until the body of a request is here."),
    "http-drop-request-trailers": (BACKEND, "Drops the trailers of requests."),
    "http-drop-response-trailers": (FRONTEND, "Drops the trailers of responses."),
    "http-ignore-probes": (FRONTEND, "Says and logs nothing about connections without a request."),
    "http-no-delay": (BOTH, "Sends everything at once, rather than with what may follow."),
    "http-pretend-keepalive": (BACKEND, "Has servers believe that connections are kept."),
    "http-use-proxy-header": (FRONTEND, "Authenticates proxied requests as a proxy does."),
    "idle-close-on-response": (FRONTEND, "Lets idle connections have one more request during a soft stop."),
    "independent-streams": (BOTH, "Takes nothing that a side is sent for a sign of its life."),
    "log-health-checks": (BACKEND, "Logs what health checks find."),
    "log-separate-errors": (FRONTEND, "Raises the level of log lines about errors."),
    "logasap": (FRONTEND, "Logs as soon as the response begins."),
    "nolinger": (BOTH, "Resets connections rather than letting them linger."),
    "persist": (BACKEND, "Sends requests to the server that their cookie names, also when it is down."),
    "prefer-last-server": (BACKEND, "Stays with the server whose connection is kept for the client."),
    "socket-stats": (FRONTEND, "Keeps counters for each listener."),
    "splice-auto": (BOTH, "Splices in both directions where it pays."),
    "splice-request": (BOTH, "Splices towards servers."),
    "splice-response": (BOTH, "Splices towards clients."),
    "srvtcpka": (BACKEND, "Sends TCP keep-alive probes to servers."),
    "tcp-smart-accept": (FRONTEND, "Spares the acknowledgement of a connection's first data."),
    "transparent": (BACKEND, "Connects to where the client wanted to go, unless something names a server."),
    "tcp-smart-connect": (BACKEND, "Spares the acknowledgement of a server's handshake."),
}
# Those that mean something in mode http only, in the order of HAProxy's warnings.
HTTP_SWITCHES = (
    "checkcache",
    "http-buffer-request",
    "http-ignore-probes",
    "idle-close-on-response",
    "prefer-last-server",
    "accept-unsafe-violations-in-http-request",
    "accept-unsafe-violations-in-http-response",
    "http-use-proxy-header",
    "http-drop-request-trailers",
    "http-drop-response-trailers",
    "http-pretend-keepalive",
    "http-no-delay",
)
# Older names, and how the manual calls the option now.
RENAMED = {
    "accept-invalid-http-request": "accept-unsafe-violations-in-http-request",
    "accept-invalid-http-response": "accept-unsafe-violations-in-http-response",
}
_MODES = {"http-keep-alive": "keep-alive", "http-server-close": "server-close", "httpclose": "close"}


def option(args: Args) -> None:
    """Refuses what is no option."""
    name = args.take()
    if not name:
        raise KeywordError("'option' expects an option name.", lead=TIGHT)
    if name in REMOVED_OPTIONS:
        raise KeywordError(REMOVED_OPTIONS[name], lead=TIGHT)
    known, hint = unknown_option("option", name)
    if known:
        raise KeywordError(not_yet(f"option {name}"))
    if args.form is not Form.SET:
        raise KeywordError(f"negation/default is not supported for option '{name}'.", lead=TIGHT)
    raise KeywordError(f"unknown option '{name}'{'' if hint else '.'}", hint=hint)


def switch(name: str) -> Callable[[Args], None]:
    """The function of a plain switch. On the wrong side it is ignored with a warning, as in HAProxy."""
    sides = SWITCHES[name][0]

    def parse(args: Args) -> None:
        if len(sides) == 1 and _ignored(args, name, sides[0]):
            return
        if args.form is Form.SET:
            args.proxy.options.add(name)
        else:
            args.proxy.options.discard(name)

    return parse


def renamed(name: str) -> Callable[[Args], None]:
    """The function of a switch that the manual has under a new name since HAProxy 3."""
    parse_new = switch(RENAMED[name])
    side = SWITCHES[RENAMED[name]][0][0]

    def parse(args: Args) -> None:
        if _ignored(args, name, side):
            return
        args.warn(f"option '{name}' is deprecated. please use 'option {RENAMED[name]}' if absolutely needed.", at=1)
        parse_new(args)

    return parse


def _ignored(args: Args, name: str, side: str) -> bool:
    proxy = args.proxy
    if proxy.has_frontend if side == "frontend" else proxy.has_backend:
        return False
    args.warn(f"'{name}' ignored because {lacks(proxy, side)}.", at=args.position - 1)
    return True


def tcpka(args: Args) -> None:
    """Both sides, as far as the proxy has them."""
    if args.proxy.has_frontend:
        args.proxy.options.add("clitcpka")
    if args.proxy.has_backend:
        args.proxy.options.add("srvtcpka")


def connection_mode(name: str) -> Callable[[Args], None]:
    """The function of the options that exclude each other: the last one counts, `no` undoes its own only."""
    mode = _MODES[name]

    def parse(args: Args) -> None:
        proxy = args.proxy
        if args.form is Form.SET:
            proxy.http_connection_mode = mode
        elif proxy.http_connection_mode == mode or args.form is Form.DEFAULT:
            proxy.http_connection_mode = "keep-alive"

    return parse


def redispatch(args: Args) -> None:
    """`option redispatch [<interval>]`: -1 (the default) at the last retry, 1 at every one, N at every Nth."""
    if _ignored(args, "redispatch", "backend"):
        args.rest()
        return
    if args.form is not Form.SET:
        args.rest()
        args.proxy.redispatch = 0
        return
    text = args.take() if args.more else "-1"
    value = integer(text)
    if value is None:
        raise KeywordError(f"'option redispatch' expects an integer argument, found '{text}'.")
    args.proxy.redispatch = value


def forwardfor(args: Args) -> None:
    """`option forwardfor [except <network>] [header <name>] [if-none]`; a later line replaces an earlier one."""
    found = ForwardFor()
    while args.more:
        reader = _FORWARDFOR.get(args.take())
        if reader is None:
            raise KeywordError("'option forwardfor' only supports optional values: 'except', 'header' and 'if-none'.")
        reader(args, found)
    args.proxy.forwardfor = found
    args.proxy.places["forwardfor"] = args.line.where


def _except(args: Args, found: ForwardFor) -> None:
    import ipaddress  # slow to load, and few have such an option

    text = args.take()
    try:
        found.except_net = str(ipaddress.ip_network(text, strict=False))
    except ValueError:
        raise KeywordError("'option forwardfor except' expects <address>[/mask] as argument.") from None


def _header(args: Args, found: ForwardFor) -> None:
    name = args.take()
    if not name:
        raise KeywordError("'option forwardfor header' expects <header_name> as argument.")
    found.header = name


def _if_none(args: Args, found: ForwardFor) -> None:
    found.if_none = True


_FORWARDFOR: dict[str, Callable[[Args, ForwardFor], None]] = {
    "except": _except,
    "header": _header,
    "if-none": _if_none,
}


def usable(options: set[str], kind: str) -> set[str]:
    """The switches of a `defaults` section that a proxy of a kind has a use for."""
    if kind not in ("frontend", "backend"):
        return set(options)
    return {name for name in options if kind in SWITCHES[name][0]}


KEYWORDS.register(
    Keyword(("option",), PROXIES, option, "<name> [<argument> ...]", "Switches something; see the names.",
            negatable=True),
    Keyword(("option", "forwardfor"), PROXIES, forwardfor, "[except <network>] [header <name>] [if-none]",
            "Adds the client's address to requests."),
    *(
        Keyword(("option", name), PROXIES, connection_mode(name), "", doc, negatable=True)
        for name, doc in (
            ("http-keep-alive", "Keeps connections of both sides for further requests."),
            ("http-server-close", "Keeps the client's connection only."),
            ("httpclose", "Closes both connections after each response."),
        )
    ),
    Keyword(("option", "redispatch"), PROXIES, redispatch, "[<interval>]", "Retries on another server.",
            negatable=True),
    Keyword(("option", "tcpka"), PROXIES, tcpka, "", "Sends TCP keep-alive probes on both sides."),
    *(
        Keyword(("option", name), PROXIES, switch(name), "", doc, negatable=True)
        for name, (_sides, doc) in SWITCHES.items()
    ),
    *(
        Keyword(("option", name), PROXIES, renamed(name), "", SWITCHES[new][1], negatable=True)
        for name, new in RENAMED.items()
    ),
)  # fmt: skip
