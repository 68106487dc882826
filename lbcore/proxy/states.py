"""Everything that changes a server goes through here: once applied, once logged, once counted.

    states.report(server, server.check, result)     what a check found
    states.admin(server, on=Admin.FMAINT)           what people and agents want
    states.health(...) states.weight(...) ...       `set server` of the stats socket

Any thread may call, holding no lock. What changes no state, as nearly every result of a check, is noted under the
server's lock. A change is worked out and applied while all threads stand still (`Crew.together`); many reports of one
turn share a meeting. Calls other than `report` return when the change is there to be seen. Lines are written after the
meeting, in the order of the changes.

Servers that track another one follow it: each change of its operational state, and its flags as inherited ones.
"""

from __future__ import annotations

from collections import deque
from collections.abc import Callable, Iterable
from enum import Enum
from typing import Any

from lbcore.base.address import Address
from lbcore.event.crew import Crew
from lbcore.event.worker import Worker
from lbcore.proxy import lines
from lbcore.proxy.backend import Backend
from lbcore.proxy.effects import Effects
from lbcore.proxy.health import CheckResult, CheckState, CheckStatus, Outcome, Turn
from lbcore.proxy.lines import ALERT, NOTICE, Line
from lbcore.proxy.machine import DRAIN, MAINT, NO_FLAGS, Admin, Event, Mode, Op, mode_of, step
from lbcore.proxy.server import FULL, Server
from lbcore.proxy.settings import Observe, OnError, ServerSettings
from lbcore.proxy.teller import Teller
from lbcore.proxy.weights import WEIGHT_MAX
from lbcore.shim import lib

SEEN = {
    lib.SEEN_L4_OK: "L4 successful connection",
    lib.SEEN_L4_ERR: "L4 unsuccessful connection",
    lib.SEEN_HTTP_OK: "Correct http response",
    lib.SEEN_HTTP_STATUS: "Wrong http response",
    lib.SEEN_HTTP_HEAD: "Invalid http response (headers)",
    lib.SEEN_HTTP_BODY: "Invalid http response",
    lib.SEEN_HTTP_READ: "Read error (http)",
    lib.SEEN_HTTP_TIMEOUT: "Read timeout (http)",
    lib.SEEN_HTTP_CLOSE: "Close from server (http)",
}
WARM_UP_STEPS = 20  # of slow start, at least a second each


class Verdict(Enum):
    """What `set server <s> health` and `set server <s> agent` say."""

    UP = "up"
    STOPPING = "stopping"
    DOWN = "down"


class States:
    """The states of all servers of one balancer."""

    def __init__(self, crew: Crew, tell: Callable[[Line], None], backends: Iterable[Backend]) -> None:
        """`backends` are all of them. `tell` writes a line where it belongs; it is called by one thread at a time."""
        self._crew = crew
        self._backends = {backend.settings.name: backend for backend in backends}
        self._effects = Effects(crew.engine)
        self._teller = Teller(crew, tell)
        self._reports: deque[Callable[[], None]] = deque()
        # Called at the sync point with each server that comes and goes while threads run.
        self.joined: list[Callable[[Server], object]] = []
        self.left: list[Callable[[Server], object]] = []
        self._requested = False  # a meeting will take them; cleared before it looks

    # --- what is called from outside ---

    def report(self, server: Server, check: CheckState, result: CheckResult) -> None:
        """Counts what a check of `server` found: `check` is `server.check` or `server.agent`. Returns at once; a change
        of state follows soon. Results that come while `check` is not due change nothing."""
        with server.lock:
            if not check.due:
                return
            before = check.last
            turn, moved = check.count(result)
        if server.settings.observe is not Observe.NONE and result.outcome in (Outcome.PASSED, Outcome.CONDPASS):
            server.forget_errors()
        loud = "log-health-checks" in server.backend.settings.options
        if loud and (moved or result.status is not before.status):
            self._teller.add(lines.checked(server, check, result))
        if turn is not Turn.NONE and self._matters(server, check, turn):
            self._meet_soon(lambda: self._checked(server, check, turn, "" if loud else result.describe()))
        self._teller.later()

    def admin(self, server: Server, *, on: Admin = NO_FLAGS, off: Admin = NO_FLAGS, cause: str = "") -> None:
        """Sets the flags `on`, clears `off`; `cause` stands in the log line in parentheses. Tracking ones inherit."""

        def work() -> None:
            for flag in on:
                self._set(server, flag, cause)
            for flag in off:
                self._clear(server, flag)

        self._now(work)

    def health(self, server: Server, verdict: Verdict) -> None:
        """Forces what checks say: `set server health`. Raises ValueError for a server that tracks another one."""
        if server.tracks is not None:
            raise ValueError("cannot change health on a tracking server.")

        def work() -> None:
            check = server.check
            if check is not None:
                check.health = 0 if verdict is Verdict.DOWN else check.top
            self._obey(server, verdict)

        self._now(work)

    def agent(self, server: Server, verdict: Verdict) -> None:
        """Forces what the agent says, UP or DOWN: `set server agent`. Raises ValueError for a server without one."""
        agent = server.agent
        if agent is None or not agent.enabled:
            raise ValueError("agent checks are not enabled on this server.")

        def work() -> None:
            agent.health = agent.top if verdict is Verdict.UP else 0
            self._obey(server, verdict)

        self._now(work)

    def checking(self, server: Server, check: CheckState, *, on: bool) -> None:
        """Goes on with checks, or leaves off. `check` is `server.check` or `server.agent`; what it said last holds."""
        with server.lock:
            check.enabled = on
        if on:
            check.hurry(0)

    def weight(self, server: Server, weight: int) -> None:
        """Sets the weight in units of the configuration, 0 to 256; 0 lets only its own clients through.

        Raises ValueError in the words of the stats socket, also where the algorithm's weights cannot change.
        """
        if not 0 <= weight <= WEIGHT_MAX:
            raise ValueError("Absolute weight can only be between 0 and 256 inclusive.")
        if weight not in (0, server.settings.weight) and not self._effects.is_dynamic(server.backend):
            raise ValueError("Backend is using a static LB algorithm and only accepts weights '0%' and '100%'.")
        self._now(lambda: self._set_weight(server, weight))

    def maxconn(self, server: Server, maxconn: int) -> None:
        """Sets the limit of connections, 0: none. Those who wait are served if there is room now."""

        def work() -> None:
            server.settings.maxconn = maxconn
            self._effects.apply(server)
            self._effects.grab(server)

        self._now(work)

    def address(self, server: Server, address: Address) -> None:
        """Sets where it is reached from now on. Idle connections are closed, streams go on where they are."""

        def work() -> None:
            server.settings.address = address
            self._effects.configure(server)
            self._effects.end(server, "")

        self._now(work)

    def add(self, backend: Backend, settings: ServerSettings) -> Server:
        """Adds a server to a backend, in maintenance, and returns it. Its name must be new there.

        Raises ValueError in the words of the stats socket, OSError for an address that cannot be used.
        """
        made: list[Server] = []

        def work() -> None:
            if settings.name in backend.by_name:
                raise ValueError("Already exists a server with the same name in backend.")
            settings.disabled = True
            server = backend.add(settings)
            self._begin(server)
            for tell in self.joined:
                tell(server)
            made.append(server)

        self._now(work)
        return made[0]

    def remove(self, server: Server) -> None:
        """Removes a server that is in maintenance and that nobody uses or follows.

        Raises ValueError in the words of the stats socket.
        """

        def work() -> None:
            if server.trackers:
                raise ValueError(
                    "This server cannot be removed at runtime due to other configuration elements pointing to it."
                )
            if server.mode is not Mode.MAINT:
                raise ValueError("Only servers in maintenance mode can be deleted.")
            try:
                server.backend.remove(server)
            except OSError:
                raise ValueError("Server still has connections attached to it, cannot remove it.") from None
            if server.tracks is not None:
                server.tracks.trackers.remove(server)
            for tell in self.left:
                tell(server)

        self._now(work)

    def shutdown_sessions(self, server: Server) -> None:
        """Ends all its streams."""
        self._now(lambda: self._effects.end(server, "K"))

    def errors_seen(self, server: Server, seen: str, count: int) -> None:
        """`observe` has seen `count` errors in a row, the last of which was `seen`: does what `on-error` says.

        Nothing follows where checks are not made: they alone could bring the server back.
        """
        check, deed = server.check, server.settings.on_error
        if check is None or not check.due:
            return
        with server.lock:
            server.observed = (server.observed or 0) + 1
            if deed is OnError.SUDDEN_DEATH and check.passing:
                check.health = min(check.health, check.rise + 1)
            elif deed is OnError.MARK_DOWN:
                check.health = check.rise
        if deed is not OnError.FASTINTER:
            info = f"Detected {count} consecutive errors, last one was: {seen}"
            self.report(server, check, CheckResult(CheckStatus.HANA, info=info))
        if check.fastinter:
            check.hurry(check.fastinter)

    def start(self) -> None:
        """Lines are written by workers from now on. Before the threads start."""
        for backend in self._backends.values():
            for server in backend.servers:
                self._begin(server)
        self._teller.start()
        self._crew.handlers[lib.EV_ERRORS] = self._take_errors

    def find(self, name: str) -> Server:
        """The server called `<backend>/<server>`. Raises KeyError."""
        backend, _, own = name.partition("/")
        return self._backends[backend].by_name[own]

    def _take_errors(self, _worker: Worker, event: Any) -> None:
        server = next((one for backend in self._backends.values() for one in backend.servers
                       if one.index == event.handle), None)  # fmt: skip
        if server is not None:
            self.errors_seen(server, SEEN[event.arg], event.len)

    # --- meetings ---

    def _meet_soon(self, work: Callable[[], None]) -> None:
        self._reports.append(work)
        if not self._requested:
            self._requested = True
            self._crew.sync.request(self._take_reports)

    def _now(self, work: Callable[[], object]) -> None:
        self._crew.together(work)
        self._teller.flush()

    def _take_reports(self) -> None:
        """All that were made until now."""
        self._requested = False
        while self._reports:
            self._reports.popleft()()
        self._teller.later()

    # --- the beginning ---

    def _begin(self, server: Server) -> None:
        """Its state before anything has happened: as the configuration says, or as the server that it tracks."""
        track = server.settings.track
        if track is not None:
            leader = self.find(track if "/" in track else f"{server.backend.settings.name}/{track}")
            server.tracks = leader
            leader.trackers.append(server)
        if server.mode is Mode.MAINT:
            self._pause(server)
        self._effects.apply(server)

    # --- checks ---

    @staticmethod
    def _matters(server: Server, check: CheckState, turn: Turn) -> bool:
        """Whether a server that stands as it does would be moved."""
        if turn is Turn.DOWN:
            return server.op is not Op.STOPPED
        leader = server.tracks
        if server.mode is Mode.MAINT or not _passes(server) or (leader is not None and leader.op is Op.STOPPED):
            return False
        if turn is Turn.UP:
            return server.op is Op.STOPPED or (server.op is Op.STOPPING and not check.agent)
        return server.op is not Op.STOPPING and not check.agent

    def _checked(self, server: Server, check: CheckState, turn: Turn, why: str) -> None:
        if not self._matters(server, check, turn):
            return
        if turn is Turn.DOWN:
            self._move(server, Verdict.DOWN, why)
        elif turn is Turn.UP:
            self._move(server, Verdict.UP, why)
        else:
            self._move(server, Verdict.STOPPING, why)

    def _obey(self, server: Server, verdict: Verdict) -> None:
        self._move(server, verdict, lines.BY_COMMAND)

    def _move(self, server: Server, verdict: Verdict, why: str = "") -> None:
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
            self._move(tracker, verdict)

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

    def _set(self, server: Server, flag: Admin, cause: str) -> None:
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
            self._set(tracker, Admin.IMAINT if kind is MAINT else Admin.IDRAIN, cause)

    def _clear(self, server: Server, flag: Admin) -> None:
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
            self._clear(tracker, Admin.IMAINT if kind is MAINT else Admin.IDRAIN)

    def _enter_maintenance(self, server: Server, before: Admin, cause: str) -> None:
        self._pause(server)
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
    def _pause(server: Server) -> None:
        """No checks in maintenance."""
        with server.lock:
            for check in _checks(server):
                check.paused = True
            if server.check is not None:
                server.check.health = 0

    def _lose_maintenance(self, server: Server, flag: Admin, place: tuple[Op, Mode]) -> None:
        if server.admin & MAINT:
            self._say(server, lines.still_maintained(server, flag))
            return
        with server.lock:
            for check in _checks(server):
                check.paused = False
            if server.check is not None:
                server.check.health = server.check.rise  # up, and checked at once
            server.restart_clock()
            server.op, _mode = step(place, self._way_out(server))
        self._enter(server, warm=True)
        self._say(server, lines.left_maintenance(server, flag))
        self._effects.grab(server)
        self._tell_if_drained(server)
        for check in _checks(server):
            check.hurry(0)

    @staticmethod
    def _way_out(server: Server) -> Event:
        """How a server leaves maintenance: nothing that is known of it may say that it does not work."""
        leader = server.tracks
        if (leader is not None and leader.op is Op.STOPPED) or not _passes(server):
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

    def _set_weight(self, server: Server, weight: int) -> None:
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
            server.warmer = self._crew.tasks.add(lambda _why: self._now(lambda: self._warm_up(server)))
        server.warmer.schedule_at(max(1000, server.slowstart * 1000 // WARM_UP_STEPS))

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


def _checks(server: Server) -> Iterable[CheckState]:
    return (check for check in (server.check, server.agent) if check is not None)


def _passes(server: Server) -> bool:
    """Whether no check that is made says that the server does not work."""
    return all(check.passing for check in _checks(server) if check.enabled)


def _event_of(server: Server, verdict: Verdict) -> Event:
    if verdict is Verdict.DOWN:
        return Event.CHECK_DOWN
    if verdict is Verdict.STOPPING:
        return Event.CHECK_STOPPING
    return Event.CHECK_UP_SLOWLY if server.slowstart else Event.CHECK_UP
