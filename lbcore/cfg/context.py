"""What a keyword may touch while the configuration is read: everything hangs off one `Context`."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, field
from typing import Protocol

from lbcore.cfg.defaultpath import DefaultPath
from lbcore.cfg.diagnostics import Reporter
from lbcore.cfg.environment import Environment
from lbcore.cfg.words import Line
from lbcore.proxy.settings import ProxySettings, Settings


@dataclass(frozen=True, slots=True)
class LoadOptions:
    """What the command line or a library user decides about a load.

    `features` is the list of `-vv` (name to whether it works), `enabled` the switches that `enabled(...)` asks for
    (`SPLICE`, `EPOLL`, ...; `-dS` and friends switch them off), `ssl_library` the TLS library's version text, ""
    without TLS. `diag` is `-dD`. After `max_errors` errors in one file the rest of it is not read (0: no limit);
    HAProxy has 50. `named_peer`: `-L` has said who we are among peers.
    """

    diag: bool = False
    version: str = "3.2.0"
    features: Mapping[str, bool] = field(default_factory=dict)
    enabled: Mapping[str, bool] = field(default_factory=dict)
    ssl_library: str = ""
    max_errors: int = 50
    named_peer: bool = False


@dataclass(slots=True)
class Context:
    """The state of one load. No lock: it belongs to the thread that loads.

    `section` is the keyword of the section being read ("" before the first), `section_name` its name. `proxy` is the
    proxy of the section, None in others. `defaults` is the most recent `defaults` section (which proxies without
    `from` start from), `named_defaults` those with a name. `notes` is for what a section or keyword must remember
    until a later line or the final check: each module keeps its own entry under its module name.
    """

    settings: Settings
    reporter: Reporter
    environment: Environment
    default_path: DefaultPath
    options: LoadOptions = field(default_factory=LoadOptions)
    section: str = ""
    section_name: str = ""
    proxy: ProxySettings | None = None
    defaults: ProxySettings | None = None
    named_defaults: dict[str, ProxySettings] = field(default_factory=dict)
    notes: dict[str, object] = field(default_factory=dict)


class SectionParser(Protocol):
    """What reads one kind of section. It keeps no state of its own: a load's state is in the context."""

    def open(self, ctx: Context, line: Line) -> None:
        """Starts a section with its first line; `ctx.section` and `ctx.section_name` are set. Reports, never raises."""

    def line(self, ctx: Context, line: Line) -> None:
        """Reads one line of the section. Reports, never raises."""

    def close(self, ctx: Context) -> None:
        """Ends the section: another begins, or its file ends."""
