"""`option http-use-proxy-header`: requests of clients that take us for their proxy (manual 4.2)."""

from __future__ import annotations

from lbcore.stream.message import Request
from lbcore.stream.txn import Txn


def is_proxied(t: Txn, req: Request) -> bool:
    """Whether the client is to authenticate as to a proxy (RFC 9110 11.7): its target has the form of a proxy's."""
    return "http-use-proxy-header" in t.frontend.settings.options and req.target[:1] not in ("/", "*")
