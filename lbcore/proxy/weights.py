"""Weights as people and agents write them: `100`, `50%`."""

from __future__ import annotations

import re

from lbcore.proxy.server import Server

WEIGHT_MAX = 256
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
