"""`stick on|match|store-request|store-response` of backends, and the servers that nobody sticks to (manual 4.2)."""

from __future__ import annotations

from collections.abc import Callable

from lbcore.cfg.arguments import Args, KeywordError, lacks
from lbcore.cfg.keywords import KEYWORDS, PROXIES, SERVERS, Keyword
from lbcore.cfg.vocabulary import condition, read, words_of
from lbcore.proxy.settings import ProxySettings, Settings, StickRule
from lbcore.sample.points import Point
from lbcore.table.settings import Stored

# What a rule does: whether it looks a server up, whether it stores one, and of which side its key is.
_KINDS = {
    "match": (True, False, False),
    "on": (True, True, False),
    "store-request": (False, True, False),
    "store-response": (False, True, True),
}
_WANTING = ("during request", "for 'store-response'")  # what a key of the other side is not available for


def stick(args: Args) -> None:
    """`stick <kind> <key> [table <table>] [{if|unless} <condition>]`."""
    proxy = args.proxy
    if args.in_defaults:
        raise KeywordError("'stick' not allowed in 'defaults' section.", 0)
    if not proxy.has_backend:
        args.warn(f"'stick' ignored because {lacks(proxy, 'backend')}.", at=0)
        args.rest()
        return
    kind = args.take()
    if kind == "store" and args.peek() in ("request", "response"):  # as it was once written
        kind = f"store-{args.take()}"
    if kind not in _KINDS:
        raise KeywordError("'stick' expects 'on', 'match', or 'store'.")
    matches, stores, response = _KINDS[kind]
    if not args.more:
        raise KeywordError("'stick' expects a fetch method.")
    point = Point.BE_STO_RULES if response else Point.BE_SET_SRV
    key = _key(args, point, _WANTING[response])
    table = proxy.name
    if args.peek() == "table":
        args.take()
        table = args.take()
    words = words_of(args, point)
    if not words.at_condition:
        raise KeywordError(f"'stick': unknown keyword '{words.peek()}'.", words.at)
    held = condition(args, words, point, "'stick': error detected while parsing sticking condition : {}.")
    proxy.stick_rules += (StickRule(table, key, held, matches, stores, response, args.line.where),)


def _key(args: Args, point: Point, wanting: str) -> object:
    from lbcore.sample.expression import parse_expression  # with the vocabulary
    from lbcore.sample.sources import source_of

    words = words_of(args, Point(0))
    at = words.at
    key = read(args, words, parse_expression, "'stick': {}")
    if not key.points & point:
        source = source_of(key.row)
        raise KeywordError(
            f"'stick': fetch method '{key.row.name}' extracts information from '{source}', none of which is "
            f"available {wanting}.",
            at,
        )
    return key


def non_stick(args: Args) -> None:
    args.server.non_stick = True


def may_stick(args: Args) -> None:
    """`stick`: the opposite, for lines below a `default-server`."""
    args.server.non_stick = False


# --- the check of the whole ---


def check_stick(proxy: ProxySettings, settings: Settings, alert: Callable[[str], None]) -> None:
    """Looks whether the tables that rules name are there and fit; these then store servers."""
    if not proxy.stick_rules:
        return
    from lbcore.table.key import to_type  # with the vocabulary

    tables = {table.name: table for table in settings.tables()}
    for rule in proxy.stick_rules:
        table = tables.get(rule.table)
        if table is None:
            what = "store table" if rule.response else "stick-table"
            alert(f"Proxy '{proxy.name}': unable to find {what} '{rule.table}'.")
        elif to_type(table.type, rule.key.type) is None:
            alert(f"Proxy '{proxy.name}': type of fetch not usable with type of stick-table '{rule.table}'.")
        else:
            table.store.setdefault("server_id", Stored())
            table.store.setdefault("server_key", Stored())


KEYWORDS.register(
    Keyword(("non-stick",), SERVERS, non_stick, "", "No client is made to stick to this server.", "0.3"),
    Keyword(
        ("stick",),
        PROXIES,
        stick,
        "{on|match|store-request|store-response} <key> [table <table>] [{if|unless} <condition>]",
        "Sends clients to the server that a table has for them.",
        "0.3",
    ),
    Keyword(("stick",), SERVERS, may_stick, "", "Takes an inherited `non-stick` back.", "0.3"),
)
