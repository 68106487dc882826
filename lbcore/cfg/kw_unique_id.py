"""`unique-id-format` and `unique-id-header` (manual 4.2). The format is read by `kw_log_format.check_logs`."""

from __future__ import annotations

import re

from lbcore.cfg.arguments import Args, KeywordError
from lbcore.cfg.keywords import KEYWORDS, PROXIES, Keyword
from lbcore.cfg.kw_log_format import written

_TOKEN = re.compile(r"[!#$%&'*+.^_`|~0-9A-Za-z-]+")  # RFC 9110 5.6.2


def unique_id_format(args: Args) -> None:
    """`unique-id-format <string>`."""
    found = written(args)
    if not args.ignored("frontend"):
        args.proxy.unique_id_format = found


def unique_id_header(args: Args) -> None:
    """`unique-id-header <name>`."""
    name = args.take()
    if not name:
        raise KeywordError("unique-id-header expects an argument.")
    if not _TOKEN.fullmatch(name):
        raise KeywordError(f"unique-id-header expects the name of a header field, not '{name}'.")
    if not args.ignored("frontend"):
        args.proxy.unique_id_header = name


KEYWORDS.register(
    Keyword(("unique-id-format",), PROXIES, unique_id_format, "<format>", "Gives each stream an id."),
    Keyword(("unique-id-header",), PROXIES, unique_id_header, "<name>", "Sends the id of a request to the server."),
)
