"""How messages look, and which word is meant."""

from __future__ import annotations

import pytest
from hypothesis import given
from hypothesis import strategies as st

from lbcore.base.diag import Diagnostic, Severity
from lbcore.cfg.diagnostics import (
    EXCERPT_WIDTH,
    Reporter,
    closing_messages,
    excerpt,
    format_diagnostic,
    format_message,
    readable,
    suggest,
)
from lbcore.cfg.words import Line, Word

LINE = Line("lb.cfg", 3, [Word("bindd", 5), Word(":80", 11)], "    bindd :80")
WORDS = ["bind", "backend", "balance", "default_backend", "server", "timeout", "log", "log-format", "mode", "no"]


def only(reporter: Reporter) -> Diagnostic:
    [message] = reporter.diagnostics.messages
    return message


@pytest.mark.parametrize(
    ("severity", "text"),
    [
        (Severity.ALERT, "[ALERT]    (42) : abc"),
        (Severity.WARNING, "[WARNING]  (42) : abc"),
        (Severity.NOTICE, "[NOTICE]   (42) : abc"),
        (Severity.DIAG, "[DIAG]     (42) : abc"),
    ],
)
def test_messages_are_padded_as_haproxys(severity: Severity, text: str) -> None:
    assert format_message(severity, "abc", 42) == text


def test_an_unknown_keyword_looks_like_this() -> None:
    reporter = Reporter()
    reporter.alert(LINE, LINE.words[0], "unknown keyword 'bindd' in 'frontend' section", "bind")
    assert format_diagnostic(only(reporter), 4242) == (
        "[ALERT]    (4242) : config : parsing [lb.cfg:3] : "
        "unknown keyword 'bindd' in 'frontend' section; did you mean 'bind' maybe ?\n"
        "  bindd :80\n"
        "  ^"
    )


def test_the_caret_stands_under_the_word() -> None:
    reporter = Reporter()
    reporter.warning(LINE, LINE.words[1], "abc")
    assert format_diagnostic(only(reporter), 1).splitlines()[1:] == ["  bindd :80", "        ^"]


def test_a_missing_word_is_pointed_at_after_the_line() -> None:
    reporter = Reporter()
    reporter.alert(LINE, LINE.word(2), "abc")
    assert format_diagnostic(only(reporter), 1).splitlines()[1:] == ["  bindd :80", "            ^"]


def test_a_message_without_a_word_has_no_excerpt() -> None:
    reporter = Reporter()
    reporter.alert(LINE, None, "abc", glue=": ")
    assert format_diagnostic(only(reporter), 1) == "[ALERT]    (1) : config : parsing [lb.cfg:3]: abc"


def test_a_message_without_a_line_has_no_place() -> None:
    reporter = Reporter()
    reporter.alert(None, None, "abc")
    assert only(reporter) == Diagnostic(Severity.ALERT, "config : abc")


def test_a_suggestion_replaces_the_full_stop() -> None:
    reporter = Reporter()
    reporter.alert(LINE, None, "unknown keyword 'x' out of section.", "y")
    assert only(reporter).text.endswith("unknown keyword 'x' out of section; did you mean 'y' maybe ?")
    assert only(reporter).hint == "y"


def test_advice_is_given_in_diagnostic_mode_only() -> None:
    quiet, talkative = Reporter(), Reporter(diag_mode=True)
    for reporter in (quiet, talkative):
        reporter.diag(LINE, None, "abc")
    assert quiet.diagnostics.messages == []
    assert only(talkative).severity is Severity.DIAG


def test_alerts_are_counted_whoever_adds_them() -> None:
    reporter = Reporter()
    reporter.warning(None, None, "w")
    reporter.alert(None, None, "a")
    assert reporter.alerts == 1
    reporter.diagnostics.add(Diagnostic(Severity.ALERT, "b"))
    reporter.notice(None, None, "n")
    assert reporter.alerts == 2


def test_text_is_shown_as_people_wrote_it() -> None:
    assert readable("gr\udcc3\udcb6\udcc3\udc9fe") == "größe"
    assert readable("z\udce9z") == "z\\xe9z"


def test_the_caret_counts_letters_not_bytes() -> None:
    source = "größe x".encode().decode("ascii", "surrogateescape")
    line = Line("lb.cfg", 1, [], source)
    reporter = Reporter()
    reporter.alert(line, len(source), "abc")
    assert format_diagnostic(only(reporter), 1).splitlines()[1:] == ["  größe x", "        ^"]


def test_control_characters_do_not_reach_the_terminal() -> None:
    assert excerpt("a\x1b[31mb\tc\x7f", 1) == ("a?[31mb c?", 0)


def test_a_long_line_is_cut_around_the_fault() -> None:
    shown, caret = excerpt("a" * 100 + "!" + "b" * 100, 101)
    assert len(shown) == EXCERPT_WIDTH
    assert shown[caret] == "!"
    assert shown.startswith("...a") and shown.endswith("b...")


@given(st.text(st.characters(codec="ascii"), max_size=300), st.data())
def test_an_excerpt_fits_and_points_at_the_fault(source: str, data: st.DataObject) -> None:
    column = data.draw(st.integers(1, len(source) + 1))
    shown, caret = excerpt(source, column)
    assert len(shown) <= EXCERPT_WIDTH
    assert "\n" not in shown
    if column <= len(source) and source[column - 1].isalnum():
        assert shown[caret] == source[column - 1]


def test_the_files_at_fault_are_named_once() -> None:
    reporter = Reporter()
    for file in ("b.cfg", "a.cfg", "b.cfg"):
        reporter.alert(Line(file, 1, [], ""), None, "abc")
    reporter.warning(Line("c.cfg", 1, [], ""), None, "abc")
    assert [message.text for message in closing_messages(reporter.diagnostics)] == [
        "config : Error(s) found in configuration file : b.cfg",
        "config : Error(s) found in configuration file : a.cfg",
        "config : Fatal errors found in configuration.",
    ]


def test_nothing_closes_a_configuration_without_errors() -> None:
    reporter = Reporter()
    reporter.warning(None, None, "abc")
    assert closing_messages(reporter.diagnostics) == []


@pytest.mark.parametrize(
    ("word", "meant"),
    [
        ("bindd", "bind"),
        ("bnid", "bind"),
        ("BIND", "bind"),
        ("sevrer", "server"),
        ("serve", "server"),
        ("timout", "timeout"),
        ("defualt_backend", "default_backend"),
        ("log-fromat", "log-format"),
        ("lgo", "log"),
        ("mod", "mode"),
        ("balence", "balance"),
        ("default-backend", "default_backend"),
    ],
)
def test_the_nearest_word_is_meant(word: str, meant: str) -> None:
    assert suggest(word, WORDS) == meant


@pytest.mark.parametrize("word", ["", "x", "xyz", "zzzzzz", "something-else", "b" * 200, "bi"])
def test_a_word_like_nothing_means_nothing(word: str) -> None:
    assert suggest(word, WORDS) is None


def test_among_equals_the_first_letter_decides_then_the_alphabet() -> None:
    assert suggest("mole", ["pole", "mode"]) == "mode"
    assert suggest("mole", ["more", "mode"]) == "mode"


@given(st.sampled_from(WORDS), st.data())
def test_one_slip_in_a_word_is_forgiven(word: str, data: st.DataObject) -> None:
    at = data.draw(st.integers(0, len(word)))
    letter = data.draw(st.sampled_from("qxz"))
    assert suggest(word[:at] + letter + word[at:], [word]) == word
