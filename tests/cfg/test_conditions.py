"""Conditions of `.if` and `-cc`. Their error texts in `.if` are told in golden/lines."""

from __future__ import annotations

import itertools
import re
import shutil
import subprocess
import sys

import pytest
from hypothesis import given
from hypothesis import strategies as st

from lbcore.cfg.conditions import PREDICATES, ConditionContext, ConditionError, evaluate, evaluate_argument
from lbcore.cfg.environment import Environment

HAPROXY = shutil.which("haproxy", path="/usr/sbin:/usr/local/sbin:/usr/bin")
VARIABLES = {"ONE": "1", "EMPTY": "", "LIST": "1 && 0"}


def context(
    version: str = "3.2.0", ssl_library: str = "OpenSSL 3.0.17 1 Jul 2025", awslc_api: int = 0
) -> ConditionContext:
    return ConditionContext(
        Environment(VARIABLES),
        version,
        features={"OPENSSL": True, "LUA": False},
        enabled={"SPLICE": True, "EPOLL": False},
        ssl_library=ssl_library,
        awslc_api=awslc_api,
    )


@pytest.mark.parametrize(
    "text", ["1", "-1", "+7", "0x10", "010", "!0", "!!1", "! 0", "(1)", "( 1 )", "1&&1", "0||1", "!(0)", "((1))"]
)
def test_is_true(text: str) -> None:
    assert evaluate(text, context()) is True


@pytest.mark.parametrize("text", ["", "0", "-0", "0x0", "000", "!1", "!!0", "(0)", "1&&0", "0||0", "!(1)", "!1||0"])
def test_is_false(text: str) -> None:
    assert evaluate(text, context()) is False


@pytest.mark.parametrize("values", list(itertools.product((0, 1), repeat=4)))
def test_and_binds_tighter_than_or(values: tuple[int, ...]) -> None:
    a, b, c, d = values
    assert evaluate(f"{a} && {b} || {c} && !{d}", context()) is bool((a and b) or (c and not d))
    assert evaluate(f"{a} && ({b} || {c}) && !{d}", context()) is bool(a and (b or c) and not d)


@pytest.mark.parametrize(
    ("older", "newer"),
    [
        ("3.1", "3.2"),
        ("3.2-dev1", "3.2-dev2"),
        ("3.2-dev9", "3.2-dev10"),
        ("3.2-dev10", "3.2-rc1"),
        ("3.2-rc2", "3.2.0"),
        ("3.2.0", "3.2.1"),
        ("3.2.9", "3.2.10"),
        ("2.9.99", "3.0"),
        ("3.2.0-1", "3.2.1-0"),
        ("", "0.1"),
    ],
)
def test_versions_sort(older: str, newer: str) -> None:
    assert not evaluate(f"version_atleast({newer})", context(version=older))
    assert evaluate(f"version_before({newer})", context(version=older))
    assert evaluate(f"version_atleast({older})", context(version=newer))
    assert not evaluate(f"version_before({older})", context(version=newer))


@pytest.mark.parametrize("same", ["3.2", "3.2.0", "3.2.0-1+deb12u1", "3.2-abcdef"])
def test_what_is_missing_from_a_version_is_zero(same: str) -> None:
    assert evaluate(f"version_atleast({same}) && !version_before({same})", context(version="3.2.0"))


@pytest.mark.parametrize(
    ("wanted", "reached"),
    [
        ("1.1.1", True),
        ("1.1.1w", True),
        ("3.0.17", True),
        ("3.0.17-dev", True),
        ("3.0.18", False),
        ("3.0.18-beta1", False),
        ("3.0.17a", False),
        ("4.0.0", False),
    ],
)
def test_openssl_versions_sort(wanted: str, reached: bool) -> None:
    assert evaluate(f"openssl_version_atleast({wanted})", context()) is reached
    assert evaluate(f"openssl_version_before({wanted})", context()) is not reached


@pytest.mark.parametrize(
    "question", ["openssl_version_atleast(1.0.0)", "openssl_version_before(9.0.0)", "ssllib_name_startswith()"]
)
def test_without_tls_its_library_has_no_version(question: str) -> None:
    assert evaluate(question, context(ssl_library="")) is False


def test_the_tls_library_has_a_name() -> None:
    assert evaluate("ssllib_name_startswith(Open)", context())
    assert not evaluate("ssllib_name_startswith(AWS-LC)", context())


def test_aws_lc_has_an_api_number() -> None:
    aws = context(ssl_library="AWS-LC 1.50.0", awslc_api=32)
    assert evaluate("awslc_api_atleast(32) && !awslc_api_atleast(33)", aws)
    assert not evaluate("awslc_api_atleast(1)", context())
    with pytest.raises(
        ConditionError, match="invalid argument to conditional expression predicate 'awslc_api_atleast': 'x'"
    ):
        evaluate("awslc_api_atleast(x)", aws)


@pytest.mark.parametrize(
    ("text", "value"),
    [
        ("defined(ONE)", True),
        ("defined(EMPTY)", True),
        ("defined(NONE)", False),
        ("defined", False),
        ("feature(OPENSSL)", True),
        ("feature(LUA)", False),
        ("feature(NONE)", False),
        ("feature()", False),
        ("enabled(SPLICE)", True),
        ("enabled(EPOLL)", False),
        ("enabled(NONE)", False),
        ("enabled", False),
        ("streq(a,a)", True),
        ("streq(a,b)", False),
        ("streq(,)", True),
        ("streq( a,a)", False),
        ("strneq(a,b)", True),
        ("strneq(a,a)", False),
        ("strstr(abc,b)", True),
        ("strstr(b,abc)", False),
        ("strstr(a,)", True),
    ],
)
def test_predicates_answer(text: str, value: bool) -> None:
    assert evaluate(text, context()) is value


@pytest.mark.parametrize(
    "text",
    [
        "streq('a,b',\"a,b\")",
        "streq(a\\ b,'a b')",
        "streq('a'b\"c\",abc)",
        "streq(a\\\\b,'a\\b')",
        "streq(\"a\\tb\",'a\tb')",
        "streq(a\\qb,'a\\qb')",
        "streq(')',\")\")",
        'streq(\\"\\\',"\\"\'")',
    ],
)
def test_arguments_have_quotes_and_escapes_of_their_own(text: str) -> None:
    assert evaluate(text, context())


def test_nothing_is_asked_that_does_not_matter() -> None:
    assert evaluate("1 || openssl_version_atleast(x)", context())
    assert not evaluate("0 && openssl_version_atleast(x)", context())


def test_every_fault_has_its_place() -> None:
    with pytest.raises(ConditionError, match="unparsable conditional expression 'foo'") as caught:
        evaluate("1 && foo", context())
    assert caught.value.offset == 5


@pytest.mark.parametrize("name", sorted(PREDICATES))
def test_every_predicate_refuses_an_argument_too_many(name: str) -> None:
    with pytest.raises(ConditionError, match=r"expected '\)' before ',x\)' in argument 1 of predicate"):
        evaluate(f"{name}({','.join('1' * PREDICATES[name].most)},x)", context())


@pytest.mark.parametrize(
    ("text", "value"),
    [
        ("1", True),
        ("", False),
        ("  ", False),
        ("0", False),
        ('streq("$ONE",1)', True),
        ('"${LIST[*]}"', False),
        ("! 0", True),
    ],
)
def test_the_argument_of_cc_is_cut_like_a_line(text: str, value: bool) -> None:
    assert evaluate_argument(text, context()) is value


@pytest.mark.parametrize(
    ("text", "message"),
    [
        ("foo", "Failed to evaluate condition: unparsable conditional expression 'foo'"),
        (
            "1 # 2",
            "Failed to evaluate condition: unexpected character '#' at the end of conditional expression '1 # 2'",
        ),
        (
            "streq(a",
            (
                "Failed to evaluate condition: missing arguments (got 1/2), type 'string' expected in argument 1 of "
                "predicate 'streq' used in conditional expression"
            ),
        ),
        ('"abc', "Syntax Error in condition: Unmatched quote."),
        ("\\x4", "Syntax Error in condition: Truncated or invalid hexadecimal sequence."),
        ('"${ONE"', "Syntax Error in condition: Unmatched brace in environment variable name."),
        ("1 " * 65, "Error in condition: Too many words."),
    ],
)
def test_the_argument_of_cc_may_be_wrong(text: str, message: str) -> None:
    with pytest.raises(ConditionError) as caught:
        evaluate_argument(text, context())
    assert str(caught.value) == message


@pytest.mark.skipif(HAPROXY is None, reason="needs the haproxy of the distribution")
@pytest.mark.parametrize(
    "text",
    [
        "1",
        "0",
        "",
        "foo",
        "1 # 2",
        '"abc',
        "\\x4",
        'streq("$ONE",1)',
        "defined(ONE) && !defined(NONE)",
        "streq(a",
        "1 1",
        '1 "" 0',
        "version_atleast(2.6)",
        "version_before(2.6-dev1)",
        "feature(OPENSSL)",
        "(1",
        "1)",
        "!",
        "1 ||",
        "${ONE}",
        "'streq(\"a b\",a\\ b)'",
    ],
)
def test_cc_answers_as_haproxy_does(text: str) -> None:
    run = subprocess.run(
        [HAPROXY or "", "-cc", text], env=VARIABLES, capture_output=True, text=True, timeout=20, check=False
    )
    [*said] = re.findall(r"^\[ALERT\] +\(\d+\) : config : (.*)$", run.stderr, re.MULTILINE)
    try:
        assert run.returncode == (0 if evaluate_argument(text, context(version="2.6.12")) else 1)
    except ConditionError as error:
        assert (run.returncode, said) == (2, [str(error)])


def test_nothing_heavy_is_imported() -> None:
    code = "import sys, lbcore.cfg.conditions; print(*sorted(sys.modules))"
    run = subprocess.run([sys.executable, "-c", code], capture_output=True, text=True, timeout=20, check=True)
    assert not {"lark", "asyncio", "socket", "dataclasses", "argparse", "h2", "dns", "OpenSSL"} & set(
        run.stdout.split()
    )


@given(st.text(st.sampled_from("01!()&| x,'\"\\-")))
def test_any_text_is_true_false_or_wrong_somewhere(text: str) -> None:
    try:
        assert evaluate(text, context()) in (True, False)
    except ConditionError as error:
        assert error.offset is not None and 0 <= error.offset <= len(text)


expressions = st.recursive(
    st.sampled_from(["0", "1"]),
    lambda inner: st.one_of(
        inner.map(lambda e: f"!({e})"),
        st.tuples(inner, inner).map(lambda p: f"({p[0]} && {p[1]})"),
        st.tuples(inner, inner).map(lambda p: f"({p[0]} || {p[1]})"),
    ),
    max_leaves=12,
)


@given(expressions)
def test_it_agrees_with_python(text: str) -> None:
    python = text.replace("!", " not ").replace("&&", " and ").replace("||", " or ")
    assert evaluate(text, context()) is bool(eval(python))  # digits, parentheses and operators only
