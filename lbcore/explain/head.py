"""The head of a request as servers get it: what rules left of it, with what the balancer itself adds and takes away.

This is what native/src/ask_head.c and msg.c make of it; a test compares the two.
"""

from __future__ import annotations

import ipaddress
from collections.abc import Iterable, Iterator, Mapping

from lbcore.explain.request import Endpoint, Head
from lbcore.proxy.settings import ForwardFor, ProxySettings
from lbcore.shim import lib

END = "\r\n"
ENDS_HERE = frozenset({"connection", "keep-alive", "proxy-connection", "te", "upgrade"})
NEVER_NOMINATED = frozenset({"host", "content-length", "transfer-encoding"})  # whatever Connection says
FRAMING = ("content-length", "transfer-encoding")
CLOSING = ("close", "server-close")


def forwarded_head(head: str, front: ProxySettings, back: ProxySettings, src: Endpoint, server: str) -> str:
    """What the `server` of `back` is sent for a head in normal form that came to `front` from `src`.

    "": it is no server, but `dispatch` or its like.
    """
    first = head.partition(END)[0]
    fields = fields_of(head)
    options = [word.lower() for word in _words(value for name, value in fields if name == "connection")]
    upgrade = "upgrade" in options and any(name == "upgrade" for name, _ in fields)
    kept = list(_kept(fields, options, upgrade=upgrade))
    kept += _forwardfor(kept, front, back, src)
    kept += _connection(first, front, back, upgrade=upgrade)
    if back.send_name_header is not None and server:
        own = back.send_name_header.lower()
        kept = [*(field for field in kept if field[0] != own), (own, server)]
    return END.join([first, *(f"{name}: {value}" for name, value in kept), "", ""])


def fields_of(head: str) -> list[tuple[str, str]]:
    """The fields of a head in normal form."""
    lines = (line.partition(": ") for line in head.removesuffix(END + END).split(END)[1:])
    return [(name, value) for name, _, value in lines]


def adjusted_head(head: str, names: Mapping[str, str]) -> str:
    """A head whose fields are written as `names` has them (h1-case-adjust), by their names in lower case."""
    fields = [(names.get(name, name), value) for name, value in fields_of(head)]
    return END.join([head.partition(END)[0], *(f"{name}: {value}" for name, value in fields), "", ""])


def framed_head(head: str, received: Head, *, continued: bool) -> str:
    """A head that rules have changed, with the framing of the message as received where theirs is; `continued`: its
    client was told "100 Continue" while the body was waited for, and its Expect ends here."""
    framing = []
    if received.flags & lib.H1_F_CHUNKED:
        framing = ["transfer-encoding: chunked"]
    elif received.flags & lib.H1_F_CLEN:
        framing = [f"content-length: {received.body_len}"]
    first, *lines = head.removesuffix(END + END).split(END)
    kept = []
    for line in lines:
        name = line.partition(":")[0]
        if name in FRAMING:
            kept += framing
            framing = []
        elif name != "expect" or not continued:
            kept.append(line)
    return END.join([first, *kept, *framing, "", ""])


def _words(values: Iterable[str]) -> list[str]:
    return [word.strip(" \t") for value in values for word in value.split(",")]


def _goes_on(option: str, *, upgrade: bool, te: bool) -> bool:
    """Whether an option of Connection is told to the server, too."""
    return (option == "upgrade" and upgrade) or (option == "te" and te)


def _kept(fields: list[tuple[str, str]], options: list[str], *, upgrade: bool) -> Iterator[tuple[str, str]]:
    """The fields that go further than one hop (RFC 9110 7.6.1)."""
    accepted = [word.lower() for word in _words(value for name, value in fields if name == "te")]
    trailers = "te" in options and "trailers" in accepted
    for name, value in fields:
        if name == "connection":
            wanted = [word for word in _words([value]) if _goes_on(word.lower(), upgrade=upgrade, te=trailers)]
            if wanted:
                yield name, ", ".join(wanted)
        elif name == "te" and trailers:
            yield name, "trailers"
        elif name in ENDS_HERE:
            if name == "upgrade" and upgrade:
                yield name, value
        elif name not in options or name in NEVER_NOMINATED:
            yield name, value


def _forwardfor(
    fields: list[tuple[str, str]], front: ProxySettings, back: ProxySettings, src: Endpoint
) -> Iterator[tuple[str, str]]:
    """`option forwardfor`: the backend's name for the field, an exception or "if-none" of either side."""
    found: list[ForwardFor] = [side.forwardfor for side in (front, back) if side.forwardfor is not None]
    if not found:
        return
    header = found[-1].header.lower()
    if any(one.if_none for one in found) and any(name == header for name, _ in fields):
        return
    address = ipaddress.ip_address(bytes(src.address))
    if not any(one.except_net and address in ipaddress.ip_network(one.except_net) for one in found):
        yield header, str(src.address)


def _connection(first: str, front: ProxySettings, back: ProxySettings, *, upgrade: bool) -> Iterator[tuple[str, str]]:
    closing = any(side.http_connection_mode in CLOSING for side in (front, back))
    closing &= "http-pretend-keepalive" not in back.options
    if first.endswith("HTTP/1.0"):
        if not closing:
            yield "connection", "keep-alive"
    elif closing and not upgrade:
        yield "connection", "close"
