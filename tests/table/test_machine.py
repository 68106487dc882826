"""A table beside a plain dict, whatever is done to both (the clock is the caller's)."""

from __future__ import annotations

from typing import Any

from hypothesis import settings
from hypothesis import strategies as st
from hypothesis.stateful import RuleBasedStateMachine, invariant, precondition, rule

from lbcore.shim import ffi, lib

SIZE, EXPIRE = 4, 100
KEYS = st.sampled_from([b"a", b"b", b"c", b"d", b"e", b"f"])


class Entry:
    """What the model knows of an entry."""

    def __init__(self, number: int, date: int) -> None:
        self.number = number
        self.date = date  # when it expires
        self.refs = 0
        self.count = 0


class StickTable(RuleBasedStateMachine):
    """Every date is different, so that which entry is the oldest is never in doubt."""

    def __init__(self) -> None:
        super().__init__()
        conf: Any = ffi.new("stk_conf *")
        conf.key_len, conf.size, conf.expire = 8, SIZE, EXPIRE
        conf.count[lib.STK_CONN_CNT] = 1
        self.table: Any = ffi.gc(lib.stk_new(conf, ffi.NULL, 1), lib.stk_free)
        self.now = 0xFFFFFF00  # it wraps on the way
        self.model: dict[bytes, Entry] = {}

    def tick(self) -> int:
        self.now += 1
        return self.now & 0xFFFFFFFF

    def known(self, key: bytes) -> Entry | None:
        """The entry if it is not over; one that is over goes."""
        entry = self.model.get(key)
        if entry is not None and not entry.refs and entry.date <= self.now:
            del self.model[key]
            return None
        return entry

    def make_room(self) -> bool:
        idle = sorted((entry.date, key) for key, entry in self.model.items() if not entry.refs)
        if len(self.model) >= SIZE and idle:
            del self.model[idle[0][1]]
        return len(self.model) < SIZE

    @rule(key=KEYS)
    def set(self, key: bytes) -> None:
        now = self.tick()
        number = lib.stk_set(self.table, key, len(key), now, ffi.NULL)
        entry = self.known(key)
        if entry is None:
            if not self.make_room():
                assert number == 0
                return
            entry = self.model[key] = Entry(number, self.now + EXPIRE)
        assert number == entry.number
        entry.refs += 1

    @rule(key=KEYS)
    def get(self, key: bytes) -> None:
        number = lib.stk_get(self.table, key, len(key), self.tick())
        entry = self.known(key)
        assert number == (entry.number if entry else 0)
        if entry is not None:
            entry.refs += 1

    def held(self, key: bytes) -> Entry | None:
        entry = self.model.get(key)
        return entry if entry is not None and entry.refs else None

    @rule(key=KEYS, drop=st.booleans())
    def touch(self, key: bytes, drop: bool) -> None:
        now = self.tick()
        if entry := self.held(key):
            lib.stk_touch_local(self.table, entry.number, now, drop)
            entry.date = self.now + EXPIRE
            entry.refs -= drop

    @rule(key=KEYS)
    def release(self, key: bytes) -> None:
        if entry := self.held(key):
            lib.stk_release(self.table, entry.number)
            entry.refs -= 1

    @rule(key=KEYS, expired=st.booleans())
    def kill(self, key: bytes, expired: bool) -> None:
        now = self.tick()
        entry = self.held(key)
        if entry is None:
            return
        if expired:
            lib.stk_kill_if_expired(self.table, entry.number, now, 1)
        else:
            assert lib.stk_kill(self.table, entry.number, 1) == (entry.refs == 1)
        entry.refs -= 1
        if not entry.refs and (not expired or entry.date <= self.now):
            del self.model[key]

    @rule(key=KEYS, amount=st.integers(0, 1000))
    def count(self, key: bytes, amount: int) -> None:
        now = self.tick()
        if entry := self.held(key):
            entry.count += amount
            assert lib.stk_add(self.table, entry.number, lib.STK_CONN_CNT, 0, amount, now) == entry.count

    @precondition(lambda self: self.model)
    @rule(ms=st.integers(1, EXPIRE))
    def time_passes(self, ms: int) -> None:
        self.now += ms
        left = lib.stk_expire(self.table, self.tick(), 1000)
        self.model = {k: entry for k, entry in self.model.items() if entry.refs or entry.date > self.now}
        dates = [entry.date for entry in self.model.values() if not entry.refs]
        assert left == (min(dates) - self.now if dates else -1)

    @invariant()
    def figures_agree(self) -> None:
        out: Any = ffi.new("stk_figures *")
        lib.stk_read_figures(self.table, out)
        assert out.refs == sum(entry.refs for entry in self.model.values())
        assert out.used == len(self.model)


TestStickTable = StickTable.TestCase
TestStickTable.settings = settings(max_examples=200, stateful_step_count=60, deadline=None)
