"""`balance` and `hash-type` of backends (manual 4.2): how a server is chosen."""

from __future__ import annotations

from lbcore.cfg.arguments import Args, KeywordError
from lbcore.cfg.keywords import KEYWORDS, PROXIES, Keyword
from lbcore.cfg.known import knows, not_yet

ALGORITHMS = ("roundrobin", "source", "static-rr")
HASH_METHODS = ("map-based",)
HASH_FUNCTIONS = ("crc32", "djb2", "none", "sdbm", "wt6")


def balance(args: Args) -> None:
    if args.ignored("backend"):
        args.rest()
        return
    name = args.take() if args.more else "roundrobin"
    if name not in ALGORITHMS:
        raise _not_an_algorithm(name)
    args.proxy.balance = name


def _not_an_algorithm(name: str) -> KeywordError:
    word = name.partition("(")[0]
    if knows("balance", word):
        return KeywordError(not_yet(f"balance {word}"))
    return KeywordError(
        "balance only supports 'roundrobin', 'static-rr', 'leastconn', 'source', 'uri', 'url_param', 'hdr(name)' "
        "and 'rdp-cookie(name)' options."
    )


def hash_type(args: Args) -> None:
    """`hash-type <method> [<function> [avalanche]]`."""
    if args.ignored("backend"):
        args.rest()
        return
    method = args.take()
    if method == "consistent":
        raise KeywordError(not_yet("hash-type consistent"))
    if method not in HASH_METHODS:
        raise KeywordError("'hash-type' only supports 'consistent' and 'map-based'.")
    function = args.take() if args.more else "sdbm"
    if function not in HASH_FUNCTIONS:
        raise KeywordError("'hash-type' only supports 'sdbm', 'djb2', 'crc32', or 'wt6' hash functions.")
    modifier = args.take() if args.more else ""
    if modifier not in ("", "avalanche"):
        raise KeywordError("'hash-type' only supports 'avalanche' as a modifier for hash functions.")
    args.proxy.hash_type = (method, function, modifier)


KEYWORDS.register(
    Keyword(("balance",), PROXIES, balance, "{roundrobin|static-rr|source}", "How a server is chosen."),
    Keyword(("hash-type",), PROXIES, hash_type, "map-based [<function> [avalanche]]", "How `balance source` hashes."),
)
