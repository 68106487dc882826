"""What all tests share: the program under test, the real peers, and the rule that nothing is skipped needlessly.

pytest --program haproxy tests/oracle        another program in lbcore's place (also: $LBCORE_PROGRAM)
"""

from __future__ import annotations

import os
import sys
from collections.abc import Generator, Iterator
from pathlib import Path
from typing import TYPE_CHECKING

import hypothesis
import pytest

# `tests.peers` is imported by its full name from everywhere, whatever import mode and directory pytest began with. Last
# in the path, so that an installed lbcore, which has its compiled module, goes before the one in the source tree.
sys.path.append(str(Path(__file__).resolve().parent.parent))

# Every balancer of the tests, embedded or a program of its own, checks the order of its locks and fails if it is wrong.
os.environ.setdefault("LBCORE_LOCK_ORDER", "1")

from tests.peers.haproxy import PROGRAM_VARIABLE, Program, program_under_test
from tests.peers.installed import Peers, missing_peers

if TYPE_CHECKING:
    from _pytest.reports import CollectReport, TestReport

# Examples share the CPUs with other tests, and with peers: how long one takes says nothing.
hypothesis.settings.register_profile("unhurried", deadline=None)
hypothesis.settings.load_profile("unhurried")


def pytest_addoption(parser: pytest.Parser) -> None:
    parser.addoption(
        "--program",
        default=None,
        help=f"command to test in the place of this Python's lbcore; also taken from ${PROGRAM_VARIABLE}",
    )


@pytest.fixture(scope="session")
def program(request: pytest.FixtureRequest) -> Program:
    """The program under test."""
    return program_under_test(request.config.getoption("--program"))


@pytest.fixture(scope="session")
def peers() -> Iterator[Peers]:
    """The session's real peers."""
    shared = Peers()
    yield shared
    shared.close()


@pytest.hookimpl(wrapper=True)
def pytest_runtest_makereport(item: pytest.Item) -> Generator[None, TestReport, TestReport]:
    report = yield
    if report.skipped and not hasattr(report, "wasxfail"):
        _forbid_skip(report)
    return report


@pytest.hookimpl(wrapper=True)
def pytest_make_collect_report(collector: pytest.Collector) -> Generator[None, CollectReport, CollectReport]:
    report = yield
    if report.skipped:
        _forbid_skip(report)
    return report


def _forbid_skip(report: TestReport | CollectReport) -> None:
    """Makes a skip a failure unless a peer is missing: a test that never runs where it could proves nothing."""
    if missing_peers():
        return
    reason = report.longrepr[2] if isinstance(report.longrepr, tuple) else report.longrepr
    report.outcome = "failed"
    report.longrepr = f"skipped although every peer is installed: {reason}"
