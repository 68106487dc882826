"""Columns of `show stat`: which rows, which cells, which values."""

import re
from pathlib import Path

import pytest

from lbcore.stats.fields import FIELDS, Kind, Selection, Value, select
from lbcore.stats.views import Counters
from tests.stats.fakes import FakeBackend, FakeProxy, FakeServer, fake_counters, full_proxy

NAMES = [field.name for field in FIELDS]
TYPES = {"0": "frontend", "1": "backend", "2": "server", "3": "listener"}


def rows(*proxies: FakeProxy, **wanted: object) -> list[dict[str, Value]]:
    return [dict(zip(NAMES, row, strict=True)) for row in select(proxies, Selection(**wanted))]  # type: ignore[arg-type]


def row_of(proxy: FakeProxy, type_: int) -> dict[str, Value]:
    return next(row for row in rows(proxy) if row["type"] == type_)


def services(*proxies: FakeProxy, **wanted: object) -> list[tuple[Value, Value]]:
    return [(row["pxname"], row["svname"]) for row in rows(*proxies, **wanted)]


def test_columns_are_named_once() -> None:
    assert len(set(NAMES)) == len(NAMES)


def test_every_column_says_what_it_is() -> None:
    assert [field.name for field in FIELDS if not field.doc or field.doc.endswith(".")] == []


def test_rows_come_as_frontend_listeners_servers_backend() -> None:
    assert services(full_proxy("a")) == [("a", "FRONTEND"), ("a", "sock-1"), ("a", "s1"), ("a", "BACKEND")]


def test_a_proxy_shows_only_the_sides_it_has() -> None:
    assert services(FakeProxy("b", backend=FakeBackend())) == [("b", "BACKEND")]


@pytest.mark.parametrize(
    ("types", "shown"),
    [(1, ["FRONTEND"]), (2, ["BACKEND"]), (4, ["s1"]), (8, ["sock-1"]), (5, ["FRONTEND", "s1"]), (0, [])],
)
def test_types_add_up(types: int, shown: list[str]) -> None:
    assert [service for _, service in services(full_proxy(), types=types)] == shown


def test_one_proxy_can_be_selected() -> None:
    assert {name for name, _ in services(full_proxy("a", 2), full_proxy("b", 3), iid=3)} == {"b"}


def test_sid_0_selects_the_sides_and_others_what_has_the_number() -> None:
    assert services(full_proxy("a"), sid=0) == [("a", "FRONTEND"), ("a", "BACKEND")]
    assert services(full_proxy("a", sid=7), sid=7) == [("a", "s1")]


def test_servers_in_maintenance_can_be_hidden() -> None:
    proxy = full_proxy("a", status="MAINT", usable=False)
    assert ("a", "s1") not in services(proxy, hide_maint=True)


def test_servers_down_stay_when_only_maintenance_is_hidden() -> None:
    proxy = full_proxy("a", status="DOWN", usable=False)
    assert ("a", "s1") in services(proxy, hide_maint=True)
    assert ("a", "s1") not in services(proxy, hide_down=True)


def test_the_backend_says_how_many_there_are_when_servers_are_hidden() -> None:
    servers = [FakeServer("s1"), FakeServer("s2", 2, usable=False, status="DOWN")]
    proxy = FakeProxy(backend=FakeBackend(servers))
    assert rows(proxy, hide_down=True)[-1]["status"] == "UP (1/2)"
    assert rows(proxy)[-1]["status"] == "UP"


def test_backups_count_when_no_active_server_is_left() -> None:
    proxy = FakeProxy(backend=FakeBackend([FakeServer(backup=True)], act=0, bck=1))
    assert rows(proxy, hide_maint=True)[-1]["status"] == "UP (1/1)"


def test_addresses_cookies_and_algorithms_are_not_for_everybody() -> None:
    proxy = full_proxy(cookie="c")
    shown = {row["type"]: (row["addr"], row["cookie"], row["algo"]) for row in rows(proxy)}
    hidden = {row["type"]: (row["addr"], row["cookie"], row["algo"]) for row in rows(proxy, legends=False)}
    assert shown == {
        0: (None, None, None),
        1: (None, None, "roundrobin"),
        2: ("127.0.0.1:8000", "c", None),
        3: ("127.0.0.1:80", None, None),
    }
    assert set(hidden.values()) == {(None, None, None)}


def test_means_are_over_the_streams_counted() -> None:
    proxy = full_proxy(counters=fake_counters(time_n=4, q_time=10, c_time=4, d_time=3, t_time=100))
    row = row_of(proxy, 2)
    assert [row[name] for name in ("qtime", "ctime", "rtime", "ttime")] == [2, 1, 0, 25]


def test_means_of_nothing_are_zero() -> None:
    assert row_of(full_proxy(), 2)["ttime"] == 0


def test_http_columns_are_empty_in_mode_tcp() -> None:
    frontend = row_of(full_proxy(mode="tcp"), 0)
    assert [frontend[name] for name in ("hrsp_2xx", "intercepted", "cache_hits")] == [None, None, None]


def test_sessions_are_counted_under_their_protocol() -> None:
    proxy = full_proxy()
    assert proxy.frontend is not None
    proxy.frontend.counters = fake_counters(cum_sess=3, cum_req=9)
    http = row_of(proxy, 0)
    proxy.mode = "tcp"
    tcp = row_of(proxy, 0)
    assert [http[name] for name in ("stot", "h1sess", "h1req", "sess_other")] == [3, 3, 9, 0]
    assert [tcp[name] for name in ("stot", "h1sess", "h1req", "sess_other")] == [3, 0, 0, 3]


def test_limits_that_are_not_set_are_empty() -> None:
    row = row_of(full_proxy(), 2)
    assert [row[name] for name in ("slim", "qlimit", "src_ilim")] == [None, None, None]
    row = row_of(full_proxy(maxconn=5, maxqueue=6, idle_limit=7), 2)
    assert [row[name] for name in ("slim", "qlimit", "src_ilim")] == [5, 6, 7]


def test_a_server_is_active_or_backup() -> None:
    assert [row_of(full_proxy(backup=backup), 2)[name] for backup in (False, True) for name in ("act", "bck")] == [
        1, 0, 0, 1,
    ]  # fmt: skip


COUNTED = {
    "bytes_in": "bin", "bytes_out": "bout", "denied_resp": "dresp", "failed_conns": "econ", "failed_resp": "eresp",
    "retries": "wretr", "redispatches": "wredis", "cum_sess": "stot", "cum_lbconn": "lbtot", "rsp1xx": "hrsp_1xx",
    "rsp2xx": "hrsp_2xx", "rsp3xx": "hrsp_3xx", "rsp4xx": "hrsp_4xx", "rsp5xx": "hrsp_5xx", "rspother": "hrsp_other",
    "cum_req": "req_tot", "cli_aborts": "cli_abrt", "srv_aborts": "srv_abrt", "connect": "connect", "reuse": "reuse",
    "q_max": "qtime_max", "c_max": "ctime_max", "d_max": "rtime_max", "t_max": "ttime_max", "internal_errors": "eint",
}  # fmt: skip


@pytest.mark.parametrize(("counter", "column"), COUNTED.items())
def test_each_counter_of_a_server_is_shown_in_its_column(counter: str, column: str) -> None:
    row = row_of(full_proxy(counters=fake_counters(**{counter: 77})), 2)
    assert {name for name, value in row.items() if value == 77} == {column}


def test_kinds_of_counters_are_what_counts() -> None:
    kinds = {field.name: field.kind for field in FIELDS}
    assert {kinds[column] for column in COUNTED.values()} == {Kind.COUNTER, Kind.MAX}


def test_the_counters_are_those_of_the_shim() -> None:
    header = (Path(__file__).resolve().parents[2] / "native" / "include" / "counters.h").read_text()
    declared = {
        name.strip()
        for names in re.findall(r"^\s+uint64_t ([\w, ]+);", header, re.MULTILINE)
        for name in names.split(",")
    }
    assert set(Counters.__annotations__) == declared
