"""The transaction log: a stream that has ended, or goes on -> the text of its log line (manual 8.2 to 8.6).

A log-format is compiled three times for a frontend: over records alone (what most streams leave behind), over a
transaction with its record (those that rules, captures or cookies have kept), and over a transaction that goes on
(`do-log`, `log-steps`). Each is one f-string as it is written; the aliases in it are rows of `lbcore.stream.aliases`.

Records are tuples (`lbcore.stream.txn.REC`). Ownership: a `TxnLog` belongs to one thread, caches included: no lock.
"""

from __future__ import annotations

import re
from collections.abc import Mapping
from dataclasses import replace
from functools import cached_property, lru_cache
from typing import Any

from lbcore.log.settings import LogProfile
from lbcore.proxy.settings import ProxySettings
from lbcore.sample.build import Build
from lbcore.sample.format import Format, parse_format
from lbcore.sample.points import Point
from lbcore.sample.render import Reading, TextOf
from lbcore.sample.style import LOG
from lbcore.sample.words import Words
from lbcore.shim import lib
from lbcore.stream.aliases import Helpers
from lbcore.stream.proxyheader import ERRORS, expects_headers
from lbcore.stream.txn import REC, Txn

LOG_ERR = 3
LOG_INFO = 6
SILENT = -1  # `set-log-level silent`

TCP_LOG_FORMAT = "%ci:%cp [%t] %ft %b/%s %Tw/%Tc/%Tt %B %ts %ac/%fc/%bc/%sc/%rc %sq/%bq"
HTTP_LOG_FORMAT = (
    "%ci:%cp [%tr] %ft %b/%s %TR/%Tw/%Tc/%Tr/%Ta %ST %B %CC %CS %tsc %ac/%fc/%bc/%sc/%rc %sq/%bq %hr %hs %{+Q}r"
)
# Of the fields about TLS none has a value on a connection in the clear, and there are no others in this release.
HTTPS_LOG_FORMAT = HTTP_LOG_FORMAT + " %[fc_err]/-/-/-/0 -/%sslv/%sslc"
CLF_LOG_FORMAT = (
    '%{+Q}o %{-Q}ci - - [%trg] %r %ST %B "" "" %cp %ms %ft %b %s %TR %Tw %Tc %Tr %Ta %tsc '
    "%ac %fc %bc %sc %rc %sq %bq %CC %CS %hrl %hsl"
)
EMBRYONIC_FORMAT = "%ci:%cp [%t]"  # what the line of a connection without a session begins with (8.2.5)
CONNECT_FORMAT = "Connect from %ci:%cp to %fi:%fp (%f/{mode})"  # without a format: the default line (8.2.1)
_BUILTIN = {"clf": CLF_LOG_FORMAT, "httplog": HTTP_LOG_FORMAT, "httpslog": HTTPS_LOG_FORMAT, "tcplog": TCP_LOG_FORMAT}

Record = tuple[Any, ...]
Line = tuple[int, str, str]  # level, text, structured data ("" without)

_FIELD = re.compile(r"\br\.(\w+)")
_TERM, _STATUS = REC["term"], REC["status"]
_TR = REC["tr"]  # -1: no request was read, so that there was no stream: the one case for error-log-format (8.2.5)
_FLAGS, _ERR, _LISTENER = REC["flags"], REC["err"], REC["listener"]
_EMBRYONIC = lib.REC_EMBRYONIC
_RETRIES, _REDISPATCHED = REC["retries"], REC["redispatched"]
_ENDED_WELL, _ENDED_BY_US = ord("-"), ord("L")
_SERVER_ERROR = 500


class Text:
    """One format in its three forms, each compiled when it is first asked for.

    `bare` is over a record (None if that is not enough for it), `full` over a transaction with its record, `live` over
    one that goes on. What can't be compiled shows at once.
    """

    def __init__(self, parsed: Format, proxy: ProxySettings, names: dict[str, object], build: Build | None) -> None:
        """Raises BuildError."""
        self._parsed = parsed
        self._build = build
        self._proxy = proxy
        self._http = proxy.mode == "http"
        self.printed = any(item.literal and item.text != " " for item in parsed.items)  # whatever else is missing
        self._record = Reading(names=names, adapt=indexed, asap="logasap" in proxy.options, settings=proxy)
        self.bare: TextOf | None = None
        if parsed.requires_txn(proxy):
            self.prepare()
        else:
            self.bare = parsed.compile(build, self._record)

    def prepare(self) -> TextOf:
        """Looks up what expressions name. Raises BuildError."""
        return self.full

    @cached_property
    def full(self) -> TextOf:
        return self._parsed.compile(self._build, replace(self._record, txn=True))

    @cached_property
    def unread(self) -> TextOf:
        """As `full`, of a request that could not be read: nothing was captured of it."""
        return self._parsed.compile(self._build, replace(self._record, txn=True, off=True))

    @cached_property
    def live(self) -> TextOf:
        return self._parsed.compile(self._build, Reading(live=True, settings=self._proxy))

    def of(self, record: Record, t: Txn | None) -> str:
        """The text of a stream that has ended; `t` is there if anything but the record is needed."""
        if t is not None:
            return self.full(t, record) if t.req is not None or not self._http else self.unread(t, record)
        assert self.bare is not None, "asked for by needs_txn"
        return self.bare(record)


def indexed(code: str) -> str:
    """A piece of code over the fields of a record as one over a tuple."""
    return _FIELD.sub(lambda match: f"r[{REC[match[1]]}]", code)


class TxnLog:
    """The lines of one frontend's streams, as far as they go to targets with one profile (None: those without).

    `fast` makes the text of a record without a transaction, where that is all that a line takes; None where `line` has
    to look at each stream. `kept` is the same of a transaction (in mode http of one whose request was read) and its
    record, which the transaction need not know of. `needs_txn` tells whether a line can't be made of a record alone.
    """

    def __init__(
        self,
        proxy: ProxySettings,
        helpers: Helpers,
        build: Build | None = None,
        profile: LogProfile | None = None,
    ) -> None:
        """`build` may be None for formats without expressions. Raises BuildError, ParseError."""
        options = proxy.options
        self._http = proxy.mode == "http"
        self._normal_too = "dontlog-normal" not in options
        self._connect_only = proxy.log_kind is None
        raised = "log-separate-errors" in options and not self._connect_only
        self._error_level = LOG_ERR if raised else LOG_INFO
        self._at_end = not proxy.log_steps or "close" in proxy.log_steps
        self._steps = {} if profile is None else profile.steps

        names = helpers.names()
        texts: list[Text] = []

        def text_of(given: Any) -> Text | None:
            if given is None:
                return None
            texts.append(Text(as_format(given, proxy.mode), proxy, names, build))
            return texts[-1]

        self._beginning: Text | None = None  # of the line of a connection that became no session
        if expects_headers(proxy) and not self._connect_only:
            self._beginning = text_of(EMBRYONIC_FORMAT)
        self._frontend, self._listener = proxy.name, helpers.listener_label
        normal = text_of(builtin_format(proxy) or proxy.log_format)
        assert normal is not None, "a frontend has a format, or a builtin one"
        self._normal = normal
        own = text_of(proxy.error_log_format)
        self._error = own or normal
        self._own_error = own
        self._sd = text_of(proxy.log_format_sd)
        self._of_steps = {
            origin: (text_of(step.format), text_of(step.sd), step.drop) for origin, step in self._steps.items()
        }
        self.needs_txn = any(text.bare is None for text in texts)
        checks = (
            self._beginning is not None
            or not self._normal_too
            or self._error_level != LOG_INFO
            or self._error is not normal
        )
        # all streams have the same kind of line, unless a rule says something else
        self._plain = not checks and self._at_end and not self._connect_only and self._sd is None and not self._of_steps
        self.fast = normal.bare if self._plain and normal.printed else None
        self.kept = normal.full if self.fast is not None else None

    def line(self, record: Record, t: Txn | None = None) -> Line | None:
        """The line of a stream that has ended, None if it is not to be logged. With `needs_txn`, `t` must be there."""
        if self._plain and (t is None or t.log_level is None):
            return _line(LOG_INFO, self._normal.of(record, t), "")
        if record[_FLAGS] & _EMBRYONIC:
            return self._embryonic_line(record, t)
        unread = self._http and record[_TR] < 0
        error = is_error(record)
        if not self._wanted(unread=unread, error=error):
            return None
        level = self._error_level if error else LOG_INFO
        if t is not None and t.log_level is not None:
            level = t.log_level
        if level == SILENT:
            return None
        text, sd = self._error if unread else self._normal, self._sd
        if self._of_steps:
            found = self._of_origin("error" if error and "error" in self._of_steps else "close", text)
            if found is None:
                return None
            text, sd = found
        return _line(level, text.of(record, t), sd.of(record, t) if sd is not None else "")

    def _embryonic_line(self, record: Record, t: Txn | None) -> Line | None:
        """The line of a connection whose headers were bad (8.2.5): the error log format's, or one that says why."""
        if self._beginning is None:
            return None
        text = self._beginning if self._own_error is None else self._own_error
        found = self._of_origin("error", text)
        if found is None:
            return None
        text, sd = found
        line = text.of(record, t)
        if text is self._beginning:
            line += f" {self._frontend}/{self._listener(record[_LISTENER])}: {ERRORS[record[_ERR]]}"
        return _line(self._error_level, line, sd.of(record, t) if sd is not None else "")

    def _wanted(self, *, unread: bool, error: bool) -> bool:
        """Whether a stream has a line at its end. The default line tells of all requests that could be read."""
        if self._connect_only:
            return not unread
        return (self._at_end or unread) and (error or self._normal_too)

    def live_line(self, t: Txn, origin: str) -> Line | None:
        """The line of a stream that goes on, None if it is not to be logged. `origin`: one of log.settings.ORIGINS."""
        found = self._of_origin(origin, self._normal)
        if found is None or t.log_level == SILENT:
            return None
        text, sd = found
        if text is self._normal and self._connect_only:
            return None  # the default line has been written, or will be
        level = LOG_INFO if t.log_level is None else t.log_level
        return _line(level, text.live(t), sd.live(t) if sd is not None else "")

    def _of_origin(self, origin: str, text: Text) -> tuple[Text, Text | None] | None:
        """What the profile has instead of `text` and the structured data; None if it drops the line."""
        step = self._of_steps.get(origin) or self._of_steps.get("any")
        if step is None:
            return text, self._sd
        own, sd, drop = step
        return None if drop else (own or text, sd or self._sd)


def _line(level: int, text: str, structured: str) -> Line | None:
    """A text of no character is no line."""
    return (level, text, structured) if text else None


def as_format(given: Format | str, mode: str) -> Format:
    """A format of log lines that a library user may have given as text. Raises ParseError."""
    return given if isinstance(given, Format) else _parsed(given, mode)


@lru_cache(maxsize=64)
def _parsed(text: str, mode: str) -> Format:
    return parse_format(text, Words([], mode=mode, point=Point.FE_LOG_END), LOG)


def builtin_format(proxy: ProxySettings) -> str | None:
    """The log-format string of `option tcplog`, `httplog`, `httpslog`, `httplog clf`, and of the default line.

    None where the frontend has one of its own. In mode tcp the HTTP formats fall back to tcplog, as in HAProxy.
    """
    kind = proxy.log_kind
    if kind == "format":
        return None
    if kind is None:
        return CONNECT_FORMAT.format(mode=proxy.mode.upper())
    return _BUILTIN[kind if proxy.mode == "http" else "tcplog"]


def is_error(record: Record) -> bool:
    """Whether `dontlog-normal` logs it and `log-separate-errors` raises its level (8.3.3, 8.3.4).

    That is: an error or a timeout, a retry that went well, a redispatch, a status of 500 and up. Answering by ourselves
    ("L") is none.
    """
    ended = record[_TERM][0]
    if ended == _ENDED_WELL:
        return bool(record[_RETRIES] or record[_REDISPATCHED] or record[_STATUS] >= _SERVER_ERROR)
    return bool(ended != _ENDED_BY_US or record[_REDISPATCHED] or record[_STATUS] >= _SERVER_ERROR)


def formats_of(proxy: ProxySettings, profiles: Mapping[str, LogProfile]) -> list[Format]:
    """All formats that lines of a frontend may be made of, with those of the profiles of its targets.

    Raises ParseError for one that is a text and can't be read.
    """
    if not proxy.log_targets:
        return []
    used = {target.profile for target in proxy.log_targets}
    steps = [step for name, profile in profiles.items() if name in used for step in profile.steps.values()]
    given = [builtin_format(proxy) or proxy.log_format, proxy.error_log_format, proxy.log_format_sd]
    given += [part for step in steps for part in (step.format, step.sd)]
    return [as_format(one, proxy.mode) for one in given if one is not None]


def wants_txn(proxy: ProxySettings, profiles: Mapping[str, LogProfile]) -> bool:
    """Whether the lines of a frontend need to know more of a stream than its record: its transaction must be kept.

    True for expressions, captured fields and cookies, unique ids. (Persistence cookies keep theirs for other reasons.)
    Raises ParseError.
    """
    return any(_keeps(parsed, proxy) for parsed in formats_of(proxy, profiles))


def _keeps(parsed: Format, proxy: ProxySettings) -> bool:
    captures = {"hr", "hrl"} if proxy.captures_request else set()
    captures |= {"hs", "hsl"} if proxy.captures_response else set()
    captures |= {"CC", "CS"} if proxy.capture_cookie is not None else set()
    return parsed.requires_txn(proxy) or not captures.isdisjoint(parsed.aliases())
