"""Timers, ends and numbers of streams."""

from __future__ import annotations

import pytest

from lbcore.shim import lib
from lbcore.stream.unique_id import MAKERS
from tests.fetch.evaluate import value
from tests.fetch.transactions import accepted, ended, request, respond, tcp

TIMERS = (
    "fc.timer.handshake", "req.timer.idle", "req.timer.hdr", "req.timer.tq", "req.timer.queue", "bc.timer.connect",
    "res.timer.hdr",
)  # fmt: skip
LATE = ("res.timer.data", "txn.timer.total", "fc.timer.total", "txn.timer.user")


def test_timers_so_far_are_those_of_the_question() -> None:
    t = request(th=1, ti=2, tr=3, tw=4, tc=5, tresp=6)
    assert [value(t, text) for text in TIMERS] == [1, 2, 3, 6, 4, 5, 6]


def test_timers_that_were_not_reached_are_minus_one() -> None:
    t = accepted(th=0, ti=-1)
    assert [value(t, text) for text in TIMERS] == [0, -1, -1, -1, -1, -1, -1]


def test_timers_of_the_end_are_known_only_then() -> None:
    t = request()
    assert [value(t, text) for text in LATE] == [None] * 4
    ended(t, th=1, ti=2, td=7, ta=8, tt=11)
    assert [value(t, text) for text in LATE] == [7, 8, 11, 9]


def test_timers_of_an_ended_stream_are_those_of_its_record() -> None:
    t = ended(request(th=9, ti=9, tr=9), th=1, ti=2, tr=3, tw=4, tc=5, tresp=-1)
    assert [value(t, text) for text in TIMERS] == [1, 2, 3, 6, 4, 5, -1]


def test_idleness_that_was_not_reached_shortens_nothing() -> None:
    assert value(ended(request(), ti=-1, tt=11), "txn.timer.user") == 11


@pytest.mark.parametrize(
    ("term", "state", "client", "server"),
    [(b"CD--", "CD", 1, 0), (b"SH--", "SH", 0, 1), (b"----", "--", 0, 0), (b"sD--", "sD", 0, 0)],
)
def test_who_ended_it(term: bytes, state: str, client: int, server: int) -> None:
    t = ended(respond(request()), term=term)
    found = [value(t, text) for text in ("txn.sess_term_state", "fs.aborted", "bs.aborted")]
    assert found == [state, client, server]


def test_nobody_has_ended_what_goes_on() -> None:
    assert [value(request(), text) for text in ("txn.sess_term_state", "fs.aborted", "bs.aborted")] == ["--", 0, 0]


COUNTS = ("bytes_in", "bytes_out", "bc_be_queue", "bc_srv_queue")


def test_counts_of_the_end_are_known_only_then() -> None:
    t = request()
    assert [value(t, text) for text in COUNTS] == [None] * 4
    ended(t, bytes_uploaded=10, bytes_read=20, backend_queue=3, srv_queue=4)
    assert [value(t, text) for text in COUNTS] == [10, 20, 3, 4]


def test_retries_and_redispatches() -> None:
    texts = ("txn.conn_retries", "txn.redispatched")
    t = request(retries=2, flags=lib.ASK_F_REDISP)
    assert [value(t, text) for text in texts] == [2, True]
    assert [value(ended(t, retries=3, redispatched=0), text) for text in texts] == [3, False]


def test_statuses() -> None:
    texts = ("status", "txn.status", "server_status")
    t = request(status=404)
    assert [value(request(), text) for text in texts] == [None, -1, None]
    respond(t, "HTTP/1.1 404 Not Found")
    assert t.res is not None
    t.res.set_status(200, "OK")
    assert [value(t, text) for text in texts] == [200, 404, 404]
    assert [value(ended(t, status=503), text) for text in texts] == [503, 503, 404]


def test_the_last_final_rule() -> None:
    texts = ("last_rule_file", "last_rule_line", "last_entity")
    t = request()
    assert [value(t, text) for text in texts] == [None] * 3
    t.last_rule = ("lb.cfg", 12)
    assert [value(t, text) for text in texts] == ["lb.cfg", 12, "lb.cfg:12"]


def test_what_it_waits_for() -> None:
    t = request()
    assert value(t, "waiting_entity") is None
    t.waiting = "lb.cfg:12"
    assert value(t, "waiting_entity") == "lb.cfg:12"


def test_numbers_of_the_stream() -> None:
    t = request(uniq=2**33 + 5, req_count=3)
    assert [value(t, text) for text in ("txn.id32", "fs.id", "http_first_req")] == [5, "3", False]


def test_the_unique_id_is_made_when_it_is_asked_for() -> None:
    t = request()
    assert value(t, "unique-id") is None
    t.worker.local[MAKERS] = {0: lambda t: "made"}
    assert value(t, "unique-id") == "made"


def test_an_inspection_ends_with_the_data_or_its_time() -> None:
    t = tcp(b"x")
    assert (value(t, "wait_end"), t.missing) == (None, True)
    t = tcp(b"x", end=True)
    assert (value(t, "wait_end"), t.missing) == (True, False)


def test_there_is_nothing_to_wait_for_in_mode_http() -> None:
    assert value(request(), "wait_end") is True
