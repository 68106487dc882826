"""Each pair of a state and an event has one answer."""

from __future__ import annotations

import pytest

from lbcore.proxy.machine import DRAIN, MAINT, MAINTAINED, TABLE, Admin, Event, Mode, Op, Place, mode_of, step

SERVING = [(op, mode) for op in Op for mode in (Mode.READY, Mode.DRAIN)]
CHECKS = [Event.CHECK_UP, Event.CHECK_UP_SLOWLY, Event.CHECK_DOWN, Event.CHECK_STOPPING, Event.SLOWSTART_DONE]
# Where checks and time lead, by state, in the order of CHECKS.
LEADS = {
    Op.STOPPED: [Op.RUNNING, Op.STARTING, Op.STOPPED, Op.STOPPING, Op.STOPPED],
    Op.STARTING: [Op.STARTING, Op.STARTING, Op.STOPPED, Op.STOPPING, Op.RUNNING],
    Op.RUNNING: [Op.RUNNING, Op.RUNNING, Op.STOPPED, Op.STOPPING, Op.RUNNING],
    Op.STOPPING: [Op.RUNNING, Op.STARTING, Op.STOPPED, Op.STOPPING, Op.STOPPING],
}
WAYS_OUT = {
    Event.MAINT_CLEARED_DOWN: Op.STOPPED,
    Event.MAINT_CLEARED_UP: Op.RUNNING,
    Event.MAINT_CLEARED_SLOWLY: Op.STARTING,
    Event.MAINT_CLEARED_STOPPING: Op.STOPPING,
}


def test_table_has_every_place_and_every_event() -> None:
    assert set(TABLE) == {*SERVING, MAINTAINED}
    assert all(set(row) == set(Event) for row in TABLE.values())


def test_no_answer_leads_out_of_the_table() -> None:
    assert all(to in TABLE for row in TABLE.values() for to in row.values())


@pytest.mark.parametrize("place", SERVING)
def test_checks_move_the_state_and_leave_the_mode(place: Place) -> None:
    op, mode = place
    assert [step(place, event) for event in CHECKS] == [(to, mode) for to in LEADS[op]]


@pytest.mark.parametrize("place", SERVING)
def test_maintenance_stops_and_draining_does_not(place: Place) -> None:
    op, _mode = place
    assert step(place, Event.MAINT_SET) == MAINTAINED
    assert step(place, Event.DRAIN_SET) == (op, Mode.DRAIN)
    assert step(place, Event.DRAIN_CLEARED) == (op, Mode.READY)


@pytest.mark.parametrize("place", SERVING)
@pytest.mark.parametrize("event", WAYS_OUT)
def test_end_of_a_maintenance_that_is_not_changes_nothing(place: Place, event: Event) -> None:
    assert step(place, event) == place


@pytest.mark.parametrize("event", [event for event in Event if event not in WAYS_OUT])
def test_maintenance_hears_nothing_but_its_end(event: Event) -> None:
    assert step(MAINTAINED, event) == MAINTAINED


@pytest.mark.parametrize(("event", "op"), WAYS_OUT.items())
def test_maintenance_ends_as_what_is_known_says(event: Event, op: Op) -> None:
    assert step(MAINTAINED, event) == (op, Mode.READY)


def test_place_that_cannot_be_is_an_error() -> None:
    with pytest.raises(KeyError):
        step((Op.RUNNING, Mode.MAINT), Event.CHECK_UP)


@pytest.mark.parametrize("flag", MAINT)
def test_any_reason_for_maintenance_comes_before_draining(flag: Admin) -> None:
    assert mode_of(flag) is mode_of(flag | DRAIN) is Mode.MAINT


@pytest.mark.parametrize("flag", DRAIN)
def test_any_reason_for_draining_drains(flag: Admin) -> None:
    assert mode_of(flag) is Mode.DRAIN
    assert mode_of(Admin.CMAINT) is mode_of(Admin(0)) is Mode.READY
