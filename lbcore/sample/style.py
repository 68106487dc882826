"""What places make of log-format strings.

Apart from what reads them: the check of a configuration knows its places, and need not load that where there are none.
"""

from __future__ import annotations

from dataclasses import dataclass


@dataclass(frozen=True, slots=True)
class Style:
    """What a place makes of formats.

    `mandatory`: "-" stands for what is missing. `merge`: blanks count as one space, and those at the beginning as none.
    `encode`: control characters of expressions become %XX.
    """

    mandatory: bool = False
    merge: bool = False
    encode: bool = False


LOG = Style(mandatory=True, merge=True)  # log-format, error-log-format, log-format-sd
UNIQUE_ID = Style(merge=True, encode=True)
HEADER = Style(encode=True)  # what goes into heads and bodies: rules that set headers, redirect, return
PLAIN = Style()  # set-var-fmt, keys and values of maps
