"""Names of server connections, by which idle ones are used again (manual of 3.2, 5.2 "pool-conn-name").

The shim is told of a name by 8 bytes. They are keyed, so that nobody can find two names that have the same.
"""

from __future__ import annotations

import os
import sys
from hashlib import blake2b
from typing import NamedTuple

SIZE = 8  # bytes
UNTOLD = 1 << 18  # a number under which the shim is told nothing of any stream (eng_srv_named)
_KEY = os.urandom(16)


def digest(name: bytes) -> bytes:
    """What the shim knows a name by."""
    return blake2b(name, digest_size=SIZE, key=_KEY).digest()


class Pool(NamedTuple):
    """The idle connections of one name of a server."""

    server: int  # its number in the engine
    name: int  # the digest as the shim compares it, 0: those without a name


def pool_of(server: int, name: str | None) -> Pool:
    """The pool of a server's connections of a name, whose characters are bytes; None: of those without one."""
    return Pool(server, int.from_bytes(digest(name.encode("latin-1")), sys.byteorder) if name is not None else 0)
