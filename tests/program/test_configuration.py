"""What the command line changes about a configuration."""

from __future__ import annotations

import socket
from pathlib import Path

import pytest

from lbcore.configuration import by_gethostbyname, override, read, resolver
from lbcore.options import parse
from lbcore.proxy.settings import Settings
from tests.program.conftest import VALID, write


def overridden(folder: Path, words: str, text: str = VALID) -> Settings:
    settings, diagnostics, _ = read(parse([*words.split(), "-f", write(folder, "lb.cfg", text)]))
    assert diagnostics.errors == 0, diagnostics.messages
    return settings


@pytest.mark.parametrize(
    ("word", "field"),
    [("-de", "noepoll"), ("-dk", "nokqueue"), ("-dp", "nopoll"), ("-dS", "nosplice"), ("-dR", "noreuseport"),
     ("-dW", "zero_warning"), ("-D", "daemon"), ("-q", "quiet")],
)  # fmt: skip
def test_an_option_is_the_keyword_of_the_global_section(word: str, field: str, tmp_path: Path) -> None:
    assert getattr(overridden(tmp_path, "").globals, field) is False
    assert getattr(overridden(tmp_path, word).globals, field) is True


@pytest.mark.parametrize(("word", "field"), [("-db", "daemon"), ("-d", "daemon"), ("-V", "quiet")])
def test_an_option_undoes_the_keyword(word: str, field: str, tmp_path: Path) -> None:
    text = f"global\n    {field}\n{VALID}"
    assert getattr(overridden(tmp_path, "", text).globals, field) is True
    assert getattr(overridden(tmp_path, word, text).globals, field) is False


def test_values_of_the_command_line_win(tmp_path: Path) -> None:
    text = f"global\n    maxconn 7\n    pidfile theirs\n{VALID}"
    chosen = overridden(tmp_path, "-n 9 -p ours", text).globals
    assert (chosen.maxconn, chosen.pidfile) == (9, "ours")
    chosen = overridden(tmp_path, "", text).globals
    assert (chosen.maxconn, chosen.pidfile) == (7, "theirs")


def test_default_maxconn_of_frontends_leaves_those_that_have_one_and_backends(tmp_path: Path) -> None:
    text = VALID + "frontend own\n    maxconn 3\n    bind 127.0.0.1:8081\n    default_backend be\n"
    settings = overridden(tmp_path, "-N 20", text)
    assert {proxy.name: proxy.maxconn for proxy in settings.proxies} == {"fe": 20, "own": 3, "be": 0}


def test_names_that_do_not_resolve_are_ignored_when_asked_to(tmp_path: Path) -> None:
    text = VALID + "    server lost does-not-exist.invalid:80\n"
    path = write(tmp_path, "lb.cfg", text)
    assert read(parse(["-f", path]))[1].errors
    settings, diagnostics, _ = read(parse(["-dr", "-f", path]))
    assert diagnostics.errors == 0
    assert [server.disabled for server in settings.proxies[-1].servers] == [False, True]


def test_only_ipv4_addresses_are_taken_when_asked_to() -> None:
    lookup = resolver(parse(["-4", "-f", "x"]))
    assert lookup("localhost", socket.AF_UNSPEC) == (socket.AF_INET, "127.0.0.1")
    assert lookup("localhost", socket.AF_INET6) is None


def test_without_getaddrinfo_names_are_asked_for_the_old_way() -> None:
    assert resolver(parse(["-dG", "-f", "x"])) is by_gethostbyname
    assert by_gethostbyname("localhost", socket.AF_UNSPEC) == (socket.AF_INET, "127.0.0.1")
    assert by_gethostbyname("localhost", socket.AF_INET6) is None
    assert by_gethostbyname("does-not-exist.invalid", socket.AF_UNSPEC) is None


def test_override_needs_no_configuration_text() -> None:
    settings = Settings()
    override(settings, parse(["-n", "5", "-f", "x"]))
    assert settings.globals.maxconn == 5
