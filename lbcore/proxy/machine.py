"""The states that a server can be in, and what leads from one to the other.

A server has an operational state, which checks and slow start move, and administrative flags, which people, the
configuration, tracked servers and agents set. Checks say what it is able to do, flags what it is allowed to:

    READY   no flag: traffic as its operational state says
    DRAIN   only the streams that belong to it by a cookie or an open connection; checks go on
    MAINT   nothing at all; it counts as stopped, its checks rest, and what they still say is not heard

`TABLE` has a row for each pair of these two, and each row an answer to each event; a pair that cannot be has no row.
The numbers are those of `show servers state` (management guide 9.3).
"""

from __future__ import annotations

from enum import Enum, IntEnum, IntFlag
from typing import Final


class Op(IntEnum):
    """What a server is able to do."""

    STOPPED = 0
    STARTING = 1  # it is up, and warms up: slow start
    RUNNING = 2
    STOPPING = (
        3  # no new streams but those that belong to it ("http-check disable-on-404", "set server health stopping")
    )


class Admin(IntFlag):
    """Why it may not do what it could. F: forced by somebody; I: inherited from the server that it tracks."""

    FMAINT = 0x01
    IMAINT = 0x02
    CMAINT = 0x04  # the configuration says `disabled`: FMAINT was set with it, and may be cleared without it
    FDRAIN = 0x08
    IDRAIN = 0x10
    RMAINT = 0x20  # its name has no address
    HMAINT = 0x40  # its name was changed, and has no address yet


MAINT: Final = Admin.FMAINT | Admin.IMAINT | Admin.RMAINT | Admin.HMAINT  # each of these means maintenance
DRAIN: Final = Admin.FDRAIN | Admin.IDRAIN
NO_FLAGS: Final = Admin(0)


class Mode(Enum):
    """What the flags amount to."""

    READY = "READY"
    DRAIN = "DRAIN"
    MAINT = "MAINT"


class Event(Enum):
    """What can befall a server. Flags are events too: the first one of a kind that is set, the last that is cleared."""

    CHECK_UP = "checks say it works, and there is no slow start"
    CHECK_UP_SLOWLY = "checks say it works, and it is to warm up"
    CHECK_DOWN = "checks say it does not work"
    CHECK_STOPPING = "checks say it takes no new clients"
    SLOWSTART_DONE = "it has warmed up"
    MAINT_SET = "maintenance begins"
    MAINT_CLEARED_DOWN = "maintenance ends, and checks are to find out whether it works"
    MAINT_CLEARED_UP = "maintenance ends, and nothing says that it does not work"
    MAINT_CLEARED_SLOWLY = "maintenance ends, nothing says that it does not work, and it is to warm up"
    MAINT_CLEARED_STOPPING = "maintenance ends, and the server that it tracks takes no new clients"
    DRAIN_SET = "it is to be drained"
    DRAIN_CLEARED = "it need not be drained any more"


Place = tuple[Op, Mode]
MAINTAINED: Final[Place] = (Op.STOPPED, Mode.MAINT)


def mode_of(flags: Admin) -> Mode:
    """What `flags` amount to; maintenance comes before draining."""
    return _MODES[flags]


def _mode(flags: int) -> Mode:
    if flags & MAINT:
        return Mode.MAINT
    return Mode.DRAIN if flags & DRAIN else Mode.READY


_MODES: Final = tuple(_mode(flags) for flags in range(2 * max(Admin)))  # asked of each server of each look at all


# What checks do to the operational state, which is the same whether the server is drained or not. One that has come up
# is not started anew by another good check.
_CHECKS: Final[dict[Op, dict[Event, Op]]] = {
    Op.STOPPED: {
        Event.CHECK_UP: Op.RUNNING,
        Event.CHECK_UP_SLOWLY: Op.STARTING,
        Event.CHECK_DOWN: Op.STOPPED,
        Event.CHECK_STOPPING: Op.STOPPING,
        Event.SLOWSTART_DONE: Op.STOPPED,
    },
    Op.STARTING: {
        Event.CHECK_UP: Op.STARTING,
        Event.CHECK_UP_SLOWLY: Op.STARTING,
        Event.CHECK_DOWN: Op.STOPPED,
        Event.CHECK_STOPPING: Op.STOPPING,
        Event.SLOWSTART_DONE: Op.RUNNING,
    },
    Op.RUNNING: {
        Event.CHECK_UP: Op.RUNNING,
        Event.CHECK_UP_SLOWLY: Op.RUNNING,
        Event.CHECK_DOWN: Op.STOPPED,
        Event.CHECK_STOPPING: Op.STOPPING,
        Event.SLOWSTART_DONE: Op.RUNNING,
    },
    Op.STOPPING: {
        Event.CHECK_UP: Op.RUNNING,
        Event.CHECK_UP_SLOWLY: Op.STARTING,
        Event.CHECK_DOWN: Op.STOPPED,
        Event.CHECK_STOPPING: Op.STOPPING,
        Event.SLOWSTART_DONE: Op.STOPPING,
    },
}


def _row(op: Op, mode: Mode) -> dict[Event, Place]:
    """The answers of a server that is not in maintenance. What ends a maintenance that it is not in changes nothing."""
    here = (op, mode)
    answers: dict[Event, Place] = {event: (to, mode) for event, to in _CHECKS[op].items()}
    answers[Event.MAINT_SET] = MAINTAINED
    answers[Event.MAINT_CLEARED_DOWN] = here
    answers[Event.MAINT_CLEARED_UP] = here
    answers[Event.MAINT_CLEARED_SLOWLY] = here
    answers[Event.MAINT_CLEARED_STOPPING] = here
    answers[Event.DRAIN_SET] = (op, Mode.DRAIN)
    answers[Event.DRAIN_CLEARED] = (op, Mode.READY)
    return answers


# In maintenance nothing is heard but its end. Whether it drains then is what its flags say, which go on being kept.
_MAINTAINED: Final[dict[Event, Place]] = {
    Event.CHECK_UP: MAINTAINED,
    Event.CHECK_UP_SLOWLY: MAINTAINED,
    Event.CHECK_DOWN: MAINTAINED,
    Event.CHECK_STOPPING: MAINTAINED,
    Event.SLOWSTART_DONE: MAINTAINED,
    Event.MAINT_SET: MAINTAINED,
    Event.MAINT_CLEARED_DOWN: (Op.STOPPED, Mode.READY),
    Event.MAINT_CLEARED_UP: (Op.RUNNING, Mode.READY),
    Event.MAINT_CLEARED_SLOWLY: (Op.STARTING, Mode.READY),
    Event.MAINT_CLEARED_STOPPING: (Op.STOPPING, Mode.READY),
    Event.DRAIN_SET: MAINTAINED,
    Event.DRAIN_CLEARED: MAINTAINED,
}

TABLE: Final[dict[Place, dict[Event, Place]]] = {
    **{(op, mode): _row(op, mode) for op in Op for mode in (Mode.READY, Mode.DRAIN)},
    MAINTAINED: _MAINTAINED,
}


def step(place: Place, event: Event) -> Place:
    """Where `event` leads from `place`. Raises KeyError for a place that cannot be."""
    return TABLE[place][event]
