"""Filters: what stands between the two sides of a stream, `filter <word> ...` (manual 9).

    bwlim.py    bwlim-in, bwlim-out: limits of bandwidth

Importing this package names its words for `lbcore.stream.filters.FILTERS`, which imports the file of a word when a
configuration has it. `cfg` has a row read its words; what comes of them stands in `ProxySettings.filters`, in the order
of the lines. A filter of bandwidth does nothing until a rule turns it on for a stream (`action/bandwidth.py`); then the
shim does it (native/include/bwlim.h), so that no byte passes through Python.

Filters own nothing and take no lock.
"""

from __future__ import annotations

from lbcore.stream.filters import FILTERS

# Each file with the names of its rows, which `base.registry` wants to hear of before it imports the file.
WORDS = {
    "bwlim": "bwlim-in bwlim-out",
}

FILTERS.announce(__name__, {topic: names.split() for topic, names in WORDS.items()})
