"""Where log lines go: one `log` line, as typed values."""

from __future__ import annotations

from dataclasses import dataclass

from lbcore.base.address import Address

FACILITIES = (
    "kern", "user", "mail", "daemon", "auth", "syslog", "lpr", "news", "uucp", "cron", "auth2", "ftp",
    "ntp", "audit", "alert", "cron2", "local0", "local1", "local2", "local3", "local4", "local5", "local6", "local7",
)  # fmt: skip
LEVELS = ("emerg", "alert", "crit", "err", "warning", "notice", "info", "debug")
FORMATS = ("local", "rfc3164", "rfc5424", "priority", "short", "timed", "iso", "raw")


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
    where: str = ""
