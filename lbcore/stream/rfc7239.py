"""The field Forwarded of RFC 7239 as it is read: its parameters, and their nodes (HAProxy 2.8, 7.3.1).

Only a field of one element is valid here, as HAProxy sends it and takes it from a peer that it trusts.
"""

from __future__ import annotations

import re
from typing import NamedTuple

from lbcore.sample.types import Addr

PARAMETERS = ("proto", "host", "by", "for")
PORT_MAX = 65535

_PAIR = re.compile(r'(proto|host|by|for)=(?:"([^"\\]*)"|([^";,\s]+))(?:;|\Z)')
_TOKEN = re.compile(r"[!#$%&'*+.^_`|~0-9A-Za-z-]+\Z")  # what needs no quotes (RFC 9110 section 5.6.2)
_NODE = re.compile(r"(unknown|_[A-Za-z0-9._-]+|\[[0-9A-Fa-f:.]+\]|[0-9.]+)(?::(_[A-Za-z0-9._-]+|[0-9]+)|(?!:))")
_HOST = re.compile(r"(\[[0-9A-Fa-f:.]+\]|[A-Za-z0-9._~%!$&'()*+;=-]*)(?::([0-9]+))?\Z")  # RFC 3986 section 3.2.2


class Node(NamedTuple):
    """Who sent or received (RFC 7239 section 6): an address or an identifier ("unknown", "_hidden"), and the port, None
    without one. `end` is the offset behind it."""

    name: Addr | str
    port: int | str | None
    end: int


def parse_node(text: str) -> Node | None:
    """The node that a text begins with, None if there is none."""
    match = _NODE.match(text)
    if match is None:
        return None
    word, port = match[1], match[2]
    name: Addr | str | None = word
    if word[0] == "[":
        name = Addr.parse(word[1:-1])
        name = name if name is not None and len(name) == 16 else None
    elif word[0].isdigit() or word[0] == ".":
        name = Addr.parse(word)
    if name is None:
        return None
    if port is None or port.startswith("_"):
        return Node(name, port, match.end())
    number = _port(port)
    return None if number is None else Node(name, number, match.end())


def _port(digits: str) -> int | None:
    number = int(digits)
    return number if 0 < number <= PORT_MAX else None


def parse(text: str) -> dict[str, str] | None:
    """The parameters of a field, each of which stands there once at most; None if the field is not valid."""
    found: dict[str, str] = {}
    at = 0
    while at < len(text):
        pair = _PAIR.match(text, at)
        if pair is None or pair[1] in found or not _valid(pair[1], pair[2], pair[3]):
            return None
        found[pair[1]] = pair[2] if pair[2] is not None else pair[3]
        at = pair.end()
    return None if not found or text.endswith(";") else found


def _valid(name: str, quoted: str | None, plain: str | None) -> bool:
    if name == "proto":
        return plain in ("http", "https")
    value = quoted if quoted is not None else plain or ""
    if quoted is None and not _TOKEN.match(value):
        return False
    if name == "host":
        return _valid_host(value)
    node = parse_node(value)
    return node is not None and node.end == len(value)


def _valid_host(value: str) -> bool:
    match = _HOST.match(value)
    if match is None or (match[2] is not None and _port(match[2]) is None):
        return False
    return match[1][:1] != "[" or Addr.parse(match[1][1:-1]) is not None


def is_valid(text: str) -> bool:
    """Whether a field is valid."""
    return parse(text) is not None
