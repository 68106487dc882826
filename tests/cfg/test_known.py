"""Unknown words: HAProxy's that are to come, HAProxy's that are gone, and typing errors."""

from __future__ import annotations

import re

import pytest

from lbcore.cfg.keywords import KEYWORDS
from lbcore.cfg.known import known_words, knows, not_yet
from lbcore.cfg.known_words import WORDS
from lbcore.cfg.loader import load


def alert(line: str, section: str = "listen l") -> str:
    _settings, diagnostics = load([("lb.cfg", f"{section}\n    {line}\n")], env={})
    assert diagnostics.errors == 1
    text = diagnostics.messages[0].text.removeprefix("config : parsing [lb.cfg:2] : ")
    return re.sub(r"lbcore [\w.]+ yet", "lbcore yet", text)


@pytest.mark.parametrize("kind", sorted(WORDS))
def test_every_list_has_words_once(kind: str) -> None:
    words = WORDS[kind].split()
    assert words == sorted(set(words))


def test_finds_words_that_go_on() -> None:
    assert knows("http-request", "set-var(txn.a)")
    assert knows("http-request", "track-sc0")
    assert knows("http-request", "track-sc9") is False
    assert knows("converter", "lower")
    assert knows("fetch", "req.hdr")
    assert not knows("fetch", "req.hdrx")


@pytest.mark.parametrize("word", sorted(set(WORDS["global"].split())))
def test_every_global_word_is_done_or_refused_by_name(word: str) -> None:
    if KEYWORDS.find("global", word) is None:
        said = alert(word, "global")
        assert re.match(
            rf"the '{word}' keyword is HAProxy's but (is not supported by lbcore yet$|has no meaning)", said
        )


@pytest.mark.parametrize("word", sorted(set(WORDS["proxy"].split()) | {"http-request foo"}))
def test_every_proxy_word_is_done_or_refused_by_name(word: str) -> None:
    if KEYWORDS.find("listen", word.split()[0]) is None:
        name = word.split()[0]
        assert alert(word) == f"the '{name}' keyword is HAProxy's but is not supported by lbcore yet"


@pytest.mark.parametrize("word", WORDS["option"].split())
def test_every_option_is_done_or_refused_by_name(word: str) -> None:
    row = KEYWORDS.find("listen", "option", word)
    assert row is not None
    if row.words == ("option",):
        assert alert(f"option {word}") == f"the 'option {word}' keyword is HAProxy's but is not supported by lbcore yet"


@pytest.mark.parametrize("word", WORDS["bind"].split())
def test_every_bind_option_is_done_or_refused_by_name(word: str) -> None:
    if KEYWORDS.find("bind", word) is None and word != "process":
        assert f"the '{word}' keyword is HAProxy's" in alert(f"bind :80 {word} x")


@pytest.mark.parametrize("word", WORDS["server"].split())
def test_every_server_option_is_done_or_refused_by_name(word: str) -> None:
    if KEYWORDS.find("server", word) is None:
        assert f"the '{word}' keyword is HAProxy's" in alert(f"server s 127.0.0.1:80 {word} x")


@pytest.mark.parametrize(
    ("line", "name"),
    [
        ("http-response cache-store c", "http-response cache-store"),
        ("http-request cache-use c", "http-request cache-use"),
        ("balance sticky", "balance sticky"),
        ("balance log-hash sdbm", "balance log-hash"),
        ("mode log", "mode log"),
    ],
)
def test_names_the_action_that_is_missing(line: str, name: str) -> None:
    assert alert(line) == f"the '{name}' keyword is HAProxy's but is not supported by lbcore yet"


@pytest.mark.parametrize("word", ["tune.pattern.cache-size", "tune.max-rules-at-once", "tune.fail-alloc"])
def test_names_the_word_that_can_have_no_meaning_and_says_why(word: str) -> None:
    assert alert(f"{word} 3", "global").startswith(f"the '{word}' keyword is HAProxy's but has no meaning in lbcore: ")


def test_suggests_the_nearest_word_of_the_section() -> None:
    assert alert("bindd :80").endswith("in 'listen' section; did you mean 'bind' maybe ?")
    assert alert("nbthraed 2", "global").endswith("in 'global' section; did you mean 'nbthread' maybe ?")
    assert alert("option httplgo") == "unknown option 'httplgo'; did you mean 'httplog' maybe ?"
    assert alert("xyzzyplugh") == "unknown keyword 'xyzzyplugh' in 'listen' section"


def test_says_which_version_does_not_do_it() -> None:
    assert re.fullmatch(r"the 'x' keyword is HAProxy's but is not supported by lbcore( \S+)? yet", not_yet("x"))


def test_words_are_read_from_the_list_once() -> None:
    assert known_words("bind") is known_words("bind")
