"""Keywords of proxies that stand alone: what a proxy is, its limits, where it sends (manual 4.2)."""

from __future__ import annotations

import re
from collections.abc import Callable

from lbcore.cfg.address import SOURCE, AddressError, parse_address
from lbcore.cfg.arguments import TIGHT, Args, KeywordError, integer, kind_word, lacks, number, time
from lbcore.cfg.keywords import KEYWORDS, PROXIES, Keyword
from lbcore.cfg.known import not_yet
from lbcore.cfg.origin import usesrc
from lbcore.proxy.settings import ProxySettings

REUSE = ("never", "safe", "aggressive", "always")


def mode(args: Args) -> None:
    name = args.take()
    if name == "health":
        raise KeywordError("'mode health' doesn't exist anymore. Please use 'http-request return status 200' instead.")
    if name in ("log", "spop"):
        raise KeywordError(not_yet(f"mode {name}"))
    if name not in ("tcp", "http"):
        raise KeywordError(f"unknown proxy mode '{name}'.")
    args.proxy.mode = name


def default_backend(args: Args) -> None:
    if args.ignored("frontend"):
        args.rest()
        return
    name = args.take()
    if not name:
        raise KeywordError("'default_backend' expects a backend name.")
    args.proxy.default_backend = name
    args.proxy.places["default_backend"] = args.line.where


def maxconn(args: Args) -> None:
    if args.ignored("frontend", " Maybe you want 'fullconn' instead ?"):
        args.rest()
        return
    args.proxy.maxconn = number(args, 0)


def fullconn(args: Args) -> None:
    if args.ignored("backend", " Maybe you want 'maxconn' instead ?"):
        args.rest()
        return
    args.proxy.fullconn = number(args, 0)


def backlog(args: Args) -> None:
    if args.ignored("frontend"):
        args.rest()
        return
    args.proxy.backlog = number(args, 0)


def retries(args: Args) -> None:
    if args.ignored("backend"):
        args.rest()
        return
    text = args.take()
    value = integer(text) if text else None
    if not text:
        raise KeywordError("'retries' expects an integer argument (dispatch counts for one).")
    if value is None or value < 0:
        raise KeywordError(f"'retries' expects a positive integer argument, found '{text}'.")
    args.proxy.retries = value


def max_keep_alive_queue(args: Args) -> None:
    if not args.proxy.has_backend:
        args.warn(f"{args.name} will be ignored because {lacks(args.proxy, 'backend')}", at=0)
        args.rest()
        return
    text = args.take()
    if not text:
        raise KeywordError("'max-keep-alive-queue' expects expects an integer value (or -1 to disable)")
    value = integer(text)
    if value is None:
        odd = _SIGNED.sub("", text, count=1)[:1] or text
        raise KeywordError(f"'max-keep-alive-queue' : unexpected character '{odd}' in integer value '{text}'")
    args.proxy.max_keep_alive_queue = max(value, -1)


_SIGNED = re.compile(r"[+-]?[0-9]*")

RETRY_EVENTS = ("conn-failure", "empty-response", "junk-response", "response-timeout")
RETRY_STATUSES = ("401", "403", "404", "408", "425", "429", "500", "501", "502", "503", "504")
RETRIABLE = (*RETRY_EVENTS, "500", "502", "503", "504")  # what "all-retryable-errors" stands for


def retry_on(args: Args) -> None:
    """`retry-on [none | <event or status>...]`."""
    if not args.proxy.has_backend:
        raise KeywordError("'retry-on' only available in backend or listen section")
    words = args.rest()
    if not words:
        raise KeywordError("'retry-on' needs at least one keyword to specify when to retry")
    if "none" in words and len(words) > 1:
        raise KeywordError("'retry-on' 'none' keyworld only usable alone")
    found: list[str] = []
    for word in words:
        if word == "all-retryable-errors":
            found += RETRIABLE
        elif word == "0rtt-rejected":
            raise KeywordError(not_yet(f"retry-on {word}"))
        elif word in RETRY_EVENTS or word in RETRY_STATUSES:
            found.append(word)
        elif word != "none":
            raise KeywordError(f"'retry-on': unknown keyword '{word}'")
    args.proxy.retry_on = tuple(dict.fromkeys(found))


def rate_limit(args: Args) -> None:
    raise KeywordError(f"'rate-limit' only supports 'sessions' (got '{args.take()}')")


def rate_limit_sessions(args: Args) -> None:
    text = args.take()
    if not text:
        raise KeywordError("'rate-limit sessions' expects expects an integer value (in sessions/second)")
    value = _count(args, text, "rate-limit sessions")
    proxy = args.proxy
    if not proxy.has_frontend:
        args.warn(f"rate-limit sessions will be ignored because {lacks(proxy, 'frontend')}", at=1)
    elif "rate-limit sessions" in proxy.places:
        args.warn("overwriting rate-limit sessions which was already specified", at=1)
    proxy.places["rate-limit sessions"] = args.line.where
    proxy.rate_limit_sessions = value


def _count(args: Args, text: str, name: str) -> int:
    for character in text:
        if character not in "0123456789":
            raise KeywordError(f"'{name}' : unexpected character '{character}' in integer value '{text}'")
    value = integer(text)
    if value is None:
        raise KeywordError(f"'{name}' : integer value '{text}' is too large")
    return value


def probes(side: str, field: str) -> Callable[[Args], None]:
    """The function of `clitcpka-*` ("frontend") and `srvtcpka-*` ("backend"); times are kept in seconds."""

    def parse(args: Args) -> None:
        text = args.take()
        if not text:
            raise KeywordError(f"'{args.name}' expects an integer value")
        if field == "count":
            value = _count(args, text, args.name)
        else:
            value = time(text, args.name, f"unexpected character '{{}}' in argument to <{args.name}>.", unit="s")
        proxy = args.proxy
        if not (proxy.has_frontend if side == "frontend" else proxy.has_backend):
            args.warn(f"{args.name} will be ignored because {lacks(proxy, side)}", at=0)
        setattr(proxy.client_probes if side == "frontend" else proxy.server_probes, field, value)

    return parse


def http_reuse(args: Args) -> None:
    if args.ignored("backend"):
        args.rest()
        return
    policy = args.take()
    if policy not in REUSE:
        raise KeywordError("'http-reuse' only supports 'never', 'safe', 'aggressive', 'always'.")
    args.proxy.http_reuse = policy
    args.name = f"http-reuse {policy}"  # what HAProxy calls it when words are left


def source(args: Args) -> None:
    """`source <addr>[:<port>] [usesrc <whose>] [interface <name>]`."""
    if args.ignored("backend"):
        args.rest()
        return
    text = args.take()
    if not text:
        raise KeywordError("'source' expects <addr>[:<port>], and optionally 'usesrc' <addr>, and 'interface' <name>.")
    try:
        args.proxy.source = parse_address(text, SOURCE, args.context.environment)
    except AddressError as error:
        raise KeywordError(f"'source {text}' : {error}") from None
    args.proxy.usesrc = None
    while args.more:
        if args.peek() == "usesrc":
            args.take()
            args.proxy.usesrc = usesrc(args, "'client', or 'clientip'")
        else:
            args.proxy.source_interface = _source_interface(args)


def _source_interface(args: Args) -> str:
    if args.take() != "interface":
        raise KeywordError("'source' only supports optional keywords 'interface' and 'usesrc'.")
    name = args.take()
    if not name:
        raise KeywordError("'source' : missing interface name.")
    return name


def proxy_id(args: Args) -> None:
    _own(args)
    text = args.take()
    if not text:
        raise KeywordError("'id' expects an integer argument.", lead=TIGHT)
    value = integer(text)
    if value is None or value <= 0:
        raise KeywordError("custom id has to be > 0.", lead=TIGHT)
    for other in args.context.settings.proxies:
        if other.id == value:
            raise KeywordError(_same_id(args.proxy, other), lead=TIGHT)
    args.proxy.id = value
    args.proxy.forced_id = True


def _same_id(proxy: ProxySettings, other: ProxySettings) -> str:
    return (
        f"{kind_word(proxy)} {proxy.name} reuses same custom id as "
        f"{kind_word(other)} {other.name} (declared at {other.where})."
    )


def description(args: Args) -> None:
    _own(args)
    words = args.rest()
    if not words or not words[0]:
        raise KeywordError("'description' expects a string argument.", lead=TIGHT)
    args.proxy.description = " ".join(words)


def _own(args: Args) -> None:
    """Refuses what a proxy can't inherit."""
    if args.in_defaults:
        raise KeywordError(f"'{args.name}' not allowed in 'defaults' section.", 0, lead=TIGHT)


def disabled(args: Args) -> None:
    args.proxy.disabled = True


def enabled(args: Args) -> None:
    args.proxy.disabled = False


def _probe_rows(prefix: str, side: str, whom: str) -> tuple[Keyword, ...]:
    rows = (
        ("cnt", "count", "<count>", f"How many keep-alive probes {whom} may leave unanswered."),
        ("idle", "idle", "<time>", f"How long {whom} must be silent before keep-alive probes are sent."),
        ("intvl", "interval", "<time>", f"The time between keep-alive probes to {whom}."),
    )
    return tuple(
        Keyword((f"{prefix}-{end}",), PROXIES, probes(side, field), args, doc) for end, field, args, doc in rows
    )


KEYWORDS.register(
    Keyword(("backlog",), PROXIES, backlog, "<number>", "The length of the queue of new connections."),
    *_probe_rows("clitcpka", "frontend", "clients"),
    Keyword(("default_backend",), PROXIES, default_backend, "<backend>", "Where requests go that no rule sends."),
    Keyword(("description",), PROXIES, description, "<text>", "A text about the proxy, shown in statistics."),
    Keyword(("disabled",), PROXIES, disabled, "", "Loads the proxy but does not start it."),
    Keyword(("enabled",), PROXIES, enabled, "", "Takes an inherited `disabled` back."),
    Keyword(("fullconn",), PROXIES, fullconn, "<number>", "The load at which servers reach their maxconn."),
    Keyword(("http-reuse",), PROXIES, http_reuse, "{never|safe|aggressive|always}", "Who may use idle connections."),
    Keyword(("id",), PROXIES, proxy_id, "<number>", "The number of the proxy in statistics."),
    Keyword(("maxconn",), PROXIES, maxconn, "<number>", "The most client connections of the proxy."),
    Keyword(
        ("max-keep-alive-queue",),
        PROXIES,
        max_keep_alive_queue,
        "<number>",
        "How many may wait for the server that `option prefer-last-server` stays with.",
        "0.2",
    ),
    Keyword(("mode",), PROXIES, mode, "{tcp|http}", "The protocol of the proxy."),
    Keyword(("rate-limit",), PROXIES, rate_limit, "sessions <rate>", "Limits a rate."),
    Keyword(("rate-limit", "sessions"), PROXIES, rate_limit_sessions, "<rate>", "The most new sessions a second."),
    Keyword(("retries",), PROXIES, retries, "<number>", "How often a failed connection to a server is retried."),
    Keyword(("retry-on",), PROXIES, retry_on, "{none|<event>...}", "When a request may be sent again."),
    Keyword(("source",), PROXIES, source, "<address> [interface <name>]", "The address to connect to servers from."),
    *_probe_rows("srvtcpka", "backend", "servers"),
)
