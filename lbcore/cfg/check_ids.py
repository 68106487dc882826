"""Numbers of proxies, listeners and servers that have no `id` of their own (manual 4.2, 5.1, 5.2 "id").

Each gets the lowest free one from its place in the list on, a listener the one behind that of the listener before it
(as in HAProxy 2.8): a server's number says where it stands on the ring of `hash-type consistent`, so that keys lead to
the same servers only if the numbers are the same.
"""

from __future__ import annotations

from collections.abc import Sequence
from itertools import count
from typing import Protocol

from lbcore.proxy.settings import ProxySettings, Settings


class _Numbered(Protocol):
    id: int | None


def number(items: Sequence[_Numbered], first: int = 1) -> None:
    """Gives each item without an `id` one; `first` is the place of the first item."""
    used = {item.id for item in items}
    free = first
    for item in items:
        if item.id is None:
            while free in used:
                free += 1
            item.id = free
        free += 1


def number_proxies(settings: Settings) -> None:
    """Gives each proxy without an `id` one. The stats sockets' own proxy has the first place in HAProxy's list."""
    number(settings.proxies, 2 if settings.globals.stats_sockets else 1)


def number_members(proxy: ProxySettings) -> None:
    """The same for the servers and the listeners of a proxy."""
    number(proxy.servers)
    used = {bind.id for bind in proxy.binds}
    last = 0
    for bind in proxy.binds:
        if bind.id is None:
            bind.id = next(free for free in count(last + 1) if free not in used)
            used.add(bind.id)
        last = bind.id
