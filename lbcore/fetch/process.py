"""The process: its identity, its clock, its environment, chance (manual 7.3.2)."""

from __future__ import annotations

import os
import random
import socket
import time
from collections.abc import Sequence

from lbcore.fetch.rows import check_unit, given, inlined, plain, unit_of
from lbcore.sample.build import Build
from lbcore.sample.points import EVERYWHERE, INTERNAL
from lbcore.sample.rows import Arg, ArgumentError, Fetch, Fetcher, add_fetches
from lbcore.sample.types import Type, sint
from lbcore.sample.words import wire
from lbcore.stream.txn import AT, Txn

_NOW = AT["now_us"]
_RANGE = 1 << 32  # of rand without an argument


def now_us(t: Txn) -> int:
    """The wall clock, in us since 1970: that of the question, so that all dates of one decision agree; once the stream
    has ended, the present time."""
    now: int = t.ask[_NOW] if t.record is None else time.time_ns() // 1000
    return now


def make_date(args: Sequence[Arg], build: Build) -> Fetcher:
    offset, unit = given(args, 0) or 0, unit_of(args, 1)
    return lambda t: sint(now_us(t) // unit + offset)


def fetch_date_us(t: Txn) -> int:
    return now_us(t) % 1_000_000


def make_env(args: Sequence[Arg], build: Build) -> Fetcher:
    """Read once, like all of the environment."""
    value = build.environment(args[0])
    text = None if value is None else wire(value)
    return lambda t: text


def make_hostname(args: Sequence[Arg], build: Build) -> Fetcher:
    name = wire(socket.gethostname())
    return lambda t: name


def make_rand(args: Sequence[Arg], build: Build) -> Fetcher:
    """Any thread: the generator's C code is one step."""
    found = given(args, 0)
    limit, draw = _RANGE if found is None else found, random.random
    return lambda t: int(draw() * limit)


def make_uuid(args: Sequence[Arg], build: Build) -> Fetcher:
    if given(args, 0) == 7:
        return lambda t: uuid_text((now_us(t) // 1000).to_bytes(6, "big") + os.urandom(10), 7)
    return lambda t: uuid_text(os.urandom(16), 4)


def uuid_text(raw: bytes, version: int) -> str:
    """A UUID of 16 bytes, in which version and variant are put into their places (RFC 9562 4.1, 4.2)."""
    number = int.from_bytes(raw, "big") & ~(0xF << 76 | 3 << 62) | version << 76 | 2 << 62
    digits = f"{number:032x}"
    return f"{digits[:8]}-{digits[8:12]}-{digits[12:16]}-{digits[16:20]}-{digits[20:]}"


def check_uuid(args: Sequence[Arg]) -> None:
    version = given(args, 0)
    if version not in (None, 4, 7):
        raise ArgumentError(f"Unsupported UUID version: '{version}'", 0)


def make_uptime(args: Sequence[Arg], build: Build) -> Fetcher:
    facts = build.facts()
    return lambda t: int(facts.uptime)


def make_stopping(args: Sequence[Arg], build: Build) -> Fetcher:
    facts = build.facts()
    return lambda t: bool(facts.stopping)


def make_act_conn(args: Sequence[Arg], build: Build) -> Fetcher:
    facts = build.facts()
    return lambda t: int(facts.cur_conns)


def make_pid(args: Sequence[Arg], build: Build) -> Fetcher:
    """Asked for each time: a balancer may be built before its process forks."""
    return lambda t: os.getpid()


add_fetches(
    Fetch("act_conn", "", Type.SINT, EVERYWHERE, make_act_conn, "Client connections of the process."),
    Fetch(
        "date", "([integer,string])", Type.SINT, EVERYWHERE, make_date,
        "The present time since 1970 in s, ms or us, plus an offset.", check=check_unit(1),
    ),
    plain("date_us", Type.SINT, EVERYWHERE, fetch_date_us, "The microseconds of `date`."),
    Fetch("env", "(string)", Type.STR, EVERYWHERE, make_env, "An environment variable, as it was at the start."),
    Fetch("hostname", "", Type.STR, EVERYWHERE, make_hostname, "The system's name."),
    inlined("nbproc", Type.SINT, EVERYWHERE, "1", "Processes: always 1."),
    Fetch("pid", "", Type.SINT, EVERYWHERE, make_pid, "The number of the process."),
    inlined("proc", Type.SINT, EVERYWHERE, "1", "The process among its like: always 1."),
    inlined("quic_enabled", Type.BOOL, EVERYWHERE, "False", "Whether QUIC is there: it is not."),
    Fetch("rand", "([integer])", Type.SINT, EVERYWHERE, make_rand, "A random number from 0 to below a limit, 2^32."),
    Fetch("stopping", "", Type.BOOL, INTERNAL, make_stopping, "Whether the process ends softly."),
    inlined("thread", Type.SINT, EVERYWHERE, "t.worker.tid", "The thread that asks, from 0."),
    Fetch("uptime", "", Type.SINT, EVERYWHERE, make_uptime, "Seconds since the start."),
    Fetch("uuid", "([integer])", Type.STR, EVERYWHERE, make_uuid, "A UUID, version 4 or 7.", check=check_uuid),
)  # fmt: skip
