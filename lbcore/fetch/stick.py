"""What stick tables know: of what is tracked (`sc_*`), of the client's address (`src_*`), of themselves (manual 7.3.3).

`sc_http_req_rate(0)` is the rate of slot 0, `sc0_http_req_rate` the same; with a table as their last argument both mean
the entry that the same key has in that table. Nothing is given where nothing is tracked, or where a table does not
store what is asked for; an entry that is not there has 0 of everything.
"""

from __future__ import annotations

from collections.abc import Callable, Iterator, Sequence

from lbcore.fetch.rows import given
from lbcore.sample.build import Build
from lbcore.sample.points import CLIENT, INTERNAL
from lbcore.sample.rows import Arg, Fetch, Fetcher, add_fetches
from lbcore.sample.types import Type, Value
from lbcore.shim import lib
from lbcore.stream.tracking import Tracked, look_up, tracked_at, with_entry
from lbcore.stream.txn import AT, Txn
from lbcore.table.counters import KBYTES, Reading, Use, clearing, raising
from lbcore.table.key import decode, keyer
from lbcore.table.table import Table

NO_FIGURE = lib.ENG_NO_FIGURE
FLOW, GEN = AT["flow"], AT["gen"]
SLOTS = (0, 1, 2)  # those that have words of their own
FIGURES = (
    "bytes_in_rate", "bytes_out_rate", "conn_cnt", "conn_cur", "conn_rate", "glitch_cnt", "glitch_rate", "gpc0_rate",
    "gpc1_rate", "http_err_cnt", "http_err_rate", "http_fail_cnt", "http_fail_rate", "http_req_cnt", "http_req_rate",
    "sess_cnt", "sess_rate",
)  # fmt: skip
# Words behind `sc_`, `sc0_`, `src_`: (what makes their function from an element's number, whether they name one,
# whether they store an entry that is absent, what they are).
Maker = Callable[[int | None], Use]


def _reading(name: str) -> Maker:
    return lambda index: Reading(name)


_WORDS: dict[str, tuple[Maker, bool, bool, str]] = {
    **{name: (_reading(name), False, False, f"{name} of") for name in FIGURES},
    "clr_gpc": (lambda index: clearing("gpc", index), True, False, "Sets a counter to 0; what it was of"),
    "clr_gpc0": (lambda index: clearing("gpc0"), False, False, "Sets gpc0 to 0; what it was of"),
    "clr_gpc1": (lambda index: clearing("gpc1"), False, False, "Sets gpc1 to 0; what it was of"),
    "get_gpc": (lambda index: Reading("gpc", index), True, False, "A counter of"),
    "get_gpc0": (lambda index: Reading("gpc0"), False, False, "gpc0 of"),
    "get_gpc1": (lambda index: Reading("gpc1"), False, False, "gpc1 of"),
    "get_gpt": (lambda index: Reading("gpt", index), True, False, "A tag of"),
    "get_gpt0": (lambda index: Reading("gpt0"), False, False, "gpt0 of"),
    "gpc_rate": (lambda index: Reading("gpc_rate", index), True, False, "The rate of a counter of"),
    "inc_gpc": (lambda index: raising("gpc", index), True, True, "Raises a counter; its new value, of"),
    "inc_gpc0": (lambda index: raising("gpc0"), False, True, "Raises gpc0; its new value, of"),
    "inc_gpc1": (lambda index: raising("gpc1"), False, True, "Raises gpc1; its new value, of"),
    "kbytes_in": (lambda index: Reading("bytes_in_cnt", shift=KBYTES), False, False, "KiB received, of"),
    "kbytes_out": (lambda index: Reading("bytes_out_cnt", shift=KBYTES), False, False, "KiB sent, of"),
}  # fmt: skip

_BYTES = ("kbytes_in", "kbytes_out")  # not for the stats socket


# --- what is tracked ---


def _tracked(build: Build, table: str | None, slot: int, use: Use) -> Fetcher:
    """The fetch of an entry that a slot counts on, or of the one that its key has in another table."""
    if table is not None:
        other = build.table(table)

        def fetch_other(t: Txn) -> Value | None:
            found = tracked_at(t, slot)
            return None if found is None else look_up(other, found.key, use, 0)

        return fetch_other

    def fetch(t: Txn) -> Value | None:
        found = tracked_at(t, slot)
        if found is None:
            return None
        if t.record is None:
            return use(found.table, found.entry)
        return with_entry(t, found, use, 0)

    return _read_by_shim(slot, use, fetch) if isinstance(use, Reading) else fetch


def _read_by_shim(slot: int, use: Reading, otherwise: Fetcher) -> Fetcher:
    """The same as `otherwise`, in one call as long as the stream lives: the shim knows what its slots count on."""
    figure, number, element, shift = lib.eng_flow_figure, use.number, use.element, use.shift

    def fetch(t: Txn) -> Value | None:
        if t.record is None:
            ask, worker = t.ask, t.worker
            found = figure(worker.engine.handle, worker.tid, ask[FLOW], ask[GEN], slot, number, element)
            if found != NO_FIGURE:
                return found >> shift  # type: ignore[no-any-return]
        return otherwise(t)

    return fetch


def _of_slot(name: str, slot: int | None) -> Fetch:
    """The row of a word about a slot: that of its name, or (None) that of an argument."""
    maker, indexed, _, doc = _WORDS[name]
    kinds = ["integer"] * (indexed + (slot is None))
    signature = f"({','.join(kinds)}[,table])" if kinds else "([table])"

    def make(args: Sequence[Arg], build: Build) -> Fetcher:
        index = args[0] if indexed else None
        number = args[len(kinds) - 1] if slot is None else slot
        return _tracked(build, given(args, len(kinds)), number, maker(index))

    word = f"sc{'' if slot is None else slot}_{name}"
    points = CLIENT if name in _BYTES else INTERNAL
    return Fetch(word, signature, Type.SINT, points, make, f"{doc} what a slot tracks.")


def _about_slots(
    name: str, kind: Type, look: Callable[[Txn, Tracked | None], Value | None], doc: str
) -> Iterator[Fetch]:
    """The rows of a word about what is tracked itself, with and without the slot in its name."""
    for slot in (None, *SLOTS):

        def make(args: Sequence[Arg], build: Build, slot: int | None = slot) -> Fetcher:
            number = args[0] if slot is None else slot
            table = given(args, 0 if slot is not None else 1)
            if table is None:
                return lambda t: look(t, tracked_at(t, number))
            other = build.table(table)
            return lambda t: look(t, _elsewhere(tracked_at(t, number), other))

        numbered = "(integer)" if name == "key" else "(integer[,table])"
        signature = numbered if slot is None else "" if name == "key" else "([table])"
        word = f"sc{'' if slot is None else slot}_{name}"
        yield Fetch(word, signature, kind, INTERNAL, make, doc)


def _elsewhere(found: Tracked | None, table: Table) -> Tracked | None:
    """The same key in another table, where it may be absent."""
    return None if found is None else Tracked(table, 0, found.key)


def is_tracked(t: Txn, found: Tracked | None) -> Value | None:
    """Another table that is named makes no difference, as in HAProxy: `in_table` tells whether that has the key."""
    return found is not None


def trackers(t: Txn, found: Tracked | None) -> Value | None:
    """How many count on the entry: each of them holds it."""
    if found is None:
        return None
    return look_up(found.table, found.key, lambda table, entry: table.facts(entry).refs, 0)


def tracked_key(t: Txn, found: Tracked | None) -> Value | None:
    return None if found is None else decode(found.table.kind, found.key)


# --- the client's address ---


def _src(build: Build, name: str, use: Use, *, stores: bool) -> Fetcher:
    """The fetch of the entry of the client's address, which is stored if it is absent and the word says so."""
    table = build.table(name)
    key_of = keyer(table.kind, Type.ADDR)

    def fetch(t: Txn) -> Value | None:
        src = t.src
        key = key_of(src) if src is not None and key_of is not None else None
        if key is None:
            return None
        if not stores:
            return look_up(table, key, use, 0)
        entry = table.set(key)
        if not entry:
            return 0
        try:
            return use(table, entry)
        finally:
            table.release(entry)

    return fetch


def _of_src(name: str) -> Fetch:
    maker, indexed, stores, doc = _WORDS[name]

    def make(args: Sequence[Arg], build: Build) -> Fetcher:
        use = maker(args[0] if indexed else None)
        return _src(build, given(args, 1 if indexed else 0) or "", use, stores=stores)

    signature = "(integer,table)" if indexed else "(table)"
    return Fetch(f"src_{name}", signature, Type.SINT, CLIENT, make, f"{doc} the client's address.")


def make_updt_conn_cnt(args: Sequence[Arg], build: Build) -> Fetcher:
    def raise_conn_cnt(table: Table, entry: int) -> int | None:
        field = table.field("conn_cnt")
        if field is None:
            return None
        value = table.add(entry, field, 1)
        table.touch(entry, drop=False)
        return value

    return _src(build, given(args, 0) or "", raise_conn_cnt, stores=True)


# --- tables ---


def _of_table(name: str, read: Callable[[Table], int], doc: str) -> Fetch:
    def make(args: Sequence[Arg], build: Build) -> Fetcher:
        table = build.table(given(args, 0) or "")
        return lambda t: read(table)

    return Fetch(name, "(table)", Type.SINT, INTERNAL, make, doc)


def _words_of(slot: int | None) -> Iterator[str]:
    """HAProxy has words with an element's number for slots that are an argument, and one for slot 1."""
    for name, (_, indexed, _, _) in _WORDS.items():
        if slot is None or not indexed or (slot, name) == (1, "clr_gpc"):
            yield name


add_fetches(
    *(_of_slot(name, slot) for slot in (None, *SLOTS) for name in _words_of(slot)),
    *_about_slots("key", Type.ANY, tracked_key, "The key that a slot tracks."),
    *_about_slots("tracked", Type.BOOL, is_tracked, "Whether a slot tracks something."),
    *_about_slots("trackers", Type.SINT, trackers, "How many track what a slot tracks."),
    *(_of_src(name) for name in _WORDS),
    Fetch("src_updt_conn_cnt", "(table)", Type.SINT, CLIENT, make_updt_conn_cnt,
          "Raises conn_cnt of the client's address; its new value."),
    _of_table("table_avl", lambda table: table.settings.size - table.used, "Entries that a table has room for."),
    _of_table("table_cnt", lambda table: table.used, "Entries that a table has."),
)  # fmt: skip
