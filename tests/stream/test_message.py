"""Requests: what is worked out of the target, and what stays as it was received."""

from __future__ import annotations

import pytest

from lbcore.stream.message import Request


def parsed(line: str) -> Request:
    method, target, _ = line.split(" ")
    return Request(f"{line}\r\nhost: h\r\n\r\n", len(method), len(target))


@pytest.mark.parametrize(
    ("line", "path"),
    [
        ("GET /a/b?c HTTP/1.1", "/a/b"),
        ("GET http://h/a?c HTTP/1.1", "/a"),
        ("OPTIONS * HTTP/1.1", None),
        ("CONNECT h:80 HTTP/1.1", None),
        ("OPTIONS *?a=b HTTP/1.1", None),
    ],
)
def test_only_what_begins_with_a_slash_is_a_path(line: str, path: str | None) -> None:
    assert parsed(line).abs_path == path


@pytest.mark.parametrize(
    ("line", "found"),
    [("GET /a?b HTTP/1.1", "/a?b"), ("GET http://h?b HTTP/1.1", "/?b"), ("OPTIONS * HTTP/1.1", None)],
)
def test_a_query_belongs_to_what_has_a_path(line: str, found: str | None) -> None:
    assert parsed(line).abs_pathq == found


def test_the_path_follows_a_new_target() -> None:
    request = parsed("OPTIONS * HTTP/1.1")
    before = request.abs_path
    request.set_target("/a?b")
    assert before is None
    assert [request.abs_path, request.path, request.query] == ["/a", "/a", "b"]


def test_the_first_line_stays_as_it_was_received() -> None:
    request = parsed("GET /a?b HTTP/1.0")
    request.set_target("/x")
    request.set_method("PUT")
    assert request.first_line == "GET /a?b HTTP/1.0"
    received = request.received()
    assert (received.method, received.pathq, received.version) == ("GET", "/a?b", "HTTP/1.0")


def test_a_request_that_was_never_received_has_a_first_line() -> None:
    assert Request.of("GET", "/", "HTTP/1.1", "\r\n").first_line == "GET / HTTP/1.1"


def test_a_query_needs_no_path() -> None:
    assert parsed("OPTIONS *?a=b HTTP/1.1").query == "a=b"
