"""The sections of a configuration, and with them all keywords: this file names the files of both by hand.

Importing it fills the keyword table and freezes it; after that nobody registers, so readers need no lock.
"""

from __future__ import annotations

from lbcore.base.registry import Registry
from lbcore.cfg.context import SectionParser
from lbcore.cfg.keywords import KEYWORDS
from lbcore.cfg.sec_global import GlobalSection
from lbcore.cfg.sec_http_errors import HttpErrorsSection
from lbcore.cfg.sec_log_profile import LogProfileSection
from lbcore.cfg.sec_peers import PeersSection
from lbcore.cfg.sec_proxy import ProxySection
from lbcore.cfg.sec_refused import RefusedSection
from lbcore.cfg.sec_userlist import UserlistSection

_PARSERS: dict[str, SectionParser] = {
    "backend": ProxySection("backend"),
    "defaults": ProxySection("defaults"),
    "frontend": ProxySection("frontend"),
    "global": GlobalSection(),
    "http-errors": HttpErrorsSection(),
    "listen": ProxySection("listen"),
    "log-profile": LogProfileSection(),
    "peers": PeersSection(),
    "userlist": UserlistSection(),
}
# HAProxy 3.2's other sections, each to move up there with its issue.
NOT_YET = (
    "acme",
    "cache",
    "crt-store",
    "fcgi-app",
    "log-forward",
    "mailers",
    "program",
    "resolvers",
    "ring",
    "traces",
)


def _register() -> Registry[SectionParser]:
    sections: Registry[SectionParser] = Registry("section")
    for name, parser in _PARSERS.items():
        sections.add(name, parser)
    for name in NOT_YET:
        sections.add(name, RefusedSection())
    sections.freeze()
    KEYWORDS.freeze()
    return sections


SECTIONS = _register()
