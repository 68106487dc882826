"""`stats socket`, `stats timeout`, `stats maxconn` of `global` (manual 3.1): where commands are taken."""

from __future__ import annotations

from dataclasses import replace

from lbcore.cfg.address import BIND, AddressError, parse_addresses
from lbcore.cfg.arguments import Args, KeywordError, integer, time
from lbcore.cfg.keywords import GLOBAL, KEYWORDS, Keyword
from lbcore.cfg.kw_bind import Phrases, bind_options
from lbcore.cfg.kw_global import settings

_PHRASES = Phrases("'stats socket' : '", "'", "'stats socket' : unknown keyword ", "")


def stats(args: Args) -> None:
    """Refuses what is none of the two-word keywords."""
    word = args.take()
    if word == "bind-process":
        raise KeywordError("'stats bind-process' is not supported anymore.")
    raise KeywordError(f"'stats' only supports 'socket', 'maxconn', 'bind-process' and 'timeout' (got '{word}')")


def stats_socket(args: Args) -> None:
    text = args.take()
    if not text:
        raise KeywordError("'stats socket' in global section expects an address or a path to a UNIX socket")
    try:
        addresses = parse_addresses(text, BIND, args.context.environment)
    except AddressError as error:
        raise KeywordError(f"'stats socket' : {error}") from None
    template = bind_options(args, text, _PHRASES)
    settings(args).stats_sockets.extend(replace(template, address=address) for address in addresses)


def stats_timeout(args: Args) -> None:
    text = args.take()
    value = time(text, args.name, "'stats timeout' : unexpected character '{}'")
    if not value:
        raise KeywordError("'stats timeout' expects a positive value")
    settings(args).stats_timeout = value


def stats_maxconn(args: Args) -> None:
    value = integer(args.take())
    if value is None or value <= 0:
        raise KeywordError("'stats maxconn' expects a positive value")
    settings(args).stats_maxconn = value


KEYWORDS.register(
    Keyword(("stats",), GLOBAL, stats, "{socket|timeout|maxconn} ...", "The sockets where commands are taken."),
    Keyword(("stats", "maxconn"), GLOBAL, stats_maxconn, "<number>", "The most connections to these sockets."),
    Keyword(("stats", "socket"), GLOBAL, stats_socket, "<address> [<bind option> ...]", "Takes commands there."),
    Keyword(("stats", "timeout"), GLOBAL, stats_timeout, "<time>", "How long such a connection may idle."),
)
