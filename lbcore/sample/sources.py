"""What fetches read, in HAProxy's names, for the sentence about one that stands where that is not there."""

from __future__ import annotations

from typing import TYPE_CHECKING

from lbcore.sample import points
from lbcore.sample.points import Point

if TYPE_CHECKING:
    from lbcore.sample.rows import Fetch

_BODY = ("body",)
_BUFFER = ("len", "payload", "payload_lv", "ssl_", "rdp_cookie")

_BY_POINTS: dict[Point, str] = {
    points.INTERNAL: "internal state",
    points.CLIENT: "client-side connection",
    points.FRONTEND: "frontend",
    points.SESSION: "client-side connection",
    points.REQUEST: "HTTP request headers",
    points.REQUEST_KEPT: "HTTP request headers",
    points.BACKEND: "backend",
    points.SERVER: "server",
    points.SERVER_SIDE: "server-side connection",
    points.RESPONSE: "HTTP response headers",
    points.EITHER: "HTTP request headers,HTTP response headers",
    points.LOG: "session statistics",
}


def source_of(row: Fetch) -> str:
    """The name of what a fetch reads."""
    side, _, name = row.name.replace("req_", "req.").replace("res_", "res.").partition(".")
    if side in ("req", "res"):
        what = "request" if side == "req" else "response"
        if name.startswith(_BODY):
            return f"HTTP {what} body"
        if name == "len" or name.startswith(_BUFFER):
            return f"{what} buffer"
    return _BY_POINTS.get(row.points, "internal state")
