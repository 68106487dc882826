"""Where log lines go: one `log` line, as typed values."""

from __future__ import annotations

from dataclasses import dataclass, field
from typing import Any

from lbcore.base.address import Address

FACILITIES = (
    "kern", "user", "mail", "daemon", "auth", "syslog", "lpr", "news", "uucp", "cron", "auth2", "ftp",
    "ntp", "audit", "alert", "cron2", "local0", "local1", "local2", "local3", "local4", "local5", "local6", "local7",
)  # fmt: skip
LEVELS = ("emerg", "alert", "crit", "err", "warning", "notice", "info", "debug")
FORMATS = ("local", "rfc3164", "rfc5424", "priority", "short", "timed", "iso", "raw")
STEPS = ("accept", "connect", "request", "response", "close")  # of a stream, at which lines may be written
# Besides these, where a line may come from: the rules with `do-log`, and what went wrong.
ORIGINS = (
    *STEPS,
    "error", "tcp-req-conn", "tcp-req-sess", "tcp-req-cont", "tcp-res-cont", "http-req", "http-res", "http-after-res",
)  # fmt: skip


@dataclass(slots=True)
class ProfileStep:
    """What a log profile says of the lines of one origin. Formats are as in ProxySettings; None: the proxy's."""

    drop: bool = False
    format: Any = None
    sd: Any = None


@dataclass(slots=True)
class LogProfile:
    """A `log-profile` section. `steps` are by ORIGINS or "any", which stands for those that are not named."""

    name: str
    tag: str | None = None
    steps: dict[str, ProfileStep] = field(default_factory=dict)
    where: str = ""


@dataclass(slots=True)
class LogTarget:
    """One `log <target> [len <l>] [format <f>] [sample <r>:<n>] <facility> [<max level> [<min level>]]`.

    `address` is a UDP or unix datagram address, or fd 1/2 for `stdout`/`stderr`.
    """

    address: Address
    facility: int | None  # index in FACILITIES; None: not given, which only some formats allow
    level: int = 7  # index in LEVELS, the least severe that is sent
    minlevel: int = 0  # messages more severe than this are sent as this
    maxlen: int = 1024  # bytes of a line, its end included
    format: str | None = None  # of FORMATS; None: rfc3164 to sockets, raw to file descriptors
    sample_ranges: tuple[tuple[int, int], ...] = ()  # inclusive, from 1; empty: all lines
    sample_size: int = 0
    profile: str | None = None  # name of a LogProfile
    where: str = ""
