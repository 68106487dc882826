"""`fullconn` of backends that do not set it."""

from __future__ import annotations

from collections.abc import Iterator, Sequence

from lbcore.proxy.settings import ProxySettings


def default_fullconn(proxies: Sequence[ProxySettings], maxconn: int) -> dict[str, int]:
    """By the names of proxies: a tenth, rounded up, of what all frontends that may lead to one may have together
    (manual 4.2, "fullconn"). `maxconn` is that of frontends that have none. Names that formats make do not count."""
    total = {proxy.name: 0 for proxy in proxies}
    for proxy in proxies:
        if proxy.has_frontend:
            for name in {*_targets(proxy)} & total.keys():
                total[name] += proxy.maxconn or maxconn
    return {name: max(1, -(-reached // 10)) for name, reached in total.items()}


def _targets(proxy: ProxySettings) -> Iterator[str]:
    """The backends that a frontend may lead to."""
    rules = proxy.rules.use_backend if proxy.rules is not None else ()
    yield from (rule.name for rule in rules if isinstance(rule.name, str))
    yield proxy.default_backend or proxy.name
