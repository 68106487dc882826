"""The pass-through mux: one connection is one stream, whose bytes mean nothing to it."""

from __future__ import annotations

from lbcore.mux.registry import Mux, Side, register
from lbcore.shim import lib

register(Mux("none", token="", mode="tcp", side=Side.BOTH, flow=lib.PX_TCP, flags=("NO_UPG",)))
