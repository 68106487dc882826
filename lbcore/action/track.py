"""`track-sc0`, `track-sc1`, ...: has a connection or a stream counted on the entry of a key (manual 4.2)."""

from __future__ import annotations

from lbcore.action.spec import Spec, spec
from lbcore.proxy.settings import ProxySettings, Settings
from lbcore.sample.build import Build
from lbcore.sample.expression import Expression, parse_expression
from lbcore.sample.words import ParseError, Words
from lbcore.stream.limit import Tracking
from lbcore.stream.rules import ACTIONS, Action, Outcome, Ruleset, Run
from lbcore.stream.tracking import track
from lbcore.stream.txn import Txn
from lbcore.table.key import keyer, to_type
from lbcore.table.settings import counters_of

NAME = "track-sc"
OF_CONNECTIONS = (Ruleset.TCP_CONNECTION, Ruleset.TCP_SESSION)


def parse_track(words: Words, ruleset: Ruleset) -> Spec:
    """`track-sc<number> <key> [table <table>]`; the table is the proxy's own unless another one is named."""
    word = words.peek(-1)
    try:
        return _parse(words, ruleset)
    except ParseError as error:
        if not ruleset.value.startswith("tcp-"):
            raise
        raise ParseError(f"'{ruleset.value} {word}' : {error}", error.at, error.hint) from None


def _parse(words: Words, ruleset: Ruleset) -> Spec:
    start = words.at - 1
    word = words.peek(-1)
    slot = _slot(word, counters_of(words.notes))
    if not words.peek():
        raise ParseError("missing fetch method", words.at)
    expression = parse_expression(words)
    table = words.proxy
    if words.peek() == "table":
        words.take()
        if not words.peek():
            raise ParseError("missing table name", words.at)
        table = words.take()

    def make(build: Build) -> Run:
        return _tracking(build, slot, expression, table, of_stream=ruleset not in OF_CONNECTIONS)

    def check(proxy: ProxySettings, settings: Settings) -> str | None:
        return _complaint(word, expression, table, settings)

    found = spec(words, start, make, check=check)
    found.shim = Tracking(slot, expression, table)
    return found


def _slot(word: str, slots: int) -> int:
    number = word.removeprefix(NAME)
    if not number:
        raise ParseError("Missing track-sc number")
    slot = int(number[:9])
    if not slots:
        raise ParseError(f"{slot} track-sc number not usable, stick-counters are disabled by tune.stick-counters")
    if slot >= slots:
        raise ParseError(f"{slot} track-sc number exceeding {slots - 1} (tune.stick-counters-1) value")
    return slot


def _complaint(word: str, expression: Expression, table: str, settings: Settings) -> str | None:
    found = next((one for one in settings.tables() if one.name == table), None)
    if found is None:
        return f"unable to find table '{table}' referenced by {word}."
    if to_type(found.type, expression.type) is None:
        return f"stick-table '{table}' uses a type incompatible with the '{word}' rule."
    return None


def _tracking(build: Build, slot: int, expression: Expression, name: str, *, of_stream: bool) -> Run:
    table, fetch = build.table(name), expression.make(build)
    key_of = keyer(table.kind, expression.type)
    assert key_of is not None, "looked at by the check of the configuration"

    def of_streams(t: Txn) -> Outcome | None:
        slots = t.tracked
        if slots is None:
            slots = t.tracked = {}
        elif slot in slots:
            return None
        value = fetch(t)
        if value is not None:
            key = key_of(value)
            if key is not None:
                track(t, slots, slot, table, key)
        return None

    def of_connections(t: Txn) -> Outcome | None:
        value = fetch(t)
        key = key_of(value) if value is not None else None
        if key is not None:
            slots = t.session.tracked
            if slot not in slots:
                track(t, slots, slot, table, key)
        return None

    return of_streams if of_stream else of_connections


RULESETS = (
    Ruleset.TCP_CONNECTION,
    Ruleset.TCP_SESSION,
    Ruleset.TCP_CONTENT,
    Ruleset.HTTP_REQUEST,
    Ruleset.HTTP_RESPONSE,
)

ACTIONS.register(
    Action(NAME, RULESETS, parse_track, "<key> [table <table>]: counts on the entry of a key.", numbered=True,
           since="0.3"),
)  # fmt: skip
