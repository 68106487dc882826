"""Names of one's own for proxies, listeners and servers, unique in the whole configuration (manual of 3.2, 4.2 and 5.2
"guid", 5.1 "guid-prefix"). They stay when sections are renamed and lines are moved; `LoadBalancer.by_guid` finds what
has one.
"""

from __future__ import annotations

import re
from collections.abc import Callable, Iterator

from lbcore.cfg.arguments import TIGHT, Args, KeywordError, kind_word
from lbcore.cfg.keywords import BIND, KEYWORDS, PROXIES, SERVER, Keyword
from lbcore.proxy.settings import ProxySettings, Settings

_ALLOWED = re.compile(r"[A-Za-z0-9_:.-]*")
MAX = 127  # characters


def _taken(args: Args) -> str:
    word, text = args.line.text(args.position - 1), args.take()
    if not text:
        raise KeywordError(f"'{word}' expects an identifier as argument")
    if len(text) > MAX:
        raise KeywordError(f"'{word}' : '{text[:16]}...' is longer than {MAX} characters")
    if not _ALLOWED.fullmatch(text):
        wrong = next(character for character in text if not _ALLOWED.fullmatch(character))
        raise KeywordError(f"'{word}' : character '{wrong}' is not permitted in '{text}'")
    return text


def proxy_guid(args: Args) -> None:
    """`guid <identifier>` of a proxy."""
    if args.in_defaults:
        raise KeywordError("'guid' not allowed in 'defaults' section.", at=0, lead=TIGHT)
    try:
        args.proxy.guid = _taken(args)
    except KeywordError as error:
        error.text += "."
        raise


def server_guid(args: Args) -> None:
    """`guid <identifier>` of a server."""
    args.server.guid = _taken(args)


def guid_prefix(args: Args) -> None:
    """`guid-prefix <prefix>`: the sockets of the line are called `<prefix>-0`, `<prefix>-1`, ..."""
    if args.context.proxy is None:
        raise KeywordError("'guid-prefix' : only sockets of frontends have such names")
    args.bind.guid = _taken(args)


def number_guids(proxy: ProxySettings) -> None:
    """Makes the prefixes of `bind` lines the names of their sockets."""
    line, index = "", 0
    for bind in proxy.binds:
        index = index + 1 if bind.where == line else 0
        line = bind.where
        if bind.guid is not None:
            bind.guid = f"{bind.guid}-{index}"


def check_guids(settings: Settings, alert: Callable[[str, str], None]) -> None:
    """Complains of names that two have; `alert` is given a text and the place of the second one."""
    first: dict[str, tuple[str, str]] = {}
    for guid, what, where in _all(settings):
        if guid in first:
            other, place = first[guid]
            alert(f"{what} : guid '{guid}' is already that of {other} at [{place}].", where)
        first.setdefault(guid, (what, where))


def _all(settings: Settings) -> Iterator[tuple[str, str, str]]:
    """Each name, of what it is, and where that stands."""
    for proxy in settings.proxies:
        label = f"{kind_word(proxy)} '{proxy.name}'"
        if proxy.guid is not None:
            yield proxy.guid, label, proxy.where
        for bind in proxy.binds:
            if bind.guid is not None:
                yield bind.guid, f"'bind {bind.text}' of {label}", bind.where
        for server in proxy.servers:
            if server.guid is not None:
                yield server.guid, f"'server {proxy.name}/{server.name}'", server.where


KEYWORDS.register(
    Keyword(("guid",), PROXIES, proxy_guid, "<identifier>", "A name that nothing else in the configuration has."),
    Keyword(("guid",), SERVER, server_guid, "<identifier>", "A name that nothing else in the configuration has."),
    Keyword(("guid-prefix",), BIND, guid_prefix, "<prefix>", "What such names of its sockets begin with."),
)  # fmt: skip
