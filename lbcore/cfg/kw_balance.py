"""`balance`, `hash-type` and their companions (manual 4.2): how a server is chosen."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import replace
from typing import Any, Protocol

from lbcore.cfg.arguments import Args, KeywordError, integer, number
from lbcore.cfg.context import Context
from lbcore.cfg.keywords import KEYWORDS, PROXIES, SERVERS, Keyword
from lbcore.cfg.known import knows, not_yet
from lbcore.proxy.balance import AFFINITIES, FUNCTIONS, METHODS, NODE_KEYS, OF_HTTP, Balance, HashType
from lbcore.proxy.settings import ProxySettings


def balance(args: Args) -> None:
    if args.ignored("backend"):
        args.rest()
        return
    word = args.take() if args.more else "roundrobin"
    name, parenthesis, rest = word.partition("(")
    parse = _ALGORITHMS.get(name)
    if parse is None or (parenthesis and name not in _WITH_NAME) or (name == "hdr" and not parenthesis):
        raise _not_an_algorithm(word)
    args.proxy.balance = parse(args, name, f"({rest}" if parenthesis else "")
    args.proxy.places["balance"] = f"{args.line.file}:{args.line.number}"


def _not_an_algorithm(name: str) -> KeywordError:
    word = name.partition("(")[0]
    if knows("balance", word) and word not in _ALGORITHMS:
        return KeywordError(not_yet(f"balance {word}"))
    return KeywordError(
        "balance only supports 'roundrobin', 'static-rr', 'leastconn', 'source', 'uri', 'url_param', 'hdr(name)' "
        "and 'rdp-cookie(name)' options."
    )


# --- algorithms: (the line behind the name, the name, its parenthesis with all that is in it) -> what was said ---


def _plain(args: Args, name: str, inside: str) -> Balance:
    return Balance(name)


def _random(args: Args, name: str, inside: str) -> Balance:
    if not inside:
        return Balance(name)
    if not inside.endswith(")"):
        raise KeywordError("balance random : missing closing parenthesis.")
    text = inside[1:-1]
    if not text:
        return Balance(name)
    draws = integer(text)
    if draws is None:
        wrong = next((char for char in text if not char.isdecimal()), text)
        raise KeywordError(f"balance random : unexpected character '{wrong}' after argument.")
    if draws < 1:
        raise KeywordError("balance random : number of draws must be at least 1.")
    return Balance(name, draws=draws)


def _uri(args: Args, name: str, inside: str) -> Balance:
    found = Balance(name)
    while args.more:
        word = args.take()
        if word == "len":
            found = replace(found, length=_positive(args, word))
        elif word == "depth":
            found = replace(found, depth=_positive(args, word))
        elif word == "whole":
            found = replace(found, whole=True)
        elif word == "path-only":
            found = replace(found, path_only=True)
        else:
            raise KeywordError(
                f"balance uri only accepts parameters 'len', 'depth', 'path-only', and 'whole' (got '{word}')."
            )
    return found


def _positive(args: Args, word: str) -> int:
    text = args.take()
    value = integer(text)
    if value is None or value < 1:
        raise KeywordError(f"balance uri : '{word}' expects a positive integer (got '{text}').")
    return value


def _url_param(args: Args, name: str, inside: str) -> Balance:
    parameter = args.take()
    if not parameter:
        raise KeywordError("balance url_param requires an URL parameter name.")
    if not args.more:
        return Balance(name, parameter)
    modifier = args.take()
    if modifier != "check_post":
        raise KeywordError(f"balance url_param only accepts 'check_post' modifier (got '{modifier}').")
    if integer(args.peek()) is not None:  # <max_wait> of old versions
        args.take()
    return Balance(name, parameter, check_post=True)


def _hdr(args: Args, name: str, inside: str) -> Balance:
    header = inside[1:-1]
    if not header or not inside.endswith(")"):
        raise KeywordError("balance hdr requires an http header field name.")
    if not args.more:
        return Balance(name, header)
    modifier = args.take()
    if modifier != "use_domain_only":
        raise KeywordError(f"balance hdr({header}) only accepts 'use_domain_only' modifier (got '{modifier}').")
    return Balance(name, header, domain_only=True)


def _rdp_cookie(args: Args, name: str, inside: str) -> Balance:
    if not inside:
        return Balance(name, "mstshash")
    cookie = inside[1:-1]
    if not cookie or not inside.endswith(")"):
        raise KeywordError("balance rdp-cookie : missing cookie name.")
    return Balance(name, cookie)


def _hash(args: Args, name: str, inside: str) -> Balance:
    """The expression is read when the mode of the proxy is known: check_balance()."""
    text = args.take()
    if not text:
        raise KeywordError("balance hash requires a sample expression.")
    if args.more:
        raise KeywordError(f"balance hash takes no other argument (got '{args.peek()}').", args.position)
    return Balance(name, expression=text)


_PLAIN = ("first", "leastconn", "roundrobin", "source", "static-rr")
_WITH_NAME = ("hdr", "random", "rdp-cookie")  # or with a number, in parentheses
_ALGORITHMS: dict[str, Callable[[Args, str, str], Balance]] = {
    **dict.fromkeys(_PLAIN, _plain),
    "hash": _hash,
    "hdr": _hdr,
    "random": _random,
    "rdp-cookie": _rdp_cookie,
    "uri": _uri,
    "url_param": _url_param,
}


# --- hashes ---


def hash_type(args: Args) -> None:
    """`hash-type <method> [<function> [avalanche]]`."""
    if args.ignored("backend"):
        args.rest()
        return
    method = args.take()
    if method == "avalanche":
        raise KeywordError(
            "experimental feature 'hash-type avalanche' is not supported anymore, please use 'hash-type map-based sdbm "
            "avalanche' instead."
        )
    if method not in METHODS:
        raise KeywordError("'hash-type' only supports 'consistent' and 'map-based'.")
    if not args.more:
        args.proxy.hash_type = HashType(method, avalanche=method == "consistent")
        return
    function = args.take()
    if function not in FUNCTIONS:
        raise KeywordError("'hash-type' only supports 'sdbm', 'djb2', 'crc32', or 'wt6' hash functions.")
    modifier = args.take() if args.more else ""
    if modifier not in ("", "avalanche"):
        raise KeywordError("'hash-type' only supports 'avalanche' as a modifier for hash functions.")
    args.proxy.hash_type = HashType(method, function, modifier == "avalanche")


def hash_balance_factor(args: Args) -> None:
    if args.ignored("backend"):
        args.rest()
        return
    factor = number(args)
    if factor != 0 and factor <= 100:
        raise KeywordError("'hash-balance-factor' must be 0 or greater than 100.")
    args.proxy.hash_balance_factor = factor


def hash_preserve_affinity(args: Args) -> None:
    if args.ignored("backend"):
        args.rest()
        return
    word = args.take()
    if word not in AFFINITIES:
        raise KeywordError(f"'hash-preserve-affinity' expects 'always', 'maxconn' or 'maxqueue', found '{word}'.")
    args.proxy.hash_affinity = word


def hash_key(args: Args) -> None:
    """`hash-key <key>` of servers: what places them on the ring of `hash-type consistent`."""
    word = args.take()
    if word not in NODE_KEYS:
        raise KeywordError(f"'hash-key' has to be 'id', 'addr', or 'addr-port', found '{word}'")
    args.server.hash_key = word


# --- the whole proxy ---


class Checked(Protocol):
    """The proxy that is looked at once all is read (`lbcore.cfg.check`)."""

    @property
    def ctx(self) -> Context: ...
    @property
    def proxy(self) -> ProxySettings: ...
    @property
    def label(self) -> str: ...
    def alert(self, text: str, where: str = "") -> None: ...
    def warn(self, text: str, where: str = "") -> None: ...


def check_balance(checked: Checked) -> None:
    """Reads the expression of `balance hash`; what needs heads makes no sense in mode tcp."""
    proxy = checked.proxy
    if not proxy.has_backend:
        return
    if isinstance(proxy.balance.expression, str):
        _read_expression(checked, proxy.balance.expression)
    if proxy.mode != "http" and proxy.balance.algorithm in OF_HTTP:
        checked.warn(f"Layer 7 hash not possible for {checked.label} (needs 'mode http'). Falling back to round robin.")
        proxy.balance = Balance()


def _read_expression(checked: Checked, text: str) -> None:
    from lbcore.cfg.vocabulary import load_vocabulary
    from lbcore.sample.expression import parse_expression  # with the vocabulary
    from lbcore.sample.points import Point
    from lbcore.sample.sources import source_of
    from lbcore.sample.words import ParseError, Words

    load_vocabulary()
    proxy = checked.proxy
    where = proxy.places.get("balance", proxy.where)
    file, _, line = where.rpartition(":")
    lead = f"{checked.label} [{proxy.where}]: "
    words = Words(
        [text], 0, file, int(line or 0), proxy.name, proxy.mode, acls=proxy.acls, notes=checked.ctx.notes,
        place="use-server or balance expression",
    )  # fmt: skip
    try:
        found: Any = parse_expression(words)
    except ParseError as error:
        checked.alert(f"{lead}failed to parse 'balance hash' expression '{text}' in : {error}.")
        return
    source = source_of(found.row)
    if not found.points & Point.BE_SET_SRV:
        checked.alert(
            f"{lead}error detected while parsing 'balance hash' expression '{text}' which requires information from "
            f"{source}, which is not available here."
        )
        return
    if proxy.mode == "http" and source.endswith("buffer"):
        checked.warn(f"{lead}L6 sample fetch <{text}> will be ignored in 'balance hash' expression in HTTP mode.")
    proxy.balance = replace(proxy.balance, expression=found)


_GRAMMAR = (
    "{roundrobin|static-rr|leastconn|first|random[(<draws>)]|source|uri [<option> ...]|url_param <name> [check_post]|"
    "hdr(<name>) [use_domain_only]|rdp-cookie[(<name>)]|hash <expression>}"
)

KEYWORDS.register(
    Keyword(("balance",), PROXIES, balance, _GRAMMAR, "How a server is chosen."),
    Keyword(("hash-balance-factor",), PROXIES, hash_balance_factor, "<percent>",
            "How much more than the average a server may have with consistent hashing."),
    Keyword(("hash-key",), SERVERS, hash_key, "{id|addr|addr-port}", "What places a server on the ring of hashes."),
    Keyword(("hash-preserve-affinity",), PROXIES, hash_preserve_affinity, "{always|maxconn|maxqueue}",
            "When a stream leaves the server of its hash."),
    Keyword(("hash-type",), PROXIES, hash_type, "{map-based|consistent} [<function> [avalanche]]",
            "How a hash is made, and how it finds a server."),
)  # fmt: skip
