"""Requests: what is worked out of the target, and what stays as it was received."""

from __future__ import annotations

from collections.abc import Callable

import pytest

from lbcore.stream.message import Request, Response


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


def test_what_came_is_intact_as_long_as_fields_are_only_added() -> None:
    request = parsed("GET /a HTTP/1.1")
    came = request.text
    request.add("X-New", "1")
    request.set("x-other", "2")
    assert request.text[: request.intact] == came
    assert request.text[request.intact :] == "x-new: 1\r\nx-other: 2\r\n"


@pytest.mark.parametrize(
    "change",
    [
        lambda request: request.remove("host"),
        lambda request: request.set("host", "other"),
        lambda request: request.set_target("/b"),
        lambda request: request.set_pathq("/b"),
        lambda request: request.set_method("PUT"),
    ],
)
def test_other_changes_leave_nothing_intact(change: Callable[[Request], object]) -> None:
    request = parsed("GET /a HTTP/1.1")
    change(request)
    assert request.changed
    assert request.intact == -1


def test_of_a_response_the_status_counts_too() -> None:
    response = Response.parse("HTTP/1.1 200 OK\r\nserver: s\r\n\r\n")
    response.add("x", "1")
    assert response.text[response.intact :] == "x: 1\r\n"
    response.set_status(404, "Not Found")
    assert response.intact == -1
