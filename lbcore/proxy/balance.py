"""How a backend chooses servers, as typed values (manual 4.2, `balance` and its companions)."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Any

# What `balance` may name. Those of the second line hash something, as `hash-type` says.
IN_TURN = ("roundrobin", "static-rr", "leastconn", "first", "random")
HASHING = ("source", "uri", "url_param", "hdr", "rdp-cookie", "hash")
OF_HTTP = ("uri", "url_param", "hdr")  # in mode tcp there is nothing of the kind
METHODS = ("map-based", "consistent")
FUNCTIONS = ("sdbm", "djb2", "wt6", "crc32", "none")
AFFINITIES = ("always", "maxconn", "maxqueue")
NODE_KEYS = ("id", "addr", "addr-port")


@dataclass(frozen=True, slots=True)
class Balance:
    """A `balance` line: the algorithm, and what belongs to it alone."""

    algorithm: str = "roundrobin"  # of IN_TURN or HASHING
    name: str = ""  # hdr, url_param, rdp-cookie: of the header, the parameter, the cookie
    draws: int = 2  # random
    length: int = 0  # uri: bytes that count; 0: all
    depth: int = 0  # uri: directories that count; 0: all
    whole: bool = False  # uri: with the query string
    path_only: bool = False  # uri: without what stands before the path
    check_post: bool = False  # url_param: also in the body of a POST
    domain_only: bool = False  # hdr: only the part of a host's name before its last dot
    # hash: a lbcore.sample.expression.Expression; its text until the check of the configuration has read it
    expression: Any = None

    @property
    def is_asked(self) -> bool:
        """Whether what is hashed is nothing that the shim finds by itself."""
        return self.algorithm == "hash" or self.check_post

    def __str__(self) -> str:
        """The algorithm with its name, as the line has it."""
        return f"{self.algorithm}({self.name})" if self.algorithm == "hdr" else self.algorithm


@dataclass(frozen=True, slots=True)
class HashType:
    """A `hash-type` line: how a hash finds a server, and which hash it is."""

    method: str = "map-based"
    function: str = "sdbm"
    avalanche: bool = False


def is_dynamic(balance: Balance, hash_type: HashType) -> bool:
    """Whether weights may change while the backend runs: what is counted on a map has to be made anew for that."""
    if balance.algorithm in HASHING:
        return hash_type.method == "consistent"
    return balance.algorithm != "static-rr"
