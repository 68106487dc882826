"""Percent-encoding, and parameters in texts like query strings (manual 7.3.1, RFC 3986 section 2.1)."""

from __future__ import annotations

import re
from collections.abc import Sequence

from lbcore.conv.arguments import text_at
from lbcore.sample.build import Build
from lbcore.sample.rows import Arg, ArgumentError, Convert, Converter, add_converters
from lbcore.sample.types import Type

_BAD_ESCAPE = re.compile(r"%(?![0-9A-Fa-f]{2})")
_ESCAPED = re.compile(r"%(..)")
_TO_ENCODE = re.compile(r"[^A-Za-z0-9._~-]")  # all but what RFC 3986 calls unreserved


def url_decode(text: str, in_form: bool) -> str | None:
    """A text without its percent-encoding, None if that is broken. A plus is a blank behind the first question mark, or
    everywhere `in_form`. The text ends at a NUL, as in HAProxy; one that is encoded is let through."""
    if "\0" in text:
        text = text.partition("\0")[0]
    if "+" in text:
        head, mark, tail = ("", "", text) if in_form else text.partition("?")
        text = head + mark + tail.replace("+", " ")
    if "%" not in text:
        return text
    if _BAD_ESCAPE.search(text):
        return None
    return _ESCAPED.sub(lambda match: chr(int(match[1], 16)), text)


def url_encode(text: str) -> str:
    """A text as it may stand in a query string."""
    return _TO_ENCODE.sub(lambda match: f"%{ord(match[0]):02X}", text)


def _make_url_dec(args: Sequence[Arg], build: Build) -> Convert:
    in_form = bool(args and args[0])
    return lambda text: url_decode(text, in_form)


def _check_url_enc(args: Sequence[Arg]) -> None:
    if text_at(args, 0) not in ("", "query"):
        raise ArgumentError("Unexpected encode type. Allowed value is 'query'")


def _make_url_enc(args: Sequence[Arg], build: Build) -> Convert:
    return url_encode


def _check_param(args: Sequence[Arg]) -> None:
    if len(args) > 1 and len(args[1]) != 1:
        raise ArgumentError("Delimiter must be exactly 1 character.")


def _make_param(args: Sequence[Arg], build: Build) -> Convert:
    """The value of the first parameter of a name, "" if it has none, no sample if there is no such parameter."""
    name = text_at(args, 0)
    delimiter = text_at(args, 1) or "&"

    def param(text: str) -> str | None:
        if not text:
            return None
        for part in text.split(delimiter):
            found, _, value = part.partition("=")
            if found == name:
                return value
        return None

    return param


_PARAM = "(string[,string])"

add_converters(
    Converter("param", _PARAM, Type.STR, Type.STR, _make_param, "A parameter's value by its name.", _check_param),
    Converter("url_dec", "([integer])", Type.STR, Type.STR, _make_url_dec, "Without percent-encoding."),
    Converter("url_enc", "(string)", Type.STR, Type.STR, _make_url_enc, "Percent-encoded.", _check_url_enc),
)
