"""Servers that track others: whether those are there, are checked, and track nothing that leads back."""

from __future__ import annotations

from collections.abc import Callable, Iterable

from lbcore.proxy.settings import ProxySettings, ServerSettings

Say = Callable[[str, str], None]


def check_tracking(proxies: Iterable[ProxySettings], alert: Say) -> None:
    """Says what is wrong with `track` of all servers; `alert` takes a text and the place of the line."""
    chains = _Chains(proxies)
    for proxy in chains.backends.values():
        for server in proxy.servers:
            if server.track is None or proxy.disabled:
                continue
            wrong = chains.join(proxy, server, server.track)
            if wrong:
                alert(f"'server {proxy.name}/{server.name}' : {wrong}", server.where)


class _Chains:
    """Who tracks whom, server by server in their order: the one that closes a loop is the one at fault."""

    def __init__(self, proxies: Iterable[ProxySettings]) -> None:
        self.backends = {proxy.name: proxy for proxy in proxies if proxy.has_backend}
        self._next: dict[str, str] = {}

    def join(self, proxy: ProxySettings, server: ServerSettings, track: str) -> str | None:
        """Has `server` track another one; what is wrong with that, if anything."""
        if server.check is not None or server.agent_check is not None:
            return "unable to enable checks and tracking at the same time!"
        home, _, own = track.rpartition("/")
        found = self.backends.get(home) if home else proxy
        if found is None:
            return f"unable to find required proxy '{home}' for tracking."
        leader = next((one for one in found.servers if one.name == own), None)
        if leader is None:
            return f"unable to find required server '{own}' for tracking."
        name, leading = f"{proxy.name}/{server.name}", f"{found.name}/{own}"
        if leader.check is None and leader.agent_check is None and leader.track is None:
            return f"unable to use {leading} for tracking as it does not have any check nor agent enabled."
        if name in self._followed(leading):
            return f"unable to track {leading} as it belongs to a tracking chain looping back to {name}."
        self._next[name] = leading
        return None

    def _followed(self, name: str) -> Iterable[str]:
        """`name` and those that it follows."""
        yield name
        while name in self._next:
            name = self._next[name]
            yield name
