"""Every word of HAProxy 3.2 is either done, or said not to be done."""

from __future__ import annotations

import re
from pathlib import Path

import pytest

import lbcore.conv
import lbcore.fetch  # noqa: F401 - fills the tables, as lbcore.conv does
from lbcore.sample.acl import parse_acl
from lbcore.sample.expression import parse_expression
from lbcore.sample.known import CONVERTERS_NOT_DONE, FETCHES_NOT_DONE, nearest
from lbcore.sample.rows import CONVERTERS, FETCHES
from lbcore.sample.words import ParseError, Words

TESTS = Path(__file__).parent.parent


def listed(file: str, word: str) -> list[str]:
    """The words that `haproxy -dKsmp` or `-dKcnv` of 3.2 prints."""
    return re.findall(word, (TESTS / file).read_text(), re.MULTILINE)


def test_every_fetch_is_done_or_not_done() -> None:
    assert sorted([*FETCHES, *FETCHES_NOT_DONE]) == sorted(listed("fetch/golden/fetches.txt", r"^\[.*?\] ([^:(]+)"))


def test_every_converter_is_done_or_not_done() -> None:
    words = listed("conv/golden/converters.txt", r"^[^:(]+")
    assert sorted([*CONVERTERS, *CONVERTERS_NOT_DONE]) == sorted(words)


@pytest.mark.parametrize("criterion", ["ssl_fc_sni_end", "ssl_fc_sni_reg", "ssl_fc_cipher", "ssl_fc"])
def test_an_acl_over_a_word_that_is_not_done_says_so(criterion: str) -> None:
    with pytest.raises(ParseError, match=f"{criterion}' is HAProxy's but is not supported"):
        parse_acl(Words(["name", criterion, "x"]))


@pytest.mark.parametrize("word", [word for word in sorted(FETCHES_NOT_DONE) if re.match(r"internal\.|[bf]s\.", word)])
def test_a_word_that_has_nothing_to_tell_here_says_why(word: str) -> None:
    with pytest.raises(ParseError, match=f"'{re.escape(word)}' is HAProxy's but has no meaning in lbcore: "):
        parse_expression(Words([f"{word}(x)"]))
    with pytest.raises(ParseError, match=f"'{re.escape(word)}' is HAProxy's but has no meaning in lbcore: "):
        parse_acl(Words(["name", word, "x"]))


def test_the_nearest_word_is_one_that_resembles() -> None:
    assert nearest("pahts", ["src", "path", "paths"]) == "paths"
    assert nearest("zzz", ["src", "path"]) is None
