"""Where samples may be asked for: the points of processing, in the columns of HAProxy's `-dKsmp`.

A fetch says at which points what it reads is there, a rule at which point it runs; one without the other is reported
when the configuration is read.
"""

from __future__ import annotations

from enum import IntFlag


class Point(IntFlag):
    """A point, by a bit; the names follow the legend of `-dKsmp`."""

    FE_CONN = 1 << 0  # frontend tcp-request connection rule
    FE_SESS = 1 << 1  # frontend tcp-request session rule
    FE_CONTENT = 1 << 2  # frontend tcp-request content rule
    FE_REQ_HDR = 1 << 3  # frontend http-request header rule
    FE_REQ_BODY = 1 << 4  # frontend http-request body rule
    FE_SET_BCK = 1 << 5  # frontend use-backend rule
    BE_CONTENT = 1 << 6  # backend tcp-request content rule
    BE_REQ_HDR = 1 << 7  # backend http-request header rule
    BE_REQ_BODY = 1 << 8  # backend http-request body rule
    BE_SET_SRV = 1 << 9  # backend use-server, balance or stick-match rule
    BE_SRV_CON = 1 << 10  # server source selection
    BE_RES_CONTENT = 1 << 11  # backend tcp-response content rule
    BE_RES_HDR = 1 << 12  # backend http-response header rule
    BE_RES_BODY = 1 << 13  # backend http-response body rule
    BE_STO_RULES = 1 << 14  # backend stick-store rule
    FE_RES_CONTENT = 1 << 15  # frontend tcp-response content rule
    FE_RES_HDR = 1 << 16  # frontend http-response header rule
    FE_RES_BODY = 1 << 17  # frontend http-response body rule
    FE_LOG_END = 1 << 18  # logs
    BE_CHECK = 1 << 19  # backend tcp-check rule
    CFG = 1 << 20  # configuration parser
    CLI = 1 << 21  # CLI parser


LEGEND: tuple[str, ...] = (
    "frontend tcp-request connection rule",
    "frontend tcp-request session rule",
    "frontend tcp-request content rule",
    "frontend http-request header rule",
    "frontend http-request body rule",
    "frontend use-backend rule",
    "backend tcp-request content rule",
    "backend http-request header rule",
    "backend http-request body rule",
    "backend use-server, balance or stick-match rule",
    "server source selection",
    "backend tcp-response content rule",
    "backend http-response header rule",
    "backend http-response body rule",
    "backend stick-store rule",
    "frontend tcp-response content rule",
    "frontend http-response header rule",
    "frontend http-response body rule",
    "logs",
    "backend tcp-check rule",
    "configuration parser",
    "CLI parser",
)


def columns(text: str) -> Point:
    """The points of a line of `-dKsmp`: `Y` for a point where it may stand, `.` for one where it may not."""
    assert len(text) == len(LEGEND), text
    return Point(sum(1 << at for at, mark in enumerate(text) if mark == "Y"))


def marks(points: Point) -> str:
    """The columns of `points`, as `-dKsmp` prints them between its brackets."""
    return " ".join("Y" if points & (1 << at) else "." for at in range(len(LEGEND)))


# The sets that fetches have in common, by where what they read comes from.
EVERYWHERE = columns("YYYYYYYYYYYYYYYYYYYYYY")  # constants, the process
INTERNAL = columns("YYYYYYYYYYYYYYYYYYYY.Y")  # states of proxies, the stream
CLIENT = columns("YYYYYYYYYYYYYYYYYYYY..")  # the client's connection
FRONTEND = columns("YYYYYYYYYYYYYYYYYYY...")  # what the client reached
SESSION = columns(".YYYYYYYYYYYYYYYYYY...")  # the client's session, once there is one
REQUEST = columns("..YYYYYYYYY...........")  # the request: gone when the response comes
REQUEST_KEPT = columns("..YYYYYYYYYYYYYYYYY...")  # of the request, kept until the end
BACKEND = columns("......YYYYYYYYYYYYYY..")
SERVER = columns("..........YYYYYYYYYY..")
SERVER_SIDE = columns("...........YYYYYYYYY..")  # the server's connection
RESPONSE = columns("...........YYYYYYY.Y..")
EITHER = columns("..YYYYYYYYYYYYYYYY.Y..")  # of the message at hand, request or response
LOG = columns("..................Y...")
