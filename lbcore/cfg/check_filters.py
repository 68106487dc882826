"""Filters of a proxy, once the whole configuration is read: the stick tables that they name."""

from __future__ import annotations

from collections.abc import Callable

from lbcore.proxy.settings import BandwidthLimit, ProxySettings, Settings

Say = Callable[[str], None]


def check_filters(proxy: ProxySettings, settings: Settings, alert: Say) -> None:
    """Says what is wrong with the filters of a proxy."""
    for one in proxy.filters:
        if isinstance(one, BandwidthLimit) and one.key is not None:
            wrong = _of_shared(one, settings)
            if wrong:
                alert(f"Proxy {proxy.name} : {wrong}")


def _of_shared(limit: BandwidthLimit, settings: Settings) -> str | None:
    """What is wrong with a limit that streams share, if anything."""
    from lbcore.table.key import to_type  # with the table

    table = next((one.table for one in settings.proxies if one.table is not None and one.name == limit.table), None)
    if table is None:
        return f"unable to find table '{limit.table}' referenced by bwlim filter '{limit.name}'"
    if to_type(table.type, limit.key.type) is None:
        return f"stick-table '{limit.table}' uses a key type incompatible with bwlim filter '{limit.name}'"
    rate = "bytes_out_rate" if limit.response else "bytes_in_rate"
    if rate not in table.store:
        return (
            f"stick-table '{limit.table}' uses a data type incompatible with bwlim filter '{limit.name}'. "
            f"It must be '{rate}'"
        )
    return None
