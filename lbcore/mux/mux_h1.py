"""The HTTP/1 mux: one connection carries exchanges, one after the other (RFC 9112 9.3)."""

from __future__ import annotations

from lbcore.mux.registry import Mux, Side, register
from lbcore.shim import lib

register(
    Mux("h1", token="", mode="http", side=Side.BOTH, flow=lib.PX_HTTP, flags=("HTX",)),
    Mux("h1", token="http/1.1", mode="http", side=Side.BOTH, flow=lib.PX_HTTP, flags=("HTX", "NO_UPG")),
)
