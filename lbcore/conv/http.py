"""Fields of HTTP messages: languages, hosts, captures (manual 7.3.1)."""

from __future__ import annotations

import re
from collections.abc import Sequence

from lbcore.sample.build import Build
from lbcore.sample.pattern import lower
from lbcore.sample.rows import Arg, Convert, Converter, Txn, TxnConvert, add_converters
from lbcore.sample.types import Type

_RANGE = re.compile(r"\s*([^\s,;]*)([^,]*)(?:,|\Z)")  # of Accept-Language, and what is behind it
_QUALITY = re.compile(r"\s*;\s*q\s*=\s*([0-9])(?:\.([0-9]{0,3}))?")
_GARBAGE = re.compile(r"\s*[^\s;]")  # behind a language range, so that it counts for nothing
_BEST = 1000


def quality(parameters: str) -> int:
    """The weight that follows a language range, in thousandths; the best one if there is none to be read."""
    match = _QUALITY.match(parameters)
    if match is None:
        return _BEST
    return min(int(match[1]) * 1000 + int((match[2] or "").ljust(3, "0")), _BEST)


def matches(language: str, wanted: str) -> bool:
    """Whether a language that a client asks for is `wanted`, or a variant of it (RFC 4647 section 3.3.1)."""
    return language.startswith(wanted) and language[len(wanted) : len(wanted) + 1] in ("", "-")


def _make_language(args: Sequence[Arg], build: Build) -> Convert:
    """The one of the languages in the first argument that a client likes best; the first of those it likes as much."""
    offered = args[0].split(";")
    default = args[1] if len(args) > 1 else None

    def language(text: str) -> str | None:
        best, chosen = 0, ""
        for match in _RANGE.finditer(text):
            if not match[1] or _GARBAGE.match(match[2]):
                continue
            found = next((name for name in offered if matches(match[1], name)), None)
            weight = quality(match[2]) if found is not None else 0
            if found is not None and weight > best:
                best, chosen = weight, found
        return chosen or default

    return language


def split_host(text: str) -> tuple[str, str]:
    """A Host field (RFC 9110 section 7.2) as host and port; the colons of an address in brackets are none of a port."""
    colon = text.rfind(":")
    return (text, "") if colon < 0 or colon < text.rfind("]") else (text[:colon], text[colon + 1 :])


def host_only(text: str) -> str:
    """The host of a Host field, in lower case."""
    return lower(split_host(text)[0])


def port_only(text: str) -> int:
    """The port of a Host field, 0 if there is none. What are no digits are taken for some, as HAProxy does."""
    port = 0
    for char in split_host(text)[1]:
        port = (port * 10 + ord(char) - ord("0")) & 0xFFFFFFFF
    return port


def _make_capture_req(args: Sequence[Arg], build: Build) -> TxnConvert:
    """Keeps the text in a slot of the request, cut to its length, and passes it on; no sample without such a slot."""
    slot = args[0]

    def capture(t: Txn, text: str) -> str | None:
        slots = t.frontend.settings.captures_request
        if not 0 <= slot < len(slots):
            return None
        if t.captures_req is None:
            t.captures_req = [None] * len(slots)
        t.captures_req[slot] = text[: slots[slot].length]
        t.kept = True  # until its line is written
        return text

    return capture


def _make_capture_res(args: Sequence[Arg], build: Build) -> TxnConvert:
    """As that of requests, in a slot of the response."""
    slot = args[0]

    def capture(t: Txn, text: str) -> str | None:
        slots = t.frontend.settings.captures_response
        if not 0 <= slot < len(slots):
            return None
        if t.captures_res is None:
            t.captures_res = [None] * len(slots)
        t.captures_res[slot] = text[: slots[slot].length]
        t.kept = True
        return text

    return capture


def _plain(name: str, gives: Type, function: Convert, doc: str) -> Converter:
    return Converter(name, "", Type.STR, gives, lambda args, build: function, doc)


add_converters(
    Converter("capture-req", "(integer)", Type.STR, Type.STR, _make_capture_req, "Kept in a request's slot.", txn=True),
    Converter(
        "capture-res", "(integer)", Type.STR, Type.STR, _make_capture_res, "Kept in a response's slot.", txn=True
    ),
    _plain("host_only", Type.STR, host_only, "The host of a Host field."),
    Converter("language", "(string[,string])", Type.STR, Type.STR, _make_language, "The language liked best."),
    _plain("port_only", Type.SINT, port_only, "The port of a Host field."),
)
