"""Persistence by cookies: `cookie` of backends and servers, `dynamic-cookie-key`, `force-persist`, `ignore-persist`
(manual 4.2)."""

from __future__ import annotations

import re
import socket
from collections.abc import Callable

from lbcore.base.diag import Severity
from lbcore.cfg.arguments import TIGHT, Args, KeywordError, kind_word, report
from lbcore.cfg.context import Context
from lbcore.cfg.keywords import KEYWORDS, PROXIES, SERVERS, Keyword
from lbcore.cfg.units import UnitError, parse_time
from lbcore.cfg.vocabulary import condition, words_of
from lbcore.proxy.settings import PersistenceCookie, PersistRule, ProxySettings, ServerSettings
from lbcore.sample.points import Point

MODES = ("insert", "prefix", "rewrite")
_FLAGS = ("dynamic", "httponly", "indirect", "nocache", "postonly", "preserve", "secure")
_NAME = re.compile(r"[!#$%&'*+.^_`|~0-9A-Za-z-]+")  # a token, RFC 6265 4.1.1
_DOMAIN = re.compile(r"[A-Za-z0-9.-]*")
_CONTROL = re.compile(r"[\x00-\x1f\x7f;]")


def cookie(args: Args) -> None:
    """`cookie <name> [<option> ...]`."""
    if args.ignored("backend"):
        args.rest()
        return
    name = args.take()
    if not name:
        raise KeywordError("'cookie' expects <cookie_name> as argument.")
    if not _NAME.fullmatch(name):
        raise KeywordError(f"'{name}' can't be the name of a cookie.")
    found = PersistenceCookie(name)
    modes: list[str] = []
    while args.more:
        word = args.take()
        if word in MODES:
            modes.append(word)
        elif word in _FLAGS:
            setattr(found, word, True)
        else:
            reader = _OPTIONS.get(word)
            if reader is None:
                raise KeywordError(
                    "'cookie' supports 'rewrite', 'insert', 'prefix', 'indirect', 'nocache', 'postonly', 'domain', "
                    "'maxidle', 'dynamic', 'maxlife' and 'attr' options."
                )
            reader(args, found)
    _check(found, modes)
    args.proxy.cookie = found


def _check(found: PersistenceCookie, modes: list[str]) -> None:
    """Refuses options that exclude each other."""
    if len(set(modes)) > 1:
        raise KeywordError("cookie 'rewrite', 'insert' and 'prefix' modes are incompatible.")
    found.mode = modes[0] if modes else ""
    if found.mode == "rewrite" and found.indirect:
        raise KeywordError("cookie 'rewrite' and 'indirect' modes are incompatible.")
    if found.preserve and not (found.mode == "insert" or found.indirect):
        raise KeywordError("cookie 'preserve' requires at least 'insert' or 'indirect'.")


def _domain(args: Args, found: PersistenceCookie) -> None:
    domain = args.take()
    if not domain:
        raise KeywordError("'domain' expects <domain> as argument.", lead=TIGHT)
    if "." not in domain[1:]:
        args.warn(
            f"domain '{domain}' contains no embedded dot, this configuration may not work properly "
            "(see RFC6265#5.2.3).",
            lead=TIGHT,
            at=args.position - 1,
        )
    matched = _DOMAIN.match(domain)
    assert matched is not None, "the pattern matches an empty text, too"
    if matched.end() < len(domain):
        raise KeywordError(
            f"character '{domain[matched.end()]}' is not permitted in domain name '{domain}'.", lead=TIGHT
        )
    found.domains += (domain,)


def _attribute(args: Args, found: PersistenceCookie) -> None:
    text = args.take()
    if not text:
        raise KeywordError("'attr' expects <value> as argument.", lead=TIGHT)
    wrong = _CONTROL.search(text)
    if wrong is not None:
        raise KeywordError(f"character '%x{ord(wrong[0]):02X}' is not permitted in attribute value.", lead=TIGHT)
    found.attributes += (text,)


def _seconds(field: str, what: str) -> Callable[[Args, PersistenceCookie], None]:
    """The reader of an option with a time in seconds."""

    def read(args: Args, found: PersistenceCookie) -> None:
        text = args.take()
        if not text:
            raise KeywordError(f"'{field}' expects <{what}> in seconds as argument.", lead=TIGHT)
        try:
            setattr(found, field, parse_time(text, "s", name=field))
        except UnitError as error:
            raise KeywordError(_time_error(error, text, field), lead=TIGHT) from None

    return read


def _time_error(error: UnitError, text: str, field: str) -> str:
    if error.kind == "overflow":
        return f"timer overflow in argument <{text}> to <{field}>, maximum value is 2147483647 s (~68 years)."
    return f"unexpected character '{error.char}' in argument to <{field}>."


_OPTIONS: dict[str, Callable[[Args, PersistenceCookie], None]] = {
    "attr": _attribute,
    "domain": _domain,
    "maxidle": _seconds("maxidle", "idletime"),
    "maxlife": _seconds("maxlife", "lifetime"),
}


def dynamic_cookie_key(args: Args) -> None:
    """`dynamic-cookie-key <key>`."""
    if args.ignored("backend"):
        args.rest()
        return
    key = args.take()
    if not key:
        raise KeywordError("'dynamic-cookie-key' expects <secret_key> as argument.")
    args.proxy.dynamic_cookie_key = key


def server_cookie(args: Args) -> None:
    """`server ... cookie <value>`."""
    value = args.take()
    if not value:
        raise KeywordError("'cookie' expects <value> as argument")
    if _CONTROL.search(value):
        raise KeywordError("'cookie' : the value can't stand in a cookie")
    args.server.cookie = value


def persist_rule(args: Args) -> None:
    """`force-persist {if|unless} <condition>` and `ignore-persist`."""
    if args.in_defaults:
        raise KeywordError(f"'{args.name}' not allowed in 'defaults' section.", 0)
    if args.ignored("backend"):
        args.rest()
        return
    if args.peek() not in ("if", "unless"):
        raise KeywordError(f"'{args.name}' requires either 'if' or 'unless' followed by a condition.", args.position)
    words = words_of(args, Point.BE_REQ_HDR)
    held = condition(args, words, Point.BE_REQ_HDR, f"error detected while parsing a '{args.name}' rule : {{}}.")
    args.proxy.persist_rules += (PersistRule(args.name == "force-persist", held),)


# --- the check of the whole ---


def check_cookies(ctx: Context) -> None:
    """Takes back cookies where the mode has none, and gives servers those that are made of their addresses, which are
    known by now."""
    for proxy in ctx.settings.proxies:
        if proxy.mode != "http":
            _ignore(ctx, proxy)
        elif proxy.cookie is not None and proxy.cookie.dynamic and proxy.dynamic_cookie_key is not None:
            _make_dynamic(ctx, proxy, proxy.dynamic_cookie_key)


def _ignore(ctx: Context, proxy: ProxySettings) -> None:
    label = f"{kind_word(proxy)} '{proxy.name}'"
    if proxy.cookie is not None and proxy.has_backend:
        _warn(ctx, f"cookie will be ignored for {label} (needs 'mode http').")
    proxy.cookie = None
    for server in proxy.servers:
        if server.cookie is not None:
            _warn(ctx, f"{label} : ignoring cookie for server '{server.name}' as HTTP mode is disabled.")
            server.cookie = None


def _make_dynamic(ctx: Context, proxy: ProxySettings, key: str) -> None:
    """A cookie for each server without one. Two that are equal would make one server of two."""
    first: dict[str, ServerSettings] = {}
    for server in proxy.servers:
        if server.cookie is None:
            server.cookie = dynamic_cookie(key, server)
            if server.cookie is None:
                continue
            server.cookie_made = True
            other = first.setdefault(server.cookie, server)
            if other is not server:
                report(
                    ctx,
                    Severity.ALERT,
                    None,
                    f"We generated two equal cookies for two different servers.\n"
                    f"Please change the secret key for '{proxy.name}'.",
                )


def dynamic_cookie(key: str, server: ServerSettings) -> str | None:
    """The cookie that a secret and the address of a server make, as HAProxy makes it; None for other than IP."""
    from lbcore.conv.xxhash import xxh64  # with the vocabulary

    address = server.address
    if address.family not in (socket.AF_INET, socket.AF_INET6):
        return None
    raw = socket.inet_pton(address.family, address.host)
    text = key.encode("utf-8", "surrogateescape") + raw + address.port.to_bytes(4, "big")
    return f"{xxh64(text, 0):016x}"


def _warn(ctx: Context, text: str) -> None:
    ctx.reporter.warning(None, None, text)


_COOKIE = (
    "<name> [rewrite|insert|prefix] [indirect] [nocache] [postonly] [preserve] [httponly] [secure] "
    "[domain <domain>]* [maxidle <time>] [maxlife <time>] [dynamic] [attr <value>]*"
)

KEYWORDS.register(
    Keyword(("cookie",), PROXIES, cookie, _COOKIE, "Sends clients to the server that their cookie names.", "0.2"),
    Keyword(("cookie",), SERVERS, server_cookie, "<value>", "How cookies name this server.", "0.2"),
    Keyword(("dynamic-cookie-key",), PROXIES, dynamic_cookie_key, "<key>", "The secret of dynamic cookies.", "0.2"),
    Keyword(
        ("force-persist",), PROXIES, persist_rule, "{if|unless} <condition>", "When servers that are down count.", "0.2"
    ),
    Keyword(("ignore-persist",), PROXIES, persist_rule, "{if|unless} <condition>", "When cookies don't count.", "0.2"),
)
