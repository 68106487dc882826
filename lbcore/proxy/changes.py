"""Changes of servers, worked out and applied: what leads to what, in which order, and what is told of it.

All of this is done at the sync point, or before threads start, by `States`, which is the way in for everybody else.
Servers that track another one follow it: each change of its operational state, and its flags as inherited ones.
"""

from __future__ import annotations

import time
from collections.abc import Callable, Iterable
from enum import Enum

from lbcore.event.task import Tasks
from lbcore.proxy import lines
from lbcore.proxy.backend import Backend
from lbcore.proxy.effects import Effects
from lbcore.proxy.health import CheckResult, CheckState
from lbcore.proxy.lines import ALERT, NOTICE
from lbcore.proxy.machine import DRAIN, MAINT, Admin, Event, Mode, Op, mode_of, step
from lbcore.proxy.server import FULL, Server
from lbcore.proxy.statefile import Row
from lbcore.proxy.teller import Teller

WARM_UP_STEPS = 20  # of slow start, at least a second each


class Verdict(Enum):
    """What `set server <s> health` and `set server <s> agent` say, and checks too."""

    UP = "up"
    STOPPING = "stopping"
    DOWN = "down"


class Changes:
    """The deeds of `States`."""

    def __init__(
        self, effects: Effects, teller: Teller, tasks: Tasks, later: Callable[[Callable[[], object]], None]
    ) -> None:
        """`later` has something done at the sync point, when a task of slow start runs."""
        self._effects = effects
        self._teller = teller
        self._tasks = tasks
        self._later = later

    # --- checks ---

    def move(self, server: Server, verdict: Verdict, why: str = "") -> None:
        """Moves a server, and those that track it, as checks said."""
        before = server.op
        was_stopping = before is Op.STOPPING or bool(server.admin & DRAIN)
        if not self._step(server, _event_of(server, verdict)):
            return
        if server.op is Op.STOPPED:
            self._went_down(server, why, NOTICE if was_stopping else ALERT)
        elif server.op is Op.STOPPING:
            self._is_stopping(server, why)
        else:
            self._came_up(server, before, why)
        self._tell_if_drained(server)
        for tracker in server.trackers:
            self.move(tracker, verdict)

    def _step(self, server: Server, event: Event) -> bool:
        """Takes the server where `event` leads it; whether that is somewhere else."""
        op, _mode = step((server.op, server.mode), event)
        if op is server.op:
            return False
        with server.lock:
            server.restart_clock()
            server.op = op
        return True

    def _went_down(self, server: Server, why: str, level: int) -> None:
        had = self._leave(server, shut=True)
        requeued = self._effects.leave(server)
        self._say(server, f"is DOWN{why}{lines.via(server)}{lines.consequences(server, requeued)}", level)
        server.downs += 1
        self._see_backend(server.backend, had)

    def _is_stopping(self, server: Server, why: str) -> None:
        had = self._leave(server, shut=False)
        requeued = self._effects.leave(server)
        self._say(server, f"is stopping{why}{lines.via(server)}{lines.consequences(server, requeued)}")
        self._see_backend(server.backend, had)

    def _came_up(self, server: Server, before: Op, why: str) -> None:
        self._enter(server, warm=before is not Op.STARTING)
        requeued = self._effects.grab(server)
        self._say(server, f"is UP{why}{lines.via(server)}{lines.consequences(server, requeued)}")

    # --- flags ---

    def set(self, server: Server, flag: Admin, cause: str) -> None:
        if server.admin & flag:
            return
        kind = MAINT if flag & MAINT else DRAIN
        before = server.admin
        with server.lock:
            server.admin = before | flag
        if not before & MAINT:
            if flag & MAINT:
                self._enter_maintenance(server, before, cause)
            elif before & DRAIN:
                self._tell_if_drained(server)
            else:
                self._enter_drain(server, cause)
        if before & kind:
            return
        for tracker in server.trackers:
            self.set(tracker, Admin.IMAINT if kind is MAINT else Admin.IDRAIN, cause)

    def clear(self, server: Server, flag: Admin) -> None:
        if not server.admin & flag:
            return
        kind = MAINT if flag & MAINT else DRAIN
        place = (server.op, server.mode)
        with server.lock:
            server.admin &= ~flag
        if kind is MAINT:
            self._lose_maintenance(server, flag, place)
        elif not server.admin & MAINT:
            self._lose_drain(server)
        if server.admin & kind:
            return
        for tracker in server.trackers:
            self.clear(tracker, Admin.IMAINT if kind is MAINT else Admin.IDRAIN)

    def _enter_maintenance(self, server: Server, before: Admin, cause: str) -> None:
        self.pause(server)
        forced = bool(server.admin & Admin.FMAINT)
        follows = "" if forced else lines.via(server)
        if server.op is Op.STOPPED:
            self._say(server, f"was DOWN and now enters maintenance{lines.because(cause)}{follows}")
            self._effects.apply(server)
            return
        level = NOTICE if server.op is Op.STOPPING or before & DRAIN else ALERT
        with server.lock:
            server.restart_clock()
            server.op, _mode = step((server.op, mode_of(before)), Event.MAINT_SET)
        had = self._leave(server, shut=True)
        requeued = self._effects.leave(server)
        text = f"is going DOWN for maintenance{lines.because(cause)}{follows}{lines.consequences(server, requeued)}"
        self._say(server, text, level)
        server.downs += 1
        self._see_backend(server.backend, had)

    @staticmethod
    def pause(server: Server) -> None:
        """No checks in maintenance."""
        with server.lock:
            for check in _resting(server):
                check.paused = True
            if server.check is not None:
                server.check.health = 0

    def _lose_maintenance(self, server: Server, flag: Admin, place: tuple[Op, Mode]) -> None:
        if server.admin & MAINT:
            self._say(server, lines.still_maintained(server, flag))
            return
        with server.lock:
            for check in _resting(server):
                check.paused = False
            if server.check is not None:
                server.check.begin(server.settings.init_state)  # and it is checked at once
            server.restart_clock()
            server.op, _mode = step(place, self._way_out(server))
        self._enter(server, warm=True)
        self._say(server, lines.left_maintenance(server, flag))
        self._effects.grab(server)
        self._tell_if_drained(server)
        for check in _resting(server):
            check.hurry(0)

    @staticmethod
    def _way_out(server: Server) -> Event:
        """How a server leaves maintenance: nothing that is known of it may say that it does not work."""
        leader = server.tracks
        if (leader is not None and leader.op is Op.STOPPED) or not passes(server):
            return Event.MAINT_CLEARED_DOWN
        if leader is not None and leader.op is Op.STOPPING:
            return Event.MAINT_CLEARED_STOPPING
        return Event.MAINT_CLEARED_SLOWLY if server.slowstart else Event.MAINT_CLEARED_UP

    def _enter_drain(self, server: Server, cause: str) -> None:
        with server.lock:
            server.restart_clock()
        had = self._leave(server, shut=False)
        requeued = self._effects.leave(server)
        follows = "" if server.admin & Admin.FDRAIN else lines.via(server)
        told = f"enters drain state{lines.because(cause)}{follows}{lines.consequences(server, requeued)}"
        self._say(server, told)
        self._see_backend(server.backend, had)

    def _lose_drain(self, server: Server) -> None:
        if server.admin & DRAIN:
            self._tell_if_drained(server)
            return
        with server.lock:
            server.restart_clock()
        self._enter(server, warm=False)
        self._say(server, f"is {'DOWN' if server.op is Op.STOPPED else 'UP'} (leaving forced drain)")
        self._effects.grab(server)

    # --- weights and slow start ---

    def set_weight(self, server: Server, weight: int) -> None:
        if weight == server.uweight:
            return
        had = server.backend.has_servers
        with server.lock:
            server.uweight = weight
        self._effects.apply(server)
        self._effects.grab(server)
        self._see_backend(server.backend, had)
        self._tell_if_drained(server)

    def _warm_up(self, server: Server) -> None:
        """The next step of slow start."""
        if server.op is not Op.STARTING:
            return
        if server.seconds_in_state >= server.slowstart:
            self._warmed(server)
            return
        self._effects.throttle(server)
        self._effects.apply(server)
        self._effects.grab(server)
        self._warm_later(server)

    def _warmed(self, server: Server) -> None:
        before = server.op
        if self._step(server, Event.SLOWSTART_DONE):
            self._came_up(server, before, "")
            self._tell_if_drained(server)

    def _warm_later(self, server: Server) -> None:
        if server.warmer is None:
            server.warmer = self._tasks.add(lambda _why: self._later(lambda: self._warm_up(server)))
        server.warmer.schedule_at(max(1000, server.slowstart * 1000 // WARM_UP_STEPS))

    # --- the beginning ---

    def begin(self, server: Server) -> None:
        """What a server is taken for before anything is known of it, and those that track it. Nobody is told. Before
        threads start."""
        if server.mode is Mode.MAINT or server.check is None:
            return
        server.check.begin(server.settings.init_state)
        if not server.check.passing:
            self._begin_down(server)

    def _begin_down(self, server: Server) -> None:
        if server.mode is not Mode.MAINT:
            server.op = Op.STOPPED
            self._effects.apply(server)
        for tracker in server.trackers:
            self._begin_down(tracker)

    def restore(self, server: Server, row: Row) -> None:
        """Puts a server where a state file had it. Before threads start.

        A server that the configuration has disabled stays so, unless somebody had put it in service at run time; one
        that it no longer disables is in service. The weight is taken over where the configured one is still the same.
        """
        if row.iweight == server.settings.weight:
            server.uweight = row.uweight
        if server.admin & Admin.CMAINT:
            if row.admin & Admin.CMAINT and not row.admin & Admin.FMAINT:
                self.clear(server, Admin.FMAINT)
        else:
            self._restore_state(server, row)
        if server.check is not None and server.mode is not Mode.MAINT:
            server.check.last = CheckResult(row.status, outcome_is=row.outcome)
            server.check.health = 0 if row.op is Op.STOPPED else server.check.top
        server.changed = time.monotonic() - max(0, row.seconds)
        self._effects.configure(server)

    def _restore_state(self, server: Server, row: Row) -> None:
        if row.op is Op.STOPPED:
            self.move(server, Verdict.DOWN, lines.BY_STATE_FILE)
        elif row.op is Op.STOPPING:
            self.move(server, Verdict.STOPPING, lines.BY_STATE_FILE)
        if row.admin & Admin.FMAINT and not row.admin & Admin.CMAINT:
            self._silently(server, Admin.FMAINT)
        elif row.admin & Admin.FDRAIN:
            self._silently(server, Admin.FDRAIN)
            self._tell_if_drained(server)

    def _silently(self, server: Server, flag: Admin) -> None:
        """Sets a flag that was told of before the restart, and has those that track the server inherit it."""
        before = server.mode
        server.admin |= flag
        if server.mode is Mode.MAINT:
            server.op, _mode = step((server.op, before), Event.MAINT_SET)
            self.pause(server)
        self._effects.apply(server)
        for tracker in server.trackers:
            self._silently(tracker, Admin.IMAINT if flag & MAINT else Admin.IDRAIN)

    # --- what happens below ---

    def _leave(self, server: Server, *, shut: bool) -> bool:
        """The algorithm forgets the server; its idle connections go, and (`shut`) its streams if it is configured so.
        Whether the backend had servers before."""
        had = server.backend.has_servers
        server.steps = FULL
        self._effects.apply(server)
        if shut:
            self._effects.end(server, "D" if server.settings.on_marked_down else "")
        return had

    def _enter(self, server: Server, *, warm: bool) -> None:
        """The algorithm gets the server back, as its state allows."""
        backend = server.backend
        had = backend.has_servers
        if server.op is not Op.STARTING:
            server.steps = FULL
        elif warm:
            self._effects.throttle(server)
            self._warm_later(server)
        self._effects.apply(server)
        if not had and backend.has_servers:
            backend.came_back()
        if server.settings.on_marked_up and not server.backup and server.gets_streams:
            for other in backend.servers:
                if other.backup:
                    self._effects.end(other, "U")

    def _see_backend(self, backend: Backend, had: bool) -> None:
        if had and not backend.has_servers:
            backend.went_down()
            self._teller.add(lines.no_server(backend))

    def _tell_if_drained(self, server: Server) -> None:
        if server.mode is Mode.DRAIN:
            self._say(server, lines.still_drained(server))

    def _say(self, server: Server, text: str, level: int = NOTICE) -> None:
        self._teller.add(lines.line(server, text, level=level))


def checks_of(server: Server) -> Iterable[CheckState]:
    return (check for check in (server.check, server.agent) if check is not None)


def _resting(server: Server) -> Iterable[CheckState]:
    """Those that rest in maintenance. An agent goes on: nobody else could say that it is over ("ready")."""
    return () if server.check is None else (server.check,)


def passes(server: Server) -> bool:
    """Whether no check that is made says that the server does not work."""
    return all(check.passing for check in checks_of(server) if check.enabled)


def _event_of(server: Server, verdict: Verdict) -> Event:
    if verdict is Verdict.DOWN:
        return Event.CHECK_DOWN
    if verdict is Verdict.STOPPING:
        return Event.CHECK_STOPPING
    return Event.CHECK_UP_SLOWLY if server.slowstart else Event.CHECK_UP
