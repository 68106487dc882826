"""Error pages of proxies: what lines in which order come to. Wrong lines stand in the golden files."""

from __future__ import annotations

from pathlib import Path

import pytest

from lbcore.cfg.loader import load
from lbcore.http.reply import SILENT, Message
from lbcore.proxy.settings import Settings
from lbcore.stream.pages import error_page, prepare_pages
from tests.fetch.transactions import FakeBuild, FakeWorld, request

MESSAGE = b"HTTP/1.1 %d Of %s\r\nContent-Length: 0\r\n\r\n"


@pytest.fixture
def folder(tmp_path: Path) -> Path:
    """Pages whose reasons say where they come from."""
    for name in ("first", "second"):
        for status in (403, 404, 503):
            (tmp_path / f"{name}{status}").write_bytes(MESSAGE % (status, name.encode()))
    return tmp_path


def settings(text: str, file: str = "lb.cfg") -> Settings:
    found, diagnostics = load([(file, text)], env={})
    assert not diagnostics.errors, [message.text for message in diagnostics.messages]
    return found


def pages(folder: Path, *lines: str, before: str = "") -> dict[int, str]:
    """The reasons of the pages of a backend with these lines, by status."""
    sections = f"""
default-path origin {folder}
http-errors group
    errorfile 403 first403
    errorfile 404 first404
{before}
backend b
    mode http
"""
    text = "global\n    " + sections.lstrip() + "".join(f"    {line}\n" for line in lines)
    found = settings(text).proxies[0].error_pages
    return {status: page.head.partition(" ")[2].partition("\r\n")[0] for status, page in found.items()}


def test_files_are_found_where_the_default_path_says(folder: Path) -> None:
    assert pages(folder, "errorfile 503 second503") == {503: "503 Of second"}


def test_files_are_found_beside_the_configuration(folder: Path) -> None:
    text = "global\n    default-path config\nbackend b\n    mode http\n    errorfile 503 second503\n"
    assert 503 in settings(text, str(folder / "lb.cfg")).proxies[0].error_pages


def test_a_group_is_imported_whole_or_in_part(folder: Path) -> None:
    assert pages(folder, "errorfiles group") == {403: "403 Of first", 404: "404 Of first"}
    assert pages(folder, "errorfiles group 404") == {404: "404 Of first"}


def test_later_lines_replace_earlier_ones(folder: Path) -> None:
    assert pages(folder, "errorfiles group", "errorfile 404 second404")[404] == "404 Of second"
    assert pages(folder, "errorfile 404 second404", "errorfiles group")[404] == "404 Of first"
    assert pages(folder, "errorfile 404 first404", "errorloc303 404 /")[404] == "303 See Other"


def test_default_errorfiles_takes_a_page_back(folder: Path) -> None:
    assert pages(folder, "errorfiles group", "http-error status 404 default-errorfiles") == {403: "403 Of first"}


def test_pages_are_inherited_and_may_be_replaced(folder: Path) -> None:
    before = "defaults\n    errorfile 503 first503\n    errorfile 404 first404"
    assert pages(folder, "errorfile 404 second404", before=before) == {503: "503 Of first", 404: "404 Of second"}


def test_an_empty_file_is_a_silent_page() -> None:
    assert settings("frontend f\n    errorfile 408 /dev/null\n").proxies[0].error_pages == {408: SILENT}


def test_a_page_without_formats_is_made_once() -> None:
    found = settings("backend b\n    mode http\n    http-error status 404 content-type a/b string x hdr c d\n")
    page = found.proxies[0].error_pages[404]
    assert page == Message("HTTP/1.1 404 Not Found\r\nc: d\r\ncontent-length: 1\r\ncontent-type: a/b\r\n\r\n", b"x")


def test_a_page_with_formats_is_made_for_each_stream() -> None:
    text = (
        "defaults\n    mode http\n    http-error status 503 content-type a/b lf-string %[path]\nbackend b\nbackend c\n"
    )
    first, second = settings(text).proxies
    assert first.error_pages[503] is not second.error_pages[503]  # each is compiled for its proxy
    world = FakeWorld()
    world.backends[0].settings = first
    page_of = prepare_pages(first, FakeBuild(world, "b"))
    assert page_of is not None
    t = request("GET /down HTTP/1.1", world=world)
    t.backend = world.backends[0]
    assert page_of(t, 404) is None
    assert page_of(t, 503) == error_page(t, 503)
    assert error_page(t, 503).body == b"/down"


def test_rules_find_their_group(folder: Path) -> None:
    text = f"""
http-errors group
    errorfile 404 {folder}/first404
frontend f
    mode http
    bind :80
    timeout client 1s
    http-request deny status 404 errorfiles group
"""
    rule = next(iter(settings(text).proxies[0].rules.lists.values()))[0]
    outcome = rule.action.make(FakeBuild())(request())
    assert outcome.head.startswith("HTTP/1.1 404 Of first\r\n")
