"""`redirect`, as a rule and as the older line of its own (manual 4.2, "redirect location")."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass

from lbcore.action.spec import Spec, spec
from lbcore.http.reply import encode_value, redirection
from lbcore.sample.build import Build
from lbcore.sample.format import Format, parse_format
from lbcore.sample.style import HEADER
from lbcore.sample.words import ParseError, Words, wire
from lbcore.stream.rules import ACTIONS, Action, Outcome, Reply, Ruleset, Run
from lbcore.stream.txn import Txn

KINDS = ("location", "prefix", "scheme")
CODES = ("301", "302", "303", "307", "308")
_EXPECTED = (
    "expects 'code', 'prefix', 'location', 'scheme', 'set-cookie', 'clear-cookie', 'drop-query', 'ignore-empty' or "
    "'append-slash' (was '{}')"
)

Render = Callable[[Txn], str]


@dataclass(slots=True)
class Redirect:
    """A redirect as read. `literal`: it is a line of its own, whose target is no format."""

    literal: bool
    kind: str = ""
    target: Format | str = ""
    code: int = 302
    cookie: Format | str = ""
    cookie_end: str = ""
    append_slash: bool = False
    drop_query: bool = False
    ignore_empty: bool = False
    keep_query: bool = False


class _Reader:
    """One redirect being read."""

    def __init__(self, words: Words, *, literal: bool) -> None:
        self.words = words
        self.found = Redirect(literal)

    def read(self) -> Redirect:
        while not self.words.at_condition:
            word = self.words.take()
            reader = _ARGUMENTS.get(word)
            if reader is None:
                raise ParseError(_EXPECTED.format(word), self.words.at - 1)
            reader(self, word)
        if not self.found.kind:
            raise ParseError("redirection type expected ('prefix', 'location', or 'scheme')")
        return self.found

    def _argument(self, word: str) -> str:
        if not self.words.peek():
            raise ParseError(f"missing argument for '{word}'", self.words.at)
        return self.words.take()

    def target(self, word: str) -> None:
        self.found.kind = word
        text = self._argument(word)
        self.found.target = wire(text) if self.found.literal else parse_format(text, self.words, HEADER)

    def code(self, word: str) -> None:
        text = self._argument(word)
        if text not in CODES:
            raise ParseError(
                f"'code': unsupported HTTP code '{text}' (must be one of 301, 302, 303, 307 or 308)", self.words.at - 1
            )
        self.found.code = int(text)

    def set_cookie(self, word: str) -> None:
        self.found.cookie, self.found.cookie_end = wire(self._argument(word)), "; path=/;"

    def set_cookie_fmt(self, word: str) -> None:
        self.found.cookie = parse_format(self._argument(word), self.words, HEADER)
        self.found.cookie_end = "; path=/;"

    def clear_cookie(self, word: str) -> None:
        self.found.cookie, self.found.cookie_end = wire(self._argument(word)), "; path=/; Max-Age=0;"

    def flag(self, word: str) -> None:
        setattr(self.found, word.replace("-", "_"), True)


_ARGUMENTS: dict[str, Callable[[_Reader, str], None]] = {
    "append-slash": _Reader.flag,
    "clear-cookie": _Reader.clear_cookie,
    "code": _Reader.code,
    "drop-query": _Reader.flag,
    "ignore-empty": _Reader.flag,
    "keep-query": _Reader.flag,
    "set-cookie": _Reader.set_cookie,
    "set-cookie-fmt": _Reader.set_cookie_fmt,
    **dict.fromkeys(KINDS, _Reader.target),
}


def parse_redirect(words: Words, ruleset: Ruleset) -> Spec:
    """`redirect {location|prefix|scheme} <fmt> [code <code>] [<option>...]`.

    On a line of its own (`redirect` is its first word) the target is taken as it stands.
    """
    start = words.at - 1
    found = _Reader(words, literal=start == 0).read()
    if ruleset is Ruleset.HTTP_RESPONSE and found.kind != "location":
        raise ParseError("response only supports redirect type 'location'")
    term = "LR" if ruleset is Ruleset.HTTP_REQUEST else "LH"
    return spec(words, start, lambda build: _maker(found, build, term))


def _maker(found: Redirect, build: Build, term: str) -> Run:
    locate = _LOCATORS[found.kind](found, _render(found.target, build))
    cookie, end = _render(found.cookie, build), found.cookie_end
    code, ignore_empty = found.code, found.ignore_empty and found.kind == "location"
    request = term == "LR"

    def run(t: Txn) -> Outcome | None:
        location = encode_value(locate(t))
        if ignore_empty and not location:
            return None
        fields = (("set-cookie", encode_value(cookie(t)) + end),) if end else ()
        close = request and t.req is not None and t.req.has_body  # its body may still be on its way
        return Reply(code, redirection(code, location, fields), b"", term, close=close)

    return run


def _render(text: Format | str, build: Build) -> Render:
    if isinstance(text, Format):
        return text.make(build)
    return lambda t: text


def _location(found: Redirect, target: Render) -> Render:
    """The target alone, which only `keep-query` adds to."""
    if not found.keep_query:
        return target

    def locate(t: Txn) -> str:
        location = target(t)
        query = t.req.query if t.req is not None else None
        return f"{location}{'&' if '?' in location else '?'}{query}" if query else location

    return locate


def _prefix(found: Redirect, target: Render) -> Render:
    """The target before the path of the request; "/" alone stands for no prefix at all."""
    path_of = _path(found)

    def locate(t: Txn) -> str:
        prefix = target(t)
        return path_of(t, "" if prefix == "/" else prefix)

    return locate


def _scheme(found: Redirect, target: Render) -> Render:
    """The request's own URL with another scheme."""
    path_of = _path(found)

    def locate(t: Txn) -> str:
        assert t.req is not None, "only requests are redirected to another scheme"
        return path_of(t, f"{target(t)}://{t.req.get('host') or ''}")

    return locate


def _path(found: Redirect) -> Callable[[Txn, str], str]:
    """The function that puts the path, with or without its query, behind what stands before it."""
    drop_query, append_slash = found.drop_query, found.append_slash

    def path_of(t: Txn, before: str) -> str:
        assert t.req is not None, "only requests have a path"
        path = t.req.abs_path
        location = before + ("/" if path is None else path if drop_query else t.req.pathq)
        return f"{location}/" if append_slash and location[-1] != "/" else location

    return path_of


_LOCATORS: dict[str, Callable[[Redirect, Render], Render]] = {
    "location": _location,
    "prefix": _prefix,
    "scheme": _scheme,
}

ACTIONS.register(
    Action("redirect", (Ruleset.HTTP_REQUEST, Ruleset.HTTP_RESPONSE), parse_redirect,
           "{location|prefix|scheme} <fmt> [code <code>] [<option>...]: sends the client to another place."),
)  # fmt: skip
