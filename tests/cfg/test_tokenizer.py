"""Words, their places and their quoting. What is wrong with lines is told in golden/lines."""

from __future__ import annotations

import string

import pytest
from hypothesis import given
from hypothesis import strategies as st

from lbcore.cfg.diagnostics import Reporter
from lbcore.cfg.environment import Environment
from lbcore.cfg.tokenizer import MAX_WORDS, Line, TokenError, Word, cut, tokenize

VARIABLES = {"A": "1", "LIST": "1 2\t3", "EMPTY": "", "BYTES": "caf\u00e9"}
BLANKS = " \t\v\f"


def line_of(text: str) -> Line | None:
    reporter = Reporter()
    line = tokenize(text, "lb.cfg", 7, Environment(VARIABLES), reporter)
    assert line is not None or not text.strip() or reporter.alerts or text.lstrip()[0] in "#\"'"
    return line


def texts(text: str) -> list[str]:
    return [word.text for word in cut(text, Environment(VARIABLES))]


def quote(text: str) -> str:
    r"""A word of HAProxy's language that means `text`: each byte as it is where that is safe, else as `\xNN`."""
    safe = string.ascii_letters + string.digits
    raw = text.encode("ascii", "surrogateescape")
    return "".join(chr(byte) if chr(byte) in safe else f"\\x{byte:02x}" for byte in raw)


def test_a_line_knows_where_it_stands() -> None:
    line = line_of("  bind :80")
    assert line is not None
    assert (line.file, line.number, line.source, line.where) == ("lb.cfg", 7, "  bind :80", "lb.cfg:7")


def test_words_know_their_columns() -> None:
    line = line_of("  server  s1\t10.0.0.1:80")
    assert line is not None
    assert [(word.text, word.column) for word in line.words] == [("server", 3), ("s1", 11), ("10.0.0.1:80", 14)]


def test_words_know_their_columns_behind_quotes_and_escapes() -> None:
    words = cut("a\\ b 'c d'e \"f\" g", Environment({}))
    assert [(word.text, word.column) for word in words] == [("a b", 1), ("c de", 6), ("f", 13), ("g", 17)]


@pytest.mark.parametrize(
    ("text", "quoted"),
    [
        ("abc", False),
        ('"abc"', True),
        ("'abc'", True),
        ("a\\ b", True),
        ("a\\qb", False),
        ("ab''", True),
        ("$A", False),
    ],
)
def test_a_word_knows_whether_it_was_quoted(text: str, quoted: bool) -> None:
    [word] = cut(text, Environment({}))
    assert word.quoted is quoted


@pytest.mark.parametrize("text", ["", "   ", "\t", "# comment", "   # comment", "\r", " \v\f ", '"" abc', "'' abc"])
def test_a_line_without_a_first_word_is_none(text: str) -> None:
    reporter = Reporter()
    assert tokenize(text, "lb.cfg", 1, Environment({}), reporter) is None
    assert reporter.diagnostics.messages == []


def test_a_line_ignored_for_its_empty_first_word_is_told_in_diagnostic_mode() -> None:
    reporter = Reporter(diag_mode=True)
    assert tokenize('"$NONE" "" abc', "lb.cfg", 1, Environment({}), reporter) is None
    [message] = reporter.diagnostics.messages
    assert message.text == "config : parsing [lb.cfg:1] : the line is ignored because its first word is empty."
    assert message.column == 9


def test_a_broken_line_is_none_and_told_once() -> None:
    reporter = Reporter()
    assert tokenize("abc 'def", "lb.cfg", 3, Environment({}), reporter) is None
    [message] = reporter.diagnostics.messages
    assert (message.text, message.column) == ("config : parsing [lb.cfg:3]: unmatched quote at position 5:", 5)


def test_lists_expand_to_words_with_the_column_of_the_word() -> None:
    words = cut('a "x${LIST[*]}y" b', Environment(VARIABLES))
    assert [(word.text, word.column, word.quoted) for word in words] == [
        ("a", 1, False), ("x1", 3, True), ("2", 3, True), ("3y", 3, True), ("b", 18, False),
    ]  # fmt: skip


def test_two_lists_join_in_the_middle() -> None:
    assert texts('"${LIST[*]}${LIST[*]}"') == ["1", "2", "31", "2", "3"]


@pytest.mark.parametrize(
    ("value", "expected"),
    [("", ["a", "b"]), (" ", ["a", "b"]), ("1 ", ["a", "1", "b"]), ("\t1 2\n", ["a", "1", "2", "b"])],
)
def test_blanks_around_a_list_and_an_empty_list_make_no_words(value: str, expected: list[str]) -> None:
    assert [word.text for word in cut('a "${V[*]}" b', Environment({"V": value}))] == expected


def test_values_are_not_looked_at_again() -> None:
    assert [word.text for word in cut('"$V"', Environment({"V": '$A "x" \\x41 #y'}))] == ['$A "x" \\x41 #y']


def test_a_nul_ends_its_word_and_not_the_line() -> None:
    assert texts("a\\x00b c") == ["a", "c"]


def test_bytes_survive() -> None:
    [raw, escaped] = texts('caf\udcc3\udca9 "caf\\xc3\\xa9"')
    assert raw == escaped
    assert raw.encode("ascii", "surrogateescape") == "café".encode()


def test_variables_come_as_bytes_like_the_text() -> None:
    assert texts('"$BYTES"') == ["caf\udcc3\udca9"]


def test_without_comments_a_hash_is_a_letter() -> None:
    words = cut("1 # 2", Environment({}), comments=False)
    assert [word.text for word in words] == ["1", "#", "2"]


def test_cut_raises_with_the_offset() -> None:
    with pytest.raises(TokenError, match="unmatched quote") as caught:
        cut('ab "cd', Environment({}))
    assert caught.value.offset == 3


def test_64_words_are_the_limit() -> None:
    reporter = Reporter()
    env = Environment({})
    assert tokenize(" ".join("a" * MAX_WORDS), "lb.cfg", 1, env, reporter) is not None
    assert tokenize(" ".join("a" * (MAX_WORDS + 1)), "lb.cfg", 2, env, reporter) is None
    [message] = reporter.diagnostics.messages
    assert message.text.endswith("too many words, truncating after word 64, position 127: <a>.")
    assert message.column == 129  # the word too many


def test_a_line_gives_missing_words_as_empty() -> None:
    line = line_of("bind  ")
    assert line is not None
    assert (line.text(0), line.text(1), line.word(1).text, line.word(1).column) == ("bind", "", "", 6)


def test_lines_and_words_can_be_read_in_failures() -> None:
    line = Line("f", 2, [Word("a", 1), Word("b", 3, True)], "a 'b'")
    assert repr(line) == "Line(f:2 ['a', 'b'])"
    assert repr(line.words) == "[Word('a', 1), Word('b', 3, quoted)]"
    assert str(line.words[1]) == "b"


anything = st.text(
    st.characters(min_codepoint=1, max_codepoint=127) | st.characters(min_codepoint=0xDC80, max_codepoint=0xDCFF)
)
words_of_bytes = st.lists(
    st.text(st.sampled_from([chr(code) for code in range(1, 128)] + ["\udc80", "\udcff"]), min_size=1), min_size=1
)


@given(words_of_bytes)
def test_what_is_quoted_comes_back(words: list[str]) -> None:
    assert texts(" ".join(map(quote, words))) == words


@given(words_of_bytes)
def test_single_quotes_keep_everything_but_line_ends_and_themselves(words: list[str]) -> None:
    kept = ["".join(char for char in word if char not in "'\r\n") for word in words]
    assert texts(" ".join(f"'{word}'" for word in kept)) == kept


@given(st.lists(st.text(st.sampled_from(string.ascii_letters + string.digits + "-_.:/$[]{}()%"), min_size=1)))
def test_plain_words_are_found_where_they_stand(words: list[str]) -> None:
    text = "  ".join(words)
    reporter = Reporter()
    line = tokenize(text, "lb.cfg", 1, Environment({}), reporter)
    assert [word.text for word in line.words] == words if line else not words or len(words) > MAX_WORDS
    for word in line.words if line else []:
        assert text[word.column - 1 :].startswith(word.text)


@given(anything)
def test_any_text_gives_words_or_one_alert(text: str) -> None:
    reporter = Reporter()
    line = tokenize(text.replace("\n", ""), "lb.cfg", 1, Environment(VARIABLES), reporter)
    assert reporter.alerts <= 1
    if line is not None:
        assert not reporter.alerts
        assert line.words[0].text
        assert all("\0" not in word.text for word in line.words)


@given(st.text(st.sampled_from(" \t\"'\\#$x0aF{}[*]-A.\r"), max_size=30))
def test_any_knot_of_signs_gives_words_in_order(text: str) -> None:
    try:
        words = cut(text, Environment(VARIABLES))
    except TokenError as error:
        assert 0 <= error.offset <= len(text)
        return
    columns = [word.column for word in words]
    assert columns == sorted(columns)
    assert all(1 <= column <= len(text) for column in columns)
    assert all(text[column - 1] not in BLANKS for column in columns)
