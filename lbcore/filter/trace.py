"""`filter trace`: prints what becomes of the streams of a proxy on standard error (manual 9.1, lbcore.stream.trace).

`random-parsing`, which HAProxy still takes and which does nothing there, is refused.
"""

from __future__ import annotations

from lbcore.proxy.settings import TraceFilter
from lbcore.sample.words import ParseError, Words
from lbcore.stream.filters import FILTERS, Filter

_FLAGS = {"hexdump": "hexdump", "quiet": "quiet", "random-forwarding": "random"}


def parse(words: Words) -> TraceFilter:
    """`[name <name>] [quiet] [hexdump] [random-forwarding]`, in any order."""
    found = TraceFilter()
    named = False
    while words.peek() in (*_FLAGS, "name"):
        option = words.take()
        if option != "name":
            setattr(found, _FLAGS[option], True)
            continue
        if named:
            raise ParseError("'trace' : 'name' option already defined", words.at - 1)
        if not words.peek():
            raise ParseError("'trace' : 'name' option without value", words.at)
        found.name, named = words.take(), True
    if words.peek() == "random-parsing":
        raise ParseError("'trace' : 'random-parsing' does nothing in HAProxy and is not supported by lbcore", words.at)
    return found


FILTERS.add("trace", Filter("trace", "TRACE", parse, "Prints what becomes of each stream, and what passes of it."))
