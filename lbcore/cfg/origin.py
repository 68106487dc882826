"""Where connections come from and where sockets live: `usesrc` and `namespace` (manual 4.2 "source", 5.1, 5.2)."""

from __future__ import annotations

import os
import re

from lbcore.base.netns import path_of
from lbcore.cfg.address import SOURCE, AddressError, parse_address
from lbcore.cfg.arguments import Args, KeywordError
from lbcore.cfg.vocabulary import load_vocabulary
from lbcore.proxy.settings import UseSource

_HEADER = re.compile(r"hdr_ip\(\s*([^,)\s]+)\s*(?:,\s*(-?[0-9]{1,9})\s*)?\)")
_OLDEST = -10  # occurrences are counted so far from the end


def usesrc(args: Args, forms: str) -> UseSource:
    """What stands behind the word `usesrc`; `forms` is what HAProxy's message says that may stand there."""
    text = args.take()
    if not text:
        raise KeywordError(f"'usesrc' expects <addr>[:<port>], {forms} as argument.")
    if text in ("client", "clientip"):
        return UseSource(text)
    if text.startswith("hdr_ip("):
        return _of_header(text)
    try:
        return UseSource("address", parse_address(text, SOURCE, args.context.environment))
    except AddressError as error:
        raise KeywordError(f"'usesrc {text}' : {error}") from None


def _of_header(text: str) -> UseSource:
    found = _HEADER.fullmatch(text)
    occurrence = int(found[2] or -1) if found else 0
    if found is None or not occurrence:
        raise KeywordError(f"'usesrc {text}' : expects hdr_ip(<name>[,<occurrence>])")
    if occurrence < _OLDEST:
        raise KeywordError(
            f"usesrc hdr_ip(name,num) does not support negative occurrences values smaller than {-_OLDEST}."
        )
    load_vocabulary()  # the fetch that will find it
    return UseSource("hdr_ip", header=found[1].lower(), occurrence=occurrence)


def namespace(name: str) -> str:
    """The name of a network namespace that there is. Raises KeywordError."""
    try:
        os.close(os.open(path_of(name), os.O_RDONLY | os.O_CLOEXEC))
    except (OSError, ValueError):
        raise KeywordError(f"Cannot open namespace '{name}'") from None
    return name
