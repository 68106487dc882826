"""Persistence by cookies (manual 4.2, "cookie"): a request is sent to the server that its cookie names, and the
response brings the client a cookie that names the server it got.

    request     find the cookie, choose its server, hide the cookie from the server where that is asked for
    response    drop, rewrite or insert Set-Cookie; see to what may be cached

What was found is kept in the transaction (`Txn.cookies`) for the response and for the log, in HAProxy's letters:

    %tsc 3rd    N none, I invalid, D its server is down, V valid, E idle too long, O too old, U not looked at
    %tsc 4th    N none, P by the server, D deleted, I inserted, U its date was updated, R rewritten

A step each for a backend's requests and responses, shared by all threads.
"""

from __future__ import annotations

import re
import time
from collections.abc import Callable, Iterator, Mapping, Sequence
from typing import Any

from lbcore.proxy.settings import PersistenceCookie, ProxySettings
from lbcore.sample.build import Build
from lbcore.stream.caching import Caching, refuse_cacheable_cookie
from lbcore.stream.message import Response
from lbcore.stream.rules import Outcome
from lbcore.stream.txn import Txn

PREFIX_END = "~"  # between the server's name and the application's value, mode "prefix"
DATE_MARK = "|"  # before a date, mode "insert"
DATE_LENGTH = 5
DATE_UNIT = 4  # seconds
A_DAY = 86400  # how far in the future the date of a cookie may lie
DIGITS = "ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz0123456789+/"

_DATE = re.compile(r"[A-Za-z0-9+/]{5}")
_BLANK_EQUALS = re.compile(r"(?<=[^ \t=])[ \t]*=[ \t]*")
_PIECES = re.compile(r'(?:[^;,"]|"(?:[^"\\]|\\.)*"|")*[;,]?')


class Cookies:
    """What the cookies of a stream said. `server` is the one that the client's cookie chose, None if it chose none;
    `assigned` the one that `use-server` chose before."""

    __slots__ = ("assigned", "client_value", "first_date", "last_date", "request_state", "response_state", "server",
                 "server_value")  # fmt: skip

    def __init__(self) -> None:
        self.client_value: str | None = None  # `capture cookie`, as "name=value"
        self.server_value: str | None = None
        self.request_state = "-"
        self.response_state = "-"
        self.server: Any = None
        self.assigned: Any = None
        self.first_date = 0  # seconds since 1970; 0: the cookie had none
        self.last_date = 0


# --- dates ---


def to_date(text: str) -> int:
    """The date that five digits write, in seconds; 0 if they are none."""
    if not _DATE.fullmatch(text):
        return 0
    number = 0
    for digit in text:
        number = number * 64 + DIGITS.index(digit)
    return number * DATE_UNIT


def from_date(seconds: int) -> str:
    """Five digits for a date, rounded up to their unit."""
    number = (seconds + DATE_UNIT - 1) // DATE_UNIT
    return "".join(DIGITS[(number >> shift) & 63] for shift in (24, 18, 12, 6, 0))


# --- Cookie fields ---


def pieces(value: str) -> list[str]:
    """The cookies of a Cookie field, each with the blanks and delimiter around it: joined they are the field again."""
    if '"' in value or "," in value:
        return [piece for piece in _PIECES.findall(value) if piece]
    parts = value.split(";")
    return [part + ";" for part in parts[:-1]] + ([parts[-1]] if parts[-1] else [])


def pairs(value: str) -> Iterator[str]:
    """The cookies of a field as `name=value`; attributes of old, whose names begin with "$" (RFC 2965), are none."""
    for piece in pieces(value):
        text = piece.rstrip(";,").strip(" \t")
        if text and text[0] != "$":
            yield text


def value_of(piece: str, name: str) -> str | None:
    """The value of a piece if it is the cookie `name`."""
    found, equals, value = piece.rstrip(";,").partition("=")
    return value.strip(" \t") if equals and found.strip(" \t") == name else None


def without(found: Sequence[str], gone: int) -> list[str]:
    """The pieces without one and the attributes of old ("$Version") before it; what remains begins with no blank and
    ends with no delimiter, and where the gap was there is a delimiter and one blank."""
    start = gone
    while start > 0 and found[start - 1].lstrip(" \t").startswith("$"):
        start -= 1
    kept = [*found[:start], *found[gone + 1 :]]
    if kept and start == 0:
        kept[0] = kept[0].lstrip(" \t")
    if kept and start == len(kept):
        kept[-1] = kept[-1].rstrip(";, \t")
    elif start > 0:
        before = kept[start - 1]
        kept[start - 1] = before[:-1].rstrip(" \t") + before[-1]
        kept[start] = " " + kept[start].lstrip(" \t")
    return kept


def _tightened(found: Sequence[str]) -> tuple[list[str], bool]:
    """The pieces of cookies without blanks around their "=", as HAProxy sends them on, and whether there were any."""
    tight = [_BLANK_EQUALS.sub("=", piece, count=1) for piece in found]
    return tight, tight != list(found)


# --- requests ---


def make_request_cookie(settings: ProxySettings, build: Build) -> Callable[[Txn], None] | None:
    """The step that has the cookie of a request choose its server; None for a backend without cookie.

    It runs last, when `use-server` has had its say: a server that is chosen already stays. Raises BuildError.
    """
    found = settings.cookie
    if found is None or settings.mode != "http":
        return None
    reader = _Reader(found, build.backend("").by_cookie, persist="persist" in settings.options)
    name, told = found.name, is_told(found)

    def run(t: Txn) -> None:
        cookies = t.cookies
        if cookies is None:
            cookies = t.cookies = Cookies()
        cookies.request_state = cookies.response_state = "N"
        cookies.assigned = t.server
        request = t.req
        assert request is not None, "a step of requests"
        text = request.text
        if "\r\ncookie: " in text and (name in text or " =" in text or "= " in text):
            reader.read(t, cookies)
        if not told:
            cookies.request_state = cookies.response_state = "-"

    return run


def make_persist_rules(settings: ProxySettings, build: Build) -> Callable[[Txn], None] | None:
    """The step that sees which `force-persist` or `ignore-persist` applies first; None for a backend without any.

    It runs before a server is chosen. Raises BuildError.
    """
    rules = [(rule.force, rule.condition.make(build)) for rule in settings.persist_rules]
    if not rules:
        return None

    def run(t: Txn) -> None:
        for force, condition in rules:
            if condition(t):
                t.forced, t.ignores_cookie = force, not force
                return

    return run


def is_told(cookie: PersistenceCookie) -> bool:
    """Whether the log tells of a cookie, and responses are looked at: not of one that is only read."""
    return bool(cookie.mode) or cookie.indirect


class _Reader:
    """Reads the Cookie fields of requests of a backend."""

    __slots__ = ("_cookie", "_hides", "_persist", "_servers")

    def __init__(self, cookie: PersistenceCookie, servers: Mapping[str, Sequence[Any]], *, persist: bool) -> None:
        self._cookie = cookie
        self._persist = persist
        self._hides = cookie.mode == "insert" and cookie.indirect
        self._servers = servers

    def read(self, t: Txn, cookies: Cookies) -> None:
        """Looks at all cookies of the request; changes the fields if any is to be hidden."""
        request = t.req
        assert request is not None
        lines = request.lines()
        changed = False
        for at, line in enumerate(lines):
            if line.startswith("cookie: "):
                after = self._field(t, cookies, line[8:])
                if after is not None:
                    changed = True
                    lines[at] = f"cookie: {after}" if after else ""
        if changed:
            request.replace_lines([*(line for line in lines if line), ""])

    def _field(self, t: Txn, cookies: Cookies, value: str) -> str | None:
        """What becomes of a Cookie field, None if it stays."""
        found, changed = _tightened(pieces(value))
        at = 0
        while at < len(found):
            text = value_of(found[at], self._cookie.name)
            if text is None:
                at += 1
                continue
            name = self._name(text, cookies)
            self._choose(t, cookies, name)
            if self._hides:
                before = len(found)
                found = without(found, at)
                at -= before - len(found) - 1
                changed = True
                continue
            if self._cookie.mode == "prefix" and PREFIX_END in text:
                start, equals, rest = found[at].partition("=")
                found[at] = start + equals + rest.partition(PREFIX_END)[2]
                changed = True
            at += 1
        return "".join(found) if changed else None

    def _name(self, text: str, cookies: Cookies) -> str:
        """The server's name in a value, "" if the cookie counts for nothing; notes its dates."""
        if self._cookie.mode == "prefix":
            return text.partition(PREFIX_END)[0]
        name, mark, dates = text.partition(DATE_MARK)
        if not mark:
            return name
        last, _, first = dates.partition(DATE_MARK)
        cookies.last_date = to_date(last[:DATE_LENGTH])
        cookies.first_date = to_date(first[:DATE_LENGTH])
        state = self._expired(cookies)
        if state:
            cookies.request_state = state
            cookies.first_date = cookies.last_date = 0
            return ""
        return name

    def _expired(self, cookies: Cookies) -> str:
        """The letter for a cookie that is too old or was idle for too long, else ""."""
        now = int(time.time())
        for limit, date, letter in (
            (self._cookie.maxlife, cookies.first_date, "O"),
            (self._cookie.maxidle, cookies.last_date, "E"),
        ):
            if limit and date and not -A_DAY <= now - date <= limit:
                return letter
        return ""

    def _choose(self, t: Txn, cookies: Cookies, name: str) -> None:
        """Chooses the first server of that name that is up, with `option persist` also one that is down."""
        assigned = t.server is not None
        for server in self._servers.get(name, ()) if not (assigned or t.ignores_cookie) else ():
            usable = server.usable
            cookies.request_state = "V" if usable else "D"
            if usable or self._persist or t.forced:
                t.server = t.sticky = cookies.server = server
                return
        if cookies.request_state == "N":  # else a cookie before it has told already
            cookies.request_state = "U" if assigned or t.ignores_cookie else "I"


# --- responses ---


def make_response_cookie(settings: ProxySettings) -> Callable[[Txn], Outcome | None] | None:
    """The step that gives a response its cookie, behind all rules, and sees to `option checkcache`.

    None for a backend that has neither.
    """
    if settings.mode != "http":
        return None
    cookie = settings.cookie
    write = _Writer(cookie).write if cookie is not None and is_told(cookie) else None
    if "checkcache" not in settings.options:
        return write

    def run(t: Txn) -> Outcome | None:
        response = t.res
        assert response is not None, "a step of responses"
        brought = "\r\nset-cookie: " in response.text  # by the server: ours is no harm
        if write is not None:
            write(t)
        return refuse_cacheable_cookie(t) if brought else None

    return run


class _Writer:
    """Writes the cookies of responses of a backend."""

    __slots__ = ("_cookie", "_end", "_inserts", "_prefixes", "_rewrites")

    def __init__(self, cookie: PersistenceCookie) -> None:
        self._cookie = cookie
        self._inserts, self._rewrites, self._prefixes = (
            cookie.mode == mode for mode in ("insert", "rewrite", "prefix")
        )
        self._end = _attributes(cookie)

    def write(self, t: Txn) -> Outcome | None:
        """Changes what the server sets, and adds what is missing."""
        response = t.res
        assert response is not None, "a step of responses"
        cookies: Cookies = t.cookies if t.cookies is not None else Cookies()
        if cookies.server is not None and cookies.server is not t.server and cookies.request_state == "V":
            cookies.request_state = "D"  # another one had to take it
        if t.server is None:
            return None
        direct = t.server in (cookies.server, cookies.assigned, t.sticky)
        seen = "\r\nset-cookie: " in response.text and not t.ignores_cookie and self._pass(t, cookies, direct=direct)
        if self._inserts and self._is_due(t, cookies, seen=seen, direct=direct):
            self._insert(t, response, cookies, direct=direct)
        return None

    def _pass(self, t: Txn, cookies: Cookies, *, direct: bool) -> bool:
        """Handles what the server itself says of our cookie; whether it does say something."""
        response, name = t.res, self._cookie.name
        assert response is not None
        seen = changed = False
        kept: list[str] = []
        for line in response.lines():
            value = value_of(line[12:].partition(";")[0], name) if line.startswith("set-cookie: ") else None
            if value is None:
                kept.append(line)
                continue
            seen = True
            letter, after = self._one(t, line, value, direct=direct)
            cookies.response_state = letter
            changed |= letter != "P"
            if after:
                kept.append(after)
        if changed:
            response.replace_lines(kept)
        return seen

    def _one(self, t: Txn, line: str, value: str, *, direct: bool) -> tuple[str, str]:
        """What becomes of a Set-Cookie of ours: its letter in the log, and the line, "" if it is dropped."""
        cookie = self._cookie
        if cookie.preserve:
            return "P", line
        if self._inserts or (direct and cookie.indirect):
            return "D", ""
        name = t.server.cookie
        if name and (self._rewrites or self._prefixes):
            start, equals, rest = line.partition("=")
            blanks = rest[: len(rest) - len(rest.lstrip(" \t"))]
            after = rest[len(blanks) :]
            replaced = name + after[len(value) :] if self._rewrites else f"{name}{PREFIX_END}{after}"
            return "R", start + equals + blanks + replaced
        return "P", line

    def _is_due(self, t: Txn, cookies: Cookies, *, seen: bool, direct: bool) -> bool:
        """Whether a cookie is inserted: the client has none for this server, or the dates in it need a change."""
        cookie = self._cookie
        if t.ignores_cookie or (seen and cookie.preserve):
            return False
        if cookie.postonly and (t.req is None or t.req.method != "POST"):
            return False
        if not direct:
            return True
        last, first = cookies.last_date, cookies.first_date
        if (cookie.maxidle or last) and (not last or last < time.time()):
            return True
        return bool(cookie.maxlife) != bool(first)

    def _insert(self, t: Txn, response: Response, cookies: Cookies, *, direct: bool) -> None:
        cookie, value = self._cookie, t.server.cookie
        if value:
            text = f"{cookie.name}={value}{self._dates(cookies)}; path=/"
        else:  # a server without a name: the client is to forget the one it has
            text = f"{cookie.name}=; Expires=Thu, 01-Jan-1970 00:00:01 GMT; path=/"
        response.add("set-cookie", text + self._end)
        cookies.response_state = "U" if value and direct else "I"
        if cookie.nocache and t.req is not None:
            caching = Caching.of(t.req.method, response)
            if caching.cacheable:
                response.add("cache-control", "private")

    def _dates(self, cookies: Cookies) -> str:
        cookie = self._cookie
        if not (cookie.maxidle or cookie.maxlife):
            return ""
        now = int(time.time())
        dates = DATE_MARK + from_date(now)
        return dates + DATE_MARK + from_date(cookies.first_date or now) if cookie.maxlife else dates


def _attributes(cookie: PersistenceCookie) -> str:
    """What stands behind the path of an inserted cookie."""
    text = "".join(f"; domain={domain}" for domain in cookie.domains)
    text += "; HttpOnly" if cookie.httponly else ""
    text += "; Secure" if cookie.secure else ""
    return text + "".join(f"; {attribute}" for attribute in cookie.attributes)
