"""The names of the aliases of log-format (`%ci` and its like), which `base.registry` wants to hear of before it imports
their file. They are not in the `__init__`, as that is loaded with any part of this package, and few formats have one.
"""

from __future__ import annotations

from lbcore.sample.alias import ALIASES

WORDS = {
    "aliases": """
        B CC CS H HM HP HPO HQ HU HV ID OG ST T TR Ta Tc Td Th Ti Tl Tq Tr Ts Tt Tu Tw U ac b bc bi bp bq ci cp f fc fi
        fp ft hr hrl hs hsl lc ms pid r rc rt s sc si sp sq sslc sslv t tr trg trl ts tsc
    """,
}

ALIASES.announce("lbcore.stream", {topic: names.split() for topic, names in WORDS.items()})
