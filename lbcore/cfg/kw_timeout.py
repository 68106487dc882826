"""`timeout <event> <time>` of proxies (manual 4.2)."""

from __future__ import annotations

from collections.abc import Callable

from lbcore.cfg.arguments import Args, KeywordError, lacks, time
from lbcore.cfg.keywords import KEYWORDS, PROXIES, Keyword

# Event -> (field of Timeouts, the side whose proxies use it or "" for both, what it bounds).
EVENTS = {
    "check": ("check", "backend", "a health check, once it is connected"),
    "client": ("client", "frontend", "the client's silence"),
    "client-fin": ("client_fin", "frontend", "the client's silence once one side has closed"),
    "client-hs": ("client_hs", "frontend", "the handshakes of a client's connection"),
    "connect": ("connect", "backend", "the connection to a server"),
    "http-keep-alive": ("http_keep_alive", "", "the wait for another request"),
    "http-request": ("http_request", "", "the wait for a whole request head"),
    "queue": ("queue", "backend", "the wait for a server's free connection"),
    "server": ("server", "backend", "the server's silence"),
    "server-fin": ("server_fin", "backend", "the server's silence once one side has closed"),
    "tarpit": ("tarpit", "", "how long a tarpitted client is kept waiting"),
    "tunnel": ("tunnel", "backend", "the silence of both sides of a tunnel"),
}
_REMOVED = {
    "clitimeout": "the 'clitimeout' directive is not supported anymore since HAProxy 2.1. Use 'timeout client'.",
    "contimeout": "the 'contimeout' directive is not supported anymore since HAProxy 2.1. Use 'timeout connect'.",
    "srvtimeout": "the 'srvtimeout' directive is not supported anymore since HAProxy 2.1. Use 'timeout server'.",
}


def timeout(args: Args) -> None:
    """Refuses what is no event."""
    word = args.take()
    if word in _REMOVED:
        raise KeywordError(_REMOVED[word])
    raise KeywordError(
        "'timeout' supports 'client', 'server', 'connect', 'check', 'queue', 'http-keep-alive', 'http-request', "
        f"'tunnel', 'tarpit', 'client-fin' and 'server-fin' (got '{word}')"
    )


def event(name: str) -> Callable[[Args], None]:
    """The function of `timeout <name>`."""
    field, side, _what = EVENTS[name]

    def parse(args: Args) -> None:
        text = args.take()
        if not text:
            raise KeywordError(f"'{args.name}' expects an integer value (in milliseconds)")
        value = time(text, args.name, f"unexpected character '{{}}' in '{args.name}'")
        if args.more:
            raise KeywordError(f"'{args.name}' : unexpected extra argument '{args.peek()}' after value '{text}'.", 3)
        _store(args, field, side, value)

    return parse


def _store(args: Args, field: str, side: str, value: int) -> None:
    proxy = args.proxy
    if side and not (proxy.has_frontend if side == "frontend" else proxy.has_backend):
        args.warn(f"'{args.name}' will be ignored because {lacks(proxy, side)}", at=1)
    elif f"timeout {field}" in proxy.places:
        args.warn(f"overwriting '{args.name}' which was already specified", at=1)
    proxy.places[f"timeout {field}"] = args.line.where
    setattr(proxy.timeouts, field, value or None)  # 0 means no limit


KEYWORDS.register(
    Keyword(("timeout",), PROXIES, timeout, "<event> <time>", "Bounds a wait; see the events."),
    *(
        Keyword(("timeout", name), PROXIES, event(name), "<time>", f"Bounds {what}.")
        for name, (_field, _side, what) in EVENTS.items()
    ),
)
