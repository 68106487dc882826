"""One scenario against one program: what it does to it, and the figures that come out.

Each public class is a kind of measurement; its `session()` is the program made ready, whose `sample()` is called once a
round. Figures are plain numbers under the names of METRICS, in SI units; METRICS tells how they are shown.
"""

from __future__ import annotations

import tempfile
import time
from collections.abc import Mapping
from dataclasses import dataclass
from pathlib import Path
from types import TracebackType
from typing import Protocol, Self

from tests.bench.load import Load, LoadError, percentile, run_fixed_rate, run_wrk
from tests.peers.closing import Started
from tests.peers.haproxy import Balancer, Program
from tests.peers.idle import close_all, open_idle
from tests.peers.ports import HOST, free_port, release_port
from tests.peers.sinks import UdpSink

CONFIGS = Path(__file__).with_name("configs")
MEBIBYTE = 1 << 20
_DRAIN_SECONDS = 5.0

Figures = Mapping[str, float]


@dataclass(frozen=True, slots=True)
class Metric:
    """How a figure is named and shown: `scale` multiplies it, `more` tells that more is better."""

    label: str
    digits: int
    more: bool
    scale: float = 1.0


METRICS: dict[str, Metric] = {
    "checks": Metric("CPU us/check", 1, more=False, scale=1e6),
    "cpu": Metric("CPU us/request", 1, more=False, scale=1e6),
    "gain": Metric("2 threads / 1 thread", 2, more=True),
    "gigabytes": Metric("GB/s", 2, more=True, scale=1e-9),
    "idle": Metric("bytes/connection", 0, more=False),
    "p99": Metric("p99 ms", 2, more=False, scale=1e3),
    "rate": Metric("requests/s", 0, more=True),
    "start": Metric("start ms", 1, more=False, scale=1e3),
}


@dataclass(frozen=True, slots=True)
class Place:
    """What a measurement needs to know of its surroundings."""

    program: Program
    server_port: int
    seconds: float


class Session(Protocol):
    """A program made ready to be measured."""

    def __enter__(self) -> Self: ...

    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None: ...

    def sample(self) -> Figures:
        """One round's figures. Raises LoadError if there are none to be had."""
        ...


class Measurement(Protocol):
    """A kind of measurement with its parameters; `metrics` are the names of the figures that its samples hold."""

    @property
    def metrics(self) -> tuple[str, ...]: ...

    def session(self, place: Place) -> Session:
        """The program of `place`, ready to be entered."""
        ...


class Rig(Started):
    """One started balancer with its front port and its log sink."""

    def __init__(self, place: Place, config: str, threads: int) -> None:
        self.place = place
        self.port = free_port()
        self.sink = UdpSink(keep=1)
        variables = {"FE": self.port, "NGINX": place.server_port, "LOG": self.sink.port, "NBTHREAD": threads}
        self.balancer = Balancer(place.program, config, variables)

    def start(self) -> None:
        self.balancer.start()

    def close(self) -> None:
        """Stops the balancer and frees its port."""
        self.balancer.close()
        self.sink.close()
        release_port(self.port)


@dataclass(frozen=True, slots=True)
class FullLoad:
    """wrk at full speed: requests (or bytes) per second, and the balancer's CPU time for one request. `servers` more
    are added to the last backend."""

    config: str
    load: Load
    bulk: bool = False
    logged: bool = False
    threads: int = 2
    servers: int = 0

    @property
    def metrics(self) -> tuple[str, ...]:
        return ("gigabytes" if self.bulk else "rate", "cpu")

    def session(self, place: Place) -> Session:
        return _FullLoadSession(self, Rig(place, read_config(self.config) + many_servers(self.servers), self.threads))


@dataclass(frozen=True, slots=True)
class Checking:
    """The balancer's CPU time for one health check, of `servers` that are checked every second and always work."""

    config: str
    servers: int
    metrics: tuple[str, ...] = ("checks",)

    def session(self, place: Place) -> Session:
        return _CheckingSession(self, Rig(place, read_config(self.config) + self._more(), threads=1))

    def _more(self) -> str:
        lines = (f'    server s{i} "{HOST}:${{NGINX}}" check inter 1s\n' for i in range(1, self.servers))
        return "".join(lines)


class _RigSession:
    """A session whose life is that of one rig."""

    def __init__(self, rig: Rig) -> None:
        self.rig = rig

    def __enter__(self) -> Self:
        self.rig.__enter__()
        return self

    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        self.rig.close()


class _FullLoadSession(_RigSession):
    def __init__(self, what: FullLoad, rig: Rig) -> None:
        super().__init__(rig)
        self.what = what

    def sample(self) -> Figures:
        logged = self.rig.sink.count
        before = self.rig.balancer.cpu()
        result = run_wrk(self.what.load, self.rig.port, self.rig.place.seconds)
        used = self.rig.balancer.cpu() - before
        if self.what.logged and not self.rig.sink.wait_for(logged + result.requests // 2, _DRAIN_SECONDS):
            # A datagram may be lost when the sink is slow, but a program that logs nothing is not to win the round.
            raise LoadError(f"{self.rig.sink.count - logged} log lines for {result.requests} requests")
        speed = (
            {"gigabytes": result.bytes / result.seconds}
            if self.what.bulk
            else {"rate": result.requests / result.seconds}
        )
        return {**speed, "cpu": used.total / result.requests}


class _CheckingSession(_RigSession):
    def __init__(self, what: Checking, rig: Rig) -> None:
        super().__init__(rig)
        self.what = what

    def sample(self) -> Figures:
        before, begun = self.rig.balancer.cpu(), time.monotonic()
        time.sleep(self.rig.place.seconds)
        used = self.rig.balancer.cpu() - before
        return {"checks": used.total / (self.what.servers * (time.monotonic() - begun))}


@dataclass(frozen=True, slots=True)
class ThreadGain:
    """How many times the requests per second with two threads are those with one."""

    config: str
    load: Load
    metrics: tuple[str, ...] = ("gain",)

    def session(self, place: Place) -> Session:
        text = read_config(self.config)
        return _ThreadGainSession(self.load, Rig(place, text, 1), Rig(place, text, 2))


class _ThreadGainSession(Started):
    def __init__(self, load: Load, one: Rig, two: Rig) -> None:
        self.load = load
        self.one = one
        self.two = two

    def start(self) -> None:
        self.one.start()
        self.two.start()

    def sample(self) -> Figures:
        first, second = (run_wrk(self.load, rig.port, rig.place.seconds) for rig in (self.one, self.two))
        return {"gain": (second.requests / second.seconds) / (first.requests / first.seconds)}

    def close(self) -> None:
        self.one.close()
        self.two.close()


@dataclass(frozen=True, slots=True)
class FixedRate:
    """The 99th percentile of response times at `rate` requests per second."""

    config: str
    path: str
    rate: int
    connections: int
    metrics: tuple[str, ...] = ("p99",)

    def session(self, place: Place) -> Session:
        return _FixedRateSession(self, Rig(place, read_config(self.config), threads=2))


class _FixedRateSession(_RigSession):
    def __init__(self, what: FixedRate, rig: Rig) -> None:
        super().__init__(rig)
        self.what = what

    def sample(self) -> Figures:
        what = self.what
        times = run_fixed_rate(
            what.path, self.rig.port, rate=what.rate, connections=what.connections, seconds=self.rig.place.seconds
        )
        return {"p99": percentile(times, 0.99)}


@dataclass(frozen=True, slots=True)
class IdleMemory:
    """What one of `connections` idle client connections adds to the resident memory of the balancer.

    Every round starts the program anew: memory once given to a process seldom goes back to the system.
    """

    config: str
    path: str
    connections: int
    metrics: tuple[str, ...] = ("idle",)

    def session(self, place: Place) -> Session:
        return _IdleSession(self, place)


class _FreshSession:
    """A session that starts the program in every sample."""

    def __enter__(self) -> Self:
        return self

    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        return None


class _IdleSession(_FreshSession):
    def __init__(self, what: IdleMemory, place: Place) -> None:
        self.what = what
        self.place = place

    def sample(self) -> Figures:
        with Rig(self.place, read_config(self.what.config), threads=2) as rig:
            # The first request pays for what is there once, not once per connection.
            close_all(open_idle(rig.port, self.what.path, 1))
            before = rig.balancer.rss()
            connections = open_idle(rig.port, self.what.path, self.what.connections)
            try:
                grown = rig.balancer.rss() - before
            finally:
                close_all(connections)
        return {"idle": grown / self.what.connections}


@dataclass(frozen=True, slots=True)
class StartTime:
    """Time from exec to the first reply, with `backends` backends of two servers beside the one that is asked."""

    config: str
    path: str
    backends: int = 0
    metrics: tuple[str, ...] = ("start",)

    def session(self, place: Place) -> Session:
        return _StartSession(self, place)


class _StartSession:
    """Starts the program as it starts where it is installed: pip has compiled its modules to bytecode, while a tree may
    have none, and the environment may forbid to write any. What the first start writes, which does not count, goes into
    a folder of ours."""

    def __init__(self, what: StartTime, place: Place) -> None:
        self.what = what
        self.place = place
        self._bytecode: tempfile.TemporaryDirectory[str] | None = None

    def __enter__(self) -> Self:
        return self

    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        if self._bytecode is not None:
            self._bytecode.cleanup()

    def sample(self) -> Figures:
        if self._bytecode is None:
            self._bytecode = tempfile.TemporaryDirectory(prefix="bytecode-")
            self._start(self._bytecode.name)
        return {"start": self._start(self._bytecode.name)}

    def _start(self, bytecode: str) -> float:
        """Seconds from exec to the first reply."""
        rig = Rig(self.place, read_config(self.what.config) + many_backends(self.what.backends), threads=2)
        rig.balancer.environment |= {"PYTHONDONTWRITEBYTECODE": "", "PYTHONPYCACHEPREFIX": bytecode}
        try:
            start = time.monotonic()
            rig.balancer.launch()
            _first_reply(rig, self.what.path, start + self.place.seconds + 10)
            return time.monotonic() - start
        finally:
            rig.close()


def _first_reply(rig: Rig, path: str, deadline: float) -> None:
    while True:
        try:
            close_all(open_idle(rig.port, path, 1))
            return
        except ConnectionRefusedError:
            if time.monotonic() > deadline or rig.balancer.exit_code() is not None:
                raise LoadError(f"{rig.balancer.name} did not start:\n{rig.balancer.stderr()}") from None
            time.sleep(0.0005)


def read_config(name: str) -> str:
    """The text of configs/<name>.cfg."""
    return (CONFIGS / f"{name}.cfg").read_text()


def many_servers(count: int) -> str:
    """`count` lines of servers, which are all the same one."""
    return "".join(f'    server m{i} "{HOST}:${{NGINX}}"\n' for i in range(1, count + 1))


def many_backends(count: int) -> str:
    """`count` backends of two servers each, as configuration text."""
    servers = "".join(f'    server s{i} "{HOST}:${{NGINX}}"\n' for i in (1, 2))
    return "".join(f"\nbackend b{i}\n    balance roundrobin\n{servers}" for i in range(1, count + 1))
