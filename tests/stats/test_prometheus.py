"""The exporter: its text as Prometheus' own parser reads it, and what a scrape may ask for."""

from __future__ import annotations

import re
from dataclasses import replace

import pytest
from prometheus_client.parser import text_string_to_metric_families

from lbcore.stats.prometheus import METRICS, PROCESS, BadQueryError, Query, exposition, parse_query
from lbcore.stats.services import prometheus_exporter
from tests.stats.fakes import FakeBackend, FakeFrontend, FakeListener, FakeProcess, FakeProxy, FakeServer, fake_counters

HOSTILE = 'a"b\\c\nd'


def proxies() -> list[FakeProxy]:
    return [
        FakeProxy(
            name="www",
            mode="http",
            frontend=FakeFrontend(counters=fake_counters(cum_sess=7, rsp2xx=5)),
            listeners=[FakeListener(name="sock-1", status="FULL")],
            backend=FakeBackend(
                servers=[FakeServer(name="s1", status="UP"), FakeServer(name=HOSTILE, status="MAINT", usable=False)]
            ),
        ),
        FakeProxy(name="raw", mode="tcp", frontend=FakeFrontend(status="STOP")),
    ]


def samples(query: str = "", **more: object) -> dict[tuple[str, ...], float]:
    """What a parser makes of it: by name and values of labels."""
    text = "".join(exposition(FakeProcess(), proxies(), parse_query(query), **more))  # type: ignore[arg-type]
    found = {}
    for family in text_string_to_metric_families(text):
        for sample in family.samples:
            key = (sample.name, *sample.labels.values())
            assert key not in found, "told twice"
            found[key] = sample.value
    return found


def test_every_figure_has_its_labels() -> None:
    found = samples()
    assert found["haproxy_frontend_sessions_total", "www"] == 7
    assert found["haproxy_frontend_http_responses_total", "www", "2xx"] == 5
    assert found["haproxy_frontend_status", "raw", "UP"] == 0
    assert found["haproxy_frontend_status", "raw", "DOWN"] == 1
    assert found["haproxy_listener_status", "www", "sock-1", "FULL"] == 1
    assert found["haproxy_server_status", "www", "s1", "UP"] == 1
    assert found["haproxy_server_status", "www", HOSTILE, "MAINT"] == 1
    assert found["haproxy_backend_agg_server_status", "www", "UP"] == 1
    assert found["haproxy_backend_agg_server_status", "www", "MAINT"] == 1
    assert found["haproxy_backend_agg_server_status", "www", "DOWN"] == 0


def test_what_only_http_has_is_not_told_of_tcp() -> None:
    assert ("haproxy_frontend_http_requests_total", "raw") not in samples()
    assert ("haproxy_frontend_http_responses_total", "raw", "2xx") not in samples()


def test_samples_of_one_metric_stand_together_under_one_header() -> None:
    text = "".join(exposition(FakeProcess(), proxies()))
    names = [line.split("{")[0].split(" ")[0] for line in text.splitlines() if not line.startswith("#")]
    runs = [name for at, name in enumerate(names) if at == 0 or names[at - 1] != name]
    assert len(runs) == len(set(runs))
    assert text.count("# TYPE ") == len(runs)


@pytest.mark.parametrize("scope", ["frontend", "backend", "server", "listener"])
def test_a_scope_shows_nothing_else(scope: str) -> None:
    assert {name.split("_")[1] for name, *_ in samples(f"scope={scope}")} == {scope}


def test_the_process_and_tables_are_scopes_too() -> None:
    assert {name.split("_")[1] for name, *_ in samples("scope=global")} == {"process"}
    tables = [("t", "ip", 1000, 5)]
    assert samples("scope=sticktable", tables=tables) == {
        ("haproxy_sticktable_size", "t", "ip"): 1000,
        ("haproxy_sticktable_used", "t", "ip"): 5,
    }


def test_servers_in_maintenance_can_be_left_out() -> None:
    found = samples("scope=server&no-maint")
    assert {key[2] for key in found} == {"s1"}


def test_metrics_are_chosen_or_left_out_by_name() -> None:
    assert {name for name, *_ in samples("metrics=haproxy_server_weight")} == {"haproxy_server_weight"}
    without = samples("metrics=-haproxy_server_weight")
    assert "haproxy_server_weight" not in {name for name, *_ in without}
    assert len(without) > 100


def test_all_that_a_query_may_say() -> None:
    assert parse_query("") == Query()
    assert parse_query("scope=*") == Query()
    assert parse_query("scope=server&scope=frontend").scopes == ("frontend", "server")
    assert parse_query("foo=bar&x") == Query()
    assert parse_query("metrics=a,-b,%63") == replace(Query(), wanted=frozenset("ac"), unwanted=frozenset("b"))
    with pytest.raises(BadQueryError):
        parse_query("scope=nowhere")


def test_a_scrape_of_an_unknown_scope_is_a_bad_request() -> None:
    answer = prometheus_exporter(FakeProcess(), proxies)("scope=nowhere")
    assert (answer.status, "".join(answer.parts)) == (400, "no scope is called 'nowhere'\n")
    assert prometheus_exporter(FakeProcess(), proxies)("").status == 200


def test_no_metric_is_named_twice() -> None:
    for initial in "flbs":
        names = [metric.name for metric in METRICS if initial in metric.scopes]
        assert len(names) == len(set(names))
    assert len({metric.name for metric in PROCESS}) == len(PROCESS)


def test_times_are_said_to_be_in_the_unit_that_they_are_in() -> None:
    texts = re.findall(r"# HELP (\S+_seconds\S*) (.*)", "".join(exposition(FakeProcess(), proxies())))
    assert texts
    assert not [name for name, text in texts if "millisecond" in text]
