"""The commands about variables of the process, and the mode that `set var` needs."""

import pytest

from lbcore.cli import registry
from lbcore.cli.registry import Level
from lbcore.cli.session import Session
from lbcore.sample.types import Addr, Value
from tests.cli.fakes import ShownProcess

RESTRICTED = "This command is restricted to experimental mode only.\n"


def answers(line: str, level: Level = Level.ADMIN, **variables: Value) -> list[str]:
    """What the commands of a line are answered."""
    process = ShownProcess()
    process.variables.values.update(variables)
    session = Session(registry(), process, level)
    session.interactive = session.prompting = True
    found = (session.feed(command.encode() + b"\n").decode() for command in line.split(";"))
    return [text.removesuffix("\n> ") for text in found]


def got(line: str) -> str:
    """The variable `proc.n` after a `set var proc.n`."""
    return answers(f"experimental-mode on;set var proc.n {line};get var proc.n")[-1].strip()


@pytest.mark.parametrize(
    ("value", "shown"),
    [
        (42, "type=sint value=<42>"),
        (True, "type=bool value=<1>"),
        ("a b", "type=str value=<a b>"),
        ("a\x01\xe9", "type=str value=<a..>"),
        (b"a\x01\xe9", "type=bin value=<a..>"),
        (Addr.parse("1.2.3.4"), "type=ipv4 value=<1.2.3.4>"),
        (Addr.parse("::1"), "type=ipv6 value=<::1>"),
    ],
)
def test_get_var_shows_type_and_value(value: Value, shown: str) -> None:
    assert answers("get var proc.x", x=value) == [f"proc.x: {shown}\n"]


@pytest.mark.parametrize("name", ["proc.none", "proc.", "txn.x", "x"])
def test_only_variables_of_the_process_are_found(name: str) -> None:
    assert answers(f"get var {name}", x=1) == ["Variable not found.\n"]


def test_get_var_is_not_for_users() -> None:
    assert answers("get var proc.x", Level.USER, x=1) == ["Permission denied\n"]


@pytest.mark.parametrize(
    ("expression", "shown"),
    [
        ("int(5)", "proc.n: type=sint value=<5>"),
        ("expr str(a\\ b),upper", "proc.n: type=str value=<A B>"),
        ("fmt x%[int(5)]\\ y", "proc.n: type=str value=<x5 y>"),
        ("fmt x ignored", "proc.n: type=str value=<x>"),
        ("var(proc.none)", "Variable not found."),
        ("last_rule_line", "Variable not found."),
        ("unique-id", "Variable not found."),
    ],
)
def test_set_var_sets_what_the_expression_gives(expression: str, shown: str) -> None:
    assert got(expression) == shown


def test_conditions_of_set_var_hold_here_too() -> None:
    assert answers("experimental-mode on;set var proc.x,ifset int(2);get var proc.x", x=1)[-1] == (
        "proc.x: type=sint value=<2>\n"
    )


@pytest.mark.parametrize(
    ("arguments", "said"),
    [
        ("", "Missing process-wide variable identifier."),
        ("proc.n", "Missing either 'expr', 'fmt' or expression."),
        ("proc.n int(1) extra", "'set var': arg type must be either 'expr' or 'fmt' but got 'int(1)'."),
        ("txn.n int(1)", "'set var': cannot set variable 'txn.n', only scope 'proc' is permitted here."),
        ("proc.n foo", "unknown fetch method 'foo'"),
        ("proc.n int(1),foo", "unknown converter 'foo'"),
        ("proc.n path", ("fetch method 'set-var(proc.n)' extracts information from 'HTTP request headers', none of "
                        "which is available here")),
        ("proc.n str(a),map(/etc/hosts)", "invalid args in converter 'map' : map: cannot load map at runtime"),
        ("proc.n fmt %[str(a),map(/etc/hosts)]",
         ("failed to parse sample expression <str(a),map(/etc/hosts)]> : invalid args in converter 'map' : "
         "map: cannot load map at runtime")),
        ("proc.n nbsrv(nope)", ("parsing [CLI:0]: unable to find backend 'nope' referenced in arg 1 of sample fetch "
                               "keyword 'nbsrv' in CLI expression in proxy 'CLI'.")),
    ],
)  # fmt: skip
def test_what_can_not_be_set_is_refused(arguments: str, said: str) -> None:
    assert answers(f"experimental-mode on;set var {arguments};get var proc.n")[-2:] == [
        said + "\n",
        "Variable not found.\n",
    ]


def test_set_var_wants_experimental_mode() -> None:
    assert answers("set var proc.n int(1);get var proc.n") == [RESTRICTED, "Variable not found.\n"]


def test_experimental_mode_can_be_asked_and_left() -> None:
    line = "experimental-mode;experimental-mode on;experimental-mode;experimental-mode off;experimental-mode"
    assert answers(line) == [
        "experimental-mode is OFF\n",
        "",
        "experimental-mode is ON\n",
        "",
        "experimental-mode is OFF\n",
    ]


def test_experimental_mode_is_for_admins() -> None:
    assert answers("experimental-mode on", Level.OPERATOR) == ["Permission denied\n"]


def test_who_lowers_the_level_leaves_experimental_mode() -> None:
    assert answers("experimental-mode on;operator;set var proc.n int(1)")[-1] == RESTRICTED


def test_commands_that_are_not_settled_are_in_no_list() -> None:
    text = "".join(answers("help"))
    assert "set var" not in text
    assert "experimental-mode" not in text
    assert "get var" in text
