"""No message that two parsers could read differently is accepted, and none of their innocent neighbours is refused."""

from __future__ import annotations

import pytest

from tests.http.rows import REQUESTS, RESPONSES, Row
from tests.http.scanner import NATIVE, Head, scanner


def verdict(head: Head, text: bytes) -> str:
    """The error of a message's head, else of its chunked body; fails if something of it is missing."""
    if head.error:
        return head.error
    assert head.length, "the head is incomplete"
    if "H1_F_CHUNKED" not in head.flags:
        return ""
    body = scanner().chunked(text[head.length :])
    assert body.error or body.length, "the body is incomplete"
    return body.error


def expected(row: Row) -> str:
    return f"H1_ERR_{row.error}" if row.error else ""


@pytest.mark.parametrize("name", REQUESTS)
def test_request_gets_its_verdict(name: str) -> None:
    row = REQUESTS[name]
    assert verdict(scanner().request(row.text), row.text) == expected(row), row.why


@pytest.mark.parametrize("row", RESPONSES, ids=lambda row: row.name)
def test_response_gets_its_verdict(row: Row) -> None:
    assert verdict(scanner().response(row.text), row.text) == expected(row), row.why


@pytest.mark.parametrize("name", REQUESTS)
def test_verdict_on_a_request_does_not_depend_on_how_it_arrives(name: str) -> None:
    text = REQUESTS[name].text
    assert scanner().request(text, tuple(range(len(text)))) == scanner().request(text)


def test_table_has_no_name_twice() -> None:
    assert len({row.text for row in REQUESTS.values()}) == len(REQUESTS)
    assert len({row.name for row in RESPONSES}) == len(RESPONSES)


def test_every_row_is_in_the_corpus_of_the_fuzzer_and_of_the_cuts() -> None:
    corpus = NATIVE.parent / "tests" / "native" / "corpus" / "h1"
    inputs = {path.read_bytes() for path in corpus.iterdir()}
    rows = {b"@" + row.text for row in REQUESTS.values()} | {b"A" + row.text for row in RESPONSES}
    assert not rows - inputs
