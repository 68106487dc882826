"""Regular expressions: what PCRE spells otherwise, and the engine in their place."""

from __future__ import annotations

import re
import sys
from collections.abc import Iterator
from types import ModuleType, SimpleNamespace

import pytest

from lbcore.sample.regex import RegexError, compile_regex, set_engine, translate


@pytest.mark.parametrize(
    ("pattern", "matches", "fails"),
    [
        (r"^\Qa.b(\E$", ["a.b("], ["axb("]),
        (r"\Qa.b", ["xa.b"], ["axb"]),
        (r"^[[:alpha:]_]+$", ["ab_"], ["a1"]),
        (r"^[^[:space:]]$", ["a"], [" "]),
        (r"^[]a]$", ["]", "a"], ["b"]),
        (r"^[^]a]$", ["b"], ["]", "a"]),
        (r"^[[a]$", ["[", "a"], ["b"]),
        (r"^[\]a]$", ["]", "a"], ["\\"]),
        (r"^(?<n>a)(?P=n)$", ["aa"], ["ab"]),
        (r"(?<=a)b", ["ab"], ["b"]),
        (r"(?<!a)b", ["b"], ["ab"]),
        (r"^a\h+b\H$", ["a \tbc"], ["a\nbc", "ab "]),
        (r"^\v$", ["\n", "\r"], ["a"]),
        (r"^a\Rb$", ["a\r\nb", "a\nb"], ["ab"]),
        (r"^\x{41}\x42$", ["AB"], ["ab"]),
        (r"a\z", ["a"], ["a\n"]),
        (r"a\Z", ["a", "a\n"], ["a\n\n"]),
        (r"\Aa(?#comment)b", ["ab"], ["xab"]),
        (r"^\d\w\s$", ["1a "], ["\xb2a "]),
        (r"^\w$", ["a"], ["\xe9"]),
        (r"^.$", ["\xe9"], ["\n"]),
        (r"^(?>a+)b$", ["aab"], ["aa"]),
        (r"a++b", ["aab"], ["aa"]),
        (r"^\N\e?$", ["x"], ["\n"]),
        (r"^\/a\-b\"$", ['/a-b"'], ["a"]),
        (r"(?i)AB", ["ab"], ["ac"]),
        (r"^a{2,3}$", ["aa"], ["a"]),
    ],
)
def test_pcre_is_understood(pattern: str, matches: list[str], fails: list[str]) -> None:
    search = compile_regex(pattern).search
    assert [text for text in matches if search(text) is None] == []
    assert [text for text in fails if search(text) is not None] == []


@pytest.mark.parametrize("pattern", [r"a\Kb", r"\Ga", r"\p{L}", r"\X", r"\C", r"(?'n'a)", r"[[:^alpha:]]", r"[[:no:]]"])
def test_what_has_no_counterpart_is_refused(pattern: str) -> None:
    with pytest.raises(RegexError, match=re.escape(f"regex '{pattern}' is invalid (error=")):
        compile_regex(pattern)


@pytest.mark.parametrize(("pattern", "at"), [("(", 0), ("[a", 0), ("a{2,1}", 2), ("a)", 1), ("*", 0)])
def test_a_wrong_one_is_told_with_its_place(pattern: str, at: int) -> None:
    with pytest.raises(RegexError) as told:
        compile_regex(pattern)
    assert str(told.value).startswith(f"regex '{pattern}' is invalid (error=")
    assert str(told.value).endswith(f", erroffset={at})")


def test_plain_patterns_stay_as_they_are() -> None:
    for text in (r"^/api/v[0-9]+/(users|items)\.html$", r"a|b", r"(?:x)+?", r"[^/]*$", r"(a)\1"):
        assert translate(text) == text


def test_an_unknown_engine_is_told() -> None:
    with pytest.raises(ValueError, match="unknown regex engine 'pcre', expects one of 're', 're2'"):
        set_engine("pcre")


def test_an_engine_that_is_not_installed_is_told(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setitem(sys.modules, "re2", None)
    with pytest.raises(ImportError):
        set_engine("re2")


class Options:
    """`re2.Options`."""

    Encoding = SimpleNamespace(LATIN1="latin1")
    encoding = ""
    case_sensitive = True
    log_errors = True


@pytest.fixture
def linear(monkeypatch: pytest.MonkeyPatch) -> Iterator[None]:
    """google-re2 in place, as far as it is asked for: patterns and texts are bytes."""
    fake = ModuleType("re2")

    def compile_(pattern: bytes, options: Options) -> re.Pattern[bytes]:
        assert (options.encoding, options.log_errors) == ("latin1", False)
        return re.compile(pattern, 0 if options.case_sensitive else re.IGNORECASE)

    vars(fake).update(Options=Options, compile=compile_, error=re.error)
    monkeypatch.setitem(sys.modules, "re2", fake)
    set_engine("re2")
    yield
    set_engine("re")


@pytest.mark.usefixtures("linear")
def test_the_linear_engine_searches_in_texts() -> None:
    found = compile_regex("(F)(x)?(\xe9)").search("caf\xe9F\xe9")
    assert found is not None
    assert [found[group] for group in range(4)] == ["F\xe9", "F", None, "\xe9"]
    assert (found.start(), found.end(), found.re.groups) == (4, 6, 3)
    assert compile_regex("f\xe9", ignore_case=True).search("CAF\xe9 F\xe9", 4) is not None
    assert compile_regex("x").search("caf") is None
    with pytest.raises(RegexError, match=r"regex '\(' is invalid"):
        compile_regex("(")
