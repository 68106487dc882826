"""Filters: what stands between the two sides of a stream, `filter <word> ...` (manual 9).

    bwlim.py    bwlim-in, bwlim-out: limits of bandwidth
    trace.py    trace: tells what becomes of streams

Importing this package names its words for `lbcore.stream.filters.FILTERS`, which imports the file of a word when a
configuration has it. `cfg` has a row read its words; what comes of them stands in `ProxySettings.filters`, in the order
of the lines. A filter of bandwidth does nothing until a rule turns it on for a stream (`action/bandwidth.py`); then the
shim does it (native/include/bwlim.h), so that no byte passes through Python. `trace` is of all streams of its proxy and
has steps of its own in that one's plan (`stream/trace.py`).

Filters own nothing and take no lock.
"""

from __future__ import annotations

from lbcore.stream.filters import FILTERS

# Each file with the names of its rows, which `base.registry` wants to hear of before it imports the file.
WORDS = {
    "bwlim": "bwlim-in bwlim-out",
    "trace": "trace",
}

FILTERS.announce(__name__, {topic: names.split() for topic, names in WORDS.items()})
