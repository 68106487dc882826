"""The protocol of the stats socket, byte by byte."""

from itertools import pairwise

import pytest
from hypothesis import given
from hypothesis import strategies as st

from lbcore.cli import registry as standard_registry
from lbcore.cli.registry import Call, Command, Level, Registry, Reply, error, info
from lbcore.cli.session import MAX_INPUT, Session, split_words
from tests.cli.fakes import ShownProcess


def tell(call: Call) -> Reply:
    return info(f"{'|'.join(call.args)} {call.payload!r}\n")


def dump(call: Call) -> Reply:
    return Reply("dumped\n")


def wrong(call: Call) -> Reply:
    return error("wrong\n")


def session(level: Level = Level.ADMIN, severity: str = "none") -> Session:
    registry = standard_registry()
    registry.add(
        Command(("tell",), "tell", "h", tell),
        Command(("dump",), "dump", "h", dump),
        Command(("wrong",), "wrong", "h", wrong),
        Command(("admin",), "admin", "h", dump, Level.ADMIN),
    )
    return Session(registry, ShownProcess(), level, severity)


def test_an_answer_is_followed_by_an_empty_line_and_the_end() -> None:
    it = session()
    assert it.feed(b"tell a\n") == b"a None\n\n"
    assert it.closing


@pytest.mark.parametrize("cut", range(1, 12))
def test_input_may_come_in_pieces(cut: int) -> None:
    it = session()
    whole = b"tell a b <<\nx\n\n"
    assert it.feed(whole[:cut]) == b""
    assert not it.closing
    assert it.feed(whole[cut:]) == b"a|b 'x\\n'\n\n"


@given(
    st.lists(
        st.sampled_from([b"tell a", b"dump;tell b", b"tell <<", b"x", b"", b"prompt timed", rb"tell \;\\", b"wrong;"])
    ),
    st.lists(st.integers(1, 200)),
)
def test_how_input_is_cut_makes_no_difference(lines: list[bytes], cuts: list[int]) -> None:
    whole = b"prompt\n" + b"".join(line + b"\n" for line in lines)
    bounds = [0, *sorted(cut for cut in cuts if cut < len(whole)), len(whole)]
    it = session()
    pieces = [it.feed(whole[start:end]) for start, end in pairwise(bounds)]
    assert b"".join(pieces) == session().feed(whole)


def test_semicolons_separate_commands() -> None:
    it = session()
    assert it.feed(b"tell a;tell b ; tell c\n") == b"a None\n\nb None\n\nc None\n\n"
    assert it.closing


def test_a_command_before_a_semicolon_is_answered_at_once() -> None:
    it = session()
    assert it.feed(b"tell a;tell") == b"a None\n\n"
    assert not it.closing
    assert it.feed(b" b\n") == b"b None\n\n"


def test_what_came_with_the_first_line_is_answered_too() -> None:
    it = session()
    assert it.feed(b"tell a\ntell b\n") == b"a None\n\nb None\n\n"
    assert it.closing


def test_nothing_is_answered_after_the_end() -> None:
    it = session()
    it.feed(b"tell a\n")
    assert it.feed(b"tell b\n") == b""


@pytest.mark.parametrize(
    ("line", "words"),
    [
        (r"a\;b", ["a;b"]),
        (r"a\ b", ["a b"]),
        (r"a\\ b", ["a\\", "b"]),
        (r"\\\;", ["\\;"]),
        (r"a\b", ["ab"]),
        ("a \t b", ["a", "b"]),
        ("a\\", ["a"]),
        ("", []),
    ],
)
def test_backslash_takes_the_meaning_off(line: str, words: list[str]) -> None:
    assert split_words(line) == words


def test_an_escaped_semicolon_does_not_end_a_command() -> None:
    assert session().feed(rb"tell a\;b;tell \\;tell c" + b"\n") == b"a;b None\n\n\\ None\n\nc None\n\n"


def test_an_escaped_line_end_does_not_end_a_command() -> None:
    it = session()
    assert it.feed(b"tell a \\\n") == b""
    assert it.feed(b"b\n") == b"a|\nb None\n\n"


def test_empty_commands_have_empty_answers() -> None:
    assert session().feed(b";;\n") == b"\n\n\n"


def test_a_carriage_return_before_the_line_end_is_no_part_of_it() -> None:
    assert session().feed(b"tell a\r\n") == b"a None\n\n"


def test_a_payload_ends_with_an_empty_line() -> None:
    it = session()
    assert it.feed(b"tell a <<\nx;y\n  z\\\n\ntell b\n") == b"a 'x;y\\n  z\\\\\\n'\n\nb None\n\n"


def test_a_payload_may_follow_other_commands_of_its_line() -> None:
    assert session().feed(b"dump;tell a <<\nx\n\n") == b"dumped\n\na 'x\\n'\n\n"


def test_a_payload_may_be_empty() -> None:
    assert session().feed(b"tell <<\n\n") == b" ''\n\n"


def test_a_payload_mark_glued_to_a_word_stays_in_it() -> None:
    assert session().feed(b"tell a<<\nx\n\n") == b"a<< 'x\\n'\n\n"


def test_the_payload_mark_must_stand_at_the_end_of_the_line() -> None:
    assert session().feed(b"tell << b\n") == b"<<|b None\n\n"


def test_prompt_keeps_the_session_open() -> None:
    it = session()
    assert it.feed(b"prompt\n") == b"\n> "
    assert it.feed(b"tell a\n") == b"a None\n\n> "
    assert not it.closing


def test_prompt_again_ends_with_its_line() -> None:
    it = session()
    it.feed(b"prompt\n")
    assert it.feed(b"prompt;tell a\n") == b"\na None\n\n"
    assert it.closing


def test_the_prompt_of_a_payload_is_a_plus() -> None:
    it = session()
    assert it.feed(b"prompt\ntell <<\nx\ny\n\n") == b"\n> + + +  'x\\ny\\n'\n\n> "


def test_the_timed_prompt_tells_the_uptime() -> None:
    it = session()
    assert it.feed(b"prompt timed\nprompt timed\n") == b"\n[1:02:03:04]> \n> "


def test_quit_has_no_answer_and_ends_the_line() -> None:
    it = session()
    assert it.feed(b"dump;quit;dump\n") == b"dumped\n\n"
    assert it.closing


def test_an_unfinished_line_is_not_run_when_input_ends() -> None:
    it = session()
    assert it.feed(b"tell a;admin") == b"a None\n\n"
    assert it.end_of_input() == b""
    assert it.closing


def test_an_unfinished_payload_is_not_used() -> None:
    it = session()
    assert it.feed(b"tell <<\nx\n") == b""
    assert it.end_of_input() == b""


def test_a_higher_level_is_needed() -> None:
    assert session(Level.OPERATOR).feed(b"admin\n") == b"Permission denied\n\n"
    assert session(Level.ADMIN).feed(b"admin\n") == b"dumped\n\n"


def test_levels_can_only_be_lowered() -> None:
    it = session()
    assert it.feed(b"operator;show cli level;user;show cli level;operator;admin\n") == (
        b"\noperator\n\n\nuser\n\nPermission denied\n\nPermission denied\n\n"
    )


def test_messages_are_marked_with_their_severity_dumps_are_not() -> None:
    assert session(severity="number").feed(b"tell;wrong;dump\n") == b"[6]:  None\n\n[3]: wrong\n\ndumped\n\n"


def test_severity_in_words_can_be_asked_for_and_dropped() -> None:
    it = session()
    assert it.feed(b"set severity-output string;wrong;set severity-output none;wrong\n") == (
        b"\n[err]: wrong\n\n\nwrong\n\n"
    )


def test_an_unknown_severity_output_says_what_there_is() -> None:
    assert b"one of 'none', 'number', 'string'" in session().feed(b"set severity-output x\n")


@pytest.mark.parametrize(
    ("text", "milliseconds"),
    [("10", 10_000), ("10s", 10_000), ("5ms", 5), ("2m", 120_000), ("1us", 1), ("1d", 86_400_000)],
)
def test_the_timeout_of_the_session_can_be_set(text: str, milliseconds: int) -> None:
    it = session(Level.USER)
    assert it.feed(f"set timeout cli {text}\n".encode()) == b"\n"
    assert it.timeout_ms == milliseconds


@pytest.mark.parametrize(
    ("line", "answer"),
    [
        (b"set timeout cli\n", b"Expects an integer value.\n\n"),
        (b"set timeout cli x\n", b"Invalid timeout value.\n\n"),
        (b"set timeout cli 0\n", b"Invalid timeout value.\n\n"),
        (b"set timeout x 3\n", b"'set timeout' only supports 'cli'.\n\n"),
    ],
)
def test_a_wrong_timeout_changes_nothing(line: bytes, answer: bytes) -> None:
    it = session()
    assert it.feed(line) == answer
    assert it.timeout_ms is None


def test_an_unknown_command_is_named_with_what_it_may_have_meant() -> None:
    answer = session().feed(b"sxow version x\n").decode()
    assert answer.startswith("Unknown command: 'sxow', but maybe one of the following ones is a better match:\n")
    assert "\n  show version                            : show version of the current process\n" in answer
    assert answer.endswith("\n  quit                                    : disconnect\n\n")


def test_help_lists_everything_and_the_common_ones_last() -> None:
    lines = session().feed(b"help\n").decode().splitlines()
    assert lines[0] == "The following commands are valid at this level:"
    assert lines[-4:] == [
        "  help [<command>]                        : list matching or all commands",
        "  prompt [timed]                          : toggle interactive mode with prompt",
        "  quit                                    : disconnect",
        "",
    ]
    assert len(lines) == len(list(session().registry)) + 2


def test_help_of_a_word_lists_what_begins_with_it() -> None:
    lines = session().feed(b"help show cli\n").decode().splitlines()
    assert [line.split(" : ")[0].rstrip() for line in lines[1:3]] == ["  show cli level", "  show cli sockets"]
    assert len(lines) == 7


@pytest.mark.parametrize("end", [b"", b"\n\n"])
def test_input_too_large_ends_the_session_unanswered(end: bytes) -> None:
    it = session()
    assert it.feed(b"tell <<\n" + b"x" * (MAX_INPUT + 1) + end[:0]) == b""
    assert it.closing
    assert it.feed(end) == b""


def test_many_payload_lines_cannot_grow_without_end() -> None:
    it = session()
    it.feed(b"tell <<\n")
    for _ in range(MAX_INPUT // 100 + 1):
        it.feed(b"x" * 99 + b"\n")
    assert it.closing


def test_bytes_that_are_no_utf8_come_back_as_they_were() -> None:
    assert session().feed(b"tell \xe9\n") == b"\xe9 None\n\n"


def test_sessions_do_not_share_their_level() -> None:
    registry = Registry()
    registry.add(*standard_registry())
    first = Session(registry, ShownProcess(), Level.ADMIN)
    second = Session(registry, ShownProcess(), Level.ADMIN)
    first.feed(b"user\n")
    assert second.feed(b"show cli level\n") == b"admin\n\n"


def test_an_interactive_session_may_have_no_prompt() -> None:
    it = session()
    assert it.feed(b"prompt i\ntell a\n") == b"\na None\n\n"
    assert not it.closing
    assert it.feed(b"prompt p\n") == b"\n> "
    assert it.feed(b"prompt n\n") == b"\n"
    assert it.closing


@pytest.mark.parametrize("word", ["help", "h"])
def test_prompt_tells_what_it_takes(word: str) -> None:
    assert session().feed(f"prompt {word}\n".encode()).startswith(b"Usage: prompt [help | n | i | p | timed]*")


def test_an_unknown_prompt_mode_changes_nothing() -> None:
    it = session()
    assert it.feed(b"prompt x\n") == b"Unknown prompt mode 'x'. Use 'prompt help'.\n\n"
    assert it.closing


def test_expert_mode_goes_with_the_level() -> None:
    it = session(Level.ADMIN)
    told = it.feed(b"expert-mode on;expert-mode;expert-mode off;expert-mode;expert-mode on;operator;expert-mode\n")
    assert told == b"\nexpert-mode is ON\n\n\nexpert-mode is OFF\n\n\n\nPermission denied\n\n"
    assert not it.expert
