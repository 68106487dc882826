"""What is measured: one row per scenario.

A budget is a floor for the ratio to the reference where more is better, a ceiling where less is better; an absolute
limit is in the metric's shown unit. `needs` names what a scenario waits for: it then runs only when asked for by name.
"""

from __future__ import annotations

from dataclasses import dataclass, field

from tests.bench.load import Load
from tests.bench.measure import Checking, FixedRate, FullLoad, IdleMemory, Measurement, StartTime, ThreadGain

POST_BYTES = 65536
IDLE_CONNECTIONS = 5000
MANY_BACKENDS = 1000
CHECKED_SERVERS = 2000


@dataclass(frozen=True, slots=True)
class Scenario:
    """One row of the table. `budget` maps a metric to a ratio, `limit` to an absolute figure as shown."""

    name: str
    title: str
    measurement: Measurement
    budget: dict[str, float] = field(default_factory=dict)
    limit: dict[str, float] = field(default_factory=dict)
    needs: str | None = None


SCENARIOS: tuple[Scenario, ...] = (
    Scenario("keepalive", "HTTP keep-alive, small reply", FullLoad("http", Load("/small")), {"rate": 1.2}),
    Scenario(
        "rules20",
        "the same with 20 ACL rules, set-header, capture",
        FullLoad("rules20", Load("/small")),
        {"rate": 1.0},
    ),
    Scenario(
        "rules20log",
        "20 ACL rules, set-header, capture, tracked counter, httplog",
        FullLoad("rules20log", Load("/small"), logged=True),
        {"rate": 1.0},
    ),
    Scenario(
        "track",
        "HTTP keep-alive, address tracked, denied from a rate on",
        FullLoad("track", Load("/small")),
        {"rate": 1.15},
    ),
    Scenario(
        "track-url",
        "HTTP keep-alive, URL and address tracked, denied from a rate on",
        FullLoad("track-url", Load("/small")),
        {"rate": 1.15},
    ),
    Scenario(
        "track-rules",
        "HTTP keep-alive, address tracked, denied from a rate on by rules (Python)",
        FullLoad("track-rules", Load("/small")),
        {"rate": 1.0},
    ),
    Scenario(
        "track-key",
        "HTTP keep-alive, tracked by a key of rules (Python), denied from a rate on",
        FullLoad("track-key", Load("/small")),
        {"rate": 1.0},
    ),
    Scenario(
        "httplog", "the same with httplog to UDP", FullLoad("httplog", Load("/small"), logged=True), {"rate": 1.0}
    ),
    Scenario(
        "close",
        "client connection per request, server's reused",
        FullLoad("http-reuse", Load("/small", close=True)),
        {"rate": 1.0},
    ),
    Scenario("16k", "HTTP keep-alive, 16 KiB", FullLoad("http", Load("/16k")), {"rate": 1.0}),
    Scenario("1m", "HTTP keep-alive, 1 MiB", FullLoad("http", Load("/1m"), bulk=True), {"gigabytes": 1.0}),
    Scenario("chunked", "HTTP keep-alive, 16 KiB chunked", FullLoad("http", Load("/chunked")), {"rate": 1.0}),
    Scenario("post", "HTTP keep-alive, POST 64 KiB", FullLoad("http", Load("/post", body=POST_BYTES)), {"rate": 1.0}),
    Scenario("tcp", "TCP mode, small replies", FullLoad("tcp", Load("/small")), {"rate": 1.0}),
    Scenario(
        "tcp-close", "TCP mode, connection per request", FullLoad("tcp", Load("/small", close=True)), {"rate": 1.0}
    ),
    Scenario("tcp-1m", "TCP mode, 1 MiB replies", FullLoad("tcp", Load("/1m"), bulk=True), {"gigabytes": 1.0}),
    Scenario(
        "tcp-splice",
        "TCP mode, 1 MiB replies, splice-auto",
        FullLoad("tcp-splice", Load("/1m"), bulk=True),
        {"gigabytes": 1.0},
    ),
    Scenario(
        "tcp-splice-all",
        "TCP mode, 1 MiB replies, splice-response",
        FullLoad("tcp-splice-all", Load("/1m"), bulk=True),
        {"gigabytes": 1.0},
    ),
    *(
        Scenario(
            f"{config}-{servers}",
            f"HTTP keep-alive, {servers:,} servers, {words}",
            FullLoad(config, load, servers=servers),
            {"rate": 1.0},
        )
        for config, words, load in (
            ("leastconn", "leastconn", Load("/small")),
            ("consistent", "consistent hash of the URI", Load("/small?", keys=10_000)),
        )
        for servers in (200, 2000)
    ),
    Scenario("threads", "HTTP keep-alive, nbthread 2 against 1", ThreadGain("http", Load("/small")), {"gain": 1.0}),
    Scenario(
        "latency",
        "HTTP keep-alive at 2,000 requests/s",
        FixedRate("http", "/small", rate=2000, connections=20),
        {"p99": 1.0},
    ),
    Scenario(
        "idle",
        f"{IDLE_CONNECTIONS:,} idle HTTP connections",
        IdleMemory("http-reuse", "/small", IDLE_CONNECTIONS),
        {"idle": 1.0},
    ),
    Scenario(
        "checks",
        f"{CHECKED_SERVERS:,} servers checked every second",
        Checking("checks", CHECKED_SERVERS),
        {"checks": 3.0},
    ),
    Scenario("start", "exec to first reply, small configuration", StartTime("http", "/small"), limit={"start": 250}),
    Scenario(
        "start-many",
        f"exec to first reply, {MANY_BACKENDS:,} backends of 2 servers",
        StartTime("http", "/small", MANY_BACKENDS),
        limit={"start": 1500},
    ),
)


def choose(names: list[str]) -> list[Scenario]:
    """The scenarios of these names, in the table's order; all that need nothing special if there are no names.

    Raises KeyError with the first unknown name.
    """
    known = {scenario.name for scenario in SCENARIOS}
    for name in names:
        if name not in known:
            raise KeyError(name)
    if not names:
        return [scenario for scenario in SCENARIOS if scenario.needs is None]
    return [scenario for scenario in SCENARIOS if scenario.name in names]
