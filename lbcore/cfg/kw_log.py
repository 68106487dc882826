"""Where log lines go: `log`, `log-tag`, `log-send-hostname` (manual 4.2 "log", 3.1)."""

from __future__ import annotations

import re
import socket
from dataclasses import replace
from itertools import pairwise

from lbcore.base.address import Address
from lbcore.cfg.address import LOG, AddressError, parse_address
from lbcore.cfg.arguments import Args, Form, KeywordError, integer
from lbcore.cfg.keywords import GLOBAL, KEYWORDS, PROXIES, Keyword
from lbcore.cfg.kw_global import already, settings
from lbcore.log.settings import FACILITIES, FORMATS, LEVELS, LogTarget

_MIN_LENGTH = 80
_MAX_LENGTH = 65535
_SYSLOG_PORT = 514
_RANGE = re.compile(r"([1-9][0-9]{0,8})(?:-([1-9][0-9]{0,8}))?")
# These formats carry no priority, so no facility need be given.
_WITHOUT_FACILITY = ("short", "raw", "timed", "iso")


def log(args: Args) -> None:
    """`log global`, `no log`, or a target with its options."""
    in_global = args.context.section == "global"
    targets = settings(args).log_targets if in_global else args.proxy.log_targets
    if args.form is not Form.SET:
        _no_log(args, targets)
        return
    first = args.take()
    if first == "global" and not args.more:
        if in_global:
            raise KeywordError("log : 'global' is not supported for a global syslog server")
        # As in HAProxy, the targets known by now: a later `global` section adds nothing here.
        targets.extend(settings(args).log_targets)
        return
    targets.append(read_target(args, first, "" if in_global else " or global"))


def _no_log(args: Args, targets: list[LogTarget]) -> None:
    if args.form is Form.DEFAULT or args.more:
        raise KeywordError(f"log : '{args.form.value} log' does not expect arguments", at=0)
    targets.clear()


def read_target(args: Args, text: str, or_global: str) -> LogTarget:
    """The target whose address `text` is, with the options that follow. Raises KeywordError."""
    if not text or not args.more:
        raise KeywordError(f"log : expects <address> and <facility> {or_global} as arguments".replace("  or", " or"))
    address = _address(args, text)
    target = LogTarget(address, None, where=args.line.where)
    while args.peek() in _OPTIONS:
        target = _OPTIONS[args.take()](args, target)
    if args.more or target.format not in _WITHOUT_FACILITY:
        target = _priorities(args, target)
    if args.more:
        raise KeywordError(f"log : cannot handle unexpected argument '{args.peek()}'", args.position)
    return target


def _address(args: Args, text: str) -> Address:
    try:
        address = parse_address(text, LOG, args.context.environment)
    except AddressError as error:
        raise KeywordError(f"log : {error}") from None
    if address.family in (socket.AF_INET, socket.AF_INET6) and not address.port:
        return replace(address, port=_SYSLOG_PORT)
    return address


def _length(args: Args, target: LogTarget) -> LogTarget:
    text = args.take()
    length = integer(text)
    if length is None or not _MIN_LENGTH <= length <= _MAX_LENGTH:
        raise KeywordError(f"log : invalid log length '{text}', must be between {_MIN_LENGTH} and {_MAX_LENGTH}")
    return replace(target, maxlen=length)


def _format(args: Args, target: LogTarget) -> LogTarget:
    name = args.take()
    if name not in FORMATS:
        raise KeywordError(f"log : unknown log format '{name}'")
    return replace(target, format=name)


def _sample(args: Args, target: LogTarget) -> LogTarget:
    """`sample <range>[,<range>...]:<size>`: of each `size` lines those in the ranges are sent."""
    spans, colon, size_text = args.take().partition(":")
    if not colon:
        raise KeywordError("log : Missing sample size")
    size = integer(size_text)
    if size is None or size <= 0:
        raise KeywordError(f"log : wrong sample size '{size_text}' for sample range '{spans}'")
    ranges = sorted(_sample_range(text) for text in spans.split(","))
    if any(after[0] <= before[1] for before, after in pairwise(ranges)):
        raise KeywordError("log : ranges are overlapping")
    if ranges[-1][1] > size:
        raise KeywordError(
            f"log : sample size {size} should be greater or equal to {ranges[-1][1]} "
            "the maximum of the high ranges limits"
        )
    return replace(target, sample_ranges=tuple(ranges), sample_size=size)


def _sample_range(text: str) -> tuple[int, int]:
    found = _RANGE.fullmatch(text)
    low, high = (int(found[1]), int(found[2] or found[1])) if found else (1, 0)
    if low > high:
        raise KeywordError(f"log : wrong sample range '{text}'")
    return low, high


def _profile(args: Args, target: LogTarget) -> LogTarget:
    """`profile <name>`, of a section that may come later."""
    name = args.take()
    if not name:
        raise KeywordError("log : 'profile' expects the name of a log-profile section")
    return replace(target, profile=name)


_OPTIONS = {"format": _format, "len": _length, "profile": _profile, "sample": _sample}


def _priorities(args: Args, target: LogTarget) -> LogTarget:
    """`<facility> [<level> [<minlevel>]]`, as indexes into the tables of `log.settings`."""
    facility = args.take()
    if facility not in FACILITIES:
        raise KeywordError(f"log : unknown log facility '{facility}'")
    level = _level(args, "optional log level", LEVELS.index("debug"))
    minimum = _level(args, "optional minimum log level", 0)
    return replace(target, facility=FACILITIES.index(facility), level=level, minlevel=minimum)


def _level(args: Args, what: str, otherwise: int) -> int:
    if not args.more:
        return otherwise
    name = args.take()
    if name not in LEVELS:
        raise KeywordError(f"log : unknown {what} '{name}'")
    return LEVELS.index(name)


def log_tag(args: Args) -> None:
    tag = args.take()
    if not tag:
        raise KeywordError("'log-tag' expects a tag for use in syslog.")
    if args.context.section == "global":
        settings(args).log_tag = tag
    else:
        args.proxy.log_tag = tag


def log_send_hostname(args: Args) -> None:
    if not already(args, settings(args).log_send_hostname is not None):
        settings(args).log_send_hostname = args.take()


_LOG_GRAMMAR = (
    "{global|<address> [len <length>] [format <format>] [sample <ranges>:<size>] [profile <name>] "
    "<facility> [<level> [<minlevel>]]}"
)

KEYWORDS.register(
    Keyword(("log",), (*GLOBAL, *PROXIES), log, _LOG_GRAMMAR, "Adds a target of log lines.", negatable=True),
    Keyword(("log-send-hostname",), GLOBAL, log_send_hostname, "[<name>]", "Puts the host's name into log lines."),
    Keyword(("log-tag",), (*GLOBAL, *PROXIES), log_tag, "<tag>", "The program's name in log lines."),
)
