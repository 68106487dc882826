"""The client's half of a conversation: raw bytes with chosen cuts, half-closes and resets."""

from __future__ import annotations

import socket

from tests.peers.ports import HOST
from tests.peers.script import PARTY_SECONDS, Party, Step


def converse(port: int, steps: tuple[Step, ...], seconds: float = PARTY_SECONDS) -> Party:
    """Connects to 127.0.0.1:`port`, does the steps and closes; what came and how it ended is in the Party.

    Raises OSError if the connection is refused.
    """
    party = Party(socket.create_connection((HOST, port), timeout=seconds), seconds)
    try:
        party.run(steps)
    finally:
        party.close()
    return party
