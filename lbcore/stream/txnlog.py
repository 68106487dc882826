"""The transaction log: the record of a finished stream -> the text of its log line (manual 8.2 to 8.6).

A log-format string is compiled once a frontend into one Python function that is a single f-string over the record: the
names that never change are constants in it, dates and addresses come from small caches. `ALIASES` at the end of this
file is the table of what may stand in a format; a row's `code` is the piece of that f-string which yields the text of
the alias, over `r` (the record) and the names of `_Helpers.names()`.

Ownership: a `TxnLog` belongs to one thread, caches included, so it takes no lock.
"""

from __future__ import annotations

import re
import socket
import time
from collections.abc import Callable, Iterable, Mapping
from typing import Any, NamedTuple, Protocol

from lbcore.log.header import MONTHS
from lbcore.proxy.settings import ProxySettings

LOG_ERR = 3
LOG_INFO = 6

TCP_LOG_FORMAT = "%ci:%cp [%t] %ft %b/%s %Tw/%Tc/%Tt %B %ts %ac/%fc/%bc/%sc/%rc %sq/%bq"
HTTP_LOG_FORMAT = (
    "%ci:%cp [%tr] %ft %b/%s %TR/%Tw/%Tc/%Tr/%Ta %ST %B %CC %CS %tsc %ac/%fc/%bc/%sc/%rc %sq/%bq %hr %hs %{+Q}r"
)
CLF_LOG_FORMAT = (
    '%{+Q}o %{-Q}ci - - [%trg] %r %ST %B "" "" %cp %ms %ft %b %s %TR %Tw %Tc %Tr %Ta %tsc '
    "%ac %fc %bc %sc %rc %sq %bq %CC %CS %hrl %hsl"
)

Record = Any  # a `lb_rec` of native/include/rec.h, or any object with its fields
View = Callable[[Any, int], Any]  # `view(field, n)[:]`: the first n bytes of a record's array or pointer
Line = tuple[int, str]

_CACHE_SIZE = 4096
_ARRAY = re.compile(r"view\(r\.(\w+), \d+\)\[:\]")
_FIELD = re.compile(r"\br\.(\w+)")
_ESCAPED = re.compile(r'[^ -~]|["#]')


class LogFormatError(ValueError):
    """A log-format string can't be used; the message names the word at fault."""


class Names(Protocol):
    """What the numbers of a record are called."""

    def backend(self, index: int) -> str:
        """Name of a backend; asked only for 0 and up."""

    def server(self, index: int) -> str:
        """Name of a server; asked only for 0 and up."""

    def listener_id(self, index: int) -> int:
        """The `id` of a listener, which stands for the port where addresses have none (unix sockets)."""


class Alias(NamedTuple):
    """A row of the table: `%name`.

    `code` is a piece of an f-string; an empty one prints nothing and swallows the space after it.
    """

    name: str
    code: str
    section: str  # of the manual
    quotable: bool = False  # {+Q} puts it in quotes
    http: bool = False  # only in mode http
    asap: bool = False  # `option logasap` puts a "+" before it: it is not final
    absent: bool = False  # there is never a value: {+Q} makes it an empty pair of quotes


class TxnLog:
    """The lines of one frontend's streams. `lines` is what the thread's loop calls with its batch of records."""

    def __init__(self, proxy: ProxySettings, names: Names, view: View, pid: int) -> None:
        """`view` reads the texts of a record: `ffi.buffer` for those of the shim.

        Raises LogFormatError if the frontend's format can't be compiled.
        """
        options = proxy.options
        http = proxy.mode == "http"
        self._given = (names, proxy, pid)
        self._helpers = _Helpers(names, proxy, pid, view=view)
        self._null_too = "dontlognull" not in options
        self._normal_too = "dontlog-normal" not in options
        self._error_level = LOG_ERR if "log-separate-errors" in options else LOG_INFO
        self._check_errors = not self._normal_too or self._error_level != LOG_INFO
        self._format = builtin_format(proxy.log_kind, http)
        self._asap = "logasap" in options
        self._text: Callable[[Record], str] | None = None
        if self._format is not None:
            self._text = compile_format(self._format, self._helpers.names(), http=http, asap=self._asap)
        self._http = http

    def tuple_text(self, places: Mapping[str, int], view: View) -> Callable[[tuple[Any, ...]], str] | None:
        """What makes the text of a record that is a tuple (`compile_format`), None where a line takes more than that.

        `view` reads the text at what the record has for `uri`.
        """
        if self._format is None or self._check_errors or not self._null_too:
            return None
        names = _Helpers(*self._given, view=view).names()
        return compile_format(self._format, names, http=self._http, asap=self._asap, places=places)

    def lines(self, records: Iterable[Record]) -> list[Line]:
        """(level, text) of those of `records` that are to be logged, in order."""
        made = []
        for record in records:
            line = self.line(record)
            if line is not None:
                made.append(line)
        return made

    def line(self, record: Record) -> Line | None:
        """(level, text) of one record, None if an option says not to log it."""
        if not self._null_too and not record.bytes_uploaded:
            return None
        if self._text is None:
            return self._connect_line(record)
        if not self._check_errors:
            return LOG_INFO, self._text(record)
        if is_error(record, self._helpers.term(record)):
            return self._error_level, self._text(record)
        return (LOG_INFO, self._text(record)) if self._normal_too else None

    def _connect_line(self, record: Record) -> Line | None:
        """The default line (8.2.1), which in mode http only requests that could be read have."""
        if self._http and not record.uri:
            return None
        return LOG_INFO, self._helpers.connect(record)


def builtin_format(kind: str | None, http: bool) -> str | None:
    """The log-format string of `option tcplog`, `httplog`, `httplog clf`; None for the default lines.

    A frontend in mode tcp falls back from the HTTP formats to tcplog, as in HAProxy.
    """
    if kind is None:
        return None
    if kind == "tcplog" or not http:
        return TCP_LOG_FORMAT
    return CLF_LOG_FORMAT if kind == "clf" else HTTP_LOG_FORMAT


def is_error(record: Record, term: str) -> bool:
    """Whether `dontlog-normal` logs it and `log-separate-errors` raises its level (8.3.3, 8.3.4).

    That is: an error or a timeout, a retry, a redispatch, a status of 500 and up. Answering by ourselves ("L") is none.
    """
    return bool(term[0] not in "-L" or record.retries or record.redispatched or record.status >= 500)


def compile_format(
    log_format: str,
    names: dict[str, object],
    *,
    http: bool,
    asap: bool,
    places: Mapping[str, int] | None = None,
) -> Callable[[Record], str]:
    """A function that turns a record into the text of `log_format`. Raises LogFormatError.

    `names` are the helpers that rows of ALIASES may use; `http`, `asap`: the frontend's mode and `option logasap`.
    With `places` it takes records that are tuples, whose arrays are bytes: field -> its place.
    """
    parts = [_literal(part) if isinstance(part, str) else _field(part, asap) for part in _split(log_format, http)]
    if places is not None:
        parts = [_indexed(part, places) for part in parts]
    source = 'def text(r):\n    return f"""' + _join(parts) + '"""\n'
    scope: dict[str, Any] = dict(names)
    exec(compile(source, "<log-format>", "exec"), scope)  # rows of ALIASES, escaped literals
    function: Callable[[Record], str] = scope["text"]
    return function


class _Use(NamedTuple):
    """An alias as a format uses it."""

    alias: Alias
    quoted: bool


_TOKEN = re.compile(r"%%|%(?:\{(?P<flags>[^}]*)\})?(?P<name>[A-Za-z]+)|(?P<space>\s+)|[^%\s]+|%")


def _split(log_format: str, http: bool) -> list[str | _Use]:
    """The parts of a format in order: literals (runs of blanks are one space) and uses of aliases."""
    parts: list[str | _Use] = []
    quote_all = False
    for token in _TOKEN.finditer(log_format):
        name = token["name"]
        if token["space"]:
            parts.append(" ")
        elif name == "o":
            quote_all = _quote_flag(token["flags"], quote_all)
        elif name is not None:
            parts.append(_Use(_lookup(name, http), _quote_flag(token["flags"], quote_all)))
        elif token[0] == "%":
            raise LogFormatError(f"log-format: '%' without a name in '{log_format}'")
        else:
            parts.append("%" if token[0] == "%%" else token[0])
    return parts


def _quote_flag(flags: str | None, current: bool) -> bool:
    for flag in (flags or "").split(","):
        if flag not in ("", "+Q", "-Q"):
            raise LogFormatError(f"log-format: flag '{flag}' is not done in this release")
        current = flag == "+Q" if flag else current
    return current


def _lookup(name: str, http: bool) -> Alias:
    alias = _BY_NAME.get(name)
    if alias is None:
        raise LogFormatError(f"log-format: no such alias '%{name}' in this release")
    if alias.http and not http:
        raise LogFormatError(f"log-format: '%{name}' needs 'mode http'")
    return alias


def _literal(text: str) -> str:
    """`text` as it must stand inside a triple-quoted f-string."""
    return "".join({"{": "{{", "}": "}}", '"': '\\"', "\\": "\\\\"}.get(char, char) for char in text)


def _field(use: _Use, asap: bool) -> str:
    alias = use.alias
    if use.quoted and alias.absent:
        return '\\"\\"'
    quote = '\\"' if use.quoted and alias.quotable else ""
    plus = "+" if asap and alias.asap else ""
    return f"{quote}{plus}{alias.code}{quote}"


def _indexed(code: str, places: Mapping[str, int]) -> str:
    """A piece of code over an object's fields as one over a tuple: twice as fast."""
    code = _ARRAY.sub(r"r.\1", code)
    return _FIELD.sub(lambda match: f"r[{places[match[1]]}]", code)


def _join(parts: list[str]) -> str:
    """The parts in one string: one space where empty fields would leave several, and none at the beginning."""
    kept: list[str] = []
    for part in parts:
        if part and not (part == " " and (not kept or kept[-1] == " ")):
            kept.append(part)
    return "".join(kept)


class _Cache(dict[Any, str]):
    """Key -> text, made when first asked for. Never larger than _CACHE_SIZE."""

    def __init__(self, render: Callable[[Any], str]) -> None:
        super().__init__()
        self._render = render

    def __missing__(self, key: Any) -> str:
        if len(self) >= _CACHE_SIZE:
            self.clear()
        text = self[key] = self._render(key)
        return text


class _Helpers:
    """What the pieces of ALIASES use: everything that reads more of a record than a number.

    Look-ups in caches stand in the pieces themselves, since a call costs more than the rest of a field.
    """

    def __init__(self, names: Names, proxy: ProxySettings, pid: int, *, view: View) -> None:
        self._names = names
        self._view = view
        self._proxy = proxy
        self._pid = pid
        self._addresses = {
            socket.AF_INET: _Cache(lambda key: socket.inet_ntop(socket.AF_INET, key[:4])),
            socket.AF_INET6: _Cache(lambda key: socket.inet_ntop(socket.AF_INET6, key)),
            socket.AF_UNIX: _Cache(lambda key: "unix"),
        }
        self._terms = _Cache(lambda key: key.rstrip(b"\0").decode("latin-1"))
        self._backends = _Cache(lambda index: proxy.name if index < 0 else names.backend(index))
        self._servers = _Cache(lambda index: "<NOSRV>" if index < 0 else names.server(index))

    def names(self) -> dict[str, object]:
        """The names that `code` in ALIASES may use."""
        return {
            "view": self._view,
            "addresses": self._addresses,
            "listener_port": self.listener_port,
            "terms": self._terms,
            "request": self.request,
            "word": self.word,
            "backends": self._backends,
            "servers": self._servers,
            "local": _Cache(local_date),
            "local_zone": _Cache(lambda second: f"{local_date(second)} {zone(second)}"),
            "gmt": _Cache(lambda second: f"{gmt_date(second)} +0000"),
            "since": _since,
            "frontend": self._proxy.name,
            "pid": self._pid,
        }

    def listener_port(self, listener: int) -> int:
        """What stands for a port where addresses have none: the number of the listener."""
        return self._names.listener_id(listener)

    def connect(self, r: Record) -> str:
        """The default line. Both ends of a unix socket are the listener."""
        addresses = self._addresses[r.family]
        source, destination = addresses[self._view(r.saddr, 16)[:]], addresses[self._view(r.daddr, 16)[:]]
        port = self.listener_port(r.listener)
        sport, dport = r.sport or port, r.dport or port
        proxy = self._proxy
        return f"Connect from {source}:{sport} to {destination}:{dport} ({proxy.name}/{proxy.mode.upper()})"

    def term(self, r: Record) -> str:
        """The termination state: two or four characters."""
        return self._terms[self._view(r.term, 4)[:]]

    def request(self, uri: Any, size: int) -> str:
        """The request line as 8.6 wants it, `<BADREQ>` if none could be read."""
        if not uri:
            return "<BADREQ>"
        text = str(self._view(uri, size)[:], "latin-1")
        if text.isascii() and text.isprintable() and '"' not in text and "#" not in text:
            return text
        return _ESCAPED.sub(lambda match: f"#{ord(match[0]):02X}", text)

    def word(self, uri: Any, size: int, index: int) -> str:
        """Method, URI or version of the request line (words 0 to 2)."""
        words = self.request(uri, size).split(" ")
        return words[index] if len(words) == 3 else words[0]


def _since(*times: int) -> int:
    """The sum of timers, -1 if one was not reached."""
    return -1 if min(times) < 0 else sum(times)


def local_date(second: int) -> str:
    """`23/Nov/2026:06:42:21` where we are."""
    return _date(time.localtime(second))


def gmt_date(second: int) -> str:
    """`23/Nov/2026:06:42:21` in Greenwich."""
    return _date(time.gmtime(second))


def _date(when: time.struct_time) -> str:
    month = MONTHS[when.tm_mon - 1]
    return f"{when.tm_mday:02d}/{month}/{when.tm_year}:{when.tm_hour:02d}:{when.tm_min:02d}:{when.tm_sec:02d}"


def zone(second: int) -> str:
    """`+0100` where that is the local zone at `second`."""
    return time.strftime("%z", time.localtime(second))


_ACCEPTED = "(us := r.accept_us) // 1000000"
_REQUESTED = "(us := r.request_us) // 1000000"
_MS = "{us // 1000 % 1000:03d}"  # of the date that stands before it

ALIASES = (
    Alias("B", "{r.bytes_read}", "8.2.2", asap=True),
    Alias("CC", "-", "8.2.3", http=True, absent=True),
    Alias("CS", "-", "8.2.3", http=True, absent=True),
    Alias("HM", "{word(r.uri, r.uri_len, 0)}", "8.2.6", quotable=True, http=True),
    Alias("HU", "{word(r.uri, r.uri_len, 1)}", "8.2.6", quotable=True, http=True),
    Alias("HV", "{word(r.uri, r.uri_len, 2)}", "8.2.6", quotable=True, http=True),
    Alias("ST", "{r.status}", "8.2.3"),
    Alias("T", f"{{gmt[{_ACCEPTED}]}}", "8.2.6"),
    Alias("TR", "{r.tr}", "8.4", http=True),
    Alias("Ta", "{r.ta}", "8.4", http=True, asap=True),
    Alias("Tc", "{r.tc}", "8.4"),
    Alias("Td", "{r.td}", "8.4", asap=True),
    Alias("Th", "{r.th}", "8.4"),
    Alias("Ti", "{r.ti}", "8.4", http=True),
    Alias("Tl", f"{{local_zone[{_ACCEPTED}]}}", "8.2.6"),
    Alias("Tq", "{since(r.th, r.ti, r.tr)}", "8.4", http=True),
    Alias("Tr", "{r.tresp}", "8.4", http=True),
    Alias("Ts", "{r.accept_us // 1000000}", "8.2.6"),
    Alias("Tt", "{r.tt}", "8.4", asap=True),
    Alias("Tw", "{r.tw}", "8.4"),
    Alias("U", "{r.bytes_uploaded}", "8.2.6", asap=True),
    Alias("ac", "{r.actconn}", "8.2.2"),
    Alias("b", "{backends[r.backend]}", "8.2.2", quotable=True),
    Alias("bc", "{r.beconn}", "8.2.2"),
    Alias("bq", "{r.backend_queue}", "8.2.2"),
    Alias("ci", "{addresses[r.family][view(r.saddr, 16)[:]]}", "8.2.2", quotable=True),
    Alias("cp", "{r.sport or listener_port(r.listener)}", "8.2.2"),
    Alias("f", "{frontend}", "8.2.2", quotable=True),
    Alias("fc", "{r.feconn}", "8.2.2"),
    Alias("fi", "{addresses[r.family][view(r.daddr, 16)[:]]}", "8.2.6", quotable=True),
    Alias("fp", "{r.dport or listener_port(r.listener)}", "8.2.6"),
    Alias("ft", "{frontend}", "8.2.2", quotable=True),
    Alias("hr", "", "8.2.3", http=True),
    Alias("hrl", "", "8.2.3", http=True),
    Alias("hs", "", "8.2.3", http=True),
    Alias("hsl", "", "8.2.3", http=True),
    Alias("ms", "{r.accept_us // 1000 % 1000:03d}", "8.2.6"),
    Alias("pid", "{pid}", "8.2.6"),
    Alias("r", "{request(r.uri, r.uri_len)}", "8.2.3", quotable=True, http=True),
    Alias("rc", "{'+' if r.redispatched else ''}{r.retries}", "8.2.2"),
    Alias("rt", "{r.req_count}", "8.2.6"),
    Alias("s", "{servers[r.server]}", "8.2.2", quotable=True),
    Alias("sc", "{r.srvconn}", "8.2.2"),
    Alias("sq", "{r.srv_queue}", "8.2.2"),
    Alias("t", f"{{local[{_ACCEPTED}]}}.{_MS}", "8.2.2"),
    Alias("tr", f"{{local[{_REQUESTED}]}}.{_MS}", "8.2.3", http=True),
    Alias("trg", f"{{gmt[{_REQUESTED}]}}", "8.2.6", http=True),
    Alias("trl", f"{{local_zone[{_REQUESTED}]}}", "8.2.6", http=True),
    Alias("ts", "{terms[view(r.term, 4)[:]][:2]}", "8.5"),
    Alias("tsc", "{terms[view(r.term, 4)[:]]}", "8.5", http=True),
)  # fmt: skip
_BY_NAME = {alias.name: alias for alias in ALIASES}
