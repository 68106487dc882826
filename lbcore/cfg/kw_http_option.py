"""`option forwarded`, `originalto`, `http-restrict-req-hdr-names`, `http-send-name-header`, and `monitor-uri` (manual
4.2)."""

from __future__ import annotations

from collections.abc import Callable
from typing import TYPE_CHECKING, Any

from lbcore.cfg.arguments import TIGHT, Args, Form, KeywordError, lacks
from lbcore.cfg.context import Context
from lbcore.cfg.keywords import KEYWORDS, PROXIES, Keyword
from lbcore.cfg.kw_option import HTTP_SWITCHES
from lbcore.cfg.vocabulary import read, words_of
from lbcore.http.reply import is_token
from lbcore.proxy.settings import OriginalTo
from lbcore.sample.points import Point

if TYPE_CHECKING:
    from lbcore.stream.forwarded import Forwarded

RESTRICTIONS = ("preserve", "reject", "delete")
_NAME_MAX = 64  # PX_FF_MAX of native/include/proxy.h
_FRAMING = ("connection", "content-length", "te", "transfer-encoding", "upgrade")  # whose values are no servers' names
_PARTS = (
    "'proto', 'host', 'host-expr', 'by', 'by-expr', 'by_port', 'by_port-expr', 'for', 'for-expr', 'for_port' and "
    "'for_port-expr'"
)
_FIELDS = {"host": "host", "by": "by", "by_port": "by_port", "for": "for_", "for_port": "for_port"}


def monitor_uri(args: Args) -> None:
    """`monitor-uri <uri>`."""
    if args.ignored("frontend"):
        args.rest()
        return
    uri = args.take()
    if not uri:
        raise KeywordError("'monitor-uri' expects an URI.")
    args.proxy.monitor_uri = uri


def originalto(args: Args) -> None:
    """`option originalto [except <network>] [header <name>]`; a later line replaces an earlier one."""
    found = OriginalTo()
    while args.more:
        reader = _ORIGINALTO.get(args.take())
        if reader is None:
            raise KeywordError("'option originalto' only supports optional values: 'except' and 'header'.")
        reader(args, found)
    args.proxy.originalto = found


def _except(args: Args, found: OriginalTo) -> None:
    import ipaddress  # slow to load, and few have such an option

    try:
        found.except_net = str(ipaddress.ip_network(args.take(), strict=False))
    except ValueError:
        raise KeywordError("'option originalto except' expects <address>[/mask] as argument.") from None


def _header(args: Args, found: OriginalTo) -> None:
    name = args.take()
    if not name:
        raise KeywordError("'option originalto header' expects <header_name> as argument.")
    if not is_token(name):
        raise KeywordError(f"'option originalto header' : '{name}' can't be the name of a header.")
    found.header = name


_ORIGINALTO: dict[str, Callable[[Args, OriginalTo], None]] = {"except": _except, "header": _header}


def forwarded(args: Args) -> None:
    """`option forwarded [<part> ...]`, by default `proto for`; `no option forwarded` takes an inherited one back."""
    proxy = args.proxy
    if not proxy.has_backend:
        args.warn(f"'option forwarded' ignored because {lacks(proxy, 'backend')}.", at=1)
        args.rest()
        return
    if args.form is not Form.SET:
        proxy.forwarded = None
        return
    from lbcore.stream.forwarded import Forwarded  # what it is made of comes with the vocabulary

    found = Forwarded() if args.more else Forwarded(proto=True, for_=True)
    while args.more:
        _part(args, found, args.take())
    for port, part in (("by_port", "by"), ("for_port", "for")):
        if getattr(found, _FIELDS[port]) is not None and getattr(found, _FIELDS[part]) is None:
            setattr(found, _FIELDS[port], None)
            args.warn(
                f"'option forwarded' : '{port}-expr' will be ignored because both '{part}' and '{part}-expr' are unset"
            )
    proxy.forwarded = found


def _part(args: Args, found: Forwarded, word: str) -> None:
    if word == "proto":
        found.proto = True
        return
    name = word.removesuffix("-expr")
    if name not in _FIELDS:
        raise KeywordError(f"'option forwarded' only supports optional values: {_PARTS}.")
    setattr(found, _FIELDS[name], _expression(args, word) if word != name else True)


def _expression(args: Args, word: str) -> Any:
    if not args.peek():
        raise KeywordError(f"'{word}' expects <expr> as argument.", lead=TIGHT)
    from lbcore.sample.expression import parse_expression  # with the vocabulary

    words = words_of(args, Point.BE_REQ_HDR)
    text = words.peek()
    return read(args, words, parse_expression, f"failed to parse 'option forwarded' expression '{text}' in : {{}}.")


def restrict_names(args: Args) -> None:
    """`option http-restrict-req-hdr-names {preserve|delete|reject}`."""
    word = args.take()
    expected = "option 'http-restrict-req-hdr-names' expects 'preserve', 'reject' or 'delete' option."
    if not word:
        raise KeywordError(f"missing parameter. {expected}")
    if word not in RESTRICTIONS:
        raise KeywordError(f"invalid parameter '{word}'. {expected}")
    args.proxy.restrict_names = word


def send_name_header(args: Args) -> None:
    """`http-send-name-header <header>`."""
    if args.ignored("backend"):
        args.rest()
        return
    name = args.take()
    if not name:
        raise KeywordError("'http-send-name-header' requires a header string.")
    if not is_token(name):
        raise KeywordError(f"'http-send-name-header' : '{name}' can't be the name of a header.")
    if len(name) >= _NAME_MAX:
        raise KeywordError(f"'http-send-name-header' : the name '{name}' is too long.")
    if name.lower() in _FRAMING:
        raise KeywordError(f"'http-send-name-header' : the name of a server can't stand in '{name}'.")
    args.proxy.send_name_header = name


# --- the check of the whole ---


def check_http_options(ctx: Context) -> None:
    """Takes back what only mode http has, and says so."""
    for proxy in ctx.settings.proxies:
        if proxy.mode == "http":
            continue
        label = f"{'proxy' if proxy.kind == 'listen' else proxy.kind} '{proxy.name}'"
        if proxy.monitor_uri is not None and proxy.has_frontend:
            ctx.reporter.warning(None, None, f"monitor-uri will be ignored for {label} (needs 'mode http').")
        for name in HTTP_SWITCHES:
            if name in proxy.options:
                proxy.options.discard(name)
                ctx.reporter.warning(None, None, f"'option {name}' ignored for {label} as it requires HTTP mode.")
        for name, option in (("forwarded", proxy.has_backend and proxy.forwarded), ("originalto", proxy.originalto)):
            if option:
                ctx.reporter.warning(None, None, f"'option {name}' ignored for {label} as it requires HTTP mode.")
        proxy.monitor_uri = proxy.forwarded = proxy.originalto = proxy.send_name_header = None


KEYWORDS.register(
    Keyword(("monitor-uri",), PROXIES, monitor_uri, "<uri>", "Answers who watches the balancer itself.", "0.2"),
    Keyword(("http-send-name-header",), PROXIES, send_name_header, "<header>",
            "Tells servers their names in a header.", "0.2"),
    Keyword(("option", "forwarded"), PROXIES, forwarded, "[<part> ...]", "Adds a Forwarded field (RFC 7239).", "0.2",
            negatable=True),
    Keyword(("option", "http-restrict-req-hdr-names"), PROXIES, restrict_names, "{preserve|delete|reject}",
            "What becomes of fields whose names some servers take for others.", "0.2"),
    Keyword(("option", "originalto"), PROXIES, originalto, "[except <network>] [header <name>]",
            "Adds the address that the client connected to.", "0.2"),
)  # fmt: skip
