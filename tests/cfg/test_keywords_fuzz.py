"""Whatever a file says, reading it ends with settings and messages, never with an exception."""

from __future__ import annotations

import socket
from collections.abc import Iterator

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from lbcore.cfg.known_words import WORDS
from lbcore.cfg.loader import load
from lbcore.cfg.sections import SECTIONS

VALUES = (
    "", "0", "1", "-1", "5", "65536", "99999999999999999999", "9" * 5000, "1" * 5000 + "-2", "1s", "5ms", "10x", "on",
    "off", "a", "a,b", "{}", "{0}", "%s", ":80", "*:0", "127.0.0.1", "127.0.0.1:80", "127.0.0.1:+5", "[::1]:80",
    "/tmp/x", "abns@x", "fd@0", "fd@99999", "${A}", "1-2", "1/all", "auto:1/1", "local0", "info", "1:2", "from", "no",
    "default", "except", "header", "é", "A=B",
)  # fmt: skip
LINES = ("bind", "server", "option", "timeout", "log", "stats", "no", "default", "source", "cpu-map", "maxconn")
KEYWORDS = sorted(set(" ".join(WORDS[kind] for kind in ("global", "proxy", "bind", "server", "option")).split()))
words = st.sampled_from(KEYWORDS) | st.sampled_from(VALUES) | st.text(max_size=6)
# Quoted, so that every word arrives as it is and none is cut.
quoted = words.map(lambda word: "'" + word.replace("'", "").replace("\n", "").replace("\0", "") + "'")
lines = st.tuples(st.sampled_from(LINES), st.lists(quoted, max_size=6))
any_line = lines.map(lambda line: " ".join((line[0], *line[1]))) | st.lists(quoted, min_size=1, max_size=5).map(
    " ".join
)
section = st.tuples(st.sampled_from(sorted(SECTIONS)), st.lists(quoted, max_size=3), st.lists(any_line, max_size=6))


@pytest.fixture(autouse=True, scope="module")
def no_names() -> Iterator[None]:
    """Nobody is asked about the names that come up by chance."""

    def unknown(*_arguments: object) -> None:
        raise socket.gaierror(socket.EAI_NONAME, "Name or service not known")

    with pytest.MonkeyPatch.context() as patched:
        patched.setattr(socket, "getaddrinfo", unknown)
        yield


def text_of(sections: list[tuple[str, list[str], list[str]]]) -> str:
    written = ""
    for keyword, arguments, content in sections:
        written += " ".join((keyword, *arguments)) + "\n" + "".join(f"    {line}\n" for line in content)
    return written


@given(st.lists(section, min_size=1, max_size=4))
@settings(max_examples=300, deadline=None)
def test_reading_never_fails(sections: list[tuple[str, list[str], list[str]]]) -> None:
    _settings, diagnostics = load([("lb.cfg", text_of(sections))], env={})
    assert all(message.text.startswith("config : ") for message in diagnostics.messages)
