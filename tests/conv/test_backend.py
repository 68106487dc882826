"""Backends and servers by names from samples."""

from __future__ import annotations

import lbcore.conv
import lbcore.fetch  # noqa: F401 - fills the tables, as lbcore.conv does
from lbcore.sample.expression import parse_expression
from lbcore.sample.types import Value
from lbcore.sample.words import Words
from tests.fetch.transactions import FakeBackend, FakeBuild, FakeWorld, request, server


def asked(world: FakeWorld, expression: str, *, backend: bool = False) -> Value | None:
    """What an expression gives over a request, whose backend is chosen if `backend`."""
    t = request(world=world)
    t.backend = world.backends[0] if backend else None
    return parse_expression(Words([expression])).make(FakeBuild(world))(t)


def with_servers(*backup: bool, options: frozenset[str] = frozenset()) -> FakeWorld:
    """A world whose backend has such servers."""
    world = FakeWorld()
    back = FakeBackend(servers=[server(f"s{at}", at, backup=one) for at, one in enumerate(backup)])
    back.settings.options.update(options)
    world.backends = {0: back}
    return world


def test_one_backup_counts_where_no_active_server_is_left() -> None:
    assert asked(with_servers(True, True), "str(be),nbsrv") == 1


def test_all_backups_count_with_allbackups() -> None:
    assert asked(with_servers(True, True, options=frozenset({"allbackups"})), "str(be),nbsrv") == 2


def test_backups_do_not_count_beside_active_servers() -> None:
    assert asked(with_servers(False, True, True), "str(be),nbsrv") == 1


def test_queue_of_a_server_of_the_streams_backend() -> None:
    world = FakeWorld()
    world.backends[0].servers[1].queue = 9
    assert asked(world, "str(s2),srv_queue", backend=True) == 9
    assert asked(world, "str(s3),srv_queue", backend=True) is None


def test_queue_of_a_server_of_another_backend() -> None:
    world = FakeWorld()
    world.backends[0].servers[0].queue = 4
    assert asked(world, "str(be/s1),srv_queue") == 4
