"""Which idle connections of a server may be used again (manual of 3.2, 5.2 "pool-conn-name")."""

from __future__ import annotations

from lbcore.cfg.arguments import Args, KeywordError
from lbcore.cfg.keywords import KEYWORDS, SERVERS, Keyword
from lbcore.cfg.vocabulary import read, words_of
from lbcore.sample.points import Point


def pool_conn_name(args: Args) -> None:
    """`pool-conn-name <expression>`: an idle connection serves only requests for which it gives the same."""
    if not args.more or not args.peek():
        raise KeywordError("'pool-conn-name' expects <value> as argument")
    words = words_of(args, Point.BE_SRV_CON)
    words.texts = words.texts[: args.position + 1]  # what follows is another option, whatever its name
    from lbcore.sample.expression import parse_expression  # with the vocabulary

    args.server.pool_conn_name = read(args, words, parse_expression, "'pool-conn-name' : {}")


KEYWORDS.register(
    Keyword(("pool-conn-name",), SERVERS, pool_conn_name, "<expression>",
            "Idle connections are used again by what it gives."),
)  # fmt: skip
