"""Rules that the shim does by itself: a request is tracked by a key of the usual ones, and refused from a figure on.

    http-request track-sc0 src [table <table>]
    http-request track-sc0 req.hdr(<name>)|path|url|base32|base32+src|url32|url32+src [table <table>]
    http-request deny [deny_status <code>] if { sc_http_req_rate(0) gt 10 }

Where a frontend's list begins with one of the first two, or with that and the third, nobody has to be asked about them
(native/include/proxy.h, px_limit). What they mean is the same, and so is what is seen of it: counters, logs, pages. The
numbers of the condition may be changed while it runs, as those of any ACL.
"""

from __future__ import annotations

import re
from collections.abc import Callable, Iterable
from dataclasses import dataclass, replace
from typing import Any, NamedTuple

from lbcore.proxy.settings import ProxySettings
from lbcore.sample.acltest import AclTest
from lbcore.sample.build import Build
from lbcore.sample.expression import Expression
from lbcore.sample.reference import View
from lbcore.shim import check, ffi, lib
from lbcore.stream.rules import Rule, RuleLists, Ruleset
from lbcore.table.key import keyer
from lbcore.table.table import Field, Table

_FIGURE = re.compile(r"sc([0-2]?)_(?:get_)?(.*)")


@dataclass(frozen=True, slots=True)
class Tracking:
    """A `track-sc` action."""

    slot: int
    key: Expression
    table: str


@dataclass(frozen=True, slots=True)
class Refusal:
    """A `deny` action that answers with a page of the proxy."""

    status: int


class ShimKey(NamedTuple):
    """A key that the shim can make: PX_KEY_*, for tables of which types, and what else it has to know of it."""

    number: int
    kinds: tuple[str, ...]
    sourced: bool = False
    header: str = ""


_KEYS = {
    "src": ShimKey(lib.PX_KEY_SRC, ("ip", "ipv6")),
    "path": ShimKey(lib.PX_KEY_PATH, ("string",)),
    "url": ShimKey(lib.PX_KEY_URL, ("string",)),
    "base32": ShimKey(lib.PX_KEY_BASE32, ("integer",)),
    "url32": ShimKey(lib.PX_KEY_URL32, ("integer",)),
    "base32+src": ShimKey(lib.PX_KEY_BASE32, ("binary",), sourced=True),
    "url32+src": ShimKey(lib.PX_KEY_URL32, ("binary",), sourced=True),
}


@dataclass(frozen=True, slots=True)
class Limited:
    """The rules at the head of a list that the shim does, as it needs them. `test` is None if nothing is refused."""

    rules: int  # how many
    slot: int
    table: Table
    key: ShimKey
    source_key: Callable[[Any], bytes | None]  # how a client's address becomes a key, if that is the key
    test: AclTest | None = None
    figure: Field | None = None
    status: int = 0

    @property
    def is_known_later(self) -> bool:
        """Whether the key can be told when the stream is over."""
        return bool(self.key.number == lib.PX_KEY_SRC)


def find_limit(settings: ProxySettings, build: Build, *, keeps: bool, refuses: bool) -> Limited | None:
    """What the shim can do of the rules of a frontend, None: nothing. With `refuses` it may be the second rule too.

    With `keeps` logs may tell the key once a stream is over: an address is known then, what a request said is not.
    """
    rules: RuleLists | None = settings.rules
    if rules is None or settings.mode != "http" or _something_comes_before(settings, rules):
        return None
    listed = rules.of(Ruleset.HTTP_REQUEST)
    only = _tracking(listed, build)
    if only is None or (keeps and not only.is_known_later):
        return None
    if refuses and len(listed) > 1 and not _notes(settings):
        return _refusing(listed[1], only) or only
    return only


def _something_comes_before(settings: ProxySettings, rules: RuleLists) -> bool:
    """Whether a request may be answered, or has to wait, before its rules are looked at."""
    if rules.of(Ruleset.TCP_CONTENT) or settings.monitor_uri is not None:
        return True
    return "http-buffer-request" in settings.options


def _notes(settings: ProxySettings) -> bool:
    """Whether something of a request is noted before its rules are looked at, for the log of one that is refused."""
    return bool(settings.captures_request or settings.captures_response or settings.capture_cookie)


def _tracking(listed: Iterable[Rule], build: Build) -> Limited | None:
    first = next(iter(listed), None)
    found = getattr(first.action, "shim", None) if first is not None and first.condition is None else None
    if not isinstance(found, Tracking) or found.key.steps:
        return None
    table: Table = build.table(found.table)
    key, key_of = _key(found.key), keyer(table.kind, found.key.type)
    if key is None or key_of is None or table.kind not in key.kinds:
        return None
    return Limited(1, found.slot, table, key, key_of)


def _key(key: Expression) -> ShimKey | None:
    """What the shim knows a key as, None if it is none of its."""
    if key.row.name not in ("hdr", "req.hdr"):
        return _KEYS.get(key.row.name)
    if list(key.args[1:]) not in ([], [""], [-1]):
        return None
    name = str(key.args[0]).lower() if key.args else ""
    if not name or not name.isascii() or len(name) > lib.PX_LIMIT_NAME:
        return None
    return ShimKey(lib.PX_KEY_HDR, ("string",), header=name)


def _refusing(rule: Rule, tracking: Limited) -> Limited | None:
    refusal = getattr(rule.action, "shim", None)
    test = rule.condition.single if rule.condition is not None else None
    if not isinstance(refusal, Refusal) or test is None or test.method.name != "int" or len(test.groups) != 1:
        return None
    figure = _figure(test.expression, tracking.slot, tracking.table)
    return None if figure is None else replace(tracking, rules=2, test=test, figure=figure, status=refusal.status)


def _figure(expression: Expression, slot: int, table: Table) -> Field | None:
    """The figure of the slot that an expression is, None if it is something else."""
    found = _FIGURE.fullmatch(expression.row.name)
    if found is None or expression.steps:
        return None
    args = [arg for arg in expression.args if arg != ""]
    if args != ([] if found[1] else [slot]) or found[1] not in ("", str(slot)):
        return None
    return table.field(found[2]) if found[2] in _NAMES else None


_NAMES = frozenset(
    {
        "bytes_in_rate", "bytes_out_rate", "conn_cnt", "conn_cur", "conn_rate", "glitch_cnt", "glitch_rate", "gpc0",
        "gpc0_rate", "gpc1", "gpc1_rate", "gpt0", "http_err_cnt", "http_err_rate", "http_fail_cnt", "http_fail_rate",
        "http_req_cnt", "http_req_rate", "sess_cnt", "sess_rate",
    }
)  # fmt: skip


def without(rules: RuleLists, number: int) -> RuleLists:
    """The rules but the first ones of `http-request`."""
    rest = list(rules.of(Ruleset.HTTP_REQUEST))[number:]
    return replace(rules, lists={**rules.lists, Ruleset.HTTP_REQUEST: rest})


class Limit:
    """The limit of a frontend in the shim, kept as its ACL is changed."""

    def __init__(self, engine: Any, frontend: int, found: Limited, build: Build) -> None:
        """Raises OSError, BuildError."""
        self._engine = engine
        self._frontend = frontend
        conf: Any = ffi.new("px_limit *")
        conf.table, conf.slot, conf.status, conf.type = found.table.handle, found.slot, found.status, -1
        conf.key, conf.sourced = found.key.number, found.key.sourced
        conf.name, conf.name_len = found.key.header.encode(), len(found.key.header)
        self._conf = conf
        self._view: View | None = None
        if found.test is not None and found.figure is not None:
            conf.type, conf.element = found.figure.type.number, found.figure.place
            self._view = found.test.views(build)[0]
            self._view.join(self)
        self.refresh()

    def refresh(self) -> None:
        """Takes the numbers of the condition as they are now. PATTERNS must be held for writing, or no thread run."""
        index: Any = None if self._view is None else self._view.index  # lbcore.sample.pattern.Ranges
        spans = [] if index is None else index.spans()
        ranges: Any = ffi.new("int64_t[]", [end for span in spans for end in span])
        check(lib.eng_fe_limit(self._engine, self._frontend, self._conf, ranges, len(spans)))
