"""Normalizers of request targets: `http-request normalize-uri` (manual 4.2; RFC 3986 6.2).

Each is a pure function from a part of the target to what it becomes; None: there is nothing to change.
"""

from __future__ import annotations

import re
from collections.abc import Callable

from lbcore.action.failure import failed, refuse
from lbcore.action.spec import Spec, argument, spec
from lbcore.sample.words import ParseError, Words
from lbcore.stream.message import Request
from lbcore.stream.rules import ACTIONS, Action, Outcome, Ruleset
from lbcore.stream.txn import Txn

_PERCENT = re.compile(r"%([0-9A-Fa-f]{2})?")
_UNRESERVED = frozenset("ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz0123456789-._~")
_SLASHES = re.compile(r"/{2,}")


class InvalidTarget(ValueError):
    """A percent sign without two hexadecimal digits, where `strict` wants them."""


def fragment_encode(pathq: str) -> str:
    return pathq.replace("#", "%23")


def fragment_strip(pathq: str) -> str:
    return pathq.partition("#")[0]


def merge_slashes(path: str) -> str:
    return _SLASHES.sub("/", path)


def strip_dot(path: str) -> str:
    """Takes segments out that are a single dot; one at the end leaves its slash."""
    first, *rest = path.split("/")
    kept = [segment for segment in rest if segment != "."]
    if rest and rest[-1] == ".":
        kept.append("")
    return "/".join([first, *kept])


def strip_dotdot(path: str) -> str:
    """Takes `..` out with the segment before it; those that have none before them stay."""
    return _strip_dotdot(path, full=False)


def strip_dotdot_full(path: str) -> str:
    """As strip_dotdot; those that have none before them go, too."""
    return _strip_dotdot(path, full=True)


def _strip_dotdot(path: str, *, full: bool) -> str:
    first, *rest = path.split("/")
    kept: list[str] = []
    stay = 0  # the ".." at the beginning of `kept`
    for segment in rest:
        if segment != "..":
            kept.append(segment)
        elif len(kept) > stay:
            kept.pop()
        elif not full:
            kept.append(segment)
            stay += 1
    if rest and rest[-1] == "..":
        kept.append("")
    return "/".join([first, *kept])


def decode_unreserved(pathq: str) -> str:
    return _PERCENT.sub(_decoded, pathq)


def decode_unreserved_strict(pathq: str) -> str:
    """Raises InvalidTarget."""
    return _PERCENT.sub(lambda match: _decoded(_valid(match)), pathq)


def uppercase(pathq: str) -> str:
    return _PERCENT.sub(_uppercased, pathq)


def uppercase_strict(pathq: str) -> str:
    """Raises InvalidTarget."""
    return _PERCENT.sub(lambda match: _uppercased(_valid(match)), pathq)


def _valid(match: re.Match[str]) -> re.Match[str]:
    if match[1] is None:
        raise InvalidTarget(match.string)
    return match


def _decoded(match: re.Match[str]) -> str:
    char = chr(int(match[1], 16)) if match[1] else "%"
    return char if char in _UNRESERVED else match[0]


def _uppercased(match: re.Match[str]) -> str:
    return match[0].upper()


def sort_query(query: str) -> str:
    """Sorts parameters by their names; those of one name stay in their order."""
    return "&".join(sorted(query.split("&"), key=lambda parameter: parameter.partition("=")[0]))


def _of_path(normalize: Callable[[str], str]) -> Callable[[Request], str]:
    """What path and query become when only the path is normalized."""

    def pathq(request: Request) -> str:
        path = normalize(request.path)
        return path if request.query is None else f"{path}?{request.query}"

    return pathq


def _of_query(normalize: Callable[[str], str]) -> Callable[[Request], str]:
    def pathq(request: Request) -> str:
        return request.pathq if request.query is None else f"{request.path}?{normalize(request.query)}"

    return pathq


def _of_both(normalize: Callable[[str], str]) -> Callable[[Request], str]:
    return lambda request: normalize(request.pathq)


# By the words of the rule.
NORMALIZERS: dict[tuple[str, ...], Callable[[Request], str]] = {
    ("fragment-encode",): _of_both(fragment_encode),
    ("fragment-strip",): _of_both(fragment_strip),
    ("path-merge-slashes",): _of_path(merge_slashes),
    ("path-strip-dot",): _of_path(strip_dot),
    ("path-strip-dotdot",): _of_path(strip_dotdot),
    ("path-strip-dotdot", "full"): _of_path(strip_dotdot_full),
    ("percent-decode-unreserved",): _of_both(decode_unreserved),
    ("percent-decode-unreserved", "strict"): _of_both(decode_unreserved_strict),
    ("percent-to-uppercase",): _of_both(uppercase),
    ("percent-to-uppercase", "strict"): _of_both(uppercase_strict),
    ("query-sort-by-name",): _of_query(sort_query),
}


def _normalizer(words: Words) -> Callable[[Request], str]:
    """Takes the words of a normalizer. Raises ParseError."""
    name = argument(words, "missing argument <normalizer>")
    if (name,) not in NORMALIZERS:
        raise ParseError(f"unknown normalizer '{name}'")
    if (name, words.peek()) in NORMALIZERS:
        return NORMALIZERS[name, words.take()]
    has_options = any(len(chosen) > 1 and chosen[0] == name for chosen in NORMALIZERS)
    if has_options and not words.at_condition:
        raise ParseError(f"unknown argument '{words.peek()}' for '{name}' normalizer", words.at)
    return NORMALIZERS[name,]


def normalize_uri(words: Words, ruleset: Ruleset) -> Spec:
    """`normalize-uri <normalizer> [full|strict]`."""
    start = words.at - 1
    normalize = _normalizer(words)
    fail = failed(ruleset)

    def run(t: Txn) -> Outcome | None:
        request = t.req
        assert request is not None, "rules of requests run when one is there"
        if request.pathq[:1] != "/":
            return None
        try:
            new = normalize(request)
        except InvalidTarget:
            return refuse(t)
        if not new:
            return fail(t)
        if new != request.pathq:
            request.set_pathq(new)
        return None

    return spec(words, start, lambda build: run, mutates=True)


ACTIONS.register(
    Action("normalize-uri", (Ruleset.HTTP_REQUEST,), normalize_uri, "Normalizes the target (experimental)."),
)
