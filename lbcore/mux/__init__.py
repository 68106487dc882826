"""Muxes: how the streams of a connection are told apart.

A mux is looked up by the token that ALPN agreed on, the mode of the proxy and the side of the connection
(`registry.py`). `mux_pt.py` passes bytes through, `mux_h1.py` speaks HTTP/1; each registers itself by rows at its end.

Both are moved by the shim: what a mux says of itself here is which kind of flow its connections become. A mux whose
frames pass through Python brings its own operations in another field of the record.

Called by: `proxy`, when it builds frontends and backends; `cfg`, which knows them by name. The registry is written at
import and only read afterwards: no lock.
"""

from lbcore.mux import mux_h1, mux_pt
from lbcore.mux.registry import Mux, Side, find, listing, named, names

__all__ = ["Mux", "Side", "find", "listing", "mux_h1", "mux_pt", "named", "names"]
