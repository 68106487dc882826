"""From words to what a client sends, and where it goes."""

from __future__ import annotations

from pathlib import Path

import pytest

from lbcore.explain.request import Endpoint, RequestError, parse_endpoint, parse_request, scan
from lbcore.sample.types import Addr
from lbcore.shim import lib
from tests.explain.explaining import config, explain

TWO = "frontend two\n    bind 127.0.0.1:8081\n    bind 127.0.0.1:8082\n    default_backend app\n"


def endpoint(address: str, port: int) -> Endpoint:
    found = Addr.parse(address)
    assert found is not None
    return Endpoint(found, port)


@pytest.mark.parametrize(
    ("text", "address", "port"),
    [
        ("192.0.2.1", "192.0.2.1", 7),
        ("192.0.2.1:80", "192.0.2.1", 80),
        ("2001:db8::1", "2001:db8::1", 7),
        ("[2001:db8::1]:80", "2001:db8::1", 80),
        ("[2001:db8::1]", "2001:db8::1", 7),
    ],
)
def test_an_endpoint_is_an_address_with_or_without_a_port(text: str, address: str, port: int) -> None:
    assert parse_endpoint(text, 7) == endpoint(address, port)


@pytest.mark.parametrize("text", ["localhost", "192.0.2.1:x", "192.0.2.1:65536", "", "1.2.3"])
def test_what_is_no_endpoint_is_refused(text: str) -> None:
    with pytest.raises(RequestError):
        parse_endpoint(text, 7)


def test_a_url_gives_host_and_target() -> None:
    asked = parse_request("GET http://user@example.com:8080/a?b=c#d", [], b"")
    assert asked.raw == b"GET /a?b=c HTTP/1.1\r\nHost: example.com:8080\r\n\r\n"
    assert (asked.host, asked.port) == ("example.com:8080", 8080)


@pytest.mark.parametrize(("url", "port"), [("http://a/", 80), ("https://a/", 443)])
def test_a_scheme_has_its_port(url: str, port: int) -> None:
    assert parse_request(url, [], b"").port == port


def test_method_and_version_may_be_left_out() -> None:
    assert parse_request("/x", ["Host: a"], b"").raw == b"GET /x HTTP/1.1\r\nHost: a\r\n\r\n"
    assert parse_request("HEAD /x HTTP/1.0", [], b"").raw == b"HEAD /x HTTP/1.0\r\n\r\n"


def test_a_body_brings_its_length_unless_a_header_says_it() -> None:
    assert b"Content-Length: 3\r\n" in parse_request("POST /x", [], b"abc").raw
    assert b"Content-Length" not in parse_request("POST /x", ["transfer-encoding: chunked"], b"abc").raw


@pytest.mark.parametrize("line", ["", "GET", "ftp://a/", "http://", "http://a:b/", "GET /a b HTTP/1.1"])
def test_what_is_no_request_is_refused(line: str) -> None:
    with pytest.raises(RequestError):
        scan(parse_request(line, [], b"").raw, 100)


def test_a_header_needs_a_name() -> None:
    with pytest.raises(RequestError, match="is no header"):
        parse_request("/", ["nonsense"], b"")


def test_a_head_gets_the_normal_form_of_the_shim() -> None:
    head = scan(b"PUT /p?q HTTP/1.1\r\nHost:a\r\nX-Y:  z \r\nContent-Length: 3\r\n\r\nabc", 100)
    assert head.text == b"PUT /p?q HTTP/1.1\r\nhost: a\r\nx-y: z\r\ncontent-length: 3\r\n\r\n"
    assert (head.method, head.method_len, head.target_len, head.body_len) == (lib.H1_PUT, 3, 4, 3)
    assert head.text[head.path :][: head.path_len] == b"/p?q"


@pytest.mark.parametrize(
    ("words", "frontend"),
    [
        (["GET http://a:8080/"], "web"),
        (["GET http://a:8082/"], "two"),
        (["GET http://127.0.0.1:8081/"], "two"),
        (["GET http://a/", "--dst", "127.0.0.1:8081"], "two"),
        (["GET http://a/", "--frontend", "two"], "two"),
        (["GET http://a:1/", "--frontend", "web"], "web"),
    ],
)
def test_the_frontend_is_where_the_request_goes(words: list[str], frontend: str, tmp_path: Path) -> None:
    assert explain(tmp_path, config(more=TWO), *words).frontend == frontend


@pytest.mark.parametrize("words", [["GET http://a/"], ["GET http://127.0.0.2:8080/"], ["GET /", "-H", "Host: a"]])
def test_the_names_are_listed_where_there_is_a_choice(words: list[str], tmp_path: Path) -> None:
    with pytest.raises(RequestError, match=r"--frontend <name> \(there are: web, two\)"):
        explain(tmp_path, config(more=TWO), *words)


def test_two_that_listen_alike_leave_a_choice(tmp_path: Path) -> None:
    with pytest.raises(RequestError, match="more than one frontend"):
        explain(tmp_path, config(more=TWO.replace("8081", "8080")), "GET http://a:8080/")


def test_the_only_frontend_needs_no_port(tmp_path: Path) -> None:
    found = explain(tmp_path, config(), "GET http://a/")
    assert (found.frontend, found.dst) == ("web", "127.0.0.1:8080")


def test_a_frontend_that_there_is_not_is_told(tmp_path: Path) -> None:
    with pytest.raises(RequestError, match="there is no frontend 'nobody'"):
        explain(tmp_path, config(), "GET http://a/", "--frontend", "nobody")


def test_rules_see_the_listener(tmp_path: Path) -> None:
    front = "http-request set-header x %[so_id]:%[so_name]:%[dst]:%[dst_port]:%[src]:%[src_port]"
    text = config(front).replace("bind 127.0.0.1:8080", "bind :::8080 name main")
    found = explain(tmp_path, text, "GET http://a/", "--src", "[2001:db8::5]:99")
    assert "x: 1:main:::1:8080:2001:db8::5:99\r\n" in found.head


@pytest.mark.parametrize("words", [["--src", "::5"], ["--dst", "[::1]:8080", "--frontend", "web"]])
def test_both_ends_are_of_one_family(words: list[str], tmp_path: Path) -> None:
    with pytest.raises(RequestError, match="no client comes from"):
        explain(tmp_path, config(), "GET http://a/", *words)
