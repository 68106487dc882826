"""The library: a balancer inside of a Python process.

    with lbcore.LoadBalancer(config_text) as lb:
        urllib.request.urlopen(lb.url("web"))

It never touches signals, the umask, the working directory or the root logger of its host. Several live side by side,
and each may be started and stopped in any thread, once. What a closed one is asked about its traffic is a RuntimeError.
"""

from __future__ import annotations

import socket
import threading
import time
from collections.abc import Callable, Iterator
from dataclasses import replace
from types import TracebackType
from typing import TYPE_CHECKING, Self

from lbcore.base.address import Address
from lbcore.base.diag import ConfigError, Diagnostic, Diagnostics, Severity
from lbcore.cfg.check import has_listener
from lbcore.cfg.kw_cookie import dynamic_cookie
from lbcore.cfg.loader import load
from lbcore.cli import registry
from lbcore.cli.applet import CliSockets
from lbcore.cli.registry import Registry
from lbcore.conn.applet import Applets
from lbcore.conn.settings import BindSettings
from lbcore.event.crew import Crew, print_error
from lbcore.event.engine import Engine, fd_limit
from lbcore.event.worker import Worker
from lbcore.facts import Facts
from lbcore.proxy.control import Control
from lbcore.proxy.dyncookie import DynamicCookies
from lbcore.proxy.engine_settings import engine_settings
from lbcore.proxy.frontend import Frontend, Listener
from lbcore.proxy.fullconn import default_fullconn
from lbcore.proxy.guid import find_guid
from lbcore.proxy.lines import Line
from lbcore.proxy.pipes import pipes
from lbcore.proxy.plain import is_plain
from lbcore.proxy.proxy import Proxy
from lbcore.proxy.server import Server
from lbcore.proxy.settings import ProxySettings, ServerSettings, Settings, Timeouts
from lbcore.proxy.sighup import proxy_state, server_states, stopped_line, switched_line
from lbcore.proxy.states import States
from lbcore.sample.build import Build, BuildError
from lbcore.shim import lib

if TYPE_CHECKING:
    from lbcore.check.checks import Checks
    from lbcore.event.profile import Profile
    from lbcore.peers.peers import Peers
    from lbcore.stream.decisions import Decisions
    from lbcore.stream.world import World
    from lbcore.table.peering import PeersSettings
    from lbcore.table.tables import Tables

CONFIG_NAME = "<config>"  # the file name of a configuration given as text
CLI_PROXY = "GLOBAL"  # HAProxy's name for the proxy behind the stats sockets
STOP_TIMEOUT = 10.0  # seconds after which close() gives up on a thread that does not end
FDS_PER_CONNECTION = 2
FDS_KEPT = 64  # descriptors that are not for connections: pollers, listeners, logs, the host's own
NOTICE, WARNING = 5, 4


class LoadBalancer:
    """One balancer, from its configuration to its end.

    The usual way is a `with` block, or `start()` and `close()`. What the program needs besides, `bind()` before
    `start()`, signals' deeds, is public too.
    """

    def __init__(self, config: str, *, env: dict[str, str] | None = None) -> None:
        """Reads a configuration in HAProxy's language. Nothing is opened yet.

        `env` is what `"$NAME"` in it means, None: the environment of the process. Raises ConfigError, whose
        `diagnostics` has all that is wrong.
        """
        settings, diagnostics = load([(CONFIG_NAME, config)], env=env)
        if not diagnostics.errors and not has_listener(settings):
            diagnostics.add(Diagnostic(Severity.ALERT, "config : no listener: nothing to accept connections on."))
        if diagnostics.errors:
            raise ConfigError(diagnostics)
        self._init(settings, diagnostics)

    @classmethod
    def from_settings(cls, settings: Settings, diagnostics: Diagnostics | None = None) -> LoadBalancer:
        """A balancer from typed settings, checked already."""
        self = cls.__new__(cls)
        self._init(settings, diagnostics or Diagnostics())
        return self

    def _init(self, settings: Settings, diagnostics: Diagnostics) -> None:
        self.settings = settings
        self.diagnostics = diagnostics
        self.proxies: list[Proxy] = []
        self.notify: Callable[[str], None] = lambda text: None  # what HAProxy would write to its console as a warning,
        self.alarm: Callable[[str], None] = lambda text: None  # and as an alert
        self.maxconn = settings.globals.maxconn or (fd_limit() - FDS_KEPT) // FDS_PER_CONNECTION
        self.maxpipes = settings.globals.maxpipes or pipes(settings, self.maxconn)
        self._begun = time.monotonic()
        self._lock = threading.Lock()
        self._bound = False
        self._started = False
        self._launched = threading.Event()  # set when wait() has something to wait for
        self._closed = False
        self._cli: Frontend | None = None
        self._profile: Profile | None = None
        self._commands: Registry | None = None
        self._world: World | None = None  # under _making
        self.tables: Tables | None = None  # None: no proxy has one
        self.peers: Peers | None = None  # None: nobody is taught what tables have
        self._making = threading.Lock()
        self.decisions: Decisions | None = None  # None: all proxies are plain
        self.checks: Checks | None = None  # None: no server is checked

    # --- life ---

    def __enter__(self) -> Self:
        self.start()
        return self

    def __exit__(self, kind: type[BaseException] | None, error: BaseException | None, tb: TracebackType | None) -> None:
        self.close()

    def bind(self) -> None:
        """Opens all addresses; connections wait in the backlog. Does nothing if they are open.

        Raises ConfigError naming those that could not be opened, RuntimeError after `close()`. What failed may be tried
        again.
        """
        self._open(listening=True)

    def rehearse(self) -> None:
        """Builds everything but listening sockets, so that decisions can be looked at; it can't be started any more.

        Raises RuntimeError after `close()`.
        """
        self._started = True
        self._open(listening=False)

    def _open(self, *, listening: bool) -> None:
        if self._closed:
            raise RuntimeError("the balancer is closed")
        if self._bound:
            return
        self.engine = Engine(engine_settings(self.settings.globals, self.maxconn, self.maxpipes))
        try:
            self._build(listening=listening)
        except BaseException:
            self._discard()
            raise
        self._bound = True

    def _build(self, *, listening: bool) -> None:
        chosen = self.settings.globals
        self.crew = Crew(self.engine, cpu_map=chosen.cpu_map)
        self.applets = Applets(self.crew)
        self.facts = Facts(self)
        self._make_tables()
        self._make_peers()
        enabled = [proxy for proxy in self.settings.proxies if not proxy.disabled]
        full = default_fullconn(enabled, self.maxconn)
        for iid, proxy in enumerate(enabled, 1):
            maxconn = proxy.maxconn or self.maxconn
            self.proxies.append(Proxy(self.engine, proxy, proxy.id or iid, maxconn=maxconn, fullconn=full[proxy.name]))
        self._connect_backends()
        self.states = States(self.crew, self._tell_change, [p.backend for p in self.proxies if p.backend is not None])
        self.states.joining.append(self._check_guid)
        self.states.joined.append(self._know)
        self.states.left.append(self._forget)
        self.dynamic_cookies = DynamicCookies(self.crew, dynamic_cookie)
        self.states.joined.append(self.dynamic_cookies.renew)
        self.states.moved.append(self.dynamic_cookies.renew)
        self.control = Control(self.crew, self.proxies, self._warn, self.maxconn)
        failed = Diagnostics()
        if listening:
            self._listen(failed)
            self._serve_cli(failed)
        if failed.errors:
            raise ConfigError(failed)
        try:
            self._decide(always=not listening)
            self._set_checks()
        except BuildError as error:  # the check of the configuration leaves none, but files may change behind it
            failed.add(Diagnostic(Severity.ALERT, f"config : {error}"))
            raise ConfigError(failed) from error
        lib.eng_ready(self.engine.handle)
        self.states.start()
        self.crew.opened = self._enable_listeners

    def _make_tables(self) -> None:
        """The stick tables, and the task that removes what has expired in them."""
        wanted = [proxy.table for proxy in self.settings.proxies if proxy.table is not None and not proxy.disabled]
        wanted += [table for section in self.settings.peers for table in section.tables]
        if not wanted:
            return
        from lbcore.table.tables import Tables  # few configurations have one

        self.tables = tables = Tables(wanted, self.engine.locks)
        if any(table.settings.expire for table in tables):
            expiring = self.crew.tasks.add(lambda reasons: expiring.schedule_at(tables.expire()))
            expiring.schedule_at(tables.expire())

    def _make_peers(self) -> None:
        """Who is taught what the tables have."""
        wanted = [section for section in self.settings.peers if not section.disabled]
        if not wanted or self.tables is None:
            return
        from lbcore.peers.peers import Peers  # few configurations have any

        chosen = self.settings.globals
        self.peers = Peers(
            wanted,
            self.tables,
            self.crew,
            bufsize=chosen.bufsize,
            at_once=chosen.peers_updates_at_once,
            log=self._teller,
        )

    def _teller(self, section: PeersSettings) -> Callable[[str], None]:
        """What sends lines to the log targets of a `peers` section."""
        settings = ProxySettings(section.name, "frontend", log_targets=section.log_targets)
        return lambda text: self._say(settings, NOTICE, text)

    def _discard(self) -> None:
        """Gives back what was built so far."""
        for listener in self.all_listeners():
            listener.unlink()
        if self.tables is not None:
            self.tables.close()
        self.engine.close()
        if self.decisions is not None:
            self.decisions.logs.close()
        self.proxies = []
        self._cli = self._world = self.decisions = self.tables = self.peers = None

    def load_rest(self) -> None:
        """Imports what only the stats sockets may ask for, which is else imported when they do. After `bind()`.

        For a process that is about to lose sight of its own files, by another root directory or as another user.
        """
        if self._commands is None:
            return
        self._commands.load_rest()
        self.facts.load_rest()

    def start(self) -> None:
        """Returns when it accepts. Raises as `bind()`, and RuntimeError if a thread can't be had."""
        if self._started:
            raise RuntimeError("a balancer is started once")
        self.bind()
        self._started = True
        self._restore_servers()
        self._watch_threads()
        try:
            self.crew.start()
        except BaseException:
            self.close()
            raise
        if self.peers is not None:
            self.peers.start()
        self._launched.set()
        self.facts.accepting(self._begun)
        for proxy in self.proxies:
            self._say(proxy.settings, NOTICE, f"Proxy {proxy.name} started.")

    def close(self) -> None:
        """Ends at once: returns when threads have ended and ports are free. Any number of times, from any thread but a
        worker's."""
        with self._lock:
            if self._closed:
                return
            self._closed = True
            self._launched.set()
            if not self._bound:
                return
            for listener in self.all_listeners():
                listener.unlink()
            self.crew.stop_soon()
            if not self.crew.wait(STOP_TIMEOUT):
                raise RuntimeError("a worker thread does not end")
            if self.checks is not None:
                self.checks.close()
            self.crew.tasks.close()
            if self.tables is not None:
                self.tables.close()
            self.engine.close()
            if self.decisions is not None:
                self.decisions.logs.close()

    stop = close

    def soft_stop(self) -> None:
        """Stops listening and ends by itself when the last connection has. Any number of times."""
        with self._lock:
            if not self._is_serving():
                return
            for listener in self.all_listeners():
                listener.unbind()
            for proxy in self.proxies:
                if proxy.frontend is not None and not proxy.frontend.stopped:
                    self._warn(proxy.settings, stopped_line(proxy))
            if self.peers is not None:
                self.peers.stop()
            self.crew.finish()

    def wait(self, timeout: float | None = None) -> bool:
        """Whether it has ended, after waiting `timeout` seconds for that at most; None: for ever."""
        if not self._launched.wait(timeout):
            return False
        return self.crew.wait(timeout) if self._started else self._closed

    def pause(self) -> None:
        """Accepts nothing until `resume()`, keeping the addresses; connections wait in the backlog.

        Does nothing while it does not serve, nor does `resume()`.
        """
        with self._lock:
            if not self._is_serving():
                return
            for frontend in self._frontends():
                frontend.pause()
            self._tell_frontends("Paused")

    def resume(self) -> None:
        """Accepts again."""
        with self._lock:
            if not self._is_serving():
                return
            for frontend in self._frontends():
                frontend.resume()
            self._tell_frontends("Resumed")

    def _is_serving(self) -> bool:
        """Whether it was started and nobody has stopped it since."""
        return self._started and not self._closed and not self.crew.finishing

    # --- what a user asks for ---

    def address(self, name: str, index: int = 0) -> Address:
        """Where the frontend `name` really listens, its `index`th `bind` address. Raises KeyError, IndexError."""
        for proxy in self.proxies:
            if proxy.name == name and proxy.frontend is not None:
                return proxy.frontend.listeners[index].where
        raise KeyError(name)

    def by_guid(self, guid: str) -> Proxy | Listener | Server:
        """The proxy, the listener or the server that has this `guid`. Raises KeyError."""
        found = find_guid(self.proxies, guid)
        if found is None:
            raise KeyError(guid)
        return found

    def _check_guid(self, settings: ServerSettings) -> None:
        """Raises ValueError if something has the `guid` already that a server is to have."""
        if settings.guid is not None and find_guid(self.proxies, settings.guid) is not None:
            raise ValueError(f"'guid' : '{settings.guid}' is already used.")

    def url(self, name: str, index: int = 0) -> str:
        """An `http://` URL that reaches the frontend called `name` from this host, without a slash at its end.

        Raises KeyError, IndexError; ValueError for a unix socket.
        """
        where = self.address(name, index)
        if where.family == socket.AF_UNIX:
            raise ValueError(f"{where} has no URL")
        host = {"0.0.0.0": "127.0.0.1", "::": "::1"}.get(where.host, where.host)
        return f"http://[{host}]:{where.port}" if where.family == socket.AF_INET6 else f"http://{host}:{where.port}"

    def dump_servers(self) -> list[str]:
        """Sends the states of proxies and servers to their logs, and returns the lines (SIGHUP, management guide 8)."""
        told: list[str] = []
        for proxy in self.proxies:
            self._say(proxy.settings, WARNING, f"SIGHUP received, dumping servers states for proxy {proxy.name}.")
            lines = [*server_states(proxy), proxy_state(proxy)]
            for line in lines:
                self._say(proxy.settings, WARNING, line)
            told += lines
        return told

    def dump_memory_and_threads(self) -> str:
        """What memory is used for and what each thread does (SIGQUIT)."""
        facts = self.facts
        lines = [f"Dumping pools usage: {facts.pool_alloc} bytes allocated, {facts.pool_used} used"]
        lines += [
            f"Thread {thread.number}: connections={thread.connections} polls={thread.polls} events={thread.events} "
            f"cpu_ns={thread.cpu_ns}"
            for thread in facts.threads()
        ]
        return "\n".join(lines)

    def _frontends(self) -> Iterator[Frontend]:
        """Those that are not stopped."""
        sides = (proxy.frontend for proxy in self.proxies)
        return (frontend for frontend in sides if frontend is not None and not frontend.stopped)

    def all_listeners(self, *, cli: bool = True) -> Iterator[Listener]:
        """Those of all frontends, of the stats sockets and of `peers` sections."""
        for proxy in self.proxies:
            if proxy.frontend is not None:
                yield from proxy.frontend.listeners
        if cli and self._cli is not None:
            yield from self._cli.listeners
        if self.peers is not None:
            yield from self.peers.listeners()

    @property
    def profile(self) -> Profile:
        """What takes times of what workers call. Any thread."""
        with self._making:
            if self._profile is None:
                from lbcore.event.profile import Profile  # seldom wanted

                self._profile = Profile(self.crew)
            return self._profile

    @property
    def cli(self) -> Frontend | None:
        """What listens for the stats sockets, if there are any."""
        return self._cli

    # --- building ---

    def _connect_backends(self) -> None:
        backends = {proxy.name: proxy.backend.index for proxy in self.proxies if proxy.backend is not None}
        for proxy in self.proxies:
            if proxy.frontend is None:
                continue
            default = proxy.settings.default_backend
            if default is not None:
                proxy.frontend.set_backend(backends[default])
            elif proxy.backend is not None:
                proxy.frontend.set_backend(proxy.backend.index)

    def _listen(self, failed: Diagnostics) -> None:
        for proxy in self.proxies:
            if proxy.frontend is None:
                continue
            name = proxy.name

            def tell(bind: BindSettings, error: Exception, name: str = name) -> None:
                failed.add(bind_failure(f"Starting frontend {name}", bind, error))

            proxy.frontend.listen(tell, reuseport=not self.settings.globals.noreuseport)
        if self.peers is not None:
            self.peers.listen(
                self.engine,
                self.applets,
                lambda name, bind, error: failed.add(bind_failure(f"Starting peers {name}", bind, error)),
            )

    def _serve_cli(self, failed: Diagnostics) -> None:
        chosen = self.settings.globals
        if not chosen.stats_sockets:
            return
        settings = ProxySettings(
            CLI_PROXY, "frontend", binds=chosen.stats_sockets, timeouts=Timeouts(client=chosen.stats_timeout)
        )
        self._cli = Frontend(self.engine, settings, maxconn=chosen.stats_maxconn, flow=lib.PX_APPLET)
        self._cli.listen(lambda bind, error: failed.add(bind_failure(f"Starting frontend {CLI_PROXY}", bind, error)))
        self._commands = registry()
        sockets = CliSockets(self._commands, self.facts, chosen.stats_timeout)
        for listener in self._cli.listeners:
            self.applets.serve(listener.index, sockets.factory(listener.bind))

    def _decide(self, *, always: bool) -> None:
        """Has Python decide and log what the shim does not do alone, if there is any such thing."""
        settings = self.settings
        known = settings.globals.start_variables or settings.pattern_uses
        logs = any(section.log_targets for section in settings.peers if not section.disabled)
        if not always and not known and not logs and all(is_plain(proxy.settings) for proxy in self.proxies):
            return
        from lbcore.cfg.vocabulary import load_vocabulary
        from lbcore.stream.decisions import Decisions  # see lbcore.proxy.plain

        load_vocabulary()  # formats of our own have fetches, too, if no line did
        self.decisions = Decisions(
            self.crew, self.world, settings, self.proxies, self.all_listeners(), limits=not always
        )

    @property
    def world(self) -> World:
        """Live objects by number and name, the variables of the process, maps. Made for the stats socket where nothing
        else needs it. Any thread."""
        with self._making:
            if self._world is None:
                from lbcore.stream.world import World  # see lbcore.proxy.plain

                self._world = World(self.proxies, self.settings, self.facts, self.engine.locks, self.tables)
            return self._world

    def _watch_threads(self) -> None:
        """Has it told when a thread lets traffic wait, where the configuration asks for that."""
        limit = self.settings.globals.warn_blocked_after
        if not limit:
            return
        from lbcore.event.blocked import Blocked  # seldom wanted

        Blocked(self.crew, limit, lambda text: self.notify(text))  # noqa: PLW0108 - as it is then

    def _restore_servers(self) -> None:
        """Takes over the states of servers from before a restart, where the configuration says so."""
        if all(proxy.load_server_state == "none" for proxy in self.settings.proxies):
            return
        from lbcore.proxy.restore import restore_states  # seldom wanted

        backends = [proxy.backend for proxy in self.proxies if proxy.backend is not None]
        restore_states(self.states, self.settings.globals, backends, self.notify)

    def _know(self, server: Server) -> None:
        """A server was added while threads run; at the sync point."""
        with self._making:
            if self._world is not None:
                self._world.servers[server.index] = server
        if self.decisions is not None:
            self.decisions.know(server)
        if has_checks(server.settings):
            proxy = next(one for one in self.proxies if one.backend is server.backend)
            self._checks_for_all().join(proxy, server)

    def _forget(self, server: Server) -> None:
        """A server was removed while threads run; at the sync point."""
        if self.checks is not None:
            self.checks.remove_server(server)

    def _set_checks(self) -> None:
        """Makes the checks of servers that ask for some."""
        for proxy in self.proxies:
            if proxy.backend is not None and any(has_checks(server.settings) for server in proxy.backend.servers):
                self._checks_for_all().add(proxy)

    def _checks_for_all(self) -> Checks:
        if self.checks is not None:
            return self.checks
        from lbcore.check.check import Around
        from lbcore.check.checks import Checks, FactsAlone  # steps and protocols: only where servers are checked

        chosen, rulesets = self.settings.globals, [proxy.settings.check_ruleset for proxy in self.proxies]
        around = Around(self.crew, self.states, bufsize=chosen.bufsize, spread=chosen.spread_checks)
        build_of: Callable[[str], Build] = lambda name: FactsAlone(self.facts)  # noqa: E731 - replaced below
        if any(ruleset is not None and ruleset.evaluates for ruleset in rulesets):
            from lbcore.stream import checking  # what expressions look at: only where there are some

            around = replace(around, transaction=checking.maker(self.world))
            build_of = checking.builders(self.world, self.proxies)
        self.checks = Checks(around, build_of, max_spread=chosen.max_spread_checks)
        return self.checks

    def _enable_listeners(self, worker: Worker) -> None:
        if self.checks is not None:
            self.checks.start(worker.tid)
        for listener in self.all_listeners():
            listener.enable(worker.tid)

    # --- telling ---

    def _say(self, settings: ProxySettings, level: int, text: str) -> None:
        """Sends a message that is not of a stream to a proxy's log targets."""
        if not settings.log_targets or self.decisions is None:
            return
        from lbcore.log.sender import Senders  # with the decisions

        senders = Senders(self.settings.globals.sndbuf_backend)
        try:
            self.decisions.logs.logger(settings, senders).send(level, text)
        except Exception as error:  # noqa: BLE001 - what goes on must not end because it cannot be told
            print_error(error)
        finally:
            senders.close()

    def _warn(self, settings: ProxySettings, text: str) -> None:
        """Tells the host, and the proxy's logs."""
        self.notify(text)
        self._say(settings, WARNING, text)

    def _tell_change(self, line: Line) -> None:
        (self.alarm if line.alarms else self.notify)(line.console)
        self._say(line.proxy, line.level, line.text)

    def _tell_frontends(self, deed: str) -> None:
        for proxy in self.proxies:
            if proxy.frontend is not None and not proxy.frontend.stopped:
                self._warn(proxy.settings, switched_line(proxy, deed))


def has_checks(server: ServerSettings) -> bool:
    """Whether a server or its agent is to be checked."""
    return server.check is not None or server.agent_check is not None


def bind_failure(what: str, bind: BindSettings, error: Exception) -> Diagnostic:
    """An address could not be had."""
    reason = error.strerror if isinstance(error, OSError) else str(error)
    text = f"{what}: cannot bind socket ({reason}) [{bind.text or bind.address}]"
    file, _, line = bind.where.rpartition(":")
    return Diagnostic(Severity.ALERT, text, file=file, line=int(line) if line.isdecimal() else 0)
