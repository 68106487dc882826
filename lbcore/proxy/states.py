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

import threading
from collections import deque
from collections.abc import Callable, Iterable
from dataclasses import replace
from typing import Any

from lbcore.base.address import Address
from lbcore.event.crew import Crew
from lbcore.event.worker import Worker
from lbcore.proxy import lines
from lbcore.proxy.backend import Backend
from lbcore.proxy.changes import Changes, Verdict, passes
from lbcore.proxy.effects import Effects
from lbcore.proxy.health import CheckResult, CheckState, CheckStatus, Outcome, Turn
from lbcore.proxy.lines import Line
from lbcore.proxy.machine import NO_FLAGS, Admin, Mode, Op
from lbcore.proxy.server import Server
from lbcore.proxy.settings import Observe, OnError, ServerSettings
from lbcore.proxy.statefile import Row
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


class States:
    """The states of all servers of one balancer."""

    def __init__(self, crew: Crew, tell: Callable[[Line], None], backends: Iterable[Backend]) -> None:
        """`backends` are all of them. `tell` writes a line where it belongs; it is called by one thread at a time."""
        self._crew = crew
        self._backends = {backend.settings.name: backend for backend in backends}
        self._effects = Effects(crew.engine)
        self._teller = Teller(crew, tell)
        self._changes = Changes(self._effects, self._teller, crew.tasks, self._now)
        self._reports: deque[Callable[[], None]] = deque()
        # Called at the sync point with what a server is to be, before it comes; raise ValueError if it may not.
        self.joining: list[Callable[[ServerSettings], object]] = []
        # Called there with each server that comes and goes while threads run.
        self.joined: list[Callable[[Server], object]] = []
        self.left: list[Callable[[Server], object]] = []
        self.moved: list[Callable[[Server], object]] = []  # and with each that gets another address
        self._requested = False  # a meeting will take them; under _requesting, cleared before it looks
        self._requesting = threading.Lock()  # for no more than that

    # --- what is called from outside ---

    def report(self, server: Server, check: CheckState, result: CheckResult) -> None:
        """Counts what a check of `server` found: `check` is `server.check` or `server.agent`. Returns at once; a change
        of state follows soon. Results that come while `check` is not due change nothing."""
        if self._is_more_of_the_same(server, check, result):
            check.last = result  # one step, and nothing depends on it
            return
        with server.lock:
            if not check.due:
                return
            before = check.last
            turn, moved = check.count(result)
        if server.settings.observe is not Observe.NONE and result.outcome in (Outcome.PASSED, Outcome.CONDPASS):
            server.forget_errors()
        loud = "log-health-checks" in server.backend.settings.options
        tells = result.outcome is not Outcome.NEUTRAL
        if loud and tells and (moved or result.status is not before.status):
            self._teller.add(lines.checked(server, check, result))
        if turn is not Turn.NONE and self._matters(server, check, turn):
            self._meet_soon(lambda: self._checked(server, check, turn, "" if loud else result.describe()))
        self._teller.later()

    def admin(self, server: Server, *, on: Admin = NO_FLAGS, off: Admin = NO_FLAGS, cause: str = "") -> None:
        """Sets the flags `on`, clears `off`; `cause` stands in the log line in parentheses. Tracking ones inherit."""

        def work() -> None:
            for flag in on:
                self._changes.set(server, flag, cause)
            for flag in off:
                self._changes.clear(server, flag)

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

    def checking(self, server: Server, check: CheckState, wanted: bool) -> None:
        """Has checks of one kind be made, or not: `enable health`, `disable agent`. What they found stays."""
        with server.lock:
            check.enabled = wanted
        if check.due and server.mode is not Mode.MAINT:
            check.hurry(0)

    def check_address(self, server: Server, *, addr: Address | None = None, port: int | None = None) -> None:
        """Has health checks go to another address or port; what is None stays. The agent's stays where it was."""

        def work() -> None:
            settings, options = server.settings, server.settings.check_options
            if not settings.agent_apart:
                agent, port_too = settings.agent_options, settings.agent_check is None
                own = replace(agent, addr=agent.addr or options.addr, port=agent.port or options.port * port_too)
                settings.agent_options, settings.agent_apart = own, True
            changed = replace(options, addr=addr or options.addr, port=options.port if port is None else port)
            settings.check_options = changed
            if server.check is not None:
                server.check.retarget(changed.addr, changed.port)

        self._now(work)

    def agent_address(self, server: Server, *, addr: Address | None = None, port: int | None = None) -> None:
        """Has the agent be asked at another address or port; what is None stays."""

        def work() -> None:
            options = server.settings.agent_options
            changed = replace(options, addr=addr or options.addr, port=options.port if port is None else port)
            server.settings.agent_options = changed
            if server.agent is not None:
                server.agent.retarget(changed.addr, changed.port)

        self._now(work)

    def agent_text(self, server: Server, text: str) -> None:
        """Has the agent be told another text at first, "": none. One character a byte."""

        def work() -> None:
            server.settings.agent_options = replace(server.settings.agent_options, send=text)
            if server.agent is not None:
                server.agent.say(text)

        self._now(work)

    def weight(self, server: Server, weight: int) -> None:
        """Sets the weight in units of the configuration, 0 to 256; 0 lets only its own clients through.

        Raises ValueError in the words of the stats socket, also where the algorithm's weights cannot change.
        """
        if not 0 <= weight <= WEIGHT_MAX:
            raise ValueError("Absolute weight can only be between 0 and 256 inclusive.")
        if weight not in (0, server.settings.weight) and not self._effects.is_dynamic(server.backend):
            raise ValueError("Backend is using a static LB algorithm and only accepts weights '0%' and '100%'.")
        self._now(lambda: self._changes.set_weight(server, weight))

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
            self._effects.move(server)
            for tell in self.moved:
                tell(server)

        self._now(work)

    def add(self, backend: Backend, settings: ServerSettings) -> Server:
        """Adds a server to a backend, in maintenance, and returns it. Its name must be new there.

        Raises ValueError in the words of the stats socket, OSError for an address that cannot be used.
        """
        made: list[Server] = []

        def work() -> None:
            if settings.name in backend.by_name:
                raise ValueError("Already exists a server with the same name in backend.")
            if settings.tells_of_streams:  # formats are made into functions when a balancer is built
                raise ValueError("What its PROXY headers tell of streams can only be configured.")
            if settings.sees_a_field:
                raise ValueError("'usesrc hdr_ip' can only be configured.")
            if settings.pool_conn_name is not None:
                raise ValueError("'pool-conn-name' can only be configured.")
            self._check_id(backend, settings)
            self._check_track(backend, settings)
            for look in self.joining:
                look(settings)
            settings.disabled = True
            server = backend.add(settings)
            server.added = True
            server.admin = Admin.FMAINT  # and not CMAINT: the configuration says nothing of it
            self._begin(server)
            for tell in self.joined:
                tell(server)
            made.append(server)

        self._now(work)
        return made[0]

    @staticmethod
    def _check_id(backend: Backend, settings: ServerSettings) -> None:
        """Raises ValueError if another server of the backend has the `id` that a line asks for."""
        other = next((one for one in backend.servers if settings.forced_id and one.sid == settings.id), None)
        if other is not None:
            at = f" at {other.settings.where}" if other.settings.where else ""
            raise ValueError(f"'id' : custom id {settings.id} already used{at} ('server {other.name}').")

    def _check_track(self, backend: Backend, settings: ServerSettings) -> None:
        """Raises ValueError if a server to be added can't track the one that its line names."""
        if settings.track is None:
            return
        if settings.check is not None or settings.agent_check is not None:
            raise ValueError("unable to enable checks and tracking at the same time!")
        home, _, own = settings.track.rpartition("/")
        found = self._backends.get(home) if home else backend
        if found is None:
            raise ValueError(f"unable to find required proxy '{home}' for tracking.")
        leader = found.by_name.get(own)
        if leader is None:
            raise ValueError(f"unable to find required server '{own}' for tracking.")
        if leader.added:
            raise ValueError(f"unable to use {leader.label} for tracking as it is a dynamic server.")
        if leader.check is None and leader.agent is None and leader.tracks is None:
            raise ValueError(
                f"unable to use {leader.label} for tracking as it does not have any check nor agent enabled."
            )

    @staticmethod
    def removable(server: Server) -> bool:
        """Whether `remove` would do it now, or would not yet: somebody still uses it.

        Raises ValueError, in the words of the stats socket, if it never would.
        """
        if server.pinned:
            raise ValueError(
                "This server cannot be removed at runtime due to other configuration elements pointing to it."
            )
        if server.mode is not Mode.MAINT:
            raise ValueError("Only servers in maintenance mode can be deleted.")
        return not (server.cur_sess or server.used or server.idle or server.queue)

    def remove(self, server: Server) -> None:
        """Removes a server that is in maintenance and that nobody uses or follows.

        Raises ValueError in the words of the stats socket.
        """

        def work() -> None:
            self.removable(server)
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
        for backend in self._backends.values():
            for server in backend.servers:
                self._changes.begin(server)
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
        with self._requesting:
            self._reports.append(work)
            first, self._requested = not self._requested, True
        if first:
            self._crew.sync.request(self._take_reports)

    def _now(self, work: Callable[[], object]) -> None:
        self._crew.together(work)
        self._teller.flush()

    def _take_reports(self) -> None:
        """All that were made until now."""
        with self._requesting:
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
            leader.trackers.insert(0, server)  # the last one is told first
            leader.pinned = True
        if server.mode is Mode.MAINT:
            self._changes.pause(server)
        self._effects.apply(server)

    def restore(self, server: Server, row: Row) -> None:
        """Puts a server where a state file had it. Before threads start."""
        self._changes.restore(server, row)
        self._teller.later()

    # --- checks ---

    @staticmethod
    def _is_more_of_the_same(server: Server, check: CheckState, result: CheckResult) -> bool:
        """Whether a server that works passes once more: so end nearly all checks, which therefore take no lock."""
        return (
            check.health == check.top
            and result.status is check.last.status
            and result.outcome is Outcome.PASSED
            and server.settings.observe is Observe.NONE
            and server.op is Op.RUNNING
            and not server.admin
            and check.due
        )

    @staticmethod
    def _matters(server: Server, check: CheckState, turn: Turn) -> bool:
        """Whether a server that stands as it does would be moved."""
        if turn is Turn.DOWN:
            return server.op is not Op.STOPPED
        leader = server.tracks
        if server.mode is Mode.MAINT or not passes(server) or (leader is not None and leader.op is Op.STOPPED):
            return False
        if turn is Turn.UP:
            return server.op is Op.STOPPED or (server.op is Op.STOPPING and not check.agent)
        return server.op is not Op.STOPPING and not check.agent

    def _checked(self, server: Server, check: CheckState, turn: Turn, why: str) -> None:
        if not self._matters(server, check, turn):
            return
        if turn is Turn.DOWN:
            self._changes.move(server, Verdict.DOWN, why)
        elif turn is Turn.UP:
            self._changes.move(server, Verdict.UP, why)
        else:
            self._changes.move(server, Verdict.STOPPING, why)

    def _obey(self, server: Server, verdict: Verdict) -> None:
        self._changes.move(server, verdict, lines.BY_COMMAND)
