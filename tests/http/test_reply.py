"""Answers of our own: how they are built, and what error files may hold."""

from __future__ import annotations

import pytest

from lbcore.http.pages import PAGES, message
from lbcore.http.reply import (
    PAGE_STATUSES,
    SILENT,
    Message,
    MessageError,
    build_message,
    default_page,
    encode_value,
    location_page,
    parse_message,
    reason_of,
    redirection,
)

LIMIT = 16384


def test_fields_stand_before_the_length_and_the_type() -> None:
    assert build_message(403, [("x-a", "b"), ("x-c", "d e")], b"hi", "text/plain") == Message(
        "HTTP/1.1 403 Forbidden\r\nx-a: b\r\nx-c: d e\r\ncontent-length: 2\r\ncontent-type: text/plain\r\n\r\n", b"hi"
    )


def test_no_body_has_no_type() -> None:
    assert build_message(200, [], b"", "text/plain").head == "HTTP/1.1 200 OK\r\ncontent-length: 0\r\n\r\n"


def test_204_has_no_length() -> None:
    assert build_message(204, []).head == "HTTP/1.1 204 No Content\r\n\r\n"


@pytest.mark.parametrize(("value", "close"), [("close", True), ("x, Close", True), ("keep-alive", False), ("", False)])
def test_a_connection_field_closes_and_is_not_sent(value: str, close: bool) -> None:
    built = build_message(200, [("connection", value)])
    assert built.close is close
    assert "connection" not in built.head


@pytest.mark.parametrize("status", [302, 303, 307])
def test_temporary_redirects_are_not_to_be_cached(status: int) -> None:
    assert "cache-control: no-cache\r\n" in redirection(status, "/")


@pytest.mark.parametrize("status", [301, 308])
def test_permanent_redirects_may_be_cached(status: int) -> None:
    assert redirection(status, "/x", [("set-cookie", "a")]) == (
        f"HTTP/1.1 {status} {reason_of(status)}\r\ncontent-length: 0\r\nlocation: /x\r\nset-cookie: a\r\n\r\n"
    )


def test_location_page_is_a_redirect() -> None:
    assert location_page(303, "/e").head == (
        "HTTP/1.1 303 See Other\r\ncache-control: no-cache\r\ncontent-length: 0\r\nlocation: /e\r\n\r\n"
    )


@pytest.mark.parametrize("page", PAGES, ids=lambda page: page.status)
def test_default_page_is_that_of_the_shim(page) -> None:  # type: ignore[no-untyped-def]
    found = default_page(page.status)
    assert found.head.encode() + found.body == message(page)


def test_there_is_a_page_for_the_monitor() -> None:
    assert 200 in PAGE_STATUSES
    assert default_page(200).body == b"<html><body><h1>200 OK</h1>\nService ready.\n</body></html>\n"


@pytest.mark.parametrize("status", [100, 418, 999])
def test_other_statuses_have_no_page(status: int) -> None:
    with pytest.raises(KeyError):
        default_page(status)


@pytest.mark.parametrize(
    ("status", "text"),
    [(299, "Success"), (399, "Redirection"), (498, "Client Error"), (599, "Server Error"), (700, "Other")],
)
def test_reason_of_an_unknown_status_is_that_of_its_class(status: int, text: str) -> None:
    assert reason_of(status) == text


@pytest.mark.parametrize("char", [*(chr(code) for code in range(32) if code != 9), "\x7f"])
def test_no_control_character_goes_into_a_field(char: str) -> None:
    assert encode_value(f"a{char}b") == f"a%{ord(char):02X}b"


def test_other_characters_go_into_fields_as_they_are() -> None:
    text = "\t" + "".join(chr(code) for code in range(32, 256) if code != 127)
    assert encode_value(text) == text


# --- files ---


def test_nothing_is_a_silent_page() -> None:
    assert parse_message(b"", LIMIT) == SILENT


def test_names_become_lower_case_and_lines_end_as_on_the_wire() -> None:
    assert parse_message(b"HTTP/1.1 404 Not\nX-A: B\nContent-Length: 3\n\nabc", LIMIT) == Message(
        "HTTP/1.1 404 Not\r\nx-a: B\r\ncontent-length: 3\r\n\r\n", b"abc"
    )


def test_a_page_without_length_closes_and_keeps_its_version() -> None:
    found = parse_message(b"HTTP/1.0 503 Mine\r\nConnection: close\r\nA: b\r\n\r\nhello", LIMIT)
    assert found == Message("HTTP/1.0 503 Mine\r\na: b\r\n\r\n", b"hello", True)


def test_what_a_page_says_about_the_connection_is_left_out() -> None:
    found = parse_message(
        b"HTTP/1.1 200 OK\r\nConnection: keep-alive\r\nKeep-Alive: 5\r\nContent-Length: 0\r\n\r\n", LIMIT
    )
    assert found == Message("HTTP/1.1 200 OK\r\ncontent-length: 0\r\n\r\n", b"", False)


def test_a_page_that_asks_for_it_closes() -> None:
    assert parse_message(b"HTTP/1.1 200 OK\r\nConnection: close\r\nContent-Length: 0\r\n\r\n", LIMIT).close


def test_equal_lengths_become_one() -> None:
    found = parse_message(b"HTTP/1.1 200 OK\r\nContent-Length: 2\r\nContent-Length: 2\r\n\r\nab", LIMIT)
    assert found.head.count("content-length") == 1


def test_folded_lines_are_put_together() -> None:
    assert "a: b c\r\n" in parse_message(b"HTTP/1.1 200 OK\nA: b\n  c\n\n", LIMIT).head


def test_missing_reason_is_the_usual_one() -> None:
    assert parse_message(b"HTTP/1.1 404\r\nContent-Length: 0\r\n\r\n", LIMIT).head.startswith(
        "HTTP/1.1 404 Not Found\r\n"
    )


def test_newer_versions_are_answered_in_ours() -> None:
    assert parse_message(b"HTTP/2.0 200 OK\r\n\r\n", LIMIT).head.startswith("HTTP/1.1 200 OK\r\n")


WRONG = {
    b"GET / HTTP/1.1\r\n\r\n": "unable to parse headers (error offset: 0)",
    b"HTTP/1.1 200 OK\r\n": "unable to parse headers (error offset: -2)",
    b"HTTP/1.1 200 OK\r\nA: b": "unable to parse headers (error offset: -2)",
    b"HTTP/1.1 20x OK\r\n\r\n": "unable to parse headers (error offset: 0)",
    b"HTTP/1.1 100 Continue\r\n\r\n": "invalid http status code for an error message (100)",
    b"HTTP/1.1 200 OK\r\nTransfer-Encoding: chunked\r\n\r\n": "chunk-encoded payload not supported",
    b"HTTP/1.1 200 OK\r\nContent-Length: 5\r\n\r\nab": (
        "payload size does not match the announced content-length (2 != 5)"
    ),
    b"HTTP/1.1 204 OK\r\n\r\nab": "message payload not expected",
    b"HTTP/1.1 304 OK\r\n\r\nab": "message payload not expected",
}


@pytest.mark.parametrize("raw", WRONG, ids=range(len(WRONG)))
def test_what_is_no_message_is_refused_with_haproxys_words(raw: bytes) -> None:
    with pytest.raises(MessageError) as caught:
        parse_message(raw, LIMIT)
    assert str(caught.value) == WRONG[raw]


@pytest.mark.parametrize(
    "line", [b"A : b", b": b", b"A b", b"A\x01: b", b"A: b\x00c", b"A: b\rc", b"Content-Length: x"]
)
def test_malformed_fields_are_refused(line: bytes) -> None:
    with pytest.raises(MessageError, match="unable to parse headers"):
        parse_message(b"HTTP/1.1 200 OK\r\n" + line + b"\r\n\r\n", LIMIT)


def test_lengths_that_differ_are_refused() -> None:
    with pytest.raises(MessageError, match="unable to parse headers"):
        parse_message(b"HTTP/1.1 200 OK\r\nContent-Length: 2\r\nContent-Length: 3\r\n\r\nab", LIMIT)


def test_a_page_larger_than_a_buffer_is_refused() -> None:
    raw = b"HTTP/1.1 200 OK\r\n\r\n"
    assert parse_message(raw + b"a" * (100 - len(raw)), 100).body
    with pytest.raises(MessageError, match="unable to add payload"):
        parse_message(raw + b"a" * (101 - len(raw)), 100)
