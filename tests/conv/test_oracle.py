"""Every case of the table that a HAProxy knows, by that HAProxy."""

from __future__ import annotations

import pytest

from tests.conv.cases import Case, read_cases
from tests.conv.oracle import refusals, results
from tests.peers.haproxy import Program
from tests.peers.installed import Peers


def wrong(program: Program, cases: list[Case], zone: str) -> dict[str, tuple[str, str]]:
    """What the program says and what the table says, where they differ."""
    refused = [case for case in cases if case.expected.startswith("error: ")]
    taken = [case for case in cases if not case.expected.startswith("error: ")]
    sentences = refusals(program, [case.expression for case in refused])
    said = [(case, sentences.get(case.expression, "not refused")) for case in refused]
    said += zip(taken, results(program, [case.expression for case in taken], zone), strict=True)
    return {case.expression: (found, case.expected) for case, found in said if found != case.expected}


@pytest.mark.timeout(240)
def test_debians_haproxy_says_the_same(peers: Peers, zone: str) -> None:
    assert wrong(peers.haproxy, [case for case in read_cases() if not case.mark], zone) == {}


@pytest.mark.timeout(240)
def test_newer_haproxy_says_the_same(peers: Peers, zone: str) -> None:
    cases = [case for case in read_cases() if case.mark in ("", "2.8")]
    assert wrong(peers.newer_haproxy, cases, zone) == {}
