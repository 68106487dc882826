"""What the program must offer to the commands of the stats socket."""

from __future__ import annotations

from collections.abc import Callable, Generator, Iterable, Mapping, Sequence
from typing import TYPE_CHECKING, NamedTuple, Protocol

from lbcore.stats.views import ProcessView

if TYPE_CHECKING:
    from lbcore.event.profile import Profile
    from lbcore.peers.section import Section
    from lbcore.proxy.backend import Backend
    from lbcore.proxy.control import Control
    from lbcore.proxy.dyncookie import DynamicCookies
    from lbcore.proxy.frontend import Frontend
    from lbcore.proxy.settings import ServerSettings
    from lbcore.proxy.states import States
    from lbcore.sample.build import Build
    from lbcore.sample.reference import References
    from lbcore.sample.rows import Fetcher
    from lbcore.sample.types import Value
    from lbcore.sample.variable import ProcVars
    from lbcore.stats.views import ProxyView
    from lbcore.table.tables import Tables


class LockFigures(NamedTuple):
    """What happened to all locks of one label since figures are kept. Times are nanoseconds."""

    label: str
    reads: int  # acquisitions for reading; 0 for spinlocks
    writes: int  # acquisitions for writing, and all of spinlocks
    waits: int  # how often it was not free at once
    waited_ns: int
    longest_ns: int


class ThreadFacts(NamedTuple):
    """A thread at the moment of the question. `number` counts from 1, as in the configuration."""

    number: int
    ident: int  # the operating system's
    polling: bool  # it waits for events, or reads them
    runnable: int  # tasks in its run queue
    timers: int  # tasks in its wait queue
    connections: int  # client connections it owns
    idle: int  # idle server connections it owns
    polls: int  # calls of the poller
    events: int  # events that Python had to decide
    cpu_ns: int  # CPU time used
    current: bool  # it is the one that answers


class Pool(NamedTuple):
    """Objects of one size."""

    name: str
    size: int  # bytes of one
    total: int  # objects that there is memory for
    used: int  # of which are in use
    failed: int  # times that there was no memory, or no room, for one more
    users: int  # threads that have some of their own

    @property
    def bytes(self) -> int:
        """Of memory."""
        return self.total * self.size


class Direction(NamedTuple):
    """One direction of a descriptor: what ended, what the kernel said, what we asked for."""

    shut: bool
    ready: bool
    active: bool


class FdFacts(NamedTuple):
    """An entry of the fd table. `facts` is what its owner says of itself, in order (`fe`, `fam`, `lport`, ...)."""

    fd: int
    state: int  # as the shim keeps it
    read: Direction
    write: Direction
    generation: int
    thread_mask: int
    owner: str  # listener, connection, wakeup, ...
    facts: Mapping[str, str]


class Listening(NamedTuple):
    """A listening socket, with what else tells it from others of the same address."""

    fd: int
    namespace: str  # of the network, "" for the process's
    interface: str


class Sink(NamedTuple):
    """Where logs go. `kind`: `fd`, `udp`, `unix`."""

    name: str
    kind: str
    dropped: int
    description: str


class CliSocket(NamedTuple):
    """A stats socket: `unix@/path`, `ipv4@127.0.0.1:9999`, `fd@5`, ..."""

    address: str
    level: str
    processes: str = "all"


class ErrorEnd(NamedTuple):
    """A proxy, or a server, that a refused message has to do with. `number` is its id."""

    name: str
    number: int


class Snapshot(NamedTuple):
    """A message that was refused: the last one of each side of a proxy is kept."""

    when_us: int  # since 1970
    event: int  # of all in the process, from 0
    response: bool
    frontend: ErrorEnd
    backend: ErrorEnd | None
    server: ErrorEnd | None
    source: str  # the client's address and port
    position: int  # of the byte at fault
    error: str  # what is wrong, in words
    data: bytes  # from the message's first byte on; may end before the message does
    length: int  # bytes that had come
    bufsize: int

    @property
    def owner(self) -> ErrorEnd | None:
        """The proxy that it is an error of."""
        return self.backend if self.response else self.frontend


class SessWay(NamedTuple):
    """One direction of a session: its state (`MSG_DATA`, `-` where there are no messages), and bytes."""

    state: str
    waiting_in: int  # received and not used yet
    waiting_out: int  # ready to be sent: in memory,
    in_pipe: int  # and in a pipe
    ended: bool  # the end was passed on
    left: int  # of a body whose length is known: still to come
    total: int  # passed on


class SessEnd(NamedTuple):
    """One end of a session: its state by HAProxy's name and number, its connection."""

    state: str
    number: int
    fd: int  # -1: it has none
    flags: int  # CO_F_* of native/include/conn.h
    expire: int | None  # ms until its timeout, negative once that has passed; None: it has none
    fd_state: int  # what is wanted of the descriptor, what it is ready for, what happened to it
    streams: int  # that its connection has carried


class SessProxy(NamedTuple):
    """A proxy of a session, or its server, whose `mode` is ""."""

    name: str
    number: int
    mode: str


class Sess(NamedTuple):
    """A client's connection with its stream. Never is an `id` used twice."""

    id: int
    stream: int  # its number, 0: an applet's has none
    accepted_us: int  # since 1970
    thread: int  # from 1
    proto: str  # tcpv4, tcpv6, unix_stream
    source: str  # the client's address and port
    frontend: SessProxy
    listener: str
    listener_port: int
    backend: SessProxy | None
    server: SessProxy | None
    flags: int  # FL_* of native/include/flow.h
    http: bool
    applet: bool  # the other end is one of our own applets
    held: bool  # it waits for a decision, or for what one has made it wait for
    suspicious: bool  # its timer has run out and nothing came of it, or it has ended on a side and has no timer
    queue_pos: int | None  # how many stood before it in the queue that it waits in
    status: int  # of the response, -1: none yet
    age_ms: int
    expire: int | None  # as of an end: of the session's one timer
    retries: int
    requests: int  # the connection's so far
    request: SessWay
    response: SessWay
    front: SessEnd
    back: SessEnd
    uri: bytes  # the request line, where it is kept for a log or to be sent again


class Sessions(Protocol):
    """The sessions of all threads. Any thread that holds no lock may ask; each call is a meeting of all workers."""

    def walk(self) -> Generator[list[Sess], None, None]:
        """All that are there when the walk comes by, some at a time: an empty list is not the last. To be closed by who
        does not take all."""

    def find(self, number: int) -> Sess | None:
        """The one with this id."""

    def end(self, number: int) -> bool:
        """Ends it; whether it was there."""


class Process(ProcessView, Protocol):
    """The program. Every method may be called from any worker thread, without a lock held."""

    def proxies(self) -> Iterable[ProxyView]:
        """In the order of the configuration."""

    def frontends(self) -> Mapping[str, Frontend]:
        """Those of the configuration by their names, for commands that change them."""

    def backends(self) -> Mapping[str, Backend]:
        """Those of the configuration by their names, for commands that change their servers."""

    def states(self) -> States:
        """What changes servers."""

    def added_server(self, backend: Backend, name: str, words: Sequence[str]) -> ServerSettings:
        """A server of `backend` as `words` describe it: the address, then options as of the configuration.

        Raises ValueError in the words of the configuration's errors.
        """

    def control(self) -> Control:
        """What changes frontends, limits and counters."""

    def locks(self) -> Iterable[LockFigures] | None:
        """In acquisition order, None while no figures are kept."""

    def threads(self) -> Iterable[ThreadFacts]:
        """In the order of their numbers."""

    def pools(self) -> Iterable[Pool]:
        """What memory is used for."""

    def activity(self) -> Mapping[str, Sequence[int]]:
        """What each thread has done since the start, by the name of the figure."""

    def running_tasks(self) -> Mapping[str, int]:
        """How many tasks wait to be run, or run, by the names of their functions."""

    def profile(self) -> Profile:
        """What takes times of functions."""

    def startup_logs(self) -> str:
        """What was said of the configuration at the start."""

    def dynamic_cookies(self) -> DynamicCookies:
        """What changes cookies that are made of addresses."""

    def listening(self) -> Sequence[Listening]:
        """All sockets that are listened on, in the order of the configuration."""

    def log_sinks(self) -> Iterable[Sink]:
        """Where logs go."""

    def fds(self) -> Iterable[FdFacts]:
        """In the order of their numbers."""

    def cli_sockets(self) -> Iterable[CliSocket]:
        """In the order of the configuration."""

    def references(self) -> References:
        """Maps and the patterns of ACLs."""

    def tables(self) -> Tables:
        """The stick tables, in the order of the configuration."""

    def peers(self) -> Iterable[Section]:
        """The `peers` sections that are at work, in the order of the configuration."""

    def proc_vars(self) -> ProcVars:
        """The variables of the process."""

    def evaluate(self, make: Callable[[Build], Fetcher]) -> Value | None:
        """What the function that `make` gives says outside of any stream. Raises BuildError."""

    def sessions(self) -> Sessions:
        """The sessions of all threads."""

    def snapshots(self) -> Iterable[Snapshot]:
        """Messages that were refused, by proxy, those of clients first."""

    def snapshots_taken(self) -> int:
        """How many messages were refused since the start."""
