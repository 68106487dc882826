"""How many pipes splicing may use (manual 3.2, "maxpipes")."""

from __future__ import annotations

from lbcore.proxy.settings import ProxySettings, Settings

PIPE_SHARE = 4  # one connection in four may splice at a time
_SPLICING = frozenset({"splice-auto", "splice-request", "splice-response"})


def splices(settings: Settings) -> bool:
    """Whether anything may be spliced at all."""
    return not settings.globals.nosplice and any(map(_does, settings.proxies))


def pipes(settings: Settings, maxconn: int) -> int:
    """The number that is configured, else one for each PIPE_SHARE connections of the frontends that splice, or of the
    backends if these are more: HAProxy's rule. `maxconn`: the process's, and that of who has none of its own."""
    if not splices(settings):
        return 0
    if settings.globals.maxpipes:
        return settings.globals.maxpipes
    splicing = [proxy for proxy in settings.proxies if _does(proxy)]
    front = sum(proxy.maxconn or maxconn for proxy in splicing if proxy.has_frontend)
    back = sum(proxy.fullconn or maxconn for proxy in splicing if proxy.has_backend)
    most = min(max(front, back), maxconn)
    return most // PIPE_SHARE or most


def _does(proxy: ProxySettings) -> bool:
    return not _SPLICING.isdisjoint(proxy.options)
