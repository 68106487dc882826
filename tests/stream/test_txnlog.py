"""The transaction log: texts of lines, which records have one, at which level."""

import socket
import time
from collections.abc import Iterator
from typing import Any

import pytest

import lbcore.fetch
from lbcore.log.settings import LogProfile, LogTarget, ProfileStep
from lbcore.proxy.settings import CaptureSlot, CookieCapture, ProxySettings
from lbcore.stream.aliases import Helpers
from lbcore.stream.txn import Txn
from lbcore.stream.txnlog import LOG_ERR, LOG_INFO, TxnLog, wants_txn
from tests.fetch.transactions import FakeBuild, request
from tests.stream.records import TARGET, FakeNames, Record, line_at

assert lbcore.fetch, "fills the table that expressions are read by"


@pytest.fixture(autouse=True)
def an_hour_east(monkeypatch: pytest.MonkeyPatch) -> Iterator[None]:
    monkeypatch.setenv("TZ", "TST-1")
    time.tzset()
    yield
    monkeypatch.undo()
    time.tzset()


def log_of(
    kind: str | None, *options: str, mode: str = "http", profile: LogProfile | None = None, **settings: Any
) -> TxnLog:
    proxy = ProxySettings("front", "frontend", mode=mode, log_kind=kind, options=set(options), **settings)
    return TxnLog(proxy, Helpers(proxy, FakeNames(), line_at, pid=77), FakeBuild(), profile)


def text_of(log: TxnLog, record: Record, t: Txn | None = None) -> str:
    line = log.line(record.row(), t)
    assert line is not None
    return line[1]


def test_httplog() -> None:
    assert text_of(log_of("httplog"), Record()) == (
        "192.0.2.1:4321 [01/Mar/2026:01:04:06.078] front be0/srv0 3/4/5/6/8 200 1234 - - ---- "
        '11/12/13/14/0 15/16 "GET /a?b=c HTTP/1.1"'
    )


def test_tcplog() -> None:
    assert text_of(log_of("tcplog", mode="tcp"), Record(term=b"--\0\0")) == (
        "192.0.2.1:4321 [01/Mar/2026:01:04:05.006] front be0/srv0 4/5/9 1234 -- 11/12/13/14/0 15/16"
    )


def test_clf() -> None:
    assert text_of(log_of("clf"), Record()) == (
        '192.0.2.1 - - [01/Mar/2026:00:04:06 +0000] "GET /a?b=c HTTP/1.1" 200 1234 "" "" 4321 006 '
        '"front" "be0" "srv0" 3 4 5 6 8 ---- 11 12 13 14 0 15 16 "" "" '
    )


def test_the_default_line_in_mode_tcp() -> None:
    assert text_of(log_of(None, mode="tcp"), Record(uri=None)) == (
        "Connect from 192.0.2.1:4321 to 198.51.100.2:80 (front/TCP)"
    )


def test_the_default_line_in_mode_http() -> None:
    assert text_of(log_of(None), Record()) == "Connect from 192.0.2.1:4321 to 198.51.100.2:80 (front/HTTP)"


def test_an_unreadable_request_has_no_default_line() -> None:
    assert log_of(None).line(Record(uri=None, tr=-1).row()) is None


def test_http_formats_fall_back_to_tcplog_in_mode_tcp() -> None:
    record = Record(term=b"--")
    assert text_of(log_of("httplog", mode="tcp"), record) == text_of(log_of("tcplog", mode="tcp"), record)


def test_ipv6_addresses() -> None:
    record = Record(family=socket.AF_INET6, saddr=socket.inet_pton(socket.AF_INET6, "2001:db8::1"))
    assert text_of(log_of("httplog"), record).startswith("2001:db8::1:4321 [")


def test_unix_sockets_have_the_number_of_the_listener_for_a_port() -> None:
    record = Record(family=socket.AF_UNIX, sport=0, dport=0, listener=2)
    assert text_of(log_of("httplog"), record).startswith("unix:3 [")
    assert text_of(log_of(None), record) == "Connect from unix:3 to unix:3 (front/HTTP)"


def test_without_a_backend_the_frontend_is_named() -> None:
    text = text_of(log_of("httplog"), Record(backend=-1, server=-1))
    assert " front front/<NOSRV> " in text


def test_a_request_never_read_is_badreq() -> None:
    assert text_of(log_of("httplog"), Record(uri=None)).endswith(' "<BADREQ>"')


@pytest.mark.parametrize(
    ("raw", "logged"),
    [
        (b'GET /"', "GET /#22"),
        (b"GET /#", "GET /#23"),
        (b"GET /\x01\x7f", "GET /#01#7F"),
        (b"GET /\xe9", "GET /#E9"),
        (b"GET /{|}'\\", "GET /{|}'\\"),
        ("GET /\u00e9".encode(), "GET /#C3#A9"),
    ],
)
def test_request_lines_are_escaped(raw: bytes, logged: str) -> None:
    assert text_of(log_of("httplog"), Record(uri=raw)).endswith(f' "{logged}"')


def test_logasap_marks_what_is_not_final() -> None:
    assert " 3/4/5/6/+8 200 +1234 " in text_of(log_of("httplog", "logasap"), Record())
    assert " 4/5/+9 +1234 " in text_of(log_of("tcplog", "logasap", mode="tcp"), Record())


def test_a_redispatch_marks_the_retries() -> None:
    assert "/14/+2 " in text_of(log_of("httplog"), Record(retries=2, redispatched=1))


ERRORS = [
    Record(term=b"SC--", status=503),
    Record(term=b"cD--"),
    Record(retries=1),
    Record(term=b"LR--", redispatched=1),
    Record(redispatched=1),
    Record(status=500),
]
NORMAL = [Record(), Record(term=b"LR--"), Record(term=b"LR--", retries=1), Record(status=404)]


@pytest.mark.parametrize("record", ERRORS, ids=str)
def test_errors_are_raised_to_err_and_logged_when_the_rest_is_not(record: Record) -> None:
    line = log_of("httplog", "log-separate-errors", "dontlog-normal").line(record.row())
    assert line is not None
    assert line[0] == LOG_ERR


@pytest.mark.parametrize("record", NORMAL, ids=str)
def test_what_is_normal_is_at_info_or_not_logged(record: Record) -> None:
    line = log_of("httplog", "log-separate-errors").line(record.row())
    assert line is not None
    assert line[0] == LOG_INFO
    assert log_of("httplog", "dontlog-normal").line(record.row()) is None


@pytest.mark.parametrize("record", ERRORS, ids=str)
def test_errors_are_at_info_unless_they_are_to_be_separate(record: Record) -> None:
    line = log_of("httplog").line(record.row())
    assert line is not None
    assert line[0] == LOG_INFO


def test_what_is_normal_has_no_line_if_told_so() -> None:
    log = log_of("httplog", "dontlog-normal")
    lines = [log.line(record.row()) for record in (Record(status=500), Record(), Record(status=503))]
    assert [line and line[1].split(" ")[5] for line in lines] == ["500", None, "503"]


def test_a_cached_second_is_not_used_for_another() -> None:
    log = log_of("httplog")
    text_of(log, Record())
    later = Record(request_us=Record.request_us + 86_400_000_000)
    assert "[02/Mar/2026:01:04:06.078]" in text_of(log, later)


def test_more_clients_than_the_cache_holds_are_told_apart() -> None:
    log = log_of("httplog")
    for number in range(5000):
        record = Record(saddr=bytes([10, 0, number >> 8, number & 255]))
        assert text_of(log, record).startswith(f"10.0.{number >> 8}.{number & 255}:")


def test_an_error_format_is_for_requests_that_could_not_be_read() -> None:
    log = log_of("httplog", error_log_format="%ci %ST")
    assert text_of(log, Record(tr=-1, uri=None, status=400, term=b"PR--")) == "192.0.2.1 400"
    assert text_of(log, Record(status=503, term=b"SC--")).endswith('"GET /a?b=c HTTP/1.1"')


def test_mode_tcp_has_no_use_for_an_error_format() -> None:
    assert text_of(log_of("tcplog", mode="tcp", error_log_format="%ci"), Record(tr=-1, term=b"SC")).endswith(" 15/16")


def test_a_format_of_its_own_counts_where_it_was_chosen() -> None:
    assert text_of(log_of("format", log_format="%ci|%ST"), Record()) == "192.0.2.1|200"


def test_a_text_of_no_character_is_no_line() -> None:
    assert log_of("format", log_format="%hs %hr").line(Record().row()) is None
    assert log_of("format", log_format="%hs %hr").live_line(request(), "http-req") is None


def test_the_default_line_is_no_matter_of_errors_and_is_not_written_twice() -> None:
    log = log_of(None, "log-separate-errors", "dontlog-normal")
    assert [log.line(record.row()) for record in (Record(), Record(status=500))] == [
        (LOG_INFO, "Connect from 192.0.2.1:4321 to 198.51.100.2:80 (front/HTTP)", "")
    ] * 2
    assert log.live_line(request(), "http-req") is None


def test_without_the_last_step_only_what_was_never_read_has_a_line_at_the_end() -> None:
    log = log_of("httplog", log_steps=("request",))
    assert log.fast is None
    assert log.line(Record().row()) is None
    assert log.line(Record(tr=-1, status=400, term=b"PR--").row()) is not None
    assert log_of("httplog", log_steps=("request", "close")).fast is not None


def test_structured_data_goes_beside_the_text() -> None:
    line = log_of("tcplog", mode="tcp", log_format_sd='[a@1 b="%ST"]').line(Record().row())
    assert line is not None
    assert line[2] == '[a@1 b="200"]'


def kept(**fields: Any) -> Txn:
    """A transaction whose stream has ended."""
    t = request("GET /x HTTP/1.1", "host: www")
    for name, value in fields.items():
        setattr(t, name, value)
    t.end(Record(server=0, backend=0).row())
    return t


CAPTURES: Any = {"captures_request": [CaptureSlot(20, "host"), CaptureSlot(20)], "captures_response": [CaptureSlot(9)]}


def test_captures_stand_in_braces() -> None:
    t = kept(captures_req=["www", None], captures_res=['{"#|}\t'])
    line = text_of(log_of("httplog", **CAPTURES), Record(), t)
    assert line.endswith(' 15/16 {www|} {#7B#22#23#7C#7D#09} "GET /a?b=c HTTP/1.1"')


def test_captures_of_a_request_never_read_leave_nothing() -> None:
    line = text_of(log_of("httplog", **CAPTURES), Record(uri=None, tr=-1))
    assert line.endswith(' 15/16 "<BADREQ>"')


def test_captures_in_common_log_format_stand_by_themselves() -> None:
    t = kept(captures_req=["www", None], captures_res=[None])
    assert text_of(log_of("clf", **CAPTURES), Record(), t).endswith(' "" "" "www" "" ""')


class Cookies:
    """What a persistence cookie leaves behind."""

    request_state, response_state = "V", "N"
    client_value, server_value = "SID=1", None


def test_cookies_are_told_of_by_values_and_states() -> None:
    assert " 200 1234 SID=1 - --VN 11/" in text_of(log_of("httplog"), Record(), kept(cookies=Cookies()))


def test_expressions_see_the_transaction() -> None:
    log = log_of("format", log_format="%ci %[method] %{+Q}[var(txn.none)] %[var(txn.a)] %ST")
    assert log.needs_txn
    assert text_of(log, Record(), kept(vars={"txn.a": "x", "a": "x"})).startswith('192.0.2.1 GET "" ')


def test_a_line_without_a_kept_transaction_has_one_of_its_record() -> None:
    world = request().world
    t = Txn.of_record(world, request().worker, Record(server=1, backend=0, sport=7).row())
    assert (str(t.src), t.session.sport, t.server.name, t.status) == ("192.0.2.1", 7, "s2", 200)
    assert text_of(log_of("format", log_format="%[src]:%[src_port]"), Record(), t) == "192.0.2.1:7"


@pytest.mark.parametrize(("level", "expected"), [(None, LOG_INFO), (7, 7), (0, 0)])
def test_a_rule_sets_the_level(level: int | None, expected: int) -> None:
    line = log_of("httplog").line(Record().row(), kept(log_level=level))
    assert line is not None
    assert line[0] == expected


def test_a_level_set_by_a_rule_is_not_raised_by_an_error() -> None:
    line = log_of("httplog", "log-separate-errors").line(Record(status=500).row(), kept(log_level=7))
    assert line is not None
    assert line[0] == 7


def test_silent_streams_have_no_line() -> None:
    assert log_of("httplog").line(Record().row(), kept(log_level=-1)) is None
    assert log_of("httplog").live_line(kept(log_level=-1), "http-req") is None


@pytest.mark.parametrize("kind", ["httplog", "clf", "httpslog"])
def test_the_quick_way_gives_the_line_that_looking_closer_gives(kind: str) -> None:
    quick, slow = log_of(kind), log_of(kind, "log-separate-errors")
    if kind == "httpslog":
        assert quick.fast is None, "an expression takes a transaction"
        return
    assert quick.fast is not None
    assert slow.fast is None
    assert quick.fast(Record().row()) == text_of(slow, Record())


@pytest.mark.parametrize("kind", ["httplog", "clf"])
def test_the_quick_way_of_kept_transactions_needs_nothing_of_the_record_in_them(kind: str) -> None:
    quick, slow = log_of(kind, **CAPTURES), log_of(kind, "log-separate-errors", **CAPTURES)
    fields = {"captures_req": ["www", "a{b"], "captures_res": ["x"], "cookies": Cookies()}
    live = request("GET /x HTTP/1.1", "host: www")
    for name, value in fields.items():
        setattr(live, name, value)
    assert quick.kept is not None
    assert quick.kept(live, Record(server=0, backend=0).row()) == text_of(slow, Record(), kept(**fields))


def test_there_is_no_quick_way_for_expressions() -> None:
    assert log_of("format", log_format="%[var(txn.a)]").kept is None


# --- profiles ---


PROFILE = LogProfile(
    "p",
    steps={
        "any": ProfileStep(format="any %ci"),
        "close": ProfileStep(format="close %ST", sd="[c]"),
        "http-res": ProfileStep(drop=True),
        "error": ProfileStep(sd="[e]"),
    },
)


def test_a_profile_has_a_format_for_each_origin() -> None:
    log = log_of("httplog", profile=PROFILE)
    assert log.line(Record().row()) == (LOG_INFO, "close 200", "[c]")
    assert log.live_line(request(), "http-req") == (LOG_INFO, "any 192.0.2.1", "")
    assert log.live_line(request(), "http-res") is None


def test_a_profile_without_a_format_takes_that_of_the_proxy() -> None:
    line = log_of("format", profile=PROFILE, log_format="own %ST").line(Record(status=500).row())
    assert line == (LOG_INFO, "own 500", "[e]")


# --- what must be kept ---


@pytest.mark.parametrize(
    ("settings", "wanted"),
    [
        ({"log_kind": "httplog"}, False),
        ({"log_kind": None}, False),
        ({"log_kind": "httplog", "captures_request": [CaptureSlot(1)]}, True),
        ({"log_kind": "tcplog", "captures_request": [CaptureSlot(1)]}, False),
        ({"log_kind": "clf", "capture_cookie": CookieCapture("SID=", 9)}, True),
        ({"log_kind": "tcplog", "capture_cookie": CookieCapture("SID=", 9)}, False),
        ({"log_kind": "format", "log_format": "%hs"}, False),
        ({"log_kind": "format", "log_format": "%hsl", "captures_response": [CaptureSlot(1)]}, True),
        ({"log_kind": "format", "log_format": "%[src]"}, True),
        ({"log_kind": "format", "log_format": "%ID"}, False),
        ({"log_kind": "format", "log_format": "%ID", "unique_id_format": "%rt"}, True),
        ({"log_kind": "tcplog", "error_log_format": "%[src]"}, True),
    ],
    ids=str,
)
def test_transactions_are_kept_if_a_record_is_not_enough(settings: dict[str, Any], wanted: bool) -> None:
    proxy = ProxySettings("front", "frontend", mode="http", log_targets=[TARGET], **settings)
    assert wants_txn(proxy, {}) is wanted
    proxy.log_targets = []
    assert not wants_txn(proxy, {})


def test_transactions_are_kept_for_the_profile_of_a_target() -> None:
    proxy = ProxySettings("front", "frontend", mode="http", log_kind="httplog")
    proxy.log_targets = [LogTarget(TARGET.address, 16, profile="p")]
    profile = LogProfile("p", steps={"close": ProfileStep(format="%[src]")})
    assert wants_txn(proxy, {"p": profile})
    assert not wants_txn(proxy, {"q": profile})
