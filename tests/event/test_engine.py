"""One engine of the shim as a Python object."""

from __future__ import annotations

from collections.abc import Iterator

import pytest

from lbcore.event.engine import Engine, EngineSettings
from lbcore.shim import lib
from lbcore.thread.labels import Label
from tests.embedded import held


@pytest.fixture
def engine() -> Iterator[Engine]:
    """An engine whose locks are checked."""
    made = Engine(EngineSettings(lock_order=True))
    yield made
    made.close()


@pytest.mark.parametrize(
    ("name", "value"),
    [
        ("nbthread", 0),
        ("nbthread", 65),
        ("bufsize", 1023),
        ("bufsize", 1 << 20),
        ("maxrewrite", 16384),
        ("maxhdr", 0),
        ("maxaccept", 0),
    ],
)
def test_value_out_of_its_range_is_refused(name: str, value: int) -> None:
    settings = EngineSettings()
    setattr(settings, name, value)
    with pytest.raises(ValueError, match=name):
        Engine(settings)


def test_locks_in_their_order_are_no_fault(engine: Engine) -> None:
    outer, inner = (lib.spin_new(engine.locks.handle, label) for label in (Label.SERVER, Label.LISTENER))
    lib.spin_lock_py(outer)
    lib.spin_lock_py(inner)
    lib.spin_unlock_py(inner)
    lib.spin_unlock_py(outer)
    assert engine.locks.violations == 0
    for lock in (outer, inner):
        lib.spin_del(lock)
    engine.close()


def test_close_tells_of_locks_taken_out_of_their_order(engine: Engine) -> None:
    outer, inner = (lib.spin_new(engine.locks.handle, label) for label in (Label.SERVER, Label.LISTENER))
    lib.spin_lock_py(inner)
    lib.spin_lock_py(outer)
    lib.spin_unlock_py(outer)
    lib.spin_unlock_py(inner)
    for lock in (outer, inner):
        lib.spin_del(lock)
    with pytest.raises(RuntimeError, match=r"out of their order: server .* wanted while listener"):
        engine.close()
    assert not engine.is_open


def test_close_comes_any_number_of_times(engine: Engine) -> None:
    engine.close()
    engine.close()


def test_closed_engine_is_refused(engine: Engine) -> None:
    engine.close()
    for name in ("handle", "locks", "live"):
        with pytest.raises(RuntimeError, match="closed"):
            getattr(engine, name)


def test_engines_leave_nothing_behind() -> None:
    Engine(EngineSettings(nbthread=4)).close()
    before = held()
    for _ in range(50):
        Engine(EngineSettings(nbthread=4)).close()
    assert held() == before
