"""What the expressions of a health check look at: its server, and the answer as far as it is here."""

from __future__ import annotations

import time
from collections.abc import Callable, Iterable
from typing import Any

from lbcore.proxy.proxy import Proxy
from lbcore.sample.points import Point
from lbcore.shim import lib
from lbcore.stream.message import Response
from lbcore.stream.txn import ASK, AT, Session, Txn
from lbcore.stream.world import Builder, World

_NOBODY = ("frontend", "listener")


class CheckTxn(Txn):
    """A transaction that has a server and its answer, but no client."""

    checks = True
    point = Point.BE_CHECK
    responds = True

    def __init__(self, world: World, worker: Any, server: Any) -> None:
        ask = list(ASK.unpack(bytes(ASK.size)))
        ask[AT["kind"]] = lib.ASK_RES_CONTENT
        ask[AT["now_us"]] = ask[AT["accept_us"]] = time.time_ns() // 1000
        ask[AT["backend"]], ask[AT["server"]] = server.backend.index, server.index
        for name in _NOBODY:
            ask[AT[name]] = -1
        asked = tuple(ask)
        super().__init__(world, worker, asked, Session(asked, world))
        self.backend = server.backend
        self.server = server
        self.check_vars = {}

    def look(self, data: bytes, whole: bool, answer: Any) -> None:
        """Shows it what is here: bytes, whether they are all, and the `lbcore.http.answer.Answer` in them, if any."""
        self.data = data
        self.data_end = whole
        if answer is None:
            self.res = None
            return
        fields = "".join(f"\r\n{name}: {value}" for name, value in answer.fields) + "\r\n"
        self.res = Response(answer.version, answer.status, answer.reason, fields)
        self.res.body = answer.body
        self.res.whole_body = answer.complete
        self.res.body_size = len(answer.body)
        self.res.has_body = bool(answer.body)
        self.status = answer.status


def builders(world: World, proxies: Iterable[Proxy]) -> Callable[[str], Builder]:
    """What gives, by the name of a proxy, what its expressions are compiled with."""
    acls = {proxy.name: proxy.settings.acls for proxy in proxies}
    return lambda name: Builder(world, name, acls.get(name, {}))


def maker(world: World) -> Callable[[Any, Any], CheckTxn]:
    """What makes the transactions of a balancer's checks: a function of the worker and the server."""
    return lambda worker, server: CheckTxn(world, worker, server)
