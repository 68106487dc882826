"""Log lines that the shim writes, nobody being asked (native/include/logline.h).

`writes` says of which frontends: those whose lines are all of one kind, go to UDP targets, and have nothing in them but
what records tell, and fields that were captured of requests. What the shim is given is worked out from the same source
that Python's function for such a line is made from (lbcore.sample.render), for a stream that no transaction is kept of;
lines of the others are Python's, as before.
"""

from __future__ import annotations

import ast
import os
import socket
from collections.abc import Callable, Iterable
from typing import Any

from lbcore.base.address import Address
from lbcore.log.header import STAMPED, Header, Origin
from lbcore.log.settings import LogTarget
from lbcore.log.syslog import default_format
from lbcore.proxy.settings import ProxySettings
from lbcore.sample.alias import Flag, Item
from lbcore.sample.format import Format
from lbcore.sample.render import Reading, parts_of
from lbcore.sample.words import wire
from lbcore.shim import check, ffi, lib
from lbcore.stream.proxyheader import expects_headers
from lbcore.stream.slots import make_late_captures
from lbcore.stream.txnlog import LOG_INFO, as_format, builtin_format

Piece = tuple[int, int, int]  # as log_piece
SocketTo = Callable[[Address], socket.socket]

_ALL_ALIKE = frozenset({"dontlog-normal", "log-separate-errors", "logasap"})  # options without which lines are
_ALIASES = frozenset(
    {
        "B", "CC", "CS", "H", "ST", "TR", "Ta", "Tc", "Td", "Th", "Ti", "Tr", "Tt", "Tw", "U", "ac", "b", "bc", "bq",
        "ci", "cp", "f", "fc", "ft", "hr", "hs", "ms", "pid", "r", "rc", "s", "sc", "sq", "t", "tr", "ts", "tsc",
    }
)  # fmt: skip


def writes(settings: ProxySettings) -> bool:
    """Whether the shim can write the lines of a frontend. Raises ParseError for a format that can't be read."""
    targets = settings.log_targets
    if not _ALL_ALIKE.isdisjoint(settings.options) or settings.log_kind is None or settings.log_steps:
        return False
    if settings.error_log_format is not None or settings.log_format_sd is not None:
        return False
    if settings.captures_response or settings.capture_cookie is not None or expects_headers(settings):
        return False
    if any(bind.address.family not in (socket.AF_INET, socket.AF_INET6) for bind in settings.binds):
        return False
    if settings.captures_request and not _can_capture(settings):
        return False
    return 0 < len(targets) <= lib.LOG_TARGETS and all(map(_is_plain, targets)) and _is_simple(_format(settings))


def _can_capture(settings: ProxySettings) -> bool:
    return make_late_captures(settings) is not None and all(slot.header for slot in settings.captures_request)


def _is_plain(target: LogTarget) -> bool:
    if target.address.family not in (socket.AF_INET, socket.AF_INET6) or target.address.fd is not None:
        return False
    if target.sample_ranges or target.profile is not None or target.level < LOG_INFO:
        return False
    return (target.format is None or target.format in STAMPED) and target.maxlen <= lib.LOG_LINE_MAX


def _format(settings: ProxySettings) -> Format:
    return as_format(builtin_format(settings) or settings.log_format, settings.mode)


def _is_simple(parsed: Format) -> bool:
    return not parsed.flags and all(map(_is_known, parsed.items)) and any(item.literal for item in parsed.items)


def _is_known(item: Item) -> bool:
    if item.literal:
        return True
    if item.alias is None or item.alias.name not in _ALIASES or item.cast is not None:
        return False
    return not item.flags or (item.flags == Flag.QUOTE and item.alias.quoted)


def install(engine: Any, frontend: int, settings: ProxySettings, origin: Origin, socket_to: SocketTo) -> None:
    """Has the shim write the lines of frontend number `frontend`, of which `writes` is true. Once.

    `socket_to` gives the socket to an address, which must stay open as long as the engine lives. Raises
    OSError.
    """
    texts = _Texts()
    parsed = _format(settings)
    read = list(_Program(texts, settings).pieces(parsed, Reading(txn=True, settings=settings)))
    unread = list(_Program(texts, settings).pieces(parsed, Reading(txn=True, settings=settings, off=True)))
    targets = [_target(texts, target, origin, socket_to) for target in settings.log_targets]
    captures = [(*texts.add(slot.header.lower()), slot.length) for slot in settings.captures_request if slot.header]
    arrays = {
        "read": ffi.new("log_piece[]", read),
        "unread": ffi.new("log_piece[]", unread),
        "targets": ffi.new("log_target[]", targets),
        "captures": ffi.new("log_capture[]", captures),
        "texts": ffi.new("char[]", bytes(texts.all)),
    }
    conf = ffi.new(
        "log_conf *",
        {
            **arrays,
            "nread": len(read),
            "nunread": len(unread),
            "ntargets": len(targets),
            "ncaptures": len(captures),
            "ntexts": len(texts.all),
        },
    )
    check(lib.eng_fe_log(engine, frontend, conf))


class _Texts:
    """The texts of a program, one behind the other."""

    def __init__(self) -> None:
        self.all = bytearray()

    def add(self, text: str | bytes) -> tuple[int, int]:
        """Where a text (of the wire, or its bytes) lies: place and length."""
        raw = text if isinstance(text, bytes) else text.encode("latin-1")
        at = self.all.find(raw)
        if at < 0:
            at = len(self.all)
            self.all += raw
        return at, len(raw)


def _target(texts: _Texts, target: LogTarget, origin: Origin, socket_to: SocketTo) -> dict[str, int]:
    header = Header(target.format or default_format(target, origin), target.facility, origin)
    before, after = header.around_date(max(LOG_INFO, target.minlevel))
    places = dict(zip(("before", "before_len"), texts.add(before[: target.maxlen - 1]), strict=True))
    if after is not None:
        places |= dict(zip(("after", "after_len"), texts.add(after), strict=True))
    return {"fd": socket_to(target.address).fileno(), "maxlen": target.maxlen, "dated": after is not None, **places}


class _Program:
    """What the shim is told instead of a function's source."""

    def __init__(self, texts: _Texts, settings: ProxySettings) -> None:
        self._texts = texts
        self._frontend = wire(settings.name)
        self._names = {"frontend": self._frontend, "host": wire(socket.gethostname()), "pid": str(os.getpid())}
        self._date = ""  # the field of the date that came last

    def pieces(self, parsed: Format, reading: Reading) -> Iterable[Piece]:
        """The pieces of a format that `_is_simple`."""
        for text, code, _ in parts_of(parsed.items, parsed.style, reading):
            piece = self._text(text) if code is None else self._piece(_folded(code))
            if piece[0] != lib.LOG_TEXT or piece[2]:
                yield piece

    def _text(self, text: str) -> Piece:
        return (lib.LOG_TEXT, *self._texts.add(text))

    def _piece(self, code: ast.expr) -> Piece:
        if isinstance(code, ast.Constant):
            return self._text(str(code.value))
        if isinstance(code, ast.Name):
            return self._text(self._names[code.id])
        source = ast.unparse(code)
        if source in _WHOLE:
            return _WHOLE[source], 0, 0
        if source == "backends[r.backend]":
            return (lib.LOG_BACKEND, *self._texts.add(self._frontend))
        return self._field(code, source)

    def _field(self, code: ast.expr, source: str) -> Piece:
        """The piece that is made of one field of the record."""
        names = [node.attr for node in ast.walk(code) if isinstance(node, ast.Attribute)]
        name = names[0] if names else self._date
        field = _FIELDS[name]
        shape = source.replace(f"r.{name}", "r")
        kind = _NUMBERS[field.type.cname] if shape == "r" else _SHAPES[shape]
        if kind == lib.LOG_DATE:
            self._date = name
        size = _OF_STATE if shape.endswith("[:2]") else ffi.sizeof(field.type)
        return kind, field.offset, size


def _folded(code: ast.expr) -> ast.expr:
    """What is left of a piece of code where there is no transaction: nothing answered in the place of a server, no
    cookies were seen."""
    if isinstance(code, ast.JoinedStr) and not code.values:
        return ast.Constant("")
    if isinstance(code, ast.IfExp) and ast.unparse(code.test) == "t.cookies is not None":
        return _folded(code.orelse)
    if isinstance(code, ast.BoolOp) and isinstance(code.op, ast.Or):
        first, second = _folded(code.values[0]), code.values[1]
        if ast.unparse(first) in ("t.applet", "''"):
            return _folded(second)
    return code


_OF_STATE = 2  # characters of a termination state that tell who ended a stream, and when
_FIELDS: dict[str, Any] = dict(ffi.typeof("lb_rec").fields)
_NUMBERS = {"int32_t": lib.LOG_I32, "uint32_t": lib.LOG_U32, "uint64_t": lib.LOG_U64}
_WHOLE = {
    "addresses[r.family][r.saddr]": lib.LOG_SOURCE,
    "captured(t.captures_req or no_request)": lib.LOG_CAPTURES,
    "r.sport or listener_port(r.listener)": lib.LOG_PORT,
    "request(r.uri, r.uri_len) if r.uri else no_line": lib.LOG_LINE,
    "servers[r.server]": lib.LOG_SERVER,
}
_SHAPES = {  # "r": the field
    "local[(us := r) // 1000000]": lib.LOG_DATE,
    "plus[r]": lib.LOG_PLUS,
    "r // 1000 % 1000": lib.LOG_MS,
    "terms[r]": lib.LOG_CHARS,
    "terms[r][:2]": lib.LOG_CHARS,
    "us // 1000 % 1000": lib.LOG_MS,
}
