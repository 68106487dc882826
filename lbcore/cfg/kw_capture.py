"""`capture {request|response} header`, `capture cookie`: what a frontend keeps for its logs (manual 4.2)."""

from __future__ import annotations

from collections.abc import Callable

from lbcore.cfg.arguments import Args, KeywordError, integer, kind_word
from lbcore.cfg.keywords import KEYWORDS, PROXIES, Keyword
from lbcore.proxy.settings import CaptureSlot, CookieCapture, ProxySettings


def capture(args: Args) -> None:
    """`capture {request|response} header <name> len <length>` or `capture cookie <name> len <length>`."""
    if args.ignored("frontend"):
        args.rest()
        return
    what = args.take()
    if args.in_defaults:
        raise KeywordError(f"'capture {what}' not allowed in 'defaults' section.", 0)
    if what == "cookie":
        args.name = "capture cookie"
        name, length = _named_length(args, "'capture' expects 'cookie' <cookie_name> 'len' <len>.")
        args.proxy.capture_cookie = CookieCapture(name, length)
        return
    if what not in ("request", "response") or args.peek() != "header":
        raise KeywordError("'capture' expects 'cookie' or 'request header' or 'response header'.")
    args.take()
    args.name = f"capture {what}"
    name, length = _named_length(args, f"'{args.name}' expects 'header' <header_name> 'len' <len>.")
    slots = args.proxy.captures_request if what == "request" else args.proxy.captures_response
    slots.append(CaptureSlot(length, name))


def _named_length(args: Args, expected: str) -> tuple[str, int]:
    """What stands before and behind `len`."""
    name, word, text = args.take(), args.take(), args.take()
    if not name or word != "len" or not text:
        raise KeywordError(expected)
    length = integer(text)
    if length is None or length <= 0:
        raise KeywordError(f"'{args.name}' expects a length greater than 0, found '{text}'.")
    return name, length


def check_capture(proxy: ProxySettings, limit: int, warn: Callable[[str], None]) -> None:
    """Cuts what `capture cookie` keeps to `limit` characters (`tune.http.cookielen`), with a warning."""
    cookie = proxy.capture_cookie
    if cookie is None or cookie.length <= limit:
        return
    warn(f"truncating capture length to {limit} bytes for {kind_word(proxy)} '{proxy.name}'.")
    cookie.length = limit


KEYWORDS.register(
    Keyword(("capture",), PROXIES, capture, "{cookie <name>|{request|response} header <name>} len <length>",
            "Keeps a cookie or a header for the logs.", "0.2"),
)  # fmt: skip
