"""The lines of `show info`."""

import pytest

from lbcore.stats.info import INFO, lines, text_of, uptime_text
from tests.stats.fakes import FakeProcess, numbers

SHOWN_AS = {
    "nbthread": "Nbthread", "pid": "Pid", "boot_time_ms": "BootTime_ms",
    "memmax_mb": "Memmax_MB", "pool_failed": "PoolFailed", "ulimit_n": "Ulimit-n", "maxsock": "Maxsock",
    "pool_alloc": "PoolAlloc_bytes", "pool_used": "PoolUsed_bytes",
    "maxconn": "Maxconn", "hard_maxconn": "Hard_maxconn", "maxconn_reached": "MaxconnReached",
    "cur_conns": "CurrConns", "cum_conns": "CumConns", "cum_req": "CumReq", "maxpipes": "Maxpipes",
    "pipes_used": "PipesUsed", "pipes_free": "PipesFree", "conn_rate": "ConnRate", "conn_rate_limit": "ConnRateLimit",
    "conn_rate_max": "MaxConnRate", "sess_rate": "SessRate", "sess_rate_limit": "SessRateLimit",
    "sess_rate_max": "MaxSessRate", "tasks": "Tasks", "run_queue": "Run_queue", "idle_pct": "Idle_pct",
    "jobs": "Jobs", "unstoppable_jobs": "Unstoppable Jobs", "listeners": "Listeners", "dropped_logs": "DroppedLogs",
    "bytes_out": "TotalBytesOut", "spliced_bytes_out": "TotalSplicedBytesOut", "bytes_out_rate": "BytesOutRate",
    "warnings": "TotalWarnings",
}  # fmt: skip


def shown(process: FakeProcess) -> dict[str, str]:
    return dict(line.rstrip("\n").split(": ", 1) for line in lines(process))


@pytest.mark.parametrize("attribute", numbers(FakeProcess))
def test_each_figure_is_shown_in_its_line(attribute: str) -> None:
    process = FakeProcess(**{attribute: 770_077})  # type: ignore[arg-type]
    found = {name for name, text in shown(process).items() if text == "770077"}
    assert found == {SHOWN_AS[attribute]}


def test_memory_is_shown_in_mib_and_bytes() -> None:
    info = shown(FakeProcess(pool_alloc=5 << 20, memmax_mb=2))
    assert (info["PoolAlloc_MB"], info["PoolAlloc_bytes"], info["Memmax_bytes"]) == ("5", "5242880", "2097152")


def test_stopping_is_a_number() -> None:
    assert shown(FakeProcess(stopping=True))["Stopping"] == "1"


def test_the_description_is_a_line_only_if_there_is_one() -> None:
    assert "description" not in shown(FakeProcess())
    assert shown(FakeProcess(description="x: y"))["description"] == "x: y"


@pytest.mark.parametrize(
    ("seconds", "text"), [(0, "0d 0h00m00s"), (59.9, "0d 0h00m59s"), (93784, "1d 2h03m04s"), (864000, "10d 0h00m00s")]
)
def test_uptime_in_words(seconds: float, text: str) -> None:
    assert uptime_text(seconds) == text


@pytest.mark.parametrize(("value", "text"), [(0.0, "0"), (1.0, "1"), (100.0, "100"), (0.3440281, "0.344028"), (7, "7")])
def test_floats_have_the_digits_that_say_something(value: float, text: str) -> None:
    assert text_of(value) == text


@pytest.mark.parametrize(
    ("attribute", "name"),
    [("uptime", "Uptime_sec"), ("start_time", "Start_time_sec"), ("exact_conn_rate", "ConnRate"),
     ("exact_sess_rate", "SessRate")],
)  # fmt: skip
def test_what_is_known_better_is_told_on_demand(attribute: str, name: str) -> None:
    process = FakeProcess(**{attribute: 7700.25})  # type: ignore[arg-type]
    assert f"{name}: 7700.25\n" in list(lines(process, exact=True))
    assert f"{name}: 7700.25\n" not in list(lines(process))


def test_documentation_stands_behind_the_value() -> None:
    assert 'Nbthread: 2:"Threads that carry traffic"\n' in list(lines(FakeProcess(), with_docs=True))


def test_lines_are_named_and_explained_once() -> None:
    assert len({field.name for field in INFO}) == len({field.doc for field in INFO}) == len(INFO)
