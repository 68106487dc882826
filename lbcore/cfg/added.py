"""A `server` line that comes while the balancer runs: `add server` of the stats socket."""

from __future__ import annotations

import re
from collections.abc import Sequence

from lbcore.cfg.keywords import KEYWORDS
from lbcore.cfg.loader import load
from lbcore.proxy.settings import ProxySettings, ServerSettings

_FILE = "<added>"
_PLACE = re.compile(rf"^.*?\[{_FILE}:\d+\] : ")  # what alerts begin with
_ARGUMENT = re.compile(r"<[^>]*>")

# Those of HAProxy 3.2; `enabled` is ignored by older ones.
CONFIGURED_ONLY = frozenset({
    "enabled", "init-addr", "log-proto", "max-reuse", "namespace", "no-agent-check", "no-check", "non-stick",
    "redir", "resolve-net", "resolve-opts", "resolve-prefer", "resolvers", "socks4", "stick", "tcp-ut",
})  # fmt: skip


def added_server(proxy: ProxySettings, name: str, words: Sequence[str]) -> ServerSettings:
    """The server that `name` and `words` describe, read and checked as a line of that backend would be.

    `default-server` is not taken into account, as in HAProxy (management guide 9.3, "add server"). Raises ValueError in
    the words of the configuration's errors.
    """
    options, track = _without_track(words[1:])
    line = " ".join(map(_quoted, ["server", name, *words[:1], *options]))
    settings, diagnostics = load([(_FILE, f"backend {_quoted(proxy.name)}\n  mode {proxy.mode}\n  {line}\n")])
    if diagnostics.errors:
        text = next(found.text for found in diagnostics.messages if found.severity.name == "ALERT")
        raise ValueError(_PLACE.sub("", text).removeprefix(f"'server {proxy.name}/{name}' : "))
    server = settings.proxies[0].servers[0]
    if not server.forced_id:
        server.id = None  # the first that is free there
    server.track = track  # whom, and whether it may, is looked at when it is added
    return server


def _without_track(words: Sequence[str]) -> tuple[list[str], str | None]:
    """Options without `track`, and its argument. Raises ValueError for options that only the configuration may have."""
    options: list[str] = []
    track, index = None, 0
    while index < len(words):
        word = words[index]
        if word in CONFIGURED_ONLY:
            raise ValueError(f"'{word}' option is not accepted for dynamic server")
        if word == "track" and index + 1 < len(words):
            track = words[index + 1]
            index += 2
            continue
        row = KEYWORDS.find("server", word.partition("(")[0])
        taken = 1 if row is None else 1 + len(_ARGUMENT.findall(row.grammar.partition(" [")[0]))
        options += words[index : index + taken]
        index += taken
    return options, track


def _quoted(word: str) -> str:
    """A word that the configuration takes literally."""
    return "'" + word.replace("'", "'\\''") + "'"
