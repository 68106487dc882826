"""The words that lbcore registers, in the layouts of HAProxy's `-dK`: ACL criteria, configuration, converters, fetches.

Tools compare these lists from version to version, and with HAProxy's own.
"""

from __future__ import annotations

from collections.abc import Iterable, Iterator

import lbcore.cfg.sections  # noqa: F401 - fills the table of keywords
from lbcore.cfg.keywords import KEYWORDS, PROXIES, Keyword
from lbcore.cfg.kw_option import HTTP_SWITCHES, SWITCHES
from lbcore.cfg.vocabulary import load_vocabulary
from lbcore.sample.criteria import CRITERIA
from lbcore.sample.points import LEGEND, marks
from lbcore.sample.rows import CONVERTERS, FETCHES
from lbcore.stream.rules import ACTIONS, Ruleset

METHODS = {"meth": "str", "ver": "int"}  # matching methods that have no name of their own
DECLARED = {"protobuf": "bin", "ungrpc": "bin"}  # what HAProxy says comes out, though the type of the field decides
LINES = {"bind": "bind <addr>", "server": "server <name> <addr>"}
SIDES = {"frontend": "FE", "backend": "BE"}
# The order in which HAProxy shows the lists of rules.
RULESETS = (
    Ruleset.TCP_CONNECTION,
    Ruleset.TCP_SESSION,
    Ruleset.TCP_CONTENT,
    Ruleset.TCP_RESPONSE,
    Ruleset.HTTP_REQUEST,
    Ruleset.HTTP_RESPONSE,
    Ruleset.HTTP_AFTER,
)


def criteria() -> Iterator[str]:
    """`-dKacl`: criteria that mean a fetch with a matching method."""
    for name, (fetch, method) in sorted(CRITERIA.items()):
        yield f"{name} = {fetch} -m {METHODS.get(method, method)}"


def converters() -> Iterator[str]:
    """`-dKcnv`: name, arguments, the type that comes out and the one that goes in, in this order, as HAProxy has it."""
    load_vocabulary()
    for name in sorted(CONVERTERS):
        row = CONVERTERS.get(name)
        assert row is not None, "a name of the table"
        yield f"{name}{row.signature}: {DECLARED.get(name, row.gives.value)} => {row.takes.value}"


def fetches() -> Iterator[str]:
    """`-dKsmp`: a legend of the points of processing, then for each fetch at which it may stand, its arguments, its
    type."""
    load_vocabulary()
    yield from legend()
    for name in sorted(FETCHES):
        row = FETCHES.get(name)
        assert row is not None, "a name of the table"
        yield f"[ {marks(row.points)} ] {name}{row.signature}: {row.type.value}"


def legend() -> Iterator[str]:
    """The names of the columns, each led to its column by a slanting line."""
    for at, name in enumerate(LEGEND):
        indent = " " * (len(LEGEND) + 1 - at)
        yield f"#{indent}{'/ ' * at}_.{'-' * (len(LEGEND) - at)} {name}"
    yield f"# {'/ ' * len(LEGEND)} "
    yield f"# {'| ' * len(LEGEND)}"


def configuration() -> Iterator[str]:
    """`-dKcfg`: each kind of section with its keywords. Sections of proxies are shown as one, with the options of
    `bind` and `server` lines, how many arguments these take, the options of proxies, for which sides and modes they
    are, and the actions of rules."""
    load_vocabulary()
    yield "global"
    yield from _names(KEYWORDS.rows("global"))
    yield "listen"
    yield from _proxies()
    for place in KEYWORDS.places():
        if place not in ("global", *PROXIES, *LINES, "default-server"):
            yield place
            yield from _names(KEYWORDS.rows(place))


def _names(rows: Iterable[Keyword]) -> Iterator[str]:
    """The first words of lines, each once."""
    yield from (f"\t{name}" for name in dict.fromkeys(row.words[0] for row in rows))


def _proxies() -> Iterator[str]:
    rows = {row.words: row for place in PROXIES for row in KEYWORDS.rows(place)}
    options = {words[1]: rows[words] for words in sorted(rows) if words[0] == "option" and len(words) > 1}
    yield from _names(rows[words] for words in sorted(rows) if words[0] != "option")
    for place, lead in LINES.items():
        yield from (f"\t{lead} {row.name}{_arguments(row)}" for row in KEYWORDS.rows(place))
    yield from (f"\toption {name}{_limits(name)}" for name in options)
    for ruleset in RULESETS:
        yield from (f"\t{ruleset.value} {_action(ruleset, name)}" for name in ACTIONS.names(ruleset))


def _arguments(row: Keyword) -> str:
    """How many words an option of a line takes; -1: that differs."""
    words = row.grammar.split()
    if not words or words[0].startswith("("):
        return ""
    optional = any(word.startswith("[") for word in words[1:])
    return " +-1" if optional else f" +{len(words)}"


def _limits(option: str) -> str:
    """The sides that an option is for, and whether that is in mode http only."""
    if option not in SWITCHES:
        return ""
    sides = [SIDES[side] for side in SWITCHES[option][0]]
    return f" [ {' '.join([*sides, 'HTTP'] if option in HTTP_SWITCHES else sides)} ]"


def _action(ruleset: Ruleset, name: str) -> str:
    row = ACTIONS.find(ruleset, name)
    return f"{name}*" if row is not None and (row.prefix or row.numbered) else name
