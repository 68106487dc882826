"""A `server` line that comes while the balancer runs: `add server` of the stats socket."""

from __future__ import annotations

import re
from collections.abc import Sequence

from lbcore.cfg.loader import load
from lbcore.proxy.settings import ProxySettings, ServerSettings

_FILE = "<added>"
_PLACE = re.compile(rf"^.*?\[{_FILE}:\d+\] : ")  # what alerts begin with
_TRACK = "'track' is not done for servers that are added at run time"


def added_server(proxy: ProxySettings, name: str, words: Sequence[str]) -> ServerSettings:
    """The server that `name` and `words` describe, read and checked as a line of that backend would be.

    `default-server` is not taken into account, as in HAProxy (management guide 9.3, "add server"). Raises ValueError in
    the words of the configuration's errors.
    """
    if "track" in words[1:]:
        raise ValueError(_TRACK)
    line = " ".join(map(_quoted, ["server", name, *words]))
    settings, diagnostics = load([(_FILE, f"backend {_quoted(proxy.name)}\n  mode {proxy.mode}\n  {line}\n")])
    if diagnostics.errors:
        text = next(found.text for found in diagnostics.messages if found.severity.name == "ALERT")
        raise ValueError(_PLACE.sub("", text).removeprefix(f"'server {proxy.name}/{name}' : "))
    return settings.proxies[0].servers[0]


def _quoted(word: str) -> str:
    """A word that the configuration takes literally."""
    return "'" + word.replace("'", "'\\''") + "'"
