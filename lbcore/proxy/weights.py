"""Weights and limits as people and agents write them: `100`, `50%`."""

from __future__ import annotations

import re

from lbcore.proxy.server import Server

WEIGHT_MAX = 256
MAXCONN_MAX = 2**32 - 1
_NUMBER = re.compile(r"\s*([+-]?\d+)")


def parse_weight(server: Server, text: str) -> int:
    """The weight that `text` means for a server: a number, or percents of the one in the configuration, at most 256.

    Raises ValueError in the words of the stats socket.
    """
    if not text:
        raise ValueError("Require <weight> or <weight%>.")
    match = _NUMBER.match(text)
    if match is None:
        raise ValueError("Empty weight string empty or preceded by garbage")
    value, rest = int(match[1]), text[match.end() :]
    if rest == "%":
        if value < 0:
            raise ValueError("Relative weight must be positive.")
        return min(WEIGHT_MAX, server.settings.weight * value // 100)
    if rest:
        raise ValueError("Trailing garbage in weight string")
    if not 0 <= value <= WEIGHT_MAX:
        raise ValueError("Absolute weight can only be between 0 and 256 inclusive.")
    return value


def parse_maxconn(text: str) -> int:
    """The limit of connections that `text` means, 0: none. Raises ValueError in the words of the stats socket.

    What does not fit is refused; HAProxy takes its lowest bits, so that -1 becomes a limit of 4294967295.
    """
    if not text:
        raise ValueError("Require <maxconn>.")
    match = _NUMBER.match(text)
    if match is None:
        raise ValueError("maxconn string empty or preceded by garbage")
    if match.end() != len(text):
        raise ValueError("Trailing garbage in maxconn string")
    value = int(match[1])
    if value < 0:
        raise ValueError("maxconn must not be negative.")
    if value > MAXCONN_MAX:
        raise ValueError(f"maxconn must not be above {MAXCONN_MAX}.")
    return value
