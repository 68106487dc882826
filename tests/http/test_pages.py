"""The error pages: HAProxy's, byte for byte."""

from __future__ import annotations

import pytest

from lbcore.http.pages import EARLY, PAGES, Page, body, early_message, message
from lbcore.shim import ffi, lib
from tests.peers.framing import message_length, read_head

STATUSES = [400, 401, 403, 404, 405, 407, 408, 410, 413, 421, 422, 425, 429, 500, 501, 502, 503, 504]


def fields(raw: bytes) -> dict[str, str]:
    """The header fields of a message, with their names as they were written."""
    lines = raw.split(b"\r\n\r\n", 1)[0].decode().split("\r\n")[1:]
    return dict(line.split(": ", 1) for line in lines)


def test_every_status_has_one_page() -> None:
    assert [page.status for page in PAGES] == STATUSES


@pytest.mark.parametrize("page", PAGES, ids=lambda page: page.status)
def test_page_is_one_whole_message(page: Page) -> None:
    for raw in (message(page), early_message(page)):
        head = read_head(raw)
        assert head is not None
        assert head.status == page.status
        assert message_length(raw, response=True) == len(raw)
        assert raw[head.length :].decode() == body(page)


@pytest.mark.parametrize("page", PAGES, ids=lambda page: page.status)
def test_page_leaves_the_connection_field_to_who_sends_it(page: Page) -> None:
    names = [name.lower() for name in fields(message(page))]
    assert "connection" not in names
    assert fields(early_message(page))["Connection"] == "close"


@pytest.mark.parametrize("page", PAGES, ids=lambda page: page.status)
def test_pages_are_not_to_be_cached(page: Page) -> None:
    assert fields(message(page))["cache-control"] == "no-cache"
    assert fields(early_message(page))["Cache-Control"] == "no-cache"


def test_bad_request_is_that_of_haproxy() -> None:
    page = next(page for page in PAGES if page.status == 400)
    assert early_message(page) == (
        b"HTTP/1.1 400 Bad request\r\n"
        b"Content-length: 90\r\n"
        b"Cache-Control: no-cache\r\n"
        b"Connection: close\r\n"
        b"Content-Type: text/html\r\n"
        b"\r\n"
        b"<html><body><h1>400 Bad request</h1>\nYour browser sent an invalid request.\n</body></html>\n"
    )


def test_early_pages_are_among_the_pages() -> None:
    assert set(EARLY) <= set(STATUSES)


@pytest.mark.parametrize("page", PAGES, ids=lambda page: page.status)
def test_shim_takes_every_page(page: Page) -> None:
    conf = ffi.new("eng_conf *", {"nbthread": 1, "bufsize": 16384, "maxhdr": 101, "maxaccept": 1, "maxfd": 1024})
    engine = lib.eng_new(conf)
    text = message(page)
    assert lib.eng_set_error(engine, page.status, 0, text, len(text)) == 0
    assert lib.eng_set_error(engine, page.status, 0, b"HTTP/1.1 200 no end", 19) < 0
    lib.eng_free(engine)
