"""`redirect`."""

from __future__ import annotations

import shlex

import pytest

from lbcore.action.redirect import parse_redirect
from lbcore.sample.words import ParseError, Words
from lbcore.stream.rules import Reply, Ruleset
from tests.action.replies import parse, run
from tests.fetch.transactions import FakeBuild, request, respond


def location(text: str, target: str = "/a/b?c=d", *fields: str) -> str:
    outcome = run(f"redirect {text}", request(f"GET {target} HTTP/1.1", "Host: h.example", *fields))
    assert isinstance(outcome, Reply)
    return outcome.head.partition("location: ")[2].partition("\r\n")[0]


@pytest.mark.parametrize(
    ("text", "target", "expected"),
    [
        ("location /x", "/a?b", "/x"),
        ("location /x%[path]", "/a?b", "/x/a"),
        ("location /x drop-query append-slash", "/a?b", "/x"),
        ("location /x keep-query", "/a?b=c", "/x?b=c"),
        ("location /x?y keep-query", "/a?b=c", "/x?y&b=c"),
        ("location /x keep-query", "/a", "/x"),
        ("prefix http://p", "/a?b", "http://p/a?b"),
        ("prefix http://p/q", "/a;x?b", "http://p/q/a;x?b"),
        ("prefix /", "/a?b", "/a?b"),
        ("prefix http://p drop-query", "/a?b", "http://p/a"),
        ("prefix http://p drop-query append-slash", "/a?b", "http://p/a/"),
        ("prefix http://p drop-query append-slash", "/a/?b", "http://p/a/"),
        ("prefix http://p append-slash", "/a?b", "http://p/a?b/"),  # as in HAProxy
        ("prefix http://p", "http://h/x?y", "http://p/x?y"),
        ("prefix http://p", "http://h", "http://p/"),
        ("scheme https", "/a?b", "https://h.example/a?b"),
        ("scheme https drop-query append-slash", "/a?b", "https://h.example/a/"),
        ("scheme https", "http://h.example/a", "https://h.example/a"),
    ],
)
def test_location(text: str, target: str, expected: str) -> None:
    assert location(text, target) == expected


def test_without_a_host_the_scheme_stands_before_nothing() -> None:
    outcome = run("redirect scheme https", request("GET /a HTTP/1.0"))
    assert isinstance(outcome, Reply)
    assert "location: https:///a\r\n" in outcome.head


@pytest.mark.parametrize("status", [302, 301, 303, 307, 308])
def test_code(status: int) -> None:
    code = f"code {status}" if status != 302 else ""
    outcome = run(f"redirect location / {code}", request())
    assert isinstance(outcome, Reply)
    assert (outcome.status, outcome.body, outcome.term, outcome.counted) == (status, b"", "LR", "")
    assert outcome.head.startswith(f"HTTP/1.1 {status} ")


@pytest.mark.parametrize(
    ("text", "line"),
    [
        ("set-cookie A=b", "set-cookie: A=b; path=/;"),
        ("set-cookie A set-cookie B", "set-cookie: B; path=/;"),
        ("clear-cookie A", "set-cookie: A; path=/; Max-Age=0;"),
        ("set-cookie-fmt A=%[path]", "set-cookie: A=/a; path=/;"),
    ],
)
def test_cookies(text: str, line: str) -> None:
    outcome = run(f"redirect location / {text}", request("GET /a HTTP/1.1"))
    assert isinstance(outcome, Reply)
    assert outcome.head.endswith(f"\r\n{line}\r\n\r\n")
    assert outcome.head.count("set-cookie") == 1


def test_an_empty_location_may_be_ignored() -> None:
    assert run("redirect location %[req.hdr(none)] ignore-empty", request()) is None
    assert location("location %[req.hdr(none)]") == ""


def test_no_location_can_add_a_line() -> None:
    t = request()
    t.vars["x"] = "/\r\nSet-Cookie: a"
    outcome = run("redirect location %[var(txn.x)]", t)
    assert isinstance(outcome, Reply)
    assert "location: /%0D%0ASet-Cookie: a\r\n" in outcome.head


def test_responses_are_redirected_to_a_location() -> None:
    t = respond(request(), "HTTP/1.1 200 OK", "X: y")
    outcome = run("redirect location /%[res.hdr(x)]", t, Ruleset.HTTP_RESPONSE)
    assert isinstance(outcome, Reply)
    assert (outcome.term, "location: /y\r\n" in outcome.head) == ("LH", True)


def test_the_line_of_old_takes_its_target_as_it_stands() -> None:
    words = Words(shlex.split("redirect location /%[path]"), 1, proxy="fe")
    outcome = parse_redirect(words, Ruleset.HTTP_REQUEST).make(FakeBuild())(request())
    assert isinstance(outcome, Reply)
    assert "location: /%[path]\r\n" in outcome.head


WRONG = {
    "redirect": "redirection type expected ('prefix', 'location', or 'scheme')",
    "redirect code 301": "redirection type expected ('prefix', 'location', or 'scheme')",
    "redirect location": "missing argument for 'location'",
    "redirect scheme": "missing argument for 'scheme'",
    "redirect location / code": "missing argument for 'code'",
    "redirect location / code 304": "'code': unsupported HTTP code '304' (must be one of 301, 302, 303, 307 or 308)",
    "redirect location / set-cookie": "missing argument for 'set-cookie'",
    "redirect foo bar": "expects 'code', 'prefix', 'location', 'scheme', 'set-cookie', 'clear-cookie', 'drop-query', "
    "'ignore-empty' or 'append-slash' (was 'foo')",
}


@pytest.mark.parametrize("text", WRONG)
def test_wrong_arguments_are_named(text: str) -> None:
    with pytest.raises(ParseError) as caught:
        parse(text)
    assert str(caught.value) == WRONG[text]


@pytest.mark.parametrize("kind", ["prefix", "scheme"])
def test_responses_have_no_path_to_keep(kind: str) -> None:
    with pytest.raises(ParseError, match="response only supports redirect type 'location'"):
        parse(f"redirect {kind} x", Ruleset.HTTP_RESPONSE)
