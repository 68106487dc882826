"""The transaction log: texts of lines, which records have one, at which level."""

import socket
import time
from collections.abc import Iterator

import pytest

from lbcore.proxy.settings import ProxySettings
from lbcore.stream.txnlog import ALIASES, LOG_ERR, LOG_INFO, Alias, LogFormatError, TxnLog, compile_format
from tests.stream.records import FakeNames, Record, view


@pytest.fixture(autouse=True)
def an_hour_east(monkeypatch: pytest.MonkeyPatch) -> Iterator[None]:
    monkeypatch.setenv("TZ", "TST-1")
    time.tzset()
    yield
    monkeypatch.undo()
    time.tzset()


def log_of(kind: str | None, *options: str, mode: str = "http") -> TxnLog:
    proxy = ProxySettings("front", "frontend", mode=mode, log_kind=kind, options=set(options))
    return TxnLog(proxy, FakeNames(), view, pid=77)


def text_of(log: TxnLog, record: Record) -> str:
    line = log.line(record)
    assert line is not None
    return line[1]


def custom(log_format: str, record: Record | None = None, *, http: bool = True, asap: bool = False) -> str:
    names = log_of("httplog")._helpers.names()
    return compile_format(log_format, names, http=http, asap=asap)(record or Record())


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
    assert log_of(None).line(Record(uri=None)) is None


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


def test_dontlognull_skips_connections_that_sent_nothing() -> None:
    null = Record(bytes_uploaded=0, uri=None, status=408)
    assert log_of("httplog", "dontlognull").line(null) is None
    assert log_of("tcplog", "dontlognull", mode="tcp").line(null) is None
    assert log_of("httplog").line(null) is not None
    assert log_of("httplog", "dontlognull").line(Record()) is not None


ERRORS = [
    Record(term=b"SC--", status=503),
    Record(term=b"cD--"),
    Record(retries=1),
    Record(redispatched=1),
    Record(status=500),
]
NORMAL = [Record(), Record(term=b"LR--"), Record(status=404)]


@pytest.mark.parametrize("record", ERRORS, ids=str)
def test_errors_are_raised_to_err_and_logged_when_the_rest_is_not(record: Record) -> None:
    line = log_of("httplog", "log-separate-errors", "dontlog-normal").line(record)
    assert line is not None
    assert line[0] == LOG_ERR


@pytest.mark.parametrize("record", NORMAL, ids=str)
def test_what_is_normal_is_at_info_or_not_logged(record: Record) -> None:
    line = log_of("httplog", "log-separate-errors").line(record)
    assert line is not None
    assert line[0] == LOG_INFO
    assert log_of("httplog", "dontlog-normal").line(record) is None


@pytest.mark.parametrize("record", ERRORS, ids=str)
def test_errors_are_at_info_unless_they_are_to_be_separate(record: Record) -> None:
    line = log_of("httplog").line(record)
    assert line is not None
    assert line[0] == LOG_INFO


def test_lines_keep_the_order_and_leave_out_what_is_not_logged() -> None:
    log = log_of("httplog", "dontlog-normal")
    records = [Record(status=500), Record(), Record(status=503)]
    assert [text.split(" ")[5] for _, text in log.lines(records)] == ["500", "503"]


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


@pytest.mark.parametrize(
    ("log_format", "expected"),
    [
        ("%HM|%HU|%HV", "GET|/a?b=c|HTTP/1.1"),
        ("%Tq %Th %Ti %Td", "6 1 2 7"),
        ("%U %rt %pid", "99 2 77"),
        ("%T", "01/Mar/2026:00:04:05 +0000"),
        ("%Tl", "01/Mar/2026:01:04:05 +0100"),
        ("%trl", "01/Mar/2026:01:04:06 +0100"),
        ("%Ts %ms", "1772323445 006"),
        ("%fi:%fp %f", "198.51.100.2:80 front"),
        ("100%% {x} \\n \"q\" '''", "100% {x} \\n \"q\" '''"),
        ("%hr %hs %B  %hrl", "1234 "),
        ("%{+Q}b %b", '"be0" be0'),
        ("%{+Q}o %b %{-Q}s %f %CC %ST", '"be0" srv0 "front" "" 200'),
        ('"""%b', '"""be0'),
    ],
)
def test_log_format_strings(log_format: str, expected: str) -> None:
    assert custom(log_format) == expected


def test_timers_add_up_only_if_all_were_reached() -> None:
    assert custom("%Tq", Record(tr=-1)) == "-1"


@pytest.mark.parametrize(
    ("log_format", "said"),
    [("%foo", "'%foo'"), ("%[src]", "'%' without a name"), ("%{+X}B", "'\\+X'"), ("50 %", "'%' without a name")],
)
def test_formats_that_cannot_be_used_are_refused_by_name(log_format: str, said: str) -> None:
    with pytest.raises(LogFormatError, match=said):
        custom(log_format)


def test_http_aliases_are_refused_in_mode_tcp() -> None:
    with pytest.raises(LogFormatError, match="'%HM' needs 'mode http'"):
        custom("%HM", http=False)


@pytest.mark.parametrize("alias", ALIASES, ids=lambda alias: alias.name)
def test_every_alias_compiles_and_names_its_section(alias: Alias) -> None:
    assert alias.section[:2] == "8."
    assert isinstance(custom(f"%{alias.name}"), str)


def test_aliases_stand_in_order_and_once() -> None:
    names = [alias.name for alias in ALIASES]
    assert names == sorted(set(names))
