"""The command line as typed options."""

from __future__ import annotations

import pytest

from lbcore.options import NotSupportedError, Options, UsageError, parse


def as_dict(options: Options) -> dict[str, object]:
    return {name: getattr(options, name) for name in Options.__slots__}


@pytest.mark.parametrize(
    ("words", "changed"),
    [
        ("-f a -f b", {"sources": ["a", "b"]}),
        ("-f a -- b -c d", {"sources": ["a", "b", "-c", "d"]}),
        ("-f a -c", {"check": True}),
        ("-c -f a -V", {"check": True, "verbose": True}),
        ("-f a -q", {"quiet": True}),
        ("-f a -d", {"debug": True}),
        ("-f a -db", {"foreground": True}),
        ("-f a -D", {"daemon": True}),
        ("-f a -C dir", {"directory": "dir"}),
        ("-f a -L me", {"local_peer": "me"}),
        ("-f a -p pid", {"pidfile": "pid"}),
        ("-f a -n 100 -N 20 -m 300", {"maxconn": 100, "proxy_maxconn": 20, "megabytes": 300}),
        ("-f a -n 0", {}),
        ("-f a -dW -dD", {"zero_warning": True, "diag": True}),
        ("-f a -dr -4", {"ignore_resolution_failures": True, "ipv4_only": True}),
        ("-f a -de -dp -dk -dS", {"disabled": {"EPOLL", "POLL", "KQUEUE", "SPLICE"}}),
        ("-f a -dG -dR -dF", {"disabled": {"GETADDRINFO", "REUSEPORT", "FAST-FORWARD"}}),
        ("-f a -dKcfg,cli", {"dump_keywords": ("cfg", "cli")}),
        ("-f a -dL -dc", {"dump_libraries": True, "dump_cpus": True}),
        ("-f a -dC", {"dump_config": True}),
        ("-f a -dC,line", {"dump_config": True, "line_numbers": True}),
        ("-f a -dC77,line", {"dump_config": True, "line_numbers": True, "anonymise_key": 77}),
        ("-f a -dI -dM -dM0x50,no-merge -dV -dZ", {}),
        ("-cc 1", {"condition": "1"}),
        ("-v nonsense", {"version": 1}),
        ("-vv", {"version": 2}),
    ],
)
def test_words_set_what_they_stand_for_and_nothing_else(words: str, changed: dict[str, object]) -> None:
    expected = as_dict(Options()) | ({"sources": ["a"]} if "-f a" in words else {}) | changed
    assert as_dict(parse(words.split())) == expected


@pytest.mark.parametrize(
    "words",
    [
        "-zz", "-f a nonsense", "-f", "-f a -n", "-f a -n x", "-f a -n -5", "-f a -m 1.5", "-f a -dK",
        "-f a -dC1,lines",
        "-f a -dCkey", "-f a -dQ", "-f a -Vx", "-f a -dbx", "-c", "-D", "--", "-C dir", "-f a -cc",
    ],
)  # fmt: skip
def test_a_word_that_is_wrong_is_told(words: str) -> None:
    with pytest.raises(UsageError, match=r"\w"):
        parse(words.split())


def test_no_word_at_all_asks_for_the_usage_and_is_no_mistake() -> None:
    with pytest.raises(UsageError, match=r"^$"):
        parse([])


@pytest.mark.parametrize("word", ["-W", "-Ws", "-S", "-x", "-sf", "-st", "-dt"])
def test_what_haproxy_does_and_lbcore_does_not_is_refused_by_name(word: str) -> None:
    with pytest.raises(NotSupportedError, match=f"^option '{word}' \\(.+\\)$"):
        parse(["-f", "a", word, "1"])


@pytest.mark.parametrize(("words", "silent"), [("-q", True), ("-q -V", False), ("-V -q", False), ("", False)])
def test_verbose_wins_over_quiet_wherever_it_stands(words: str, silent: bool) -> None:
    assert parse(["-f", "a", *words.split()]).silent is silent


@pytest.mark.parametrize(("words", "background"), [("-D", True), ("-D -db", False), ("-d -D", False), ("", False)])
def test_foreground_wins_over_daemon_wherever_it_stands(words: str, background: bool) -> None:
    assert parse(["-f", "a", *words.split()]).background is background
