"""The aliases of log-formats (manual 8.2.6): what `%ci` and its like yield of a stream that goes on, or has ended.

A row's function reads the transaction and what was asked about it last; its code reads the record `r` of the finished
stream, a `lb_rec` (native/include/rec.h), with the helpers of `Helpers.names()`. Log lines are made by the code: one
piece of an f-string, in which look-ups in caches stand themselves since a call costs more than the rest of a field.

Ownership: `Helpers` belong to one thread, caches included, so they take no lock.
"""

from __future__ import annotations

import re
import socket
import time
from collections.abc import Callable, Mapping, Sequence
from typing import Any, Protocol

from lbcore.log.header import MONTHS
from lbcore.log.settings import STEPS
from lbcore.proxy.settings import ProxySettings
from lbcore.sample.alias import Alias, add_aliases
from lbcore.sample.types import Type
from lbcore.sample.words import wire
from lbcore.shim import lib
from lbcore.stream.ends import BACK, OURS, destination_of, end_of
from lbcore.stream.txn import AT, Txn
from lbcore.stream.unique_id import unique_id

LineOf = Callable[[Any, int], str]  # `line(pointer, n)`: the n bytes that a field of a record points at, `escaped`

BAD_REQUEST = "<BADREQ>"
NO_SERVER = "<NOSRV>"
COMPLETE = 3  # words of a request line
SCHEME_END = "://"
CACHE_SIZE = 4096

_HEAD = re.compile(r'[^ -~]|["#]')  # what is escaped in request lines (manual 8.6)
_FIELD = re.compile(r'[^ -~]|["#{|}]')  # and in captured fields
_HOST = wire(socket.gethostname())

_ACCEPT, _REQUEST, _NOW = AT["accept_us"], AT["request_us"], AT["now_us"]
_TH, _TI, _TR, _TW, _TC, _TRESP = (AT[name] for name in ("th", "ti", "tr", "tw", "tc", "tresp"))
_STATUS, _RETRIES, _UNIQ, _FLAGS = AT["status"], AT["retries"], AT["uniq"], AT["flags"]


class Names(Protocol):
    """What the numbers of a record are called."""

    def backend(self, index: int) -> str:
        """Name of a backend; asked only for 0 and up."""

    def server(self, index: int) -> str:
        """Name of a server; asked only for 0 and up."""

    def server_address(self, index: int) -> tuple[str, int]:
        """Host and port of a server; asked only for 0 and up."""

    def listener_id(self, index: int) -> int:
        """The `id` of a listener, which stands for the port where addresses have none (unix sockets)."""

    def listener_label(self, index: int) -> str:
        """The name of a listener, or its `id`."""


# --- texts ---


def escaped(text: str) -> str:
    """A request line, as 8.6 wants it."""
    if text.isascii() and text.isprintable() and '"' not in text and "#" not in text:
        return text
    return _HEAD.sub(_number_sign, text)


def _number_sign(match: re.Match[str]) -> str:
    return f"#{ord(match[0]):02X}"


def escaped_field(text: str) -> str:
    """A captured field, as it stands in `%hr`."""
    return _FIELD.sub(_number_sign, text)


def captured(fields: Sequence[str | None]) -> str:
    """`{first|second}`, with nothing for a field that was not there."""
    return "{" + "|".join([escaped_field(field) if field else "" for field in fields]) + "}"


def captured_list(fields: Sequence[str | None]) -> list[str | None]:
    """The captured fields one by one."""
    return [None if field is None else escaped_field(field) for field in fields]


def request_slots(t: Txn) -> Sequence[str | None]:
    """What was captured of the request, by slots, whether anything was or not."""
    return t.captures_req or [None] * len(t.frontend.settings.captures_request)


def response_slots(t: Txn) -> Sequence[str | None]:
    """As `request_slots`, of the response."""
    return t.captures_res or [None] * len(t.frontend.settings.captures_response)


def request_word(line: str, index: int) -> str:
    """Method, URI or version of an escaped request line (words 0 to 2)."""
    words = line.split(" ")
    if len(words) == COMPLETE:
        return words[index]
    return BAD_REQUEST if line == BAD_REQUEST or index >= len(words) else words[index]


def request_path(line: str) -> str:
    """The URI of an escaped request line without its query."""
    return request_word(line, 1).partition("?")[0]


def request_path_only(line: str) -> str:
    """The path of the URI, without scheme, host and query; "" if it has none."""
    path = request_path(line)
    scheme = path.find(SCHEME_END)
    if path.startswith("/") or path == BAD_REQUEST:
        return path
    if scheme < 0:
        return ""  # "*", or the authority of CONNECT
    slash = path.find("/", scheme + len(SCHEME_END))
    return path[slash:] if slash >= 0 else ""


def request_query(line: str) -> str:
    """The query of the URI from its "?" on, "" without one."""
    if line == BAD_REQUEST:
        return line
    _, mark, query = request_word(line, 1).partition("?")
    return mark + query


def since(*times: int) -> int:
    """The sum of timers, -1 if one was not reached."""
    return -1 if min(times) < 0 else sum(times)


def serial(uniq: int, nbthread: int) -> int:
    """The number of a stream in the process, from 0, out of the shim's: of its thread (above), from 1 (below 48 bits).
    Threads count for themselves, so numbers of different threads are dealt out in turn."""
    return max((uniq & 0xFFFF_FFFF_FFFF) - 1, 0) * nbthread + (uniq >> 48)


def local_date(second: int) -> str:
    """`23/Nov/2026:06:42:21` where we are."""
    return _date(time.localtime(second))


def gmt_date(second: int) -> str:
    """`23/Nov/2026:06:42:21 +0000`."""
    return _date(time.gmtime(second)) + " +0000"


def zone_date(second: int) -> str:
    """`23/Nov/2026:06:42:21 +0100` where that is the local zone."""
    when = time.localtime(second)
    return _date(when) + time.strftime(" %z", when)


def _date(when: time.struct_time) -> str:
    month = MONTHS[when.tm_mon - 1]
    return f"{when.tm_mday:02d}/{month}/{when.tm_year}:{when.tm_hour:02d}:{when.tm_min:02d}:{when.tm_sec:02d}"


class Cache(dict[Any, str]):
    """Key -> text, made when first asked for. Never much larger than CACHE_SIZE."""

    def __init__(self, render: Callable[[Any], str]) -> None:
        super().__init__()
        self._render = render

    def __missing__(self, key: Any) -> str:
        if len(self) >= CACHE_SIZE:
            self.clear()
        text = self[key] = self._render(key)
        return text


class Helpers:
    """What the code of aliases uses: everything that reads more of a record than a number."""

    def __init__(
        self,
        proxy: ProxySettings,
        names: Names,
        line: LineOf,
        *,
        pid: int,
        nbthread: int = 1,
        counter: Callable[[], int] = int,
    ) -> None:
        """`line` reads the request lines of records; `counter` gives how many lines of the proxy were logged before
        (`%lc`)."""
        self._proxy = proxy
        self._names = names
        self._line = line
        self._pid = pid
        self._nbthread = nbthread
        self._counter = counter
        self.addresses: Mapping[int, Cache] = {
            socket.AF_INET: Cache(lambda key: socket.inet_ntop(socket.AF_INET, key[:4])),
            socket.AF_INET6: Cache(lambda key: socket.inet_ntop(socket.AF_INET6, key)),
            socket.AF_UNIX: Cache(lambda key: "unix"),
        }
        self._field = Cache(lambda field: escaped_field(field) if field else "").__getitem__
        self.terms = Cache(lambda key: key.rstrip(b"\0").decode("latin-1"))

    def names(self) -> dict[str, object]:
        """The names that `code` may use."""
        names, proxy = self._names, self._proxy
        return {
            "addresses": self.addresses,
            "backends": Cache(lambda index: wire(proxy.name if index < 0 else names.backend(index))),
            "captured": self.captured,
            "captured_list": captured_list,
            "cookie_states": cookie_states,
            "cookie_value": cookie_value,
            "counter": self._counter,
            "frontend": wire(proxy.name),
            "gmt": Cache(gmt_date),
            "host": _HOST,
            "listener_port": names.listener_id,
            "local": Cache(local_date),
            "path": request_path,
            "path_only": request_path_only,
            "no_line": BAD_REQUEST,
            "no_request": [None] * len(proxy.captures_request),
            "no_response": [None] * len(proxy.captures_response),
            "pid": self._pid,
            "plus": ("", "+"),
            "query": request_query,
            "request": self._line,
            "serial": self.serial,
            "server_hosts": Cache(lambda index: "" if index < 0 else wire(names.server_address(index)[0])),
            "server_ports": Cache(lambda index: "" if index < 0 else str(names.server_address(index)[1] or "")),
            "servers": Cache(lambda index: NO_SERVER if index < 0 else wire(names.server(index))),
            "since": since,
            "terms": self.terms,
            "unique_id": unique_id,
            "word": request_word,
            "zone": Cache(zone_date),
        }

    def listener_label(self, index: int) -> str:
        """What a listener is called: its name, or its `id`."""
        return self._names.listener_label(index)

    def captured(self, fields: Sequence[str | None]) -> str:
        """As the function, for fields that come again and again."""
        return f"{{{'|'.join(map(self._field, fields))}}}"

    def serial(self, uniq: int) -> int:
        return serial(uniq, self._nbthread)


# --- while the stream goes on ---


def live_source(t: Txn) -> str:
    """The client's address."""
    address = t.src
    return "unix" if address is None else str(address)


def live_destination(t: Txn) -> str:
    """The address that the client connected to."""
    address = destination_of(t, t.session.dst)
    return "unix" if address is None else str(address)


def live_port(name: str) -> Callable[[Txn], int]:
    """A port of the session, the listener's number where there is none."""

    def port_of(t: Txn) -> int:
        port: int = getattr(t.session, name)
        return port or (t.session.listener.sid if t.session.listener is not None else 0)

    return port_of


def asked(place: int) -> Callable[[Txn], int]:
    """A field of the last question."""
    return lambda t: int(t.ask[place])


def live_date(place: int, render: Callable[[int], str], *, ms: bool = False) -> Callable[[Txn], str]:
    """A wall clock of the last question, as a date."""

    def date_of(t: Txn) -> str:
        us: int = t.ask[place] or t.ask[_ACCEPT]
        date = render(us // 1_000_000)
        return f"{date}.{us // 1000 % 1000:03d}" if ms else date

    return date_of


def live_line(t: Txn) -> str:
    """The request line as the client sent it."""
    req = t.req
    return BAD_REQUEST if req is None else escaped(req.first_line)


def of_line(part: Callable[..., str], *args: int) -> Callable[[Txn], str]:
    """A part of the request line."""
    return lambda t: part(live_line(t), *args)


def live_status(t: Txn) -> int:
    return t.status if t.status >= 0 else int(t.ask[_STATUS]) or -1


def live_active(t: Txn) -> int:
    """ms since the request's first byte."""
    begun: int = t.ask[_REQUEST] or t.ask[_ACCEPT]
    return max((int(t.ask[_NOW]) - begun) // 1000, 0)


def live_total(t: Txn) -> int:
    """ms since the connection was accepted, or the request before ended."""
    return live_active(t) + max(int(t.ask[_TH]), 0) + max(int(t.ask[_TI]), 0)


def live_user(t: Txn) -> int:
    """ms that the user has waited, without idle time."""
    return live_active(t) + max(int(t.ask[_TH]), 0)


def live_origin(t: Txn) -> str:
    """What the line is written for: a step of the stream, or the rules that have said so; not every text is a line."""
    if not t.log_origin:
        return "unspec"
    return f"txn_{t.log_origin}" if t.log_origin in STEPS else t.log_origin


def live_backend(t: Txn) -> str:
    return wire((t.backend or t.frontend).settings.name)


def back_address(t: Txn) -> str:
    """Our own address of the server's connection, "" without one."""
    end = end_of(t, BACK, OURS)
    if end is None:
        return ""
    return "unix" if end.address is None else str(end.address)


def back_port(t: Txn) -> int | str:
    """Our own port of the server's connection, "" without one."""
    end = end_of(t, BACK, OURS)
    return "" if end is None else end.port


def live_server(t: Txn) -> str:
    return t.applet or (wire(t.server.settings.name) if t.server is not None else NO_SERVER)


def live_server_host(t: Txn) -> str:
    return wire(t.server.settings.address.host) if t.server is not None else ""


def live_server_port(t: Txn) -> str:
    return str(t.server.settings.address.port or "") if t.server is not None else ""


def live_retries(t: Txn) -> str:
    from_first = not t.ask[_FLAGS] & _REDISPATCHED
    return f"{'' if from_first else '+'}{t.ask[_RETRIES]}"


def figure(side: str, name: str) -> Callable[[Txn], int]:
    """A figure of the frontend, backend or server that the transaction has, 0 without."""

    def figure_of(t: Txn) -> int:
        found = getattr(t, side)
        return 0 if found is None else int(getattr(found, name))

    return figure_of


def cookie_states(cookies: Any) -> str:
    """What became of the persistence cookie: the third and fourth character of `%tsc` (manual 8.5)."""
    return "--" if cookies is None else f"{cookies.request_state}{cookies.response_state}"


def cookie_value(cookies: Any, side: str) -> str:
    """The captured cookie `name=value` of the "client" or the "server", "" without."""
    return "" if cookies is None else escaped_field(getattr(cookies, f"{side}_value") or "")


_REDISPATCHED = 0x200  # ASK_F_REDISP of native/include/ask.h


# --- the table ---

_ACCEPTED = "(us := r.accept_us) // 1000000"
_REQUESTED = "(us := r.request_us) // 1000000"
_MS = "{us // 1000 % 1000:03d}"  # of the date that stands before it
_LINE = "(request(r.uri, r.uri_len) if r.uri else no_line)"
_CI = "{addresses[r.family][r.saddr]}"
_FI = "{addresses[r.family][r.daddr]}"
_ORIGIN = (  # of a stream without a request that could be read, and of a connection without a session, the session's
    f"{{('sess_killed' if r.flags & {lib.REC_EMBRYONIC} else"
    f" 'sess_error' if r.flags & {lib.REC_HTTP} and r.tr < 0 else 'txn_close')}}"
)
_BI = "{addresses[r.bfamily][r.baddr] if r.bfamily else ''}"


def _no_request_captures(settings: ProxySettings) -> bool:
    return not settings.captures_request


def _no_response_captures(settings: ProxySettings) -> bool:
    return not settings.captures_response


def _text(name: str, code: str, live: Callable[[Txn], Any], section: str, **more: Any) -> Alias:
    return Alias(name, Type.STR, code, live, section, quoted=True, **more)


def _date_of(name: str, code: str, live: Callable[[Txn], Any], section: str, **more: Any) -> Alias:
    return Alias(name, Type.STR, code, live, section, **more)


def _count(name: str, code: str, live: Callable[[Txn], Any], section: str, **more: Any) -> Alias:
    return Alias(name, Type.SINT, code, live, section, **more)


add_aliases(
    _count("B", "{r.bytes_read:d}", lambda t: 0, "8.2.2", asap=True),
    _text("CC", "", lambda t: cookie_value(t.cookies, "client"), "8.2.3", http=True, optional=True,
          with_txn="{(cookie_value(t.cookies, 'client') if t.cookies is not None else '')}"),
    _text("CS", "", lambda t: cookie_value(t.cookies, "server"), "8.2.3", http=True, optional=True,
          with_txn="{(cookie_value(t.cookies, 'server') if t.cookies is not None else '')}"),
    _text("H", "{host}", lambda t: _HOST, "8.2.6"),
    _text("HM", f"{{word({_LINE}, 0)}}", of_line(request_word, 0), "8.2.6", http=True),
    _text("HP", f"{{path({_LINE})}}", of_line(request_path), "8.2.6", http=True),
    _text("HPO", f"{{path_only({_LINE})}}", of_line(request_path_only), "8.2.6", http=True),
    _text("HQ", f"{{query({_LINE})}}", of_line(request_query), "8.2.6", http=True),
    _text("HU", f"{{word({_LINE}, 1)}}", of_line(request_word, 1), "8.2.6", http=True),
    _text("HV", f"{{word({_LINE}, 2)}}", of_line(request_word, 2), "8.2.6", http=True),
    _text("ID", "", lambda t: unique_id(t) or "", "8.2.6", optional=True, with_txn="{unique_id(t) or ''}",
          requires_txn=lambda settings: settings.unique_id_format is not None),
    _date_of("OG", _ORIGIN, live_origin, "8.2.6"),
    _count("ST", "{r.status:d}", live_status, "8.2.3"),
    _date_of("T", f"{{gmt[{_ACCEPTED}]}}", live_date(_ACCEPT, gmt_date), "8.2.6"),
    _count("TR", "{r.tr:d}", asked(_TR), "8.4", http=True),
    _count("Ta", "{r.ta:d}", live_active, "8.4", http=True, asap=True),
    _count("Tc", "{r.tc:d}", asked(_TC), "8.4"),
    _count("Td", "{r.td:d}", lambda t: -1, "8.4", asap=True),
    _count("Th", "{r.th:d}", asked(_TH), "8.4"),
    _count("Ti", "{r.ti:d}", asked(_TI), "8.4", http=True),
    _date_of("Tl", f"{{zone[{_ACCEPTED}]}}", live_date(_ACCEPT, zone_date), "8.2.6"),
    _count("Tq", "{since(r.th, r.ti, r.tr):d}", lambda t: since(t.ask[_TH], t.ask[_TI], t.ask[_TR]), "8.4", http=True),
    _count("Tr", "{r.tresp:d}", asked(_TRESP), "8.4", http=True),
    _count("Ts", "{r.accept_us // 1000000:d}", lambda t: t.ask[_ACCEPT] // 1_000_000, "8.2.6", hexadecimal="04"),
    _count("Tt", "{r.tt:d}", live_total, "8.4", asap=True),
    _count("Tu", "{r.tt - max(r.ti, 0):d}", live_user, "8.4", asap=True),
    _count("Tw", "{r.tw:d}", asked(_TW), "8.4"),
    _count("U", "{r.bytes_uploaded:d}", lambda t: 0, "8.2.6", asap=True),
    _count("ac", "{r.actconn:d}", lambda t: int(t.world.facts.cur_conns), "8.2.2"),
    _text("b", "{backends[r.backend]}", live_backend, "8.2.2"),
    _count("bc", "{r.beconn:d}", figure("backend", "cur_sess"), "8.2.2"),
    _text("bi", _BI, back_address, "8.2.6", optional=True, hexadecimal="address"),
    _count("bp", "{r.bport or ''}", back_port, "8.2.6", optional=True, hexadecimal="04"),
    _count("bq", "{r.backend_queue:d}", lambda t: 0, "8.2.2"),
    _text("ci", _CI, live_source, "8.2.2", hexadecimal="address"),
    _count("cp", "{r.sport or listener_port(r.listener):d}", live_port("sport"), "8.2.2", hexadecimal="04"),
    _text("f", "{frontend}", lambda t: wire(t.frontend.settings.name), "8.2.2"),
    _count("fc", "{r.feconn:d}", figure("frontend", "cur_conn"), "8.2.2"),
    _text("fi", _FI, live_destination, "8.2.6", hexadecimal="address"),
    _count("fp", "{r.dport or listener_port(r.listener):d}", live_port("dport"), "8.2.6", hexadecimal="04"),
    _text("ft", "{frontend}", lambda t: wire(t.frontend.settings.name), "8.2.2"),
    _text("hr", "", lambda t: captured(request_slots(t)), "8.2.3", absent=_no_request_captures,
          with_txn="{captured(t.captures_req or no_request)}"),
    Alias("hrl", Type.STR, "", lambda t: captured_list(request_slots(t)), "8.2.3", many=True,
          absent=_no_request_captures, with_txn="{captured_list(t.captures_req or no_request)}"),
    _text("hs", "", lambda t: captured(response_slots(t)), "8.2.3", absent=_no_response_captures,
          with_txn="{captured(t.captures_res or no_response)}"),
    Alias("hsl", Type.STR, "", lambda t: captured_list(response_slots(t)), "8.2.3", many=True,
          absent=_no_response_captures, with_txn="{captured_list(t.captures_res or no_response)}"),
    _count("lc", "{counter():d}", lambda t: 0, "8.2.6", hexadecimal="04"),
    _count("ms", "{r.accept_us // 1000 % 1000:03d}", lambda t: f"{t.ask[_ACCEPT] // 1000 % 1000:03d}", "8.2.6",
           hexadecimal="02"),
    _count("pid", "{pid:d}", lambda t: t.world.facts.pid, "8.2.6", hexadecimal="04"),
    _text("r", f"{{{_LINE}}}", live_line, "8.2.3", http=True),
    _count("rc", "{plus[r.redispatched]}{r.retries:d}", live_retries, "8.2.2"),
    _count("rt", "{serial(r.uniq):d}", lambda t: serial(t.ask[_UNIQ], t.world.facts.nbthread), "8.2.6",
           hexadecimal="04"),
    _text("s", "{servers[r.server]}", live_server, "8.2.2", with_txn="{(t.applet or servers[r.server])}"),
    _count("sc", "{r.srvconn:d}", figure("server", "cur_sess"), "8.2.2"),
    _text("si", "{server_hosts[r.server]}", live_server_host, "8.2.6", optional=True, hexadecimal="address"),
    _count("sp", "{server_ports[r.server]}", live_server_port, "8.2.6", optional=True, hexadecimal="04"),
    _count("sq", "{r.srv_queue:d}", lambda t: 0, "8.2.2"),
    _text("sslc", "", lambda t: "", "8.2.6", optional=True),
    _text("sslv", "", lambda t: "", "8.2.6", optional=True),
    _date_of("t", f"{{local[{_ACCEPTED}]}}.{_MS}", live_date(_ACCEPT, local_date, ms=True), "8.2.2"),
    _date_of("tr", f"{{local[{_REQUESTED}]}}.{_MS}", live_date(_REQUEST, local_date, ms=True), "8.2.3", http=True),
    _date_of("trg", f"{{gmt[{_REQUESTED}]}}", live_date(_REQUEST, gmt_date), "8.2.6", http=True),
    _date_of("trl", f"{{zone[{_REQUESTED}]}}", live_date(_REQUEST, zone_date), "8.2.6", http=True),
    _date_of("ts", "{terms[r.term][:2]}", lambda t: "--", "8.5"),
    _date_of("tsc", "{terms[r.term]}", lambda t: "--" + cookie_states(t.cookies), "8.5", http=True,
             with_txn="{(terms[r.term][:2] + cookie_states(t.cookies) if t.cookies is not None else terms[r.term])}"),
)  # fmt: skip
