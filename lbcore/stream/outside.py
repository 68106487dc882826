"""Expressions outside of any stream: what the stats socket and the start of the program ask for."""

from __future__ import annotations

import threading
import time
from types import SimpleNamespace

from lbcore.sample.rows import Fetcher
from lbcore.sample.types import Value
from lbcore.stream.txn import ASK, AT, Session, Txn, World

_NOBODY = ("frontend", "backend", "server", "listener")


def evaluate(world: World, fetch: Fetcher) -> Value | None:
    """What a function of the transaction gives where there is none; None if it can't do without. Any thread."""
    ask = list(ASK.unpack(bytes(ASK.size)))
    ask[AT["now_us"]] = ask[AT["accept_us"]] = time.time_ns() // 1000
    for name in _NOBODY:
        ask[AT[name]] = -1
    asked = tuple(ask)
    worker = SimpleNamespace(tid=getattr(threading.current_thread(), "tid", 0), local={})
    t = Txn(world, worker, asked, Session(asked, world))
    try:
        return fetch(t)
    except (AttributeError, KeyError):  # it asked for a part that only streams have
        return None
